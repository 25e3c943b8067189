// The tree of one stanza while it is judged: views into the frame it came in, nodes in an arena that lives for the
// batch.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>

#include "inspect/names.h"

namespace sallyport::inspect {

/// Memory for the elements of one batch. clear() frees all of them at once and keeps the first block.
class Arena {
 public:
  explicit Arena(std::size_t first_block = 16 * 1024);
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  void clear() { resource_.release(); }

  template <class T>
  std::span<T> array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (count == 0) return {};
    void* memory = resource_.allocate(count * sizeof(T), alignof(T));
    T* first = new (memory) T[count]{};
    return {first, count};
  }
  template <class T>
  T* one() {
    return array<T>(1).data();
  }
  /// A copy of the text that lives as long as the arena.
  std::string_view copy(std::string_view text);

 private:
  std::unique_ptr<std::byte[]> block_;
  std::pmr::monotonic_buffer_resource resource_;
};

struct Attribute {
  std::string_view ns;  ///< "" is no namespace
  std::string_view name;
  std::string_view value;
};

/// An element or, when is_text(), a run of text. Attributes are sorted by (namespace, name) and unique; text nodes are
/// never empty and never neighbours.
struct Node {
  std::string_view ns;    ///< ns::kContent for the stanza's own vocabulary
  std::string_view name;  ///< empty: text
  std::string_view text;  ///< of a text node
  std::span<Attribute> attributes;
  Node* first_child = nullptr;
  Node* next = nullptr;  ///< next sibling

  bool is_text() const { return name.empty(); }
  bool is(std::string_view wanted_ns, std::string_view wanted_name) const {
    return name == wanted_name && ns == wanted_ns && !name.empty();
  }
  /// The value of an attribute, or nullptr if it is absent (an empty value is not absence).
  const std::string_view* attribute(std::string_view wanted_name, std::string_view wanted_ns = "") const;
  /// The first child element of that name, or nullptr.
  const Node* child(std::string_view wanted_ns, std::string_view wanted_name) const;
  /// The text directly inside; only meaningful where there are no child elements. A view: text nodes are merged.
  std::string_view text_content() const;
  bool has_child_elements() const;

  /// Range over all children, text included.
  class Children;
  Children children() const;
};

class Node::Children {
 public:
  class iterator {
   public:
    using value_type = const Node;
    using difference_type = std::ptrdiff_t;
    explicit iterator(const Node* at = nullptr) : at_(at) {}
    const Node& operator*() const { return *at_; }
    const Node* operator->() const { return at_; }
    iterator& operator++() {
      at_ = at_->next;
      return *this;
    }
    iterator operator++(int) {
      iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const iterator&) const = default;

   private:
    const Node* at_;
  };
  explicit Children(const Node* first) : first_(first) {}
  iterator begin() const { return iterator(first_); }
  iterator end() const { return iterator(); }

 private:
  const Node* first_;
};

inline Node::Children Node::children() const {
  return Children(first_child);
}

/// Builds and alters trees in an arena, keeping the promises of Node: attributes sorted and unique, texts merged.
/// Names, values and texts are kept as views: give literals, parts of what outlives the tree, or arena.copy().
class TreeEditor {
 public:
  explicit TreeEditor(Arena& arena) : arena_(arena) {}

  Node* element(std::string_view ns, std::string_view name);
  /// A new last child element.
  Node* append(Node& parent, std::string_view ns, std::string_view name);
  /// `child` becomes the last child; it must not stand elsewhere.
  void append(Node& parent, Node& child);
  /// Adds to the text at the end. Empty text adds nothing.
  void append_text(Node& parent, std::string_view text);
  /// Adds the attribute or replaces its value.
  void set_attribute(Node& node, std::string_view name, std::string_view value, std::string_view ns = "");
  void remove_attribute(Node& node, std::string_view name, std::string_view ns = "");
  /// `child` must be a child of `parent`. Texts before and after it are merged.
  void remove_child(Node& parent, const Node& child);
  void remove_children(Node& parent) { parent.first_child = nullptr; }
  /// A tree of its own with the same views.
  Node* copy(const Node& node);

 private:
  std::string_view joined(std::string_view first, std::string_view second);

  Arena& arena_;
};

}  // namespace sallyport::inspect
