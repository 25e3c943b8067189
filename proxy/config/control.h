// The guard's control socket (guard.control): how `sallyport reload` and `sallyport status` speak to a running guard.
//
// A client connects, writes one line, a request, and reads lines until the guard closes the connection. The first line
// is "ok", or "error" and why. Who may connect is the business of the socket file's permissions.
#pragma once

#include <string_view>

namespace sallyport::config {

/// One line for each live crossing that a reload of the bundle file, as it is now, would end. Changes nothing.
inline constexpr std::string_view kPreviewRequest = "preview";
/// Lines "NAME VALUE": bundle, edges, routes, stanzas.
inline constexpr std::string_view kStatusRequest = "status";
inline constexpr std::size_t kLargestControlAnswer = 1024 * 1024;

}  // namespace sallyport::config
