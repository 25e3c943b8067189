// Ids of streams.
#pragma once

#include <string>

namespace sallyport::edge {

/// 128 bits from the system's random source as 22 characters of base64url, new each time (RFC 6120 4.7.3).
std::string new_stream_id();

}  // namespace sallyport::edge
