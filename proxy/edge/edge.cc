#include "proxy/edge/edge.h"

#include <algorithm>
#include <fstream>
#include <future>
#include <random>
#include <utility>

#include "inspect/secret.h"
#include "proxy/edge/sockets.h"
#include "proxy/edge/stream_id.h"

namespace sallyport::edge {
namespace {

using boost::system::error_code;

constexpr std::chrono::milliseconds kFirstRetry{100};
constexpr std::chrono::milliseconds kLongestRetry{2'000};
/// What legs have for their last words when the guard is gone (docs/airlock.md), and a little more.
constexpr std::chrono::milliseconds kParting{2'500};
constexpr std::chrono::milliseconds kLinkDeadline{5'000};
constexpr std::chrono::milliseconds kDescriptorPause{200};
constexpr std::chrono::milliseconds kLegsPoll{20};

/// How long after a server was not there its logins are checked again.
constexpr std::chrono::minutes kCheckAgain{1};
constexpr std::size_t kLongestPassword = 1023;

std::optional<inspect::Secret> read_password(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(kLongestPassword + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto size = static_cast<std::size_t>(in.gcount());
  inspect::Secret whole(std::move(text));
  std::string_view password = whole.view().substr(0, size);
  if (password.ends_with('\n')) password.remove_suffix(1);
  if (password.empty() || password.size() > kLongestPassword) return std::nullopt;
  return inspect::Secret(password);
}

std::uint64_t random_epoch() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Edge::Edge(Options options, std::shared_ptr<const Settings> settings, std::shared_ptr<spdlog::logger> log)
    : options_(std::move(options)),
      settings_(std::move(settings)),
      log_(std::move(log)),
      admissions_(settings_->config),
      lanes_([this] {
        const std::uint64_t epoch = random_epoch();
        const std::uint16_t count = std::max<std::uint16_t>(settings_->config.lanes, 1);
        std::vector<std::unique_ptr<Lane>> lanes;
        for (std::uint16_t index = 0; index < count; ++index) {
          LaneReports reports;
          // Every report is carried to lane 0, where the edge lives.
          reports.linked = [this, index](Attempt attempt, std::uint16_t guard_lane, const airlock::Welcome& welcome) {
            lanes_[0]->post(
                [this, attempt, index, guard_lane, welcome] { on_linked(attempt, index, guard_lane, welcome); });
          };
          reports.guard_lost = [this](Attempt attempt, const std::string& why) {
            lanes_[0]->post([this, attempt, why] { on_guard_lost(attempt, why); });
          };
          reports.drain = [this](Attempt attempt, std::chrono::milliseconds deadline) {
            lanes_[0]->post([this, attempt, deadline] { on_drain(attempt, deadline); });
          };
          reports.checked = [this](const std::string& domain, bool certificate, const LoginCheck::Finding& finding) {
            lanes_[0]->post([this, domain, certificate, finding] { on_checked(domain, certificate, finding); });
          };
          reports.news = [this](const std::string& what) { log_->info("{}", what); };
          reports.trouble = [this](const std::string& what) { log_->error("{}", what); };
          lanes.push_back(std::make_unique<Lane>(index, count, epoch, settings_, admissions_, std::move(reports)));
        }
        return lanes;
      }()),
      patience_(kFirstRetry),
      timer_(lanes_[0]->context()),
      check_timer_(lanes_[0]->context()),
      signals_(lanes_[0]->context()) {}

Edge::~Edge() {
  join();
}

void Edge::run() {
  for (std::size_t index = 1; index < lanes_.size(); ++index)
    threads_.emplace_back([lane = lanes_[index].get()] { lane->run(); });
  lanes_[0]->post([this] { seek_guard(); });
  if (options_.signals) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
    wait_for_signal();
  }
  lanes_[0]->run();
  join();
}

void Edge::join() {
  for (const auto& lane : lanes_) lane->stop();
  for (auto& thread : std::exchange(threads_, {})) thread.join();
}

void Edge::stop() {
  lanes_[0]->post([this] { do_stop(); });
}

void Edge::reload() {
  lanes_[0]->post([this] { do_reload(); });
}

void Edge::wait_for_signal() {
  signals_.async_wait([this](error_code cancelled, int signal) {
    if (cancelled) return;
    if (signal == SIGHUP)
      do_reload();
    else
      do_stop();
    wait_for_signal();
  });
}

// --- The guard -----------------------------------------------------------------------------------------------------

void Edge::seek_guard() {
  state_ = State::Linking;
  ++attempt_;
  links_made_ = 0;
  links_wanted_ = 1;
  timer_.expires_after(kLinkDeadline);
  timer_.async_wait([this](error_code cancelled) {
    if (!cancelled && state_ == State::Linking) on_guard_lost(attempt_, "no Welcome in time");
  });
  // Its first Welcome tells how many lanes the guard has; the other channels follow.
  lanes_[0]->link(attempt_, 0, socket_file());
}

std::string Edge::socket_file() const {
  return (options_.airlock / (settings_->config.enclave + ".sock")).string();
}

void Edge::on_linked(Attempt attempt, std::uint16_t lane, std::uint16_t guard_lane, const airlock::Welcome& welcome) {
  if (attempt != attempt_ || state_ != State::Linking) return;
  if (welcome.enclave != settings_->config.enclave)
    return on_guard_lost(attempt, "the guard takes this edge for \"" + welcome.enclave + '"');
  ++links_made_;
  if (lane == 0 && guard_lane == 0) {
    links_wanted_ = lanes_.size() * welcome.guard_lanes;
    for (const auto& each : lanes_)
      for (std::uint16_t far = 0; far < welcome.guard_lanes; ++far)
        if (each != lanes_[0] || far != 0)
          each->post([attempt, far, path = socket_file(), to = each.get()] { to->link(attempt, far, path); });
  }
  if (links_made_ < links_wanted_) return;
  timer_.cancel();
  patience_ = kFirstRetry;
  state_ = State::Serving;
  log_->info("linked with the guard, bundle {}", welcome.bundle_hash);
  check_logins();
  open_listeners();
}

void Edge::on_guard_lost(Attempt attempt, const std::string& why) {
  if (attempt != attempt_) return;
  const bool served = state_ == State::Serving || state_ == State::Draining;
  if (state_ != State::Linking && !served) return;
  if (served || patience_ == kFirstRetry) log_->warn("no guard: {}", why);
  state_ = State::Parting;
  part();
  retry(served ? kParting : patience_);
  if (!served) patience_ = std::min(patience_ * 2, kLongestRetry);
}

/// Closes the listeners and every channel; the legs say their last words.
void Edge::part() {
  close_listeners();
  for (const auto& lane : lanes_) lane->post([to = lane.get()] { to->unlink(); });
}

void Edge::retry(std::chrono::milliseconds delay) {
  timer_.expires_after(delay);
  timer_.async_wait([this](error_code cancelled) {
    if (!cancelled && state_ == State::Parting) seek_guard();
  });
}

void Edge::on_drain(Attempt attempt, std::chrono::milliseconds deadline) {
  if (attempt != attempt_ || state_ != State::Serving) return;
  state_ = State::Draining;
  log_->info("the guard drains");
  close_listeners();
  for (const auto& lane : lanes_) lane->post([to = lane.get(), deadline] { to->drain(deadline); });
}

// --- Listeners -----------------------------------------------------------------------------------------------------

void Edge::open_listeners() {
  for (const auto& listener : settings_->config.listeners) open_listener(listener);
  for (const auto& listening : listening_) accept(listening);
}

void Edge::open_listener(const config::Listener& listener) {
  const auto at = resolve_literal(listener.at);
  error_code failed;
  auto acceptor = at ? listen(lanes_[0]->context().get_executor(), *at, settings_->config.dscp, failed) : std::nullopt;
  if (!acceptor) {
    log_->error("cannot listen on {} port {}: {}", listener.at.address, listener.at.port, failed.message());
    lanes_[0]->note("edge.listener-failed",
                    {{"at", listener.at.address + " " + std::to_string(listener.at.port)}, {"why", failed.message()}});
    return;
  }
  log_->info("listening on {}", text(*at));
  listening_.push_back(std::make_shared<Listening>(
      Listening{listener, std::move(*acceptor), boost::asio::steady_timer(lanes_[0]->context())}));
}

void Edge::close_listeners() {
  for (const auto& listening : std::exchange(listening_, {})) {
    error_code ignored;
    listening->pause.cancel();
    listening->acceptor.close(ignored);
  }
}

void Edge::accept(const std::shared_ptr<Listening>& listening) {
  Lane& lane = *lanes_[next_lane_++ % lanes_.size()];
  listening->acceptor.async_accept(lane.context(),
                                   [this, listening, &lane](error_code failed, boost::asio::ip::tcp::socket socket) {
                                     if (!listening->acceptor.is_open()) return;
                                     if (!failed) {
                                       on_accepted(listening, std::move(socket), lane);
                                       return accept(listening);
                                     }
                                     // Out of descriptors, or a peer that was gone before it was taken.
                                     listening->pause.expires_after(kDescriptorPause);
                                     listening->pause.async_wait([this, listening](error_code cancelled) {
                                       if (!cancelled) accept(listening);
                                     });
                                   });
}

void Edge::on_accepted(const std::shared_ptr<Listening>& listening, boost::asio::ip::tcp::socket socket, Lane& lane) {
  error_code failed;
  const auto peer = socket.remote_endpoint(failed);
  if (failed) return;
  const auto answer = admissions_.of(listening->listener).admit(peer.address(), Admission::Clock::now());
  if (answer != Admission::Answer::Admit)
    return lanes_[0]->note("edge.connection-refused", {{"peer", text(peer)}, {"why", std::string(name(answer))}});
  auto handed = std::make_shared<boost::asio::ip::tcp::socket>(std::move(socket));
  lane.post([&lane, handed, peer, listener = listening->listener] { lane.adopt(std::move(*handed), peer, listener); });
}

// --- Logins --------------------------------------------------------------------------------------------------------

void Edge::check_logins() {
  check_timer_.cancel();
  for (const config::Login& login : settings_->config.logins) {
    if (!login.certificate.empty())
      lanes_[0]->check_login(login.domain, true, LoginCheck::with_certificate(login.domain));
    if (login.probe.empty()) continue;
    auto password = read_password(login.probe_password);
    if (!password) {
      log_->error("{}: can't be read; logins to {} are not checked", login.probe_password.string(), login.domain);
      continue;
    }
    lanes_[0]->check_login(
        login.domain, false,
        LoginCheck::with_password(login.domain, login.probe, *std::move(password), new_stream_id(), new_stream_id()));
  }
}

void Edge::on_checked(const std::string& domain, bool certificate, const LoginCheck::Finding& finding) {
  const std::string what = std::string(certificate ? "logins by certificate to " : "logins to ") + domain;
  using Verdict = LoginCheck::Verdict;
  if (finding.verdict == Verdict::Fails)
    log_->error("{} can't work and are refused: {}", what, finding.text);
  else if (finding.verdict == Verdict::Unknown)
    log_->warn("{} could not be checked: {}", what, finding.text);
  else
    log_->info("{}: {}", what, finding.text);
  const std::string why = finding.verdict == Verdict::Fails ? finding.text : "";
  for (const auto& lane : lanes_)
    lane->post([to = lane.get(), domain, certificate, why] { to->refuse_logins(domain, certificate, why); });
  if (finding.reached || state_ != State::Serving) return;
  check_timer_.expires_after(kCheckAgain);
  check_timer_.async_wait([this](error_code cancelled) {
    if (!cancelled && state_ == State::Serving) check_logins();
  });
}

// --- Reload and the end --------------------------------------------------------------------------------------------

void Edge::do_reload() {
  if (!options_.reload) return;
  auto config = options_.reload();
  if (!config) return log_->error("the configuration was not reloaded: {}", config.error());
  if (config->lanes != settings_->config.lanes || config->enclave != settings_->config.enclave)
    return log_->error("the configuration was not reloaded: lanes and enclave need a restart");
  auto settings = Settings::load(std::move(*config));
  if (!settings)
    return log_->error("the configuration was not reloaded: {}: {}", settings.error().file.string(),
                       settings.error().what);
  for (const auto& fault : (*settings)->contexts->faults())
    log_->error("{}: {}; its domain has no TLS", fault.file.string(), fault.what);
  settings_ = std::move(*settings);
  admissions_.set_limits(settings_->config);
  mark_listeners();
  reopen_listeners();
  for (const auto& lane : lanes_) lane->post([to = lane.get(), now = settings_] { to->apply(now); });
  if (state_ == State::Serving) check_logins();
  log_->info("the configuration was reloaded");
}

void Edge::mark_listeners() {
  for (const auto& listening : listening_) {
    error_code failed;
    const bool ipv6 = listening->acceptor.local_endpoint(failed).address().is_v6();
    if (!failed) mark(listening->acceptor.native_handle(), settings_->config.dscp, ipv6, failed);
    if (failed) log_->error("dscp of a listener: {}", failed.message());
  }
}

/// Listeners that stay are not touched.
void Edge::reopen_listeners() {
  const auto& wanted = settings_->config.listeners;
  const auto gone = std::ranges::partition(
      listening_, [&](const auto& each) { return std::ranges::find(wanted, each->listener) != wanted.end(); });
  for (const auto& listening : gone) {
    error_code ignored;
    listening->pause.cancel();
    listening->acceptor.close(ignored);
  }
  listening_.erase(gone.begin(), gone.end());
  if (state_ != State::Serving) return;
  for (const auto& listener : wanted) {
    const bool stands = std::ranges::any_of(listening_, [&](const auto& each) { return each->listener == listener; });
    if (stands) continue;
    const std::size_t before = listening_.size();
    open_listener(listener);
    if (listening_.size() > before) accept(listening_.back());
  }
}

void Edge::do_stop() {
  if (std::exchange(state_, State::Stopping) == State::Stopping) return;
  log_->info("stopping");
  close_listeners();
  for (const auto& lane : lanes_) lane->post([to = lane.get()] { to->shut_down(); });
  wait_for_legs(std::chrono::steady_clock::now() + kParting);
}

void Edge::wait_for_legs(std::chrono::steady_clock::time_point deadline) {
  auto asked = std::make_shared<std::size_t>(lanes_.size());
  auto legs = std::make_shared<std::size_t>(0);
  for (const auto& lane : lanes_)
    lane->post([this, to = lane.get(), asked, legs, deadline] {
      lanes_[0]->post([this, count = to->legs(), asked, legs, deadline] {
        *legs += count;
        if (--*asked > 0) return;
        if (*legs == 0 || std::chrono::steady_clock::now() >= deadline) {
          for (const auto& each : lanes_)
            each->post([to = each.get()] {
              to->unlink();
              to->stop();
            });
          return;
        }
        timer_.expires_after(kLegsPoll);
        timer_.async_wait([this, deadline](error_code) { wait_for_legs(deadline); });
      });
    });
}

}  // namespace sallyport::edge
