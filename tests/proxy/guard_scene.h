// A lane between two edges that are played by the test: frames by hand, a clock by hand, a log that writes when told.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "audit/log.h"
#include "inspect/normal_form.h"
#include "policy/bundle.h"
#include "proxy/guard/lane.h"

namespace sallyport::guard {

using namespace std::chrono_literals;
using airlock::LegId;
using inspect::StreamCondition;

inline constexpr EdgeIndex kNorth = 0, kSouth = 1;
inline constexpr LegId kPeer = 2;  ///< the leg that most tests accept

/// alpha.test and delta.test in north; bravo.test with conf.bravo.test, charlie.test in south. All of north may speak
/// with all of south; echo.test (south) may only be spoken to by alpha.test.
inline policy::Tables tables() {
  using policy::Peering;
  policy::Tables tables;
  tables.name = "test";
  for (const char* name : {"north", "south"}) {
    policy::Enclave enclave;
    enclave.name = name;
    enclave.revocation = policy::RevocationRule::Soft;
    tables.enclaves.push_back(enclave);
  }
  tables.enclaves[1].withdrawn = {"gone.test"};
  tables.domains = {{"alpha.test", 0, 0},      {"bravo.test", 1, 1}, {"charlie.test", 1, 2},
                    {"conf.bravo.test", 1, 1}, {"delta.test", 0, 4}, {"echo.test", 1, 5}};
  Peering everything;
  everything.id = "everything";
  everything.message = everything.presence = everything.iq = true;
  Peering one_way = everything;
  one_way.id = "one-way";
  tables.peerings = {everything, one_way};
  constexpr std::array<std::uint16_t, 2> kNorthern = {0, 4};
  constexpr std::array<std::uint16_t, 3> kSouthern = {1, 2, 3};
  for (const std::uint16_t north : kNorthern) {
    for (const std::uint16_t south : kSouthern) {
      tables.routes.push_back({north, south, 0});
      tables.routes.push_back({south, north, 0});
    }
  }
  tables.routes.push_back({0, 5, 1});
  std::ranges::sort(tables.routes, {}, [](const policy::Route& r) { return std::pair(r.from, r.to); });
  for (const auto stage : {policy::Stage::Payload, policy::Stage::Label, policy::Stage::Presence,
                           policy::Stage::Content, policy::Stage::Rate})
    tables.settings.stages_off |= static_cast<std::uint8_t>(1U << static_cast<unsigned>(stage));
  return tables;
}

inline std::shared_ptr<const policy::Bundle> bundle(policy::Tables from = tables()) {
  auto made = policy::Bundle::make(std::move(from));
  if (!made) throw std::runtime_error(made.error().what);
  return std::make_shared<const policy::Bundle>(*std::move(made));
}

/// A log on paper: it takes what has room, and has written when write() was called.
class PaperLog final : public audit::Log::Lane {
 public:
  std::uint64_t enqueue(const audit::Record& record) override {
    if (records.size() - taken_ >= capacity) return 0;
    records.push_back(record);
    if (const auto* event = std::get_if<audit::EventRecord>(&record)) ++times_[event->code];
    return records.size();
  }
  void wake() override {}
  void take_recorded(std::vector<audit::Recorded>& out) override {
    for (; taken_ < written_; ++taken_) out.push_back({taken_ + 1, taken_ + 1001});
  }
  /// Returns whether there was something to write.
  bool write() {
    const bool news = written_ < records.size();
    written_ = records.size();
    return news;
  }

  /// How often an event was recorded; without a walk over all records, for tests that ask in a loop.
  std::size_t times(const std::string& code) const {
    const auto found = times_.find(code);
    return found == times_.end() ? 0 : found->second;
  }

  std::deque<audit::Record> records;
  std::size_t capacity = 100'000;

 private:
  std::map<std::string, std::size_t> times_;
  std::size_t written_ = 0, taken_ = 0;
};

struct Message {
  std::string from = "ann@alpha.test/a", to = "bob@bravo.test", id = "m1", body = "hello";
  std::string name = "message", type = "chat";
};

inline std::string normal_form(const Message& message) {
  std::string out;
  inspect::NormalFormWriter writer(out);
  std::vector<inspect::Attribute> attributes{{"", "from", message.from}, {"", "to", message.to}};
  if (!message.id.empty()) attributes.push_back({"", "id", message.id});
  if (!message.type.empty()) attributes.push_back({"", "type", message.type});
  writer.open(inspect::ns::kContent, message.name, attributes);
  if (message.name == "message") {
    writer.open(inspect::ns::kContent, "body", {});
    writer.text(message.body);
    writer.close();
  } else if (message.name == "iq") {
    writer.open("urn:xmpp:ping", "ping", {});
    writer.close();
  }
  writer.close();
  return out;
}

/// A frame that the lane sent; texts are copied.
struct Out {
  EdgeIndex edge;
  std::uint16_t edge_lane;
  LegId leg;
  airlock::Body body;
  std::string from, to, xml;
};

class Scene : public Outlet {
 public:
  explicit Scene(LaneSettings settings = default_settings(), std::uint64_t memory = 1 << 30,
                 std::shared_ptr<const policy::Bundle> policy = bundle())
      : budget(memory), lane(std::move(settings), *this, log, budget, std::move(policy)) {
    join(kNorth);
    join(kSouth);
  }
  static LaneSettings default_settings() {
    LaneSettings settings;
    settings.enclaves = {"north", "south"};
    settings.run = 7;
    return settings;
  }

  void join(EdgeIndex edge, std::uint16_t lanes = 1) {
    for (std::uint16_t each = 0; each < lanes; ++each) lane.on_channel(edge, each, lanes, now);
    lane.flush(now);
  }
  void lose(EdgeIndex edge) {
    lane.on_edge_lost(edge, now);
    settle();
  }

  // From an edge.
  void frame(EdgeIndex edge, LegId leg, const airlock::Body& body, std::uint16_t edge_lane = 0) {
    lane.on_frame(edge, edge_lane, {leg, body}, now);
    settle();
  }
  static airlock::CertificateFacts good_certificate() {
    airlock::CertificateFacts facts;
    facts.presented = facts.chain = facts.identity = true;
    facts.revocation = airlock::Revocation::Good;
    return facts;
  }
  static airlock::Opened opened(std::string from = "alpha.test", std::string to = "bravo.test") {
    airlock::Opened frame;
    frame.from = std::move(from);
    frame.to = std::move(to);
    frame.tls.secure = true;
    frame.certificate = good_certificate();
    return frame;
  }
  static airlock::Proved proved(std::string from = "alpha.test", std::string to = "bravo.test") {
    airlock::Proved frame;
    frame.from = std::move(from);
    frame.to = std::move(to);
    frame.certificate = good_certificate();
    return frame;
  }
  static airlock::Ready ready(std::string from = "alpha.test", std::string to = "bravo.test") {
    airlock::Ready frame;
    frame.from = std::move(from);
    frame.to = std::move(to);
    frame.tls.secure = true;
    frame.certificate = good_certificate();
    return frame;
  }
  static airlock::Failed failed(airlock::DialFault fault = airlock::DialFault::NoAnswer) {
    airlock::Failed frame;
    frame.fault = fault;
    return frame;
  }
  static airlock::Closed closed(bool clean, std::uint64_t written = 0, std::uint64_t settled = 0) {
    airlock::Closed frame;
    frame.clean = clean;
    frame.written = written;
    frame.settled = settled;
    return frame;
  }
  static airlock::Close close(airlock::CloseKind kind = airlock::CloseKind::Clean) {
    airlock::Close frame;
    frame.kind = kind;
    return frame;
  }
  static airlock::Credit credit(std::uint32_t octets, std::uint32_t stanzas) {
    airlock::Credit frame;
    frame.octets = octets;
    frame.stanzas = stanzas;
    return frame;
  }
  static airlock::Settled settled(std::uint64_t number) {
    airlock::Settled frame;
    frame.number = number;
    return frame;
  }
  void stanza(LegId leg, std::uint64_t number, const Message& message = {}, EdgeIndex edge = kNorth) {
    stanza_octets(leg, number, normal_form(message), edge);
  }
  void stanza_octets(LegId leg, std::uint64_t number, const std::string& octets, EdgeIndex edge = kNorth) {
    airlock::Stanza frame_body;
    frame_body.number = number;
    frame_body.normal_form = octets;
    frame(edge, leg, frame_body);
  }

  /// Opens and proves; the route waits for its far leg.
  void knock(LegId leg = kPeer, const std::string& from = "alpha.test", const std::string& to = "bravo.test",
             EdgeIndex edge = kNorth) {
    frame(edge, leg, opened(from, to));
    frame(edge, leg, proved(from, to));
  }
  /// A route that stands. Gives the id of the dialled leg.
  LegId connect(LegId leg = kPeer, const std::string& from = "alpha.test", const std::string& to = "bravo.test",
                EdgeIndex edge = kNorth) {
    knock(leg, from, to, edge);
    const LegId far = last_dial();
    frame(edge == kNorth ? kSouth : kNorth, far, ready(from, to));
    return far;
  }

  // Time.
  void pass(std::chrono::milliseconds time) {
    const Steady end = now.steady + time;
    while (lane.next_deadline() <= end) {
      if (lane.next_deadline() > now.steady) advance(lane.next_deadline() - now.steady);
      lane.tick(now);
      settle();
    }
    advance(end - now.steady);
  }
  void advance(std::chrono::steady_clock::duration time) {
    now.steady += time;
    now.wall += std::chrono::duration_cast<std::chrono::microseconds>(time);
  }
  /// Lets the log write, unless it is held, until nothing follows any more.
  void settle() {
    lane.flush(now);
    while (log_writes && log.write()) {
      lane.on_recorded(now);
      lane.flush(now);
    }
  }

  // What came of it.
  template <class Frame>
  std::vector<Out> all(EdgeIndex edge) const {
    std::vector<Out> found;
    for (const Out& each : sent) {
      if (each.edge == edge && std::holds_alternative<Frame>(each.body)) found.push_back(each);
    }
    return found;
  }
  template <class Frame>
  std::size_t count(EdgeIndex edge) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        sent, [edge](const Out& each) { return each.edge == edge && std::holds_alternative<Frame>(each.body); }));
  }
  /// The last frame of that type to that edge; nullptr if there was none.
  template <class Frame>
  const Out* last_out(EdgeIndex edge) const {
    const auto found = std::find_if(sent.rbegin(), sent.rend(), [edge](const Out& each) {
      return each.edge == edge && std::holds_alternative<Frame>(each.body);
    });
    return found == sent.rend() ? nullptr : &*found;
  }
  /// The last frame of that type, for any leg of that edge.
  template <class Frame>
  Frame last(EdgeIndex edge) const {
    const Out* found = last_out<Frame>(edge);
    EXPECT_NE(found, nullptr) << "no such frame";
    return found == nullptr ? Frame{} : std::get<Frame>(found->body);
  }
  LegId last_dial() const {
    for (auto each = sent.rbegin(); each != sent.rend(); ++each) {
      if (std::holds_alternative<airlock::Dial>(each->body)) return each->leg;
    }
    ADD_FAILURE() << "nothing was dialled";
    return airlock::kNoLeg;
  }
  std::vector<std::string> delivered(EdgeIndex edge) const {
    std::vector<std::string> texts;
    for (const Out& each : all<airlock::Deliver>(edge)) texts.push_back(each.xml);
    return texts;
  }
  std::vector<audit::StanzaRecord> stanza_records() const {
    std::vector<audit::StanzaRecord> found;
    for (const auto& record : log.records) {
      if (const auto* stanza_record = std::get_if<audit::StanzaRecord>(&record)) found.push_back(*stanza_record);
    }
    return found;
  }
  std::vector<audit::EventRecord> events(std::string_view code) const {
    std::vector<audit::EventRecord> found;
    for (const auto& record : log.records) {
      const auto* event = std::get_if<audit::EventRecord>(&record);
      if (event != nullptr && event->code == code) found.push_back(*event);
    }
    return found;
  }

  void send(EdgeIndex edge, std::uint16_t edge_lane, LegId leg, const airlock::Body& body) override {
    Out out{edge, edge_lane, leg, body, {}, {}, {}};
    if (const auto* deliver = std::get_if<airlock::Deliver>(&body)) {
      out.from = deliver->from;
      out.to = deliver->to;
      out.xml = deliver->xml;
    }
    sent.push_back(std::move(out));
  }
  void end_edge(EdgeIndex edge) override { ended.push_back(edge); }
  void tell_lane(std::uint16_t to, LaneMessage message) override { messages.emplace_back(to, std::move(message)); }

  Moment now{Steady(std::chrono::hours(1000)), audit::Time(std::chrono::seconds(1'800'000'000))};
  PaperLog log;
  Budget budget;
  bool log_writes = true;
  std::vector<Out> sent;
  std::vector<EdgeIndex> ended;
  std::vector<std::pair<std::uint16_t, LaneMessage>> messages;  ///< for other lanes
  Lane lane;
};

}  // namespace sallyport::guard
