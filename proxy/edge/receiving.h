// The receiving entity of a server-to-server stream (RFC 6120; protocol.md 2.2, states R0 to R8).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "inspect/names.h"
#include "proxy/edge/machine.h"

namespace sallyport::edge {

/// What the owner of a Receiving tells it once.
struct ReceivingSettings {
  bool direct_tls = false;
  Endpoints endpoints;
  std::function<bool(std::string_view prepared_domain)> serves;  ///< the domains that this enclave may ask for
  /// Whether there is a certificate to show for a served domain; otherwise STARTTLS fails (TLS-05).
  std::function<bool(std::string_view prepared_domain)> has_certificate;
  std::function<std::string()> stream_id;    ///< 128 random bits, base64url, new for every header
  std::uint32_t stanza_octets = 512 * 1024;  ///< the operator's limit; Terms may lower it
};

/// Takes an in-leg from TCP to an open stream and to its end. The guard decides who may speak for whom: this machine
/// checks what the stream itself shows (names agree, the certificate is good for them, SASL is well formed), asks, and
/// says success only when the guard has granted it.
class Receiving final : public Machine {
 public:
  explicit Receiving(ReceivingSettings settings);

  void start(Actions& out) override;
  void on_header(const inspect::StreamHeader& header, Actions& out) override;
  void on_element(const inspect::Node& element, Actions& out) override;
  void on_stanza(const inspect::StanzaRead& stanza, Actions& out) override;
  void on_secure(Secured secured, Actions& out) override;
  void on_tls_failed(std::string_view why, Actions& out) override;
  void on_injection(Actions& out) override;
  void on_terms(const airlock::Terms& terms, Actions& out) override;
  void on_grant(const airlock::Grant& grant, Actions& out) override;

  const airlock::Opened* opened() const override { return opened_ ? &*opened_ : nullptr; }
  std::string_view content_namespace() const override { return inspect::ns::kServer; }
  std::string_view near_domain() const override { return to_; }
  const Judgement* judged() const override { return judgement_ ? &*judgement_ : nullptr; }
  std::string_view peer_domain() const override { return from_; }

 private:
  enum class Awaiting : std::uint8_t {
    ClearHeader,    // R1
    StartTls,       // R2
    Tls,            //
    SecureHeader,   // R3
    Terms,          // R3, the guard has been asked
    Auth,           // R4
    Response,       // R4, after the empty challenge
    Grant,          // R5
    RestartHeader,  // R6
    Stanzas,        // R7
  };

  void ensure_header(Actions& out) override;
  bool report_failure(airlock::DialFault, std::string_view, Actions&) override { return false; }
  bool awaits(const airlock::Body& body) const override;
  bool awaits_tls() const override { return awaiting_ == Awaiting::Tls && stage() == Stage::Negotiating; }
  bool awaits_silence() const override;
  /// RFC 6120 6.3.5.
  bool forbids_whitespace() const override { return awaiting_ == Awaiting::Response; }
  void on_negotiation_deadline(Actions& out) override;

  bool admit_names(const inspect::StreamHeader& header, Actions& out);
  void on_clear_header(Actions& out);
  void on_secure_header(const inspect::StreamHeader& header, Actions& out);
  void on_restart_header(Actions& out);
  void on_starttls(Actions& out);
  void on_auth(const inspect::Node& element, Actions& out);
  void on_authzid(std::string_view encoded, Actions& out);
  void refuse_auth(std::string_view condition, Actions& out);
  void on_dialback(const inspect::Node& element, Actions& out);
  void answer(std::string text, Actions& out);
  void answer_out_of_place(const inspect::Node& element, Actions& out);

  ReceivingSettings settings_;
  Awaiting awaiting_;
  bool header_due_ = true;  ///< this stream has no header of ours yet
  std::string to_, from_;   ///< prepared; of the header of this stream
  std::string clear_to_;    ///< of the header before TLS, only to be compared
  Secured secured_;
  std::optional<airlock::Opened> opened_;
  std::optional<Judgement> judgement_;
  std::uint32_t stanza_octets_ = 0;
  int auth_attempts_ = 0, courtesies_ = 0;
};

}  // namespace sallyport::edge
