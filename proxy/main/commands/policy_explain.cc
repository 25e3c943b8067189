// `sallyport policy explain`: what a policy makes of one stanza, without any server.
#include <array>
#include <cstdio>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"
#include "policy/bounce.h"
#include "policy/label_judge.h"
#include "policy/pipeline.h"
#include "proxy/main/commands/json.h"
#include "proxy/main/commands/policy.h"
#include "proxy/main/commands/policy_input.h"
#include "proxy/main/commands/xml_diff.h"

namespace sallyport::commands {

namespace {

struct Options {
  std::filesystem::path bundle, stanza, label;
  std::string from, to, time;
  Way way;
  std::vector<std::pair<std::string, std::string>> pairs;
  bool json = false;
};

/// The normal form of the one stanza in `xml`, as an edge would hand it on.
std::string read_or_end(const std::string& xml) {
  auto samples = read_stanzas(xml, "");
  if (!samples) end_command(1, samples.error());
  if (samples->size() != 1) end_command(1, "the file does not hold one message, presence or iq");
  return std::move(samples->front().normal_form);
}

/// Puts the label of a file into the stanza, in place of any that it has.
void set_label(inspect::Node& stanza, const std::filesystem::path& file, std::string& octets, inspect::Arena& arena) {
  const auto samples = read_stanzas("<message>" + read_file_or_end(file) + "</message>", file.string());
  if (!samples) end_command(1, samples.error());
  octets = samples->front().normal_form;
  const auto carrier = inspect::decode(octets, arena, inspect::ParserLimits{});
  const bool is_label =
      carrier && (*carrier)->first_child && (*carrier)->first_child->is(inspect::ns::kLabel, "securitylabel");
  if (!is_label) end_command(1, file.string() + ": there is no <securitylabel xmlns='urn:xmpp:sec-label:0'/>");
  inspect::TreeEditor editor(arena);
  while (const inspect::Node* old = stanza.child(inspect::ns::kLabel, "securitylabel"))
    editor.remove_child(stanza, *old);
  // Without what follows it in the file.
  editor.append(stanza, *editor.copy(*(*carrier)->first_child));
}

struct StageResult {
  std::string_view stage, state;
  std::vector<policy::Reason> reasons;
};

struct Explained {
  policy::Judgement judgement;
  const policy::Rule* rule = nullptr;
  std::string bundle_hash;
  std::vector<StageResult> stages;
  std::string leaves, where_to;
  std::vector<std::string> before, after;
};

/// What each stage had to say, from the reasons of the judgement.
std::vector<StageResult> stage_results(const policy::Judgement& judgement, const policy::Bundle& bundle) {
  std::vector<StageResult> results;
  bool ended = false;
  for (unsigned i = 0; i <= static_cast<unsigned>(policy::kLastStage); ++i) {
    const auto stage = static_cast<policy::Stage>(i);
    StageResult result{.stage = policy::name(stage), .state = "nothing to object", .reasons = {}};
    const auto is_its_own = [&](policy::Reason reason) { return policy::stage_name(reason) == result.stage; };
    if (is_its_own(judgement.reason)) result.reasons.push_back(judgement.reason);
    for (const policy::Reason finding : judgement.findings)
      if (is_its_own(finding)) result.reasons.push_back(finding);
    const bool decided = is_its_own(judgement.reason);
    if (bundle.is_off(stage)) {
      result.state = "switched off";
    } else if (ended) {
      result.state = "not asked";
    } else if (decided) {
      result.state = "decides";
    } else if (!result.reasons.empty()) {
      result.state = "finds";
    }
    // An objection of these two ends the run; both are asked before it ends.
    ended = ended || (stage == policy::Stage::Addressing &&
                      (decided || (!results.empty() && results.front().state == "decides")));
    results.push_back(std::move(result));
  }
  return results;
}

/// The label before and after, as in the audit record.
std::array<std::pair<const char*, std::string_view>, 4> label_parts(const policy::JudgedLabel& label) {
  return {{{"label", label.text_in},
           {"marking", label.marking_in},
           {"becomes", label.text_out},
           {"marked", label.marking}}};
}

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
  if (const policy::JudgedLabel* label = judgement.label.get()) {
    for (const auto& [key, value] : label_parts(*label))
      if (!value.empty()) line(key, value);
  }
  if (!judgement.label_detail.empty()) line("because", judgement.label_detail);
  line("rule", judgement.rule.empty() ? "none" : judgement.rule);
  if (explained.rule) line("", explained.rule->text);
  for (const StageResult& result : explained.stages) {
    std::string text = std::string(result.stage) + ": " + std::string(result.state);
    for (const policy::Reason reason : result.reasons) text += " " + std::string(policy::code(reason));
    line("stage", text);
  }
  line("bundle", explained.bundle_hash);
  if (explained.leaves.empty()) return;
  line("leaves", explained.where_to);
  std::printf("%s\n", explained.leaves.c_str());
  if (explained.after.empty() || explained.before == explained.after) return;
  std::printf("changes\n");
  for (const std::string& each : diff(explained.before, explained.after)) std::printf("%s\n", each.c_str());
}

template <class Range, class Text>
std::string json_array(const Range& range, Text text) {
  std::string out = "[";
  for (const auto& each : range) out += (out.size() > 1 ? "," : "") + text(each);
  return out + "]";
}

void print_json(const Explained& explained) {
  const policy::Judgement& judgement = explained.judgement;
  const auto code = [](policy::Reason reason) { return json_string(policy::code(reason)); };
  const auto quoted = [](const std::string& text) { return json_string(text); };
  const std::string stages = json_array(explained.stages, [&](const StageResult& result) {
    return "{\"stage\":" + json_string(result.stage) + ",\"state\":" + json_string(result.state) +
           ",\"reasons\":" + json_array(result.reasons, code) + "}";
  });
  const bool changed = !explained.after.empty() && explained.before != explained.after;
  const auto changes = changed ? diff(explained.before, explained.after) : std::vector<std::string>();
  std::string label = "null";
  if (const policy::JudgedLabel* found = judgement.label.get())
    label = "{\"in\":" + json_string(found->text_in) + ",\"marking_in\":" + json_string(found->marking_in) +
            ",\"out\":" + json_string(found->text_out) + ",\"marking_out\":" + json_string(found->marking) +
            ",\"detail\":" + json_string(judgement.label_detail) + "}";
  std::string out = "{\"verdict\":" + json_string(policy::name(judgement.verdict)) +
                    ",\"reason\":" + code(judgement.reason) + ",\"findings\":" + json_array(judgement.findings, code) +
                    ",\"rule\":" + json_string(judgement.rule) +
                    ",\"text\":" + json_string(explained.rule ? explained.rule->text : "") + ",\"stages\":" + stages +
                    ",\"label\":" + label + ",\"bundle\":" + json_string(explained.bundle_hash) +
                    ",\"leaves\":" + json_string(explained.leaves) + ",\"to\":" + json_string(explained.where_to) +
                    ",\"changes\":" + json_array(changes, quoted) + "}";
  std::printf("%s\n", out.c_str());
}

/// What would be written, and on which side.
void add_what_leaves(Explained& explained, const inspect::Node& stanza, inspect::Arena& arena) {
  const policy::Judgement& judgement = explained.judgement;
  const auto back = [&](const inspect::Node& injection, const char* where_to) {
    explained.where_to = where_to;
    inspect::serialize(injection, inspect::ns::kServer, explained.leaves);
  };
  switch (judgement.verdict) {
    case policy::Verdict::Release:
    case policy::Verdict::Alter:
      explained.where_to = "to the addressee";
      explained.after = lines_of(stanza);
      return inspect::serialize(stanza, inspect::ns::kServer, explained.leaves);
    case policy::Verdict::Bounce:
      return back(*policy::make_bounce(judgement.facts, judgement.fault, arena), "back to the sender");
    case policy::Verdict::Answer:
      return back(*judgement.answer, "back to the sender, in the addressee's name");
    case policy::Verdict::Sever:
      explained.where_to = "back to the sender's server, as stream error";
      explained.leaves = inspect::name(judgement.sever);
      return;
    case policy::Verdict::Drop:
      return;
  }
}

const policy::Rule* rule_of(const policy::Bundle& bundle, std::string_view id) {
  for (const policy::Rule& rule : bundle.tables().rules)
    if (rule.id == id) return &rule;
  return nullptr;
}

void run(Options options) {
  const policy::Bundle bundle = load_policy_or_end(options.bundle);
  std::string octets = read_or_end(read_file_or_end(options.stanza));
  const policy::Memory memory;
  policy::Scratch scratch(memory);
  const auto stanza = inspect::decode(octets, scratch.arena, inspect::ParserLimits{});
  if (!stanza) end_command(1, "the stanza can't be decoded: " + stanza.error().what);
  inspect::TreeEditor editor(scratch.arena);
  if (!options.from.empty()) editor.set_attribute(**stanza, "from", options.from);
  if (!options.to.empty()) editor.set_attribute(**stanza, "to", options.to);
  std::string label_octets;
  if (!options.label.empty()) set_label(**stanza, options.label, label_octets, scratch.arena);

  policy::Moment moment{.wall = now(), .steady = {}};
  if (!options.time.empty()) {
    const auto time = read_time(options.time);
    if (!time) end_command(2, "'" + options.time + "' is no time; write it like 2026-03-01T08:00");
    moment.wall = *time;
  }
  for (auto& [from, to] : options.pairs) options.way.granted.push_back({from, to});
  const Way way = options.way.completed(bundle, **stanza);
  Explained explained;
  explained.bundle_hash = bundle.hash();
  explained.before = lines_of(**stanza);
  explained.judgement = policy::judge(**stanza, octets.size(), way.crossing(), moment, bundle, scratch);
  explained.rule = rule_of(bundle, explained.judgement.rule);
  explained.stages = stage_results(explained.judgement, bundle);
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
  command->add_option("--bundle", options->bundle, "the bundle, or a policy file or folder")->required();
  command->add_option("stanza", options->stanza, "file with one stanza in jabber:server; - for standard input")
      ->required();
  command->add_option("--from", options->from, "judge it as if it came from this address");
  command->add_option("--to", options->to, "judge it as if it went to this address");
  command->add_option("--label", options->label, "file with a label of XEP-0258 to put in its place");
  command->add_option("--time", options->time, "judge it at this time, UTC (else: now)");
  command->add_option("--from-enclave,--enclave", options->way.from_enclave,
                      "where it comes from (else: the owner of its from)");
  command->add_option("--to-enclave", options->way.to_enclave, "where it goes (else: the owner of its to)");
  command->add_option("--pair", options->pairs, "FROM TO, domains granted to the stream (else: those of the stanza)");
  command->add_option("--lang", options->way.lang, "xml:lang of the stream's header");
  command->add_flag("--json", options->json, "print the result as JSON");
  command->callback([options] { run(*options); });
  return command;
}

}  // namespace sallyport::commands
