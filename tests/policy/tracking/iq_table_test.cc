#include "policy/tracking/iq_table.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

using namespace std::chrono_literals;

std::string text(const Tokens::Token& token) {
  const Tokens::Text octets = Tokens::text(token);
  return {octets.data(), octets.size()};
}

IqRequest ping(Tokens& tokens, std::string_view id = "7") {
  return {.token = tokens.next(),
          .id = id,
          .from = "ann@alpha.test/p",
          .to = "bravo.test",
          .ns = "urn:xmpp:ping",
          .name = "ping",
          .query = {},
          .to_service = true,
          .patience = 120s};
}

TEST(IqTable, Q_01_KeepsWhatTheAnswerNeeds) {
  IqTable table;
  Tokens tokens;
  IqRequest request = ping(tokens, "it's \"7\"");
  request.query = "q1";
  table.open(request, 5s);
  const OpenIq* open = table.find(text(request.token));
  ASSERT_NE(open, nullptr);
  EXPECT_EQ(open->id(), "it's \"7\"");
  EXPECT_EQ(open->from(), "ann@alpha.test/p");
  EXPECT_EQ(open->to(), "bravo.test");
  EXPECT_EQ(open->ns(), "urn:xmpp:ping");
  EXPECT_EQ(open->name(), "ping");
  EXPECT_EQ(open->query(), "q1");
  EXPECT_TRUE(open->to_service());
  EXPECT_EQ(open->asked(), 5s);
  EXPECT_EQ(open->expires(), 125s);
}

TEST(IqTable, Q_03_GivesARequestOutOnce) {
  IqTable table;
  Tokens tokens;
  const IqRequest request = ping(tokens);
  table.open(request, 0s);
  EXPECT_EQ(table.size(), 1);
  EXPECT_TRUE(table.take(request.token));
  EXPECT_FALSE(table.take(request.token));
  EXPECT_EQ(table.find(text(request.token)), nullptr);
  EXPECT_EQ(table.size(), 0);
  EXPECT_EQ(table.next_expiry(), std::nullopt);
}

TEST(IqTable, FindsNothingByAnIdOfSomebodyElsesMaking) {
  IqTable table;
  Tokens tokens;
  table.open(ping(tokens), 0s);
  EXPECT_EQ(table.find("7"), nullptr);
  EXPECT_EQ(table.find(""), nullptr);
  EXPECT_EQ(table.find(std::string(10 * 1024, 'x')), nullptr);
  EXPECT_EQ(table.find(text(tokens.next())), nullptr);
}

TEST(IqTable, KeepsTheSameIdOfTwoResourcesApart) {
  IqTable table;
  Tokens tokens;
  IqRequest one = ping(tokens), other = ping(tokens);
  other.from = "ann@alpha.test/q";
  table.open(one, 0s);
  table.open(other, 0s);
  EXPECT_EQ(table.find(text(one.token))->from(), "ann@alpha.test/p");
  EXPECT_EQ(table.find(text(other.token))->from(), "ann@alpha.test/q");
}

TEST(IqTable, Q_06_ExpiresInOrderAndOnlyWhatIsDue) {
  IqTable table;
  Tokens tokens;
  IqRequest slow = ping(tokens, "slow"), quick = ping(tokens, "quick"), late = ping(tokens, "late");
  slow.patience = 600s;
  table.open(slow, 0s);
  table.open(quick, 0s);
  table.open(late, 10s);
  EXPECT_EQ(table.next_expiry(), 120s);
  EXPECT_TRUE(table.expire(120s - 1ms, 100).empty());
  const auto first = table.expire(120s, 100);
  ASSERT_EQ(first.size(), 1);
  EXPECT_EQ(first[0].id(), "quick");
  const auto rest = table.expire(1h, 1);
  ASSERT_EQ(rest.size(), 1) << "no more than asked for at once";
  EXPECT_EQ(rest[0].id(), "late");
  EXPECT_EQ(table.next_expiry(), 600s);
}

TEST(IqTable, D_23_TakesNoFiveHundredAndThirteenthOfOneRequester) {
  IqTable table;
  Tokens tokens;
  for (int i = 0; i < 512; ++i) {
    ASSERT_TRUE(table.has_room(ping(tokens)));
    table.open(ping(tokens), 0s);
  }
  const IqRequest one_more = ping(tokens);
  EXPECT_FALSE(table.has_room(one_more));
  table.open(one_more, 0s);
  EXPECT_EQ(table.size(), 512);
  IqRequest other = ping(tokens);
  other.from = "ann@alpha.test/q";
  EXPECT_TRUE(table.has_room(other)) << "the bound is each requester's own";
  EXPECT_EQ(table.expire(120s, 1).size(), 1);
  EXPECT_TRUE(table.has_room(one_more));
}

TEST(IqTable, D_23_BoundsPairsTotalAndOctets) {
  Tokens tokens;
  struct Case {
    IqTable::Bounds bounds;
    bool other_pair_has_room;
  };
  const Case cases[] = {{{.requester = 100, .pair = 3, .total = 100, .octets = 100'000}, true},
                        {{.requester = 100, .pair = 100, .total = 3, .octets = 100'000}, false},
                        {{.requester = 100, .pair = 100, .total = 100, .octets = 150}, false}};
  for (const Case& each : cases) {
    IqTable table({}, each.bounds);
    for (int i = 0; i < 3; ++i) table.open(ping(tokens), 0s);
    EXPECT_EQ(table.size(), 3);
    EXPECT_FALSE(table.has_room(ping(tokens)));
    IqRequest other = ping(tokens);
    other.to = "charlie.test";
    EXPECT_EQ(table.has_room(other), each.other_pair_has_room);
    EXPECT_EQ(table.expire(120s, 1).size(), 1);
    EXPECT_TRUE(table.has_room(other)) << "room comes back with each that goes";
  }
}

TEST(IqTable, Q_16_LosesWhatWentOutOnALeg) {
  IqTable table;
  Tokens tokens;
  std::vector<IqRequest> requests;
  for (int i = 0; i < 100; ++i) {
    requests.push_back(ping(tokens));
    table.open(requests.back(), 0s);
    if (i % 3 != 0) table.deliver(text(requests.back().token), i % 3 == 1 ? 41 : 43, 1);
  }
  EXPECT_EQ(table.lose(41).size(), 33);
  EXPECT_EQ(table.lose(41).size(), 0);
  EXPECT_EQ(table.size(), 67);
}

TEST(IqTable, Q_09_CountsTheMessagesOfAQuery) {
  IqTable table;
  Tokens tokens;
  IqRequest request = ping(tokens);
  request.query = "q1";
  table.open(request, 0s);
  EXPECT_EQ(table.query("ann@alpha.test/p", "bravo.test", "q1"), std::nullopt) << "the other way round";
  EXPECT_EQ(table.query("bravo.test", "ann@alpha.test/p", "q2"), std::nullopt);
  for (std::uint32_t i = 0; i < IqTable::kMessagesOfQuery; ++i) {
    const auto open = table.query("bravo.test", "ann@alpha.test/p", "q1");
    ASSERT_EQ(open, request.token);
    table.count_message(*open);
  }
  EXPECT_EQ(table.query("bravo.test", "ann@alpha.test/p", "q1"), std::nullopt);
  table.take(request.token);
  IqRequest again = ping(tokens);
  again.query = "q1";
  table.open(again, 0s);
  EXPECT_EQ(table.query("bravo.test", "ann@alpha.test/p", "q1"), again.token);
  table.take(again.token);
  EXPECT_EQ(table.query("bravo.test", "ann@alpha.test/p", "q1"), std::nullopt);
}

/// Random steps, against a model that is a plain map.
TEST(IqTable, DoesWhatAPlainMapWouldDo) {
  struct Kept {
    std::string id, from;
    std::chrono::milliseconds expires;
    std::uint64_t leg;
  };
  constexpr IqTable::Bounds kBounds{.requester = 20, .pair = 60, .total = 100, .octets = 1 << 20};
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint64_t end) { return random() % end; };
    IqTable table({9}, kBounds);
    Tokens tokens({5});
    std::map<Tokens::Token, Kept> model;
    std::vector<Tokens::Token> drawn;
    std::chrono::milliseconds now{};
    for (int step = 0; step < 20'000; ++step) {
      now += std::chrono::milliseconds(below(500));
      const std::uint64_t what = below(100);
      const Tokens::Token some =
          drawn.empty() ? Tokens::Token{} : drawn[drawn.size() - 1 - below(std::min<std::size_t>(drawn.size(), 200))];
      if (what < 50) {
        const std::string from = "u" + std::to_string(below(8)) + "@alpha.test/r", id = std::to_string(step);
        const std::string to = below(2) == 0 ? "bravo.test" : "charlie.test";
        IqRequest request = ping(tokens, id);
        request.from = from;
        request.to = to;
        request.patience = std::chrono::seconds(1 + below(60));
        const auto of_requester =
            std::ranges::count_if(model, [&](const auto& each) { return each.second.from == from; });
        const bool room = table.has_room(request);
        if (model.size() >= kBounds.total || of_requester >= 20) {
          EXPECT_FALSE(room);
        }
        table.open(request, now);
        drawn.push_back(request.token);
        if (room) model[request.token] = {id, from, now + request.patience, 0};
      } else if (what < 80) {
        const auto found = model.find(some);
        const auto taken = table.take(text(some));
        ASSERT_EQ(taken.has_value(), found != model.end());
        if (taken) {
          EXPECT_EQ(taken->id(), found->second.id);
          EXPECT_EQ(taken->from(), found->second.from);
          model.erase(found);
        }
      } else if (what < 90) {
        const std::uint64_t leg = 1 + below(5);
        table.deliver(text(some), leg, 1);
        if (const auto found = model.find(some); found != model.end()) found->second.leg = leg;
      } else if (what < 98) {
        const auto expired = table.expire(now, 1000);
        const auto gone = std::erase_if(model, [&](const auto& each) { return each.second.expires <= now; });
        ASSERT_EQ(expired.size(), gone);
        EXPECT_TRUE(std::ranges::is_sorted(expired, {}, &OpenIq::expires));
      } else {
        const std::uint64_t leg = 1 + below(5);
        const auto gone = std::erase_if(model, [&](const auto& each) { return each.second.leg == leg; });
        ASSERT_EQ(table.lose(leg).size(), gone);
      }
      ASSERT_EQ(table.size(), model.size());
      const auto first = std::ranges::min_element(model, {}, [](const auto& each) { return each.second.expires; });
      ASSERT_EQ(table.next_expiry(), model.empty() ? std::nullopt : std::optional(first->second.expires));
    }
  }
}

TEST(IqTable, IQ_03_D_23_WhatComesFromAnotherTableAndFindsNoRoomComesBack) {
  Tokens tokens({5});
  IqTable from, to({}, {.total = 1});
  const IqRequest first = ping(tokens, "1"), second = ping(tokens, "2");
  for (const IqRequest& each : {first, second}) {
    from.open(each, 0s);
    from.deliver(text(each.token), 7, 1);
  }
  std::vector<IqTable::Moving> moving = from.give(7);
  ASSERT_EQ(moving.size(), 2U);
  EXPECT_EQ(from.size(), 0U);
  EXPECT_FALSE(to.keep(moving[0]));
  const auto back = to.keep(moving[1]);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->token, moving[1].token);
  EXPECT_EQ(back->open.id(), moving[1].open.id());
  EXPECT_EQ(to.size(), 1U);
}

}  // namespace
}  // namespace sallyport::policy
