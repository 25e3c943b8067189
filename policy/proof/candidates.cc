#include "policy/proof/candidates.h"

#include <algorithm>

#include "policy/label_match.h"
#include "policy/label_path.h"
#include "policy/proof/stanza.h"

namespace sallyport::policy::proof {

Candidates::Candidates(const Bundle& bundle, const Claim& claim)
    : bundle_(bundle), claim_(claim), rules_(*bundle.label_rules()), none_(candidate(nullptr)) {}

Candidate Candidates::candidate(std::shared_ptr<const JudgedLabel> judged) const {
  const auto& rules = bundle_.tables().rules;
  Candidate made{.judged = std::move(judged), .label = {}, .rules = RuleSet(rules.size())};
  const bool known = !bundle_.is_off(Stage::Label);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& asked = rules[i].label;
    if (!asked || (known ? matches(*asked, made.judged.get(), rules_) : !lets_cross(rules[i].action)))
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

const std::vector<Candidate>* Candidates::of(const LabelWay& way, label::Time time) {
  const auto [at, is_new] = known_.try_emplace(key(way, time));
  if (is_new) at->second = made(way, time);
  const auto& found = at->second;
  return found ? &*found : nullptr;
}

/// What is seen at once to be refused, or not to be what the claim is about, need not be judged. Only where one policy
/// governs the whole way is a label there what it was when it was written.
bool Candidates::may_matter(const LabelWay& way, std::uint16_t policy, const label::Label& label,
                            label::Time time) const {
  const auto source = governing(rules_, way.from_enclave, way.to_enclave);
  if (source != policy) return true;
  const auto number = rules_.clearance_under(rules_.enclave(way.from_enclave).clearances, policy);
  const label::Policy& its = rules_.policy(policy);
  if (number && !label::decide(its, label, &rules_.clearance(*number), time, rules_.options(policy)).granted)
    return false;
  if (governing(rules_, way.to_enclave, way.from_enclave) != policy) return true;
  const auto resolved = label::validate(its, label, time, rules_.options(policy));
  if (!resolved) return false;
  JudgedLabel meant;
  meant.source = {policy, label, *resolved};
  return claim_.is_met(&meant, rules_) ||
         !std::ranges::all_of(claim_.qualities, [&](const Quality& quality) { return quality.compares(meant); });
}

std::optional<std::vector<Candidate>> Candidates::made(const LabelWay& way, label::Time time) {
  std::vector<Candidate> found;
  if (bundle_.is_off(Stage::Label)) return found;
  for (const std::uint16_t policy : policies(way)) {
    const Lattice lattice(bundle_, policy, way, claim_.qualities, time);
    const bool all = lattice.each([&](const label::Label& each) {
      if (!may_matter(way, policy, each, time)) return;
      inspect::Arena arena(2048);
      const inspect::Node* element = securitylabel(bundle_, each, arena);
      if (!element) return;
      ++judged_;
      auto judged = judge_label(rules_, bundle_.tables().peerings[way.peering].labels, way,
                                {.element = element, .named = 0}, time, LabelDepth::Meaning);
      if (judged->objection) return;
      found.push_back(candidate(std::move(judged)));
      found.back().label = each;
    });
    if (!all) return std::nullopt;
  }
  return found;
}

std::optional<const Candidate*> Candidates::without_label(const LabelWay& way, const Party& from, const Party& to,
                                                          StanzaType type, const Content& content, label::Time time) {
  if (bundle_.is_off(Stage::Label)) return &none_;
  const PeeringLabels& labels = bundle_.tables().peerings[way.peering].labels;
  const Kind kind = kind_of(type);
  if (name(type).ends_with(":error")) return &none_;
  if (kind == Kind::Message && labels.signals_pass && content.signals) return &none_;
  const Unlabelled rule = kind == Kind::Message ? labels.message : kind == Kind::Presence ? labels.presence : labels.iq;
  if (rule == Unlabelled::Pass) return &none_;
  if (rule == Unlabelled::Refuse) return std::nullopt;
  const bool subject = type == StanzaType::MessageGroupchat && content.subject;
  const auto number = default_label(bundle_, Station::at(bundle_.tables().domains[from.domain], from.bare),
                                    subject ? std::string_view(to.bare) : std::string_view());
  if (!number) return std::nullopt;
  auto& kept = defaults_[{key(way, time), *number}];
  if (!kept)
    kept = std::make_unique<const Candidate>(
        candidate(judge_label(rules_, labels, way, {.element = nullptr, .named = *number}, time, LabelDepth::Meaning)));
  if (kept->judged->objection || !is_granted(*kept->judged, from, to)) return std::nullopt;
  return kept.get();
}

bool Candidates::is_granted(const JudgedLabel& judged, const Party& from, const Party& to) const {
  const auto covers = [&](bool at_destination, const Party& party) {
    const std::uint16_t policy = at_destination ? judged.destination().policy : judged.source.policy;
    const ClearedOnSide cleared(bundle_, Station::at(bundle_.tables().domains[party.domain], party.bare));
    return !cleared.all().empty() && std::ranges::all_of(cleared.all(), [&](const Cleared& each) {
      const auto number = rules_.clearance_under(*each.clearances, policy);
      return number && !refused_by(rules_, judged, at_destination, *number);
    });
  };
  return covers(false, from) && covers(true, to);
}

}  // namespace sallyport::policy::proof
