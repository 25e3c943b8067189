#include "policy/proof/releasable.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "policy/label_path.h"
#include "policy/proof/candidates.h"

namespace sallyport::policy::proof {
namespace {

class Looking {
 public:
  Looking(const Bundle& bundle, const When& when)
      : bundle_(bundle),
        rules_(*bundle.label_rules()),
        occasions_(bundle, claim_, when),
        candidates_(bundle, claim_, Candidates::Sorts::WithClass) {}

  Releasable run() {
    const std::string why = occasions_.each([&](const Occasion& each) { return look_at(each); });
    made_.is_whole = made_.is_whole && why.empty();
    for (auto& [key, way] : ways_) {
      std::ranges::move(way.classes, std::back_inserter(made_.classes));
      std::ranges::move(way.named, std::back_inserter(made_.named));
    }
    return std::move(made_);
  }

 private:
  using Next = Occasions::Next;
  struct OnWay {
    std::vector<ClassReach> classes;
    std::vector<NamedReach> named;
    bool is_done() const {
      const auto released = [](const auto& each) { return each.reach == Reach::Released; };
      return std::ranges::all_of(classes, released) && std::ranges::all_of(named, released);
    }
  };

  Next look_at(const Occasion& each) {
    if (each.way.is_off(bundle_, Stage::Label)) return Next::Leave;
    if (each.type == StanzaType::MessageError) return Next::Go;  // it has no label (labels.md 11.2)
    OnWay& way = on_way(each.way.label);
    if (way.is_done()) return Next::Leave;
    const std::vector<Candidate>* written = written_.at(candidates_, each);
    if (!written || ++looked_at_ > kMostOccasions) {
      made_.is_whole = false;
      return Next::Stop;
    }
    for (const Candidate& label : *written)
      for (ClassReach& of : way.classes)
        if (of.classification == label.judged->source.resolved.classification) raise(of.reach, reach(each, label));
    const Askers askers(bundle_, each.way, each.from, each.to, claim_);
    for (NamedReach& of : way.named) {
      const Candidate& label = candidates_.named(each.way, of.label, each.at.time);
      if (label.judged->objection) continue;
      raise(of.reach, askers.grant(*label.judged, rules_) ? reach(each, label) : Reach::Denied);
    }
    return Next::Go;
  }

  static void raise(Reach& to, Reach reached) { to = std::max(to, reached); }

  Reach reach(const Occasion& each, const Candidate& label) const {
    const auto& rules = bundle_.tables().rules;
    if (rules.empty()) return Reach::Released;
    const auto first = each.first(label.rules);
    if (!first) return Reach::Unruled;
    if (lets_cross(rules[*first].action)) return Reach::Released;
    return rules[*first].label ? Reach::Refused : Reach::Unruled;
  }

  OnWay& on_way(const LabelWay& way) {
    const auto [at, is_new] = ways_.try_emplace({way.from_enclave, way.to_enclave, way.peering});
    const auto policy = governing(rules_, way.from_enclave, way.to_enclave);
    if (!is_new || !policy) return at->second;
    for (label::Number i = 0; i < rules_.policy(*policy).spif().classes.size(); ++i)
      at->second.classes.push_back({.way = way, .policy = *policy, .classification = i});
    const auto labels = static_cast<std::uint16_t>(rules_.tables().labels.size());
    for (std::uint16_t i = 0; i < labels; ++i) at->second.named.push_back({.way = way, .label = i});
    return at->second;
  }

  const Bundle& bundle_;
  const LabelRules& rules_;
  const Claim claim_{.text = "", .some = true, .kind = Kind::Message, .qualities = {}, .from = {}, .to = {}};
  Occasions occasions_;
  Candidates candidates_;
  Written written_;
  std::map<std::tuple<std::uint16_t, std::uint16_t, std::uint16_t>, OnWay> ways_;
  std::size_t looked_at_ = 0;
  Releasable made_;
};

}  // namespace

Releasable releasable(const Bundle& bundle, const When& when) {
  return Looking(bundle, when).run();
}

}  // namespace sallyport::policy::proof
