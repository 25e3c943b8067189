// The written forms of values in the configuration file: durations, sizes, addresses.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/config/config.h"

namespace sallyport::config {

/// "250ms", "20s", "5min", "1h"; a whole number and its unit, nothing else.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The shortest of those forms.
std::string duration_text(std::chrono::milliseconds value);

/// "4096", "64KiB", "2MiB", "1GiB"; powers of 1024.
std::optional<std::uint64_t> parse_octets(std::string_view text);
/// The shortest of those forms.
std::string octets_text(std::uint64_t value);

/// "192.0.2.1:5269" or "[2001:db8::1]:5269"; the address is rewritten in its usual form (RFC 5952). Port 1 to 65535.
std::optional<Endpoint> parse_endpoint(std::string_view text);
std::string endpoint_text(const Endpoint& endpoint);

enum class Family : std::uint8_t { V4, V6 };
struct Address {
  std::string text;  ///< in its usual form
  Family family = Family::V4;
};
/// "192.0.2.1" or "2001:db8::1", without brackets.
std::optional<Address> parse_address(std::string_view text);

}  // namespace sallyport::config
