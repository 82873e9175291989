// Goal: what a log says of datasets, keys, ballots and budgets is computed again from what participants signed, so that an entry that was dropped, repeated, moved or changed
// shows, also where the key that signed the log is the instance's own. Method: a real room's log and the documents behind it; then logs as a program that cheats
// would sign them, and documents as a hub that lies would hand them over.
#include "client/sdk/log_story.h"

#include "client/sdk/audit.h"
#include "common/jobs/cleanroom/log_entries.h"
#include "enclave/workloads/cleanroom/room_test_fixture.h"

namespace redoubt::sdk {
namespace {

using receipt::Outcome;
using Entries = std::vector<receipt::LogEntry>;

class LogStoryTest : public cleanroom::RoomTest {
 protected:
  LogStoryTest() {
    join_all(*room_);
    EXPECT_OK(release(*room_, hospital_, patients_));
    EXPECT_OK(room_->put_ciphertext(patients_.manifest.digest(), 0, patients_.envelope));
    EXPECT_OK(release(*room_, laboratory_, laboratory_data_));
    EXPECT_OK(room_->put_ciphertext(laboratory_data_.manifest.digest(), 0, laboratory_data_.envelope));
    documents_.claims = room_->claims();
    documents_.manifests = {patients_.document, laboratory_data_.document};
    ask("SELECT 1", "0.5");
    ask("SELECT 2", "0.5");
    for (const Bytes& bytes : room_->entries(0)) entries_.push_back(OrDie(receipt::LogEntry::parse(bytes)));
  }
  // ask: a query with noise over the hospital's data, reserved and approved by both.
  void ask(std::string_view sql, const char* epsilon) {
    const jobs::Proposal asked = noisy(sql, epsilon);
    documents_.proposals.push_back(sign(asked, analyst_));
    ASSERT_OK(room_->propose(documents_.proposals.back()));
    for (Party* voter : {&hospital_, &laboratory_}) {
      documents_.ballots.push_back(sign(ballot(*room_, asked, *voter), *voter));
      ASSERT_OK(room_->vote(asked.digest(), documents_.ballots.back()));
    }
  }
  using Party = cleanroom::Party;
  jobs::Proposal noisy(std::string_view sql, const char* epsilon) {
    jobs::Proposal asked = proposal(*room_, sql);
    asked.terms.level = jobs::PrivacyLevel::differential_privacy;
    asked.terms.noise = jobs::Noise{{epsilon, "0.000001"}, 1, 1};
    asked.terms.manifests = {patients_.manifest.digest()};
    return asked;
  }
  crypto::Ed25519PrivateKey key() const {
    test::FixedRandom seed(1);  // as make_room(1) draws it
    return OrDie(crypto::Ed25519PrivateKey::generate(seed));
  }
  SavedLog saved(const Entries& entries) const {
    receipt::Log log(room_->claims().instance);
    for (const auto& entry : entries) log.append(entry);
    return OrDie(SavedLog::of(log.instance(), log.checkpoint(key()), entries));
  }
  LogStory story(const Entries& entries) const { return explain(saved(entries), contract(), documents_); }
  LogStory story() const { return story(entries_); }
  static const receipt::ReceiptCheck& find(const LogStory& told, std::string_view id) {
    const auto found = std::ranges::find(told.checks, id, &receipt::ReceiptCheck::id);
    EXPECT_NE(found, told.checks.end()) << id;
    return *found;
  }
  static void expect(const LogStory& told, std::string_view id, Outcome outcome, std::string_view part) {
    const auto& check = find(told, id);
    EXPECT_EQ(check.outcome, outcome) << id << ": " << check.detail;
    EXPECT_NE(check.detail.find(part), std::string::npos) << id << ": " << check.detail;
  }
  std::size_t place(std::string_view kind, std::size_t from = 0) const {
    for (std::size_t i = from; i < entries_.size(); ++i) {
      if (entries_[i].kind == kind) return i;
    }
    ADD_FAILURE() << "no entry " << kind;
    return 0;
  }
  Entries without(std::size_t index) const {
    Entries out = entries_;
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(index));
    return out;
  }
  Entries with(std::size_t index, const receipt::LogEntry& entry) const {
    Entries out = entries_;
    out[index] = entry;
    return out;
  }

  Sealed patients_ = seal(hospital_, "patients", 1,
                          {{"patient_id", "BIGINT", jobs::ColumnRole::unit, "", ""}, {"diagnosis", "VARCHAR", jobs::ColumnRole::attribute, "", ""}}, cleanroom::kCsv, 2,
                          jobs::PrivacyLoss{"2", "0.00001"});
  LogDocuments documents_;
  Entries entries_;
};

TEST_F(LogStoryTest, AnHonestLogIsExplainedWhole) {
  const LogStory told = story();
  ASSERT_EQ(told.about.size(), entries_.size());
  ASSERT_EQ(told.checks.size(), 5U);
  for (const auto& check : told.checks) EXPECT_EQ(check.outcome, Outcome::passed) << check.id << ": " << check.detail;
  EXPECT_OK(told.refuted());
  EXPECT_OK(check_order(entries_));
  EXPECT_EQ(told.about[place(jobs::kUploadEntry)], "hospital uploads patients version 1");
  EXPECT_EQ(told.about[place(jobs::kKeyReleaseEntry)], "hospital releases key 1 of patients version 1 to this instance");
  EXPECT_EQ(told.about[place(receipt::kDatasetEntry)], "patients version 1 of hospital");
  EXPECT_NE(told.about[place(jobs::kBudgetEntry)].find("charge for query "), std::string::npos);
  EXPECT_NE(told.about[place(receipt::kReservationEntry)].find(" by analyst"), std::string::npos);
  EXPECT_NE(told.about[place(receipt::kBallotEntry)].find("hospital approves query "), std::string::npos);
}

TEST_F(LogStoryTest, AnUploadOrKeyThatIsLeftOutRepeatedOrMovedIsRefused) {
  const std::size_t upload = place(jobs::kUploadEntry);
  const std::size_t released = place(jobs::kKeyReleaseEntry);
  EXPECT_ERROR(check_order(without(upload)), Code::log_proof, "released before any dataset was uploaded");
  EXPECT_ERROR(check_order(without(place(jobs::kUploadEntry, upload + 1))), Code::log_proof, "was not uploaded before it was taken in");
  EXPECT_ERROR(check_order(without(released)), Code::log_proof, "more datasets were taken in than keys were released");
  expect(story(without(released)), "log.uploads", Outcome::failed, "its owner had released no key");
  for (const std::string_view kind : {jobs::kUploadEntry, jobs::kKeyReleaseEntry, receipt::kDatasetEntry}) {
    Entries twice = entries_;
    twice.push_back(entries_[place(kind)]);
    EXPECT_ERROR(check_order(twice), Code::log_proof, "before") << kind;
  }
  Entries moved = without(upload);
  moved.insert(moved.begin() + static_cast<std::ptrdiff_t>(released), entries_[upload]);  // behind the key of the dataset
  EXPECT_ERROR(check_order(moved), Code::log_proof, "released before any dataset was uploaded");
  expect(story(moved), "log.key_releases", Outcome::failed, "it is no key of a dataset in this log");
  // Each of the two keys, in the other's place, is still one of two: only who computes them sees it.
  Entries swapped = entries_;
  std::swap(swapped[released], swapped[place(jobs::kKeyReleaseEntry, released + 1)]);
  EXPECT_FALSE(story(swapped).refuted().ok());
}

TEST_F(LogStoryTest, AKeyReleasedToAnotherIdentityOrByAnotherThanTheOwnerIsRefused) {
  const std::size_t at = place(jobs::kKeyReleaseEntry);
  const attest::Claims& claims = room_->claims();
  const jobs::KeyRelease honest{patients_.manifest.digest(), "hospital", claims.instance, claims.hpke_key, 1};
  ASSERT_EQ(jobs::key_release_entry(honest), entries_[at]);
  const auto refuse = [&](auto change) {
    jobs::KeyRelease other = honest;
    change(other);
    expect(story(with(at, jobs::key_release_entry(other))), "log.key_releases", Outcome::failed, "to this identity");
  };
  refuse([&](jobs::KeyRelease& r) { r.owner = "laboratory"; });
  refuse([&](jobs::KeyRelease& r) { r.manifest = hospital_data_.manifest.digest(); });
  refuse([&](jobs::KeyRelease& r) { r.instance = InstanceId(); });
  refuse([&](jobs::KeyRelease& r) { r.identity_key = analyst_.hpke.public_key(); });
  refuse([&](jobs::KeyRelease& r) { r.number = 2; });
  // Documents that name another identity key for the instance explain none of its entries.
  documents_.claims.hpke_key = analyst_.hpke.public_key();
  expect(story(), "log.key_releases", Outcome::failed, "to this identity");
  expect(story(), "log.identity", Outcome::failed, "not the boot with claims");
}

TEST_F(LogStoryTest, AChargeThatIsNotWhatTheReservationsComeToIsRefused) {
  const std::size_t first = place(jobs::kBudgetEntry);
  const std::size_t second = place(jobs::kBudgetEntry, first + 1);
  for (const std::size_t at : {first, second}) {
    receipt::LogEntry less = entries_[at];
    less.content.array()[31] ^= std::byte{1};
    expect(story(with(at, less)), "log.budgets", Outcome::failed, "budgets: expected ");
    expect(story(without(at)), "log.budgets", Outcome::failed, "charged to no budget");
    EXPECT_OK(check_order(without(at))) << "the order alone does not show it";
  }
  // The second query is charged as if the first had never been.
  expect(story(with(second, entries_[first])), "log.budgets", Outcome::failed, "budgets: expected ");
}

TEST_F(LogStoryTest, AReservationThatNoBudgetAllowsIsRefused) {
  // A program that reserves what would pass the budget, with a charge of its own making.
  const jobs::Proposal beyond = noisy("SELECT 3", "2.5");
  documents_.proposals.push_back(sign(beyond, analyst_));
  Entries entries = entries_;
  entries.push_back({std::string(jobs::kBudgetEntry), crypto::sha256(as_bytes("enough"))});
  entries.push_back({std::string(receipt::kReservationEntry), crypto::Sha256Digest(beyond.digest().array())});
  EXPECT_ERROR(room_->propose(documents_.proposals.back()), Code::refused, "the query was not answered");
  EXPECT_OK(check_order(entries));
  expect(story(entries), "log.budgets", Outcome::failed, "the budgets of its datasets do not allow it");
}

TEST_F(LogStoryTest, ARepeatedQuestionIsChargedOnceAndAQueryWithoutNoiseNever) {
  jobs::Proposal again = noisy("SELECT 1", "0.5");  // another nonce
  documents_.proposals.push_back(sign(again, analyst_));
  ASSERT_OK(room_->propose(documents_.proposals.back()));
  jobs::Proposal plain = proposal(*room_, "SELECT 4");
  plain.terms.manifests = {laboratory_data_.manifest.digest()};
  documents_.proposals.push_back(sign(plain, analyst_));
  ASSERT_OK(room_->propose(documents_.proposals.back()));
  entries_.clear();
  for (const Bytes& bytes : room_->entries(0)) entries_.push_back(OrDie(receipt::LogEntry::parse(bytes)));
  expect(story(), "log.budgets", Outcome::passed, "");
  for (const auto& [proposed, why] : {std::pair(again, "charged before"), std::pair(plain, "charges a query without noise")}) {
    Entries charged = entries_;
    const receipt::LogEntry reservation{std::string(receipt::kReservationEntry), crypto::Sha256Digest(proposed.digest().array())};
    charged.insert(std::ranges::find(charged, reservation), entries_[place(jobs::kBudgetEntry)]);
    expect(story(charged), "log.budgets", Outcome::failed, why);
  }
}

TEST_F(LogStoryTest, WhatTheHubWithholdsIsNotShownAndNotAccepted) {
  const LogDocuments whole = documents_;
  const auto report = [&] {
    AuditReport out = audit(saved(entries_), {key().public_key(), std::nullopt}, {});
    const LogStory told = story();
    EXPECT_OK(told.refuted());
    out.checks.insert(out.checks.end(), told.checks.begin(), told.checks.end());
    return out.accepted();
  };
  EXPECT_OK(report());
  documents_.manifests.pop_back();
  EXPECT_ERROR(report(), Code::log_proof, "log.uploads: not shown: 2 of 4 entries are not explained");
  expect(story(), "log.key_releases", Outcome::not_shown, "1 of 2 entries");
  documents_ = whole;
  documents_.ballots.erase(documents_.ballots.begin());
  EXPECT_ERROR(report(), Code::log_proof, "log.ballots: not shown: 1 of 4");
  documents_ = whole;
  documents_.proposals.erase(documents_.proposals.begin());
  EXPECT_ERROR(report(), Code::log_proof, "log.budgets: not shown: 2 of 2 entries are not explained");
  documents_ = whole;
  documents_.previous = receipt::TreeHead{receipt::log_origin(InstanceId()), 7, receipt::TreeHash()}.text();
  expect(story(), "log.budgets", Outcome::not_shown, "what the instances before this one were asked");
  expect(story(), "log.identity", Outcome::failed, "with the head that it takes over from");
  documents_.previous = "no head";
  expect(story(), "log.identity", Outcome::failed, "previous");
}

TEST_F(LogStoryTest, ADocumentThatItsAuthorDidNotSignExplainsNothing) {
  documents_.manifests[0] = jobs::sign_document(jobs::kManifestType, patients_.manifest.canonical(), stranger_.key);
  expect(story(), "log.uploads", Outcome::not_shown, "no manifest at hand that its owner signed");
  documents_.manifests[0] = patients_.document;
  documents_.ballots[0] = jobs::sign_document(jobs::kBallotType, documents_.ballots[0].text, laboratory_.key);
  expect(story(), "log.ballots", Outcome::not_shown, "no ballot at hand that its voter signed");
  documents_.proposals[0] = jobs::sign_document(jobs::kProposalType, documents_.proposals[0].text, stranger_.key);
  expect(story(), "log.budgets", Outcome::not_shown, "the proposal that it charges is not at hand");
}

TEST_F(LogStoryTest, ClaimsOfAnotherIdentityAreRefused) {
  const auto refuse = [&](auto change, Code code, std::string_view why) {
    const attest::Claims good = documents_.claims;
    change(documents_.claims);
    const LogStory told = story();
    EXPECT_EQ(find(told, "log.identity").code, code);
    expect(told, "log.identity", Outcome::failed, why);
    EXPECT_FALSE(told.refuted().ok());
    documents_.claims = good;
  };
  refuse([](attest::Claims& c) { c.instance = InstanceId(); }, Code::binding, "expected instance");
  refuse([&](attest::Claims& c) { c.receipt_key = hospital_.key.public_key(); }, Code::binding, "another receipt key");
  refuse([](attest::Claims& c) { c.contract = ContractDigest(); }, Code::binding, "expected contract");
  refuse([](attest::Claims& c) { c.boot.array()[0] ^= std::byte{1}; }, Code::log_proof, "not the boot with claims");
}

TEST_F(LogStoryTest, ASecondBallotMustBeARenewal) {
  const jobs::Proposal asked = OrDie(jobs::Proposal::parse(documents_.proposals[0].text));
  const jobs::Ballot first = OrDie(jobs::Ballot::parse(documents_.ballots[0].text));
  const auto digest = receipt::approval_digest(documents_.ballots[0].encode());
  const auto second = [&](auto change) {
    jobs::Ballot other = first;
    other.nonce.array()[0] ^= std::byte{1};
    change(other);
    documents_.ballots.push_back(sign(other, hospital_));
    Entries entries = entries_;
    entries.push_back({std::string(receipt::kBallotEntry), crypto::Sha256Digest(receipt::approval_digest(documents_.ballots.back().encode()).array())});
    return story(entries);
  };
  expect(second([](jobs::Ballot&) {}), "log.ballots", Outcome::failed, "\"hospital\" has voted on query");
  expect(second([](jobs::Ballot& b) { b.renews = receipt::ApprovalDigest(); }), "log.ballots", Outcome::failed, "does not renew that");
  expect(second([&](jobs::Ballot& b) { b.renews = receipt::approval_digest(documents_.ballots[1].encode()); }), "log.ballots", Outcome::failed, "does not renew that");
  const LogStory renewed = second([&](jobs::Ballot& b) { b.renews = digest; });
  expect(renewed, "log.ballots", Outcome::passed, "");
  EXPECT_NE(renewed.about.back().find("hospital approves again query"), std::string::npos) << renewed.about.back();
  // The hub keeps a voter's last ballot: the one that it stands in for is explained by its name in it.
  const jobs::SignedDocument gone = documents_.ballots[0];
  documents_.ballots.erase(documents_.ballots.begin());
  const LogStory kept = second([&](jobs::Ballot& b) { b.renews = digest; });
  expect(kept, "log.ballots", Outcome::passed, "");
  EXPECT_NE(kept.about[place(receipt::kBallotEntry)].find("which lapsed"), std::string::npos);
  documents_.ballots.insert(documents_.ballots.begin(), gone);
  jobs::Ballot early = ballot(*room_, asked, laboratory_);
  early.proposal = jobs::ProposalDigest();  // of no proposal that was reserved
  documents_.ballots.push_back(sign(early, laboratory_));
  Entries entries = entries_;
  entries.push_back({std::string(receipt::kBallotEntry), crypto::Sha256Digest(receipt::approval_digest(documents_.ballots.back().encode()).array())});
  expect(story(entries), "log.ballots", Outcome::failed, "which was not reserved before it");
}

TEST_F(LogStoryTest, DocumentsOfALogHaveOneFormAndJunkIsRefused) {
  documents_.previous = "three lines";
  const std::string text = documents_.json();
  const LogDocuments read = OrDie(LogDocuments::parse(text));
  EXPECT_EQ(read.json(), text);
  EXPECT_EQ(read.ballots.size(), 4U);
  const json::Object whole = *OrDie(json::parse(text)).object();
  for (const auto& [name, value] : whole) {
    json::Object cut = whole;
    cut.erase(name);
    EXPECT_ERROR(LogDocuments::parse(json::canonical(cut)), Code::malformed, "absent") << name;
    json::Object changed = whole;
    changed[name] = 7;
    EXPECT_ERROR(LogDocuments::parse(json::canonical(changed)), Code::malformed, "log documents") << name;
  }
  json::Object more = whole;
  more["more"] = 1;
  EXPECT_ERROR(LogDocuments::parse(json::canonical(more)), Code::malformed, "unknown member");
  for (std::size_t i = 0; i < text.size(); i += 97) EXPECT_FALSE(LogDocuments::parse(text.substr(0, i)).ok()) << i;
}

}  // namespace
}  // namespace redoubt::sdk
