// OpenSSL without sockets: ciphertext in, plaintext out, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "certs/trust/openssl.h"

namespace sallyport::edge {

/// One TLS connection. It owns no buffers beyond OpenSSL's own (which are freed while idle): the caller lends the
/// ciphertext that was read and a place for the ciphertext to send, for the time of one call (budgets.md P6).
class TlsEngine {
 public:
  /// More: needs more ciphertext. Ended: the peer's close_notify. Failed: why() tells.
  enum class State : std::uint8_t { Done, More, Ended, Failed };

  /// `ssl` knows its side (trust::TlsContexts) and has no BIO yet.
  explicit TlsEngine(trust::SslPtr ssl);
  ~TlsEngine();
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;

  const SSL* ssl() const { return ssl_.get(); }

  /// Takes what it uses from the front of `in`, appends what is to be sent to `out`, also when it fails (the alert).
  State handshake(std::string_view& in, std::string& out);
  bool is_established() const { return established_; }
  /// Decrypts up to one record into `plain`. Done: `size` octets are there.
  State read(std::string_view& in, std::span<char> plain, std::size_t& size, std::string& out);
  /// Encrypts all of `plain`, in records of up to 16 KiB. Done or Failed.
  State write(std::string_view plain, std::string& out);
  /// close_notify.
  void close(std::string& out);
  /// Ciphertext or plaintext waits inside; read() before waiting for the socket.
  bool has_pending() const { return SSL_has_pending(ssl_.get()) == 1; }

  /// What failed, in OpenSSL's words or ours; for the record only.
  const std::string& why() const { return why_; }

 private:
  struct Loan;  // what the BIO reads from and writes to
  static const BIO_METHOD* bio_method();
  State outcome(int result);

  std::unique_ptr<Loan> loan_;
  trust::SslPtr ssl_;
  bool established_ = false;
  std::string why_;
};

}  // namespace sallyport::edge
