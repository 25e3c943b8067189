// The parts of addresses beyond ASCII, prepared by both standards in the field: stringprep (RFC 6122) and PRECIS with
// IDNA2008 (RFC 7622). A part stands only if both succeed and give the same octets (protocol.md X-07).
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "inspect/jid.h"

namespace sallyport::inspect {

/// Nodeprep and UsernameCaseMapped (RFC 8265 3.3) of clean text, single script (UTS 39).
std::expected<std::string, JidFault> prepare_unicode_local(std::string_view local);

/// Nameprep and IDNA2008 of a domain in lower or upper case without trailing dot; A-labels become U-labels.
std::expected<std::string, JidFault> prepare_unicode_domain(std::string_view domain);

/// The A-label form, at most 253 octets in labels of at most 63; empty if there is none.
std::string unicode_domain_to_ascii(std::string_view prepared_domain);

/// Clean text is NFC, has no bidi controls, and no space at either end.
bool is_unicode_resource(std::string_view resource);

}  // namespace sallyport::inspect
