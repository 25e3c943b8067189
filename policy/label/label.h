// Security labels and clearances in the one form that every wire format is read into (labels.md 1).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/octets.h"
#include "policy/label/oid.h"

namespace sallyport::policy::label {

/// The identifier of a class, or of a category within its tag set and kind (SPIF: lacv). It is no rank.
using Lacv = std::uint32_t;
inline constexpr Lacv kLargestLacv = 0x7FFF'FFFF;       ///< of classes and enumerated values (labels.md 15)
inline constexpr Lacv kLargestBit = 65'535;             ///< of values that a BIT STRING can carry (labels.md 15)
inline constexpr std::size_t kMostCategories = 16'384;  ///< of one label or clearance (labels.md 15)

/// How the values of a tag are carried and how they decide. In labels and clearances a tag is known by its tag set and
/// its kind only.
enum class TagKind : std::uint8_t { RestrictiveBits, PermissiveBits, RestrictiveEnum, PermissiveEnum, Informative };
inline constexpr TagKind kLastTagKind = TagKind::Informative;
/// "restrictive bits" and so on, for records and mistakes.
std::string_view name(TagKind kind);
/// All values of the label must be held.
constexpr bool is_restrictive(TagKind kind) {
  return kind == TagKind::RestrictiveBits || kind == TagKind::RestrictiveEnum;
}
/// At least one value of the label must be held.
constexpr bool is_permissive(TagKind kind) {
  return kind == TagKind::PermissiveBits || kind == TagKind::PermissiveEnum;
}

/// A tag as labels and clearances know it.
struct TagKey {
  Oid tag_set;
  TagKind kind = TagKind::Informative;
  static void fields(auto& s, auto&& f) { f(s.tag_set, s.kind); }
  bool operator==(const TagKey&) const = default;
  std::strong_ordering operator<=>(const TagKey&) const = default;
};

/// The identity of a category: the same lacv in another kind of the same tag set is another category.
struct CatKey {
  Oid tag_set;
  TagKind kind = TagKind::Informative;
  Lacv lacv = 0;
  static void fields(auto& s, auto&& f) { f(s.tag_set, s.kind, s.lacv); }
  bool operator==(const CatKey&) const = default;
  std::strong_ordering operator<=>(const CatKey&) const = default;
};

/// What a label was read from. Made: by the guard's own configuration or by a translation.
enum class Format : std::uint8_t { Made, Ess, Missi, Stanag4774 };
inline constexpr Format kLastFormat = Format::Stanag4774;

/// A label as it was read; nothing about it has been held against a policy. Who fills it calls settle() once.
struct Label {
  Oid policy;                              ///< empty: the label names none, and cannot be judged
  std::optional<Lacv> classification;      ///< never absent in STANAG 4774
  std::vector<CatKey> categories;          ///< a set: sorted, no two equal
  std::vector<TagKey> empty;               ///< tags that were there without a value: makes the label invalid; sorted
  std::vector<std::string> privacy_marks;  ///< as written; decide nothing
  Format format = Format::Made;            ///< no part of the meaning

  /// Sorts the sets and takes out what is there twice.
  void settle();
  bool has(const CatKey& category) const;

  static void fields(auto& s, auto&& f) {
    f(s.policy, s.classification, s.categories, s.empty, s.privacy_marks, s.format);
  }
  bool operator==(const Label&) const = default;
};

/// Same policy, classification and values: neither octets, nor format, nor privacy marks (labels.md 11.5).
bool same_meaning(const Label& one, const Label& other);

/// What somebody may see, under one policy. Who fills it calls settle() once.
struct Clearance {
  Oid policy;
  std::vector<Lacv> classes;       ///< a set; one that is empty grants nothing (I2)
  std::vector<CatKey> categories;  ///< a set

  void settle();
  bool has(const CatKey& category) const;
  bool has_class(Lacv lacv) const;

  static void fields(auto& s, auto&& f) { f(s.policy, s.classes, s.categories); }
  bool operator==(const Clearance&) const = default;
};

}  // namespace sallyport::policy::label

namespace sallyport::inspect {
template <>
inline constexpr policy::label::TagKind kLast<policy::label::TagKind> = policy::label::kLastTagKind;
template <>
inline constexpr policy::label::Format kLast<policy::label::Format> = policy::label::kLastFormat;
}  // namespace sallyport::inspect
