#include "policy/payload/inventory.h"

#include <algorithm>

#include "inspect/names.h"

namespace sallyport::policy {
namespace {

namespace ns = inspect::ns;
using inspect::Node;

constexpr std::size_t kFirstRoom = 8;

bool is_stanza(const Node& node) {
  return (node.ns == ns::kClient || node.ns == ns::kServer) &&
         (node.name == "message" || node.name == "presence" || node.name == "iq");
}
bool is_item(const Node& node) {
  return node.is("http://jabber.org/protocol/pubsub#event", "item") ||
         node.is("http://jabber.org/protocol/pubsub", "item");
}

/// Goes over the tree; the first time it counts, the second time it writes.
class Search {
 public:
  void look(Node& parent, const Node* grandparent, unsigned depth) {
    for (Node* child = parent.first_child; child; child = child->next) {
      if (child->is_text()) continue;
      const bool found = is_stanza(*child) || is_item(*child);
      if (found) take(*child, parent, grandparent, depth);
      look(*child, &parent, depth + (found ? 1 : 0));
    }
  }
  std::size_t count = 0;
  std::span<Nested> room;

 private:
  void take(Node& node, const Node& parent, const Node* grandparent, unsigned depth) {
    if (count < room.size())
      room[count] = {&node, &parent, wrapper(node, parent, grandparent),
                     static_cast<std::uint8_t>(std::min(depth, 255U))};
    ++count;
  }
  static Nested::Wrapper wrapper(const Node& node, const Node& parent, const Node* grandparent) {
    using enum Nested::Wrapper;
    if (is_item(node)) return Item;
    if (!parent.is("urn:xmpp:forward:0", "forwarded") || !grandparent) return Other;
    if (grandparent->ns == "urn:xmpp:carbons:2") return Carbon;
    if (grandparent->is("urn:xmpp:mam:2", "result")) return Archive;
    return Forwarded;
  }
};

}  // namespace

bool Inventory::add(const Payload& payload, inspect::Arena& arena) {
  if (count_ == kMost) return false;
  if (count_ == room_.size()) {
    const std::span<Payload> larger = arena.array<Payload>(std::max(kFirstRoom, 2 * room_.size()));
    std::ranges::copy(room_, larger.begin());
    room_ = larger;
  }
  room_[count_++] = payload;
  return true;
}

std::span<const Nested> nested(Node& stanza, inspect::Arena& arena) {
  Search search;
  search.look(stanza, nullptr, 1);
  if (search.count == 0) return {};
  search.room = arena.array<Nested>(search.count);
  search.count = 0;
  search.look(stanza, nullptr, 1);
  return search.room;
}

}  // namespace sallyport::policy
