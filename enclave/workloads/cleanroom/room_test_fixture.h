// RoomTest: a room with three participants, real keys, envelopes and logs; the engine behind the seam is scripted. For tests.
#pragma once

#include <gtest/gtest.h>

#include "common/crypto/envelope.h"
#include "common/jobs/cleanroom/ciphertext_root.h"
#include "enclave/workloads/cleanroom/room.h"
#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"
#include "tests/support/table_files.h"

namespace redoubt::cleanroom {

inline constexpr Instant kNow(1'800'000'000);
inline constexpr std::string_view kSql = "SELECT diagnosis, count(*) FROM hospital JOIN laboratory USING (patient_id) GROUP BY diagnosis";
inline constexpr std::string_view kCsv = "patient_id,diagnosis\n1,benign\n2,malignant\n";

class ScriptedEngine final : public QueryEngine {
 public:
  std::string rule_set() const override { return "scripted/1"; }
  Result<QueryCheck> check(std::string_view sql, const std::vector<const jobs::Manifest*>& schema, const Protection&) override {
    QueryCheck check;
    check.accepted = sql.find("DROP") == std::string_view::npos;
    check.rule = "G1";
    check.message = "not a query";
    for (const jobs::Manifest* manifest : schema) check.datasets.push_back(manifest->dataset);
    if (reads_fewer) check.datasets.pop_back();
    return check;
  }
  Result<jobs::ResultTable> run(std::string_view, const std::vector<TableView>& tables, const Protection&, const std::vector<Asked>& before, ByteView) override {
    earlier.clear();
    for (const Asked& asked : before) earlier.emplace_back(asked.sql);
    if (during) during();
    if (withholds) return Error(Code::refused, "rule T5: withheld for what was asked earlier");
    if (fails) return Error(Code::unavailable, "engine was killed while it looked at patient 17");
    ++runs;
    jobs::ResultTable table{{"dataset", "bytes"}, {}};
    for (const TableView& view : tables) table.rows.push_back({view.manifest->dataset, std::to_string(view.rows.size())});
    return table;
  }
  Status load(const TableView&) override {
    if (refuses_rows) return Error(Code::malformed, "row 2, column diagnosis: not text");
    return {};
  }
  bool fails = false;
  bool withholds = false;
  std::function<void()> during;  // a run
  bool refuses_rows = false;
  bool reads_fewer = false;
  int runs = 0;
  std::vector<std::string> earlier;  // of the last run
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

  jobs::PrivacyLevel floor_ = jobs::PrivacyLevel::aggregate_only;  // of contract()
  jobs::Approval approval_;                                        // of contract()
  bool useless_key_ = false;                                       // of contract(): nothing can be sealed to the analyst; parse refuses that

  jobs::Contract contract() const {
    jobs::Contract contract;
    contract.environment = "study";
    contract.epoch = 1;
    contract.participants = {analyst_.listed(), hospital_.listed(), laboratory_.listed()};
    contract.approval = approval_;
    contract.privacy_floor = floor_;
    contract.k = 10;
    contract.recovery_quorum = 0;
    contract.evidence.name = "test";
    contract.evidence.workload = "cleanroom";
    contract.evidence.accept_host_asserted = contract.evidence.accept_software_tpm = true;
    contract.evidence.platforms.tpm.emplace().anchors = {{crypto::sha256(as_bytes("root")), "root", true}};
    contract.evidence.platforms.tpm->secure_boot_required = false;
    jobs::Contract parsed = OrDie(jobs::Contract::parse(contract.canonical()));
    if (useless_key_) parsed.participants[0].hpke_key = crypto::HpkePublicKey();
    return parsed;
  }

  std::unique_ptr<Room> make_room(std::uint64_t seed, std::optional<receipt::TreeHead> previous = std::nullopt, QueryEngine* engine = nullptr) {
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
                            {"tpm", to_bytes("evidence"), Challenge(), claims.canonical()}, {}, kNow.plus_seconds(-1000), std::move(previous)};
    return std::make_unique<Room>(contract(), std::move(identity), engine == nullptr ? engine_ : *engine, room_random_, [this] { return clock_; }, tick());
  }

  // tick: on a clock that only sleeping and tests move.
  runtime::ReleaseTick tick() {
    return {[this] { return elapsed_; }, [this](std::chrono::milliseconds time) { elapsed_ += time; }};
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
    return seal(owner, dataset, version, {{"patient_id", "BIGINT", jobs::ColumnRole::unit, "", ""}, {"diagnosis", "VARCHAR", jobs::ColumnRole::attribute, "", ""}},
                kCsv, 2);
  }
  Sealed seal(Party& owner, const std::string& dataset, std::uint64_t version, std::vector<jobs::ManifestColumn> columns, std::string_view csv, std::uint64_t rows,
              std::optional<jobs::PrivacyLoss> budget = std::nullopt) {
    Sealed sealed;
    sealed.key = owner.random.secret(32);
    sealed.manifest = {dataset, version, owner.name, contract().digest(), std::move(columns), rows, 0, receipt::TreeHash(), std::move(budget)};
    const crypto::EnvelopeSubject subject{jobs::envelope_object_id(sealed.manifest), version};
    const SecretBytes file = test::table_file(csv, sealed.manifest);
    sealed.envelope = OrDie(crypto::seal_envelope(sealed.key, subject, file.reveal(), owner.random));
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
  std::chrono::milliseconds elapsed_{0};
  ScriptedEngine engine_;
  test::FixedRandom room_random_{15};
  appraise::ProgramDigest program_{crypto::sha256(as_bytes("program")).array()};
  std::unique_ptr<Room> room_;
  Sealed hospital_data_ = seal(hospital_, "hospital");
  Sealed laboratory_data_ = seal(laboratory_, "laboratory");
};

}  // namespace redoubt::cleanroom
