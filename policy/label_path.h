// Who has a say about a label on its way: whose clearances are asked, which policy governs, which label is the default
// (labels.md 11.3, 11.4). For the label stage and for what reasons about it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "policy/bundle.h"

namespace sallyport::policy {

/// Somebody with clearances.
struct Cleared {
  const std::vector<std::uint16_t>* clearances = nullptr;  ///< numbers in LabelRules
  std::string_view whose;
};

/// One end of a stanza's way.
struct Station {
  std::uint16_t enclave = 0;       ///< where it is, whatever its address says
  const Domain* server = nullptr;  ///< a session's, at that end; between servers, and where the client is, none
  const Domain* domain = nullptr;  ///< of the address; none where a client is, or if no enclave owns it
  std::string_view bare;           ///< the address; "" or that of its domain if it is none of its own

  static Station at(const Domain& domain, std::string_view bare) { return {domain.enclave, nullptr, &domain, bare}; }
};

/// Whoever is asked at one end, in the order in which they are: the enclave, the session's server, the home domain, the
/// component, the address. Who has no clearance of his own has those of the others; where nobody has one, the label is
/// denied.
class ClearedOnSide {
 public:
  ClearedOnSide(const Bundle& bundle, const Station& station);
  std::span<const Cleared> all() const { return {list_.data(), count_}; }

 private:
  void add(const std::vector<std::uint16_t>& clearances, std::string_view whose);

  std::array<Cleared, 5> list_;
  std::size_t count_ = 0;
};

/// The label policy that governs an enclave; that of the other one where it has none of its own. nullopt: none does.
std::optional<std::uint16_t> governing(const LabelRules& rules, std::uint16_t enclave, std::uint16_t other);

/// The label of what comes from there without one: as its sender, his domain, its home, the session's server or the
/// enclave says.
/// `subject_of` is the room whose subject it sets, or "": that is labelled as the room is.
std::optional<std::uint16_t> default_label(const Bundle& bundle, const Station& from, std::string_view subject_of);

}  // namespace sallyport::policy
