#include "proxy/edge/dialling.h"

#include <algorithm>
#include <utility>

#include "proxy/edge/lane.h"
#include "proxy/edge/sockets.h"

namespace sallyport::edge {
namespace {

using airlock::DialFault;
using boost::system::error_code;

constexpr std::chrono::seconds kOvertake{1};
// RFC 6120 has no such limit; a guard's deadline is 20 s.
constexpr std::uint32_t kLongestDialMs = 60'000;

DialFault fault_of(NameFault fault) {
  switch (fault) {
    case NameFault::NoName:
    case NameFault::NoService:
      return DialFault::NoName;
    case NameFault::NoAnswer:
    case NameFault::Bogus:
    case NameFault::LocalAddress:
      return DialFault::NoAnswer;
    case NameFault::Overload:
      return DialFault::Overload;
    case NameFault::Deadline:
      return DialFault::Deadline;
  }
  return DialFault::NoAnswer;
}

}  // namespace

Dialling::Dialling(Lane& lane, std::uint16_t guard_lane, airlock::LegId id, airlock::Dial dial)
    : lane_(lane),
      guard_lane_(guard_lane),
      id_(id),
      dial_(std::move(dial)),
      deadline_(Clock::now() + std::chrono::milliseconds(std::min(dial_.deadline_ms, kLongestDialMs))),
      overall_(lane.context()),
      overtake_(lane.context()) {}

void Dialling::watch_deadline() {
  overall_.expires_at(deadline_);
  overall_.async_wait([this, self = shared_from_this()](error_code cancelled) {
    if (!cancelled && !over_) give_up(DialFault::Deadline, last_failure_);
  });
}

void Dialling::go_on(std::vector<Target> targets, Clock::time_point deadline) {
  deadline_ = deadline;
  last_failure_ = "no TLS at the targets before";
  watch_deadline();
  try_targets(std::move(targets));
}

void Dialling::start() {
  watch_deadline();
  const config::NextHop* hop = lane_.settings().next_hop(dial_.to, dial_.kind);
  if (hop != nullptr) {
    std::vector<Target> targets;
    for (const auto& endpoint : hop->targets)
      if (const auto at = resolve_literal(endpoint))
        targets.push_back({*at, hop->tls == config::Listener::Tls::Direct});
    return try_targets(std::move(targets));
  }
  resolver_ = lane_.resolver();
  if (!resolver_) return give_up(DialFault::NoName, "neither a next hop nor a resolver is configured");
  lookup_ = resolver_->resolve(dial_.to, service_of(dial_.kind), deadline_,
                               [this, self = shared_from_this()](const Resolver::Addresses& found) {
                                 if (!over_) on_resolved(found);
                               });
}

void Dialling::on_resolved(const Resolver::Addresses& addresses) {
  resolver_.reset();
  if (!addresses && addresses.error() == NameFault::LocalAddress)
    lane_.note("edge.local-address", {{"domain", dial_.to}});
  if (!addresses) return give_up(fault_of(addresses.error()), "DNS: " + std::string(name(addresses.error())));
  std::vector<Target> targets;
  for (const Address& address : *addresses) targets.push_back({address.at, address.direct_tls});
  try_targets(std::move(targets));
}

void Dialling::try_targets(std::vector<Target> targets) {
  if (over_) return;
  targets_ = std::move(targets);
  try_next();
}

void Dialling::try_next() {
  while (next_ < targets_.size() && attempts_.size() < kAtOnce) {
    const Target& target = targets_[next_++];
    auto attempt = std::make_shared<Attempt>(lane_.context());
    error_code failed;
    if (!open(*attempt, target, failed)) {
      last_failure_ = text(target.at) + ": " + failed.message();
      continue;
    }
    attempts_.push_back(attempt);
    const std::string where = text(target.at);
    attempt->deadline.expires_after(lane_.settings().limits(dial_.kind).connect);
    attempt->deadline.async_wait([this, self = shared_from_this(), attempt, where](error_code cancelled) {
      if (!cancelled) on_failed(attempt, where + ": no answer in time");
    });
    attempt->socket.async_connect(target.at, [this, self = shared_from_this(), attempt, where](error_code refused) {
      if (over_ || refused == boost::asio::error::operation_aborted) return;
      if (refused) return on_failed(attempt, where + ": " + refused.message());
      on_connected(attempt);
    });
    overtake_.expires_after(kOvertake);
    overtake_.async_wait([this, self = shared_from_this()](error_code cancelled) {
      if (!cancelled && !over_) try_next();
    });
    return;
  }
  if (attempts_.empty()) give_up(DialFault::NoAnswer, last_failure_);
}

bool Dialling::open(Attempt& attempt, const Target& target, error_code& failed) {
  const config::Edge& edge = lane_.settings().config;
  attempt.direct_tls = target.direct_tls;
  attempt.socket.open(target.at.protocol(), failed);
  if (!failed) mark(attempt.socket.native_handle(), edge.dscp, target.at.address().is_v6(), failed);
  for (const std::string& source : edge.bind) {
    if (failed) break;
    const auto at = resolve_literal({source, 0});
    if (at && at->protocol() == target.at.protocol()) attempt.socket.bind(*at, failed);
  }
  return !failed;
}

void Dialling::on_connected(const std::shared_ptr<Attempt>& attempt) {
  error_code failed;
  prepare_connected(attempt->socket, failed);
  if (failed) return on_failed(attempt, failed.message());
  over_ = true;
  auto socket = std::move(attempt->socket);
  Dialled dialled{std::move(dial_), guard_lane_, attempt->direct_tls, deadline_, {}};
  dialled.others.assign(targets_.begin() + static_cast<std::ptrdiff_t>(next_), targets_.end());
  stop();
  lane_.connected(id_, std::move(socket), std::move(dialled));
}

void Dialling::on_failed(const std::shared_ptr<Attempt>& attempt, const std::string& why) {
  if (over_ || attempts_.remove(attempt) == 0) return;
  last_failure_ = why;
  error_code ignored;
  attempt->deadline.cancel();
  attempt->socket.close(ignored);
  try_next();
}

void Dialling::give_up(DialFault fault, const std::string& why) {
  if (over_) return;
  over_ = true;
  stop();
  lane_.send(guard_lane_, id_, airlock::Failed{fault, why});
  lane_.dial_over(id_);
}

void Dialling::cancel() {
  over_ = true;
  stop();
}

void Dialling::stop() {
  if (resolver_) std::exchange(resolver_, nullptr)->cancel(lookup_);
  overall_.cancel();
  overtake_.cancel();
  for (const auto& attempt : std::exchange(attempts_, {})) {
    error_code ignored;
    attempt->deadline.cancel();
    attempt->socket.close(ignored);
  }
}

}  // namespace sallyport::edge
