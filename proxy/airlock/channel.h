// One airlock channel: frames over a connected Unix stream socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/types.h>

#include "proxy/airlock/frames.h"

namespace sallyport::airlock {

using Socket = boost::asio::local::stream_protocol::socket;

inline constexpr std::chrono::seconds kBeat{1};
inline constexpr std::chrono::seconds kSilence{5};

/// Why a channel is over. Fault: what came was no legal frame, so the other side is not what it should be.
enum class ChannelEnd : std::uint8_t { Lost, Silent, Fault, Overflow };

/// Reads frames and gives them to its owner in batches (what one read brought); writes what was sent once per wake-up;
/// beats, and notices silence. Of a secret that passes (Sasl) nothing stays in its buffers. Lives on one io_context,
/// whose only thread makes every call and gets every callback.
class Channel : public std::enable_shared_from_this<Channel> {
 public:
  class Owner {
   public:
    /// Views in the frame end with the call. Beats are not shown.
    virtual void on_frame(Channel& channel, const Frame& frame) = 0;
    /// All frames of this read were given.
    virtual void on_batch_end(Channel& channel) = 0;
    /// At most once, and nothing after it. Not called for a channel that close() was called on.
    virtual void on_end(Channel& channel, ChannelEnd end, std::string_view why) = 0;

   protected:
    ~Owner() = default;
  };

  /// Takes over a connected socket. `owner` must live until on_end() or close().
  static std::shared_ptr<Channel> make(Socket socket, Owner& owner);
  ~Channel();

  void start();
  /// Queues a frame; it leaves at the end of this wake-up. What the other side does not take is bounded by credit;
  /// beyond kMostQueued the channel ends (Overflow).
  void send(LegId leg, const Body& body);
  std::size_t queued_octets() const { return out_.size() + (writing_.size() - written_); }
  /// Writes what it can at once, then ends without a callback. Safe inside callbacks.
  void close();
  bool is_open() const { return open_; }

  static constexpr std::size_t kMostQueued = 64 * 1024 * 1024;

 private:
  Channel(Socket socket, Owner& owner);
  void read();
  void take(std::size_t count);
  bool give_frames();
  /// Moves what is not given yet to the buffer's beginning.
  void close_up();
  void append(LegId leg, const Body& body);
  void flush();
  void wait_to_write();
  void beat();
  void give_back();
  void end(ChannelEnd why, std::string_view text);

  Socket socket_;
  Owner& owner_;
  boost::asio::steady_timer beat_timer_;
  std::string in_;  ///< [begin_, end_) holds what was read and not yet given
  std::size_t begin_ = 0, end_ = 0;
  std::string out_, writing_;
  std::size_t written_ = 0;
  bool secret_in_ = false, secret_out_ = false, secret_writing_ = false;  ///< what the buffer holds has to be wiped
  bool flush_posted_ = false, waiting_to_write_ = false, open_ = true;
  std::chrono::steady_clock::time_point heard_;
};

/// The first frame of an accepted connection, read alone: the edge sends nothing more before Welcome. nullopt:
/// something else came, or nothing within the deadline.
boost::asio::awaitable<std::optional<Hello>> read_hello(Socket& socket, std::chrono::milliseconds deadline);

/// The user of the process at the other end (SO_PEERCRED).
std::optional<uid_t> peer_user(Socket& socket);

}  // namespace sallyport::airlock
