#include "proxy/guard/files.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

namespace sallyport::guard {

namespace asio = boost::asio;
using asio::local::stream_protocol;

namespace {

std::unexpected<std::string> failed(const std::filesystem::path& file, const std::string& why) {
  return std::unexpected(file.string() + ": " + why);
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

std::expected<std::shared_ptr<const policy::Bundle>, std::string> load_bundle(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return failed(file, std::strerror(errno));
  std::string octets(policy::Bundle::kLargest + 1, '\0');
  in.read(octets.data(), static_cast<std::streamsize>(octets.size()));
  if (in.bad()) return failed(file, "it cannot be read");
  octets.resize(static_cast<std::size_t>(in.gcount()));
  auto bundle = policy::Bundle::decode(octets);
  if (!bundle) return failed(file, bundle.error().what);
  return std::make_shared<const policy::Bundle>(*std::move(bundle));
}

}  // namespace sallyport::guard
