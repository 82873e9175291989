// Integers of 128 bits for exact arithmetic: nothing here rounds unless its name says which way. Pure and thread-safe.
#pragma once

#include <bit>
#include <cstdint>

#include "common/base/result.h"

namespace redoubt::sql::dp {

__extension__ typedef __int128 I128;            // a language extension that GCC and clang share
__extension__ typedef unsigned __int128 U128;

// multiply: `usage` naming `what` when the product passes 128 bits.
inline Result<U128> multiply(U128 a, U128 b, std::string_view what) {
  U128 product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return Error(Code::usage, std::string(what) + ": above 128 bits");
  return product;
}

// divide_up: a / b rounded up; b is not zero.
constexpr U128 divide_up(U128 a, U128 b) { return a / b + (a % b != 0 ? 1 : 0); }

// divide_nearest: a / b rounded to the nearest integer, halves away from zero; b is positive and below 2^126.
constexpr I128 divide_nearest(I128 a, I128 b) {
  const I128 quotient = a / b;
  const I128 rest = a % b;
  const I128 twice = rest < 0 ? -rest * 2 : rest * 2;
  if (twice < b) return quotient;
  return a < 0 ? quotient - 1 : quotient + 1;
}

// root_down, root_up: the square root as an integer, rounded down or up.
constexpr std::uint64_t root_down(U128 value) {
  std::uint64_t root = 0;
  for (int bit = 63; bit >= 0; --bit) {
    const std::uint64_t next = root | (std::uint64_t{1} << bit);
    if (static_cast<U128>(next) * next <= value) root = next;
  }
  return root;
}
constexpr U128 root_up(U128 value) {
  const std::uint64_t root = root_down(value);
  return static_cast<U128>(root) + (static_cast<U128>(root) * root == value ? 0 : 1);
}

constexpr bool fits_int64(I128 value) { return value >= INT64_MIN && value <= INT64_MAX; }

}  // namespace redoubt::sql::dp
