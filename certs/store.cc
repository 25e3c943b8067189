#include "certs/store.h"

#include <algorithm>

#include <botan/data_src.h>
#include <botan/hex.h>
#include <botan/x509_ext.h>

#include "certs/names.h"
#include "certs/pem.h"
#include "inspect/jid.h"

namespace sallyport::certs {
namespace {

constexpr char kAuthority[] = "authority";
constexpr std::chrono::minutes kClockSkew{5};  // a peer's clock may be behind

struct Named {
  std::string file;  // A-labels: safe as a file name
  Domains domains;
};

Result<Named> prepare(const std::string& domain, const std::vector<std::string>& more) {
  Named named;
  std::vector<std::string> all{domain};
  all.insert(all.end(), more.begin(), more.end());
  for (const auto& text : all) {
    const auto prepared = inspect::Jid::prepare_domain(text);
    if (!prepared || inspect::Jid::to_ascii(*prepared).empty())
      return std::unexpected(Fault{{}, "'" + text + "' is not a domain", "write it like rooms.example.org"});
    if (std::ranges::find(named.domains, *prepared) == named.domains.end()) named.domains.push_back(*prepared);
  }
  named.file = inspect::Jid::to_ascii(named.domains.front());
  // A domain of one label could be taken for the authority itself.
  if (named.file == kAuthority) return std::unexpected(Fault{{}, "the name 'authority' is taken by the authority"});
  return named;
}

std::int64_t seconds(Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string serial_of(const Botan::X509_Certificate& certificate) {
  return Botan::hex_encode(certificate.serial_number(), false);
}

XmppAddr xmpp_addr_of(const Botan::X509_Certificate& certificate) {
  const auto names = names_of(certificate);
  const auto is_xmpp_addr = [](const std::string& name) { return name.starts_with(kXmpp); };
  return std::ranges::any_of(names, is_xmpp_addr) ? XmppAddr::Included : XmppAddr::LeftOut;
}

/// Each has a dNSName, whatever else names it.
Domains domains_of(const Botan::X509_Certificate& certificate) {
  Domains domains;
  for (const std::string_view name : names_of(certificate)) {
    if (!name.starts_with(kDns)) continue;
    if (const auto domain = inspect::Jid::prepare_domain(name.substr(kDns.size()))) domains.push_back(*domain);
  }
  return domains;
}

Fault in_file(Fault fault, const std::filesystem::path& file) {
  if (fault.file.empty()) fault.file = file;
  return fault;
}

}  // namespace

Period Store::period(std::chrono::days lasts) const {
  return {now_ - kClockSkew, now_ + lasts};
}

Result<void> Store::init(const std::string& name, const Wish& wish) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(directory_ / "issued", error);
  if (error) return std::unexpected(Fault{directory_, "cannot be made: " + error.message()});
  if (made) std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, error);
  if (error) return std::unexpected(Fault{directory_, "cannot be closed to others: " + error.message()});
  auto key = make_key(wish.key, rng_);
  if (!key) return std::unexpected(key.error());
  auto authority = Authority::create(name, *std::move(key), period(wish.lasts), rng_);
  if (!authority) return std::unexpected(authority.error());
  if (auto kept = create_key_file(file("authority.key"), authority->key()); !kept) return kept;
  auto kept = create_file(file("authority.pem"), authority->certificate().PEM_encode(), Privacy::Public);
  if (!kept) return kept;
  return sign_list(nullptr, std::chrono::days(30));
}

Result<Authority> Store::authority() const {
  const auto at = file("authority.pem");
  auto chain = read_certificates(at);
  if (!chain) {
    chain.error().remedy = "make one with: sallyport certs init --directory " + directory_.string();
    return std::unexpected(chain.error());
  }
  auto key = read_key(file("authority.key"));
  if (!key) return std::unexpected(key.error());
  auto opened = Authority::open(chain->front(), *std::move(key));
  if (!opened) return std::unexpected(in_file(opened.error(), at));
  return opened;
}

Result<void> Store::keep_issued(const Botan::X509_Certificate& certificate) {
  return create_file(directory_ / "issued" / (serial_of(certificate) + ".pem"), certificate.PEM_encode(),
                     Privacy::Public);
}

Result<void> Store::issue(const std::string& domain, const std::vector<std::string>& more, const Wish& wish) {
  const auto named = prepare(domain, more);
  if (!named) return std::unexpected(named.error());
  const auto signer = authority();
  if (!signer) return std::unexpected(signer.error());
  const auto key = make_key(wish.key, rng_);
  if (!key) return std::unexpected(key.error());
  const auto certificate = signer->issue(named->domains, wish.xmpp_addr, **key, period(wish.lasts), rng_);
  if (!certificate) return std::unexpected(in_file(certificate.error(), file("authority.pem")));
  const auto at = file(named->file + ".pem");
  if (std::filesystem::exists(at))
    return std::unexpected(Fault{at, "exists already", "replace it with: sallyport certs renew " + named->file});
  if (auto kept = create_key_file(file(named->file + ".key"), **key); !kept) return kept;
  if (auto kept = keep_issued(*certificate); !kept) return kept;
  return create_file(at, certificate->PEM_encode() + signer->certificate().PEM_encode(), Privacy::Public);
}

Result<void> Store::issue_for(const std::filesystem::path& request, const std::string& domain,
                              const std::vector<std::string>& more, const Wish& wish) {
  const auto named = prepare(domain, more);
  if (!named) return std::unexpected(named.error());
  const auto signer = authority();
  if (!signer) return std::unexpected(signer.error());
  const auto asked = read_request(request);
  if (!asked) return std::unexpected(asked.error());
  const auto certificate = signer->issue(named->domains, wish.xmpp_addr, **asked, period(wish.lasts), rng_);
  if (!certificate) return std::unexpected(in_file(certificate.error(), request));
  if (auto kept = keep_issued(*certificate); !kept) return kept;
  return create_file(file(named->file + ".pem"), certificate->PEM_encode() + signer->certificate().PEM_encode(),
                     Privacy::Public);
}

Result<std::filesystem::path> Store::request(const std::string& domain, const std::vector<std::string>& more,
                                             const Wish& wish) {
  const auto named = prepare(domain, more);
  if (!named) return std::unexpected(named.error());
  const auto key = make_key(wish.key, rng_);
  if (!key) return std::unexpected(key.error());
  const auto made = make_request(named->domains, wish.xmpp_addr, **key, rng_);
  if (!made) return std::unexpected(made.error());
  std::error_code error;
  if (std::filesystem::create_directories(directory_, error))
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, error);
  if (error) return std::unexpected(Fault{directory_, "cannot be made: " + error.message()});
  if (auto kept = create_key_file(file(named->file + ".key"), **key); !kept) return std::unexpected(kept.error());
  auto at = file(named->file + ".csr");
  if (auto kept = replace_file(at, made->PEM_encode(), Privacy::Public); !kept) return std::unexpected(kept.error());
  return at;
}

Result<void> Store::renew(const std::string& domain, const Wish& wish) {
  const auto named = prepare(domain, {});
  if (!named) return std::unexpected(named.error());
  const auto at = file(named->file + ".pem");
  const auto present = read_certificates(at);
  if (!present) return std::unexpected(present.error());
  const auto signer = authority();
  if (!signer) return std::unexpected(signer.error());
  if (present->front().issuer_dn() != signer->certificate().subject_dn())
    return std::unexpected(Fault{at, "was not issued by the authority in this directory",
                                 "ask its issuer: sallyport certs request, then import"});
  if (!std::filesystem::exists(file(named->file + ".key")))
    return std::unexpected(Fault{at, "belongs to a key that is kept elsewhere",
                                 "make a request there and sign it: sallyport certs issue --request FILE"});
  const auto domains = domains_of(present->front());
  if (domains.empty()) return std::unexpected(Fault{at, "holds no names to take over"});
  const auto key = make_key(wish.key, rng_);
  if (!key) return std::unexpected(key.error());
  const auto certificate = signer->issue(domains, xmpp_addr_of(present->front()), **key, period(wish.lasts), rng_);
  if (!certificate) return std::unexpected(in_file(certificate.error(), at));
  if (auto kept = keep_issued(*certificate); !kept) return kept;
  if (auto kept = replace_key_file(file(named->file + ".key"), **key); !kept) return kept;
  return replace_file(at, certificate->PEM_encode() + signer->certificate().PEM_encode(), Privacy::Public);
}

Result<std::optional<Botan::X509_CRL>> Store::revocations() const {
  const auto at = file("authority.crl");
  if (!std::filesystem::exists(at)) return std::nullopt;
  auto text = read_file(at);
  if (!text) return std::unexpected(text.error());
  return attempt(at, "is not a revocation list", [&]() -> std::optional<Botan::X509_CRL> {
    Botan::DataSource_Memory source(*text);
    return Botan::X509_CRL(source);
  });
}

Result<void> Store::sign_list(const Botan::X509_Certificate* revoked, std::chrono::days lasts) {
  const auto signer = authority();
  if (!signer) return std::unexpected(signer.error());
  const auto last = revocations();
  if (!last) return std::unexpected(last.error());
  const Period lasting{now_ - kClockSkew, now_ + lasts};
  const std::optional<Botan::X509_CRL>& present = *last;
  const auto next = signer->list(present ? &*present : nullptr, revoked, lasting, rng_);
  if (!next) return std::unexpected(in_file(next.error(), file("authority.crl")));
  return replace_file(file("authority.crl"), next->PEM_encode(), Privacy::Public);
}

Result<void> Store::revoke(const std::string& domain_or_serial, std::chrono::days lasts) {
  const auto found = find(domain_or_serial);
  if (!found) return std::unexpected(found.error());
  const auto last = revocations();
  if (!last) return std::unexpected(last.error());
  const std::optional<Botan::X509_CRL>& present = *last;
  if (present && present->is_revoked(*found))
    return std::unexpected(Fault{file("authority.crl"), "names this certificate already"});
  const auto signer = authority();
  if (!signer) return std::unexpected(signer.error());
  if (found->issuer_dn() != signer->certificate().subject_dn())
    return std::unexpected(Fault{{},
                                 "'" + domain_or_serial + "' was not issued by the authority in this directory",
                                 "only its issuer can revoke it"});
  return sign_list(&*found, lasts);
}

Result<void> Store::renew_list(std::chrono::days lasts) {
  return sign_list(nullptr, lasts);
}

Result<Botan::X509_Certificate> Store::find(const std::string& domain_or_serial) const {
  const bool is_hex =
      domain_or_serial.size() >= 8 && domain_or_serial.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  auto at = file("issued") / (domain_or_serial + ".pem");
  if (!is_hex || !std::filesystem::exists(at)) {
    const auto named = prepare(domain_or_serial, {});
    if (!named) return std::unexpected(named.error());
    at = file(named->file + ".pem");
  }
  const auto chain = read_certificates(at);
  if (!chain) return std::unexpected(chain.error());
  return chain->front();
}

Result<Listed> Store::describe(const std::filesystem::path& at) const {
  const auto chain = read_certificates(at);
  if (!chain) return std::unexpected(chain.error());
  const auto list = revocations();
  if (!list) return std::unexpected(list.error());
  return attempt(at, "cannot be described", [&] {
    const auto& leaf = chain->front();
    Listed listed;
    listed.domain = at.stem().string();
    listed.names = names_of(leaf);
    const auto issuer = leaf.issuer_dn().get_first_attribute("X520.CommonName");
    listed.issuer = issuer.empty() ? leaf.issuer_dn().to_string() : issuer;
    listed.serial = serial_of(leaf);
    listed.not_after = seconds(leaf.not_after().to_std_timepoint());
    listed.days_left = (listed.not_after - seconds(now_)) / 86'400;
    if (listed.not_after < seconds(now_)) listed.days_left = std::min<std::int64_t>(listed.days_left, -1);
    const auto key = read_key(std::filesystem::path(at).replace_extension(".key"));
    listed.has_key = key && belongs(**key, leaf);
    listed.revoked = *list && (*list)->is_revoked(leaf);
    return listed;
  });
}

Result<std::vector<Listed>> Store::list() const {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory_, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".pem") files.push_back(at->path());
  if (error) return std::unexpected(Fault{directory_, "cannot be read: " + error.message()});
  const auto rank = [](const std::filesystem::path& path) { return std::pair(path.stem() != kAuthority, path); };
  std::ranges::sort(files, {}, rank);
  std::vector<Listed> all;
  for (const auto& at : files) {
    auto listed = describe(at);
    if (!listed) return std::unexpected(listed.error());
    all.push_back(*std::move(listed));
  }
  return all;
}

Result<std::int64_t> Store::list_ends() const {
  const auto list = revocations();
  if (!list) return std::unexpected(list.error());
  if (!*list) return 0;
  return attempt(file("authority.crl"), "has no end",
                 [&] { return seconds((*list)->next_update().to_std_timepoint()); });
}

}  // namespace sallyport::certs
