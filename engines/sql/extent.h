// Extent and Effort: how long a value can become, and what computing it can cost, by the text of the query and the schema alone. Whoever can
// make one row's value outgrow the engine's memory or time learns from a query that is not answered whether that row is there, exactly; so
// both are bounded before anything runs (G5). Upper bounds: too high refuses an honest query, too low would let that bit out. What nothing is known
// of has no bound. Private to this room; plain values.
#pragma once

#include <limits>

namespace redoubt::sql {

inline constexpr double kUnbounded = std::numeric_limits<double>::infinity();

// kMostProgram: instructions of the largest program that the engine's regular expressions (RE2, 8 MiB) make of a pattern, rounded up.
inline constexpr double kMostProgram = 400'000;

// Extent of a value written as text, and of that text where it stands as a pattern.
struct Extent {
  double bytes = kUnbounded;
  double runs = kUnbounded;   // of LIKE's %
  double inner = kUnbounded;  // those of them that something follows: only these make LIKE look further
  double program = kMostProgram;  // instructions, as a regular expression
};

// Effort that one row of a person can make.
struct Effort {
  double bytes = 0;  // of texts that are held at a time
  double steps = 0;  // of looking through texts, some nanoseconds each

  Effort& operator+=(const Effort& other) {
    bytes += other.bytes;
    steps += other.steps;
    return *this;
  }
};

}  // namespace redoubt::sql
