#include "bench/allocations.h"

#include <openssl/crypto.h>

#include <cstdlib>
#include <new>

namespace {

thread_local redoubt::bench::Allocations counts;

void* allocate(std::size_t size) {
  ++counts.ours;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}

void release(void* memory) noexcept {
  if (memory != nullptr) ++counts.freed;
  std::free(memory);
}

void* crypto_malloc(std::size_t size, const char*, int) {
  ++counts.openssl;
  return std::malloc(size);
}

void* crypto_realloc(void* memory, std::size_t size, const char*, int) {
  ++counts.openssl;
  return std::realloc(memory, size);
}

void crypto_free(void* memory, const char*, int) { std::free(memory); }

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }

namespace redoubt::bench {

bool start_counting() { return CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) == 1; }
Allocations counted() { return counts; }

}  // namespace redoubt::bench
