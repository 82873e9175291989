// Goal: the documents of a clean room have one form, and every single change to one is refused or changes its digest. Method:
// a contract, manifest, proposal and ballot written and read; every member removed, renamed and replaced; every byte of the
// text changed; and the rules that tie members to each other.
#include <gtest/gtest.h>

#include "common/jobs/cleanroom/ballot.h"
#include "common/jobs/cleanroom/result_package.h"
#include "tests/support/expect.h"

namespace redoubt::jobs {
namespace {

template <class F>
F bytes_of(char c) {
  F out;
  out.array().fill(static_cast<std::byte>(c));
  return out;
}

appraise::Policy policy() {
  appraise::Policy policy;
  policy.name = "demo";
  policy.workload = "cleanroom";
  policy.accept_host_asserted = true;
  policy.accept_software_tpm = true;
  policy.platforms.tpm.emplace().anchors = {{crypto::sha256(as_bytes("root")), "root", true}};
  policy.platforms.tpm->secure_boot_required = false;
  return policy;
}

Participant participant(const std::string& name, char key, bool votes) {
  return {name, bytes_of<crypto::Ed25519PublicKey>(key), bytes_of<crypto::HpkePublicKey>(static_cast<char>(key + 1)),
          bytes_of<crypto::Ed25519PublicKey>(static_cast<char>(key + 2)), votes};
}

Contract contract() {
  Contract contract;
  contract.environment = "study";
  contract.epoch = 1;
  contract.participants = {participant("analyst", 'a', false), participant("hospital", 'h', true), participant("laboratory", 'l', true)};
  contract.approval = Approval();
  contract.privacy_floor = PrivacyLevel::aggregate_only;
  contract.k = 10;
  contract.recovery_quorum = 2;
  contract.evidence = policy();
  return contract;
}

Manifest manifest() {
  return {"patients", 3, "hospital", bytes_of<ContractDigest>('c'),
          {{"patient_id", "BIGINT", ColumnRole::unit, "", ""}, {"cost", "DECIMAL(10,2)", ColumnRole::attribute, "0", "100000.00"}},
          569, 4096, bytes_of<receipt::TreeHash>('r')};
}

Terms terms(std::string_view sql) {
  return {bytes_of<ContractDigest>('c'), bytes_of<InstanceId>('i'), query_digest(sql), PrivacyLevel::aggregate_only, 10,
          {bytes_of<ManifestDigest>('m'), bytes_of<ManifestDigest>('n')}, {"analyst", "hospital"},
          bytes_of<appraise::ProgramDigest>('p'), "aggregate/1"};
}

Proposal proposal() {
  const std::string sql = "SELECT count(*) FROM patients";
  return {terms(sql), "analyst", sql, bytes_of<BallotNonce>('x'), Instant(1'800'000'000)};
}

Ballot ballot() {
  return {terms("SELECT 1"), bytes_of<ProposalDigest>('q'), "hospital", Decision::approve, Instant(1'800'000'000), 500,
          bytes_of<BallotNonce>('y'), {7, bytes_of<receipt::TreeHash>('z')}};
}

// every_change: removes each member in turn, at any depth, and changes each byte of the text: nothing may parse to the
// same document.
template <class Document>
void every_change(const Document& document) {
  const std::string text = document.canonical();
  ASSERT_OK(Document::parse(text));
  EXPECT_EQ(OrDie(Document::parse(text)).canonical(), text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto parsed = Document::parse(changed);
    if (parsed.ok()) {
      EXPECT_EQ(parsed->canonical(), changed);
    }
    EXPECT_FALSE(Document::parse(text.substr(0, i)).ok());
  }
  const json::Object whole = *OrDie(json::parse(text)).object();
  for (const auto& [name, value] : whole) {
    json::Object cut = whole;
    cut.erase(name);
    EXPECT_ERROR(Document::parse(json::canonical(cut)), Code::malformed, "absent") << name;
  }
  json::Object wider = whole;
  wider["zzz"] = 1;
  EXPECT_ERROR(Document::parse(json::canonical(wider)), Code::malformed, "unknown member \"zzz\"");
  EXPECT_ERROR(Document::parse(" " + text), Code::malformed, "canonical");
}

TEST(Documents, HaveOneFormAndRefuseEveryChange) {
  every_change(contract());
  every_change(manifest());
  every_change(proposal());
  every_change(ballot());
}

TEST(Contract, RefusesPartiesThatCannotWork) {
  const auto refuse = [](auto change, std::string_view why) {
    Contract bad = contract();
    change(bad);
    EXPECT_ERROR(Contract::parse(bad.canonical()), Code::malformed, why);
  };
  refuse([](Contract& c) { std::swap(c.participants[0], c.participants[1]); }, "order of their names");
  refuse([](Contract& c) { c.participants[1].name = "analyst"; }, "each once");
  refuse([](Contract& c) { c.participants[1].signing_key = c.participants[0].signing_key; }, "occurs twice");
  refuse([](Contract& c) { c.participants[1].recovery_key = c.participants[1].signing_key; }, "occurs twice");
  refuse([](Contract& c) { c.participants[1].hpke_key = bytes_of<crypto::HpkePublicKey>('a'); }, "occurs twice");
  refuse([](Contract& c) { c.participants[1].votes = c.participants[2].votes = false; }, "no participant votes");
  refuse([](Contract& c) { c.participants.clear(); }, "no participant votes");
  refuse([](Contract& c) { c.participants[0].name = "Analyst"; }, "expected a name");
  refuse([](Contract& c) { c.participants[0].name = "../etc"; }, "expected a name");
  refuse([](Contract& c) { c.k = 1; }, "expected 2 to 1000");
  refuse([](Contract& c) { c.epoch = 2; }, "first epoch");
  refuse([](Contract& c) { c.previous = ContractDigest(); }, "first epoch");
  refuse([](Contract& c) { c.recovery_quorum = 4; }, "recovery quorum");
  refuse([](Contract& c) { c.evidence.workload = "scoring"; }, "its policy is for");
}

TEST(Contract, RefusesAKeyThatNothingCanBeSealedTo) {
  // The points of small order of Curve25519 and its twist, as RFC 7748 reads them: 0, 1, the two of order 8, p-1; p and p+1 are 0 and 1 again.
  for (const char* key : {"0000000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                          "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "0000000000000000000000000000000000000000000000000000000000000080"}) {
    Contract bad = contract();
    bad.participants[1].hpke_key = OrDie(crypto::HpkePublicKey::from_hex(key, "key"));
    EXPECT_ERROR(Contract::parse(bad.canonical()), Code::malformed, "hpke_key of \"" + bad.participants[1].name + "\"") << key;
  }
}

TEST(Contract, EveryMemberChangesTheDigest) {
  Contract other = contract();
  other.k = 11;
  EXPECT_NE(other.digest(), contract().digest());
  other = contract();
  other.participants[0].recovery_key.reset();
  EXPECT_NE(other.digest(), contract().digest());
  other = contract();
  other.evidence.accept_host_asserted = false;
  EXPECT_NE(other.digest(), contract().digest());
}

TEST(Manifest, RefusesColumnsThatAreNotATable) {
  const auto refuse = [](auto change, std::string_view why) {
    Manifest bad = manifest();
    change(bad);
    EXPECT_ERROR(Manifest::parse(bad.canonical()), Code::malformed, why);
  };
  refuse([](Manifest& m) { m.columns[0].role = ColumnRole::attribute; }, "exactly one unit column, found 0");
  refuse([](Manifest& m) { m.columns[1].role = ColumnRole::unit; }, "exactly one unit column, found 2");
  refuse([](Manifest& m) { m.columns[1].name = "patient_id"; }, "occurs twice");
  for (const char* name : {"", "Cost", "1st", "a b", "a\"b", "pati\xc3\xabnt"}) {
    refuse([&](Manifest& m) { m.columns[1].name = name; }, "identifier");
  }
  for (const char* type : {"", "TEXT", "DECIMAL", "DECIMAL(19,2)", "DECIMAL(5,6)", "DECIMAL(05,2)", "DECIMAL(5,2) ", "bigint"}) {
    refuse([&](Manifest& m) { m.columns[1].type = type; }, "column type");
  }
  for (const char* bound : {"", "x", "1e3", "1.", ".5", "--1"}) {
    refuse([&](Manifest& m) { m.columns[1].max = bound; }, "bounds");
  }
  refuse([](Manifest& m) { m.version = 0; }, "expected 1 to");
}

TEST(Proposal, TermsHoldTheDigestOfItsOwnText) {
  Proposal changed = proposal();
  changed.sql += " WHERE true";
  EXPECT_ERROR(Proposal::parse(changed.canonical()), Code::binding, "another query text");
}

Proposal noisy_proposal() {
  Proposal out = proposal();
  out.terms.level = PrivacyLevel::differential_privacy;
  out.terms.noise = Noise{{"0.5", "0.000001"}, 4, 10};
  return out;
}

TEST(Terms, HoldTheirNoiseAtTheOneLevelThatHasIt) {
  const Proposal good = noisy_proposal();
  EXPECT_EQ(OrDie(Proposal::parse(good.canonical())).terms, good.terms);
  EXPECT_EQ(good.terms.noise->text(), "epsilon 0.5, delta 0.000001, 4 groups and 10 rows a unit");
  const auto refuse = [&](auto change, std::string_view why) {
    Proposal bad = good;
    change(bad.terms);
    EXPECT_ERROR(Proposal::parse(bad.canonical()), Code::malformed, why);
  };
  refuse([](Terms& t) { t.level = PrivacyLevel::aggregate_only; }, "for level differential_privacy");
  refuse([](Terms& t) { t.noise.reset(); }, "epsilon");
  refuse([](Terms& t) { t.noise->groups = 0; }, "1 to 8 groups");
  refuse([](Terms& t) { t.noise->groups = 9; }, "groups_per_unit");
  refuse([](Terms& t) { t.noise->rows = 0; }, "1 to 50 rows");
  refuse([](Terms& t) { t.noise->rows = 51; }, "rows_per_unit");
  for (const char* text : {"", "0", "0.0", ".5", "0.50", "00.5", "+1", "-1", "1e-1", "5e-1", "0.1234567", "1.", "100", "1,5", " 1"}) {
    refuse([&](Terms& t) { t.noise->loss.epsilon = text; }, "epsilon");
  }
  refuse([](Terms& t) { t.noise->loss.delta = "0.0000000000000000001"; }, "delta");
  refuse([](Terms& t) { t.noise->loss.delta = ""; }, "delta");
  const auto differs = [&](auto change, std::string_view field) {
    Terms other = good.terms;
    change(*other.noise);
    EXPECT_ERROR(check_terms(good.terms, other), Code::binding, field);
  };
  differs([](Noise& n) { n.loss.epsilon = "0.6"; }, "terms differ in epsilon");
  differs([](Noise& n) { n.loss.delta = "0.000002"; }, "terms differ in delta");
  differs([](Noise& n) { n.groups = 5; }, "terms differ in groups_per_unit");
  differs([](Noise& n) { n.rows = 11; }, "terms differ in rows_per_unit");
  EXPECT_NE(parameters_statement(good.terms.level, 10, good.terms.noise), parameters_statement(good.terms.level, 10, std::nullopt));
}

TEST(Manifest, HoldsABudgetOrNone) {
  Manifest with = manifest();
  with.budget = PrivacyLoss{"3", "0.00001"};
  EXPECT_EQ(OrDie(Manifest::parse(with.canonical())).budget, with.budget);
  EXPECT_NE(with.digest(), manifest().digest());
  EXPECT_FALSE(OrDie(Manifest::parse(manifest().canonical())).budget.has_value());
  for (const PrivacyLoss& bad : {PrivacyLoss{"3", ""}, PrivacyLoss{"", "0.1"}, PrivacyLoss{"3.0", "0.1"}, PrivacyLoss{"3", "1e-5"}}) {
    with.budget = bad;
    EXPECT_ERROR(Manifest::parse(with.canonical()), Code::malformed, "budget");
  }
}

TEST(Ballot, NamesTheApprovalThatItStandsInForOrNone) {
  const Ballot first = ballot();
  EXPECT_EQ(first.canonical().find("renews"), std::string::npos);
  const auto digest = receipt::approval_digest("a signed ballot");
  Ballot later = first;
  later.renews = digest;
  const Ballot read = OrDie(Ballot::parse(later.canonical()));
  EXPECT_EQ(read.renews, digest);
  EXPECT_EQ(read.canonical(), later.canonical());
  EXPECT_FALSE(OrDie(Ballot::parse(first.canonical())).renews);
  json::Object changed = *OrDie(json::parse(later.canonical())).object();
  for (const json::Value& bad : {json::Value(""), json::Value("ab"), json::Value(7), json::Value(true), json::Value(std::string(64, 'A'))}) {
    changed["renews"] = bad;
    EXPECT_FALSE(Ballot::parse(json::canonical(changed)).ok()) << json::canonical(bad);
  }
  EXPECT_TRUE(renews(later, first, digest));
  EXPECT_FALSE(renews(first, first, digest)) << "it names none";
  EXPECT_FALSE(renews(later, first, receipt::approval_digest("another")));
  Ballot other = first;
  other.decision = Decision::reject;
  EXPECT_FALSE(renews(later, other, digest));
  other = first;
  other.voter = "laboratory";
  EXPECT_FALSE(renews(later, other, digest));
  other = first;
  other.proposal = ProposalDigest();
  EXPECT_FALSE(renews(later, other, digest));
}

TEST(Terms, AreSortedAndEachOnce) {
  Ballot bad = ballot();
  std::swap(bad.terms.manifests[0], bad.terms.manifests[1]);
  EXPECT_ERROR(Ballot::parse(bad.canonical()), Code::malformed, "manifests must be sorted");
  bad = ballot();
  bad.terms.recipients = {"analyst", "analyst"};
  EXPECT_ERROR(Ballot::parse(bad.canonical()), Code::malformed, "recipients must be sorted, each once");
  bad.terms.recipients.clear();
  EXPECT_ERROR(Ballot::parse(bad.canonical()), Code::malformed, "at least one recipient");
}

TEST(Terms, EveryFieldIsCompared) {
  const Terms expected = terms("a");
  EXPECT_OK(check_terms(expected, expected));
  const auto refuse = [&](auto change, std::string_view field) {
    Terms other = expected;
    change(other);
    EXPECT_ERROR(check_terms(expected, other), Code::binding, field);
  };
  refuse([](Terms& t) { t.contract = ContractDigest(); }, "terms differ in contract");
  refuse([](Terms& t) { t.instance = InstanceId(); }, "terms differ in instance");
  refuse([](Terms& t) { t.query = query_digest("b"); }, "terms differ in query");
  refuse([](Terms& t) { t.k = 11; }, "terms differ in k: expected 10, found 11");
  refuse([](Terms& t) { t.manifests.pop_back(); }, "terms differ in manifests");
  refuse([](Terms& t) { t.recipients.pop_back(); }, "terms differ in recipients");
  refuse([](Terms& t) { t.program = appraise::ProgramDigest(); }, "terms differ in program");
  refuse([](Terms& t) { t.rule_set = "x"; }, "terms differ in rule_set");
  refuse([](Terms& t) { t.noise.emplace().loss = {"1", "0.000001"}; }, "terms differ in");
}

TEST(SignedDocument, ASignatureIsForOneTypeAndOneText) {
  const auto key = OrDie(crypto::Ed25519PrivateKey::from_seed(SecretBytes(32)));
  const SignedDocument document = sign_document(kBallotType, ballot().canonical(), key);
  EXPECT_OK(verify_document(kBallotType, document, key.public_key()));
  EXPECT_ERROR(verify_document(kProposalType, document, key.public_key()), Code::chain, "not by key");
  const SignedDocument again = OrDie(SignedDocument::decode(document.encode(), Ballot::kMaxBytes));
  EXPECT_OK(verify_document(kBallotType, again, key.public_key()));
  SignedDocument changed = document;
  changed.text[10] = static_cast<char>(changed.text[10] ^ 1);
  EXPECT_ERROR(verify_document(kBallotType, changed, key.public_key()), Code::chain, "not by key");
  EXPECT_ERROR(SignedDocument::decode(document.encode(), 100), Code::malformed, "limit");
}

TEST(ResultPackage, PadsToTheSmallestBucketAndBack) {
  for (const std::size_t size : {0U, 1U, 1020U, 1021U, 4092U, 1'048'572U, 1'048'573U, 3'000'000U}) {
    const Bytes text(size, std::byte{'x'});
    const Bytes padded = pad_to_bucket(text);
    EXPECT_TRUE(equal(OrDie(unpad(padded)), text)) << size;
    Bytes longer = padded;
    longer.resize(padded.size() * 2);
    EXPECT_ERROR(unpad(longer), Code::malformed, "smallest bucket");
  }
  EXPECT_EQ(pad_to_bucket(Bytes(1020)).size(), 1024U);
  EXPECT_EQ(pad_to_bucket(Bytes(1021)).size(), 2048U);
  Bytes dirty = pad_to_bucket(Bytes(10));
  dirty.back() = std::byte{1};
  EXPECT_ERROR(unpad(dirty), Code::malformed, "padding is not zero");
}

TEST(ResultTable, ReadsWhatItWrites) {
  const ResultTable table{{"diagnosis", "n"}, {{"benign", "357"}, {std::nullopt, "212"}}};
  const ResultTable again = OrDie(ResultTable::from_json(OrDie(json::parse(json::canonical(table.to_json())))));
  EXPECT_EQ(again.rows, table.rows);
  EXPECT_ERROR(ResultTable::from_json(OrDie(json::parse(R"({"columns":["a"],"rows":[["1","2"]]})"))), Code::malformed, "1 cells");
  EXPECT_ERROR(ResultTable::from_json(OrDie(json::parse(R"({"columns":["a"],"rows":[[1]]})"))), Code::malformed, "text or null");
}

}  // namespace
}  // namespace redoubt::jobs
