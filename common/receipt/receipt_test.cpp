// Goal: a receipt is accepted only whole: signed by the attested key, for this instance and contract, at its place in a log
// that extends what the verifier has seen. Method: one real file; then every field, document, head and salt changed alone,
// by a stranger and by a dishonest holder of the key; then every byte flipped, cut and junk.
#include <gtest/gtest.h>

#include <functional>

#include "common/base/json.h"
#include "common/base/writer.h"
#include "common/receipt/receipt_file.h"
#include "tests/support/expect.h"
#include "tests/support/stride.h"

namespace redoubt::receipt {
namespace {

template <class F>
F filled(int fill) {
  F out;
  out.array().fill(static_cast<std::byte>(fill));
  return out;
}

crypto::Ed25519PrivateKey key_of(int fill) {
  return OrDie(crypto::Ed25519PrivateKey::from_seed(SecretBytes::copy_of(Bytes(32, static_cast<std::byte>(fill)))));
}

Salt job_salt() { return OrDie(Salt::from(Bytes(32, std::byte{9}))); }

// What an enclave instance holds, and the file that its host later hands over.
struct Scene {
  crypto::Ed25519PrivateKey key = key_of(1);
  crypto::Ed25519PrivateKey old_key = key_of(2);
  Log log{filled<InstanceId>(3)};
  ReceiptBody body;
  ReceiptFile file;
  SignerIdentity signer;
  VerifierKnowledge knowledge;

  Scene() {
    for (const std::string_view kind : {kBootEntry, kAcceptanceEntry, kDatasetEntry, kReservationEntry}) {
      log.append({std::string(kind), crypto::sha256(as_bytes(kind))});
    }
    const TreeHead voted = log.head();  // the head that the ballots name
    file.ballots = {"ballot of the hospital", "ballot of the laboratory"};
    for (const std::string& ballot : file.ballots) log.append({std::string(kBallotEntry), crypto::sha256(as_bytes(ballot))});

    file.contract = R"({"contract":"of two"})";
    file.evidence = {"tpm", to_bytes("a quote"), filled<Challenge>(4), R"({"claims":"of this instance"})"};
    signer.receipt_key = key.public_key();
    signer.claims = ClaimsDigest(crypto::sha256(Fields("redoubt/claims/1").text(file.evidence.claims).view()).array());
    signer.instance = log.instance();
    signer.boot = filled<BootId>(5);
    signer.contract = ContractDigest(crypto::sha256(Fields("redoubt/contract/1").text(file.contract).view()).array());
    signer.workload = "cleanroom";
    signer.measurement = filled<Measurement>(6);

    Log old_log(filled<InstanceId>(7));
    old_log.append({std::string(kBootEntry), crypto::sha256({})});
    const Checkpoint old = old_log.checkpoint(old_key);
    file.previous = old.note();

    body.workload = signer.workload;
    body.contract = signer.contract;
    body.instance = signer.instance;
    body.boot = signer.boot;
    body.sequence = log.size();
    body.measurement = *signer.measurement;
    body.claims = signer.claims;
    body.time = {Instant(1'700'000'000), Instant(1'700'000'100)};
    for (const std::string_view label : {kRequest, kInputs, kParameters, kResult}) {
      body.commitments.emplace(label, commit(label, job_salt(), as_bytes("value of " + std::string(label))));
    }
    body.facts = {{"level", "aggregate_only"}};
    for (const std::string& ballot : file.ballots) body.approvals.push_back(approval_digest(ballot));
    std::ranges::sort(body.approvals);
    body.recipients = {recipient_digest(as_bytes("key of the analyst"))};
    body.rules = "aggregate/1";
    body.previous = old.head();
    file.receipt = OrDie(issue_receipt(body, file.evidence.digest(), log, key));
    file.enrolments = {to_bytes("an enrolment")};
    file.acceptances = {"acceptance"};
    file.manifests = {"manifest"};
    file.extends = {{voted.size, voted.root, OrDie(log.tree().consistency(voted.size, log.size()))}};
    knowledge.contract = signer.contract;
    knowledge.known_head = voted;
    knowledge.previous_key = old_key.public_key();
    for (const std::string_view label : {kRequest, kInputs, kParameters, kResult}) {
      knowledge.openings.push_back({std::string(label), job_salt(), to_bytes("value of " + std::string(label))});
    }
  }

  ReceiptReport report() const { return OrDie(verify_receipt(file, signer, knowledge)); }
  // sign_again: what only the holder of the receipt key can do to a body that is already in the log.
  void sign_again(const ReceiptBody& changed) {
    file.receipt.body = changed.canonical();
    file.receipt.signature = key.sign(Fields(kReceiptType).text(file.receipt.body).view());
  }
};

testing::AssertionResult Fails(const ReceiptReport& report, std::string_view id, Code code, std::string_view part) {
  const ReceiptCheck* check = report.find(id);
  if (check == nullptr) return testing::AssertionFailure() << "no check " << id;
  if (check->outcome != Outcome::failed || check->code != code || check->detail.find(part) == std::string::npos) {
    return testing::AssertionFailure() << id << ": " << name_of(check->outcome) << " " << code_name(check->code) << ": " << check->detail;
  }
  if (report.accepted().ok()) return testing::AssertionFailure() << "accepted";
  return testing::AssertionSuccess();
}

TEST(Receipt, IsAcceptedWholeAndEveryCheckPasses) {
  const Scene scene;
  const ReceiptReport report = scene.report();
  EXPECT_OK(report.accepted());
  EXPECT_EQ(report.checks.size(), 16U);
  for (const ReceiptCheck& check : report.checks) {
    EXPECT_EQ(check.outcome, Outcome::passed) << check.id << ": " << check.detail;
    EXPECT_EQ(check.detail, "");
  }
  EXPECT_EQ(report.body, scene.body);
  const ReceiptFile again = OrDie(ReceiptFile::parse(scene.file.json()));
  EXPECT_EQ(again.json(), scene.file.json());
  EXPECT_OK(OrDie(verify_receipt(again, scene.signer, scene.knowledge)).accepted());
  EXPECT_EQ(OrDie(Receipt::parse(scene.file.receipt.json())).json(), scene.file.receipt.json());
}

TEST(Receipt, NamesWhatWasNotShownAndAcceptsTheRest) {
  Scene scene;
  scene.knowledge = {};
  scene.signer.measurement.reset();
  scene.file.ballots.clear();
  scene.file.extends.clear();
  scene.file.contract.clear();
  const ReceiptReport report = scene.report();
  EXPECT_OK(report.accepted());
  for (const char* id : {"receipt.measurement", "receipt.contract", "receipt.approvals", "log.extends", "log.known_head",
                         "log.previous", "opening.request", "opening.result"}) {
    EXPECT_EQ(report.find(id)->outcome, Outcome::not_shown) << id;
    EXPECT_NE(report.find(id)->detail, "") << id;
  }
}

// Each change of the body, alone; by a stranger it breaks the signature, by the key holder the log.
TEST(Receipt, RefusesEveryChangedFieldOfTheBody) {
  using Change = std::function<void(ReceiptBody&)>;
  const std::pair<const char*, Change> changes[] = {
      {"workload", [](ReceiptBody& b) { b.workload = "scoring"; }},
      {"contract", [](ReceiptBody& b) { b.contract = {}; }},
      {"instance", [](ReceiptBody& b) { b.instance = {}; }},
      {"boot", [](ReceiptBody& b) { b.boot = {}; }},
      {"sequence", [](ReceiptBody& b) { b.sequence -= 1; }},
      {"measurement", [](ReceiptBody& b) { b.measurement = {}; }},
      {"claims", [](ReceiptBody& b) { b.claims = {}; }},
      {"time floor", [](ReceiptBody& b) { b.time.begin = b.time.begin.plus_seconds(1); }},
      {"time host", [](ReceiptBody& b) { b.time.end = b.time.end.plus_seconds(1); }},
      {"request", [](ReceiptBody& b) { b.commitments["request"] = {}; }},
      {"inputs", [](ReceiptBody& b) { b.commitments["inputs"] = {}; }},
      {"parameters", [](ReceiptBody& b) { b.commitments["parameters"] = {}; }},
      {"result", [](ReceiptBody& b) { b.commitments["result"] = {}; }},
      {"further commitment", [](ReceiptBody& b) { b.commitments["more"] = {}; }},
      {"fact", [](ReceiptBody& b) { b.facts["level"] = "none"; }},
      {"further fact", [](ReceiptBody& b) { b.facts["more"] = ""; }},
      {"approval dropped", [](ReceiptBody& b) { b.approvals.pop_back(); }},
      {"approval added", [](ReceiptBody& b) { b.approvals.insert(b.approvals.begin(), ApprovalDigest()); }},
      {"recipient dropped", [](ReceiptBody& b) { b.recipients.clear(); }},
      {"recipient added", [](ReceiptBody& b) { b.recipients.insert(b.recipients.begin(), RecipientDigest()); }},
      {"rules", [](ReceiptBody& b) { b.rules = "aggregate/0"; }},
      {"previous dropped", [](ReceiptBody& b) { b.previous.reset(); }},
      {"previous size", [](ReceiptBody& b) { b.previous->size += 1; }},
      {"previous root", [](ReceiptBody& b) { b.previous->root = {}; }},
      {"previous origin", [](ReceiptBody& b) { b.previous->origin = "redoubt/other"; }},
  };
  for (const auto& [name, change] : changes) {
    Scene scene;
    ReceiptBody changed = scene.body;
    change(changed);
    ASSERT_NE(changed.canonical(), scene.body.canonical()) << name;
    scene.file.receipt.body = changed.canonical();
    EXPECT_TRUE(Fails(scene.report(), "receipt.signature", Code::chain, "not by key")) << name;
    scene.sign_again(changed);
    const ReceiptReport report = scene.report();
    EXPECT_EQ(report.find("receipt.signature")->outcome, Outcome::passed) << name;
    if (std::string_view(name) == "instance") {
      EXPECT_TRUE(Fails(report, "log.checkpoint", Code::chain, "no signature by key")) << name;
      EXPECT_EQ(report.find("log.inclusion")->outcome, Outcome::not_shown);
    } else {
      EXPECT_TRUE(Fails(report, "log.inclusion", Code::log_proof, "inclusion proof")) << name;
    }
  }
}

TEST(Receipt, RefusesAnotherSignerThanTheAppraisedOne) {
  using Change = std::function<void(SignerIdentity&)>;
  const std::tuple<Change, const char*, Code, const char*> changes[] = {
      {[](SignerIdentity& s) { s.receipt_key = key_of(2).public_key(); }, "receipt.signature", Code::chain, "not by key"},
      {[](SignerIdentity& s) { s.receipt_key = key_of(2).public_key(); }, "log.checkpoint", Code::chain, "no signature"},
      {[](SignerIdentity& s) { s.claims = {}; }, "receipt.claims", Code::binding, "claims that were appraised"},
      {[](SignerIdentity& s) { s.instance = {}; }, "receipt.identity", Code::binding, "instance"},
      {[](SignerIdentity& s) { s.boot = {}; }, "receipt.identity", Code::binding, "boot"},
      {[](SignerIdentity& s) { s.contract = {}; }, "receipt.identity", Code::binding, "contract"},
      {[](SignerIdentity& s) { s.workload = "scoring"; }, "receipt.identity", Code::binding, "workload"},
      {[](SignerIdentity& s) { s.measurement = Measurement(); }, "receipt.measurement", Code::binding, "measurement"},
  };
  for (const auto& [change, id, code, part] : changes) {
    Scene scene;
    change(scene.signer);
    EXPECT_TRUE(Fails(scene.report(), id, code, part));
  }
}

TEST(Receipt, RefusesOtherDocumentsThanItSpeaksOf) {
  using Change = std::function<void(Scene&)>;
  const std::tuple<Change, const char*, Code, const char*> changes[] = {
      {[](Scene& s) { s.file.evidence.format = "tdx"; }, "receipt.evidence", Code::binding, "evidence digest"},
      {[](Scene& s) { s.file.evidence.bytes.push_back(std::byte{0}); }, "receipt.evidence", Code::binding, "evidence digest"},
      {[](Scene& s) { s.file.evidence.challenge = {}; }, "receipt.evidence", Code::binding, "evidence digest"},
      {[](Scene& s) { s.file.evidence.claims += " "; }, "receipt.claims", Code::binding, "claims in the file"},
      {[](Scene& s) { s.file.contract += " "; }, "receipt.contract", Code::binding, "contract in the file"},
      {[](Scene& s) { s.knowledge.contract = ContractDigest(); }, "receipt.contract", Code::binding, "contract"},
      {[](Scene& s) { s.file.ballots.pop_back(); }, "receipt.approvals", Code::binding, "no such ballot"},
      {[](Scene& s) { s.file.ballots[0] += "."; }, "receipt.approvals", Code::binding, "no such ballot"},
      {[](Scene& s) { s.file.ballots.push_back("a forged one"); }, "receipt.approvals", Code::binding, "expected 2, found 3"},
      {[](Scene& s) { s.file.ballots.push_back(s.file.ballots[0]); }, "receipt.approvals", Code::binding, "expected 2, found 3"},
  };
  for (const auto& [change, id, code, part] : changes) {
    Scene scene;
    change(scene);
    EXPECT_TRUE(Fails(scene.report(), id, code, part)) << id << " " << part;
  }
}

TEST(Receipt, RefusesALogThatForgetsOrForks) {
  {  // an earlier head that this log never had
    Scene scene;
    scene.file.extends[0].root = {};
    EXPECT_TRUE(Fails(scene.report(), "log.extends", Code::log_proof, "root"));
  }
  {  // a head that came after the receipt cannot have been seen by its voters
    Scene scene;
    scene.file.extends[0] = {scene.log.size(), scene.log.head().root, {}};
    EXPECT_TRUE(Fails(scene.report(), "log.extends", Code::log_proof, "at most size 6"));
  }
  {  // the verifier kept another root for the very size of the checkpoint: a fork
    Scene scene;
    scene.knowledge.known_head = TreeHead{scene.log.head().origin, scene.log.size(), TreeHash()};
    EXPECT_TRUE(Fails(scene.report(), "log.known_head", Code::log_proof, "with roots"));
  }
  {  // the verifier knows a longer log that does not contain this one
    Scene scene;
    Log other(scene.log.instance());
    for (int i = 0; i < 9; ++i) other.append({"boot", crypto::sha256(as_bytes(std::to_string(i)))});
    scene.knowledge.known_head = other.head();
    scene.knowledge.known_proof = OrDie(other.tree().consistency(scene.log.size(), other.size()));
    EXPECT_TRUE(Fails(scene.report(), "log.known_head", Code::log_proof, "old root"));
    scene.knowledge.known_proof.reset();
    EXPECT_EQ(scene.report().find("log.known_head")->outcome, Outcome::not_shown);
  }
  {  // a longer log that does contain it is fine
    Scene scene;
    const std::uint64_t size = scene.log.size();
    scene.log.append({"refusal", crypto::sha256({})});
    scene.knowledge.known_head = scene.log.head();
    scene.knowledge.known_proof = OrDie(scene.log.tree().consistency(size, scene.log.size()));
    EXPECT_OK(scene.report().accepted());
    EXPECT_EQ(scene.report().find("log.known_head")->outcome, Outcome::passed);
  }
  {  // the head of another log
    Scene scene;
    scene.knowledge.known_head->origin = "redoubt/other";
    EXPECT_TRUE(Fails(scene.report(), "log.known_head", Code::log_proof, "two logs"));
  }
  {  // an older checkpoint of the same log, without this receipt
    Scene scene;
    Log shorter(scene.log.instance());
    shorter.append({"boot", crypto::sha256(as_bytes("boot"))});
    scene.file.receipt.checkpoint = shorter.checkpoint(scene.key).note();
    EXPECT_TRUE(Fails(scene.report(), "log.inclusion", Code::log_proof, "outside the tree"));
  }
}

TEST(Receipt, StaysProvableInEveryLaterCheckpoint) {
  Scene scene;
  for (int i = 0; i < 70; ++i) {
    scene.log.append({"refusal", crypto::sha256(as_bytes(std::to_string(i)))});
    scene.file.receipt.checkpoint = scene.log.checkpoint(scene.key).note();
    scene.file.receipt.inclusion = OrDie(scene.log.tree().inclusion(scene.body.sequence, scene.log.size()));
    scene.file.extends[0].proof = OrDie(scene.log.tree().consistency(scene.file.extends[0].size, scene.log.size()));
    EXPECT_OK(scene.report().accepted());
  }
}

TEST(Receipt, LinksToTheLastCheckpointUnderTheOldKey) {
  Scene scene;
  scene.knowledge.previous_key = scene.key.public_key();
  EXPECT_TRUE(Fails(scene.report(), "log.previous", Code::chain, "no signature by key"));
  scene = Scene();
  Log other(filled<InstanceId>(7));
  scene.file.previous = other.checkpoint(scene.old_key).note();
  EXPECT_TRUE(Fails(scene.report(), "log.previous", Code::binding, "size: expected 1, found 0"));
  other.append({std::string(kReceiptEntry), crypto::sha256({})});
  scene.file.previous = other.checkpoint(scene.old_key).note();
  EXPECT_TRUE(Fails(scene.report(), "log.previous", Code::binding, "root"));
}

TEST(Receipt, OpensOnlyWithTheRightSaltValueAndLabel) {
  Scene scene;
  scene.knowledge.openings[0].value.push_back(std::byte{0});
  EXPECT_TRUE(Fails(scene.report(), "opening.request", Code::binding, "opening of \"request\""));
  scene.knowledge.openings[0] = {"request", job_salt().leaf("request", 0), to_bytes("value of request")};
  EXPECT_TRUE(Fails(scene.report(), "opening.request", Code::binding, "opening of \"request\""));
  scene.knowledge.openings[0] = {"request", job_salt(), to_bytes("value of result")};
  EXPECT_TRUE(Fails(scene.report(), "opening.request", Code::binding, "opening of \"request\""));
  scene.knowledge.openings[0] = {"prompt", job_salt(), to_bytes("value of request")};
  EXPECT_TRUE(Fails(scene.report(), "opening.prompt", Code::binding, "no such commitment"));
}

TEST(Receipt, IsIssuedOnlyAtItsPlaceInItsOwnLog) {
  Scene scene;
  const std::uint64_t size = scene.log.size();
  EXPECT_ERROR(issue_receipt(scene.body, {}, scene.log, scene.key), Code::usage, "expected sequence 7, found 6");
  ReceiptBody body = scene.body;
  body.sequence = size;
  body.instance = {};
  EXPECT_ERROR(issue_receipt(body, {}, scene.log, scene.key), Code::usage, "another instance");
  body = scene.body;
  body.sequence = size;
  body.commitments.erase("result");
  EXPECT_ERROR(issue_receipt(body, {}, scene.log, scene.key), Code::usage, "\"result\" is absent");
  EXPECT_EQ(scene.log.size(), size);
  body = scene.body;
  body.sequence = size;
  EXPECT_OK(issue_receipt(body, {}, scene.log, scene.key));
}

TEST(ReceiptBody, RefusesEverythingThatItWouldNotWrite) {
  const Scene scene;
  const json::Value good = OrDie(json::parse(scene.body.canonical()));
  EXPECT_EQ(OrDie(ReceiptBody::parse(scene.body.canonical())).digest(), scene.body.digest());
  for (const auto& [name, member] : *good.object()) {
    if (name == "previous") continue;
    json::Object without = *good.object();
    without.erase(name);
    EXPECT_ERROR(ReceiptBody::parse(json::canonical(without)), Code::malformed, "member \"" + name + "\" is absent");
    json::Object other = *good.object();
    other[name] = json::Value(7);
    EXPECT_ERROR(ReceiptBody::parse(json::canonical(other)), Code::malformed, "member \"" + name + "\": expected");
  }
  using Change = std::function<void(json::Object&)>;
  const std::pair<Change, const char*> changes[] = {
      {[](json::Object& o) { o["more"] = "x"; }, "unknown member \"more\""},
      {[](json::Object& o) { o["type"] = "redoubt/receipt/2"; }, "expected \"redoubt/receipt/1\""},
      {[](json::Object& o) { o["sequence"] = "07"; }, "decimal"},
      {[](json::Object& o) { o["workload"] = "Clean Room"; }, "workload"},
      {[](json::Object& o) { o["contract"] = "00"; }, "contract"},
      {[](json::Object& o) { o["approvals"] = json::Array{std::string(64, 'b'), std::string(64, 'a')}; }, "sorted"},
      {[](json::Object& o) { o["recipients"] = json::Array{std::string(64, 'a'), std::string(64, 'a')}; }, "each once"},
      {[](json::Object& o) { o["recipients"] = json::Array{1}; }, "expected strings"},
      {[](json::Object& o) { o["approvals"] = json::Array(65, std::string(64, 'a')); }, "at most 64 items"},
      {[](json::Object& o) { o["time"] = json::Object{{"floor", "2026-01-02T00:00:00Z"}, {"host", "2026-01-01T00:00:00Z"}}; }, "below the floor"},
      {[](json::Object& o) { o["time"] = json::Object{{"floor", "x"}, {"host", "2026-01-01T00:00:00Z"}}; }, "floor"},
      {[](json::Object& o) { o["commitments"] = json::Object{}; }, "\"request\" is absent"},
      {[](json::Object& o) { o["facts"] = json::Object{{"A", "x"}}; }, "facts: a name"},
      {[](json::Object& o) { o["facts"] = json::Object{{"a", std::string(257, 'x')}}; }, "256 bytes"},
      {[](json::Object& o) { o["facts"] = json::Object{{"a", true}}; }, "expected a string"},
      {[](json::Object& o) { o["previous"] = json::Object{{"origin", "a b"}, {"size", "0"}, {"root", std::string(64, '0')}}; }, "origin"},
  };
  for (const auto& [change, message] : changes) {
    json::Object bad = *good.object();
    change(bad);
    EXPECT_ERROR(ReceiptBody::parse(json::canonical(bad)), Code::malformed, message);
  }
  EXPECT_ERROR(ReceiptBody::parse(scene.body.canonical() + " "), Code::malformed, "receipt body");
  EXPECT_ERROR(ReceiptBody::parse(json::pretty(good)), Code::malformed, "receipt body");
  EXPECT_ERROR(ReceiptBody::parse(""), Code::malformed, "receipt body");
}

TEST(Receipt, NoFlippedByteIsAccepted) {
  const Scene scene;
  const std::string good = scene.file.receipt.json();
  for (std::size_t i = 0; i < good.size(); i += test::stride(1)) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << i % 7));
    auto receipt = Receipt::parse(bad);
    if (!receipt.ok()) continue;
    ReceiptFile file = scene.file;
    file.receipt = *receipt;
    const auto report = verify_receipt(file, scene.signer, scene.knowledge);
    EXPECT_FALSE(report.ok() && report->accepted().ok()) << "byte " << i;
  }
}

TEST(ReceiptFile, CutOrChangedItIsRefusedOrNotAccepted) {
  const Scene scene;
  const std::string good = scene.file.json();
  for (std::size_t size = 0; size + 2 < good.size(); size += 7) EXPECT_FALSE(ReceiptFile::parse(good.substr(0, size)).ok());
  for (std::size_t i = 0; i < good.size(); i += test::stride(1)) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    const auto file = ReceiptFile::parse(bad);
    if (!file.ok()) continue;
    const auto report = verify_receipt(*file, scene.signer, scene.knowledge);
    // Manifests, acceptances and enrolments are judged by the caller; all else must be refused here.
    if (file->manifests != scene.file.manifests || file->acceptances != scene.file.acceptances ||
        file->enrolments != scene.file.enrolments) {
      continue;
    }
    EXPECT_FALSE(report.ok() && report->accepted().ok()) << "byte " << i;
  }
  EXPECT_ERROR(ReceiptFile::parse("{}"), Code::malformed, "absent");
  EXPECT_ERROR(ReceiptFile::parse("null"), Code::malformed, "expected an object");
}

}  // namespace
}  // namespace redoubt::receipt
