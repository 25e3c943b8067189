#include "inspect/element.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <tuple>

namespace sallyport::inspect {

Arena::Arena(std::size_t first_block)
    : block_(std::make_unique_for_overwrite<std::byte[]>(first_block)), resource_(block_.get(), first_block) {}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  auto* memory = static_cast<char*>(resource_.allocate(text.size(), 1));
  std::memcpy(memory, text.data(), text.size());
  return {memory, text.size()};
}

const std::string_view* Node::attribute(std::string_view wanted_name, std::string_view wanted_ns) const {
  for (const Attribute& attribute : attributes)
    if (attribute.name == wanted_name && attribute.ns == wanted_ns) return &attribute.value;
  return nullptr;
}

const Node* Node::child(std::string_view wanted_ns, std::string_view wanted_name) const {
  for (const Node& child : children())
    if (child.is(wanted_ns, wanted_name)) return &child;
  return nullptr;
}

std::string_view Node::text_content() const {
  for (const Node& child : children())
    if (child.is_text()) return child.text;
  return {};
}

bool Node::has_child_elements() const {
  return std::ranges::any_of(children(), [](const Node& child) { return !child.is_text(); });
}

namespace {

Node* last_child(const Node& parent) {
  Node* last = parent.first_child;
  while (last != nullptr && last->next != nullptr) last = last->next;
  return last;
}

}  // namespace

Node* TreeEditor::element(std::string_view ns, std::string_view name) {
  Node* node = arena_.one<Node>();
  node->ns = ns;
  node->name = name;
  return node;
}

Node* TreeEditor::append(Node& parent, std::string_view ns, std::string_view name) {
  Node* child = element(ns, name);
  append(parent, *child);
  return child;
}

void TreeEditor::append(Node& parent, Node& child) {
  assert(child.next == nullptr);
  if (Node* last = last_child(parent))
    last->next = &child;
  else
    parent.first_child = &child;
}

void TreeEditor::append_text(Node& parent, std::string_view text) {
  if (text.empty()) return;
  Node* last = last_child(parent);
  if (last != nullptr && last->is_text()) {
    last->text = joined(last->text, text);
    return;
  }
  Node* node = arena_.one<Node>();
  node->text = text;
  append(parent, *node);
}

void TreeEditor::set_attribute(Node& node, std::string_view name, std::string_view value, std::string_view ns) {
  const auto before = [&](const Attribute& attribute) {
    return std::tie(attribute.ns, attribute.name) < std::tie(ns, name);
  };
  const auto at = std::ranges::partition_point(node.attributes, before);
  if (at != node.attributes.end() && at->ns == ns && at->name == name) {
    at->value = value;
    return;
  }
  const auto more = arena_.array<Attribute>(node.attributes.size() + 1);
  const auto place = std::copy(node.attributes.begin(), at, more.begin());
  *place = {ns, name, value};
  std::copy(at, node.attributes.end(), place + 1);
  node.attributes = more;
}

void TreeEditor::remove_attribute(Node& node, std::string_view name, std::string_view ns) {
  const auto rest = std::ranges::remove_if(
      node.attributes, [&](const Attribute& attribute) { return attribute.name == name && attribute.ns == ns; });
  node.attributes = node.attributes.first(node.attributes.size() - rest.size());
}

void TreeEditor::remove_child(Node& parent, const Node& child) {
  Node* before = nullptr;
  for (Node* at = parent.first_child; at != &child; at = at->next) before = at;
  Node* after = child.next;
  (before != nullptr ? before->next : parent.first_child) = after;
  if (before != nullptr && after != nullptr && before->is_text() && after->is_text()) {
    before->text = joined(before->text, after->text);
    before->next = after->next;
  }
}

Node* TreeEditor::copy(const Node& node) {
  Node* made = arena_.one<Node>();
  *made = node;
  made->next = nullptr;
  made->attributes = arena_.array<Attribute>(node.attributes.size());
  std::ranges::copy(node.attributes, made->attributes.begin());
  Node** place = &made->first_child;
  for (const Node& child : node.children()) {
    *place = copy(child);
    place = &(*place)->next;
  }
  return made;
}

std::string_view TreeEditor::joined(std::string_view first, std::string_view second) {
  const auto octets = arena_.array<char>(first.size() + second.size());
  std::ranges::copy(second, std::ranges::copy(first, octets.begin()).out);
  return {octets.data(), octets.size()};
}

}  // namespace sallyport::inspect
