// A client's session: its leg, and the leg that was dialled to its server (protocol.md 3.1; docs/airlock.md).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/guard/lane_state.h"
#include "proxy/guard/session_state.h"
#include "proxy/relay/sasl_exchange.h"

namespace sallyport::guard {

class Session;

/// One of its two legs. Both carry stanzas both ways.
struct SessionLeg : Leg {
  /// A client needs less at once than a server: thousands of them share the memory that is lent.
  static constexpr std::uint32_t kOctets = 16 * 1024, kStanzas = 16;
  SessionLeg(Session& of, Budget& budget) : session(&of), lent(budget, kOctets, kStanzas) {}

  Session* session;
  std::string lang;  ///< of its header
  std::uint64_t came = 0, delivered = 0, settled = 0;
  std::uint64_t handled_told = 0, settled_told = 0;
  std::uint64_t ignored = 0;        ///< stanzas that came while it was ending
  std::uint32_t stanza_octets = 0;  ///< the peer's limit; 0: none told
  bool touched = false;             ///< Handled or Credit may be due
  bool closed_by_peer = false;      ///< the peer has ended it in good order
  Lent lent;
  Purse purse;
};

/// What a session waits for. Which frame is legal when follows from it (session_frames.cc).
enum class Turn : std::uint8_t {
  Dialling,      ///< the server's leg
  Offer,         ///< the server's, before authentication
  Auth,          ///< the client's turn
  Answer,        ///< the server's turn
  Response,      ///< the client's turn
  Aborting,      ///< the server has to say that the login is over
  SessionOffer,  ///< the server's, after authentication
  Bind,          ///< the client's turn: a resource, or a session to resume
  Bound,         ///< the server's turn
  Looking,       ///< other lanes are asked for the session to resume
  Resumed,       ///< the server's turn
  Open,          ///< stanzas flow
  Ending,
};
inline constexpr Turn kLastTurn = Turn::Ending;
std::string_view name(Turn turn);

/// Whether a frame of the client's (or the server's) edge has its turn. Close, Closed and Event are not asked here.
bool has_turn(Turn turn, Side side, const airlock::Body& body);

/// Follows one client from its header to its end. Does no I/O. Its lane owns it, and ends it when is_over().
class Session {
 public:
  Session(LaneState& lane, std::uint64_t serial, const policy::Login& login, std::string domain);
  ~Session();

  std::uint64_t serial() const { return serial_; }
  const std::string& domain() const { return domain_; }
  std::string_view jid() const { return state_ ? std::string_view(state_->jid) : std::string_view(); }
  Turn turn() const { return turn_; }
  bool is_over() const { return !client_ && !server_ && open_records_ == 0 && !taker_; }
  const std::string& client_enclave() const { return client_enclave_; }
  const policy::Login& login() const { return *login_; }
  std::size_t unsettled() const;
  /// Answers that wait for their time.
  std::size_t held() const { return state_ ? state_->held() : 0; }

  /// The client's leg, and what its edge says of it. Terms go out, and the server's leg is dialled.
  void open(std::unique_ptr<SessionLeg> client, const airlock::Opened& opened, std::string claim);
  /// A frame for one of its legs, which stands.
  void take(SessionLeg& leg, const airlock::Body& body);
  /// The edge of that leg is gone.
  void lose(SessionLeg& leg);
  /// A frame of that leg is out of turn, or breaks the protocol otherwise.
  void alarm(SessionLeg& leg, std::string_view frame, std::string_view why);

  /// A record of one of its stanzas is written.
  void on_recorded(OnRecord& what, std::uint64_t record);
  /// What waits for the store may go on.
  void pump();
  void on_due();
  void on_leg_due(SessionLeg& leg);
  /// It is over: what is to be kept of it is kept.
  void finish();
  /// Handled and Credit for that leg.
  void tell(SessionLeg& leg);
  /// The guard stops: what waits for its time goes on record.
  void give_up() {
    if (state_) lane_.lose_held(*state_);
  }
  /// The guard's own answer to a request that went out in this session.
  void answer_request(const policy::OpenIq& request, policy::Reason reason);

  /// Whether another policy lets it be.
  bool is_granted(const policy::Bundle& bundle) const;
  /// Another policy is in force, which lets it be, or has ended it.
  void follow(const policy::Bundle& bundle);
  /// Ends both legs, the client's with that stream error.
  void end(policy::Reason reason, Details details = {});

  /// Another session wants to go on with this one.
  void give(Wanted to);
  /// An answer to what this one has asked for.
  void on_given(std::unique_ptr<SessionState> state);

 private:
  struct Negotiation;

  // session.cc
  void dial();
  void take_while_ending(SessionLeg& leg, const airlock::Body& body);
  void on_ready(const airlock::Ready& ready);
  void on_failed(const airlock::Failed& failed);
  void on_close(SessionLeg& leg, const airlock::Close& close);
  void on_closed(SessionLeg& leg, const airlock::Closed& closed);
  void on_client_gone(bool clean);
  void on_server_gone(bool clean);
  void close(SessionLeg* leg, airlock::CloseKind kind, inspect::StreamCondition condition);
  void close_both(airlock::CloseKind client, inspect::StreamCondition condition, airlock::CloseKind server);
  void close_server(airlock::CloseKind kind);
  /// Closes the leg that this way leads to, once what is on its way there is delivered.
  void farewell(Way way, airlock::CloseKind kind, inspect::StreamCondition condition);
  void say_farewell();
  void say_closed(SessionLeg& leg);
  void bury(SessionLeg& leg);
  void note_settled(SessionLeg& leg, std::uint64_t through);
  void note_fates(SessionLeg& leg);
  void enter(Turn turn, Steady due = kNever);
  bool is_resumable() const { return state_ && state_->sm && state_->sm->resumable(); }
  /// ... or will be, if the server lets it: what comes and goes now may have to be known again.
  bool may_be_resumed() const {
    return is_resumable() || (state_ && (state_->features & airlock::bit(airlock::Feature::StreamManagement)) != 0 &&
                              (!state_->sm || state_->sm->pending));
  }
  void note(policy::Reason reason, Details details = {});
  void note(policy::Reason reason, const SessionLeg* leg, Details details = {});
  void server_fault(std::string_view why);

  // session_login.cc
  void on_offer(const airlock::Offer& offer);
  void on_session_offer(const airlock::Offer& offer);
  void on_client_step(const airlock::Sasl& step);
  void on_auth(const airlock::Sasl& step);
  std::optional<inspect::SaslCondition> judge_auth(const airlock::Sasl& step);
  bool belies_header();
  bool is_too_soon();
  bool is_guess() const;
  LoginTries::Try login_try() const;
  void on_server_step(const airlock::Sasl& step);
  void on_success(const airlock::Sasl& step);
  void fail_login(inspect::SaslCondition condition, std::string_view by);
  void abort_login(inspect::SaslCondition told);
  void on_bind(const airlock::Bind& bind);
  void on_bound(const airlock::Bound& bound);
  void stand(std::unique_ptr<SessionState> state);
  void grant(SessionLeg& leg);

  // session_presence.cc
  /// Makes the changes of a judgement; `crosses`: those of a release.
  void commit(const policy::Changes& changes, bool crosses);
  /// Presence that came before the roster is kept, and sent when the roster covers it.
  void keep_early(const policy::Judgement& judgement, const inspect::Node& node);
  void send_early();
  void on_presence_due();
  Steady presence_due() const;

  // session_stanzas.cc
  /// A stanza that has come, while it is judged.
  struct Arrival {
    Way way;
    Origin origin;  ///< number: that of the passage
    std::string_view normal_form;
  };
  void take_stanza(SessionLeg& leg, const airlock::Stanza& stanza);
  void judge(SessionLeg& leg, const airlock::Stanza& stanza, inspect::Node& node);
  void release(const Arrival& arrival, const inspect::Node& node, const policy::Judgement& judgement);
  /// lane_.xml, which is `node`, takes its place among what leaves.
  void depart(const Arrival& arrival, const inspect::Node& node, const policy::Judgement& judgement);
  void refuse(const Arrival& arrival, const policy::Judgement& judgement,
              const std::optional<policy::StanzaFault>& fault, policy::Reason reason);
  void refuse_again(const SessionLeg& leg, const airlock::Stanza& stanza, const Origin& origin);
  void sever(const Arrival& arrival, const policy::Judgement& judgement);
  /// `number`: of the departure that waits for the record; 0: nothing leaves.
  void submit(const audit::Record& record, Way way, std::uint64_t number, const Origin& origin,
              std::vector<OnRecord::Follows> follows);
  /// Whether its client, or its server, gets one more error now (D-26).
  bool may_send_error();
  std::unique_ptr<Waiting> make_injection(const inspect::Node& node, policy::Reason reason, Way way);
  void inject(std::unique_ptr<Waiting> injection, std::uint64_t cause);
  void place(std::unique_ptr<Waiting> injection, Way way);
  void pump(Way way);
  void deliver(Way way, SessionLeg& leg, Departure& departure);
  /// The sender of a refused stanza has been told.
  void answered(Way way, std::uint64_t number);
  void settle(SessionLeg& leg, std::uint64_t through);
  static void pop_settled(Direction& direction);
  void free_credit(Way came, std::uint32_t octets);
  relay::Passage::Digest digest_of(std::string_view normal_form) const;
  bool is_delivered(Way way) const;

  // session_answers.cc
  /// A request that may be refused later than it is judged.
  void acknowledge_later(const Arrival& arrival, const policy::StanzaFacts& facts);
  /// What may be acknowledged by now.
  void acknowledge_due(Way way);
  /// A negative answer that its requester may have, at its time.
  void answer_later(const Arrival& arrival, const inspect::Node& node, Steady due);
  /// Keeps an injection until then. One that is due goes its way at once.
  void hold(std::unique_ptr<Waiting> injection, std::uint64_t cause, Steady due);
  /// What is held for that way and due takes it, as far as there is room.
  void let_go_of_held(Way way);
  bool has_room(Way way, std::size_t octets) const;
  /// Neither leg may say more until some of what is held has left.
  bool holds_too_much() const;
  /// When let_go_of_held() or acknowledge_due() has something to do.
  Steady answers_due() const;
  Way way_of(const Waiting& injection) const {
    return injection.record.from_enclave == client_enclave_ ? Way::ToServer : Way::ToClient;
  }

  // session_resume.cc
  void on_sm(SessionLeg& leg, const airlock::Sm& sm);
  void on_enable(const airlock::Sm& sm);
  void on_enabled(const airlock::Sm& sm);
  void on_enable_failed(const airlock::Sm& sm);
  void on_ack_wanted(const SessionLeg& leg);
  void on_resume(const airlock::Sm& sm);
  void try_resume();
  void on_resumed(const airlock::Sm& sm);
  void on_resume_failed(const airlock::Sm& sm);
  void not_resumed(inspect::StanzaCondition condition, std::optional<std::uint32_t> h, std::string_view why);
  void repeat(Way way, std::string xml, std::uint64_t record);
  void hibernate();
  void hand_over();

  static constexpr std::uint32_t kMostAttempts = 10;  ///< to bind or resume (C-11)
  SessionLeg* in_leg(Way way) const { return way == Way::ToServer ? client_.get() : server_.get(); }
  SessionLeg* out_leg(Way way) const { return way == Way::ToServer ? server_.get() : client_.get(); }
  std::uint64_t iq_leg() const { return state_->crossing | kOfSession; }
  Way way_from(const SessionLeg& leg) const { return &leg == client_.get() ? Way::ToServer : Way::ToClient; }
  const std::string& enclave_from(Way way) const {
    return way == Way::ToServer ? client_enclave_ : lane_.edges[server_edge_].enclave;
  }

  LaneState& lane_;
  const std::uint64_t serial_;
  const policy::Login* login_;
  const std::string domain_;
  std::string client_enclave_;
  EdgeIndex server_edge_ = 0;
  Turn turn_ = Turn::Dialling;
  Steady due_ = kNever;
  Steady turn_ends_ = kNever, settled_note_ = kNever;
  std::unique_ptr<SessionLeg> client_, server_;
  std::unique_ptr<SessionState> state_;
  std::unique_ptr<Negotiation> negotiation_;
  std::size_t open_records_ = 0;  ///< of its stanzas, not written yet
  bool hibernates_ = false;       ///< its state is kept when it is over
  struct Farewell {
    Way way;
    airlock::CloseKind kind;
    inspect::StreamCondition condition;
  };
  std::optional<Farewell> farewell_;  ///< waits for what is on its way
  std::optional<Wanted> taker_;
  ErrorBudget errors_;
};

/// What a session needs until it stands.
struct Session::Negotiation {
  std::string claim;                  ///< of the header; "" if none
  std::vector<std::string> accounts;  ///< of the client's certificate, prepared bare JIDs
  std::string account;                ///< who has logged in, as far as the login shows it
  LoginTries::Source source = 0;      ///< where the client is
  inspect::Mechanisms offered;
  std::optional<relay::SaslExchange> exchange;
  bool first_due = false;                      ///< the client's first message comes as a response
  std::optional<inspect::SaslCondition> told;  ///< what the client hears once the server has said that it is over
  std::optional<policy::Reason> refusal;       ///< the login is over for good
  std::uint32_t failures = 0, binds = 0, features = 0;  ///< features: of the server
  bool offered_to_client = false;
  std::uint32_t resume_h = 0;
  unsigned lanes_asked = 0;
  std::unique_ptr<SessionState> resuming;
};

}  // namespace sallyport::guard
