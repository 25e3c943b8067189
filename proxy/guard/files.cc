#include "proxy/guard/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "audit/segment_reader.h"
#include "proxy/guard/digest.h"

namespace sallyport::guard {

namespace asio = boost::asio;
using asio::local::stream_protocol;

namespace {

std::unexpected<std::string> failed(const std::filesystem::path& file, const std::string& why) {
  return std::unexpected(file.string() + ": " + why);
}

/// One that is larger is cut behind the limit, and no good for that.
std::expected<std::string, std::string> content(const std::filesystem::path& file, std::size_t largest) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return failed(file, std::strerror(errno));
  std::string octets(largest + 1, '\0');
  in.read(octets.data(), static_cast<std::streamsize>(octets.size()));
  if (in.bad()) return failed(file, "it cannot be read");
  octets.resize(static_cast<std::size_t>(in.gcount()));
  if (octets.size() > largest) return failed(file, "is too large");
  return octets;
}

bool somebody_listens(asio::io_context& context, const std::filesystem::path& file) {
  stream_protocol::socket probe(context);
  boost::system::error_code error;
  probe.connect(stream_protocol::endpoint(file.string()), error);
  return !error;
}

}  // namespace

std::expected<Acceptor, std::string> listen(asio::io_context& context, const std::filesystem::path& file, uid_t peer) {
  if (file.string().size() >= sizeof(sockaddr_un::sun_path)) return failed(file, "the path is too long for a socket");
  std::error_code ignored;
  if (std::filesystem::is_socket(file, ignored)) {
    if (somebody_listens(context, file)) return failed(file, "another guard listens there");
    std::filesystem::remove(file, ignored);
  }
  Acceptor acceptor(context);
  boost::system::error_code error;
  acceptor.open(stream_protocol(), error);
  // Nobody may connect before the file has its owner and mode.
  const mode_t before = ::umask(0777);
  if (!error) acceptor.bind(stream_protocol::endpoint(file.string()), error);
  ::umask(before);
  if (error) return failed(file, error.message());
  const bool foreign = peer != ::geteuid();
  if (foreign && ::geteuid() == 0 && ::chown(file.c_str(), peer, static_cast<gid_t>(-1)) != 0)
    return failed(file, std::strerror(errno));
  if (::chmod(file.c_str(), foreign ? 0660 : 0600) != 0) return failed(file, std::strerror(errno));
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed(file, error.message());
  return acceptor;
}

std::expected<policy::Officers, std::string> load_officers(const std::vector<std::filesystem::path>& files,
                                                           std::size_t needed) {
  policy::Officers officers;
  officers.needed = needed;
  for (const std::filesystem::path& file : files) {
    const auto pem = content(file, policy::kLargestSignatures);
    if (!pem) return std::unexpected(pem.error());
    const auto key = policy::read_officer_key(*pem);
    if (!key) return failed(file, key.error());
    if (std::ranges::find(officers.keys, *key) != officers.keys.end())
      return failed(file, "is the key of another officer in the list, too");
    officers.keys.push_back(*key);
  }
  return officers;
}

std::expected<LoadedBundle, std::string> load_bundle(const std::filesystem::path& file,
                                                     const policy::Officers& officers) {
  const auto octets = content(file, policy::Bundle::kLargest);
  if (!octets) return std::unexpected(octets.error());
  LoadedBundle loaded;
  // First: what nobody has signed is not even read.
  if (!officers.keys.empty()) {
    std::filesystem::path signatures = file;
    signatures += policy::kSignaturesEnd;
    const auto text = content(signatures, policy::kLargestSignatures);
    if (!text) return std::unexpected("the bundle is not signed: " + text.error());
    auto signers = policy::check_signatures(audit::to_hex(Sha256()(*octets)), *text, officers);
    if (!signers) return failed(signatures, signers.error());
    loaded.signers = *std::move(signers);
  }
  auto bundle = policy::Bundle::decode(*octets);
  if (!bundle) return failed(file, bundle.error().what);
  loaded.bundle = std::make_shared<const policy::Bundle>(*std::move(bundle));
  return loaded;
}

}  // namespace sallyport::guard
