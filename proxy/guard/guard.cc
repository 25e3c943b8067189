#include "proxy/guard/guard.h"

#include <algorithm>
#include <future>
#include <random>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "proxy/airlock/lockdown.h"
#include "proxy/guard/gather.h"
#include "proxy/guard/resource_key.h"

namespace sallyport::guard {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using boost::system::error_code;
using policy::Reason;

namespace {

constexpr std::chrono::milliseconds kHealthCheck = 500ms;
/// `sallyport run` kills after 10 s.
constexpr std::chrono::milliseconds kDrain = 5s;
/// For what was given up after that to be recorded.
constexpr std::chrono::milliseconds kLastRecords = 1500ms;
constexpr std::chrono::milliseconds kDrainWithoutLog = 2s;
constexpr std::chrono::milliseconds kDrainCheck = 50ms;

audit::Time wall() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

/// The bundle, and who has signed it.
Details details_of(const LoadedBundle& loaded) {
  Details details{{"bundle", loaded.bundle->hash()}};
  for (const policy::OfficerKey& key : loaded.signers) details.emplace_back("signed_by", policy::fingerprint(key));
  return details;
}

std::uint64_t random_number() {
  std::random_device source;
  return (std::uint64_t{source()} << 32U) | source();
}

}  // namespace

Guard::Guard(const config::Config& config)
    : config_(config),
      signals_(context_),
      health_timer_(context_),
      drain_timer_(context_),
      budget_(config.guard.memory_octets),
      epoch_(random_number()) {}

Guard::~Guard() {
  for (const auto& lane : lanes_) lane->stop();
  // The threads of ledger and log wake the lanes, so they end first.
  if (ledger_) ledger_->close();
  if (log_) log_->close();
  for (const Door& door : doors_) {
    std::error_code ignored;
    if (door.acceptor) std::filesystem::remove(door.file, ignored);
  }
  std::error_code ignored;
  if (control_) std::filesystem::remove(config_.guard.control, ignored);
}

std::expected<std::unique_ptr<Guard>, Guard::Fault> Guard::open(const config::Config& config) {
  std::unique_ptr<Guard> guard(new Guard(config));
  auto officers = load_officers(config.guard.officers, config.guard.signatures);
  if (!officers) return std::unexpected(Fault{kUnusable, officers.error()});
  guard->officers_ = *std::move(officers);
  auto loaded = load_bundle(config.guard.bundle, guard->officers_);
  if (!loaded) return std::unexpected(Fault{kUnusable, loaded.error()});
  guard->policy_ = *std::move(loaded);
  if (auto made = guard->make_listeners(); !made) return std::unexpected(made.error());
  if (auto changed = airlock::become(config.guard.user); !changed)
    return std::unexpected(Fault{kUnusable, changed.error()});
  if (auto opened = guard->open_log(); !opened) return std::unexpected(opened.error());
  // Signals are this thread's; a lane that is made now inherits the mask.
  guard->signals_.add(SIGTERM);
  guard->signals_.add(SIGINT);
  guard->signals_.add(SIGHUP);
  if (auto counted = guard->count_descriptors(); !counted) return std::unexpected(counted.error());
  if (auto made = guard->make_lanes(); !made) return std::unexpected(made.error());
  if (auto opened = guard->open_ledger(); !opened) return std::unexpected(opened.error());
  return guard;
}

std::expected<void, Guard::Fault> Guard::make_listeners() {
  for (const config::Edge& edge : config_.edges) {
    Door& door = doors_.emplace_back();
    door.enclave = edge.enclave;
    const auto user = airlock::user_id(edge.user);
    if (!user) return std::unexpected(Fault{kUnusable, user.error()});
    door.user = *user;
    // An edge without a user of its own runs as the guard does.
    if (edge.user.empty()) {
      const auto own = airlock::user_id(::geteuid() == 0 ? config_.guard.user : "");
      if (!own) return std::unexpected(Fault{kUnusable, own.error()});
      door.user = *own;
    }
    door.file = config_.guard.airlock / (edge.enclave + ".sock");
    auto acceptor = listen(context_, door.file, door.user);
    if (!acceptor) return std::unexpected(Fault{kFailed, acceptor.error()});
    door.acceptor.emplace(*std::move(acceptor));
    if (policy_.bundle->enclave(edge.enclave) == nullptr)
      spdlog::warn("the policy knows no enclave {}: nothing of its edge will cross", edge.enclave);
  }
  if (config_.guard.control.empty()) return {};
  auto acceptor = listen(context_, config_.guard.control, ::geteuid());
  if (!acceptor) return std::unexpected(Fault{kFailed, acceptor.error()});
  control_.emplace(*std::move(acceptor));
  return {};
}

std::expected<void, Guard::Fault> Guard::open_log() {
  audit::LogSettings settings;
  settings.directory = config_.audit.directory;
  settings.mode = config_.audit.mode == config::AuditMode::Strict ? audit::Mode::Strict : audit::Mode::Group;
  settings.segment_octets = config_.audit.segment_octets;
  settings.stall = config_.audit.stall;
  auto log = audit::Log::open(settings, wall());
  if (!log) return std::unexpected(Fault{kFailed, log.error()});
  log_ = *std::move(log);
  return {};
}

std::expected<void, Guard::Fault> Guard::make_lanes() {
  const auto start = std::chrono::duration_cast<std::chrono::seconds>(wall().time_since_epoch()).count();
  LaneSettings settings;
  settings.lanes = std::clamp<std::uint16_t>(config_.guard.lanes, 1, kMostLanes);
  for (const Door& door : doors_) settings.enclaves.push_back(door.enclave);
  settings.hold = config_.guard.hold;
  settings.queue = config_.guard.queue;
  settings.hol_max = config_.guard.hol_max;
  settings.run = static_cast<std::uint32_t>(start);
  settings.shadow_rate = config_.guard.shadow_rate;
  if (config_.guard.state.empty()) {
    settings.resource_key = passing_resource_key();
  } else {
    auto key = resource_key(config_.guard.state);
    if (!key) return std::unexpected(Fault{kFailed, key.error()});
    settings.resource_key = *std::move(key);
  }
  LaneThread::Coordinator& coordinator = *this;
  for (std::uint16_t lane = 0; lane < settings.lanes; ++lane) {
    settings.lane = lane;
    settings.seed = random_number();
    for (std::uint8_t& octet : settings.secret) octet = static_cast<std::uint8_t>(random_number());
    lanes_.push_back(std::make_unique<LaneThread>(settings, *log_, budget_, policy_.bundle, coordinator));
  }
  return {};
}

std::expected<void, Guard::Fault> Guard::open_ledger() {
  if (config_.guard.state.empty()) {
    spdlog::warn(
        "guard.state is not set: the ledger of subscriptions and the names of hidden resources end with this run");
    return {};
  }
  auto opened = LedgerStore::open(config_.guard.state);
  if (!opened) return std::unexpected(Fault{kFailed, opened.error()});
  std::vector<std::vector<StoredPair>> pairs(lanes_.size());
  std::vector<std::vector<StoredShown>> shown(lanes_.size());
  const auto lane = [&](const std::string& key) {
    const policy::presence::PairView pair = policy::presence::pair_of(key);
    return lane_of(pair.watcher, pair.watched);
  };
  const auto read = (*opened)->read([&](const StoredPair& row) { pairs[lane(row.key)].push_back(row); },
                                    [&](const StoredShown& row) { shown[lane(row.key)].push_back(row); });
  if (!read) return std::unexpected(Fault{kFailed, "the ledger: " + read.error()});
  ledger_ = *std::move(opened);
  for (std::size_t each = 0; each < lanes_.size(); ++each) lanes_[each]->restore(pairs[each], shown[each], *ledger_);
  ledger_->start();
  return {};
}

std::size_t Guard::lane_of(std::string_view watcher, std::string_view watched) const {
  const auto domain = [](std::string_view jid) { return policy::Address::of_prepared(jid).domain; };
  return policy_.bundle->lane_key(domain(watcher), domain(watched)) % lanes_.size();
}

ExitStatus Guard::run() {
  for (const auto& lane : lanes_) lane->start();
  record(Reason::GuardStarted, {{"lanes", std::to_string(lanes_.size())}});
  record(Reason::PolicyLoaded, details_of(policy_));
  load_shadow();
  await_signal();
  watch_log();
  for (EdgeIndex edge = 0; edge < doors_.size(); ++edge) asio::co_spawn(context_, accept(edge), asio::detached);
  if (control_) asio::co_spawn(context_, accept_control(), asio::detached);
  spdlog::info("ready: {} lanes, {} edges, policy {}", lanes_.size(), doors_.size(), policy_.bundle->hash());
  context_.run();
  if (status_ == kStopped) record(Reason::GuardStopped);
  for (const auto& lane : lanes_) lane->stop();
  log_->close();
  spdlog::info("stopped");
  return status_;
}

void Guard::await_signal() {
  signals_.async_wait([this](error_code failed, int signal) {
    if (failed) return;
    if (signal == SIGHUP) {
      reload();
    } else {
      spdlog::info("told to stop");
      begin_drain(kStopped, kDrain);
    }
    await_signal();
  });
}

void Guard::reload() {
  load_policy();
  load_shadow();
}

void Guard::load_policy() {
  auto loaded = load_bundle(config_.guard.bundle, officers_);
  if (!loaded) {
    spdlog::error("the policy in force stays: {}", loaded.error());
    return record(Reason::PolicyRefused, {{"why", loaded.error()}, {"bundle", policy_.bundle->hash()}});
  }
  const auto ending = endings(loaded->bundle);
  for (const Lane::Ending& end : ending) spdlog::warn("the new policy ends {}", describe(end));
  policy_ = *std::move(loaded);
  Details details = details_of(policy_);
  details.emplace_back("ends", std::to_string(ending.size()));
  record(Reason::PolicyLoaded, std::move(details));
  for (const auto& lane : lanes_) lane->swap(policy_.bundle);
  spdlog::info("policy {} is in force; it ends {} crossings", policy_.bundle->hash(), ending.size());
}

void Guard::load_shadow() {
  if (config_.guard.shadow.empty()) return;
  auto loaded = load_bundle(config_.guard.shadow, officers_);
  if (loaded) {
    record(Reason::PolicyShadowLoaded, details_of(*loaded));
    spdlog::info("policy {} is judged as a shadow", loaded->bundle->hash());
    shadow_ = std::move(loaded->bundle);
  } else {
    record(Reason::PolicyShadowRefused, {{"why", loaded.error()}});
    spdlog::error("no shadow policy is judged: {}", loaded.error());
    shadow_ = nullptr;
  }
  for (const auto& lane : lanes_) lane->shade(shadow_);
}

std::vector<Lane::Ending> Guard::endings(const std::shared_ptr<const policy::Bundle>& bundle) {
  std::vector<Lane::Ending> all;
  const auto answers = gather<std::vector<Lane::Ending>>(
      lanes_, [&](LaneThread& lane, auto answer) { lane.preview(bundle, std::move(answer)); });
  for (const auto& answer : answers) all.insert(all.end(), answer.begin(), answer.end());
  return all;
}

Lane::Census Guard::census() {
  Lane::Census sum;
  const auto answers =
      gather<Lane::Census>(lanes_, [](LaneThread& lane, auto answer) { lane.count(std::move(answer)); });
  for (const Lane::Census& each : answers) {
    sum.accepted += each.accepted;
    sum.dialled += each.dialled;
    sum.routes += each.routes;
    sum.queued += each.queued;
    sum.unsettled += each.unsettled;
    sum.unrecorded += each.unrecorded;
    sum.sessions += each.sessions;
    sum.hibernating += each.hibernating;
    sum.shadow.add(each.shadow);
  }
  return sum;
}

void Guard::watch_log() {
  if (!log_->healthy()) {
    spdlog::critical("nothing crosses any more: {}", log_->fault());
    for (const auto& lane : lanes_) lane->halt();
    return begin_drain(kAuditFailed, kDrainWithoutLog);
  }
  health_timer_.expires_after(kHealthCheck);
  health_timer_.async_wait([this](error_code cancelled) {
    if (!cancelled) watch_log();
  });
}

void Guard::begin_drain(ExitStatus status, std::chrono::milliseconds limit) {
  if (status != kStopped) status_ = status;
  if (draining_) return;
  draining_ = true;
  record(Reason::GuardDraining);
  for (const auto& lane : lanes_) lane->drain(limit);
  await_drained(std::chrono::steady_clock::now() + limit);
}

void Guard::await_drained(Steady limit) {
  const Lane::Census left = census();
  const bool recorded = left.unrecorded == 0 || status_ == kAuditFailed;
  const bool ended = left.queued == 0 && (given_up_ > 0 || left.accepted + left.dialled == 0);
  if (recorded && ended) return context_.stop();
  const Steady now = std::chrono::steady_clock::now();
  if (now >= limit) {
    // What waits behind a far leg that takes nothing must not end without a record; nor must the bounces of that, where
    // the near leg takes nothing either.
    constexpr unsigned kRounds = 2;
    if (given_up_ >= kRounds || status_ == kAuditFailed) return context_.stop();
    ++given_up_;
    for (const auto& lane : lanes_) lane->give_up();
    limit = now + kLastRecords;
  }
  drain_timer_.expires_after(kDrainCheck);
  drain_timer_.async_wait([this, limit](error_code cancelled) {
    if (!cancelled) await_drained(limit);
  });
}

void Guard::on_lane_message(std::uint16_t lane, LaneMessage message) {
  // The lanes are made before any of them runs, and stopped before any of them goes.
  lanes_[lane]->take_message(std::move(message));
}

void Guard::record(Reason reason, Details details) {
  audit::EventRecord event;
  event.time = wall();
  event.code = policy::code(reason);
  event.details = std::move(details);
  lanes_.front()->record(std::move(event));
}

}  // namespace sallyport::guard
