// What the guard opens at its start: the socket files that it listens on, and the bundle.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <sys/types.h>

#include "policy/bundle.h"

namespace sallyport::guard {

using Acceptor = boost::asio::local::stream_protocol::acceptor;

/// Listens on a new socket file that only this user and `peer` may connect to. A file that a dead process left behind
/// is replaced; one that somebody listens on is an error.
std::expected<Acceptor, std::string> listen(boost::asio::io_context& context, const std::filesystem::path& file,
                                            uid_t peer);

/// Reads and checks a bundle file. Error: what is wrong, with the file's name.
std::expected<std::shared_ptr<const policy::Bundle>, std::string> load_bundle(const std::filesystem::path& file);

}  // namespace sallyport::guard
