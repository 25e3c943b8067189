// The file as a whole and the small tables.
#include "policy/source/keys.h"

#include "policy/identifier.h"
#include "policy/source/key_forms.h"

namespace sallyport::policy::source {
namespace {

void read_enclaves(Reading& in, const toml::node& node, PolicyText& out) {
  const auto* list = node.as_table();
  if (!list) return in.mistake(node.source(), "'enclave' is not a table", "write [enclave.NAME] on a line of its own");
  const Section<EnclaveText> section = enclave_section();
  for (const auto& [key, value] : *list) {
    const std::string enclave(key.str());
    const auto* inner = value.as_table();
    if (!inner || !is_identifier(enclave)) {
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
  Section<P> section = {
      "the file",
      "",
      {required(table<P, P>("policy", policy_section(), "The table [policy]: what this policy is called.",
                            [](P& p) -> P& { return p; })),
       table<P, StagesText>("stages", stages_section(), "The table [stages]: which stages are switched off.",
                            [](P& p) -> StagesText& { return p.stages; }),
       table<P, Settings>("settings", settings_section(), "The table [settings].",
                          [](P& p) -> Settings& { return p.settings; }),
       table<P, Limits>("limits", limits_section(), "The table [limits].", [](P& p) -> Limits& { return p.limits; }),
       table<P, Rates>("rate", rate_section(), "The table [rate].", [](P& p) -> Rates& { return p.rates; }),
       tables<P, ContentText>("content", "[[content]]", content_section(), "One [[content]] for each rule about text.",
                              [](P& p, const toml::node& node) -> ContentText& {
                                p.contents.push_back({.at = node.source(), .rule = {}, .peerings = {}});
                                return p.contents.back();
                              }),
       required(Key<P>{"enclave", "tables", "", "One table [enclave.NAME] for each enclave.", false, read_enclaves}),
       set_tables("domains", &P::domain_sets,
                  "The table [domains]: named sets of domains. `\"*.example.org\"` is every domain under it that an "
                  "enclave owns, and not `example.org` itself."),
       set_tables("users", &P::user_lists, "The table [users]: named lists of bare JIDs."),
       set_tables("rooms", &P::room_lists,
                  "The table [rooms]: named lists of rooms (bare JIDs) and of room services (domains: the service and "
                  "all its rooms)."),
       tables<P, PeeringText>("peering", "[[peering]]", peering_section(),
                              "One [[peering]] for each rule that lets stanzas cross.",
                              [](P& p, const toml::node& node) -> PeeringText& {
                                PeeringText& peering = p.peerings.emplace_back();
                                peering.at = node.source();
                                return peering;
                              }),
       tables<P, RuleText>("rule", "[[rule]]", rule_section(),
                           "One [[rule]] for each rule, in the order in which they are tried.",
                           [](P& p, const toml::node& node) -> RuleText& {
                             RuleText& rule = p.rules.emplace_back();
                             rule.at = node.source();
                             return rule;
                           }),
       tables<P, LoginText>("login", "[[login]]", login_section(),
                            "One [[login]] for each way in which clients may log in across the boundary.",
                            [](P& p, const toml::node& node) -> LoginText& {
                              LoginText& login = p.logins.emplace_back();
                              login.at = node.source();
                              return login;
                            })}};
  for (const Key<LabelsText>& key : label_keys())
    section.keys.push_back(inside<P, LabelsText>(key, [](P& p) -> LabelsText& { return p.labels; }));
  return section;
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

}  // namespace sallyport::policy::source
