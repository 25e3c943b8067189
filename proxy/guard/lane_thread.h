// A lane on its thread: the channels of the edges, timers and the log's wake-ups become inputs of guard::Lane.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "audit/log.h"
#include "proxy/airlock/channel.h"
#include "proxy/guard/lane.h"

namespace sallyport::guard {

/// One stay of an edge: from its first channel to the end of any of them. Numbers are never reused.
using Stay = std::uint64_t;

/// Everything public is called from another thread, the coordinator's; it becomes a message to the lane's own.
class LaneThread final : private Outlet {
 public:
  class Coordinator {
   public:
    /// Called on the lane's thread: a channel of that stay is over, so the whole stay is.
    virtual void on_stay_over(EdgeIndex edge, Stay stay, std::string_view why) = 0;
    /// Called on the lane's thread: for the lane of that number.
    virtual void on_lane_message(std::uint16_t lane, LaneMessage message) = 0;

   protected:
    ~Coordinator() = default;
  };

  LaneThread(LaneSettings settings, audit::Log& log, Budget& budget, std::shared_ptr<const policy::Bundle> bundle,
             Coordinator& coordinator);
  ~LaneThread();

  void start();
  /// Ends all channels and the thread.
  void stop();

  /// A connection whose Hello was read. Welcome goes out first on it.
  void take_channel(airlock::Socket socket, EdgeIndex edge, Stay stay, const airlock::Hello& hello,
                    const airlock::Welcome& welcome);
  /// `done` is called on the lane's thread, once the channels of that stay are closed.
  void end_stay(EdgeIndex edge, Stay stay, std::function<void()> done);
  void swap(std::shared_ptr<const policy::Bundle> bundle);
  void shade(std::shared_ptr<const policy::Bundle> bundle);
  void drain(std::chrono::milliseconds deadline);
  void give_up();
  void halt();
  void record(audit::EventRecord event);
  /// `answer` is called on the lane's thread.
  void preview(std::shared_ptr<const policy::Bundle> bundle, std::function<void(std::vector<Lane::Ending>)> answer);
  void count(std::function<void(Lane::Census)> answer);
  /// Before start(): what the store held, and where changes go.
  void restore(const std::vector<StoredPair>& pairs, const std::vector<StoredShown>& shown, LedgerStore& store);
  /// From another lane.
  void take_message(LaneMessage message);
  /// Anything about the lane; `work` is called on its thread.
  void ask(std::function<void(Lane& lane, Moment now)> work);

 private:
  class Line;

  void send(EdgeIndex edge, std::uint16_t edge_lane, airlock::LegId leg, const airlock::Body& body) override;
  void end_edge(EdgeIndex edge) override;
  void tell_lane(std::uint16_t lane, LaneMessage message) override;

  void post(std::function<void()> work);
  void add_line(int socket, EdgeIndex edge, Stay stay, const airlock::Hello& hello, const airlock::Welcome& welcome);
  void on_log_news();
  /// After every input: what is due once for it goes out, and the timer is set.
  void finish_input();
  void set_timer();
  /// Gives freed memory back to the system once it is quiet.
  void trim_later();
  static Moment now();

  struct EdgeLines {
    Stay stay = 0;
    std::vector<std::unique_ptr<Line>> lines;  ///< by edge lane; empty where no channel stands
  };

  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  Steady timer_at_ = kNever;
  boost::asio::steady_timer trim_timer_;
  bool trim_waits_ = false;
  std::uint64_t inputs_ = 0;
  Coordinator& coordinator_;
  std::atomic<bool> news_posted_{false};
  std::vector<EdgeLines> edges_;
  Lane lane_;
  std::thread thread_;
};

}  // namespace sallyport::guard
