#include "policy/source/rules.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "inspect/jid.h"
#include "inspect/names.h"

namespace sallyport::policy::source {
namespace {

using Numbers = std::set<std::uint16_t>;
using Addresses = std::set<std::string>;

/// What a set or a side comes to.
struct Members {
  Numbers domains, lists;
  Addresses bare;
};

struct NamedSet {
  const SetText* text;
  Members members;
  bool used = false;
};
using Sets = std::map<std::string, NamedSet, std::less<>>;

class RulesCompiler {
 public:
  RulesCompiler(Reading& in, const PolicyText& text, const RuleLabels& labels, Tables& tables)
      : in_(in), text_(text), labels_(labels), tables_(tables) {}

  void run() {
    read_sets(text_.domain_sets, domain_sets_, &RulesCompiler::domain_member);
    read_sets(text_.user_lists, user_lists_, &RulesCompiler::user_member);
    read_sets(text_.room_lists, room_lists_, &RulesCompiler::room_member);
    number_payloads();
    std::map<std::string, toml::source_region> ids;
    for (const PeeringText& peering : text_.peerings) ids.try_emplace(peering.rule.id, peering.at);
    for (const RuleText& rule : text_.rules) {
      const auto [at, is_new] = ids.try_emplace(rule.rule.id, rule.at);
      if (!is_new && !rule.rule.id.empty())
        in_.mistake(rule.at,
                    "'" + rule.rule.id + "' is the id of another rule or peering, line " +
                        std::to_string(at->second.begin.line),
                    "give each rule an id of its own, since records name it");
      add(rule);
      tables_.rules.back().label = labels_[tables_.rules.size() - 1];
    }
    if (text_.rules.size() > kMostRules)
      in_.mistake({}, "there are more than " + std::to_string(kMostRules) + " rules",
                  "put what is alike into one rule with a named list");
    warn_of_unused(domain_sets_, "domains");
    warn_of_unused(user_lists_, "users");
    warn_of_unused(room_lists_, "rooms");
  }

 private:
  using ReadMember = void (RulesCompiler::*)(const Written&, Members&);

  void read_sets(const std::vector<SetText>& texts, Sets& sets, ReadMember read) {
    for (const SetText& text : texts) {
      NamedSet& set = sets[text.name.text];
      set.text = &text;
      for (const Written& member : text.members) (this->*read)(member, set.members);
      if (set.members.bare.empty()) continue;
      set.members.lists = {add_list(text.name.text, set.members.bare)};
      set.members.bare.clear();
    }
  }

  std::uint16_t add_list(const std::string& name, const Addresses& bare) {
    const auto [at, is_new] =
        lists_.try_emplace(std::pair(name, bare), static_cast<std::uint16_t>(tables_.lists.size()));
    if (is_new) tables_.lists.push_back({name, {bare.begin(), bare.end()}});
    return at->second;
  }

  // --- members

  std::optional<std::uint16_t> number(std::string_view domain) const {
    const auto at = std::ranges::lower_bound(tables_.domains, domain, {}, &Domain::name);
    if (at == tables_.domains.end() || at->name != domain) return std::nullopt;
    return static_cast<std::uint16_t>(at - tables_.domains.begin());
  }

  void unknown_domain(const Written& at, const std::string& domain) {
    std::vector<std::string_view> names;
    names.reserve(tables_.domains.size());
    for (const Domain& known : tables_.domains) names.emplace_back(known.name);
    const std::string_view meant = inspect::nearest(domain, names);
    in_.mistake(at.at, "no enclave owns the domain '" + domain + "'",
                meant.empty() ? "add it to its enclave, as a domain or a component"
                              : "did you mean '" + std::string(meant) + "'?");
  }

  std::optional<std::string> prepare(const Written& written, std::string_view domain) {
    auto prepared = inspect::Jid::prepare_domain(domain);
    if (prepared) return std::move(*prepared);
    in_.mistake(written.at,
                "'" + written.text + "' is not a domain (" + std::string(inspect::name(prepared.error())) + ")",
                "write a domain as users see it, like \"example.org\"");
    return std::nullopt;
  }

  void domain_member(const Written& written, Members& members) {
    if (written.text.starts_with("*.")) return subdomains(written, members);
    const auto prepared = prepare(written, written.text);
    if (!prepared) return;
    if (const auto found = number(*prepared)) {
      members.domains.insert(*found);
    } else {
      unknown_domain(written, *prepared);
    }
  }

  void subdomains(const Written& written, Members& members) {
    const auto above = prepare(written, std::string_view(written.text).substr(2));
    if (!above) return;
    const std::string end = "." + *above;
    bool any = false;
    for (std::size_t i = 0; i < tables_.domains.size(); ++i) {
      if (!tables_.domains[i].name.ends_with(end)) continue;
      members.domains.insert(static_cast<std::uint16_t>(i));
      any = true;
    }
    if (!any)
      in_.mistake(written.at, "no enclave owns a domain under '" + *above + "'",
                  "add one to its enclave; '*.' does not stand for the domain itself");
  }

  /// A bare JID with localpart, prepared.
  void address(const Written& written, Members& members) {
    const auto jid = inspect::Jid::parse(written.text, inspect::JidProfile::Unicode);
    if (!jid || !jid->is_bare() || jid->local().empty())
      return in_.mistake(written.at, "'" + written.text + "' is not a bare JID",
                         "write an address without resource, like \"ann@example.org\"");
    if (!number(jid->domain())) return unknown_domain(written, std::string(jid->domain()));
    members.bare.insert(std::string(jid->full()));
  }

  void user_member(const Written& written, Members& members) {
    if (written.text.find('@') == std::string::npos)
      return in_.mistake(written.at, "'" + written.text + "' is not the address of a user",
                         "write a bare JID, like \"ann@example.org\"; domains stand in [domains]");
    address(written, members);
  }

  void room_member(const Written& written, Members& members) {
    if (written.text.find('@') != std::string::npos) return address(written, members);
    const auto prepared = prepare(written, written.text);
    if (!prepared) return;
    const auto found = number(*prepared);
    if (!found) return unknown_domain(written, *prepared);
    if (tables_.domains[*found].home == *found)
      return in_.mistake(written.at, "'" + *prepared + "' is a home domain and not a room service",
                         "write one of its components, or a room like \"ops@rooms.example.org\"");
    members.domains.insert(*found);
  }

  // --- sides

  void add_set(const Written& part, std::string_view name, Sets& sets, const std::string& table, Members& members) {
    const auto at = sets.find(name);
    if (at != sets.end()) {
      at->second.used = true;
      members.domains.insert(at->second.members.domains.begin(), at->second.members.domains.end());
      members.lists.insert(at->second.members.lists.begin(), at->second.members.lists.end());
      return;
    }
    std::vector<std::string_view> names;
    for (const auto& [each, set] : sets) names.emplace_back(each);
    const std::string_view meant = inspect::nearest(name, names);
    in_.mistake(part.at, "there is no '" + std::string(name) + "' in [" + table + "]",
                meant.empty() ? "add it there: " + std::string(name) + " = [...]"
                              : "did you mean '" + table + ":" + std::string(meant) + "'?");
  }

  void add_enclave(const Written& part, std::string_view name, Members& members) {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < tables_.enclaves.size(); ++i) {
      names.emplace_back(tables_.enclaves[i].name);
      if (names.back() != name) continue;
      for (std::size_t domain = 0; domain < tables_.domains.size(); ++domain)
        if (tables_.domains[domain].enclave == i) members.domains.insert(static_cast<std::uint16_t>(domain));
      return;
    }
    const std::string_view meant = inspect::nearest(name, names);
    in_.mistake(part.at, "there is no enclave '" + std::string(name) + "'",
                meant.empty() ? "write one of the enclaves of this policy"
                              : "did you mean 'enclave:" + std::string(meant) + "'?");
  }

  void add_part(const Written& part, Members& members) {
    const std::string_view text = part.text;
    const auto after = [&](std::string_view prefix) -> std::optional<std::string_view> {
      if (!text.starts_with(prefix)) return std::nullopt;
      return text.substr(prefix.size());
    };
    if (const auto enclave = after("enclave:")) return add_enclave(part, *enclave, members);
    if (const auto set = after("domains:")) return add_set(part, *set, domain_sets_, "domains", members);
    if (const auto list = after("users:")) return add_set(part, *list, user_lists_, "users", members);
    if (const auto list = after("rooms:")) return add_set(part, *list, room_lists_, "rooms", members);
    if (text.find('@') != std::string_view::npos) return address(part, members);
    domain_member(part, members);
  }

  Side side(const SideText& text) {
    Side side;
    side.any = text.any;
    if (text.any) return side;
    Members members;
    for (const Written& part : text.parts) add_part(part, members);
    if (!members.bare.empty()) members.lists.insert(add_list("", members.bare));
    side.domains.assign(members.domains.begin(), members.domains.end());
    side.lists.assign(members.lists.begin(), members.lists.end());
    return side;
  }

  // --- payloads

  void number_payloads() {
    std::set<PayloadName> all;
    for (const RuleText& rule : text_.rules)
      for (const auto* texts : {&rule.payload, &rule.only_payload, &rule.remove, &rule.keep})
        if (*texts)
          for (const PayloadText& payload : **texts) all.insert(payload.name);
    tables_.payloads.assign(all.begin(), all.end());
    if (all.size() > kMostPayloads)
      in_.mistake({}, "the rules name more than " + std::to_string(kMostPayloads) + " payloads",
                  "name whole namespaces where that is meant");
  }

  std::optional<std::vector<std::uint16_t>> places(const std::optional<PayloadTexts>& texts) const {
    if (!texts) return std::nullopt;
    Numbers numbers;
    for (const PayloadText& payload : *texts)
      numbers.insert(static_cast<std::uint16_t>(std::ranges::lower_bound(tables_.payloads, payload.name) -
                                                tables_.payloads.begin()));
    return std::vector<std::uint16_t>(numbers.begin(), numbers.end());
  }

  // --- actions

  void check_alter(const RuleText& text) {
    const bool alters = text.rule.action == Action::Alter;
    if (alters && !text.remove && !text.keep)
      in_.mistake(text.at, "the rule '" + text.rule.id + "' alters nothing",
                  "say what goes with 'remove' or what stays with 'keep', or use action = \"release\"");
    if (text.remove && text.keep)
      in_.mistake(text.at, "the rule '" + text.rule.id + "' says what goes and what stays",
                  "write 'remove' or 'keep', not both");
    if (!alters && (text.remove || text.keep))
      in_.mistake(text.at, "the rule '" + text.rule.id + "' has 'remove' or 'keep', but does not alter",
                  "write action = \"alter\", or take them away");
    if (!text.remove) return;
    for (const PayloadText& payload : *text.remove) {
      const bool essential = payload.name.ns == inspect::ns::kStanzaErrors ||
                             (payload.name.ns == inspect::ns::kContent && payload.name.name == "error");
      if (payload.name.ns == inspect::ns::kLabel)
        in_.mistake(payload.at, "no rule takes a label out", "what labels may cross is the label stage's to say");
      else if (essential)
        in_.mistake(payload.at, "an error can't be taken out of a stanza", "refuse errors with a rule of their own");
    }
  }

  void unknown_login(const Written& id) {
    std::vector<std::string_view> names;
    names.reserve(tables_.logins.size());
    for (const Login& login : tables_.logins) names.emplace_back(login.rule.id);
    const std::string_view meant = inspect::nearest(id.text, names);
    in_.mistake(id.at, "there is no login '" + id.text + "'",
                meant.empty() ? "write the id of a [[login]]" : "did you mean '" + std::string(meant) + "'?");
  }

  /// One [[login]] stands in the tables once for each enclave and domain.
  std::optional<std::vector<std::uint16_t>> logins(const RuleText& text) {
    if (!text.logins) {
      if (text.towards_at)
        in_.mistake(*text.towards_at, "'towards' stands in a rule that names no login",
                    "add login = [\"ID\"], or take it away");
      return std::nullopt;
    }
    Numbers found;
    for (const Written& id : *text.logins) {
      bool any = false;
      for (std::size_t i = 0; i < tables_.logins.size(); ++i) {
        if (tables_.logins[i].rule.id != id.text) continue;
        found.insert(static_cast<std::uint16_t>(i));
        any = true;
      }
      if (!any) unknown_login(id);
    }
    return std::vector<std::uint16_t>(found.begin(), found.end());
  }

  void check_answer(const RuleText& text) {
    const bool answers = text.rule.action == Action::Answer;
    if (!answers && text.answer_at)
      in_.mistake(*text.answer_at, "'answer' stands in a rule that answers nothing",
                  "write action = \"answer\", or take it away");
    if (!answers) return;
    if (!text.answer_at)
      in_.mistake(text.at, "'answer' is missing", "write answer = \"result\" or answer = \"service-unavailable\"");
    if ((text.rule.stanzas & ~(bit(StanzaType::IqGet) | bit(StanzaType::IqSet))) != 0)
      in_.mistake(text.at, "only iq requests can be answered",
                  "write stanzas = [\"iq:get\", \"iq:set\"] or one of them");
  }

  void check_condition(const RuleText& text) {
    if (!text.condition_at) return;
    if (text.rule.action != Action::Bounce || (text.rule.stanzas & ~types_of(Kind::Message)) != 0)
      in_.mistake(*text.condition_at, "'condition' is for refused messages only",
                  "write action = \"bounce\" and stanzas that are messages, or take it away");
  }

  void add(const RuleText& text) {
    Rule rule = text.rule;
    rule.from = side(text.from);
    rule.to = side(text.to);
    rule.logins = logins(text);
    rule.payload = places(text.payload);
    rule.only_payload = places(text.only_payload);
    rule.remove = places(text.remove);
    rule.keep = places(text.keep);
    check_alter(text);
    check_answer(text);
    check_condition(text);
    tables_.rules.push_back(std::move(rule));
  }

  void warn_of_unused(const Sets& sets, const std::string& table) {
    for (const auto& [name, set] : sets) {
      if (set.used) continue;
      std::string what = "no rule uses '";
      std::string remedy = "name it in a rule as \"";
      in_.warning(set.text->name.at, what.append(name).append("' of [").append(table).append("]"),
                  remedy.append(table).append(":").append(name).append("\", or take it away"));
    }
  }

  Reading& in_;
  const PolicyText& text_;
  const RuleLabels& labels_;
  Tables& tables_;
  Sets domain_sets_, user_lists_, room_lists_;
  std::map<std::pair<std::string, Addresses>, std::uint16_t> lists_;
};

}  // namespace

void compile_rules(Reading& in, const PolicyText& text, const RuleLabels& labels, Tables& tables) {
  RulesCompiler(in, text, labels, tables).run();
}

}  // namespace sallyport::policy::source
