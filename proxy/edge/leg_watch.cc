// What a leg waits for, and for how long.
#include <algorithm>

#include "proxy/edge/lane.h"
#include "proxy/edge/leg.h"

namespace sallyport::edge {
namespace {

using boost::system::error_code;

constexpr std::chrono::seconds kGuardPatience{70};  // above the longest hold_max
// Bringing a parser back costs a microsecond, keeping it 16 KB (budgets.md P6).
constexpr std::chrono::milliseconds kHibernate{250};

}  // namespace

void Leg::enter_wait(Wait wait, Clock::time_point now) {
  if (waiting_ == Wait::Negotiation || waiting_ == Wait::Handshake) negotiation_left_ -= now - wait_began_;
  waiting_ = wait;
  wait_began_ = now;
  const config::EdgeLimits& limits = this->limits();
  switch (wait) {
    case Wait::Handshake:
      wait_ends_ = now + std::min<Clock::duration>(limits.handshake, negotiation_left_);
      return;
    case Wait::Negotiation:
      wait_ends_ = now + negotiation_left_;
      return;
    case Wait::Guard:
      wait_ends_ = now + kGuardPatience;
      return;
    case Wait::Close:
      wait_ends_ = now + limits.close;
      return;
    case Wait::Idle:
      stood_ = true;
      busy_ = now;
      // On a dialled leg nothing more is expected but its end.
      if (!is_accepted()) hibernate();
      [[fallthrough]];
    case Wait::Nothing:
      wait_ends_ = Clock::time_point::max();
      return;
  }
}

/// When the watchdog has to look next.
Leg::Clock::time_point Leg::due(Clock::time_point now) const {
  const config::EdgeLimits& limits = this->limits();
  Clock::time_point when = wait_ends_;
  if (deaf_until_) return std::min(when, *deaf_until_);
  if (!wire_.empty()) when = std::min<Clock::time_point>(when, sent_ + limits.slow_reader);
  if (waiting_ != Wait::Idle) return when;
  when = std::min(when, idles_out());
  when = std::min<Clock::time_point>(when, sent_ + limits.keepalive);
  if (read_after_ > now) when = std::min(when, read_after_);
  // What waited for credit was parsed later than it was heard.
  const auto quiet_since = std::max(heard_, busy_);
  if (!conversation_->hibernates() && quiet_since + kHibernate > now) when = std::min(when, quiet_since + kHibernate);
  return when;
}

/// When an open leg is closed for its silence (D-25).
Leg::Clock::time_point Leg::idles_out() const {
  if (kind_ == airlock::LegKind::S2s) return busy_ + limits().idle;
  // A server closes on silent clients as it likes; and white space is how many clients say that they are there.
  if (!is_accepted() || machine_->outlives_silence()) return Clock::time_point::max();
  return std::max(busy_, heard_) + limits().idle;
}

void Leg::hibernate() {
  conversation_->hibernate();
  if (text_.empty()) text_.shrink_to_fit();
  if (stash_.empty()) stash_.shrink_to_fit();
  lane_.hibernated();
}

void Leg::watch() {
  if (link_ == Link::Gone) return;
  const auto now = Clock::now();
  if (link_ != Link::Lingering && machine_->wait() != waiting_) enter_wait(machine_->wait(), now);
  const auto when = due(now);
  if (when >= watchdog_at_) return;
  watchdog_at_ = when;
  watchdog_.expires_at(when);
  watchdog_.async_wait([this, self = shared_from_this()](error_code cancelled) {
    if (cancelled || link_ == Link::Gone) return;
    watchdog_at_ = Clock::time_point::max();
    on_watch();
  });
}

void Leg::on_watch() {
  const auto now = Clock::now();
  const config::EdgeLimits& limits = this->limits();
  if (link_ == Link::Lingering && now >= wait_ends_) return close();
  if (deaf_until_ && now >= *deaf_until_) return lost("the connection broke");
  if (!wire_.empty() && now >= sent_ + limits.slow_reader) {
    note("edge.slow-reader", "no octet was taken in time");
    return lost("the peer does not read");
  }
  if (now >= wait_ends_) {
    machine_->on_deadline(conversation_->actions());
    // The same wait again has its whole time again.
    waiting_ = Wait::Nothing;
    return advance();
  }
  if (waiting_ == Wait::Idle) {
    if (now >= idles_out()) {
      machine_->on_deadline(conversation_->actions());
      return advance();
    }
    if (now >= sent_ + limits.keepalive) {
      text_ += ' ';
      touch();
      lane_.credit_budget().give_back(deliveries_.shrink());
      sent_ = now;
    }
    if (now >= std::max(heard_, busy_) + kHibernate && !conversation_->hibernates()) hibernate();
    if (now >= read_after_) want_read();
  }
  watch();
}

}  // namespace sallyport::edge
