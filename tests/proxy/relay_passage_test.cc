// protocol.md 4.3 to 4.6: stream management through a guard that drops, bounces and injects.
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/relay/ack_counter.h"
#include "proxy/relay/passage.h"

namespace sallyport::relay {
namespace {

Passage::Digest digest(std::uint64_t of) {
  Passage::Digest digest{};
  for (std::size_t i = 0; i < 8; ++i) digest[i] = static_cast<std::uint8_t>(of >> 8 * i);
  return digest;
}

TEST(Passage, SM_vector_1_a_refusal_waits_for_what_came_before_it) {
  Passage passage;
  passage.forward(10);
  passage.refuse(digest(2));
  passage.forward(10);
  EXPECT_EQ(passage.came(), 3U);
  EXPECT_EQ(passage.handled(), 0U);
  EXPECT_EQ(passage.left(), 2U);
  ASSERT_TRUE(passage.settle(1));
  EXPECT_EQ(passage.handled(), 2U);
  ASSERT_TRUE(passage.settle(2));
  EXPECT_EQ(passage.handled(), 3U);
}

TEST(Passage, SM_vector_2_an_injection_acknowledges_nothing) {
  Passage passage;
  passage.forward(10);
  passage.inject("<message/>");
  passage.forward(10);
  EXPECT_EQ(passage.left(), 3U);
  ASSERT_TRUE(passage.settle(1));
  EXPECT_EQ(passage.handled(), 1U);
  ASSERT_TRUE(passage.settle(2));
  EXPECT_EQ(passage.handled(), 1U);
  ASSERT_TRUE(passage.settle(3));
  EXPECT_EQ(passage.handled(), 2U);
}

TEST(Passage, SM_vector_3_a_lone_refusal_is_handled_at_once) {
  Passage passage;
  passage.refuse(digest(1));
  EXPECT_EQ(passage.handled(), 1U);
}

TEST(Passage, SM_vector_5_more_than_was_sent_is_not_taken) {
  Passage passage;
  passage.forward(10);
  EXPECT_FALSE(passage.settle(2));
  EXPECT_EQ(passage.handled(), 0U);
}

TEST(Passage, SM_vector_6_resumption) {
  Passage passage;
  passage.forward(10);
  passage.refuse(digest(2));
  passage.forward(10);
  passage.inject("<i1/>");
  passage.refuse(digest(4));
  ASSERT_TRUE(passage.settle(1));
  EXPECT_EQ(passage.handled(), 2U);
  EXPECT_EQ(passage.resume(), std::vector<std::string>{"<i1/>"});
  EXPECT_EQ(passage.came(), 2U);
  EXPECT_EQ(passage.left(), 1U);
  EXPECT_EQ(passage.inject("<i1/>"), 2U);
  EXPECT_FALSE(passage.was_refused(digest(3)));
  EXPECT_EQ(passage.forward(10), 3U);
  EXPECT_TRUE(passage.was_refused(digest(4)));
  passage.refuse(digest(4));
  EXPECT_EQ(passage.handled(), 2U);
  ASSERT_TRUE(passage.settle(3));
  EXPECT_EQ(passage.handled(), 4U);
}

TEST(Passage, SM_a_full_queue_stops_reading_and_loses_nothing) {
  Passage passage;
  for (std::size_t i = 0; i < Passage::kMostEntries; ++i) {
    ASSERT_FALSE(passage.is_full());
    passage.forward(1);
  }
  EXPECT_TRUE(passage.is_full());
  ASSERT_TRUE(passage.settle(1));
  EXPECT_FALSE(passage.is_full());
}

TEST(AckCounter, SM_vector_4_wrap_around) {
  const AckCounter in(0, 4294967294);
  EXPECT_EQ(in.h(0), 4294967294U);
  EXPECT_EQ(in.h(1), 4294967295U);
  EXPECT_EQ(in.h(3), 1U);
  AckCounter out(0, 4294967295);
  EXPECT_EQ(out.acknowledge(0, 2), 1U);
  EXPECT_EQ(out.acknowledge(1, 2), 2U);
}

TEST(AckCounter, SM_vector_5_too_high_and_backwards) {
  AckCounter one(0);
  EXPECT_EQ(one.acknowledge(2, 1), std::nullopt);
  AckCounter five(0);
  EXPECT_EQ(five.acknowledge(5, 5), 5U);
  EXPECT_EQ(five.acknowledge(4, 5), std::nullopt);
  EXPECT_EQ(five.acknowledge(5, 5), 5U);
  AckCounter wrapped(0, 4294967294);
  EXPECT_EQ(wrapped.acknowledge(3, 4), std::nullopt);
  EXPECT_EQ(wrapped.acknowledge(1, 4), 3U);
  EXPECT_EQ(AckCounter(7).acknowledge(4294967295, 7), std::nullopt);
}

/// A sender, the guard between, and a receiver; connections break at any time and are resumed. Counts on the wire begin
/// near 2^32, so that they go round.
class World {
 public:
  explicit World(std::uint64_t seed)
      : random_(seed),
        wire_in_(static_cast<std::uint32_t>(0U - 1U - seed % 40)),
        wire_out_(static_cast<std::uint32_t>(0U - 1U - seed % 23)),
        in_(0, wire_in_),
        out_(0, wire_out_) {}

  void step() {
    switch (random_() % 10) {
      case 0:
      case 1:
      case 2:
        return send();
      case 3:
      case 4:
        return cross();
      case 5:
      case 6:
        return arrive();
      case 7:
        return acknowledge_far();
      case 8:
        if (random_() % 4 == 0) return inject();
        return acknowledge_near();
      default:
        if (random_() % 5 == 0) resume();
    }
  }

  void finish() {
    resume();
    for (int i = 0; i < 3; ++i) {
      while (!near_wire_.empty()) cross();
      while (!far_wire_.empty()) arrive();
      acknowledge_far();
      acknowledge_near();
    }
  }

  /// Each stanza that was sent and not refused arrived once, in order; each refused one was refused once; each
  /// injection arrived once.
  void check() const {
    std::vector<std::uint64_t> wanted;
    for (std::uint64_t id = 1; id <= sent_; ++id)
      if (!is_refused(id)) wanted.push_back(id);
    EXPECT_EQ(stanzas_arrived_, wanted);
    std::vector<std::uint64_t> injections;
    for (std::uint64_t i = 1; i <= injected_; ++i) injections.push_back(i);
    EXPECT_EQ(injections_arrived_, injections);
    std::uint64_t refusals = 0;
    for (std::uint64_t id = 1; id <= sent_; ++id) refusals += is_refused(id) ? 1U : 0U;
    EXPECT_EQ(refused_, refusals);
    EXPECT_TRUE(kept_.empty());
  }

 private:
  static bool is_refused(std::uint64_t id) { return id % 5 == 3; }

  void send() {
    if (passage_.is_full()) return;
    kept_.push_back(++sent_);
    near_wire_.push_back(sent_);
  }
  void cross() {
    if (near_wire_.empty()) return;
    const std::uint64_t id = near_wire_.front();
    near_wire_.pop_front();
    if (is_refused(id)) {
      if (!passage_.was_refused(digest(id))) ++refused_;
      return passage_.refuse(digest(id));
    }
    passage_.forward(1);
    far_wire_.emplace_back(false, id);
  }
  void inject() {
    passage_.inject(std::to_string(++injected_));
    far_wire_.emplace_back(true, injected_);
  }
  void arrive() {
    if (far_wire_.empty()) return;
    const auto [injection, id] = far_wire_.front();
    far_wire_.pop_front();
    (injection ? injections_arrived_ : stanzas_arrived_).push_back(id);
    ++received_;
  }
  std::uint32_t far_h() const { return wire_out_ + static_cast<std::uint32_t>(received_); }
  void acknowledge_far() {
    const auto number = out_.acknowledge(far_h(), passage_.left());
    ASSERT_TRUE(number);
    ASSERT_TRUE(passage_.settle(*number));
  }
  void take_h(std::uint32_t h) {
    const std::uint32_t before = wire_in_ + static_cast<std::uint32_t>(sent_ - kept_.size());
    const std::uint32_t news = h - before;
    ASSERT_LE(news, kept_.size()) << "acknowledged more than was sent";
    kept_.erase(kept_.begin(), kept_.begin() + news);
  }
  void acknowledge_near() { take_h(in_.h(passage_.handled())); }
  /// Both connections break: what was on the wires is gone.
  void resume() {
    near_wire_.clear();
    far_wire_.clear();
    acknowledge_far();  // <resume h/> and <resumed h/>
    const std::vector<std::string> again = passage_.resume();
    acknowledge_near();
    for (const std::string& injection : again) {
      passage_.inject(injection);
      far_wire_.emplace_back(true, std::stoull(injection));
    }
    for (const std::uint64_t id : kept_) near_wire_.push_back(id);
  }

  std::mt19937_64 random_;
  std::uint32_t wire_in_, wire_out_;
  Passage passage_;
  AckCounter in_, out_;
  std::uint64_t sent_ = 0, injected_ = 0, received_ = 0, refused_ = 0;
  std::deque<std::uint64_t> kept_;  ///< the sender's copies
  std::deque<std::uint64_t> near_wire_;
  std::deque<std::pair<bool, std::uint64_t>> far_wire_;
  std::vector<std::uint64_t> stanzas_arrived_, injections_arrived_;
};

TEST(Passage, SM_nothing_is_lost_or_doubled_over_random_breaks) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    World world(seed);
    for (int i = 0; i < 600; ++i) world.step();
    world.finish();
    world.check();
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace sallyport::relay
