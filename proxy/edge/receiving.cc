#include "proxy/edge/receiving.h"

#include <algorithm>
#include <utility>

#include "inspect/base64.h"
#include "inspect/jid.h"
#include "inspect/names.h"
#include "inspect/serializer.h"
#include "proxy/edge/stream_text.h"

namespace sallyport::edge {
namespace {

using inspect::Jid;
using inspect::Node;
using inspect::ParserLimits;
using inspect::StreamCondition;
using inspect::StreamError;

constexpr int kAuthAttempts = 2;           // S-03
constexpr int kCourtesies = 10;            // D-15: answers to what we do not do, per stream
constexpr std::size_t kAuthOctets = 8192;  // D-13

StreamError error(StreamCondition condition, std::string_view why) {
  return StreamError{condition, std::string(why), {}};
}

/// A domain and nothing else, or nothing.
std::optional<std::string> domain_of(const std::optional<std::string>& attribute) {
  if (!attribute) return std::nullopt;
  auto domain = Jid::prepare_domain(*attribute);
  return domain ? std::optional(std::move(*domain)) : std::nullopt;
}

}  // namespace

Receiving::Receiving(ReceivingSettings settings)
    : settings_(std::move(settings)), awaiting_(settings_.direct_tls ? Awaiting::Tls : Awaiting::ClearHeader) {}

void Receiving::start(Actions& out) {
  if (settings_.direct_tls) out.emplace_back(StartTls{});
}

bool Receiving::awaits_silence() const {
  return awaiting_ == Awaiting::Tls || awaiting_ == Awaiting::Grant;
}

bool Receiving::awaits(const airlock::Body& body) const {
  const bool is_granted = awaiting_ == Awaiting::RestartHeader || awaiting_ == Awaiting::Stanzas;
  if (std::holds_alternative<airlock::Terms>(body)) return awaiting_ == Awaiting::Terms;
  if (std::holds_alternative<airlock::Grant>(body)) return awaiting_ == Awaiting::Grant;
  if (std::holds_alternative<airlock::Credit>(body) || std::holds_alternative<airlock::Handled>(body))
    return is_granted;
  // What was asked, or a deadline of the guard's own between the two questions.
  return std::holds_alternative<airlock::Refuse>(body) && opened_ && !is_granted;
}

void Receiving::on_header(const inspect::StreamHeader& header, Actions& out) {
  if (stage() != Stage::Negotiating) return fail(error(StreamCondition::BadFormat, "a second header"), out);
  const std::string to_before = std::exchange(to_, {});
  const std::string from_before = std::exchange(from_, {});
  if (!admit_names(header, out)) return;
  switch (awaiting_) {
    case Awaiting::ClearHeader:
      return on_clear_header(out);
    case Awaiting::SecureHeader:
      return on_secure_header(header, out);
    case Awaiting::RestartHeader:
      // R6: a restart is the same conversation between the same two domains.
      if (to_ != to_before || from_ != from_before)
        return fail(error(StreamCondition::ImproperAddressing, "names changed at the restart"), out);
      return on_restart_header(out);
    default:
      return fail(error(StreamCondition::BadFormat, "a header out of turn"), out);
  }
}

bool Receiving::admit_names(const inspect::StreamHeader& header, Actions& out) {
  auto from = domain_of(header.from);
  if (from) from_ = std::move(*from);
  auto to = domain_of(header.to);
  // T-10: without a `to` there is no domain; and 4.9.1.3: an unknown host is answered from nobody.
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
  if (awaiting_ == Awaiting::ClearHeader) return true;
  if (from_.empty()) {
    fail(error(StreamCondition::ImproperAddressing, "the header's from is missing or no domain"), out);
    return false;
  }
  return true;
}

void Receiving::on_clear_header(Actions& out) {
  ensure_header(out);
  out.emplace_back(Write{std::string(kClearFeatures)});
  awaiting_ = Awaiting::StartTls;
}

void Receiving::on_secure_header(const inspect::StreamHeader& header, Actions& out) {
  const std::string& server_name = secured_.tls.server_name;
  if (!server_name.empty()) {
    const auto named = Jid::prepare_domain(server_name);
    if (!named || *named != to_)
      return fail(error(StreamCondition::ImproperAddressing, "SNI names another domain than the header"), out);
  }
  if (!clear_to_.empty() && clear_to_ != to_)
    return fail(error(StreamCondition::ImproperAddressing, "the header names another domain than before TLS"), out);
  if (settings_.serves(from_))
    return fail(error(StreamCondition::InvalidFrom, "the peer claims a domain of the other side"), out);
  judgement_ = secured_.judge(from_);
  airlock::Opened opened{airlock::LegKind::S2s,
                         from_,
                         to_,
                         header.lang.value_or(""),
                         settings_.endpoints.peer,
                         settings_.endpoints.destination,
                         secured_.tls,
                         judgement_->facts};
  opened_ = opened;
  out.emplace_back(Ask{std::move(opened)});
  awaiting_ = Awaiting::Terms;
  enter(Stage::Held);
}

void Receiving::on_restart_header(Actions& out) {
  ensure_header(out);
  out.emplace_back(Write{std::string(kNoFeatures)});
  ParserLimits limits;
  limits.bytes_per_element = stanza_octets_;
  out.emplace_back(Allow{limits});
  awaiting_ = Awaiting::Stanzas;
  take_stanzas(true);
  enter(Stage::Open);
}

void Receiving::ensure_header(Actions& out) {
  if (!std::exchange(header_due_, false)) return;
  const std::string id = settings_.stream_id();
  inspect::HeaderToWrite header{};
  header.content_namespace = inspect::ns::kServer;
  header.from = to_;  // "" when it is not ours: 4.9.1.3
  if (!from_.empty()) header.to = from_;
  header.id = id;
  std::string text;
  inspect::write_header(header, text);
  out.emplace_back(Write{std::move(text)});
}

void Receiving::on_element(const Node& element, Actions& out) {
  const ElementKind kind = classify(element);
  if (kind == ElementKind::StreamError) return on_stream_error(element, out);
  if (stage() == Stage::Negotiating) {
    if (awaiting_ == Awaiting::StartTls && kind == ElementKind::StartTls) return on_starttls(out);
    if (awaiting_ == Awaiting::Auth && kind == ElementKind::Auth) return on_auth(element, out);
    if (awaiting_ == Awaiting::Response && kind == ElementKind::Response)
      return on_authzid(element.text_content(), out);
    if (awaiting_ == Awaiting::Response && kind == ElementKind::Abort) return refuse_auth("aborted", out);
  }
  answer_out_of_place(element, out);
}

void Receiving::answer_out_of_place(const Node& element, Actions& out) {
  const bool clear = awaiting_ == Awaiting::StartTls;
  switch (classify(element)) {
    case ElementKind::Auth:
      if (clear) return refuse_auth("encryption-required", out);
      [[fallthrough]];
    case ElementKind::Response:
    case ElementKind::Abort:
      if (awaiting_ == Awaiting::Auth || awaiting_ == Awaiting::Response) return refuse_auth("malformed-request", out);
      return refuse_element(element, out);
    case ElementKind::Dialback:
      if (clear) return fail(error(StreamCondition::PolicyViolation, "dialback before TLS"), out);
      return on_dialback(element, out);
    case ElementKind::Compress:
      out.emplace_back(Note{"stream.not-offered", "compression"});
      return answer("<failure xmlns='http://jabber.org/protocol/compress'><unsupported-method/></failure>", out);
    case ElementKind::SmEnable:
    case ElementKind::SmResume:
      out.emplace_back(Note{"stream.not-offered", "stream management"});
      return answer(
          "<failed xmlns='urn:xmpp:sm:3'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
          out);
    default:
      return refuse_element(element, out);
  }
}

void Receiving::answer(std::string text, Actions& out) {
  if (++courtesies_ > kCourtesies)
    return fail(error(StreamCondition::PolicyViolation, "too many requests for what is not offered"), out);
  if (stage() != Stage::Closing) out.emplace_back(Write{std::move(text)});
}

void Receiving::on_dialback(const Node& element, Actions& out) {
  auto refusal = dialback_refusal(element);
  if (refusal) return answer(std::move(*refusal), out);
  out.emplace_back(Note{"dialback.unsolicited", "an answer that was not asked for, or no request"});
  answer({}, out);
}

void Receiving::on_starttls(Actions& out) {
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

void Receiving::on_injection(Actions& out) {
  if (awaiting_ == Awaiting::Tls) {
    out.emplace_back(Note{"tls.injection", "bytes behind <starttls/>"});
    return drop("bytes behind <starttls/>", out);
  }
  out.emplace_back(Note{"sasl.injection", "bytes behind the last SASL element"});
  fail(error(StreamCondition::PolicyViolation, "bytes behind the last SASL element"), out);
}

void Receiving::on_secure(Secured secured, Actions& out) {
  // 5.4.3.3: what was said before TLS is forgotten; `to` only to notice that it changed.
  clear_to_ = std::exchange(to_, {});
  from_.clear();
  header_due_ = true;
  secured_ = std::move(secured);
  awaiting_ = Awaiting::SecureHeader;
  out.emplace_back(Restart{ParserLimits::before_authentication()});
}

void Receiving::on_tls_failed(std::string_view why, Actions& out) {
  out.emplace_back(Note{"tls.handshake-failed", std::string(why)});
  drop("TLS handshake failed", out);
}

void Receiving::on_terms(const airlock::Terms& terms, Actions& out) {
  if (awaiting_ != Awaiting::Terms || stage() != Stage::Held || !judgement_) return;
  stanza_octets_ = std::min(settings_.stanza_octets, terms.stanza_octets);
  ensure_header(out);
  enter(Stage::Negotiating);
  awaiting_ = Awaiting::Auth;
  // RFC 6120 6.4.5: with nothing to offer, say so instead of letting the peer time out.
  if (!terms.external || !judgement_->good)
    return fail(error(StreamCondition::NotAuthorized,
                      terms.external ? "the certificate is not good for the header's from" : "EXTERNAL is not allowed"),
                out);
  out.emplace_back(Write{std::string(kExternalFeatures)});
}

void Receiving::on_auth(const Node& element, Actions& out) {
  if (++auth_attempts_ > kAuthAttempts)
    return fail(error(StreamCondition::PolicyViolation, "too many SASL attempts"), out);
  const auto* mechanism = element.attribute("mechanism");
  if (mechanism == nullptr || element.has_child_elements()) return refuse_auth("malformed-request", out);
  if (*mechanism != "EXTERNAL") return refuse_auth("invalid-mechanism", out);
  const std::string_view initial = element.text_content();
  if (!initial.empty()) return on_authzid(initial, out);
  out.emplace_back(Write{std::string(kEmptyChallenge)});
  awaiting_ = Awaiting::Response;
}

void Receiving::on_authzid(std::string_view encoded, Actions& out) {
  if (encoded.size() > kAuthOctets) return refuse_auth("malformed-request", out);
  std::optional<std::string> authzid;
  // SASL1: a lone "=" is the empty string (RFC 6120 6.4.2).
  if (encoded != "=") {
    authzid = inspect::decode_base64(encoded);
    if (!authzid) return refuse_auth("incorrect-encoding", out);
  }
  if (authzid && !authzid->empty()) {
    const auto claimed = Jid::prepare_domain(*authzid);
    if (!claimed || *claimed != from_) return refuse_auth("invalid-authzid", out);
  }
  if (!judgement_) return refuse_auth("not-authorized", out);
  out.emplace_back(Ask{airlock::Proved{from_, to_, airlock::Method::External, judgement_->facts}});
  awaiting_ = Awaiting::Grant;
  enter(Stage::Held);
}

void Receiving::refuse_auth(std::string_view condition, Actions& out) {
  const bool clear = awaiting_ == Awaiting::StartTls;
  if ((clear || condition == "malformed-request") && ++courtesies_ > kAuthAttempts)
    return fail(error(StreamCondition::PolicyViolation, "too many SASL attempts"), out);
  out.emplace_back(Note{"sasl.failed", std::string(condition)});
  out.emplace_back(Write{sasl_failure(condition)});
  if (!clear) awaiting_ = Awaiting::Auth;
}

void Receiving::on_grant(const airlock::Grant&, Actions& out) {
  if (awaiting_ != Awaiting::Grant || stage() != Stage::Held) return;
  // An idle leg keeps only what it may be judged by again.
  opened_.reset();
  secured_ = {};
  if (judgement_) judgement_->forget_all_but_revocation();
  out.emplace_back(Write{std::string(kSaslSuccess)});
  out.emplace_back(Restart{ParserLimits::before_authentication()});
  header_due_ = true;
  awaiting_ = Awaiting::RestartHeader;
  enter(Stage::Negotiating);
}

void Receiving::on_stanza(const inspect::StanzaRead&, Actions& out) {
  if (stage() == Stage::Closing || stage() == Stage::Draining) return discard_stanza();
  if (awaiting_ == Awaiting::StartTls) return fail(error(StreamCondition::PolicyViolation, "a stanza before TLS"), out);
  fail(error(StreamCondition::NotAuthorized, "a stanza before authentication"), out);
}

void Receiving::on_negotiation_deadline(Actions& out) {
  fail(error(StreamCondition::ConnectionTimeout, "negotiation took too long"), out);
}

}  // namespace sallyport::edge
