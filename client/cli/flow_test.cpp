// Goal: participants come from keys to a verified result, and every lie on the way is refused with its own exit code.
// Method: the Stage's real room and doors behind real TLS; a test changes one answer and runs one command.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mutex>
#include <set>

#include "client/cli/client_test_stage.h"

namespace redoubt::cli {
namespace {

class FlowTest : public testing::Test {
 protected:
  // lie changes one member of the answers whose path holds `part`.
  void lie(const std::string& who, const std::string& part, const std::string& member, std::function<json::Value(const json::Value&)> change) {
    stage.tamper = [=](const std::string& speaker, const net::HttpRequest& request, json::Value& answer) {
      if (speaker != who || request.path.find(part) == std::string::npos) return;
      json::Object object = *answer.object();
      if (!object.contains(member)) return;
      object.insert_or_assign(member, change(object.at(member)));
      answer = std::move(object);
    };
  }
  void honest() {
    stage.tamper = [](const std::string&, const net::HttpRequest&, json::Value&) {};
  }
  void expect(const Ran& ran, Code code, const std::string& part) {
    EXPECT_EQ(ran.code, static_cast<int>(code)) << ran.err;
    EXPECT_NE(ran.err.find(part), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("error: "), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("\nnext: "), std::string::npos) << ran.err;
  }
  std::string approved_query() {
    const std::string query = stage.submitted();
    for (const char* who : {"hospital", "laboratory"}) {
      const Ran ran = stage.run(who, {"query", "approve", query, "--yes"});
      EXPECT_EQ(ran.code, 0) << ran.err;
    }
    return query;
  }
  Stage stage;
};

TEST_F(FlowTest, AQueryGoesFromKeysToAReceiptThatIsVerifiedOffline) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = approved_query();
  const Ran got = stage.run("analyst", {"result", "get", query, "--receipt", stage.path("receipt.json")});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_NE(got.out.find("hospital"), std::string::npos) << got.out;
  EXPECT_NE(got.err.find("a lying operator could forge this"), std::string::npos);
  EXPECT_NE(got.out.find("in the log that you keep"), std::string::npos) << got.out << got.err;
  const Ran own = stage.run("analyst", {"receipt", "verify", stage.path("receipt.json"), "-o", "json"});
  ASSERT_EQ(own.code, 0) << own.err << own.out;
  EXPECT_NE(own.out.find("log.known_head"), std::string::npos) << own.out;
  const Ran offline = stage.run("stranger", {"receipt", "verify", stage.path("receipt.json"), "--contract", stage.path("contract.json"),
                                             "--tpm-root", test::golden("tpm-swtpm-qemu/ca/root.pem").string()});
  EXPECT_EQ(offline.code, 0) << offline.err << offline.out;
  for (const char* check : {"receipt.signature", "log.inclusion", "contract.ballots", "contract.acceptances", "contract.manifests"}) {
    EXPECT_NE(offline.out.find(check), std::string::npos) << check;
  }
  EXPECT_EQ(stage.run("hospital", {"log", "verify"}).code, 0);
  EXPECT_EQ(stage.run("hospital", {"log", "show", "-o", "json"}).code, 0);
  EXPECT_EQ(stage.run("hospital", {"query", "list"}).code, 0);
  EXPECT_EQ(stage.run("hospital", {"query", "show", query}).code, 0);
  EXPECT_EQ(stage.run("hospital", {"evidence", "show", "--save", stage.path("evidence.json")}).code, 0);
  EXPECT_EQ(stage.run("hospital", {"evidence", "verify", stage.path("evidence.json")}).code, 0);
  EXPECT_EQ(stage.run("hospital", {"policy", "show"}).code, 0);
  EXPECT_EQ(stage.run("hospital", {"environment", "show"}).code, 0);
  EXPECT_EQ(stage.run("hospital", {"environment", "list"}).code, 0);
}

TEST_F(FlowTest, AResultComesWholeThroughAHubWhoseConnectionsBreak) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = approved_query();
  const Ran whole = stage.run("analyst", {"result", "get", query, "-o", "csv"});
  ASSERT_EQ(whole.code, 0) << whole.err;
  stage.breaks_off = true;
  const Ran pieces = stage.run("analyst", {"result", "get", query, "-o", "csv"});
  EXPECT_EQ(pieces.code, 0) << pieces.err;
  EXPECT_EQ(pieces.out, whole.out);

  const Ran link = stage.run("analyst", {"result", "link", query, "-o", "json"});
  ASSERT_EQ(link.code, 0) << link.err;
  const json::Object shown = *OrDie(json::parse(link.out)).object();
  EXPECT_TRUE(shown.at("url").string()->starts_with("https://127.0.0.1:")) << link.out;
  EXPECT_TRUE(shown.at("url").string()->ends_with("/api/tee/downloads/" + query + "/analyst?signature=x")) << link.out;
  EXPECT_EQ(*shown.at("recipient").string(), "analyst");
  EXPECT_EQ(shown.at("pin").string()->size(), 64U);
  const Ran text = stage.run("analyst", {"result", "link", query});
  EXPECT_NE(text.err.find("whoever has this address can fetch the sealed package"), std::string::npos) << text.err;
  expect(stage.run("analyst", {"result", "link", "x"}), Code::malformed, "query");
  // What comes in pieces is checked like the rest.
  lie("hub", "/link", "size", [](const json::Value& size) { return json::Value(*size.integer() - 1); });
  const Ran shorter = stage.run("analyst", {"result", "get", query});
  EXPECT_NE(shorter.code, 0);
  lie("hub", "/link", "url", [](const json::Value&) { return json::Value("https://elsewhere/api/tee/downloads/a/b"); });
  expect(stage.run("analyst", {"result", "get", query}), Code::malformed, "at this hub");
}

TEST_F(FlowTest, AQueryWithNoiseNamesItsCostAndCountsAgainstTheOwnersBudgets) {
  stage.open_environment();
  stage.put_tables({"--budget-epsilon", "1", "--budget-delta", "0.00001"});
  const auto submit = [&](const std::string& sql, std::vector<std::string> more) {
    std::vector<std::string> words{"query", "submit", "--sql", sql, "--level", "differential_privacy", "-o", "json"};
    words.insert(words.end(), more.begin(), more.end());
    return stage.run("analyst", words);
  };
  const std::string sql(cleanroom::kSql);
  const Ran asked = submit(sql, {"--epsilon", "0.5", "--rows-per-unit", "1"});
  ASSERT_EQ(asked.code, 0) << asked.err;
  const std::string query = *OrDie(json::parse(asked.out)).object()->at("query").string();
  const Ran shown = stage.run("hospital", {"query", "show", query});
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_NE(shown.out.find("epsilon 0.5, delta 0.000001, 8 groups and 1 rows a unit"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("hospital's budget of "), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("by all queries so far"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("left: rho 0.0"), std::string::npos) << shown.out;
  const Ran listed = stage.run("hospital", {"query", "show", query, "-o", "json"});
  EXPECT_EQ(OrDie(json::parse(listed.out)).object()->at("budgets").array()->size(), 2U) << listed.out;
  for (const char* who : {"hospital", "laboratory"}) {
    const Ran ran = stage.run(who, {"query", "approve", query, "--yes"});
    EXPECT_EQ(ran.code, 0) << ran.err;
  }
  const Ran got = stage.run("analyst", {"result", "get", query, "--receipt", stage.path("receipt.json")});
  EXPECT_EQ(got.code, 0) << got.err;
  const Ran over = submit(sql + " ", {"--epsilon", "1", "--delta", "0.00001"});
  EXPECT_NE(over.code, 0);
  EXPECT_NE(over.err.find("the query was not answered"), std::string::npos) << over.err;
  // What is no number, or noise at a level without, goes nowhere.
  expect(submit(sql, {"--epsilon", "0.50"}), Code::malformed, "epsilon");
  const Ran exact = stage.run("analyst", {"query", "submit", "--sql", sql, "--epsilon", "1"});
  expect(exact, Code::usage, "for level differential_privacy");
}

// Uploads: what the hub is told, and the participant's program as a process that can be killed.
class UploadTest : public FlowTest {
 protected:
  void SetUp() override {
    stage.open_environment();
    write("schema.json", R"([{"name":"patient_id","type":"BIGINT","role":"unit"},{"name":"diagnosis","type":"VARCHAR"}])");
    std::string csv = "patient_id,diagnosis\n";
    while (csv.size() < 9U << 20) csv += std::to_string(csv.size()) + ",benign\n";  // three pieces
    write("data.csv", csv);
    stage.tamper = [this](const std::string& who, const net::HttpRequest& request, json::Value&) {
      if (who != "hub" || request.path.find("/datasets") == std::string::npos) return;
      const std::lock_guard lock(mutex);
      if (request.method == "POST") manifests.insert(to_bytes(request.body));
      if (request.method != "PUT") return;
      offsets.push_back(request.query.at("offset"));
      if (const pid_t pid = kill_at_next_piece.exchange(0); pid != 0) ::kill(pid, SIGKILL);
    };
  }
  void write(const std::string& file, std::string_view text) {
    ASSERT_OK(sdk::write_file(stage.path(file), as_bytes(text), sdk::FileKind::open));
  }
  std::vector<std::string> put() const { return {"dataset", "put", "hospital", "--file", stage.path("data.csv"), "--schema", stage.path("schema.json")}; }
  // killed runs the real program and kills it when the hub has its first piece.
  void killed() {
    std::vector<std::string> words = stage.command("hospital", put());
    words.insert(words.begin(), std::string(REDOUBT_PROGRAM_DIR) + "/redoubt");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int gate[2];
    ASSERT_EQ(::pipe2(gate, O_CLOEXEC), 0);
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      char go = 0;
      if (::read(gate[0], &go, 1) == 1) ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    kill_at_next_piece = pid;
    EXPECT_EQ(::write(gate[1], "x", 1), 1);
    ::close(gate[0]);
    ::close(gate[1]);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  }
  std::atomic<pid_t> kill_at_next_piece{0};
  std::vector<std::string> sent() {
    const std::lock_guard lock(mutex);
    return offsets;
  }
  std::size_t announced() {
    const std::lock_guard lock(mutex);
    return manifests.size();
  }
  std::mutex mutex;
  std::vector<std::string> offsets;
  std::set<Bytes> manifests;
};

TEST_F(UploadTest, AKilledUploadGoesOnWhereItStopped) {
  killed();
  ASSERT_EQ(sent(), std::vector<std::string>{"0"});
  const Ran ran = stage.run("hospital", put());
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.err.find("going on with the upload of hospital version 1"), std::string::npos) << ran.err;
  EXPECT_EQ(sent(), (std::vector<std::string>{"0", "4194304", "8388608"}));
  EXPECT_EQ(announced(), 1U);
  EXPECT_EQ(stage.run("hospital", {"dataset", "release", "hospital"}).code, 0);
  // The envelope is kept no longer than it is needed; the same file put again is a new version.
  EXPECT_FALSE(std::filesystem::exists(stage.path("hospital/environments/study/datasets/hospital.v1.rdt")));
  const Ran again = stage.run("hospital", put());
  EXPECT_NE(again.out.find("dataset hospital version 2:"), std::string::npos) << again.out << again.err;
}

TEST_F(UploadTest, AnotherTableOrADamagedEnvelopeIsANewVersion) {
  killed();
  const std::string envelope = stage.path("hospital/environments/study/datasets/hospital.v1.rdt");
  Bytes bytes = test::read_file(envelope);
  bytes[bytes.size() / 2] ^= std::byte{1};
  ASSERT_OK(sdk::write_file(envelope, bytes, sdk::FileKind::secret));
  const Ran damaged = stage.run("hospital", put());
  EXPECT_NE(damaged.out.find("dataset hospital version 2:"), std::string::npos) << damaged.out << damaged.err;
  EXPECT_FALSE(std::filesystem::exists(envelope));
  write("data.csv", "patient_id,diagnosis\n1,benign\n");
  const Ran other = stage.run("hospital", put());
  EXPECT_NE(other.out.find("dataset hospital version 3:"), std::string::npos) << other.out << other.err;
  EXPECT_EQ(announced(), 3U);
}

TEST_F(FlowTest, AContractWithTheOperatorsKeyInAParticipantsNameIsRefused) {
  stage.make_keys();
  ASSERT_EQ(stage.create().code, 0);
  ASSERT_EQ(stage.run("operator", {"key", "new", "laboratory"}).code, 0);
  expect(stage.verify("operator"), Code::binding, "another key under the name \"laboratory\"");
}

TEST_F(FlowTest, ATpmThatDoesNotHoldTheAttestationKeyIsRefused) {
  stage.make_keys();
  ASSERT_EQ(stage.create().code, 0);
  stage.platform.holds_another_key = true;
  expect(stage.verify("hospital"), Code::binding, "does not hold the attestation key");
}

TEST_F(FlowTest, AnUnknownOrChangedContractAtTheHubIsNotFound) {
  stage.make_keys();
  ASSERT_EQ(stage.create().code, 0);
  lie("hub", "/environments", "items", [](const json::Value&) { return json::Value(json::Array()); });
  expect(stage.verify("hospital"), Code::not_found, "no environment with contract");
}

TEST_F(FlowTest, AnotherContractOrProgramInTheSessionIsRefused) {
  stage.open_environment();
  lie("door", "/instance", "contract", [](const json::Value&) { return json::Value(std::string(64, 'a')); });
  expect(stage.run("hospital", {"log", "verify"}), Code::binding, "expected contract");
  lie("door", "/instance", "program", [](const json::Value&) { return json::Value(std::string(64, 'b')); });
  expect(stage.run("hospital", {"log", "verify"}), Code::binding, "expected program");
}

TEST_F(FlowTest, ASandboxThatIsNotWholeIsNoted) {
  stage.open_environment();
  EXPECT_EQ(stage.verify("hospital").out.find("note: the sandbox"), std::string::npos);
  lie("door", "/instance", "engine_sandbox", [](const json::Value&) { return json::Value("seccomp, no landlock"); });
  const Ran noted = stage.verify("hospital");
  EXPECT_EQ(noted.code, 0) << noted.err;
  EXPECT_NE(noted.out.find("note: the sandbox of this instance's query engine is not whole: seccomp, no landlock"), std::string::npos) << noted.out;
}

TEST_F(FlowTest, AnInstanceThatWasStartedAnewIsNotTakenForTheOneThatWasJoined) {
  stage.open_environment();
  stage.start_instance();
  expect(stage.run("hospital", {"log", "verify"}), Code::binding, "the program was started anew");
}

TEST_F(FlowTest, ARolledBackLogIsNoticed) {
  stage.open_environment();
  const std::string old = stage.room->checkpoint();
  stage.put_tables();
  lie("door", "/instance", "checkpoint", [old](const json::Value&) { return json::Value(old); });
  expect(stage.run("hospital", {"log", "verify"}), Code::log_proof, "rolled back");
}

TEST_F(FlowTest, ACheckpointThatNobodySignedAndAProofThatDoesNotHoldAreRefused) {
  stage.open_environment();
  lie("door", "/instance", "checkpoint", [](const json::Value& note) {
    std::string text = *note.string();
    text[text.size() - 10] = text[text.size() - 10] == 'A' ? 'B' : 'A';
    return json::Value(text);
  });
  expect(stage.run("hospital", {"log", "verify"}), Code::chain, "checkpoint");
  lie("door", "/log/consistency", "proof", [](const json::Value&) { return json::Value(json::Array{std::string(64, 'c')}); });
  expect(stage.run("hospital", {"log", "verify"}), Code::log_proof, "log: from");
}

TEST_F(FlowTest, AForgedReservationIsRefusedBeforeAnythingIsSigned) {
  stage.open_environment();
  stage.put_tables();
  lie("hub", "/queries", "inclusion", [](const json::Value&) { return json::Value(json::Array()); });
  expect(stage.run("analyst", {"query", "submit", "--sql", std::string(cleanroom::kSql)}), Code::log_proof, "reservation of");
  honest();
  const std::string query = stage.submitted();
  lie("door", "/queries/", "index", [](const json::Value& index) { return json::Value(*index.integer() + 1); });
  expect(stage.run("hospital", {"query", "approve", query, "--yes"}), Code::log_proof, "reservation of");
}

TEST_F(FlowTest, WithoutConfirmationNothingIsSigned) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = stage.submitted();
  expect(stage.run("hospital", {"query", "approve", query}), Code::refused, "not confirmed");
  expect(stage.run("analyst", {"query", "approve", query, "--yes"}), Code::refused, "no vote");
  expect(stage.run("analyst", {"result", "get", query}), Code::unavailable, "still voting");
}

TEST_F(FlowTest, PackagesThatAreCutShortOrForAnotherAreRefused) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = approved_query();
  lie("hub", "/result/", "sealed", [](const json::Value& sealed) { return json::Value(sealed.string()->substr(0, 400)); });
  expect(stage.run("analyst", {"result", "get", query}), Code::binding, "opening the result package");
  lie("hub", "/result/", "sealed", [](const json::Value&) { return json::Value("AAAA"); });
  expect(stage.run("analyst", {"result", "get", query}), Code::malformed, "result package");
  lie("hub", "/result/", "sealed", [](const json::Value&) { return json::Value("not base64"); });
  expect(stage.run("analyst", {"result", "get", query}), Code::malformed, "sealed");
  honest();
  expect(stage.run("hospital", {"result", "get", query}), Code::not_found, "no package");
}

TEST_F(FlowTest, AQueryThatWasChangedAfterItsApprovalIsRefused) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = approved_query();
  lie("hub", "/queries/" + query, "proposal", [](const json::Value& document) {
    json::Object changed = *document.object();
    std::string text = *changed.at("text").string();
    text.replace(text.find("count"), 5, "COUNT");
    changed.insert_or_assign("text", text);
    return json::Value(changed);
  });
  expect(stage.run("analyst", {"result", "get", query}), Code::binding, "digest of another query text");
}

TEST_F(FlowTest, AReceiptWithAChangedBallotOrAnotherContractIsRefused) {
  stage.open_environment();
  stage.put_tables();
  const std::string query = approved_query();
  ASSERT_EQ(stage.run("analyst", {"result", "get", query, "--receipt", stage.path("receipt.json")}).code, 0);
  std::string text = OrDie(sdk::read_file(stage.path("receipt.json"), 1U << 23));
  const std::size_t at = text.find("approve");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 7, "appr0ve");
  OrDie(Result<bool>(sdk::write_file(stage.path("changed.json"), as_bytes(text), sdk::FileKind::open).ok()));
  const Ran changed = stage.run("hospital", {"receipt", "verify", stage.path("changed.json")});
  expect(changed, Code::binding, "receipt.approvals");
  expect(stage.run("hospital", {"receipt", "verify", stage.path("data.csv")}), Code::malformed, "");
}

TEST_F(FlowTest, AnswersThatAreNoJsonOrTooLargeAreRefused) {
  stage.open_environment();
  lie("hub", "/environments/env-1", "state", [](const json::Value&) { return json::Value(7); });
  expect(stage.run("hospital", {"environment", "show"}), Code::malformed, "environment");
  lie("hub", "/environments/env-1", "state", [](const json::Value&) { return json::Value(std::string(5U << 20, 'x')); });
  expect(stage.run("hospital", {"environment", "show"}), Code::malformed, "at most");
}

}  // namespace
}  // namespace redoubt::cli
