// Goal: what strangers can make an Attester spend is bounded, and the bounds give way again. Method: fill each table and
// bucket, see the refusal, free one place or let time pass, and see the next one admitted.
#include "common/ratls/admission.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"

namespace redoubt::ratls {
namespace {

constexpr Instant kStart(1'800'000'000);

TEST(ChallengeTable, AChallengeIsUsedOnce) {
  test::FixedRandom random(1);
  ChallengeTable table(4, random);
  const Challenge challenge = OrDie(table.issue(kStart));
  EXPECT_OK(table.redeem(challenge, kStart));
  EXPECT_ERROR(table.redeem(challenge, kStart), Code::freshness, "unknown or was used");
  EXPECT_ERROR(table.redeem(Challenge(), kStart), Code::freshness, "unknown or was used");
}

TEST(ChallengeTable, AChallengeLives60Seconds) {
  test::FixedRandom random(1);
  ChallengeTable table(4, random);
  const Challenge young = OrDie(table.issue(kStart));
  const Challenge old = OrDie(table.issue(kStart));
  EXPECT_OK(table.redeem(young, kStart.plus_seconds(60)));
  EXPECT_ERROR(table.redeem(old, kStart.plus_seconds(61)), Code::freshness, "older than 60 s");
  EXPECT_ERROR(table.redeem(old, kStart), Code::freshness, "unknown");
}

TEST(ChallengeTable, AFullTableRefusesAndRecovers) {
  test::FixedRandom random(1);
  ChallengeTable table(2, random);
  const Challenge first = OrDie(table.issue(kStart));
  ASSERT_OK(table.issue(kStart));
  EXPECT_ERROR(table.issue(kStart), Code::unavailable, "all 2 challenges are outstanding");
  table.forget(first);
  ASSERT_OK(table.issue(kStart));
  EXPECT_ERROR(table.issue(kStart.plus_seconds(60)), Code::unavailable, "outstanding");
  EXPECT_OK(table.issue(kStart.plus_seconds(61)));
}

TEST(QuoteGate, AFullQueueRefusesAndRecovers) {
  QuoteGate gate({.total = 3, .per_peer = 2, .burst = 100, .refill_per_second = 1, .peers = 8});
  auto a1 = OrDie(gate.enter("a", kStart));
  {
    auto a2 = OrDie(gate.enter("a", kStart));
    EXPECT_ERROR(gate.enter("a", kStart), Code::unavailable, "queue of this peer is full");
    auto b1 = OrDie(gate.enter("b", kStart));
    EXPECT_ERROR(gate.enter("c", kStart), Code::unavailable, "quote queue is full");
  }
  EXPECT_OK(gate.enter("c", kStart));
  EXPECT_OK(gate.enter("a", kStart));
}

TEST(QuoteGate, APeerThatAsksTooOftenWaits) {
  QuoteGate gate({.total = 9, .per_peer = 9, .burst = 3, .refill_per_second = 2, .peers = 8});
  for (int i = 0; i < 3; ++i) ASSERT_OK(gate.enter("a", kStart));
  EXPECT_ERROR(gate.enter("a", kStart), Code::unavailable, "too often");
  EXPECT_ERROR(gate.enter("a", kStart.plus_seconds(-1000)), Code::unavailable, "too often");
  EXPECT_OK(gate.enter("b", kStart));
  for (int i = 0; i < 2; ++i) ASSERT_OK(gate.enter("a", kStart.plus_seconds(1)));
  EXPECT_ERROR(gate.enter("a", kStart.plus_seconds(1)), Code::unavailable, "too often");
}

TEST(QuoteGate, RemembersABoundedNumberOfPeers) {
  QuoteGate gate({.total = 9, .per_peer = 9, .burst = 2, .refill_per_second = 1, .peers = 2});
  ASSERT_OK(gate.enter("a", kStart));
  ASSERT_OK(gate.enter("b", kStart));
  EXPECT_ERROR(gate.enter("c", kStart), Code::unavailable, "too many peers");
  EXPECT_OK(gate.enter("c", kStart.plus_seconds(5)));
}

}  // namespace
}  // namespace redoubt::ratls
