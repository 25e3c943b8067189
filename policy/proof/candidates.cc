#include "policy/proof/candidates.h"

#include <algorithm>
#include <set>

#include "policy/label_match.h"
#include "policy/label_path.h"
#include "policy/proof/stanza.h"

namespace sallyport::policy::proof {

Candidates::Candidates(const Bundle& bundle, const Claim& claim, Sorts sorts)
    : bundle_(bundle),
      claim_(claim),
      sorts_(sorts),
      rules_(*bundle.label_rules()),
      none_(candidate(nullptr)),
      not_looked_at_(candidate(nullptr, false)) {}

/// Where nobody has looked, a rule that asks for labels is about the stanza if it refuses (rules.h).
Candidate Candidates::candidate(std::shared_ptr<const JudgedLabel> judged, bool looked_at) const {
  const auto& rules = bundle_.tables().rules;
  Candidate made{.judged = std::move(judged), .label = {}, .rules = RuleSet(rules.size())};
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& asked = rules[i].label;
    if (!asked || (looked_at ? matches(*asked, made.judged.get(), rules_) : !lets_cross(rules[i].action)))
      made.rules.add(i);
  }
  made.is_met = claim_.is_met(made.judged.get(), rules_);
  made.is_compared = made.judged && std::ranges::all_of(claim_.qualities, [&](const Quality& quality) {
                       return quality.compares(*made.judged);
                     });
  return made;
}

/// Label policies whose labels may come that way: that which governs it, and those that are translated to it.
std::vector<std::uint16_t> Candidates::policies(const LabelWay& way) const {
  const auto source = governing(rules_, way.from_enclave, way.to_enclave);
  std::vector<std::uint16_t> found;
  for (std::uint16_t i = 0; source && i < rules_.tables().policies.size(); ++i)
    if (i == *source || rules_.translation(i, *source)) found.push_back(i);
  return found;
}

Candidates::Key Candidates::key(const LabelWay& way, label::Time time) const {
  label::Time since = label::Time::min();
  const auto policies = static_cast<std::uint16_t>(rules_.tables().policies.size());
  for (std::uint16_t i = 0; i < policies; ++i) since = std::max(since, rules_.policy(i).steady(time).since);
  return {way.from_enclave, way.to_enclave, way.peering, since};
}

const std::vector<Candidate>* Candidates::between(const Way& way, const Party& from, const Party& to,
                                                  label::Time time) {
  const Askers askers(bundle_, way, from, to, claim_);
  const auto [at, is_new] = known_.try_emplace({key(way.label, time), askers.key()});
  if (is_new) at->second = made(way, askers, time);
  const auto& found = at->second;
  return found ? &*found : nullptr;
}

std::optional<std::vector<Candidate>> Candidates::made(const Way& way, const Askers& askers, label::Time time) {
  std::vector<Candidate> found;
  if (way.is_off(bundle_, Stage::Label)) return found;
  std::set<std::tuple<bool, bool, RuleSet, label::Number>> sorts;
  for (const std::uint16_t policy : policies(way.label)) {
    Worlds& worlds =
        worlds_.try_emplace({way.label.from_enclave, way.label.to_enclave, policy}, rules_, way.label, policy)
            .first->second;
    const bool all = Lattice(bundle_, policy, way, askers, worlds, time).each([&](const label::Label& each) {
      inspect::Arena arena(2048);
      const inspect::Node* element = securitylabel(rules_, each, arena);
      if (!element) return;
      ++judged_;
      auto judged = judge_label(rules_, way.grant->labels, way.label, {.element = element, .named = 0}, time,
                                LabelDepth::Meaning);
      if (judged->objection || !askers.grant(*judged, rules_)) return;
      Candidate made = candidate(std::move(judged));
      made.label = each;
      const label::Number apart = sorts_ == Sorts::WithClass ? made.judged->source.resolved.classification : 0;
      if (sorts.insert(std::tuple_cat(made.sort(), std::tuple(apart))).second) found.push_back(std::move(made));
    });
    if (!all) return std::nullopt;
  }
  return found;
}

std::optional<const Candidate*> Candidates::without_label(const Way& way, const Party& from, const Party& to,
                                                          StanzaType type, const Content& content, label::Time time) {
  if (way.is_off(bundle_, Stage::Label)) return &not_looked_at_;
  const PeeringLabels& labels = way.grant->labels;
  const Kind kind = kind_of(type);
  if (name(type).ends_with(":error")) return &none_;
  if (kind == Kind::Message && labels.signals_pass && content.signals) return &none_;
  const Unlabelled rule = kind == Kind::Message ? labels.message : kind == Kind::Presence ? labels.presence : labels.iq;
  if (rule == Unlabelled::Pass) return &none_;
  if (rule == Unlabelled::Refuse) return std::nullopt;
  const bool subject = type == StanzaType::MessageGroupchat && content.subject;
  const auto number =
      default_label(bundle_, station(bundle_, from), subject ? std::string_view(to.bare) : std::string_view());
  if (!number) return std::nullopt;
  const Candidate& label = named(way, *number, time);
  if (label.judged->objection || !Askers(bundle_, way, from, to, claim_).grant(*label.judged, rules_))
    return std::nullopt;
  return &label;
}

const Candidate& Candidates::named(const Way& way, std::uint16_t number, label::Time time) {
  auto& kept = named_[{key(way.label, time), number}];
  if (!kept)
    kept = std::make_unique<const Candidate>(candidate(judge_label(
        rules_, way.grant->labels, way.label, {.element = nullptr, .named = number}, time, LabelDepth::Meaning)));
  return *kept;
}

const std::vector<Candidate>* Written::at(Candidates& candidates, const Occasion& occasion) {
  if (occasion.pair != pair_) known_.clear();
  pair_ = occasion.pair;
  const auto [at, is_new] = known_.try_emplace(&occasion.at, nullptr);
  if (is_new) at->second = candidates.between(occasion.way, occasion.from, occasion.to, occasion.at.time);
  return at->second;
}

}  // namespace sallyport::policy::proof
