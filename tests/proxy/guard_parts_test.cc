// The small parts of a lane: credit, windows, back-off, ids, the table of phases.
#include <gtest/gtest.h>

#include "proxy/guard/agenda.h"
#include "proxy/guard/backoff.h"
#include "proxy/guard/credit.h"
#include "proxy/guard/phase.h"
#include "proxy/guard/seen_ids.h"
#include "proxy/guard/window.h"

namespace sallyport::guard {
namespace {

using namespace std::chrono_literals;

TEST(Lent, GivesTheWindowAndMayBeOverdrawnByOneStanza) {
  Budget budget(1 << 20);
  Lent lent(budget);
  EXPECT_EQ(lent.open().octets, kWindowOctets);
  EXPECT_TRUE(lent.spend(kWindowOctets - 1));
  EXPECT_TRUE(lent.spend(500'000));
  EXPECT_FALSE(lent.spend(1));
}

TEST(Lent, CountsStanzasAsWellAsOctets) {
  Budget budget(1 << 20);
  Lent lent(budget);
  lent.open();
  for (std::uint32_t i = 0; i < kWindowStanzas + 1; ++i) EXPECT_TRUE(lent.spend(1));
  EXPECT_FALSE(lent.spend(1));
}

TEST(Lent, GivesBackWhatWasFreedAndNoMore) {
  Budget budget(1 << 20);
  Lent lent(budget);
  lent.open();
  EXPECT_TRUE(lent.spend(kWindowOctets + 100'000));
  EXPECT_FALSE(lent.replenish()) << "nothing is free yet";
  lent.free(kWindowOctets + 100'000);
  const auto credit = lent.replenish();
  ASSERT_TRUE(credit);
  EXPECT_EQ(credit->octets, kWindowOctets + 100'000);
  EXPECT_EQ(credit->stanzas, 1U);
  EXPECT_FALSE(lent.replenish());
}

TEST(Lent, WaitsUntilAQuarterOfTheWindowIsFree) {
  Budget budget(1 << 20);
  Lent lent(budget);
  lent.open();
  for (std::uint32_t i = 0; i < kWindowStanzas / 4; ++i) {
    EXPECT_FALSE(lent.replenish());
    EXPECT_TRUE(lent.spend(10));
    lent.free(10);
  }
  EXPECT_EQ(lent.replenish()->stanzas, kWindowStanzas / 4);
}

TEST(Lent, StillGivesOneStanzaInTurnWhenTheBudgetIsShort) {
  Budget budget(kWindowOctets + 10);
  Lent rich(budget);
  EXPECT_EQ(rich.open().stanzas, kWindowStanzas);
  {
    Lent poor(budget);
    EXPECT_EQ(poor.open().stanzas, 1U);
    for (int turn = 0; turn < 3; ++turn) {
      ASSERT_TRUE(poor.spend(4000));
      EXPECT_FALSE(poor.replenish());
      poor.free(4000);
      const auto credit = poor.replenish();
      ASSERT_TRUE(credit) << turn;
      EXPECT_EQ(credit->stanzas, 1U);
    }
  }
  EXPECT_EQ(budget.left(), 10);
}

TEST(Lent, GrowsWhenTheBudgetAllowsItAgain) {
  Budget budget(kWindowOctets);
  auto rich = std::make_unique<Lent>(budget);
  rich->open();
  Lent poor(budget);
  poor.open();
  rich.reset();
  ASSERT_TRUE(poor.spend(10));
  poor.free(10);
  EXPECT_GE(poor.replenish()->stanzas, kWindowStanzas - 1);
}

TEST(Purse, LetsInjectionsGoBelowNothingByTheReserve) {
  Purse purse;
  purse.spend(kWindowOctets);
  EXPECT_FALSE(purse.allows());
  EXPECT_TRUE(purse.allows_injection());
  purse.spend(kWindowOctets);
  EXPECT_FALSE(purse.allows_injection());
  airlock::Credit credit;
  credit.octets = kWindowOctets;
  credit.stanzas = 1;
  purse.add(credit);
  EXPECT_FALSE(purse.allows()) << "what injections took is given back first";
  EXPECT_TRUE(purse.allows_injection());
}

TEST(Purse, DoesNotOverflowWhateverAnEdgeGives) {
  Purse purse;
  airlock::Credit all;
  all.octets = all.stanzas = 0xFFFFFFFF;
  for (int i = 0; i < 100; ++i) purse.add(all);
  EXPECT_TRUE(purse.allows());
}

TEST(Fifo, KeepsTheOrderWhileItGoesRoundAndGrows) {
  relay::Fifo<std::string> queue;
  std::uint64_t pushed = 0, popped = 0;
  for (const std::size_t length : {5U, 3U, 20U, 1U, 100U, 2U}) {
    while (queue.size() < length) queue.push() = std::to_string(pushed++);
    for (std::size_t i = 0; i < queue.size(); ++i) EXPECT_EQ(queue[i], std::to_string(popped + i));
    while (queue.size() > length / 2) {
      EXPECT_EQ(queue.front(), std::to_string(popped++));
      queue.pop();
    }
  }
}

TEST(Fifo, GivesAPlaceOutAgainWithTheMemoryOfWhatWasInIt) {
  relay::Fifo<std::string> queue;
  const std::string text(1000, 'x');
  queue.push() = text;
  const char* const memory = queue.front().data();
  queue.pop();
  for (int i = 0; i < 7; ++i) {
    queue.push().clear();
    queue.pop();
  }
  EXPECT_EQ(queue.push().assign(text).data(), memory);
  queue.release();
  EXPECT_EQ(queue.size(), 1U) << "what is queued stays";
  queue.pop();
  queue.release();
  EXPECT_NE(queue.push(), text) << "a new place";
}

TEST(Window, TakesOnlyTheNextNumber) {
  Window window;
  EXPECT_FALSE(window.take(0));
  EXPECT_FALSE(window.take(2));
  EXPECT_TRUE(window.take(1));
  EXPECT_FALSE(window.take(1));
  EXPECT_FALSE(window.take(3));
}

TEST(Window, HandlesOnlyWhatHasNoOpenStanzaBeforeIt) {
  Window window;
  for (std::uint64_t number = 1; number <= 3; ++number) window.take(number);
  window.answer(2);
  EXPECT_FALSE(window.news());
  window.answer(1);
  EXPECT_EQ(window.news(), 2U);
  EXPECT_FALSE(window.news());
  window.answer(3);
  window.answer(3);
  EXPECT_EQ(window.news(), 3U);
  EXPECT_EQ(window.open(), 0U);
}

TEST(Gate, OpensWithinFiveSecondsAfterTheFirstFailureAndWithinFiveMinutesAfterMany) {
  std::mt19937_64 random(1);
  const Steady start(1000h);
  for (int round = 0; round < 200; ++round) {
    Gate gate;
    gate.fail(start, random);
    EXPECT_LE(gate.opens(), start + 5s);
    for (int i = 0; i < 40; ++i) gate.fail(start, random);
    EXPECT_LE(gate.opens(), start + 300s);
    EXPECT_GE(gate.opens(), start);
  }
}

TEST(Gate, ForgetsFailuresAfterALegThatStoodForAMinute) {
  std::mt19937_64 random(1);
  const Steady start(1000h);
  Gate gate;
  for (int i = 0; i < 5; ++i) gate.fail(start, random);
  gate.lose(start, start + 59s, true, random);
  EXPECT_EQ(gate.failures(), 5U);
  gate.lose(start, start + 60s, true, random);
  EXPECT_EQ(gate.failures(), 0U);
}

TEST(Gate, TakesTwoDialsAtATime) {
  Gate gate;
  gate.dial();
  EXPECT_TRUE(gate.has_room());
  gate.dial();
  EXPECT_FALSE(gate.has_room());
  gate.end_dial();
  EXPECT_TRUE(gate.has_room());
}

TEST(SeenIds, RefusesAReplayHoweverOld) {
  SeenIds seen;
  for (airlock::LegId id = 2; id < 60'000; id += 2) EXPECT_TRUE(seen.add(id));
  EXPECT_FALSE(seen.add(2));
  EXPECT_FALSE(seen.add(59'998));
  EXPECT_TRUE(seen.has(40'000));
  EXPECT_FALSE(seen.has(70'000));
  EXPECT_FALSE(seen.has(airlock::kNoLeg));
}

TEST(SeenIds, TakesIdsThatArriveALittleOutOfOrder) {
  SeenIds seen;
  EXPECT_TRUE(seen.add(8));
  EXPECT_TRUE(seen.add(4));
  EXPECT_FALSE(seen.add(4));
}

TEST(Agenda, KeepsOneDeadlineForEachSerial) {
  Agenda agenda;
  const Steady start(1000h);
  Steady first = kNever, second = kNever;
  agenda.set(1, first, start + 2s);
  agenda.set(2, second, start + 1s);
  agenda.set(2, second, start + 3s);
  EXPECT_EQ(agenda.next(), start + 2s);
  EXPECT_FALSE(agenda.due(start + 1s));
  EXPECT_EQ(agenda.due(start + 2s), 1U);
  agenda.set(1, first, kNever);
  EXPECT_EQ(agenda.next(), start + 3s);
}

/// One of each frame.
std::vector<airlock::Body> every_frame() {
  return {airlock::Hello{},  airlock::Welcome{}, airlock::Opened{}, airlock::Terms{},   airlock::Refuse{},
          airlock::Proved{}, airlock::Dial{},    airlock::Ready{},  airlock::Failed{},  airlock::Grant{},
          airlock::Stanza{}, airlock::Deliver{}, airlock::Credit{}, airlock::Handled{}, airlock::Settled{},
          airlock::Close{},  airlock::Closed{},  airlock::Event{},  airlock::Beat{},    airlock::Drain{}};
}

TEST(Ruling, TakesExactlyTheseFramesInEachPhase) {
  // Written by hand from docs/airlock.md, so that a change of the table in phase.cc is noticed.
  const auto taken = [](Side side, Phase phase) {
    std::string names;
    for (const auto& frame : every_frame()) {
      if (ruling(side, phase, frame) == Ruling::Take) names += std::string(airlock::name(frame)) + ' ';
    }
    return names;
  };
  EXPECT_EQ(taken(Side::Accepted, Phase::Opened), "");
  EXPECT_EQ(taken(Side::Accepted, Phase::Dialling), "");
  EXPECT_EQ(taken(Side::Accepted, Phase::Negotiating), "Proved Close Closed Event ");
  EXPECT_EQ(taken(Side::Accepted, Phase::Held), "Close Closed Event ");
  EXPECT_EQ(taken(Side::Accepted, Phase::Open), "Proved Stanza Close Closed Event ");
  EXPECT_EQ(taken(Side::Accepted, Phase::Draining), "Closed Event ");
  EXPECT_EQ(taken(Side::Accepted, Phase::Closed), "");
  EXPECT_EQ(taken(Side::Dialled, Phase::Opened), "");
  EXPECT_EQ(taken(Side::Dialled, Phase::Dialling), "Ready Failed Event ");
  EXPECT_EQ(taken(Side::Dialled, Phase::Negotiating), "");
  EXPECT_EQ(taken(Side::Dialled, Phase::Held), "");
  EXPECT_EQ(taken(Side::Dialled, Phase::Open), "Credit Settled Close Closed Event ");
  EXPECT_EQ(taken(Side::Dialled, Phase::Draining), "Failed Settled Closed Event ");
  EXPECT_EQ(taken(Side::Dialled, Phase::Closed), "");
}

TEST(Ruling, IgnoresTheRestOnlyWhileALegIsClosing) {
  for (const Side side : {Side::Accepted, Side::Dialled}) {
    for (int phase = 0; phase <= static_cast<int>(kLastPhase); ++phase) {
      for (const auto& frame : every_frame()) {
        const Ruling ruled = ruling(side, static_cast<Phase>(phase), frame);
        if (ruled == Ruling::Take) continue;
        const bool closing = static_cast<Phase>(phase) == Phase::Draining;
        EXPECT_EQ(ruled, closing ? Ruling::Ignore : Ruling::Alarm) << airlock::name(frame);
      }
    }
  }
}

}  // namespace
}  // namespace sallyport::guard
