// How much of an exhaustive test the quick tier runs.
#pragma once

#include <cstddef>

namespace redoubt::test {

// stride is the step of a loop that tries every byte (or every size) in turn: 1 in ./test.sh --full, which sets REDOUBT_FULL,
// and `quick` otherwise; in a sanitized program the first prime from five times that on. Take 1 or a prime, so that a loop whose bit or
// case goes with the byte's number still sees all of them.
std::size_t stride(std::size_t quick);

}  // namespace redoubt::test
