// A SPIF with everything looked up in it at once. Made once, at load; shared as const.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "policy/label/spif.h"

namespace sallyport::policy::label {

/// How names in labels are compared with those of the SPIF, after white space was collapsed (I21).
enum class NameCase : std::uint8_t { Ignore, Exact };
inline constexpr NameCase kLastNameCase = NameCase::Exact;

/// The Type of a category in STANAG 4774.
enum class CatType : std::uint8_t { Restrictive, Permissive, Informative };
constexpr CatType type_of(TagKind kind) {
  return is_restrictive(kind) ? CatType::Restrictive : is_permissive(kind) ? CatType::Permissive : CatType::Informative;
}

/// White space collapsed and trimmed, case folded as Unicode says. Text that is not UTF-8 folds to "".
std::string folded(std::string_view name);

/// The position of a category over all tags, in the order of the file.
using CatNumber = std::uint32_t;
/// The position of a class, of a tag, of a tag set in the Spif.
using Number = std::uint32_t;

/// Nothing that a policy says about time changes in it: from `since` on, before `until`.
struct SteadySpan {
  Time since = Time::min(), until = Time::max();
  bool holds(Time now) const { return now >= since && now < until; }
};

/// Consistent: identifiers are sound, classes and categories are unique, every reference leads somewhere. All look-ups
/// are binary searches without allocation, those by name apart.
class Policy {
 public:
  /// Why not, in words, if the tables are not consistent.
  static std::expected<Policy, std::string> make(Spif spif);

  const Spif& spif() const { return spif_; }
  const Oid& id() const { return spif_.id; }

  std::optional<Number> class_number(Lacv lacv) const;
  std::optional<Number> class_named(std::string_view name, NameCase how) const;
  const Class& class_at(Number number) const { return spif_.classes[number]; }

  std::optional<Number> tag_set_number(const Oid& id) const;
  std::optional<Number> tag_set_named(std::string_view name, NameCase how) const;
  const TagSet& tag_set_at(Number number) const { return spif_.tag_sets[number]; }

  std::optional<CatNumber> category_number(const CatKey& key) const;
  /// Among the tags of the set that have that Type; nullopt if there is none or more than one.
  std::optional<CatNumber> category_named(Number tag_set, CatType type, std::string_view name, NameCase how) const;
  bool has_kind(Number tag_set, TagKind kind) const;
  /// Whether the tag set has a tag of that Type; which kind, if it is one only.
  std::optional<TagKind> kind_of(Number tag_set, CatType type) const;
  std::size_t category_count() const { return places_.size(); }
  const Category& category_at(CatNumber number) const {
    return spif_.tags[places_[number].tag].categories[places_[number].place];
  }
  Number tag_of(CatNumber number) const { return places_[number].tag; }
  const Tag& tag_at(Number number) const { return spif_.tags[number]; }
  CatKey key(CatNumber number) const;
  /// The categories that a reference stands for, in the order of the file.
  std::vector<CatNumber> expand(const CatRef& ref) const;

  /// Two names of classes, of tag sets or of values of one Type differ by case only: no use with STANAG 4774 (10.3).
  bool is_case_ambiguous() const { return case_ambiguous_; }
  /// Some tag set has both enumerated kinds: no use with MISSI labels (labels.md 1).
  bool is_missi_ambiguous() const { return missi_ambiguous_; }
  /// Whether labels may come in this format (labels.md 2.1, 2.7): what rbacId says and no ambiguity forbids.
  bool admits(Format format) const;

  /// What was decided at `now` under this policy stays so within the span.
  SteadySpan steady(Time now) const;

 private:
  using Names = std::vector<std::pair<std::string, Number>>;  // folded; sorted
  struct CatPlace {
    Number tag = 0, place = 0;
  };
  struct CatName {
    Number tag_set = 0;
    CatType type = CatType::Informative;
    std::string name;  // folded
    CatNumber number = 0;
    auto key() const { return std::tuple(tag_set, type, std::string_view(name)); }
  };

  Policy() = default;
  void index_categories();
  void index_names();
  void index_times();

  Spif spif_;
  std::vector<std::pair<Lacv, Number>> classes_;
  std::vector<std::pair<Oid, Number>> tag_sets_;
  std::vector<std::pair<CatKey, CatNumber>> keys_;
  std::vector<CatPlace> places_;
  std::vector<CatNumber> first_of_tag_;
  Names class_names_, tag_set_names_;
  std::vector<CatName> category_names_;
  std::vector<std::int64_t> turns_;  // points in time at which something begins or has ended
  bool case_ambiguous_ = false, missi_ambiguous_ = false;
};

}  // namespace sallyport::policy::label

namespace sallyport::inspect {
template <>
inline constexpr policy::label::NameCase kLast<policy::label::NameCase> = policy::label::kLastNameCase;
}  // namespace sallyport::inspect
