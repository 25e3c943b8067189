#include "proxy/edge/server_face.h"

#include <utility>

#include "inspect/jid.h"
#include "inspect/serializer.h"
#include "proxy/edge/session_text.h"
#include "proxy/edge/stream_text.h"

namespace sallyport::edge {
namespace {

using airlock::DialFault;
using airlock::OfferStage;
using airlock::SaslStep;
using inspect::Jid;
using inspect::Node;
using inspect::ParserLimits;
using inspect::StreamCondition;
using inspect::StreamError;

/// A server names many features; what it says is bounded all the same.
ParserLimits negotiation_limits() {
  ParserLimits limits = ParserLimits::before_authentication();
  limits.bytes_per_element = 16 * 1024;
  limits.elements = 128;
  return limits;
}

/// D-09, D-10: rosters and archives are larger than what a stranger may send.
ParserLimits session_limits() {
  ParserLimits limits;
  limits.bytes_per_element = 1024 * 1024;
  limits.elements = 10'000;
  return limits;
}

}  // namespace

ServerFace::ServerFace(ServerFaceSettings settings)
    : settings_(std::move(settings)), awaiting_(settings_.direct_tls ? Awaiting::Tls : Awaiting::ClearHeader) {}

void ServerFace::start(Actions& out) {
  if (settings_.direct_tls) {
    out.emplace_back(StartTls{settings_.to});
    return;
  }
  ensure_header(out);
}

bool ServerFace::awaits(const airlock::Body& body) const {
  if (std::holds_alternative<airlock::Sasl>(body)) return awaiting_ == Awaiting::ClientStep;
  if (std::holds_alternative<airlock::Bind>(body)) return awaiting_ == Awaiting::ClientBind;
  if (std::holds_alternative<airlock::Grant>(body)) return awaiting_ == Awaiting::Grant;
  if (const auto* step = std::get_if<airlock::Sm>(&body)) {
    if (step->step == airlock::SmStep::Resume) return awaiting_ == Awaiting::ClientBind;
    if (step->step == airlock::SmStep::Enable) return awaiting_ == Awaiting::Stanzas && managing_ == Managing::No;
    return step->step == airlock::SmStep::AckWanted && awaiting_ == Awaiting::Stanzas;
  }
  const bool of_session = std::holds_alternative<airlock::Deliver>(body) ||
                          std::holds_alternative<airlock::Credit>(body) ||
                          std::holds_alternative<airlock::Handled>(body) || std::holds_alternative<airlock::Csi>(body);
  return of_session && awaiting_ == Awaiting::Stanzas;
}

void ServerFace::ensure_header(Actions& out) {
  if (!std::exchange(header_due_, false)) return;
  inspect::HeaderToWrite header{};
  header.content_namespace = inspect::ns::kClient;
  header.to = settings_.to;
  // C-01: the claim is told after TLS only.
  const bool secure = judgement_ && judgement_->good;
  if (secure && !settings_.from.empty()) header.from = settings_.from;
  std::string text;
  inspect::write_header(header, text);
  out.emplace_back(Write{std::move(text)});
}

bool ServerFace::report_failure(DialFault fault, std::string_view why, Actions& out) {
  if (std::exchange(answered_, true)) return false;
  out.emplace_back(Ask{airlock::Failed{fault, std::string(why)}});
  return true;
}

void ServerFace::give_up(DialFault fault, StreamCondition condition, std::string_view why, Actions& out) {
  if (answered_) return fail(StreamError{condition, std::string(why), {}}, out);
  report_failure(fault, why, out);
  write_error(StreamError{condition, {}, {}}, out);
  finish(false, why, out);
}

void ServerFace::on_header(const inspect::StreamHeader& header, Actions& out) {
  if (stage() != Stage::Negotiating) return fail(StreamError{StreamCondition::BadFormat, "a second header", {}}, out);
  if (!header.id || header.id->empty())
    return give_up(DialFault::Protocol, StreamCondition::UndefinedCondition, "the response header has no id", out);
  const auto major = major_version(header.version);
  if (!major || *major < 1)
    return give_up(DialFault::Protocol, StreamCondition::UnsupportedVersion,
                   "the response header's version is missing or below 1.0", out);
  const auto from = header.from ? Jid::prepare_domain(*header.from) : std::unexpected(inspect::JidFault::Empty);
  const bool clear = awaiting_ == Awaiting::ClearHeader;
  const bool unnamed = !header.from || header.from->empty();
  if (!(clear && unnamed) && (!from || *from != settings_.to))
    return give_up(DialFault::Protocol, StreamCondition::InvalidFrom, "the response header names another domain", out);
  lang_ = header.lang.value_or("");
  switch (awaiting_) {
    case Awaiting::ClearHeader:
      awaiting_ = Awaiting::ClearFeatures;
      return;
    case Awaiting::SecureHeader:
      awaiting_ = Awaiting::SecureFeatures;
      return;
    case Awaiting::RestartHeader:
      awaiting_ = Awaiting::RestartFeatures;
      return;
    default:
      return fail(StreamError{StreamCondition::BadFormat, "a header out of turn", {}}, out);
  }
}

void ServerFace::on_element(const Node& element, Actions& out) {
  const ElementKind kind = classify(element);
  if (kind == ElementKind::StreamError) {
    if (answered_ && stage() != Stage::Closing)
      out.emplace_back(Ask{airlock::Close{airlock::CloseKind::Condition, condition_of(element), {}, "the server's"}});
    return on_stream_error(element, out);
  }
  if ((kind == ElementKind::SmAck || kind == ElementKind::SmRequest) && take_ack(kind, element, out)) return;
  if (stage() == Stage::Closing) return;
  const bool is_answer = kind == ElementKind::SmEnabled || kind == ElementKind::SmFailed;
  if (stage() == Stage::Open && managing_ == Managing::Asked && is_answer) return on_enabled(kind, element, out);
  if (stage() != Stage::Negotiating) return refuse_element(element, out);
  if (kind == ElementKind::Features) return on_features(element, out);
  if (awaiting_ == Awaiting::Proceed) {
    if (kind != ElementKind::Proceed)
      return give_up(DialFault::Tls, StreamCondition::PolicyViolation, "the server refused STARTTLS", out);
    out.emplace_back(StartTls{settings_.to});
    awaiting_ = Awaiting::Tls;
    return;
  }
  if (awaiting_ == Awaiting::AuthAnswer) return on_sasl_answer(element, out);
  if (awaiting_ == Awaiting::ResumeAnswer) return on_resumed(kind, element, out);
  refuse_element(element, out);
}

void ServerFace::on_features(const Node& element, Actions& out) {
  const bool session = awaiting_ == Awaiting::RestartFeatures;
  const ServerFeatures features =
      read_server_features(element, session ? OfferStage::Session : OfferStage::Authentication);
  switch (awaiting_) {
    case Awaiting::ClearFeatures:
      // RFC 7590 3.1: ask even when it is not offered; the offer may have been stripped.
      out.emplace_back(Write{std::string(kStartTls)});
      awaiting_ = Awaiting::Proceed;
      return;
    case Awaiting::SecureFeatures:
    case Awaiting::RestartFeatures:
      if (features.unknown_required)
        return give_up(DialFault::Protocol, StreamCondition::UnsupportedFeature,
                       "the server requires an unknown feature", out);
      if (session) return hand_on(features.offer, Awaiting::ClientBind, out);
      return ready(features.offer, out);
    default:
      return refuse_element(element, out);
  }
}

void ServerFace::ready(const airlock::Offer& offer, Actions& out) {
  if (!judgement_) return;  // on_secure() has made one
  answered_ = true;
  out.emplace_back(Ask{airlock::Ready{settings_.from, settings_.to, lang_, airlock::Method::External, settings_.peer,
                                      tls_, judgement_->facts, offer.stanza_octets}});
  hand_on(offer, Awaiting::ClientStep, out);
}

void ServerFace::hand_on(airlock::Body frame, Awaiting next, Actions& out) {
  out.emplace_back(Ask{std::move(frame)});
  awaiting_ = next;
  enter(Stage::Held);
}

void ServerFace::on_sasl_answer(const Node& element, Actions& out) {
  airlock::Sasl step;
  switch (classify(element)) {
    case ElementKind::Challenge:
      step.step = SaslStep::Challenge;
      break;
    case ElementKind::Success:
      step.step = SaslStep::Success;
      break;
    case ElementKind::SaslFailure:
      step.step = SaslStep::Failure;
      step.condition =
          inspect::sasl_condition(sasl_condition_of(element)).value_or(inspect::SaslCondition::NotAuthorized);
      return hand_on(std::move(step), Awaiting::ClientStep, out);
    default:
      return fail(StreamError{StreamCondition::PolicyViolation, "the server's SASL is out of turn", {}}, out);
  }
  auto text = read_sasl_text(element);
  if (!text) return fail(StreamError{StreamCondition::PolicyViolation, "the server's SASL is malformed", {}}, out);
  step.has_octets = text->has_octets;
  step.octets = std::move(text->octets);
  const bool over = step.step == SaslStep::Success;
  hand_on(std::move(step), over ? Awaiting::RestartHeader : Awaiting::ClientStep, out);
  if (!over) return;
  // RFC 6120 6.4.6: both streams start again; the client's header is on its way meanwhile.
  out.emplace_back(Restart{negotiation_limits()});
  header_due_ = true;
  ensure_header(out);
  enter(Stage::Negotiating);
}

void ServerFace::on_session(const airlock::Body& body, Actions& out) {
  if (const auto* csi = std::get_if<airlock::Csi>(&body)) {
    if (stage() == Stage::Open)
      out.emplace_back(Write{csi->active ? "<active xmlns='urn:xmpp:csi:0'/>" : "<inactive xmlns='urn:xmpp:csi:0'/>"});
    return;
  }
  if (const auto* step = std::get_if<airlock::Sm>(&body)) return on_sm(*step, out);
  if (stage() != Stage::Held) return;
  if (const auto* step = std::get_if<airlock::Sasl>(&body)) return on_step(*step, out);
  const auto* bind = std::get_if<airlock::Bind>(&body);
  if (bind == nullptr || awaiting_ != Awaiting::ClientBind) return;
  bind_id_ = settings_.stanza_id();
  ask_server(bind_request(bind_id_, bind->resource), Awaiting::BindAnswer, out);
}

/// The last question before the session: what the server sends behind its answer is the session already.
void ServerFace::ask_server(std::string text, Awaiting next, Actions& out) {
  out.emplace_back(Write{std::move(text)});
  out.emplace_back(Allow{session_limits()});
  awaiting_ = next;
  enter(Stage::Negotiating);
}

void ServerFace::on_sm(const airlock::Sm& step, Actions& out) {
  if (step.step == airlock::SmStep::AckWanted) return on_ack_wanted(out);
  if (step.step == airlock::SmStep::Enable && may_write()) {
    out.emplace_back(Write{sm_element(step)});
    count_writes(0);
    managing_ = Managing::Asked;
    return;
  }
  if (step.step != airlock::SmStep::Resume || stage() != Stage::Held || awaiting_ != Awaiting::ClientBind) return;
  resume_id_ = step.id;
  count_reads(step.h);
  ask_server(sm_element(step), Awaiting::ResumeAnswer, out);
}

void ServerFace::on_enabled(ElementKind kind, const Node& element, Actions& out) {
  auto step = read_sm(kind, element);
  if (!step) return fail(StreamError{StreamCondition::PolicyViolation, "a malformed answer to <enable/>", {}}, out);
  managing_ = kind == ElementKind::SmEnabled ? Managing::Yes : Managing::Refused;
  if (managing_ == Managing::Yes)
    count_reads(0);
  else
    stop_counting();
  out.emplace_back(Ask{*std::move(step)});
}

void ServerFace::on_resumed(ElementKind kind, const Node& element, Actions& out) {
  auto step = read_sm(kind, element);
  if (step && kind == ElementKind::SmFailed) {
    stop_counting();
    return hand_on(*std::move(step), Awaiting::ClientBind, out);
  }
  if (!step || kind != ElementKind::SmResumed || step->id != resume_id_)
    return fail(StreamError{StreamCondition::PolicyViolation, "not the answer to our request to resume", {}}, out);
  count_writes(step->h);
  managing_ = Managing::Yes;
  resume_id_.clear();
  hand_on(*std::move(step), Awaiting::Grant, out);
}

void ServerFace::on_step(const airlock::Sasl& step, Actions& out) {
  if (awaiting_ != Awaiting::ClientStep) return;
  out.emplace_back(Write{sasl_element(step)});
  awaiting_ = Awaiting::AuthAnswer;
  enter(Stage::Negotiating);
}

void ServerFace::on_stanza(const inspect::StanzaRead& stanza, Actions& out) {
  if (stage() == Stage::Closing || stage() == Stage::Draining) return discard_stanza();
  if (awaiting_ != Awaiting::BindAnswer)
    return fail(StreamError{StreamCondition::NotAuthorized, "a stanza before a resource is bound", {}}, out);
  auto bound = read_bind_answer(stanza, bind_id_);
  if (!bound) return fail(StreamError{StreamCondition::BadFormat, "not the answer to our request to bind", {}}, out);
  const bool refused = bound->jid.empty();
  hand_on(std::move(*bound), refused ? Awaiting::ClientBind : Awaiting::Grant, out);
}

void ServerFace::on_grant(const airlock::Grant&, Actions& out) {
  if (awaiting_ != Awaiting::Grant || stage() != Stage::Held) return;
  // An idle leg keeps only what it may be judged by again.
  if (judgement_) judgement_->forget_all_but_revocation();
  tls_ = {};
  out.emplace_back(Allow{session_limits()});
  awaiting_ = Awaiting::Stanzas;
  take_stanzas(true);
  enter(Stage::Open);
}

void ServerFace::on_secure(Secured secured, Actions& out) {
  tls_ = std::move(secured.tls);
  const Judgement& judgement = judgement_.emplace(secured.judge(settings_.to));
  out.emplace_back(Restart{negotiation_limits()});
  header_due_ = true;
  awaiting_ = Awaiting::SecureHeader;
  if (!judgement.good) {
    out.emplace_back(Note{"tls.peer-certificate", judgement.facts.problem});
    return give_up(DialFault::Certificate, StreamCondition::NotAuthorized, "the server's certificate is not good", out);
  }
  ensure_header(out);
}

void ServerFace::on_tls_failed(std::string_view why, Actions& out) {
  out.emplace_back(Note{"tls.handshake-failed", std::string(why)});
  report_failure(DialFault::Tls, why, out);
  drop("TLS handshake failed", out);
}

void ServerFace::on_injection(Actions& out) {
  out.emplace_back(Note{awaiting_ == Awaiting::Tls ? "tls.injection" : "sasl.injection", "bytes where none may be"});
  report_failure(DialFault::Protocol, "bytes where none may be", out);
  drop("bytes where none may be", out);
}

void ServerFace::on_negotiation_deadline(Actions& out) {
  give_up(DialFault::Deadline, StreamCondition::ConnectionTimeout, "negotiation took too long", out);
}

}  // namespace sallyport::edge
