// Goal: a room lets a query run only when every rule of its contract holds, whatever the host and single participants do.
// Method: one honest flow from joining to opened results with real keys, envelopes and logs; then each document forged, replayed,
// changed, moved or left out in turn. The engine behind the seam is scripted here; the real one has its own tests.
#include "enclave/workloads/cleanroom/room.h"

#include <gtest/gtest.h>

#include "common/crypto/envelope.h"
#include "common/jobs/cleanroom/ciphertext_root.h"
#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"

namespace redoubt::cleanroom {
namespace {

constexpr Instant kNow(1'800'000'000);
constexpr std::string_view kSql = "SELECT diagnosis, count(*) FROM hospital JOIN laboratory USING (patient_id) GROUP BY diagnosis";
constexpr std::string_view kCsv = "patient_id,diagnosis\n1,benign\n2,malignant\n";

class ScriptedEngine final : public QueryEngine {
 public:
  std::string rule_set() const override { return "scripted/1"; }
  Result<QueryCheck> check(std::string_view sql, const std::vector<const jobs::Manifest*>& schema, jobs::PrivacyLevel, int) override {
    QueryCheck check;
    check.accepted = sql.find("DROP") == std::string_view::npos;
    check.rule = "G1";
    check.message = "not a query";
    for (const jobs::Manifest* manifest : schema) check.datasets.push_back(manifest->dataset);
    if (reads_fewer) check.datasets.pop_back();
    return check;
  }
  Result<jobs::ResultTable> run(std::string_view, const std::vector<TableView>& tables, jobs::PrivacyLevel, int) override {
    if (fails) return Error(Code::unavailable, "engine was killed while it looked at patient 17");
    ++runs;
    jobs::ResultTable table{{"dataset", "bytes"}, {}};
    for (const TableView& view : tables) table.rows.push_back({view.manifest->dataset, std::to_string(view.csv.size())});
    return table;
  }
  Status load(const TableView&) override {
    if (refuses_rows) return Error(Code::malformed, "row 2, column diagnosis: not text");
    return {};
  }
  bool fails = false;
  bool refuses_rows = false;
  bool reads_fewer = false;
  int runs = 0;
};

// One participant with its keys.
struct Party {
  Party(std::string party_name, std::uint64_t seed, bool party_votes)
      : name(std::move(party_name)), random(seed), key(OrDie(crypto::Ed25519PrivateKey::generate(random))),
        hpke(OrDie(crypto::HpkePrivateKey::generate(random))), votes(party_votes) {}
  jobs::Participant listed() const { return {name, key.public_key(), hpke.public_key(), std::nullopt, votes}; }

  std::string name;
  test::FixedRandom random;
  crypto::Ed25519PrivateKey key;
  crypto::HpkePrivateKey hpke;
  bool votes;
};

class RoomTest : public testing::Test {
 protected:
  RoomTest() : room_(make_room(1)) {}

  jobs::Contract contract() const {
    jobs::Contract contract;
    contract.environment = "study";
    contract.epoch = 1;
    contract.participants = {analyst_.listed(), hospital_.listed(), laboratory_.listed()};
    contract.approval = jobs::ApprovalRule::unanimous;
    contract.privacy_floor = jobs::PrivacyLevel::aggregate_only;
    contract.k = 10;
    contract.recovery_quorum = 0;
    contract.evidence.name = "test";
    contract.evidence.workload = "cleanroom";
    contract.evidence.accept_host_asserted = contract.evidence.accept_software_tpm = true;
    contract.evidence.tpm.anchors = {{crypto::sha256(as_bytes("root")), "root", true}};
    contract.evidence.tpm.secure_boot_required = false;
    return OrDie(jobs::Contract::parse(contract.canonical()));
  }

  std::unique_ptr<Room> make_room(std::uint64_t seed) {
    test::FixedRandom random(seed);
    auto receipt_key = OrDie(crypto::Ed25519PrivateKey::generate(random));
    auto hpke_key = OrDie(crypto::HpkePrivateKey::generate(random));
    attest::Claims claims;
    claims.workload = "cleanroom";
    claims.instance = random.fixed<InstanceId>();
    claims.boot = random.fixed<BootId>();
    claims.receipt_key = receipt_key.public_key();
    claims.hpke_key = hpke_key.public_key();
    claims.contract = contract().digest();
    Room::Identity identity{claims, std::move(receipt_key), std::move(hpke_key), program_,
                            {"tpm", to_bytes("evidence"), Challenge(), claims.canonical()}, {}, kNow.plus_seconds(-1000), std::nullopt};
    return std::make_unique<Room>(contract(), std::move(identity), engine_, room_random_, [this] { return clock_; });
  }

  Status join(Room& room, const Party& party) {
    return room.join(party.name, party.key.sign(jobs::instance_statement(room.contract().digest(), room.claims().instance)));
  }
  void join_all(Room& room) {
    for (const Party* party : {&analyst_, &hospital_, &laboratory_}) ASSERT_OK(join(room, *party));
  }

  struct Sealed {
    jobs::Manifest manifest;
    jobs::SignedDocument document;
    SecretBytes key;
    Bytes envelope;
  };
  Sealed seal(Party& owner, const std::string& dataset, std::uint64_t version = 1) {
    Sealed sealed;
    sealed.key = owner.random.secret(32);
    sealed.manifest = {dataset, version, owner.name, contract().digest(),
                       {{"patient_id", "BIGINT", jobs::ColumnRole::unit, "", ""}, {"diagnosis", "VARCHAR", jobs::ColumnRole::attribute, "", ""}},
                       2, 0, receipt::TreeHash()};
    const crypto::EnvelopeSubject subject{jobs::envelope_object_id(sealed.manifest), version};
    sealed.envelope = OrDie(crypto::seal_envelope(sealed.key, subject, as_bytes(kCsv), owner.random));
    sealed.manifest.ciphertext_size = sealed.envelope.size();
    sealed.manifest.ciphertext_root = OrDie(jobs::ciphertext_root(sealed.envelope));
    sealed.document = jobs::sign_document(jobs::kManifestType, sealed.manifest.canonical(), owner.key);
    return sealed;
  }
  Bytes wrap(Room& room, Party& owner, const jobs::Manifest& manifest, const SecretBytes& key) {
    const Bytes statement = jobs::dataset_key_statement(manifest.digest(), room.claims().instance);
    return OrDie(crypto::hpke_seal(room.claims().hpke_key, statement, statement, key.reveal(), owner.random)).bytes();
  }
  Result<jobs::ManifestDigest> release(Room& room, Party& owner, const Sealed& sealed) {
    return room.release(owner.name, sealed.document, wrap(room, owner, sealed.manifest, sealed.key));
  }
  // provide: both tables in the room and ready.
  void provide(Room& room) {
    join_all(room);
    for (auto* entry : {&hospital_data_, &laboratory_data_}) {
      ASSERT_OK(release(room, entry == &hospital_data_ ? hospital_ : laboratory_, *entry));
      ASSERT_OK(room.put_ciphertext(entry->manifest.digest(), 0, entry->envelope));
    }
  }

  jobs::Proposal proposal(const Room& room, std::string_view sql = kSql) {
    jobs::Terms terms{room.contract().digest(), room.claims().instance, jobs::query_digest(sql), jobs::PrivacyLevel::aggregate_only, 10,
                      {hospital_data_.manifest.digest(), laboratory_data_.manifest.digest()}, {"analyst", "hospital"}, program_, "scripted/1"};
    std::ranges::sort(terms.manifests);
    return {terms, "analyst", std::string(sql), analyst_.random.fixed<jobs::BallotNonce>(), kNow.plus_seconds(3600)};
  }
  jobs::SignedDocument sign(const jobs::Proposal& proposal, const Party& by) {
    return jobs::sign_document(jobs::kProposalType, proposal.canonical(), by.key);
  }
  jobs::Ballot ballot(const Room& room, const jobs::Proposal& proposal, Party& voter) {
    const auto head = OrDie(receipt::Checkpoint::verify(room.checkpoint(), receipt::log_origin(room.claims().instance),
                                                        room.claims().receipt_key)).head();
    return {proposal.terms, proposal.digest(), voter.name, jobs::Decision::approve, kNow.plus_seconds(600), head.size + 100,
            voter.random.fixed<jobs::BallotNonce>(), {head.size, head.root}};
  }
  jobs::SignedDocument sign(const jobs::Ballot& ballot, const Party& by) {
    return jobs::sign_document(jobs::kBallotType, ballot.canonical(), by.key);
  }
  void approve(Room& room, const jobs::Proposal& proposal) {
    for (Party* voter : {&hospital_, &laboratory_}) {
      ASSERT_OK(room.vote(proposal.digest(), sign(ballot(room, proposal, *voter), *voter)));
    }
  }

  Result<std::string> open(const Party& recipient, const ResultPackage& package, const crypto::Sha256Digest& body) {
    const Bytes info = jobs::result_statement(body, recipient.hpke.public_key());
    REDOUBT_TRY(const auto message, crypto::HpkeMessage::parse(package.sealed));
    REDOUBT_TRY(const Bytes padded, crypto::hpke_open(recipient.hpke, message, info, {}));
    REDOUBT_TRY(const Bytes text, jobs::unpad(padded));
    return std::string(as_text(text));
  }
  receipt::SignerIdentity signer(const Room& room) const {
    const attest::Claims& claims = room.claims();
    return {claims.receipt_key, claims.digest(), claims.instance, claims.boot, claims.contract, claims.workload,
            receipt::Measurement(program_.array())};
  }

  Party analyst_{"analyst", 11, false};
  Party hospital_{"hospital", 12, true};
  Party laboratory_{"laboratory", 13, true};
  Party stranger_{"stranger", 14, true};
  Instant clock_ = kNow;
  ScriptedEngine engine_;
  test::FixedRandom room_random_{15};
  appraise::ProgramDigest program_{crypto::sha256(as_bytes("program")).array()};
  std::unique_ptr<Room> room_;
  Sealed hospital_data_ = seal(hospital_, "hospital");
  Sealed laboratory_data_ = seal(laboratory_, "laboratory");
};

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
  EXPECT_NE(result.find("\"hospital\",\"" + std::to_string(kCsv.size())), std::string::npos) << result;
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

TEST_F(RoomTest, OnlyTheOwnerReleasesAndOnlyForThisManifestAndInstance) {
  const auto other = make_room(2);
  join_all(*room_);
  EXPECT_ERROR(room_->release("laboratory", hospital_data_.document, wrap(*room_, hospital_, hospital_data_.manifest, hospital_data_.key)),
               Code::auth, "only its owner");
  EXPECT_FALSE(room_->release("hospital", hospital_data_.document, wrap(*other, hospital_, hospital_data_.manifest, hospital_data_.key)).ok());
  EXPECT_FALSE(room_->release("hospital", hospital_data_.document, wrap(*room_, hospital_, laboratory_data_.manifest, hospital_data_.key)).ok());
  EXPECT_FALSE(room_->release("hospital", hospital_data_.document, Bytes(10)).ok());
  jobs::SignedDocument forged = jobs::sign_document(jobs::kManifestType, hospital_data_.manifest.canonical(), stranger_.key);
  EXPECT_ERROR(room_->put_manifest(forged), Code::chain, "not by key");
  EXPECT_OK(release(*room_, hospital_, hospital_data_));
}

TEST_F(RoomTest, CiphertextMustBeWhatTheManifestSays) {
  join_all(*room_);
  const auto digest = hospital_data_.manifest.digest();
  EXPECT_ERROR(room_->put_ciphertext(digest, 0, hospital_data_.envelope), Code::not_found, "no manifest");
  ASSERT_OK(release(*room_, hospital_, hospital_data_));
  EXPECT_ERROR(room_->put_ciphertext(digest, 1, hospital_data_.envelope), Code::refused, "expected offset 0");
  Bytes longer = hospital_data_.envelope;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(room_->put_ciphertext(digest, 0, longer), Code::refused, "beyond the");
  Bytes flipped = hospital_data_.envelope;
  flipped.back() ^= std::byte{1};
  EXPECT_ERROR(room_->put_ciphertext(digest, 0, flipped), Code::binding, "ciphertext root");
  EXPECT_ERROR(room_->put_ciphertext(digest, 0, ByteView(laboratory_data_.envelope).first(hospital_data_.envelope.size())), Code::binding, "ciphertext root");
  ASSERT_OK(room_->put_ciphertext(digest, 0, ByteView(hospital_data_.envelope).first(50)));
  EXPECT_ERROR(room_->put_ciphertext(digest, 0, flipped.empty() ? ByteView() : ByteView(laboratory_data_.envelope).first(50)), Code::binding, "other bytes");
  EXPECT_OK(room_->put_ciphertext(digest, 0, hospital_data_.envelope));  // the host starts again
  EXPECT_EQ(room_->status().datasets.front().second, DatasetState::ready);
}

TEST_F(RoomTest, RowsThatDoNotFitTheManifestAreRefused) {
  join_all(*room_);
  engine_.refuses_rows = true;
  ASSERT_OK(release(*room_, hospital_, hospital_data_));
  EXPECT_ERROR(room_->put_ciphertext(hospital_data_.manifest.digest(), 0, hospital_data_.envelope), Code::malformed, "row 2");
  EXPECT_EQ(room_->status().datasets.front().second, DatasetState::waiting_for_ciphertext);
}

TEST_F(RoomTest, ADatasetNeverGoesBackToAnOlderVersion) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  const Sealed newer = seal(hospital_, "hospital", 3);
  ASSERT_OK(release(*room_, hospital_, newer));
  EXPECT_ERROR(room_->put_manifest(seal(hospital_, "hospital", 2).document), Code::freshness, "not above version 3");
  EXPECT_ERROR(room_->put_manifest(seal(hospital_, "hospital", 3).document), Code::freshness, "not above version 3");
  EXPECT_ERROR(room_->put_manifest(seal(laboratory_, "hospital", 4).document), Code::refused, "belongs to \"hospital\"");
  EXPECT_ERROR(room_->run(query.digest()), Code::freshness, "newer version 3");
}

TEST_F(RoomTest, AQueryWaitsForKeysAndCiphertext) {
  join_all(*room_);
  ASSERT_OK(room_->put_manifest(hospital_data_.document));
  ASSERT_OK(release(*room_, laboratory_, laboratory_data_));
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  EXPECT_ERROR(room_->run(query.digest()), Code::unavailable, "is not ready");
  ASSERT_OK(room_->put_ciphertext(hospital_data_.manifest.digest(), 0, hospital_data_.envelope));
  ASSERT_OK(room_->put_ciphertext(laboratory_data_.manifest.digest(), 0, laboratory_data_.envelope));
  EXPECT_ERROR(room_->run(query.digest()), Code::unavailable, "is not ready");
  ASSERT_OK(release(*room_, hospital_, hospital_data_));
  EXPECT_OK(room_->run(query.digest()));
}

TEST_F(RoomTest, RepeatedCallsGiveTheSameAnswerAndOneEntry) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  const auto signed_query = sign(query, analyst_);
  const auto index = OrDie(room_->propose(signed_query)).index;
  EXPECT_EQ(OrDie(room_->propose(signed_query)).index, index);
  const auto vote = sign(ballot(*room_, query, hospital_), hospital_);
  ASSERT_OK(room_->vote(query.digest(), vote));
  const auto size = room_->status().log_size;
  EXPECT_OK(room_->vote(query.digest(), vote));
  EXPECT_OK(join(*room_, hospital_));
  EXPECT_OK(release(*room_, hospital_, hospital_data_));
  EXPECT_EQ(room_->status().log_size, size);
  ASSERT_OK(room_->vote(query.digest(), sign(ballot(*room_, query, laboratory_), laboratory_)));
  const RunOutput first = OrDie(room_->run(query.digest()));
  const RunOutput second = OrDie(room_->run(query.digest()));
  EXPECT_EQ(first.receipt_file, second.receipt_file);
  EXPECT_EQ(engine_.runs, 1);
}

TEST_F(RoomTest, AFailedEngineFailsOneQueryAndSaysNothing) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  engine_.fails = true;
  const auto failed = room_->run(query.digest());
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message(), "the query was not answered");
  engine_.fails = false;
  EXPECT_OK(room_->run(query.digest()));
}

TEST_F(RoomTest, AHostClockBelowTheFloorStopsTheRoom) {
  provide(*room_);
  clock_ = kNow.plus_seconds(-1001);
  EXPECT_ERROR(room_->propose(sign(proposal(*room_), analyst_)), Code::refused, "clock");
}

TEST_F(RoomTest, TheLogIsWhatItsCheckpointSays) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  ASSERT_OK(room_->run(query.digest()));
  const auto log = OrDie(receipt::Log::restore(room_->claims().instance, room_->entries(0)));
  EXPECT_EQ(log.head().text(), OrDie(receipt::Checkpoint::verify(room_->checkpoint(), receipt::log_origin(room_->claims().instance),
                                                                 room_->claims().receipt_key)).head().text());
  EXPECT_TRUE(room_->entries(1000).empty());
}

}  // namespace
}  // namespace redoubt::cleanroom
