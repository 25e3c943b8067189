#include "proxy/guard/route.h"

#include <algorithm>
#include <utility>

#include "policy/bounce.h"
#include "proxy/guard/admission.h"

namespace sallyport::guard {
namespace {

using airlock::DialFault;
using inspect::StreamCondition;
using policy::Reason;

/// What stanzas are told that waited for a leg which could not be had.
Reason stanza_reason(DialFault fault) {
  switch (fault) {
    case DialFault::NoName:
      return Reason::RouteNotFound;
    case DialFault::Tls:
    case DialFault::Certificate:
    case DialFault::Refused:
    case DialFault::Protocol:
      return Reason::RouteRefused;
    case DialFault::NoAnswer:
    case DialFault::Deadline:
    case DialFault::Overload:
      break;
  }
  return Reason::RouteTimeout;
}

/// Trying again soon may help.
bool is_passing(DialFault fault) {
  return stanza_reason(fault) == Reason::RouteTimeout;
}

}  // namespace

Route::Route(LaneState& lane, std::uint64_t serial, policy::Pair pair, EdgeIndex from_edge, EdgeIndex to_edge)
    : lane_(lane), serial_(serial), pair_(std::move(pair)), from_edge_(from_edge), to_edge_(to_edge) {}

void Route::add_near(std::set<const InLeg*>& legs) const {
  if (in_ != nullptr) legs.insert(in_);
  legs.insert(held_.begin(), held_.end());
}

void Route::hold(InLeg& leg) {
  leg.awaited = this;
  lane_.enter(leg, Phase::Held);
  held_.push_back(&leg);
  grant_held();
  seek();
  rearm();
}

void Route::leave(InLeg& leg) {
  if (in_ == &leg) {
    in_ = nullptr;
    handover_ends_ = kNever;
    used_ = lane_.now.steady;
    grant_held();
  } else {
    std::erase(held_, &leg);
  }
  rearm();
}

void Route::seek() {
  if (out_ != nullptr || dialling_ != nullptr || !wants_far()) return;
  const Steady now = lane_.now.steady;
  if (lane_.draining || lane_.halted) {
    refuse_held(Reason::LegFarUnreachable, now);
    expire(now, Reason::RouteTimeout);
    return;
  }
  Gate& gate = lane_.gate(pair_.to);
  if (gate.opens() > now) {
    // S-19: "closed gate ⇒ immediate bounce", for all that cannot wait until it opens.
    refuse_held(Reason::LegFarUnreachable, gate.opens() - lane_.settings.hold);
    expire(gate.opens() - lane_.settings.queue, Reason::RouteTimeout);
    return;
  }
  if (!gate.has_room()) {
    if (std::ranges::find(gate.waiting, serial_) == gate.waiting.end()) gate.waiting.push_back(serial_);
    return;
  }
  dial();
}

void Route::dial() {
  EdgeView& edge = lane_.edges[to_edge_];
  if (edge.up.empty()) return;
  const std::uint64_t key = lane_.bundle->lane_key(pair_.from, pair_.to);
  const auto edge_lane = static_cast<std::uint16_t>(key % edge.up.size());
  if (!edge.up[edge_lane]) return;

  auto leg = std::make_unique<OutLeg>();
  leg->serial = lane_.next_serial();
  leg->edge = to_edge_;
  leg->edge_lane = edge_lane;
  leg->side = Side::Dialled;
  leg->id = lane_.next_dialled_id();
  leg->route = this;
  dialling_ = leg.get();
  ++legs_;
  edge.legs.emplace(leg->id, leg->serial);
  lane_.out_legs.emplace(leg->serial, std::move(leg));
  lane_.gate(pair_.to).dial();
  lane_.enter(*dialling_, Phase::Dialling, lane_.now.steady + lane_.settings.hold + kDialGrace);

  airlock::Dial dial;
  dial.from = pair_.from;
  dial.to = pair_.to;
  dial.dialback = allows_dialback(pair_, *lane_.bundle);
  dial.deadline_ms = static_cast<std::uint32_t>(lane_.settings.hold.count());
  lane_.send(*dialling_, dial);
  lane_.note(Reason::LegDialled, *dialling_, {{"from", pair_.from}, {"to", pair_.to}}, serial_);
}

void Route::on_ready(OutLeg& leg) {
  dialling_ = nullptr;
  out_ = &leg;
  used_ = lane_.now.steady;
  lane_.gate(pair_.to).end_dial();
  lane_.enter(leg, Phase::Open);
  airlock::Grant grant;
  grant.pairs = {{pair_.from, pair_.to}};
  lane_.send(leg, grant);
  lane_.note(Reason::RouteUp, leg, {{"from", pair_.from}, {"to", pair_.to}}, serial_);
  grant_held();
  pump();
  // The place of this dial is free.
  for (const std::uint64_t other : std::exchange(lane_.gate(pair_.to).waiting, {})) {
    if (Route* route = lane_.route(other)) route->retry();
  }
}

void Route::on_failed(OutLeg& leg, std::optional<DialFault> fault) {
  if (dialling_ != &leg) return;
  dialling_ = nullptr;
  Gate& gate = lane_.gate(pair_.to);
  gate.end_dial();
  if (fault) gate.fail(lane_.now.steady, lane_.random);
  const auto others = std::exchange(gate.waiting, {});
  if (fault && !is_passing(*fault)) {
    refuse_held(Reason::LegFarUnreachable, lane_.now.steady);
    expire(lane_.now.steady, stanza_reason(*fault));
  }
  retry();
  for (const std::uint64_t serial : others) {
    if (Route* other = lane_.route(serial)) other->retry();
  }
}

void Route::on_buried() {
  --legs_;
  rearm();
}

void Route::retry() {
  seek();
  rearm();
}

void Route::on_lost(OutLeg& leg, bool clean) {
  if (out_ != &leg) return;
  out_ = nullptr;
  leg.returning = true;
  leg.clean = clean;
  ++returning_;
  lane_.gate(pair_.to).lose(leg.since, lane_.now.steady, clean, lane_.random);
  lane_.note(Reason::RouteDown, leg, {{"from", pair_.from}, {"to", pair_.to}}, serial_);
  // The memory of what waits is the route's now, within the queue's bounds. What has waited without a leg before goes
  // on with that wait.
  for (Waiting& stanza : waiting_) {
    if (stanza.letter.origin.octets == 0) continue;
    stanza.since = lane_.now.steady;
    lane_.free_credit(stanza.letter.origin);
  }
  retry();
}

void Route::give_back(OutLeg& leg) {
  // Records are written in order, so what has no record yet stands at the end.
  const bool granted = still_granted(pair_, from_enclave(), to_enclave(), *lane_.bundle);
  // Where the edge did not say, all of it may have left.
  const std::uint64_t written = leg.written.value_or(leg.last);
  while (!leg.unsettled.empty() && leg.unsettled.front().letter.record != 0) {
    const std::uint64_t number = leg.first_unsettled();
    Sent sent = std::move(leg.unsettled.front());
    leg.unsettled.pop();
    const bool may_have_left = sent.delivered && number <= written;
    if (number <= leg.settled) {
      lane_.answer(sent.letter.origin);
    } else if (!granted && !sent.letter.injection) {
      // The policy has changed since it was released.
      undeliver(std::move(sent.letter), Reason::AddressingNotGranted);
    } else if (!may_have_left || sent.letter.may_repeat()) {
      lane_.memory.iq.deliver(sent.letter.awaited(), 0, sent.letter.record);
      take_again(leg, number, std::move(sent.letter));
    } else {
      undeliver(std::move(sent.letter), Reason::RouteLost);
    }
  }
  if (!leg.unsettled.empty()) return;
  --returning_;
  if (!leg.clean) lane_.lose_requests(leg.serial);
  // The fate of all before the first that is sent again is known. From there on each has its own record: of the bounce,
  // of having been given up, or of the leg that it was sent again on, where it settles like any other.
  lane_.note_settled(leg, leg.first_repeated != 0 ? leg.first_repeated - 1 : leg.last);
  lane_.bury(leg);
  seek();
  pump();
}

void Route::grant_held() {
  if (out_ == nullptr || held_.empty()) return;
  if (in_ != nullptr) return supersede(*in_);
  // S-20: of several that wait the youngest is what the peer means.
  while (held_.size() > 1) lane_.refuse(*held_.front(), Reason::LegConflict);
  InLeg& leg = *held_.front();
  held_.clear();
  handover_ends_ = kNever;
  in_ = &leg;
  leg.awaited = nullptr;
  airlock::Grant grant;
  grant.pairs = {{pair_.from, pair_.to}};
  if (leg.pairs.empty()) {
    const airlock::Credit first = leg.lent.open();
    grant.octets = first.octets;
    grant.stanzas = first.stanzas;
  }
  leg.pairs.push_back(pair_);
  leg.was_granted.push_back(pair_);
  leg.routes.push_back(this);
  lane_.enter(leg, Phase::Open);
  lane_.send(leg, grant);
  lane_.note(Reason::LegGranted, leg, {{"from", pair_.from}, {"to", pair_.to}}, serial_);
  lane_.on_pair_back(pair_);
}

void Route::supersede(InLeg& older) {
  if (handover_ends_ != kNever) return;
  handover_ends_ = lane_.now.steady + kHandover;
  if (older.phase == Phase::Draining) return;
  // S-20: "close the older with conflict after draining bytes already received"; the grant moves when it is Closed.
  lane_.note(Reason::LegConflict, older, {}, serial_);
  lane_.close(older, airlock::CloseKind::Condition, StreamCondition::Conflict, true);
}

void Route::refuse_held(Reason reason, Steady hold_ends_before) {
  const auto waits_too_long = [&](const InLeg* leg) { return leg->since <= hold_ends_before; };
  for (;;) {
    const auto found = std::ranges::find_if(held_, waits_too_long);
    if (found == held_.end()) return;
    lane_.refuse(**found, reason, {{"from", pair_.from}, {"to", pair_.to}});
  }
}

void Route::end(Reason reason) {
  refuse_held(reason, lane_.now.steady);
  if (in_ != nullptr) {
    InLeg& leg = *in_;
    lane_.note(reason, leg, {{"from", pair_.from}, {"to", pair_.to}}, serial_);
    lane_.close(leg, airlock::CloseKind::Condition, policy::row(reason).wire.stream, false);
    lane_.detach(leg);
  }
  expire(lane_.now.steady, Reason::AddressingNotGranted);
  if (dialling_ != nullptr) lane_.close(*dialling_, airlock::CloseKind::Abort, StreamCondition::Reset);
  if (out_ != nullptr) lane_.close(*out_, airlock::CloseKind::Clean, StreamCondition::Reset);
  rearm();
}

void Route::give_up() {
  expire(lane_.now.steady, Reason::RouteTimeout);
  rearm();
}

void Route::on_due() {
  const Steady now = lane_.now.steady;
  refuse_held(Reason::LegFarUnreachable, now - lane_.settings.hold);
  if (in_ != nullptr && handover_ends_ <= now) {
    in_->still_counts = false;
    lane_.detach(*in_);
  }
  if (out_ == nullptr) {
    expire(now - lane_.settings.queue, Reason::RouteTimeout);
    seek();
  } else {
    expire_stalled();
    const bool unused = in_ == nullptr && held_.empty() && queued() == 0;
    // S-15: the far leg outlives the near one until it has been idle for long enough.
    if (unused && now >= used_ + lane_.settings.idle)
      lane_.close(*out_, airlock::CloseKind::Clean, StreamCondition::UndefinedCondition);
  }
  pump();
}

Steady Route::next_due() const {
  const LaneSettings& settings = lane_.settings;
  Steady due = in_ != nullptr ? handover_ends_ : kNever;
  for (const InLeg* leg : held_) due = std::min(due, leg->since + settings.hold);
  if (out_ == nullptr) {
    if (queued() > 0) due = std::min(due, oldest() + settings.queue);
    const Steady opens = lane_.gate(pair_.to).opens();
    if (dialling_ == nullptr && wants_far() && opens > lane_.now.steady) due = std::min(due, opens);
    return due;
  }
  if (!waiting_.empty() && shares_its_leg(waiting_.front())) {
    due = std::min(due, waiting_.front().since + settings.hol_max);
  } else if (in_ == nullptr && held_.empty() && queued() == 0) {
    due = std::min(due, used_ + settings.idle);
  }
  return due;
}

void Route::rearm() {
  lane_.agenda.set(serial_, due_, next_due());
  if (is_idle()) lane_.quiet_routes.push_back(serial_);
}

bool Route::is_idle() const {
  return in_ == nullptr && held_.empty() && legs_ == 0 && queued() == 0;
}

}  // namespace sallyport::guard
