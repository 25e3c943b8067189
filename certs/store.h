// The certificates and keys of one enclave in one directory, as `sallyport certs` keeps them:
//
//   authority.pem, authority.key   the enclave's own authority, if it has one here
//   authority.crl                  what the authority has revoked
//   DOMAIN.pem, DOMAIN.key         what is shown for a domain (A-labels): leaf and chain, and its key
//   DOMAIN.csr                     a request that waits for a foreign authority's answer
//   issued/SERIAL.pem              each certificate that the authority has signed, so that it can be revoked later
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <botan/rng.h>

#include "certs/authority.h"

namespace sallyport::certs {

/// One certificate as `list` shows it.
struct Listed {
  std::string domain;              ///< file name without ".pem"
  std::vector<std::string> names;  ///< as names_of
  std::string issuer;              ///< common name, or the whole name without one
  std::string serial;              ///< lower case hex
  std::int64_t not_after = 0;      ///< seconds since 1970
  std::int64_t days_left = 0;      ///< negative: ended
  bool has_key = false;            ///< its own key lies beside it
  bool revoked = false;            ///< by the list that lies in the directory
};

class Store {
 public:
  /// `now` is the time of everything that this object does.
  Store(std::filesystem::path directory, Botan::RandomNumberGenerator& rng, Time now)
      : directory_(std::move(directory)), rng_(rng), now_(now) {}

  struct Wish {
    KeyKind key = KeyKind::EcdsaP256;
    std::chrono::days lasts{397};
    XmppAddr xmpp_addr = XmppAddr::Included;
  };

  /// Makes the directory (0700), an authority and its first, empty list. Never replaces one.
  Result<void> init(const std::string& name, const Wish& wish);
  /// A new key and certificate for a domain; `more` are further domains in the same certificate.
  Result<void> issue(const std::string& domain, const std::vector<std::string>& more, const Wish& wish);
  /// A certificate for the key of a request that somebody else made. Only its key is taken; the names are ours to say.
  Result<void> issue_for(const std::filesystem::path& request, const std::string& domain,
                         const std::vector<std::string>& more, const Wish& wish);
  /// A new key and a request for it; answered later by import_certificate. How long it lasts is its issuer's to say.
  Result<std::filesystem::path> request(const std::string& domain, const std::vector<std::string>& more,
                                        const Wish& wish);
  /// Takes a certificate (leaf first, then its chain) whose key is `key`, or, without one, the key of an earlier
  /// request. Refused: a key that does not fit, another domain's certificate, an ended one, one that is not for
  /// servers. The answer tells what is worth a warning, or is empty.
  Result<std::string> import_certificate(const std::string& domain, const std::filesystem::path& certificate,
                                         const std::optional<std::filesystem::path>& key, bool replace);
  /// A new key and certificate with the names of the present one, which must be ours.
  Result<void> renew(const std::string& domain, const Wish& wish);
  /// Puts a certificate, named by domain (the present one) or serial, on the list and signs that anew.
  Result<void> revoke(const std::string& domain_or_serial, std::chrono::days lasts);
  /// Signs the list anew, so that it lasts so long from now.
  Result<void> renew_list(std::chrono::days lasts);

  /// All certificates, the authority's first. A file that can't be read is the fault.
  Result<std::vector<Listed>> list() const;
  /// When the revocation list wants to be signed anew, seconds since 1970; 0: there is none.
  Result<std::int64_t> list_ends() const;

  std::filesystem::path file(const std::string& name) const { return directory_ / name; }

 private:
  Result<Authority> authority() const;
  Result<void> keep_issued(const Botan::X509_Certificate& certificate);
  Result<std::optional<Botan::X509_CRL>> revocations() const;
  Result<Botan::X509_Certificate> find(const std::string& domain_or_serial) const;
  Result<void> sign_list(const Botan::X509_Certificate* revoked, std::chrono::days lasts);
  Result<Listed> describe(const std::filesystem::path& file) const;
  Period period(std::chrono::days lasts) const;

  std::filesystem::path directory_;
  Botan::RandomNumberGenerator& rng_;
  Time now_;
};

}  // namespace sallyport::certs
