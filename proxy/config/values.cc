#include "proxy/config/values.h"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include <arpa/inet.h>

namespace sallyport::config {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array kDurationUnits{Unit{"h", 3'600'000}, Unit{"min", 60'000}, Unit{"s", 1000}, Unit{"ms", 1}};
constexpr std::array kOctetUnits{Unit{"GiB", 1ULL << 30}, Unit{"MiB", 1ULL << 20}, Unit{"KiB", 1ULL << 10},
                                 Unit{"", 1}};
constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

template <std::size_t N>
std::optional<std::uint64_t> parse_amount(std::string_view text, const std::array<Unit, N>& units) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > kLargest / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string amount_text(std::uint64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) return std::to_string(value / unit.factor) + std::string(unit.name);
  }
  return "0" + std::string(units.back().name);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto amount = parse_amount(text, kDurationUnits);
  if (!amount) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(*amount));
}

std::string duration_text(std::chrono::milliseconds value) {
  return amount_text(static_cast<std::uint64_t>(value.count()), kDurationUnits);
}

std::optional<std::uint64_t> parse_octets(std::string_view text) {
  return parse_amount(text, kOctetUnits);
}

std::string octets_text(std::uint64_t value) {
  return amount_text(value, kOctetUnits);
}

std::optional<Address> parse_address(std::string_view text) {
  const std::string zero_ended(text);
  std::array<char, INET6_ADDRSTRLEN> usual{};
  in_addr v4{};
  if (inet_pton(AF_INET, zero_ended.c_str(), &v4) == 1) {
    return Address{inet_ntop(AF_INET, &v4, usual.data(), usual.size()), Family::V4};
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, zero_ended.c_str(), &v6) == 1) {
    return Address{inet_ntop(AF_INET6, &v6, usual.data(), usual.size()), Family::V6};
  }
  return std::nullopt;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const bool brackets = text.starts_with('[');
  const std::size_t colon = brackets ? text.find("]:") : text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto address = parse_address(brackets ? text.substr(1, colon - 1) : text.substr(0, colon));
  const auto port = parse_port(text.substr(colon + (brackets ? 2 : 1)));
  if (!address || !port || brackets != (address->family == Family::V6)) return std::nullopt;
  return Endpoint{address->text, *port};
}

std::string endpoint_text(const Endpoint& endpoint) {
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.address + "]" : endpoint.address) + ":" + std::to_string(endpoint.port);
}

}  // namespace sallyport::config
