// What a client sees of its far server (protocol.md 3.1, states K0 to K8).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "inspect/names.h"
#include "proxy/edge/managed_stream.h"

namespace sallyport::edge {

/// What the owner of a ClientFace tells it once.
struct ClientFaceSettings {
  bool direct_tls = false;
  Endpoints endpoints;
  std::function<bool(std::string_view prepared_domain)> serves;           ///< the domains that stand behind the guard
  std::function<bool(std::string_view prepared_domain)> has_certificate;  ///< something to show for a served domain
  std::function<std::string()> stream_id;  ///< 128 random bits, base64url, new for every header
  std::uint32_t stanza_octets = 512 * 1024;
  bool needs_certificate = false;  ///< nobody is let on without a good one
  unsigned logins = 3;             ///< tries of SASL on one stream (RFC 6120 6.4.5)
};

/// Takes a client from TCP to its bound session and to its end. What the client is offered, whether its login holds and
/// which JID it gets is said by the guard, which has it from the server; everything written is our own.
class ClientFace final : public ManagedStream {
 public:
  explicit ClientFace(ClientFaceSettings settings);

  void start(Actions& out) override;
  void on_header(const inspect::StreamHeader& header, Actions& out) override;
  void on_element(const inspect::Node& element, Actions& out) override;
  void on_stanza(const inspect::StanzaRead& stanza, Actions& out) override;
  void on_secure(Secured secured, Actions& out) override;
  void on_tls_failed(std::string_view why, Actions& out) override;
  void on_injection(Actions& out) override;
  void on_terms(const airlock::Terms& terms, Actions& out) override;
  void on_session(const airlock::Body& body, Actions& out) override;
  void on_grant(const airlock::Grant& grant, Actions& out) override;

  std::string_view content_namespace() const override { return inspect::ns::kClient; }
  std::string_view near_domain() const override { return to_; }
  std::string_view peer_domain() const override { return to_; }
  const airlock::Opened* opened() const override { return opened_ ? &*opened_ : nullptr; }
  const Judgement* judged() const override { return judgement_ ? &*judgement_ : nullptr; }

 private:
  enum class Awaiting : std::uint8_t {
    ClearHeader,    // K1
    StartTls,       // K1
    Tls,            //
    SecureHeader,   // K2
    Offer,          // K2, the far leg is being dialled
    Auth,           // K3
    AuthAnswer,     // K4, the server's turn
    Response,       // K4, the client's turn
    RestartHeader,  // K5
    SessionOffer,   // K6
    Bind,           // K6
    Bound,          // K6, the server's turn
    Resumed,        // K6, in place of Bind; the server's turn
    Stanzas,        // K7
  };
  /// Stream management, which a session may ask for once.
  enum class Managing : std::uint8_t { No, Asked, Yes, Refused };

  void ensure_header(Actions& out) override;
  bool report_failure(airlock::DialFault, std::string_view, Actions&) override { return false; }
  bool awaits(const airlock::Body& body) const override;
  bool awaits_sm(const airlock::Sm& step) const;
  bool awaits_tls() const override { return awaiting_ == Awaiting::Tls && stage() == Stage::Negotiating; }
  bool awaits_silence() const override { return awaiting_ == Awaiting::Tls || awaiting_ == Awaiting::AuthAnswer; }
  bool forbids_whitespace() const override {
    return awaiting_ == Awaiting::StartTls || awaiting_ == Awaiting::Response;
  }
  void on_negotiation_deadline(Actions& out) override;

  bool admit_names(const inspect::StreamHeader& header, Actions& out);
  void on_secure_header(const inspect::StreamHeader& header, Actions& out);
  void on_starttls(Actions& out);
  void on_auth(const inspect::Node& element, Actions& out);
  void on_response(const inspect::Node& element, Actions& out);
  void on_nonza(const inspect::Node& element, Actions& out);
  void refuse_auth(inspect::SaslCondition condition, Actions& out);
  void abort_login(inspect::SaslCondition condition, Actions& out);
  void hand_on(airlock::Sasl step, Actions& out);
  void on_offer(const airlock::Offer& offer, Actions& out);
  void on_sasl(const airlock::Sasl& step, Actions& out);
  void offer_session(Actions& out);
  void on_bound(const airlock::Bound& bound, Actions& out);
  void on_enable(const inspect::Node& element, Actions& out);
  void on_resume(const inspect::Node& element, Actions& out);
  void on_client_state(bool active, Actions& out);
  void on_sm(const airlock::Sm& step, Actions& out);
  bool is_offered(airlock::Feature feature) const { return (features_ & airlock::bit(feature)) != 0; }
  /// An answer to something that is not offered; a peer that goes on asking is cut off.
  void answer(std::string_view what, std::string text, Actions& out);

  ClientFaceSettings settings_;
  Awaiting awaiting_;
  bool header_due_ = true;
  std::string to_, from_, clear_to_;
  std::optional<airlock::Opened> opened_;
  std::optional<Judgement> judgement_;  ///< of a client that has shown a good certificate
  Secured secured_;
  std::optional<airlock::Offer> offer_;  ///< of stage Session, until the client's new header is there
  std::uint32_t features_ = 0;           ///< of the session, as offered
  std::uint32_t stanza_octets_ = 0;
  unsigned logins_ = 0, most_logins_ = 0, binds_ = 0, courtesies_ = 0;
  std::string bind_id_;
  Managing managing_ = Managing::No;
  bool active_ = true;                          ///< as the client said last (XEP-0352 4.1: active to begin with)
  std::uint32_t resume_h_ = 0;                  ///< what the client has counted of the session that it resumes
  std::optional<inspect::SaslCondition> told_;  ///< why we ended a login that the server still thinks about
};

}  // namespace sallyport::edge
