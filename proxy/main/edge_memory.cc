// Passwords of clients pass through many short-lived buffers of an edge: TLS plaintext, parser, normal form, base 64,
// frames. Whatever this program frees is overwritten first, so that none of them has to be thought of.
#include <cstdlib>
#include <cstring>
#include <new>

#include <malloc.h>

namespace {

void* obtain(std::size_t size) {
  void* block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void* obtain(std::size_t size, std::align_val_t alignment) {
  void* block = nullptr;
  if (::posix_memalign(&block, static_cast<std::size_t>(alignment), size == 0 ? 1 : size) != 0) throw std::bad_alloc();
  return block;
}

void wipe_and_free(void* block) noexcept {
  if (block == nullptr) return;
  explicit_bzero(block, malloc_usable_size(block));
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) {
  return obtain(size);
}
void* operator new[](std::size_t size) {
  return obtain(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return obtain(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return obtain(size, alignment);
}
void operator delete(void* block) noexcept {
  wipe_and_free(block);
}
void operator delete[](void* block) noexcept {
  wipe_and_free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  wipe_and_free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  wipe_and_free(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  wipe_and_free(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
  wipe_and_free(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  wipe_and_free(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
  wipe_and_free(block);
}
