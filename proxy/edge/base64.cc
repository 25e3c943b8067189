#include "proxy/edge/base64.h"

#include <cstdint>

namespace sallyport::edge {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64(std::string_view octets) {
  std::string out;
  out.reserve((octets.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < octets.size(); at += 3) {
    const std::string_view group = octets.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) out.push_back(i <= group.size() ? kAlphabet[bits >> (18 - 6 * i) & 0x3F] : '=');
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  while (!text.empty()) {
    std::string_view group = text.substr(0, 4);
    text.remove_prefix(4);
    if (text.empty())
      for (int pads = 0; pads < 2 && group.ends_with('='); ++pads) group.remove_suffix(1);
    std::uint32_t bits = 0;
    for (const char symbol : group) {
      const auto value = kAlphabet.find(symbol);
      if (value == std::string_view::npos) return std::nullopt;
      bits = bits << 6 | static_cast<std::uint32_t>(value);
    }
    bits <<= 6 * (4 - group.size());
    const std::size_t octets = group.size() - 1;
    if ((bits & ((1U << (24 - 8 * octets)) - 1)) != 0) return std::nullopt;
    for (std::size_t i = 0; i < octets; ++i)
      out.push_back(static_cast<char>(static_cast<unsigned char>(bits >> (16 - 8 * i))));
  }
  return out;
}

}  // namespace sallyport::edge
