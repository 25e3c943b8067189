// Octet strings of fixed schema: the one encoding of airlock frames, of normal form and of bundles. Integers are
// big-endian and of fixed width, so every value has exactly one encoding.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sallyport::inspect {

/// The last enumerator of an enum that starts at 0 and has no gaps: what is above it does not decode. Specialise it for
/// every enum that travels.
template <class E>
inline constexpr E kLast = E::kLast;

/// Appends fields to a buffer that the caller owns.
class OctetWriter {
 public:
  explicit OctetWriter(std::string& out) : out_(out) {}

  template <std::unsigned_integral T>
  void integer(T value) {
    std::array<char, sizeof(T)> octets;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      octets[i] = static_cast<char>(static_cast<unsigned char>(value >> 8 * (sizeof(T) - 1 - i)));
    out_.append(octets.data(), octets.size());
  }
  /// 32 bit length, then the octets.
  void string(std::string_view value) {
    integer(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
  }

  /// Any field: bool, integer, enum, string, optional, vector, or a struct with `fields(self, visitor)`.
  template <class T>
  void field(const T& value);

 private:
  std::string& out_;
};

/// Reads fields back. The first thing that is not a legal encoding makes ok() false for good; every later read then
/// gives an empty value. Strings that are read as views point into the input.
class OctetReader {
 public:
  explicit OctetReader(std::string_view in) : in_(in) {}

  bool ok() const { return ok_; }
  bool at_end() const { return in_.empty(); }
  /// Everything was legal and nothing is left over.
  bool complete() const { return ok_ && in_.empty(); }
  std::size_t left() const { return in_.size(); }
  void fail() {
    ok_ = false;
    in_ = {};
  }

  template <std::unsigned_integral T>
  T integer() {
    if (in_.size() < sizeof(T)) {
      fail();
      return 0;
    }
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value = static_cast<T>(static_cast<T>(value << 7 << 1) | static_cast<unsigned char>(in_[i]));
    in_.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view octets(std::size_t count) {
    if (in_.size() < count) {
      fail();
      return {};
    }
    const std::string_view value = in_.substr(0, count);
    in_.remove_prefix(count);
    return value;
  }
  std::string_view string() { return octets(integer<std::uint32_t>()); }

  template <class T>
  void field(T& value);

 private:
  std::string_view in_;
  bool ok_ = true;
};

namespace detail {
template <class T>
inline constexpr bool is_vector = false;
template <class T, class A>
inline constexpr bool is_vector<std::vector<T, A>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
}  // namespace detail

template <class T>
void OctetWriter::field(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    integer(static_cast<std::uint8_t>(value ? 1 : 0));
  } else if constexpr (std::is_enum_v<T>) {
    integer(static_cast<std::make_unsigned_t<std::underlying_type_t<T>>>(value));
  } else if constexpr (std::is_integral_v<T>) {
    integer(static_cast<std::make_unsigned_t<T>>(value));
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    string(value);
  } else if constexpr (detail::is_vector<T>) {
    integer(static_cast<std::uint32_t>(value.size()));
    for (const auto& element : value) field(element);
  } else if constexpr (detail::is_optional<T>) {
    field(value.has_value());
    if (value) field(*value);
  } else {
    T::fields(value, [this](const auto&... each) { (this->field(each), ...); });
  }
}

template <class T>
void OctetReader::field(T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    const auto octet = integer<std::uint8_t>();
    if (octet > 1) fail();
    value = octet == 1;
  } else if constexpr (std::is_enum_v<T>) {
    using Number = std::make_unsigned_t<std::underlying_type_t<T>>;
    const auto number = integer<Number>();
    if (number > static_cast<Number>(kLast<T>)) fail();
    value = ok_ ? static_cast<T>(number) : T{};
  } else if constexpr (std::is_integral_v<T>) {
    value = static_cast<T>(integer<std::make_unsigned_t<T>>());
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    value = T(string());
  } else if constexpr (detail::is_vector<T>) {
    const auto count = integer<std::uint32_t>();
    value.clear();
    // Every element takes at least one octet: a count beyond what is left is a lie and must not reserve memory.
    if (count > left()) fail();
    for (std::uint32_t i = 0; i < count && ok_; ++i) {
      typename T::value_type element{};
      field(element);
      value.push_back(std::move(element));
    }
  } else if constexpr (detail::is_optional<T>) {
    bool present = false;
    field(present);
    value.reset();
    if (present) field(value.emplace());
  } else {
    T::fields(value, [this](auto&... each) { (this->field(each), ...); });
  }
}

}  // namespace sallyport::inspect
