// Stage 4, label: may this label, or the lack of one, cross on this way, and how is it written on the other side
// (labels.md 11, 14)? Every clearance on the way is asked on its own, and all have to grant.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "policy/label/catalog.h"
#include "policy/label/xep0258.h"
#include "policy/label_catalog.h"
#include "policy/label_judge.h"
#include "policy/label_path.h"
#include "policy/stage.h"

namespace sallyport::policy {
namespace {

using inspect::Node;
namespace ns = inspect::ns;
using Judged = std::shared_ptr<const JudgedLabel>;

constexpr std::string_view kReferenceNs = "urn:xmpp:sec-label:pubsub:0";  // XEP-0314, which is not supported
constexpr std::string_view kCarbonsNs = "urn:xmpp:carbons:2";
constexpr std::string_view kArchiveNs = "urn:xmpp:mam:2";
constexpr std::string_view kForwardNs = "urn:xmpp:forward:0";
constexpr std::array<std::string_view, 4> kSignals = {"http://jabber.org/protocol/chatstates", "urn:xmpp:receipts",
                                                      "urn:xmpp:chat-markers:0", "urn:xmpp:hints"};

std::optional<Kind> kind_of(const Node& node) {
  if (node.ns != ns::kContent && node.ns != ns::kClient && node.ns != ns::kServer) return std::nullopt;
  if (node.name == "message") return Kind::Message;
  if (node.name == "presence") return Kind::Presence;
  if (node.name == "iq") return Kind::Iq;
  return std::nullopt;
}

bool is_type(const Node& stanza, std::string_view wanted) {
  const auto* type = stanza.attribute("type");
  return type && *type == wanted;
}

/// One stanza, the outer or one inside, and where its label is.
struct Labelled {
  Node* stanza = nullptr;
  Kind kind = Kind::Message;
  Node* label = nullptr;  ///< its securitylabel
  Labelled* next = nullptr;
};

/// Every stanza in the tree, and whether all that belongs to labels stands where it may (labels.md 11.2).
class Survey {
 public:
  static constexpr std::size_t kMostStanzas = 64;

  Survey(Node& stanza, inspect::Arena& arena) : arena_(arena) { visit(stanza); }
  bool good() const { return good_; }
  /// The outermost; the others follow it.
  const Labelled* first() const { return first_; }
  Node* catalog() const { return catalog_; }

 private:
  void visit(Node& node) {
    const auto kind = kind_of(node);
    Labelled* own = nullptr;
    if (kind) {
      good_ = good_ && count_++ < kMostStanzas;
      if (!good_) return;
      own = *end_ = arena_.one<Labelled>();
      end_ = &own->next;
      *own = {.stanza = &node, .kind = *kind};
    }
    for (Node* child = node.first_child; child; child = child->next) {
      if (child->is_text()) continue;
      for (const inspect::Attribute& attribute : child->attributes)
        if (!attribute.ns.empty() && attribute.ns == kReferenceNs) good_ = false;
      if (child->is(label::kSecLabelNs, "securitylabel")) {
        good_ = good_ && kind == Kind::Message && !own->label && !is_type(node, "error");
        if (good_) own->label = child;
      } else if (own == first_ && kind == Kind::Iq && is_type(node, "result") &&
                 child->is(label::kCatalogNs, "catalog")) {
        catalog_ = child;  // its own filter reads what is inside
      } else {
        visit(*child);
      }
      if (!good_) return;
    }
  }

  inspect::Arena& arena_;
  Labelled* first_ = nullptr;
  Labelled** end_ = &first_;
  std::size_t count_ = 0;
  Node* catalog_ = nullptr;
  bool good_ = true;
};

/// For the key of the cache, in which a tree stands as no other does. Unlike the normal form it has no table of
/// namespaces, which would cost memory for every label.
void write_key(const Node& node, inspect::OctetWriter& key) {
  constexpr std::uint8_t kText = 0, kElement = 1, kEnd = 2;
  if (node.is_text()) {
    key.integer(kText);
    return key.string(node.text);
  }
  key.integer(kElement);
  key.string(node.ns);
  key.string(node.name);
  key.integer(static_cast<std::uint32_t>(node.attributes.size()));
  for (const inspect::Attribute& attribute : node.attributes)
    for (const std::string_view part : {attribute.ns, attribute.name, attribute.value}) key.string(part);
  for (const Node& child : node.children()) write_key(child, key);
  key.integer(kEnd);
}

class LabelStage {
 public:
  LabelStage(Run& run, const LabelRules& rules)
      : run_(run),
        rules_(rules),
        editor_(run.scratch.arena),
        from_(station(run, run.from_domain, run.facts.from, true)),
        to_(station(run, run.to_domain, run.facts.to, false)),
        way_{from_.enclave, to_.enclave, run.bundle.number_of(*run.peering, run.crossing.login)} {}

  Objection run() {
    run_.scratch.labels_found.clear();
    run_.labels_judged = true;
    const Survey survey(run_.stanza, run_.scratch.arena);
    if (!survey.good()) return Reason::LabelViolation;
    if (survey.catalog() && labels().iq != Unlabelled::Refuse) return cut(*survey.catalog());
    for (const Labelled* each = survey.first(); each != nullptr; each = each->next)
      if (const auto objection = judge_stanza(*each)) return objection;
    return std::nullopt;
  }

  Objection judge_stanza(const Labelled& each) {
    if (is_type(*each.stanza, "error")) return without_label();  // labels.md 11.2: no check on errors
    const Unlabelled rule = each.kind == Kind::Message    ? labels().message
                            : each.kind == Kind::Presence ? labels().presence
                                                          : labels().iq;
    if (each.kind != Kind::Message) return unlabelled(each, rule == Unlabelled::Stamp ? Unlabelled::Assume : rule);
    if (!each.label) {
      if (const auto number = first_line(*each.stanza)) return judge_named(each, *number, true);
      if (carries_others_only(*each.stanza)) return std::nullopt;
      if (labels().signals_pass && is_signal(*each.stanza)) return without_label();
      return unlabelled(each, rule);
    }
    const Judged judged = judged_element(*each.label);
    if (judged->is_default) return unlabelled(each, rule == Unlabelled::Pass ? Unlabelled::Refuse : rule);
    return settle(each, judged, true);
  }

  /// `tell` hears of every item with a label.
  template <class Tell>
  label::CatalogOutcome cut(Node& catalog, const Tell& tell) {
    const bool required = labels().message == Unlabelled::Refuse;
    const label::CatalogRules how{.unlabelled = !required, .restrict = required || !labels().only.empty()};
    const auto judge_item = [&](const Node& element) -> std::optional<label::CatalogItem> {
      const Judged judged = judged_element(element);
      const Objection objection = object_to_item(*judged);
      Node* made = nullptr;
      if (!objection) made = judged->unchanged ? editor_.copy(element) : tree(*judged);
      tell({.objection = objection, .detail = run_.label_detail});
      if (!made) return std::nullopt;
      return label::CatalogItem{judged->destination().label, made};
    };
    const auto outcome = label::filter_catalog(catalog, how, judge_item, run_.scratch.arena);
    run_.label_detail.clear();
    return outcome;
  }

 private:
  /// In a session the client is in another enclave than its account's address says.
  static Station station(const Run& run, const Domain* domain, const Address& address, bool is_sender) {
    const Login* login = run.crossing.login;
    if (login == nullptr) return Station::at(*domain, address.bare());
    if (is_sender == run.crossing.client->from_client) return {login->enclave, nullptr, nullptr, address.bare()};
    const Domain& server = run.bundle.tables().domains[login->domain];
    return {server.enclave, &server, domain, address.bare()};
  }

  const PeeringLabels& labels() const { return run_.peering->labels; }
  label::Time now() const { return run_.now.wall; }
  LabelCarrier carrier(const Station& at) const {
    if (rules_.empty()) return LabelCarrier::Element;
    const Domain* home = at.domain != nullptr ? &run_.bundle.home_of(*at.domain) : nullptr;
    for (const Domain* each : {at.domain, home, at.server})
      if (each != nullptr)
        if (const LabelHolder* holder = rules_.holder(each->name); holder && holder->carrier) return *holder->carrier;
    return rules_.enclave(at.enclave).carrier;
  }

  // --- what a label comes to, from the cache where it has been seen ---

  std::string& key() {
    std::string& key = run_.scratch.labels.room();
    key.clear();
    inspect::OctetWriter writer(key);
    writer.integer(way_.from_enclave);
    writer.integer(way_.to_enclave);
    writer.integer(way_.peering);
    return key;
  }

  Judged judged(const std::string& of, const LabelOrigin& origin) {
    Judged found = run_.scratch.labels.find(of, now());
    if (found) return found;
    found = judge_label(rules_, labels(), way_, origin, now());
    run_.scratch.labels.keep(of, found);
    return found;
  }
  Judged judged_element(const Node& element) {
    std::string& of = key();
    inspect::OctetWriter writer(of);
    write_key(element, writer);
    return judged(of, {.element = &element, .named = 0});
  }
  Judged judged_named(std::uint16_t number) {
    std::string& of = key();
    inspect::OctetWriter(of).integer(number);
    return judged(of, {.element = nullptr, .named = number});
  }

  // --- clearances ---

  /// labels.md 11.4. One that has none of its own has that of its domain, and that of its enclave.
  Objection ask_side(const JudgedLabel& judged, bool at_destination) {
    const Station& at = at_destination ? to_ : from_;
    const std::uint16_t policy = at_destination ? judged.destination().policy : judged.source.policy;
    const ClearedOnSide cleared(run_.bundle, at);
    for (const Cleared& each : cleared.all()) {
      const auto number = rules_.clearance_under(*each.clearances, policy);
      if (!number) return refuse(Reason::LabelClearancePolicy, "clearance-policy", each.whose);
      const auto refusal = refused_by(rules_, judged, at_destination, *number);
      if (refusal) return refuse(reason_of(refusal->cause), refusal->text(), each.whose);
    }
    if (!cleared.all().empty()) return std::nullopt;
    const std::string_view whose =
        at.domain != nullptr ? std::string_view(at.domain->name) : run_.bundle.enclave_name(at.enclave);
    return refuse(Reason::LabelNilClearance, "nil-clearance", whose);
  }

  Objection ask_all(const JudgedLabel& judged) {
    if (const auto objection = ask_side(judged, false)) return objection;
    return ask_side(judged, true);
  }

  Objection refuse(Reason reason, std::string_view detail, std::string_view whose) {
    run_.label_detail = detail;
    if (!whose.empty()) run_.label_detail.append(" of ").append(whose);
    return reason;
  }

  // --- one stanza ---

  /// It crosses without one, as far as this stage goes; rules may ask for that.
  Objection without_label() {
    run_.scratch.labels_found.emplace_back();
    return std::nullopt;
  }

  /// The decisions, and then the edits.
  Objection settle(const Labelled& each, const Judged& judged, bool is_written) {
    if (each.stanza == &run_.stanza) run_.label = judged;
    if (const Objection objection = judged->objection) return refuse(*objection, judged->detail, "");
    if (const auto objection = ask_all(*judged)) return objection;
    run_.scratch.labels_found.push_back(judged);
    return is_written ? write(each, *judged) : std::nullopt;
  }

  Objection judge_named(const Labelled& each, std::uint16_t number, bool is_written) {
    return settle(each, judged_named(number), is_written);
  }

  Objection unlabelled(const Labelled& each, Unlabelled rule) {
    if (rule == Unlabelled::Pass) return without_label();
    const auto number = rule == Unlabelled::Refuse ? std::nullopt : default_label(*each.stanza);
    if (!number) return Reason::LabelMissing;
    // A <label/> asks for the default; what stands beside it is not to be believed, and goes.
    const bool is_written = rule == Unlabelled::Stamp || each.label;
    run_.findings.add(is_written ? Reason::LabelStamped : Reason::LabelAssumed);
    return judge_named(each, *number, is_written);
  }

  /// A subject of a room is labelled as the room is; what else comes from somebody, as he, his domain or his enclave
  /// says.
  std::optional<std::uint16_t> default_label(const Node& stanza) const {
    const bool subject =
        is_type(stanza, "groupchat") && stanza.child(stanza.ns, "subject") && !stanza.child(stanza.ns, "body");
    return policy::default_label(run_.bundle, from_, subject ? run_.facts.to.bare() : std::string_view());
  }

  /// A copy from an archive or of a carbon says nothing itself; what is in it has a label of its own. Without a message
  /// inside it is no copy of anything.
  static bool carries_others_only(const Node& stanza) {
    bool any = false;
    for (const Node& child : stanza.children()) {
      if (child.is_text()) continue;
      if ((child.ns != kCarbonsNs && child.ns != kArchiveNs) || !holds_message(child)) return false;
      any = true;
    }
    return any;
  }

  static bool holds_message(const Node& copy) {
    const auto is_message = [](const Node& child) { return kind_of(child) == Kind::Message; };
    bool any = false;
    for (const Node& child : copy.children()) {
      if (child.is_text() && is_whitespace(child.text)) continue;
      if (!child.is(kForwardNs, "forwarded") || !std::ranges::any_of(child.children(), is_message)) return false;
      any = true;
    }
    return any;
  }

  static bool is_signal(const Node& stanza) {
    bool any = false;
    for (const Node& child : stanza.children()) {
      if (child.is_text()) continue;
      if (child.is(stanza.ns, "thread")) continue;
      if (std::ranges::find(kSignals, child.ns) == kSignals.end()) return false;
      any = true;
    }
    return any;
  }

  // --- what is written ---

  Objection write(const Labelled& each, const JudgedLabel& judged) {
    const LabelCarrier how = carrier(to_);
    if (how == LabelCarrier::Element) return write_element(each, judged);
    if (how == LabelCarrier::FirstLine) add_first_line(*each.stanza, judged.first_line);
    if (!each.label) return std::nullopt;
    editor_.remove_child(*each.stanza, *each.label);
    run_.findings.add(Reason::LabelStripped);
    return std::nullopt;
  }

  Objection write_element(const Labelled& each, const JudgedLabel& judged) {
    for (const Reason finding : judged.findings) run_.findings.add(finding);
    if (each.label && judged.unchanged) return std::nullopt;
    Node* made = tree(judged);
    if (!made) return Reason::LabelFormat;
    if (each.label) {
      Node* next = each.label->next;
      *each.label = *made;
      each.label->next = next;
    } else {
      editor_.append(*each.stanza, *made);
    }
    return std::nullopt;
  }

  /// The securitylabel that leaves. The texts of a cached one must not be pointed at: it may be forgotten first.
  Node* tree(const JudgedLabel& judged) {
    const auto made = inspect::decode(run_.scratch.arena.copy(judged.written), run_.scratch.arena, {});
    return made ? *made : nullptr;
  }

  void add_first_line(Node& stanza, std::string_view line) {
    for (Node* child = stanza.first_child; child; child = child->next) {
      if (!child->is(stanza.ns, "body")) continue;
      std::string text(line);
      text.append("\n").append(child->text_content());
      editor_.remove_children(*child);
      editor_.append_text(*child, run_.scratch.arena.copy(text));
      run_.findings.add(Reason::LabelFirstLineAdded);
    }
  }

  /// Takes the marking off all bodies if it is the same known one on each of them.
  std::optional<std::uint16_t> first_line(Node& stanza) {
    if (carrier(from_) != LabelCarrier::FirstLine) return std::nullopt;
    std::optional<std::uint16_t> found;
    for (const Node& child : stanza.children()) {
      if (!child.is(stanza.ns, "body")) continue;
      const std::string_view text = child.text_content();
      const auto number = rules_.label_of_first_line(from_.enclave, text.substr(0, text.find('\n')));
      if (!number || (found && *found != *number)) return std::nullopt;
      found = number;
    }
    if (!found) return std::nullopt;
    for (Node* child = stanza.first_child; child; child = child->next) {
      if (!child->is(stanza.ns, "body")) continue;
      const std::string_view text = child->text_content();
      const std::size_t end = text.find('\n');
      editor_.remove_children(*child);
      editor_.append_text(*child, end == std::string_view::npos ? std::string_view() : text.substr(end + 1));
    }
    run_.findings.add(Reason::LabelFirstLineRead);
    return found;
  }

  // --- catalogs ---

  Objection object_to_item(const JudgedLabel& judged) {
    run_.label_detail.clear();
    if (judged.is_default) return Reason::LabelUnusable;
    if (judged.objection) return refuse(*judged.objection, judged.detail, "");
    return ask_all(judged);
  }

  Objection cut(Node& catalog) {
    const auto outcome = cut(catalog, [](const CatalogItemJudged&) {});
    if (outcome == label::CatalogOutcome::Malformed) return Reason::LabelViolation;
    if (outcome == label::CatalogOutcome::Changed) run_.findings.add(Reason::LabelCatalogCut);
    return std::nullopt;
  }

  Run& run_;
  const LabelRules& rules_;
  inspect::TreeEditor editor_;
  const Station from_, to_;
  const LabelWay way_;
};

}  // namespace

Objection label_stage(Run& run) {
  run.scratch.labels.follow(run.bundle.label_rules());
  return LabelStage(run, *run.bundle.label_rules()).run();
}

std::optional<CatalogCut> cut_catalog(Node& catalog, const Address& from, const Address& to, const Moment& now,
                                      const Bundle& bundle, Scratch& scratch) {
  const Domain* from_domain = bundle.domain(from.domain);
  const Domain* to_domain = bundle.domain(to.domain);
  const Peering* peering = from_domain && to_domain ? bundle.peering(*from_domain, *to_domain) : nullptr;
  if (!peering) return std::nullopt;
  const Crossing crossing{.from_enclave = bundle.enclave_of(*from_domain).name,
                          .to_enclave = bundle.enclave_of(*to_domain).name,
                          .lang = {},
                          .granted = {}};
  Run run{.stanza = catalog, .octets = 0, .crossing = crossing, .now = now, .bundle = bundle, .scratch = scratch};
  run.facts.from = from;
  run.facts.to = to;
  run.peering = peering;
  run.from_domain = from_domain;
  run.to_domain = to_domain;
  scratch.labels.follow(bundle.label_rules());
  CatalogCut made;
  made.outcome = LabelStage(run, *bundle.label_rules()).cut(catalog, [&](const CatalogItemJudged& item) {
    made.items.push_back(item);
  });
  return made;
}

}  // namespace sallyport::policy
