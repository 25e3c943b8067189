// What a parser lets through before it gives up (protocol.md section 8; RFC 6120 13.12).
#pragma once

#include <cstddef>

namespace sallyport::inspect {

/// Limits of one stream parser. Sizes are octets of the wire.
struct ParserLimits {
  std::size_t bytes_per_element =
      512 * 1024;                           ///< D-09: one first-level element. RFC 6120 13.12 asks for at least 10 000
  std::size_t header_bytes = 4096;          ///< D-08
  std::size_t header_attributes = 16;       ///< D-08
  std::size_t depth = 32;                   ///< D-10: the stanza itself is depth 1
  std::size_t elements = 1000;              ///< D-10, per first-level element
  std::size_t attributes_per_element = 32;  ///< D-10
  std::size_t declarations_per_element = 16;  ///< D-10
  std::size_t namespaces = 64;                ///< D-10, distinct ones in one first-level element
  std::size_t name_bytes = 256;               ///< D-11
  std::size_t value_bytes = 16 * 1024;        ///< D-11, one attribute value

  /// D-07: what an unauthenticated peer gets.
  static constexpr ParserLimits before_authentication() {
    ParserLimits limits;
    limits.bytes_per_element = 8192;
    limits.depth = 8;
    limits.elements = 32;
    return limits;
  }
};

}  // namespace sallyport::inspect
