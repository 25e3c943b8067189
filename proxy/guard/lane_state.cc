#include "proxy/guard/lane_state.h"

#include <algorithm>
#include <utility>

#include "inspect/serializer.h"
#include "policy/bounce.h"
#include "policy/hidden_resources.h"
#include "policy/label_judge.h"
#include "proxy/guard/route.h"
#include "proxy/guard/session.h"
#include "proxy/guard/shadow.h"

namespace sallyport::guard {

using airlock::CloseKind;
using inspect::StreamCondition;
using policy::Reason;

LaneState::LaneState(LaneSettings lane_settings, Outlet& lane_outlet, audit::Log::Lane& log, Budget& process_budget,
                     std::shared_ptr<const policy::Bundle> first_bundle)
    : settings(std::move(lane_settings)),
      outlet(lane_outlet),
      budget(process_budget),
      bundle(std::move(first_bundle)),
      recorder(log),
      random(settings.seed),
      memory(settings.secret, settings.requests),
      scratch(memory, settings.secret, settings.resource_key) {
  edges.resize(settings.enclaves.size());
  for (std::size_t i = 0; i < edges.size(); ++i) edges[i].enclave = settings.enclaves[i];
}

LaneState::~LaneState() = default;

namespace {

template <class T>
T* find(const std::unordered_map<std::uint64_t, std::unique_ptr<T>>& all, std::uint64_t serial) {
  const auto found = all.find(serial);
  return found == all.end() ? nullptr : found->second.get();
}

}  // namespace

InLeg* LaneState::in_leg(std::uint64_t serial) {
  return find(in_legs, serial);
}
OutLeg* LaneState::out_leg(std::uint64_t serial) {
  return find(out_legs, serial);
}
Route* LaneState::route(std::uint64_t serial) {
  return find(routes, serial);
}

Session* LaneState::session(std::uint64_t serial) {
  return find(sessions, serial);
}
SessionLeg* LaneState::session_leg(std::uint64_t serial) {
  const auto found = session_legs.find(serial);
  return found == session_legs.end() ? nullptr : found->second;
}

Route* LaneState::find_route(std::string_view from, std::string_view to) {
  const auto found = routes_by_pair.find(std::pair(std::string(from), std::string(to)));
  return found == routes_by_pair.end() ? nullptr : found->second;
}

Route& LaneState::route_of(const policy::Pair& pair, EdgeIndex from_edge, EdgeIndex to_edge) {
  Route*& place = routes_by_pair[{pair.from, pair.to}];
  if (place == nullptr) {
    auto made = std::make_unique<Route>(*this, next_serial(), pair, from_edge, to_edge);
    place = made.get();
    routes.emplace(made->serial(), std::move(made));
  }
  return *place;
}

EdgeIndex LaneState::edge_of(std::string_view enclave) const {
  return static_cast<EdgeIndex>(std::ranges::find(edges, enclave, &EdgeView::enclave) - edges.begin());
}

void LaneState::enter(Leg& leg, Phase phase, Steady due) {
  leg.phase = phase;
  leg.since = now.steady;
  agenda.set(leg.serial, leg.due, due);
}

void LaneState::note(Reason reason, const Leg& leg, Details details, std::uint64_t crossing) {
  if (leg.unrecorded) return;
  audit::EventRecord event;
  event.time = now.wall;
  event.code = policy::code(reason);
  event.enclave = edges[leg.edge].enclave;
  event.crossing = crossing;
  event.leg = leg.id;
  event.details = std::move(details);
  recorder.event(std::move(event));
}

void LaneState::note(Reason reason, std::string_view enclave, Details details, std::uint64_t crossing) {
  audit::EventRecord event;
  event.time = now.wall;
  event.code = policy::code(reason);
  event.enclave = enclave;
  event.crossing = crossing;
  event.details = std::move(details);
  recorder.event(std::move(event));
}

void LaneState::note_settled(OutLeg& leg, std::uint64_t through) {
  if (through == leg.settled_told) return;
  leg.settled_told = through;
  note(Reason::LegSettled, leg, {{"through", std::to_string(through)}}, leg.route->serial());
}

void LaneState::touch(InLeg& leg) {
  if (leg.touched) return;
  leg.touched = true;
  touched.push_back(leg.serial);
}

void LaneState::touch(SessionLeg& leg) {
  if (leg.touched) return;
  leg.touched = true;
  touched_legs.push_back(leg.serial);
}

void LaneState::end_edge(EdgeIndex edge, Reason reason, std::string_view why) {
  note(reason, edges[edge].enclave, {{"why", std::string(why)}});
  edges[edge].up.assign(edges[edge].up.size(), false);
  outlet.end_edge(edge);
}

namespace {

/// The limits of the edge's parser, with room for what normal form adds.
inspect::ParserLimits decoder_limits() {
  inspect::ParserLimits limits;
  limits.bytes_per_element = airlock::kLargestFrame;
  return limits;
}

}  // namespace

std::expected<inspect::Node*, inspect::NormalFormFault> LaneState::decode(std::string_view normal_form,
                                                                          std::size_t elements) {
  scratch.arena.clear();
  inspect::ParserLimits limits = decoder_limits();
  limits.elements = elements;
  return inspect::decode(normal_form, scratch.arena, limits);
}

std::expected<inspect::Node*, inspect::NormalFormFault> LaneState::decode_again(std::string_view normal_form) {
  inspect::ParserLimits limits = decoder_limits();
  limits.elements = kMostElements;
  return inspect::decode(normal_form, scratch.arena, limits);
}

void LaneState::fill_draft(const Arrived& arrived, const policy::Judgement& judgement) {
  const policy::StanzaFacts& facts = judgement.facts;
  auto& record = std::get<audit::StanzaRecord>(draft);
  record.time = now.wall;
  record.crossing = arrived.crossing;
  record.from_enclave = arrived.from_enclave;
  record.to_enclave = arrived.to_enclave;
  // What could not be understood, or was not believed, stands as the peer wrote it.
  record.from = facts.from.empty() ? facts.from_text : facts.from.full;
  record.to = facts.to.empty() ? facts.to_text : facts.to.full;
  record.kind = facts.kind ? policy::name(*facts.kind) : std::string_view();
  record.type = facts.type;
  record.id = facts.id;
  record.verdict = policy::name(judgement.verdict);
  record.reason = policy::code(judgement.reason);
  record.findings.clear();
  for (const Reason finding : judgement.findings) record.findings.emplace_back(policy::code(finding));
  record.rule = judgement.rule;
  record.bundle = bundle->hash();
  const policy::JudgedLabel* label = judgement.label.get();
  record.label_in = label != nullptr ? std::string_view(label->text_in) : std::string_view();
  record.marking_in = label != nullptr ? std::string_view(label->marking_in) : std::string_view();
  record.label_out = label != nullptr ? std::string_view(label->text_out) : std::string_view();
  record.marking_out = label != nullptr ? std::string_view(label->marking) : std::string_view();
  record.label_detail = judgement.label_detail;
  record.shadow.clear();
  record.leg_in = arrived.leg;
  record.number_in = arrived.number;
  record.octets_in = arrived.normal_form.size();
  record.sha256_in = sha256(arrived.normal_form);
  record.leg_out = record.number_out = record.octets_out = 0;
  record.sha256_out = {};
  record.id_out.clear();
  record.from_out = facts.from_out;
  record.to_in = facts.to_in;
  record.cause.clear();
  record.content.clear();
}

void LaneState::ask_shadow(std::string_view normal_form, const policy::Crossing& crossing,
                           const policy::Judgement& judgement, const inspect::Node& node) {
  if (!shadow) return;
  const auto other = decode_again(normal_form);
  if (!other) return;
  std::get<audit::StanzaRecord>(draft).shadow = shadow->compare({normal_form, crossing, judgement, node}, **other, now);
  if (shadow_due == kNever) agenda.set(shadow_serial, shadow_due, now.steady + kShadowNote);
}

void LaneState::note_shadow() {
  agenda.set(shadow_serial, shadow_due, kNever);
  if (!shadow) return;
  Details news = shadow->take_news();
  if (!news.empty()) note(Reason::PolicyShadowCounted, "", std::move(news));
}

void LaneState::free_credit(Origin& origin) {
  if (origin.octets == 0) return;
  if (InLeg* leg = in_leg(origin.leg)) {
    leg->lent.free(origin.octets);
    touch(*leg);
  }
  origin.octets = 0;
}

void LaneState::answer(Origin& origin) {
  free_credit(origin);
  if (InLeg* leg = in_leg(origin.leg)) {
    leg->window.answer(origin.number);
    touch(*leg);
  }
}

void LaneState::close(InLeg& leg, CloseKind kind, StreamCondition condition, bool still_counts) {
  // Its time to end runs already, and nothing gives it more.
  if (leg.phase == Phase::Draining) {
    leg.still_counts = leg.still_counts && still_counts;
    return;
  }
  airlock::Close close;
  close.kind = kind;
  close.condition = condition;
  send(leg, close);
  leg.still_counts = still_counts;
  enter(leg, Phase::Draining, now.steady + kClosing);
  if (Route* route = std::exchange(leg.awaited, nullptr)) route->leave(leg);
}

void LaneState::refuse(InLeg& leg, Reason reason, Details details) {
  note(reason, leg, std::move(details));
  airlock::Refuse refuse;
  refuse.condition = policy::row(reason).wire.stream;
  send(leg, refuse);
  enter(leg, Phase::Draining, now.steady + kClosing);
  detach(leg);
}

void LaneState::detach(InLeg& leg) {
  leg.pairs.clear();
  if (Route* route = std::exchange(leg.awaited, nullptr)) route->leave(leg);
  for (Route* route : std::exchange(leg.routes, {})) route->leave(leg);
}

void LaneState::close(OutLeg& leg, CloseKind kind, StreamCondition condition) {
  if (leg.phase == Phase::Draining) return;
  airlock::Close close;
  close.kind = kind;
  close.condition = condition;
  send(leg, close);
  // First: it asks how long the leg was open.
  if (leg.phase == Phase::Open) {
    leg.route->on_lost(leg, true);
  } else {
    leg.route->on_failed(leg, std::nullopt);
  }
  enter(leg, Phase::Draining, now.steady + kClosing);
}

void LaneState::bury(InLeg& leg) {
  detach(leg);
  enter(leg, Phase::Closed);
  edges[leg.edge].legs.erase(leg.id);
  in_legs.erase(leg.serial);
}

void LaneState::bury(OutLeg& leg) {
  if (leg.phase != Phase::Closed || !leg.unsettled.empty()) return;
  edges[leg.edge].legs.erase(leg.id);
  agenda.set(leg.serial, leg.due, kNever);
  Route& route = *leg.route;
  out_legs.erase(leg.serial);
  route.on_buried();
}

bool LaneState::may_send_error(const std::string& domain) {
  ErrorBudget& budget_of_domain = errors[domain];
  if (now.steady - budget_of_domain.since >= std::chrono::seconds(1)) budget_of_domain = {now.steady, 0};
  return budget_of_domain.sent++ < bundle->limits().errors_per_second;
}

std::unique_ptr<Waiting> LaneState::make_injection(const inspect::Node& node, Reason reason,
                                                   std::string_view from_enclave, std::string_view to_enclave) {
  const auto address = [&](std::string_view name) {
    const auto* text = node.attribute(name);
    return text != nullptr ? policy::Address::of_prepared(*text) : policy::Address();
  };
  const policy::Address from = address("from");
  const auto hidden = policy::hidden_sender(from, address("to"), *bundle, scratch);
  // What is too long to be hidden is in nobody's hands: the far side has made it up, and hears it again in the answer.
  const bool as_it_is = !hidden || hidden->full == from.full;
  inspect::Node leaving = node;
  if (!as_it_is) {
    leaving.attributes = scratch.arena.array<inspect::Attribute>(node.attributes.size());
    std::ranges::copy(node.attributes, leaving.attributes.begin());
    inspect::TreeEditor(scratch.arena).set_attribute(leaving, "from", hidden->full);
  }
  auto injection = write_injection(leaving, reason, from_enclave, to_enclave, inspect::ns::kServer);
  if (!as_it_is) {
    injection->record.from_out = std::exchange(injection->record.from, std::string(from.full));
  }
  const Letter& letter = injection->letter;
  const policy::Pair pair{std::string(policy::Address::of_prepared(letter.from()).domain),
                          std::string(policy::Address::of_prepared(letter.to()).domain)};
  if (policy::check_output(leaving, pair, letter.xml().size(), 0)) return nullptr;
  return injection;
}

std::unique_ptr<Waiting> LaneState::write_injection(const inspect::Node& node, Reason reason,
                                                    std::string_view from_enclave, std::string_view to_enclave,
                                                    std::string_view content_namespace) {
  const auto text = [&](std::string_view name) {
    const auto* value = node.attribute(name);
    return value != nullptr ? *value : std::string_view();
  };
  policy::StanzaFacts facts;
  facts.kind = policy::kind(node.name);
  facts.type = text("type");
  facts.id = text("id");
  facts.from = policy::Address::of_prepared(text("from"));
  facts.to = policy::Address::of_prepared(text("to"));
  // Not the lane's own buffer: a stanza that is about to be released may stand there.
  std::string octets;
  inspect::serialize(node, content_namespace, octets);
  auto injection = std::make_unique<Waiting>();
  Letter& letter = injection->letter;
  letter.write(facts, octets);
  letter.injection = true;

  audit::StanzaRecord& record = injection->record;
  record.time = now.wall;
  record.from_enclave = from_enclave;
  record.to_enclave = to_enclave;
  record.from = letter.from();
  record.to = letter.to();
  record.kind = policy::name(letter.kind());
  record.type = letter.type();
  record.id = letter.id();
  record.verdict = policy::name(policy::Verdict::Release);
  record.reason = policy::code(reason);
  record.bundle = bundle->hash();
  record.octets_out = octets.size();
  record.sha256_out = sha256(octets);
  return injection;
}

std::unique_ptr<Waiting> LaneState::make_bounce(const policy::StanzaFacts& facts, const policy::StanzaFault& fault,
                                                Reason reason, const Route& route, audit::StanzaRecord* of) {
  const inspect::Node* node = policy::make_bounce(facts, fault, scratch.arena);
  if (node == nullptr) return nullptr;
  auto bounce = make_injection(*node, reason, route.to_enclave(), route.from_enclave());
  if (bounce && !may_send_error(route.pair().from)) {
    if (of != nullptr) of->findings.emplace_back(policy::code(Reason::RouteErrorBudget));
    return nullptr;
  }
  return bounce;
}

void LaneState::inject(std::unique_ptr<Waiting> injection, std::uint64_t cause) {
  if (cause != 0) injection->record.cause = std::to_string(cause);
  const auto from = policy::Address::of_prepared(injection->letter.from());
  const auto to = policy::Address::of_prepared(injection->letter.to());
  const policy::Pair pair{std::string(from.domain), std::string(to.domain)};
  const EdgeIndex from_edge = edge_of(injection->record.from_enclave), to_edge = edge_of(injection->record.to_enclave);
  if (from_edge == edges.size() || to_edge == edges.size()) return;
  route_of(pair, from_edge, to_edge).inject(std::move(*injection));
}

}  // namespace sallyport::guard
