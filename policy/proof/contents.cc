#include "policy/proof/contents.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <tuple>

#include "inspect/names.h"
#include "policy/payload/switches.h"

namespace sallyport::policy::proof {
namespace {

namespace ns = inspect::ns;

constexpr std::string_view kForwardNs = "urn:xmpp:forward:0";
constexpr std::string_view kStateNs = "http://jabber.org/protocol/chatstates";
constexpr std::string_view kUnnamedNs = "urn:example:anything";
constexpr std::array<std::string_view, 4> kSignals = {kStateNs, "urn:xmpp:receipts", "urn:xmpp:chat-markers:0",
                                                      "urn:xmpp:hints"};

bool is_request(StanzaType type) {
  return type == StanzaType::IqGet || type == StanzaType::IqSet;
}
bool is_error(StanzaType type) {
  return type == StanzaType::MessageError || type == StanzaType::PresenceError || type == StanzaType::IqError;
}
/// What everything is taken out of before rules are asked (protocol.md 5.3, 6.2).
bool is_bare(const Bundle& bundle, StanzaType type) {
  if (type == StanzaType::PresenceProbe) return true;
  if (bundle.settings().transparency == Transparency::Full) return false;
  return is_error(type) || type == StanzaType::PresenceSubscribe || type == StanzaType::PresenceSubscribed ||
         type == StanzaType::PresenceUnsubscribe || type == StanzaType::PresenceUnsubscribed;
}

/// Which own elements of a stanza of that kind may stand in it.
bool is_own_child(Kind kind, std::string_view name) {
  switch (kind) {
    case Kind::Message:
      return name == "body" || name == "subject" || name == "thread";
    case Kind::Presence:
      return name == "status" || name == "show" || name == "priority";
    case Kind::Iq:
      return false;
  }
  return false;
}

/// Text that its own element may hold.
std::string_view text_of(std::string_view name) {
  return name == "priority" ? "0" : name == "show" ? "away" : "text";
}

/// How the rules see one thing that is carried.
class Naming {
 public:
  explicit Naming(const Tables& tables) : tables_(tables) {}

  RuleSet asked_by(const Carried& carried) const {
    RuleSet found(tables_.rules.size());
    for (std::size_t i = 0; i < tables_.rules.size(); ++i)
      if (const auto& asked = tables_.rules[i].payload; asked && names(*asked, carried)) found.add(i);
    return found;
  }
  /// `inside` is the namespace of the element that it is put into; "" for the stanza.
  RuleSet covered_by(const Carried& carried, std::string_view inside) const {
    RuleSet found(tables_.rules.size());
    for (std::size_t i = 0; i < tables_.rules.size(); ++i)
      if (const auto& only = tables_.rules[i].only_payload; only && covers(*only, carried, inside)) found.add(i);
    return found;
  }

 private:
  bool lists(const std::vector<std::uint16_t>& places, std::string_view its_ns, std::string_view name) const {
    return std::ranges::any_of(places, [&](std::uint16_t place) {
      const PayloadName& listed = tables_.payloads[place];
      return listed.ns == its_ns && (listed.name == name || (listed.name.empty() && !its_ns.empty()));
    });
  }
  bool names(const std::vector<std::uint16_t>& places, const Carried& carried) const {
    return lists(places, carried.ns, carried.name) ||
           (!carried.around.empty() && lists(places, carried.around_ns, carried.around));
  }
  bool covers(const std::vector<std::uint16_t>& places, const Carried& carried, std::string_view inside) const {
    const auto with = [](std::string_view its_ns, std::string_view parent) {
      // What is the stanza's own is not listed with it.
      return !parent.empty() && its_ns == parent;
    };
    const bool outer =
        carried.around.empty() || with(carried.around_ns, inside) || lists(places, carried.around_ns, carried.around);
    const std::string_view parent = carried.around.empty() ? inside : std::string_view(carried.around_ns);
    return outer && (with(carried.ns, parent) || lists(places, carried.ns, carried.name));
  }

  const Tables& tables_;
};

std::string unnamed_in(const Tables& tables, const std::string& its_ns) {
  std::string name = "anything";
  while (std::ranges::find(tables.payloads, PayloadName{its_ns, name}) != tables.payloads.end()) name += "-else";
  return name;
}

/// Everything that some rule tells from everything else.
class Things {
 public:
  Things(const Bundle& bundle, const Way& way, StanzaType type)
      : tables_(bundle.tables()), kind_(kind_of(type)), looked_at_(!way.is_off(bundle, Stage::Payload)) {
    if (is_bare(bundle, type)) return;
    for (const PayloadName& named : tables_.payloads)
      if (named.ns != ns::kContent && named.ns != ns::kStanzaErrors && named.ns != ns::kLabel) add_foreign(named);
    if (!looked_at_) add({.ns = std::string(kUnnamedNs), .name = unnamed_in(tables_, std::string(kUnnamedNs))});
    // What is taken for a signal, and the subject of a room, are labelled in ways of their own.
    if (way.grant->labels.signals_pass && kind_ == Kind::Message) add({.ns = std::string(kStateNs), .name = "active"});
    if (kind_ == Kind::Message)
      for (const char* name : {"body", "subject"}) add({.ns = std::string(ns::kContent), .name = name});
    for (const PayloadName& named : tables_.payloads)
      if (named.ns == ns::kContent) add_own(named.name);
    if (may_hold_stanza(bundle, way, type))
      add({.ns = std::string(ns::kContent),
           .name = "message",
           .around_ns = std::string(kForwardNs),
           .around = "forwarded",
           .stanza = true});
  }
  const std::vector<Carried>& all() const { return all_; }

 private:
  void add(Carried thing) {
    const auto key = [](const Carried& each) { return std::tie(each.ns, each.name, each.around_ns, each.around); };
    if (std::ranges::none_of(all_, [&](const Carried& other) { return key(other) == key(thing); }))
      all_.push_back(std::move(thing));
  }

  void add_foreign(const PayloadName& named) {
    const std::string unnamed = unnamed_in(tables_, named.ns);
    add({.ns = named.ns, .name = named.name.empty() ? unnamed : named.name});
    if (named.name.empty()) return;
    add({.ns = named.ns, .name = unnamed, .around_ns = named.ns, .around = named.name});
    for (const PayloadName& other : tables_.payloads)
      if (other.ns == named.ns && !other.name.empty() && other.name != named.name)
        add({.ns = named.ns, .name = other.name, .around_ns = named.ns, .around = named.name});
  }

  /// One that has no place in the stanza itself may stand in anything else.
  void add_own(const std::string& name) {
    if (name == "error" || name == "message") return;  // a message inside stands for itself
    if (is_own_child(kind_, name)) return add({.ns = std::string(ns::kContent), .name = name});
    if (looked_at_) return;
    for (const Carried& outer : std::vector<Carried>(all_))
      if (outer.around.empty() && outer.ns != ns::kContent)
        add({.ns = std::string(ns::kContent), .name = name, .around_ns = outer.ns, .around = outer.name});
  }

  const Tables& tables_;
  Kind kind_;
  bool looked_at_;
  std::vector<Carried> all_;
};

/// What is seen of a content: equal ones are one content.
struct Seen {
  RuleSet asked, covered;
  std::string inside = {};  // of an iq: the namespace of its child
  bool stanza = false, signals = true, subject = false, body = false, any = false;
  auto operator<=>(const Seen&) const = default;
};

/// What the rules see of each thing, looked up once.
class Sight {
 public:
  Sight(const Naming& naming, const std::vector<Carried>& things) : naming_(naming), things_(things) {
    for (const Carried& thing : things) asked_.push_back(naming.asked_by(thing));
  }

  Seen with(const Seen& before, std::size_t thing) {
    const Carried& more = things_[thing];
    Seen seen = before;
    seen.asked |= asked_[thing];
    seen.covered &= covered(thing, before.inside);
    seen.stanza = seen.stanza || more.stanza;
    seen.signals = seen.signals && std::ranges::find(kSignals, more.ns) != kSignals.end();
    seen.subject = seen.subject || (more.ns == ns::kContent && more.name == "subject" && more.around.empty());
    seen.body = seen.body || (more.ns == ns::kContent && more.name == "body" && more.around.empty());
    seen.any = true;
    return seen;
  }

 private:
  const RuleSet& covered(std::size_t thing, const std::string& inside) {
    const auto at = covered_.find({thing, inside});
    if (at != covered_.end()) return at->second;
    return covered_.emplace(std::pair(thing, inside), naming_.covered_by(things_[thing], inside)).first->second;
  }

  const Naming& naming_;
  const std::vector<Carried>& things_;
  std::vector<RuleSet> asked_;
  std::map<std::pair<std::size_t, std::string>, RuleSet> covered_;
};

RuleSet fitting(const Tables& tables, const Seen& seen) {
  RuleSet found(tables.rules.size());
  for (std::size_t i = 0; i < tables.rules.size(); ++i) {
    const Rule& rule = tables.rules[i];
    if ((!rule.payload || seen.asked.has(i)) && (!rule.only_payload || seen.covered.has(i))) found.add(i);
  }
  return found;
}

}  // namespace

bool may_hold_stanza(const Bundle& bundle, const Way& way, StanzaType type) {
  if (is_bare(bundle, type)) return false;
  if (way.is_off(bundle, Stage::Payload)) return true;
  const Switches on(way.grant->payloads);
  return on.has(Switch::Forwarding) || on.has(Switch::Archive) || on.has(Switch::Carbons);
}

unsigned content_sort(const Bundle& bundle, StanzaType type) {
  return static_cast<unsigned>(kind_of(type)) * 8 + (is_error(type) ? 4U : 0) + (is_bare(bundle, type) ? 2U : 0) +
         (is_request(type) ? 1U : 0);
}

std::optional<std::vector<Content>> contents(const Bundle& bundle, const Way& way, StanzaType type) {
  const Tables& tables = bundle.tables();
  const Naming naming(tables);
  const Things things(bundle, way, type);
  Sight sight(naming, things.all());
  const bool is_iq = kind_of(type) == Kind::Iq;
  Seen empty{.asked = RuleSet(tables.rules.size()), .covered = RuleSet(tables.rules.size(), true)};
  if (is_error(type)) {
    // The error and its condition are always there, and every list covers them.
    empty.asked |= naming.asked_by({.ns = std::string(ns::kContent), .name = "error"});
    empty.asked |= naming.asked_by({.ns = std::string(ns::kStanzaErrors), .name = "service-unavailable"});
  }
  std::map<Seen, std::vector<Carried>> known = {{empty, {}}};
  std::deque<Seen> left = {empty};
  while (!left.empty()) {
    const Seen seen = left.front();
    left.pop_front();
    const std::vector<Carried> carried = known.at(seen);
    for (std::size_t i = 0; i < things.all().size(); ++i) {
      const Carried& more = things.all()[i];
      Seen made = sight.with(seen, i);
      if (is_iq && !seen.any) made.inside = more.around.empty() ? more.ns : more.around_ns;
      if (known.contains(made)) continue;
      if (known.size() >= kMostContents) return std::nullopt;
      std::vector<Carried> grown = carried;
      grown.push_back(more);
      known.emplace(made, std::move(grown));
      left.push_back(made);
    }
  }
  std::vector<Content> found;
  for (const auto& [seen, carried] : known) {
    if (is_request(type) && !seen.any) continue;  // RFC 6120 8.2.3: a request has one child
    found.push_back(
        {carried, fitting(tables, seen), seen.stanza, seen.signals && seen.any, seen.subject && !seen.body});
  }
  return found;
}

void fill(inspect::Node& stanza, const Content& content, const inspect::Node* label, inspect::Arena& arena) {
  inspect::TreeEditor editor(arena);
  inspect::Node* parent = &stanza;
  for (const Carried& carried : content.carried) {
    inspect::Node* outer = carried.around.empty() ? nullptr : editor.append(*parent, carried.around_ns, carried.around);
    inspect::Node* made = editor.append(outer ? *outer : *parent, carried.ns, carried.name);
    const bool is_deep = outer || parent != &stanza;
    if (is_deep && carried.ns == ns::kContent) made->ns = ns::kClient;  // protocol.md X-05
    if (carried.stanza) {
      for (const std::string_view name : {"from", "to"})
        if (const auto* value = stanza.attribute(name)) editor.set_attribute(*made, name, *value);
      if (label) editor.append(*made, *editor.copy(*label));
    } else if (carried.ns == ns::kContent) {
      editor.append_text(*made, text_of(carried.name));
    }
    if (stanza.name == "iq" && parent == &stanza) parent = outer ? outer : made;  // RFC 6120 8.2.3: it has one child
  }
}

}  // namespace sallyport::policy::proof
