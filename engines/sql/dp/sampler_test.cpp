// Goal: the samplers draw exactly the distributions that the privacy proofs speak of. Method: small cases by walking through every bit
// string up to a length, which brackets each probability between two rationals; large ones by chi-square and moments with fixed
// seeds, so that the verdict never changes; the largest scales for range.
#include <gtest/gtest.h>

#include "engines/sql/dp/bernoulli.h"
#include "engines/sql/dp/discrete_gaussian.h"
#include "engines/sql/dp/discrete_laplace.h"
#include "engines/sql/dp/dp_test_fixture.h"

namespace redoubt::sql::dp {
namespace {

// PathBits plays one bit string and says when it is at its end.
struct EndOfPath {};
class PathBits final : public BitSource {
 public:
  PathBits(std::uint64_t path, unsigned length) : path_(path), length_(length) {}
  std::uint64_t bits(unsigned count) override {
    std::uint64_t out = 0;
    for (; count > 0; --count) {
      if (used_ == length_) throw EndOfPath();
      out = out << 1 | (path_ >> (length_ - ++used_) & 1);
    }
    return out;
  }
  unsigned used() const { return used_; }

 private:
  std::uint64_t path_;
  unsigned length_;
  unsigned used_ = 0;
};

// Exact: the mass of each outcome over all strings of at most `depth` bits, in units of 2^-depth, and what is undecided after them.
struct Exact {
  std::map<std::int64_t, std::uint64_t> mass;
  std::uint64_t undecided = 0;
  unsigned depth = 0;
  double unit() const { return std::ldexp(1.0, -static_cast<int>(depth)); }
};

template <class Sampler>
void walk(const Sampler& sampler, std::uint64_t path, unsigned length, Exact& out) {
  PathBits source(path, length);
  try {
    const std::int64_t value = sampler(source);
    if (source.used() == length) out.mass[value] += std::uint64_t{1} << (out.depth - length);
    return;
  } catch (const EndOfPath&) {
  }
  if (length == out.depth) {
    out.undecided += 1;
    return;
  }
  walk(sampler, path << 1, length + 1, out);
  walk(sampler, path << 1 | 1, length + 1, out);
}

template <class Sampler>
Exact exact(unsigned depth, const Sampler& sampler) {
  Exact out;
  out.depth = depth;
  walk(sampler, 0, 0, out);
  return out;
}

// expect_brackets: found mass <= probability <= found mass + undecided mass, for every outcome.
void expect_brackets(const Exact& found, std::int64_t outcome, double probability, double slack = 1e-12) {
  const auto at = found.mass.find(outcome);
  const double mass = (at == found.mass.end() ? 0.0 : static_cast<double>(at->second)) * found.unit();
  EXPECT_LE(mass, probability + slack) << outcome;
  EXPECT_GE(mass + static_cast<double>(found.undecided) * found.unit(), probability - slack) << outcome;
}

TEST(Coin, HasExactlyTheRationalProbability) {
  // A power of two decides within its bits: the mass is the fraction itself.
  const Exact quarter = exact(8, [](BitSource& s) { return coin(s, {3, 8}) ? 1 : 0; });
  EXPECT_EQ(quarter.undecided, 0U);
  EXPECT_EQ(quarter.mass.at(1), 3U * 32);
  EXPECT_EQ(quarter.mass.at(0), 5U * 32);
  // Otherwise heads : tails is p : q - p at every depth, since rejected draws start over.
  for (const Fraction p : {Fraction{1, 3}, Fraction{2, 3}, Fraction{5, 7}, Fraction{1, 11}}) {
    const Exact found = exact(16, [p](BitSource& s) { return coin(s, p) ? 1 : 0; });
    EXPECT_EQ(found.mass.at(1) * (p.denominator - p.numerator), found.mass.at(0) * p.numerator);
    EXPECT_LT(found.undecided, 1024U);
  }
  EXPECT_EQ(exact(4, [](BitSource& s) { return coin(s, {0, 1}) ? 1 : 0; }).mass.at(0), 16U);
  EXPECT_FALSE(exact(8, [](BitSource& s) { return coin(s, {9, 9}) ? 1 : 0; }).mass.contains(0));
}

TEST(CoinExp, BracketsTheExponential) {
  for (const Fraction g : {Fraction{0, 1}, Fraction{1, 4}, Fraction{1, 2}, Fraction{3, 4}, Fraction{1, 1}, Fraction{2, 3}}) {
    const Exact found = exact(20, [g](BitSource& s) { return coin_exp(s, g) ? 1 : 0; });
    const double p = std::exp(-static_cast<double>(g.numerator) / static_cast<double>(g.denominator));
    expect_brackets(found, 1, p);
    expect_brackets(found, 0, 1 - p);
    EXPECT_LT(static_cast<double>(found.undecided) * found.unit(), 0.01);
  }
  const Exact product = exact(20, [](BitSource& s) { return coin_exp_product(s, {1, 2}, {3, 4}, {1, 2}) ? 1 : 0; });
  expect_brackets(product, 1, std::exp(-3.0 / 16));
  EXPECT_LT(static_cast<double>(product.undecided) * product.unit(), 0.01);
  const Exact times = exact(20, [](BitSource& s) { return coin_exp_times(s, 3, {1, 2}) ? 1 : 0; });
  expect_brackets(times, 1, std::exp(-1.5));
  EXPECT_LT(static_cast<double>(times.undecided) * times.unit(), 0.05);
}

std::map<std::int64_t, double> laplace_probabilities(double t, std::int64_t range) {
  std::map<std::int64_t, double> out;
  double sum = 0;
  for (std::int64_t z = -range; z <= range; ++z) sum += out[z] = std::exp(-std::abs(static_cast<double>(z)) / t);
  for (auto& [z, p] : out) p /= sum;
  return out;
}

std::map<std::int64_t, double> gaussian_probabilities(double sigma, std::int64_t range) {
  std::map<std::int64_t, double> out;
  double sum = 0;
  for (std::int64_t z = -range; z <= range; ++z) sum += out[z] = std::exp(-static_cast<double>(z * z) / (2 * sigma * sigma));
  for (auto& [z, p] : out) p /= sum;
  return out;
}

TEST(DiscreteLaplace, BracketsItsSmallCases) {
  for (const Scale& t : {scale(1, 1), scale(1, 2), scale(2, 1)}) {
    const Exact found = exact(18, [t](BitSource& s) { return OrDie(discrete_laplace(s, t)); });
    const auto p = laplace_probabilities(static_cast<double>(t.numerator()) / static_cast<double>(t.denominator()), 200);
    for (std::int64_t z = -3; z <= 3; ++z) expect_brackets(found, z, p.at(z));
    EXPECT_LT(static_cast<double>(found.undecided) * found.unit(), 0.2);
    EXPECT_EQ(found.mass.at(1), found.mass.at(-1));
  }
}

TEST(DiscreteGaussian, BracketsItsSmallCases) {
  for (const Scale& sigma : {scale(1, 1), scale(1, 2)}) {
    const Exact found = exact(19, [sigma](BitSource& s) { return OrDie(discrete_gaussian(s, sigma)); });
    const auto p = gaussian_probabilities(static_cast<double>(sigma.numerator()) / static_cast<double>(sigma.denominator()), 100);
    for (std::int64_t z = -2; z <= 2; ++z) expect_brackets(found, z, p.at(z));
    EXPECT_LT(static_cast<double>(found.undecided) * found.unit(), 0.6);
    EXPECT_EQ(found.mass.at(1), found.mass.at(-1));
  }
}

template <class Sampler>
void expect_distribution(const Sampler& sampler, const std::map<std::int64_t, double>& probabilities, std::uint64_t seed) {
  constexpr std::uint64_t kDraws = 200'000;
  KeyedBits source = bits_from(seed);
  std::map<std::int64_t, std::uint64_t> counts;
  double sum = 0;
  double squares = 0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const std::int64_t z = OrDie(sampler(source));
    counts[z] += 1;
    sum += static_cast<double>(z);
    squares += static_cast<double>(z) * static_cast<double>(z);
  }
  double variance = 0;
  double fourth = 0;
  for (const auto& [z, p] : probabilities) {
    variance += p * std::pow(static_cast<double>(z), 2);
    fourth += p * std::pow(static_cast<double>(z), 4);
  }
  unsigned degrees = 0;
  const double chi = chi_square(counts, probabilities, kDraws, &degrees);
  EXPECT_GT(degrees, 2U);
  EXPECT_LT(chi, degrees + 5 * std::sqrt(2.0 * degrees));
  EXPECT_LT(std::abs(sum / kDraws), 5 * std::sqrt(variance / kDraws));
  EXPECT_LT(std::abs(squares / kDraws - variance), 5 * std::sqrt((fourth - variance * variance) / kDraws));
}

TEST(DiscreteLaplace, HasItsDistribution) {
  for (const Scale& t : {scale(7, 2), scale(20, 1), scale(1000, 64)}) {
    expect_distribution([t](BitSource& s) { return discrete_laplace(s, t); },
                        laplace_probabilities(static_cast<double>(t.numerator()) / static_cast<double>(t.denominator()), 2000), t.numerator());
  }
}

TEST(DiscreteGaussian, HasItsDistribution) {
  for (const Scale& sigma : {scale(1, 1), scale(224, 64), scale(25, 1), scale(6401, 64)}) {
    expect_distribution([sigma](BitSource& s) { return discrete_gaussian(s, sigma); },
                        gaussian_probabilities(static_cast<double>(sigma.numerator()) / static_cast<double>(sigma.denominator()), 2000),
                        100 + sigma.numerator());
  }
}

TEST(DiscreteGaussian, IsNotTheOneOfANeighbouringScale) {
  // The same test must be able to tell sigma 3.5 from 3.6, or it shows nothing.
  KeyedBits source = bits_from(324);
  std::map<std::int64_t, std::uint64_t> counts;
  for (int i = 0; i < 200'000; ++i) counts[OrDie(discrete_gaussian(source, scale(36, 10)))] += 1;
  unsigned degrees = 0;
  const double chi = chi_square(counts, gaussian_probabilities(3.5, 200), 200'000, &degrees);
  EXPECT_GT(chi, degrees + 20 * std::sqrt(2.0 * degrees));
}

TEST(Samplers, KeepTheirMomentsAtTheLargestScales) {
  for (const Scale& sigma : {scale((std::uint64_t{1} << 56) - 1, 1), scale((std::uint64_t{1} << 61) + 12345, 64), scale(3, 1U << 20)}) {
    KeyedBits source = bits_from(sigma.numerator());
    const double s = static_cast<double>(sigma.numerator()) / static_cast<double>(sigma.denominator());
    double squares = 0;
    for (int i = 0; i < 20'000; ++i) {
      const double z = static_cast<double>(OrDie(discrete_gaussian(source, sigma))) / s;
      squares += z * z;
    }
    if (s < 1) {
      EXPECT_EQ(squares, 0);  // a value other than 0 has probability exp(-2^35)
    } else {
      EXPECT_NEAR(squares / 20'000, 1.0, 0.05);
    }
  }
}

TEST(Scale, RefusesWhatTheSamplersCannotHold) {
  EXPECT_EQ(Scale::make(0, 1).error().code(), Code::usage);
  EXPECT_EQ(Scale::make(1, 0).error().code(), Code::usage);
  EXPECT_EQ(Scale::make(1, (1U << 20) + 1).error().code(), Code::usage);
  EXPECT_EQ(Scale::make(std::uint64_t{1} << 56, 1).error().code(), Code::usage);
  EXPECT_EQ(Scale::make((std::uint64_t{1} << 62) + 1, 1U << 20).error().code(), Code::usage);
  EXPECT_EQ(Scale::make(UINT64_MAX, 1).error().code(), Code::usage);
  EXPECT_OK(Scale::make((std::uint64_t{1} << 56) - 1, 1));
}

}  // namespace
}  // namespace redoubt::sql::dp
