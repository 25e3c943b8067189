#include "proxy/main/run/programs.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy/main/run/child.h"
#include "proxy/main/run/supervisor.h"

namespace sallyport::run {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t kLongestLine = 3500;  // with its label less than what a pipe takes in one piece

int number(Signal signal) {
  switch (signal) {
    case Signal::Hangup:
      return SIGHUP;
    case Signal::Terminate:
      return SIGTERM;
    case Signal::Kill:
      break;
  }
  return SIGKILL;
}

/// Standard error. What it does not take at once is dropped and counted: a stopped terminal must not stop the guard.
class Terminal {
 public:
  void print(std::string_view label, std::string_view line) {
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) {
      ++dropped_;
      return;
    }
    std::string text;
    if (dropped_ > 0) text = "run | " + std::to_string(dropped_) + " lines were dropped\n";
    dropped_ = 0;
    text.append(label).append(" | ").append(line.substr(0, kLongestLine)).append("\n");
    if (write(STDERR_FILENO, text.data(), text.size()) < 0) ++dropped_;
  }

 private:
  std::size_t dropped_ = 0;
};

class Run {
 public:
  explicit Run(const std::vector<Program>& programs)
      : programs_(programs), supervisor_(programs.size()), children_(programs.size()), pending_(programs.size()) {
    for (const Program& program : programs) width_ = std::max(width_, program.label.size());
  }

  int until_finished() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    signals_ = Descriptor(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    act(supervisor_.start(steady_clock::now()));
    while (!supervisor_.finished()) {
      wait();
      take_signals();
      for (std::size_t i = 0; i < children_.size(); ++i) pass_output(i);
      act(supervisor_.tick(steady_clock::now()));
    }
    return supervisor_.status();
  }

 private:
  void wait() {
    std::vector<pollfd> events{{signals_.number(), POLLIN, 0}};
    for (const auto& child : children_) {
      if (child) events.push_back({child->output(), POLLIN, 0});
    }
    int timeout = -1;
    if (const auto deadline = supervisor_.next_deadline()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - steady_clock::now());
      timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
    }
    poll(events.data(), events.size(), timeout);
  }

  void take_signals() {
    signalfd_siginfo got{};
    while (read(signals_.number(), &got, sizeof got) == sizeof got) {
      switch (got.ssi_signo) {
        case SIGCHLD:
          reap();
          break;
        case SIGHUP:
          say("told to reload");
          act(supervisor_.reload());
          break;
        default:
          say("told to stop");
          act(supervisor_.stop(steady_clock::now()));
      }
    }
  }

  void reap() {
    int state = 0;
    for (pid_t pid = waitpid(-1, &state, WNOHANG); pid > 0; pid = waitpid(-1, &state, WNOHANG)) {
      for (std::size_t i = 0; i < children_.size(); ++i) {
        if (children_[i] && children_[i]->pid() == pid) ended(i, state);
      }
    }
  }

  void ended(std::size_t i, int state) {
    pass_output(i);
    if (!pending_[i].empty()) terminal_.print(padded(programs_[i].label), pending_[i]);
    pending_[i].clear();
    children_[i].reset();
    const int status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    say(programs_[i].label + (WIFEXITED(state) ? " ended with status " + std::to_string(status)
                                               : " was killed by signal " + std::to_string(WTERMSIG(state))));
    act(supervisor_.ended(i, {status}, steady_clock::now()));
  }

  void pass_output(std::size_t i) {
    if (!children_[i]) return;
    std::string& text = pending_[i];
    children_[i]->read_output(text);
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
      terminal_.print(padded(programs_[i].label), std::string_view(text).substr(begin, end - begin));
      begin = end + 1;
    }
    text.erase(0, begin);
    if (text.size() > kLongestLine) {
      terminal_.print(padded(programs_[i].label), text);
      text.clear();
    }
  }

  void act(const std::vector<Action>& actions) {
    for (const Action& action : actions) {
      if (action.what == Action::What::Start) {
        children_[action.child] = std::make_unique<Child>(Child::start(programs_[action.child]));
        say("started " + programs_[action.child].label + ", process " + std::to_string(children_[action.child]->pid()));
      } else if (children_[action.child]) {
        children_[action.child]->send(number(action.signal));
      }
    }
  }

  void say(const std::string& line) { terminal_.print(padded("run"), line); }
  std::string padded(std::string label) const {
    label.resize(std::max(width_, label.size()), ' ');
    return label;
  }

  const std::vector<Program>& programs_;
  Supervisor supervisor_;
  std::vector<std::unique_ptr<Child>> children_;  ///< null: does not run
  std::vector<std::string> pending_;              ///< the last line of each, not complete yet
  Descriptor signals_;
  Terminal terminal_;
  std::size_t width_ = 3;
};

}  // namespace

int run(const std::vector<Program>& programs) {
  return Run(programs).until_finished();
}

}  // namespace sallyport::run
