// The initiating entity of a server-to-server stream (RFC 6120; protocol.md 2.3, states I2 to I8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "inspect/names.h"
#include "proxy/edge/machine.h"

namespace sallyport::edge {

struct InitiatingSettings {
  bool direct_tls = false;
  std::string from, to;  ///< prepared domains, of the Dial
  std::string peer;      ///< "[::1]:5269"
};

/// Takes an out-leg from TCP to Ready and to its end. It always asks for TLS (RFC 7590 3.1), authenticates by EXTERNAL
/// only, and follows no redirection.
class Initiating final : public Machine {
 public:
  explicit Initiating(InitiatingSettings settings);

  void start(Actions& out) override;
  void on_header(const inspect::StreamHeader& header, Actions& out) override;
  void on_element(const inspect::Node& element, Actions& out) override;
  void on_stanza(const inspect::StanzaRead& stanza, Actions& out) override;
  void on_secure(Secured secured, Actions& out) override;
  void on_tls_failed(std::string_view why, Actions& out) override;
  void on_injection(Actions& out) override;
  void on_grant(const airlock::Grant& grant, Actions& out) override;

  std::string_view content_namespace() const override { return inspect::ns::kServer; }
  std::string_view near_domain() const override { return settings_.from; }
  const Judgement* judged() const override { return judgement_ ? &*judgement_ : nullptr; }
  std::string_view peer_domain() const override { return settings_.to; }

 private:
  enum class Awaiting : std::uint8_t {
    ClearHeader,      // I2
    ClearFeatures,    // I3
    Proceed,          // I3
    Tls,              //
    SecureHeader,     // I5
    SecureFeatures,   // I5
    AuthAnswer,       // I7
    RestartHeader,    // I7
    RestartFeatures,  // I7
    Grant,            // I7, Ready is out
    Nothing,          // I8
  };

  void ensure_header(Actions& out) override;
  bool report_failure(airlock::DialFault fault, std::string_view why, Actions& out) override;
  bool awaits(const airlock::Body& body) const override;
  bool awaits_tls() const override { return awaiting_ == Awaiting::Tls && stage() == Stage::Negotiating; }
  bool awaits_silence() const override { return awaiting_ == Awaiting::Tls || awaiting_ == Awaiting::RestartHeader; }
  bool forbids_whitespace() const override {
    return awaiting_ == Awaiting::Proceed || awaiting_ == Awaiting::AuthAnswer;
  }
  void on_negotiation_deadline(Actions& out) override;

  void on_features(const inspect::Node& element, Actions& out);
  void on_sasl(const inspect::Node& element, Actions& out);
  void ready(Actions& out);
  /// The leg can't be had: Failed to the guard, a proper end for the peer.
  void give_up(airlock::DialFault fault, std::string_view why, Actions& out);
  void refuse_stream(airlock::DialFault fault, inspect::StreamCondition condition, std::string_view why, Actions& out);

  InitiatingSettings settings_;
  Awaiting awaiting_;
  bool header_due_ = true;
  bool answered_ = false;  ///< the Dial has its Ready or Failed
  bool challenged_ = false;
  airlock::TlsFacts tls_;
  std::optional<Judgement> judgement_;
  std::string lang_;
  std::uint32_t stanza_octets_ = 0;
};

}  // namespace sallyport::edge
