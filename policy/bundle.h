// The compiled policy: what the guard loads, and nothing else.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/jid.h"
#include "inspect/mechanism.h"
#include "inspect/octets.h"
#include "policy/content/rule.h"
#include "policy/label_rules.h"
#include "policy/presence/settings.h"
#include "policy/rate.h"
#include "policy/rule.h"
#include "policy/rule_index.h"
#include "policy/tracking/request_grant.h"
#include "policy/verdict.h"

namespace sallyport::policy {

class ContentMatcher;

/// How a peer must prove the domain it speaks for (protocol.md 2.5.4).
enum class Proof : std::uint8_t { External, ExternalOrDialback };
inline constexpr Proof kLastProof = Proof::ExternalOrDialback;
/// What is asked of the revocation state of a certificate. Required: known good. Soft: not known to be revoked. Off:
/// not looked at.
enum class RevocationRule : std::uint8_t { Required, Soft, Off };
inline constexpr RevocationRule kLastRevocationRule = RevocationRule::Off;
/// What is done about something unknown in a stanza's own vocabulary: relaxed takes it out, strict refuses.
enum class Unknown : std::uint8_t { Relaxed, Strict };
inline constexpr Unknown kLastUnknown = Unknown::Strict;
/// Strict: what may leak is taken out of subscriptions and errors. Full: it crosses as it was written.
enum class Transparency : std::uint8_t { Strict, Full };
inline constexpr Transparency kLastTransparency = Transparency::Full;
/// When a negative answer to an iq request leaves (protocol.md P-43). Padded: at the end of a quarter of a second, plus
/// up to another one by chance, so that its time does not tell who made it.
enum class RefusalTiming : std::uint8_t { AtOnce, Padded };
inline constexpr RefusalTiming kLastRefusalTiming = RefusalTiming::Padded;

struct Enclave {
  std::string name;
  RevocationRule revocation = RevocationRule::Required;
  std::vector<std::string> withdrawn;  ///< domains that are gone for good: <host-gone/>; sorted
  static void fields(auto& s, auto&& f) { f(s.name, s.revocation, s.withdrawn); }
  bool operator==(const Enclave&) const = default;
};

/// A domain that an enclave owns. A home domain is one of the policy's own entries; a component belongs to one.
struct Domain {
  std::string name;           ///< prepared
  std::uint16_t enclave = 0;  ///< index of its enclave
  std::uint16_t home = 0;     ///< index of its home domain; its own index for a home domain
  static void fields(auto& s, auto&& f) { f(s.name, s.enclave, s.home); }
  bool operator==(const Domain&) const = default;
};

/// A rule that lets stanzas cross. An ordered pair of domains is granted by at most one.
struct Peering {
  std::string id;
  bool message = false, presence = false, iq = false;
  Proof proof = Proof::External;
  inspect::JidProfile jids = inspect::JidProfile::Ascii;
  MessageRefusal refusal = MessageRefusal::PolicyViolation;
  std::uint64_t payloads = 0;          ///< policy::Switches: which payloads may cross
  std::vector<std::string> pep_nodes;  ///< whose events may cross from accounts; sorted
  presence::Settings presence_rules;
  PeeringLabels labels;
  Rates rates;
  std::vector<RequestGrant> requests = default_requests();  ///< iq requests that may cross
  RefusalTiming timing = RefusalTiming::AtOnce;
  static void fields(auto& s, auto&& f) {
    f(s.id, s.message, s.presence, s.iq, s.proof, s.jids, s.refusal, s.payloads, s.pep_nodes, s.presence_rules,
      s.labels, s.rates, s.requests, s.timing);
  }
  bool operator==(const Peering&) const = default;

  bool grants(Kind kind) const { return kind == Kind::Message ? message : kind == Kind::Presence ? presence : iq; }
};

/// Which peering grants the ordered pair of domains; numbers are indices.
struct Route {
  std::uint16_t from = 0, to = 0, peering = 0;
  static void fields(auto& s, auto&& f) { f(s.from, s.to, s.peering); }
  bool operator==(const Route&) const = default;
};

/// Clients of one enclave may log in to a home domain of another. An ordered pair of both is granted by at most one.
struct Login {
  Peering rule;                  ///< what is asked of the stanzas, both ways; `proof` has no meaning here
  std::uint16_t enclave = 0;     ///< index, of the clients
  std::uint16_t domain = 0;      ///< index
  std::uint32_t mechanisms = 0;  ///< inspect::Mechanisms: what the client may be offered
  std::uint8_t stages_off = 0;   ///< bit n: the stage with that number is switched off for these sessions
  bool accounts_hidden = true;   ///< a failed login does not tell whether the account exists (protocol.md 3.10)
  std::uint32_t tries = 3;       ///< failed logins that end the stream (D-12); 2 to 5
  bool end_point = false;  ///< channel binding of type tls-server-end-point is passed on (protocol.md 3.4, R1, R2)
  static void fields(auto& s, auto&& f) {
    f(s.rule, s.enclave, s.domain, s.mechanisms, s.stages_off, s.accounts_hidden, s.tries, s.end_point);
  }
  bool operator==(const Login&) const = default;
};

/// Softer than the parser's limits: beyond them a stanza is refused, but its stream goes on (protocol.md D-09, D-26).
struct Limits {
  std::uint32_t leg_octets = 512 * 1024;      ///< hard: the largest stanza that an edge reads
  std::uint32_t message_octets = 512 * 1024;  ///< of the normal form
  std::uint32_t presence_octets = 16 * 1024;
  std::uint32_t iq_octets = 128 * 1024;
  std::uint32_t body_octets = 64 * 1024;  ///< of the text of one body
  std::uint32_t errors_per_second = 10;   ///< error budget of one peer; beyond it errors are dropped
  std::uint32_t pairs_per_leg = 16;       ///< D-15
  static void fields(auto& s, auto&& f) {
    f(s.leg_octets, s.message_octets, s.presence_octets, s.iq_octets, s.body_octets, s.errors_per_second,
      s.pairs_per_leg);
  }
  bool operator==(const Limits&) const = default;
};

struct Settings {
  Unknown message_type = Unknown::Relaxed;  ///< relaxed: treated as normal and written without type
  Unknown attributes = Unknown::Relaxed;    ///< relaxed: taken out
  Unknown payloads = Unknown::Relaxed;      ///< relaxed: taken out, and so is what is unknown in one that is known
  Transparency transparency = Transparency::Strict;
  bool record_content = false;  ///< whether the audit log keeps what was said
  std::uint8_t stages_off = 0;  ///< bit n: the stage with that number is switched off
  static void fields(auto& s, auto&& f) {
    f(s.message_type, s.attributes, s.payloads, s.transparency, s.record_content, s.stages_off);
  }
  bool operator==(const Settings&) const = default;
};

/// What the compiler puts together and a bundle is made of. Sorted: enclaves and domains by name, routes by number,
/// payloads by namespace and name.
struct Tables {
  std::string name;
  std::vector<Enclave> enclaves;
  std::vector<Domain> domains;
  std::vector<Peering> peerings;  ///< in the officer's order
  std::vector<Route> routes;
  std::vector<Login> logins;  ///< sorted by enclave and domain
  std::vector<AddressList> lists;
  std::vector<PayloadName> payloads;  ///< that rules name
  std::vector<Rule> rules;            ///< in the officer's order; none: the peerings alone decide
  Limits limits;
  Settings settings;
  LabelTables labels;
  std::vector<ContentRule> contents;  ///< in the officer's order
  static void fields(auto& s, auto&& f) {
    f(s.name, s.enclaves, s.domains, s.peerings, s.routes, s.logins, s.lists, s.payloads, s.rules, s.limits, s.settings,
      s.labels, s.contents);
  }
  bool operator==(const Tables&) const = default;
};

/// What is asked of stanzas, by number: the peerings in their order, then the logins in theirs.
inline const Peering& grant(const Tables& tables, std::size_t number) {
  return number < tables.peerings.size() ? tables.peerings[number]
                                         : tables.logins[number - tables.peerings.size()].rule;
}

/// Why octets, or tables, are not a bundle.
struct BundleFault {
  std::string what;
};

/// Immutable and consistent: every number in it leads somewhere, every domain is prepared, no granted pair lies within
/// one enclave. Look-ups take prepared domains and do not allocate. Shared between threads as `shared_ptr<const
/// Bundle>`.
class Bundle {
 public:
  static constexpr std::size_t kLargest = 16 * 1024 * 1024;  ///< octets

  /// Checks the tables and encodes them.
  static std::expected<Bundle, BundleFault> make(Tables tables);
  /// The only reader: magic, version, tables in their one legal encoding, nothing after them.
  static std::expected<Bundle, BundleFault> decode(std::string_view octets);

  const std::string& octets() const { return octets_; }
  /// SHA-256 of octets(), lower case hex: the name of this policy in every record.
  const std::string& hash() const { return hash_; }

  const Tables& tables() const { return tables_; }
  const RuleIndex& rule_index() const { return rule_index_; }
  const Limits& limits() const { return tables_.limits; }
  const Settings& settings() const { return tables_.settings; }
  const ContentMatcher& content() const { return *content_; }
  const std::shared_ptr<const LabelRules>& label_rules() const { return label_rules_; }
  bool is_off(Stage stage) const { return (settings().stages_off >> static_cast<unsigned>(stage)) & 1U; }

  /// nullptr if no enclave owns it.
  const Domain* domain(std::string_view prepared) const;
  const Enclave* enclave(std::string_view name) const;
  const Enclave& enclave_of(const Domain& domain) const { return tables_.enclaves[domain.enclave]; }
  std::string_view enclave_name(std::uint16_t number) const { return tables_.enclaves[number].name; }
  const Domain& home_of(const Domain& domain) const { return tables_.domains[domain.home]; }
  bool is_home(const Domain& domain) const { return &home_of(domain) == &domain; }
  /// Its place in the tables.
  std::uint16_t number_of(const Domain& domain) const {
    return static_cast<std::uint16_t>(&domain - tables_.domains.data());
  }
  /// Of a peering, or of the rule of a login: as grant() counts.
  std::uint16_t number_of(const Peering& rule, const Login* login) const {
    if (!login) return static_cast<std::uint16_t>(&rule - tables_.peerings.data());
    return static_cast<std::uint16_t>(tables_.peerings.size() +
                                      static_cast<std::size_t>(login - tables_.logins.data()));
  }
  /// Whether some enclave lists it as gone for good.
  bool is_withdrawn(std::string_view prepared) const;

  /// The rule that grants the ordered pair, for whichever kinds; nullptr if none does. The default is to deny.
  const Peering* peering(std::string_view from, std::string_view to) const;
  const Peering* peering(const Domain& from, const Domain& to) const;

  /// What lets clients of that enclave log in to the domain; nullptr if nothing does.
  const Login* login(std::string_view enclave, const Domain& domain) const;

  /// Where the pair is judged: the same for both orders, and for all components of the two homes. Reduce it modulo the
  /// number of guard lanes. Unknown domains stand for themselves.
  std::uint64_t lane_key(std::string_view from, std::string_view to) const;

 private:
  Bundle() = default;

  Tables tables_;
  std::string octets_, hash_;
  RuleIndex rule_index_;
  std::shared_ptr<const ContentMatcher> content_;
  std::shared_ptr<const LabelRules> label_rules_;
};

/// Stable over programs, versions and machines; not keyed. Unordered: lane_key(a, b) == lane_key(b, a).
std::uint64_t lane_key(std::string_view home, std::string_view other_home);

}  // namespace sallyport::policy

namespace sallyport::inspect {
template <>
inline constexpr JidProfile kLast<JidProfile> = JidProfile::Unicode;
template <>
inline constexpr policy::Proof kLast<policy::Proof> = policy::kLastProof;
template <>
inline constexpr policy::RevocationRule kLast<policy::RevocationRule> = policy::kLastRevocationRule;
template <>
inline constexpr policy::Unknown kLast<policy::Unknown> = policy::kLastUnknown;
template <>
inline constexpr policy::Transparency kLast<policy::Transparency> = policy::kLastTransparency;
template <>
inline constexpr policy::presence::Gate kLast<policy::presence::Gate> = policy::presence::kLastGate;
template <>
inline constexpr policy::presence::Phase kLast<policy::presence::Phase> = policy::presence::kLastPhase;
template <>
inline constexpr policy::RefusalTiming kLast<policy::RefusalTiming> = policy::kLastRefusalTiming;
}  // namespace sallyport::inspect
