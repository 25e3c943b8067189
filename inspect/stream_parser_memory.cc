#include "inspect/stream_parser_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <libxml/xmlmemory.h>
#include <malloc.h>

namespace sallyport::inspect {
namespace {

void wipe_and_free(void* block) {
  if (block != nullptr) explicit_bzero(block, malloc_usable_size(block));
  std::free(block);
}

void* wiping_realloc(void* block, std::size_t size) {
  void* larger = std::malloc(size);
  if (larger == nullptr || block == nullptr) return larger;
  std::memcpy(larger, block, std::min(size, malloc_usable_size(block)));
  wipe_and_free(block);
  return larger;
}

}  // namespace

void wipe_what_parsers_free() {
  xmlMemSetup(&wipe_and_free, &std::malloc, &wiping_realloc, &::strdup);
}

}  // namespace sallyport::inspect
