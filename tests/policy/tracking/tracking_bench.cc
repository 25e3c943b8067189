// tracking_bench [COUNT]: what an iq request with its answer, and a message, cost the tables of the stage presence, in
// nanoseconds, while 10,000 requests are open.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "policy/memory.h"

namespace sallyport::policy {
namespace {

using namespace std::chrono_literals;

IqRequest request(Tokens& tokens, std::string_view from) {
  IqRequest made;
  made.token = tokens.next();
  made.id = "a1b2c3d4";
  made.from = from;
  made.to = "bob@south.test";
  made.ns = "vcard-temp";
  made.name = "vCard";
  made.patience = 120s;
  return made;
}

template <class Work>
void time(const char* what, std::size_t count, Work work) {
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < count; ++i) work(i);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  std::printf("%-40s %8.1f ns\n", what, took.count() / static_cast<double>(count));
}

void run(std::size_t count) {
  Memory memory({1});
  Tokens tokens({2});
  for (int i = 0; i < 10'000; ++i) memory.iq.open(request(tokens, "user" + std::to_string(i) + "@north.test/r"), 0s);
  std::size_t answered = 0;
  time("request and answer", count, [&](std::size_t) {
    const IqRequest asked = request(tokens, "ann@north.test/phone");
    const Tokens::Text text = Tokens::text(asked.token);
    const std::string_view id(text.data(), text.size());
    if (!memory.iq.has_room(asked)) return;
    Changes opening;
    opening.iq.open = &asked;
    memory.commit(opening, {});
    memory.iq.deliver(id, 1, 1);
    if (memory.iq.find(id) == nullptr) return;
    Changes closing;
    closing.iq.close = id;
    memory.commit(closing, {});
    ++answered;
  });
  Changes message;
  message.recent.whole = {
      .kind = Kind::Message, .from = "ann@north.test/phone", .to = "bob@south.test", .id = "a1b2c3d4"};
  time("message that is remembered", count, [&](std::size_t i) {
    const std::string id = std::to_string(i);
    message.recent.whole.id = id;
    memory.commit(message, {.wall = {}, .steady = std::chrono::milliseconds(i / 20)});
  });
  if (answered != count) std::printf("only %zu were answered\n", answered);
}

}  // namespace
}  // namespace sallyport::policy

int main(int count, char** arguments) {
  sallyport::policy::run(count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 1'000'000);
  return 0;
}
