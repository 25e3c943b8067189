// Why a label is not valid, not granted, or has no translation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::policy::label {

/// The words of labels.md 14, in the order of the steps; the last two of the first group, and SourceInvalid, are ours.
enum class Cause : std::uint8_t {
  // validity
  Policy,
  SpifValidity,
  NoClassification,
  UnknownClassification,
  ObsoleteClassification,
  EmptyCategory,
  UnknownTagSet,
  UnknownCategory,
  ClassRequiredCategory,
  ObsoleteCategory,
  CategoryValidity,
  RequiredClass,
  ExcludedClass,
  RequiredCategory,
  ExcludedCategory,
  SingleSelection,
  MaxSelection,
  MinSelection,
  PrivacyMarkCount,
  PrivacyMark,         ///< one that the SPIF does not list (strict_privacy_mark)
  UnknownInClearance,  ///< I6, where it refuses
  // decision
  NilClearance,
  ClearancePolicy,
  Classification,  ///< not held; in a translation: no equivalent
  Restrictive,     ///< detail: the tag
  Permissive,      ///< detail: the tag
  // translation and aggregation
  Category,            ///< detail: the category without equivalent
  Ambiguous,           ///< several classes backwards
  PermissiveEmptied,   ///< detail: the tag
  AmbiguousRequired,   ///< what to add is left open, or stands in a SPIF that is not loaded
  PermissiveConflict,  ///< detail: the tag; aggregation only
  SourceInvalid,       ///< detail: why
  ResultInvalid,       ///< detail: why
};
inline constexpr Cause kLastCause = Cause::ResultInvalid;
/// "class-required-category" and so on: stable.
std::string_view name(Cause cause);

struct Refusal {
  Cause cause = Cause::Policy;
  std::string detail;
  /// "restrictive:Projects"; for the record only: the sender hears none of it.
  std::string text() const;
  bool operator==(const Refusal&) const = default;
};

}  // namespace sallyport::policy::label
