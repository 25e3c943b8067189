#include "certs/trust/certificate_names.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "inspect/jid.h"

namespace sallyport::trust {
namespace {

constexpr std::string_view kDns = "dns:", kSrv = "srv:", kXmpp = "xmpp:";
constexpr std::string_view kXmppAddrOid = "1.3.6.1.5.5.7.8.5";
constexpr std::string_view kSrvNameOid = "1.3.6.1.5.5.7.8.7";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_ascii(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

// Names are compared, recorded and shown, so nothing but plain characters gets as far as that.
bool is_host_text(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
           c == '*';
  });
}

bool is_plain_text(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x21 || c == 0x7F; });
}

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
    if (is_plain_text(text)) return std::string(kXmpp).append(text);
  }
  return std::nullopt;
}

bool dns_name_covers(std::string_view pattern, std::string_view domain) {
  if (!pattern.starts_with("*.")) return pattern.find('*') == pattern.npos && same_ascii(pattern, domain);
  const auto parent = pattern.substr(2);
  const auto dot = domain.find('.');
  return dot != domain.npos && dot > 0 && parent.find('*') == parent.npos && parent.find('.') != parent.npos &&
         same_ascii(parent, domain.substr(dot + 1));
}

bool srv_name_covers(std::string_view name, std::string_view domain, Service service) {
  const std::string_view label = service == Service::XmppServer ? "_xmpp-server." : "_xmpp-client.";
  return name.size() > label.size() && same_ascii(name.substr(0, label.size()), label) &&
         same_ascii(name.substr(label.size()), domain);
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

bool names_domain(const std::vector<std::string>& names, std::string_view domain, Service service) {
  const std::string ascii = inspect::Jid::to_ascii(domain);
  if (domain.empty() || ascii.empty()) return false;
  return std::ranges::any_of(names, [&](std::string_view name) {
    if (name.starts_with(kDns)) return dns_name_covers(name.substr(kDns.size()), ascii);
    if (name.starts_with(kSrv)) return srv_name_covers(name.substr(kSrv.size()), ascii, service);
    if (!name.starts_with(kXmpp)) return false;
    const auto prepared = inspect::Jid::prepare_domain(name.substr(kXmpp.size()));
    return prepared && *prepared == domain;
  });
}

}  // namespace sallyport::trust
