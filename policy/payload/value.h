// Whether the text of an attribute or element is of the type that its shape asks for.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "policy/payload/shapes.h"

namespace sallyport::policy::shapes {

/// For every type but the addresses, which have to be prepared. Empty text fits the types that are words or octets.
bool fits(const Value& value, std::string_view text);

/// XEP-0082: a date, or a date and time with its zone; a date alone is its first moment. nullopt if it is neither.
std::optional<std::chrono::sys_seconds> date(std::string_view text);

}  // namespace sallyport::policy::shapes
