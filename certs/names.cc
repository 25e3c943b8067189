#include "certs/names.h"

#include <algorithm>

#include "inspect/jid.h"

namespace sallyport::certs {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_ascii(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool dns_name_covers(std::string_view pattern, std::string_view domain) {
  if (!pattern.starts_with("*.")) return !pattern.contains('*') && same_ascii(pattern, domain);
  const auto parent = pattern.substr(2);
  const auto dot = domain.find('.');
  return dot != domain.npos && dot > 0 && !parent.contains('*') && parent.contains('.') &&
         same_ascii(parent, domain.substr(dot + 1));
}

bool srv_name_covers(std::string_view name, std::string_view domain, Service service) {
  const std::string_view label = service == Service::XmppServer ? "_xmpp-server." : "_xmpp-client.";
  return name.size() > label.size() && same_ascii(name.substr(0, label.size()), label) &&
         same_ascii(name.substr(label.size()), domain);
}

}  // namespace

bool is_host_text(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || std::string_view("-_.*").contains(c);
  });
}

bool is_address_text(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x21 || c == 0x7F; });
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

std::vector<std::string> accounts(const std::vector<std::string>& names, std::string_view domain) {
  std::vector<std::string> found;
  for (const std::string_view name : names) {
    if (!name.starts_with(kXmpp)) continue;
    const auto account = inspect::Jid::parse(name.substr(kXmpp.size()), inspect::JidProfile::Unicode);
    if (account && account->is_bare() && !account->local().empty() && account->domain() == domain)
      found.emplace_back(account->bare());
  }
  return found;
}

}  // namespace sallyport::certs
