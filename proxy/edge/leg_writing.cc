// How a leg writes, and how it ends.
#include <utility>

#include <sys/socket.h>

#include "inspect/secret.h"
#include "proxy/edge/lane.h"
#include "proxy/edge/leg.h"
#include "proxy/edge/sockets.h"

namespace sallyport::edge {
namespace {

using boost::system::error_code;

constexpr std::chrono::seconds kLinger{1};
constexpr std::chrono::seconds kLastWords{2};  // docs/airlock.md: what was delivered is still written
/// After so many more the socket is asked at once, so that the guard need not keep them longer than it has to.
constexpr std::uint64_t kSettleStanzas = 32;

}  // namespace

void Leg::touch() {
  if (std::exchange(dirty_, true)) return;
  lane_.dirty(shared_from_this());
}

std::size_t Leg::send_some(std::string_view octets) {
  const ssize_t sent = ::send(socket_.native_handle(), octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) deaf_until_ = Clock::now() + limits().close;
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
  if (stood_)
    text_.clear();
  else
    inspect::wipe(text_);
  deliveries_.encode(wire_.size() - wire_sent_);
}

void Leg::flush() {
  dirty_ = false;
  if (link_ == Link::Gone) return;
  if (deaf_until_) return on_deaf_peer();
  // The usual case borrows the lane's buffer, so that a leg owns none.
  const bool borrowed = wire_.empty();
  if (borrowed) {
    lane_.cipher_buffer().clear();
    wire_.swap(lane_.cipher_buffer());
  }
  deliveries_.settle_by_tcp(machine_->settles_by_tcp());
  text_ += machine_->ack_request();
  encode_text();
  const bool all = send_wire();
  if (borrowed && all) wire_.swap(lane_.cipher_buffer());
  if (!borrowed && all) wire_.shrink_to_fit();
  if (deaf_until_) return on_deaf_peer();
  if (broken_) return lost("the connection broke");
  if (!all) wait_to_write();
  if (const auto credit = deliveries_.credit(all ? &lane_.credit_budget() : nullptr)) ask(*credit);
  if (deliveries_.written() - settling_asked_ >= kSettleStanzas) ask_what_has_settled();
  if (deliveries_.awaits_settlement() && !std::exchange(settling_, true)) lane_.unsettled(shared_from_this());
  if (all && link_ == Link::Lingering) linger();
}

/// What the peer had said before it took no more is still there to be read, and may be stanzas, or why it ends.
void Leg::on_deaf_peer() {
  if (link_ != Link::Plain && link_ != Link::Secure) return lost("the connection broke");
  inspect::wipe(text_);
  wire_.clear();
  wire_sent_ = 0;
  want_read();
  watch();
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
  ask_what_has_settled();
  settling_ = deliveries_.awaits_settlement();
  return settling_;
}

void Leg::ask_what_has_settled() {
  settling_asked_ = deliveries_.written();
  const std::uint64_t before = deliveries_.settled();
  if (const auto octets = unacknowledged(socket_.native_handle())) deliveries_.acknowledge(*octets);
  if (deliveries_.settled() != before) ask(airlock::Settled{deliveries_.settled()});
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
    wait_ends_ += limits().close;
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
  ask_what_has_settled();
  lane_.credit_budget().give_back(deliveries_.shrink());
  link_ = Link::Gone;
  error_code ignored;
  watchdog_.cancel();
  if (query_) std::exchange(query_, nullptr)->cancel();
  socket_.close(ignored);
  ask(airlock::Closed{finish_->clean, finish_->cause, deliveries_.written(), deliveries_.settled()});
  // What the guard never heard of is an event, so that no refused stream is without its record.
  if (!guard_knows_ && is_accepted()) note("stream.ended", finish_->cause);
  if (dials_on_) return lane_.dial_on(id_, std::move(*dialled_));
  lane_.ended(self);
}

}  // namespace sallyport::edge
