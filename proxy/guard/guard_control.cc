// The control socket of the guard (proxy/config/control.h).
#include <algorithm>
#include <chrono>
#include <string>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "proxy/config/control.h"
#include "proxy/guard/guard.h"

namespace sallyport::guard {

namespace asio = boost::asio;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kPatience{5};
constexpr unsigned kMostControls = 8;
constexpr std::chrono::milliseconds kAcceptPause{100};

}  // namespace

asio::awaitable<void> Guard::accept_control() {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer pause(executor);
  for (;;) {
    if (!control_) co_return;
    auto [failed, socket] = co_await control_->async_accept(kNoThrow);
    if (failed == asio::error::operation_aborted) co_return;
    if (failed) {
      // Out of descriptors: it would fail again at once.
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(kNoThrow);
      continue;
    }
    if (controls_ >= kMostControls) continue;
    ++controls_;
    asio::co_spawn(executor, serve_control(std::move(socket)), asio::detached);
  }
}

asio::awaitable<void> Guard::serve_control(airlock::Socket socket) {
  co_await answer_control(std::move(socket));
  --controls_;
}

asio::awaitable<void> Guard::answer_control(airlock::Socket socket) {
  using namespace asio::experimental::awaitable_operators;
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  timer.expires_after(kPatience);
  std::string request;
  auto buffer = asio::dynamic_buffer(request, config::kLargestControlRequest);
  const auto read = co_await (asio::async_read_until(socket, buffer, '\n', kNoThrow) || timer.async_wait(kNoThrow));
  if (read.index() == 1 || std::get<0>(std::get<0>(read))) co_return;
  request.resize(request.find('\n'));
  const std::string text = answer(request);
  auto out = asio::buffer(text);
  timer.expires_after(kPatience);
  co_await (asio::async_write(socket, out, kNoThrow) || timer.async_wait(kNoThrow));
}

std::string Guard::answer(std::string_view request) {
  if (request == config::kPreviewRequest) return preview_answer();
  if (request == config::kStatusRequest) return status_answer();
  const std::size_t space = std::min(request.find(' '), request.size());
  const std::string_view name = request.substr(0, space), rest = request.substr(space);
  if (name == config::kLedgerShowRequest) return ledger_show_answer(rest);
  if (name == config::kLedgerImportRequest) return ledger_import_answer(rest);
  if (name == config::kLedgerRevokeRequest) return ledger_revoke_answer(rest);
  return "error the request is not known\n";
}

std::string Guard::preview_answer() {
  const auto loaded = load_bundle(config_.guard.bundle, officers_);
  if (!loaded) return "error " + loaded.error() + "\n";
  std::string text = "ok\n";
  std::size_t untold = 0;
  for (const Lane::Ending& end : endings(loaded->bundle)) {
    if (text.size() > config::kLargestControlAnswer - 1024) {
      ++untold;
    } else {
      text += describe(end) + '\n';
    }
  }
  if (untold > 0) text += "and " + std::to_string(untold) + " more\n";
  return text;
}

std::string Guard::describe(const Lane::Ending& ending) {
  std::string text =
      "crossing " + std::to_string(ending.crossing) + " from " + ending.pair.from + " to " + ending.pair.to;
  if (!ending.withdrawn) return text + ", its near leg only: a pair that is withdrawn shares it";
  text += ending.near ? ", near leg open" : "";
  text += ending.far ? ", far leg open" : "";
  return text;
}

std::string Guard::shadow_lines(const Shadow::Counts& counts) const {
  std::string text = "shadow " + shadow_->hash() + '\n';
  const auto line = [&](std::string_view name, std::uint64_t value) {
    text.append("shadow_").append(name).append(" ").append(std::to_string(value)).append("\n");
  };
  line("judged", counts.judged);
  line("crosses", counts.crosses);
  line("refused", counts.refused);
  line("otherwise", counts.otherwise);
  line("skipped", counts.skipped);
  return text;
}

std::string Guard::status_answer() {
  const Lane::Census now = census();
  std::string edges;
  for (const Door& door : doors_) edges += ' ' + door.enclave + (door.present ? "=present" : "=absent");
  std::string text = "ok\n";
  text += "bundle " + policy_.bundle->hash() + '\n';
  text += "edges" + edges + '\n';
  text += "lanes " + std::to_string(lanes_.size()) + '\n';
  text += "accepted " + std::to_string(now.accepted) + '\n';
  text += "dialled " + std::to_string(now.dialled) + '\n';
  text += "routes " + std::to_string(now.routes) + '\n';
  text += "sessions " + std::to_string(now.sessions) + '\n';
  text += "resumable " + std::to_string(now.hibernating) + '\n';
  text += "stanzas " + std::to_string(now.queued + now.unsettled) + '\n';
  text += "memory_left " + std::to_string(budget_.left()) + '\n';
  if (shadow_) text += shadow_lines(now.shadow);
  text += std::string("log ") + (log_->healthy() ? "healthy" : "failed") + '\n';
  return text;
}

}  // namespace sallyport::guard
