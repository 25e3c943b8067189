#include "proxy/main/run/supervisor.h"

#include <algorithm>

namespace sallyport::run {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kGuard = 0;
constexpr std::chrono::milliseconds kFirstPause = 250ms;
constexpr std::chrono::milliseconds kLongestPause = 30s;
constexpr std::chrono::milliseconds kGoodRun = 60s;
constexpr std::chrono::milliseconds kTimeToEnd = 10s;
constexpr std::chrono::milliseconds kTimeToEndInHurry = 2s;

}  // namespace

Supervisor::Supervisor(std::size_t children) : children_(children) {}

std::vector<Action> Supervisor::start(Time now) {
  std::vector<Action> actions;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    children_[i].state = State::Running;
    children_[i].started = now;
    actions.push_back({Action::What::Start, i});
  }
  return actions;
}

std::vector<Action> Supervisor::ended(std::size_t child, Exit exit, Time now) {
  Child& it = children_[child];
  it.state = State::Stopped;
  if (phase_ == Phase::Running) {
    if (exit.status == kWrongConfiguration) {
      status_ = kWrongConfiguration;
      return stop(now);
    }
    if (now - it.started >= kGoodRun) it.pause = 0ms;
    it.pause = it.pause == 0ms ? kFirstPause : std::min(it.pause * 2, kLongestPause);
    it.state = State::WaitingToStart;
    it.start_at = now + it.pause;
    return {};
  }
  if (exit.status != 0 && status_ == 0) status_ = 1;
  if (phase_ == Phase::StoppingEdges && !any_edge_runs()) return begin(Phase::StoppingGuard, now);
  return {};
}

std::vector<Action> Supervisor::reload() {
  std::vector<Action> actions;
  if (phase_ != Phase::Running) return actions;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (children_[i].state == State::Running) actions.push_back({Action::What::Send, i, Signal::Hangup});
  }
  return actions;
}

std::vector<Action> Supervisor::stop(Time now) {
  if (phase_ == Phase::Hurrying) return {};
  if (phase_ != Phase::Running) return begin(Phase::Hurrying, now);
  for (Child& child : children_) {
    if (child.state == State::WaitingToStart) child.state = State::Stopped;
  }
  return begin(any_edge_runs() ? Phase::StoppingEdges : Phase::StoppingGuard, now);
}

std::vector<Action> Supervisor::begin(Phase phase, Time now) {
  phase_ = phase;
  killed_ = false;
  kill_at_ = now + (phase == Phase::Hurrying ? kTimeToEndInHurry : kTimeToEnd);
  std::vector<Action> actions;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    const bool concerned = phase == Phase::Hurrying || (i == kGuard) == (phase == Phase::StoppingGuard);
    if (concerned && children_[i].state == State::Running) {
      actions.push_back({Action::What::Send, i, Signal::Terminate});
    }
  }
  return actions;
}

std::vector<Action> Supervisor::tick(Time now) {
  std::vector<Action> actions;
  if (phase_ == Phase::Running) {
    for (std::size_t i = 0; i < children_.size(); ++i) {
      Child& child = children_[i];
      if (child.state != State::WaitingToStart || child.start_at > now) continue;
      child.state = State::Running;
      child.started = now;
      actions.push_back({Action::What::Start, i});
    }
    return actions;
  }
  if (killed_ || now < kill_at_) return actions;
  killed_ = true;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    const bool concerned = phase_ != Phase::StoppingEdges || i != kGuard;
    if (concerned && children_[i].state == State::Running) actions.push_back({Action::What::Send, i, Signal::Kill});
  }
  return actions;
}

std::optional<Time> Supervisor::next_deadline() const {
  if (phase_ != Phase::Running) return killed_ ? std::nullopt : std::optional(kill_at_);
  std::optional<Time> first;
  for (const Child& child : children_) {
    if (child.state == State::WaitingToStart && (!first || child.start_at < *first)) first = child.start_at;
  }
  return first;
}

bool Supervisor::finished() const {
  return phase_ != Phase::Running &&
         std::ranges::all_of(children_, [](const Child& child) { return child.state == State::Stopped; });
}

bool Supervisor::any_edge_runs() const {
  return std::any_of(children_.begin() + 1, children_.end(),
                     [](const Child& child) { return child.state == State::Running; });
}

}  // namespace sallyport::run
