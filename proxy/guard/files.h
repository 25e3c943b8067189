// What the guard opens at its start: the socket files that it listens on, and the bundle.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <sys/types.h>

#include "policy/bundle.h"
#include "policy/bundle_signatures.h"

namespace sallyport::guard {

using Acceptor = boost::asio::local::stream_protocol::acceptor;

/// Listens on a new socket file that only this user and `peer` may connect to. A file that a dead process left behind
/// is replaced; one that somebody listens on is an error.
std::expected<Acceptor, std::string> listen(boost::asio::io_context& context, const std::filesystem::path& file,
                                            uid_t peer);

/// Reads public keys. Error: what is wrong, with the file's name.
std::expected<policy::Officers, std::string> load_officers(const std::vector<std::filesystem::path>& files,
                                                           std::size_t needed);

struct LoadedBundle {
  std::shared_ptr<const policy::Bundle> bundle;
  std::vector<policy::OfficerKey> signers;  ///< of the officers that were asked for
};
/// Reads and checks a bundle file and, if there are officers, the file of signatures beside it. Error: what is wrong,
/// with the file's name.
std::expected<LoadedBundle, std::string> load_bundle(const std::filesystem::path& file,
                                                     const policy::Officers& officers);

}  // namespace sallyport::guard
