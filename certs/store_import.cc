// What an operator brings along: checked before it is kept, so that it fails here and not in front of a peer.
#include <algorithm>

#include <botan/x509_ext.h>

#include "certs/names.h"
#include "certs/pem.h"
#include "certs/store.h"
#include "inspect/jid.h"

namespace sallyport::certs {
namespace {

using Chain = std::vector<Botan::X509_Certificate>;

std::string join(const std::vector<std::string>& parts) {
  std::string all;
  for (const auto& part : parts) all += (all.empty() ? "" : ", ") + part;
  return all.empty() ? "nothing" : all;
}

bool allows(const Botan::X509_Certificate& leaf, const char* use) {
  const auto& uses = leaf.extended_key_usage();
  return uses.empty() || std::ranges::find(uses, Botan::OID(use)) != uses.end();
}

// Each certificate must have signed the one before it. A root at the end is kept too; peers ignore it.
std::string broken_link(const Chain& chain) {
  for (std::size_t at = 1; at < chain.size(); ++at) {
    const std::unique_ptr<Botan::Public_Key> above{chain[at].load_subject_public_key()};
    if (!chain[at - 1].check_signature(*above))
      return "certificate " + std::to_string(at + 1) + " in it did not sign certificate " + std::to_string(at);
  }
  return "";
}

Result<void> judge(const Chain& chain, const std::string& domain, Time now, const std::filesystem::path& file) {
  const auto& leaf = chain.front();
  const auto no = [&](std::string what, std::string remedy = "") {
    return std::unexpected(Fault{file, std::move(what), std::move(remedy)});
  };
  if (leaf.is_CA_cert()) return no("begins with an authority's certificate", "put the domain's own certificate first");
  if (const auto names = names_of(leaf); !names_domain(names, domain, Service::XmppServer))
    return no("names " + join(names) + ", not " + domain);
  if (leaf.not_after().to_std_timepoint() <= now) return no("ended on " + leaf.not_after().readable_string());
  if (leaf.not_before().to_std_timepoint() > now) return no("begins on " + leaf.not_before().readable_string());
  if (!allows(leaf, "1.3.6.1.5.5.7.3.1")) return no("is not for servers (serverAuth is missing)");
  const std::unique_ptr<Botan::Public_Key> key{leaf.load_subject_public_key()};
  if (auto why = weakness(*key); !why.empty()) return no(why);
  if (auto why = broken_link(chain); !why.empty()) return no(why, "order: the domain's own, then each one's issuer");
  return {};
}

}  // namespace

Result<std::string> Store::import_certificate(const std::string& domain, const std::filesystem::path& certificate,
                                              const std::optional<std::filesystem::path>& key, bool replace) {
  const auto prepared = inspect::Jid::prepare_domain(domain);
  const auto name = prepared ? inspect::Jid::to_ascii(*prepared) : "";
  if (name.empty() || name == "authority") return std::unexpected(Fault{{}, "'" + domain + "' is not a domain"});
  const auto chain = read_certificates(certificate);
  if (!chain) return std::unexpected(chain.error());
  const auto own_key = file(name + ".key");
  const auto held = read_key(key.value_or(own_key));
  if (!held) return std::unexpected(held.error());
  const auto judged =
      attempt(certificate, "cannot be judged", [&] { return judge(*chain, *prepared, now_, certificate); });
  if (!judged) return std::unexpected(judged.error());
  if (!*judged) return std::unexpected(judged->error());
  if (!belongs(**held, chain->front()))
    return std::unexpected(Fault{key.value_or(own_key), "is not the key of " + certificate.string()});
  const auto at = file(name + ".pem");
  if (!replace && (std::filesystem::exists(at) || (key && std::filesystem::exists(own_key))))
    return std::unexpected(Fault{at, "there is a certificate or key for " + domain + " already", "add --replace"});
  std::error_code error;
  if (std::filesystem::create_directories(directory_, error))
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, error);
  if (error) return std::unexpected(Fault{directory_, "cannot be made: " + error.message()});
  if (key) {
    if (auto kept = replace_key_file(own_key, **held); !kept) return std::unexpected(kept.error());
  }
  std::string text;
  for (const auto& one : *chain) text += one.PEM_encode();
  if (auto kept = replace_file(at, text, Privacy::Public); !kept) return std::unexpected(kept.error());
  std::filesystem::remove(file(name + ".csr"), error);
  if (!allows(chain->front(), "1.3.6.1.5.5.7.3.2"))
    return "it is not for clients (clientAuth is missing): older servers will refuse it when we connect to them";
  return "";
}

}  // namespace sallyport::certs
