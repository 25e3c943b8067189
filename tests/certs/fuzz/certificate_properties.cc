#include <algorithm>

#include "certs/trust/anchors.h"
#include "tests/certs/fuzz/properties.h"
#include "tests/certs/pki.h"

namespace sallyport::tests {
namespace {

std::shared_ptr<const trust::Anchors> some_anchors() {
  const Directory files;
  Authority authority{"authority"};
  const auto anchor = files.write("anchor.pem", {authority.certificate()});
  return *trust::Anchors::load({.anchors = {anchor}});
}

bool is_plain(const std::string& name) {
  return std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x21 || c == 0x7F; });
}

}  // namespace

std::string certificate_fault(std::string_view der) {
  static const auto anchors = some_anchors();
  const auto* octets = reinterpret_cast<const unsigned char*>(der.data());
  const trust::CertificatePtr certificate{d2i_X509(nullptr, &octets, static_cast<long>(der.size()))};
  if (!certificate) return "";
  const auto facts = anchors->judge(certificate.get(), nullptr, "alpha.test", trust::Service::XmppServer, kNow);
  if (facts.chain) return "a stranger's certificate has a chain";
  if (facts.revocation == trust::Revocation::Good) return "a stranger's certificate is known not to be revoked";
  if (facts.problem.empty()) return "no reason is given";
  if (facts.names.size() > trust::kMostNames) return "more names than the limit";
  if (!std::ranges::all_of(facts.names, is_plain)) return "a name with a control character";
  return "";
}

}  // namespace sallyport::tests
