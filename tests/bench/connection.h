// One TCP connection that may turn into TLS, without blocking.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

namespace sallyport::bench {

struct SslContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

/// TLS 1.3 with AES-128-GCM only, no resumption. `certificate` holds certificate and key; without one nothing is shown.
/// Peers have to show one that leads to `anchors`; without those they are not asked.
SslContext tls_context(bool server, const std::string& certificate, const std::string& anchors);

/// "127.0.50.30:5269". Throws when it is none.
int connect_to(const std::string& address);
int listen_at(const std::string& address);

class Connection {
 public:
  explicit Connection(int socket) : socket_(socket) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int socket() const { return socket_; }
  bool is_secure() const { return ssl_ != nullptr; }

  /// Begins TLS; `server_name` is for the client side.
  void start_tls(SSL_CTX* context, bool server, const std::string& server_name);
  enum class Progress { Done, Waits, Failed };
  Progress handshake();

  /// Sends `octets`, or as much as goes, and keeps the rest. One call is one TLS record (up to 16 KiB).
  void send(std::string_view octets);
  bool has_pending() const { return !pending_.empty(); }
  /// Goes on with what was kept. False: the connection is gone.
  bool flush();
  /// Appends what has come, at most `most` octets. False: the connection has ended.
  bool receive(std::string& out, std::size_t most);

  bool wants_to_write() const { return wants_to_write_ || !pending_.empty(); }
  const std::string& fault() const { return fault_; }

 private:
  bool failed(int result);

  int socket_;
  SSL* ssl_ = nullptr;
  std::string pending_, fault_;
  bool wants_to_write_ = false;
};

}  // namespace sallyport::bench
