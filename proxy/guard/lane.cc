// Inputs of a lane: which leg is meant, whether the frame is legal there, and what is due. What the frames of accepted
// legs do is in lane_near.cc, those of dialled legs in lane_far.cc.
#include "proxy/guard/lane.h"

#include <algorithm>
#include <set>
#include <utility>

#include "proxy/guard/admission.h"
#include "proxy/guard/route.h"
#include "proxy/guard/session.h"

namespace sallyport::guard {

using airlock::CloseKind;
using airlock::LegId;
using inspect::StreamCondition;
using policy::Reason;

Lane::Lane(LaneSettings settings, Outlet& outlet, audit::Log::Lane& log, Budget& budget,
           std::shared_ptr<const policy::Bundle> bundle)
    : state_(std::move(settings), outlet, log, budget, std::move(bundle)) {}

Lane::~Lane() = default;

void Lane::on_channel(EdgeIndex edge, std::uint16_t edge_lane, std::uint16_t edge_lanes, Moment now) {
  state_.now = now;
  EdgeView& view = state_.edges[edge];
  if (view.up.empty() && state_.settings.lane == 0) state_.note(Reason::AirlockUp, view.enclave);
  view.up.resize(edge_lanes, false);
  view.seen.resize(edge_lanes);
  view.up[edge_lane] = true;
  std::vector<Route*> routes;
  for (const auto& [serial, route] : state_.routes) {
    if (route->to_edge() == edge) routes.push_back(route.get());
  }
  for (Route* route : routes) route->retry();
}

void Lane::on_edge_lost(EdgeIndex edge, Moment now) {
  state_.now = now;
  EdgeView& view = state_.edges[edge];
  std::vector<std::uint64_t> serials;
  serials.reserve(view.legs.size());
  for (const auto& [id, serial] : view.legs) serials.push_back(serial);
  tell_refused(view);
  if (!serials.empty() || (state_.settings.lane == 0 && !view.up.empty()))
    state_.note(Reason::AirlockDown, view.enclave, {{"legs", std::to_string(serials.size())}});
  view.up.clear();
  view.seen.clear();
  std::ranges::sort(serials);
  for (const std::uint64_t serial : serials) {
    if (InLeg* near = state_.in_leg(serial)) {
      lose_pairs(*near, false);
      state_.bury(*near);
    } else if (SessionLeg* of_session = state_.session_leg(serial)) {
      of_session->session->lose(*of_session);
    } else if (OutLeg* far = state_.out_leg(serial)) {
      far->route->on_failed(*far, std::nullopt);
      // Its domain has done nothing wrong: the next edge may dial it at once.
      far->route->on_lost(*far, true);
      // Nobody can tell what the edge had written.
      end_far(*far, far->last);
    }
  }
}

void Lane::on_frame(EdgeIndex edge, std::uint16_t edge_lane, const airlock::Frame& frame, Moment now) {
  state_.now = now;
  EdgeView& view = state_.edges[edge];
  if (edge_lane >= view.up.size() || !view.up[edge_lane]) return;
  if (!pay(edge, frame.body)) return state_.end_edge(edge, Reason::AirlockFlood, "too many frames");
  if (frame.leg == airlock::kNoLeg) {
    if (const auto* event = std::get_if<airlock::Event>(&frame.body)) return take_event(edge, frame.leg, *event);
    return state_.end_edge(edge, Reason::AirlockMalformed, airlock::name(frame.body));
  }
  const auto found = view.legs.find(frame.leg);
  if (found == view.legs.end()) {
    const auto* opened = std::get_if<airlock::Opened>(&frame.body);
    if (opened != nullptr && !airlock::is_dialled(frame.leg)) return open(edge, edge_lane, frame.leg, *opened);
    if (!was_ever(view, edge_lane, frame.leg)) state_.end_edge(edge, Reason::AirlockMalformed, "no such leg");
    return;
  }
  if (SessionLeg* leg = state_.session_leg(found->second)) {
    if (leg->edge_lane != edge_lane) return state_.end_edge(edge, Reason::AirlockMalformed, "a leg of another channel");
    if (const auto* event = std::get_if<airlock::Event>(&frame.body)) return take_event(edge, frame.leg, *event);
    return leg->session->take(*leg, frame.body);
  }
  InLeg* near = state_.in_leg(found->second);
  OutLeg* far = near == nullptr ? state_.out_leg(found->second) : nullptr;
  Leg& leg = near != nullptr ? static_cast<Leg&>(*near) : *far;
  if (leg.edge_lane != edge_lane) return state_.end_edge(edge, Reason::AirlockMalformed, "a leg of another channel");
  if (const auto* event = std::get_if<airlock::Event>(&frame.body)) return take_event(edge, frame.leg, *event);
  switch (ruling(leg.side, leg.phase, frame.body)) {
    case Ruling::Take:
      return near != nullptr ? take(*near, frame.body) : take(*far, frame.body);
    case Ruling::Ignore:
      if (near == nullptr || !std::holds_alternative<airlock::Stanza>(frame.body)) return;
      if (near->still_counts) return take(*near, frame.body);
      ++near->ignored;
      return;
    case Ruling::Alarm:
      return alarm(leg, airlock::name(frame.body), name(leg.phase));
  }
}

bool Lane::pay(EdgeIndex edge, const airlock::Body& body) {
  using namespace airlock;
  const bool has_its_own = std::holds_alternative<Stanza>(body) || std::holds_alternative<Settled>(body) ||
                           std::holds_alternative<Credit>(body) || std::holds_alternative<Event>(body);
  if (has_its_own) return true;
  EdgeView& view = state_.edges[edge];
  const bool was_spent = view.frames.is_spent();
  const bool goes_on = view.frames.spend(state_.now.steady, state_.recorder.is_congested());
  if (!was_spent && view.frames.is_spent()) state_.note(Reason::AirlockFlood, view.enclave);
  if (was_spent && !view.frames.is_spent()) tell_refused(view);
  return goes_on;
}

void Lane::tell_refused(EdgeView& view) {
  if (view.refused == 0) return;
  state_.note(Reason::AirlockFlood, view.enclave, {{"refused", std::to_string(std::exchange(view.refused, 0))}});
}

bool Lane::was_ever(const EdgeView& view, std::uint16_t edge_lane, LegId id) const {
  if (!airlock::is_dialled(id)) return view.seen[edge_lane].has(id);
  const std::uint64_t count = id / 2;
  const LaneSettings& settings = state_.settings;
  const std::uint64_t first = settings.run << 24U;
  return count % settings.lanes == settings.lane && count / settings.lanes >= first &&
         count / settings.lanes < first + state_.dialled;
}

void Lane::take(InLeg& leg, const airlock::Body& body) {
  if (const auto* stanza = std::get_if<airlock::Stanza>(&body)) return take_stanza(leg, *stanza);
  if (const auto* proved = std::get_if<airlock::Proved>(&body)) return prove(leg, *proved);
  if (const auto* close = std::get_if<airlock::Close>(&body)) return on_near_close(leg, *close);
  if (const auto* closed = std::get_if<airlock::Closed>(&body)) return on_near_closed(leg, *closed);
}

void Lane::take(OutLeg& leg, const airlock::Body& body) {
  if (const auto* settled = std::get_if<airlock::Settled>(&body)) return settle(leg, settled->number);
  if (const auto* credit = std::get_if<airlock::Credit>(&body)) {
    leg.purse.add(*credit);
    return leg.route->pump();
  }
  if (const auto* ready = std::get_if<airlock::Ready>(&body)) return make_ready(leg, *ready);
  if (const auto* failed = std::get_if<airlock::Failed>(&body)) return fail(leg, *failed);
  if (const auto* close = std::get_if<airlock::Close>(&body)) return on_far_close(leg, *close);
  if (const auto* closed = std::get_if<airlock::Closed>(&body)) return on_far_closed(leg, *closed);
}

void Lane::alarm(Leg& leg, std::string_view frame, std::string_view why) {
  // One is enough: what still comes for the leg ends neither it nor anything else again.
  if (std::exchange(leg.alarmed, true)) return;
  state_.note(Reason::AirlockOutOfTurn, leg,
              {{"frame", std::string(frame)}, {"leg", std::string(name(leg.side))}, {"why", std::string(why)}});
  if (InLeg* near = state_.in_leg(leg.serial)) {
    state_.close(*near, CloseKind::Abort, StreamCondition::UndefinedCondition, false);
    state_.detach(*near);
  } else if (OutLeg* far = state_.out_leg(leg.serial)) {
    state_.close(*far, CloseKind::Abort, StreamCondition::UndefinedCondition);
  }
}

void Lane::say_closed(Leg& leg) {
  if (leg.said_closed) return;
  leg.said_closed = true;
  state_.send(leg, airlock::Closed{});
}

void Lane::take_event(EdgeIndex edge, LegId leg, const airlock::Event& event) {
  constexpr std::size_t kMostDetails = 16;  // Recorder cuts their texts
  EdgeView& view = state_.edges[edge];
  if (state_.now.steady - view.events_since >= std::chrono::minutes(1)) {
    if (view.uncounted > 0)
      state_.note(Reason::AirlockReports, view.enclave, {{"count", std::to_string(view.uncounted)}});
    view.events_since = state_.now.steady;
    view.events = 0;
    view.uncounted = 0;
  }
  if (view.events >= kEventsPerMinute) {
    ++view.uncounted;
    return;
  }
  ++view.events;
  // The code is the edge's own text: it stands among the details, so that no edge can write the guard's records.
  Details details{{"code", event.code}};
  for (const airlock::Pair& detail : event.details) {
    if (details.size() > kMostDetails) break;
    details.emplace_back(detail.from, detail.to);
  }
  audit::EventRecord record;
  record.time = state_.now.wall;
  record.code = policy::code(Reason::AirlockReported);
  record.enclave = view.enclave;
  record.leg = leg;
  record.details = std::move(details);
  state_.recorder.event(std::move(record));
}

void Lane::on_recorded(Moment now) {
  state_.now = now;
  recorded_.clear();
  state_.recorder.take_recorded(recorded_);
  // A log that has failed has written this, but what follows from it would be told to nobody.
  if (state_.halted) return;
  for (Recorder::Recorded& recorded : recorded_) {
    switch (recorded.what.then) {
      case OnRecord::Then::Nothing:
        break;
      case OnRecord::Then::Deliver:
        deliver(recorded.what.leg, recorded.what.number, recorded.number);
        break;
      case OnRecord::Then::Session:
        if (Session* session = state_.session(recorded.what.leg)) session->on_recorded(recorded.what, recorded.number);
        break;
      case OnRecord::Then::Answer:
        state_.answer(recorded.what.origin);
        for (OnRecord::Follows& next : recorded.what.follows)
          state_.hold(std::move(next.injection), recorded.number, next.due);
        break;
    }
  }
}

void Lane::tick(Moment now) {
  state_.now = now;
  while (const auto serial = state_.agenda.due(now.steady)) on_due(*serial);
}

void Lane::on_due(std::uint64_t serial) {
  if (serial == state_.answers_serial) return state_.on_answers_due();
  if (serial == state_.presence_serial) return state_.on_presence_due();
  if (serial == state_.hibernation_serial) return state_.on_hibernation_due();
  if (serial == state_.shadow_serial) return state_.note_shadow();
  if (Route* route = state_.route(serial)) return route->on_due();
  if (Session* session = state_.session(serial)) return session->on_due();
  if (SessionLeg* leg = state_.session_leg(serial)) return leg->session->on_leg_due(*leg);
  if (InLeg* near = state_.in_leg(serial)) {
    if (near->phase == Phase::Negotiating) return state_.refuse(*near, Reason::LegTimeout);
    if (!near->clean_close || near->said_closed) {
      state_.agenda.set(serial, near->due, kNever);
      return state_.end_edge(near->edge, Reason::AirlockMalformed, "a leg is not closed in time");
    }
    say_closed(*near);
    return state_.agenda.set(serial, near->due, now_plus(kClosing));
  }
  OutLeg* far = state_.out_leg(serial);
  switch (far->phase) {
    case Phase::Dialling:
      far->route->on_failed(*far, airlock::DialFault::Deadline);
      return state_.close(*far, CloseKind::Abort, StreamCondition::UndefinedCondition);
    case Phase::Open:
      state_.note_settled(*far, far->settled);
      far->unsettled.release();
      return state_.agenda.set(serial, far->due, kNever);
    default:
      state_.agenda.set(serial, far->due, kNever);
      return state_.end_edge(far->edge, Reason::AirlockMalformed, "a leg is not closed in time");
  }
}

Steady Lane::now_plus(std::chrono::milliseconds wait) const {
  return state_.now.steady + wait;
}

Steady Lane::next_deadline() const {
  return state_.agenda.next();
}

void Lane::flush(Moment now) {
  state_.now = now;
  for (const std::uint64_t serial : std::exchange(state_.touched, {})) {
    if (InLeg* leg = state_.in_leg(serial)) tell(*leg);
  }
  for (const std::uint64_t serial : std::exchange(state_.touched_legs, {}))
    if (SessionLeg* leg = state_.session_leg(serial)) leg->session->tell(*leg);
  end_quiet_sessions();
  for (const std::uint64_t serial : std::exchange(state_.quiet_routes, {})) {
    const Route* route = state_.route(serial);
    if (route == nullptr || !route->is_idle()) continue;
    state_.routes_by_pair.erase({route->pair().from, route->pair().to});
    state_.routes.erase(serial);
  }
  state_.recorder.wake();
}

void Lane::tell(InLeg& leg) {
  leg.touched = false;
  if (state_.halted || leg.said_closed) return;
  if (const auto handled = leg.window.news()) {
    airlock::Handled frame;
    frame.number = *handled;
    state_.send(leg, frame);
  }
  if (leg.clean_close && leg.window.open() == 0) {
    say_closed(leg);
    return state_.agenda.set(leg.serial, leg.due, now_plus(kClosing));
  }
  if (leg.phase != Phase::Open && leg.phase != Phase::Held) return;
  if (state_.recorder.is_congested()) return state_.touch(leg);
  if (const auto credit = leg.lent.replenish()) state_.send(leg, *credit);
}

std::vector<Lane::Ending> Lane::endings(const policy::Bundle& bundle) const {
  std::vector<Ending> endings;
  std::set<const InLeg*> ending_legs;
  for (const auto& [serial, route] : state_.routes) {
    const policy::Pair& pair = route->pair();
    const policy::Pair reverse{pair.to, pair.from};
    const bool moved = bundle.lane_key(pair.from, pair.to) % state_.settings.lanes != state_.settings.lane;
    const bool granted = still_granted(pair, route->from_enclave(), route->to_enclave(), bundle);
    // Without a near leg a route only takes bounces back, for the pair in the other direction.
    const bool returns =
        !route->has_near() && still_granted(reverse, route->to_enclave(), route->from_enclave(), bundle);
    if (!moved && (granted || returns)) continue;
    endings.push_back({serial, pair, route->has_near(), route->has_far(), true});
    route->add_near(ending_legs);
  }
  for (const InLeg* leg : ending_legs) {
    std::vector<const Route*> others(leg->routes.begin(), leg->routes.end());
    if (leg->awaited != nullptr) others.push_back(leg->awaited);
    for (const Route* route : others) {
      const auto is_named = [&](const Ending& each) { return each.crossing == route->serial(); };
      if (std::ranges::none_of(endings, is_named))
        endings.push_back({route->serial(), route->pair(), true, false, false});
    }
  }
  for (const auto& [serial, session] : state_.sessions) {
    if (session->turn() == Turn::Ending || session->is_granted(bundle)) continue;
    const std::string who = session->jid().empty() ? session->client_enclave() : std::string(session->jid());
    endings.push_back({serial, {who, session->domain()}, true, true, true});
  }
  std::ranges::sort(endings, {}, &Ending::crossing);
  return endings;
}

void Lane::swap(std::shared_ptr<const policy::Bundle> bundle, Moment now) {
  state_.now = now;
  const auto ending = endings(*bundle);
  const bool is_another = bundle->hash() != state_.bundle->hash();
  state_.bundle = std::move(bundle);
  if (is_another) state_.forget_all_kept();
  for (const Ending& end : ending) {
    if (!end.withdrawn) continue;
    if (Route* route = state_.route(end.crossing)) route->end(Reason::LegWithdrawn);
    if (Session* session = state_.session(end.crossing)) session->end(Reason::LegWithdrawn);
  }
  for (const auto& [serial, session] : state_.sessions) session->follow(*state_.bundle);
}

void Lane::shade(std::shared_ptr<const policy::Bundle> bundle, Moment now) {
  state_.now = now;
  state_.note_shadow();
  state_.shadow = bundle ? std::make_unique<Shadow>(std::move(bundle), state_.memory, state_.settings.shadow_rate,
                                                    state_.settings.resource_key)
                         : nullptr;
}

void Lane::drain(Moment now, std::chrono::milliseconds deadline) {
  state_.now = now;
  state_.draining = true;
  state_.note_shadow();
  airlock::Drain drain;
  drain.deadline_ms = static_cast<std::uint32_t>(deadline.count());
  for (EdgeIndex edge = 0; edge < state_.edges.size(); ++edge) {
    const std::vector<bool>& up = state_.edges[edge].up;
    for (std::size_t lane = 0; lane < up.size(); ++lane) {
      if (up[lane]) state_.outlet.send(edge, static_cast<std::uint16_t>(lane), airlock::kNoLeg, drain);
    }
  }
  std::vector<std::uint64_t> serials;
  serials.reserve(state_.routes.size());
  for (const auto& [serial, route] : state_.routes) serials.push_back(serial);
  for (const std::uint64_t serial : serials) state_.route(serial)->retry();
  end_sessions(Reason::LegShutdown);
}

void Lane::give_up(Moment now) {
  state_.now = now;
  state_.let_go_of_held(kNever);
  for (const auto& [serial, session] : state_.sessions) session->give_up();
  for (const auto& [id, state] : state_.hibernating) state_.lose_held(*state);
  std::vector<std::uint64_t> serials;
  serials.reserve(state_.routes.size());
  for (const auto& [serial, route] : state_.routes) serials.push_back(serial);
  for (const std::uint64_t serial : serials) state_.route(serial)->give_up();
  // The next start looks for what has no known fate.
  for (const auto& [serial, leg] : state_.out_legs) state_.note_settled(*leg, leg->settled);
}

void Lane::halt() {
  state_.halted = true;
}

Lane::Census Lane::census() const {
  Census census;
  census.accepted = state_.in_legs.size();
  census.dialled = state_.out_legs.size();
  census.routes = state_.routes.size();
  for (const auto& [serial, leg] : state_.session_legs)
    ++(leg->side == Side::Accepted ? census.accepted : census.dialled);
  census.sessions = state_.sessions.size();
  census.hibernating = state_.hibernating.size();
  for (const auto& [serial, session] : state_.sessions) {
    census.unsettled += session->unsettled();
    census.queued += session->held();
  }
  for (const auto& [serial, route] : state_.routes) census.queued += route->queued();
  census.queued += state_.held.size();
  for (const auto& [serial, leg] : state_.out_legs) census.unsettled += leg->unsettled.size();
  census.unrecorded = state_.recorder.open();
  if (state_.shadow) census.shadow = state_.shadow->total();
  return census;
}

}  // namespace sallyport::guard
