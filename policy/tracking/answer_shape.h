// What an answer to an iq request may look like, and how long it may take (protocol.md ).
#pragma once

#include <chrono>
#include <string_view>

#include "policy/tracking/iq_table.h"

namespace sallyport::policy {

/// How long the guard waits for the answer to a request with that payload before it answers itself.
std::chrono::milliseconds patience(std::string_view ns);

/// Whether a result that holds this one element may answer the request. Nothing at all always may.
bool may_answer(const OpenIq& request, std::string_view ns, std::string_view name);

}  // namespace sallyport::policy
