// The systemd units, as they will be installed.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kUnits = SALLYPORT_UNITS_DIR;

std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Standard output and standard error of a command.
std::string output_of(const std::string& command, int& status) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string out;
  std::array<char, 4096> buffer{};
  while (const std::size_t size = fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), size);
  status = pclose(pipe);
  return out;
}

class Units : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "units-test-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    for (const char* name : {"sallyport-guard.service", "sallyport-edge@.service", "sallyport.target"}) {
      const auto source = std::filesystem::path(kUnits) / name;
      std::string text =
          content(std::filesystem::exists(source) ? source : std::filesystem::path(SALLYPORT_SYSTEMD_DIR) / name);
      // The programs are not installed while tests run; the verifier wants some program there.
      for (auto at = text.find(SALLYPORT_LIBEXEC); at != std::string::npos; at = text.find(SALLYPORT_LIBEXEC)) {
        text.replace(at, text.find(' ', at) - at, "/bin/true");
      }
      std::ofstream(folder_ / name) << text;
    }
    std::filesystem::copy_file(folder_ / "sallyport-edge@.service", folder_ / "sallyport-edge@north.service");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(Units, AreFoundSoundBySystemd) {
  int status = 0;
  const std::string said = output_of("systemd-analyze verify --man=no --recursive-errors=no '" +
                                         (folder_ / "sallyport-guard.service").string() + "' '" +
                                         (folder_ / "sallyport-edge@north.service").string() + "' '" +
                                         (folder_ / "sallyport.target").string() + "'",
                                     status);
  EXPECT_EQ(status, 0) << said;
  EXPECT_THAT(said, Not(HasSubstr(folder_.string()))) << said;
}

TEST_F(Units, GiveTheGuardNoNetworkAndNoCapability) {
  const std::string guard = content(folder_ / "sallyport-guard.service");
  for (const char* line :
       {"\nPrivateNetwork=yes\n", "\nRestrictAddressFamilies=AF_UNIX\n", "\nCapabilityBoundingSet=\n",
        "\nNoNewPrivileges=yes\n", "\nMemoryDenyWriteExecute=yes\n", "\nProtectSystem=strict\n", "\nLimitCORE=0\n"}) {
    EXPECT_THAT(guard, HasSubstr(line));
  }
}

TEST_F(Units, EndTheEdgesBeforeTheGuard) {
  EXPECT_THAT(content(folder_ / "sallyport-edge@.service"),
              HasSubstr("\nAfter=network-online.target sallyport-guard.service\n"));
}

}  // namespace
}  // namespace sallyport
