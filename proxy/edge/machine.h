// What the stream state machines share: how they are asked, what they answer, and how a stream ends.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "inspect/element.h"
#include "inspect/errors.h"
#include "inspect/limits.h"
#include "inspect/stream_parser.h"
#include "proxy/airlock/frames.h"

namespace sallyport::edge {

/// Append this text to what the peer is sent.
struct Write {
  std::string text;
};
/// What was written is flushed, then TLS begins; `server_name` is the prepared domain that the face is chosen by, or
/// that is asked for.
struct StartTls {
  std::string server_name;
};
/// The stream starts over: a new parser with these limits.
struct Restart {
  inspect::ParserLimits limits;
};
/// Larger elements are legal from the next one on.
struct Allow {
  inspect::ParserLimits limits;
};
/// A frame for the guard.
struct Ask {
  airlock::Body frame;
};
/// Something to record that is no answer to anybody.
struct Note {
  std::string code;
  std::string why;
};
/// The last action: the connection ends. What was written goes out first, unless `abort`.
struct Finish {
  bool abort = false;
  bool clean = false;
  std::string cause;
};
using Action = std::variant<Write, StartTls, Restart, Allow, Ask, Note, Finish>;
using Actions = std::vector<Action>;

/// The peer's certificate, judged for one domain. `good`: chain and identity, by this enclave's own anchors and pins.
/// What its revocation state means, the policy decides.
struct Judgement {
  airlock::CertificateFacts facts;
  bool good = false;
  std::int64_t answer_ends = 0;  ///< seconds since 1970: the OCSP answer behind `revocation`; 0: there is none

  void forget_all_but_revocation() {
    airlock::CertificateFacts kept;
    kept.revocation = facts.revocation;
    facts = std::move(kept);
  }
};

/// What is known once TLS stands.
struct Secured {
  airlock::TlsFacts tls;
  std::function<Judgement(std::string_view prepared_domain)> judge;
};

/// What a leg waits for; each has its deadline (config::EdgeLimits).
enum class Wait : std::uint8_t { Handshake, Negotiation, Guard, Idle, Close, Nothing };

/// The facts of a leg that no machine can know by itself.
struct Endpoints {
  std::string peer;         ///< "[::1]:40000"
  std::string destination;  ///< what the peer connected to
};

/// A stream's state machine; does no I/O. Every input may append actions. Closing is the same for all and lives
/// here (RFC 6120 4.4, 4.9; docs/airlock.md "The end of a leg").
class Machine {
 public:
  virtual ~Machine() = default;

  // From the peer.
  virtual void start(Actions& out) = 0;
  virtual void on_header(const inspect::StreamHeader& header, Actions& out) = 0;
  virtual void on_element(const inspect::Node& element, Actions& out) = 0;
  /// A stanza while takes_stanzas() is false.
  virtual void on_stanza(const inspect::StanzaRead& stanza, Actions& out) = 0;
  virtual void on_secure(Secured secured, Actions& out) = 0;
  virtual void on_tls_failed(std::string_view why, Actions& out) = 0;
  /// More bytes stand behind an element that must be the last for now (protocol.md T-19).
  virtual void on_injection(Actions& out) = 0;
  void on_stream_end(Actions& out);
  void on_fault(const inspect::StreamError& error, Actions& out);
  /// TCP or TLS is gone.
  void on_lost(std::string_view why, Actions& out);

  // From the guard.
  /// Whether this frame has its turn now (docs/airlock.md). While a stream ends everything has: frames cross on the
  /// way.
  bool expects(const airlock::Body& body) const;
  virtual void on_terms(const airlock::Terms&, Actions&) {}
  virtual void on_grant(const airlock::Grant&, Actions&) {}
  virtual void on_handled(const airlock::Handled&, Actions&) {}
  /// Of a client's session: Offer, Sasl, Bind, Bound, Csi, Sm.
  virtual void on_session(const airlock::Body&, Actions&) {}
  void on_refuse(const airlock::Refuse& refuse, Actions& out);
  void on_close(const airlock::Close& close, Actions& out);
  void on_closed(Actions& out);

  // From this process.
  /// The stanza with this number went to the guard; the delivery with this number was put behind what was written.
  virtual void on_read(std::uint64_t) {}
  virtual void on_delivered(std::uint64_t) {}
  /// What is written behind a batch of deliveries, to be told what has arrived; "": nothing.
  virtual std::string_view ack_request() { return {}; }
  /// Deliveries up to this number have arrived when the peer's TCP has them; later ones when the peer says so.
  virtual std::uint64_t settles_by_tcp() const { return std::numeric_limits<std::uint64_t>::max(); }
  void on_deadline(Actions& out);
  /// Ends the leg with a stream error of our own: shutdown, reload, a limit.
  void sever(const inspect::StreamError& error, Actions& out);

  /// jabber:server or jabber:client.
  virtual std::string_view content_namespace() const = 0;
  /// Prepared; "" while unknown. Near: the one that we stand for; "" too where we are somebody's client.
  virtual std::string_view near_domain() const = 0;
  virtual std::string_view peer_domain() const = 0;

  /// What was asked of the guard about an accepted leg, for asking it again on another lane (docs/airlock.md); nullptr
  /// before that, and once nobody will ask.
  virtual const airlock::Opened* opened() const { return nullptr; }
  /// What was told of the peer's certificate; nullptr: nothing yet.
  virtual const Judgement* judged() const { return nullptr; }

  Wait wait() const;
  /// Whether the peer is read at all.
  bool listens() const;
  /// Stanzas are to be handed on (Receiving, granted).
  bool takes_stanzas() const { return takes_stanzas_; }
  /// The leg stands: stanzas may flow one way or the other.
  bool is_open() const { return stage_ == Stage::Open; }
  /// The stream stays however long nobody says anything: it can be resumed (D-25).
  virtual bool outlives_silence() const { return false; }
  /// A delivery may still be written: the leg has stood, and our closing tag is not out.
  bool may_write() const { return (stage_ == Stage::Open || stage_ == Stage::Draining) && !closing_tag_written_; }
  bool is_over() const { return stage_ == Stage::Over; }
  /// White space between elements is a fault just now (protocol.md 3.7).
  virtual bool forbids_whitespace() const { return false; }
  /// The element just given must be the last thing that was received.
  bool demands_silence() const;
  /// Stanzas that came after the guard had closed the leg; they are counted, not handed on.
  void discard_stanza() { ++discarded_; }

 protected:
  /// Held: the guard has to answer. Draining: the peer has closed, the guard answers for what came. Closing: our
  /// closing tag is out, theirs is awaited.
  enum class Stage : std::uint8_t { Negotiating, Held, Open, Draining, Closing, Over };

  /// Writes our own header where this stream has none yet: an error needs one before it (RFC 6120 4.9.1.2).
  virtual void ensure_header(Actions& out) = 0;
  /// The guard has to hear that the leg never came to be; false: a plain Close does.
  virtual bool report_failure(airlock::DialFault fault, std::string_view why, Actions& out) = 0;
  /// The frames that come to a leg that is not ending, beside Close and Closed. A machine that does not say sorts them
  /// out by itself.
  virtual bool awaits(const airlock::Body&) const { return true; }
  virtual bool awaits_tls() const = 0;
  virtual bool awaits_silence() const = 0;
  virtual void on_negotiation_deadline(Actions& out) = 0;

  /// A stream error to the peer, Close to the guard, and the end. `detail`: an element of its own beside the condition.
  void fail(const inspect::StreamError& error, Actions& out, std::string_view detail = {});
  void drop(std::string_view cause, Actions& out);
  /// The peer's <stream:error/>: read for the record, answered with the closing tag, never repeated.
  void on_stream_error(const inspect::Node& element, Actions& out);
  /// What every first-level element that has no place gets.
  void refuse_element(const inspect::Node& element, Actions& out);
  void finish(bool clean, std::string_view cause, Actions& out);
  void enter(Stage stage);
  void write_closing_tag(Actions& out);
  /// A stream error and the closing tag, unless ours is out already.
  void write_error(const inspect::StreamError& error, Actions& out, std::string_view detail = {});
  /// What has to be said before the closing tag.
  virtual void last_words(Actions&) {}
  Stage stage() const { return stage_; }
  void take_stanzas(bool take) { takes_stanzas_ = take; }

 private:
  Stage stage_ = Stage::Negotiating;
  bool takes_stanzas_ = false;
  bool closing_tag_written_ = false;
  std::uint64_t discarded_ = 0;
};

}  // namespace sallyport::edge
