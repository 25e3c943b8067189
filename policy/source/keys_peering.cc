// [[peering]].
#include <iterator>

#include "policy/source/key_forms.h"
#include "policy/source/keys.h"

namespace sallyport::policy::source {
namespace {

void read_stanzas(Reading& in, const toml::node& node, PeeringText& out) {
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
      in.mistake(element.source(), "there is no kind of stanza " + quoted(written->text),
                 "write \"message\", \"presence\" or \"iq\"");
    }
  });
}

/// A key of a peering's rule.
template <class V>
Key<PeeringText> rule_choice(const std::string& name, V Peering::* member,
                             const std::vector<std::pair<std::string, V>>& words, std::string meaning) {
  const Key<Peering> key = choice<Peering>(name, member, words, std::move(meaning));
  return {key.name,     key.type,
          key.fallback, key.meaning,
          false,        [key](Reading& in, const toml::node& node, PeeringText& out) { key.read(in, node, out.rule); }};
}

}  // namespace

Section<PeeringText> peering_section() {
  using P = PeeringText;
  std::vector<Key<P>> keys = {
      required(Key<P>{"id", "name", "", "The name of the rule in every record that it decides.", false,
                      [](Reading& in, const toml::node& node, P& out) {
                        if (const auto written = in.name(node)) out.rule.id = written->text;
                      }}),
      required(domains<P>("from", &P::from, "Domains of one side.")),
      required(domains<P>("to", &P::to, "Domains of the other side.")),
      required(choice<P>("direction", &P::both, {{"forward", false}, {"both", true}},
                         "`forward`: stanzas go from `from` to `to`; `both`: also back.")),
      required(Key<P>{"stanzas", "list of \"message\", \"presence\", \"iq\"", "",
                      "The kinds of stanzas that may cross.", false, read_stanzas}),
      rule_choice<Proof>("proof", &Peering::proof,
                         {{"external", Proof::External}, {"dialback", Proof::ExternalOrDialback}},
                         "How a peer must prove its domain: `external` by its certificate; `dialback` also by dialback "
                         "inside TLS, which is weaker."),
      rule_choice<inspect::JidProfile>(
          "addresses", &Peering::jids,
          {{"ascii", inspect::JidProfile::Ascii}, {"unicode", inspect::JidProfile::Unicode}},
          "Which localparts may cross: those of ASCII, or also others on which both preparations of addresses agree."),
      rule_choice<MessageRefusal>("refused_messages", &Peering::refusal,
                                  {{"policy-violation", MessageRefusal::PolicyViolation},
                                   {"service-unavailable", MessageRefusal::ServiceUnavailable},
                                   {"silence", MessageRefusal::Silence}},
                                  "What the sender of a message hears that policy refuses.")};
  std::ranges::move(payload_keys(), std::back_inserter(keys));
  return {
      "[[peering]]",
      "A rule that lets stanzas cross. What no peering names does not cross. An ordered pair of domains may stand in "
      "one peering only.",
      std::move(keys)};
}

}  // namespace sallyport::policy::source
