#include "tests/policy/proof/brute_force.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "inspect/names.h"
#include "tests/policy/proof/brute_trips.h"

namespace sallyport::policy::testing {
namespace {

using Asks = proof::Quality::Asks;

/// What a stanza is filled with.
struct Thing {
  std::string ns, name;              ///< what stands in the stanza
  std::string inner_ns, inner = "";  ///< what stands in that, if anything does
  bool message = false;              ///< a forwarded message
};

const std::string kOwn(inspect::ns::kContent);

std::vector<Thing> things(Kind kind) {
  std::vector<Thing> all = {{"urn:a", "x", ""},           {"urn:a", "q", ""},
                            {"urn:a", "x", "urn:a", "q"}, {"urn:b", "y", ""},
                            {"urn:b", "q", ""},           {"urn:b", "y", "urn:b", "q"},
                            {"urn:c", "q", ""},           {"urn:xmpp:forward:0", "forwarded", kOwn, "message", true}};
  if (kind == Kind::Message) {
    for (const char* name : {"body", "subject"}) all.push_back({kOwn, name, ""});
    all.push_back({"http://jabber.org/protocol/chatstates", "active", ""});
  } else {
    // A body stands in no other stanza, but may stand in something that does.
    for (const auto& [ns, name] : {std::pair("urn:a", "x"), std::pair("urn:a", "q"), std::pair("urn:b", "y"),
                                   std::pair("urn:b", "q"), std::pair("urn:c", "q")})
      all.push_back({ns, name, kOwn, "body"});
  }
  return all;
}

bool names(const PayloadName& payload, const std::string& ns, const std::string& name) {
  return payload.ns == ns && (payload.name.empty() || payload.name == name);
}

/// `top` is the thing in which the others stand; nullptr if they stand side by side.
bool asks(const Tables& tables, const Rule& rule, const std::vector<Thing>& filled, const Thing* top) {
  const auto any = [&](const std::vector<std::uint16_t>& places, const std::string& ns, const std::string& name) {
    return std::ranges::any_of(places, [&](std::uint16_t p) { return names(tables.payloads[p], ns, name); });
  };
  bool fits = true;
  if (rule.payload) {
    fits = false;
    for (const Thing& thing : filled)
      fits = fits || any(*rule.payload, thing.ns, thing.name) ||
             (!thing.inner.empty() && any(*rule.payload, thing.inner_ns, thing.inner));
  }
  if (!rule.only_payload) return fits;
  for (const Thing& thing : filled) {
    // What stands in something of its own namespace is listed with it.
    const bool with_top = top && &thing != top && thing.ns == top->ns;
    fits = fits && (with_top || any(*rule.only_payload, thing.ns, thing.name));
    if (!thing.inner.empty())
      fits = fits && (thing.inner_ns == thing.ns || any(*rule.only_payload, thing.inner_ns, thing.inner));
  }
  return fits;
}

/// One way to fill a stanza; those to which the same rules fit are one.
struct Filling {
  std::vector<bool> fits;
  bool message = false, signals = false, subject = false;
  auto operator<=>(const Filling&) const = default;
};

bool is_one_of(StanzaType type, std::initializer_list<StanzaType> all) {
  return std::ranges::find(all, type) != all.end();
}
bool is_error(StanzaType type) {
  return is_one_of(type, {StanzaType::MessageError, StanzaType::PresenceError, StanzaType::IqError});
}

bool is_emptied(StanzaType type) {
  return is_error(type) || is_one_of(type, {StanzaType::PresenceSubscribe, StanzaType::PresenceSubscribed,
                                            StanzaType::PresenceUnsubscribe, StanzaType::PresenceUnsubscribed,
                                            StanzaType::PresenceProbe});
}
bool is_request(StanzaType type) {
  return is_one_of(type, {StanzaType::IqGet, StanzaType::IqSet});
}
/// Types with one number are filled alike.
int sort_of(StanzaType type) {
  return static_cast<int>(kind_of(type)) * 8 + (is_error(type) ? 4 : 0) + (is_emptied(type) ? 2 : 0) +
         (is_request(type) ? 1 : 0);
}

std::set<Filling> fillings(const Tables& tables, StanzaType type) {
  const bool emptied = is_emptied(type);
  const bool request = is_request(type);
  const std::vector<Thing> all = emptied ? std::vector<Thing>() : things(kind_of(type));
  std::set<Filling> found;
  for (std::size_t subset = request ? 1 : 0; subset < std::size_t{1} << all.size(); ++subset) {
    std::vector<Thing> filled;
    Filling filling;
    bool body = false, subject = false;
    filling.signals = subset != 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if ((subset >> i & 1U) == 0) continue;
      filled.push_back(all[i]);
      filling.message = filling.message || all[i].message;
      filling.signals = filling.signals && all[i].name == "active";
      body = body || all[i].name == "body";
      subject = subject || all[i].name == "subject";
    }
    filling.subject = subject && !body;
    // Of an iq one is the child, and the others stand in it.
    const bool is_iq = kind_of(type) == Kind::Iq;
    for (std::size_t top = 0; top < std::max<std::size_t>(is_iq ? filled.size() : 0, 1); ++top) {
      Filling made = filling;
      for (const Rule& rule : tables.rules) {
        // An error and its condition are in every error; nothing that is asked for here is one.
        const bool emptied_error = is_error(type) && rule.payload;
        const Thing* child = is_iq && !filled.empty() ? &filled[top] : nullptr;
        made.fits.push_back(!emptied_error && asks(tables, rule, filled, child));
      }
      found.insert(std::move(made));
    }
  }
  return found;
}

/// Which rules are in force, for each hour of eight weeks and of the time after them.
std::set<std::vector<bool>> hours(const Tables& tables) {
  constexpr std::int64_t kStart = 1'767'225'600'000, kHour = 3'600'000;  // 2026-01-01, a Thursday
  std::set<std::vector<bool>> found;
  for (std::int64_t hour = 0; hour < std::int64_t{24} * 7 * 10; ++hour) {
    const std::int64_t time = kStart + hour * kHour;
    const auto day = static_cast<unsigned>((3 + hour / 24) % 7);
    const auto minute = static_cast<unsigned>(hour % 24 * 60);
    std::vector<bool> open;
    for (const Rule& rule : tables.rules) {
      if (!rule.window) {
        open.push_back(true);
        continue;
      }
      const Window& window = *rule.window;
      const bool dates = time >= window.not_before && time < window.not_after;
      const bool begun_today = (window.days >> day & 1U) != 0 && minute >= window.from_minute;
      const bool begun_before = (window.days >> (day + 6) % 7 & 1U) != 0 && minute < window.until_minute;
      const bool over_midnight = window.from_minute > window.until_minute;
      open.push_back(dates &&
                     (over_midnight ? begun_today || begun_before : begun_today && minute < window.until_minute));
    }
    found.insert(std::move(open));
  }
  return found;
}

bool is_met(const Tables& tables, const proof::Claim& claim, const TwoSides* label) {
  for (const proof::Quality& quality : claim.qualities) {
    bool met = !label && quality.asks == Asks::Unlabelled;
    for (const Sided* side : label ? label->sides() : std::vector<const Sided*>()) {
      const label::Spif& spif = tables.labels.policies[side->policy].spif;
      const auto rank = [&](std::size_t place) { return spif.classes[place].rank; };
      for (const auto& [policy, wanted] : quality.classes) {
        if (policy != side->policy) continue;
        met = met || (quality.asks == Asks::Above && rank(side->classification) > rank(wanted)) ||
              (quality.asks == Asks::Below && rank(side->classification) < rank(wanted)) ||
              (quality.asks == Asks::Of && side->classification == wanted);
      }
      for (const auto& [policy, wanted] : quality.values)
        if (policy == side->policy) met = met || side->values.contains(wanted) == (quality.asks == Asks::With);
    }
    if (!met) return false;
  }
  return true;
}

bool matches(const Tables& tables, const Rule& rule, const TwoSides* label) {
  if (!rule.label) return true;
  for (const LabelMatch& match : *rule.label) {
    if (match.none && !label) return true;
    if (match.none || !label) continue;
    for (const Sided* side : label->sides()) {
      if (side->policy != match.policy) continue;
      const label::Spif& spif = tables.labels.policies[side->policy].spif;
      const auto has = [&](const label::CatKey& key) { return side->values.contains(place_of(spif, key)); };
      bool all = std::ranges::count(match.classes, spif.classes[side->classification].lacv) > 0;
      if (match.any_of) all = all && std::ranges::any_of(*match.any_of, has);
      all = all && std::ranges::all_of(match.all_of, has) && std::ranges::none_of(match.none_of, has);
      if (all) return true;
      break;  // the side that it comes from counts where both are under the policy
    }
  }
  return false;
}

class Search {
 public:
  Search(const Tables& tables, const proof::Claim& claim) : tables_(tables), claim_(claim), hours_(hours(tables)) {}

  bool run() {
    return std::ranges::any_of(trips(tables_, claim_), [&](const Trip& trip) { return crosses(trip); });
  }

 private:
  bool crosses(const Trip& trip) {
    const std::vector<TwoSides>& all = labels_of(trip);
    std::set<std::pair<std::vector<bool>, bool>> written;
    for (const TwoSides& label : all)
      if (passes(label, trip)) written.insert(seen(&label));
    for (unsigned i = 0; i < kStanzaTypes; ++i) {
      const auto type = static_cast<StanzaType>(i);
      if (std::ranges::count(trip.kinds, kind_of(type)) == 0) continue;
      if (crosses(trip, type, written)) return true;
    }
    return false;
  }

  using Seen = std::pair<std::vector<bool>, bool>;  // which rules ask for it; whether the claim is about it
  Seen seen(const TwoSides* label) const {
    std::vector<bool> rules;
    for (const Rule& rule : tables_.rules) rules.push_back(matches(tables_, rule, label));
    return {rules, is_met(tables_, claim_, label)};
  }

  bool crosses(const Trip& trip, StanzaType type, const std::set<Seen>& written) {
    std::vector<bool> about;
    for (const Rule& rule : tables_.rules) {
      const bool there = is_about(tables_, rule.from, trip.sender) && is_about(tables_, rule.to, trip.addressee);
      const bool back =
          rule.both && is_about(tables_, rule.to, trip.sender) && is_about(tables_, rule.from, trip.addressee);
      about.push_back((rule.stanzas >> static_cast<unsigned>(type) & 1U) != 0 && (there || back));
    }
    const auto [at, is_new] = fillings_.try_emplace(sort_of(type));
    if (is_new) at->second = fillings(tables_, type);
    const bool labelled = kind_of(type) == Kind::Message && type != StanzaType::MessageError;
    for (const Filling& filling : at->second) {
      std::set<Seen> outer = labelled ? written : std::set<Seen>();
      std::set<Seen> inner = written;
      add_unlabelled(trip, type, filling, outer);
      add_unlabelled(trip, StanzaType::MessageNormal, {filling.fits}, inner);
      for (const std::vector<bool>& open : hours_)
        if (crosses(about, open, filling, outer, inner)) return true;
    }
    return false;
  }

  /// Whatever stands inside has to cross as well as what it stands in.
  bool crosses(const std::vector<bool>& about, const std::vector<bool>& open, const Filling& filling,
               const std::set<Seen>& outer, const std::set<Seen>& inner) const {
    const auto best = [&](const std::set<Seen>& all) {
      std::pair<bool, bool> found;  // something crosses; something that is met crosses
      for (const auto& [rules, met] : all) {
        if (!is_released(about, open, filling.fits, rules)) continue;
        found.first = true;
        found.second = found.second || met;
      }
      return found;
    };
    const auto [out, out_met] = best(outer);
    if (!filling.message) return out_met;
    const auto [in, in_met] = best(inner);
    return out && in && (out_met || in_met);
  }

  bool is_released(const std::vector<bool>& about, const std::vector<bool>& open, const std::vector<bool>& fits,
                   const std::vector<bool>& rules) const {
    for (std::size_t i = 0; i < tables_.rules.size(); ++i)
      if (about[i] && open[i] && fits[i] && rules[i])
        return tables_.rules[i].action == Action::Release || tables_.rules[i].action == Action::Alter;
    return false;
  }

  void add_unlabelled(const Trip& trip, StanzaType type, const Filling& filling, std::set<Seen>& all) {
    const PeeringLabels& labels = trip.grant->labels;
    Unlabelled rule = labels.message;
    if (kind_of(type) == Kind::Presence) rule = labels.presence;
    if (kind_of(type) == Kind::Iq) rule = labels.iq;
    if (is_error(type)) rule = Unlabelled::Pass;
    if (kind_of(type) == Kind::Message && labels.signals_pass && filling.signals) rule = Unlabelled::Pass;
    if (rule == Unlabelled::Pass) all.insert(seen(nullptr));
    if (rule == Unlabelled::Pass || rule == Unlabelled::Refuse) return;
    std::vector<std::string> who = trip.sender.known_as;
    if (type == StanzaType::MessageGroupchat && filling.subject) who.push_back(trip.addressee.bare);
    std::optional<std::uint16_t> number = tables_.labels.enclaves[trip.sender.enclave].label;
    for (const std::string& each : who)
      if (const LabelHolder* its = holder(tables_, each); its && its->label) number = its->label;
    if (!number) return;
    const NamedLabel& named = tables_.labels.labels[*number];
    const auto judged =
        on_the_way(tables_, trip.sender.enclave, trip.addressee.enclave, *trip.grant, named.policy, named.label);
    if (judged && passes(*judged, trip)) all.insert(seen(&*judged));
  }

  bool passes(const TwoSides& label, const Trip& trip) const {
    return are_cleared(tables_, label.source, trip.sender) && are_cleared(tables_, label.destination(), trip.addressee);
  }

  const std::vector<TwoSides>& labels_of(const Trip& trip) {
    const auto [at, is_new] = labels_.try_emplace({trip.sender.enclave, trip.addressee.enclave, trip.grant});
    if (is_new) at->second = every_label(tables_, trip.sender.enclave, trip.addressee.enclave, *trip.grant);
    return at->second;
  }

  const Tables& tables_;
  const proof::Claim& claim_;
  std::set<std::vector<bool>> hours_;
  std::map<std::tuple<std::uint16_t, std::uint16_t, const Peering*>, std::vector<TwoSides>> labels_;
  std::map<int, std::set<Filling>> fillings_;
};

}  // namespace

bool something_crosses(const Tables& tables, const proof::Claim& claim) {
  return Search(tables, claim).run();
}

}  // namespace sallyport::policy::testing
