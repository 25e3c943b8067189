#include "certs/authority.h"

#include <algorithm>
#include <stdexcept>

#include <botan/ber_dec.h>
#include <botan/pubkey.h>
#include <botan/x509_ca.h>
#include <botan/x509_ext.h>
#include <botan/x509_key.h>

#include "certs/names.h"
#include "inspect/jid.h"

namespace sallyport::certs {
namespace {

using namespace Botan::Cert_Extension;
using Botan::OID;

constexpr const char* kKeyIdDigest = "SHA-256";
constexpr std::size_t kLongestCommonName = 64;  // RFC 5280, ub-common-name

Botan::X509_DN subject(const std::string& name) {
  Botan::X509_DN subject;
  subject.add_attribute("X520.CommonName", name.substr(0, kLongestCommonName));
  return subject;
}

Botan::AlternativeName alternative_names(const Domains& domains, XmppAddr xmpp_addr) {
  Botan::AlternativeName names;
  for (const auto& domain : domains) {
    const std::string ascii = inspect::Jid::to_ascii(domain);
    if (ascii.empty()) throw std::invalid_argument("'" + domain + "' has no form for certificates");
    names.add_attribute("DNS", ascii);
    for (const char* service : {"_xmpp-server.", "_xmpp-client."})
      names.add_othername(OID(std::string(kSrvNameOid)), service + ascii, Botan::IA5_STRING);
    if (xmpp_addr == XmppAddr::Included)
      names.add_othername(OID(std::string(kXmppAddrOid)), domain, Botan::UTF8_STRING);
  }
  return names;
}

template <class Extension>
void add(Botan::Extensions& to, Extension extension, bool critical = false) {
  to.add_new(std::make_unique<Extension>(std::move(extension)).release(), critical);
}

Botan::Extensions leaf_extensions(const Domains& domains, XmppAddr xmpp_addr) {
  Botan::Extensions extensions;
  add(extensions, Basic_Constraints(false), true);
  add(extensions, Key_Usage(Botan::DIGITAL_SIGNATURE), true);
  // T-11: serverAuth and clientAuth.
  add(extensions, Extended_Key_Usage({OID("1.3.6.1.5.5.7.3.1"), OID("1.3.6.1.5.5.7.3.2")}));
  add(extensions, Subject_Alternative_Name(alternative_names(domains, xmpp_addr)));
  return extensions;
}

Botan::X509_Certificate sign(const Botan::Private_Key& key, const std::vector<std::uint8_t>& spki, Period period,
                             const Botan::X509_DN& issuer, const Botan::X509_DN& owner,
                             const Botan::Extensions& extensions, Botan::RandomNumberGenerator& rng) {
  Botan::AlgorithmIdentifier algorithm;
  const std::unique_ptr<Botan::PK_Signer> signer{Botan::choose_sig_format(key, rng, digest_for(key), algorithm)};
  return Botan::X509_CA::make_cert(signer.get(), rng, algorithm, spki, Botan::X509_Time(period.from),
                                   Botan::X509_Time(period.to), issuer, owner, extensions);
}

std::string text_of(const Botan::BER_Object& object) {
  return {reinterpret_cast<const char*>(object.bits()), object.length()};
}

std::string other_name(const Botan::BER_Object& name) {
  OID kind;
  Botan::BER_Decoder parts(name);
  parts.decode(kind);
  const auto value = parts.start_cons(Botan::ASN1_Tag(0), Botan::CONTEXT_SPECIFIC).get_next_object();
  const auto text = text_of(value);
  const bool is_srv = kind == OID(std::string(kSrvNameOid)) && value.is_a(Botan::IA5_STRING, Botan::UNIVERSAL);
  const bool is_xmpp = kind == OID(std::string(kXmppAddrOid)) && value.is_a(Botan::UTF8_STRING, Botan::UNIVERSAL);
  if (is_srv && is_host_text(text)) return std::string(kSrv) + text;
  if (is_xmpp && is_address_text(text)) return std::string(kXmpp) + text;
  return "";
}

}  // namespace

Result<Authority> Authority::create(const std::string& name, KeyPtr key, Period period,
                                    Botan::RandomNumberGenerator& rng) {
  return attempt({}, "the authority could not be made", [&] {
    const auto spki = Botan::X509::BER_encode(*key);
    Botan::Extensions extensions;
    add(extensions, Basic_Constraints(true, 0), true);
    add(extensions, Key_Usage(Botan::Key_Constraints(Botan::KEY_CERT_SIGN | Botan::CRL_SIGN)), true);
    add(extensions, Subject_Key_ID(spki, kKeyIdDigest));
    const auto owner = subject(name);
    const auto certificate = sign(*key, spki, period, owner, owner, extensions, rng);
    return Authority(certificate, std::move(key));
  });
}

Result<Authority> Authority::open(const Botan::X509_Certificate& certificate, KeyPtr key) {
  if (!certificate.is_CA_cert()) return std::unexpected(Fault{{}, "the certificate is not an authority's"});
  if (!belongs(*key, certificate))
    return std::unexpected(Fault{{}, "the authority's key does not belong to its certificate"});
  return Authority(certificate, std::move(key));
}

Result<Botan::X509_Certificate> Authority::issue(const Domains& domains, XmppAddr xmpp_addr,
                                                 const Botan::Public_Key& key, Period period,
                                                 Botan::RandomNumberGenerator& rng) const {
  if (auto why = weakness(key); !why.empty()) return std::unexpected(Fault{{}, why});
  return attempt({}, "the certificate could not be issued", [&] {
    const auto spki = Botan::X509::BER_encode(key);
    auto extensions = leaf_extensions(domains, xmpp_addr);
    add(extensions, Subject_Key_ID(spki, kKeyIdDigest));
    add(extensions, Authority_Key_ID(certificate_.subject_key_id()));
    period.to = std::min(period.to, certificate_.not_after().to_std_timepoint());
    if (period.to <= period.from) throw std::runtime_error("the authority's own certificate has ended");
    return sign(*key_, spki, period, certificate_.subject_dn(), subject(domains.front()), extensions, rng);
  });
}

Result<Botan::X509_CRL> Authority::list(const Botan::X509_CRL* last, const Botan::X509_Certificate* revoked,
                                        Period period, Botan::RandomNumberGenerator& rng) const {
  return attempt({}, "the revocation list could not be made", [&] {
    const Botan::X509_CA signer(certificate_, *key_, digest_for(*key_), rng);
    const auto lasts = std::chrono::duration_cast<std::chrono::seconds>(period.to - period.from);
    const auto start = last == nullptr ? signer.new_crl(rng, period.from, lasts) : *last;
    std::vector<Botan::CRL_Entry> entries;
    if (revoked != nullptr) entries.emplace_back(*revoked);
    return signer.update_crl(start, entries, rng, period.from, lasts);
  });
}

Result<Botan::PKCS10_Request> make_request(const Domains& domains, XmppAddr xmpp_addr, const Botan::Private_Key& key,
                                           Botan::RandomNumberGenerator& rng) {
  return attempt({}, "the request could not be made", [&] {
    return Botan::PKCS10_Request::create(key, subject(domains.front()), leaf_extensions(domains, xmpp_addr),
                                         digest_for(key), rng);
  });
}

bool belongs(const Botan::Private_Key& key, const Botan::X509_Certificate& certificate) {
  const std::unique_ptr<Botan::Public_Key> certified{certificate.load_subject_public_key()};
  return certified->algo_name() == key.algo_name() && certified->public_key_bits() == key.public_key_bits();
}

// Botan 2 writes otherName but does not read it back, so the extension is read here (RFC 5280 4.2.1.6).
std::vector<std::string> names_of(const Botan::X509_Certificate& certificate) {
  std::vector<std::string> names;
  const OID alternative = Subject_Alternative_Name::static_oid();
  if (!certificate.v3_extensions().extension_set(alternative)) return names;
  const auto octets = certificate.v3_extensions().get_extension_bits(alternative);
  auto list = Botan::BER_Decoder(octets).start_cons(Botan::SEQUENCE);
  while (list.more_items()) {
    const auto name = list.get_next_object();
    if (name.is_a(2, Botan::CONTEXT_SPECIFIC)) {
      if (auto text = text_of(name); is_host_text(text)) names.push_back(std::string(kDns) + text);
    } else if (name.is_a(0, Botan::ASN1_Tag(Botan::CONTEXT_SPECIFIC | Botan::CONSTRUCTED))) {
      if (auto other = other_name(name); !other.empty()) names.push_back(std::move(other));
    }
  }
  return names;
}

}  // namespace sallyport::certs
