#include "inspect/secret.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace sallyport::inspect {
namespace {

bool is_blank(const char* at, std::size_t size) {
  return std::all_of(at, at + size, [](char c) { return c == 0; });
}

/// One that stands inside the object itself, and one that does not.
const std::string kTexts[] = {"pencil", std::string(200, 'p')};

TEST(Secret, LeavesNothingWhereItStood) {
  for (const std::string& text : kTexts) {
    Secret secret{std::string_view(text)};
    const char* at = secret.view().data();
    secret.clear();
    EXPECT_TRUE(secret.empty());
    EXPECT_TRUE(is_blank(at, text.size())) << text.size();
  }
}

TEST(Secret, LeavesNothingInTheTextItWasMadeFrom) {
  for (const std::string& text : kTexts) {
    std::string source = text;
    const Secret secret(std::move(source));
    EXPECT_EQ(secret.view(), text);
    EXPECT_TRUE(is_blank(source.data(), std::min(source.capacity(), text.size())));  // NOLINT(bugprone-use-after-move)
  }
}

TEST(Secret, MovesWholeAndLeavesNothingBehind) {
  for (const std::string& text : kTexts) {
    Secret first{std::string_view(text)};
    Secret second(std::move(first));
    EXPECT_EQ(second.view(), text);
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_TRUE(is_blank(first.view().data(), std::min<std::size_t>(text.size(), 15)));
    Secret third{std::string_view("another, and long enough to stand outside")};
    third = std::move(second);
    EXPECT_EQ(third.view(), text);
  }
}

TEST(Secret, WipesOnlyWhatItHolds) {
  std::string text = "pencil";
  text.reserve(100);
  wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_TRUE(is_blank(text.data(), text.capacity()));
}

}  // namespace
}  // namespace sallyport::inspect
