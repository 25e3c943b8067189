// `sallyport policy prove`: whether a claim about what crosses holds for every stanza that there could be.
#include <chrono>
#include <cstdio>
#include <memory>
#include <sstream>

#include <CLI/CLI.hpp>

#include "policy/proof/prove.h"
#include "proxy/main/commands/json.h"
#include "proxy/main/commands/policy.h"
#include "proxy/main/commands/policy_input.h"

namespace sallyport::commands {

namespace {

namespace proof = policy::proof;

constexpr int kFails = 3, kUndecided = 4;

struct Options {
  std::filesystem::path bundle, claims_file, example;
  std::vector<std::string> claims;
  std::string time;
  bool json = false;
};

/// Those of the command line, and those of the file: one a line, but for empty ones and those that begin with #.
std::vector<std::string> claims_of(const Options& options) {
  std::vector<std::string> claims = options.claims;
  if (!options.claims_file.empty()) {
    std::istringstream lines(read_file_or_end(options.claims_file));
    for (std::string line; std::getline(lines, line);)
      if (line.find_first_not_of(" \t\r") != std::string::npos && line.front() != '#') claims.push_back(line);
  }
  if (claims.empty()) end_command(2, "there is no claim; a claim is\n\n" + std::string(proof::claim_grammar()));
  return claims;
}

proof::Claim read_or_end(const std::string& text, const policy::Bundle& bundle) {
  auto claim = proof::read_claim(text, bundle);
  if (claim) return std::move(*claim);
  end_command(2, "'" + text + "': " + claim.error() + "\na claim is\n\n" + std::string(proof::claim_grammar()));
}

void print_plain(const proof::Claim& claim, const proof::Proof& proof, const proof::When& when) {
  const auto line = [](const char* key, const std::string& value) { std::printf("  %-8s %s\n", key, value.c_str()); };
  std::printf("%s: %s\n", std::string(proof::name(proof.outcome)).c_str(), claim.text.c_str());
  if (!proof.why.empty()) line("why", proof.why);
  if (proof.example) {
    line("stanza", proof.example->stanza);
    line("label", proof.example->label.empty() ? "none" : proof.example->label);
    line("rule", proof.example->rule);
    if (!proof.example->login.empty())
      line("session", "of the login '" + proof.example->login + "', " +
                          (proof.example->from_client ? "from the client" : "to the client"));
    line("time", written_time(proof.example->time));
  }
  for (const std::string& note : proof.notes) line("note", note);
  line("asked", std::to_string(proof.labels) + " labels, " + std::to_string(proof.cases) + " sorts of stanzas, " +
                    (when.only ? "at " : "from ") + written_time(when.time) + (when.only ? "" : " on"));
}

std::string json_of(const proof::Claim& claim, const proof::Proof& proof) {
  std::string out = "{\"claim\":" + json_string(claim.text) +
                    ",\"outcome\":" + json_string(proof::name(proof.outcome)) + ",\"why\":" + json_string(proof.why) +
                    ",\"example\":";
  if (proof.example)
    out += "{\"stanza\":" + json_string(proof.example->stanza) + ",\"label\":" + json_string(proof.example->label) +
           ",\"rule\":" + json_string(proof.example->rule) + ",\"login\":" + json_string(proof.example->login) +
           ",\"from_client\":" + (proof.example->from_client ? "true" : "false") +
           ",\"reason\":" + json_string(policy::code(proof.example->reason)) +
           ",\"time\":" + json_string(written_time(proof.example->time)) + "}";
  else
    out += "null";
  out += ",\"notes\":[";
  for (std::size_t i = 0; i < proof.notes.size(); ++i) out += (i > 0 ? "," : "") + json_string(proof.notes[i]);
  return out + "],\"labels\":" + std::to_string(proof.labels) + ",\"sorts\":" + std::to_string(proof.cases) + "}";
}

void run(const Options& options) {
  const policy::Bundle bundle = load_policy_or_end(options.bundle);
  const proof::When when = when_or_end(options.time);
  std::vector<proof::Claim> claims;
  for (const std::string& text : claims_of(options)) claims.push_back(read_or_end(text, bundle));
  int status = 0;
  std::string list;
  for (const proof::Claim& claim : claims) {
    const proof::Proof proof = proof::prove(claim, bundle, when);
    if (proof.outcome == proof::Outcome::Fails) status = kFails;
    if (proof.outcome == proof::Outcome::Undecided && status == 0) status = kUndecided;
    if (options.json)
      list += (list.empty() ? "" : ",") + json_of(claim, proof);
    else
      print_plain(claim, proof, when);
    if (proof.example && !options.example.empty() && !write_whole(options.example, proof.example->stanza + "\n"))
      end_command(2, options.example.string() + ": can't be written");
  }
  if (options.json)
    std::printf("{\"bundle\":\"%s\",\"time\":\"%s\",\"only\":%s,\"claims\":[%s]}\n", bundle.hash().c_str(),
                written_time(when.time).c_str(), when.only ? "true" : "false", list.c_str());
  if (status != 0) throw CLI::RuntimeError(status);
}

}  // namespace

CLI::App* add_policy_prove(CLI::App& policy) {
  auto options = std::make_shared<Options>();
  auto* command = policy.add_subcommand(
      "prove", "say whether a claim about what crosses holds; status 3 if one fails, 4 if one can't be decided");
  command->add_option("--bundle", options->bundle, "the bundle, or a policy file or folder")->required();
  command->add_option("claims", options->claims, "like \"nothing above CONFIDENTIAL crosses to partner.example\"");
  command->add_option("--claims", options->claims_file, "file with a claim on each line");
  command->add_option("--time", options->time, "look at this time only, UTC (else: at all times from now on)");
  command->add_option("--example", options->example, "write the stanza of the last claim that has one to this file");
  command->add_flag("--json", options->json, "print the result as JSON");
  command->footer("A claim is\n\n" + std::string(proof::claim_grammar()));
  command->callback([options] { run(*options); });
  return command;
}

}  // namespace sallyport::commands
