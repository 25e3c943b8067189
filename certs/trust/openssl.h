// Owning pointers for the OpenSSL types that this folder gives out or keeps.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace sallyport::trust {

template <auto Free>
struct FreeWith {
  void operator()(auto* object) const { Free(object); }
};

using SslPtr = std::unique_ptr<SSL, FreeWith<SSL_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>>;
using CertificatePtr = std::unique_ptr<X509, FreeWith<X509_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, FreeWith<X509_CRL_free>>;
using StorePtr = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;

/// Why a file of certificates, keys or revocation lists can't be used; for the operator.
struct TrustFault {
  std::filesystem::path file;
  std::string what;
};

/// The newest reason in this thread's OpenSSL error queue, in words; empties the queue.
std::string last_openssl_error();

/// Seconds since 1970, UTC; 0 if the time cannot be read.
std::int64_t seconds_since_epoch(const ASN1_TIME* time);
/// When the certificate ends, as above; 0 for none.
std::int64_t ends(const X509* certificate);

}  // namespace sallyport::trust
