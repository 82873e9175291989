// Goal: an entry behaves exactly when the outcome is its label's, and the shares count what their names say. Method: every label with every
// outcome; the line of each kind of outcome as text.
#include "client/corpus/judgement.h"

#include <gtest/gtest.h>

namespace redoubt::corpus {
namespace {

Entry labelled(Expect expect, std::optional<std::uint64_t> rows = std::nullopt) { return {"e", "none", "SELECT 1", 10, expect, {}, rows, ""}; }

TEST(Judgement, AnEntryBehavesWhenTheOutcomeIsItsLabels) {
  const std::pair<Expect, Verdict> same[] = {
      {Expect::reject, Verdict::reject}, {Expect::allow, Verdict::allow}, {Expect::allow_suppressed, Verdict::allow_suppressed}};
  for (const auto& [expect, own] : same) {
    for (const Verdict verdict : {Verdict::error, Verdict::reject, Verdict::allow, Verdict::allow_suppressed}) {
      EXPECT_EQ(behaves(labelled(expect), {verdict, "", std::nullopt, ""}), verdict == own);
    }
  }
  EXPECT_TRUE(behaves(labelled(Expect::allow, 3), {Verdict::allow, "", 3, ""}));
  EXPECT_FALSE(behaves(labelled(Expect::allow, 3), {Verdict::allow, "", 4, ""}));
  EXPECT_FALSE(behaves(labelled(Expect::allow, 3), {Verdict::allow, "", std::nullopt, ""}));
  EXPECT_TRUE(behaves(labelled(Expect::none), {Verdict::reject, "G1", std::nullopt, ""}));
  EXPECT_FALSE(behaves(labelled(Expect::none), {Verdict::error, "", std::nullopt, "why"}));
}

TEST(Judgement, ALineHoldsTheFourMembersAndTheErrorOfOneThatCouldNotBeRun) {
  EXPECT_EQ(line_of(labelled(Expect::reject), {Verdict::reject, "S2", std::nullopt, ""}), R"({"id":"e","verdict":"reject","rule":"S2","released_rows":null})");
  EXPECT_EQ(line_of(labelled(Expect::allow), {Verdict::allow, "", 4, ""}), R"({"id":"e","verdict":"allow","rule":null,"released_rows":4})");
  EXPECT_EQ(line_of(labelled(Expect::none), {Verdict::allow_suppressed, "", 0, ""}),
            R"({"id":"e","verdict":"allow_suppressed","rule":null,"released_rows":0})");
  Entry quoted = labelled(Expect::none);
  quoted.id = "a\"\n";
  EXPECT_EQ(line_of(quoted, {Verdict::error, "", std::nullopt, "no \"x\""}),
            R"({"id":"a\"\n","verdict":null,"rule":null,"released_rows":null,"error":"no \"x\""})");
}

TEST(Judgement, TheSharesCountAttacksThatWereRefusedAndHonestOnesThatWereAccepted) {
  Score score;
  score.count(labelled(Expect::reject), {Verdict::reject, "G1", std::nullopt, ""});
  score.count(labelled(Expect::reject), {Verdict::allow, "", 1, ""});
  score.count(labelled(Expect::reject), {Verdict::error, "", std::nullopt, "why"});
  score.count(labelled(Expect::allow), {Verdict::allow, "", 1, ""});
  score.count(labelled(Expect::allow), {Verdict::allow_suppressed, "", 1, ""});
  score.count(labelled(Expect::allow_suppressed), {Verdict::reject, "A2", std::nullopt, ""});
  score.count(labelled(Expect::allow_suppressed), {Verdict::error, "", std::nullopt, "why"});
  score.count(labelled(Expect::none), {Verdict::reject, "G1", std::nullopt, ""});
  EXPECT_EQ(score.attacks, 3U);
  EXPECT_EQ(score.refused, 1U);
  EXPECT_EQ(score.honest, 4U);
  EXPECT_EQ(score.accepted, 2U);
  EXPECT_EQ(score.labelled, 7U);
  EXPECT_EQ(score.as_labelled, 2U);
  EXPECT_EQ(score.entries, 8U);
  EXPECT_EQ(score.errors, 2U);
  EXPECT_EQ(score.misses.size(), 5U);
  EXPECT_FALSE(score.whole());
  EXPECT_TRUE(Score().whole());
}

}  // namespace
}  // namespace redoubt::corpus
