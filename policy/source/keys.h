// The one table of the policy file's keys. The reader, the defaults and the reference page are made from it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/payload/switches.h"
#include "policy/source/key_forms.h"
#include "policy/source/labels.h"
#include "policy/source/reading.h"

namespace sallyport::policy::source {

struct DomainText {
  Written name;
  std::vector<Written> components;
};

struct EnclaveText {
  Written name;
  RevocationRule revocation = RevocationRule::Required;
  std::vector<Written> withdrawn;
  std::vector<DomainText> domains;
  EnclaveLabelsText labels;
};

/// Which payloads may cross, as the officer puts it.
struct PayloadsText {
  Profile profile = Profile::TextOnly;
  Switches allow, deny;
  Switches all() const { return Switches((switches(profile).bits() | allow.bits()) & ~deny.bits()); }
};

/// What a peering and a login have in common: what is asked of the stanzas that cross.
struct GrantText {
  toml::source_region at;
  Peering rule;
  PayloadsText payloads;
  const toml::table* rate = nullptr;  ///< its own, over those of [rate]
  std::vector<Written> room_services;
  PeeringLabelsText labels;
};

struct PeeringText : GrantText {
  bool both = false;
  std::vector<Written> from, to;
  std::vector<Written> hidden_resources;
};

/// A named list: of domains, users or rooms.
struct SetText {
  Written name;
  std::vector<Written> members;
};

/// One side of a rule as it was written: "any", or parts that name enclaves, domains, sets and addresses.
struct SideText {
  toml::source_region at;
  bool any = false;
  std::vector<Written> parts;
};

struct PayloadText {
  PayloadName name;
  toml::source_region at;
};
using PayloadTexts = std::vector<PayloadText>;

struct RuleText {
  toml::source_region at;
  Rule rule;  ///< what needs no looking up
  SideText from, to;
  std::optional<std::vector<Written>> logins;  ///< ids
  std::optional<PayloadTexts> payload, only_payload, remove, keep;
  std::optional<std::vector<LabelMatchText>> label;
  std::optional<toml::source_region> answer_at, condition_at, towards_at;
};

/// Its `rule` is completed and then becomes that of each login.
struct LoginText : GrantText {
  LoginText() { rule.jids = inspect::JidProfile::Unicode; }

  Login login;
  std::vector<Written> from;  ///< enclaves
  std::vector<Written> to;    ///< home domains
  Written plus;               ///< the first mechanism with channel binding, if one is named
};

/// A [[content]] section; its peerings and logins by name.
struct ContentText {
  toml::source_region at;
  ContentRule rule;
  std::vector<Written> peerings;
};

struct StagesText {
  toml::source_region at;
  std::uint8_t off = 0;
};

/// A whole file as it was written, before the parts are held against each other.
struct PolicyText {
  std::string name;
  StagesText stages;
  Settings settings;
  Limits limits;
  Rates rates;
  std::vector<ContentText> contents;
  std::vector<EnclaveText> enclaves;
  std::vector<PeeringText> peerings;
  std::vector<SetText> domain_sets, user_lists, room_lists;
  std::vector<RuleText> rules;
  std::vector<LoginText> logins;
  LabelsText labels;
};

Section<PolicyText> file_section();
Section<PolicyText> policy_section();
Section<StagesText> stages_section();
Section<Settings> settings_section();
Section<Limits> limits_section();
Section<Rates> rate_section();
Section<ContentText> content_section();
Section<EnclaveText> enclave_section();
Section<DomainText> domain_section();
Section<PeeringText> peering_section();
/// The part of [[peering]] and [[login]] that says what of the stanzas may cross: kinds, payloads, labels, presence,
/// rates, iq requests.
std::vector<Key<GrantText>> grant_keys();
template <class T>
Key<T> of_grant(const Key<GrantText>& key) {
  return {key.name,    key.type,     key.fallback,
          key.meaning, key.required, [key](Reading& in, const toml::node& node, T& out) { key.read(in, node, out); }};
}
template <class T>
void add_grant_keys(std::vector<Key<T>>& keys) {
  for (const Key<GrantText>& key : grant_keys()) keys.push_back(of_grant<T>(key));
}
/// A key of the rule itself, one word of a list.
template <class V>
Key<GrantText> rule_choice(const std::string& name, V Peering::* member,
                           const std::vector<std::pair<std::string, V>>& words, std::string meaning) {
  return inside<GrantText, Peering>(choice<Peering>(name, member, words, std::move(meaning)),
                                    [](GrantText& g) -> Peering& { return g.rule; });
}
/// How far what is said about presence is in force; `and_learn` ends the meaning where learning is among the phases.
Key<GrantText> subscriptions(const std::vector<std::pair<std::string, presence::Phase>>& phases,
                             const std::string& and_learn);
/// A number of what is said about presence, up to `most`.
Key<GrantText> presence_count(const std::string& name, std::uint16_t presence::Settings::* member, std::int64_t most,
                              std::string meaning);
/// ... which payloads, besides text.
std::vector<Key<GrantText>> payload_keys();
/// ... which iq requests.
std::vector<Key<GrantText>> request_keys();
Section<RuleText> rule_section();
Section<Window> window_section();

/// [domains], [users] and [rooms]: tables whose keys are the officer's own.
Key<PolicyText> set_tables(const std::string& name, std::vector<SetText> PolicyText::* member, std::string meaning);
Section<LoginText> login_section();

}  // namespace sallyport::policy::source
