// What a stanza costs a lane of the guard, without sockets, edges and the log's threads: frames are read from octets,
// judged, recorded into a log's fields, and written as frames. `lane_speed [stanzas] [octets of a body] [a batch]`. For
// figures that a busy machine does not blur: perf stat -e instructions:u, or valgrind --tool=callgrind.
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "audit/line_writer.h"
#include "guard_scene.h"

namespace sallyport::guard {
namespace {

/// Writes the fields of each record, as the log's ring does, and has recorded them at once.
class FieldLog final : public audit::Log::Lane {
 public:
  std::uint64_t enqueue(const audit::Record& record) override {
    fields_.clear();
    writer_.write(record, fields_);
    return ++submitted_;
  }
  void wake() override {}
  void take_recorded(std::vector<audit::Recorded>& out) override {
    for (; taken_ < submitted_; ++taken_) out.push_back({taken_ + 1, taken_ + 1});
  }

 private:
  audit::FieldWriter writer_;
  std::string fields_;
  std::uint64_t submitted_ = 0, taken_ = 0;
};

class Edges final : public Outlet {
 public:
  void send(EdgeIndex, std::uint16_t, LegId leg, const airlock::Body& body) override {
    if (std::holds_alternative<airlock::Dial>(body)) dialled = leg;
    if (const auto* deliver = std::get_if<airlock::Deliver>(&body)) delivered = deliver->number;
    airlock::write(leg, body, octets);
    if (octets.size() > 64 * 1024) octets.clear();
  }
  void end_edge(EdgeIndex) override { std::abort(); }
  void tell_lane(std::uint16_t, LaneMessage) override { std::abort(); }

  LegId dialled = airlock::kNoLeg;
  std::uint64_t delivered = 0;
  std::string octets;
};

int run(std::uint64_t stanzas, std::size_t octets, std::uint64_t batch) {
  FieldLog log;
  Edges edges;
  Budget budget(1 << 30);
  guard::Lane lane(Scene::default_settings(), edges, log, budget, bundle());
  const Moment now{Steady(1000h), audit::Time(std::chrono::seconds(1'800'000'000))};
  std::string frame;
  const auto give = [&](EdgeIndex edge, LegId leg, const airlock::Body& body) {
    frame.clear();
    airlock::write(leg, body, frame);
    const auto read = airlock::read(frame);
    if (!read) std::abort();
    lane.on_frame(edge, 0, *read, now);
  };
  const auto finish = [&] {
    lane.flush(now);
    lane.on_recorded(now);
    lane.flush(now);
  };
  for (const EdgeIndex edge : {kNorth, kSouth}) lane.on_channel(edge, 0, 1, now);
  give(kNorth, kPeer, Scene::opened());
  give(kNorth, kPeer, Scene::proved());
  give(kSouth, edges.dialled, Scene::ready());
  finish();
  const LegId far = edges.dialled;
  const Message message{.id = "b7a1c9d2-5e7f-4a77-9f1c-0c1d2e3f4a5b", .body = std::string(octets, 'x')};
  const std::string normal = normal_form(message);
  timespec begin{}, end{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
  for (std::uint64_t number = 0; number < stanzas;) {
    for (std::uint64_t i = 0; i < batch && number < stanzas; ++i) {
      airlock::Stanza stanza;
      stanza.number = ++number;
      stanza.normal_form = normal;
      give(kNorth, kPeer, stanza);
    }
    finish();
    give(kSouth, far, Scene::settled(edges.delivered));
    give(kSouth, far, Scene::credit(static_cast<std::uint32_t>(batch * 1024), static_cast<std::uint32_t>(batch)));
    finish();
  }
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
  const double seconds =
      static_cast<double>(end.tv_sec - begin.tv_sec) + static_cast<double>(end.tv_nsec - begin.tv_nsec) * 1e-9;
  if (edges.delivered != stanzas) return 1;
  std::printf("%.0f ns a stanza\n", seconds / static_cast<double>(stanzas) * 1e9);
  return 0;
}

}  // namespace
}  // namespace sallyport::guard

int main(int count, char** words) {
  const auto number = [&](int index, unsigned long otherwise) {
    return count > index ? std::strtoul(words[index], nullptr, 10) : otherwise;
  };
  return sallyport::guard::run(number(1, 200'000), number(2, 250), number(3, 32));
}
