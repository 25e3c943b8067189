#include "policy/source/keys.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sallyport::policy::source {
namespace {

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

template <class T>
Key<T> required(Key<T> key) {
  key.required = true;
  key.fallback.clear();
  return key;
}

/// One word of a list; the default is that of T.
template <class T, class V>
Key<T> choice(const std::string& name, V T::* member, const std::vector<std::pair<std::string, V>>& words,
              std::string meaning) {
  std::string all, fallback;
  for (const auto& [word, value] : words) {
    all += (all.empty() ? "" : ", ") + quoted(word);
    if (value == T{}.*member) fallback = quoted(word);
  }
  return {name, "one of " + all, fallback, std::move(meaning), false, [=](Reading& in, const toml::node& node, T& out) {
            const auto written = in.text(node, "one of " + all);
            if (!written) return;
            const auto found = std::ranges::find(words, written->text, [](const auto& word) { return word.first; });
            if (found == words.end())
              return in.mistake(node.source(), "'" + name + "' can't be " + quoted(written->text),
                                "write one of " + all);
            out.*member = found->second;
          }};
}

template <class T>
Key<T> flag(const std::string& name, bool T::* member, std::string meaning) {
  return {name,
          "true or false",
          T{}.*member ? "true" : "false",
          std::move(meaning),
          false,
          [=](Reading& in, const toml::node& node, T& out) {
            const auto* value = node.as_boolean();
            if (!value)
              return in.mistake(node.source(), "'" + name + "' is neither true nor false",
                                "write true or false, without quotes");
            out.*member = value->get();
          }};
}

template <class T>
Key<T> count(const std::string& name, std::uint32_t T::* member, std::int64_t least, std::int64_t most,
             std::string meaning) {
  const std::string range = std::to_string(least) + " to " + std::to_string(most);
  return {name,
          "whole number, " + range,
          std::to_string(T{}.*member),
          std::move(meaning),
          false,
          [=](Reading& in, const toml::node& node, T& out) {
            const auto* value = node.as_integer();
            if (!value || value->get() < least || value->get() > most)
              return in.mistake(node.source(), "'" + name + "' is not a whole number from " + range,
                                "write a number from " + range + ", without quotes");
            out.*member = static_cast<std::uint32_t>(value->get());
          }};
}

template <class T>
Key<T> domains(const std::string& name, std::vector<Written> T::* member, std::string meaning) {
  return {name, "list of domains", "", std::move(meaning), false, [=](Reading& in, const toml::node& node, T& out) {
            in.each(node, "a list of domains: [\"example.org\"]", [&](const toml::node& element) {
              auto written = in.domain(element);
              if (!written) return;
              if (std::ranges::find(out.*member, written->text, &Written::text) != (out.*member).end())
                return in.mistake(element.source(), "'" + written->text + "' stands here twice",
                                  "take one of the two away");
              (out.*member).push_back(std::move(*written));
            });
          }};
}

/// A table inside another one, read by a section of its own.
template <class T, class Part>
Key<T> table(const std::string& name, const Section<Part>& section, std::string meaning,
             const std::function<Part&(T&)>& part) {
  return {name, "table", "", std::move(meaning), false, [=](Reading& in, const toml::node& node, T& out) {
            if (const auto* inner = node.as_table()) return read_section(in, *inner, section, part(out));
            in.mistake(node.source(), "'" + name + "' is not a table", "write [" + name + "] on a line of its own");
          }};
}

/// An array of tables; `add` makes the place for each.
template <class T, class Part>
Key<T> tables(const std::string& name, const std::string& header, const Section<Part>& section, std::string meaning,
              const std::function<Part&(T&, const toml::node&)>& add) {
  return {name, "tables", "", std::move(meaning), false, [=](Reading& in, const toml::node& node, T& out) {
            const auto* list = node.as_array();
            const bool all = list && std::ranges::all_of(*list, [](const toml::node& e) { return e.is_table(); });
            if (!all) return in.mistake(node.source(), "'" + name + "' is not a list of tables", "write " + header);
            for (const toml::node& element : *list) read_section(in, *element.as_table(), section, add(out, element));
          }};
}

void read_stages_off(Reading& in, const toml::node& node, StagesText& out) {
  in.each(node, "the names of stages: [\"label\", \"content\"]", [&](const toml::node& element) {
    const auto written = in.text(element, "the name of a stage in quotes");
    if (!written) return;
    const auto wanted = stage(written->text);
    if (!wanted)
      return in.mistake(element.source(), "there is no stage " + quoted(written->text),
                        "the stages are payload, label, presence, content and rate");
    if (*wanted == Stage::Shape || *wanted == Stage::Addressing)
      return in.mistake(element.source(), "the stage '" + written->text + "' can't be switched off", "take it away");
    out.off = static_cast<std::uint8_t>(out.off | 1U << static_cast<unsigned>(*wanted));
  });
}

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

void read_enclaves(Reading& in, const toml::node& node, PolicyText& out) {
  const auto* list = node.as_table();
  if (!list) return in.mistake(node.source(), "'enclave' is not a table", "write [enclave.NAME] on a line of its own");
  const Section<EnclaveText> section = enclave_section();
  for (const auto& [key, value] : *list) {
    const std::string enclave(key.str());
    const auto* inner = value.as_table();
    if (!inner || !in.is_name(enclave)) {
      in.mistake(key.source(), "'" + enclave + "' is not an enclave",
                 "write [enclave.NAME], the name of letters, digits, '-' and '_'");
      continue;
    }
    EnclaveText& written = out.enclaves.emplace_back();
    written.name = {enclave, key.source()};
    read_section(in, *inner, section, written);
  }
}

}  // namespace

Section<PolicyText> file_section() {
  using P = PolicyText;
  return {
      "the file",
      "",
      {required(table<P, P>("policy", policy_section(), "The table [policy]: what this policy is called.",
                            [](P& p) -> P& { return p; })),
       table<P, StagesText>("stages", stages_section(), "The table [stages]: which stages are switched off.",
                            [](P& p) -> StagesText& { return p.stages; }),
       table<P, Settings>("settings", settings_section(), "The table [settings].",
                          [](P& p) -> Settings& { return p.settings; }),
       table<P, Limits>("limits", limits_section(), "The table [limits].", [](P& p) -> Limits& { return p.limits; }),
       required(Key<P>{"enclave", "tables", "", "One table [enclave.NAME] for each enclave.", false, read_enclaves}),
       tables<P, PeeringText>("peering", "[[peering]]", peering_section(),
                              "One [[peering]] for each rule that lets stanzas cross.",
                              [](P& p, const toml::node& node) -> PeeringText& {
                                p.peerings.push_back({.at = node.source(), .rule = {}, .from = {}, .to = {}});
                                return p.peerings.back();
                              })}};
}

Section<PolicyText> policy_section() {
  using P = PolicyText;
  return {"[policy]",
          "What the policy is called.",
          {required(Key<P>{"name", "one line of text", "", "What people call the policy.", false,
                           [](Reading& in, const toml::node& node, P& out) {
                             if (const auto written = in.title(node)) out.name = written->text;
                           }})}};
}

Section<StagesText> stages_section() {
  return {"[stages]",
          "Every stanza goes through the stages shape, addressing, payload, label, presence, content and rate. A stage "
          "that this version does not have refuses everything, unless it is switched off here by its name.",
          {{"off", "list of stages", "", "Stages that are switched off. `shape` and `addressing` can't be.", false,
            read_stages_off}}};
}

Section<Settings> settings_section() {
  using S = Settings;
  return {
      "[settings]",
      "How strict the shape of stanzas is seen, and what the record keeps.",
      {choice<S>("unknown_message_type", &S::message_type, {{"relaxed", Unknown::Relaxed}, {"strict", Unknown::Strict}},
                 "A message of unknown type: `relaxed` treats it as normal and writes it without type, `strict` "
                 "refuses it."),
       choice<S>("unknown_attributes", &S::attributes, {{"relaxed", Unknown::Relaxed}, {"strict", Unknown::Strict}},
                 "An attribute that RFC 6120 and 6121 do not define, on a stanza or on its own children: `relaxed` "
                 "takes it out, `strict` refuses the stanza."),
       choice<S>("transparency", &S::transparency, {{"strict", Transparency::Strict}, {"full", Transparency::Full}},
                 "`strict` takes out of subscriptions all they carry, and of errors all but the condition; `full` "
                 "lets it cross."),
       flag<S>("record_content", &S::record_content, "Whether the audit log keeps the stanzas themselves.")}};
}

Section<Limits> limits_section() {
  using L = Limits;
  return {"[limits]",
          "Sizes are octets. Beyond `leg_octets` the stream ends; beyond the others the stanza is refused.",
          {count<L>("leg_octets", &L::leg_octets, 10'000, 2 * 1024 * 1024 - 64 * 1024, "Largest stanza of any kind."),
           count<L>("message_octets", &L::message_octets, 10'000, 2 * 1024 * 1024, "Largest message."),
           count<L>("presence_octets", &L::presence_octets, 1'000, 2 * 1024 * 1024, "Largest presence."),
           count<L>("iq_octets", &L::iq_octets, 10'000, 2 * 1024 * 1024, "Largest iq."),
           count<L>("body_octets", &L::body_octets, 1'000, 2 * 1024 * 1024, "Largest body of a message."),
           count<L>("errors_per_second", &L::errors_per_second, 1, 10'000,
                    "Errors of the guard's own that one peer gets; beyond that it gets none."),
           count<L>("pairs_per_leg", &L::pairs_per_leg, 1, 256, "Pairs of domains that one stream may be used for.")}};
}

Section<EnclaveText> enclave_section() {
  using E = EnclaveText;
  return {
      "[enclave.NAME]",
      "A network side and the domains it owns. An enclave speaks for these and for no others, whatever its edge "
      "says.",
      {required(tables<E, DomainText>("domain", "[[enclave.NAME.domain]]", domain_section(),
                                      "One [[enclave.NAME.domain]] for each server of the enclave.",
                                      [](E& e, const toml::node&) -> DomainText& { return e.domains.emplace_back(); })),
       choice<E>("revocation", &E::revocation,
                 {{"required", RevocationRule::Required}, {"soft", RevocationRule::Soft}, {"off", RevocationRule::Off}},
                 "`required`: a peer's certificate must be known not to be revoked; `soft`: it must not be known to "
                 "be revoked; `off`: nobody asks."),
       domains<E>("withdrawn", &E::withdrawn,
                  "Domains that are gone for good: peers hear `host-gone` in place of `host-unknown`.")}};
}

Section<DomainText> domain_section() {
  using D = DomainText;
  return {"[[enclave.NAME.domain]]",
          "A home domain: one server.",
          {required(Key<D>{"name", "domain", "", "The domain of its accounts.", false,
                           [](Reading& in, const toml::node& node, D& out) {
                             if (auto written = in.domain(node)) out.name = std::move(*written);
                           }}),
           domains<D>("components", &D::components,
                      "Further domains of that server, such as its rooms. Each needs to be named in a peering of its "
                      "own accord.")}};
}

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
  return {
      "[[peering]]",
      "A rule that lets stanzas cross. What no peering names does not cross. An ordered pair of domains may stand in "
      "one peering only.",
      std::move(keys)};
}

}  // namespace sallyport::policy::source
