// Base 64 as SASL uses it, in its only legal form (protocol.md C-14; RFC 6120 13.9.1; RFC 4648 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sallyport::inspect {

std::string encode_base64(std::string_view octets);

/// nullopt for whatever encode_base64 would not give: other characters, whitespace, a length that is not a multiple of
/// four, '=' elsewhere than at the end, pad bits that are not zero. Empty text is zero octets.
std::optional<std::string> decode_base64(std::string_view text);

/// The content of <auth/>, <challenge/>, <response/> or <success/>: as above, but '=' alone means zero octets and is
/// the only way of writing them (RFC 6120 6.4.2). Empty text means no octets at all and is for the caller to tell
/// apart.
std::optional<std::string> decode_sasl(std::string_view text);
/// The other way: "=" for zero octets.
std::string encode_sasl(std::string_view octets);

}  // namespace sallyport::inspect
