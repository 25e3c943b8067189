// The names that resources have beyond the boundary (protocol.md P-02).
#include "policy/presence/resources.h"

#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

#include "inspect/jid.h"

namespace sallyport::policy::presence {
namespace {

const std::string kKey = "0123456789abcdef0123456789ABCDEF";
const std::string kAnn = "ann@north.test", kFar = "south.test";

TEST(ResourceNames, P_02_FindTheResourceAgain) {
  ResourceNames names(kKey);
  const std::string resources[] = {
      "a",
      "laptop-HR3",
      "sixteen octets..",
      "seventeen octets.",
      "Gajim.4A2B \xD0\xBC\xD0\xBE\xD0\xB1\xD0\xB8\xD0\xBB\xD1\x8C\xD0\xBD\xD1\x8B\xD0\xB9",
      "\xF0\x9F\x93\xB1",
      "a/b@c",
      std::string(ResourceNames::kLongest, 'x')};
  for (const std::string& resource : resources) {
    const auto name = names.hide(resource, kAnn, kFar);
    ASSERT_TRUE(name.has_value()) << resource;
    EXPECT_NE(*name, resource);
    EXPECT_EQ(names.restore(*name, kAnn, kFar), resource);
  }
}

TEST(ResourceNames, AreTheSameEveryTimeAndInEveryRun) {
  ResourceNames names(kKey), of_another_run(kKey);
  const auto name = names.hide("laptop", kAnn, kFar);
  EXPECT_EQ(names.hide("laptop", kAnn, kFar), name);
  EXPECT_EQ(of_another_run.hide("laptop", kAnn, kFar), name);
  EXPECT_EQ(of_another_run.restore(*name, kAnn, kFar), "laptop");
}

TEST(ResourceNames, DifferForEachUserFarDomainAndKey) {
  ResourceNames names(kKey), of_another_key("fedcba98765432100123456789ABCDEF");
  std::set<std::string> all;
  all.insert(names.hide("laptop", kAnn, kFar).value_or(""));
  all.insert(names.hide("phone", kAnn, kFar).value_or(""));
  all.insert(names.hide("laptop", "bea@north.test", kFar).value_or(""));
  all.insert(names.hide("laptop", kAnn, "west.test").value_or(""));
  all.insert(of_another_key.hide("laptop", kAnn, kFar).value_or(""));
  EXPECT_EQ(all.size(), 5U);
  const auto name = names.hide("laptop", kAnn, kFar);
  EXPECT_FALSE(names.restore(*name, "bea@north.test", kFar));
  EXPECT_FALSE(names.restore(*name, kAnn, "west.test"));
  EXPECT_FALSE(of_another_key.restore(*name, kAnn, kFar));
}

TEST(ResourceNames, AreNotToBeMadeUpOrAltered) {
  ResourceNames names(kKey);
  for (const std::string& resource : {std::string("laptop"), std::string(40, 'x')}) {
    const std::string name = names.hide(resource, kAnn, kFar).value_or("");
    ASSERT_FALSE(name.empty());
    for (std::size_t at = 0; at < name.size(); ++at) {
      for (const char other : {'A', 'B', '-', '_', '+', '/', '=', ' ', '\0'}) {
        if (name[at] == other) continue;
        std::string altered = name;
        altered[at] = other;
        EXPECT_FALSE(names.restore(altered, kAnn, kFar)) << altered;
      }
      EXPECT_FALSE(names.restore(name.substr(0, at), kAnn, kFar));
      EXPECT_FALSE(names.restore(name.substr(at + 1), kAnn, kFar));
    }
    EXPECT_FALSE(names.restore(name + "A", kAnn, kFar));
    EXPECT_FALSE(names.restore(name + name, kAnn, kFar));
  }
  for (const char* made_up : {"", "laptop", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    EXPECT_FALSE(names.restore(made_up, kAnn, kFar));
}

TEST(ResourceNames, HideNoResourceThatIsTooLong) {
  ResourceNames names(kKey);
  const std::string longest(ResourceNames::kLongest, 'x');
  const auto name = names.hide(longest, kAnn, kFar);
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->size(), 512U);
  EXPECT_FALSE(names.hide(longest + 'x', kAnn, kFar));
  EXPECT_FALSE(names.exchange(longest + 'x', kAnn, kFar));
}

TEST(ResourceNames, TellLittleOfHowLongTheResourceIs) {
  ResourceNames names(kKey);
  EXPECT_EQ(names.hide("a", kAnn, kFar)->size(), 43U);
  EXPECT_EQ(names.hide("sixteen octets..", kAnn, kFar)->size(), 43U);
  EXPECT_EQ(names.hide("seventeen octets.", kAnn, kFar)->size(), 64U);
}

TEST(ResourceNames, AreAddressesInTheirPreparedForm) {
  ResourceNames names(kKey);
  for (std::size_t size = 1; size <= ResourceNames::kLongest; ++size) {
    const std::string full = kAnn + "/" + names.hide(std::string(size, 'x'), kAnn, kFar).value_or("");
    const auto jid = inspect::Jid::parse(full);
    ASSERT_TRUE(jid.has_value()) << full;
    EXPECT_EQ(jid->full(), full);
  }
}

TEST(ResourceNames, ExchangedTwiceAreWhatTheyWere) {
  ResourceNames names(kKey);
  const std::string hidden = names.hide("laptop", kAnn, kFar).value_or("");
  for (const std::string& each : {std::string("laptop"), hidden, std::string(43, 'A'), std::string("made up")}) {
    const auto once = names.exchange(each, kAnn, kFar);
    ASSERT_TRUE(once.has_value());
    EXPECT_NE(once->resource, each);
    EXPECT_EQ(once->restored, each == hidden);
    const auto twice = names.exchange(once->resource, kAnn, kFar);
    ASSERT_TRUE(twice.has_value());
    EXPECT_EQ(twice->resource, each);
  }
}

TEST(ResourceNames, AskForAWholeKey) {
  EXPECT_THROW(ResourceNames("short"), std::invalid_argument);
  EXPECT_NO_THROW(ResourceNames{});
}

}  // namespace
}  // namespace sallyport::policy::presence
