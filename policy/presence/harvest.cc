#include "policy/presence/harvest.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace sallyport::policy::presence {
namespace {

std::uint64_t hash(std::string_view text) {
  return std::hash<std::string_view>()(text);
}

}  // namespace

bool Harvest::permits(const PairView& pair, std::size_t limit, const Moment& now) const {
  if (limit == 0) return true;
  const auto found = senders_.find(pair.watcher);
  if (found == senders_.end() || now.steady >= found->second.since + kHarvestWindow) return true;
  const std::vector<std::uint64_t>& known = found->second.strangers;
  return known.size() < limit || std::ranges::find(known, hash(pair.watched)) != known.end();
}

void Harvest::commit(const Change& change, const Moment& now) {
  const bool rebuff = change.act == Change::Act::Rebuff;
  if (change.act != Change::Act::Contact && !rebuff) return;
  auto found = senders_.find(change.pair.watcher);
  if (found == senders_.end()) {
    if (senders_.size() >= kMostSenders)
      std::erase_if(senders_, [&](const auto& each) { return now.steady >= each.second.since + kHarvestWindow; });
    if (senders_.size() >= kMostSenders) return;
    found = senders_.try_emplace(std::string(change.pair.watcher)).first;
    found->second.since = now.steady;
  }
  Sender& sender = found->second;
  if (now.steady >= sender.since + kHarvestWindow) {
    sender = Sender();
    sender.since = now.steady;
  }
  if (rebuff) {
    if (!std::exchange(sender.alarmed, true)) alarms_.push_back(found->first);
    return;
  }
  const std::uint64_t stranger = hash(change.pair.watched);
  const bool known = std::ranges::find(sender.strangers, stranger) != sender.strangers.end();
  if (!known && sender.strangers.size() < kMostStrangers) sender.strangers.push_back(stranger);
}

std::vector<std::string> Harvest::take_alarms() {
  return std::exchange(alarms_, {});
}

}  // namespace sallyport::policy::presence
