// `sallyport policy check` and `compile`: the officer's file, its mistakes, its bundle.
#include "proxy/main/commands/policy.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "policy/source/files.h"
#include "policy/source/source.h"
#include "proxy/main/commands/commands.h"
#include "proxy/main/commands/json.h"
#include "proxy/main/commands/policy_input.h"

namespace sallyport::commands {

namespace {

struct Options {
  std::filesystem::path file, output;
  bool json = false;
};

void say(const std::vector<inspect::Mistake>& mistakes, std::string_view kind) {
  for (const auto& mistake : mistakes)
    std::fprintf(stderr, "%.*s%s", static_cast<int>(kind.size()), kind.data(), inspect::describe(mistake).c_str());
}

/// Compiles the file and says what is wrong with it; ends the command with status 1 if that is a mistake.
policy::source::Compiled compile_or_end(const Options& options) {
  const std::filesystem::path file = policy_file(options.file);
  const std::string text = read_file_or_end(file);
  auto compiled = policy::source::compile(text, file.string(), policy::source::files_beside(file.string()));
  if (!compiled) {
    if (options.json) {
      std::printf("{\"ok\":false,\"mistakes\":%s,\"warnings\":[]}\n", json_list(compiled.error()).c_str());
    } else {
      say(compiled.error(), "");
    }
    throw CLI::RuntimeError(1);
  }
  if (!options.json) say(compiled->warnings, "warning: ");
  return std::move(*compiled);
}

void print_result(const Options& options, const policy::source::Compiled& compiled) {
  const policy::Tables& tables = compiled.bundle.tables();
  if (options.json) {
    std::printf("{\"ok\":true,\"mistakes\":[],\"warnings\":%s,\"name\":%s,\"hash\":\"%s\"}\n",
                json_list(compiled.warnings).c_str(), json_string(tables.name).c_str(), compiled.bundle.hash().c_str());
    return;
  }
  std::printf("%s: %zu enclaves, %zu domains, %zu peerings, %zu ordered pairs of domains, %zu rules\n",
              tables.name.c_str(), tables.enclaves.size(), tables.domains.size(), tables.peerings.size(),
              tables.routes.size(), tables.rules.size());
}

void add_policy_compile(CLI::App& parent) {
  auto options = std::make_shared<Options>();
  auto* command = parent.add_subcommand("compile", "compile the policy to the bundle that the guard loads");
  command->add_option("file", options->file, "the policy file, or the folder that has it as policy.toml")->required();
  command->add_option("-o,--output", options->output, "the bundle")->required();
  command->add_flag("--json", options->json, "print the result as JSON");
  command->callback([options] {
    const auto compiled = compile_or_end(*options);
    if (!write_whole(options->output, compiled.bundle.octets()))
      end_command(2, options->output.string() + ": can't be written");
    print_result(*options, compiled);
    if (!options->json)
      std::printf("%s: %zu octets\nhash %s\n", options->output.c_str(), compiled.bundle.octets().size(),
                  compiled.bundle.hash().c_str());
  });
}

void add_policy_check(CLI::App& parent) {
  auto options = std::make_shared<Options>();
  auto* command = parent.add_subcommand("check", "tell every mistake in a policy, and what it does not look at");
  command->add_option("file", options->file, "the policy file, or the folder that has it as policy.toml")->required();
  command->add_flag("--json", options->json, "print the result as JSON");
  command->callback([options] { print_result(*options, compile_or_end(*options)); });
}

}  // namespace

std::string read_file_or_end(const std::filesystem::path& file) {
  std::string text;
  bool good = true;
  if (file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    std::error_code error;
    std::ifstream in(file, std::ios::binary);
    good = in && std::filesystem::is_regular_file(file, error);
    if (good) text.assign(std::istreambuf_iterator<char>(in), {});
    good = good && !in.bad();
  }
  if (good && text.size() <= policy::Bundle::kLargest) return text;
  std::fprintf(stderr, "%s: %s\n", file.c_str(), good ? "is too large" : "can't be read");
  throw CLI::RuntimeError(2);
}

bool write_whole(const std::filesystem::path& file, std::string_view octets) {
  std::filesystem::path unfinished = file;
  unfinished += ".new";
  std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
  out.write(octets.data(), static_cast<std::streamsize>(octets.size()));
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(unfinished, file, error);
  const bool written = out && !error;
  if (!written) std::filesystem::remove(unfinished, error);
  return written;
}

std::string json_list(const std::vector<inspect::Mistake>& mistakes) {
  std::string out = "[";
  for (const auto& mistake : mistakes) {
    if (out.size() > 1) out += ',';
    out += "{\"file\":" + json_string(mistake.file) + ",\"line\":" + std::to_string(mistake.line) +
           ",\"column\":" + std::to_string(mistake.column) + ",\"what\":" + json_string(mistake.what) +
           ",\"remedy\":" + json_string(mistake.remedy) + "}";
  }
  return out + "]";
}

CLI::App* add_policy(CLI::App& parent) {
  auto* policy = parent.add_subcommand("policy", "check, compile and try out the officer's policy");
  policy->require_subcommand(1);
  add_policy_check(*policy);
  add_policy_compile(*policy);
  add_policy_explain(*policy);
  add_policy_replay(*policy);
  add_policy_signing(*policy);
  add_policy_matrix(*policy);
  add_policy_prove(*policy);
  return policy;
}

}  // namespace sallyport::commands
