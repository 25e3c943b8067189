// Why octets or elements are no label or clearance.
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport::policy::label {

/// Where several apply, the first that the reader comes upon.
enum class Misreading : std::uint8_t {
  Malformed,
  UnknownFormat,          ///< an element that is not known to hold a label
  UnknownCategorySyntax,  ///< ESS: a category type that is none of ACP-145 and MISSI
  UnknownPolicy,          ///< the policy is needed to read it, and is not loaded
  PolicyConflict,         ///< STANAG 4774: the policy's name and its identifier disagree
  UnknownClassification,
  UnknownTagSet,
  UnknownCategory,
};
/// A sentence about it, for people: "it is malformed".
std::string_view in_words(Misreading misreading);

}  // namespace sallyport::policy::label
