#include "proxy/edge/leg.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <sys/socket.h>

#include "proxy/edge/client_face.h"
#include "proxy/edge/initiating.h"
#include "proxy/edge/lane.h"
#include "proxy/edge/receiving.h"
#include "proxy/edge/server_face.h"
#include "proxy/edge/sockets.h"
#include "proxy/edge/stream_id.h"

namespace sallyport::edge {
namespace {

using airlock::LegKind;
using boost::system::error_code;
using inspect::StreamCondition;

/// What both kinds of accepting machine are told.
template <class Settings>
Settings accepting_settings(Lane& lane, const config::EdgeLimits& limits) {
  Settings settings;
  settings.serves = [&lane](std::string_view domain) { return lane.settings().serves(domain); };
  settings.has_certificate = [&lane](std::string_view domain) { return lane.settings().contexts->has(domain); };
  settings.stream_id = new_stream_id;
  settings.stanza_octets = limits.stanza_octets;
  return settings;
}

}  // namespace

Leg::Leg(Lane& lane, airlock::LegId id, TcpSocket socket)
    : lane_(lane), id_(id), socket_(std::move(socket)), watchdog_(lane.context()) {
  error_code ignored;
  peer_ = socket_.remote_endpoint(ignored);
  local_ = socket_.local_endpoint(ignored);
}

Leg::~Leg() = default;

std::shared_ptr<Leg> Leg::accepted(Lane& lane, airlock::LegId id, TcpSocket socket,
                                   const boost::asio::ip::tcp::endpoint& peer, const config::Listener& listener) {
  std::shared_ptr<Leg> leg(new Leg(lane, id, std::move(socket)));
  leg->peer_ = peer;
  leg->listener_ = listener;
  leg->direct_tls_ = listener.tls == config::Listener::Tls::Direct;
  leg->guard_lane_ = static_cast<std::uint16_t>(lane.index() % std::max<unsigned>(lane.guard_lanes(), 1));
  if (listener.peers == config::Listener::Peers::Clients) leg->kind_ = LegKind::C2s;
  leg->negotiation_left_ = leg->limits().authentication;
  leg->machine_ = leg->accepting();
  return leg;
}

std::shared_ptr<Leg> Leg::dialled(Lane& lane, airlock::LegId id, TcpSocket socket, Dialled dialled) {
  std::shared_ptr<Leg> leg(new Leg(lane, id, std::move(socket)));
  leg->direct_tls_ = dialled.direct_tls;
  leg->guard_lane_ = dialled.guard_lane;
  leg->guard_knows_ = true;
  leg->negotiation_left_ = dialled.deadline - Clock::now();
  leg->kind_ = dialled.dial.kind;
  leg->machine_ = leg->dialling(dialled.dial);
  leg->dialled_ = std::make_unique<Dialled>(std::move(dialled));
  return leg;
}

std::unique_ptr<Machine> Leg::accepting() const {
  const Endpoints endpoints{text(peer_), text(local_)};
  if (kind_ == LegKind::S2s) {
    auto settings = accepting_settings<ReceivingSettings>(lane_, limits());
    settings.direct_tls = direct_tls_;
    settings.endpoints = endpoints;
    return std::make_unique<Receiving>(std::move(settings));
  }
  const config::Edge& edge = lane_.settings().config;
  auto settings = accepting_settings<ClientFaceSettings>(lane_, limits());
  settings.direct_tls = direct_tls_;
  settings.endpoints = endpoints;
  settings.needs_certificate = edge.client_certificates == config::ClientCertificates::Required;
  settings.logins = edge.client_limits.logins;
  return std::make_unique<ClientFace>(std::move(settings));
}

std::unique_ptr<Machine> Leg::dialling(const airlock::Dial& dial) const {
  if (kind_ == LegKind::S2s)
    return std::make_unique<Initiating>(InitiatingSettings{direct_tls_, dial.from, dial.to, text(peer_)});
  return std::make_unique<ServerFace>(ServerFaceSettings{direct_tls_, dial.from, dial.to, text(peer_), new_stream_id});
}

const config::EdgeLimits& Leg::limits() const {
  return lane_.settings().limits(kind_);
}

Admission& Leg::admission() const {
  return listener_ ? lane_.admissions().of(*listener_) : lane_.admissions().of(kind_);
}

void Leg::start() {
  conversation_ = std::make_unique<Conversation>(*machine_);
  heard_ = sent_ = Clock::now();
  machine_->start(conversation_->actions());
  advance();
}

// --- Reading -------------------------------------------------------------------------------------------------------

void Leg::want_read() {
  const bool wanted = link_ == Link::Lingering || link_ == Link::Handshake ||
                      ((link_ == Link::Plain || link_ == Link::Secure) && conversation_->hungry());
  if (!wanted || reading_ || query_) return;
  if (read_after_ != Clock::time_point() && link_ == Link::Secure && read_after_ > Clock::now()) return;
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
  const std::size_t keepalives = conversation_->keepalive_octets();
  const std::uint64_t stanzas = stanza_number_;
  take(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
  pause_for_keepalives(keepalives, stanzas);
  advance();
}

void Leg::pause_for_keepalives(std::size_t octets_before, std::uint64_t stanzas_before) {
  if (link_ != Link::Secure || !machine_->is_open() || stanza_number_ != stanzas_before) return;
  if (conversation_->keepalive_octets() > octets_before) read_after_ = keepalives_.take(heard_);
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
  // What is still on its way when a leg closes is not a stranger's.
  if (machine_->is_open() || stood_) return true;
  octets_before_open_ += count;
  if (octets_before_open_ <= limits().bytes_before_authentication) return true;
  // D-06: without an error.
  note("edge.too-many-octets", "too many octets before authentication");
  lost("too many octets before authentication");
  return false;
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
    // Until the session stands a client's password may be among it.
    if (!stood_) explicit_bzero(plain.data(), size);
    if (in.empty() && !tls_->has_pending()) return;
  }
}

/// After every input: what was held back goes on, deadlines follow, and the next read is asked for.
void Leg::advance() {
  pump();
  if (link_ == Link::Secure && !query_ && conversation_->hungry() && (!stash_.empty() || tls_->has_pending())) {
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
  busy_ = Clock::now();
  credit_.spend(stanza.normal_form.size());
  ask(airlock::Stanza{++stanza_number_, stanza.normal_form});
  machine_->on_read(stanza_number_);
  lane_.handed_on();
}

void Leg::perform(Action action) {
  if (auto* write = std::get_if<Write>(&action)) {
    text_ += write->text;
    touch();
  } else if (const auto* tls = std::get_if<StartTls>(&action)) {
    begin_tls(tls->server_name);
  } else if (const auto* asked = std::get_if<Ask>(&action)) {
    const auto* failed = std::get_if<airlock::Failed>(&asked->frame);
    // Another target may have TLS; the guard hears of the last one.
    dials_on_ = failed != nullptr && link_ == Link::Handshake && dialled_ && !dialled_->others.empty();
    if (std::holds_alternative<airlock::Opened>(asked->frame)) guard_knows_ = true;
    if (const auto* settled = std::get_if<airlock::Settled>(&asked->frame)) deliveries_.confirm(settled->number);
    if (!dials_on_) ask(asked->frame);
    // Neither the parser keeps what has been handed on.
    if (std::holds_alternative<airlock::Sasl>(asked->frame)) conversation_->hibernate();
    if (failed != nullptr) guard_knows_ = false;
  } else if (const auto* noted = std::get_if<Note>(&action)) {
    note(noted->code, noted->why);
  } else if (auto* end = std::get_if<Finish>(&action)) {
    finish(std::move(*end));
  }
}

void Leg::sever(StreamCondition condition, std::string_view why) {
  if (link_ == Link::Gone || link_ == Link::Lingering) return;
  dialled_.reset();
  machine_->sever({condition, std::string(why), {}}, conversation_->actions());
  advance();
}

void Leg::drain() {
  if (!machine_->is_open()) sever(StreamCondition::SystemShutdown, "the guard drains");
}

void Leg::mark_again() {
  if (link_ == Link::Gone) return;
  error_code failed;
  mark(socket_.native_handle(), lane_.settings().config.dscp, peer_.address().is_v6(), failed);
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
  if (!machine_->expects(body)) {
    note("edge.out-of-turn", airlock::name(body));
    return sever(StreamCondition::InternalServerError, "a frame out of turn from the guard");
  }
  Actions& actions = conversation_->actions();
  if (const auto* delivery = std::get_if<airlock::Deliver>(&body)) return deliver(*delivery);
  if (const auto* credit = std::get_if<airlock::Credit>(&body)) {
    credit_.grant(credit->octets, credit->stanzas);
  } else if (const auto* grant = std::get_if<airlock::Grant>(&body)) {
    credit_.grant(grant->octets, grant->stanzas);
    machine_->on_grant(*grant, actions);
  } else if (const auto* terms = std::get_if<airlock::Terms>(&body)) {
    return take_terms(*terms);
  } else if (const auto* handled = std::get_if<airlock::Handled>(&body)) {
    machine_->on_handled(*handled, actions);
  } else if (const auto* refuse = std::get_if<airlock::Refuse>(&body)) {
    machine_->on_refuse(*refuse, actions);
  } else if (const auto* ending = std::get_if<airlock::Close>(&body)) {
    machine_->on_close(*ending, actions);
  } else if (std::holds_alternative<airlock::Closed>(body)) {
    machine_->on_closed(actions);
  } else {
    machine_->on_session(body, actions);
  }
  advance();
}

void Leg::take_terms(const airlock::Terms& terms) {
  const airlock::Opened* opened = machine_->opened();
  if (opened == nullptr) return;
  if (terms.guard_lane >= lane_.guard_lanes())
    return sever(StreamCondition::InternalServerError, "the guard names a lane that it does not have");
  if (terms.guard_lane != guard_lane_) {
    // The lane that was asked has forgotten the leg; the right one is asked the same.
    guard_lane_ = terms.guard_lane;
    return ask(*opened);
  }
  machine_->on_terms(terms, conversation_->actions());
  advance();
}

void Leg::deliver(const airlock::Deliver& delivery) {
  if (!machine_->may_write()) return;
  const bool granted = kind_ == LegKind::C2s ? delivery.from.empty() && delivery.to.empty()
                                             : !is_accepted() && delivery.from == machine_->near_domain() &&
                                                   delivery.to == machine_->peer_domain();
  if (!granted || !deliveries_.take(delivery.number, delivery.xml.size()))
    return sever(StreamCondition::InternalServerError, "a delivery that does not belong on this leg");
  busy_ = Clock::now();
  text_ += delivery.xml;
  machine_->on_delivered(delivery.number);
  touch();
}

void Leg::on_guard_lost() {
  guard_knows_ = false;
  sever(StreamCondition::SystemShutdown, "the guard is gone");
}

}  // namespace sallyport::edge
