// What [[peering]] and [[login]] have in common.
#include <algorithm>
#include <iterator>

#include "policy/presence/harvest.h"
#include "policy/source/key_forms.h"
#include "policy/source/keys.h"

namespace sallyport::policy::source {
namespace {

void read_stanzas(Reading& in, const toml::node& node, GrantText& out) {
  in.each(node, "kinds of stanzas: [\"message\", \"presence\", \"iq\"]", [&](const toml::node& element) {
    const auto written = in.text(element, "\"message\", \"presence\" or \"iq\"");
    if (!written) return;
    if (written->text == name(Kind::Message)) {
      out.rule.message = true;
    } else if (written->text == name(Kind::Presence)) {
      out.rule.presence = true;
    } else if (written->text == name(Kind::Iq)) {
      out.rule.iq = true;
    } else {
      in.mistake(element.source(), "there is no kind of stanza " + source::quoted(written->text),
                 "write \"message\", \"presence\" or \"iq\"");
    }
  });
}

/// A key of what is said about presence.
Key<GrantText> of_presence(const Key<presence::Settings>& key) {
  return {
      key.name, key.type, key.fallback, key.meaning, false, [key](Reading& in, const toml::node& node, GrantText& out) {
        key.read(in, node, out.rule.presence_rules);
      }};
}

const std::vector<std::pair<std::string, presence::Part>>& presence_parts() {
  using enum presence::Part;
  static const std::vector<std::pair<std::string, presence::Part>> kParts = {
      {"show", Show},     {"status", Status}, {"priority", Priority}, {"caps", Caps},  {"idle", Idle},
      {"avatar", Avatar}, {"nick", Nick},     {"delay", Delay},       {"other", Other}};
  return kParts;
}

void read_presence_parts(Reading& in, const toml::node& node, GrantText& out) {
  out.rule.presence_rules.parts = 0;
  in.each(node, "parts of presence: [\"show\", \"status\"]", [&](const toml::node& element) {
    const auto written = in.text(element, "the name of a part in quotes");
    if (!written) return;
    const auto found = std::ranges::find(presence_parts(), written->text, [](const auto& each) { return each.first; });
    if (found == presence_parts().end())
      return in.mistake(element.source(), "there is no part of presence " + source::quoted(written->text),
                        "the parts are show, status, priority, caps, idle, avatar, nick, delay and other");
    out.rule.presence_rules.parts |= presence::bit(found->second);
  });
}

/// The presence stage (protocol.md section 6).
void add_presence_keys(std::vector<Key<GrantText>>& keys) {
  using S = presence::Settings;
  keys.push_back(of_presence(choice<S>(
      "presence", &S::gate,
      {{"strict", presence::Gate::Strict}, {"revoked", presence::Gate::Revoked}, {"open", presence::Gate::Open}},
      "Whose presence crosses. `strict`: of accounts to those who hold a subscription, and into and out of the rooms "
      "of `room_services`; `revoked`: all but that of subscriptions which were cancelled or revoked; `open`: all.")));
  keys.push_back(domains("room_services", &GrantText::room_services,
                         "Domains of rooms (XEP-0045): whoever joins a room there hears it until he leaves, without "
                         "any subscription."));
  keys.push_back({"presence_parts", "list of parts", "[\"show\", \"status\"]",
                  "What available presence may carry: `show`, `status`, `priority`, `caps`, `idle`, `avatar`, `nick`, "
                  "`delay`, `other`. The rest is taken out, and all of it from unavailable presence. With the "
                  "transparency `full` everything crosses.",
                  false, read_presence_parts});
  keys.push_back(presence_count("strangers_per_hour", &S::strangers, presence::kMostStrangers,
                                "How many accounts one account may write to within an hour without a subscription "
                                "between the two; beyond that it is refused, and there is an alarm. 0: any number."));
}

}  // namespace

Key<GrantText> subscriptions(const std::vector<std::pair<std::string, presence::Phase>>& phases,
                             const std::string& and_learn) {
  return of_presence(choice<presence::Settings>(
      "subscriptions", &presence::Settings::phase, phases,
      "For the time in which the guard is put into a running federation. `enforce`: what `presence` says is refused; "
      "`warn`: it crosses and the record says why it would have been refused" +
          and_learn + ". What was cancelled or revoked stays closed."));
}

Key<GrantText> presence_count(const std::string& name, std::uint16_t presence::Settings::* member, std::int64_t most,
                              std::string meaning) {
  const std::string range = "0 to " + std::to_string(most);
  return {name,
          "whole number, " + range,
          std::to_string(presence::Settings().*member),
          std::move(meaning),
          false,
          [=](Reading& in, const toml::node& node, GrantText& out) {
            const auto* value = node.as_integer();
            if (!value || value->get() < 0 || value->get() > most)
              return in.mistake(node.source(), "'" + name + "' is not a whole number from " + range,
                                "write a number from " + range + ", without quotes");
            out.rule.presence_rules.*member = static_cast<std::uint16_t>(value->get());
          }};
}

std::vector<Key<GrantText>> grant_keys() {
  using G = GrantText;
  std::vector<Key<G>> keys = {
      required(Key<G>{"id", "name", "", "The name of the rule in every record that it decides.", false,
                      [](Reading& in, const toml::node& node, G& out) {
                        if (const auto written = in.name(node)) out.rule.id = written->text;
                      }}),
      required(Key<G>{"stanzas", "list of \"message\", \"presence\", \"iq\"", "",
                      "The kinds of stanzas that may cross.", false, read_stanzas}),
      rule_choice<MessageRefusal>("refused_messages", &Peering::refusal,
                                  {{"policy-violation", MessageRefusal::PolicyViolation},
                                   {"service-unavailable", MessageRefusal::ServiceUnavailable},
                                   {"silence", MessageRefusal::Silence}},
                                  "What the sender of a message hears that policy refuses."),
      table<G, PeeringLabelsText>("labels", peering_labels_section(),
                                  "The table [peering.labels] or [login.labels] below it.",
                                  [](G& g) -> PeeringLabelsText& { return g.labels; })};
  std::ranges::move(payload_keys(), std::back_inserter(keys));
  add_presence_keys(keys);
  keys.push_back({"rate", "table", "", "The table [peering.rate] or [login.rate] below it: what differs from [rate].",
                  false, [](Reading& in, const toml::node& node, G& out) {
                    out.rate = node.as_table();
                    if (!out.rate)
                      in.mistake(node.source(), "'rate' is not a table",
                                 "write [peering.rate] or [login.rate] below it");
                  }});
  std::ranges::move(request_keys(), std::back_inserter(keys));
  keys.push_back(rule_choice<RefusalTiming>(
      "negative_answers", &Peering::timing, {{"at-once", RefusalTiming::AtOnce}, {"padded", RefusalTiming::Padded}},
      "When a negative answer to an iq request leaves. `padded`: at the end of a quarter of a second after the "
      "request, plus up to another one by chance, so that its time does not tell whether the guard made it or a server "
      "far away."));
  return keys;
}

}  // namespace sallyport::policy::source
