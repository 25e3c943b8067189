// What a stanza carries: its payloads, and the stanzas inside it. Filled while it is judged, in the arena of the batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "inspect/element.h"

namespace sallyport::policy {

/// A payload as the payload stage came upon it.
struct Payload {
  std::string_view ns, name;
  std::uint8_t depth = 0;  ///< 0: of the stanza itself or within such a payload; 1: of a stanza inside it
  bool on = false;         ///< known and switched on; else it was taken out, or the stanza was refused for it
};

/// All payloads of a stanza, in document order. Bounded.
class Inventory {
 public:
  static constexpr std::size_t kMost = 256;

  /// False if there are too many.
  bool add(const Payload& payload, inspect::Arena& arena);
  std::span<const Payload> all() const { return room_.first(count_); }

 private:
  std::span<Payload> room_;
  std::size_t count_ = 0;
};

/// A stanza inside another one, or an item of publish-subscribe.
struct Nested {
  enum class Wrapper : std::uint8_t {
    Forwarded,  ///< XEP-0297, alone
    Carbon,     ///< XEP-0280
    Archive,    ///< XEP-0313
    Item,       ///< XEP-0060; `node` is the <item/>
    Other,      ///< somewhere else; the payload stage refuses that
  };
  inspect::Node* node = nullptr;
  const inspect::Node* parent = nullptr;  ///< the element that it stands in
  Wrapper wrapper = Wrapper::Other;
  std::uint8_t depth = 1;  ///< 2 and more: within another nested stanza; the payload stage refuses that
};

/// Every stanza and item inside the stanza, however deep and wherever it stands, in document order; whether the payload
/// stage has run or not. What that stage takes out is not found after it.
std::span<const Nested> nested(inspect::Node& stanza, inspect::Arena& arena);

}  // namespace sallyport::policy
