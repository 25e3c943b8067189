// Dialled legs: whether they may be used, what goes out on them, and what has settled.
#include <algorithm>
#include <utility>

#include "proxy/guard/admission.h"
#include "proxy/guard/lane.h"
#include "proxy/guard/route.h"

namespace sallyport::guard {

using airlock::CloseKind;
using airlock::DialFault;
using inspect::StreamCondition;
using policy::Reason;

void Lane::make_ready(OutLeg& leg, const airlock::Ready& ready) {
  Route& route = *leg.route;
  state_.note(Reason::LegReady, leg,
              {{"from", ready.from},
               {"to", ready.to},
               {"peer", ready.peer},
               {"method", ready.method == airlock::Method::External ? "external" : "dialback"},
               {"tls", ready.tls.version},
               {"cipher", ready.tls.cipher}},
              route.serial());
  const bool dialback = allows_dialback(route.pair(), *state_.bundle);
  if (const auto objection = judge_ready(ready, route.pair(), route.to_enclave(), dialback, *state_.bundle)) {
    state_.note(*objection, leg, {}, route.serial());
    route.on_failed(leg, DialFault::Certificate);
    return state_.close(leg, CloseKind::Condition, policy::row(*objection).wire.stream);
  }
  if (state_.draining || state_.halted) return state_.close(leg, CloseKind::Clean, StreamCondition::SystemShutdown);
  leg.stanza_octets = ready.stanza_octets;
  route.on_ready(leg);
}

void Lane::fail(OutLeg& leg, const airlock::Failed& failed) {
  Route& route = *leg.route;
  state_.note(Reason::LegDialFailed, leg, {{"fault", std::string(name(failed.fault))}, {"why", failed.why}},
              route.serial());
  state_.enter(leg, Phase::Closed);
  route.on_failed(leg, failed.fault);
  state_.bury(leg);
}

void Lane::deliver(std::uint64_t leg_serial, std::uint64_t number, std::uint64_t record) {
  OutLeg* leg = state_.out_leg(leg_serial);
  // A stanza that is sent again may have been taken back before the note of it was written.
  if (leg == nullptr || number < leg->first_unsettled() || number > leg->last) return;
  Sent& sent = leg->unsettled[number - leg->first_unsettled()];
  if (sent.letter.record == 0) sent.letter.record = record;
  if (leg->phase == Phase::Closed) return leg->route->give_back(*leg);
  if (leg->phase != Phase::Open) return;
  const policy::Pair& pair = leg->route->pair();
  airlock::Deliver frame;
  frame.number = number;
  frame.from = pair.from;
  frame.to = pair.to;
  frame.record = sent.letter.record;
  frame.xml = sent.letter.xml();
  state_.send(*leg, frame);
  sent.delivered = true;
  if (!sent.letter.awaited().empty()) state_.memory.iq.deliver(sent.letter.awaited(), leg->serial, sent.letter.record);
  leg->delivered = number;
  state_.free_credit(sent.letter.origin);
}

void Lane::settle(OutLeg& leg, std::uint64_t through) {
  if (through < leg.settled || through > leg.delivered) return alarm(leg, "Settled", "a number that was not delivered");
  pop_settled(leg, through);
  if (leg.phase != Phase::Open) return;
  if (leg.due == kNever) state_.agenda.set(leg.serial, leg.due, now_plus(kSettledNote));
  leg.route->pump();
}

void Lane::pop_settled(OutLeg& leg, std::uint64_t through) {
  while (leg.settled < through) {
    Sent& sent = leg.unsettled.front();
    state_.answer(sent.letter.origin);
    leg.unsettled_octets -= footprint(sent.letter);
    sent.letter.rest();
    leg.unsettled.pop();
    ++leg.settled;
  }
}

void Lane::on_far_close(OutLeg& leg, const airlock::Close& close) {
  if (close.kind == CloseKind::Condition)
    state_.note(Reason::LegStreamError, leg,
                {{"condition", std::string(inspect::name(close.condition))}, {"why", close.why}}, leg.route->serial());
  // First: it asks how long the leg was open.
  leg.route->on_lost(leg, close.kind == CloseKind::Clean);
  state_.enter(leg, Phase::Draining, now_plus(kClosing));
  say_closed(leg);
}

void Lane::on_far_closed(OutLeg& leg, const airlock::Closed& closed) {
  state_.note(closed.clean ? Reason::LegClosed : Reason::LegLost, leg,
              {{"cause", closed.cause}, {"delivered", std::to_string(leg.delivered)}}, leg.route->serial());
  say_closed(leg);
  leg.route->on_lost(leg, closed.clean);
  pop_settled(leg, std::clamp(closed.settled, leg.settled, leg.delivered));
  end_far(leg, closed.written);
}

void Lane::end_far(OutLeg& leg, std::uint64_t written) {
  state_.enter(leg, Phase::Closed);
  state_.edges[leg.edge].legs.erase(leg.id);
  leg.written = written;
  if (leg.returning) return leg.route->give_back(leg);
  state_.bury(leg);
}

}  // namespace sallyport::guard
