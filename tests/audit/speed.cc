// How fast the log is: CPU and wall time per record, of a lane and of the log's threads. `audit_speed [records] [a
// second]`
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <semaphore>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "audit/line_writer.h"
#include "audit/log.h"

namespace {

using namespace sallyport::audit;
using Clock = std::chrono::steady_clock;

double cpu_seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

StanzaRecord typical() {
  StanzaRecord record;
  record.time = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  record.crossing = 3;
  record.from_enclave = "north";
  record.to_enclave = "south";
  record.from = "romeo@montague.test/orchard";
  record.to = "juliet@capulet.test/balcony";
  record.kind = "message";
  record.type = "chat";
  record.id = "b7a1c9d2-5e7f-4a77-9f1c-0c1d2e3f4a5b";
  record.verdict = "release";
  record.reason = "policy.granted";
  record.rule = "north-south-chat";
  record.bundle = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
  record.leg_in = 2;
  record.leg_out = 5;
  record.octets_in = 420;
  record.octets_out = 500;
  record.sha256_in.fill(0x5A);
  record.sha256_out.fill(0xA5);
  return record;
}

void parts(const StanzaRecord& record, std::uint64_t records) {
  FieldWriter writer;
  std::string fields, lines;
  const Record any = record;
  auto start = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  for (std::uint64_t i = 0; i < records; ++i) {
    fields.clear();
    writer.write(any, fields);
  }
  const auto writing = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
  Chain chain(0, {});
  start = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  for (std::uint64_t i = 0; i < records; ++i) {
    lines.clear();
    chain.append(fields, lines);
  }
  const auto chaining = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
  const auto each = 1e9 / static_cast<double>(records);
  std::printf("fields %.0f ns, chain %.0f ns, line of %zu octets\n", writing * each, chaining * each, lines.size());
}

/// A lane that submits `turn` records, waits until they are recorded, and so on.
void whole(const StanzaRecord& record, std::uint64_t records, std::uint64_t turn, Mode mode) {
  std::string name = std::filesystem::temp_directory_path() / "audit-speed-XXXXXX";
  LogSettings settings;
  settings.directory = ::mkdtemp(name.data());
  settings.mode = mode;
  auto log = Log::open(settings, record.time);
  if (!log) {
    std::fprintf(stderr, "%s\n", log.error().c_str());
    std::exit(1);
  }
  std::counting_semaphore<> news(0);
  auto& lane = (*log)->add_lane([&] { news.release(); }, turn);
  std::vector<Recorded> recorded;
  Record any = record;
  const auto cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  const auto lane_cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  const auto start = Clock::now();
  for (std::uint64_t submitted = 0; submitted < records; submitted += turn) {
    for (std::uint64_t i = 0; i < turn; ++i) {
      std::get<StanzaRecord>(any).number_out = submitted + i + 1;
      if (lane.submit(any) == 0) std::exit(1);
    }
    recorded.clear();
    while (recorded.size() < turn) {
      news.acquire();
      lane.take_recorded(recorded);
    }
  }
  (*log)->close();
  const auto each = 1e9 / static_cast<double>(records);
  const auto in_lane = (cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - lane_cpu) * each;
  const auto in_all = (cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * each;
  const auto wall = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("%-6s %4llu a turn: %7.0f records/s, CPU a record: lane %5.0f ns, log %5.0f ns\n",
              mode == Mode::Group ? "group" : "strict", static_cast<unsigned long long>(turn),
              static_cast<double>(records) / wall, in_lane, in_all - in_lane);
  std::filesystem::remove_all(settings.directory);
}

}  // namespace

int main(int count, char** arguments) {
  const auto records = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 200'000;
  const auto record = typical();
  parts(record, records);
  for (const auto mode : {Mode::Group, Mode::Strict}) {
    for (const std::uint64_t turn : {4U, 32U, 512U}) whole(record, records * turn / 512, turn, mode);
  }
}
