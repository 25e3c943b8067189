#include "proxy/edge/resolver.h"

#include <array>
#include <fstream>
#include <set>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gmock/gmock.h>

namespace sallyport::edge {
namespace {

using boost::asio::ip::udp;
using boost::system::error_code;
using certs::Service;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr std::uint16_t kA = 1, kAaaa = 28, kSrv = 33, kSoa = 6;

std::string number(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 255)};
}

std::string wire_name(std::string_view text) {
  std::string wire;
  while (!text.empty()) {
    const auto label = text.substr(0, text.find('.'));
    wire += static_cast<char>(label.size());
    wire += label;
    text.remove_prefix(std::min(label.size() + 1, text.size()));
  }
  return wire + '\0';
}

std::string srv(unsigned priority, unsigned weight, unsigned port, std::string_view target) {
  return number(priority) + number(weight) + number(port) + wire_name(target);
}
std::string a(const char* text) {
  const auto bytes = boost::asio::ip::make_address_v4(text).to_bytes();
  return {bytes.begin(), bytes.end()};
}
std::string aaaa(const char* text) {
  const auto bytes = boost::asio::ip::make_address_v6(text).to_bytes();
  return {bytes.begin(), bytes.end()};
}

// An enclave's DNS server on an address of its own: answers what it is told, and notes what it was asked.
class NameServer {
 public:
  explicit NameServer(boost::asio::io_context& context)
      : socket_(context, udp::endpoint(boost::asio::ip::make_address("127.0.40.1"), 0)) {
    read();
  }
  ~NameServer() {
    error_code ignored;
    socket_.close(ignored);
  }
  void add(const std::string& name, std::uint16_t type, const std::string& rdata) {
    zone_[name][type].push_back(rdata);
  }

  std::set<std::string> silent, failing;
  std::vector<std::string> asked;  // "name type"
  udp::endpoint at() const { return socket_.local_endpoint(); }

 private:
  void read() {
    socket_.async_receive_from(boost::asio::buffer(packet_), peer_, [this](error_code failed, std::size_t size) {
      if (failed) return;
      answer({packet_.data(), size});
      read();
    });
  }
  void answer(std::string_view query) {
    std::string name;
    std::size_t at = 12;
    for (; query[at] != 0; at += static_cast<std::size_t>(query[at]) + 1) {
      if (!name.empty()) name += '.';
      name += query.substr(at + 1, static_cast<std::size_t>(query[at]));
    }
    const auto type = static_cast<std::uint16_t>(query[at + 2]);
    asked.push_back(name + " " + std::to_string(type));
    if (silent.contains(name)) return;
    const auto question = query.substr(12, at + 5 - 12);
    const auto node = zone_.find(name);
    const bool fails = failing.contains(name);
    std::vector<std::string> found;
    if (!fails && node != zone_.end() && node->second.contains(type)) found = node->second.at(type);
    const unsigned code = fails ? 2 : node == zone_.end() ? 3 : 0;
    // QR, RD and RA; one question, the answers, and a SOA when there are none.
    std::string reply = std::string(query.substr(0, 2)) + number(0x8180 | code) + number(1) +
                        number(static_cast<unsigned>(found.size())) + number(found.empty() && !fails ? 1 : 0) +
                        number(0) + std::string(question);
    const auto record = [&reply](const std::string& owner, std::uint16_t kind, const std::string& rdata) {
      reply += owner + number(kind) + number(1) + number(0) + number(60) + number(static_cast<unsigned>(rdata.size())) +
               rdata;
    };
    for (const auto& rdata : found) record("\xC0\x0C"s, type, rdata);
    const std::string times = number(0) + number(60);
    if (found.empty() && !fails)
      record(wire_name("test"), kSoa,
             wire_name("ns.test") + wire_name("root.test") + times + times + times + times + times);
    error_code ignored;
    socket_.send_to(boost::asio::buffer(reply), peer_, 0, ignored);
  }

  udp::socket socket_;
  udp::endpoint peer_;
  std::array<char, 2048> packet_{};
  std::map<std::string, std::map<std::uint16_t, std::vector<std::string>>> zone_;
};

class Resolving : public testing::Test {
 protected:
  void open(const std::function<void(ResolverSettings&)>& change = [](ResolverSettings&) {}) {
    ResolverSettings settings{.forwarders = {server.at()}, .local_addresses = true};
    change(settings);
    auto opened = Resolver::open(context, settings, [](std::uint32_t) { return 0U; });
    ASSERT_TRUE(opened) << opened.error();
    resolver = *std::move(opened);
  }
  Resolver::Addresses resolve(const std::string& domain, std::chrono::milliseconds within = 20s,
                              Service service = Service::XmppServer) {
    std::optional<Resolver::Addresses> result;
    resolver->resolve(domain, service, Resolver::Clock::now() + within,
                      [&](auto addresses) { result = std::move(addresses); });
    EXPECT_FALSE(result.has_value()) << "answered from inside the call";
    while (!result && context.run_one_for(30s) > 0) {
    }
    return result.value_or(std::unexpected(NameFault::Overload));
  }
  static std::vector<std::string> texts(const Resolver::Addresses& found) {
    if (!found) return {std::string(name(found.error()))};
    std::vector<std::string> all;
    for (const auto& one : *found) {
      const auto address = one.at.address().to_string();
      all.push_back(address + " " + std::to_string(one.at.port()) + (one.direct_tls ? " direct " : " ") + one.target);
    }
    return all;
  }

  boost::asio::io_context context;
  NameServer server{context};
  std::unique_ptr<Resolver> resolver;
};

TEST_F(Resolving, DNS_02_AsksForTheServiceOfClientsWhereClientsLogIn) {
  server.add("_xmpp-server._tcp.bravo.test", kSrv, srv(10, 0, 5269, "servers.test"));
  server.add("_xmpp-client._tcp.bravo.test", kSrv, srv(20, 0, 15222, "clients.test"));
  server.add("_xmpps-client._tcp.bravo.test", kSrv, srv(10, 0, 5223, "clients.test"));
  server.add("_xmpps-server._tcp.bravo.test", kSrv, srv(10, 0, 5270, "servers.test"));
  server.add("clients.test", kA, a("127.0.40.11"));
  server.add("servers.test", kA, a("127.0.40.12"));
  server.add("alpha.test", kA, a("127.0.40.13"));
  open([](ResolverSettings& settings) { settings.direct_tls = true; });
  EXPECT_THAT(texts(resolve("bravo.test", 20s, Service::XmppClient)),
              ElementsAre("127.0.40.11 5223 direct clients.test", "127.0.40.11 15222 clients.test"));
  EXPECT_THAT(texts(resolve("alpha.test", 20s, Service::XmppClient)), ElementsAre("127.0.40.13 5222 alpha.test"));
}

TEST_F(Resolving, DNS_02_FollowsServiceRecordsByPriority) {
  server.add("_xmpp-server._tcp.bravo.test", kSrv, srv(20, 0, 15269, "second.test"));
  server.add("_xmpp-server._tcp.bravo.test", kSrv, srv(10, 0, 5269, "first.test"));
  server.add("first.test", kA, a("127.0.40.11"));
  server.add("first.test", kAaaa, aaaa("fd00::11"));
  server.add("second.test", kA, a("127.0.40.12"));
  open();
  EXPECT_THAT(texts(resolve("bravo.test")),
              ElementsAre("fd00::11 5269 first.test", "127.0.40.11 5269 first.test", "127.0.40.12 15269 second.test"));
}

TEST_F(Resolving, OrdersTheFamiliesAsConfigured) {
  server.add("bravo.test", kA, a("127.0.40.11"));
  server.add("bravo.test", kAaaa, aaaa("fd00::11"));
  open([](ResolverSettings& settings) { settings.ipv6_first = false; });
  EXPECT_THAT(texts(resolve("bravo.test")), ElementsAre("127.0.40.11 5269 bravo.test", "fd00::11 5269 bravo.test"));
}

TEST_F(Resolving, DNS_03_FallsBackToTheDomainWithoutServiceRecords) {
  server.add("bravo.test", kA, a("127.0.40.11"));
  open();
  const auto found = resolve("bravo.test");
  EXPECT_THAT(texts(found), ElementsAre("127.0.40.11 5269 bravo.test"));
  EXPECT_FALSE(found->front().secure);
}

TEST_F(Resolving, DNS_03_DoesNotFallBackWhenTargetsLeadNowhere) {
  server.add("_xmpp-server._tcp.bravo.test", kSrv, srv(10, 0, 5269, "gone.test"));
  server.add("bravo.test", kA, a("127.0.40.11"));
  open();
  EXPECT_EQ(resolve("bravo.test").error(), NameFault::NoAnswer);
  EXPECT_THAT(server.asked, Not(Contains("bravo.test 1")));
}

TEST_F(Resolving, DNS_02_TakesADotAsNoServiceWithoutAskingForAddresses) {
  server.add("_xmpp-server._tcp.bravo.test", kSrv, srv(0, 0, 0, ""));
  server.add("bravo.test", kA, a("127.0.40.11"));
  open();
  EXPECT_EQ(resolve("bravo.test").error(), NameFault::NoService);
  EXPECT_THAT(server.asked, Not(Contains("bravo.test 1")));
}

TEST_F(Resolving, DNS_05_HasNoNameWithoutAnyRecord) {
  open();
  EXPECT_EQ(resolve("conference.bravo.test").error(), NameFault::NoName);
}

TEST_F(Resolving, DNS_03_DoesNotFallBackWhenServiceRecordsCannotBeHad) {
  server.failing.insert("_xmpp-server._tcp.bravo.test");
  server.add("bravo.test", kA, a("127.0.40.11"));
  open();
  EXPECT_EQ(resolve("bravo.test").error(), NameFault::NoAnswer);
}

TEST_F(Resolving, AsksForDirectTlsOnlyWhenConfigured) {
  server.add("_xmpp-server._tcp.bravo.test", kSrv, srv(10, 0, 5269, "first.test"));
  server.add("_xmpps-server._tcp.bravo.test", kSrv, srv(5, 0, 5270, "first.test"));
  server.add("first.test", kA, a("127.0.40.11"));
  open();
  EXPECT_THAT(texts(resolve("bravo.test")), ElementsAre("127.0.40.11 5269 first.test"));
  EXPECT_THAT(server.asked, Not(Contains("_xmpps-server._tcp.bravo.test 33")));
  open([](ResolverSettings& settings) { settings.direct_tls = true; });
  EXPECT_THAT(texts(resolve("bravo.test")),
              ElementsAre("127.0.40.11 5270 direct first.test", "127.0.40.11 5269 first.test"));
}

TEST_F(Resolving, ResolvesPrivateZonesThatTheLibraryWouldAnswerItself) {
  for (const std::string zone : {"test", "invalid", "onion", "home.arpa", "localhost", "bravo.localhost"}) {
    server.add(zone == "localhost" ? "localhost" : "enclave." + zone, kA, a("127.0.40.11"));
  }
  open();
  for (const char* domain : {"enclave.test", "enclave.invalid", "enclave.onion", "enclave.home.arpa",
                             "enclave.bravo.localhost", "localhost"})
    EXPECT_THAT(texts(resolve(domain)), ElementsAre("127.0.40.11 5269 "s + domain));
}

TEST_F(Resolving, AsksByALabels) {
  server.add("xn--bcher-kva.test", kA, a("127.0.40.11"));
  open();
  EXPECT_THAT(texts(resolve("b\xC3\xBC"
                            "cher.test")),
              ElementsAre("127.0.40.11 5269 xn--bcher-kva.test"));
}

TEST_F(Resolving, RemembersAnswers) {
  server.add("bravo.test", kA, a("127.0.40.11"));
  open();
  EXPECT_TRUE(resolve("bravo.test"));
  const auto asked = server.asked.size();
  EXPECT_TRUE(resolve("bravo.test"));
  EXPECT_EQ(server.asked.size(), asked);
}

TEST_F(Resolving, BoundsTheNumberOfAddresses) {
  for (unsigned target = 0; target < 20; ++target) {
    const auto name = "t" + std::to_string(target) + ".test";
    server.add("_xmpp-server._tcp.bravo.test", kSrv, srv(target, 0, 5269, name));
    for (unsigned at = 0; at < 8; ++at)
      server.add(name, kA, a(("127.0.40." + std::to_string(target * 8 + at)).c_str()));
  }
  open();
  const auto found = resolve("bravo.test");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size(), Resolver::kMostAddresses);
  EXPECT_EQ(std::ranges::count(*found, "t0.test", &Address::target), std::ptrdiff_t{Resolver::kMostOfAFamily});
}

TEST_F(Resolving, LeavesOutAddressesThatNobodyCanHave) {
  server.add("bravo.test", kA, a("0.0.0.0"));
  server.add("bravo.test", kA, a("224.0.0.1"));
  server.add("bravo.test", kA, a("127.0.40.11"));
  open();
  EXPECT_THAT(texts(resolve("bravo.test")), ElementsAre("127.0.40.11 5269 bravo.test"));
}

TEST_F(Resolving, AnswersAtTheDeadlineWhenTheServerIsSilent) {
  server.silent.insert("_xmpp-server._tcp.bravo.test");
  open();
  EXPECT_EQ(resolve("bravo.test", 200ms).error(), NameFault::Deadline);
  EXPECT_EQ(resolver->lookups(), 0U);
}

TEST_F(Resolving, SaysNothingAfterCancel) {
  server.add("bravo.test", kA, a("127.0.40.11"));
  server.silent.insert("_xmpp-server._tcp.golf.test");
  open();
  bool called = false;
  const auto deadline = Resolver::Clock::now() + 20s;
  const auto golf = resolver->resolve("golf.test", Service::XmppServer, deadline, [&](auto) { called = true; });
  const auto bravo = resolver->resolve("bravo.test", Service::XmppServer, deadline, [&](auto) { called = true; });
  EXPECT_EQ(resolver->lookups(), 2U);
  resolver->cancel(golf);
  resolver->cancel(bravo);
  resolver->cancel(bravo);
  EXPECT_EQ(resolver->lookups(), 0U);
  EXPECT_TRUE(resolve("bravo.test"));
  EXPECT_FALSE(called);
}

TEST_F(Resolving, SaysNothingAfterItsEnd) {
  server.silent.insert("_xmpp-server._tcp.bravo.test");
  open();
  bool called = false;
  resolver->resolve("bravo.test", Service::XmppServer, Resolver::Clock::now() + 50ms, [&](auto) { called = true; });
  // A lookup that has been answered, but not yet told.
  resolver->resolve("..", Service::XmppServer, Resolver::Clock::now() + 20s, [&](auto) { called = true; });
  resolver.reset();
  boost::asio::steady_timer later(context, 100ms);
  bool over = false;
  later.async_wait([&](error_code) { over = true; });
  while (!over) context.run_one();
  EXPECT_FALSE(called);
}

TEST_F(Resolving, MayBeEndedByTheOneWhoGetsTheAnswer) {
  server.add("bravo.test", kA, a("127.0.40.11"));
  open();
  bool called = false;
  resolver->resolve("bravo.test", Service::XmppServer, Resolver::Clock::now() + 20s, [&](auto) {
    called = true;
    resolver.reset();
  });
  while (!called && context.run_one_for(30s) > 0) {
  }
  EXPECT_TRUE(called);
}

TEST_F(Resolving, RefusesMoreLookupsThanItsLimit) {
  server.silent.insert("_xmpp-server._tcp.bravo.test");
  open();
  std::vector<NameFault> faults;
  for (std::size_t at = 0; at <= Resolver::kMostLookups; ++at)
    resolver->resolve("bravo.test", Service::XmppServer, Resolver::Clock::now() + 20s,
                      [&](auto found) { faults.push_back(found.error()); });
  while (faults.empty() && context.run_one_for(30s) > 0) {
  }
  EXPECT_THAT(faults, ElementsAre(NameFault::Overload));
}

TEST_F(Resolving, LeavesNoWorkBehind) {
  boost::asio::io_context other;
  auto opened = Resolver::open(other, {.forwarders = {server.at()}}, [](std::uint32_t) { return 0U; });
  ASSERT_TRUE(opened);
  bool called = false;
  (*opened)->resolve("..", Service::XmppServer, Resolver::Clock::now() + 20s, [&](auto) { called = true; });
  other.run_for(10s);
  EXPECT_TRUE(called);
  EXPECT_TRUE(other.stopped());
}

TEST_F(Resolving, RefusesUnsignedAnswersWhenAnAnchorSaysThatTheZoneIsSigned) {
  const auto file = std::filesystem::temp_directory_path() / ("sallyport-anchor-" + std::to_string(::getpid()));
  std::ofstream(file) << "test. IN DS 12345 13 2 " << std::string(64, 'A') << '\n';
  server.add("_xmpp-server._tcp.bravo.test", kSrv, srv(10, 0, 5269, "first.test"));
  server.add("first.test", kA, a("127.0.40.11"));
  open([&](ResolverSettings& settings) { settings.anchor = file; });
  EXPECT_EQ(resolve("bravo.test").error(), NameFault::Bogus);
  std::filesystem::remove(file);
}

TEST_F(Resolving, T_01_AsksNobodyWithoutAServer) {
  const auto opened = Resolver::open(context, {.forwarders = {}}, [](std::uint32_t) { return 0U; });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), "no DNS server is configured");
}

TEST_F(Resolving, SaysWhenItsAnchorCannotBeRead) {
  const auto opened = Resolver::open(context, {.forwarders = {server.at()}, .anchor = "/nonexistent/anchor"},
                                     [](std::uint32_t) { return 0U; });
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error(), testing::HasSubstr("/nonexistent/anchor"));
}

TEST_F(Resolving, T_01_TakesNoAddressOfThisMachineOrLinkUnlessAllowed) {
  for (const char* address : {"127.0.0.1", "127.255.0.9", "169.254.7.7", "0.1.2.3"})
    server.add("local.test", kA, a(address));
  for (const char* address : {"::1", "fe80::1", "::ffff:127.0.0.1"}) server.add("local.test", kAaaa, aaaa(address));
  server.add("mixed.test", kA, a("127.0.0.1"));
  server.add("mixed.test", kA, a("192.0.2.1"));
  server.add("mixed.test", kA, a("10.0.0.1"));
  open([](ResolverSettings& settings) { settings.local_addresses = false; });
  EXPECT_EQ(resolve("local.test").error(), NameFault::LocalAddress);
  EXPECT_THAT(texts(resolve("mixed.test")),
              UnorderedElementsAre("192.0.2.1 5269 mixed.test", "10.0.0.1 5269 mixed.test"));
}

}  // namespace
}  // namespace sallyport::edge
