// The guard of the stage, and the stage itself.
#include "edge_scene.h"

#include <cstring>

#include <poll.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace sallyport::edge::scene {

using Clock = std::chrono::steady_clock;

bool is_ready(int socket, short events, Clock::time_point deadline) {
  pollfd wanted{socket, events, 0};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  return ::poll(&wanted, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) == 1;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

GuardPlayed::GuardPlayed(std::filesystem::path socket_file, std::string enclave, std::uint16_t lanes)
    : file_(std::move(socket_file)),
      enclave_(std::move(enclave)),
      lanes_(lanes),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, file_.c_str(), sizeof(at.sun_path) - 1);
  ::unlink(file_.c_str());
  if (::bind(*listener_, reinterpret_cast<sockaddr*>(&at), sizeof(at)) != 0 || ::listen(*listener_, 64) != 0)
    throw std::runtime_error("cannot listen on " + file_.string());
}

GuardPlayed::~GuardPlayed() {
  die();
}

void GuardPlayed::die() {
  channels_.clear();
  listener_ = Descriptor();
  ::unlink(file_.c_str());
}

void GuardPlayed::welcome(std::size_t channels) {
  const auto deadline = Clock::now() + kPatience;
  std::size_t welcomed = 0;
  while (welcomed < channels) {
    if (!is_ready(*listener_, POLLIN, deadline)) {
      ADD_FAILURE() << "the edge did not connect";
      return;
    }
    Channel channel{Descriptor(::accept4(*listener_, nullptr, nullptr, SOCK_CLOEXEC)), 0, 0, {}};
    std::size_t size = 0;
    while ((size = airlock::frame_size(channel.in).value()) == 0) {
      char buffer[4096];
      const auto count =
          is_ready(*channel.socket, POLLIN, deadline) ? ::recv(*channel.socket, buffer, sizeof(buffer), 0) : 0;
      if (count <= 0) {
        ADD_FAILURE() << "no Hello";
        return;
      }
      channel.in.append(buffer, static_cast<std::size_t>(count));
    }
    const auto frame = airlock::read(std::string_view(channel.in).substr(0, size));
    const auto& hello = std::get<airlock::Hello>(frame->body);
    channel.edge_lane = hello.edge_lane;
    channel.guard_lane = hello.guard_lane;
    channel.in.erase(0, size);
    channels_.push_back(std::move(channel));
    std::string out;
    airlock::write(airlock::kNoLeg,
                   airlock::Welcome{airlock::kMajor, airlock::kMinor, "played", 7, lanes_, enclave_, "00"}, out);
    EXPECT_EQ(::send(*channels_.back().socket, out.data(), out.size(), MSG_NOSIGNAL), static_cast<ssize_t>(out.size()));
    ++welcomed;
  }
}

void GuardPlayed::take(Channel& channel) {
  for (;;) {
    const auto size = airlock::frame_size(channel.in);
    if (!size || *size == 0) return;
    std::string octets = channel.in.substr(0, *size);
    channel.in.erase(0, *size);
    const auto frame = airlock::read(octets);
    if (!frame) {
      ADD_FAILURE() << "no frame: " << frame.error().what;
      return;
    }
    if (const auto* credit = std::get_if<airlock::Credit>(&frame->body)) {
      credit_octets += credit->octets;
      credit_stanzas += credit->stanzas;
    } else if (const auto* numbered = std::get_if<airlock::Settled>(&frame->body)) {
      settled = numbered->number;
    } else if (const auto* event = std::get_if<airlock::Event>(&frame->body)) {
      events.push_back(*event);
    } else if (!std::holds_alternative<airlock::Beat>(frame->body)) {
      kept_.push_back({channel.guard_lane, frame->leg, std::move(octets)});
    }
  }
}

bool GuardPlayed::read_some(std::chrono::milliseconds how_long) {
  std::vector<pollfd> wanted;
  for (const auto& channel : channels_) wanted.push_back({*channel.socket, POLLIN, 0});
  if (::poll(wanted.data(), wanted.size(), static_cast<int>(how_long.count())) <= 0) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].revents == 0) continue;
    char buffer[65'536];
    const auto count = ::recv(wanted[i].fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (count > 0) channels_[i].in.append(buffer, static_cast<std::size_t>(count));
    take(channels_[i]);
  }
  return true;
}

bool GuardPlayed::wait_until(const std::function<bool()>& done) {
  const auto deadline = Clock::now() + kPatience;
  auto beat_at = Clock::now();
  while (!done()) {
    const auto now = Clock::now();
    if (now > deadline) return false;
    if (now >= beat_at) {
      for (const auto& channel : channels_) {
        std::string out;
        airlock::write(airlock::kNoLeg, airlock::Beat{1}, out);
        if (::send(*channel.socket, out.data(), out.size(), MSG_NOSIGNAL) < 0) break;
      }
      beat_at = now + std::chrono::seconds(1);
    }
    read_some(std::chrono::milliseconds(50));
  }
  return true;
}

bool GuardPlayed::stays_silent(std::chrono::milliseconds how_long) {
  const auto deadline = Clock::now() + how_long;
  while (kept_.empty() && Clock::now() < deadline)
    read_some(std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()));
  return kept_.empty();
}

airlock::LegId GuardPlayed::next(airlock::Body& body, std::uint16_t* lane) {
  static std::deque<std::string> octets;  // what views in the bodies point into
  if (!wait_until([&] { return !kept_.empty(); })) {
    ADD_FAILURE() << "no frame came";
    return airlock::kNoLeg;
  }
  octets.push_back(std::move(kept_.front().octets));
  if (lane != nullptr) *lane = kept_.front().lane;
  kept_.pop_front();
  auto frame = airlock::read(octets.back());
  body = std::move(frame->body);
  return frame->leg;
}

void GuardPlayed::send(airlock::LegId leg, const airlock::Body& body, std::uint16_t lane) {
  for (const auto& channel : channels_) {
    if (channel.guard_lane != lane) continue;
    std::string out;
    airlock::write(leg, body, out);
    EXPECT_EQ(::send(*channel.socket, out.data(), out.size(), MSG_NOSIGNAL), static_cast<ssize_t>(out.size()));
    return;
  }
  ADD_FAILURE() << "no channel of lane " << lane;
}

bool GuardPlayed::has_event(std::string_view code) const {
  for (const auto& event : events)
    if (event.code == code) return true;
  return false;
}

Scene::Scene() : authority_(folder_, "north"), stranger_(folder_, "stranger"), a_test_(authority_.issue("a.test")) {
  config_.enclave = "north";
  config_.listeners = {{{address_, port_}, config::Listener::Tls::StartTls}};
  config_.faces = {authority_.issue("b.test"), authority_.issue("c.test")};
  config_.anchors = {authority_.file()};
  config_.next_hops = {{"a.test", {{"127.0.60.2", 15269}}, config::Listener::Tls::StartTls}};
  config_.bind = {"127.0.60.3"};
}

Scene::~Scene() {
  if (edge_) edge_->stop();
  if (thread_.joinable()) thread_.join();
}

void Scene::start(std::uint16_t edge_lanes, std::uint16_t guard_lanes) {
  config_.lanes = edge_lanes;
  guard_ = std::make_unique<GuardPlayed>(folder_ / "north.sock", "north", guard_lanes);
  auto settings = Settings::load(config_);
  ASSERT_TRUE(settings) << settings.error().what;
  ASSERT_TRUE((*settings)->contexts->faults().empty()) << (*settings)->contexts->faults()[0].what;
  Edge::Options options;
  options.config = config_;
  options.airlock = folder_.path();
  options.signals = false;
  options.reload = [this]() -> std::expected<config::Edge, std::string> { return config_; };
  edge_ =
      std::make_unique<Edge>(std::move(options), *settings,
                             std::make_shared<spdlog::logger>("edge", std::make_shared<spdlog::sinks::null_sink_mt>()));
  thread_ = std::thread([this] { edge_->run(); });
  guard_->welcome(std::size_t{edge_lanes} * guard_lanes);
}

PeerPlayed Scene::peer() {
  const config::Endpoint& at = config_.listeners[0].at;
  return caller(at.address, at.port, a_test_);
}

PeerPlayed Scene::caller(const std::string& address, std::uint16_t port, std::optional<config::Face> certificate) {
  // The listener opens right after the last Welcome was read.
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    try {
      return PeerPlayed::connect(address, port, certificate, authority_.file());
    } catch (const std::runtime_error&) {
      if (Clock::now() > deadline) throw;
      guard_->stays_silent(std::chrono::milliseconds(5));
    }
  }
}

airlock::LegId Scene::open_in_leg(PeerPlayed& peer, std::uint32_t octets, std::uint32_t stanzas) {
  peer.open_stream();
  const auto [leg, opened] = guard_->expect<airlock::Opened>();
  EXPECT_EQ(opened.from, "a.test");
  EXPECT_TRUE(opened.certificate.chain && opened.certificate.identity) << opened.certificate.problem;
  guard_->send(leg, airlock::Terms{0, true, false, 262'144});
  peer.read_until("</stream:features>");
  peer.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>YS50ZXN0</auth>");
  guard_->expect<airlock::Proved>();
  guard_->send(leg, airlock::Grant{{{"a.test", "b.test"}}, octets, stanzas});
  peer.read_until("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  peer.send(PeerPlayed::header("b.test", "a.test"));
  peer.read_until("<stream:features/>");
  return leg;
}

airlock::LegId Scene::dial(airlock::LegId id) {
  guard_->send(id, airlock::Dial{airlock::LegKind::S2s, "b.test", "a.test", false, 3'000});
  return id;
}

void Scene::serve_up_to_ready(PeerPlayed& server) {
  server.read_until(">");
  server.read_until(">");
  server.send(PeerPlayed::header("b.test", "a.test", "i1") +
              "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>");
  server.read_until("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  server.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  ASSERT_TRUE(server.start_tls_as_server());
  server.read_until("xml:lang='en'>");
  const std::string from_a = PeerPlayed::header("b.test", "a.test", "i2");
  server.send(from_a +
              "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>"
              "</mechanisms></stream:features>");
  server.read_until("</auth>");
  server.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  server.read_until("xml:lang='en'>");
  server.send(PeerPlayed::header("b.test", "a.test", "i3") + "<stream:features/>");
}

}  // namespace sallyport::edge::scene
