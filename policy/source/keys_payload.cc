// The keys of [[peering]] and [[login]] that say what may cross besides text.
#include "policy/source/key_forms.h"
#include "policy/source/keys.h"

namespace sallyport::policy::source {
namespace {

Key<GrantText> switches_key(const std::string& name, Switches PayloadsText::* member, std::string meaning) {
  return {name,
          "list of switches",
          "",
          std::move(meaning),
          false,
          [=](Reading& in, const toml::node& node, GrantText& out) {
            in.each(node, "the names of switches: [\"receipts\"]", [&](const toml::node& element) {
              const auto written = in.text(element, "the name of a switch in quotes");
              if (!written) return;
              const auto found = switch_named(written->text);
              std::vector<std::string_view> names;
              for (const SwitchRow& row : switch_rows()) names.push_back(row.name);
              const std::string_view meant = inspect::nearest(written->text, names);
              if (!found)
                return in.mistake(element.source(), "there is no switch " + quoted(written->text),
                                  meant.empty() ? "docs/reference/policy.md lists the switches"
                                                : "did you mean " + quoted(meant) + "?");
              if (out.payloads.allow.has(*found) || out.payloads.deny.has(*found))
                return in.mistake(element.source(), "the switch " + quoted(written->text) + " stands here already",
                                  "a switch is allowed or denied once; take one of the two away");
              (out.payloads.*member).add(*found);
            });
          }};
}

void read_nodes(Reading& in, const toml::node& node, GrantText& out) {
  in.each(node, "names of nodes: [\"urn:xmpp:avatar:metadata\"]", [&](const toml::node& element) {
    const auto written = in.text(element, "the name of a node in quotes");
    if (!written) return;
    std::vector<std::string>& nodes = out.rule.pep_nodes;
    const auto place = std::ranges::lower_bound(nodes, written->text);
    if (place != nodes.end() && *place == written->text)
      return in.mistake(element.source(), "the node " + quoted(written->text) + " stands here twice",
                        "take one of the two away");
    nodes.insert(place, written->text);
  });
}

}  // namespace

std::vector<Key<GrantText>> payload_keys() {
  std::vector<std::pair<std::string, Profile>> profiles;
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastProfile); ++i)
    profiles.emplace_back(name(static_cast<Profile>(i)), static_cast<Profile>(i));
  const Key<PayloadsText> profile = choice<PayloadsText>(
      "payloads", &PayloadsText::profile, profiles,
      "The profile: which payloads may cross besides the text of messages and presence. See Profiles and switches.");
  return {{profile.name, profile.type, profile.fallback, profile.meaning, false,
           [profile](Reading& in, const toml::node& node, GrantText& out) { profile.read(in, node, out.payloads); }},
          switches_key("allow", &PayloadsText::allow, "Switches that are on besides those of the profile."),
          switches_key("deny", &PayloadsText::deny, "Switches of the profile that are off."),
          {"pep_nodes", "list of names of nodes", "",
           "Nodes of accounts whose events may cross, if the switch `pep` is on. Without it none.", false, read_nodes}};
}

}  // namespace sallyport::policy::source
