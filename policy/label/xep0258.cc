#include "policy/label/xep0258.h"

#include <algorithm>
#include <array>

#include "inspect/base64.h"

namespace sallyport::policy::label {
namespace {

using inspect::Node;

bool is_white_space(const Node& text) {
  return text.text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// The elements inside; nullopt if there is text beside them.
std::optional<std::vector<const Node*>> elements_of(const Node& parent) {
  std::vector<const Node*> found;
  for (const Node& child : parent.children()) {
    if (!child.is_text())
      found.push_back(&child);
    else if (!is_white_space(child))
      return std::nullopt;
  }
  return found;
}

/// Of a label or equivalentlabel: the element of another namespace inside.
std::optional<std::vector<const Node*>> content_of(const Node& holder) {
  auto found = elements_of(holder);
  if (!found || found->size() > 1 || (!found->empty() && found->front()->ns == kSecLabelNs)) return std::nullopt;
  return found;
}

std::expected<ReadLabel, Misreading> decode_bound(const Node& binding, const Lexicon& lexicon) {
  const auto bound = unbind_4778(binding);
  if (!bound) return std::unexpected(Misreading::Malformed);
  auto label = decode_4774(*bound->originator, lexicon);
  if (!label) return std::unexpected(label.error());
  ReadLabel read{.label = std::move(label->label), .created = label->created, .alternatives = {}};
  for (const Node* alternative : bound->alternatives)
    if (auto other = decode_4774(*alternative, lexicon)) read.alternatives.push_back(std::move(other->label));
  return read;
}

}  // namespace

bool is_display_colour(std::string_view text) {
  static constexpr std::array<std::string_view, 18> kNames = {
      "aqua", "black", "blue",   "fuchsia", "fuschia", "gray",   "green", "lime",  "maroon",
      "navy", "olive", "orange", "purple",  "red",     "silver", "teal",  "white", "yellow"};
  if (std::ranges::find(kNames, text) != kNames.end()) return true;
  return text.size() == 7 && text[0] == '#' &&
         text.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string_view::npos;
}

std::optional<SecurityLabel> read_security_label(const Node& element) {
  const auto parts = elements_of(element);
  if (!parts) return std::nullopt;
  SecurityLabel read;
  bool any_label = false;
  for (const Node* part : *parts) {
    if (part->is(kSecLabelNs, "displaymarking")) {
      if (read.marking || part->has_child_elements()) return std::nullopt;
      read.marking = DisplayMarking{.text = part->text_content()};
      if (const auto* colour = part->attribute("fgcolor")) read.marking->foreground = *colour;
      if (const auto* colour = part->attribute("bgcolor")) read.marking->background = *colour;
    } else if (part->is(kSecLabelNs, "label")) {
      const auto content = content_of(*part);
      if (any_label || !content) return std::nullopt;
      any_label = true;
      if (!content->empty()) read.label = content->front();
    } else if (part->is(kSecLabelNs, "equivalentlabel")) {
      const auto content = content_of(*part);
      if (!content || content->empty() || read.equivalents.size() == kMostEquivalents) return std::nullopt;
      read.equivalents.push_back(content->front());
    } else {
      return std::nullopt;
    }
  }
  if (!any_label) return std::nullopt;
  return read;
}

std::expected<ReadLabel, Misreading> decode_label(const Node& element, const Lexicon& lexicon, ber::Rules rules) {
  if (element.is(kEssNs, "esssecuritylabel")) {
    if (element.has_child_elements()) return std::unexpected(Misreading::Malformed);
    auto label = decode_ess_text(element.text_content(), rules, lexicon.facts());
    if (!label) return std::unexpected(label.error());
    return ReadLabel{.label = std::move(*label), .created = {}, .alternatives = {}};
  }
  if (element.ns == kBindingNs) return decode_bound(element, lexicon);
  auto label = decode_4774(element, lexicon);
  if (!label) return std::unexpected(label.error());
  // A metadata label is about the label, not about the stanza (labels.md 10.4).
  if (label->role == LabelRole::Metadata) return std::unexpected(Misreading::UnknownFormat);
  return ReadLabel{.label = std::move(label->label), .created = label->created, .alternatives = {}};
}

Node* encode_label(const Label& label, Format format, LabelRole role, Seconds created, const Policy& policy,
                   const Lexicon& lexicon, inspect::Arena& arena) {
  if (format == Format::Stanag4774) return encode_4774(label, policy, role, created, arena);
  const CategorySyntax syntax = format == Format::Missi ? CategorySyntax::Missi : CategorySyntax::Acp145;
  const auto octets = encode_ess(label, syntax, lexicon.facts());
  if (!octets) return nullptr;
  inspect::TreeEditor editor(arena);
  Node* element = editor.element(kEssNs, "esssecuritylabel");
  editor.append_text(*element, arena.copy(inspect::encode_base64(*octets)));
  return element;
}

Node* write_security_label(const std::optional<DisplayMarking>& marking, Node* label,
                           const std::vector<Node*>& equivalents, inspect::Arena& arena) {
  inspect::TreeEditor editor(arena);
  Node* element = editor.element(kSecLabelNs, "securitylabel");
  if (marking) {
    Node* shown = editor.append(*element, kSecLabelNs, "displaymarking");
    if (!marking->background.empty()) editor.set_attribute(*shown, "bgcolor", marking->background);
    if (!marking->foreground.empty()) editor.set_attribute(*shown, "fgcolor", marking->foreground);
    editor.append_text(*shown, marking->text);
  }
  Node* holder = editor.append(*element, kSecLabelNs, "label");
  if (label) editor.append(*holder, *label);
  for (Node* equivalent : equivalents)
    editor.append(*editor.append(*element, kSecLabelNs, "equivalentlabel"), *equivalent);
  return element;
}

bool same_tree(const Node& one, const Node& other) {
  const auto same_attribute = [](const inspect::Attribute& a, const inspect::Attribute& b) {
    return a.name == b.name && a.value == b.value && a.ns == b.ns;
  };
  if (one.name != other.name || one.ns != other.ns || one.text != other.text) return false;
  if (!std::ranges::equal(one.attributes, other.attributes, same_attribute)) return false;
  const Node* a = one.first_child;
  const Node* b = other.first_child;
  for (; a && b; a = a->next, b = b->next)
    if (!same_tree(*a, *b)) return false;
  return a == b;
}

}  // namespace sallyport::policy::label
