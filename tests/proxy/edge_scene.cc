#include "edge_scene.h"

#include <cstdio>
#include <cstring>
#include <fstream>

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace sallyport::edge::scene {
namespace {

using Clock = std::chrono::steady_clock;

/// Whether something is to be done on the socket before the deadline.
bool ready(int socket, short events, Clock::time_point deadline) {
  pollfd wanted{socket, events, 0};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  return ::poll(&wanted, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) == 1;
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) throw std::runtime_error("no extension " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* make_certificate(const std::string& name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, long days) {
  static long serial = 1000;
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -86'400 * 60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86'400);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* signer = issuer == nullptr ? certificate : issuer;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  if (issuer == nullptr) {
    add_extension(certificate, signer, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    add_extension(certificate, signer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate, signer, NID_ext_key_usage, "serverAuth,clientAuth");
    add_extension(certificate, signer, NID_subject_alt_name, "DNS:" + name);
  }
  X509_sign(certificate, issuer_key, EVP_sha256());
  return certificate;
}

void write_pem(const std::filesystem::path& file, const std::function<void(FILE*)>& write) {
  FILE* out = std::fopen(file.c_str(), "w");
  if (out == nullptr) throw std::runtime_error("cannot write " + file.string());
  write(out);
  std::fclose(out);
}

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

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Folder::Folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "sallyport-edge-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

// --- Certificates --------------------------------------------------------------------------------------------------

Authority::Authority(const Folder& folder, std::string name)
    : folder_(folder.path()), file_(folder / (name + ".pem")), name_(std::move(name)), key_(EVP_EC_gen("P-256")) {
  certificate_.reset(make_certificate(name_, key_.get(), nullptr, key_.get(), 365));
  write_pem(file_, [&](FILE* out) { PEM_write_X509(out, certificate_.get()); });
}

config::Face Authority::issue(const std::string& domain, long days) {
  const std::unique_ptr<EVP_PKEY, Free> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, Free> leaf(make_certificate(domain, key.get(), certificate_.get(), key_.get(), days));
  config::Face face{domain, folder_ / (name_ + "-" + domain + ".pem"), folder_ / (name_ + "-" + domain + ".key")};
  write_pem(face.certificate, [&](FILE* out) { PEM_write_X509(out, leaf.get()); });
  write_pem(face.key, [&](FILE* out) { PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  return face;
}

// --- The guard -----------------------------------------------------------------------------------------------------

GuardPlayed::GuardPlayed(std::filesystem::path socket_file, std::string enclave, std::uint16_t lanes)
    : file_(std::move(socket_file)),
      enclave_(std::move(enclave)),
      lanes_(lanes),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, file_.c_str(), sizeof(at.sun_path) - 1);
  ::unlink(file_.c_str());
  if (::bind(*listener_, reinterpret_cast<sockaddr*>(&at), sizeof(at)) != 0 || ::listen(*listener_, 64) != 0)
    throw std::runtime_error("cannot listen on " + file_.string());
}

GuardPlayed::~GuardPlayed() {
  die();
}

void GuardPlayed::die() {
  channels_.clear();
  listener_ = Descriptor();
  ::unlink(file_.c_str());
}

void GuardPlayed::welcome(std::size_t channels) {
  const auto deadline = Clock::now() + kPatience;
  std::size_t welcomed = 0;
  while (welcomed < channels) {
    if (!ready(*listener_, POLLIN, deadline)) {
      ADD_FAILURE() << "the edge did not connect";
      return;
    }
    Channel channel{Descriptor(::accept4(*listener_, nullptr, nullptr, SOCK_CLOEXEC)), 0, 0, {}};
    std::size_t size = 0;
    while ((size = airlock::frame_size(channel.in).value()) == 0) {
      char buffer[4096];
      const auto count =
          ready(*channel.socket, POLLIN, deadline) ? ::recv(*channel.socket, buffer, sizeof(buffer), 0) : 0;
      if (count <= 0) {
        ADD_FAILURE() << "no Hello";
        return;
      }
      channel.in.append(buffer, static_cast<std::size_t>(count));
    }
    const auto frame = airlock::read(std::string_view(channel.in).substr(0, size));
    const auto& hello = std::get<airlock::Hello>(frame->body);
    channel.edge_lane = hello.edge_lane;
    channel.guard_lane = hello.guard_lane;
    channel.in.erase(0, size);
    channels_.push_back(std::move(channel));
    std::string out;
    airlock::write(airlock::kNoLeg,
                   airlock::Welcome{airlock::kMajor, airlock::kMinor, "played", 7, lanes_, enclave_, "00"}, out);
    EXPECT_EQ(::send(*channels_.back().socket, out.data(), out.size(), MSG_NOSIGNAL), static_cast<ssize_t>(out.size()));
    ++welcomed;
  }
}

void GuardPlayed::take(Channel& channel) {
  for (;;) {
    const auto size = airlock::frame_size(channel.in);
    if (!size || *size == 0) return;
    std::string octets = channel.in.substr(0, *size);
    channel.in.erase(0, *size);
    const auto frame = airlock::read(octets);
    if (!frame) {
      ADD_FAILURE() << "no frame: " << frame.error().what;
      return;
    }
    if (const auto* credit = std::get_if<airlock::Credit>(&frame->body)) {
      credit_octets += credit->octets;
      credit_stanzas += credit->stanzas;
    } else if (const auto* numbered = std::get_if<airlock::Settled>(&frame->body)) {
      settled = numbered->number;
    } else if (const auto* event = std::get_if<airlock::Event>(&frame->body)) {
      events.push_back(*event);
    } else if (!std::holds_alternative<airlock::Beat>(frame->body)) {
      kept_.push_back({channel.guard_lane, frame->leg, std::move(octets)});
    }
  }
}

bool GuardPlayed::read_some(std::chrono::milliseconds how_long) {
  std::vector<pollfd> wanted;
  for (const auto& channel : channels_) wanted.push_back({*channel.socket, POLLIN, 0});
  if (::poll(wanted.data(), wanted.size(), static_cast<int>(how_long.count())) <= 0) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].revents == 0) continue;
    char buffer[65'536];
    const auto count = ::recv(wanted[i].fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (count > 0) channels_[i].in.append(buffer, static_cast<std::size_t>(count));
    take(channels_[i]);
  }
  return true;
}

bool GuardPlayed::wait_until(const std::function<bool()>& done) {
  const auto deadline = Clock::now() + kPatience;
  auto beat_at = Clock::now();
  while (!done()) {
    const auto now = Clock::now();
    if (now > deadline) return false;
    if (now >= beat_at) {
      for (const auto& channel : channels_) {
        std::string out;
        airlock::write(airlock::kNoLeg, airlock::Beat{1}, out);
        if (::send(*channel.socket, out.data(), out.size(), MSG_NOSIGNAL) < 0) break;
      }
      beat_at = now + std::chrono::seconds(1);
    }
    read_some(std::chrono::milliseconds(50));
  }
  return true;
}

bool GuardPlayed::stays_silent(std::chrono::milliseconds how_long) {
  const auto deadline = Clock::now() + how_long;
  while (kept_.empty() && Clock::now() < deadline)
    read_some(std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()));
  return kept_.empty();
}

airlock::LegId GuardPlayed::next(airlock::Body& body, std::uint16_t* lane) {
  static std::deque<std::string> octets;  // what views in the bodies point into
  if (!wait_until([&] { return !kept_.empty(); })) {
    ADD_FAILURE() << "no frame came";
    return airlock::kNoLeg;
  }
  octets.push_back(std::move(kept_.front().octets));
  if (lane != nullptr) *lane = kept_.front().lane;
  kept_.pop_front();
  auto frame = airlock::read(octets.back());
  body = std::move(frame->body);
  return frame->leg;
}

void GuardPlayed::send(airlock::LegId leg, const airlock::Body& body, std::uint16_t lane) {
  for (const auto& channel : channels_) {
    if (channel.guard_lane != lane) continue;
    std::string out;
    airlock::write(leg, body, out);
    EXPECT_EQ(::send(*channel.socket, out.data(), out.size(), MSG_NOSIGNAL), static_cast<ssize_t>(out.size()));
    return;
  }
  ADD_FAILURE() << "no channel of lane " << lane;
}

bool GuardPlayed::has_event(std::string_view code) const {
  for (const auto& event : events)
    if (event.code == code) return true;
  return false;
}

// --- Peers ---------------------------------------------------------------------------------------------------------

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

Harbour::Harbour(const std::string& address, std::uint16_t port, int backlog)
    : listener_(::socket(place(address, port).at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  ::setsockopt(*listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const Place at = place(address, port);
  if (::bind(*listener_, at.address(), at.size) != 0 || ::listen(*listener_, backlog) != 0)
    throw std::runtime_error("cannot listen on " + address);
}

PeerPlayed Harbour::accept(std::optional<config::Face> certificate, const std::filesystem::path& anchors) {
  if (!ready(*listener_, POLLIN, Clock::now() + kPatience)) throw std::runtime_error("nobody came");
  return {Descriptor(::accept4(*listener_, nullptr, nullptr, SOCK_CLOEXEC)), std::move(certificate), anchors};
}

// --- The scene -----------------------------------------------------------------------------------------------------

Scene::Scene() : authority_(folder_, "north"), stranger_(folder_, "stranger"), a_test_(authority_.issue("a.test")) {
  config_.enclave = "north";
  config_.listeners = {{{address_, port_}, config::Listener::Tls::StartTls}};
  config_.faces = {authority_.issue("b.test"), authority_.issue("c.test")};
  config_.anchors = {authority_.file()};
  config_.next_hops = {{"a.test", {{"127.0.60.2", 15269}}, config::Listener::Tls::StartTls}};
  config_.bind = {"127.0.60.3"};
}

Scene::~Scene() {
  if (edge_) edge_->stop();
  if (thread_.joinable()) thread_.join();
}

void Scene::start(std::uint16_t edge_lanes, std::uint16_t guard_lanes) {
  config_.lanes = edge_lanes;
  guard_ = std::make_unique<GuardPlayed>(folder_ / "north.sock", "north", guard_lanes);
  auto settings = Settings::load(config_);
  ASSERT_TRUE(settings) << settings.error().what;
  ASSERT_TRUE((*settings)->contexts->faults().empty()) << (*settings)->contexts->faults()[0].what;
  Edge::Options options;
  options.config = config_;
  options.airlock = folder_.path();
  options.signals = false;
  options.reload = [this]() -> std::expected<config::Edge, std::string> { return config_; };
  edge_ =
      std::make_unique<Edge>(std::move(options), *settings,
                             std::make_shared<spdlog::logger>("edge", std::make_shared<spdlog::sinks::null_sink_mt>()));
  thread_ = std::thread([this] { edge_->run(); });
  guard_->welcome(std::size_t{edge_lanes} * guard_lanes);
}

PeerPlayed Scene::peer() {
  // The listener opens right after the last Welcome was read.
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    try {
      return PeerPlayed::connect(config_.listeners[0].at.address, config_.listeners[0].at.port, a_test_,
                                 authority_.file());
    } catch (const std::runtime_error&) {
      if (Clock::now() > deadline) throw;
      guard_->stays_silent(std::chrono::milliseconds(5));
    }
  }
}

airlock::LegId Scene::open_in_leg(PeerPlayed& peer, std::uint32_t octets, std::uint32_t stanzas) {
  peer.open_stream();
  const auto [leg, opened] = guard_->expect<airlock::Opened>();
  EXPECT_EQ(opened.from, "a.test");
  EXPECT_TRUE(opened.certificate.chain && opened.certificate.identity) << opened.certificate.problem;
  guard_->send(leg, airlock::Terms{0, true, false, 262'144});
  peer.read_until("</stream:features>");
  peer.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>YS50ZXN0</auth>");
  guard_->expect<airlock::Proved>();
  guard_->send(leg, airlock::Grant{{{"a.test", "b.test"}}, octets, stanzas});
  peer.read_until("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  peer.send(PeerPlayed::header("b.test", "a.test"));
  peer.read_until("<stream:features/>");
  return leg;
}

airlock::LegId Scene::dial(airlock::LegId id) {
  guard_->send(id, airlock::Dial{airlock::LegKind::S2s, "b.test", "a.test", false, 3'000});
  return id;
}

void Scene::serve_up_to_ready(PeerPlayed& server) {
  server.read_until(">");
  server.read_until(">");
  server.send(PeerPlayed::header("b.test", "a.test", "i1") +
              "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>");
  server.read_until("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  server.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  ASSERT_TRUE(server.start_tls_as_server());
  server.read_until("xml:lang='en'>");
  const std::string from_a = PeerPlayed::header("b.test", "a.test", "i2");
  server.send(from_a +
              "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>"
              "</mechanisms></stream:features>");
  server.read_until("</auth>");
  server.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  server.read_until("xml:lang='en'>");
  server.send(PeerPlayed::header("b.test", "a.test", "i3") + "<stream:features/>");
}

}  // namespace sallyport::edge::scene
