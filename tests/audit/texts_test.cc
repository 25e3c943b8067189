// Where the texts of records stand between a lane and the log's thread.
#include <deque>
#include <string>

#include <gtest/gtest.h>

#include "audit/ring.h"

namespace sallyport::audit {
namespace {

TEST(RecordTexts, StandUnchangedUntilTheyAreGivenUp) {
  Texts texts;
  std::deque<std::pair<std::string_view, std::string>> kept;
  for (std::size_t i = 0; i < 5'000; ++i) {
    // Now and then one that needs a block of its own, and bursts that need several.
    const std::size_t size = i % 701 == 0 ? Texts::kBlockOctets + i : 1 + i * 37 % 1'500;
    std::string text(size, static_cast<char>('a' + i % 26));
    const std::string_view view = texts.keep(text);
    kept.emplace_back(view, std::move(text));
    const std::size_t most = i % 1'000 < 500 ? 200 : i % 3;
    while (kept.size() > most) {
      ASSERT_EQ(kept.front().first, kept.front().second) << i;
      kept.pop_front();
      texts.give_up_oldest();
    }
  }
}

TEST(RecordTexts, UseTheSameMemoryAgain) {
  Texts texts;
  const std::string text(1'000, 'x');
  const char* const first = texts.keep(text).data();
  texts.give_up_oldest();
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(texts.keep(text).data(), first);
    texts.give_up_oldest();
  }
  EXPECT_EQ(texts.octets(), Texts::kBlockOctets);
}

TEST(RecordTexts, KeepOnlyAFewBlocksAfterABurst) {
  Texts texts;
  const std::string text(1'000, 'x'), large(1'000'000, 'y');
  for (int i = 0; i < 1'000; ++i) texts.keep(text);
  texts.keep(large);
  EXPECT_GT(texts.octets(), 2'000'000U);
  for (int i = 0; i < 1'001; ++i) texts.give_up_oldest();
  EXPECT_LE(texts.octets(), (Texts::kSpareBlocks + 1) * Texts::kBlockOctets);
  // A large one while the last block is empty.
  EXPECT_EQ(texts.keep(large), large);
  texts.give_up_oldest();
  EXPECT_EQ(texts.keep(text), text);
  texts.give_up_oldest();
}

}  // namespace
}  // namespace sallyport::audit
