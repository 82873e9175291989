// Goal: participants audit a log offline and find out about forks and rollbacks, with a file that shows them to others. Method: the Stage's
// real room and commands; then logs that the room's own key signed and that contradict what participants saw.
#include "client/cli/client_test_stage.h"
#include "client/sdk/audit.h"
#include "client/sdk/key_file.h"
#include "client/sdk/state.h"

namespace redoubt::cli {
namespace {

class AuditCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    stage.open_environment();
    stage.put_tables();
  }
  std::string run_query() {
    const std::string query = stage.submitted();
    for (const char* who : {"hospital", "laboratory"}) EXPECT_EQ(stage.run(who, {"query", "approve", query, "--yes"}).code, 0);
    EXPECT_EQ(stage.run("analyst", {"result", "get", query, "--receipt", stage.path("receipt.json")}).code, 0);
    return query;
  }
  void save(const std::string& who, const std::string& file) {
    const Ran ran = stage.run(who, {"audit", "log", "--save", stage.path(file)});
    ASSERT_EQ(ran.code, 0) << ran.err;
  }
  // forged: the saved log of `file` with one entry changed, signed by the instance's own key.
  void forge(const std::string& file, const std::string& as, std::size_t entry) {
    const auto log = OrDie(sdk::SavedLog::parse(OrDie(sdk::read_file(stage.path(file), sdk::SavedLog::kMaxBytes))));
    std::vector<receipt::LogEntry> entries = log.entries();
    entries.at(entry).content.array()[0] ^= std::byte{1};
    receipt::Log other(log.instance());
    for (const auto& item : entries) other.append(item);
    const std::string text = OrDie(sdk::SavedLog::of(log.instance(), other.checkpoint(stage.receipt_key()), entries)).json();
    OrDie(Result<bool>(sdk::write_file(stage.path(as), as_bytes(text), sdk::FileKind::open).ok()));
  }
  void expect(const Ran& ran, Code code, const std::string& part) {
    EXPECT_EQ(ran.code, static_cast<int>(code)) << ran.err;
    EXPECT_NE(ran.err.find(part), std::string::npos) << ran.err;
  }
  Stage stage;
};

TEST_F(AuditCommandTest, ALogIsSavedReadAndHeldAgainstReceiptsOffline) {
  const std::string query = run_query();
  const Ran shown = stage.run("hospital", {"audit", "log", "--save", stage.path("log.json"), "--documents", stage.path("documents.json")});
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_NE(shown.out.find("query " + query.substr(0, 12) + " by analyst"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("hospital version 1 of hospital"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("hospital uploads hospital version 1"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("laboratory releases key 1 of laboratory version 1 to this instance"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("laboratory approves query " + query.substr(0, 12)), std::string::npos) << shown.out;
  stage.room.reset();  // the program is gone: the rest needs files only
  EXPECT_EQ(stage.run("stranger", {"audit", "log", stage.path("log.json")}).code, 0);
  const Ran verified = stage.run("hospital", {"audit", "verify", stage.path("log.json"), "--receipt", stage.path("receipt.json")});
  EXPECT_EQ(verified.code, 0) << verified.err;
  EXPECT_EQ(verified.out.find("not shown"), std::string::npos) << verified.out;
  EXPECT_NE(verified.out.find("receipt.receipt.json"), std::string::npos) << verified.out;
  const Ran stranger = stage.run("stranger", {"audit", "verify", stage.path("log.json"), "-o", "json"});
  expect(stranger, Code::log_proof, "log.key: not shown");
  EXPECT_NE(stranger.out.find("\"accepted\": false"), std::string::npos) << stranger.out;
  EXPECT_NE(stranger.err.find("--receipt-key"), std::string::npos) << stranger.err;
  const Ran told = stage.run("stranger", {"audit", "verify", stage.path("log.json"), "--receipt-key", stage.receipt_key().public_key().hex()});
  EXPECT_EQ(told.code, 0) << told.err;
  const Ran whole = stage.run("hospital", {"audit", "verify", stage.path("log.json"), "--receipt", stage.path("receipt.json"), "--documents", stage.path("documents.json")});
  EXPECT_EQ(whole.code, 0) << whole.err;
  for (const char* check : {"log.identity", "log.uploads", "log.key_releases", "log.ballots", "log.budgets"}) EXPECT_NE(whole.out.find(check), std::string::npos) << check;
  const Ran read = stage.run("hospital", {"audit", "log", stage.path("log.json"), "--documents", stage.path("documents.json")});
  EXPECT_EQ(read.code, 0) << read.err;
  EXPECT_NE(read.out.find("hospital uploads hospital version 1"), std::string::npos) << read.out;
  expect(stage.run("stranger", {"audit", "verify", stage.path("log.json"), "--documents", stage.path("documents.json")}), Code::usage, "");
  EXPECT_EQ(stage.run("hospital", {"audit", "consistency", stage.path("log.json")}).code, 0);
  EXPECT_EQ(stage.run("hospital", {"audit", "consistency", stage.path("log.json"), stage.path("receipt.json")}).code, 0);
}

TEST_F(AuditCommandTest, WhatTheHubWithholdsIsSeenInTheDocuments) {
  run_query();
  // A hub that lists no datasets: nothing is refuted, and nothing about them is shown.
  stage.tamper = [](const std::string& who, const net::HttpRequest& request, json::Value& answer) {
    if (who == "hub" && request.method == "GET" && request.path.ends_with("/datasets")) answer = json::Object{{"items", json::Array()}};
  };
  const Ran shown = stage.run("hospital", {"audit", "log", "--save", stage.path("log.json"), "--documents", stage.path("documents.json")});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(shown.out.find("uploads"), std::string::npos) << shown.out;
  expect(stage.run("hospital", {"audit", "verify", stage.path("log.json"), "--documents", stage.path("documents.json")}), Code::log_proof, "log.uploads: not shown");
}

// approve_change: the room of the stage hands over to a contract in which one approval is enough; by its doors' calls, with the participants' keys.
std::string approve_change(Stage& stage) {
  const auto keys = [&](const std::string& who) { return OrDie(sdk::KeyFile::load(stage.folder.path() / who / "keys.json")); };
  jobs::Contract next = stage.room->contract();
  next.previous = next.digest();
  next.epoch = 2;
  next.approval = {jobs::ApprovalRule::k_of_n, 1, {}, true};
  const attest::Claims& claims = stage.room->claims();
  const jobs::ContractChange change{claims.contract, claims.instance, next.canonical(), "analyst", jobs::BallotNonce(), kStageNow.plus_seconds(600)};
  OrDie(stage.room->propose_change(jobs::sign_document(jobs::kContractChangeType, change.canonical(), keys("analyst").signing())));
  for (const char* voter : {"hospital", "laboratory"}) {
    const auto head = OrDie(receipt::Checkpoint::verify(stage.room->checkpoint(), receipt::log_origin(claims.instance), claims.receipt_key)).head();
    const jobs::ChangeBallot ballot{claims.contract, claims.instance, change.digest(), next.digest(), voter, jobs::Decision::approve, kStageNow.plus_seconds(600), head.size + 100,
                                    jobs::BallotNonce(), {head.size, head.root}};
    OrDie(stage.room->vote_change(change.digest(), jobs::sign_document(jobs::kChangeBallotType, ballot.canonical(), keys(voter).signing())));
  }
  OrDie(stage.room->hand_over(change.digest()));
  return next.canonical();
}

TEST_F(AuditCommandTest, WhoHoldsTheOldContractVerifiesTheNextOne) {
  expect(stage.run("hospital", {"audit", "hand-over"}), Code::not_found, "this contract was not handed over");
  const std::string next = approve_change(stage);
  const Ran shown = stage.run("hospital", {"audit", "hand-over", "--save", stage.path("hand-over.json"), "--contract-out", stage.path("next.json")});
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_NE(shown.out.find("was handed over to"), std::string::npos) << shown.out;
  EXPECT_EQ(test::read_text(stage.path("next.json")), next);
  expect(stage.run("hospital", {"query", "submit", "--sql", std::string(cleanroom::kSql), "--recipient", "analyst"}), Code::refused, "this contract has ended");
  // Offline, by another participant; a file with a vote left out; and by who never verified the old identity.
  EXPECT_EQ(stage.run("analyst", {"audit", "hand-over", stage.path("hand-over.json"), "-o", "json"}).code, 0);
  jobs::HandOverFile file = OrDie(jobs::HandOverFile::parse(test::read_text(stage.path("hand-over.json"))));
  file.ballots.pop_back();
  OrDie(Result<bool>(sdk::write_file(stage.path("fewer.json"), as_bytes(file.json()), sdk::FileKind::open).ok()));
  expect(stage.run("analyst", {"audit", "hand-over", stage.path("fewer.json")}), Code::binding, "ballots in the file");
  expect(stage.run("stranger", {"audit", "hand-over", stage.path("hand-over.json")}), Code::usage, "no environment is known here");
}

TEST_F(AuditCommandTest, ALaterLogExtendsAnEarlierOne) {
  save("hospital", "before.json");
  run_query();
  save("laboratory", "after.json");
  for (const auto& [first, second] : {std::pair("before.json", "after.json"), std::pair("after.json", "before.json")}) {
    const Ran ran = stage.run("stranger", {"audit", "consistency", stage.path(first), stage.path(second)});
    expect(ran, Code::log_proof, "is not known here");
    EXPECT_EQ(ran.out.find("consistent"), std::string::npos) << ran.out;
    const Ran told = stage.run("stranger", {"audit", "consistency", stage.path(first), stage.path(second), "--receipt-key",
                                            stage.receipt_key().public_key().hex()});
    EXPECT_EQ(told.code, 0) << told.err;
    EXPECT_NE(told.out.find("consistent: the log of"), std::string::npos) << told.out;
  }
  // A log from before the head that is kept: nothing of what came later was looked at.
  ASSERT_EQ(stage.run("hospital", {"log", "verify"}).code, 0);
  expect(stage.run("hospital", {"audit", "verify", stage.path("before.json")}), Code::log_proof, "log.known_head: not shown");
  expect(stage.run("hospital", {"audit", "consistency", stage.path("before.json"), stage.path("receipt.json")}), Code::unavailable,
         "are not in the files");
}

TEST_F(AuditCommandTest, AForkIsProvedToWhoeverKnowsTheKey) {
  save("hospital", "seen.json");
  run_query();
  save("laboratory", "later.json");
  forge("later.json", "forked.json", 1);
  expect(stage.run("hospital", {"audit", "verify", stage.path("forked.json"), "--proof", stage.path("fork.json")}), Code::log_proof, "was forked");
  EXPECT_EQ(stage.run("laboratory", {"audit", "verify", stage.path("fork.json")}).code, 0);
  const auto known = OrDie(OrDie(sdk::EnvironmentState::open(stage.folder.path() / "analyst", "study")).known_log());
  EXPECT_OK(receipt::Divergence::verify(test::read_text(stage.path("fork.json")), known->receipt_key));
  // Between two files, and kept in the environment's folder by default.
  expect(stage.run("analyst", {"audit", "consistency", stage.path("seen.json"), stage.path("forked.json")}), Code::log_proof, "no prefix");
  EXPECT_TRUE(std::filesystem::exists(stage.folder.path() / "analyst" / "environments" / "study" / "fork-1.json"));
  expect(stage.run("laboratory", {"audit", "consistency", stage.path("forked.json"), stage.path("later.json"), "--proof", stage.path("same.json")}),
         Code::log_proof, "no prefix");
  EXPECT_OK(receipt::ForkProof::verify(test::read_text(stage.path("same.json")), known->receipt_key));
  EXPECT_EQ(stage.run("hospital", {"audit", "verify", stage.path("same.json")}).code, 0);
  // A proof by another key, or of nothing, proves nothing.
  std::string text = test::read_text(stage.path("same.json"));
  text[text.find("\"first\":\"") + 120] ^= 1;
  OrDie(Result<bool>(sdk::write_file(stage.path("bad.json"), as_bytes(text), sdk::FileKind::open).ok()));
  EXPECT_NE(stage.run("hospital", {"audit", "verify", stage.path("bad.json")}).code, 0);
  expect(stage.run("stranger", {"audit", "verify", stage.path("same.json")}), Code::not_found, "is not known here");
}

TEST_F(AuditCommandTest, ALogByAnotherKeyIsNotTheInstances) {
  save("hospital", "log.json");
  const auto log = OrDie(sdk::SavedLog::parse(test::read_text(stage.path("log.json"))));
  receipt::Log same(log.instance());
  for (const auto& entry : log.entries()) same.append(entry);
  const auto other = OrDie(crypto::Ed25519PrivateKey::generate(stage.random));
  const std::string text = OrDie(sdk::SavedLog::of(log.instance(), same.checkpoint(other), log.entries())).json();
  OrDie(Result<bool>(sdk::write_file(stage.path("other.json"), as_bytes(text), sdk::FileKind::open).ok()));
  expect(stage.run("hospital", {"audit", "verify", stage.path("other.json")}), Code::binding, "log.key");
  expect(stage.run("hospital", {"audit", "consistency", stage.path("other.json")}), Code::binding, "expected receipt key");
  expect(stage.run("stranger", {"audit", "consistency", stage.path("log.json"), stage.path("other.json")}), Code::log_proof, "by two keys");
}

TEST_F(AuditCommandTest, ALogOfAnInstanceThatTheEnvironmentDoesNotKnowIsNotAccepted) {
  // Anybody can make an instance id and a key, and sign a log that looks whole; the environment that is named never saw either.
  receipt::Log log(stage.random.fixed<InstanceId>());
  const std::vector<receipt::LogEntry> entries{{std::string(receipt::kBootEntry), crypto::sha256(as_bytes("boot"))}};
  log.append(entries[0]);
  const auto key = OrDie(crypto::Ed25519PrivateKey::generate(stage.random));
  const std::string text = OrDie(sdk::SavedLog::of(log.instance(), log.checkpoint(key), entries)).json();
  OrDie(Result<bool>(sdk::write_file(stage.path("made-up.json"), as_bytes(text), sdk::FileKind::open).ok()));
  expect(stage.run("hospital", {"audit", "verify", stage.path("made-up.json"), "-e", "study"}), Code::log_proof, "log.key: not shown");
  expect(stage.run("hospital", {"audit", "consistency", stage.path("made-up.json"), stage.path("made-up.json"), "-e", "study"}), Code::log_proof,
         "is not known here");
  // Nor does a key that is named overrule what the environment learned.
  save("hospital", "log.json");
  expect(stage.run("hospital", {"audit", "verify", stage.path("log.json"), "--receipt-key", key.public_key().hex()}), Code::binding,
         "as environment \"study\" knows it");
}

TEST_F(AuditCommandTest, WhichQueryAReceiptIsOfIsReadFromTheLogNotFromTheHub) {
  const auto receipt_read = [&] {
    return OrDie(json::parse(test::read_text(stage.path("receipt.json")), {.max_bytes = receipt::ReceiptFile::kMaxSize}));
  };
  const std::string first = run_query();
  const json::Value first_receipt = receipt_read();
  const std::string second = run_query();
  const json::Value second_receipt = receipt_read();
  ASSERT_NE(first.substr(0, 12), second.substr(0, 12));
  // The hub serves each query's receipt as the other's.
  stage.tamper = [&](const std::string& who, const net::HttpRequest& request, json::Value& answer) {
    if (who == "hub" && request.path.ends_with("/receipt")) answer = request.path.find(first) == std::string::npos ? first_receipt : second_receipt;
  };
  const Ran ran = stage.run("hospital", {"audit", "log", "--save", stage.path("log.json"), "-o", "json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto shown = OrDie(json::parse(ran.out));
  std::vector<std::string> labels;
  for (const json::Value& item : *shown.object()->at("items").array()) {
    const json::Object& entry = *item.object();
    if (entry.at("kind") == json::Value(std::string(receipt::kReceiptEntry))) labels.push_back(entry.contains("about") ? *entry.at("about").string() : "");
  }
  EXPECT_EQ(labels, (std::vector<std::string>{"of query " + first.substr(0, 12), "of query " + second.substr(0, 12)}));
}

TEST_F(AuditCommandTest, ARollbackLeavesBothSignedHeads) {
  const std::string old = stage.room->checkpoint();
  run_query();
  ASSERT_EQ(stage.run("hospital", {"log", "verify"}).code, 0);
  stage.tamper = [&](const std::string& who, const net::HttpRequest& request, json::Value& answer) {
    if (who != "door" || request.path != "/instance") return;
    json::Object object = *answer.object();
    object.insert_or_assign("checkpoint", old);
    answer = std::move(object);
  };
  expect(stage.run("hospital", {"log", "verify"}), Code::log_proof, "rolled back");
  expect(stage.run("hospital", {"log", "verify"}), Code::log_proof, "fork-1.json");  // once for each thing seen
  const std::string report = test::read_text(stage.folder.path() / "hospital" / "environments" / "study" / "fork-1.json");
  const auto value = OrDie(json::parse_signed(report));
  EXPECT_EQ(value.object()->at("shown"), json::Value(old));
  EXPECT_EQ(value.object()->at("type"), json::Value("redoubt/log-report/1"));
}

TEST_F(AuditCommandTest, JunkIsRefused) {
  OrDie(Result<bool>(sdk::write_file(stage.path("junk.json"), as_bytes("{\"second\":1}"), sdk::FileKind::open).ok()));
  expect(stage.run("hospital", {"audit", "verify", stage.path("junk.json")}), Code::malformed, "first");
  expect(stage.run("hospital", {"audit", "log", stage.path("data.csv")}), Code::malformed, "saved log");
  expect(stage.run("hospital", {"audit", "verify", stage.path("nothing.json")}), Code::not_found, "");
  expect(stage.run("hospital", {"audit", "consistency", stage.path("data.csv")}), Code::malformed, "saved log");
}

}  // namespace
}  // namespace redoubt::cli
