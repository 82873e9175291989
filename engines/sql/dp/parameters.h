// Parameters of differential privacy as exact numbers: epsilon in millionths, delta in units of 10^-18, the scale of noise as a
// fraction. They come from contracts and queries as decimal text and are parsed once, into types that cannot be wrong; one number
// has one spelling. Pure and thread-safe.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace redoubt::sql::dp {

// Epsilon: 0.000001 to 64.
class Epsilon {
 public:
  static constexpr std::uint64_t kOne = 1'000'000;
  static constexpr std::uint64_t kMax = 64 * kOne;
  // from_millionths: `malformed` outside 1 to kMax.
  static Result<Epsilon> from_millionths(std::uint64_t millionths);
  // parse reads a decimal such as "1", "0.5" or "12.25": no sign, no exponent, no spare zero, at most 6 places.
  static Result<Epsilon> parse(std::string_view text);
  std::uint64_t millionths() const { return millionths_; }
  std::string text() const;
  friend auto operator<=>(const Epsilon&, const Epsilon&) = default;

 private:
  explicit Epsilon(std::uint64_t millionths) : millionths_(millionths) {}
  std::uint64_t millionths_;
};

// Delta: 10^-18 to 1/4.
class Delta {
 public:
  static constexpr std::uint64_t kOne = 1'000'000'000'000'000'000;
  static constexpr std::uint64_t kMax = kOne / 4;
  static Result<Delta> from_units(std::uint64_t units);
  // parse reads a decimal such as "0.000001": as for Epsilon, at most 18 places.
  static Result<Delta> parse(std::string_view text);
  std::uint64_t units() const { return units_; }
  std::string text() const;
  friend auto operator<=>(const Delta&, const Delta&) = default;

 private:
  explicit Delta(std::uint64_t units) : units_(units) {}
  std::uint64_t units_;
};

// Scale: the scale of noise as the fraction numerator / denominator, from 2^-20 to 2^56. For discrete Laplace noise it is t in
// P[z] ~ exp(-|z| / t), for Gaussian noise the standard deviation sigma.
class Scale {
 public:
  static constexpr std::uint64_t kMaxDenominator = std::uint64_t{1} << 20;
  static constexpr std::uint64_t kMaxWhole = std::uint64_t{1} << 56;
  // make: `usage` for a zero, a denominator above kMaxDenominator, a numerator above 2^62 or a value above kMaxWhole.
  static Result<Scale> make(std::uint64_t numerator, std::uint64_t denominator);
  std::uint64_t numerator() const { return numerator_; }
  std::uint64_t denominator() const { return denominator_; }
  friend bool operator==(const Scale&, const Scale&) = default;

 private:
  Scale(std::uint64_t numerator, std::uint64_t denominator) : numerator_(numerator), denominator_(denominator) {}
  std::uint64_t numerator_;
  std::uint64_t denominator_;
};

}  // namespace redoubt::sql::dp
