#include "policy/label/stanag4774_parts.h"

#include <algorithm>

namespace sallyport::policy::label {
namespace {

using inspect::Node;

constexpr std::string_view kOidUri = "urn:oid:";

bool is_white_space(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string collapsed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view(" \t\r\n").find(c) == std::string_view::npos)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

bool same_name(std::string_view one, std::string_view other, NameCase names) {
  return names == NameCase::Exact ? one == other : folded(one) == folded(other);
}

std::optional<Oid> oid_of_uri(std::string_view uri) {
  if (!uri.starts_with(kOidUri)) return std::nullopt;
  return Oid::of_text(uri.substr(kOidUri.size()));
}

std::string_view uri_of(const Oid& id, inspect::Arena& arena) {
  return arena.copy(std::string(kOidUri) + id.text());
}

std::optional<CatType> read_type(std::string_view text) {
  if (text == "RESTRICTIVE") return CatType::Restrictive;
  if (text == "PERMISSIVE") return CatType::Permissive;
  if (text == "INFORMATIVE") return CatType::Informative;
  return std::nullopt;
}

std::string_view type_name(CatType type) {
  switch (type) {
    case CatType::Restrictive:
      return "RESTRICTIVE";
    case CatType::Permissive:
      return "PERMISSIVE";
    case CatType::Informative:
      break;
  }
  return "INFORMATIVE";
}

/// By its URI when there is one, which the name then has to agree with.
std::optional<Number> tag_set_of(const Node& element, std::string_view name, const CategorySink& sink) {
  const auto* uri = element.attribute("URI");
  if (!uri) return sink.policy.tag_set_named(name, sink.names);
  const auto id = oid_of_uri(*uri);
  const auto number = id ? sink.policy.tag_set_number(*id) : std::nullopt;
  if (!number || !same_name(sink.policy.tag_set_at(*number).name, name, sink.names)) return std::nullopt;
  return number;
}

}  // namespace

ElementsOf::ElementsOf(const Node& parent) {
  for (const Node& child : parent.children()) {
    if (!child.is_text())
      elements_.push_back(&child);
    else
      clean_ = clean_ && is_white_space(child.text);
  }
}

std::string token(const Node& element) {
  const std::string_view text = element.text_content();
  if (element.has_child_elements() || text.size() > 4 * kLargestName) return {};
  std::string name = collapsed(text);
  return name.size() <= kLargestName ? name : std::string();
}

std::expected<const Policy*, Misreading> read_policy_identifier(const Node& element, const Lexicon& lexicon) {
  const std::string name = token(element);
  if (name.empty()) return std::unexpected(Misreading::Malformed);
  const auto* uri = element.attribute("URI");
  if (!uri) {
    const Policy* named = lexicon.policy_named(name);
    return named ? std::expected<const Policy*, Misreading>(named) : std::unexpected(Misreading::UnknownPolicy);
  }
  const auto id = oid_of_uri(*uri);
  const Policy* policy = id ? lexicon.policy(*id) : nullptr;
  if (!policy) return std::unexpected(Misreading::UnknownPolicy);
  if (!same_name(policy->spif().name, name, lexicon.names())) return std::unexpected(Misreading::PolicyConflict);
  return policy;
}

std::optional<Misreading> read_category(const Node& element, CategorySink& sink) {
  const auto* type_text = element.attribute("Type");
  const auto* name_text = element.attribute("TagName");
  const auto type = type_text ? read_type(*type_text) : std::nullopt;
  const std::string name = name_text ? collapsed(*name_text) : std::string();
  if (!type || name.empty() || name.size() > kLargestName) return Misreading::Malformed;
  const auto set = tag_set_of(element, name, sink);
  if (!set) return Misreading::UnknownTagSet;

  const ElementsOf elements(element);
  if (!elements.is_clean()) return Misreading::Malformed;
  bool any = false;
  for (const Node* child : elements) {
    // The schema has IntegerValue and BitStringValue as well; the text of the standard forbids them.
    const std::string value = child->is(kLabelNs, "GenericValue") ? token(*child) : std::string();
    if (value.empty() || sink.values.size() == kMostCategories) return Misreading::Malformed;
    const auto number = sink.policy.category_named(*set, *type, value, sink.names);
    if (!number) return Misreading::UnknownCategory;
    sink.values.push_back(sink.policy.key(*number));
    any = true;
  }
  if (any) return std::nullopt;
  const auto kind = sink.policy.kind_of(*set, *type);
  if (!kind || sink.empty.size() == kMostCategories) return Misreading::UnknownCategory;
  sink.empty.push_back({sink.policy.tag_set_at(*set).id, *kind});
  return std::nullopt;
}

Node* add_text_element(Node& parent, std::string_view name, std::string_view text, inspect::Arena& arena) {
  inspect::TreeEditor editor(arena);
  Node* element = editor.append(parent, kLabelNs, name);
  editor.append_text(*element, text);
  return element;
}

void write_policy_identifier(Node& parent, const Policy& policy, inspect::Arena& arena) {
  Node* element = add_text_element(parent, "PolicyIdentifier", policy.spif().name, arena);
  inspect::TreeEditor(arena).set_attribute(*element, "URI", uri_of(policy.id(), arena));
}

bool write_categories(Node& parent, const std::vector<CatKey>& categories, const Policy& policy,
                      inspect::Arena& arena) {
  std::vector<CatNumber> numbers;
  numbers.reserve(categories.size());
  for (const CatKey& key : categories) {
    const auto number = policy.category_number(key);
    if (!number) return false;
    numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  inspect::TreeEditor editor(arena);
  Node* element = nullptr;
  Number open = 0;
  for (const CatNumber number : numbers) {
    const Number tag = policy.tag_of(number);
    if (!element || tag != open) {
      const TagSet& set = policy.tag_set_at(policy.tag_at(tag).tag_set);
      element = editor.append(parent, kLabelNs, "Category");
      editor.set_attribute(*element, "TagName", set.name);
      editor.set_attribute(*element, "Type", type_name(type_of(policy.tag_at(tag).kind)));
      editor.set_attribute(*element, "URI", uri_of(set.id, arena));
      open = tag;
    }
    add_text_element(*element, "GenericValue", policy.category_at(number).name, arena);
  }
  return true;
}

}  // namespace sallyport::policy::label
