// What a bundle says about labels: security policies, clearances, default labels, translations, and who has which
// (labels.md 11, 14).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inspect/octets.h"
#include "policy/label/options.h"
#include "policy/label/policy.h"

namespace sallyport::policy {

/// How the servers of an enclave or domain carry labels. Element: XEP-0258. FirstLine: as a first line of each body,
/// which is the marking. Nothing: not at all.
enum class LabelCarrier : std::uint8_t { Element, FirstLine, Nothing };
inline constexpr LabelCarrier kLastLabelCarrier = LabelCarrier::Nothing;

/// What is done about a stanza without label. Assume: judged by the default label. Stamp: also written with it
/// (messages only). Pass: crosses without any decision about labels.
enum class Unlabelled : std::uint8_t { Refuse, Assume, Stamp, Pass };
inline constexpr Unlabelled kLastUnlabelled = Unlabelled::Pass;

/// What becomes of the label that was translated: the translation takes its place, or is added as an equivalent.
enum class TranslatedLabel : std::uint8_t { Replace, Add };
inline constexpr TranslatedLabel kLastTranslatedLabel = TranslatedLabel::Add;

/// In which format labels leave. Same: in that in which they came; a label that the guard made or translated, in the
/// first of ESS, MISSI and STANAG 4774 that its policy admits.
enum class LabelFormat : std::uint8_t { Same, Ess, Missi, Stanag4774 };
inline constexpr LabelFormat kLastLabelFormat = LabelFormat::Stanag4774;

/// What is done when a trusted equivalent label is not what the guard's own translation gives.
enum class Disagreement : std::uint8_t { Refuse, Note };
inline constexpr Disagreement kLastDisagreement = Disagreement::Note;

/// A security policy: its SPIF, how it is read, and how its labels are shown.
struct LabelPolicy {
  std::string name;  ///< what the officer's file calls it
  label::Spif spif;
  label::Options options;
  label::Place place = label::Place::PageBottom;  ///< of the marking in displaymarking
  std::string lang;                               ///< of the marking; "": that of no language in particular
  static void fields(auto& s, auto&& f) { f(s.name, s.spif, s.options, s.place, s.lang); }
  bool operator==(const LabelPolicy&) const = default;
};

struct NamedLabel {
  std::string name;
  std::uint16_t policy = 0;
  label::Label label;  ///< format Made, valid
  static void fields(auto& s, auto&& f) { f(s.name, s.policy, s.label); }
  bool operator==(const NamedLabel&) const = default;
};

struct NamedClearance {
  std::string name;
  std::uint16_t policy = 0;
  label::Clearance clearance;
  static void fields(auto& s, auto&& f) { f(s.name, s.policy, s.clearance); }
  bool operator==(const NamedClearance&) const = default;
};

/// Which table gives the labels of `to` for those of `from`: the SPIF of `from` forward, or that of `to` read
/// backwards.
struct LabelTranslation {
  std::uint16_t from = 0, to = 0;
  bool reverse = false;
  static void fields(auto& s, auto&& f) { f(s.from, s.to, s.reverse); }
  bool operator==(const LabelTranslation&) const = default;
};

/// Of an enclave, in the order of the enclaves.
struct EnclaveLabels {
  std::optional<std::uint16_t> policy;    ///< governs it
  std::vector<std::uint16_t> clearances;  ///< of the interface; one for each policy
  std::optional<std::uint16_t> label;     ///< of what comes from it without label
  LabelCarrier carrier = LabelCarrier::Element;
  std::vector<std::uint16_t> first_lines;  ///< labels that are known by their marking in a first line
  static void fields(auto& s, auto&& f) { f(s.policy, s.clearances, s.label, s.carrier, s.first_lines); }
  bool operator==(const EnclaveLabels&) const = default;
};

/// Of a domain, user or room.
struct LabelHolder {
  std::string address;                    ///< prepared, without resource
  std::vector<std::uint16_t> clearances;  ///< one for each policy
  std::optional<std::uint16_t> label;     ///< of what comes from it without label; of a room: of its subject
  std::optional<LabelCarrier> carrier;    ///< of a domain
  static void fields(auto& s, auto&& f) { f(s.address, s.clearances, s.label, s.carrier); }
  bool operator==(const LabelHolder&) const = default;
};

/// Of a peering.
struct PeeringLabels {
  Unlabelled message = Unlabelled::Refuse;
  Unlabelled presence = Unlabelled::Pass, iq = Unlabelled::Pass;
  /// Messages of nothing but chat states, receipts and markers pass without label.
  bool signals_pass = false;
  bool trust_equivalents = false;
  Disagreement disagreement = Disagreement::Refuse;
  TranslatedLabel translated = TranslatedLabel::Replace;
  LabelFormat format = LabelFormat::Same;
  std::vector<std::uint16_t> only;  ///< the only labels that may cross, if there are any
  static void fields(auto& s, auto&& f) {
    f(s.message, s.presence, s.iq, s.signals_pass, s.trust_equivalents, s.disagreement, s.translated, s.format, s.only);
  }
  bool operator==(const PeeringLabels&) const = default;
};

/// Sorted: holders by address.
struct LabelTables {
  label::NameCase names = label::NameCase::Ignore;  ///< in STANAG 4774
  bool der_only = false;                            ///< ESS in BER is refused (I11)
  std::vector<LabelPolicy> policies;
  std::vector<NamedLabel> labels;
  std::vector<NamedClearance> clearances;
  std::vector<LabelTranslation> translations;
  std::vector<EnclaveLabels> enclaves;
  std::vector<LabelHolder> holders;
  static void fields(auto& s, auto&& f) {
    f(s.names, s.der_only, s.policies, s.labels, s.clearances, s.translations, s.enclaves, s.holders);
  }
  bool operator==(const LabelTables&) const = default;
};

}  // namespace sallyport::policy

namespace sallyport::inspect {
template <>
inline constexpr policy::LabelCarrier kLast<policy::LabelCarrier> = policy::kLastLabelCarrier;
template <>
inline constexpr policy::Unlabelled kLast<policy::Unlabelled> = policy::kLastUnlabelled;
template <>
inline constexpr policy::TranslatedLabel kLast<policy::TranslatedLabel> = policy::kLastTranslatedLabel;
template <>
inline constexpr policy::LabelFormat kLast<policy::LabelFormat> = policy::kLastLabelFormat;
template <>
inline constexpr policy::Disagreement kLast<policy::Disagreement> = policy::kLastDisagreement;
}  // namespace sallyport::inspect
