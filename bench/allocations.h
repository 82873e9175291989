// Allocations: how often a call asks for memory, counted by thread: the C++ rooms (operator new) and OpenSSL (CRYPTO_malloc) apart.
// Linking this replaces both in the program; start() must run before anything else uses OpenSSL. Private to bench/.
#pragma once

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

}  // namespace redoubt::bench
