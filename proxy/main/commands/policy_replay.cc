// `sallyport policy replay`: what a new policy lets cross that the old one does not, and the other way round.
#include <cstdio>
#include <map>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"
#include "policy/pipeline.h"
#include "policy/presence/roster.h"
#include "proxy/main/commands/json.h"
#include "proxy/main/commands/policy.h"
#include "proxy/main/commands/policy_input.h"
#include "proxy/main/commands/session_input.h"

namespace sallyport::commands {

namespace {

constexpr int kNewlyCrosses = 3;

struct Options {
  std::filesystem::path old_policy, new_policy;
  std::vector<std::filesystem::path> inputs;
  std::string time;
  std::size_t list = 20;
  bool json = false;
};

/// What one policy came to.
struct Outcome {
  bool crosses = false;
  std::string reason, rule;
  std::string leaves;  ///< what crosses
  std::string from, to, kind;
};

/// One policy with a memory of its own, as a lane has one: what it lets cross changes what it lets cross later.
class Judge {
 public:
  explicit Judge(const std::filesystem::path& path)
      : bundle_(load_policy_or_end(path)), memory_(std::make_unique<policy::Memory>()), scratch_(*memory_) {}

  Outcome operator()(const Sample& sample, const policy::Moment& moment) {
    scratch_.arena.clear();
    const auto stanza = inspect::decode(sample.normal_form, scratch_.arena, inspect::ParserLimits{});
    if (!stanza) end_command(2, sample.where + ": " + stanza.error().what);
    const SessionAsked session = session_of(sample.record, bundle_);
    if (session.any()) return in_session(sample, **stanza, session, moment);
    const Recorded& record = sample.record;
    const Way told{.from_enclave = record.from_enclave, .to_enclave = record.to_enclave, .lang = {}, .granted = {}};
    const Way way = told.completed(bundle_, **stanza);
    return judge(sample, **stanza, way.crossing(), moment, memory_->ledger);
  }

  const policy::Bundle& bundle() const { return bundle_; }

 private:
  /// What a session's presence depends on.
  struct Session {
    policy::presence::Ledger ledger;
    bool knows_roster = false;
  };

  Outcome in_session(const Sample& sample, inspect::Node& stanza, const SessionAsked& asked,
                     const policy::Moment& moment) {
    Session& session = sessions_[sample.record.crossing];
    const policy::ClientSession client{asked.jid, asked.from_client, &session.ledger, session.knows_roster};
    return judge(sample, stanza, crossing_of(client, asked.client_enclave, bundle_), moment, session.ledger);
  }

  Outcome judge(const Sample& sample, inspect::Node& stanza, const policy::Crossing& crossing,
                const policy::Moment& moment, policy::presence::Ledger& ledger) {
    const std::string id = id_as_it_came(sample.record);
    inspect::TreeEditor editor(scratch_.arena);
    if (!id.empty()) editor.set_attribute(stanza, "id", id);
    const policy::Judgement judgement =
        policy::judge(stanza, sample.normal_form.size(), crossing, moment, bundle_, scratch_);
    Outcome outcome;
    outcome.crosses = policy::lets_leave(judgement.verdict);
    outcome.reason = policy::code(judgement.reason);
    outcome.rule = judgement.rule;
    outcome.from = judgement.facts.from.empty() ? judgement.facts.from_text : judgement.facts.from.full;
    outcome.to = judgement.facts.to.empty() ? judgement.facts.to_text : judgement.facts.to.full;
    if (judgement.facts.kind) outcome.kind = policy::name(*judgement.facts.kind);
    if (outcome.crosses) outcome.leaves = leaves(sample.record, stanza, judgement, crossing.client != nullptr);
    const policy::Changes& changes = outcome.crosses ? judgement.intents.release : judgement.intents.refusal;
    memory_->commit(changes, moment, ledger);
    if (crossing.client == nullptr) return outcome;
    policy::presence::follow(ledger, changes.presence.roster, outcome.crosses, moment);
    if (outcome.crosses && changes.presence.roster.whole()) sessions_[sample.record.crossing].knows_roster = true;
    return outcome;
  }

  /// The id of an answer is what the guard gave its request; here it gives another one.
  std::string id_as_it_came(const Recorded& record) {
    const auto given = ids_.extract(record.id);
    return given.empty() ? record.id : given.mapped();
  }

  /// Ids of requests are drawn by chance: those that left are remembered, and told as they came.
  std::string leaves(const Recorded& record, inspect::Node& stanza, const policy::Judgement& judgement,
                     bool in_session) {
    const policy::StanzaFacts& facts = judgement.facts;
    const auto* id = stanza.attribute("id");
    if (facts.kind == policy::Kind::Iq && id != nullptr && (facts.type == "get" || facts.type == "set")) {
      if (!record.id_out.empty()) ids_[record.id_out] = *id;
      inspect::TreeEditor(scratch_.arena).set_attribute(stanza, "id", facts.id);
    }
    std::string xml;
    inspect::serialize(stanza, in_session ? inspect::ns::kClient : inspect::ns::kServer, xml);
    return xml;
  }

  policy::Bundle bundle_;
  std::map<std::uint64_t, Session> sessions_;  ///< by crossing
  std::map<std::string, std::string> ids_;     ///< of requests that left, on record -> here
  std::unique_ptr<policy::Memory> memory_;
  policy::Scratch scratch_;
};

/// One stanza about which the policies differ.
struct Difference {
  std::string where;
  Outcome before, after;
};

struct Result {
  std::size_t stanzas = 0, both = 0, neither = 0, crosses = 0, refused = 0, otherwise = 0, without_content = 0;
  std::vector<Difference> newly_crosses, newly_refused, crosses_otherwise;  ///< the first of each
};

/// On a terminal only, on standard error, so that what is printed stays what it is.
class Progress {
 public:
  explicit Progress(bool wanted) : shown_(wanted && ::isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (last_ >= 0) std::fprintf(stderr, "\r%*s\r", kWidth + 16, "");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void at(double part) {
    const int percent = static_cast<int>(part * 100);
    if (!shown_ || percent == last_) return;
    last_ = percent;
    const int filled = percent * kWidth / 100;
    std::fprintf(stderr, "\r[%s%s] %3d %%", std::string(static_cast<std::size_t>(filled), '#').c_str(),
                 std::string(static_cast<std::size_t>(kWidth - filled), '.').c_str(), percent);
  }

 private:
  static constexpr int kWidth = 40;
  bool shown_;
  int last_ = -1;
};

void count(const Sample& sample, Outcome before, Outcome after, std::size_t most, Result& result) {
  ++result.stanzas;
  const auto keep = [&](std::vector<Difference>& list) {
    if (list.size() < most) list.push_back({sample.where, std::move(before), std::move(after)});
  };
  if (before.crosses != after.crosses) {
    ++(after.crosses ? result.crosses : result.refused);
    return keep(after.crosses ? result.newly_crosses : result.newly_refused);
  }
  if (!after.crosses) {
    ++result.neither;
    return;
  }
  ++result.both;
  if (before.leaves == after.leaves) return;
  ++result.otherwise;
  keep(result.crosses_otherwise);
}

std::string cause(const Outcome& outcome) {
  return outcome.reason + (outcome.rule.empty() ? "" : " (" + outcome.rule + ")");
}

void print_list(const char* title, std::size_t all, const std::vector<Difference>& list) {
  if (all == 0) return;
  std::printf("%s: %zu\n", title, all);
  for (const Difference& each : list)
    std::printf("  %s  %s from %s to %s: %s -> %s\n", each.where.c_str(), each.after.kind.c_str(),
                each.after.from.c_str(), each.after.to.c_str(), cause(each.before).c_str(), cause(each.after).c_str());
  if (list.size() < all) std::printf("  and %zu more\n", all - list.size());
}

void print_plain(const Result& result) {
  std::printf("%zu stanzas: %zu cross under both, %zu under neither\n", result.stanzas, result.both, result.neither);
  if (result.without_content > 0)
    std::printf("%zu records have no content and were left out\n", result.without_content);
  print_list("newly crosses", result.crosses, result.newly_crosses);
  print_list("newly refused", result.refused, result.newly_refused);
  print_list("crosses with other content", result.otherwise, result.crosses_otherwise);
  if (result.crosses + result.refused + result.otherwise == 0) std::printf("no difference\n");
}

std::string json_of(const Outcome& outcome) {
  return "{\"reason\":" + json_string(outcome.reason) + ",\"rule\":" + json_string(outcome.rule) +
         ",\"leaves\":" + json_string(outcome.leaves) + "}";
}

std::string json_of(const std::vector<Difference>& list) {
  std::string out = "[";
  for (const Difference& each : list)
    out += (out.size() > 1 ? ",{\"where\":" : "{\"where\":") + json_string(each.where) +
           ",\"kind\":" + json_string(each.after.kind) + ",\"from\":" + json_string(each.after.from) +
           ",\"to\":" + json_string(each.after.to) + ",\"old\":" + json_of(each.before) +
           ",\"new\":" + json_of(each.after) + "}";
  return out + "]";
}

void print_json(const Result& result, const Judge& before, const Judge& after) {
  const auto number = [](const char* key, std::size_t value) {
    return ",\"" + std::string(key) + "\":" + std::to_string(value);
  };
  const std::string out =
      "{\"old\":" + json_string(before.bundle().hash()) + ",\"new\":" + json_string(after.bundle().hash()) +
      number("stanzas", result.stanzas) + number("both", result.both) + number("neither", result.neither) +
      number("crosses", result.crosses) + number("refused", result.refused) + number("otherwise", result.otherwise) +
      number("without_content", result.without_content) + ",\"newly_crosses\":" + json_of(result.newly_crosses) +
      ",\"newly_refused\":" + json_of(result.newly_refused) +
      ",\"crosses_otherwise\":" + json_of(result.crosses_otherwise) + "}";
  std::printf("%s\n", out.c_str());
}

void run(const Options& options) {
  Judge before(options.old_policy), after(options.new_policy);
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> time;
  if (!options.time.empty()) {
    time = read_time(options.time);
    if (!time) end_command(2, "'" + options.time + "' is no time; write it like 2026-03-01T08:00");
  }
  const auto started = now();
  Result result;
  {
    Progress progress(!options.json);
    result.without_content = each_sample(options.inputs, [&](const Sample& sample, double part) {
      progress.at(part);
      const auto wall = time.value_or(sample.record.wall.value_or(started));
      const policy::Moment moment{.wall = wall, .steady = wall.time_since_epoch()};
      count(sample, before(sample, moment), after(sample, moment), options.list, result);
    });
  }
  if (options.json) {
    print_json(result, before, after);
  } else {
    print_plain(result);
  }
  if (result.crosses > 0) throw CLI::RuntimeError(kNewlyCrosses);
}

}  // namespace

CLI::App* add_policy_replay(CLI::App& policy) {
  auto options = std::make_shared<Options>();
  auto* command =
      policy.add_subcommand("replay", "tell what a new policy makes otherwise; status 3 if anything newly crosses");
  command->add_option("--old", options->old_policy, "the bundle, policy file or folder in force")->required();
  command->add_option("--new", options->new_policy, "the one that is to come")->required();
  command
      ->add_option(
          "inputs", options->inputs,
          "stanzas in jabber:server (*.xml, one or many in a file), folders of them, audit records with content")
      ->required();
  command->add_option("--time", options->time, "judge all of it at this time, UTC (else: a record's own, or now)");
  command->add_option("--list", options->list, "how many of each kind are listed (20)");
  command->add_flag("--json", options->json, "print the result as JSON");
  command->callback([options] { run(*options); });
  return command;
}

}  // namespace sallyport::commands
