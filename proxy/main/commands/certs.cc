// `sallyport certs`: makes and keeps an enclave's authority and the certificates that its edge shows.
#include <algorithm>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>

#include <botan/system_rng.h>

#include "certs/store.h"
#include "proxy/main/commands/commands.h"

namespace sallyport::commands {
namespace {

// What the command line may say, for all subcommands together; each reads its own.
struct CertsOptions {
  std::filesystem::path directory = ".";
  std::string name = "Sallyport enclave authority";
  std::string domain;
  std::vector<std::string> domains, also;
  std::string key = "p256";
  int days = 0, within = 30;
  bool replace = false, no_xmpp_addr = false;
  std::optional<std::filesystem::path> request, private_key;
  std::filesystem::path certificate;

  certs::KeyKind key_kind() const {
    const auto found = std::ranges::find(certs::kKeyKinds, key);
    return static_cast<certs::KeyKind>(found - std::begin(certs::kKeyKinds));
  }
  certs::Store::Wish wish() const {
    return {key_kind(), std::chrono::days(days), no_xmpp_addr ? certs::XmppAddr::LeftOut : certs::XmppAddr::Included};
  }
};
using Options = std::shared_ptr<CertsOptions>;

certs::Store open(const CertsOptions& options) {
  return {options.directory, Botan::system_rng(), std::chrono::system_clock::now()};
}

template <class T>
T or_end(certs::Result<T> result) {
  if (!result) {
    const auto& fault = result.error();
    std::cerr << (fault.file.empty() ? "" : fault.file.string() + ": ") << fault.what << '\n';
    if (!fault.remedy.empty()) std::cerr << "  " << fault.remedy << '\n';
    throw CLI::RuntimeError(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

std::string day(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  char text[16];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", gmtime_r(&time, &parts))};
}

void init(const CertsOptions& options) {
  or_end(open(options).init(options.name, options.wish()));
  std::cout << "Made the authority '" << options.name << "'. Its anchor is "
            << (options.directory / "authority.pem").string() << "; keep authority.key away from the edges.\n";
}

void issue(const CertsOptions& options) {
  auto store = open(options);
  if (options.domains.size() > 1 && (options.request || !options.also.empty())) {
    std::cerr << "--request and --also go with one domain\n";
    throw CLI::RuntimeError(2);
  }
  for (const auto& domain : options.domains) {
    if (options.request)
      or_end(store.issue_for(*options.request, domain, options.also, options.wish()));
    else
      or_end(store.issue(domain, options.also, options.wish()));
    std::cout << "Issued a certificate for " << domain << ".\n";
  }
}

void request(const CertsOptions& options) {
  const auto file = or_end(open(options).request(options.domain, options.also, options.wish()));
  std::cout << "Give " << file.string() << " to the authority. Its answer goes in with: sallyport certs import -d "
            << options.directory.string() << ' ' << options.domain << " CERTIFICATE\n";
}

void import_certificate(const CertsOptions& options) {
  const auto warning = or_end(
      open(options).import_certificate(options.domain, options.certificate, options.private_key, options.replace));
  std::cout << "Took over the certificate for " << options.domain << ".\n";
  if (!warning.empty()) std::cerr << "Note: " << warning << '\n';
}

void show(const certs::Listed& one) {
  const auto left = one.days_left < 0 ? "ENDED" : std::to_string(one.days_left) + " days left";
  std::cout << std::left << std::setw(32) << one.domain << ' ' << day(one.not_after) << "  " << std::setw(16)
            << (one.revoked ? "REVOKED" : left) << " by " << one.issuer << (one.has_key ? "" : "  (no key here)")
            << '\n';
  for (const auto& name : one.names) std::cout << "    " << name << '\n';
  std::cout << "    serial " << one.serial << '\n';
}

void list(const CertsOptions& options) {
  const auto store = open(options);
  for (const auto& one : or_end(store.list())) show(one);
  if (const auto ends = or_end(store.list_ends()); ends != 0)
    std::cout << "revocation list: sign it anew before " << day(ends) << " (sallyport certs crl)\n";
}

void renew(const CertsOptions& options) {
  auto store = open(options);
  auto domains = options.domains;
  if (domains.empty()) {
    for (const auto& one : or_end(store.list()))
      if (one.domain != "authority" && one.has_key && one.days_left <= options.within) domains.push_back(one.domain);
    if (domains.empty()) std::cout << "Nothing ends within " << options.within << " days.\n";
  }
  for (const auto& domain : domains) {
    or_end(store.renew(domain, options.wish()));
    std::cout << "Renewed the certificate for " << domain << "; make it known with: sallyport reload\n";
  }
}

void revoke(const CertsOptions& options) {
  or_end(open(options).revoke(options.domain, std::chrono::days(options.days)));
  std::cout << "Revoked " << options.domain << ". Hand out " << (options.directory / "authority.crl").string() << ".\n";
}

void crl(const CertsOptions& options) {
  or_end(open(options).renew_list(std::chrono::days(options.days)));
  std::cout << "Signed " << (options.directory / "authority.crl").string() << " for " << options.days << " days.\n";
}

struct Command {
  const char* name;
  const char* meaning;
  void (*run)(const CertsOptions&);
  int days;  // the default of --days; 0: the command has no such option
  bool makes_key;
};
constexpr Command kCommands[] = {
    {"init", "make an authority for an enclave, and its first revocation list", init, 3650, true},
    {"issue", "sign certificates for domains, each with a new key", issue, 397, true},
    {"request", "make a key, and a request for a foreign authority", request, 0, true},
    {"import", "take over a certificate, and its key unless it answers a request", import_certificate, 0, false},
    {"list", "show what there is, for whom, by whom and until when", list, 0, false},
    {"renew", "replace certificates and keys; without a domain, those that end soon", renew, 397, true},
    {"revoke", "put a certificate on the revocation list", revoke, 30, false},
    {"crl", "sign the revocation list anew", crl, 30, false},
};

void add_options(CLI::App& command, const Options& options) {
  const auto name = command.get_name();
  CLI::Option* domain = nullptr;
  if (name == "issue") domain = command.add_option("DOMAIN", options->domains, "one certificate for each")->required();
  if (name == "renew") command.add_option("DOMAIN", options->domains, "the certificates to replace");
  if (name == "request" || name == "import")
    domain = command.add_option("DOMAIN", options->domain, "the domain to stand for")->required();
  if (name == "revoke")
    domain =
        command.add_option("DOMAIN", options->domain, "a domain, or the serial number of its certificate")->required();
  if (name == "import") {
    command.add_option("CERTIFICATE", options->certificate, "PEM: the domain's own first, then its chain")->required();
    command.add_option("--key", options->private_key, "its private key; without this, that of the earlier request");
    command.add_flag("--replace", options->replace, "replace what is there");
  }
  if (name == "init")
    command.add_option("--name", options->name, "common name of the authority")->capture_default_str();
  if (name == "issue") command.add_option("--request", options->request, "sign the key of this request (PKCS#10)");
  if (domain != nullptr && (name == "issue" || name == "request")) {
    command.add_option("--also", options->also, "a further domain in the same certificate");
    command.add_flag("--no-xmpp-addr", options->no_xmpp_addr,
                     "without XmppAddr among the names, for peers that can't read it");
  }
  if (name == "renew")
    command.add_option("--within", options->within, "days that are soon")
        ->capture_default_str()
        ->check(CLI::Range(0, 10'000));
}

}  // namespace

CLI::App* add_certs(CLI::App& parent) {
  auto* certs = parent.add_subcommand("certs", "make and keep the certificates of an enclave");
  certs->require_subcommand(1);
  for (const auto& row : kCommands) {
    const auto options = std::make_shared<CertsOptions>();
    auto* command = certs->add_subcommand(row.name, row.meaning);
    add_options(*command, options);
    command->add_option("-d,--directory", options->directory, "where the enclave's certificates are")
        ->capture_default_str();
    options->days = row.days;
    if (row.days != 0)
      command->add_option("--days", options->days, "how long it lasts")
          ->capture_default_str()
          ->check(CLI::Range(1, 10'000));
    if (row.makes_key) {
      command->add_option("--key-type", options->key, "p256, p384 or rsa3072")
          ->capture_default_str()
          ->check(CLI::IsMember(std::vector<std::string>(std::begin(certs::kKeyKinds), std::end(certs::kKeyKinds))));
    }
    command->callback([run = row.run, options] { run(*options); });
  }
  return certs;
}

}  // namespace sallyport::commands
