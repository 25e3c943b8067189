// Stage 7, rate: how much one pair of domains and one account may send in a time. What another stage refuses has cost
// work too, and counts.
#include "policy/rate.h"

#include <algorithm>

#include "policy/payload/rules.h"
#include "policy/stage.h"

namespace sallyport::policy {
namespace {

using std::chrono::microseconds;

/// Excess is a finding once in this time for each bucket, not once for each stanza.
constexpr std::chrono::minutes kWindow{1};

/// One bucket that a stanza draws from.
struct Draw {
  std::uint64_t bucket = 0;
  microseconds cost{}, burst{};
};

microseconds cost_of(std::size_t units, std::uint32_t per_second) {
  return microseconds(units * 1'000'000 / per_second);
}

class Meter {
 public:
  explicit Meter(Run& run) : run_(run), buckets_(run.scratch.memory.rates), rates_(run.peering->rates) {}

  Objection read() {
    const StanzaFacts& facts = run_.facts;
    // Of a client each session is counted for itself, or one could take what is meant for all.
    const ClientSession* client = run_.crossing.client;
    const std::string_view from = client == nullptr ? facts.from.domain : client->full;
    const std::string_view to = client == nullptr ? facts.to.domain : client->from_client ? "to server" : "to client";
    const bool room = draw({"pair", from, to}, 1, rates_.pair_stanzas);
    const bool octets = draw({"octets", from, to}, run_.octets, rates_.pair_octets);
    if (!room || !octets) return over(Reason::RatePair, Reason::RatePairDropped);
    if (client != nullptr) return client->from_client ? user({name(run_.kind), client->full}) : settle();
    if (is_service(run_.bundle, facts.from)) return settle();
    return user({name(run_.kind), facts.from.bare()});
  }

 private:
  Objection user(std::initializer_list<std::string_view> names) {
    const std::uint32_t limit = run_.kind == Kind::Message    ? rates_.user_messages
                                : run_.kind == Kind::Presence ? rates_.user_presence
                                                              : rates_.user_iqs;
    if (!draw(names, 1, limit)) return over(Reason::RateUser, Reason::RateUserDropped);
    return settle();
  }

  /// Whether the bucket has room; what it costs is noted.
  bool draw(std::initializer_list<std::string_view> names, std::size_t units, std::uint32_t per_second) {
    if (per_second == 0 || units == 0) return true;
    const std::uint64_t bucket = buckets_.bucket(names);
    if (buckets_.wait(bucket, std::chrono::seconds(rates_.burst), run_.now) > microseconds(0)) {
      full_ = bucket;
      return false;
    }
    change_.add(bucket, cost_of(units, per_second));
    return true;
  }

  Objection settle() {
    run_.intents.release.rates = change_;
    run_.intents.refusal.rates = change_;
    return std::nullopt;
  }

  /// What is beyond the rate is not counted, so that a sender who goes on gets the rate and no more.
  Objection over(Reason waits, Reason drops) {
    const std::uint64_t window = ~full_;
    if (buckets_.wait(window, microseconds(0), run_.now) == microseconds(0)) {
      run_.findings.add(Reason::RateExceeded);
      run_.intents.refusal.rates.add(window, kWindow);
    }
    return rates_.over == OverRate::Wait ? waits : drops;
  }

  Run& run_;
  const RateBuckets& buckets_;
  const Rates& rates_;
  RateChange change_;
  std::uint64_t full_ = 0;
};

}  // namespace

Objection rate(Run& run) {
  return Meter(run).read();
}

RateBuckets::RateBuckets(const Secret& secret) : hash_(secret), sets_(kSets) {}

microseconds RateBuckets::wait(std::uint64_t bucket, microseconds burst, const Moment& now) const {
  const Set& set = sets_[bucket % kSets];
  const auto at = std::ranges::find(set, bucket, &Entry::bucket);
  if (at == set.end()) return microseconds(0);
  return std::max(microseconds(0), at->until - burst - now.steady);
}

void RateBuckets::commit(const RateChange& change, const Moment& now) {
  for (std::size_t i = 0; i < change.count; ++i) {
    const auto& [bucket, cost] = change.spent[i];
    Set& set = sets_[bucket % kSets];
    auto at = std::ranges::find(set, bucket, &Entry::bucket);
    if (at == set.end()) {
      at = std::ranges::min_element(set, {}, &Entry::until);
      *at = {bucket, microseconds(0)};
    }
    at->until = std::max<microseconds>(at->until, now.steady) + cost;
  }
}

}  // namespace sallyport::policy
