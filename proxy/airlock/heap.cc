#include "proxy/airlock/heap.h"

#include <cstddef>
#include <initializer_list>

extern "C" {
/// jemalloc(3), where the program is linked with it.
int mallctl(const char* name, void* old, std::size_t* old_size, void* value, std::size_t size) __attribute__((weak));
/// Read by it before anything else runs. What has been free for a second goes back while a burst lasts; no thread keeps
/// larger pieces than stanzas at hand.
extern const char* malloc_conf;
const char* malloc_conf = "dirty_decay_ms:1000,muzzy_decay_ms:0,tcache_max:2048";
}

namespace sallyport::heap {

void trim() {
  if (mallctl == nullptr) return;
  constexpr const char* kAllArenas = "arena.4096.purge";
  for (const char* each : {"thread.tcache.flush", kAllArenas}) mallctl(each, nullptr, nullptr, nullptr, 0);
}

}  // namespace sallyport::heap
