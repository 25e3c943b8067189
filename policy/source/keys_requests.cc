// The keys of [[peering]] and [[login]] that say which iq requests may cross.
#include "policy/source/key_forms.h"
#include "policy/source/keys.h"

namespace sallyport::policy::source {
namespace {

/// "NAMESPACE", "get NAMESPACE" or "set NAMESPACE".
std::optional<RequestGrant> read_request(Reading& in, const toml::node& node, Target target) {
  constexpr std::size_t kLongestNamespace = 256;
  const auto written = in.text(node, "the namespace of a payload in quotes");
  if (!written) return std::nullopt;
  std::string_view text = written->text;
  RequestGrant grant{.to = target, .get = true, .set = true, .ns = {}};
  if (text.starts_with("get ")) grant.set = false;
  if (text.starts_with("set ")) grant.get = false;
  if (!grant.get || !grant.set) text.remove_prefix(4);
  const bool clean = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F && c != '"'; });
  if (text.empty() || text.size() > kLongestNamespace || !clean) {
    in.mistake(node.source(), "'" + written->text + "' is not the namespace of a payload",
               "write one, such as \"urn:xmpp:ping\", after \"get \" or \"set \" if only that may cross; \"*\" is any");
    return std::nullopt;
  }
  grant.ns = text;
  return grant;
}

std::string written_as(const RequestGrant& grant) {
  return quoted((grant.get && grant.set ? "" : grant.get ? "get " : "set ") + grant.ns);
}

/// The requests that may go to one form of address. The list takes the place of the default.
Key<GrantText> requests(const std::string& name, Target target, std::string meaning) {
  std::string fallback;
  for (const RequestGrant& grant : default_requests())
    if (grant.to == target) fallback += (fallback.empty() ? "" : ", ") + written_as(grant);
  return {name,
          "list of namespaces",
          "[" + fallback + "]",
          std::move(meaning),
          false,
          [=](Reading& in, const toml::node& node, GrantText& out) {
            std::erase_if(out.rule.requests, [&](const RequestGrant& grant) { return grant.to == target; });
            in.each(node, "a list of namespaces: [\"urn:xmpp:ping\"]", [&](const toml::node& element) {
              if (auto grant = read_request(in, element, target)) out.rule.requests.push_back(std::move(*grant));
            });
          }};
}

}  // namespace

std::vector<Key<GrantText>> request_keys() {
  return {
      requests("requests_to_domain", Target::Domain,
               "iq requests to a server itself that may cross, by the namespace of their payload. What is not named: "
               "the guard answers pings and the discovery of a server and of the components that may be reached, and "
               "refuses the rest."),
      requests("requests_to_account", Target::Account,
               "The same for the bare address of a user. Only who may know of the account (`presence`) gets that far."),
      requests("requests_to_session", Target::Session,
               "The same for the full address of a user, and only for one that was shown to the requester."),
      requests("requests_to_service", Target::Service,
               "The same for a component as such, for instance a room service."),
      requests("requests_to_room", Target::Room,
               "The same for the bare address of a room, or of whatever else a component has."),
      requests("requests_to_occupant", Target::Occupant,
               "The same for the address of somebody in a room, and only for a requester who is in it as well.")};
}

}  // namespace sallyport::policy::source
