// Asking OCSP responders about a peer's certificate, over HTTP (RFC 6960 A.1).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "certs/trust/ocsp.h"
#include "proxy/config/config.h"

namespace sallyport::edge {

/// The body of an HTTP response that is whole, has status 200 and holds an OCSP answer; "" for anything else.
std::string_view ocsp_answer_in(std::string_view response);

/// Tries the configured responders in order, each for a share of the time, and hands over the first answer that is one
/// by its form. What it says and whether it is genuine, trust::Anchors judges. Lives on the lane's thread; its pending
/// operations keep it alive.
class OcspQuery : public std::enable_shared_from_this<OcspQuery> {
 public:
  using Clock = std::chrono::steady_clock;
  /// Called once, never from inside start(); "": nobody had an answer.
  using Done = std::function<void(std::string der)>;

  /// `edge`: whose responders, source addresses and marking are used.
  OcspQuery(boost::asio::io_context& context, const config::Edge& edge, const trust::OcspQuestion& question,
            Clock::time_point deadline, Done done);
  void start();
  /// `done` will not be called.
  void cancel();

 private:
  struct Try;

  void try_next();
  void connect(const std::shared_ptr<Try>& attempt);
  void ask(const std::shared_ptr<Try>& attempt);
  void read(const std::shared_ptr<Try>& attempt);
  void fail(const std::shared_ptr<Try>& attempt);
  void finish(std::string der);

  boost::asio::io_context& context_;
  std::vector<boost::asio::ip::tcp::endpoint> responders_;
  std::vector<std::string> sources_;
  std::uint8_t dscp_;
  trust::OcspQuestion question_;
  Clock::time_point deadline_;
  Done done_;
  std::size_t next_ = 0;
  std::shared_ptr<Try> attempt_;
};

}  // namespace sallyport::edge
