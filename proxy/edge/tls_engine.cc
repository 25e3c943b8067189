#include "proxy/edge/tls_engine.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <new>

#include <openssl/bio.h>
#include <openssl/err.h>

namespace sallyport::edge {

struct TlsEngine::Loan {
  std::string_view* in = nullptr;
  std::string* out = nullptr;
};

namespace {

constexpr std::size_t kLargestRecord = 16 * 1024;

struct Lending {
  Lending(std::string_view*& in_slot, std::string*& out_slot, std::string_view* in, std::string* out)
      : in_slot_(in_slot), out_slot_(out_slot) {
    in_slot_ = in;
    out_slot_ = out;
  }
  ~Lending() {
    in_slot_ = nullptr;
    out_slot_ = nullptr;
  }
  Lending(const Lending&) = delete;
  Lending& operator=(const Lending&) = delete;

 private:
  std::string_view*& in_slot_;
  std::string*& out_slot_;
};

}  // namespace

const BIO_METHOD* TlsEngine::bio_method() {
  static const std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)> method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sallyport lent buffers");
    BIO_meth_set_create(made, [](BIO* bio) {
      BIO_set_init(bio, 1);
      return 1;
    });
    BIO_meth_set_read(made, [](BIO* bio, char* to, int room) {
      const auto* loan = static_cast<Loan*>(BIO_get_data(bio));
      BIO_clear_retry_flags(bio);
      if (loan->in == nullptr || loan->in->empty()) {
        BIO_set_retry_read(bio);
        return -1;
      }
      const std::size_t size = std::min(loan->in->size(), static_cast<std::size_t>(room));
      std::memcpy(to, loan->in->data(), size);
      loan->in->remove_prefix(size);
      return static_cast<int>(size);
    });
    BIO_meth_set_write(made, [](BIO* bio, const char* from, int size) {
      const auto* loan = static_cast<Loan*>(BIO_get_data(bio));
      BIO_clear_retry_flags(bio);
      if (loan->out == nullptr) return -1;
      loan->out->append(from, static_cast<std::size_t>(size));
      return size;
    });
    BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long { return command == BIO_CTRL_FLUSH ? 1 : 0; });
    return std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)>(made, &BIO_meth_free);
  }();
  return method.get();
}

TlsEngine::TlsEngine(trust::SslPtr ssl) : loan_(std::make_unique<Loan>()), ssl_(std::move(ssl)) {
  BIO* bio = BIO_new(bio_method());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, loan_.get());
  SSL_set_bio(ssl_.get(), bio, bio);
}

TlsEngine::~TlsEngine() = default;

TlsEngine::State TlsEngine::outcome(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return State::More;
    case SSL_ERROR_ZERO_RETURN:
      return State::Ended;
    default:
      break;
  }
  const unsigned long code = ERR_peek_error();
  const char* reason = ERR_reason_error_string(code);
  const long verdict = SSL_get_verify_result(ssl_.get());
  why_ = reason != nullptr ? reason : "TLS failed";
  if (verdict != X509_V_OK) why_.append(": ").append(X509_verify_cert_error_string(verdict));
  ERR_clear_error();
  return State::Failed;
}

TlsEngine::State TlsEngine::handshake(std::string_view& in, std::string& out) {
  const Lending lending(loan_->in, loan_->out, &in, &out);
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) return outcome(result);
  established_ = true;
  return State::Done;
}

TlsEngine::State TlsEngine::read(std::string_view& in, std::span<char> plain, std::size_t& size, std::string& out) {
  const Lending lending(loan_->in, loan_->out, &in, &out);
  ERR_clear_error();
  const int room = static_cast<int>(std::min<std::size_t>(plain.size(), INT_MAX));
  const int result = SSL_read(ssl_.get(), plain.data(), room);
  if (result <= 0) return outcome(result);
  size = static_cast<std::size_t>(result);
  return State::Done;
}

TlsEngine::State TlsEngine::write(std::string_view plain, std::string& out) {
  std::string_view none;
  const Lending lending(loan_->in, loan_->out, &none, &out);
  while (!plain.empty()) {
    ERR_clear_error();
    const std::size_t size = std::min(plain.size(), kLargestRecord);
    const int result = SSL_write(ssl_.get(), plain.data(), static_cast<int>(size));
    if (result <= 0) {
      outcome(result);
      return State::Failed;
    }
    plain.remove_prefix(static_cast<std::size_t>(result));
  }
  return State::Done;
}

void TlsEngine::close(std::string& out) {
  std::string_view none;
  const Lending lending(loan_->in, loan_->out, &none, &out);
  ERR_clear_error();
  if (established_) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace sallyport::edge
