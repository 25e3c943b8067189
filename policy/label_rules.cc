#include "policy/label_rules.h"

#include <algorithm>
#include <set>
#include <utility>

#include "policy/label/marking.h"

namespace sallyport::policy {
namespace {

template <class Row>
bool all_below(const std::vector<std::uint16_t>& numbers, const std::vector<Row>& rows) {
  return std::ranges::all_of(numbers, [&](std::uint16_t number) { return number < rows.size(); });
}
template <class Row>
bool is_below(const std::optional<std::uint16_t>& number, const std::vector<Row>& rows) {
  return !number || *number < rows.size();
}

template <class Row>
bool has_unique_names(const std::vector<Row>& rows) {
  std::set<std::string_view> names;
  return std::ranges::all_of(rows, [&](const Row& row) { return !row.name.empty() && names.insert(row.name).second; });
}

bool one_for_each_policy(const LabelTables& tables, const std::vector<std::uint16_t>& clearances) {
  std::set<std::uint16_t> policies;
  return all_below(clearances, tables.clearances) && std::ranges::all_of(clearances, [&](std::uint16_t number) {
           return policies.insert(tables.clearances[number].policy).second;
         });
}

/// What the look-ups rely on, the policies apart.
std::optional<std::string> rows_fault(const LabelTables& tables, std::size_t enclaves) {
  if (std::max({tables.policies.size(), tables.labels.size(), tables.clearances.size(), tables.translations.size(),
                tables.holders.size()}) > kMostLabelRows)
    return "there are too many rows about labels";
  if (!has_unique_names(tables.policies) || !has_unique_names(tables.labels) || !has_unique_names(tables.clearances))
    return "label policies, labels or clearances have no names, or share them";
  for (const LabelTranslation& each : tables.translations)
    if (each.from >= tables.policies.size() || each.to >= tables.policies.size() || each.from == each.to)
      return "a translation of labels is not between two policies";
  if (!tables.policies.empty() && tables.enclaves.size() != enclaves)
    return "not every enclave has its rules of labels";
  const bool any_row =
      !tables.labels.empty() || !tables.clearances.empty() || !tables.enclaves.empty() || !tables.holders.empty();
  if (tables.policies.empty() && any_row) return "there are rules of labels but no policy of labels";
  for (const EnclaveLabels& each : tables.enclaves)
    if (!is_below(each.policy, tables.policies) || !is_below(each.label, tables.labels) ||
        !all_below(each.first_lines, tables.labels) || !one_for_each_policy(tables, each.clearances))
      return "the rules of labels of an enclave lead nowhere";
  std::string_view before;
  for (const LabelHolder& each : tables.holders) {
    if (each.address <= before) return "who has clearances is not sorted and unique";
    before = each.address;
    if (!is_below(each.label, tables.labels) || !one_for_each_policy(tables, each.clearances))
      return "a clearance leads nowhere";
  }
  return std::nullopt;
}

/// What its policy does not know covers nothing (I6), and may stand in it.
bool is_sound(const label::Policy& policy, const label::Clearance& clearance) {
  return clearance.policy == policy.id() && std::ranges::is_sorted(clearance.classes) &&
         std::ranges::is_sorted(clearance.categories) &&
         std::ranges::all_of(clearance.categories, [](const label::CatKey& key) { return key.tag_set.is_sound(); });
}

}  // namespace

std::optional<label::Resolved> look_up(const label::Policy& policy, const label::Label& label) {
  const auto number = label.classification ? policy.class_number(*label.classification) : std::nullopt;
  if (label.policy != policy.id() || !number) return std::nullopt;
  label::Resolved resolved{.classification = *number, .categories = {}};
  for (const label::CatKey& key : label.categories) {
    const auto category = policy.category_number(key);
    if (!category) return std::nullopt;
    resolved.categories.push_back(*category);
  }
  std::ranges::sort(resolved.categories);
  return resolved;
}

std::expected<std::shared_ptr<const LabelRules>, std::string> LabelRules::make(const LabelTables& tables,
                                                                               std::size_t enclaves) {
  if (auto fault = rows_fault(tables, enclaves)) return std::unexpected(std::move(*fault));
  std::shared_ptr<LabelRules> rules(new LabelRules);
  rules->tables_ = tables;
  for (const LabelPolicy& row : tables.policies) {
    auto policy = label::Policy::make(row.spif);
    if (!policy) return std::unexpected("the policy of labels " + row.name + ": " + policy.error());
    rules->policies_.push_back(std::move(*policy));
  }
  std::set<std::string> ids, names;
  for (const label::Policy& policy : rules->policies_) {
    if (!ids.insert(policy.id().content()).second || !names.insert(label::folded(policy.spif().name)).second)
      return std::unexpected(std::string("two policies of labels have one name or identifier"));
    rules->views_.push_back(&policy);
  }
  rules->lexicon_ = std::make_unique<const label::Lexicon>(rules->views_, tables.names);
  for (const NamedLabel& row : tables.labels)
    if (row.policy >= tables.policies.size() || !look_up(rules->policy(row.policy), row.label))
      return std::unexpected("the label " + row.name + " is none of its policy");
  for (const NamedClearance& row : tables.clearances)
    if (row.policy >= tables.policies.size() || !is_sound(rules->policy(row.policy), row.clearance))
      return std::unexpected("the clearance " + row.name + " is not under its policy");
  for (const EnclaveLabels& enclave : tables.enclaves) {
    auto& lines = rules->first_lines_.emplace_back();
    for (const std::uint16_t number : enclave.first_lines) {
      const std::uint16_t of = tables.labels[number].policy;
      const auto resolved = look_up(rules->policy(of), tables.labels[number].label);
      const auto text = resolved ? label::marking(rules->policy(of), *resolved, label::Place::FirstLineOfText,
                                                  rules->row(of).lang, rules->options(of))
                                 : std::nullopt;
      if (!text || text->empty() || !lines.emplace(*text, number).second)
        return std::unexpected("the label " + tables.labels[number].name + " has no first line of its own");
    }
  }
  return rules;
}

std::optional<std::uint16_t> LabelRules::policy_number(const label::Oid& id) const {
  for (std::size_t i = 0; i < policies_.size(); ++i)
    if (policies_[i].id() == id) return static_cast<std::uint16_t>(i);
  return std::nullopt;
}

const LabelHolder* LabelRules::holder(std::string_view address) const {
  const auto at = std::ranges::lower_bound(tables_.holders, address, {}, &LabelHolder::address);
  return at != tables_.holders.end() && at->address == address ? &*at : nullptr;
}

std::optional<std::uint16_t> LabelRules::clearance_under(const std::vector<std::uint16_t>& clearances,
                                                         std::uint16_t policy) const {
  const auto at = std::ranges::find_if(
      clearances, [&](std::uint16_t number) { return tables_.clearances[number].policy == policy; });
  return at == clearances.end() ? std::nullopt : std::optional(*at);
}

const LabelTranslation* LabelRules::translation(std::uint16_t from, std::uint16_t to) const {
  for (const LabelTranslation& each : tables_.translations)
    if (each.from == from && each.to == to) return &each;
  return nullptr;
}

std::expected<label::Translation, label::Refusal> translate(const LabelRules& rules, const LabelTranslation& table,
                                                            const label::Label& label, label::Time now) {
  const label::Policy &from = rules.policy(table.from), &to = rules.policy(table.to);
  const label::Options &of_from = rules.options(table.from), &of_to = rules.options(table.to);
  if (table.reverse) return label::translate_reverse({from.id(), &from, of_from}, to, of_to, label, now);
  return label::translate_forward(from, of_from, {to.id(), &to, of_to}, label, now);
}

std::optional<std::uint16_t> LabelRules::label_of_first_line(std::uint16_t enclave, std::string_view line) const {
  if (enclave >= first_lines_.size()) return std::nullopt;
  const auto at = first_lines_[enclave].find(line);
  return at == first_lines_[enclave].end() ? std::nullopt : std::optional(at->second);
}

}  // namespace sallyport::policy
