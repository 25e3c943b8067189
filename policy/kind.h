// The three kinds of stanzas (RFC 6120 8.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::policy {

enum class Kind : std::uint8_t { Message, Presence, Iq };
inline constexpr Kind kLastKind = Kind::Iq;
std::string_view name(Kind kind);
std::optional<Kind> kind(std::string_view name);

}  // namespace sallyport::policy
