#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "policy/bundle.h"
#include "policy/bundle_signatures.h"
#include "policy/source/files.h"
#include "policy/source/source.h"
#include "proxy/main/check/check.h"

namespace sallyport::check {

namespace {

using config::Located;
using policy::Bundle;

std::optional<std::string> content(const Located& located, std::string_view key, const std::filesystem::path& file,
                                   Findings& findings) {
  std::ifstream stream(file, std::ios::binary);
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (!stream || error) {
    findings.mistakes.push_back(
        located.mistake(key, "'" + file.string() + "' can't be read", "check the name and the permissions"));
    return std::nullopt;
  }
  if (size > Bundle::kLargest) {
    findings.mistakes.push_back(
        located.mistake(key, "'" + file.string() + "' is too large", "is this the right file?"));
    return std::nullopt;
  }
  return std::string{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::string compile_command(const config::Guard& guard) {
  const std::string text = guard.policy.empty() ? "POLICY" : guard.policy.string();
  return "compile it: sallyport policy compile " + text + " -o " + guard.bundle.string();
}

void check_stages(const Located& located, const Bundle& bundle, Findings& findings) {
  std::string off;
  for (int i = 0; i <= static_cast<int>(policy::kLastStage); ++i) {
    const auto stage = static_cast<policy::Stage>(i);
    if (bundle.is_off(stage)) off += (off.empty() ? "" : ", ") + std::string(name(stage));
  }
  if (off.empty()) return;
  findings.warnings.push_back(located.mistake("guard.bundle", "the policy switches stages off: " + off,
                                              "they check nothing; that is the officer's decision"));
}

/// The domains of other enclaves that this one exchanges stanzas with, or whose servers its clients log in to.
std::set<std::string, std::less<>> far_domains(const Bundle& bundle, std::string_view enclave) {
  std::set<std::string, std::less<>> domains;
  for (const policy::Route& route : bundle.tables().routes) {
    const policy::Domain& from = bundle.tables().domains[route.from];
    const policy::Domain& to = bundle.tables().domains[route.to];
    if (bundle.enclave_of(from).name == enclave) domains.insert(to.name);
    if (bundle.enclave_of(to).name == enclave) domains.insert(from.name);
  }
  for (const policy::Login& login : bundle.tables().logins)
    if (bundle.tables().enclaves[login.enclave].name == enclave)
      domains.insert(bundle.tables().domains[login.domain].name);
  return domains;
}

void check_domains(const Located& located, const config::Edge& edge, const Bundle& bundle, Findings& findings) {
  const std::string table = "edge." + edge.enclave;
  for (const std::string& domain : far_domains(bundle, edge.enclave)) {
    if (std::ranges::any_of(edge.faces, [&](const config::Face& face) { return face.domain == domain; })) continue;
    findings.warnings.push_back(located.mistake(
        table + ".anchors", "'" + domain + "' has no certificate in the enclave '" + edge.enclave + "'",
        "the policy has a peering with it: add an [[" + table + ".face]] for it, or no stream with it can be had"));
  }
  for (std::size_t i = 0; i < edge.faces.size(); ++i) {
    const policy::Domain* domain = bundle.domain(edge.faces[i].domain);
    if (domain != nullptr && bundle.enclave_of(*domain).name != edge.enclave) continue;
    findings.warnings.push_back(
        located.mistake(table + ".face[" + std::to_string(i) + "].domain",
                        "'" + edge.faces[i].domain + "' is not a domain of another enclave in the policy",
                        "nobody will be let in by this name: correct the name, or take the face away"));
  }
  for (std::size_t i = 0; i < edge.next_hops.size(); ++i) {
    const policy::Domain* domain = bundle.domain(edge.next_hops[i].domain);
    if (domain != nullptr && bundle.enclave_of(*domain).name == edge.enclave) continue;
    findings.warnings.push_back(located.mistake(
        table + ".next_hop[" + std::to_string(i) + "].domain",
        "'" + edge.next_hops[i].domain + "' is not a domain of the enclave '" + edge.enclave + "' in the policy",
        "it will never be dialled: correct the name, or take the next hop away"));
  }
}

void check_logins(const Located& located, const config::Edge& edge, const Bundle& bundle, Findings& findings) {
  const std::string table = "edge." + edge.enclave;
  const auto& enclaves = bundle.tables().enclaves;
  const bool wanted = std::ranges::any_of(
      bundle.tables().logins, [&](const auto& login) { return enclaves[login.enclave].name == edge.enclave; });
  const bool listens = std::ranges::any_of(
      edge.listeners, [](const auto& each) { return each.peers != config::Listener::Peers::Servers; });
  if (wanted && !listens) {
    findings.warnings.push_back(located.mistake(
        table + ".anchors",
        "the policy lets clients of the enclave '" + edge.enclave + "' log in, but nothing listens for them",
        "set listen_clients or listen_clients_tls in [" + table + "]"));
  }
  if (listens && !wanted) {
    findings.warnings.push_back(located.mistake(
        table + ".anchors", "the edge '" + edge.enclave + "' listens for clients, but the policy lets none log in",
        "every client will be refused: the officer adds a [[login]], or take the listeners away"));
  }
  for (std::size_t i = 0; i < edge.logins.size(); ++i) {
    const policy::Domain* domain = bundle.domain(edge.logins[i].domain);
    if (domain != nullptr && bundle.enclave_of(*domain).name == edge.enclave) continue;
    findings.warnings.push_back(located.mistake(
        table + ".login[" + std::to_string(i) + "].domain",
        "'" + edge.logins[i].domain + "' is not a domain of the enclave '" + edge.enclave + "' in the policy",
        "nobody will log in to it: correct the name, or take the table away"));
  }
}

void check_revocation(const Located& located, const config::Edge& edge, const policy::Enclave& enclave,
                      Findings& findings) {
  if (enclave.revocation != policy::RevocationRule::Required) return;
  const std::string table = "edge." + edge.enclave;
  if (edge.crls.empty() && edge.ocsp_responders.empty()) {
    findings.warnings.push_back(located.mistake(
        table + ".crls",
        "the policy asks for revocation to be known in '" + edge.enclave + "', but there is no list and no responder",
        "every peer that staples no OCSP answer will be refused: name the revocation lists of its authorities in crls, "
        "or ocsp_responders, or change the policy"));
  }
}

void check_edges(const Located& located, const Bundle& bundle, Findings& findings) {
  for (const config::Edge& edge : located.config.edges) {
    if (const policy::Enclave* enclave = bundle.enclave(edge.enclave)) {
      check_domains(located, edge, bundle, findings);
      check_logins(located, edge, bundle, findings);
      check_revocation(located, edge, *enclave, findings);
    } else {
      findings.mistakes.push_back(located.mistake("edge." + edge.enclave + ".anchors",
                                                  "the policy knows no enclave '" + edge.enclave + "'",
                                                  "name the edge like an enclave of the policy"));
    }
  }
  for (const policy::Enclave& enclave : bundle.tables().enclaves) {
    if (std::ranges::any_of(located.config.edges, [&](const auto& edge) { return edge.enclave == enclave.name; }))
      continue;
    findings.warnings.push_back(located.mistake("guard.bundle",
                                                "the policy's enclave '" + enclave.name + "' has no edge here",
                                                "add [edge." + enclave.name + "], or nothing reaches it"));
  }
}

/// Whether the bundle was made from the policy text as it is now.
bool check_source(const Located& located, const std::string& bundle, Findings& findings) {
  const config::Guard& guard = located.config.guard;
  const auto text = content(located, "guard.policy", guard.policy, findings);
  if (!text) return false;
  auto compiled =
      policy::source::compile(*text, guard.policy.string(), policy::source::files_beside(guard.policy.string()));
  if (!compiled) {
    std::ranges::move(compiled.error(), std::back_inserter(findings.mistakes));
    return false;
  }
  std::ranges::move(compiled->warnings, std::back_inserter(findings.warnings));
  if (compiled->bundle.octets() == bundle) return true;
  if (bundle.empty()) return false;
  findings.warnings.push_back(
      located.mistake("guard.bundle", "the bundle was not made from '" + guard.policy.string() + "' as it is now",
                      compile_command(guard)));
  return false;
}

/// What the guard's officers have to have signed: `key` names the bundle.
void check_signatures(const Located& located, std::string_view key, const std::filesystem::path& file,
                      const Bundle& bundle, Findings& findings) {
  const config::Guard& guard = located.config.guard;
  policy::Officers officers;
  officers.needed = guard.signatures;
  for (std::size_t i = 0; i < guard.officers.size(); ++i) {
    const std::string place = "guard.officers[" + std::to_string(i) + "]";
    const auto pem = content(located, place, guard.officers[i], findings);
    if (!pem) return;
    const auto officer = policy::read_officer_key(*pem);
    if (!officer) {
      findings.mistakes.push_back(
          located.mistake(place, "'" + guard.officers[i].string() + "' " + officer.error(),
                          "name the public key that `sallyport policy key` has made: FILE.pub"));
      return;
    }
    officers.keys.push_back(*officer);
  }
  if (officers.keys.empty()) return;
  std::filesystem::path signatures = file;
  signatures += policy::kSignaturesEnd;
  const auto told = [&](std::string what) {
    findings.mistakes.push_back(located.mistake(
        key, std::move(what), "have the officers sign it: sallyport policy sign " + file.string() + " --key KEY"));
  };
  std::error_code error;
  if (!std::filesystem::exists(signatures, error)) return told("not signed: there is no '" + signatures.string() + "'");
  const auto text = content(located, key, signatures, findings);
  if (!text) return;
  const auto signers = policy::check_signatures(bundle.hash(), *text, officers);
  if (!signers) told("'" + signatures.string() + "': " + signers.error());
}

void check_shadow(const Located& located, Findings& findings) {
  const config::Guard& guard = located.config.guard;
  if (guard.shadow.empty()) return;
  const auto octets = content(located, "guard.shadow", guard.shadow, findings);
  if (!octets) return;
  const auto bundle = Bundle::decode(*octets);
  if (bundle) return check_signatures(located, "guard.shadow", guard.shadow, *bundle, findings);
  findings.mistakes.push_back(
      located.mistake("guard.shadow", "not a bundle: " + bundle.error().what,
                      "compile it: sallyport policy compile POLICY -o " + guard.shadow.string()));
}

}  // namespace

void check_policy(const Located& located, Findings& findings) {
  const config::Guard& guard = located.config.guard;
  check_shadow(located, findings);
  const auto octets = content(located, "guard.bundle", guard.bundle, findings);
  const bool fresh = !guard.policy.empty() && check_source(located, octets.value_or(""), findings);
  if (!octets) return;
  const auto bundle = Bundle::decode(*octets);
  if (!bundle) {
    findings.mistakes.push_back(
        located.mistake("guard.bundle", "not a bundle: " + bundle.error().what, compile_command(guard)));
    return;
  }
  check_signatures(located, "guard.bundle", guard.bundle, *bundle, findings);
  // The text's own warnings have named them at their place.
  if (!fresh) check_stages(located, *bundle, findings);
  check_edges(located, *bundle, findings);
}

}  // namespace sallyport::check
