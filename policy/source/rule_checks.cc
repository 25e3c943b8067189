// What a person would want to know about rules that are legal and yet can't be meant so.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "policy/source/rules.h"

namespace sallyport::policy::source {
namespace {

using Places = std::vector<std::uint16_t>;
constexpr StanzaTypes kRequests = bit(StanzaType::IqGet) | bit(StanzaType::IqSet);
/// What an error may answer (bounce.h).
constexpr StanzaTypes kAnswerable = bit(StanzaType::MessageNormal) | bit(StanzaType::MessageChat) |
                                    bit(StanzaType::MessageGroupchat) | bit(StanzaType::PresenceSubscribe) | kRequests;

bool lets_cross(const Rule& rule) {
  return rule.action == Action::Release || rule.action == Action::Alter;
}

/// Whether all that the one list names, the other names too.
bool covers(const Tables& tables, const Places& wide, const Places& narrow) {
  return std::ranges::all_of(narrow, [&](std::uint16_t place) {
    if (std::ranges::binary_search(wide, place)) return true;
    return std::ranges::any_of(wide, [&](std::uint16_t other) {
      const PayloadName& whole = tables.payloads[other];
      return whole.name.empty() && whole.ns == tables.payloads[place].ns;
    });
  });
}

/// Whether a window is open whenever the other one is. Spans that pass midnight are compared for equality only.
bool covers(const Window& wide, const Window& narrow) {
  const bool dates = wide.not_before <= narrow.not_before && wide.not_after >= narrow.not_after;
  const bool same_hours = wide.from_minute == narrow.from_minute && wide.until_minute == narrow.until_minute;
  const bool days = (narrow.days & ~wide.days) == 0;
  const bool within = narrow.from_minute < narrow.until_minute && wide.from_minute <= narrow.from_minute &&
                      wide.until_minute >= narrow.until_minute;
  return dates && days && (same_hours || within);
}

bool includes(const std::vector<label::CatKey>& all, const std::vector<label::CatKey>& some) {
  return std::ranges::includes(all, some);
}

/// Whether every label of the one is one of the other.
bool covers(const LabelMatch& wide, const LabelMatch& narrow) {
  if (wide.none || narrow.none) return wide.none == narrow.none;
  return wide.policy == narrow.policy && std::ranges::includes(wide.classes, narrow.classes) &&
         (!wide.any_of || (narrow.any_of && includes(*wide.any_of, *narrow.any_of))) &&
         includes(narrow.all_of, wide.all_of) && includes(narrow.none_of, wide.none_of);
}

bool covers(const std::vector<LabelMatch>& wide, const std::vector<LabelMatch>& narrow) {
  return std::ranges::all_of(narrow, [&](const LabelMatch& match) {
    return std::ranges::any_of(wide, [&](const LabelMatch& other) { return covers(other, match); });
  });
}

/// Whether all that `narrow` asks beyond addresses and types, `wide` asks too or less of it.
bool covers(const Tables& tables, const Rule& wide, const Rule& narrow) {
  const auto lists = [&](const std::optional<Places>& of_wide, const std::optional<Places>& of_narrow) {
    return !of_wide || (of_narrow && covers(tables, *of_wide, *of_narrow));
  };
  return lists(wide.payload, narrow.payload) && lists(wide.only_payload, narrow.only_payload) &&
         (!wide.label || (narrow.label && covers(*wide.label, *narrow.label))) &&
         (!wide.window || (narrow.window && covers(*wide.window, *narrow.window)));
}

enum class Reach : char { None, Some, Whole };

class RuleChecks {
 public:
  RuleChecks(Reading& in, const PolicyText& text, const Tables& tables) : in_(in), text_(text), tables_(tables) {
    for (std::size_t i = 0; i < tables.rules.size(); ++i) {
      const Rule& rule = tables.rules[i];
      const auto number = static_cast<std::uint16_t>(i);
      arms_.push_back({number, &rule.from, &rule.to});
      if (rule.both) arms_.push_back({number, &rule.to, &rule.from});
    }
    matches_.resize(tables.rules.size());
    decides_.resize(tables.rules.size());
    blockers_.resize(tables.rules.size());
  }

  void run() {
    list_ways();
    for (const auto& [likeness, way] : cells()) look_at(way);
    for (std::size_t i = 0; i < tables_.rules.size(); ++i) {
      warn_of_unreached(i);
      warn_of_unheard(i);
    }
    warn_of_unanswered();
  }

 private:
  struct Arm {
    std::uint16_t rule;
    const Side* from;
    const Side* to;
  };
  /// From one domain to another: between servers, or in the sessions of a login.
  struct Way {
    std::uint16_t from, to;
    StanzaTypes granted;
    std::optional<std::uint16_t> login = {};  ///< its place in the tables
    bool to_server = false;                   ///< in a session

    /// What goes there, and what comes back.
    using Course = std::tuple<std::uint16_t, std::uint16_t, std::optional<std::uint16_t>, bool>;
    Course forth() const { return {from, to, login, to_server}; }
    Course back() const { return {to, from, login, login && !to_server}; }
  };
  using Profile = std::pair<std::string, std::uint32_t>;

  static std::string_view domain_of(std::string_view bare) { return bare.substr(bare.find('@') + 1); }

  /// The members of a side's lists at a domain, sorted.
  std::vector<std::string_view> members(const Side& side, std::uint16_t domain) const {
    std::vector<std::string_view> found;
    for (const std::uint16_t list : side.lists)
      for (const std::string& bare : tables_.lists[list].bare)
        if (domain_of(bare) == tables_.domains[domain].name) found.push_back(bare);
    std::ranges::sort(found);
    return found;
  }

  bool has_members(const Side& side, std::uint16_t domain) {
    return std::ranges::any_of(side.lists, [&](std::uint16_t list) {
      const auto [at, is_new] = list_domains_.try_emplace(list);
      if (is_new)
        for (const std::string& bare : tables_.lists[list].bare) at->second.insert(domain_of(bare));
      return at->second.contains(tables_.domains[domain].name);
    });
  }

  Reach reach(const Side& side, std::uint16_t domain) {
    if (side.any || std::ranges::binary_search(side.domains, domain)) return Reach::Whole;
    return has_members(side, domain) ? Reach::Some : Reach::None;
  }

  /// How far each arm reaches into a domain. Where single addresses are named, the domain is like no other.
  Profile profile(std::uint16_t domain, const Side* Arm::* side) {
    Profile profile{std::string(arms_.size(), '\0'), 0};
    for (std::size_t i = 0; i < arms_.size(); ++i) {
      const Reach its = reach(*(arms_[i].*side), domain);
      profile.first[i] = static_cast<char>(its);
      if (its == Reach::Some) profile.second = domain + 1U;
    }
    return profile;
  }

  static StanzaTypes granted_by(const Peering& peering) {
    StanzaTypes types = 0;
    for (unsigned i = 0; i <= static_cast<unsigned>(kLastKind); ++i)
      if (peering.grants(static_cast<Kind>(i))) types |= types_of(static_cast<Kind>(i));
    return types;
  }

  void list_ways() {
    for (const Route& route : tables_.routes)
      ways_.push_back({route.from, route.to, granted_by(tables_.peerings[route.peering])});
    for (std::size_t i = 0; i < tables_.logins.size(); ++i) add_session(static_cast<std::uint16_t>(i));
  }

  /// An account may write to every domain, and hear from every one. What is on the client's own side is heard only
  /// where a peering leads to the server.
  void add_session(std::uint16_t place) {
    const Login& login = tables_.logins[place];
    const StanzaTypes granted = granted_by(login.rule);
    for (std::size_t i = 0; i < tables_.domains.size(); ++i) {
      const auto other = static_cast<std::uint16_t>(i);
      ways_.push_back({login.domain, other, granted, place, true});
      StanzaTypes heard = granted;
      if (tables_.domains[other].enclave == login.enclave) {
        const auto is_its = [&](const Route& route) { return route.from == other && route.to == login.domain; };
        const auto route = std::ranges::find_if(tables_.routes, is_its);
        heard &= route == tables_.routes.end() ? 0 : granted_by(tables_.peerings[route->peering]);
      }
      ways_.push_back({other, login.domain, heard, place, false});
    }
  }

  bool is_for(const Rule& rule, const Way& way) const {
    if (!rule.logins) return true;
    if (!way.login || !std::ranges::binary_search(*rule.logins, *way.login)) return false;
    return rule.towards == Towards::Either || (rule.towards == Towards::Server) == way.to_server;
  }

  /// Ways that are alike to all rules; one of them stands for all.
  using Likeness = std::tuple<std::size_t, std::size_t, StanzaTypes, std::size_t>;
  std::map<Likeness, Way> cells() {
    std::map<Profile, std::size_t> known;
    std::map<std::pair<std::uint16_t, bool>, std::size_t> of_domain;
    const auto number = [&](std::uint16_t domain, bool is_from) {
      const auto [at, is_new] = of_domain.try_emplace({domain, is_from});
      if (is_new)
        at->second = known.try_emplace(profile(domain, is_from ? &Arm::from : &Arm::to), known.size()).first->second;
      return at->second;
    };
    const bool any = std::ranges::any_of(tables_.rules, [](const Rule& rule) { return rule.logins.has_value(); });
    std::map<Likeness, Way> cells;
    for (const Way& way : ways_) {
      const std::size_t session = any && way.login ? 1 + 2 * std::size_t{*way.login} + (way.to_server ? 1 : 0) : 0;
      cells.try_emplace({number(way.from, true), number(way.to, false), way.granted, session}, way);
    }
    return cells;
  }

  bool side_covers(const Side& wide, const Side& narrow, std::uint16_t domain) {
    if (reach(wide, domain) == Reach::Whole) return true;
    if (reach(narrow, domain) == Reach::Whole) return false;
    if (wide.lists == narrow.lists) return true;
    return std::ranges::includes(members(wide, domain), members(narrow, domain));
  }

  void look_at(const Way& cell) {
    std::vector<const Arm*> touching;
    for (const Arm& arm : arms_) {
      const StanzaTypes types = tables_.rules[arm.rule].stanzas & cell.granted;
      if (types == 0 || !is_for(tables_.rules[arm.rule], cell)) continue;
      if (reach(*arm.from, cell.from) == Reach::None || reach(*arm.to, cell.to) == Reach::None) continue;
      touching.push_back(&arm);
      matches_[arm.rule] = true;
      if (decides_[arm.rule]) continue;
      if (remaining(touching, cell) != 0) decides_[arm.rule] = true;
    }
  }

  /// The types that the last of the arms still gets.
  StanzaTypes remaining(const std::vector<const Arm*>& arms, const Way& cell) {
    const Arm& last = *arms.back();
    const Rule& rule = tables_.rules[last.rule];
    StanzaTypes types = rule.stanzas & cell.granted;
    std::set<std::uint16_t> before;
    for (const Arm* arm : arms) {
      if (arm->rule == last.rule || types == 0) break;
      const Rule& earlier = tables_.rules[arm->rule];
      if ((earlier.stanzas & types) == 0 || !covers(tables_, earlier, rule)) continue;
      if (!side_covers(*arm->from, *last.from, cell.from) || !side_covers(*arm->to, *last.to, cell.to)) continue;
      types &= ~earlier.stanzas;
      before.insert(arm->rule);
    }
    if (types == 0) blockers_[last.rule].insert(before.begin(), before.end());
    return types;
  }

  void warn_of_unreached(std::size_t i) {
    const Rule& rule = tables_.rules[i];
    if (!matches_[i])
      return in_.warning(
          text_.rules[i].at,
          "the rule '" + rule.id + "' has no peering or login under it: none lets such stanzas cross there",
          "add a [[peering]] or a [[login]] for them, or mend 'from', 'to' and 'stanzas'");
    if (decides_[i]) return;
    std::string names;
    for (const std::uint16_t blocker : blockers_[i])
      names += (names.empty() ? "'" : ", '") + tables_.rules[blocker].id + "'";
    in_.warning(text_.rules[i].at,
                "the rule '" + rule.id + "' is never reached: all that it matches is matched before by " + names,
                "put it before, make the others narrower, or take it away");
  }

  void warn_of_unheard(std::size_t i) {
    const Rule& rule = tables_.rules[i];
    if (rule.action != Action::Bounce || (rule.stanzas & kAnswerable) != 0) return;
    in_.warning(text_.rules[i].at,
                "nobody hears the refusal of the rule '" + rule.id + "': no error may answer such stanzas",
                "write action = \"drop\", which says what happens");
  }

  bool touches(const Arm& arm, const Way& way) {
    return is_for(tables_.rules[arm.rule], way) && reach(*arm.from, way.from) != Reach::None &&
           reach(*arm.to, way.to) != Reach::None;
  }

  void warn_of_unanswered() {
    std::set<Way::Course> results, heard;
    for (const Way& way : ways_)
      if (way.login && (way.granted & kRequests) != 0) heard.insert(way.forth());
    std::map<std::uint16_t, bool> answered;
    const auto each = [&](StanzaTypes types, auto take) {
      for (const Arm& arm : arms_) {
        const Rule& rule = tables_.rules[arm.rule];
        if (!lets_cross(rule) || (rule.stanzas & types) == 0) continue;
        for (const Way& way : ways_)
          if ((way.granted & kRequests) != 0 && touches(arm, way)) take(arm, way);
      }
    };
    each(bit(StanzaType::IqResult), [&](const Arm&, const Way& way) { results.insert(way.forth()); });
    each(kRequests, [&](const Arm& arm, const Way& way) {
      if (way.login && !heard.contains(way.back())) return;  // nothing is to be had from there
      bool& all = answered.try_emplace(arm.rule, true).first->second;
      all = all && results.contains(way.back());
    });
    for (const auto& [rule, all] : answered)
      if (!all)
        in_.warning(
            text_.rules[rule].at,
            "the rule '" + tables_.rules[rule].id + "' lets iq requests cross, but no rule lets the answers back",
            "add a rule for \"iq:result\" and \"iq:error\" the other way");
  }

  Reading& in_;
  const PolicyText& text_;
  const Tables& tables_;
  std::vector<Way> ways_;
  std::vector<Arm> arms_;
  std::map<std::uint16_t, std::set<std::string_view>> list_domains_;
  std::vector<bool> matches_, decides_;
  std::vector<std::set<std::uint16_t>> blockers_;  ///< of each rule that some earlier rules take everything from
};

}  // namespace

void check_rules(Reading& in, const PolicyText& text, const Tables& tables) {
  if (!tables.rules.empty()) RuleChecks(in, text, tables).run();
}

}  // namespace sallyport::policy::source
