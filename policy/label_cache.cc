#include "policy/label_cache.h"

#include "policy/label_judge.h"

namespace sallyport::policy {

void LabelCache::follow(const std::shared_ptr<const LabelRules>& rules) {
  if (rules == rules_) return;
  rules_ = rules;
  entries_.clear();
  octets_ = 0;
}

std::shared_ptr<const JudgedLabel> LabelCache::find(std::string_view key, label::Time now) const {
  const auto at = entries_.find(key);
  return at != entries_.end() && at->second->holds.holds(now) ? at->second : nullptr;
}

void LabelCache::keep(std::string_view key, const std::shared_ptr<const JudgedLabel>& judged) {
  const std::size_t octets = key.size() + judged->written.size();
  if (octets > kMostOctets / 16) return;
  if (entries_.size() >= kMostEntries || octets_ + octets > kMostOctets) {
    entries_.clear();
    octets_ = 0;
  }
  const auto [at, is_new] = entries_.insert_or_assign(std::string(key), judged);
  if (is_new) octets_ += octets;
}

}  // namespace sallyport::policy
