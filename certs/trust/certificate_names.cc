#include "certs/trust/certificate_names.h"

#include <memory>
#include <optional>

#include <openssl/objects.h>
#include <openssl/x509v3.h>

namespace sallyport::trust {
namespace {

using certs::is_address_text, certs::is_host_text;
using certs::kDns, certs::kSrv, certs::kXmpp, certs::kSrvNameOid, certs::kXmppAddrOid;

std::string_view octets(const ASN1_STRING* string) {
  const int length = ASN1_STRING_length(string);
  if (length <= 0 || length > 1023) return {};
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)), static_cast<std::size_t>(length)};
}

std::optional<std::string> other_name(const OTHERNAME& other) {
  char oid[64];
  const int length = OBJ_obj2txt(oid, sizeof oid, other.type_id, 1);
  if (length <= 0 || static_cast<std::size_t>(length) >= sizeof oid || other.value == nullptr) return std::nullopt;
  if (oid == kSrvNameOid && other.value->type == V_ASN1_IA5STRING) {
    const auto text = octets(other.value->value.ia5string);
    if (is_host_text(text)) return std::string(kSrv).append(text);
  }
  if (oid == kXmppAddrOid && other.value->type == V_ASN1_UTF8STRING) {
    const auto text = octets(other.value->value.utf8string);
    if (is_address_text(text)) return std::string(kXmpp).append(text);
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> certificate_names(const X509* certificate) {
  struct FreeNames {
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  };
  std::vector<std::string> found;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  if (!names) return found;
  for (int at = 0; at < sk_GENERAL_NAME_num(names.get()) && found.size() < kMostNames; ++at) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), at);
    if (name->type == GEN_DNS) {
      if (const auto text = octets(name->d.dNSName); is_host_text(text))
        found.push_back(std::string(kDns).append(text));
    } else if (name->type == GEN_OTHERNAME) {
      if (auto other = other_name(*name->d.otherName)) found.push_back(*std::move(other));
    }
  }
  return found;
}

}  // namespace sallyport::trust
