#include "policy/label_path.h"

namespace sallyport::policy {

ClearedOnSide::ClearedOnSide(const Bundle& bundle, const Domain& domain, std::string_view bare) {
  const LabelRules& rules = *bundle.label_rules();
  if (rules.empty()) return;
  const Domain& home = bundle.home_of(domain);
  const auto add_holder = [&](std::string_view who) {
    if (const LabelHolder* holder = rules.holder(who)) add(holder->clearances, who);
  };
  add(rules.enclave(domain.enclave).clearances, bundle.enclave_of(domain).name);
  add_holder(home.name);
  if (&home != &domain) add_holder(domain.name);
  if (bare.find('@') != std::string_view::npos) add_holder(bare);
}

void ClearedOnSide::add(const std::vector<std::uint16_t>& clearances, std::string_view whose) {
  if (!clearances.empty()) list_[count_++] = {&clearances, whose};
}

std::optional<std::uint16_t> governing(const LabelRules& rules, std::uint16_t enclave, std::uint16_t other) {
  if (rules.empty()) return std::nullopt;
  const auto own = rules.enclave(enclave).policy;
  return own ? own : rules.enclave(other).policy;
}

std::optional<std::uint16_t> default_label(const Bundle& bundle, const Domain& from, std::string_view from_bare,
                                           std::string_view subject_of) {
  const LabelRules& rules = *bundle.label_rules();
  if (rules.empty()) return std::nullopt;
  const auto of = [&](std::string_view who) -> std::optional<std::uint16_t> {
    const LabelHolder* holder = rules.holder(who);
    return holder ? holder->label : std::nullopt;
  };
  if (!subject_of.empty())
    if (const auto room = of(subject_of)) return room;
  if (from_bare.find('@') != std::string_view::npos)
    if (const auto own = of(from_bare)) return own;
  if (const auto domain = of(from.name)) return domain;
  if (const auto home = of(bundle.home_of(from).name)) return home;
  return rules.enclave(from.enclave).label;
}

}  // namespace sallyport::policy
