#include "policy/stage.h"

#include <algorithm>
#include <tuple>

namespace sallyport::policy {
namespace {

constexpr std::size_t kLongestLanguageTag = 35;  // RFC 5646 4.4.1

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool is_language_tag(std::string_view text) {
  if (text.size() > kLongestLanguageTag) return false;
  std::size_t group = 0;
  bool first_group = true;
  for (const char c : text) {
    if (c == '-') {
      if (group == 0) return false;
      group = 0;
      first_group = false;
    } else if (++group > 8 || !(is_letter(c) || (is_digit(c) && !first_group))) {
      return false;
    }
  }
  return group > 0;
}

bool same_language(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, {}, lower, lower);
}

bool is_whitespace(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

void set_attribute(inspect::Node& node, std::string_view ns, std::string_view name, std::string_view value,
                   inspect::Arena& arena) {
  const auto place = std::ranges::find_if(
      node.attributes, [&](const inspect::Attribute& a) { return std::tie(a.ns, a.name) >= std::tie(ns, name); });
  if (place != node.attributes.end() && place->ns == ns && place->name == name) {
    place->value = value;
    return;
  }
  const std::span<inspect::Attribute> longer = arena.array<inspect::Attribute>(node.attributes.size() + 1);
  const auto at = std::copy(node.attributes.begin(), place, longer.begin());
  *at = {ns, name, value};
  std::copy(place, node.attributes.end(), at + 1);
  node.attributes = longer;
}

}  // namespace sallyport::policy
