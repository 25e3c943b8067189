// `sallyport ledger import`: what servers export, and what both of them say.
#include "proxy/main/commands/roster_export.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace sallyport::commands {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RosterExport : public ::testing::Test {
 protected:
  RosterExport() { std::filesystem::create_directories(folder_); }
  ~RosterExport() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  static std::string host(const std::string& domain, const std::string& user, const std::string& contact,
                          const std::string& subscription) {
    return "<server-data xmlns='urn:xmpp:pie:0'><host jid='" + domain + "'><user name='" + user +
           "' password='x'><query xmlns='jabber:iq:roster'><item jid='" + contact + "' subscription='" + subscription +
           "'><group>g</group></item></query></user></host></server-data>";
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("sallyport-rosters-" + std::to_string(::getpid()));
  Rosters rosters_;
};

TEST_F(RosterExport, ASubscriptionCountsWhenBothServersSaySo) {
  ASSERT_TRUE(read_rosters(file("a", host("north.test", "Ann", "bob@south.test", "both")), rosters_));
  ASSERT_TRUE(read_rosters(file("b", host("south.test", "bob", "ann@north.test", "from")), rosters_));
  const Agreement found = agreement(rosters_);
  EXPECT_THAT(found.agreed, ElementsAre(std::pair<std::string, std::string>("ann@north.test", "bob@south.test")));
  EXPECT_THAT(found.one_sided, ElementsAre(std::pair<std::string, std::string>("bob@south.test", "ann@north.test")));
}

TEST_F(RosterExport, OneServersWordIsNotEnough) {
  ASSERT_TRUE(read_rosters(file("a", host("north.test", "ann", "bob@south.test", "both")), rosters_));
  EXPECT_THAT(agreement(rosters_).agreed, IsEmpty());
}

TEST_F(RosterExport, ContactsOfOneDomainDoNotCross) {
  ASSERT_TRUE(read_rosters(file("a", host("north.test", "ann", "ben@north.test", "both")), rosters_));
  EXPECT_THAT(agreement(rosters_).one_sided, IsEmpty());
}

TEST_F(RosterExport, WhatIsNoExportIsRefused) {
  for (const char* text : {"", "<a/>", "not xml", "<server-data xmlns='urn:xmpp:pie:0'>",
                           "<!DOCTYPE server-data [<!ENTITY a 'b'>]><server-data xmlns='urn:xmpp:pie:0'/>"})
    EXPECT_FALSE(read_rosters(file("x", text), rosters_)) << text;
  EXPECT_FALSE(read_rosters(folder_ / "missing", rosters_));
}

}  // namespace
}  // namespace sallyport::commands
