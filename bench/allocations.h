// Allocations: how often a call asks for memory, and how much of it stands at once, counted by thread: the C++ rooms (operator new) and
// OpenSSL (CRYPTO_malloc) apart. Linking this replaces both in the program; start_counting() must run before anything else uses OpenSSL.
// Private to bench/.
#pragma once

#include <cstddef>
#include <cstdint>

namespace redoubt::bench {

struct Allocations {
  std::uint64_t ours = 0;     // calls of operator new
  std::uint64_t freed = 0;    // calls of operator delete with a pointer
  std::uint64_t openssl = 0;  // CRYPTO_malloc and CRYPTO_realloc
};

// start puts the counters under OpenSSL; false when OpenSSL has allocated already.
bool start_counting();
// counted: of this thread, since it began.
Allocations counted();

// Peak: while it stands, the bytes that this thread holds beyond what it held before, of both kinds together. One at a time.
class Peak {
 public:
  Peak();
  ~Peak();
  Peak(const Peak&) = delete;
  Peak& operator=(const Peak&) = delete;

  // bytes: the most that were held at once since this began, as the allocator gave them (malloc_usable_size).
  std::size_t bytes() const;
};

}  // namespace redoubt::bench
