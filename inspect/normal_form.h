// Normal form: the inert binary encoding in which a stanza goes from an edge to the guard (design.md section 4).
//
// It is injective: one tree has one string of octets, and the decoder refuses every other.
//
//   stanza    := element                                    nothing before or after it
//   element   := 0x01 namespace name attribute-count:u8 attribute* node* 0x00
//   node      := element | text
//   text      := 0x02 length:u32 octets                     not empty, never two in a row
//   attribute := namespace name value:string                sorted by (namespace octets, name octets), no two alike
//   name      := length:u16 octets                          [A-Za-z_][A-Za-z0-9._-]*, at most 256
//   namespace := number:u16 [string]                        0 content (element) or none (attribute);
//                                                           1 the xml namespace (attribute `lang` only);
//                                                           2.. by first use: the string follows exactly when the
//                                                           number is new
//   string    := length:u32 octets
//
// All text is strict UTF-8 without the code points that protocol.md 7.2 Z-a forbids. An element of the content
// namespace stands only at the top or inside another such element; deeper ones keep their literal namespace
// (protocol.md X-05). An element of the streams namespace stands only at the top (Z-g).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/element.h"
#include "inspect/limits.h"

namespace sallyport::inspect {

/// Writes the normal form of one element as its parts become known. The calls must nest as XML does; the caller has
/// checked names and characters. Appends to `out`, which must outlive the writer.
class NormalFormWriter {
 public:
  explicit NormalFormWriter(std::string& out) : out_(out) {}

  /// `attributes` in any order; they are sorted here, in place. Expanded names must be unique.
  void open(std::string_view ns, std::string_view name, std::span<Attribute> attributes);
  /// Adjacent pieces become one text node.
  void text(std::string_view piece);
  void close();
  /// Forgets the namespaces: the next element is a stanza of its own.
  void restart();
  std::size_t distinct_namespaces() const { return namespaces_.size(); }

 private:
  struct Place {
    std::size_t at, size;
  };
  void finish_text();
  void namespace_number(std::string_view ns, bool of_attribute);

  std::string& out_;
  std::vector<Place> namespaces_;  ///< where in out_ each one's octets stand
  std::size_t text_at_ = 0;        ///< where the open text node's octets begin; 0 when there is none
};

/// What was wrong with octets that claim to be normal form. An edge that sends such a thing is treated as dead.
struct NormalFormFault {
  std::size_t at = 0;  ///< octet offset
  std::string what;
};

/// Decodes one stanza. The nodes live in `arena`; their texts are views into `octets`.
std::expected<Node*, NormalFormFault> decode(std::string_view octets, Arena& arena, const ParserLimits& limits);

/// The normal form of a tree: encode(decode(x)) == x.
void encode(const Node& element, std::string& out);

}  // namespace sallyport::inspect
