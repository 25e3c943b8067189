// The way of records into the audit log, and of what waits for them out again.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "audit/log.h"
#include "proxy/guard/letter.h"
#include "proxy/guard/session_state.h"
#include "proxy/relay/fifo.h"

namespace sallyport::guard {

/// What a record stands for. Nothing of it happens before the record is written.
struct OnRecord {
  enum class Then : std::uint8_t {
    Nothing,
    Deliver,  ///< the stanza with that number on the dialled leg goes out
    Answer,   ///< the origin is answered for; what the guard has to say takes its way
    Session,  ///< a stanza of that session leaves or is answered for
  };
  Then then = Then::Nothing;
  std::uint64_t leg = 0;     ///< Deliver: serial of the dialled leg; Session: of the session
  std::uint64_t number = 0;  ///< Deliver; Session: of the departure, 0: nothing leaves
  Way way = Way::ToServer;   ///< Session
  Origin origin;             ///< Answer; Session: the number in its passage, 0: it is an injection
  /// Answer: bounces, answers and what else follows, each with the time before which it does not leave.
  struct Follows {
    std::unique_ptr<Waiting> injection;
    Steady due{};
  };
  std::vector<Follows> follows;
  void follow(std::unique_ptr<Waiting> injection, Steady due = {}) {
    if (injection) follows.push_back({std::move(injection), due});
  }
};

/// Keeps records in their order when the log's ring is full, and pairs what was recorded with what waits for it.
class Recorder {
 public:
  explicit Recorder(audit::Log::Lane& log) : log_(log) {}

  /// The log looks at it when wake() is called.
  void submit(const audit::Record& record, OnRecord then);
  /// Something that nothing waits for. Its texts are cut: an edge's frame can hold megabytes, and what the log has no
  /// room for yet is kept here.
  static constexpr std::size_t kLongestDetail = 1024;
  void event(audit::EventRecord record);

  /// After every input, or once for a batch: the log has to look, if anything was submitted.
  void wake();

  struct Recorded {
    OnRecord what;
    std::uint64_t number = 0;  ///< in the log
  };
  /// Appends what has been recorded since the last call, oldest first.
  void take_recorded(std::vector<Recorded>& out);

  /// The log does not keep up: nothing new should be let in.
  bool is_congested() const { return !backlog_.empty(); }
  std::size_t open() const { return waiting_.size() + backlog_.size(); }

 private:
  static constexpr std::size_t kKeptPlaces = 4096;
  struct Kept {
    audit::Record record;
    OnRecord then;
  };
  bool enqueue(const audit::Record& record);
  void push_backlog();

  audit::Log::Lane& log_;
  std::deque<Kept> backlog_;       ///< not taken by the ring yet; bounded by the credit that its stanzas occupy
  relay::Fifo<OnRecord> waiting_;  ///< submitted, in order of their tickets
  std::vector<audit::Recorded> recorded_;
  bool wakes_ = false;  ///< the log has not been told of all
};

}  // namespace sallyport::guard
