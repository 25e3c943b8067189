#include "policy/pipeline.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "policy/bounce.h"
#include "policy/rules.h"
#include "policy/stage.h"

namespace sallyport::policy {
namespace {

using StageFunction = Objection (*)(Run& run);

/// Stage 5, presence: who may see whom, and which answers and errors may come back.
Objection presence_and_answers(Run& run) {
  const Objection of_gate = presence_stage(run);
  const Objection of_answers = run.kind == Kind::Iq ? requests(run) : errors_and_parts(run);
  if (!of_gate) return of_answers;
  if (of_answers) run.findings.add(*of_answers);
  return of_gate;
}

/// Every stage, in order.
constexpr std::array<StageFunction, static_cast<std::size_t>(kLastStage) + 1> kStages = {
    shape, addressing, payload, label_stage, presence_and_answers, content, rate,
};

bool is_off(const Run& run, Stage stage) {
  const Login* login = run.crossing.login;
  return run.bundle.is_off(stage) || (login && ((login->stages_off >> static_cast<unsigned>(stage)) & 1U));
}

bool severs(Reason reason) {
  return row(reason).verdict == Verdict::Sever;
}

/// Shape and addressing together, because an error for a fault of shape must not go to an address that nobody proved
/// (protocol.md 5.1: addresses before children).
Objection stanza_and_addresses(Run& run) {
  const Objection of_shape = shape(run);
  if (of_shape && severs(*of_shape)) return of_shape;
  const Objection of_addresses = run.crossing.client ? client_addressing(run) : addressing(run);
  if (!of_shape) return of_addresses;
  if (!of_addresses) return of_shape;
  const bool addresses_decide = severs(*of_addresses);
  run.findings.add(addresses_decide ? *of_shape : *of_addresses);
  return addresses_decide ? of_addresses : of_shape;
}

/// The later stages all run, for the record; the first that objects decides. `others` is how many more object.
Objection later_stages(Run& run, int& others) {
  Objection deciding;
  for (auto stage = static_cast<std::size_t>(Stage::Payload); stage < kStages.size(); ++stage) {
    if (is_off(run, static_cast<Stage>(stage))) continue;
    const Objection objection = kStages[stage](run);
    if (!objection) continue;
    if (!deciding) {
      deciding = objection;
      continue;
    }
    ++others;
    if (*deciding != *objection) run.findings.add(*objection);
  }
  return deciding;
}

/// The verdict that a reason comes to for this stanza. `told` is what the sender of a message hears.
void refuse(Judgement& judgement, Reason reason, MessageRefusal told) {
  judgement.reason = reason;
  const ReasonRow& why = row(reason);
  if (why.verdict == Verdict::Sever) {
    judgement.verdict = Verdict::Sever;
    judgement.sever = why.wire.stream;
  } else if (why.verdict == Verdict::Answer && judgement.answer != nullptr) {
    judgement.verdict = Verdict::Answer;
  } else if (const auto error = fault(judgement.facts, reason, told)) {
    judgement.verdict = Verdict::Bounce;
    judgement.fault = *error;
  } else {
    judgement.verdict = Verdict::Drop;
  }
}

MessageRefusal told_by(const Peering* peering) {
  return peering ? peering->refusal : MessageRefusal::PolicyViolation;
}

void release(Run& run, Judgement& judgement) {
  if (const auto objection = hide_sender(run)) return refuse(judgement, *objection, told_by(run.peering));
  judgement.facts.from_out = run.facts.from_out;
  judgement.reason = Reason::PolicyGranted;
  bool altered = false;
  for (const Reason finding : run.findings) altered = altered || row(finding).verdict == Verdict::Alter;
  judgement.verdict = altered ? Verdict::Alter : Verdict::Release;
}

void answer(Run& run, const Rule& rule, Judgement& judgement) {
  judgement.reason = Reason::RuleAnswered;
  judgement.verdict = Verdict::Answer;
  judgement.answer = rule.answer == AnswerWith::EmptyResult ? make_result(run.facts, run.scratch.arena)
                                                            : make_bounce(run.facts, {}, run.scratch.arena);
}

/// What a rule that lets nothing cross makes of the stanza, or the lack of any rule.
void hold_back(Run& run, const Rule* rule, Judgement& judgement) {
  judgement.rule = rule ? std::string_view(rule->id) : std::string_view();
  if (!rule) return refuse(judgement, Reason::PolicyNoRule, told_by(run.peering));
  switch (rule->action) {
    case Action::Release:
    case Action::Alter:
      return;
    case Action::Answer:
      return answer(run, *rule, judgement);
    case Action::Bounce:
      return refuse(judgement, Reason::RuleRefused, rule->condition.value_or(told_by(run.peering)));
    case Action::Drop:
      return refuse(judgement, Reason::RuleDropped, MessageRefusal::Silence);
    case Action::Sever:
      return refuse(judgement, Reason::RuleSevered, MessageRefusal::Silence);
  }
}

/// What the officer's rules make of a stanza to which no stage objects. They are asked once for each label in it, and
/// every answer has to let it cross: one label must not open the way for another.
void apply_rules(Run& run, Judgement& judgement) {
  std::vector<const Rule*>& rules = run.scratch.rules;
  rules.clear();
  for (const LabelSeen& label : labels_seen(run)) {
    const Rule* rule = first_match(run, label);
    if (!rule || !lets_cross(rule->action)) return hold_back(run, rule, judgement);
    if (std::ranges::find(rules, rule) == rules.end()) rules.push_back(rule);
  }
  judgement.rule = rules.front()->id;
  for (const Rule* rule : rules) {
    if (rule->action != Action::Alter) continue;
    const auto edited = edit(run, *rule);
    if (!edited) return refuse(judgement, edited.error(), told_by(run.peering));
    if (*edited) run.findings.add(Reason::RuleAltered);
  }
  release(run, judgement);
}

/// The verdict on a stanza to which no stage objects.
void grant(Run& run, Judgement& judgement) {
  if (run.bundle.rule_index().empty()) {
    release(run, judgement);
  } else {
    apply_rules(run, judgement);
  }
}

/// What is kept leaves later as it is now, so that the rules have to let it cross now.
bool may_leave_later(Run& run, Judgement& judgement) {
  Judgement later;
  later.facts = run.facts;
  grant(run, later);
  judgement.facts.from_out = run.facts.from_out;
  return lets_leave(later.verdict);
}

}  // namespace

Judgement judge(inspect::Node& stanza, std::size_t octets, const Crossing& crossing, const Moment& now,
                const Bundle& bundle, Scratch& scratch) {
  Run run{.stanza = stanza, .octets = octets, .crossing = crossing, .now = now, .bundle = bundle, .scratch = scratch};
  Objection objection = stanza_and_addresses(run);
  int others = 0;
  if (!objection) objection = later_stages(run, others);

  Judgement judgement;
  judgement.facts = run.facts;
  judgement.facts.from_out = {};  // until it leaves
  judgement.intents = run.intents;
  judgement.answer = run.answer;
  judgement.if_refused = run.if_refused;
  judgement.negative_since = run.negative_since;
  if (run.peering) judgement.rule = run.peering->id;
  if (objection == Reason::ContentRefused) judgement.rule = run.content_rule;
  if (objection) {
    refuse(judgement, *objection, told_by(run.peering));
  } else if (run.peering) {
    grant(run, judgement);
  }
  if (bool& keeps = judgement.intents.refusal.presence.keeps_stanza; keeps && objection)
    keeps = others == 0 && may_leave_later(run, judgement);
  judgement.findings = run.findings;
  judgement.label = std::move(run.label);
  judgement.label_detail = std::move(run.label_detail);
  return judgement;
}

}  // namespace sallyport::policy
