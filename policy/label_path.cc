#include "policy/label_path.h"

namespace sallyport::policy {

namespace {

const Domain* home_at(const Bundle& bundle, const Station& station) {
  return station.domain != nullptr ? &bundle.home_of(*station.domain) : nullptr;
}

}  // namespace

ClearedOnSide::ClearedOnSide(const Bundle& bundle, const Station& station) {
  const LabelRules& rules = *bundle.label_rules();
  if (rules.empty()) return;
  const Domain* home = home_at(bundle, station);
  const auto add_holder = [&](std::string_view who) {
    if (const LabelHolder* holder = rules.holder(who)) add(holder->clearances, who);
  };
  add(rules.enclave(station.enclave).clearances, bundle.enclave_name(station.enclave));
  if (station.server != nullptr) add_holder(station.server->name);
  if (home != nullptr && home != station.server) add_holder(home->name);
  if (station.domain != nullptr && station.domain != home) add_holder(station.domain->name);
  if (station.bare.find('@') != std::string_view::npos) add_holder(station.bare);
}

void ClearedOnSide::add(const std::vector<std::uint16_t>& clearances, std::string_view whose) {
  if (!clearances.empty()) list_[count_++] = {&clearances, whose};
}

std::optional<std::uint16_t> governing(const LabelRules& rules, std::uint16_t enclave, std::uint16_t other) {
  if (rules.empty()) return std::nullopt;
  const auto own = rules.enclave(enclave).policy;
  return own ? own : rules.enclave(other).policy;
}

std::optional<std::uint16_t> default_label(const Bundle& bundle, const Station& from, std::string_view subject_of) {
  const LabelRules& rules = *bundle.label_rules();
  if (rules.empty()) return std::nullopt;
  const auto of = [&](std::string_view who) -> std::optional<std::uint16_t> {
    const LabelHolder* holder = rules.holder(who);
    return holder ? holder->label : std::nullopt;
  };
  if (!subject_of.empty())
    if (const auto room = of(subject_of)) return room;
  if (from.bare.find('@') != std::string_view::npos)
    if (const auto own = of(from.bare)) return own;
  for (const Domain* domain : {from.domain, home_at(bundle, from), from.server})
    if (domain != nullptr)
      if (const auto own = of(domain->name)) return own;
  return rules.enclave(from.enclave).label;
}

}  // namespace sallyport::policy
