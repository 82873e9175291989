// Goal: two organisations' tables, one query, one receipt: through the real programs, as participants use them. Method: the hub's own
// launcher starts a software TPM and redoubt-cleanroom; three participants go through attested sessions with the SDK; the test
// plays the hub at the host's door, first honestly and then as it likes.
#include "tests/e2e/clean_room_fixture.h"

namespace redoubt {
namespace {

TEST_F(CleanRoom, AJoinedQueryGivesTheRightTableAndAReceiptThatAStrangerChecks) {
  start();
  join_all();
  provide();
  const jobs::Proposal proposal = propose(kSql);
  ASSERT_OK(submit(proposal));
  approve(proposal);
  const hub::RoomRun run = OrDie(door_->run(proposal.digest().hex()));

  const auto file = OrDie(receipt::ReceiptFile::parse(run.receipt));
  const auto body = OrDie(receipt::ReceiptBody::parse(file.receipt.body));
  ASSERT_EQ(run.packages.size(), 2U);
  const auto opened = OrDie(sdk::open_result(run.packages[0].second, analyst_.keys.hpke(), body.digest()));
  EXPECT_EQ(opened.table.columns, (std::vector<std::string>{"diagnosis", "patients", "radius"}));
  ASSERT_EQ(opened.table.rows.size(), 2U);
  EXPECT_EQ(opened.table.rows[0][0], "benign");
  EXPECT_EQ(opened.table.rows[0][1], "357");
  EXPECT_EQ(opened.table.rows[1][1], "212");
  EXPECT_NEAR(std::stod(*opened.table.rows[0][2]), 12.14652, 0.0001);   // as the data set's own description has it
  EXPECT_NEAR(std::stod(*opened.table.rows[1][2]), 17.46283, 0.0001);
  EXPECT_FALSE(sdk::open_result(run.packages[0].second, laboratory_.keys.hpke(), body.digest()).ok());

  const auto verdict = [&](const jobs::Contract& contract, const receipt::ReceiptFile& shown, std::optional<jobs::ProposalDigest> asked = {}) {
    sdk::ReceiptVerifier verifier{contract, roots_, laboratory_.keys.enroller().public_key(), {},
                                  [](const appraise::Evidence& evidence, const appraise::Endorsements& endorsements,
                                     const appraise::Challenge& challenge, const appraise::Policy& policy, Instant now) {
                                    return appraise::appraise(evidence, endorsements, challenge, policy, now);
                                  },
                                  system_now(), asked};
    return OrDie(sdk::check_receipt(shown, std::move(verifier))).accepted();
  };
  EXPECT_OK(verdict(contract_, file));
  const jobs::ProposalDigest asked = OrDie(jobs::Ballot::parse(OrDie(jobs::SignedDocument::decode(file.ballots[0], jobs::Ballot::kMaxBytes)).text)).proposal;
  EXPECT_OK(verdict(contract_, file, asked));
  jobs::ProposalDigest another = asked;
  another.array()[0] ^= std::byte{1};
  const Status other_question = verdict(contract_, file, another);
  ASSERT_FALSE(other_question.ok());
  EXPECT_NE(other_question.error().message().find("contract.ballots"), std::string::npos) << other_question.error().message();
  jobs::Contract other = contract_;
  other.k = 11;
  EXPECT_FALSE(verdict(other, file).ok());
  auto forged = file;
  forged.receipt.signature.array()[0] ^= std::byte{1};
  EXPECT_FALSE(verdict(contract_, forged).ok());
}

TEST_F(CleanRoom, AQueryWithNoiseIsNearTheTruthRepeatsItsAnswerAndEndsWithTheBudget) {
  start();
  join_all();
  provide();
  const auto table = [&](const jobs::Proposal& proposal) {
    approve(proposal);
    const hub::RoomRun run = OrDie(door_->run(proposal.digest().hex()));
    const auto body = OrDie(receipt::ReceiptBody::parse(OrDie(receipt::ReceiptFile::parse(run.receipt)).receipt.body));
    return OrDie(sdk::open_result(run.packages[0].second, analyst_.keys.hpke(), body.digest())).table;
  };
  const jobs::Noise noise{{"8", "0.00001"}, 1, 1};
  const jobs::Proposal first = propose(kSql, noise);
  ASSERT_OK(submit(first));
  const auto seen = OrDie(connect(hospital_).reservation(first.digest(), nullptr));
  ASSERT_EQ(seen.budgets.size(), 2U);
  EXPECT_EQ(seen.budgets[0].rho_reserved, seen.budgets[0].rho_total);
  const jobs::ResultTable once = table(first);
  ASSERT_EQ(once.rows.size(), 2U);
  EXPECT_NEAR(std::stod(*once.rows[0][1]), 357, 30);
  EXPECT_NE(once.rows[0][2], once.rows[1][2]);
  EXPECT_NEAR(std::stod(*once.rows[0][2]), 12.1, 3);
  const jobs::Proposal again = propose(kSql, noise);
  ASSERT_OK(submit(again));
  EXPECT_EQ(table(again).rows, once.rows);
  EXPECT_EQ(submit(propose("SELECT count(*) FROM hospital JOIN laboratory USING (patient_id)", jobs::Noise{{"0.01", "0.00000001"}, 1, 1})).error().code(),
            Code::refused);
}

TEST_F(CleanRoom, TheHostGetsNothingRunThatWasNotApproved) {
  start();
  join_all();
  provide();
  const jobs::Proposal proposal = propose(kSql);
  const std::string id = proposal.digest().hex();
  ASSERT_OK(submit(proposal));
  EXPECT_ERROR(door_->run(id), Code::refused, "2 missing");
  const auto seen = OrDie(connect(hospital_).reservation(proposal.digest(), nullptr));
  const auto forger = OrDie(sdk::KeyFile::generate("hospital", false, random_));
  const auto forged = sdk::make_ballot(proposal, jobs::Decision::approve, seen.head, seen.log_size, proposal.expires, forger.keys, random_);
  EXPECT_ERROR(door_->vote(id, forged), Code::chain, "not by key");
  approve(proposal);
  jobs::Proposal changed = proposal;
  changed.sql += " LIMIT 1";
  changed.terms.query = jobs::query_digest(changed.sql);
  EXPECT_ERROR(door_->propose(jobs::sign_document(jobs::kProposalType, changed.canonical(), forger.keys.signing())), Code::chain, "not by key");
  EXPECT_ERROR(door_->run(changed.digest().hex()), Code::not_found, "no proposal");
  EXPECT_OK(door_->run(id));
}

TEST_F(CleanRoom, QueriesThatShowPersonsAreRefusedByRule) {
  start();
  join_all();
  provide();
  const std::pair<const char*, const char*> refused[] = {
      {"SELECT * FROM hospital", "rule "},
      {"SELECT max(radius_mean) FROM laboratory", "rule A2"},
      {"SELECT count(*) FROM read_csv('/etc/passwd')", "rule G2"},
      {"COPY hospital TO '/tmp/x'", "rule G1"},
      {"SELECT count(*) FROM hospital WHERE patient_id = 17", "rule S3"}};
  for (const auto& [sql, why] : refused) EXPECT_ERROR(submit(propose(sql)), Code::refused, why) << sql;
}

TEST_F(CleanRoom, AStrangerAndAnotherContractAreTurnedAway) {
  start();
  trust(hospital_);
  Party stranger("stranger", random_);
  trust(stranger);
  EXPECT_ERROR(sdk::EnclaveClient::connect(address_, relying(stranger, contract_)), Code::auth, "not in the contract");
  jobs::Contract other = contract_;
  other.k = 11;
  EXPECT_ERROR(sdk::EnclaveClient::connect(address_, relying(hospital_, other)), Code::binding, "claims.contract");
}

TEST_F(CleanRoom, AProgramWhoseStateIsLostIsANewInstanceThatLinksToTheOldLog) {
  start();
  join_all();
  provide();
  stored();
  const auto before = OrDie(connect(hospital_).checkpoint());
  const InstanceId old = OrDie(door_->state()).instance;
  const hub::RoomLog log = OrDie(door_->log(0));
  door_.reset();
  program_.reset();
  std::filesystem::remove_all(state_of("study"));
  EXPECT_FALSE(launcher_.start({"study", contract_.canonical(), before.head().text()}).ok()) << "a state that is gone is not given up unasked";
  std::filesystem::create_directories(state_of("study") / "sealed");
  std::ofstream(state_of("study") / "sealed" / "begin-anew");
  start(before.head().text());
  const auto state = OrDie(door_->state());
  EXPECT_NE(state.instance, old);
  EXPECT_FALSE(state.open);
  join_all();
  for (const auto* sealed : {&*hospital_data_, &*laboratory_data_}) deliver(*sealed);
  const jobs::Proposal waiting = propose(kSql);
  ASSERT_OK(submit(waiting));
  approve(waiting);
  EXPECT_ERROR(door_->run(waiting.digest().hex()), Code::unavailable, "is not ready");
  ASSERT_OK(connect(hospital_).release(hospital_data_->dataset.document, hospital_data_->dataset.object_key));
  ASSERT_OK(connect(laboratory_).release(laboratory_data_->dataset.document, laboratory_data_->dataset.object_key));
  EXPECT_ERROR(door_->run(waiting.digest().hex()), Code::unavailable, "not carried over");  // what was asked before is not known
  ASSERT_OK(door_->offer_old_logs({{old, log.entries}}, log.checkpoint));
  for (auto* party : {&analyst_, &hospital_, &laboratory_}) {
    auto enclave = connect(*party);
    const auto instance = OrDie(enclave.instance());
    ASSERT_OK(enclave.carry_over(instance.carry_over->statement));
  }
  const auto file = OrDie(receipt::ReceiptFile::parse(OrDie(door_->run(waiting.digest().hex())).receipt));
  const auto body = OrDie(receipt::ReceiptBody::parse(file.receipt.body));
  ASSERT_TRUE(body.previous.has_value());
  EXPECT_EQ(body.previous->text(), before.head().text());
}

}  // namespace
}  // namespace redoubt
