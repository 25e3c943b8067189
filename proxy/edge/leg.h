// One connection with a peer: its socket, its TLS, its stream and its place in the airlock.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "certs/trust/tls_contexts.h"
#include "proxy/airlock/frames.h"
#include "proxy/config/config.h"
#include "proxy/edge/admission.h"
#include "proxy/edge/conversation.h"
#include "proxy/edge/credit.h"
#include "proxy/edge/dialling.h"
#include "proxy/edge/keepalive_rate.h"
#include "proxy/edge/ocsp_query.h"
#include "proxy/edge/settings.h"
#include "proxy/edge/tls_engine.h"

namespace sallyport::edge {

class Lane;

/// Carries out what the state machine of its stream decides: reads when it listens, writes once per wake-up, keeps its
/// deadlines, and tells the guard. Lives on its lane's thread; its pending operations keep it alive.
class Leg : public std::enable_shared_from_this<Leg> {
 public:
  using Clock = std::chrono::steady_clock;
  using TcpSocket = boost::asio::ip::tcp::socket;

  /// A connection that `peer` made to `listener`.
  static std::shared_ptr<Leg> accepted(Lane& lane, airlock::LegId id, TcpSocket socket,
                                       const boost::asio::ip::tcp::endpoint& peer, const config::Listener& listener);
  /// A connection made for a Dial.
  static std::shared_ptr<Leg> dialled(Lane& lane, airlock::LegId id, TcpSocket socket, Dialled dialled);
  ~Leg();

  void start();
  /// A frame from the guard for this leg, by the channel of `guard_lane`.
  void on_frame(std::uint16_t guard_lane, const airlock::Body& body);
  /// The channels are gone: write what was delivered, say why, and end.
  void on_guard_lost();
  /// End with a stream error of our own.
  void sever(inspect::StreamCondition condition, std::string_view why);
  /// Nothing new is begun: ends the leg if it does not stand yet.
  void drain();
  /// Why the leg would not come to be today, by new settings or new facts; nullopt: it would. `now`: seconds since
  /// 1970.
  std::optional<std::string> objection(std::int64_t now) const;
  /// When the first certificate of either side ends, or what an OCSP responder said of the peer's; seconds since 1970.
  std::int64_t certificates_end() const;
  /// Something to record about this leg.
  void note(std::string_view code, std::string_view why);
  /// Marks its packets anew (NET-01).
  void mark_again();

  // Called by the lane, once per wake-up and at its own rate.
  void flush();
  /// True while something that was written has not settled.
  bool settle();

  airlock::LegId id() const { return id_; }
  const boost::asio::ip::tcp::endpoint& peer() const { return peer_; }
  /// Where this connection is counted.
  Admission& admission() const;
  bool is_accepted() const { return !airlock::is_dialled(id_); }

 private:
  enum class Link : std::uint8_t { Plain, Handshake, Secure, Lingering, Gone };

  Leg(Lane& lane, airlock::LegId id, TcpSocket socket);
  std::unique_ptr<Machine> accepting() const;
  std::unique_ptr<Machine> dialling(const airlock::Dial& dial) const;
  const config::EdgeLimits& limits() const;

  // Reading.
  void want_read();
  void on_readable();
  void take(std::string_view in);
  void take_handshake(std::string_view in);
  void take_secure(std::string_view in);
  void advance();
  bool admit_octets(std::size_t count);
  void pause_for_keepalives(std::size_t octets_before, std::uint64_t stanzas_before);

  // The stream.
  void pump();
  void perform(Action action);
  void forward(const inspect::StanzaRead& stanza);
  void begin_tls(const std::string& server_name);
  void on_established(std::string_view rest);
  bool ask_responder();
  void on_answer(std::string der);
  void tell_secure(const trust::Session& session);
  void end_handshake_turn();
  void settle_kind(trust::Service service);
  Judgement judge(std::string_view domain, std::int64_t now) const;
  /// Whom the limits of an accepted connection count for.
  std::optional<boost::asio::ip::address> source() const;

  // The airlock.
  void ask(const airlock::Body& body);
  void take_terms(const airlock::Terms& terms);
  void deliver(const airlock::Deliver& delivery);

  // Writing and the end.
  void touch();
  void ask_what_has_settled();
  bool send_wire();
  void wait_to_write();
  std::size_t send_some(std::string_view octets);
  void encode_text();
  void on_deaf_peer();
  void lost(std::string_view why);
  void finish(Finish finish);
  void linger();
  void close();

  // Time.
  void watch();
  void hibernate();
  void enter_wait(Wait wait, Clock::time_point now);
  Clock::time_point due(Clock::time_point now) const;
  Clock::time_point idles_out() const;
  void on_watch();

  Lane& lane_;
  airlock::LegId id_;
  TcpSocket socket_;
  boost::asio::ip::tcp::endpoint peer_, local_;
  std::optional<config::Listener> listener_;
  airlock::LegKind kind_ = airlock::LegKind::S2s;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<Conversation> conversation_;
  std::unique_ptr<TlsEngine> tls_;
  std::unique_ptr<Dialled> dialled_;  ///< until TLS stands: for the next target
  std::shared_ptr<OcspQuery> query_;  ///< while it is under way the peer is not read
  std::string ocsp_answer_;           ///< what came of it, for as long as the leg lives
  Link link_ = Link::Plain;
  bool direct_tls_ = false;
  bool in_handshake_turn_ = false;
  bool dials_on_ = false;  ///< once this connection is over

  std::string stash_;  ///< ciphertext that waits for credit
  std::string text_;   ///< to be encrypted and sent at the end of this wake-up
  std::string wire_;   ///< what the socket did not take
  std::size_t wire_sent_ = 0;
  bool reading_ = false, dirty_ = false, waiting_to_write_ = false, broken_ = false;
  std::optional<Clock::time_point> deaf_until_;  ///< the peer takes nothing more; so long what it has said is read

  std::uint16_t guard_lane_ = 0;
  bool guard_knows_ = false;
  std::uint64_t stanza_number_ = 0;
  StanzaCredit credit_;
  Deliveries deliveries_;
  std::uint64_t settling_asked_ = 0;  ///< what was written when the socket was last asked
  bool settling_ = false;             ///< the lane asks it at its own rate

  boost::asio::steady_timer watchdog_;
  Clock::time_point watchdog_at_ = Clock::time_point::max();
  Wait waiting_ = Wait::Nothing;
  Clock::time_point wait_began_{}, wait_ends_ = Clock::time_point::max();
  Clock::duration negotiation_left_{};
  Clock::time_point heard_{}, sent_{};
  KeepaliveRate keepalives_;
  Clock::time_point read_after_{};  ///< later than now: reading pauses (D-20)
  Clock::time_point busy_{};        ///< the last stanza; white space keeps no stream open (D-25)
  std::size_t octets_before_open_ = 0;
  bool stood_ = false;  ///< has been open
  std::optional<Finish> finish_;
};

}  // namespace sallyport::edge
