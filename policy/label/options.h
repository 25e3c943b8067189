// How the places are read that the specifications leave open (labels.md 16); I1 and so on are the rows of its table.
#pragma once

#include <cstdint>
#include <optional>

#include "policy/label/label.h"

namespace sallyport::policy::label {

/// I1: a class is held when it is listed, or when any listed one ranks at least as high.
enum class ClassTest : std::uint8_t { Member, Rank };
inline constexpr ClassTest kLastClassTest = ClassTest::Rank;
/// What is done about something that is not as it should be.
enum class Lenience : std::uint8_t { Refuse, Ignore };
inline constexpr Lenience kLastLenience = Lenience::Ignore;
/// I8: the unit of "all of" and "one of".
enum class Unit : std::uint8_t { Tag, TagSetAndKind };
inline constexpr Unit kLastUnit = Unit::TagSetAndKind;
/// I10: all="true" stands for each of its categories, or for any of them.
enum class AllMeans : std::uint8_t { EachCategory, AnyPresent };
inline constexpr AllMeans kLastAllMeans = AllMeans::AnyPresent;
/// I32: aggregation. Safe: a label without a permissive tag does not count. Adatp: it takes the tag away.
enum class Aggregation : std::uint8_t { Safe, Adatp };
inline constexpr Aggregation kLastAggregation = Aggregation::Adatp;

/// The defaults are the readings that labels.md chose. Of one policy.
struct Options {
  ClassTest class_test = ClassTest::Member;          ///< I1
  bool no_class_means_default = false;               ///< I2: a class list that is empty stands for {1}
  bool accept_obsolete = true;                       ///< I3: in labels that arrive; never in labels that are made
  std::optional<Lacv> absent_class;                  ///< I4: stands in for a class that is absent
  Lenience empty_category = Lenience::Refuse;        ///< I5: Ignore: nothing was asserted
  Lenience unknown_in_clearance = Lenience::Ignore;  ///< I6: Refuse: the whole clearance grants nothing
  Lenience outside_validity = Lenience::Refuse;      ///< I7: of the SPIF
  Unit unit = Unit::Tag;                             ///< I8
  bool name_beside_phrase = false;                   ///< I9: the marking shows both
  AllMeans all_means = AllMeans::EachCategory;       ///< I10
  bool min_always = false;                           ///< I12: minSelection counts for tags that are not used
  bool codeless_at_bottom_only = false;              ///< I13: markingData without place
  bool mark_privacy = false;                         ///< I14: the privacy mark ends the marking
  bool may_empty_permissive = false;                 ///< I15: a translation may empty a permissive tag: opens data
  bool pick_first_required = false;                  ///< I16: an added requirement with a choice takes its first
  bool pick_highest_class = false;                   ///< I17: several candidates backwards: that of the highest rank
  bool any_target_suffices = false;                  ///< I18: one-to-many backwards
  bool all_excludes_itself = false;                  ///< I19: an exclusion of all in the own tag set
  bool drop_informative = false;                     ///< I29: in a translation, when it has no equivalent
  bool narrow_permissive = false;                    ///< I30: in a translation, when others of the tag remain
  Aggregation aggregation = Aggregation::Safe;       ///< I32
  bool strict_privacy_mark = false;                  ///< refuses marks that the SPIF does not list, if it lists any

  static void fields(auto& s, auto&& f) {
    f(s.class_test, s.no_class_means_default, s.accept_obsolete, s.absent_class, s.empty_category,
      s.unknown_in_clearance, s.outside_validity, s.unit, s.name_beside_phrase, s.all_means, s.min_always,
      s.codeless_at_bottom_only, s.mark_privacy, s.may_empty_permissive, s.pick_first_required, s.pick_highest_class,
      s.any_target_suffices, s.all_excludes_itself, s.drop_informative, s.narrow_permissive, s.aggregation,
      s.strict_privacy_mark);
  }
  bool operator==(const Options&) const = default;
};

}  // namespace sallyport::policy::label

namespace sallyport::inspect {
template <>
inline constexpr policy::label::ClassTest kLast<policy::label::ClassTest> = policy::label::kLastClassTest;
template <>
inline constexpr policy::label::Lenience kLast<policy::label::Lenience> = policy::label::kLastLenience;
template <>
inline constexpr policy::label::Unit kLast<policy::label::Unit> = policy::label::kLastUnit;
template <>
inline constexpr policy::label::AllMeans kLast<policy::label::AllMeans> = policy::label::kLastAllMeans;
template <>
inline constexpr policy::label::Aggregation kLast<policy::label::Aggregation> = policy::label::kLastAggregation;
}  // namespace sallyport::inspect
