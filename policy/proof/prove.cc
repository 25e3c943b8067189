#include "policy/proof/prove.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "policy/label_match.h"
#include "policy/label_path.h"
#include "policy/proof/candidates.h"
#include "policy/proof/stanza.h"

namespace sallyport::policy::proof {
namespace {

/// Stanzas for a claim that the whole pipeline refuses; after so many it is left undecided.
constexpr std::size_t kMostRefused = 1000;

/// A sort of stanzas; its parts are the labels that rules are asked about.
struct Case {
  const Party& from;
  const Party& to;
  StanzaType type;
  const Instant& at;
  const Content& content;
  std::vector<const Candidate*> parts;
};

class Prover {
 public:
  Prover(const Claim& claim, const Bundle& bundle, const When& when)
      : claim_(claim), bundle_(bundle), rules_(*bundle.label_rules()), candidates_(bundle, claim) {
    if (when.only)
      times_ = {instant(bundle, when.time)};
    else
      times_ = instants(bundle, when.time);
  }

  Proof run() {
    if (bundle_.is_off(Stage::Label) && !claim_.qualities.empty()) {
      proof_.why = "the stage 'label' is switched off: what crosses there has no label that anybody looked at";
      return std::move(proof_);
    }
    for (const Route& route : bundle_.tables().routes)
      if (!is_done() && claim_.from.has(route.from) && claim_.to.has(route.to)) look_at(route);
    if (!bundle_.tables().logins.empty())
      proof_.notes.emplace_back("what crosses in clients' sessions is not looked at");
    proof_.labels = candidates_.labels();
    if (proof_.outcome == Outcome::Undecided && proof_.why.empty()) conclude();
    return std::move(proof_);
  }

 private:
  bool is_done() const { return proof_.outcome != Outcome::Undecided || !proof_.why.empty(); }

  void conclude() {
    if (!proof_.example) {
      proof_.outcome = claim_.some ? Outcome::Fails : Outcome::Holds;
      return;
    }
    proof_.why = "rules and labels let the stanza cross, but the guard that remembers nothing refuses it: " +
                 std::string(code(proof_.example->reason));
  }

  void look_at(const Route& route) {
    const Tables& tables = bundle_.tables();
    const LabelWay way{tables.domains[route.from].enclave, tables.domains[route.to].enclave, route.peering};
    const std::vector<Party> to = parties(bundle_, route.to, claim_.to);
    for (const Party& each : parties(bundle_, route.from, claim_.from))
      for (const Party& other : to)
        for (unsigned i = 0; i < kStanzaTypes && !is_done(); ++i) look_at(way, each, other, static_cast<StanzaType>(i));
  }

  void look_at(const LabelWay& way, const Party& from, const Party& to, StanzaType type) {
    const Peering& peering = bundle_.tables().peerings[way.peering];
    const Kind kind = kind_of(type);
    if (!peering.grants(kind) || (claim_.kind && *claim_.kind != kind)) return;
    const std::vector<Content>* filled = contents_of(way.peering, type);
    if (!filled) return;
    const RuleSet between = rules_between(bundle_, from, to, type);
    for (const Instant& at : times_) {
      const auto* labels = candidates_.of(way, at.time);
      if (!labels) {
        proof_.why = "there are more labels than can be looked at (" + std::to_string(Lattice::kMostLabels) + ")";
        return;
      }
      const std::vector<const Candidate*> granted = granted_ones(*labels, from, to);
      for (const Content& content : *filled) {
        if (is_done()) return;
        look_at(way, {from, to, type, at, content, {}}, between, granted);
      }
    }
  }

  /// One of each sort of labels that cross under the clearances on the way: to rules and claim they are alike.
  std::vector<const Candidate*> granted_ones(const std::vector<Candidate>& all, const Party& from, const Party& to) {
    std::vector<const Candidate*> granted;
    std::set<std::tuple<bool, bool, RuleSet>> known;
    for (const Candidate& each : all)
      if (!known.contains(each.sort()) && candidates_.is_granted(*each.judged, from, to)) {
        known.insert(each.sort());
        granted.push_back(&each);
      }
    return granted;
  }

  void look_at(const LabelWay& way, Case each, const RuleSet& between, const std::vector<const Candidate*>& granted) {
    const bool is_message = kind_of(each.type) == Kind::Message && each.type != StanzaType::MessageError;
    const auto own = candidates_.without_label(way, each.from, each.to, each.type, each.content, each.at.time);
    const auto with = [&](std::vector<const Candidate*> parts) {
      each.parts = std::move(parts);
      if (!is_done()) judge(each, between);
    };
    if (is_message) {
      for (const Candidate* label : granted) with({label});
    } else if (each.content.stanza && own) {
      // The message inside has a label, what it stands in has not.
      for (const Candidate* label : granted) with({*own, label});
    }
    if (!own) return;
    if (!each.content.stanza) return with({*own});
    const Content nothing{.carried = {}, .rules = each.content.rules};
    const auto inner =
        candidates_.without_label(way, each.from, each.to, StanzaType::MessageNormal, nothing, each.at.time);
    if (inner) with({*own, *inner});
  }

  void judge(const Case& each, const RuleSet& between) {
    ++proof_.cases;
    std::string rule;
    for (const Candidate* part : each.parts) {
      if (bundle_.tables().rules.empty()) break;
      const auto first = RuleSet::first(between, each.at.in_force, each.content.rules, part->rules);
      if (!first || !lets_cross(bundle_.tables().rules[*first].action)) return;
      if (rule.empty()) rule = bundle_.tables().rules[*first].id;
    }
    // It crosses.
    const bool met = std::ranges::any_of(each.parts, &Candidate::is_met);
    if (met) return show(each);
    for (const Candidate* part : each.parts) note(*part, each);
  }

  /// What crosses and is not what the claim is about, though nobody could say that it is otherwise.
  void note(const Candidate& part, const Case& each) {
    if (claim_.qualities.empty()) return;
    const auto add = [&](const std::string& text) {
      if (std::ranges::find(proof_.notes, text) == proof_.notes.end()) proof_.notes.push_back(text);
    };
    if (!part.judged) {
      const std::string_view type = name(each.type);
      return add(std::string(type.ends_with(":error") ? type : name(kind_of(each.type))) +
                 " without label crosses there");
    }
    if (part.is_compared) return;
    add("labels of " + rules_.policy(part.judged->source.policy).spif().name +
        " cross there, and the claim names nothing of theirs");
  }

  void show(const Case& each) {
    const label::Label* label = nullptr;
    for (const Candidate* part : each.parts)
      if (part->label) label = &*part->label;
    const StanzaPlan plan{
        .from = each.from, .to = each.to, .type = each.type, .content = &each.content, .label = label};
    const Answer answer = judged(bundle_, plan, each.at.time);
    if (!answer.crosses && ++refused_ == kMostRefused) conclude();
    if (!answer.crosses && proof_.example) return;
    proof_.example = {.stanza = written(bundle_, plan),
                      .rule = answer.rule,
                      .time = each.at.time,
                      .label = answer.label,
                      .reason = answer.reason};
    if (answer.crosses) proof_.outcome = claim_.some ? Outcome::Holds : Outcome::Fails;
  }

  const std::vector<Content>* contents_of(std::uint16_t peering, StanzaType type) {
    const auto [at, is_new] = contents_.try_emplace({peering, content_sort(bundle_, type)});
    if (is_new) at->second = contents(bundle_, bundle_.tables().peerings[peering], type);
    if (const auto& found = at->second) return &*found;
    proof_.why = "rules tell more contents apart than can be looked at (" + std::to_string(kMostContents) + ")";
    return nullptr;
  }

  const Claim& claim_;
  const Bundle& bundle_;
  const LabelRules& rules_;
  std::vector<Instant> times_;
  Candidates candidates_;
  std::map<std::pair<std::uint16_t, unsigned>, std::optional<std::vector<Content>>> contents_;
  std::size_t refused_ = 0;
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
