// `sallyport policy key`, `sign` and `signatures`: officers' keys, and whose signatures a bundle has.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <botan/ed25519.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <botan/x509_key.h>

#include "certs/keys.h"
#include "policy/bundle.h"
#include "policy/bundle_signatures.h"
#include "proxy/main/commands/json.h"
#include "proxy/main/commands/policy.h"
#include "proxy/main/commands/policy_input.h"

namespace sallyport::commands {

namespace {

namespace fs = std::filesystem;

template <class T>
T or_end(certs::Result<T> result) {
  if (!result) {
    const certs::Fault& fault = result.error();
    std::string why = (fault.file.empty() ? "" : fault.file.string() + ": ") + fault.what + "\n";
    if (!fault.remedy.empty()) why += "    " + fault.remedy + "\n";
    end_command(1, why);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

policy::OfficerKey public_key_or_end(const fs::path& file) {
  const auto key = policy::read_officer_key(read_file_or_end(file));
  if (!key) end_command(1, file.string() + ": " + key.error());
  return *key;
}

const Botan::Ed25519_PrivateKey& officer(const certs::KeyPtr& key) {
  return dynamic_cast<const Botan::Ed25519_PrivateKey&>(*key);
}

policy::OfficerKey public_part(const certs::KeyPtr& key) {
  policy::OfficerKey made{};
  std::ranges::copy(officer(key).get_public_key(), made.begin());
  return made;
}

/// An officer's own key. One that others of the machine can read is no good any more.
certs::KeyPtr private_key_or_end(const fs::path& file) {
  std::error_code error;
  const auto mode = fs::status(file, error).permissions();
  if (error) end_command(2, file.string() + ": can't be read");
  if ((mode & (fs::perms::group_all | fs::perms::others_all)) != fs::perms::none)
    end_command(1, file.string() + ": others than its owner may open this key\n    chmod 600 " + file.string() +
                       ", if nobody has; else make another key");
  certs::KeyPtr key = or_end(certs::read_key(file));
  if (dynamic_cast<const Botan::Ed25519_PrivateKey*>(key.get()) == nullptr)
    end_command(1, file.string() + ": is a key of kind " + key->algo_name() +
                       ", not Ed25519\n    make one: sallyport policy key FILE");
  return key;
}

// --- key ---

struct KeyOptions {
  fs::path file;
  bool show = false, json = false;
};

void print_key(const policy::OfficerKey& key, const fs::path& file, const KeyOptions& options) {
  const std::string text = policy::fingerprint(key);
  if (options.json) {
    std::printf("{\"public\":%s,\"fingerprint\":\"%s\"}\n", json_string(file.string()).c_str(), text.c_str());
  } else {
    std::printf("%s: %s\n", file.c_str(), text.c_str());
  }
}

void make_key(const KeyOptions& options) {
  fs::path shown = options.file;
  shown += ".pub";
  if (options.show) return print_key(public_key_or_end(options.file), options.file, options);
  const certs::KeyPtr key = or_end(certs::make_officer_key(Botan::system_rng()));
  or_end(certs::create_file(shown, Botan::X509::PEM_encode(*key), certs::Privacy::Public));
  const auto made = certs::create_key_file(options.file, *key);
  if (!made) {
    std::error_code ignored;
    fs::remove(shown, ignored);
  }
  or_end(made);
  print_key(public_part(key), shown, options);
  if (!options.json)
    std::printf("Keep %s to yourself; give %s to the operator, for guard.officers.\n", options.file.c_str(),
                shown.c_str());
}

// --- sign, signatures ---

struct SignOptions {
  fs::path bundle, key;
  std::vector<fs::path> officers;
  std::size_t needed = 1;
  bool json = false;
};

fs::path signatures_file(const fs::path& bundle) {
  fs::path file = bundle;
  file += policy::kSignaturesEnd;
  return file;
}

policy::Bundle bundle_or_end(const fs::path& file) {
  auto bundle = policy::Bundle::decode(read_file_or_end(file));
  if (!bundle)
    end_command(1, file.string() + ": is no bundle: " + bundle.error().what +
                       "\n    make one: sallyport policy compile POLICY -o " + file.string());
  return std::move(*bundle);
}

/// What there is for this bundle; signatures of an earlier one do not count any more.
policy::BundleSignatures signatures_or_end(const fs::path& file, const std::string& hash) {
  policy::BundleSignatures fresh{.bundle_hash = hash, .all = {}};
  std::error_code error;
  if (!fs::exists(file, error)) return fresh;
  auto read = policy::BundleSignatures::read(read_file_or_end(file));
  if (!read)
    end_command(1, file.string() + ": " + read.error() + "\n    take it away, and have all officers sign anew");
  return read->bundle_hash == hash ? std::move(*read) : fresh;
}

void print_signers(const SignOptions& options, const std::string& hash, const policy::BundleSignatures& signatures,
                   const std::string& fault) {
  if (!options.json) {
    std::printf("bundle %s\n", hash.c_str());
    for (const policy::SignedBy& one : signatures.all)
      std::printf("%s by %s\n", signatures.is_good(one) ? "signed" : "NOT signed",
                  policy::fingerprint(one.key).c_str());
    if (signatures.all.empty()) std::printf("not signed\n");
    return;
  }
  std::string all;
  for (const policy::SignedBy& one : signatures.all)
    all += (all.empty() ? "" : ",") + ("{\"fingerprint\":\"" + policy::fingerprint(one.key)) +
           "\",\"good\":" + (signatures.is_good(one) ? "true" : "false") + "}";
  std::printf("{\"ok\":%s,\"bundle\":\"%s\",\"signatures\":[%s],\"fault\":%s}\n", fault.empty() ? "true" : "false",
              hash.c_str(), all.c_str(), json_string(fault).c_str());
}

void sign(const SignOptions& options) {
  const policy::Bundle bundle = bundle_or_end(options.bundle);
  const certs::KeyPtr key = private_key_or_end(options.key);
  const fs::path file = signatures_file(options.bundle);
  policy::BundleSignatures signatures = signatures_or_end(file, bundle.hash());
  const std::string text = policy::signed_text(bundle.hash());
  Botan::PK_Signer signer(*key, Botan::system_rng(), "Pure");
  const auto octets =
      signer.sign_message(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), Botan::system_rng());
  policy::SignedBy one{.key = public_part(key), .signature = {}};
  std::ranges::copy(octets, one.signature.begin());
  signatures.add(one);
  if (signatures.all.size() > policy::kMostSignatures) end_command(1, file.string() + ": too many signatures");
  if (!write_whole(file, signatures.text())) end_command(2, file.string() + ": can't be written");
  print_signers(options, bundle.hash(), signatures, "");
}

/// Why the signatures are not good enough; "" if they are. Without officers anybody's will do.
std::string fault_of(const std::string& hash, const std::string& text, policy::Officers officers) {
  if (text.empty()) return "it is not signed";
  if (officers.keys.empty()) officers.needed = 0;
  const auto checked = policy::check_signatures(hash, text, officers);
  return checked ? "" : checked.error();
}

void check(const SignOptions& options) {
  const policy::Bundle bundle = bundle_or_end(options.bundle);
  const fs::path file = signatures_file(options.bundle);
  policy::Officers officers;
  officers.needed = options.needed;
  for (const fs::path& each : options.officers) officers.keys.push_back(public_key_or_end(each));
  std::error_code error;
  const std::string text = fs::exists(file, error) ? read_file_or_end(file) : "";
  std::string fault = fault_of(bundle.hash(), text, std::move(officers));
  policy::BundleSignatures signatures{.bundle_hash = bundle.hash(), .all = {}};
  if (auto read = policy::BundleSignatures::read(text); read && read->bundle_hash == bundle.hash())
    signatures = std::move(*read);
  const auto is_bad = [&](const policy::SignedBy& one) { return !signatures.is_good(one); };
  if (fault.empty() && std::ranges::any_of(signatures.all, is_bad)) fault = "a signature is not of this bundle";
  print_signers(options, bundle.hash(), signatures, fault);
  if (fault.empty()) return;
  if (!options.json) std::fprintf(stderr, "%s: %s\n", options.bundle.c_str(), fault.c_str());
  throw CLI::RuntimeError(1);
}

}  // namespace

void add_policy_signing(CLI::App& policy) {
  auto keys = std::make_shared<KeyOptions>();
  auto* key = policy.add_subcommand("key", "make an officer's key for signing bundles, or show a public one");
  key->add_option("file", keys->file, "the private key that is made; the public one is FILE.pub")->required();
  key->add_flag("--show", keys->show, "show the fingerprint of this public key");
  key->add_flag("--json", keys->json, "print the result as JSON");
  key->callback([keys] { make_key(*keys); });

  auto options = std::make_shared<SignOptions>();
  auto* add = policy.add_subcommand("sign", "sign a bundle; signatures stand in BUNDLE.sig");
  add->add_option("bundle", options->bundle, "the bundle")->required();
  add->add_option("--key", options->key, "the officer's private key")->required();
  add->add_flag("--json", options->json, "print the result as JSON");
  add->callback([options] { sign(*options); });

  auto asked = std::make_shared<SignOptions>();
  auto* list = policy.add_subcommand("signatures", "say who has signed a bundle, and whether that is enough");
  list->add_option("bundle", asked->bundle, "the bundle")->required();
  list->add_option("--officer", asked->officers, "an officer's public key; as often as there are officers");
  list->add_option("--needed", asked->needed, "how many of them have to have signed (1)");
  list->add_flag("--json", asked->json, "print the result as JSON");
  list->callback([asked] { check(*asked); });
}

}  // namespace sallyport::commands
