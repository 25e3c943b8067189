// `sallyport policy explain`: what a policy makes of one stanza, without any server.
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"
#include "inspect/stream_parser.h"
#include "policy/bounce.h"
#include "policy/pipeline.h"
#include "policy/source/source.h"
#include "proxy/main/commands/commands.h"
#include "proxy/main/commands/json.h"
#include "proxy/main/commands/policy.h"

namespace sallyport::commands {

namespace {

struct Options {
  std::filesystem::path bundle, stanza;
  std::string from_enclave, to_enclave, lang;
  std::vector<std::pair<std::string, std::string>> pairs;
  bool json = false;
};

[[noreturn]] void end(int status, const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  throw CLI::RuntimeError(status);
}

/// A bundle, or a policy file that is compiled on the way.
policy::Bundle load_or_end(const std::filesystem::path& file) {
  const std::string octets = read_file_or_end(file);
  auto bundle = policy::Bundle::decode(octets);
  if (bundle) return std::move(*bundle);
  auto compiled = policy::source::compile(octets, file.string());
  if (compiled) return std::move(compiled->bundle);
  if (file.extension() != ".toml") end(1, file.string() + ": " + bundle.error().what);
  std::string all;
  for (const auto& mistake : compiled.error()) all += inspect::describe(mistake);
  end(1, all);
}

/// The normal form of the one stanza in `xml`, as an edge would hand it on.
std::string read_or_end(std::string xml) {
  while (!xml.empty() && std::string_view(" \t\r\n").find(xml.back()) != std::string_view::npos) xml.pop_back();
  inspect::StreamParser parser(inspect::ns::kServer, inspect::ParserLimits{});
  parser.feed("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>");
  if (const auto header = parser.next(); !header) end(1, "the stanza can't be read");
  parser.feed(xml);
  std::string normal_form;
  while (true) {
    const auto event = parser.next();
    if (!event)
      end(1, "an edge would end the stream with <" + std::string(inspect::name(event.error().condition)) +
                 "/>: " + event.error().why);
    const std::optional<inspect::StreamEvent>& found = *event;
    if (!found) break;
    const auto* stanza = std::get_if<inspect::StanzaRead>(&*found);
    if (!stanza || !normal_form.empty()) end(1, "the file does not hold one message, presence or iq");
    normal_form = stanza->normal_form;
  }
  if (normal_form.empty()) end(1, "the file does not hold one whole message, presence or iq in jabber:server");
  return normal_form;
}

std::string domain_of(const inspect::Node& stanza, std::string_view attribute) {
  const auto* written = stanza.attribute(attribute);
  if (!written) return "";
  std::string_view domain = written->substr(0, written->find('/'));
  if (const auto at = domain.find('@'); at != std::string_view::npos) domain.remove_prefix(at + 1);
  return inspect::Jid::prepare_domain(domain).value_or("");
}

/// What is not said on the command line is taken to be as the stanza claims: it comes from the enclave that owns its
/// from, on a leg that was granted its pair.
void complete(Options& options, const policy::Bundle& bundle, const inspect::Node& stanza) {
  const std::string from = domain_of(stanza, "from");
  const std::string to = domain_of(stanza, "to");
  const auto enclave = [&](const std::string& name) {
    const policy::Domain* domain = bundle.domain(name);
    return domain ? bundle.enclave_of(*domain).name : std::string();
  };
  if (options.from_enclave.empty()) options.from_enclave = enclave(from);
  if (options.to_enclave.empty()) options.to_enclave = enclave(to);
  if (options.pairs.empty()) options.pairs.emplace_back(from, to);
}

struct Explained {
  policy::Judgement judgement;
  std::string bundle_hash;
  std::string leaves, where_to;
};

void print_plain(const Explained& explained) {
  const policy::Judgement& judgement = explained.judgement;
  const auto line = [](const char* key, std::string_view value) {
    std::printf("%-9s %.*s\n", key, static_cast<int>(value.size()), value.data());
  };
  line("verdict", policy::name(judgement.verdict));
  line("reason", policy::code(judgement.reason));
  line("", policy::row(judgement.reason).text);
  for (const policy::Reason finding : judgement.findings) {
    line("finding", policy::code(finding));
    line("", policy::row(finding).text);
  }
  line("rule", judgement.rule.empty() ? "none" : judgement.rule);
  line("bundle", explained.bundle_hash);
  if (explained.leaves.empty()) return;
  line("leaves", explained.where_to);
  std::printf("%s\n", explained.leaves.c_str());
}

void print_json(const Explained& explained) {
  const policy::Judgement& judgement = explained.judgement;
  std::string findings;
  for (const policy::Reason finding : judgement.findings)
    findings += (findings.empty() ? "" : ",") + json_string(policy::code(finding));
  std::printf("{\"verdict\":%s,\"reason\":%s,\"findings\":[%s],\"rule\":%s,\"bundle\":%s,\"leaves\":%s,\"to\":%s}\n",
              json_string(policy::name(judgement.verdict)).c_str(), json_string(policy::code(judgement.reason)).c_str(),
              findings.c_str(), json_string(judgement.rule).c_str(), json_string(explained.bundle_hash).c_str(),
              json_string(explained.leaves).c_str(), json_string(explained.where_to).c_str());
}

/// What would be written, and on which side.
void add_what_leaves(Explained& explained, const inspect::Node& stanza, inspect::Arena& arena) {
  const policy::Judgement& judgement = explained.judgement;
  switch (judgement.verdict) {
    case policy::Verdict::Release:
    case policy::Verdict::Alter:
      explained.where_to = "to the addressee";
      return inspect::serialize(stanza, inspect::ns::kServer, explained.leaves);
    case policy::Verdict::Bounce:
      explained.where_to = "back to the sender";
      return inspect::serialize(*policy::make_bounce(judgement.facts, judgement.fault, arena), inspect::ns::kServer,
                                explained.leaves);
    case policy::Verdict::Sever:
      explained.where_to = "back to the sender's server, as stream error";
      explained.leaves = inspect::name(judgement.sever);
      return;
    case policy::Verdict::Answer:
    case policy::Verdict::Drop:
      return;
  }
}

void run(Options options) {
  const policy::Bundle bundle = load_or_end(options.bundle);
  const std::string octets = read_or_end(read_file_or_end(options.stanza));
  const policy::Memory memory;
  policy::Scratch scratch(memory);
  const auto stanza = inspect::decode(octets, scratch.arena, inspect::ParserLimits{});
  if (!stanza) end(1, "the stanza can't be decoded: " + stanza.error().what);
  complete(options, bundle, **stanza);

  std::vector<policy::Pair> granted;
  granted.reserve(options.pairs.size());
  for (auto& [from, to] : options.pairs) granted.push_back({from, to});
  const policy::Crossing crossing{
      .from_enclave = options.from_enclave, .to_enclave = options.to_enclave, .lang = options.lang, .granted = granted};
  const policy::Moment now{
      .wall = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()), .steady = {}};
  Explained explained{.judgement = policy::judge(**stanza, octets.size(), crossing, now, bundle, scratch),
                      .bundle_hash = bundle.hash(),
                      .leaves = {},
                      .where_to = {}};
  add_what_leaves(explained, **stanza, scratch.arena);
  if (options.json) {
    print_json(explained);
  } else {
    print_plain(explained);
  }
}

}  // namespace

CLI::App* add_policy_explain(CLI::App& policy) {
  auto options = std::make_shared<Options>();
  auto* command = policy.add_subcommand("explain", "say what a policy makes of one stanza, and why");
  command->add_option("--bundle", options->bundle, "the bundle, or a policy file")->required();
  command->add_option("stanza", options->stanza, "file with one stanza in jabber:server; - for standard input")
      ->required();
  command->add_option("--from-enclave", options->from_enclave, "where it comes from (else: the owner of its from)");
  command->add_option("--to-enclave", options->to_enclave, "where it goes (else: the owner of its to)");
  command->add_option("--pair", options->pairs, "FROM TO, domains granted to the stream (else: those of the stanza)");
  command->add_option("--lang", options->lang, "xml:lang of the stream's header");
  command->add_flag("--json", options->json, "print the result as JSON");
  command->callback([options] { run(*options); });
  return command;
}

}  // namespace sallyport::commands
