// Base64 as SASL wants it: strict (RFC 4648 section 4, RFC 6120 13.9.1; protocol.md C-14).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sallyport::edge {

std::string base64(std::string_view octets);
/// nullopt unless `text` is the one encoding of some octets: no foreign character, no white space, full padding, pad
/// bits zero.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace sallyport::edge
