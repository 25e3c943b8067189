// What a peering lets cross besides text: named switches, and profiles that are sets of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sallyport::policy {

enum class Switch : std::uint8_t {
#define SALLYPORT_SWITCH(enumerator, ...) enumerator,
#include "policy/payload/switches.def"
#undef SALLYPORT_SWITCH
  kEnd,  ///< of what crosses whatever the switches say
};
inline constexpr std::size_t kSwitchCount = static_cast<std::size_t>(Switch::kEnd);

/// A set of switches that are on. What no switch names is off.
class Switches {
 public:
  constexpr Switches() = default;
  constexpr explicit Switches(std::uint64_t bits) : bits_(bits) {}

  constexpr bool has(Switch which) const { return which == Switch::kEnd || (bits_ & bit(which)) != 0; }
  constexpr void add(Switch which) { bits_ |= bit(which); }
  constexpr void remove(Switch which) { bits_ &= ~bit(which); }
  constexpr std::uint64_t bits() const { return bits_; }
  /// Whether every bit is that of a switch.
  constexpr bool is_legal() const { return (bits_ >> kSwitchCount) == 0; }

 private:
  static constexpr std::uint64_t bit(Switch which) { return std::uint64_t{1} << static_cast<unsigned>(which); }

  std::uint64_t bits_ = 0;
};
static_assert(kSwitchCount < 64);

enum class Profile : std::uint8_t { TextOnly, Chat, CoalitionMuc, Full };
inline constexpr Profile kLastProfile = Profile::Full;
std::string_view name(Profile profile);
Switches switches(Profile profile);

struct SwitchRow {
  Switch which{};
  std::string_view name;
  std::uint8_t profiles = 0;  ///< bit n: the profile with that number has it on
  std::string_view text;
};
/// All rows, in the order of the enumerators.
std::span<const SwitchRow> switch_rows();
std::string_view name(Switch which);
/// Unknown: nullopt.
std::optional<Switch> switch_named(std::string_view name);

}  // namespace sallyport::policy
