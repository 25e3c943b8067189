// An edge that asks OCSP responders about its peers (protocol.md T-17).
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "edge_scene.h"
#include "proxy/edge/ocsp_query.h"

namespace sallyport::edge::scene {
namespace {

using airlock::Opened;
using airlock::Ready;
using airlock::Revocation;
using testing::HasSubstr;

constexpr const char* kResponder = "127.0.60.4";
constexpr std::uint16_t kPort = 15080, kSecondPort = 15081;

std::string http(std::string_view body, const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status +
         "\r\nContent-Type: application/ocsp-response\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

class EdgeWithResponder : public Scene {
 protected:
  EdgeWithResponder() { config_.ocsp_responders = {{kResponder, kPort}}; }
  /// Waits for a question, answers it with this, and gives its header.
  std::string respond(Harbour& responder, const std::string& response) {
    PeerPlayed asker = responder.accept(std::nullopt, authority_.file());
    std::string header = asker.read_until("\r\n\r\n");
    asker.send(response);
    return header;
  }
  /// What the guard is told of a peer's certificate.
  Revocation told() { return guard_->expect<Opened>().second.certificate.revocation; }
};

TEST_F(EdgeWithResponder, T_17_AsksAboutAPeerBeforeThePeerIsHeard) {
  Harbour responder(kResponder, kPort);
  start();
  PeerPlayed near = peer();
  near.open_stream();
  PeerPlayed asker = responder.accept(std::nullopt, authority_.file());
  EXPECT_THAT(asker.read_until("\r\n\r\n"), HasSubstr("POST / HTTP/1.0\r\nHost: 127.0.60.4:15080\r\n"));
  EXPECT_TRUE(guard_->stays_silent(std::chrono::milliseconds(50)));
  asker.send(http(authority_.ocsp_answer(a_test_, false)));
  EXPECT_EQ(told(), Revocation::Good);
}

TEST_F(EdgeWithResponder, PKI_05_TellsThatAPeerIsRevoked) {
  Harbour responder(kResponder, kPort);
  start();
  PeerPlayed near = peer();
  near.open_stream();
  respond(responder, http(authority_.ocsp_answer(a_test_, true)));
  EXPECT_EQ(told(), Revocation::Revoked);
}

TEST_F(EdgeWithResponder, PKI_05_KnowsNothingByAnAnswerThatIsNone) {
  Harbour responder(kResponder, kPort);
  start();
  const std::string good = authority_.ocsp_answer(a_test_, false);
  for (const std::string& response :
       {http(good, "503 Service Unavailable"), http("nonsense"), http(stranger_.ocsp_answer(a_test_, false)),
        http(authority_.ocsp_answer(config_.faces[0], false)), std::string("\r\n\r\n")}) {
    PeerPlayed near = peer();
    near.open_stream();
    respond(responder, response);
    EXPECT_EQ(told(), Revocation::Unknown) << response;
  }
}

TEST_F(EdgeWithResponder, PKI_06_KnowsNothingWhenNoResponderIsThereAndGoesOn) {
  start();
  PeerPlayed near = peer();
  near.open_stream();
  EXPECT_EQ(told(), Revocation::Unknown);
}

TEST_F(EdgeWithResponder, T_17_AsksTheNextResponderWhereTheFirstIsAway) {
  config_.ocsp_responders.push_back({kResponder, kSecondPort});
  Harbour second(kResponder, kSecondPort);
  start();
  PeerPlayed near = peer();
  near.open_stream();
  respond(second, http(authority_.ocsp_answer(a_test_, false)));
  EXPECT_EQ(told(), Revocation::Good);
}

TEST_F(EdgeWithResponder, T_17_AsksAboutAServerThatItDials) {
  Harbour responder(kResponder, kPort), harbour("127.0.60.2", 15269);
  start();
  const std::jthread answering([&] { respond(responder, http(authority_.ocsp_answer(a_test_, false))); });
  dial();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  serve_up_to_ready(server);
  EXPECT_EQ(guard_->expect<Ready>().second.certificate.revocation, Revocation::Good);
}

TEST_F(EdgeWithResponder, T_17_AsksNobodyWhereAListTells) {
  config_.crls = {authority_.list()};
  start();
  PeerPlayed near = peer();
  near.open_stream();
  EXPECT_EQ(told(), Revocation::Good);
}

TEST_F(EdgeWithResponder, T_14_AnAnswerThatEndsEndsWhatItVouchedFor) {
  Harbour responder(kResponder, kPort);
  start();
  PeerPlayed near = peer();
  near.open_stream();
  respond(responder, http(authority_.ocsp_answer(a_test_, false, 3)));
  const auto [leg, opened] = guard_->expect<Opened>();
  EXPECT_EQ(opened.certificate.revocation, Revocation::Good);
  guard_->send(leg, airlock::Terms{0, true, false, 262'144});
  near.read_until("</stream:features>");
  EXPECT_THAT(near.read_until("</stream:stream>"), HasSubstr("<reset"));
}

TEST_F(EdgeWithResponder, StopsWhileAResponderIsAsked) {
  Harbour responder(kResponder, kPort);
  start();
  PeerPlayed near = peer();
  near.open_stream();
  PeerPlayed asker = responder.accept(std::nullopt, authority_.file());
  asker.read_until("\r\n\r\n");
  edge_->stop();
  EXPECT_TRUE(asker.ends());
}

TEST(OcspAnswerInHttp, IsTakenOnlyWholeAndFromAGoodResponse) {
  const std::pair<std::string, std::string_view> rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"},
      {"HTTP/1.0 200 OK\r\n\r\nabc", "abc"},
      {"HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nabc", "ab"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc", ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nabc", ""},
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc", ""},
      {"HTTP/1.1 2000 OK\r\n\r\nabc", ""},
      {"HTTP/2 200\r\n\r\nabc", ""},
      {"SSH-2.0-x\r\n\r\nabc", ""},
      {"", ""},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(9000, 'x') + "\r\n\r\nabc", ""},
      {"HTTP/1.1 200 OK\r\n\r\n" + std::string(trust::kLargestOcspAnswer + 1, 'x'), ""},
  };
  for (const auto& [response, answer] : rows) EXPECT_EQ(ocsp_answer_in(response), answer) << response.substr(0, 60);
}

}  // namespace
}  // namespace sallyport::edge::scene
