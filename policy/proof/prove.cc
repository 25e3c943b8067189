#include "policy/proof/prove.h"

#include <algorithm>
#include <utility>

#include "policy/proof/candidates.h"
#include "policy/proof/stanza.h"

namespace sallyport::policy::proof {
namespace {

/// Stanzas for a claim that the whole pipeline refuses; after so many it is left undecided.
constexpr std::size_t kMostRefused = 1000;

/// Labels of a stanza and of what stands inside it, as rules are asked about them.
using Labels = std::vector<const Candidate*>;

class Prover {
 public:
  Prover(const Claim& claim, const Bundle& bundle, const When& when)
      : claim_(claim),
        bundle_(bundle),
        rules_(*bundle.label_rules()),
        occasions_(bundle, claim, when),
        candidates_(bundle, claim) {}

  Proof run() {
    const std::string why = occasions_.each([&](const Occasion& each) {
      const std::size_t refused = refused_;
      look_at(each);
      if (is_done()) return Occasions::Next::Stop;
      return refused == refused_ ? Occasions::Next::Go : Occasions::Next::Look;
    });
    if (proof_.why.empty() && proof_.outcome == Outcome::Undecided) proof_.why = why;
    proof_.labels = candidates_.labels();
    if (!is_done()) conclude();
    return std::move(proof_);
  }

 private:
  bool is_done() const { return proof_.outcome != Outcome::Undecided || !proof_.why.empty(); }

  void conclude() {
    if (!unseen_.empty()) {
      proof_.why = unseen_;
      return;
    }
    if (!proof_.example) {
      proof_.outcome = claim_.some ? Outcome::Fails : Outcome::Holds;
      return;
    }
    proof_.why =
        "rules and labels let the stanza cross, but the guard that "
        "remembers nothing refuses it: " +
        std::string(code(proof_.example->reason));
  }

  void look_at(const Occasion& each) {
    const std::vector<Candidate>* written = written_.at(candidates_, each);
    if (!written) {
      proof_.why = "there are more labels than can be looked at (" + std::to_string(Lattice::kMostLabels) + ")";
      return;
    }
    const bool is_message = kind_of(each.type) == Kind::Message && each.type != StanzaType::MessageError;
    const auto own = candidates_.without_label(each.way, each.from, each.to, each.type, each.content, each.at.time);
    const auto with = [&](const Labels& labels) {
      if (!is_done()) judge(each, labels);
    };
    if (is_message) {
      for (const Candidate& label : *written) with({&label});
    } else if (each.content.stanza && own) {
      // The message inside has a label, what it stands in has not.
      for (const Candidate& label : *written) with({*own, &label});
    }
    if (!own) return;
    if (!each.content.stanza) return with({*own});
    const Content nothing{.carried = {}, .rules = each.content.rules};
    const auto inner =
        candidates_.without_label(each.way, each.from, each.to, StanzaType::MessageNormal, nothing, each.at.time);
    if (inner) with({*own, *inner});
  }

  void judge(const Occasion& each, const Labels& labels) {
    ++proof_.cases;
    const auto& rules = bundle_.tables().rules;
    for (const Candidate* label : labels) {
      if (rules.empty()) break;
      const auto first = each.first(label->rules);
      if (!first || !lets_cross(rules[*first].action)) return;
    }
    // It crosses.
    if (!claim_.qualities.empty() && each.way.is_off(bundle_, Stage::Label)) {
      if (unseen_.empty())
        unseen_ = (each.way.login ? "in the sessions of '" + each.way.grant->id + "' " : std::string()) +
                  "the stage 'label' is switched off: what crosses there has no "
                  "label that anybody looked at";
      return;
    }
    if (std::ranges::any_of(labels, &Candidate::is_met)) return show(each, labels);
    for (const Candidate* label : labels) note(*label, each.type);
  }

  /// What crosses and is not what the claim is about, though nobody could say that it is otherwise.
  void note(const Candidate& label, StanzaType each) {
    if (claim_.qualities.empty()) return;
    const auto add = [&](const std::string& text) {
      if (std::ranges::find(proof_.notes, text) == proof_.notes.end()) proof_.notes.push_back(text);
    };
    if (!label.judged) {
      const std::string_view type = name(each);
      return add(std::string(type.ends_with(":error") ? type : name(kind_of(each))) + " without label crosses there");
    }
    if (label.is_compared) return;
    add("labels of " + rules_.policy(label.judged->source.policy).spif().name +
        " cross there, and the claim names nothing of theirs");
  }

  void show(const Occasion& each, const Labels& labels) {
    const label::Label* label = nullptr;
    for (const Candidate* part : labels)
      if (part->label) label = &*part->label;
    const StanzaPlan plan{
        .way = each.way, .from = each.from, .to = each.to, .type = each.type, .content = &each.content, .label = label};
    const Answer answer = judged(bundle_, plan, each.at.time);
    if (!answer.crosses && ++refused_ == kMostRefused) conclude();
    if (!answer.crosses && proof_.example) return;
    proof_.example = {.stanza = written(bundle_, plan),
                      .rule = answer.rule,
                      .login = each.way.login ? each.way.grant->id : "",
                      .from_client = each.way.from_client,
                      .time = each.at.time,
                      .label = answer.label,
                      .reason = answer.reason};
    if (answer.crosses) proof_.outcome = claim_.some ? Outcome::Holds : Outcome::Fails;
  }

  const Claim& claim_;
  const Bundle& bundle_;
  const LabelRules& rules_;
  Occasions occasions_;
  Candidates candidates_;
  Written written_;
  std::size_t refused_ = 0;
  std::string unseen_;  // why nothing can be said about the labels of something
                        // that crosses
  Proof proof_;
};

}  // namespace

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::Holds:
      return "holds";
    case Outcome::Fails:
      return "fails";
    case Outcome::Undecided:
      return "undecided";
  }
  return {};
}

Proof prove(const Claim& claim, const Bundle& bundle, const When& when) {
  return Prover(claim, bundle, when).run();
}

}  // namespace sallyport::policy::proof
