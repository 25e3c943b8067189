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
#include "proxy/main/commands/session_input.h"
#include "proxy/main/commands/xml_diff.h"

namespace sallyport::commands {

namespace {

struct Options {
  std::filesystem::path bundle, stanza, label, roster;
  std::string from, to, time;
  Way way;
  SessionAsked session;
  std::vector<std::pair<std::string, std::string>> pairs;
  bool json = false;
};

/// The normal form of the one stanza in `xml`, as an edge would hand it on.
std::string read_or_end(const std::string& xml, StreamOf stream) {
  auto samples = read_stanzas(xml, "", stream);
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
  const policy::Crossing* crossing = nullptr;
  std::string bundle_hash;
  std::vector<StageResult> stages;
  std::string leaves, where_to;
  std::vector<std::string> before, after;
};

/// What each stage had to say, from the reasons of the judgement.
std::vector<StageResult> stage_results(const policy::Judgement& judgement, const policy::Bundle& bundle,
                                       const policy::Login* login) {
  const unsigned off = bundle.settings().stages_off | (login != nullptr ? login->stages_off : 0U);
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
    if ((off >> i & 1U) != 0) {
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

std::string_view way_of(const policy::ClientSession& session) {
  return session.from_client ? "to the server" : "to the client";
}

std::string session_text(const policy::Crossing& crossing) {
  return std::string(crossing.client->full) + " (" + crossing.login->rule.id + "), " +
         std::string(way_of(*crossing.client));
}

std::string session_json(const policy::Crossing& crossing) {
  const policy::ClientSession* session = crossing.client;
  if (session == nullptr) return "null";
  const std::string_view enclave = session->from_client ? crossing.from_enclave : crossing.to_enclave;
  return "{\"jid\":" + json_string(session->full) + ",\"login\":" + json_string(crossing.login->rule.id) +
         ",\"client_enclave\":" + json_string(enclave) +
         ",\"towards\":" + json_string(session->from_client ? "server" : "client") + "}";
}

void print_plain(const Explained& explained) {
  const policy::Judgement& judgement = explained.judgement;
  const auto line = [](const char* key, std::string_view value) {
    std::printf("%-9s %.*s\n", key, static_cast<int>(value.size()), value.data());
  };
  if (explained.crossing->client != nullptr) line("session", session_text(*explained.crossing));
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
  std::string out =
      "{\"verdict\":" + json_string(policy::name(judgement.verdict)) + ",\"reason\":" + code(judgement.reason) +
      ",\"findings\":" + json_array(judgement.findings, code) + ",\"rule\":" + json_string(judgement.rule) +
      ",\"text\":" + json_string(explained.rule ? explained.rule->text : "") + ",\"stages\":" + stages +
      ",\"label\":" + label + ",\"bundle\":" + json_string(explained.bundle_hash) +
      ",\"leaves\":" + json_string(explained.leaves) + ",\"to\":" + json_string(explained.where_to) +
      ",\"changes\":" + json_array(changes, quoted) + ",\"session\":" + session_json(*explained.crossing) + "}";
  std::printf("%s\n", out.c_str());
}

/// What would be written, and on which side.
void add_what_leaves(Explained& explained, const inspect::Node& stanza, inspect::Arena& arena) {
  const policy::Judgement& judgement = explained.judgement;
  const policy::ClientSession* session = explained.crossing->client;
  const std::string_view content = session != nullptr ? inspect::ns::kClient : inspect::ns::kServer;
  const std::string sender = session == nullptr ? "sender" : session->from_client ? "client" : "server";
  const auto back = [&](const inspect::Node& injection, const char* how) {
    explained.where_to = "back to the " + sender + how;
    inspect::serialize(injection, content, explained.leaves);
  };
  switch (judgement.verdict) {
    case policy::Verdict::Release:
    case policy::Verdict::Alter:
      explained.where_to = session == nullptr ? "to the addressee" : way_of(*session);
      explained.after = lines_of(stanza);
      return inspect::serialize(stanza, content, explained.leaves);
    case policy::Verdict::Bounce:
      return back(*policy::make_bounce(judgement.facts, judgement.fault, arena), "");
    case policy::Verdict::Answer:
      return back(*judgement.answer, ", in the addressee's name");
    case policy::Verdict::Sever:
      explained.where_to = "back to the " + (session == nullptr ? sender + "'s server" : sender) + ", as stream error";
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
  const bool in_session = options.session.any();
  if (in_session) options.session = session_or_end(std::move(options.session), bundle);
  std::string octets = read_or_end(read_file_or_end(options.stanza), in_session ? StreamOf::Client : StreamOf::Servers);
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
  policy::presence::Ledger ledger;
  const policy::Address own = policy::Address::of_prepared(options.session.jid);
  if (!options.roster.empty()) open_roster_or_end(options.roster, own.bare(), moment, ledger);
  const policy::ClientSession client{own.full, options.session.from_client, &ledger, !options.roster.empty()};
  policy::Crossing crossing = in_session ? crossing_of(client, options.session.client_enclave, bundle) : way.crossing();
  crossing.lang = options.way.lang;
  Explained explained;
  explained.crossing = &crossing;
  explained.bundle_hash = bundle.hash();
  explained.before = lines_of(**stanza);
  explained.judgement = policy::judge(**stanza, octets.size(), crossing, moment, bundle, scratch);
  // The guard tells nobody where nobody is owed an answer.
  if (explained.judgement.verdict == policy::Verdict::Bounce &&
      !policy::is_owed_answer(explained.judgement.facts, crossing.client))
    explained.judgement.verdict = policy::Verdict::Drop;
  explained.rule = rule_of(bundle, explained.judgement.rule);
  explained.stages = stage_results(explained.judgement, bundle, crossing.login);
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
  command
      ->add_option("stanza", options->stanza,
                   "file with one stanza in jabber:server, or of a session in jabber:client; - for standard input")
      ->required();
  command->add_option("--from", options->from, "judge it as if it came from this address");
  command->add_option("--to", options->to, "judge it as if it went to this address");
  command->add_option("--label", options->label, "file with a label of XEP-0258 to put in its place");
  command->add_option("--time", options->time, "judge it at this time, UTC (else: now)");
  auto* from_enclave = command->add_option("--from-enclave,--enclave", options->way.from_enclave,
                                           "where it comes from (else: the owner of its from)");
  auto* to_enclave =
      command->add_option("--to-enclave", options->way.to_enclave, "where it goes (else: the owner of its to)");
  auto* pair = command->add_option("--pair", options->pairs,
                                   "FROM TO, domains granted to the stream (else: those of the stanza)");
  command->add_option("--session", options->session.jid, "judge it in the client's session with this full JID")
      ->excludes(from_enclave)
      ->excludes(to_enclave)
      ->excludes(pair);
  command->add_option("--client-enclave", options->session.client_enclave,
                      "where that client is (else: the one enclave whose clients may log in there)");
  command->add_flag("--from-client", options->session.from_client, "in the session: the client's own stanza");
  command->add_flag("--from-server", options->session.from_server, "in the session: what its server sends it");
  command->add_option("--lang", options->way.lang, "xml:lang of the stream's header");
  command
      ->add_option(
          "--roster", options->roster,
          "file with the contact list that the session has seen, <query xmlns='jabber:iq:roster'/> (else: none)")
      ->needs("--session");
  command->add_flag("--json", options->json, "print the result as JSON");
  command->callback([options] { run(*options); });
  return command;
}

}  // namespace sallyport::commands
