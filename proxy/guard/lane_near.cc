// Accepted legs: what is asked on them, and the stanzas that come in.
#include <algorithm>
#include <utility>

#include "inspect/serializer.h"
#include "policy/bounce.h"
#include "policy/pipeline.h"
#include "proxy/guard/admission.h"
#include "proxy/guard/lane.h"
#include "proxy/guard/route.h"

namespace sallyport::guard {

using airlock::CloseKind;
using airlock::LegId;
using inspect::StreamCondition;
using policy::Reason;
using policy::Verdict;

namespace {

Details certificate_details(const airlock::CertificateFacts& certificate) {
  static constexpr std::string_view kRevocation[] = {"good", "revoked", "unknown", "not checked"};
  Details details;
  if (!certificate.presented) {
    details.emplace_back("certificate", "none");
    return details;
  }
  std::string names;
  for (const std::string& name : certificate.names) {
    if (!names.empty()) names += ' ';
    names += name;
  }
  details.emplace_back("certificate", std::move(names));
  details.emplace_back("serial", certificate.serial);
  details.emplace_back("chain", certificate.chain ? "good" : "bad");
  details.emplace_back("identity", certificate.identity ? "good" : "bad");
  details.emplace_back("revocation", kRevocation[static_cast<std::size_t>(certificate.revocation)]);
  if (!certificate.problem.empty()) details.emplace_back("problem", certificate.problem);
  return details;
}

}  // namespace

Details opened_details(const airlock::Opened& opened) {
  Details details{{"from", opened.from},       {"to", opened.to},
                  {"peer", opened.peer},       {"destination", opened.destination},
                  {"tls", opened.tls.version}, {"cipher", opened.tls.cipher}};
  std::ranges::move(certificate_details(opened.certificate), std::back_inserter(details));
  return details;
}

bool Lane::takes_new_legs(const EdgeView& view) const {
  return !view.frames.is_spent() && !state_.draining && !state_.halted && view.legs.size() < kLegsPerEdge &&
         !state_.recorder.is_congested();
}

void Lane::open(EdgeIndex edge, std::uint16_t edge_lane, LegId id, const airlock::Opened& opened) {
  EdgeView& view = state_.edges[edge];
  // An id says which of the edge's lanes made it, so that none can come twice by way of another channel to this lane.
  // Of the other lanes of the guard one may have been asked before; it has kept nothing, and an id means nothing there.
  if ((id / 2 - 1) % view.up.size() != edge_lane)
    return state_.end_edge(edge, Reason::AirlockMalformed, "a leg id of another channel");
  if (!view.seen[edge_lane].add(id)) return state_.end_edge(edge, Reason::AirlockMalformed, "a leg id came twice");
  // Refused legs live until the edge has closed them; one that closes none must not fill the memory with them.
  if (view.legs.size() >= kMostLegsPerEdge) return state_.end_edge(edge, Reason::AirlockMalformed, "too many legs");
  const bool is_client = opened.kind == airlock::LegKind::C2s;
  const auto admitted =
      is_client ? admit_client(opened, view.enclave, *state_.bundle) : admit(opened, view.enclave, *state_.bundle);
  if (admitted) {
    // A client's leg is its own lane key (design.md section 5).
    const std::uint64_t key = is_client ? id / 2 - 1 : state_.bundle->lane_key(admitted->pair.from, admitted->pair.to);
    airlock::Terms terms;
    terms.guard_lane = static_cast<std::uint16_t>(key % state_.settings.lanes);
    if (terms.guard_lane != state_.settings.lane) return state_.outlet.send(edge, edge_lane, id, terms);
    if (is_client && takes_new_legs(view)) return open_session(edge, edge_lane, id, opened, *admitted);
  }

  auto made = std::make_unique<InLeg>(state_.budget);
  InLeg& leg = *made;
  leg.serial = state_.next_serial();
  leg.edge = edge;
  leg.edge_lane = edge_lane;
  leg.id = id;
  leg.from_enclave = view.enclave;
  // What is longer is no language, and nothing inherits it (protocol.md X-06).
  if (opened.lang.size() <= kLongestLanguage) leg.lang = opened.lang;
  state_.in_legs.emplace(leg.serial, std::move(made));
  view.legs.emplace(id, leg.serial);

  if (view.frames.is_spent()) {
    leg.unrecorded = true;
    ++view.refused;
    return state_.refuse(leg, Reason::LegOverload);
  }
  state_.note(Reason::LegOpened, leg, opened_details(opened));
  if (!admitted) return state_.refuse(leg, admitted.error());
  if (state_.draining || state_.halted) return state_.refuse(leg, Reason::LegShutdown);
  if (view.legs.size() > kLegsPerEdge || state_.recorder.is_congested()) return state_.refuse(leg, Reason::LegOverload);

  leg.from = admitted->pair.from;
  leg.to = admitted->pair.to;
  leg.to_enclave = admitted->to_enclave;
  leg.external = admitted->external;
  leg.dialback = admitted->dialback;
  airlock::Terms terms;
  terms.guard_lane = state_.settings.lane;
  terms.external = leg.external;
  terms.dialback = leg.dialback;
  terms.stanza_octets = state_.bundle->limits().leg_octets;
  state_.send(leg, terms);
  state_.enter(leg, Phase::Negotiating, now_plus(kNegotiation));
}

void Lane::prove(InLeg& leg, const airlock::Proved& proved) {
  const policy::Bundle& bundle = *state_.bundle;
  Details details{{"from", proved.from},
                  {"to", proved.to},
                  {"method", proved.method == airlock::Method::External ? "external" : "dialback"}};
  std::ranges::move(certificate_details(proved.certificate), std::back_inserter(details));
  state_.note(Reason::LegProved, leg, std::move(details));

  const auto pair = admit_pair(proved.from, proved.to, leg.from_enclave, bundle);
  if (!pair) return state_.refuse(leg, pair.error());
  if (std::ranges::find(leg.pairs, *pair) != leg.pairs.end())
    return alarm(leg, "Proved", "the pair is granted already");
  if (proved.method == airlock::Method::External) {
    // S-02: EXTERNAL proves the pair of the header and no other.
    if (!leg.external || pair->from != leg.from || pair->to != leg.to)
      return state_.refuse(leg, Reason::LegNotAuthorized);
    if (const auto objection = judge_certificate(proved.certificate, leg.from_enclave, bundle))
      return state_.refuse(leg, *objection);
  } else if (!leg.dialback || !allows_dialback(*pair, bundle)) {
    return state_.refuse(leg, Reason::LegNotAuthorized);
  }
  const bool elsewhere = bundle.lane_key(pair->from, pair->to) % state_.settings.lanes != state_.settings.lane ||
                         bundle.enclave_of(*bundle.domain(pair->to)).name != leg.to_enclave;
  if (elsewhere || leg.pairs.size() >= bundle.limits().pairs_per_leg)
    return state_.refuse(leg, Reason::LegTooManyPairs);
  if (state_.draining || state_.halted) return state_.refuse(leg, Reason::LegShutdown);
  const EdgeIndex far = state_.edge_of(leg.to_enclave);
  if (far == state_.edges.size()) return state_.refuse(leg, Reason::LegFarUnreachable);
  reopen_gate(pair->from);
  state_.route_of(*pair, leg.edge, far).hold(leg);
}

/// S-19: a domain that has just proved a leg is there again, so that what waits for it need not wait until its gate
/// opens.
void Lane::reopen_gate(const std::string& domain) {
  const auto gate = state_.gates.find(domain);
  if (gate == state_.gates.end() || !gate->second.reopen(state_.now.steady)) return;
  std::vector<Route*> waiting;
  for (const auto& [serial, route] : state_.routes)
    if (route->pair().to == domain) waiting.push_back(route.get());
  for (Route* route : waiting) route->retry();
}

void Lane::take_stanza(InLeg& leg, const airlock::Stanza& stanza) {
  if (!leg.lent.spend(stanza.normal_form.size())) return alarm(leg, "Stanza", "more than the credit");
  if (!leg.window.take(stanza.number)) return alarm(leg, "Stanza", "not the next number");
  const auto node = state_.decode(stanza.normal_form);
  if (!node) return state_.end_edge(leg.edge, Reason::AirlockNormalForm, node.error().what);
  judge(leg, stanza, **node);
}

void Lane::judge(InLeg& leg, const airlock::Stanza& stanza, inspect::Node& node) {
  const policy::Bundle& bundle = *state_.bundle;
  policy::Crossing crossing;
  crossing.from_enclave = leg.from_enclave;
  crossing.to_enclave = leg.to_enclave;
  crossing.lang = leg.lang;
  crossing.granted = leg.pairs;
  const policy::Judgement judgement =
      policy::judge(node, stanza.normal_form.size(), crossing, policy_moment(state_.now), bundle, state_.scratch);
  const policy::StanzaFacts& facts = judgement.facts;
  const auto is_pair = [&](const Route* each) {
    return each->pair().from == facts.from.domain && each->pair().to == facts.to.domain;
  };
  const auto found = std::ranges::find_if(leg.routes, is_pair);
  // What fits no granted pair is refused, and recorded with the first route of its leg.
  Route& route = found != leg.routes.end() ? **found : *leg.routes.front();

  state_.fill_draft({route.serial(), leg.from_enclave, leg.to_enclave, leg.id, stanza.number, stanza.normal_form},
                    judgement);
  state_.ask_shadow(stanza.normal_form, crossing, judgement, node);
  const Origin origin{leg.serial, stanza.number, static_cast<std::uint32_t>(stanza.normal_form.size())};
  switch (judgement.verdict) {
    case Verdict::Release:
    case Verdict::Alter:
      if (found == leg.routes.end()) return refuse(origin, route, judgement, {}, Reason::OutputPair);
      return release(origin, node, route, judgement);
    case Verdict::Bounce:
      return refuse(origin, route, judgement, judgement.fault, judgement.reason);
    case Verdict::Answer:
    case Verdict::Drop:
      if (judgement.intents.refusal.presence.keeps_stanza) {
        std::string xml;
        inspect::serialize(node, inspect::ns::kServer, xml);
        state_.keep(std::move(xml), facts);
      }
      return refuse(origin, route, judgement, {}, judgement.reason);
    case Verdict::Sever: {
      state_.commit(judgement.intents.refusal);
      OnRecord then;
      then.then = OnRecord::Then::Answer;
      then.origin = origin;
      state_.recorder.submit(state_.draft, std::move(then));
      state_.note(Reason::LegSevered, leg, {{"condition", std::string(inspect::name(judgement.sever))}},
                  route.serial());
      if (leg.phase != Phase::Draining) state_.close(leg, CloseKind::Condition, judgement.sever, false);
      leg.still_counts = false;
      return state_.detach(leg);
    }
  }
}

void Lane::release(const Origin& origin, const inspect::Node& node, Route& route, const policy::Judgement& judgement) {
  const policy::StanzaFacts& facts = judgement.facts;
  const policy::Bundle& bundle = *state_.bundle;
  std::string& xml = state_.xml;
  xml.clear();
  inspect::serialize(node, inspect::ns::kServer, xml);
  if (const auto objection = policy::check_output(node, route.pair(), xml.size(), bundle.limits().leg_octets)) {
    const auto fault = policy::fault(facts, *objection, bundle.peering(route.pair().from, route.pair().to));
    return refuse(origin, route, judgement, fault, *objection);
  }
  const std::uint64_t stored_as = state_.commit(judgement.intents.release);
  state_.rearm_answers();
  auto& record = std::get<audit::StanzaRecord>(state_.draft);
  std::string_view awaited;
  if (const auto* id = node.attribute("id"); facts.kind == policy::Kind::Iq && id != nullptr && *id != facts.id) {
    record.id_out = *id;
    if (judgement.intents.release.iq.open != nullptr) awaited = *id;
  }
  record.octets_out = xml.size();
  record.sha256_out = state_.sha256(xml);
  if (bundle.settings().record_content) record.content = xml;
  const Released released{facts, xml, awaited, origin, state_.draft, stored_as};
  Steady due{};
  if (judgement.negative_since)
    due = state_.negative_due(bundle.peering(route.pair().to, route.pair().from), *judgement.negative_since);
  if (due <= state_.now.steady) {
    route.pass(released);
  } else {
    state_.hold(std::make_unique<Waiting>(kept(released)), 0, due);
  }
}

void Lane::refuse(const Origin& origin, Route& route, const policy::Judgement& judgement,
                  const std::optional<policy::StanzaFault>& fault, Reason reason) {
  state_.commit(judgement.intents.refusal);
  auto& record = std::get<audit::StanzaRecord>(state_.draft);
  OnRecord then;
  then.then = OnRecord::Then::Answer;
  then.origin = origin;
  state_.rearm_answers();
  const policy::Bundle& bundle = *state_.bundle;
  Verdict verdict = Verdict::Drop;
  if (judgement.verdict == Verdict::Answer && judgement.answer != nullptr) {
    then.follow(state_.make_injection(*judgement.answer, reason, route.to_enclave(), route.from_enclave()),
                state_.answer_due(bundle.peering(route.pair().from, route.pair().to), *judgement.answer));
    verdict = Verdict::Answer;
  } else if (fault) {
    const bool asks = judgement.facts.kind == policy::Kind::Iq;
    const policy::Peering* peering = asks ? bundle.peering(route.pair().from, route.pair().to) : nullptr;
    then.follow(state_.make_bounce(judgement.facts, *fault, reason, route, &record),
                state_.negative_due(peering, policy_moment(state_.now).steady));
    if (!then.follows.empty()) verdict = Verdict::Bounce;
  }
  const policy::Peering* back = bundle.peering(route.pair().to, route.pair().from);
  for (const policy::Injection* each = judgement.if_refused; each != nullptr; each = each->next)
    then.follow(make_injection(*each, route),
                each->negative_since ? state_.negative_due(back, *each->negative_since) : Steady{});
  record.verdict = policy::name(verdict);
  record.reason = policy::code(reason);
  state_.recorder.submit(state_.draft, std::move(then));
}

std::unique_ptr<Waiting> Lane::make_injection(const policy::Injection& injection, const Route& route) {
  // Which way it goes its addresses say.
  const auto* to = injection.stanza->attribute("to");
  const bool onwards = to != nullptr && policy::Address::of_prepared(*to).domain == route.pair().to;
  return onwards ? state_.make_injection(*injection.stanza, injection.reason, route.from_enclave(), route.to_enclave())
                 : state_.make_injection(*injection.stanza, injection.reason, route.to_enclave(), route.from_enclave());
}

void Lane::on_near_close(InLeg& leg, const airlock::Close& close) {
  if (close.kind == CloseKind::Clean) {
    leg.clean_close = true;
    state_.enter(leg, Phase::Draining, now_plus(kAnswers));
    state_.detach(leg);
    return state_.touch(leg);
  }
  if (close.kind == CloseKind::Condition)
    state_.note(Reason::LegStreamError, leg,
                {{"condition", std::string(inspect::name(close.condition))}, {"why", close.why}});
  state_.enter(leg, Phase::Draining, now_plus(kClosing));
  state_.detach(leg);
  say_closed(leg);
}

void Lane::on_near_closed(InLeg& leg, const airlock::Closed& closed) {
  Details details{{"cause", closed.cause}, {"stanzas", std::to_string(leg.window.last())}};
  if (leg.ignored > 0) details.emplace_back("ignored", std::to_string(leg.ignored));
  state_.note(closed.clean ? Reason::LegClosed : Reason::LegLost, leg, std::move(details));
  say_closed(leg);
  lose_pairs(leg, closed.clean);
  state_.bury(leg);
}

void Lane::lose_pairs(const InLeg& leg, bool clean) {
  if (clean) return;
  for (const policy::Pair& pair : leg.was_granted) state_.on_pair_lost(pair);
}

}  // namespace sallyport::guard
