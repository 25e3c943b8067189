// The reader of lines takes any octets, and what it takes is safe to print and says the same when read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "audit/line_reader.h"
#include "audit/review.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(octets), size);
  const auto line = sallyport::audit::Line::read(text);
  if (!line) return 0;
  const auto printed = sallyport::audit::Printer(false).print(*line);
  for (const char c : printed.substr(0, printed.size() - 1)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) std::abort();
  }
  sallyport::audit::Filter filter;
  filter.from = line->text("from");
  filter.reason = "label";
  (void)filter.permits(*line);
  return 0;
}
