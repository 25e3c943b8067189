// TLS without sockets: two engines that hand each other strings.
#include <array>

#include <gtest/gtest.h>

#include "certs/trust/tls_contexts.h"
#include "edge_scene.h"
#include "proxy/edge/tls_engine.h"

namespace sallyport::edge {
namespace {

using State = TlsEngine::State;

class TlsEngines : public testing::Test {
 protected:
  TlsEngines() {
    const auto face = authority_.issue("a.test");
    contexts_ = trust::TlsContexts::load({{face.domain, face.certificate, face.key}}, trust::ProfileName::Bcp195_2022);
    client_ = std::make_unique<TlsEngine>(contexts_->connect("a.test", "a.test", trust::Start::StartTls));
    server_ = std::make_unique<TlsEngine>(contexts_->accept("a.test"));
  }

  void shake_hands() {
    for (int turn = 0; turn < 10 && !(client_->is_established() && server_->is_established()); ++turn) {
      std::string_view in = to_client_;
      ASSERT_NE(client_->handshake(in, to_server_), State::Failed) << client_->why();
      to_client_.erase(0, to_client_.size() - in.size());
      in = to_server_;
      ASSERT_NE(server_->handshake(in, to_client_), State::Failed) << server_->why();
      to_server_.erase(0, to_server_.size() - in.size());
    }
  }
  /// All plaintext in what is on its way to the server, given in pieces of that size.
  std::string received(std::size_t piece, State* last = nullptr) {
    std::string all;
    std::array<char, 4096> plain{};
    const std::string wire = std::exchange(to_server_, {});
    for (std::size_t at = 0; at < wire.size(); at += piece) {
      std::string_view in = std::string_view(wire).substr(at, piece);
      State state = State::Done;
      while (state == State::Done) {
        std::size_t size = 0;
        state = server_->read(in, plain, size, to_client_);
        all.append(plain.data(), size);
      }
      if (last != nullptr) *last = state;
      if (state != State::More) break;
      EXPECT_TRUE(in.empty()) << "what was lent is taken before more is asked for";
    }
    return all;
  }

  scene::Folder folder_;
  scene::Authority authority_{folder_, "north"};
  std::shared_ptr<const trust::TlsContexts> contexts_;
  std::unique_ptr<TlsEngine> client_, server_;
  std::string to_client_, to_server_;
};

TEST_F(TlsEngines, CarryTheSameTextForEveryChunkingOfTheWire) {
  shake_hands();
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += std::to_string(i) + ",";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1'000}, std::size_t{1'000'000}}) {
    ASSERT_EQ(client_->write(text, to_server_), State::Done);
    EXPECT_EQ(received(piece), text) << piece;
  }
}

TEST_F(TlsEngines, FillRecordsOfSixteenKibibytes) {
  shake_hands();
  ASSERT_EQ(client_->write(std::string(64 * 1024, 'x'), to_server_), State::Done);
  std::size_t records = 0;
  for (std::size_t at = 0; at + 5 <= to_server_.size(); ++records)
    at += 5 + static_cast<unsigned char>(to_server_[at + 3]) * 256U + static_cast<unsigned char>(to_server_[at + 4]);
  EXPECT_EQ(records, 4U);
}

TEST_F(TlsEngines, KeepNoBufferWhileNothingIsOnItsWay) {
  shake_hands();
  ASSERT_EQ(client_->write("hello", to_server_), State::Done);
  EXPECT_EQ(received(1'000), "hello");
  EXPECT_FALSE(server_->has_pending());
}

TEST_F(TlsEngines, TellTheEndOfTheStream) {
  shake_hands();
  ASSERT_EQ(client_->write("last", to_server_), State::Done);
  client_->close(to_server_);
  State last = State::Done;
  EXPECT_EQ(received(100'000, &last), "last");
  EXPECT_EQ(last, State::Ended);
}

TEST_F(TlsEngines, FailOnAForgedRecord) {
  shake_hands();
  ASSERT_EQ(client_->write("hello", to_server_), State::Done);
  to_server_[10] = static_cast<char>(to_server_[10] ^ 1);
  State last = State::Done;
  EXPECT_EQ(received(100'000, &last), "");
  EXPECT_EQ(last, State::Failed);
  EXPECT_FALSE(server_->why().empty());
  EXPECT_FALSE(to_client_.empty()) << "the alert";
}

TEST_F(TlsEngines, FailOnWhatIsNoTls) {
  std::string_view in = "<?xml version='1.0'?><stream:stream>";
  std::string out;
  EXPECT_EQ(server_->handshake(in, out), State::Failed);
}

}  // namespace
}  // namespace sallyport::edge
