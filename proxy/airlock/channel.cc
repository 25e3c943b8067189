#include "proxy/airlock/channel.h"

#include <cstring>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>

namespace sallyport::airlock {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kLargestHello = 4096;
constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

}  // namespace

std::shared_ptr<Channel> Channel::make(Socket socket, Owner& owner) {
  return std::shared_ptr<Channel>(new Channel(std::move(socket), owner));
}

Channel::Channel(Socket socket, Owner& owner)
    : socket_(std::move(socket)),
      owner_(owner),
      beat_timer_(socket_.get_executor()),
      heard_(std::chrono::steady_clock::now()) {
  in_.resize(kReadSize);
}

Channel::~Channel() {
  if (secret_in_) inspect::wipe(in_);
  if (secret_out_) inspect::wipe(out_);
  if (secret_writing_) inspect::wipe(writing_);
}

void Channel::start() {
  error_code failed;
  socket_.non_blocking(true, failed);
  if (failed) return end(ChannelEnd::Lost, failed.message());
  beat();
  read();
}

void Channel::read() {
  auto self = shared_from_this();
  socket_.async_read_some(asio::buffer(in_.data() + end_, in_.size() - end_),
                          [this, self](error_code failed, std::size_t count) {
                            if (!open_) return;
                            if (failed) return end(ChannelEnd::Lost, failed.message());
                            take(count);
                          });
}

void Channel::take(std::size_t count) {
  end_ += count;
  heard_ = std::chrono::steady_clock::now();
  if (!give_frames()) return;
  owner_.on_batch_end(*this);
  if (!open_) return;
  close_up();
  if (end_ == in_.size()) {
    // A frame larger than the buffer: frame_size() has already refused what is beyond the limit.
    in_.resize(in_.size() * 2);
  } else if (end_ < kReadSize / 2 && in_.size() > 4 * kReadSize) {
    in_.resize(kReadSize);
    in_.shrink_to_fit();
  }
  read();
}

void Channel::close_up() {
  const std::size_t rest = end_ - begin_;
  std::memmove(in_.data(), in_.data() + begin_, rest);
  if (std::exchange(secret_in_, false)) explicit_bzero(in_.data() + rest, end_ - rest);
  begin_ = 0;
  end_ = rest;
}

bool Channel::give_frames() {
  for (;;) {
    const std::string_view rest(in_.data() + begin_, end_ - begin_);
    const auto size = frame_size(rest);
    if (!size) {
      end(ChannelEnd::Fault, size.error().what);
      return false;
    }
    if (*size == 0) return true;
    const auto frame = airlock::read(rest.substr(0, *size));
    if (!frame) {
      end(ChannelEnd::Fault, frame.error().what);
      return false;
    }
    begin_ += *size;
    if (std::holds_alternative<Beat>(frame->body)) continue;
    secret_in_ = secret_in_ || std::holds_alternative<Sasl>(frame->body);
    owner_.on_frame(*this, *frame);
    if (!open_) return false;
  }
}

void Channel::send(LegId leg, const Body& body) {
  if (!open_) return;
  append(leg, body);
  if (queued_octets() > kMostQueued) {
    // Not from inside send(): its caller is in the middle of something.
    asio::post(socket_.get_executor(), [this, self = shared_from_this()] {
      if (open_) end(ChannelEnd::Overflow, "the other side does not read");
    });
    return;
  }
  if (flush_posted_ || waiting_to_write_) return;
  flush_posted_ = true;
  asio::post(socket_.get_executor(), [this, self = shared_from_this()] {
    flush_posted_ = false;
    if (open_ && !waiting_to_write_) flush();
  });
}

void Channel::append(LegId leg, const Body& body) {
  secret_out_ = secret_out_ || std::holds_alternative<Sasl>(body);
  if (!secret_out_) return write(leg, body, out_);
  // A buffer that grows leaves its old memory behind as it was.
  std::string frame;
  frame.reserve(kReadSize);
  write(leg, body, frame);
  if (out_.capacity() - out_.size() < frame.size()) {
    std::string larger;
    larger.reserve(2 * (out_.size() + frame.size()));
    larger += out_;
    out_.swap(larger);
    inspect::wipe(larger);
  }
  out_ += frame;
  if (std::holds_alternative<Sasl>(body)) inspect::wipe(frame);
}

void Channel::flush() {
  for (;;) {
    if (written_ == writing_.size()) {
      if (std::exchange(secret_writing_, false)) inspect::wipe(writing_);
      writing_.clear();
      written_ = 0;
      if (out_.empty()) return;
      writing_.swap(out_);
      std::swap(secret_writing_, secret_out_);
    }
    error_code failed;
    written_ += socket_.write_some(asio::buffer(writing_.data() + written_, writing_.size() - written_), failed);
    if (failed == asio::error::would_block || failed == asio::error::try_again) return wait_to_write();
    if (failed) return end(ChannelEnd::Lost, failed.message());
  }
}

void Channel::wait_to_write() {
  waiting_to_write_ = true;
  socket_.async_wait(Socket::wait_write, [this, self = shared_from_this()](error_code failed) {
    waiting_to_write_ = false;
    if (!open_) return;
    if (failed) return end(ChannelEnd::Lost, failed.message());
    flush();
  });
}

void Channel::beat() {
  const auto now = std::chrono::steady_clock::now();
  if (now - heard_ > kSilence) return end(ChannelEnd::Silent, "no beat for 5 s");
  give_back();
  Beat frame;
  frame.milliseconds =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  send(kNoLeg, frame);
  beat_timer_.expires_after(kBeat);
  beat_timer_.async_wait([this, self = shared_from_this()](error_code cancelled) {
    if (!cancelled && open_) beat();
  });
}

/// A burst makes the buffers grow by megabytes, and an idle guard would keep them.
void Channel::give_back() {
  for (std::string* buffer : {&out_, &writing_})
    if (buffer->empty() && buffer->capacity() > kReadSize) std::string().swap(*buffer);
}

void Channel::close() {
  if (!open_) return;
  if (!waiting_to_write_) flush();
  if (!open_) return;
  open_ = false;
  error_code ignored;
  beat_timer_.cancel();
  socket_.close(ignored);
}

void Channel::end(ChannelEnd why, std::string_view text) {
  if (!open_) return;
  open_ = false;
  const auto self = shared_from_this();
  error_code ignored;
  beat_timer_.cancel();
  socket_.close(ignored);
  owner_.on_end(*this, why, text);
}

asio::awaitable<std::optional<Hello>> read_hello(Socket& socket, std::chrono::milliseconds deadline) {
  using namespace asio::experimental::awaitable_operators;
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  timer.expires_after(deadline);
  std::string octets(sizeof(std::uint32_t), '\0');
  auto head = asio::buffer(octets);
  const auto first = co_await (asio::async_read(socket, head, kNoThrow) || timer.async_wait(kNoThrow));
  if (first.index() == 1 || std::get<0>(std::get<0>(first))) co_return std::nullopt;
  const std::size_t length = inspect::OctetReader(octets).integer<std::uint32_t>();
  if (length > kLargestHello) co_return std::nullopt;
  octets.resize(sizeof(std::uint32_t) + length);
  auto rest = asio::buffer(octets.data() + sizeof(std::uint32_t), length);
  const auto second = co_await (asio::async_read(socket, rest, kNoThrow) || timer.async_wait(kNoThrow));
  if (second.index() == 1 || std::get<0>(std::get<0>(second))) co_return std::nullopt;
  auto frame = airlock::read(octets);
  if (!frame || frame->leg != kNoLeg || !std::holds_alternative<Hello>(frame->body)) co_return std::nullopt;
  co_return std::get<Hello>(std::move(frame->body));
}

std::optional<uid_t> peer_user(Socket& socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
}

}  // namespace sallyport::airlock
