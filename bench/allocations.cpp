#include "bench/allocations.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

thread_local redoubt::bench::Allocations counts;

// Held: bytes that came and went while a Peak stands.
struct Held {
  bool counting = false;
  std::int64_t now = 0;
  std::int64_t most = 0;
};
thread_local Held held;

void* came(void* memory) {
  if (held.counting && memory != nullptr) {
    held.now += static_cast<std::int64_t>(malloc_usable_size(memory));
    held.most = std::max(held.most, held.now);
  }
  return memory;
}

void goes(void* memory) {
  if (held.counting && memory != nullptr) held.now -= static_cast<std::int64_t>(malloc_usable_size(memory));
}

void* allocate(std::size_t size) {
  ++counts.ours;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return came(memory);
  std::abort();
}

void release(void* memory) noexcept {
  if (memory != nullptr) ++counts.freed;
  goes(memory);
  std::free(memory);
}

void* crypto_malloc(std::size_t size, const char*, int) {
  ++counts.openssl;
  return came(std::malloc(size));
}

void* crypto_realloc(void* memory, std::size_t size, const char*, int) {
  ++counts.openssl;
  goes(memory);
  return came(std::realloc(memory, size));
}

void crypto_free(void* memory, const char*, int) {
  goes(memory);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }  // std::stable_sort asks so
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { release(memory); }
// Those of std::pmr.
void* operator new(std::size_t size, std::align_val_t alignment) {
  ++counts.ours;
  const auto step = static_cast<std::size_t>(alignment);
  if (void* const memory = std::aligned_alloc(step, (size + step - 1) / step * step)) return came(memory);
  std::abort();
}
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

namespace redoubt::bench {

bool start_counting() { return CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) == 1; }
Allocations counted() { return counts; }

Peak::Peak() { held = {true, 0, 0}; }
Peak::~Peak() { held.counting = false; }
std::size_t Peak::bytes() const { return static_cast<std::size_t>(held.most); }

}  // namespace redoubt::bench
