// The file that holds the key of hidden resources.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guard_program.h"
#include "proxy/guard/resource_key.h"

namespace sallyport::guard {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

TEST(ResourceKey, IsMadeAtTheFirstStartAndStaysTheSame) {
  const Folder folder;
  const auto first = resource_key(folder.path());
  ASSERT_TRUE(first) << first.error();
  EXPECT_EQ(first->size(), 32U);
  const auto second = resource_key(folder.path());
  ASSERT_TRUE(second) << second.error();
  EXPECT_TRUE(*second == *first);
  const Folder other;
  const auto another = resource_key(other.path());
  ASSERT_TRUE(another) << another.error();
  EXPECT_FALSE(*another == *first) << "another guard has another";
}

TEST(ResourceKey, IsForTheGuardAlone) {
  const Folder folder;
  ASSERT_TRUE(resource_key(folder.path()));
  const fs::path file = folder.path() / "resource.key";
  EXPECT_EQ(fs::status(file).permissions() & fs::perms::mask, fs::perms::owner_read | fs::perms::owner_write);
  fs::permissions(file, fs::perms::group_read, fs::perm_options::add);
  const auto refused = resource_key(folder.path());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("resource.key: others may read it; chmod 600"));
}

TEST(ResourceKey, IsNotReplacedWhenItIsDamaged) {
  for (const std::string& text : {std::string(), std::string(31, 'x'), std::string(33, 'x')}) {
    const Folder folder;
    const fs::path file = folder.write("resource.key", text);
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    const auto refused = resource_key(folder.path());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), HasSubstr("does not hold 32 octets"));
    EXPECT_EQ(fs::file_size(file), text.size());
  }
}

TEST(ResourceKey, IsNotFollowedElsewhere) {
  const Folder folder;
  fs::create_symlink(folder.write("elsewhere", std::string(32, 'x')), folder.path() / "resource.key");
  EXPECT_FALSE(resource_key(folder.path()));
  const Folder other;
  fs::create_directory(other.path() / "resource.key");
  EXPECT_FALSE(resource_key(other.path()));
  EXPECT_FALSE(resource_key(other.path() / "missing"));
}

TEST(ResourceKey, HalfWrittenByAStartThatFailedIsNone) {
  const Folder folder;
  folder.write("resource.key.new", "half");
  const auto made = resource_key(folder.path());
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(made->size(), 32U);
  EXPECT_FALSE(fs::exists(folder.path() / "resource.key.new"));
}

}  // namespace
}  // namespace sallyport::guard
