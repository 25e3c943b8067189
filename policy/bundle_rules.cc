// What the guard relies on in the rules of a bundle.
#include <algorithm>
#include <set>
#include <string_view>

#include "inspect/jid.h"
#include "inspect/names.h"
#include "inspect/utf8.h"
#include "policy/bundle.h"
#include "policy/bundle_faults.h"
#include "policy/identifier.h"

namespace sallyport::policy {
namespace {

using Numbers = std::vector<std::uint16_t>;

constexpr std::size_t kMostLists = 0xFFFF;
constexpr std::size_t kLongestName = 1024;  // of a namespace or an element
constexpr StanzaTypes kRequests = bit(StanzaType::IqGet) | bit(StanzaType::IqSet);

bool is_bare_jid(std::string_view text) {
  const auto jid = inspect::Jid::parse(text, inspect::JidProfile::Unicode);
  return jid && jid->full() == text && jid->is_bare() && !jid->local().empty();
}

/// Rising places in a table of `size` rows.
bool are_places(const Numbers& numbers, std::size_t size) {
  return strictly_rising(numbers, [](std::uint16_t n) { return n; }) && (numbers.empty() || numbers.back() < size);
}

bool are_places(const std::optional<Numbers>& numbers, std::size_t size) {
  return !numbers || (!numbers->empty() && are_places(*numbers, size));
}

std::optional<std::string> lists_fault(const Tables& tables) {
  if (tables.lists.size() > kMostLists) return "there are too many lists of addresses";
  for (const AddressList& list : tables.lists) {
    if (!list.name.empty() && !is_identifier(list.name)) return "a list of addresses has no usable name";
    if (list.bare.empty()) return "a list of addresses is empty";
    if (!strictly_rising(list.bare, [](std::string_view jid) { return jid; }))
      return "a list of addresses is not sorted and unique";
    if (!std::ranges::all_of(list.bare, is_bare_jid)) return "a list has what is not a bare address";
  }
  return std::nullopt;
}

std::optional<std::string> payloads_fault(const Tables& tables) {
  if (tables.payloads.size() > kMostPayloads) return "there are too many payload names";
  if (!strictly_rising(tables.payloads, [](const PayloadName& p) { return p; }))
    return "payload names are not sorted and unique";
  for (const PayloadName& payload : tables.payloads) {
    for (const std::string& part : {payload.ns, payload.name})
      if (part.size() > kLongestName || (!part.empty() && !is_title(part, kLongestName)))
        return "a payload name is not usable";
    if (payload.ns == inspect::ns::kContent && payload.name.empty()) return "a payload has no name";
  }
  return std::nullopt;
}

bool is_side(const Side& side, const Tables& tables) {
  const bool names_some = !side.domains.empty() || !side.lists.empty();
  return side.any != names_some && are_places(side.domains, tables.domains.size()) &&
         are_places(side.lists, tables.lists.size());
}

bool is_window(const Window& window) {
  return window.days != 0 && window.days <= Window::kAllDays && window.from_minute < Window::kDay &&
         window.until_minute > 0 && window.until_minute <= Window::kDay && window.from_minute != window.until_minute &&
         window.not_before < window.not_after;
}

/// What belongs to one action stands with that action only, so that a rule has one encoding.
std::optional<std::string> action_fault(const Rule& rule) {
  const bool takes_out = rule.remove || rule.keep;
  if (takes_out != (rule.action == Action::Alter)) return "a rule alters nothing, or takes something out unasked";
  if (rule.remove && rule.keep) return "a rule names what goes and what stays";
  if (rule.action == Action::Answer) {
    if ((rule.stanzas & ~kRequests) != 0) return "a rule answers what is no request";
  } else if (rule.answer != AnswerWith::ServiceUnavailable) {
    return "a rule has an answer that it does not give";
  }
  const bool may_have_condition = rule.action == Action::Bounce && (rule.stanzas & ~types_of(Kind::Message)) == 0;
  if (rule.condition && !may_have_condition) return "a rule has a condition for what is no bounced message";
  return std::nullopt;
}

std::optional<std::string> login_fault(const Rule& rule, const Tables& tables) {
  if (!are_places(rule.logins, tables.logins.size())) return "a rule names logins that do not exist";
  if (!rule.logins && rule.towards != Towards::Either) return "a rule has a way of sessions, and names no login";
  return std::nullopt;
}

/// The label policies themselves are looked at when all is read (LabelRules::make).
std::optional<std::string> label_fault(const Rule& rule, const Tables& tables) {
  if (!rule.label) return std::nullopt;
  if (rule.label->empty() || rule.label->size() > kMostLabelMatches) return "a rule asks for no label, or for too many";
  const auto is_set = [](const auto& keys) { return strictly_rising(keys, [](const auto& key) { return key; }); };
  for (const LabelMatch& match : *rule.label) {
    if (match.none) {
      LabelMatch bare;
      bare.none = true;
      if (match != bare) return "a rule asks for a label and for none at once";
      continue;
    }
    if (match.policy >= tables.labels.policies.size()) return "a rule asks for a label of no policy";
    if (match.classes.empty() || !is_set(match.classes)) return "a rule asks for labels of no class";
    if (match.any_of && (match.any_of->empty() || !is_set(*match.any_of))) return "a rule asks for one of no values";
    if (!is_set(match.all_of) || !is_set(match.none_of)) return "values that a rule asks for are not sorted and unique";
  }
  return std::nullopt;
}

std::optional<std::string> rule_fault(const Rule& rule, const Tables& tables) {
  if (!is_identifier(rule.id)) return "a rule has no usable id";
  if (!is_title(rule.text)) return "a rule has no usable text";
  if (!is_side(rule.from, tables) || !is_side(rule.to, tables)) return "a side of a rule is not consistent";
  if (rule.stanzas == 0 || (rule.stanzas & ~kAllStanzaTypes) != 0) return "a rule is about no kind of stanza";
  for (const auto* payloads : {&rule.payload, &rule.only_payload, &rule.remove, &rule.keep})
    if (!are_places(*payloads, tables.payloads.size())) return "a rule names payloads that do not exist";
  if (auto what = login_fault(rule, tables)) return what;
  if (rule.window && !is_window(*rule.window)) return "a window never opens";
  if (auto what = label_fault(rule, tables)) return what;
  return action_fault(rule);
}

}  // namespace

std::optional<std::string> rules_fault(const Tables& tables) {
  if (auto what = lists_fault(tables)) return what;
  if (auto what = payloads_fault(tables)) return what;
  if (tables.rules.size() > kMostRules) return "there are too many rules";
  std::set<std::string_view> ids;
  for (const Peering& peering : tables.peerings) ids.insert(peering.id);
  for (const Rule& rule : tables.rules) {
    if (!ids.insert(rule.id).second) return "two rules have one id";
    if (auto what = rule_fault(rule, tables)) return what;
  }
  return std::nullopt;
}

}  // namespace sallyport::policy
