#include "inspect/errors.h"

#include <set>

#include <gtest/gtest.h>

namespace sallyport::inspect {
namespace {

TEST(StreamCondition, STR_29_EveryConditionHasItsOwnNameAndIsFoundByIt) {
  std::set<std::string_view> names;
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastStreamCondition); ++i) {
    const auto condition = static_cast<StreamCondition>(i);
    EXPECT_EQ(stream_condition(name(condition)), condition);
    names.insert(name(condition));
  }
  EXPECT_EQ(names.size(), 25u);
  EXPECT_EQ(name(StreamCondition::UnsupportedStanzaType), "unsupported-stanza-type");
  EXPECT_EQ(name(StreamCondition::HostGone), "host-gone");
  EXPECT_EQ(stream_condition("no-such-condition"), std::nullopt);
}

TEST(StreamCondition, STR_30_KnowsTheOldNameOfNotWellFormedAndSendsTheNewOne) {
  EXPECT_EQ(stream_condition("xml-not-well-formed"), StreamCondition::NotWellFormed);
  EXPECT_EQ(name(StreamCondition::NotWellFormed), "not-well-formed");
}

TEST(StanzaCondition, EveryConditionHasItsOwnNameAndIsFoundByIt) {
  std::set<std::string_view> names;
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastStanzaCondition); ++i) {
    const auto condition = static_cast<StanzaCondition>(i);
    EXPECT_EQ(stanza_condition(name(condition)), condition);
    names.insert(name(condition));
  }
  EXPECT_EQ(names.size(), 22u);
  EXPECT_EQ(name(StanzaCondition::JidMalformed), "jid-malformed");
  EXPECT_EQ(stanza_condition(""), std::nullopt);
}

TEST(ErrorType, EveryTypeIsFoundByItsName) {
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastErrorType); ++i) {
    const auto type = static_cast<ErrorType>(i);
    EXPECT_EQ(error_type(name(type)), type);
  }
  EXPECT_EQ(error_type("Cancel"), std::nullopt);
}

}  // namespace
}  // namespace sallyport::inspect
