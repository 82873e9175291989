// Goal: a proposal is approved when the contract's rule says so, whoever carries the ballots and whatever order they come in. Method:
// each rule by examples; then properties over every contract of three voters (each rule, each set of names with a veto, each
// submitter) and every way in which these can vote: approvals only help, dropped ballots approve nothing, rejections by a veto are
// final, doubles count once, strangers count nothing, expiry counts at either end.
#include "common/jobs/cleanroom/verdict.h"

#include "common/jobs/cleanroom/verdict_test_contract.h"

namespace redoubt::jobs {
namespace {

constexpr Instant kFloor(1'800'000'000);
constexpr Instant kHost(1'800'000'600);
const Moment kThen{{kFloor, kHost}, 50};
const std::string kVoters[] = {"bank", "clinic", "donor"};

Vote yes(const std::string& name) { return {name, Decision::approve, kHost, 50}; }
Vote no(const std::string& name) { return {name, Decision::reject, kHost, 50}; }

struct Case {
  Approval approval;
  Subject subject;
  std::string text() const { return approval.text() + "; by " + subject.submitter + "; owners " + std::to_string(subject.owners.size()); }
};

std::vector<std::string> subset(unsigned mask) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < 3; ++i) {
    if ((mask >> i & 1U) != 0) names.push_back(kVoters[i]);
  }
  return names;
}

// every_case: all rules with all their parameters, all sets of owners, all submitters.
std::vector<Case> every_case() {
  std::vector<Case> out;
  for (const bool counts : {true, false}) {
    for (const char* submitter : {"analyst", "bank", "clinic", "donor"}) {
      for (unsigned veto = 0; veto < 8; ++veto) {
        if (veto == 0) out.push_back({{ApprovalRule::unanimous, 0, {}, counts}, {submitter, {}, std::nullopt}});
        out.push_back({{ApprovalRule::majority, 0, subset(veto), counts}, {submitter, {}, std::nullopt}});
        for (int k = 1; k <= 3; ++k) out.push_back({{ApprovalRule::k_of_n, k, subset(veto), counts}, {submitter, {}, std::nullopt}});
        for (unsigned owners = 0; owners < 8; ++owners) {
          out.push_back({{ApprovalRule::owners, 0, subset(veto), counts}, {submitter, subset(owners), std::nullopt}});
        }
      }
    }
  }
  return out;
}

// every_vote: each voter silent, for, or against.
std::vector<std::vector<Vote>> every_vote() {
  std::vector<std::vector<Vote>> out;
  for (unsigned way = 0; way < 27; ++way) {
    std::vector<Vote> votes;
    unsigned rest = way;
    for (const std::string& name : kVoters) {
      if (rest % 3 == 1) votes.push_back(yes(name));
      if (rest % 3 == 2) votes.push_back(no(name));
      rest /= 3;
    }
    out.push_back(std::move(votes));
  }
  return out;
}

template <class F>
void for_all(F check) {
  for (const Case& each : every_case()) {
    SCOPED_TRACE(each.text());
    const Contract contract = voting_contract(each.approval);
    for (const std::vector<Vote>& votes : every_vote()) {
      check(contract, each.subject, votes, decide(contract, each.subject, votes, kThen));
      if (testing::Test::HasFailure()) return;
    }
  }
}

Standing standing(const Approval& approval, const std::vector<Vote>& votes, Subject subject = {"analyst", {}, std::nullopt}) {
  return decide(voting_contract(approval), subject, votes, kThen).standing;
}

TEST(Verdict, UnanimousNeedsEveryVoter) {
  const Approval rule;
  EXPECT_EQ(standing(rule, {}), Standing::open);
  EXPECT_EQ(standing(rule, {yes("bank"), yes("clinic")}), Standing::open);
  EXPECT_EQ(standing(rule, {yes("bank"), yes("clinic"), yes("donor")}), Standing::approved);
  EXPECT_EQ(standing(rule, {yes("bank"), yes("clinic"), no("donor")}), Standing::rejected);
  EXPECT_EQ(standing(rule, {no("donor")}), Standing::rejected);
}

TEST(Verdict, MajorityNeedsMoreThanHalf) {
  const Approval rule{ApprovalRule::majority, 0, {}, true};
  EXPECT_EQ(standing(rule, {yes("bank")}), Standing::open);
  EXPECT_EQ(standing(rule, {yes("bank"), no("clinic")}), Standing::open);
  EXPECT_EQ(standing(rule, {yes("bank"), yes("donor"), no("clinic")}), Standing::approved);
  EXPECT_EQ(standing(rule, {no("bank"), no("donor")}), Standing::rejected);
  // Of two who are left without the submitter, half is not more than half.
  const Approval others{ApprovalRule::majority, 0, {}, false};
  EXPECT_EQ(standing(others, {yes("clinic")}, {"bank", {}, std::nullopt}), Standing::open);
  EXPECT_EQ(standing(others, {yes("clinic"), yes("donor")}, {"bank", {}, std::nullopt}), Standing::approved);
}

TEST(Verdict, OwnersNeedsTheOwnersOfWhatIsRead) {
  const Approval rule{ApprovalRule::owners, 0, {}, true};
  const Subject of_two{"analyst", {"clinic", "bank", "clinic"}, std::nullopt};
  EXPECT_EQ(standing(rule, {yes("bank"), yes("donor")}, of_two), Standing::open);
  EXPECT_EQ(standing(rule, {yes("bank"), yes("clinic")}, of_two), Standing::approved);
  EXPECT_EQ(standing(rule, {yes("bank"), yes("clinic"), no("donor")}, of_two), Standing::approved);
  EXPECT_EQ(standing(rule, {no("bank"), yes("clinic")}, of_two), Standing::rejected);
  // Data of nobody, and of somebody who cannot vote, cannot be agreed to.
  EXPECT_EQ(standing(rule, {yes("bank"), yes("clinic"), yes("donor")}), Standing::rejected);
  EXPECT_EQ(standing(rule, {yes("bank"), yes("analyst")}, {"bank", {"bank", "analyst"}, std::nullopt}), Standing::rejected);
  EXPECT_EQ(standing(rule, {yes("bank")}, {"bank", {"bank", "stranger"}, std::nullopt}), Standing::rejected);
}

TEST(Verdict, SomeOfAllNeedsThatMany) {
  const Approval rule{ApprovalRule::k_of_n, 2, {}, true};
  EXPECT_EQ(standing(rule, {yes("donor")}), Standing::open);
  EXPECT_EQ(standing(rule, {yes("donor"), no("bank")}), Standing::open);
  EXPECT_EQ(standing(rule, {yes("donor"), no("bank"), yes("clinic")}), Standing::approved);
  EXPECT_EQ(standing(rule, {no("donor"), no("bank")}), Standing::rejected);
}

TEST(Verdict, ASubmitterApprovesHisOwnProposalOnlyWhereTheContractSaysSo) {
  const Subject own{"bank", {"bank"}, std::nullopt};
  for (const ApprovalRule rule : {ApprovalRule::owners, ApprovalRule::k_of_n}) {
    const int k = rule == ApprovalRule::k_of_n ? 1 : 0;
    EXPECT_EQ(standing({rule, k, {}, true}, {yes("bank")}, own), Standing::approved);
    EXPECT_NE(standing({rule, k, {}, false}, {yes("bank")}, own), Standing::approved);
  }
  EXPECT_EQ(standing({ApprovalRule::unanimous, 0, {}, false}, {yes("clinic"), yes("donor")}, own), Standing::approved);
  EXPECT_EQ(standing({ApprovalRule::unanimous, 0, {}, false}, {yes("clinic"), yes("bank")}, own), Standing::open);
  // Nobody but the submitter owns what is read: nobody is left who could agree.
  EXPECT_EQ(standing({ApprovalRule::owners, 0, {}, false}, {yes("bank"), yes("clinic")}, own), Standing::rejected);
}

TEST(Verdict, WithheldVetoesDoNotHelp) {
  const Approval rule{ApprovalRule::k_of_n, 2, {"donor"}, true};
  EXPECT_EQ(standing(rule, {yes("bank"), yes("clinic"), no("donor")}), Standing::rejected);
  // The host keeps donor's ballot for itself: without it nothing runs either.
  EXPECT_EQ(standing(rule, {yes("bank"), yes("clinic")}), Standing::open);
  EXPECT_EQ(standing(rule, {yes("bank"), yes("donor")}), Standing::approved);
  // A submitter's own veto is held by him too: what he proposed he still has to sign.
  EXPECT_EQ(standing({ApprovalRule::k_of_n, 2, {"donor"}, false}, {yes("bank"), yes("clinic")}, {"donor", {}, std::nullopt}), Standing::open);
}

TEST(Verdict, SaysWhoApprovedWhoIsAwaitedAndWhy) {
  const Contract contract = voting_contract({ApprovalRule::k_of_n, 2, {"donor"}, true});
  Vote late = yes("clinic");
  late.expires = kFloor;
  const std::vector<Vote> votes{late, yes("bank")};
  const Verdict verdict = decide(contract, {"analyst", {}, std::nullopt}, votes, kThen);
  EXPECT_EQ(verdict.approved, std::vector<std::string>{"bank"});
  EXPECT_EQ(verdict.lapsed, std::vector<std::string>{"clinic"});
  EXPECT_EQ(verdict.awaited, std::vector<std::string>{"donor"});
  EXPECT_EQ(verdict.reason, "approval is k_of_n: 1 approved, 0 rejected, 1 missing, 1 expired");
  const std::vector<Vote> against{no("donor")};
  EXPECT_EQ(decide(contract, {"analyst", {}, std::nullopt}, against, kThen).reason,
            "approval is k_of_n: 0 approved, 1 rejected, 2 missing; donor has a veto and rejected it");
}

TEST(Verdict, ApprovalsExpireByTimeAtEitherEndAndByLogSizeAndRejectionsNever) {
  const Approval rule{ApprovalRule::k_of_n, 1, {}, true};
  const auto with = [&](Instant expires, std::uint64_t size, Decision decision) {
    return standing(rule, {{"bank", decision, expires, size}});
  };
  EXPECT_EQ(with(kHost, 50, Decision::approve), Standing::approved);  // its last second, its last entry
  EXPECT_EQ(with(kHost.plus_seconds(-1), 50, Decision::approve), Standing::open);
  EXPECT_EQ(with(kFloor.plus_seconds(-1), 50, Decision::approve), Standing::open);
  EXPECT_EQ(with(kHost, 49, Decision::approve), Standing::open);
  // A host whose clock stands below the floor makes nothing younger: past at the floor is past.
  const std::vector<Vote> one{{"bank", Decision::approve, kHost, 50}};
  const Moment reversed{{kHost.plus_seconds(1), kFloor}, 50};
  EXPECT_EQ(decide(voting_contract(rule), {"analyst", {}, std::nullopt}, one, reversed).standing, Standing::open);
  const Approval all;
  EXPECT_EQ(standing(all, {{"bank", Decision::reject, Instant(0), 0}}), Standing::rejected);
}

TEST(Verdict, AProposalThatHasExpiredIsRejected) {
  const Approval rule{ApprovalRule::k_of_n, 1, {}, true};
  EXPECT_EQ(standing(rule, {yes("bank")}, {"analyst", {}, kHost}), Standing::approved);
  EXPECT_EQ(standing(rule, {yes("bank")}, {"analyst", {}, kHost.plus_seconds(-1)}), Standing::rejected);
}

TEST(Verdict, FurtherApprovalsOnlyHelp) {
  for_all([](const Contract& contract, const Subject& subject, const std::vector<Vote>& votes, const Verdict& verdict) {
    for (const std::string& name : kVoters) {
      if (std::ranges::find(votes, name, &Vote::voter) != votes.end()) continue;
      std::vector<Vote> more = votes;
      more.push_back(yes(name));
      const Standing then = decide(contract, subject, more, kThen).standing;
      if (verdict.standing == Standing::approved) {
        EXPECT_EQ(then, Standing::approved) << name;
      }
      if (verdict.standing == Standing::open) {
        EXPECT_NE(then, Standing::rejected) << name;
      }
      if (verdict.standing == Standing::rejected) {
        EXPECT_EQ(then, Standing::rejected) << name;
      }
    }
  });
}

TEST(Verdict, WhoeverDropsBallotsApprovesNothing) {
  for_all([](const Contract& contract, const Subject& subject, const std::vector<Vote>& votes, const Verdict& verdict) {
    if (verdict.standing == Standing::approved) return;
    for (unsigned mask = 0; mask < 8; ++mask) {
      std::vector<Vote> kept;
      for (std::size_t i = 0; i < votes.size(); ++i) {
        if ((mask >> i & 1U) != 0) kept.push_back(votes[i]);
      }
      EXPECT_NE(decide(contract, subject, kept, kThen).standing, Standing::approved) << mask;
    }
  });
}

TEST(Verdict, RejectedIsFinal) {
  for_all([](const Contract& contract, const Subject& subject, const std::vector<Vote>& votes, const Verdict& verdict) {
    const bool vetoed = std::ranges::any_of(votes, [&](const Vote& vote) {
      return vote.decision == Decision::reject && std::ranges::find(contract.approval.veto, vote.voter) != contract.approval.veto.end();
    });
    if (vetoed) {
      EXPECT_EQ(verdict.standing, Standing::rejected);
    }
    if (verdict.standing != Standing::rejected) return;
    for (const std::string& name : kVoters) {
      for (const Vote& further : {yes(name), no(name)}) {
        std::vector<Vote> all = votes;
        all.push_back(further);
        EXPECT_EQ(decide(contract, subject, all, kThen).standing, Standing::rejected) << name;
      }
    }
  });
}

TEST(Verdict, OrderAndDoublesAndStrangersMakeNoDifference) {
  for_all([](const Contract& contract, const Subject& subject, const std::vector<Vote>& votes, const Verdict& verdict) {
    std::vector<Vote> noisy{yes("analyst"), yes("stranger"), yes(""), no("stranger")};
    noisy.insert(noisy.end(), votes.rbegin(), votes.rend());
    noisy.insert(noisy.end(), votes.begin(), votes.end());
    const Verdict same = decide(contract, subject, noisy, kThen);
    EXPECT_EQ(same.standing, verdict.standing);
    EXPECT_EQ(same.approved, verdict.approved);
    EXPECT_EQ(same.rejected, verdict.rejected);
    EXPECT_EQ(same.awaited, verdict.awaited);
    EXPECT_EQ(same.reason, verdict.reason);
  });
}

TEST(Verdict, AVoterWhoSignsBothWaysRejects) {
  for_all([](const Contract& contract, const Subject& subject, const std::vector<Vote>& votes, const Verdict& verdict) {
    std::vector<Vote> both = votes;
    for (const Vote& vote : votes) {
      if (vote.decision == Decision::reject) both.insert(both.begin(), yes(vote.voter));
    }
    for (const Vote& vote : votes) {
      if (vote.decision == Decision::reject) both.push_back(yes(vote.voter));
    }
    EXPECT_EQ(decide(contract, subject, both, kThen).standing, verdict.standing);
  });
}

TEST(Verdict, NothingIsApprovedByTheSubmitterAloneWhereHeDoesNotCount) {
  for_all([](const Contract& contract, const Subject& subject, const std::vector<Vote>& votes, const Verdict& verdict) {
    if (contract.approval.submitter_counts || verdict.standing != Standing::approved) return;
    const bool another = std::ranges::any_of(votes, [&](const Vote& vote) {
      return vote.decision == Decision::approve && vote.voter != subject.submitter;
    });
    EXPECT_TRUE(another);
  });
}

TEST(Verdict, WhoIsAwaitedCouldStillApprove) {
  for_all([](const Contract& contract, const Subject& subject, const std::vector<Vote>& votes, const Verdict& verdict) {
    if (verdict.standing != Standing::open) return;
    ASSERT_FALSE(verdict.awaited.empty());
    std::vector<Vote> all = votes;
    for (const std::string& name : verdict.awaited) all.push_back(yes(name));
    EXPECT_EQ(decide(contract, subject, all, kThen).standing, Standing::approved);
  });
}

}  // namespace
}  // namespace redoubt::jobs
