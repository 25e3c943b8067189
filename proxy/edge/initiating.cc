#include "proxy/edge/initiating.h"

#include <utility>

#include "inspect/jid.h"
#include "inspect/names.h"
#include "inspect/serializer.h"
#include "proxy/edge/stream_text.h"

namespace sallyport::edge {
namespace {

using airlock::DialFault;
using inspect::Jid;
using inspect::Node;
using inspect::ParserLimits;
using inspect::StreamCondition;
using inspect::StreamError;

bool names(const std::optional<std::string>& attribute, std::string_view domain) {
  if (!attribute) return false;
  const auto prepared = Jid::prepare_domain(*attribute);
  return prepared && *prepared == domain;
}

}  // namespace

Initiating::Initiating(InitiatingSettings settings)
    : settings_(std::move(settings)), awaiting_(settings_.direct_tls ? Awaiting::Tls : Awaiting::ClearHeader) {}

void Initiating::start(Actions& out) {
  if (settings_.direct_tls) {
    out.emplace_back(StartTls{settings_.to});
    return;
  }
  ensure_header(out);
}

bool Initiating::awaits(const airlock::Body& body) const {
  if (std::holds_alternative<airlock::Grant>(body)) return awaiting_ == Awaiting::Grant;
  return std::holds_alternative<airlock::Deliver>(body) && awaiting_ == Awaiting::Nothing;
}

void Initiating::ensure_header(Actions& out) {
  if (!std::exchange(header_due_, false)) return;
  inspect::HeaderToWrite header{};
  header.content_namespace = inspect::ns::kServer;
  header.to = settings_.to;
  header.from = settings_.from;
  std::string text;
  inspect::write_header(header, text);
  out.emplace_back(Write{std::move(text)});
}

bool Initiating::report_failure(DialFault fault, std::string_view why, Actions& out) {
  if (std::exchange(answered_, true)) return false;
  out.emplace_back(Ask{airlock::Failed{fault, std::string(why)}});
  return true;
}

void Initiating::give_up(DialFault fault, std::string_view why, Actions& out) {
  report_failure(fault, why, out);
  write_closing_tag(out);
  finish(false, why, out);
}

void Initiating::refuse_stream(DialFault fault, StreamCondition condition, std::string_view why, Actions& out) {
  report_failure(fault, why, out);
  write_error(StreamError{condition, {}, {}}, out);
  finish(false, why, out);
}

void Initiating::on_header(const inspect::StreamHeader& header, Actions& out) {
  if (stage() != Stage::Negotiating) return fail(StreamError{StreamCondition::BadFormat, "a second header", {}}, out);
  const bool clear = awaiting_ == Awaiting::ClearHeader;
  if (!header.id || header.id->empty())
    return refuse_stream(DialFault::Protocol, StreamCondition::UndefinedCondition, "the response header has no id",
                         out);
  const auto major = major_version(header.version);
  if (!major || *major < 1)
    return refuse_stream(DialFault::Protocol, StreamCondition::UnsupportedVersion,
                         "the response header's version is missing or below 1.0", out);
  const bool unnamed = !header.from || header.from->empty();
  // An empty `from` goes with an error such as host-unknown; before TLS nothing rests on it.
  if (!(clear && unnamed) && !names(header.from, settings_.to))
    return refuse_stream(DialFault::Protocol, StreamCondition::InvalidFrom, "the response header names another domain",
                         out);
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

void Initiating::on_element(const Node& element, Actions& out) {
  const ElementKind kind = classify(element);
  if (kind == ElementKind::StreamError) return on_stream_error(element, out);
  if (stage() != Stage::Negotiating) {
    if (stage() == Stage::Closing) return;
    return refuse_element(element, out);
  }
  if (kind == ElementKind::Features) return on_features(element, out);
  if (awaiting_ == Awaiting::Proceed) {
    if (kind != ElementKind::Proceed) return give_up(DialFault::Tls, "the peer refused STARTTLS", out);
    out.emplace_back(StartTls{settings_.to});
    awaiting_ = Awaiting::Tls;
    return;
  }
  if (awaiting_ == Awaiting::AuthAnswer) return on_sasl(element, out);
  refuse_element(element, out);
}

void Initiating::on_features(const Node& element, Actions& out) {
  const Features features = read_features(element);
  switch (awaiting_) {
    case Awaiting::ClearFeatures:
      // RFC 7590 3.1: ask even when it is not offered; the offer may have been stripped.
      out.emplace_back(Write{std::string(kStartTls)});
      awaiting_ = Awaiting::Proceed;
      return;
    case Awaiting::SecureFeatures:
      if (features.unknown_required) break;
      if (!features.external) return give_up(DialFault::Refused, "the peer does not offer EXTERNAL", out);
      out.emplace_back(Write{external_auth(settings_.from)});
      awaiting_ = Awaiting::AuthAnswer;
      return;
    case Awaiting::RestartFeatures:
      if (features.unknown_required) break;
      stanza_octets_ = features.stanza_octets;
      return ready(out);
    default:
      return refuse_element(element, out);
  }
  refuse_stream(DialFault::Protocol, StreamCondition::UnsupportedFeature, "the peer requires an unknown feature", out);
}

void Initiating::on_sasl(const Node& element, Actions& out) {
  switch (classify(element)) {
    case ElementKind::Success:
      out.emplace_back(Restart{ParserLimits::before_authentication()});
      header_due_ = true;
      ensure_header(out);
      awaiting_ = Awaiting::RestartHeader;
      return;
    case ElementKind::Challenge:
      // XEP-0178: a peer may ask once more for what the initial response said.
      if (std::exchange(challenged_, true)) break;
      out.emplace_back(Write{external_response(settings_.from)});
      return;
    case ElementKind::SaslFailure:
      return give_up(DialFault::Refused, "SASL failure from the peer: " + std::string(sasl_condition_of(element)), out);
    default:
      break;
  }
  give_up(DialFault::Protocol, "the peer's SASL is out of turn", out);
}

void Initiating::ready(Actions& out) {
  if (!judgement_) return;  // on_secure() has made one
  answered_ = true;
  out.emplace_back(Ask{airlock::Ready{settings_.from, settings_.to, lang_, airlock::Method::External, settings_.peer,
                                      tls_, judgement_->facts, stanza_octets_}});
  awaiting_ = Awaiting::Grant;
  enter(Stage::Held);
}

void Initiating::on_secure(Secured secured, Actions& out) {
  tls_ = std::move(secured.tls);
  const Judgement& judgement = judgement_.emplace(secured.judge(settings_.to));
  out.emplace_back(Restart{ParserLimits::before_authentication()});
  header_due_ = true;
  awaiting_ = Awaiting::SecureHeader;
  if (!judgement.good) {
    out.emplace_back(Note{"tls.peer-certificate", judgement.facts.problem});
    return refuse_stream(DialFault::Certificate, StreamCondition::NotAuthorized, "the peer's certificate is not good",
                         out);
  }
  ensure_header(out);
}

void Initiating::on_tls_failed(std::string_view why, Actions& out) {
  out.emplace_back(Note{"tls.handshake-failed", std::string(why)});
  report_failure(DialFault::Tls, why, out);
  drop("TLS handshake failed", out);
}

void Initiating::on_injection(Actions& out) {
  out.emplace_back(Note{awaiting_ == Awaiting::Tls ? "tls.injection" : "sasl.injection", "bytes where none may be"});
  report_failure(DialFault::Protocol, "bytes where none may be", out);
  drop("bytes where none may be", out);
}

void Initiating::on_grant(const airlock::Grant&, Actions&) {
  if (awaiting_ != Awaiting::Grant || stage() != Stage::Held) return;
  // An idle leg keeps only what it may be judged by again.
  if (judgement_) judgement_->forget_all_but_revocation();
  tls_ = {};
  awaiting_ = Awaiting::Nothing;
  enter(Stage::Open);
}

void Initiating::on_stanza(const inspect::StanzaRead&, Actions& out) {
  if (stage() == Stage::Closing || stage() == Stage::Draining) return discard_stanza();
  // 2.6: without bidi this stream carries stanzas one way only.
  fail(StreamError{StreamCondition::UnsupportedStanzaType, "a stanza against the direction of the stream", {}}, out);
}

void Initiating::on_negotiation_deadline(Actions& out) {
  give_up(DialFault::Deadline, "negotiation took too long", out);
}

}  // namespace sallyport::edge
