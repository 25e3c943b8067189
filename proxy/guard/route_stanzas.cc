// The half of a route that stanzas pass through; its legs are in route.cc.
#include <algorithm>
#include <utility>

#include "policy/bounce.h"
#include "proxy/guard/admission.h"
#include "proxy/guard/route.h"

namespace sallyport::guard {

using policy::Reason;

void Route::pass(const Released& stanza) {
  if (lane_.is_stored(stanza.stored_as) && may_assign_at_once(stanza.xml.size())) return assign(stanza);
  pass(kept(stanza));
}

void Route::pass(Waiting waiting) {
  const std::size_t size = footprint(waiting.letter);
  if (!waiting_.empty() && (waiting_.size() >= kQueueStanzas || waiting_octets_ + size > kQueueOctets))
    return undeliver(std::move(waiting), Reason::RouteOverload);
  waiting.since = lane_.now.steady;
  // While the far leg stands its pace is the sender's: credit comes back when the stanza goes out. While it is away the
  // queue has the memory, so that the sender can be told by bounces what does not fit.
  if (out_ == nullptr) lane_.free_credit(waiting.letter.origin);
  waiting_octets_ += size;
  waiting_.push_back(std::move(waiting));
  seek();
  pump();
}

void Route::inject(Waiting stanza) {
  const std::size_t size = stanza.letter.xml().size();
  // A bounce goes back for a pair that is granted the other way; after a reload it may be granted no way at all.
  const policy::Pair reverse{pair_.to, pair_.from};
  const bool granted = still_granted(pair_, from_enclave(), to_enclave(), *lane_.bundle) ||
                       still_granted(reverse, to_enclave(), from_enclave(), *lane_.bundle);
  if (!granted || lane_.halted || injected_.size() >= kWindowStanzas || injected_octets_ + size > kWindowOctets) {
    undeliver(std::move(stanza), Reason::RouteBounceLost);
    // It may have been made for this injection alone.
    return rearm();
  }
  stanza.since = lane_.now.steady;
  stanza.record.crossing = serial_;
  injected_octets_ += size;
  injected_.push_back(std::move(stanza));
  seek();
  pump();
}

bool Route::may_assign() const {
  return out_ != nullptr && out_->phase == Phase::Open && returning_ == 0 && !lane_.halted &&
         out_->unsettled.size() < kUnsettledStanzas && out_->unsettled_octets < kUnsettledOctets;
}

void Route::pump() {
  while (!repeated_.empty() && may_assign() && out_->purse.allows()) {
    Repeated next = std::move(repeated_.front());
    repeated_.pop_front();
    if (!lane_.may_still_leave(next.letter)) {
      undeliver(std::move(next.letter), Reason::PresenceClosedMeanwhile);
      continue;
    }
    repeat(std::move(next));
  }
  while (!injected_.empty() && may_assign() && out_->purse.allows_injection()) {
    Waiting next = std::move(injected_.front());
    injected_.pop_front();
    injected_octets_ -= next.letter.xml().size();
    assign(std::move(next));
  }
  while (!waiting_.empty() && repeated_.empty() && may_assign() && out_->purse.allows()) {
    if (!lane_.is_stored(waiting_.front().stored_as) && !lane_.memory.ledger.has_failed()) {
      lane_.parked.push_back(serial_);
      break;
    }
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_octets_ -= footprint(next.letter);
    if (!lane_.is_stored(next.stored_as)) {
      undeliver(std::move(next), Reason::PresenceStoreFailed);
    } else if (!lane_.may_still_leave(next.letter)) {
      undeliver(std::move(next), Reason::PresenceClosedMeanwhile);
    } else {
      assign(std::move(next));
    }
  }
  rearm();
}

bool Route::may_assign_at_once(std::size_t octets) const {
  return queued() == 0 && may_assign() && out_->purse.allows() &&
         (out_->stanza_octets == 0 || octets <= out_->stanza_octets);
}

Sent& Route::place(OutLeg& leg, std::size_t octets) {
  used_ = lane_.now.steady;
  leg.purse.spend(octets);
  ++leg.last;
  leg.unsettled_octets += octets + kQueueOverhead;
  Sent& sent = leg.unsettled.push();
  sent.delivered = false;
  return sent;
}

namespace {

OnRecord deliver(const OutLeg& leg) {
  OnRecord then;
  then.then = OnRecord::Then::Deliver;
  then.leg = leg.serial;
  then.number = leg.last;
  return then;
}

}  // namespace

void Route::assign(const Released& stanza) {
  OutLeg& leg = *out_;
  Letter& letter = place(leg, stanza.xml.size()).letter;
  letter.write(stanza.facts, stanza.xml, stanza.awaited);
  letter.origin = stanza.origin;
  stanza.stanza_record().leg_out = leg.id;
  stanza.stanza_record().number_out = leg.last;
  lane_.recorder.submit(stanza.record, deliver(leg));
}

void Route::assign(Waiting stanza) {
  OutLeg& leg = *out_;
  // The peer's limit is known only now; it was judged when there may have been no leg.
  if (leg.stanza_octets != 0 && stanza.letter.xml().size() > leg.stanza_octets)
    return undeliver(std::move(stanza), Reason::OutputTooBig);
  place(leg, stanza.letter.xml().size()).letter = std::move(stanza.letter);
  stanza.record.leg_out = leg.id;
  stanza.record.number_out = leg.last;
  lane_.recorder.submit(audit::Record(std::move(stanza.record)), deliver(leg));
}

void Route::take_again(OutLeg& leg, std::uint64_t number, Letter letter) {
  // A far server that takes legs and never settles anything does not get the same stanza for ever.
  if (letter.repeats >= kMostRepeats) return undeliver(std::move(letter), Reason::RouteLost);
  if (leg.first_repeated == 0) leg.first_repeated = number;
  const Steady since = lane_.now.steady - letter.waited;
  repeated_.push_back({std::move(letter), since});
}

void Route::repeat(Repeated repeated) {
  // Recorded once already: what is new is only the leg, and that is an event.
  OutLeg& leg = *out_;
  repeated.letter.waited = lane_.now.steady - repeated.since;
  ++repeated.letter.repeats;
  const std::uint64_t record = repeated.letter.record;
  place(leg, repeated.letter.xml().size()).letter = std::move(repeated.letter);
  audit::EventRecord event;
  event.time = lane_.now.wall;
  event.code = policy::code(Reason::RouteRepeated);
  event.enclave = to_enclave();
  event.crossing = serial_;
  event.leg = leg.id;
  event.details = {{"record", std::to_string(record)}, {"number", std::to_string(leg.last)}};
  lane_.recorder.submit(audit::Record(std::move(event)), deliver(leg));
}

void Route::expire(Steady since, Reason reason) {
  // What is given up can come back as an injection, which must not begin this anew in the middle of it.
  if (std::exchange(expiring_, true)) return;
  // Not in the order of their waits: some have waited before.
  std::deque<Repeated> waits_on;
  for (Repeated& each : std::exchange(repeated_, {})) {
    if (each.since <= since) {
      undeliver(std::move(each.letter), reason);
    } else {
      waits_on.push_back(std::move(each));
    }
  }
  repeated_.insert(repeated_.begin(), std::make_move_iterator(waits_on.begin()),
                   std::make_move_iterator(waits_on.end()));
  while (!injected_.empty() && injected_.front().since <= since) {
    Waiting stanza = std::move(injected_.front());
    injected_.pop_front();
    injected_octets_ -= stanza.letter.xml().size();
    undeliver(std::move(stanza), reason);
  }
  while (!waiting_.empty() && waiting_.front().since <= since) {
    Waiting stanza = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_octets_ -= footprint(stanza.letter);
    undeliver(std::move(stanza), reason);
  }
  expiring_ = false;
}

bool Route::shares_its_leg(const Waiting& stanza) const {
  const InLeg* leg = lane_.in_leg(stanza.letter.origin.leg);
  return leg != nullptr && leg->pairs.size() > 1;
}

void Route::expire_stalled() {
  const Steady since = lane_.now.steady - lane_.settings.hol_max;
  while (!waiting_.empty() && waiting_.front().since <= since && shares_its_leg(waiting_.front())) {
    Waiting stanza = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_octets_ -= footprint(stanza.letter);
    undeliver(std::move(stanza), Reason::RouteStalled);
  }
}

std::unique_ptr<Waiting> Route::undelivered(const Letter& letter, Reason reason, audit::StanzaRecord* of) {
  if (letter.injection) return nullptr;
  // A request that was answered in the meantime gets no second answer.
  const std::string_view awaited = letter.awaited();
  if (!awaited.empty() && !lane_.memory.iq.take(awaited)) return nullptr;
  const policy::StanzaFacts facts = letter.facts();
  const auto fault = policy::fault(facts, reason, lane_.bundle->peering(pair_.from, pair_.to));
  return fault ? lane_.make_bounce(facts, *fault, reason, *this, of) : nullptr;
}

void Route::undeliver(Waiting stanza, Reason reason) {
  lane_.on_undelivered(stanza.letter);
  if (stanza.letter.injection) reason = Reason::RouteBounceLost;
  OnRecord then;
  then.then = OnRecord::Then::Answer;
  then.origin = stanza.letter.origin;
  then.follow(undelivered(stanza.letter, reason, &stanza.record));
  stanza.record.verdict = policy::name(then.follows.empty() ? policy::Verdict::Drop : policy::Verdict::Bounce);
  stanza.record.reason = policy::code(reason);
  stanza.record.octets_out = 0;
  stanza.record.sha256_out = {};
  lane_.recorder.submit(audit::Record(std::move(stanza.record)), std::move(then));
}

void Route::undeliver(Letter letter, Reason reason) {
  lane_.on_undelivered(letter);
  if (letter.injection) reason = Reason::RouteBounceLost;
  const std::uint64_t record = letter.record;
  std::unique_ptr<Waiting> bounce = undelivered(letter, reason, nullptr);
  lane_.free_credit(letter.origin);
  lane_.answer(letter.origin);
  if (bounce) return lane_.inject(std::move(bounce), record);
  // Nobody may be told, so the log is.
  lane_.note(reason, to_enclave(), {{"record", std::to_string(record)}}, serial_);
}

Steady Route::oldest() const {
  Steady since = kNever;
  for (const Repeated& each : repeated_) since = std::min(since, each.since);
  if (!injected_.empty()) since = std::min(since, injected_.front().since);
  if (!waiting_.empty()) since = std::min(since, waiting_.front().since);
  return since;
}

}  // namespace sallyport::guard
