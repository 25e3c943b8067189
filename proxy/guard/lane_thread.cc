#include "proxy/guard/lane_thread.h"

#include <utility>

#include <boost/asio/post.hpp>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include "proxy/airlock/heap.h"

namespace sallyport::guard {

namespace asio = boost::asio;

namespace {

/// In records: what a lane may have under way to the log. Far above what its legs' credit allows in normal use.
constexpr std::size_t kRing = 16 * 1024;
constexpr std::chrono::seconds kTrim{5};
constexpr std::uint64_t kQuietInputs = 500;  // within that time

std::string_view name(airlock::ChannelEnd end) {
  switch (end) {
    case airlock::ChannelEnd::Lost:
      return "the edge closed it";
    case airlock::ChannelEnd::Silent:
      return "the edge was silent";
    case airlock::ChannelEnd::Fault:
      return "the edge sent what is no frame";
    case airlock::ChannelEnd::Overflow:
      return "the edge does not read";
  }
  return "";
}

}  // namespace

/// One channel, and whose it is.
class LaneThread::Line final : public airlock::Channel::Owner {
 public:
  Line(LaneThread& thread, airlock::Socket socket, EdgeIndex edge, Stay stay, std::uint16_t edge_lane)
      : thread_(thread),
        edge_(edge),
        stay_(stay),
        edge_lane_(edge_lane),
        channel_(airlock::Channel::make(std::move(socket), *this)) {}
  virtual ~Line() { channel_->close(); }

  void start(const airlock::Welcome& welcome) {
    channel_->send(airlock::kNoLeg, welcome);
    channel_->start();
  }
  void send(airlock::LegId leg, const airlock::Body& body) { channel_->send(leg, body); }

 private:
  void on_frame(airlock::Channel&, const airlock::Frame& frame) override {
    thread_.lane_.on_frame(edge_, edge_lane_, frame, now_in_batch());
  }
  void on_batch_end(airlock::Channel&) override {
    batch_open_ = false;
    thread_.finish_input();
  }
  void on_end(airlock::Channel&, airlock::ChannelEnd end, std::string_view) override {
    thread_.coordinator_.on_stay_over(edge_, stay_, name(end));
  }
  /// One look at the clocks serves all frames of a batch.
  Moment now_in_batch() {
    if (!batch_open_) {
      batch_open_ = true;
      moment_ = now();
    }
    return moment_;
  }

  LaneThread& thread_;
  const EdgeIndex edge_;
  const Stay stay_;
  const std::uint16_t edge_lane_;
  std::shared_ptr<airlock::Channel> channel_;
  Moment moment_;
  bool batch_open_ = false;
};

LaneThread::LaneThread(LaneSettings settings, audit::Log& log, Budget& budget,
                       std::shared_ptr<const policy::Bundle> bundle, Coordinator& coordinator)
    : context_(1),
      work_(context_.get_executor()),
      timer_(context_),
      trim_timer_(context_),
      coordinator_(coordinator),
      edges_(settings.enclaves.size()),
      lane_(std::move(settings), *this,
            log.add_lane(
                [this] {
                  if (!news_posted_.exchange(true)) asio::post(context_, [this] { on_log_news(); });
                },
                kRing),
            budget, std::move(bundle)) {}

LaneThread::~LaneThread() {
  stop();
}

void LaneThread::start() {
  thread_ = std::thread([this] { context_.run(); });
  pthread_setname_np(thread_.native_handle(), "lane");
}

void LaneThread::stop() {
  if (!thread_.joinable()) return;
  post([this] {
    for (EdgeLines& edge : edges_) edge.lines.clear();
    timer_.cancel();
    work_.reset();
    context_.stop();
  });
  thread_.join();
}

void LaneThread::post(std::function<void()> work) {
  asio::post(context_, std::move(work));
}

Moment LaneThread::now() {
  return {std::chrono::steady_clock::now(),
          std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now())};
}

void LaneThread::take_channel(airlock::Socket socket, EdgeIndex edge, Stay stay, const airlock::Hello& hello,
                              const airlock::Welcome& welcome) {
  // A socket belongs to the io_context that it was accepted on; only its descriptor can move.
  boost::system::error_code failed;
  const int descriptor = socket.release(failed);
  if (failed) return coordinator_.on_stay_over(edge, stay, "its socket cannot be moved");
  post([this, descriptor, edge, stay, hello, welcome] { add_line(descriptor, edge, stay, hello, welcome); });
}

void LaneThread::add_line(int descriptor, EdgeIndex edge, Stay stay, const airlock::Hello& hello,
                          const airlock::Welcome& welcome) {
  airlock::Socket socket(context_, asio::local::stream_protocol(), descriptor);
  EdgeLines& lines = edges_[edge];
  if (lines.stay > stay) return;
  if (lines.stay != stay) {
    lines.stay = stay;
    lines.lines.clear();
  }
  lines.lines.resize(hello.edge_lanes);
  auto& place = lines.lines[hello.edge_lane];
  place = std::make_unique<Line>(*this, std::move(socket), edge, stay, hello.edge_lane);
  place->start(welcome);
  lane_.on_channel(edge, hello.edge_lane, hello.edge_lanes, now());
  finish_input();
}

void LaneThread::end_stay(EdgeIndex edge, Stay stay, std::function<void()> done) {
  post([this, edge, stay, done = std::move(done)] {
    if (edges_[edge].stay == stay) {
      edges_[edge].lines.clear();
      lane_.on_edge_lost(edge, now());
      finish_input();
    }
    done();
  });
}

void LaneThread::send(EdgeIndex edge, std::uint16_t edge_lane, airlock::LegId leg, const airlock::Body& body) {
  const auto& lines = edges_[edge].lines;
  if (edge_lane < lines.size() && lines[edge_lane]) lines[edge_lane]->send(leg, body);
}

void LaneThread::end_edge(EdgeIndex edge) {
  // Not now: a line of that edge may be in the middle of its batch.
  coordinator_.on_stay_over(edge, edges_[edge].stay, "it broke the protocol");
}

void LaneThread::tell_lane(std::uint16_t lane, LaneMessage message) {
  coordinator_.on_lane_message(lane, std::move(message));
}

void LaneThread::take_message(LaneMessage message) {
  asio::post(context_, [this, message = std::move(message)]() mutable {
    lane_.on_message(std::move(message), now());
    finish_input();
  });
}

void LaneThread::swap(std::shared_ptr<const policy::Bundle> bundle) {
  post([this, bundle = std::move(bundle)] {
    lane_.swap(bundle, now());
    finish_input();
  });
}

void LaneThread::shade(std::shared_ptr<const policy::Bundle> bundle) {
  post([this, bundle = std::move(bundle)]() mutable {
    lane_.shade(std::move(bundle), now());
    finish_input();
  });
}

void LaneThread::drain(std::chrono::milliseconds deadline) {
  post([this, deadline] {
    lane_.drain(now(), deadline);
    finish_input();
  });
}

void LaneThread::give_up() {
  post([this] {
    lane_.give_up(now());
    finish_input();
  });
}

void LaneThread::halt() {
  post([this] { lane_.halt(); });
}

void LaneThread::record(audit::EventRecord event) {
  post([this, event = std::move(event)] { lane_.record(event); });
}

void LaneThread::preview(std::shared_ptr<const policy::Bundle> bundle,
                         std::function<void(std::vector<Lane::Ending>)> answer) {
  post([this, bundle = std::move(bundle), answer = std::move(answer)] { answer(lane_.endings(*bundle)); });
}

void LaneThread::count(std::function<void(Lane::Census)> answer) {
  post([this, answer = std::move(answer)] { answer(lane_.census()); });
}

void LaneThread::restore(const std::vector<StoredPair>& pairs, const std::vector<StoredShown>& shown,
                         LedgerStore& store) {
  LedgerOutlet& outlet = store.add_lane([this] {
    post([this] {
      lane_.on_stored(now());
      finish_input();
    });
  });
  lane_.restore(pairs, shown, &outlet, now());
  post([this] { finish_input(); });
}

void LaneThread::ask(std::function<void(Lane&, Moment)> work) {
  post([this, work = std::move(work)] {
    work(lane_, now());
    finish_input();
  });
}

void LaneThread::on_log_news() {
  news_posted_ = false;
  lane_.on_recorded(now());
  finish_input();
}

void LaneThread::finish_input() {
  lane_.flush(now());
  set_timer();
  ++inputs_;
  trim_later();
}

void LaneThread::trim_later() {
  if (std::exchange(trim_waits_, true)) return;
  trim_timer_.expires_after(kTrim);
  trim_timer_.async_wait([this, before = inputs_](boost::system::error_code cancelled) {
    trim_waits_ = false;
    if (cancelled) return;
    if (inputs_ - before > kQuietInputs) return trim_later();
    heap::trim();
  });
}

void LaneThread::set_timer() {
  const Steady due = lane_.next_deadline();
  // A timer that is early looks again; only an earlier deadline has to move it.
  if (due >= timer_at_) return;
  timer_at_ = due;
  timer_.expires_at(due);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    timer_at_ = kNever;
    lane_.tick(now());
    finish_input();
  });
}

}  // namespace sallyport::guard
