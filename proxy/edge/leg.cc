#include "proxy/edge/leg.h"

#include <algorithm>
#include <utility>

#include <sys/socket.h>

#include "proxy/edge/lane.h"
#include "proxy/edge/sockets.h"
#include "proxy/edge/stream_id.h"

namespace sallyport::edge {
namespace {

using boost::system::error_code;
using inspect::StreamCondition;

constexpr std::chrono::seconds kLinger{1};
constexpr std::chrono::seconds kLastWords{2};       // docs/airlock.md: what was delivered is still written
constexpr std::chrono::seconds kGuardPatience{70};  // above the longest hold_max
constexpr std::chrono::seconds kHibernate{10};

}  // namespace

Leg::Leg(Lane& lane, airlock::LegId id, TcpSocket socket)
    : lane_(lane), id_(id), socket_(std::move(socket)), watchdog_(lane.context()) {
  error_code ignored;
  peer_ = socket_.remote_endpoint(ignored);
  local_ = socket_.local_endpoint(ignored);
}

Leg::~Leg() = default;

std::shared_ptr<Leg> Leg::accepted(Lane& lane, airlock::LegId id, TcpSocket socket, const config::Listener& listener) {
  std::shared_ptr<Leg> leg(new Leg(lane, id, std::move(socket)));
  leg->listener_ = listener;
  leg->direct_tls_ = listener.tls == config::Listener::Tls::Direct;
  leg->guard_lane_ = static_cast<std::uint16_t>(lane.index() % std::max<unsigned>(lane.guard_lanes(), 1));
  leg->negotiation_left_ = lane.settings().config.limits.authentication;
  ReceivingSettings settings;
  settings.direct_tls = leg->direct_tls_;
  settings.endpoints = {text(leg->peer_), text(leg->local_)};
  settings.serves = [&lane](std::string_view domain) { return lane.settings().serves(domain); };
  settings.has_certificate = [&lane](std::string_view domain) { return lane.settings().contexts->has(domain); };
  settings.stream_id = new_stream_id;
  settings.stanza_octets = lane.settings().config.limits.stanza_octets;
  leg->machine_ = std::make_unique<Receiving>(std::move(settings));
  return leg;
}

std::shared_ptr<Leg> Leg::dialled(Lane& lane, airlock::LegId id, TcpSocket socket, const airlock::Dial& dial,
                                  std::uint16_t guard_lane, bool direct_tls, Clock::time_point deadline) {
  std::shared_ptr<Leg> leg(new Leg(lane, id, std::move(socket)));
  leg->direct_tls_ = direct_tls;
  leg->guard_lane_ = guard_lane;
  leg->guard_knows_ = true;
  leg->negotiation_left_ = deadline - Clock::now();
  leg->machine_ = std::make_unique<Initiating>(InitiatingSettings{direct_tls, dial.from, dial.to, text(leg->peer_)});
  return leg;
}

void Leg::start() {
  conversation_.emplace(*machine_);
  heard_ = sent_ = Clock::now();
  machine_->start(conversation_->actions());
  advance();
}

// --- Reading -------------------------------------------------------------------------------------------------------

void Leg::want_read() {
  const bool wanted = link_ == Link::Lingering || link_ == Link::Handshake ||
                      ((link_ == Link::Plain || link_ == Link::Secure) && conversation_->hungry());
  if (!wanted || reading_) return;
  reading_ = true;
  socket_.async_wait(TcpSocket::wait_read, [this, self = shared_from_this()](error_code failed) {
    reading_ = false;
    if (failed || link_ == Link::Gone) return;
    on_readable();
  });
}

void Leg::on_readable() {
  if ((link_ == Link::Plain || link_ == Link::Secure) && !conversation_->hungry()) return;
  auto& buffer = lane_.read_buffer();
  const ssize_t size = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return want_read();
  if (link_ == Link::Lingering) return size <= 0 ? close() : want_read();
  if (size <= 0) {
    lost(size == 0 ? "the peer closed the connection" : error_code(errno, boost::system::system_category()).message());
    return;
  }
  heard_ = Clock::now();
  take(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
  advance();
}

void Leg::take(std::string_view in) {
  switch (link_) {
    case Link::Plain:
      if (!conversation_->hungry() || !admit_octets(in.size())) return;
      conversation_->feed(in);
      return pump();
    case Link::Handshake:
      return take_handshake(in);
    case Link::Secure:
      return take_secure(in);
    case Link::Lingering:
    case Link::Gone:
      return;
  }
}

bool Leg::admit_octets(std::size_t count) {
  if (machine_->is_open()) return true;
  octets_before_open_ += count;
  if (octets_before_open_ <= lane_.settings().config.limits.bytes_before_authentication) return true;
  // D-06: without an error.
  note("edge.too-many-octets", "too many octets before authentication");
  lost("too many octets before authentication");
  return false;
}

void Leg::take_handshake(std::string_view in) {
  const auto state = tls_->handshake(in, wire_);
  if (!wire_.empty()) touch();
  if (state == TlsEngine::State::More) return;
  end_handshake_turn();
  if (state == TlsEngine::State::Done) return on_established(in);
  // What is left is the alert; drop() sends it if it can.
  machine_->on_tls_failed(tls_->why().empty() ? "closed during the handshake" : tls_->why(), conversation_->actions());
  pump();
}

void Leg::on_established(std::string_view rest) {
  const auto session = trust::finished(tls_->ssl());
  if (!session) {
    machine_->on_tls_failed(session.error(), conversation_->actions());
    return pump();
  }
  link_ = Link::Secure;
  Secured secured;
  secured.tls = {true, direct_tls_, session->version, session->cipher, session->server_name};
  secured.judge = [this](std::string_view domain) {
    return lane_.settings().judge(tls_->ssl(), domain, seconds_now());
  };
  machine_->on_secure(std::move(secured), conversation_->actions());
  pump();
  take(rest);
}

void Leg::take_secure(std::string_view in) {
  auto& plain = lane_.plain_buffer();
  while (link_ == Link::Secure) {
    if (!conversation_->hungry()) {
      stash_.assign(in);
      return;
    }
    std::size_t size = 0;
    const auto state = tls_->read(in, plain, size, wire_);
    if (!wire_.empty()) touch();
    switch (state) {
      case TlsEngine::State::More:
        return;
      case TlsEngine::State::Ended:
        return lost("the peer closed TLS");
      case TlsEngine::State::Failed:
        return lost(tls_->why());
      case TlsEngine::State::Done:
        break;
    }
    if (!admit_octets(size)) return;
    conversation_->feed(std::string_view(plain.data(), size));
    pump();
  }
}

/// After every input: what was held back goes on, deadlines follow, and the next read is asked for.
void Leg::advance() {
  pump();
  if (link_ == Link::Secure && conversation_->hungry() && (!stash_.empty() || tls_->has_pending())) {
    const std::string held = std::exchange(stash_, {});
    take_secure(held);
  }
  if (link_ == Link::Gone) return;
  want_read();
  watch();
}

// --- The stream ----------------------------------------------------------------------------------------------------

void Leg::pump() {
  while (link_ != Link::Gone && link_ != Link::Lingering) {
    auto step = conversation_->next(credit_.is_left());
    if (!step) return;
    if (const auto* stanza = std::get_if<inspect::StanzaRead>(&*step))
      forward(*stanza);
    else
      perform(std::move(std::get<Action>(*step)));
  }
}

void Leg::forward(const inspect::StanzaRead& stanza) {
  credit_.spend(stanza.normal_form.size());
  ask(airlock::Stanza{++stanza_number_, stanza.normal_form});
}

void Leg::perform(Action action) {
  if (auto* write = std::get_if<Write>(&action)) {
    text_ += write->text;
    touch();
  } else if (const auto* tls = std::get_if<StartTls>(&action)) {
    begin_tls(tls->server_name);
  } else if (const auto* asked = std::get_if<Ask>(&action)) {
    if (std::holds_alternative<airlock::Opened>(asked->frame)) guard_knows_ = true;
    ask(asked->frame);
    if (std::holds_alternative<airlock::Failed>(asked->frame)) guard_knows_ = false;
  } else if (const auto* noted = std::get_if<Note>(&action)) {
    note(noted->code, noted->why);
  } else if (auto* end = std::get_if<Finish>(&action)) {
    finish(std::move(*end));
  }
}

void Leg::begin_tls(const std::string& server_name) {
  encode_text();
  if (!lane_.begin_handshake()) {
    machine_->on_tls_failed("too many handshakes in progress", conversation_->actions());
    return;
  }
  in_handshake_turn_ = true;
  const auto& contexts = *lane_.settings().contexts;
  const auto how = direct_tls_ ? trust::Start::Direct : trust::Start::StartTls;
  trust::SslPtr ssl = is_accepted() ? contexts.accept(server_name)
                                    : contexts.connect(machine_->near_domain(), machine_->peer_domain(), how);
  if (!ssl) {
    end_handshake_turn();
    machine_->on_tls_failed("no certificate for the domain", conversation_->actions());
    return;
  }
  tls_ = std::make_unique<TlsEngine>(std::move(ssl));
  link_ = Link::Handshake;
  if (!is_accepted()) take_handshake({});
}

void Leg::end_handshake_turn() {
  if (std::exchange(in_handshake_turn_, false)) lane_.end_handshake();
}

void Leg::sever(StreamCondition condition, std::string_view why) {
  if (link_ == Link::Gone || link_ == Link::Lingering) return;
  machine_->sever({condition, std::string(why), {}}, conversation_->actions());
  advance();
}

void Leg::drain() {
  if (!machine_->is_open()) sever(StreamCondition::SystemShutdown, "the guard drains");
}

void Leg::judge_again() {
  if (link_ == Link::Gone || link_ == Link::Lingering) return;
  const Settings& settings = lane_.settings();
  const auto& listeners = settings.config.listeners;
  if (listener_ && std::ranges::find(listeners, *listener_) == listeners.end())
    return sever(StreamCondition::Reset, "its listener is gone");
  if (machine_->near_domain().empty()) return;
  if (!settings.serves(machine_->near_domain()) || !settings.contexts->has(machine_->near_domain()))
    return sever(StreamCondition::Reset, "its face is gone");
  if (link_ != Link::Secure || machine_->peer_domain().empty()) return;
  const std::int64_t now = seconds_now();
  const std::int64_t own_end = settings.contexts->not_after(machine_->near_domain());
  if (own_end < now) return sever(StreamCondition::Reset, "our certificate has expired");
  const Judgement judgement = settings.judge(tls_->ssl(), machine_->peer_domain(), now);
  if (!judgement.good) sever(StreamCondition::Reset, "the peer's certificate: " + judgement.facts.problem);
}

// --- The airlock ---------------------------------------------------------------------------------------------------

void Leg::ask(const airlock::Body& body) {
  if (guard_knows_) lane_.send(guard_lane_, id_, body);
}

void Leg::note(std::string_view code, std::string_view why) {
  lane_.note(code, {{"peer", text(peer_)},
                    {"near", std::string(machine_->near_domain())},
                    {"far", std::string(machine_->peer_domain())},
                    {"why", std::string(why)}});
}

void Leg::on_frame(std::uint16_t guard_lane, const airlock::Body& body) {
  if (link_ == Link::Gone || link_ == Link::Lingering || guard_lane != guard_lane_) return;
  Actions& actions = conversation_->actions();
  if (const auto* delivery = std::get_if<airlock::Deliver>(&body)) return deliver(*delivery);
  if (const auto* credit = std::get_if<airlock::Credit>(&body)) {
    credit_.grant(credit->octets, credit->stanzas);
  } else if (const auto* grant = std::get_if<airlock::Grant>(&body)) {
    credit_.grant(grant->octets, grant->stanzas);
    machine_->on_grant(*grant, actions);
  } else if (const auto* terms = std::get_if<airlock::Terms>(&body)) {
    const auto* receiving = dynamic_cast<const Receiving*>(machine_.get());
    if (receiving == nullptr || !receiving->opened()) return;
    if (terms->guard_lane != guard_lane_ && terms->guard_lane < lane_.guard_lanes()) {
      // The lane that was asked has forgotten the leg; the right one is asked the same.
      guard_lane_ = terms->guard_lane;
      return ask(*receiving->opened());
    }
    machine_->on_terms(*terms, actions);
  } else if (const auto* refuse = std::get_if<airlock::Refuse>(&body)) {
    machine_->on_refuse(*refuse, actions);
  } else if (const auto* ending = std::get_if<airlock::Close>(&body)) {
    machine_->on_close(*ending, actions);
  } else if (std::holds_alternative<airlock::Closed>(body)) {
    machine_->on_closed(actions);
  }
  advance();
}

void Leg::deliver(const airlock::Deliver& delivery) {
  if (!machine_->may_write()) return;
  const bool granted = delivery.from == machine_->near_domain() && delivery.to == machine_->peer_domain();
  if (is_accepted() || !granted || !deliveries_.take(delivery.number, delivery.xml.size()))
    return sever(StreamCondition::InternalServerError, "a delivery that does not belong on this leg");
  text_ += delivery.xml;
  touch();
}

void Leg::on_guard_lost() {
  guard_knows_ = false;
  sever(StreamCondition::SystemShutdown, "the guard is gone");
}

// --- Writing -------------------------------------------------------------------------------------------------------

void Leg::touch() {
  if (std::exchange(dirty_, true)) return;
  lane_.dirty(shared_from_this());
}

std::size_t Leg::send_some(std::string_view octets) {
  const ssize_t sent = ::send(socket_.native_handle(), octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) broken_ = true;
  if (sent <= 0) return 0;
  deliveries_.send(static_cast<std::size_t>(sent));
  sent_ = Clock::now();
  return static_cast<std::size_t>(sent);
}

/// False: the socket does not take everything now.
bool Leg::send_wire() {
  if (wire_.empty()) return true;
  wire_sent_ += send_some(std::string_view(wire_).substr(wire_sent_));
  if (wire_sent_ < wire_.size()) return false;
  wire_.clear();
  wire_sent_ = 0;
  return true;
}

/// Turns text into wire octets, behind what is already there.
void Leg::encode_text() {
  if (text_.empty()) return;
  if (link_ == Link::Secure) {
    if (tls_->write(text_, wire_) != TlsEngine::State::Done) broken_ = true;
  } else {
    wire_ += text_;
  }
  text_.clear();
  deliveries_.encode(wire_.size() - wire_sent_);
}

void Leg::flush() {
  dirty_ = false;
  if (link_ == Link::Gone) return;
  // The usual case borrows the lane's buffer, so that a leg owns none.
  const bool borrowed = wire_.empty();
  if (borrowed) {
    lane_.cipher_buffer().clear();
    wire_.swap(lane_.cipher_buffer());
  }
  encode_text();
  const bool all = send_wire();
  if (borrowed && all) wire_.swap(lane_.cipher_buffer());
  if (!borrowed && all) wire_.shrink_to_fit();
  if (broken_) return lost("the connection broke");
  if (!all) wait_to_write();
  if (const auto credit = deliveries_.credit()) ask(*credit);
  if (deliveries_.awaits_settlement()) lane_.unsettled(shared_from_this());
  if (all && link_ == Link::Lingering) linger();
}

void Leg::wait_to_write() {
  if (std::exchange(waiting_to_write_, true)) return;
  sent_ = Clock::now();
  watch();
  socket_.async_wait(TcpSocket::wait_write, [this, self = shared_from_this()](error_code failed) {
    waiting_to_write_ = false;
    if (link_ == Link::Gone) return;
    if (failed) return lost("the connection broke");
    flush();
  });
}

bool Leg::settle() {
  if (link_ == Link::Gone) return false;
  const std::uint64_t before = deliveries_.settled();
  if (const auto octets = unacknowledged(socket_.native_handle())) deliveries_.acknowledge(*octets);
  if (deliveries_.settled() != before) ask(airlock::Settled{deliveries_.settled()});
  return deliveries_.awaits_settlement();
}

// --- The end -------------------------------------------------------------------------------------------------------

void Leg::lost(std::string_view why) {
  if (link_ == Link::Gone) return;
  if (link_ == Link::Lingering) return close();
  machine_->on_lost(why, conversation_->actions());
  pump();
}

void Leg::finish(Finish finish) {
  finish_ = std::move(finish);
  end_handshake_turn();
  if (finish_->abort) {
    send_wire();
    return close();
  }
  if (link_ == Link::Secure) {
    encode_text();
    tls_->close(wire_);
  }
  link_ = Link::Lingering;
  touch();
  // Once everything is written, linger() waits a second for the peer's end.
  wait_ends_ = Clock::now();
  if (finish_->clean)
    wait_ends_ += lane_.settings().config.limits.close;
  else
    wait_ends_ += guard_knows_ ? Clock::duration(kLinger) : Clock::duration(kLastWords);
  watch();
}

/// Everything is sent: say so to TCP, and wait for the peer to do the same.
void Leg::linger() {
  error_code ignored;
  socket_.shutdown(TcpSocket::shutdown_send, ignored);
  wait_ends_ = Clock::now() + kLinger;
  watch();
  want_read();
}

void Leg::close() {
  if (link_ == Link::Gone) return;
  const auto self = shared_from_this();
  settle();
  link_ = Link::Gone;
  error_code ignored;
  watchdog_.cancel();
  socket_.close(ignored);
  ask(airlock::Closed{finish_->clean, finish_->cause, deliveries_.written(), deliveries_.settled()});
  // What the guard never heard of is an event, so that no refused stream is without its record.
  if (!guard_knows_ && is_accepted()) note("stream.ended", finish_->cause);
  lane_.ended(self);
}

// --- Time ----------------------------------------------------------------------------------------------------------

void Leg::enter_wait(Wait wait, Clock::time_point now) {
  if (waiting_ == Wait::Negotiation || waiting_ == Wait::Handshake) negotiation_left_ -= now - wait_began_;
  waiting_ = wait;
  wait_began_ = now;
  const config::EdgeLimits& limits = lane_.settings().config.limits;
  switch (wait) {
    case Wait::Handshake:
      wait_ends_ = now + std::min<Clock::duration>(limits.handshake, negotiation_left_);
      return;
    case Wait::Negotiation:
      wait_ends_ = now + negotiation_left_;
      return;
    case Wait::Guard:
      wait_ends_ = now + kGuardPatience;
      return;
    case Wait::Close:
      wait_ends_ = now + limits.close;
      return;
    case Wait::Idle:
    case Wait::Nothing:
      wait_ends_ = Clock::time_point::max();
      return;
  }
}

/// When the watchdog has to look next.
Leg::Clock::time_point Leg::due(Clock::time_point now) const {
  const config::EdgeLimits& limits = lane_.settings().config.limits;
  Clock::time_point when = wait_ends_;
  if (!wire_.empty()) when = std::min<Clock::time_point>(when, sent_ + limits.slow_reader);
  if (waiting_ != Wait::Idle) return when;
  when = std::min<Clock::time_point>(when, std::max(heard_, sent_) + limits.idle);
  when = std::min<Clock::time_point>(when, sent_ + limits.keepalive);
  if (!conversation_->hibernates() && heard_ + kHibernate > now) when = std::min(when, heard_ + kHibernate);
  return when;
}

void Leg::watch() {
  if (link_ == Link::Gone) return;
  const auto now = Clock::now();
  if (link_ != Link::Lingering && machine_->wait() != waiting_) enter_wait(machine_->wait(), now);
  const auto when = due(now);
  if (when >= watchdog_at_) return;
  watchdog_at_ = when;
  watchdog_.expires_at(when);
  watchdog_.async_wait([this, self = shared_from_this()](error_code cancelled) {
    if (cancelled || link_ == Link::Gone) return;
    watchdog_at_ = Clock::time_point::max();
    on_watch();
  });
}

void Leg::on_watch() {
  const auto now = Clock::now();
  const config::EdgeLimits& limits = lane_.settings().config.limits;
  if (link_ == Link::Lingering && now >= wait_ends_) return close();
  if (!wire_.empty() && now >= sent_ + limits.slow_reader) {
    note("edge.slow-reader", "no octet was taken in time");
    return lost("the peer does not read");
  }
  if (now >= wait_ends_) {
    machine_->on_deadline(conversation_->actions());
    // The same wait again has its whole time again.
    waiting_ = Wait::Nothing;
    return advance();
  }
  if (waiting_ == Wait::Idle) {
    if (now >= std::max(heard_, sent_) + limits.idle) {
      machine_->on_deadline(conversation_->actions());
      return advance();
    }
    if (now >= sent_ + limits.keepalive) {
      text_ += ' ';
      touch();
      sent_ = now;
    }
    if (now >= heard_ + kHibernate && !conversation_->hibernates()) {
      conversation_->hibernate();
      if (text_.empty()) text_.shrink_to_fit();
      stash_.shrink_to_fit();
    }
  }
  watch();
}

}  // namespace sallyport::edge
