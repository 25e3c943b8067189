#include "policy/payload/switches.h"

#include <array>

namespace sallyport::policy {
namespace {

constexpr std::uint8_t bit(Profile profile) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(profile));
}
// The words that the rows are written in.
constexpr std::uint8_t kChat = bit(Profile::Chat);
constexpr std::uint8_t kCoalitionMuc = bit(Profile::CoalitionMuc);
constexpr std::uint8_t kFull = bit(Profile::Full);

constexpr std::array kRows = {
#define SALLYPORT_SWITCH(enumerator, name, profiles, text) SwitchRow{Switch::enumerator, name, profiles, text},
#include "policy/payload/switches.def"
#undef SALLYPORT_SWITCH
};
static_assert(kRows.size() == kSwitchCount);

}  // namespace

std::string_view name(Profile profile) {
  switch (profile) {
    case Profile::TextOnly:
      return "text-only";
    case Profile::Chat:
      return "chat";
    case Profile::CoalitionMuc:
      return "coalition-muc";
    case Profile::Full:
      return "full";
  }
  return {};
}

Switches switches(Profile profile) {
  Switches found;
  for (const SwitchRow& row : kRows)
    if ((row.profiles & bit(profile)) != 0) found.add(row.which);
  return found;
}

std::span<const SwitchRow> switch_rows() {
  return kRows;
}

std::string_view name(Switch which) {
  return which == Switch::kEnd ? std::string_view() : kRows[static_cast<std::size_t>(which)].name;
}

std::optional<Switch> switch_named(std::string_view wanted) {
  for (const SwitchRow& row : kRows)
    if (row.name == wanted) return row.which;
  return std::nullopt;
}

}  // namespace sallyport::policy
