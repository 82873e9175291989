// Goal: every conversion is close and on the safe side. Method: against long double, and against the defining inequality in exact
// integers where it fits; round trips over a grid of parameters; decimals in one spelling.
#include "engines/sql/dp/zcdp.h"

#include <gtest/gtest.h>

#include "engines/sql/dp/dp_test_fixture.h"

namespace redoubt::sql::dp {
namespace {

constexpr long double kUnit = 1.0L / 1099511627776.0L;  // 2^-40

TEST(LnRatioUp, IsAboveTheLogarithmByLessThanItsStatedError) {
  KeyedBits source = bits_from(1);
  for (int i = 0; i < 20'000; ++i) {
    std::uint64_t a = source.bits(1 + static_cast<unsigned>(source.below(64)));
    std::uint64_t b = source.bits(1 + static_cast<unsigned>(source.below(64)));
    if (a < b) std::swap(a, b);
    if (b == 0) continue;
    const long double bound = static_cast<long double>(OrDie(ln_ratio_up(a, b))) * kUnit;
    const long double truth = std::log(static_cast<long double>(a)) - std::log(static_cast<long double>(b));
    ASSERT_GE(bound, truth - 1e-16L) << a << " / " << b;
    ASSERT_LE(bound, truth + 8 * kUnit) << a << " / " << b;
  }
  EXPECT_OK(ln_ratio_up(UINT64_MAX, UINT64_MAX));
  EXPECT_OK(ln_ratio_up(UINT64_MAX, 1));
  EXPECT_EQ(ln_ratio_up(1, 0).error().code(), Code::usage);
  EXPECT_EQ(ln_ratio_up(1, 2).error().code(), Code::usage);
}

TEST(RhoFor, RoundsDownAndComesBackBelowItsEpsilon) {
  for (const char* epsilon_text : {"0.001", "0.01", "0.1", "0.5", "1", "2.718281", "10", "64"}) {
    for (const char* delta_text : {"0.25", "0.01", "0.000001", "0.0000000005", "0.000000000000000001"}) {
      const Epsilon epsilon = OrDie(Epsilon::parse(epsilon_text));
      const Delta delta = OrDie(Delta::parse(delta_text));
      const Rho rho = OrDie(rho_for(epsilon, delta));
      const long double e = static_cast<long double>(epsilon.millionths()) / 1e6L;
      const long double log = -std::log(static_cast<long double>(delta.units()) / 1e18L);
      const long double root = e / (std::sqrt(e + log) + std::sqrt(log));
      EXPECT_LE(static_cast<long double>(rho.units) * kUnit, root * root * (1 + 1e-15L)) << epsilon_text << ", " << delta_text;
      EXPECT_GE(static_cast<long double>(rho.units) * kUnit, root * root * (1 - 1e-8L) - 4 * kUnit) << epsilon_text << ", " << delta_text;
      const std::uint64_t back = epsilon_for(rho, delta);
      EXPECT_LE(back, epsilon.millionths() + 1);  // rounded up to a millionth
      const long double exact = static_cast<long double>(rho.units) * kUnit + 2 * std::sqrt(static_cast<long double>(rho.units) * kUnit * log);
      EXPECT_GE(static_cast<long double>(back) / 1e6L, exact * (1 - 1e-15L));
      EXPECT_LE(exact, e * (1 + 1e-15L));
      EXPECT_LE(static_cast<long double>(back) / 1e6L, exact + 2e-6L);
    }
  }
  EXPECT_EQ(rho_for(OrDie(Epsilon::parse("0.000001")), OrDie(Delta::parse("0.000001"))).error().code(), Code::usage);
}

TEST(RhoFor, GivesTheDefaultsTheirKnownValue) {
  const Rho rho = OrDie(rho_for(OrDie(Epsilon::parse("1")), OrDie(Delta::parse("0.000001"))));
  EXPECT_NEAR(static_cast<double>(rho.units) / 1099511627776.0, 0.0174690, 1e-6);
}

TEST(Rho, ComposesExactlyAndRefusesToWrap) {
  EXPECT_EQ(OrDie(add(Rho{5}, Rho{7})).units, 12U);
  EXPECT_OK(add(Rho{Rho::kMaxUnits}, Rho{0}));
  EXPECT_EQ(add(Rho{Rho::kMaxUnits}, Rho{1}).error().code(), Code::refused);
  EXPECT_EQ(add(Rho{1}, Rho{UINT64_MAX}).error().code(), Code::refused);
  EXPECT_EQ(add(Rho{UINT64_MAX}, Rho{1}).error().code(), Code::refused);
  EXPECT_EQ(OrDie(share(Rho{10}, 3)).units, 3U);
  EXPECT_EQ(share(Rho{2}, 3).error().code(), Code::usage);
  EXPECT_EQ(share(Rho{2}, 0).error().code(), Code::usage);
}

// enough: sigma^2 * 2 rho >= bound^2 * groups, in integers.
bool enough(std::uint64_t numerator, std::uint64_t denominator, std::uint64_t bound, std::uint64_t groups, Rho rho) {
  const U128 left = static_cast<U128>(numerator) * numerator * 2 * rho.units;
  const U128 right = static_cast<U128>(bound) * bound * groups * denominator * denominator << 40;
  return left >= right;
}

TEST(GaussianScale, IsTheLeastThatIsEnough) {
  for (const std::uint64_t bound : {1U, 2U, 50U, 5000U}) {
    for (const std::uint64_t groups : {1U, 3U, 8U}) {
      for (const std::uint64_t units : {std::uint64_t{1} << 28, std::uint64_t{19207369000}, std::uint64_t{1} << 40}) {
        const Scale sigma = OrDie(gaussian_scale(bound, groups, Rho{units}));
        EXPECT_TRUE(enough(sigma.numerator(), sigma.denominator(), bound, groups, Rho{units}));
        EXPECT_FALSE(enough(sigma.numerator() - 2, sigma.denominator(), bound, groups, Rho{units})) << bound << " " << groups;
      }
    }
  }
}

TEST(GaussianScale, ServesTheLargestNumbersAndRefusesLarger) {
  const Scale large = OrDie(gaussian_scale(std::uint64_t{1} << 46, 8, Rho{std::uint64_t{1} << 30}));
  EXPECT_GE(static_cast<long double>(large.numerator()) / static_cast<long double>(large.denominator()), 4503599627370496.0L);
  EXPECT_EQ(gaussian_scale((std::uint64_t{1} << 46) + 1, 8, Rho{1 << 30}).error().code(), Code::usage);
  EXPECT_EQ(gaussian_scale(std::uint64_t{1} << 46, 1024, Rho{1}).error().code(), Code::usage);
  EXPECT_EQ(gaussian_scale(0, 8, Rho{1}).error().code(), Code::usage);
  EXPECT_EQ(gaussian_scale(1, 0, Rho{1}).error().code(), Code::usage);
  EXPECT_EQ(gaussian_scale(1, 1025, Rho{1}).error().code(), Code::usage);
  EXPECT_EQ(gaussian_scale(1, 1, Rho{0}).error().code(), Code::usage);
  EXPECT_OK(gaussian_scale(1, 1, Rho{1}));
}

TEST(Parameters, ReadOneSpellingAndWriteItBack) {
  for (const char* text : {"1", "0.5", "12.25", "64", "0.000001", "3.141592"}) EXPECT_EQ(OrDie(Epsilon::parse(text)).text(), text);
  for (const char* text : {"0.25", "0.000001", "0.000000000000000001", "0.123456789012345678"}) EXPECT_EQ(OrDie(Delta::parse(text)).text(), text);
  for (const char* text : {"", "0", "0.0", "-1", "+1", "1.", ".5", "01", "00.5", "0.50", "1e-6", " 1", "1 ", "0.0000001", "64.000001", "65",
                           "1000", "99999999999999999999", "1.2.3", "inf", "nan", "0x1", "1,5"}) {
    const auto epsilon = Epsilon::parse(text);
    ASSERT_FALSE(epsilon.ok()) << text;
    EXPECT_EQ(epsilon.error().code(), Code::malformed);
  }
  for (const char* text : {"0", "0.26", "1", "0.0000000000000000001", "1e-6", "-0.1", "999", ""}) {
    const auto delta = Delta::parse(text);
    ASSERT_FALSE(delta.ok()) << text;
    EXPECT_EQ(delta.error().code(), Code::malformed);
  }
  EXPECT_EQ(Epsilon::from_millionths(0).error().code(), Code::malformed);
  EXPECT_EQ(Epsilon::from_millionths(Epsilon::kMax + 1).error().code(), Code::malformed);
  EXPECT_EQ(Delta::from_units(0).error().code(), Code::malformed);
  EXPECT_EQ(Delta::from_units(Delta::kMax + 1).error().code(), Code::malformed);
}

TEST(Integers, RoundAsTheirNamesSay) {
  KeyedBits source = bits_from(2);
  for (int i = 0; i < 20'000; ++i) {
    const U128 value = static_cast<U128>(source.bits(64)) << source.below(64);
    const std::uint64_t down = root_down(value);
    const U128 up = root_up(value);
    ASSERT_LE(static_cast<U128>(down) * down, value);
    ASSERT_TRUE(down == UINT64_MAX || static_cast<U128>(down + 1) * (down + 1) > value);
    ASSERT_EQ(up, static_cast<U128>(down) + (static_cast<U128>(down) * down == value ? 0 : 1));
  }
  EXPECT_EQ(root_down(~static_cast<U128>(0)), UINT64_MAX);
  EXPECT_EQ(divide_up(7, 7), 1U);
  EXPECT_EQ(divide_up(8, 7), 2U);
  EXPECT_EQ(divide_nearest(5, 2), 3);
  EXPECT_EQ(divide_nearest(-5, 2), -3);
  EXPECT_EQ(divide_nearest(-4, 3), -1);
  EXPECT_EQ(divide_nearest(4, 3), 1);
  EXPECT_EQ(divide_nearest(-5, 3), -2);
}

}  // namespace
}  // namespace redoubt::sql::dp
