// What a server sees of a far client (protocol.md 3.1, the V side).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "inspect/names.h"
#include "proxy/edge/managed_stream.h"

namespace sallyport::edge {

struct ServerFaceSettings {
  bool direct_tls = false;
  std::string from;                        ///< the bare JID that the client claims, "" if none; of the Dial
  std::string to;                          ///< prepared domain, of the Dial
  std::string peer;                        ///< "[::1]:5222"
  std::function<std::string()> stanza_id;  ///< 128 random bits, for the request to bind
};

/// Takes a dialled leg from TCP through TLS to the server's offer, then does what the client's steps ask for, and ends
/// as its session ends. Authenticates nobody: the login is the client's, relayed step by step.
class ServerFace final : public ManagedStream {
 public:
  explicit ServerFace(ServerFaceSettings settings);

  void start(Actions& out) override;
  void on_header(const inspect::StreamHeader& header, Actions& out) override;
  void on_element(const inspect::Node& element, Actions& out) override;
  void on_stanza(const inspect::StanzaRead& stanza, Actions& out) override;
  void on_secure(Secured secured, Actions& out) override;
  void on_tls_failed(std::string_view why, Actions& out) override;
  void on_injection(Actions& out) override;
  void on_session(const airlock::Body& body, Actions& out) override;
  void on_grant(const airlock::Grant& grant, Actions& out) override;

  std::string_view content_namespace() const override { return inspect::ns::kClient; }
  std::string_view near_domain() const override { return {}; }
  const Judgement* judged() const override { return judgement_ ? &*judgement_ : nullptr; }
  std::string_view peer_domain() const override { return settings_.to; }

 private:
  enum class Awaiting : std::uint8_t {
    ClearHeader,
    ClearFeatures,
    Proceed,
    Tls,
    SecureHeader,
    SecureFeatures,
    ClientStep,  // the client's turn: Sasl
    AuthAnswer,
    RestartHeader,
    RestartFeatures,
    ClientBind,  // the client's turn: Bind
    BindAnswer,
    ResumeAnswer,
    Grant,
    Stanzas,
  };
  enum class Managing : std::uint8_t { No, Asked, Yes, Refused };

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
  void on_sasl_answer(const inspect::Node& element, Actions& out);
  void on_step(const airlock::Sasl& step, Actions& out);
  void on_sm(const airlock::Sm& step, Actions& out);
  void on_enabled(ElementKind kind, const inspect::Node& element, Actions& out);
  void on_resumed(ElementKind kind, const inspect::Node& element, Actions& out);
  void ask_server(std::string text, Awaiting next, Actions& out);
  void ready(const airlock::Offer& offer, Actions& out);
  void hand_on(airlock::Body frame, Awaiting next, Actions& out);
  /// The leg can't be had, or not be gone on with: the guard hears it, and the server gets a proper end.
  void give_up(airlock::DialFault fault, inspect::StreamCondition condition, std::string_view why, Actions& out);

  ServerFaceSettings settings_;
  Awaiting awaiting_;
  bool header_due_ = true;
  bool answered_ = false;  ///< the Dial has its Ready or Failed
  airlock::TlsFacts tls_;
  std::optional<Judgement> judgement_;
  std::string lang_;
  std::string bind_id_, resume_id_;
  Managing managing_ = Managing::No;
};

}  // namespace sallyport::edge
