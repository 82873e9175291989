// Goal: a room lets a query run only when every rule of its contract holds, whatever the host and single participants do.
// Method: one honest flow from joining to opened results; then proposals and ballots forged, replayed, changed or left out.
#include "common/attest/evidence/tpm/enrolment.h"
#include "enclave/workloads/cleanroom/room_test_fixture.h"

namespace redoubt::cleanroom {
namespace {

TEST_F(RoomTest, AnApprovedQueryGivesSealedResultsAndAReceiptThatVerifies) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  const Reservation reservation = OrDie(room_->propose(sign(query, analyst_)));
  EXPECT_EQ(reservation.digest, query.digest());
  approve(*room_, query);
  const RunOutput output = OrDie(room_->run(query.digest()));

  const auto file = OrDie(receipt::ReceiptFile::parse(output.receipt_file));
  receipt::VerifierKnowledge knowledge;
  knowledge.contract = contract().digest();
  const auto report = OrDie(receipt::verify_receipt(file, signer(*room_), knowledge));
  EXPECT_OK(report.accepted());
  EXPECT_EQ(report.body.approvals.size(), 2U);

  ASSERT_EQ(output.packages.size(), 2U);
  const std::string text = OrDie(open(analyst_, output.packages[0], report.body.digest()));
  const auto package = OrDie(json::parse(text));
  const std::string result = *package.object()->at("result").string();
  EXPECT_NE(result.find("\"hospital\",\"" + std::to_string(test::table_file(kCsv, seal(hospital_, "hospital").manifest).size())), std::string::npos) << result;
  const auto salt = OrDie(receipt::Salt::from(OrDie(hex_decode(*package.object()->at("salt").string()))));
  EXPECT_OK(receipt::check_opening(report.body.commitments.at("result"), {"result", salt.clone(), to_bytes(result)}));
  EXPECT_OK(receipt::check_opening(report.body.commitments.at("request"), {"request", salt.clone(), to_bytes(kSql)}));
  EXPECT_OK(open(hospital_, output.packages[1], report.body.digest()));
}

TEST_F(RoomTest, APackageOpensForItsRecipientAndReceiptOnly) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  const RunOutput output = OrDie(room_->run(query.digest()));
  const auto body = receipt::receipt_digest(OrDie(receipt::ReceiptFile::parse(output.receipt_file)).receipt.body);
  EXPECT_OK(open(analyst_, output.packages[0], body));
  EXPECT_FALSE(open(hospital_, output.packages[0], body).ok());
  EXPECT_FALSE(open(laboratory_, output.packages[0], body).ok());
  EXPECT_FALSE(open(analyst_, output.packages[0], crypto::sha256(as_bytes("another receipt"))).ok());
}

TEST_F(RoomTest, NothingIsAcceptedBeforeEveryoneHasJoined) {
  ASSERT_OK(join(*room_, hospital_));
  ASSERT_OK(join(*room_, laboratory_));
  EXPECT_ERROR(room_->put_manifest(hospital_data_.document), Code::refused, "\"analyst\" has not joined");
  EXPECT_ERROR(release(*room_, hospital_, hospital_data_), Code::refused, "has not joined");
  EXPECT_ERROR(room_->propose(sign(proposal(*room_), analyst_)), Code::refused, "has not joined");
  EXPECT_ERROR(room_->run(proposal(*room_).digest()), Code::refused, "has not joined");
  ASSERT_OK(join(*room_, analyst_));
  EXPECT_OK(room_->put_manifest(hospital_data_.document));
}

TEST_F(RoomTest, JoiningTakesTheParticipantsOwnSignatureOverThisInstance) {
  const auto other = make_room(2);
  const auto statement = jobs::instance_statement(contract().digest(), room_->claims().instance);
  EXPECT_ERROR(room_->join("hospital", stranger_.key.sign(statement)), Code::chain, "not by key");
  EXPECT_ERROR(room_->join("stranger", stranger_.key.sign(statement)), Code::auth, "not in this contract");
  EXPECT_ERROR(room_->join("hospital", hospital_.key.sign(jobs::instance_statement(contract().digest(), other->claims().instance))),
               Code::chain, "not by key");
  EXPECT_ERROR(room_->join("hospital", hospital_.key.sign(jobs::instance_statement(ContractDigest(), room_->claims().instance))),
               Code::chain, "not by key");
}

TEST_F(RoomTest, ABallotForgedByTheHubIsRefused) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  const jobs::Ballot forged = ballot(*room_, query, hospital_);
  EXPECT_ERROR(room_->vote(query.digest(), sign(forged, stranger_)), Code::chain, "not by key");
  EXPECT_ERROR(room_->vote(query.digest(), sign(forged, laboratory_)), Code::chain, "not by key");
  jobs::Ballot outsider = forged;
  outsider.voter = "stranger";
  EXPECT_ERROR(room_->vote(query.digest(), sign(outsider, stranger_)), Code::auth, "has no vote");
  jobs::Ballot proposer = forged;
  proposer.voter = "analyst";
  EXPECT_ERROR(room_->vote(query.digest(), sign(proposer, analyst_)), Code::auth, "has no vote");
  EXPECT_ERROR(room_->run(query.digest()), Code::refused, "0 approved, 0 rejected, 2 missing");
  EXPECT_EQ(engine_.runs, 0);
}

TEST_F(RoomTest, ABallotCountsForItsOwnProposalAndTermsOnly) {
  provide(*room_);
  const jobs::Proposal asked = proposal(*room_);
  const jobs::Proposal swapped = proposal(*room_, "SELECT diagnosis, avg(patient_id) FROM hospital, laboratory");
  ASSERT_OK(room_->propose(sign(asked, analyst_)));
  ASSERT_OK(room_->propose(sign(swapped, analyst_)));
  const auto vote = sign(ballot(*room_, asked, hospital_), hospital_);
  EXPECT_ERROR(room_->vote(swapped.digest(), vote), Code::binding, "expected proposal");
  // A hostile client could be shown one text and sign another: every term must be the proposal's.
  const auto refuse = [&](auto change, std::string_view field) {
    jobs::Ballot changed = ballot(*room_, asked, hospital_);
    change(changed.terms);
    EXPECT_ERROR(room_->vote(asked.digest(), sign(changed, hospital_)), Code::binding, field);
  };
  refuse([&](jobs::Terms& t) { t.query = swapped.terms.query; }, "terms differ in query");
  refuse([](jobs::Terms& t) { t.k = 11; }, "terms differ in k");
  refuse([](jobs::Terms& t) { t.manifests.pop_back(); }, "terms differ in manifests");
  refuse([](jobs::Terms& t) { t.recipients = {"hospital"}; }, "terms differ in recipients");
  refuse([](jobs::Terms& t) { t.rule_set = "scripted/2"; }, "terms differ in rule_set");
  refuse([](jobs::Terms& t) { t.program = appraise::ProgramDigest(); }, "terms differ in program");
  refuse([](jobs::Terms& t) { t.instance = InstanceId(); }, "terms differ in instance");
  EXPECT_OK(room_->vote(asked.digest(), vote));
}

TEST_F(RoomTest, AQueryChangedAfterApprovalDoesNotRun) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  jobs::Proposal changed = query;
  changed.sql += " HAVING true";
  EXPECT_ERROR(room_->propose(jobs::sign_document(jobs::kProposalType, changed.canonical(), analyst_.key)), Code::binding, "another query text");
  changed.terms.query = jobs::query_digest(changed.sql);
  EXPECT_ERROR(room_->propose(sign(changed, stranger_)), Code::chain, "not by key");
  ASSERT_OK(room_->propose(sign(changed, analyst_)));
  EXPECT_ERROR(room_->run(changed.digest()), Code::refused, "2 missing");
}

TEST_F(RoomTest, OneRejectionStopsAUnanimousRoomAndAVoteIsFinal) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  jobs::Ballot against = ballot(*room_, query, laboratory_);
  against.decision = jobs::Decision::reject;
  EXPECT_EQ(OrDie(room_->vote(query.digest(), sign(against, laboratory_))).rejected.size(), 1U);
  EXPECT_ERROR(room_->vote(query.digest(), sign(ballot(*room_, query, laboratory_), laboratory_)), Code::refused, "has voted");
  ASSERT_OK(room_->vote(query.digest(), sign(ballot(*room_, query, hospital_), hospital_)));
  EXPECT_ERROR(room_->run(query.digest()), Code::refused, "1 approved, 1 rejected");
}

TEST_F(RoomTest, BallotsExpireByTimeAndByLogSize) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  jobs::Ballot late = ballot(*room_, query, hospital_);
  late.expires = kNow.plus_seconds(-1);
  EXPECT_ERROR(room_->vote(query.digest(), sign(late, hospital_)), Code::freshness, "expired at");
  jobs::Ballot grown = ballot(*room_, query, hospital_);
  grown.expires_at_size = grown.head.size - 1;
  EXPECT_ERROR(room_->vote(query.digest(), sign(grown, hospital_)), Code::freshness, "void beyond");
  approve(*room_, query);
  clock_ = kNow.plus_seconds(601);  // both ballots expire between vote and run
  EXPECT_ERROR(room_->run(query.digest()), Code::freshness, "expired at");
}

TEST_F(RoomTest, ABallotOverAHeadThatThisLogDoesNotExtendIsRefused) {
  provide(*room_);
  const jobs::Ballot early = ballot(*room_, proposal(*room_), hospital_);  // before the reservation
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  jobs::Ballot without = ballot(*room_, query, hospital_);
  without.head = early.head;
  EXPECT_ERROR(room_->vote(query.digest(), sign(without, hospital_)), Code::log_proof, "does not include the reservation");
  jobs::Ballot ahead = ballot(*room_, query, hospital_);
  ahead.head.size += 1;  // the voter saw more than this log holds: it was rolled back
  EXPECT_ERROR(room_->vote(query.digest(), sign(ahead, hospital_)), Code::log_proof, "this log only");
  jobs::Ballot fork = ballot(*room_, query, hospital_);
  fork.head.root.array()[0] ^= std::byte{1};
  EXPECT_ERROR(room_->vote(query.digest(), sign(fork, hospital_)), Code::log_proof, "does not extend");
}

TEST_F(RoomTest, ProposalsKeepToTheContract) {
  provide(*room_);
  const auto refuse = [&](auto change, Code code, std::string_view why) {
    jobs::Proposal bad = proposal(*room_);
    change(bad);
    EXPECT_ERROR(room_->propose(sign(bad, analyst_)), code, why);
  };
  refuse([](jobs::Proposal& p) { p.terms.k = 9; }, Code::refused, "below the contract's 10");
  refuse([](jobs::Proposal& p) { p.terms.recipients = {"stranger"}; }, Code::refused, "recipient \"stranger\"");
  refuse([](jobs::Proposal& p) { p.terms.contract = ContractDigest(); }, Code::binding, "contract");
  refuse([](jobs::Proposal& p) { p.terms.instance = InstanceId(); }, Code::binding, "instance");
  refuse([](jobs::Proposal& p) { p.terms.program = appraise::ProgramDigest(); }, Code::binding, "program");
  refuse([](jobs::Proposal& p) { p.terms.manifests = {jobs::ManifestDigest()}; }, Code::not_found, "no dataset");
  refuse([](jobs::Proposal& p) { p.expires = kNow.plus_seconds(-1); }, Code::freshness, "expired");
  refuse([](jobs::Proposal& p) {
    p.sql = "DROP TABLE hospital";
    p.terms.query = jobs::query_digest(p.sql);
  }, Code::refused, "rule G1: not a query");
  engine_.reads_fewer = true;
  refuse([](jobs::Proposal&) {}, Code::refused, "names 2 datasets, its query reads 1");
}

TEST_F(RoomTest, EachParticipantLeavesOneEnrolmentThatCanBeReadAndHindersNoOther) {
  provide(*room_);
  const auto signed_by = [](const Party& party, std::string_view certificate) {
    return tpm::AkEnrolment::sign(crypto::sha256(as_bytes(certificate)), tpm::AkName(), kNow, party.key);
  };
  const Bytes good = signed_by(hospital_, "certificate").encode();
  EXPECT_ERROR(room_->add_enrolment("analyst", to_bytes("no enrolment")), Code::malformed, "ak enrolment");
  EXPECT_ERROR(room_->add_enrolment("analyst", Bytes()), Code::malformed, "ak enrolment");
  tpm::AkEnrolment forged = signed_by(analyst_, "certificate");
  forged.enroller = hospital_.key.public_key();
  EXPECT_ERROR(room_->add_enrolment("analyst", forged.encode()), Code::chain, "ak enrolment");
  EXPECT_ERROR(room_->add_enrolment("stranger", good), Code::auth, "not in this contract");
  Bytes last;
  for (std::size_t i = 0; i < Room::kMaxEnrolments; ++i) {  // more than receipts have room for
    last = signed_by(analyst_, std::to_string(i)).encode();
    ASSERT_OK(room_->add_enrolment("analyst", last));
  }
  EXPECT_ERROR(room_->add_enrolment("analyst", signed_by(analyst_, "one more").encode()), Code::unavailable, "has left 100 here");
  EXPECT_OK(room_->add_enrolment("analyst", last));
  EXPECT_OK(room_->add_enrolment("hospital", good));
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  const auto file = OrDie(receipt::ReceiptFile::parse(OrDie(room_->run(query.digest())).receipt_file));
  EXPECT_EQ(file.enrolments, (std::vector<Bytes>{last, good}));
}

}  // namespace
}  // namespace redoubt::cleanroom
