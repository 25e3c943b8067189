#include "proxy/edge/ocsp_query.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "proxy/edge/sockets.h"

namespace sallyport::edge {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::string_view kEndOfHeader = "\r\n\r\n";
constexpr std::size_t kLargestHeader = 8 * 1024;
constexpr std::size_t kRead = 4 * 1024;

bool same_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// Octets of the body by the header; nullopt: it does not say so, and the body goes on to the end of the connection.
std::optional<std::size_t> content_length(std::string_view header) {
  constexpr std::string_view kName = "content-length:";
  for (std::size_t at = header.find("\r\n"); at != header.npos; at = header.find("\r\n", at)) {
    at += 2;
    const std::string_view line = header.substr(at, header.find("\r\n", at) - at);
    if (line.size() < kName.size() || !same_ignoring_case(line.substr(0, kName.size()), kName)) continue;
    std::string_view digits = line.substr(kName.size());
    while (digits.starts_with(' ') || digits.starts_with('\t')) digits.remove_prefix(1);
    std::size_t length = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    return read.ec == std::errc() ? length : std::numeric_limits<std::size_t>::max();
  }
  return std::nullopt;
}

bool is_whole(std::string_view response) {
  const std::size_t end = response.find(kEndOfHeader);
  if (end == response.npos) return false;
  const auto length = content_length(response.substr(0, end + 2));
  return length && response.size() - end - kEndOfHeader.size() >= *length;
}

}  // namespace

std::string_view ocsp_answer_in(std::string_view response) {
  const std::size_t end = response.find(kEndOfHeader);
  if (end == response.npos || end > kLargestHeader) return {};
  const std::string_view status = response.substr(std::min<std::size_t>(response.size(), 8), 5);  // behind "HTTP/1.1"
  if (!response.starts_with("HTTP/1.") || (status != " 200 " && status != " 200\r")) return {};
  const std::string_view body = response.substr(end + kEndOfHeader.size());
  const auto length = content_length(response.substr(0, end + 2));
  if (!length) return body.size() > trust::kLargestOcspAnswer ? std::string_view() : body;
  if (*length > trust::kLargestOcspAnswer || body.size() < *length) return {};
  return body.substr(0, *length);
}

/// One connection to one responder.
struct OcspQuery::Try {
  Try(asio::io_context& context, const Tcp::endpoint& responder) : at(responder), socket(context), deadline(context) {}
  Tcp::endpoint at;
  Tcp::socket socket;
  asio::steady_timer deadline;
  std::string out, in;
};

OcspQuery::OcspQuery(asio::io_context& context, const config::Edge& edge, const trust::OcspQuestion& question,
                     Clock::time_point deadline, Done done)
    : context_(context),
      sources_(edge.bind),
      dscp_(edge.dscp),
      question_(question),
      deadline_(deadline),
      done_(std::move(done)) {
  for (const auto& responder : edge.ocsp_responders)
    if (const auto at = resolve_literal(responder)) responders_.push_back(*at);
}

void OcspQuery::start() {
  try_next();
}

void OcspQuery::cancel() {
  done_ = nullptr;
  if (const auto attempt = std::exchange(attempt_, nullptr)) {
    error_code ignored;
    attempt->deadline.cancel();
    attempt->socket.close(ignored);
  }
}

void OcspQuery::try_next() {
  const auto now = Clock::now();
  if (next_ >= responders_.size() || now >= deadline_ || question_.request.empty()) return finish({});
  const auto left = static_cast<Clock::rep>(responders_.size() - next_);
  attempt_ = std::make_shared<Try>(context_, responders_[next_++]);
  attempt_->deadline.expires_at(now + (deadline_ - now) / left);
  attempt_->deadline.async_wait([this, self = shared_from_this(), attempt = attempt_](error_code cancelled) {
    if (!cancelled) fail(attempt);
  });
  connect(attempt_);
}

void OcspQuery::connect(const std::shared_ptr<Try>& attempt) {
  error_code failed;
  attempt->socket.open(attempt->at.protocol(), failed);
  if (!failed) mark(attempt->socket.native_handle(), dscp_, attempt->at.address().is_v6(), failed);
  for (const std::string& source : sources_) {
    if (failed) break;
    const auto from = resolve_literal({source, 0});
    if (from && from->protocol() == attempt->at.protocol()) attempt->socket.bind(*from, failed);
  }
  if (failed) {
    // Not from inside start().
    asio::post(context_, [this, self = shared_from_this(), attempt] { fail(attempt); });
    return;
  }
  attempt->socket.async_connect(attempt->at, [this, self = shared_from_this(), attempt](error_code refused) {
    return refused ? fail(attempt) : ask(attempt);
  });
}

void OcspQuery::ask(const std::shared_ptr<Try>& attempt) {
  if (attempt != attempt_) return;
  attempt->out =
      "POST " + question_.target +
      " HTTP/1.0\r\nHost: " + (question_.host.empty() ? text(attempt->at) : question_.host) +
      "\r\nContent-Type: application/ocsp-request\r\nContent-Length: " + std::to_string(question_.request.size()) +
      "\r\n\r\n" + question_.request;
  asio::async_write(attempt->socket, asio::buffer(attempt->out),
                    [this, self = shared_from_this(), attempt](error_code broken, std::size_t) {
                      return broken ? fail(attempt) : read(attempt);
                    });
}

void OcspQuery::read(const std::shared_ptr<Try>& attempt) {
  if (attempt != attempt_) return;
  const std::size_t had = attempt->in.size();
  attempt->in.resize(had + kRead);
  attempt->socket.async_read_some(asio::buffer(attempt->in.data() + had, kRead),
                                  [this, self = shared_from_this(), attempt, had](error_code ended, std::size_t size) {
                                    if (attempt != attempt_) return;
                                    attempt->in.resize(had + size);
                                    const bool too_large =
                                        attempt->in.size() > kLargestHeader + trust::kLargestOcspAnswer;
                                    if (!ended && !too_large && !is_whole(attempt->in)) return read(attempt);
                                    const std::string_view answer = ocsp_answer_in(attempt->in);
                                    if (too_large || answer.empty()) return fail(attempt);
                                    finish(std::string(answer));
                                  });
}

void OcspQuery::fail(const std::shared_ptr<Try>& attempt) {
  if (attempt != attempt_) return;
  error_code ignored;
  attempt->deadline.cancel();
  attempt->socket.close(ignored);
  try_next();
}

void OcspQuery::finish(std::string der) {
  auto done = std::exchange(done_, nullptr);
  cancel();
  if (!done) return;
  asio::post(context_, [done = std::move(done), der = std::move(der)]() mutable { done(std::move(der)); });
}

}  // namespace sallyport::edge
