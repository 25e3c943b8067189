// The stage for tests of a whole edge: a real Edge on loopback, a guard and peers that are played by the test, real TLS
// and real certificates made for the occasion. Everything blocks with a deadline, nothing sleeps.
#pragma once

#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "proxy/airlock/frames.h"
#include "proxy/config/config.h"
#include "proxy/edge/edge.h"

namespace sallyport::edge::scene {

inline constexpr std::chrono::milliseconds kPatience{5'000};

/// Whether something is to be done on the socket (poll's events) before the deadline.
bool is_ready(int socket, short events, std::chrono::steady_clock::time_point deadline);

/// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();
  int operator*() const { return number_; }

 private:
  int number_;
};

/// A folder that goes away with its owner.
class Folder {
 public:
  Folder();
  ~Folder();
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// An authority and what it issues, as PEM files.
class Authority {
 public:
  Authority(const Folder& folder, std::string name);
  /// A certificate for the domain, in NAME-DOMAIN.pem and its key in NAME-DOMAIN.key.
  config::Face issue(const std::string& domain, long days = 30);
  /// The same, for so many seconds from now.
  config::Face issue_briefly(const std::string& domain, long seconds);
  /// The same for a client: its only name is this XmppAddr.
  config::Face issue_client(const std::string& address);
  std::filesystem::path file() const { return file_; }
  /// What its OCSP responder answers about a certificate that it issued, valid for so many seconds from now; DER.
  std::string ocsp_answer(const config::Face& about, bool revoked, long seconds = 86'400) const;
  /// A revocation list that names nobody, valid for so many seconds from now.
  std::filesystem::path list(long seconds = 86'400);

 private:
  config::Face issue_for(const std::string& name, const std::string& alt_names, const std::string& usage, long seconds);
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  std::filesystem::path folder_, file_;
  std::string name_;
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<X509, Free> certificate_;
};

/// The guard, as the test plays it: what comes is kept until it is asked for.
class GuardPlayed {
 public:
  GuardPlayed(std::filesystem::path socket_file, std::string enclave, std::uint16_t lanes = 1);
  ~GuardPlayed();

  /// Answers Hello with Welcome on so many channels.
  void welcome(std::size_t channels = 1);
  /// The next frame other than Beat, Credit, Settled and Event; a failure after kPatience.
  airlock::LegId next(airlock::Body& body, std::uint16_t* lane = nullptr);
  template <class T>
  std::pair<airlock::LegId, T> expect(std::uint16_t* lane = nullptr) {
    airlock::Body body;
    const airlock::LegId leg = next(body, lane);
    if (!std::holds_alternative<T>(body)) {
      ADD_FAILURE() << "came instead: " << airlock::name(body);
      return {leg, T{}};
    }
    return {leg, std::get<T>(std::move(body))};
  }
  void send(airlock::LegId leg, const airlock::Body& body, std::uint16_t lane = 0);
  /// Reads until `done`, or fails after kPatience.
  bool wait_until(const std::function<bool()>& done);
  /// Nothing but Beats and the like comes for this long.
  bool stays_silent(std::chrono::milliseconds how_long);
  /// Closes every channel and the socket file, as a guard that dies.
  void die();

  std::uint64_t settled = 0;
  std::uint64_t credit_octets = 0, credit_stanzas = 0;
  std::vector<airlock::Event> events;
  bool has_event(std::string_view code) const;

 private:
  struct Channel {
    Descriptor socket;
    std::uint16_t edge_lane = 0, guard_lane = 0;
    std::string in;
  };
  struct Kept {
    std::uint16_t lane;
    airlock::LegId leg;
    std::string octets;
  };
  bool accept_one();
  bool read_some(std::chrono::milliseconds how_long);
  void take(Channel& channel);

  std::filesystem::path file_;
  std::string enclave_;
  std::uint16_t lanes_;
  Descriptor listener_;
  std::vector<Channel> channels_;
  std::deque<Kept> kept_;
};

/// A peer's side of one TCP connection.
class PeerPlayed {
 public:
  /// Connects to the edge. `certificate`: what it shows in TLS, if anything.
  static PeerPlayed connect(const std::string& address, std::uint16_t port, std::optional<config::Face> certificate,
                            const std::filesystem::path& anchors);
  PeerPlayed(Descriptor socket, std::optional<config::Face> certificate, std::filesystem::path anchors);
  PeerPlayed(PeerPlayed&&) noexcept = default;
  ~PeerPlayed();

  void send(std::string_view text);
  /// Reads until what came ends with `end`, and gives it; a failure after kPatience or at the end of the connection.
  std::string read_until(std::string_view end);
  /// True when the edge ends the connection before kPatience; what came before is put into `rest`.
  bool ends(std::string* rest = nullptr);
  /// TLS handshakes; false if it fails. SNI "": none.
  bool start_tls_as_client(const std::string& server_name, const std::string& alpn = "");
  bool start_tls_as_server();
  void cut();
  int socket() const { return *socket_; }
  /// The names in SNI that came (as server), and the certificate that was shown to us.
  std::string server_name() const;
  std::string shown_subject() const;

  // The ways that every conversation goes.
  /// As a.test to b.test: header, STARTTLS, header inside TLS. The answer to the second header is left to be read.
  void open_stream(const std::string& to = "b.test", const std::string& from = "a.test");
  static std::string header(const std::string& to, const std::string& from, const std::string& id = "");

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  bool handshake(bool as_server, const std::string& server_name, const std::string& alpn);
  /// 0: the end; -1: the deadline.
  int read_some();

  Descriptor socket_;
  std::optional<config::Face> certificate_;
  std::filesystem::path anchors_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string in_;
};

/// The descriptor of the other end of this connection, which is the edge's, in this process; -1 if there is none.
int edges_end(const PeerPlayed& peer);

/// A place where a played server waits for the edge.
class Harbour {
 public:
  Harbour(const std::string& address, std::uint16_t port, int backlog = 16);
  PeerPlayed accept(std::optional<config::Face> certificate, const std::filesystem::path& anchors);

 private:
  Descriptor listener_;
};

/// Enclave "north" with the peer a.test; b.test and c.test live on the other side.
class Scene : public testing::Test {
 public:
  ~Scene() override;

 protected:
  Scene();

  /// Starts the edge and links it with the guard.
  void start(std::uint16_t edge_lanes = 1, std::uint16_t guard_lanes = 1);
  PeerPlayed peer();
  /// Anybody who connects to a listener of the edge.
  PeerPlayed caller(const std::string& address, std::uint16_t port, std::optional<config::Face> certificate);
  /// An in-leg of a.test to b.test up to its Proved, Grant, and the restart.
  airlock::LegId open_in_leg(PeerPlayed& peer, std::uint32_t octets = 65'536, std::uint32_t stanzas = 64);
  /// An out-leg from b.test to a.test up to Ready; `server` is the played peer.
  airlock::LegId dial(airlock::LegId id = 1);
  void serve_up_to_ready(PeerPlayed& server);

  Folder folder_;
  Authority authority_, stranger_;
  config::Face a_test_;
  config::Edge config_;
  std::string address_ = "127.0.60.1";
  std::uint16_t port_ = 15269;
  std::unique_ptr<GuardPlayed> guard_;
  std::unique_ptr<Edge> edge_;
  std::thread thread_;
};

class EdgeOnLoopback : public Scene {};

}  // namespace sallyport::edge::scene
