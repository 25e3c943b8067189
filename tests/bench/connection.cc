#include "tests/bench/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sallyport::bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

std::string openssl_fault(const std::string& what) {
  char text[256] = "no reason given";
  if (const auto error = ERR_get_error(); error != 0) ERR_error_string_n(error, text, sizeof text);
  return what + ": " + text;
}

sockaddr_in parse(const std::string& address) {
  sockaddr_in parsed{};
  parsed.sin_family = AF_INET;
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || inet_pton(AF_INET, address.substr(0, colon).c_str(), &parsed.sin_addr) != 1) {
    throw std::runtime_error(address + ": not an IPv4 address with port");
  }
  parsed.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1))));
  return parsed;
}

}  // namespace

SslContext tls_context(bool server, const std::string& certificate, const std::string& anchors) {
  SslContext context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  auto* const raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_mode(raw, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  const bool shown =
      certificate.empty() || (SSL_CTX_use_certificate_chain_file(raw, certificate.c_str()) == 1 &&
                              SSL_CTX_use_PrivateKey_file(raw, certificate.c_str(), SSL_FILETYPE_PEM) == 1);
  const bool trusts = anchors.empty() || SSL_CTX_load_verify_locations(raw, anchors.c_str(), nullptr) == 1;
  if (!shown || !trusts) throw std::runtime_error(openssl_fault(certificate + ", " + anchors));
  if (!anchors.empty()) SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

int connect_to(const std::string& address) {
  const auto to = parse(address);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) fail("socket");
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) fail(address);
  return socket;
}

int listen_at(const std::string& address) {
  const auto at = parse(address);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || ::listen(socket, 1024) != 0) {
    fail(address);
  }
  return socket;
}

Connection::~Connection() {
  SSL_free(ssl_);
  ::close(socket_);
}

void Connection::start_tls(SSL_CTX* context, bool server, const std::string& server_name) {
  ssl_ = SSL_new(context);
  SSL_set_fd(ssl_, socket_);
  if (server) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
    SSL_set_tlsext_host_name(ssl_, server_name.c_str());
  }
}

Connection::Progress Connection::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  wants_to_write_ = false;
  if (result == 1) return Progress::Done;
  return failed(result) ? Progress::Failed : Progress::Waits;
}

bool Connection::failed(int result) {
  const int error = SSL_get_error(ssl_, result);
  wants_to_write_ = error == SSL_ERROR_WANT_WRITE;
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
  fault_ = error == SSL_ERROR_ZERO_RETURN ? "closed" : openssl_fault("TLS");
  return true;
}

void Connection::send(std::string_view octets) {
  if (!pending_.empty()) {
    pending_ += octets;
    return;
  }
  pending_ = octets;
  flush();
}

bool Connection::flush() {
  while (!pending_.empty()) {
    if (ssl_ != nullptr) {
      ERR_clear_error();
      const int size = SSL_write(ssl_, pending_.data(), static_cast<int>(pending_.size()));
      if (size <= 0) return !failed(size);
      pending_.erase(0, static_cast<std::size_t>(size));
      wants_to_write_ = false;
    } else {
      const auto size = ::send(socket_, pending_.data(), pending_.size(), MSG_NOSIGNAL);
      if (size < 0) return errno == EAGAIN || errno == ENOTCONN;
      pending_.erase(0, static_cast<std::size_t>(size));
    }
  }
  return true;
}

bool Connection::receive(std::string& out, std::size_t most) {
  while (most > 0) {
    const auto start = out.size();
    const auto room = std::min<std::size_t>(most, 16 * 1024);
    out.resize(start + room);
    ssize_t size = 0;
    bool ended = false;
    if (ssl_ != nullptr) {
      ERR_clear_error();
      size = SSL_read(ssl_, out.data() + start, static_cast<int>(room));
      ended = size <= 0 && failed(static_cast<int>(size));
    } else {
      size = ::recv(socket_, out.data() + start, room, 0);
      ended = size == 0 || (size < 0 && errno != EAGAIN);
      if (ended) fault_ = size == 0 ? "closed" : std::strerror(errno);
    }
    out.resize(start + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (ended) return false;
    if (size <= 0) return true;
    most -= static_cast<std::size_t>(size);
    // What stands behind STARTTLS belongs to the handshake, so plain text is read once and looked at first.
    if (ssl_ == nullptr) return true;
  }
  return true;
}

}  // namespace sallyport::bench
