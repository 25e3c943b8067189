// A set of small numbers that are counted from 0.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sallyport::policy::proof {

/// All sets that are put together or compared are of one size.
class Bits {
 public:
  explicit Bits(std::size_t size, bool all = false) : words_((size + 63) / 64, all ? ~std::uint64_t{0} : 0) {}

  void add(std::size_t bit) { words_[bit / 64] |= std::uint64_t{1} << bit % 64; }
  void remove(std::size_t bit) { words_[bit / 64] &= ~(std::uint64_t{1} << bit % 64); }
  bool has(std::size_t bit) const { return (words_[bit / 64] >> bit % 64 & 1U) != 0; }
  Bits& operator|=(const Bits& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return *this;
  }
  Bits& operator&=(const Bits& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
    return *this;
  }
  /// The least that is in all four.
  static std::optional<std::size_t> first(const Bits& a, const Bits& b, const Bits& c, const Bits& d) {
    for (std::size_t i = 0; i < a.words_.size(); ++i) {
      const std::uint64_t common = a.words_[i] & b.words_[i] & c.words_[i] & d.words_[i];
      if (common != 0) return i * 64 + static_cast<std::size_t>(std::countr_zero(common));
    }
    return std::nullopt;
  }
  auto operator<=>(const Bits&) const = default;

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace sallyport::policy::proof
