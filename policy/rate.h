// How much may cross in a time: token buckets of pairs of domains and of users (protocol.md D-17, D-18), as rules and
// as what is remembered of them.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "inspect/octets.h"
#include "policy/moment.h"
#include "policy/tracking/keyed.h"

namespace sallyport::policy {

/// What becomes of a stanza beyond the rate.
enum class OverRate : std::uint8_t { Wait, Drop };
inline constexpr OverRate kLastOverRate = OverRate::Drop;

/// Rates of one peering, in each direction. 0: no limit.
struct Rates {
  std::uint32_t pair_stanzas = 500;        ///< a second, of an ordered pair of domains
  std::uint32_t pair_octets = 256 * 1024;  ///< a second, of the normal form
  std::uint32_t user_messages = 20;        ///< a second, of one account; services have none of their own
  std::uint32_t user_presence = 20;
  std::uint32_t user_iqs = 20;
  std::uint32_t burst = 4;  ///< seconds' worth that may come at once
  OverRate over = OverRate::Wait;
  static void fields(auto& s, auto&& f) {
    f(s.pair_stanzas, s.pair_octets, s.user_messages, s.user_presence, s.user_iqs, s.burst, s.over);
  }
  bool operator==(const Rates&) const = default;
};

/// What one judgement takes out of buckets.
struct RateChange {
  struct Spent {
    std::uint64_t bucket = 0;
    std::chrono::microseconds cost{};
  };
  std::array<Spent, 4> spent;
  std::size_t count = 0;

  void add(std::uint64_t bucket, std::chrono::microseconds cost) { spent[count++] = {bucket, cost}; }
};

/// The buckets, as the time up to which each is spoken for (the generic cell rate algorithm). Bounded: 16 384 in sets
/// of eight; a full set forgets the one that is spoken for the least. One per guard lane, not shared. Does not allocate
/// after it is made.
class RateBuckets {
 public:
  explicit RateBuckets(const Secret& secret = {});

  /// The bucket of an ordered pair, an account or a kind of it: whoever fills the table cannot choose its place.
  std::uint64_t bucket(std::initializer_list<std::string_view> names) const { return hash_(names); }
  /// How long until the bucket has room again; zero: now. It holds `burst` at most. This is also what a lane asks that
  /// slows a peer down by lending credit later (design.md 4) instead of having stanzas refused.
  std::chrono::microseconds wait(std::uint64_t bucket, std::chrono::microseconds burst, const Moment& now) const;

  void commit(const RateChange& change, const Moment& now);

 private:
  struct Entry {
    std::uint64_t bucket = 0;
    std::chrono::microseconds until{};
  };
  static constexpr std::size_t kSets = 2048, kWays = 8;
  using Set = std::array<Entry, kWays>;

  KeyedHash hash_;
  std::vector<Set> sets_;
};

}  // namespace sallyport::policy

namespace sallyport::inspect {
template <>
inline constexpr policy::OverRate kLast<policy::OverRate> = policy::kLastOverRate;
}  // namespace sallyport::inspect
