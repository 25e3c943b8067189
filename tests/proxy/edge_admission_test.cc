#include <gtest/gtest.h>

#include "proxy/edge/admission.h"

namespace sallyport::edge {
namespace {

using boost::asio::ip::make_address;
using Answer = Admission::Answer;

config::EdgeLimits limits(std::uint32_t all, std::uint32_t per_address, std::uint32_t attempts) {
  config::EdgeLimits limits;
  limits.connections = all;
  limits.connections_per_address = per_address;
  limits.attempts_per_minute = attempts;
  return limits;
}

const Admission::Clock::time_point kStart{std::chrono::hours(1)};

TEST(Admission, D_01_CountsConnectionsOfOneAddress) {
  Admission admission(limits(100, 2, 100));
  const auto address = make_address("192.0.2.1");
  EXPECT_EQ(admission.admit(address, kStart), Answer::Admit);
  EXPECT_EQ(admission.admit(address, kStart), Answer::Admit);
  EXPECT_EQ(admission.admit(address, kStart), Answer::TooManyFromSource);
  EXPECT_EQ(admission.admit(make_address("192.0.2.2"), kStart), Answer::Admit);
  admission.release(address);
  EXPECT_EQ(admission.admit(address, kStart), Answer::Admit);
}

TEST(Admission, D_01_TakesAnIpv6NetworkAsOneSource) {
  Admission admission(limits(100, 1, 100));
  EXPECT_EQ(admission.admit(make_address("2001:db8::1"), kStart), Answer::Admit);
  EXPECT_EQ(admission.admit(make_address("2001:db8::ffff:2"), kStart), Answer::TooManyFromSource);
  EXPECT_EQ(admission.admit(make_address("2001:db8:0:1::1"), kStart), Answer::Admit);
}

TEST(Admission, D_01_TakesAMappedAddressForWhatItIs) {
  Admission admission(limits(100, 1, 100));
  EXPECT_EQ(admission.admit(make_address("::ffff:192.0.2.1"), kStart), Answer::Admit);
  EXPECT_EQ(admission.admit(make_address("192.0.2.1"), kStart), Answer::TooManyFromSource);
}

TEST(Admission, D_01_CountsAllConnections) {
  Admission admission(limits(2, 10, 100));
  EXPECT_EQ(admission.admit(make_address("192.0.2.1"), kStart), Answer::Admit);
  EXPECT_EQ(admission.admit(make_address("192.0.2.2"), kStart), Answer::Admit);
  EXPECT_EQ(admission.admit(make_address("192.0.2.3"), kStart), Answer::TooManyConnections);
}

TEST(Admission, D_02_CountsAttemptsOfAMinute) {
  Admission admission(limits(100, 100, 3));
  const auto address = make_address("2001:db8::1");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(admission.admit(address, kStart), Answer::Admit);
    admission.release(address);
  }
  EXPECT_EQ(admission.admit(address, kStart), Answer::TooManyAttempts);
  EXPECT_EQ(admission.admit(address, kStart + std::chrono::seconds(59)), Answer::TooManyAttempts);
  EXPECT_EQ(admission.admit(address, kStart + std::chrono::seconds(61)), Answer::Admit);
}

TEST(Admission, IgnoresAReleaseTooMany) {
  Admission admission(limits(1, 1, 100));
  const auto address = make_address("192.0.2.1");
  admission.release(address);
  EXPECT_EQ(admission.admit(address, kStart), Answer::Admit);
  admission.release(address);
  admission.release(address);
  EXPECT_EQ(admission.connections(), 0U);
}

TEST(Admission, D_03_CountsHandshakesOfAllAndOfOneAddress) {
  config::EdgeLimits wanted = limits(100, 100, 100);
  wanted.handshakes = 3;
  wanted.handshakes_per_address = 2;
  Admission admission(wanted);
  const auto one = make_address("2001:db8::1"), same = make_address("2001:db8::2"), other = make_address("192.0.2.1");
  EXPECT_EQ(admission.begin_handshake(one), Answer::Admit);
  EXPECT_EQ(admission.begin_handshake(same), Answer::Admit);
  EXPECT_EQ(admission.begin_handshake(one), Answer::TooManyHandshakesFromSource);
  EXPECT_EQ(admission.begin_handshake(std::nullopt), Answer::Admit) << "a dialled one is nobody's";
  EXPECT_EQ(admission.begin_handshake(other), Answer::TooManyHandshakes);
  admission.end_handshake(same);
  EXPECT_EQ(admission.begin_handshake(one), Answer::Admit);
  admission.end_handshake(std::nullopt);
  EXPECT_EQ(admission.begin_handshake(other), Answer::Admit);
}

TEST(Admission, D_01_CountsDialledConnectionsAmongAll) {
  Admission admission(limits(2, 10, 100));
  EXPECT_EQ(admission.admit_dialled(), Answer::Admit);
  EXPECT_EQ(admission.admit(make_address("192.0.2.1"), kStart), Answer::Admit);
  EXPECT_EQ(admission.admit_dialled(), Answer::TooManyConnections);
  EXPECT_EQ(admission.admit(make_address("192.0.2.2"), kStart), Answer::TooManyConnections);
  admission.release_dialled();
  EXPECT_EQ(admission.admit_dialled(), Answer::Admit);
}

}  // namespace
}  // namespace sallyport::edge
