// Goal: after a restart participants verify and release again, and an approved query runs without a new ballot, with a receipt that
// a stranger checks; a host that cut, forked or left out an old log gets no signature. Method: the Stage with real rooms one after the
// other; then one change to the old logs, to what is remembered, or to the receipt file.
#include "client/cli/client_test_stage.h"
#include "client/sdk/carry_over.h"
#include "client/sdk/log_keeper.h"
#include "client/sdk/receipt_check.h"

namespace redoubt::cli {
namespace {

class RestartTest : public testing::Test {
 protected:
  std::string approved_query() {
    const std::string query = stage.submitted();
    approve("hospital", query);
    approve("laboratory", query);
    return query;
  }
  void approve(const std::string& who, const std::string& query) {
    const Ran ran = stage.run(who, {"query", "approve", query, "--yes"});
    EXPECT_EQ(ran.code, 0) << ran.err;
  }
  // return_to: everyone verifies the new instance, owners release, the hub delivers.
  void return_to() {
    for (const char* who : {"hospital", "laboratory", "analyst"}) {
      const Ran ran = stage.verify(who);
      ASSERT_EQ(ran.code, 0) << ran.err;
      EXPECT_NE(ran.out.find("signed as carried over"), std::string::npos) << ran.out << ran.err;
    }
    release();
  }
  void release() {
    for (const char* who : {"hospital", "laboratory"}) ASSERT_EQ(stage.run(who, {"dataset", "release", who}).code, 0);
    stage.redeliver();
  }
  Ran verify_offline(const std::string& file) {
    return stage.run("stranger", {"receipt", "verify", stage.path(file), "--contract", stage.path("contract.json"), "--tpm-root",
                                  test::golden("tpm-swtpm-qemu/ca/root.pem").string()});
  }
  // refused: the command ends with this code, and the room got no signature of this participant.
  void refused(const std::string& who, Code code, const std::string& why) {
    const Ran ran = stage.verify(who);
    EXPECT_EQ(ran.code, static_cast<int>(code)) << ran.err;
    EXPECT_NE(ran.err.find(why), std::string::npos) << ran.err;
    const auto missing = stage.room->status().carry_over->missing;
    EXPECT_NE(std::ranges::find(missing, who), missing.end());
    const auto joined = stage.room->status().joined;
    EXPECT_NE(std::ranges::find(joined, who), joined.end());
  }
  Stage stage;
};

TEST_F(RestartTest, AnApprovedQueryIsDoneAfterTheRestartWithoutANewBallot) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = stage.submitted();
  approve("hospital", query);
  stage.restart();
  EXPECT_EQ(stage.run("hospital", {"dataset", "release", "hospital"}).code, static_cast<int>(Code::binding));
  const Ran shown = stage.run("hospital", {"query", "show", query});
  EXPECT_EQ(shown.code, static_cast<int>(Code::binding));
  EXPECT_NE(shown.err.find("the hub says: voting"), std::string::npos) << shown.err;
  return_to();
  approve("laboratory", query);  // who had not voted yet does so in the new instance
  const Ran got = stage.run("analyst", {"result", "get", query, "--receipt", stage.path("receipt.json")});
  ASSERT_EQ(got.code, 0) << got.err;
  const Ran offline = verify_offline("receipt.json");
  EXPECT_EQ(offline.code, 0) << offline.err << offline.out;
  EXPECT_NE(offline.out.find("contract.carried"), std::string::npos);
}

TEST_F(RestartTest, TwoRestartsInARowKeepTheBallots) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = stage.submitted();
  approve("hospital", query);
  stage.restart();
  return_to();
  approve("laboratory", query);
  stage.restart();
  return_to();
  const Ran got = stage.run("analyst", {"result", "get", query, "--receipt", stage.path("receipt.json")});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_EQ(verify_offline("receipt.json").code, 0);
}

TEST_F(RestartTest, AProgramThatGoesOnFromItsStateNeedsNobody) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = stage.submitted();
  approve("hospital", query);
  stage.resume();
  stage.redeliver();
  approve("laboratory", query);
  const Ran got = stage.run("analyst", {"result", "get", query, "--receipt", stage.path("receipt.json")});
  ASSERT_EQ(got.code, 0) << got.err;
  const Ran offline = verify_offline("receipt.json");
  EXPECT_EQ(offline.code, 0) << offline.err << offline.out;
  // Verifying again is no joining again, and finds no log to carry over.
  const Ran again = stage.verify("hospital");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(again.out.find("carried over"), std::string::npos) << again.out;
  EXPECT_EQ(stage.run("laboratory", {"log", "verify"}).code, 0);
}

TEST_F(RestartTest, AProgramWhoseBootIsNotInItsLogIsNotBelieved) {
  stage.open_environment();
  stage.put_tables();
  stage.resume();
  ASSERT_EQ(stage.run("hospital", {"log", "verify"}).code, 0);
  ASSERT_EQ(stage.verify("hospital").code, 0);
  // The program says that it took over from a log, and the boot in the log knows nothing of it.
  Stage fresh;
  fresh.open_environment();
  fresh.tamper = [&](const std::string& who, const net::HttpRequest& request, json::Value& answer) {
    if (who != "door" || request.path != "/instance") return;
    json::Object object = *answer.object();
    object.insert_or_assign("previous", receipt::TreeHead{"redoubt/other", 1, receipt::TreeHash()}.text());
    answer = std::move(object);
  };
  for (const Ran& lied : {fresh.run("hospital", {"log", "verify"}), fresh.verify("hospital")}) {
    EXPECT_EQ(lied.code, static_cast<int>(Code::log_proof)) << lied.err;
    EXPECT_NE(lied.err.find("entry 0: not the boot with claims"), std::string::npos) << lied.err;
  }
}

TEST_F(RestartTest, AStateThatItsOperatorRolledBackIsNoticedByWhoSawMore) {
  stage.open_environment();
  stage.put_tables();
  approved_query();
  ASSERT_EQ(stage.run("hospital", {"log", "verify"}).code, 0);
  stage.resume(1);  // without the last ballot, and with the boot in its place
  const Ran forked = stage.run("hospital", {"log", "verify"});
  EXPECT_EQ(forked.code, static_cast<int>(Code::log_proof)) << forked.err;
  EXPECT_NE(forked.err.find("forked at"), std::string::npos) << forked.err;
  stage.resume(3);
  const Ran rolled_back = stage.run("hospital", {"log", "verify"});
  EXPECT_EQ(rolled_back.code, static_cast<int>(Code::log_proof)) << rolled_back.err;
  EXPECT_NE(rolled_back.err.find("rolled back: expected at least"), std::string::npos) << rolled_back.err;
}

TEST_F(RestartTest, ATruncatedOrForkedLogIsNotSigned) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = approved_query();
  ASSERT_EQ(stage.run("hospital", {"log", "verify"}).code, 0);  // it has seen the ballots' entries
  stage.restart([](std::vector<jobs::OldLog>& logs) { logs.back().entries.pop_back(); });
  refused("hospital", Code::log_proof, "rolled back: expected at least");
  EXPECT_NE(test::read_text(stage.path("hospital/environments/study/fork-1.json")).find("\"what\":\"rolled back\""), std::string::npos);
}

TEST_F(RestartTest, AForkedLogIsNotSigned) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = approved_query();
  ASSERT_EQ(stage.run("hospital", {"log", "verify"}).code, 0);
  stage.restart([](std::vector<jobs::OldLog>& logs) {
    logs.back().entries.back() = receipt::LogEntry{"ballot", crypto::sha256(as_bytes("another"))}.encode();
  });
  refused("hospital", Code::log_proof, "forked at");
  // Another participant, who saw nothing of it, checks the proof.
  const Ran proven = stage.run("laboratory", {"audit", "verify", stage.path("hospital/environments/study/fork-1.json")});
  EXPECT_EQ(proven.code, 0) << proven.err;
  EXPECT_NE(proven.out.find("was forked"), std::string::npos) << proven.out;
}

TEST_F(RestartTest, ALogWhoseCheckpointTheOldInstanceNeverSignedIsNotSigned) {
  stage.open_environment();
  stage.put_tables();
  stage.restart();
  stage.tamper = [](const std::string& who, const net::HttpRequest& request, json::Value& answer) {
    if (who != "door" || request.path != "/instance") return;
    json::Object object = *answer.object();
    json::Object offered = *object.at("carry_over").object();
    std::string note = *offered.at("checkpoint").string();
    note[note.size() - 10] = note[note.size() - 10] == 'A' ? 'B' : 'A';
    offered.insert_or_assign("checkpoint", note);
    object.insert_or_assign("carry_over", offered);
    answer = std::move(object);
  };
  refused("hospital", Code::chain, "last checkpoint of instance");
}

TEST_F(RestartTest, WhoNeverJoinedTheOldInstanceSaysSoAndJoinsOnly) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = approved_query();
  std::filesystem::remove(stage.folder.path() / "laboratory" / "environments" / "study" / "log.json");
  stage.restart();
  ASSERT_EQ(stage.verify("hospital").code, 0);
  ASSERT_EQ(stage.verify("analyst").code, 0);
  const Ran lost = stage.verify("laboratory");
  EXPECT_EQ(lost.code, 0) << lost.err;
  EXPECT_NE(lost.err.find("was never joined from here"), std::string::npos) << lost.err;
  EXPECT_TRUE(stage.room->status().open);
  EXPECT_EQ(stage.room->status().carry_over->missing, std::vector<std::string>{"laboratory"});
  release();
  EXPECT_NE(stage.run("analyst", {"result", "get", query}).code, 0);
}

TEST_F(RestartTest, AnInstanceThatWasOpenIsNotLeftOut) {
  stage.open_environment();
  stage.put_tables();
  const jobs::OldLog first{stage.room->claims().instance, stage.room->entries(0)};
  stage.restart();
  return_to();
  // The operator would go on from the first log again, as if the second instance had never been.
  const auto state = OrDie(sdk::EnvironmentState::open(stage.folder.path() / "hospital", "study"));
  const auto known = OrDie(state.known_log());
  auto memory = OrDie(state.earlier_logs());
  ASSERT_EQ(memory.size(), 1U);
  EXPECT_TRUE(memory[0].open);
  const ContractDigest contract = OrDie(state.contract()).digest();
  crypto::SystemRandom random;
  const auto next = random.fixed<InstanceId>();
  const sdk::CarryOverView offered{OrDie(jobs::CarriedLogs::build(contract, {first})).statement(next), "", {}};
  const sdk::OldEntries entries = [&](std::uint64_t, std::uint64_t from) -> Result<std::vector<Bytes>> {
    return std::vector<Bytes>(first.entries.begin() + static_cast<std::ptrdiff_t>(from), first.entries.end());
  };
  memory.push_back(*known);
  EXPECT_ERROR(sdk::check_old_logs(offered, contract, next, memory, entries), Code::log_proof, "is left out");
  memory.back().open = false;  // nobody can have left anything there
  EXPECT_ERROR(sdk::check_old_logs(offered, contract, next, memory, entries), Code::malformed, "last checkpoint");
  EXPECT_ERROR(sdk::check_old_logs(offered, contract, known->instance, memory, entries), Code::binding, "expected instance");
  EXPECT_ERROR(sdk::check_old_logs(offered, ContractDigest(), next, memory, entries), Code::binding, "expected contract");
  const sdk::OldEntries none = [](std::uint64_t, std::uint64_t) -> Result<std::vector<Bytes>> { return std::vector<Bytes>(); };
  EXPECT_ERROR(sdk::check_old_logs(offered, contract, next, memory, none), Code::log_proof, "entries, found 0");
  sdk::CarryOverView large = offered;
  large.statement.heads[0].head.size = std::uint64_t{1} << 60;
  EXPECT_ERROR(sdk::check_old_logs(large, contract, next, memory, entries), Code::refused, "more than");
}

TEST_F(RestartTest, AReceiptNeedsEveryPieceOfWhatWasCarriedOver) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = approved_query();
  stage.restart();
  return_to();
  ASSERT_EQ(stage.run("analyst", {"result", "get", query, "--receipt", stage.path("receipt.json")}).code, 0);
  const auto good = OrDie(receipt::ReceiptFile::parse(OrDie(sdk::read_file(stage.path("receipt.json"), 1U << 23))));
  const auto refuse = [&](auto change, Code code, const std::string& why) {
    receipt::ReceiptFile file = good;
    change(file);
    OrDie(Result<bool>(sdk::write_file(stage.path("changed.json"), as_bytes(file.json()), sdk::FileKind::open).ok()));
    const Ran ran = verify_offline("changed.json");
    EXPECT_EQ(ran.code, static_cast<int>(code)) << ran.err;
    EXPECT_NE((ran.err + ran.out).find(why), std::string::npos) << ran.err << ran.out;
  };
  const auto statement = OrDie(jobs::CarryOver::parse(good.carried->statement));
  const auto changed = [&](auto change) {
    return [=](receipt::ReceiptFile& file) {
      jobs::CarryOver other = statement;
      change(other);
      file.carried->statement = other.canonical();
    };
  };
  ASSERT_EQ(verify_offline("receipt.json").code, 0);
  refuse([](receipt::ReceiptFile& f) { f.carried.reset(); }, Code::binding, "which was not carried over");
  refuse([](receipt::ReceiptFile& f) { f.carried->signatures.pop_back(); }, Code::binding, "has not signed it");
  refuse([](receipt::ReceiptFile& f) { f.carried->signatures[1] = f.carried->signatures[0]; }, Code::binding, "has not signed it");
  refuse([](receipt::ReceiptFile& f) { f.carried->signatures[1] = f.acceptances[1]; }, Code::chain, "carry-over by");
  refuse([](receipt::ReceiptFile& f) { f.carried->signatures[1] = "{}"; }, Code::malformed, "carry-over");
  refuse([](receipt::ReceiptFile& f) { f.carried->statement = "{}"; }, Code::malformed, "carry-over");
  refuse([](receipt::ReceiptFile& f) { f.carried->heads.pop_back(); }, Code::log_proof, "no proof that the log extends");
  refuse([](receipt::ReceiptFile& f) { f.carried->heads[0].earlier.root = receipt::TreeHash(); }, Code::log_proof, "carry-over: log of");
  refuse([](receipt::ReceiptFile& f) { f.carried->heads[0].instance = InstanceId(); }, Code::binding, "is not in it");
  refuse(changed([](jobs::CarryOver& s) { s.contract = ContractDigest(); }), Code::binding, "expected contract");
  refuse(changed([](jobs::CarryOver& s) { s.instance = InstanceId(); }), Code::binding, "expected instance");
  refuse(changed([](jobs::CarryOver& s) { s.heads[0].instance = InstanceId(); }), Code::binding, "does not name the head");
  refuse(changed([](jobs::CarryOver& s) { --s.heads[0].head.size; }), Code::binding, "does not name the head");
  refuse(changed([](jobs::CarryOver& s) { s.heads[0].head.root = receipt::TreeHash(); }), Code::binding, "does not name the head");
  refuse(changed([](jobs::CarryOver& s) { s.heads.insert(s.heads.begin(), {InstanceId(), {1, receipt::TreeHash()}}); }), Code::chain, "carry-over by");
}

TEST_F(RestartTest, AnInstanceThatForgetsWhatWasAskedBeforeIsNotJoined) {
  stage.open_environment();
  stage.put_tables();
  const InstanceId left = stage.room->claims().instance;
  stage.start_instance();  // a new program, which was told of no old log
  for (const char* who : {"hospital", "laboratory", "analyst"}) {
    const Ran ran = stage.verify(who);
    EXPECT_EQ(ran.code, static_cast<int>(Code::log_proof)) << ran.err;
    EXPECT_NE(ran.err.find("goes on from nothing: the log of instance " + left.hex()), std::string::npos) << ran.err;
  }
  EXPECT_TRUE(stage.room->status().joined.empty());
}

TEST_F(RestartTest, TheOperatorDoesNotGoBackToAnInstanceThatWasLeft) {
  stage.open_environment();
  const auto state = OrDie(sdk::EnvironmentState::open(stage.folder.path() / "hospital", "study"));
  const auto left = OrDie(state.known_log());
  stage.restart();
  ASSERT_EQ(stage.verify("hospital").code, 0);
  attest::Claims claims;
  claims.instance = left->instance;
  claims.receipt_key = left->receipt_key;
  const auto note = OrDie(receipt::Checkpoint::verify(left->note, receipt::log_origin(left->instance), left->receipt_key));
  const sdk::Consistency none = [](std::uint64_t, std::uint64_t) { return Result<receipt::Proof>(receipt::Proof()); };
  EXPECT_ERROR(sdk::adopt_instance(state, claims, note, none), Code::binding, "was left for");
}

}  // namespace
}  // namespace redoubt::cli
