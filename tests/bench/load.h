// Both ends of the benchmark in one thread: near legs that send, and the sink that counts. Between two servers stanzas
// go one way; a client and its server send to each other in turn, over the one connection that they have.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/leg.h"

namespace sallyport::bench {

using Clock = std::chrono::steady_clock;

struct LoadSettings {
  bool blind = false;        ///< the proxy knows no XMPP: TLS from the first octet, and servers say nothing in it
  bool clients = false;      ///< the near legs are clients of the far servers
  std::string near, sink;    ///< where the proxy listens; where it finds us
  std::string certificates;  ///< folder made by certificates.py
  std::size_t legs = 10;
  std::size_t domains = 50;  ///< on each side; every leg has a pair of its own
  std::size_t octets = 500;  ///< of a stanza
};

/// A chat message of exactly this many octets with body, thread, receipt request and chat state, as far as they fit.
/// `id` are eight digits.
std::string chat_message(const std::string& from, const std::string& to, std::size_t octets, std::uint64_t id);
std::string near_domain(std::size_t index);
std::string far_domain(std::size_t index);

class Load {
 public:
  explicit Load(const LoadSettings& settings);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Opens all legs through to the sink, at most `at_once` in negotiation.
  void open(std::size_t at_once);
  /// Makes `count` TLS handshakes with `address` and closes each.
  void shake_hands(const std::string& address, std::size_t count, std::size_t at_once);
  /// Sends `count` stanzas on each leg and waits until the sink has all.
  void send_each(std::size_t count);
  /// Keeps `rate` stanzas a second going, spread over the legs, one a TLS record, until `end`.
  void send_paced(double rate, Clock::time_point end);
  /// Keeps every leg filled with records of 16 KiB until `end`.
  void send_packed(Clock::time_point end);
  /// Does nothing but answer until `end`.
  void idle(Clock::time_point end);

  /// Stanzas that the sink has counted.
  std::uint64_t counted() const { return counted_; }
  /// How far the pace was missed at most, in stanzas.
  std::uint64_t behind() const { return behind_; }

 private:
  void add(std::unique_ptr<Leg> leg);
  void accept();
  void dial(std::size_t index);
  void begin(Leg& leg);
  void begin_tls(Leg& leg);
  void turn(int wait_ms);
  void attend(Leg& leg);
  void talk(Leg& leg);
  void shake(Leg& leg);
  void opened(Leg& leg);
  void heard(Leg& leg, const std::string& text);
  void send(Leg& leg, std::string_view octets);
  /// Asks to be told when it can write, if something is left to be written.
  void watch(Leg& leg);
  void end(Leg& leg);
  [[noreturn]] void fail(const Leg& leg, const std::string& what) const;
  SSL_CTX* context(const Leg& leg);
  std::string next_message(const Leg& leg);

  const LoadSettings settings_;
  int poll_, listener_;
  std::map<std::string, SslContext> contexts_;
  std::vector<std::unique_ptr<Leg>> legs_;  // by socket
  std::vector<Leg*> senders_;
  std::size_t near_open_ = 0, far_open_ = 0, shaken_ = 0;
  std::uint64_t counted_ = 0, messages_ = 0, turn_ = 0, behind_ = 0;
  std::string scratch_;
};

}  // namespace sallyport::bench
