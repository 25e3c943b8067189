// Decides what `sallyport run` does with its children. Does no I/O: events in, actions out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sallyport::run {

using Time = std::chrono::steady_clock::time_point;

enum class Signal : std::uint8_t { Hangup, Terminate, Kill };

struct Action {
  enum class What : std::uint8_t { Start, Send };
  What what = What::Start;
  std::size_t child = 0;
  Signal signal = Signal::Terminate;  ///< of Send
  bool operator==(const Action&) const = default;
};

/// How a child ended. `status` is its exit status, or 128 and the number of the signal that killed it.
struct Exit {
  int status = 0;
};

/// Exit status by which a child says that it can't work with this configuration: it is not started again, and the
/// whole run ends.
inline constexpr int kWrongConfiguration = 2;

/// Child 0 is the guard, the others are edges. A child that dies is started again, the first time after 250 ms, then
/// after twice as long, up to 30 s; who has run for a minute begins anew. An orderly stop ends the edges first, which
/// end their streams with the guard's help, then the guard; each has 10 s before it is killed.
class Supervisor {
 public:
  explicit Supervisor(std::size_t children);

  std::vector<Action> start(Time now);
  std::vector<Action> ended(std::size_t child, Exit exit, Time now);
  std::vector<Action> reload();
  /// The second call hurries: all are told to end, and killed after 2 s.
  std::vector<Action> stop(Time now);
  /// To be called at next_deadline() or later.
  std::vector<Action> tick(Time now);
  /// When tick() has something to do; nullopt: nothing is awaited but events.
  std::optional<Time> next_deadline() const;

  /// True when no child runs and none will be started.
  bool finished() const;
  /// 0 after an orderly stop, 1 if a child had to be killed or ended with a failure while stopping,
  /// kWrongConfiguration if one said so.
  int status() const { return status_; }

 private:
  enum class State : std::uint8_t { Stopped, Running, WaitingToStart };
  struct Child {
    State state = State::Stopped;
    Time started, start_at;
    std::chrono::milliseconds pause{0};
  };
  enum class Phase : std::uint8_t { Running, StoppingEdges, StoppingGuard, Hurrying };

  std::vector<Action> begin(Phase phase, Time now);
  bool any_edge_runs() const;

  std::vector<Child> children_;
  Phase phase_ = Phase::Running;
  Time kill_at_{};
  bool killed_ = false;  ///< the children of this phase have been sent Kill
  int status_ = 0;
};

}  // namespace sallyport::run
