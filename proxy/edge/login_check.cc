#include "proxy/edge/login_check.h"

#include <array>
#include <utility>

#include "inspect/sasl_condition.h"

namespace sallyport::edge {
namespace {

using airlock::SaslStep;
using inspect::Mechanism;

constexpr std::uint32_t kDeadlineMs = 20'000;

std::optional<Mechanism> strongest(std::uint32_t offered) {
  const auto mechanisms = inspect::Mechanisms::of_bits(offered).value_or(inspect::Mechanisms{});
  for (const Mechanism each : {Mechanism::ScramSha512, Mechanism::ScramSha256, Mechanism::ScramSha1})
    if (mechanisms.has(each)) return each;
  return std::nullopt;
}

airlock::Sasl step_with(SaslStep step, std::string octets) {
  airlock::Sasl sasl;
  sasl.step = step;
  sasl.has_octets = true;
  sasl.octets = inspect::Secret(std::move(octets));
  return sasl;
}

}  // namespace

LoginCheck LoginCheck::with_password(std::string domain, std::string user, inspect::Secret password, std::string nonce,
                                     std::string second_nonce) {
  LoginCheck check(std::move(domain));
  check.user_ = std::move(user);
  check.password_ = std::move(password);
  check.nonce_ = std::move(nonce);
  check.second_nonce_ = std::move(second_nonce);
  return check;
}

LoginCheck LoginCheck::with_certificate(std::string domain) {
  LoginCheck check(std::move(domain));
  check.certificate_ = true;
  return check;
}

airlock::Dial LoginCheck::dial() const {
  airlock::Dial dial;
  dial.kind = airlock::LegKind::C2s;
  dial.to = domain_;
  dial.deadline_ms = kDeadlineMs;
  dial.certificate = certificate_;
  return dial;
}

std::optional<airlock::Body> LoginCheck::on_frame(const airlock::Body& body) {
  const bool ends = std::holds_alternative<airlock::Close>(body) || std::holds_alternative<airlock::Closed>(body);
  if (ends && !finding_) finding_ = {Verdict::Unknown, login_.has_value(), "the server ended the stream"};
  if (std::holds_alternative<airlock::Close>(body)) return airlock::Closed{};
  if (finding_) return std::nullopt;
  if (const auto* failed = std::get_if<airlock::Failed>(&body))
    finding_ = {Verdict::Unknown, false, "the server was not reached: " + failed->why};
  if (const auto* ready = std::get_if<airlock::Ready>(&body)) tls_ = ready->tls;
  if (const auto* offer = std::get_if<airlock::Offer>(&body)) return on_offer(*offer);
  if (const auto* step = std::get_if<airlock::Sasl>(&body)) return on_sasl(*step);
  return std::nullopt;
}

std::optional<airlock::Body> LoginCheck::on_offer(const airlock::Offer& offer) {
  if (offer.stage != airlock::OfferStage::Authentication) return std::nullopt;
  const auto offered = inspect::Mechanisms::of_bits(offer.mechanisms).value_or(inspect::Mechanisms{});
  if (certificate_) {
    if (offered.has(Mechanism::External)) return conclude(Verdict::Works, "the server takes the login's certificate");
    return conclude(Verdict::Fails,
                    "the server does not offer EXTERNAL to the login's certificate: let it ask clients for "
                    "certificates and trust this one for all accounts, or take the certificate away");
  }
  const auto mechanism = strongest(offer.mechanisms);
  if (!mechanism) return conclude(Verdict::Unknown, "the server offers no SCRAM, so that there is nothing to check");
  mechanism_ = *mechanism;
  return begin('y', nonce_);
}

airlock::Body LoginCheck::begin(char flag, std::string nonce) {
  flag_ = flag;
  login_.emplace(mechanism_, user_, password_, std::move(nonce), flag);
  airlock::Sasl step = step_with(SaslStep::Auth, login_->first());
  step.mechanism = mechanism_;
  return step;
}

std::optional<airlock::Body> LoginCheck::on_sasl(const airlock::Sasl& step) {
  if (!login_) return std::nullopt;
  if (step.step == SaslStep::Challenge) {
    const std::string_view octets = step.octets;
    if (octets.starts_with("v="))
      return login_->is_proof(octets) ? airlock::Body(step_with(SaslStep::Response, {}))
                                      : conclude(Verdict::Unknown, "the server does not know the account's password");
    if (octets.contains(",h=")) signs_offer_ = true;
    auto answer = login_->answer(octets);
    if (!answer) return conclude(Verdict::Unknown, "the server's SCRAM is malformed");
    return step_with(SaslStep::Response, *std::move(answer));
  }
  if (step.step == SaslStep::Success) {
    if (step.has_octets && !step.octets.empty() && !login_->is_proof(step.octets))
      return conclude(Verdict::Unknown, "the server does not know the account's password");
    if (flag_ == 'n') {
      const bool old = tls_.version != "TLSv1.3";
      return conclude(Verdict::Fails,
                      "the server refuses clients that know channel binding and are not offered any (" + refused_ +
                          "), " +
                          (old ? "over " + tls_.version + ": oldest_tls = \"1.3\" may help; else "
                               : std::string("so that logins without it can't work: ")) +
                          "let clients log in by certificate (client_certificates, and a certificate for the login), "
                          "or have the server offer no channel binding");
    }
    if (signs_offer_)
      return conclude(
          Verdict::Works,
          "clients can log in, but the server signs its list of mechanisms (XEP-0474) and clients are shown "
          "another: those that compare refuse. Switch that off at the server");
    return conclude(Verdict::Works, "clients with and without channel binding can log in");
  }
  if (step.step != SaslStep::Failure) return std::nullopt;
  if (flag_ == 'n') return conclude(Verdict::Unknown, "the probe's account can't log in at all");
  refused_ = inspect::name(step.condition);
  return begin('n', second_nonce_);
}

airlock::Body LoginCheck::conclude(Verdict verdict, std::string text) {
  finding_ = {verdict, true, std::move(text)};
  password_.clear();
  return airlock::Close{airlock::CloseKind::Clean, {}, {}, {}};
}

}  // namespace sallyport::edge
