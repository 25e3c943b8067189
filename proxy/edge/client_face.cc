#include "proxy/edge/client_face.h"

#include <utility>

#include "inspect/jid.h"
#include "inspect/serializer.h"
#include "proxy/edge/session_text.h"
#include "proxy/edge/stream_text.h"

namespace sallyport::edge {
namespace {

using airlock::OfferStage;
using airlock::SaslStep;
using inspect::Jid;
using inspect::Node;
using inspect::ParserLimits;
using inspect::SaslCondition;
using inspect::StreamCondition;
using inspect::StreamError;

constexpr unsigned kCourtesies = 10;  // D-15
constexpr unsigned kBinds = 10;       // C-11; RFC 6120 7.7.3
constexpr std::string_view kCsi = "urn:xmpp:csi:0";
constexpr std::string_view kUnexpected =
    "<failed xmlns='urn:xmpp:sm:3'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>";
constexpr std::string_view kMalformed =
    "<failed xmlns='urn:xmpp:sm:3'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>";

StreamError error(StreamCondition condition, std::string_view why) {
  return StreamError{condition, std::string(why), {}};
}

}  // namespace

ClientFace::ClientFace(ClientFaceSettings settings)
    : settings_(std::move(settings)), awaiting_(settings_.direct_tls ? Awaiting::Tls : Awaiting::ClearHeader) {}

void ClientFace::start(Actions& out) {
  if (settings_.direct_tls) out.emplace_back(StartTls{});
}

bool ClientFace::awaits(const airlock::Body& body) const {
  if (std::holds_alternative<airlock::Terms>(body)) return awaiting_ == Awaiting::Offer;
  if (const auto* offer = std::get_if<airlock::Offer>(&body))
    return offer->stage == OfferStage::Authentication
               ? awaiting_ == Awaiting::Offer
               : awaiting_ == Awaiting::RestartHeader || awaiting_ == Awaiting::SessionOffer;
  if (std::holds_alternative<airlock::Sasl>(body)) return awaiting_ == Awaiting::AuthAnswer;
  if (std::holds_alternative<airlock::Bound>(body)) return awaiting_ == Awaiting::Bound;
  if (std::holds_alternative<airlock::Grant>(body))
    return (awaiting_ == Awaiting::Bound || awaiting_ == Awaiting::Resumed) && stage() == Stage::Held;
  if (const auto* step = std::get_if<airlock::Sm>(&body)) return awaits_sm(*step);
  // A deadline of the guard's own may pass at any time before the session stands.
  if (std::holds_alternative<airlock::Refuse>(body)) return opened_ && awaiting_ != Awaiting::Stanzas;
  const bool of_session = std::holds_alternative<airlock::Deliver>(body) ||
                          std::holds_alternative<airlock::Credit>(body) ||
                          std::holds_alternative<airlock::Handled>(body);
  return of_session && awaiting_ == Awaiting::Stanzas;
}

bool ClientFace::awaits_sm(const airlock::Sm& step) const {
  const bool resuming = awaiting_ == Awaiting::Resumed && managing_ != Managing::Yes;
  switch (step.step) {
    case airlock::SmStep::Enabled:
      return managing_ == Managing::Asked;
    case airlock::SmStep::Resumed:
      return resuming;
    case airlock::SmStep::Failed:
      return resuming || managing_ == Managing::Asked;
    case airlock::SmStep::AckWanted:
      return awaiting_ == Awaiting::Stanzas;
    default:
      return false;
  }
}

void ClientFace::on_header(const inspect::StreamHeader& header, Actions& out) {
  if (stage() != Stage::Negotiating) return fail(error(StreamCondition::BadFormat, "a second header"), out);
  const std::string to_before = std::exchange(to_, {});
  const std::string from_before = std::exchange(from_, {});
  if (!admit_names(header, out)) return;
  switch (awaiting_) {
    case Awaiting::ClearHeader:
      from_.clear();  // RFC 6120 4.7.1: no claim before TLS
      ensure_header(out);
      out.emplace_back(Write{std::string(kClearFeatures)});
      awaiting_ = Awaiting::StartTls;
      return;
    case Awaiting::SecureHeader:
      return on_secure_header(header, out);
    case Awaiting::RestartHeader:
      if (to_ != to_before || (!from_.empty() && !from_before.empty() && from_ != from_before))
        return fail(error(StreamCondition::ImproperAddressing, "names changed at the restart"), out);
      awaiting_ = Awaiting::SessionOffer;
      enter(Stage::Held);
      return offer_session(out);
    default:
      return fail(error(StreamCondition::BadFormat, "a header out of turn"), out);
  }
}

bool ClientFace::admit_names(const inspect::StreamHeader& header, Actions& out) {
  std::optional<std::string> to;
  if (header.to) {
    auto domain = Jid::prepare_domain(*header.to);
    if (domain) to = std::move(*domain);
  }
  if (!to || !settings_.serves(*to)) {
    fail(error(StreamCondition::HostUnknown, "the header's to is not served here"), out);
    return false;
  }
  to_ = std::move(*to);
  const auto major = major_version(header.version);
  if (!major || *major < 1) {
    fail(error(StreamCondition::UnsupportedVersion, "the header's version is missing or below 1.0"), out);
    return false;
  }
  if (!header.from || header.from->empty()) return true;
  const auto claimed = Jid::parse(*header.from, inspect::JidProfile::Unicode);
  // C-01: a claim, and only of an account of that domain.
  if (!claimed || claimed->local().empty() || claimed->domain() != to_) {
    fail(error(StreamCondition::InvalidFrom, "the header's from is no account of that domain"), out);
    return false;
  }
  from_ = claimed->bare();
  return true;
}

void ClientFace::on_secure_header(const inspect::StreamHeader& header, Actions& out) {
  const std::string& server_name = secured_.tls.server_name;
  if (!server_name.empty()) {
    const auto named = Jid::prepare_domain(server_name);
    if (!named || *named != to_)
      return fail(error(StreamCondition::ImproperAddressing, "SNI names another domain than the header"), out);
  }
  if (!clear_to_.empty() && clear_to_ != to_)
    return fail(error(StreamCondition::ImproperAddressing, "the header names another domain than before TLS"), out);
  airlock::Opened opened;
  opened.kind = airlock::LegKind::C2s;
  opened.from = from_;
  opened.to = to_;
  opened.lang = header.lang.value_or("");
  opened.peer = settings_.endpoints.peer;
  opened.destination = settings_.endpoints.destination;
  opened.tls = secured_.tls;
  Judgement judgement = secured_.judge(to_);
  opened.certificate = judgement.facts;
  if (settings_.needs_certificate && !judgement.good)
    return fail(error(StreamCondition::NotAuthorized, "no good certificate: " + judgement.facts.problem), out);
  if (judgement.good) judgement_ = std::move(judgement);
  opened_ = opened;
  out.emplace_back(Ask{std::move(opened)});
  awaiting_ = Awaiting::Offer;
  enter(Stage::Held);
}

void ClientFace::ensure_header(Actions& out) {
  if (!std::exchange(header_due_, false)) return;
  const std::string id = settings_.stream_id();
  inspect::HeaderToWrite header{};
  header.content_namespace = inspect::ns::kClient;
  header.from = to_;
  if (!from_.empty()) header.to = from_;
  header.id = id;
  std::string text;
  inspect::write_header(header, text);
  out.emplace_back(Write{std::move(text)});
}

void ClientFace::on_terms(const airlock::Terms& terms, Actions&) {
  stanza_octets_ = std::min(settings_.stanza_octets, terms.stanza_octets);
  most_logins_ = std::min<unsigned>(settings_.logins, terms.logins);
}

void ClientFace::on_session(const airlock::Body& body, Actions& out) {
  if (const auto* step = std::get_if<airlock::Sm>(&body)) return on_sm(*step, out);
  if (const auto* offer = std::get_if<airlock::Offer>(&body)) return on_offer(*offer, out);
  if (stage() != Stage::Held) return;
  if (const auto* step = std::get_if<airlock::Sasl>(&body)) return on_sasl(*step, out);
  if (const auto* bound = std::get_if<airlock::Bound>(&body)) return on_bound(*bound, out);
}

void ClientFace::on_offer(const airlock::Offer& offer, Actions& out) {
  if (awaiting_ == Awaiting::Offer && stage() == Stage::Held && offer.stage == OfferStage::Authentication) {
    ensure_header(out);
    out.emplace_back(Write{client_features(offer, stanza_octets_)});
    awaiting_ = Awaiting::Auth;
    return enter(Stage::Negotiating);
  }
  // It may be here before the client has said its new header.
  const bool restarts = awaiting_ == Awaiting::RestartHeader || awaiting_ == Awaiting::SessionOffer;
  if (!restarts || offer.stage != OfferStage::Session) return;
  offer_ = offer;
  offer_session(out);
}

void ClientFace::on_sasl(const airlock::Sasl& step, Actions& out) {
  if (awaiting_ != Awaiting::AuthAnswer) return;
  switch (step.step) {
    case SaslStep::Challenge:
      out.emplace_back(Write{sasl_element(step)});
      awaiting_ = Awaiting::Response;
      return enter(Stage::Negotiating);
    case SaslStep::Failure:
      enter(Stage::Negotiating);
      return refuse_auth(std::exchange(told_, std::nullopt).value_or(step.condition), out);
    case SaslStep::Success:
      out.emplace_back(Write{sasl_element(step)});
      out.emplace_back(Restart{ParserLimits::before_authentication()});
      header_due_ = true;
      awaiting_ = Awaiting::RestartHeader;
      return enter(Stage::Negotiating);
    default:
      return;
  }
}

/// The features of the session follow the client's new header, and need the server's.
void ClientFace::offer_session(Actions& out) {
  if (awaiting_ != Awaiting::SessionOffer || !offer_) return;
  ensure_header(out);
  features_ = offer_->features;
  out.emplace_back(Write{client_features(*offer_, stanza_octets_)});
  offer_.reset();
  awaiting_ = Awaiting::Bind;
  enter(Stage::Negotiating);
}

void ClientFace::on_element(const Node& element, Actions& out) {
  const ElementKind kind = classify(element);
  if (kind == ElementKind::StreamError) return on_stream_error(element, out);
  if ((kind == ElementKind::SmAck || kind == ElementKind::SmRequest) && take_ack(kind, element, out)) return;
  if (stage() == Stage::Open && kind == ElementKind::SmEnable) return on_enable(element, out);
  if (stage() == Stage::Negotiating) {
    if (awaiting_ == Awaiting::Bind && kind == ElementKind::SmResume) return on_resume(element, out);
    if (awaiting_ == Awaiting::StartTls && kind == ElementKind::StartTls) return on_starttls(out);
    if (awaiting_ == Awaiting::Auth && kind == ElementKind::Auth) return on_auth(element, out);
    if (awaiting_ == Awaiting::Response && kind == ElementKind::Response) return on_response(element, out);
    if (awaiting_ == Awaiting::Response && kind == ElementKind::Abort) return abort_login(SaslCondition::Aborted, out);
  }
  on_nonza(element, out);
}

void ClientFace::on_nonza(const Node& element, Actions& out) {
  const ElementKind kind = classify(element);
  const bool authenticating = awaiting_ == Awaiting::Auth || awaiting_ == Awaiting::Response;
  if (kind == ElementKind::Auth && awaiting_ == Awaiting::StartTls)
    return refuse_auth(SaslCondition::EncryptionRequired, out);
  if (authenticating && (kind == ElementKind::Auth || kind == ElementKind::Response || kind == ElementKind::Abort))
    return awaiting_ == Awaiting::Auth ? refuse_auth(SaslCondition::MalformedRequest, out)
                                       : abort_login(SaslCondition::MalformedRequest, out);
  if (kind == ElementKind::Compress)
    return answer("compression", "<failure xmlns='http://jabber.org/protocol/compress'><unsupported-method/></failure>",
                  out);
  if (kind == ElementKind::SmEnable || kind == ElementKind::SmResume)
    return answer("stream management", std::string(kUnexpected), out);
  if (stage() == Stage::Open && element.ns == kCsi && (element.name == "active" || element.name == "inactive")) {
    return on_client_state(element.name == "active", out);
  }
  refuse_element(element, out);
}

void ClientFace::on_client_state(bool active, Actions& out) {
  if (!is_offered(airlock::Feature::ClientState) || active == active_) return;
  active_ = active;
  out.emplace_back(Ask{airlock::Csi{active}});
}

void ClientFace::on_enable(const Node& element, Actions& out) {
  auto step = read_sm(ElementKind::SmEnable, element);
  if (!step || managing_ != Managing::No || !is_offered(airlock::Feature::StreamManagement))
    return answer("stream management", std::string(kUnexpected), out);
  managing_ = Managing::Asked;
  count_reads(0);
  out.emplace_back(Ask{*std::move(step)});
}

void ClientFace::on_resume(const Node& element, Actions& out) {
  if (!is_offered(airlock::Feature::StreamManagement)) return answer("resumption", std::string(kUnexpected), out);
  auto step = read_sm(ElementKind::SmResume, element);
  if (!step) return answer("resumption", std::string(kMalformed), out);
  if (++binds_ > kBinds) return fail(error(StreamCondition::PolicyViolation, "too many tries to bind"), out);
  resume_h_ = step->h;
  out.emplace_back(Ask{*std::move(step)});
  awaiting_ = Awaiting::Resumed;
  enter(Stage::Held);
}

void ClientFace::on_sm(const airlock::Sm& step, Actions& out) {
  if (step.step == airlock::SmStep::AckWanted) return on_ack_wanted(out);
  const bool resuming = awaiting_ == Awaiting::Resumed && stage() == Stage::Held;
  if (!resuming && !may_write()) return;
  out.emplace_back(Write{sm_element(step)});
  switch (step.step) {
    case airlock::SmStep::Enabled:
      managing_ = Managing::Yes;
      return count_writes(0);
    case airlock::SmStep::Resumed:  // Grant follows
      managing_ = Managing::Yes;
      count_reads(step.h);
      return count_writes(resume_h_);
    default:
      break;
  }
  if (!resuming) {
    managing_ = Managing::Refused;
    return stop_counting();
  }
  awaiting_ = Awaiting::Bind;
  enter(Stage::Negotiating);
}

void ClientFace::on_starttls(Actions& out) {
  if (!settings_.has_certificate(to_)) {
    out.emplace_back(Note{"tls.no-certificate", to_});
    out.emplace_back(Write{std::string(kTlsFailure)});
    write_closing_tag(out);
    return finish(false, "no certificate for the domain that was asked for", out);
  }
  out.emplace_back(Write{std::string(kProceed)});
  out.emplace_back(StartTls{to_});
  awaiting_ = Awaiting::Tls;
}

void ClientFace::on_injection(Actions& out) {
  if (awaiting_ == Awaiting::Tls) {
    out.emplace_back(Note{"tls.injection", "bytes behind <starttls/>"});
    return drop("bytes behind <starttls/>", out);
  }
  out.emplace_back(Note{"sasl.injection", "bytes where SASL allows none"});
  fail(error(StreamCondition::PolicyViolation, "bytes where SASL allows none"), out);
}

void ClientFace::on_secure(Secured secured, Actions& out) {
  clear_to_ = std::exchange(to_, {});
  from_.clear();
  header_due_ = true;
  secured_ = std::move(secured);
  awaiting_ = Awaiting::SecureHeader;
  out.emplace_back(Restart{ParserLimits::before_authentication()});
}

void ClientFace::on_tls_failed(std::string_view why, Actions& out) {
  out.emplace_back(Note{"tls.handshake-failed", std::string(why)});
  drop("TLS handshake failed", out);
}

void ClientFace::on_auth(const Node& element, Actions& out) {
  const auto* named = element.attribute("mechanism");
  auto text = read_sasl_text(element);
  if (named == nullptr || element.has_child_elements()) return refuse_auth(SaslCondition::MalformedRequest, out);
  if (!text) return refuse_auth(SaslCondition::IncorrectEncoding, out);
  const auto mechanism = inspect::mechanism(*named);
  if (!mechanism) return refuse_auth(SaslCondition::InvalidMechanism, out);
  hand_on({SaslStep::Auth, *mechanism, {}, text->has_octets, std::move(text->octets)}, out);
}

void ClientFace::on_response(const Node& element, Actions& out) {
  auto text = read_sasl_text(element);
  if (!text) return abort_login(SaslCondition::IncorrectEncoding, out);
  hand_on({SaslStep::Response, {}, {}, text->has_octets, std::move(text->octets)}, out);
}

void ClientFace::hand_on(airlock::Sasl step, Actions& out) {
  out.emplace_back(Ask{std::move(step)});
  awaiting_ = Awaiting::AuthAnswer;
  enter(Stage::Held);
}

/// The server is in the middle of the login: it has to hear that it is over before the client does.
void ClientFace::abort_login(SaslCondition condition, Actions& out) {
  told_ = condition;
  hand_on({SaslStep::Abort, {}, {}, {}, {}}, out);
}

void ClientFace::refuse_auth(SaslCondition condition, Actions& out) {
  out.emplace_back(Note{"sasl.failed", std::string(inspect::name(condition))});
  out.emplace_back(Write{sasl_failure(inspect::name(condition))});
  const unsigned most = most_logins_ != 0 ? most_logins_ : settings_.logins;
  if (++logins_ >= most) return fail(error(StreamCondition::PolicyViolation, "too many failed logins"), out);
  if (awaiting_ != Awaiting::StartTls) awaiting_ = Awaiting::Auth;
}

void ClientFace::on_stanza(const inspect::StanzaRead& stanza, Actions& out) {
  if (stage() == Stage::Closing || stage() == Stage::Draining) return discard_stanza();
  if (awaiting_ == Awaiting::StartTls) return fail(error(StreamCondition::PolicyViolation, "a stanza before TLS"), out);
  if (awaiting_ != Awaiting::Bind)
    return fail(error(StreamCondition::NotAuthorized, "a stanza before authentication"), out);
  auto request = read_bind_request(stanza);
  // C-10: before the JID is known nothing else may pass.
  if (!request) return fail(error(StreamCondition::NotAuthorized, "a stanza before a resource is bound"), out);
  if (++binds_ > kBinds) return fail(error(StreamCondition::PolicyViolation, "too many tries to bind"), out);
  bind_id_ = std::move(request->id);
  out.emplace_back(Ask{airlock::Bind{std::move(request->resource)}});
  awaiting_ = Awaiting::Bound;
  enter(Stage::Held);
}

void ClientFace::on_bound(const airlock::Bound& bound, Actions& out) {
  if (awaiting_ != Awaiting::Bound) return;
  out.emplace_back(Write{bind_answer(bind_id_, bound)});
  if (!bound.jid.empty()) return;  // Grant follows
  awaiting_ = Awaiting::Bind;
  enter(Stage::Negotiating);
}

void ClientFace::on_grant(const airlock::Grant&, Actions& out) {
  if ((awaiting_ != Awaiting::Bound && awaiting_ != Awaiting::Resumed) || stage() != Stage::Held) return;
  // An idle leg keeps only what it may be judged by again.
  opened_.reset();
  secured_ = {};
  if (judgement_) judgement_->forget_all_but_revocation();
  ParserLimits limits;
  limits.bytes_per_element = stanza_octets_;
  out.emplace_back(Allow{limits});
  awaiting_ = Awaiting::Stanzas;
  take_stanzas(true);
  enter(Stage::Open);
}

void ClientFace::answer(std::string_view what, std::string text, Actions& out) {
  out.emplace_back(Note{"stream.not-offered", std::string(what)});
  if (++courtesies_ > kCourtesies)
    return fail(error(StreamCondition::PolicyViolation, "too many requests for what is not offered"), out);
  if (stage() != Stage::Closing) out.emplace_back(Write{std::move(text)});
}

void ClientFace::on_negotiation_deadline(Actions& out) {
  fail(error(StreamCondition::ConnectionTimeout, "negotiation took too long"), out);
}

}  // namespace sallyport::edge
