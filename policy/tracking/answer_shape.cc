#include "policy/tracking/answer_shape.h"

#include <algorithm>
#include <array>

#include "inspect/names.h"

namespace sallyport::policy {
namespace {

namespace ns = inspect::ns;

struct Wait {
  std::string_view ns;
  std::chrono::seconds time;
};
constexpr std::chrono::seconds kWait{120};
/// Those that take longer.
constexpr std::array kWaits = {
    Wait{ns::kMam, std::chrono::seconds(300)},
    Wait{ns::kCommands, std::chrono::seconds(600)},
};

/// A namespace whose answers are known by name. A namespace without a row here: any element of it.
struct Row {
  std::string_view ns, request, answer;
};
constexpr std::array kRows = {
    Row{ns::kPing, "ping", ""},  // XEP-0199 4: the answer is empty
    Row{ns::kDiscoInfo, "query", "query"},
    Row{ns::kDiscoItems, "query", "query"},
    Row{ns::kVcard, "vCard", "vCard"},
    Row{ns::kVersion, "query", "query"},
    Row{ns::kTime, "time", "time"},
    Row{ns::kLastActivity, "query", "query"},
    Row{ns::kRoster, "query", "query"},
    Row{ns::kMucAdmin, "query", "query"},
    Row{ns::kMucOwner, "query", "query"},
    Row{ns::kPubsub, "pubsub", "pubsub"},
    Row{ns::kPubsubOwner, "pubsub", "pubsub"},
    Row{ns::kCommands, "command", "command"},
    Row{ns::kMam, "query", "fin"},
    Row{ns::kMam, "metadata", "metadata"},
    Row{ns::kMam, "prefs", "prefs"},
};

}  // namespace

std::chrono::milliseconds patience(std::string_view which) {
  const auto* const found = std::ranges::find(kWaits, which, &Wait::ns);
  return found == kWaits.end() ? kWait : found->time;
}

bool may_answer(const OpenIq& request, std::string_view answer_ns, std::string_view name) {
  if (answer_ns != request.ns()) return false;
  bool known = false;
  for (const Row& row : kRows) {
    if (row.ns != answer_ns) continue;
    if (row.request == request.name()) return row.answer == name;
    known = true;
  }
  return !known || name == request.name();
}

}  // namespace sallyport::policy
