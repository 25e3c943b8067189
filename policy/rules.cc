#include "policy/rules.h"

#include <algorithm>

#include "inspect/names.h"
#include "policy/label_match.h"

namespace sallyport::policy {
namespace {

namespace ns = inspect::ns;
using inspect::Node;
using Places = std::vector<std::uint16_t>;

/// Stanzas inside a stanza name their vocabulary; for rules it is one with the stanza's own.
std::string_view namespace_of(const Node& node) {
  return node.ns == ns::kClient || node.ns == ns::kServer ? ns::kContent : node.ns;
}

/// Which names of the rules an element has: its own and its namespace's.
struct Named {
  std::optional<std::uint16_t> exact, whole;
};

Named named(const Node& node, const RuleIndex& index) {
  const std::string_view its_ns = namespace_of(node);
  return {index.payload(its_ns, node.name), its_ns.empty() ? std::nullopt : index.payload(its_ns, "")};
}

bool is_among(const Named& named, const Places& places) {
  const auto has = [&](std::optional<std::uint16_t> place) {
    return place && std::ranges::binary_search(places, *place);
  };
  return has(named.exact) || has(named.whole);
}

/// All names of the rules that occur in the stanza. The tree is no deeper than the parser's limit.
class Present {
 public:
  Present(Run& run) : index_(run.bundle.rule_index()), places_(run.scratch.present) {
    places_.clear();
    for (const Node& child : run.stanza.children()) look(child);
  }
  std::span<const std::uint16_t> places() const { return places_; }

 private:
  void look(const Node& node) {
    if (node.is_text()) return;
    const Named found = named(node, index_);
    for (const auto place : {found.exact, found.whole})
      if (place && std::ranges::find(places_, *place) == places_.end()) places_.push_back(*place);
    for (const Node& child : node.children()) look(child);
  }

  const RuleIndex& index_;
  Places& places_;
};

/// Where an element between two texts went, they become one.
void merge_texts(Node& parent, inspect::Arena& arena) {
  for (Node* child = parent.first_child; child; child = child->next) {
    if (!child->is_text() || !child->next || !child->next->is_text()) continue;
    std::size_t size = 0;
    Node* end = child;
    for (; end && end->is_text(); end = end->next) size += end->text.size();
    const std::span<char> whole = arena.array<char>(size);
    auto at = whole.begin();
    for (const Node* text = child; text != end; text = text->next)
      at = std::copy(text->text.begin(), text->text.end(), at);
    child->text = {whole.data(), whole.size()};
    child->next = end;
  }
}

/// Goes through a stanza with the names that one rule lists.
class Listed {
 public:
  Listed(const Run& run, const Places& places)
      : index_(run.bundle.rule_index()),
        places_(places),
        labels_judged_(run.labels_judged),
        arena_(run.scratch.arena) {}

  /// Whether everything below is listed. An element inside one of its own namespace is listed with it.
  bool covers_all(const Node& parent, std::string_view around = ns::kContent, bool is_stanza = true) const {
    return std::ranges::all_of(parent.children(), [&](const Node& child) {
      if (child.is_text() || is_judged_label(child)) return true;
      return (is_of_an_error(child, is_stanza) || covers(child, around)) &&
             covers_all(child, namespace_of(child), false);
    });
  }

  bool remove(Node& parent, bool is_stanza = true) const {
    bool below = false;
    const bool here = keep_children(parent, [&](Node& child) {
      if (child.is_text() || is_judged_label(child)) return true;
      if (!is_of_an_error(child, is_stanza) && is_among(named(child, index_), places_)) return false;
      below = remove(child, false) || below;
      return true;
    });
    if (here) merge_texts(parent, arena_);
    return here || below;
  }

  bool keep(Node& parent, std::string_view around = ns::kContent, bool is_stanza = true) const {
    bool below = false;
    const bool here = keep_children(parent, [&](Node& child) {
      if (child.is_text() || is_judged_label(child)) return true;
      if (!is_of_an_error(child, is_stanza) && !covers(child, around)) return false;
      below = keep(child, namespace_of(child), false) || below;
      return true;
    });
    if (here) merge_texts(parent, arena_);
    return here || below;
  }

 private:
  bool covers(const Node& node, std::string_view around) const {
    const bool with_its_parent = !around.empty() && namespace_of(node) == around;
    return with_its_parent || is_among(named(node, index_), places_);
  }
  /// The label stage answers for labels, and no rule; where it is switched off nobody does.
  bool is_judged_label(const Node& node) const { return labels_judged_ && node.is(ns::kLabel, "securitylabel"); }
  /// An error is not an error without these (RFC 6120 8.3.2).
  static bool is_of_an_error(const Node& node, bool in_the_stanza) {
    return node.ns == ns::kStanzaErrors || (in_the_stanza && node.is(ns::kContent, "error"));
  }

  const RuleIndex& index_;
  const Places& places_;
  bool labels_judged_;
  inspect::Arena& arena_;
};

/// What a rule's condition on labels, if it has one, makes of that label.
bool asks_for(const Rule& rule, LabelSeen label, const Run& run) {
  if (!rule.label) return true;
  return label ? matches(*rule.label, *label, *run.bundle.label_rules()) : !lets_cross(rule.action);
}

}  // namespace

std::span<const LabelSeen> labels_seen(Run& run) {
  std::vector<LabelSeen>& seen = run.scratch.labels_seen;
  seen.clear();
  if (!run.bundle.rule_index().ask_for_label() || !run.labels_judged) {
    seen.emplace_back(std::nullopt);
    return seen;
  }
  for (const auto& label : run.scratch.labels_found)
    if (std::ranges::find(seen, LabelSeen(label.get())) == seen.end()) seen.emplace_back(label.get());
  if (seen.empty()) seen.emplace_back(nullptr);
  return seen;
}

namespace {

std::optional<RuleIndex::OfSession> of_session(const Run& run) {
  const Login* login = run.crossing.login;
  if (login == nullptr || run.crossing.client == nullptr) return std::nullopt;
  const auto place = static_cast<std::uint16_t>(login - run.bundle.tables().logins.data());
  return RuleIndex::OfSession{place, run.crossing.client->from_client};
}

}  // namespace

const Rule* first_match(Run& run, LabelSeen label) {
  const RuleIndex& index = run.bundle.rule_index();
  if (index.empty() || !run.from_domain || !run.to_domain) return nullptr;
  auto candidates = index.candidates({.from_domain = run.bundle.number_of(*run.from_domain),
                                      .to_domain = run.bundle.number_of(*run.to_domain),
                                      .from_bare = run.facts.from.bare(),
                                      .to_bare = run.facts.to.bare(),
                                      .type = stanza_type(run.kind, run.facts.type),
                                      .session = of_session(run)});
  if (index.ask_for_payload(candidates)) index.keep_with_payload(candidates, Present(run).places());
  while (const auto place = candidates.next()) {
    const Rule& rule = run.bundle.tables().rules[*place];
    if (rule.window && !rule.window->is_open(run.now.wall)) continue;
    if (!asks_for(rule, label, run)) continue;
    if (rule.only_payload && !Listed(run, *rule.only_payload).covers_all(run.stanza)) continue;
    return &rule;
  }
  return nullptr;
}

std::expected<bool, Reason> edit(Run& run, const Rule& rule) {
  bool any_went = false;
  if (rule.remove) any_went = Listed(run, *rule.remove).remove(run.stanza);
  if (rule.keep) any_went = Listed(run, *rule.keep).keep(run.stanza);
  // RFC 6120 8.2.3: a request has exactly one child.
  const bool is_request = run.kind == Kind::Iq && (run.facts.type == "get" || run.facts.type == "set");
  if (is_request && !run.stanza.has_child_elements()) return std::unexpected(Reason::RuleNothingLeft);
  return any_went;
}

}  // namespace sallyport::policy
