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
/// "ledger-show WATCHER WATCHED OFFSET", bare JIDs or "-": lines "WATCHER WATCHED STATE ORIGIN SINCE", sorted, from
/// that line on, as many as an answer holds.
inline constexpr std::string_view kLedgerShowRequest = "ledger-show";
/// "ledger-import WATCHER WATCHED ...": opens these pairs. One line: how many it has taken.
inline constexpr std::string_view kLedgerImportRequest = "ledger-import";
/// "ledger-revoke WATCHER WATCHED": closes the pair. One line for the operator.
inline constexpr std::string_view kLedgerRevokeRequest = "ledger-revoke";
inline constexpr std::size_t kLargestControlRequest = 64 * 1024;
inline constexpr std::size_t kLargestControlAnswer = 1024 * 1024;

}  // namespace sallyport::config
