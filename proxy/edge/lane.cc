#include "proxy/edge/lane.h"

#include <algorithm>
#include <random>
#include <thread>
#include <tuple>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <sys/prctl.h>

#include "proxy/airlock/heap.h"
#include "proxy/edge/login_check.h"
#include "proxy/edge/sockets.h"

namespace sallyport::edge {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using inspect::StreamCondition;

/// How often a leg's socket is asked what the peer's TCP has taken.
constexpr std::chrono::milliseconds kSettle{20};
/// How often all legs are judged again at least (T-14; design.md 7).
constexpr std::chrono::seconds kCare = std::chrono::hours(24);
constexpr std::chrono::seconds kTrim{5};
constexpr std::size_t kKeptCipher = 128 * 1024;
/// How long stanzas may gather while many come: one wake-up of each process then serves several of them.
constexpr std::chrono::microseconds kGather{150};
/// Many come while the next one is there within this time. The first after a pause never waits.
constexpr std::chrono::microseconds kMany{300};
constexpr unsigned long kTimerSlack = 1'000;           // ns; by default the kernel is 50 us late
constexpr std::size_t kLentBeyond = 64 * 1024 * 1024;  // of all lanes together

}  // namespace

Lane::Lane(std::uint16_t index, std::uint16_t lanes, std::uint64_t epoch, std::shared_ptr<const Settings> settings,
           Admissions& admissions, LaneReports reports)
    : index_(index),
      lanes_(lanes),
      epoch_(epoch),
      work_(asio::make_work_guard(context_)),
      settings_(std::move(settings)),
      admissions_(admissions),
      reports_(std::move(reports)),
      credit_budget_(kLentBeyond / std::max<std::size_t>(lanes, 1)),
      settle_timer_(context_),
      care_timer_(context_),
      drain_timer_(context_),
      trim_timer_(context_) {
  cipher_buffer_.reserve(kKeptCipher);
}

Lane::~Lane() = default;

void Lane::run() {
  ::prctl(PR_SET_TIMERSLACK, kTimerSlack, 0, 0, 0);
  open_resolver();
  plan_care();
  context_.run();
}

void Lane::open_resolver() {
  resolver_.reset();
  const config::Edge& edge = settings_->config;
  ResolverSettings wanted{{}, edge.dnssec_anchor, edge.ipv6_first, edge.direct_tls, edge.local_addresses};
  for (const auto& endpoint : edge.resolvers)
    if (const auto at = resolve_literal(endpoint)) wanted.forwarders.emplace_back(at->address(), at->port());
  if (wanted.forwarders.empty()) return;
  auto random = [engine = std::mt19937(std::random_device{}())](std::uint32_t most) mutable {
    return std::uniform_int_distribution<std::uint32_t>(0, most)(engine);
  };
  auto opened = Resolver::open(context_, std::move(wanted), std::move(random));
  if (!opened) return reports_.trouble("no resolver: " + opened.error());
  resolver_ = std::move(*opened);
}

void Lane::stop() {
  context_.stop();
}

void Lane::post(std::function<void()> task) {
  asio::post(context_, std::move(task));
}

// --- The airlock ---------------------------------------------------------------------------------------------------

void Lane::link(Attempt attempt, std::uint16_t guard_lane, const std::string& path) {
  attempt_ = attempt;
  error_code failed;
  airlock::Socket socket(context_);
  // A Unix socket connects at once or not at all; it would wait only for a guard that accepts nothing.
  socket.open({}, failed);
  if (!failed) socket.non_blocking(true, failed);
  if (!failed) socket.connect(asio::local::stream_protocol::endpoint(path), failed);
  if (failed) return lose_guard("no airlock at " + path + ": " + failed.message());
  if (channels_.size() <= guard_lane) channels_.resize(guard_lane + std::size_t{1});
  Link& link = channels_[guard_lane];
  if (link.channel) link.channel->close();
  link = {airlock::Channel::make(std::move(socket), *this), false};
  link.channel->send(airlock::kNoLeg, airlock::Hello{airlock::kMajor, airlock::kMinor, "sallyport-edge", epoch_, index_,
                                                     lanes_, guard_lane});
  link.channel->start();
}

std::optional<std::uint16_t> Lane::lane_of(const airlock::Channel& channel) const {
  const auto found = std::ranges::find_if(channels_, [&](const Link& link) { return link.channel.get() == &channel; });
  if (found == channels_.end()) return std::nullopt;
  return static_cast<std::uint16_t>(found - channels_.begin());
}

void Lane::on_welcome(std::uint16_t guard_lane, const airlock::Welcome& welcome) {
  if (welcome.major != airlock::kMajor) return lose_guard("the guard speaks another protocol");
  if (welcome.guard_lanes == 0 || guard_lane >= welcome.guard_lanes) return lose_guard("the guard has no such lane");
  if (channels_.size() < welcome.guard_lanes) channels_.resize(welcome.guard_lanes);
  if (std::exchange(channels_[guard_lane].welcomed, true)) return lose_guard("a second Welcome");
  reports_.linked(attempt_, guard_lane, welcome);
}

void Lane::on_frame(airlock::Channel& channel, const airlock::Frame& frame) {
  const auto known = lane_of(channel);
  if (!known) return;
  const std::uint16_t guard_lane = *known;
  if (const auto* welcome = std::get_if<airlock::Welcome>(&frame.body)) return on_welcome(guard_lane, *welcome);
  if (!channels_[guard_lane].welcomed) return lose_guard("the guard speaks before its Welcome");
  if (const auto* draining = std::get_if<airlock::Drain>(&frame.body))
    return reports_.drain(attempt_, std::chrono::milliseconds(draining->deadline_ms));
  if (frame.leg == airlock::kNoLeg) return lose_guard("the guard sends " + std::string(airlock::name(frame.body)));
  if (const auto leg = legs_.find(frame.leg); leg != legs_.end()) {
    const auto kept = leg->second;
    return kept->on_frame(guard_lane, frame.body);
  }
  if (const auto dialling = dials_.find(frame.leg); dialling != dials_.end()) {
    const auto kept = dialling->second;
    return on_frame(guard_lane, *kept, frame);
  }
  if (const auto* wanted = std::get_if<airlock::Dial>(&frame.body)) return dial(guard_lane, frame.leg, *wanted);
  // Anything else is about a leg that is over here; its frames may cross on the way.
}

void Lane::on_frame(std::uint16_t guard_lane, Dialling& dialling, const airlock::Frame& frame) {
  const bool ending =
      std::holds_alternative<airlock::Close>(frame.body) || std::holds_alternative<airlock::Closed>(frame.body);
  if (!ending) {
    note("edge.out-of-turn", {{"frame", std::string(airlock::name(frame.body))}, {"state", "dialling"}});
    return dialling.refuse("a frame out of turn");
  }
  dialling.cancel();
  dial_over(frame.leg);
  send(guard_lane, frame.leg, airlock::Closed{false, "dialling was given up", 0, 0});
}

void Lane::on_end(airlock::Channel& channel, airlock::ChannelEnd, std::string_view why) {
  if (lane_of(channel)) lose_guard("the channel to the guard ended: " + std::string(why));
}

void Lane::lose_guard(std::string why) {
  // Not from inside a channel's callback: unlink() closes them all.
  reports_.guard_lost(attempt_, std::move(why));
}

void Lane::unlink() {
  for (const Link& link : std::exchange(channels_, {}))
    if (link.channel) link.channel->close();
  drain_timer_.cancel();
  for (const auto& [id, dialling] : std::exchange(dials_, {})) {
    dialling->cancel();
    admissions_.of(dialling->kind()).release_dialled();
  }
  checks_.clear();
  for (const auto& leg : all_legs()) leg->on_guard_lost();
}

void Lane::send(std::uint16_t guard_lane, airlock::LegId leg, const airlock::Body& body) {
  if (is_check(leg)) return on_check_frame(leg, body);
  if (guard_lane < channels_.size() && channels_[guard_lane].welcomed) channels_[guard_lane].channel->send(leg, body);
}

void Lane::note(std::string_view code, std::vector<airlock::Pair> details) {
  const auto now = EventBudget::Clock::now();
  if (const auto suppressed = budget_.take_suppressed(now); suppressed > 0)
    send(0, airlock::kNoLeg, airlock::Event{"edge.events-suppressed", {{"count", std::to_string(suppressed)}}});
  if (budget_.spend(now)) send(0, airlock::kNoLeg, airlock::Event{std::string(code), std::move(details)});
}

// --- Legs ----------------------------------------------------------------------------------------------------------

void Lane::adopt(asio::ip::tcp::socket socket, const asio::ip::tcp::endpoint& peer, const config::Listener& listener) {
  error_code failed;
  prepare_connected(socket, failed);
  if (failed || channels_.empty()) return admissions_.of(listener).release(peer.address());
  // Even, and unique among the lanes of this epoch.
  const airlock::LegId id = 2 * (legs_made_++ * lanes_ + index_ + 1);
  const auto leg = Leg::accepted(*this, id, std::move(socket), peer, listener);
  legs_.emplace(id, leg);
  leg->start();
}

std::optional<airlock::Failed> Lane::objection(const airlock::Dial& wanted) const {
  if (wanted.kind == airlock::LegKind::S2s) {
    if (settings_->serves(wanted.from) && settings_->contexts->has(wanted.from)) return std::nullopt;
    return airlock::Failed{airlock::DialFault::Tls, "no certificate for the near domain"};
  }
  const auto refused = refused_logins_.find({wanted.to, wanted.certificate});
  if (refused == refused_logins_.end()) return std::nullopt;
  return airlock::Failed{airlock::DialFault::Refused, refused->second};
}

void Lane::dial(std::uint16_t guard_lane, airlock::LegId id, const airlock::Dial& wanted) {
  if (!airlock::is_dialled(id)) return lose_guard("the guard dials with a number of ours");
  if (auto refused = objection(wanted); refused && !is_check(id)) return send(guard_lane, id, *refused);
  if (const auto answer = admissions_.of(wanted.kind).admit_dialled(); answer != Admission::Answer::Admit)
    return send(guard_lane, id, airlock::Failed{airlock::DialFault::Overload, std::string(name(answer))});
  const auto dialling = std::make_shared<Dialling>(*this, guard_lane, id, wanted);
  dials_.emplace(id, dialling);
  dialling->start();
}

void Lane::connected(airlock::LegId id, asio::ip::tcp::socket socket, Dialled dialled) {
  dials_.erase(id);
  const auto leg = Leg::dialled(*this, id, std::move(socket), std::move(dialled));
  legs_.emplace(id, leg);
  leg->start();
}

void Lane::dial_on(airlock::LegId id, Dialled dialled) {
  legs_.erase(id);
  const auto dialling = std::make_shared<Dialling>(*this, dialled.guard_lane, id, std::move(dialled.dial));
  dials_.emplace(id, dialling);
  dialling->go_on(std::move(dialled.others), dialled.deadline);
}

void Lane::dial_over(airlock::LegId id) {
  const auto found = dials_.find(id);
  if (found == dials_.end()) return;
  admissions_.of(found->second->kind()).release_dialled();
  dials_.erase(found);
}

void Lane::ended(const std::shared_ptr<Leg>& leg) {
  legs_.erase(leg->id());
  if (leg->is_accepted())
    leg->admission().release(leg->peer().address());
  else
    leg->admission().release_dialled();
}

std::vector<std::shared_ptr<Leg>> Lane::all_legs() const {
  std::vector<std::shared_ptr<Leg>> legs;
  legs.reserve(legs_.size());
  for (const auto& [id, leg] : legs_) legs.push_back(leg);
  return legs;
}

void Lane::apply(std::shared_ptr<const Settings> settings) {
  const auto before = std::exchange(settings_, std::move(settings));
  const auto names = [](const config::Edge& edge) {
    return std::tie(edge.resolvers, edge.dnssec_anchor, edge.ipv6_first, edge.direct_tls, edge.local_addresses);
  };
  if (names(before->config) != names(settings_->config)) open_resolver();
  const bool remark = before->config.dscp != settings_->config.dscp;
  for (const auto& leg : all_legs())
    if (remark) leg->mark_again();
  judge_all("the reload");
  plan_care();
}

void Lane::judge_all(std::string_view cause) {
  const std::int64_t now = seconds_now();
  std::vector<std::pair<std::shared_ptr<Leg>, std::string>> ending;
  for (const auto& leg : all_legs())
    if (auto why = leg->objection(now)) ending.emplace_back(leg, std::move(*why));
  for (const auto& [leg, why] : ending) {
    leg->note("edge.reload-ends", why);
    if (reports_.news) reports_.news(std::string(cause) + " ends the leg with " + text(leg->peer()) + ": " + why);
  }
  for (const auto& [leg, why] : ending) leg->sever(StreamCondition::Reset, why);
}

void Lane::shut_down() {
  const auto dials = dials_;
  for (const auto& [id, dialling] : dials) dialling->refuse("the edge stops");
  for (const auto& leg : all_legs()) leg->sever(StreamCondition::SystemShutdown, "the edge stops");
}

void Lane::drain(std::chrono::milliseconds deadline) {
  for (const auto& leg : all_legs()) leg->drain();
  drain_timer_.expires_after(deadline);
  drain_timer_.async_wait([this](error_code cancelled) {
    if (cancelled) return;
    for (const auto& leg : all_legs()) leg->sever(StreamCondition::SystemShutdown, "the guard drains");
  });
}

void Lane::dirty(std::shared_ptr<Leg> leg) {
  dirty_.push_back(std::move(leg));
  if (std::exchange(flush_posted_, true)) return;
  asio::post(context_, [this] {
    flush_posted_ = false;
    flush_dirty();
  });
}

void Lane::flush_dirty() {
  flushing_.swap(dirty_);
  for (const auto& leg : flushing_) leg->flush();
  flushing_.clear();
  if (cipher_buffer_.capacity() > 4 * kKeptCipher) {
    cipher_buffer_ = {};
    cipher_buffer_.reserve(kKeptCipher);
  }
}

void Lane::handed_on() {
  if (std::exchange(rest_posted_, true)) return;
  // Behind what this wake-up has queued for the guard and the peers.
  asio::post(context_, [this] {
    rest_posted_ = false;
    rest();
  });
}

void Lane::rest() {
  using Clock = std::chrono::steady_clock;
  if (Clock::now() - rested_ < kMany) std::this_thread::sleep_for(kGather);
  rested_ = Clock::now();
}

void Lane::unsettled(std::shared_ptr<Leg> leg) {
  unsettled_.push_back(std::move(leg));
  settle_later();
}

void Lane::settle_later() {
  if (unsettled_.empty() || std::exchange(settle_waits_, true)) return;
  settle_timer_.expires_after(kSettle);
  settle_timer_.async_wait([this](error_code cancelled) {
    settle_waits_ = false;
    if (cancelled) return;
    std::erase_if(unsettled_, [](const auto& leg) { return !leg->settle(); });
    settle_later();
  });
}

void Lane::hibernated() {
  if (std::exchange(trim_waits_, true)) return;
  trim_timer_.expires_after(kTrim);
  trim_timer_.async_wait([this](error_code cancelled) {
    trim_waits_ = false;
    if (!cancelled) heap::trim();
  });
}

void Lane::plan_care() {
  const std::int64_t now = seconds_now();
  std::int64_t when = now + kCare.count();
  if (settings_->anchors && settings_->anchors->next_update() > now)
    when = std::min(when, settings_->anchors->next_update() + 1);
  for (const auto& [id, leg] : legs_)
    if (const std::int64_t end = leg->certificates_end(); end < when) when = end + 1;
  care_at_ = 0;
  look_after_by(when);
}

void Lane::look_after_by(std::int64_t when) {
  const std::int64_t now = seconds_now();
  if (care_at_ != 0 && when >= care_at_) return;
  care_at_ = std::max(when, now + 1);
  care_timer_.expires_after(std::chrono::seconds(care_at_ - now));
  care_timer_.async_wait([this](error_code cancelled) {
    if (!cancelled) look_after();
  });
}

void Lane::look_after() {
  judge_all("a new fact");
  plan_care();
}

}  // namespace sallyport::edge
