// What a security policy information file says (labels.md 2), as the bundle carries it. No XML here: policy/source/spif
// reads the file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/label/label.h"

namespace sallyport::policy::label {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

inline constexpr std::size_t kLargestSpif = 16 * 1024 * 1024;  ///< octets of the XML text (labels.md 15)
inline constexpr std::size_t kMostSpifCategories = 100'000;    ///< labels.md 15
inline constexpr std::size_t kLargestName = 1024;              ///< octets; the schema says 256 characters

/// Both ends belong to it; an end that is absent is open. In milliseconds of the system clock.
struct Period {
  std::optional<std::int64_t> not_before, not_after;
  bool holds(Time now) const {
    const std::int64_t at = now.time_since_epoch().count();
    return (!not_before || at >= *not_before) && (!not_after || at <= *not_after);
  }
  static void fields(auto& s, auto&& f) { f(s.not_before, s.not_after); }
  bool operator==(const Period&) const = default;
};

// --- Markings ---

/// Where a marking is shown. `pageTopBottom` is both of the first two.
enum class Place : std::uint8_t {
  PageTop,
  PageBottom,
  DocumentStart,
  DocumentEnd,
  FirstLineOfText,
  LastLineOfText,
  Subject,
  XHeader,
  PortionMarking,
  InputTitle,
  WaterMark,
};
inline constexpr Place kLastPlace = Place::WaterMark;
/// As the SPIF writes it: "pageTop".
std::string_view name(Place place);
std::optional<Place> place(std::string_view name);

/// The codes of a marking: bit n is the place n, then the controls.
using Codes = std::uint16_t;
constexpr Codes code(Place place) {
  return static_cast<Codes>(1U << static_cast<unsigned>(place));
}
inline constexpr Codes kAllPlaces = (1U << (static_cast<unsigned>(kLastPlace) + 1)) - 1;
inline constexpr Codes kNoNameDisplay = 1U << 11;
inline constexpr Codes kNoMarkingDisplay = 1U << 12;
inline constexpr Codes kSuppressClassName = 1U << 13;
inline constexpr Codes kReplacePolicy = 1U << 14;

struct MarkingData {
  std::optional<std::string> phrase;
  std::string lang;  ///< "" if absent
  Codes codes = 0;
  static void fields(auto& s, auto&& f) { f(s.phrase, s.lang, s.codes); }
  bool operator==(const MarkingData&) const = default;
};

enum class QualifierCode : std::uint8_t { Prefix, Suffix, Separator };
inline constexpr QualifierCode kLastQualifierCode = QualifierCode::Separator;

struct Qualifier {
  QualifierCode code = QualifierCode::Prefix;
  std::string text;  ///< its spaces belong to it
  std::string lang;
  std::optional<Codes> places;  ///< absent: everywhere
  static void fields(auto& s, auto&& f) { f(s.code, s.text, s.lang, s.places); }
  bool operator==(const Qualifier&) const = default;
};

/// What a holder (policy, class, tag, category ...) says about how it is shown.
struct Markings {
  std::vector<MarkingData> data;
  std::vector<Qualifier> qualifiers;
  static void fields(auto& s, auto&& f) { f(s.data, s.qualifiers); }
  bool operator==(const Markings&) const = default;
};

// --- Rules ---

/// One category, or without lacv all categories of that tag set and kind.
struct CatRef {
  Oid tag_set;
  TagKind kind = TagKind::Informative;
  std::optional<Lacv> lacv;
  static void fields(auto& s, auto&& f) { f(s.tag_set, s.kind, s.lacv); }
  bool operator==(const CatRef&) const = default;
};

enum class Operation : std::uint8_t { OnlyOne, OneOrMore, All };
inline constexpr Operation kLastOperation = Operation::All;

struct Require {
  Operation operation = Operation::All;
  std::vector<CatRef> items;
  static void fields(auto& s, auto&& f) { f(s.operation, s.items); }
  bool operator==(const Require&) const = default;
};

// --- Equivalence to other policies ---

/// A category of another policy. The SPIF names its tag set; only that policy's own SPIF knows the identifier.
struct ForeignRef {
  std::string tag_set;
  TagKind kind = TagKind::Informative;
  std::optional<Lacv> lacv;
  static void fields(auto& s, auto&& f) { f(s.tag_set, s.kind, s.lacv); }
  bool operator==(const ForeignRef&) const = default;
};

struct ForeignRequire {
  Operation operation = Operation::All;
  std::vector<ForeignRef> items;
  static void fields(auto& s, auto&& f) { f(s.operation, s.items); }
  bool operator==(const ForeignRequire&) const = default;
};

/// Encrypt: for own labels on their way out. Decrypt: for foreign labels on their way in.
enum class Applied : std::uint8_t { Encrypt, Decrypt, Both };
inline constexpr Applied kLastApplied = Applied::Both;
constexpr bool applies_forward(Applied applied) {
  return applied != Applied::Decrypt;
}
constexpr bool applies_in_reverse(Applied applied) {
  return applied != Applied::Encrypt;
}

struct EquivalentPolicy {
  std::string name;
  Oid id;
  std::vector<ForeignRequire> required;
  static void fields(auto& s, auto&& f) { f(s.name, s.id, s.required); }
  bool operator==(const EquivalentPolicy&) const = default;
};

/// `policy` is an index into Spif::equivalent_policies, here and below.
struct ClassEquivalent {
  std::uint32_t policy = 0;
  Lacv lacv = 0;
  Applied applied = Applied::Both;
  std::vector<ForeignRequire> required;
  static void fields(auto& s, auto&& f) { f(s.policy, s.lacv, s.applied, s.required); }
  bool operator==(const ClassEquivalent&) const = default;
};

struct CatEquivalent {
  std::uint32_t policy = 0;
  Applied applied = Applied::Both;
  std::optional<CatKey> target;  ///< absent: the value may vanish (action discard)
  static void fields(auto& s, auto&& f) { f(s.policy, s.applied, s.target); }
  bool operator==(const CatEquivalent&) const = default;
};

/// What to add in the other policy when the label holds something of the tag set.
struct SetEquivalent {
  std::uint32_t policy = 0;
  std::vector<ForeignRequire> required;
  static void fields(auto& s, auto&& f) { f(s.policy, s.required); }
  bool operator==(const SetEquivalent&) const = default;
};

// --- Classes and categories ---

struct Class {
  std::string name;
  Lacv lacv = 0;
  std::uint32_t rank = 0;  ///< `hierarchy`: higher is more sensitive
  std::string colour;      ///< a name of labels.md 2.2 or "#RRGGBB"; "" if it has none
  bool obsolete = false;
  std::vector<Require> required;
  std::vector<ClassEquivalent> equivalents;
  Markings markings;
  static void fields(auto& s, auto&& f) {
    f(s.name, s.lacv, s.rank, s.colour, s.obsolete, s.required, s.equivalents, s.markings);
  }
  bool operator==(const Class&) const = default;
};

struct TagSet {
  std::string name;
  Oid id;
  std::vector<SetEquivalent> equivalents;
  static void fields(auto& s, auto&& f) { f(s.name, s.id, s.equivalents); }
  bool operator==(const TagSet&) const = default;
};

struct Category {
  std::string name;
  Lacv lacv = 0;
  bool obsolete = false;
  Period period;
  std::optional<Lacv> required_class;  ///< equality, not "at least"
  std::vector<Lacv> excluded_classes;
  std::vector<Require> required;
  std::vector<CatRef> excluded;
  std::vector<CatEquivalent> equivalents;
  Markings markings;
  static void fields(auto& s, auto&& f) {
    f(s.name, s.lacv, s.obsolete, s.period, s.required_class, s.excluded_classes, s.required, s.excluded, s.equivalents,
      s.markings);
  }
  bool operator==(const Category&) const = default;
};

enum class InfoEncoding : std::uint8_t { BitSet, Attributes };
inline constexpr InfoEncoding kLastInfoEncoding = InfoEncoding::Attributes;

/// The unit in which "all of" and "one of" are decided (I8). Tags that are not applicable, and values that users type,
/// occur in no label; they are not here.
struct Tag {
  std::string name;  ///< that of its tag set when the file gives it none
  std::uint32_t tag_set = 0;
  TagKind kind = TagKind::Informative;
  InfoEncoding encoding = InfoEncoding::BitSet;  ///< of an informative tag
  bool single = false;
  std::optional<std::uint32_t> min, max;
  std::vector<Category> categories;
  std::vector<Qualifier> qualifiers;
  static void fields(auto& s, auto&& f) {
    f(s.name, s.tag_set, s.kind, s.encoding, s.single, s.min, s.max, s.categories, s.qualifiers);
  }
  bool operator==(const Tag&) const = default;
};

struct PrivacyMark {
  std::string name;
  bool obsolete = false;
  static void fields(auto& s, auto&& f) { f(s.name, s.obsolete); }
  bool operator==(const PrivacyMark&) const = default;
};

/// One file. Every list is in the order of the file.
struct Spif {
  std::string name;
  Oid id;
  std::uint32_t version = 1;
  Period period;
  Oid rbac_id;       ///< the category syntax of labels
  Oid privilege_id;  ///< the category syntax of clearances
  std::vector<Class> classes;
  std::vector<TagSet> tag_sets;
  std::vector<Tag> tags;
  std::vector<PrivacyMark> privacy_marks;
  std::optional<std::uint32_t> privacy_marks_max;
  std::vector<EquivalentPolicy> equivalent_policies;
  Markings markings;        ///< of the whole
  Markings id_markings;     ///< of securityPolicyId
  Markings class_markings;  ///< of securityClassifications
  static void fields(auto& s, auto&& f) {
    f(s.name, s.id, s.version, s.period, s.rbac_id, s.privilege_id, s.classes, s.tag_sets, s.tags, s.privacy_marks,
      s.privacy_marks_max, s.equivalent_policies, s.markings, s.id_markings, s.class_markings);
  }
  bool operator==(const Spif&) const = default;
};

}  // namespace sallyport::policy::label

namespace sallyport::inspect {
template <>
inline constexpr policy::label::QualifierCode kLast<policy::label::QualifierCode> = policy::label::kLastQualifierCode;
template <>
inline constexpr policy::label::Operation kLast<policy::label::Operation> = policy::label::kLastOperation;
template <>
inline constexpr policy::label::Applied kLast<policy::label::Applied> = policy::label::kLastApplied;
template <>
inline constexpr policy::label::InfoEncoding kLast<policy::label::InfoEncoding> = policy::label::kLastInfoEncoding;
template <>
inline constexpr policy::label::Place kLast<policy::label::Place> = policy::label::kLastPlace;
}  // namespace sallyport::inspect
