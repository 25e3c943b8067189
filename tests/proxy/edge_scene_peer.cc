// The peers of the stage.
#include <cstring>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "edge_scene.h"

namespace sallyport::edge::scene {
namespace {

using Clock = std::chrono::steady_clock;

struct Place {
  sockaddr_storage at{};
  socklen_t size = 0;
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&at); }
};

Place place(const std::string& address, std::uint16_t port) {
  Place place;
  if (address.find(':') != std::string::npos) {
    auto* ipv6 = reinterpret_cast<sockaddr_in6*>(&place.at);
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = htons(port);
    inet_pton(AF_INET6, address.c_str(), &ipv6->sin6_addr);
    place.size = sizeof(sockaddr_in6);
  } else {
    auto* ipv4 = reinterpret_cast<sockaddr_in*>(&place.at);
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons(port);
    inet_pton(AF_INET, address.c_str(), &ipv4->sin_addr);
    place.size = sizeof(sockaddr_in);
  }
  return place;
}

}  // namespace

PeerPlayed PeerPlayed::connect(const std::string& address, std::uint16_t port, std::optional<config::Face> certificate,
                               const std::filesystem::path& anchors) {
  const Place at = place(address, port);
  Descriptor socket(::socket(at.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(*socket, at.address(), at.size) != 0) throw std::runtime_error("cannot connect to " + address);
  return {std::move(socket), std::move(certificate), anchors};
}

PeerPlayed::PeerPlayed(Descriptor socket, std::optional<config::Face> certificate, std::filesystem::path anchors)
    : socket_(std::move(socket)), certificate_(std::move(certificate)), anchors_(std::move(anchors)) {
  const timeval patience{kPatience.count() / 1000, 0};
  ::setsockopt(*socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(*socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

PeerPlayed::~PeerPlayed() = default;

void PeerPlayed::send(std::string_view text) {
  if (ssl_)
    EXPECT_GT(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())), 0);
  else
    EXPECT_EQ(::send(*socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

int PeerPlayed::read_some() {
  char buffer[16'384];
  const int count = ssl_ ? SSL_read(ssl_.get(), buffer, sizeof(buffer))
                         : static_cast<int>(::recv(*socket_, buffer, sizeof(buffer), 0));
  if (count > 0) {
    in_.append(buffer, static_cast<std::size_t>(count));
    return count;
  }
  const bool deadline = (errno == EAGAIN || errno == EWOULDBLOCK) &&
                        (ssl_ ? SSL_get_error(ssl_.get(), count) == SSL_ERROR_WANT_READ : count < 0);
  return deadline ? -1 : 0;
}

std::string PeerPlayed::read_until(std::string_view end) {
  for (;;) {
    if (const auto at = in_.find(end); at != std::string::npos) {
      std::string text = in_.substr(0, at + end.size());
      in_.erase(0, at + end.size());
      return text;
    }
    if (read_some() <= 0) {
      ADD_FAILURE() << "did not come: " << end << "\nbut: " << in_;
      return {};
    }
  }
}

bool PeerPlayed::ends(std::string* rest) {
  for (;;) {
    const int count = read_some();
    if (count > 0) continue;
    if (rest != nullptr) *rest = std::exchange(in_, {});
    return count == 0;
  }
}

bool PeerPlayed::handshake(bool as_server, const std::string& server_name, const std::string& alpn) {
  context_.reset(SSL_CTX_new(TLS_method()));
  if (certificate_) {
    SSL_CTX_use_certificate_chain_file(context_.get(), certificate_->certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), certificate_->key.c_str(), SSL_FILETYPE_PEM);
  }
  SSL_CTX_load_verify_locations(context_.get(), anchors_.c_str(), nullptr);
  if (as_server)
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  else
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), *socket_);
  if (!server_name.empty()) SSL_set_tlsext_host_name(ssl_.get(), server_name.c_str());
  if (!alpn.empty()) {
    const std::string offer = static_cast<char>(alpn.size()) + alpn;
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(offer.data()),
                        static_cast<unsigned>(offer.size()));
  }
  return (as_server ? SSL_accept(ssl_.get()) : SSL_connect(ssl_.get())) == 1;
}

bool PeerPlayed::start_tls_as_client(const std::string& server_name, const std::string& alpn) {
  return handshake(false, server_name, alpn);
}

bool PeerPlayed::start_tls_as_server() {
  return handshake(true, "", "");
}

void PeerPlayed::cut() {
  const linger now{1, 0};
  ::setsockopt(*socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  socket_ = Descriptor();
}

std::string PeerPlayed::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? "" : name;
}

std::string PeerPlayed::shown_subject() const {
  X509* shown = SSL_get0_peer_certificate(ssl_.get());
  if (shown == nullptr) return "";
  char name[256];
  X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof(name));
  return name;
}

std::string PeerPlayed::header(const std::string& to, const std::string& from, const std::string& id) {
  return "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
         "to='" +
         to + "' from='" + from + "' version='1.0'" + (id.empty() ? "" : " id='" + id + "'") + ">";
}

void PeerPlayed::open_stream(const std::string& to, const std::string& from) {
  send(header(to, from));
  read_until("</stream:features>");
  send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  read_until("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  ASSERT_TRUE(start_tls_as_client(to));
  send(header(to, from));
}

int edges_end(const PeerPlayed& peer) {
  sockaddr_storage ours{}, each{};
  socklen_t ours_size = sizeof(ours);
  ::getsockname(peer.socket(), reinterpret_cast<sockaddr*>(&ours), &ours_size);
  for (int socket = 3; socket < 1024; ++socket) {
    socklen_t size = sizeof(each);
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&each), &size) != 0 || size != ours_size) continue;
    if (std::memcmp(&each, &ours, size) == 0) return socket;
  }
  return -1;
}

Harbour::Harbour(const std::string& address, std::uint16_t port, int backlog)
    : listener_(::socket(place(address, port).at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  ::setsockopt(*listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const Place at = place(address, port);
  if (::bind(*listener_, at.address(), at.size) != 0 || ::listen(*listener_, backlog) != 0)
    throw std::runtime_error("cannot listen on " + address);
}

PeerPlayed Harbour::accept(std::optional<config::Face> certificate, const std::filesystem::path& anchors) {
  if (!is_ready(*listener_, POLLIN, Clock::now() + kPatience)) throw std::runtime_error("nobody came");
  return {Descriptor(::accept4(*listener_, nullptr, nullptr, SOCK_CLOEXEC)), std::move(certificate), anchors};
}

}  // namespace sallyport::edge::scene
