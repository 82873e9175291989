// Goal: what is remembered of collateral changes no verdict, is made once, and does not outlive what it says of itself. Method: one heap at
// hand for many verifications beside the same files read each time; time, roots and pieces that come along changed; many threads.
#include "common/attest/verifier/at_hand.h"

#include <algorithm>
#include <thread>

#include "common/attest/verifier/verifier_test_samples.h"

namespace redoubt::verifier {
namespace {

std::string ear_of(const appraise::Appraisal& appraisal, Instant now) { return json::canonical(appraise::ear(appraisal, now)); }

TEST(AtHand, ManyVerificationsGiveWhatEachAloneGives) {
  const test::DcapMaker tdx = dcap_maker();
  const test::SnpSample snp;
  std::vector<NamedFile> files = files_of(tdx.collateral());
  for (NamedFile& file : files_of(snp)) files.push_back(std::move(file));
  const auto at_hand = OrDie(AtHand::read(files));
  const appraise::Policy policy = with_root(tdx.pin());
  const appraise::Policy snp_policy = with_root(crypto::Sha256Digest(snp.authority->anchor().ark.array()));
  Bytes broken = tdx.quote();
  broken[100] ^= std::byte{1};
  for (int round = 0; round < 2; ++round) {
    for (const Bytes& evidence : {tdx.quote(), broken}) {
      for (const Instant now : {tdx.now, tdx.next_update.plus_seconds(1), tdx.issue_date.plus_seconds(-1)}) {
        for (const auto& used : {std::optional(policy), std::optional<appraise::Policy>()}) {  // the second: other roots
          EXPECT_EQ(ear_of(OrDie(verify(evidence, *at_hand, {}, used, sample_nonce(), now)), now), ear_of(OrDie(verify(evidence, files, used, sample_nonce(), now)), now));
        }
      }
    }
    EXPECT_EQ(ear_of(OrDie(verify(snp.report, *at_hand, {}, snp_policy, std::nullopt, snp.now)), snp.now),
              ear_of(OrDie(verify(snp.report, files, snp_policy, std::nullopt, snp.now)), snp.now));
  }
  EXPECT_OK(OrDie(verify(tdx.quote(), *at_hand, {}, policy, sample_nonce(), tdx.now)).accepted());
  // Remembered, and expired all the same.
  EXPECT_ERROR(OrDie(verify(tdx.quote(), *at_hand, {}, policy, sample_nonce(), tdx.next_update.plus_seconds(1))).accepted(), Code::freshness, "");
}

TEST(AtHand, WhatComesAlongCountsOnceAndIsNotRemembered) {
  test::DcapMaker maker = dcap_maker();
  const std::vector<NamedFile> files = files_of(maker.collateral());
  const auto nothing = OrDie(AtHand::read({}));
  const appraise::Policy policy = with_root(maker.pin());
  EXPECT_OK(OrDie(verify(maker.quote(), *nothing, files, policy, sample_nonce(), maker.now)).accepted());
  EXPECT_FALSE(OrDie(verify(maker.quote(), *nothing, {}, policy, sample_nonce(), maker.now)).accepted().ok());
  // Pieces that are at hand and come along too are one.
  const auto at_hand = OrDie(AtHand::read(files));
  EXPECT_EQ(ear_of(OrDie(verify(maker.quote(), *at_hand, files, policy, sample_nonce(), maker.now)), maker.now),
            ear_of(OrDie(verify(maker.quote(), files, policy, sample_nonce(), maker.now)), maker.now));
  // Newer collateral beside it decides.
  maker.evaluation_number = 20;
  maker.tcb_status = "OutOfDate";
  const std::vector<NamedFile> newer = files_of(maker.collateral());
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(failed_of(OrDie(verify(maker.quote(), *at_hand, newer, policy, sample_nonce(), maker.now))), std::set<std::string>{"T6"});
    EXPECT_OK(OrDie(verify(maker.quote(), *at_hand, {}, policy, sample_nonce(), maker.now)).accepted());
  }
  EXPECT_ERROR(verify(maker.quote(), *at_hand, std::vector<NamedFile>{{"stray", Bytes(20)}}, policy, sample_nonce(), maker.now), Code::malformed, "stray");
}

TEST(AtHand, ASignatureAndACollateralAreCheckedOnce) {
  const test::DcapMaker maker = dcap_maker();
  const auto at_hand = OrDie(AtHand::read(files_of(maker.collateral())));
  int made = 0;
  const auto check = [&] {
    ++made;
    return true;
  };
  const Item* const first = at_hand->items().data();
  EXPECT_TRUE(at_hand->signed_by(first, first + 1, check));
  EXPECT_TRUE(at_hand->signed_by(first, first + 1, check));
  EXPECT_EQ(made, 1);
  EXPECT_TRUE(at_hand->signed_by(first + 1, first, check));  // the other way round is another question
  const Item stranger = *first;
  EXPECT_TRUE(at_hand->signed_by(&stranger, first, check));
  EXPECT_TRUE(at_hand->signed_by(&stranger, first, check));
  EXPECT_TRUE(at_hand->signed_by(nullptr, first, check));
  EXPECT_EQ(made, 5);

  const endorse::RawCollateral raw = maker.collateral();
  const endorse::RootPin roots[] = {maker.pin()};
  const endorse::RootPin others[] = {endorse::intel_sgx_root()};
  const auto verified = at_hand->verified(raw, roots, maker.now, true);
  ASSERT_NE(verified, nullptr);
  EXPECT_EQ(at_hand->verified(raw, roots, maker.now, true), verified);
  EXPECT_NE(at_hand->verified(raw, roots, maker.now, false), verified);
  EXPECT_EQ(at_hand->verified(raw, others, maker.now, true), nullptr);
  EXPECT_EQ(at_hand->verified(raw, roots, maker.next_update.plus_seconds(1), true), nullptr);
  endorse::RawCollateral changed = raw;
  changed.tcb_info[changed.tcb_info.size() / 2] ^= std::byte{1};
  EXPECT_EQ(at_hand->verified(changed, roots, maker.now, true), nullptr);
}

TEST(AtHand, ItsDigestIsThatOfItsPieces) {
  const test::DcapMaker maker = dcap_maker();
  std::vector<NamedFile> files = files_of(maker.collateral());
  const crypto::Sha256Digest digest = OrDie(AtHand::read(files))->digest();
  std::ranges::reverse(files);
  for (NamedFile& file : files) file.name = "other";
  files.push_back(files.front());
  EXPECT_EQ(OrDie(AtHand::read(files))->digest(), digest);
  files.erase(files.begin() + 1);
  EXPECT_NE(OrDie(AtHand::read(files))->digest(), digest);
}

TEST(AtHand, ManyThreadsGetOneVerdict) {
  const test::DcapMaker maker = dcap_maker();
  const auto at_hand = OrDie(AtHand::read(files_of(maker.collateral())));
  const appraise::Policy policy = with_root(maker.pin());
  const Bytes quote = maker.quote();
  std::vector<std::string> verdicts(4);
  std::vector<std::thread> threads;
  for (std::string& verdict : verdicts) {
    threads.emplace_back([&] {
      for (int i = 0; i < 8; ++i) verdict = ear_of(OrDie(verify(quote, *at_hand, {}, policy, sample_nonce(), maker.now)), maker.now);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& verdict : verdicts) EXPECT_EQ(verdict, verdicts.front());
}

}  // namespace
}  // namespace redoubt::verifier
