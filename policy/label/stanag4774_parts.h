// What labels and clearances of STANAG 4774 have in common. For stanag4774*.cc only.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/label/stanag4774.h"

namespace sallyport::policy::label {

/// The elements inside, in order. Text other than white space makes is_clean() false.
class ElementsOf {
 public:
  explicit ElementsOf(const inspect::Node& parent);
  bool is_clean() const { return clean_; }
  auto begin() const { return elements_.begin(); }
  auto end() const { return elements_.end(); }

 private:
  std::vector<const inspect::Node*> elements_;
  bool clean_ = true;
};

/// The text of an element that holds text only, white space collapsed; "" if it does not, or is longer than a name.
std::string token(const inspect::Node& element);

/// The policy that a PolicyIdentifier names.
std::expected<const Policy*, Misreading> read_policy_identifier(const inspect::Node& element, const Lexicon& lexicon);
/// Adds what one Category element holds.
struct CategorySink {
  const Policy& policy;
  NameCase names;
  std::vector<CatKey>& values;
  std::vector<TagKey>& empty;
};
std::optional<Misreading> read_category(const inspect::Node& element, CategorySink& sink);

/// A new element of the label namespace with that text.
inspect::Node* add_text_element(inspect::Node& parent, std::string_view name, std::string_view text,
                                inspect::Arena& arena);
void write_policy_identifier(inspect::Node& parent, const Policy& policy, inspect::Arena& arena);
/// One Category for each tag, in the order of the SPIF; false if there is one that the policy does not know.
bool write_categories(inspect::Node& parent, const std::vector<CatKey>& categories, const Policy& policy,
                      inspect::Arena& arena);

}  // namespace sallyport::policy::label
