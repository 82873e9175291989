// Goal: two answers that together would tell about fewer than k people are never both given, at each level, whatever was run in between
// and over restarts; and whoever asks cannot tell such a refusal from a failure. Method: the published pairs over the published tables
// through a room with the real engine program; then the order of reservations, versions, restarts with and without old texts.
#include <nlohmann/json.hpp>

#include "common/jobs/cleanroom/ballot.h"
#include "enclave/workloads/cleanroom/engine_process.h"
#include "enclave/workloads/cleanroom/room_test_fixture.h"
#include "engines/process/engine_conversation.h"
#include "tests/support/files.h"

namespace redoubt::cleanroom {
namespace {

using jobs::ColumnRole;
using jobs::PrivacyLevel;

const std::string kEngine = std::string(REDOUBT_PROGRAM_DIR) + "/redoubt-cleanroom-engine";

struct Rows {
  std::string csv;
  std::uint64_t count = 0;
};

std::vector<jobs::ManifestColumn> patient_columns() {
  return {{"patient_id", "BIGINT", ColumnRole::unit, "", ""},        {"hospital", "VARCHAR", ColumnRole::attribute, "", ""},
          {"age", "INTEGER", ColumnRole::attribute, "0", "120"},     {"sex", "VARCHAR", ColumnRole::attribute, "", ""},
          {"zip", "VARCHAR", ColumnRole::attribute, "", ""},         {"diagnosis", "VARCHAR", ColumnRole::attribute, "", ""},
          {"readmitted", "BOOLEAN", ColumnRole::attribute, "", ""},  {"cost", "DECIMAL(12,2)", ColumnRole::attribute, "", ""},
          {"admitted_on", "DATE", ColumnRole::attribute, "", ""}};
}

std::vector<jobs::ManifestColumn> claim_columns() {
  return {{"claim_id", "BIGINT", ColumnRole::identifier, "", ""}, {"patient_id", "BIGINT", ColumnRole::unit, "", ""},
          {"amount", "DECIMAL(12,2)", ColumnRole::attribute, "0", "10000"}, {"code", "VARCHAR", ColumnRole::attribute, "", ""},
          {"paid_on", "DATE", ColumnRole::attribute, "", ""}};
}

// made: a table of the published script, as the sandboxed engine program makes it.
Rows made(const std::string& dataset, const std::vector<jobs::ManifestColumn>& columns) {
  const jobs::Manifest manifest{dataset, 1, "owner", ContractDigest(), columns, 1, 0, receipt::TreeHash()};
  wire::EngineRequest request{wire::EngineRequest::Operation::script, test::read_text(*test::shared_dir() / "cleanroom/fixture.sql"), "none", 2,
                              {{manifest.canonical(), {}}}};
  const wire::EngineAnswer answer = OrDie(engines::ask_engine(kEngine, request, std::chrono::seconds(60)));
  EXPECT_EQ(answer.kind, wire::EngineAnswer::Kind::result) << answer.message;
  Rows rows{"", answer.rows.size()};
  for (const std::string& name : answer.names) rows.csv += (rows.csv.empty() ? "" : ",") + name;
  for (const auto& row : answer.rows) {
    rows.csv += "\n";
    for (std::size_t c = 0; c < row.size(); ++c) rows.csv += (c == 0 ? "" : ",") + row[c].value_or("");
  }
  return rows;
}

class RoomEarlierTest : public RoomTest {
 protected:
  static void SetUpTestSuite() {
    if (!test::shared_dir()) return;
    patients_ = made("patients", patient_columns());
    claims_ = made("claims", claim_columns());
    const auto corpus = nlohmann::json::parse(test::read_text(*test::shared_dir() / "cleanroom/sql_examples.json"));
    for (const auto& entry : corpus["queries"]) {
      published_[entry["id"]] = {entry["sql"], OrDie(jobs::parse_privacy_level(entry["privacy_level"].get<std::string>()))};
    }
  }

  struct Query {
    std::string sql;
    PrivacyLevel level;
  };

  // start: a room with both tables.
  std::unique_ptr<Room> start(std::uint64_t seed, std::optional<receipt::TreeHead> previous = std::nullopt) {
    auto room = make_room(seed, std::move(previous), &process_);
    if (!patient_data_) {
      patient_data_.emplace(seal(hospital_, "patients", 1, patient_columns(), patients_.csv, patients_.count));
      claim_data_.emplace(seal(laboratory_, "claims", 1, claim_columns(), claims_.csv, claims_.count));
    }
    join_all(*room);
    take(*room, hospital_, *patient_data_);
    take(*room, laboratory_, *claim_data_);
    return room;
  }
  void take(Room& room, Party& owner, const Sealed& sealed) {
    EXPECT_OK(release(room, owner, sealed));
    EXPECT_OK(room.put_ciphertext(sealed.manifest.digest(), 0, sealed.envelope));
  }

  jobs::Proposal asking(const Room& room, const Query& query) {
    jobs::Proposal asked = proposal(room, query.sql);
    asked.terms.level = query.level;
    asked.terms.manifests.clear();
    for (const auto* data : {&*patient_data_, &*claim_data_}) {
      if (query.sql.find(data->manifest.dataset) != std::string::npos) asked.terms.manifests.push_back(data->manifest.digest());
    }
    std::ranges::sort(asked.terms.manifests);
    return asked;
  }
  jobs::Proposal reserve(Room& room, const Query& query) {
    jobs::Proposal asked = asking(room, query);
    EXPECT_OK(room.propose(sign(asked, analyst_))) << query.sql;
    documents_[asked.digest()] = sign(asked, analyst_);
    return asked;
  }
  Result<RunOutput> run(Room& room, const jobs::Proposal& asked) {
    for (Party* voter : {&hospital_, &laboratory_}) {
      const auto counted = room.vote(asked.digest(), sign(ballot(room, asked, *voter), *voter));
      if (!counted.ok()) return counted.error();
    }
    return room.run(asked.digest());
  }
  Result<RunOutput> ask(Room& room, const Query& query) { return run(room, reserve(room, query)); }
  static const Query& published(const std::string& id) { return published_.at(id); }

  receipt::TreeHead head_of(const Room& room) const {
    return OrDie(receipt::Checkpoint::verify(room.checkpoint(), receipt::log_origin(room.claims().instance), room.claims().receipt_key)).head();
  }
  static std::string last_kind(const Room& room) {
    const auto entries = room.entries(0);
    return OrDie(receipt::LogEntry::parse(entries.back())).kind;
  }
  void carry(Room& room) {
    for (const Party* party : {&analyst_, &hospital_, &laboratory_}) {
      const auto statement = jobs::sign_document(jobs::kCarryOverType, room.status().carry_over->statement.canonical(), party->key);
      ASSERT_OK(room.carry_over(party->name, statement));
    }
  }

  static inline Rows patients_, claims_;
  static inline std::map<std::string, Query> published_;
  EngineProcess process_{{kEngine, "scripted/1", std::chrono::milliseconds(60'000)}};
  std::optional<Sealed> patient_data_, claim_data_;
  std::map<jobs::ProposalDigest, jobs::SignedDocument> documents_;
};

constexpr std::string_view kUnanswered = "the query was not answered";

TEST_F(RoomEarlierTest, TheSecondHalfOfAPublishedPairIsRefusedAndAnHonestSecondQueryIsNot) {
  REDOUBT_REQUIRE_SHARED();
  std::uint64_t seed = 10;
  for (const auto& [first, second] : {std::pair("P29", "P30"), std::pair("P31", "P32")}) {
    const auto room = start(++seed);
    EXPECT_OK(ask(*room, published(first))) << first;
    EXPECT_ERROR(ask(*room, published(second)), Code::refused, kUnanswered);
    EXPECT_EQ(last_kind(*room), "refusal") << second;
    const auto alone = start(++seed);
    EXPECT_OK(ask(*alone, published(second))) << second << " by itself";
  }
  const auto room = start(++seed);
  EXPECT_OK(ask(*room, published("P31")));
  EXPECT_OK(ask(*room, published("P33")));
}

TEST_F(RoomEarlierTest, ARefusalForWhatWasAskedBeforeReadsLikeADeadEngine) {
  REDOUBT_REQUIRE_SHARED();
  const auto room = start(20);
  ASSERT_OK(ask(*room, published("P31")));
  const auto withheld = ask(*room, published("P32"));
  ASSERT_FALSE(withheld.ok());
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  engine_.fails = true;
  const auto dead = run(*room_, query);
  ASSERT_FALSE(dead.ok());
  EXPECT_EQ(withheld.error().message(), dead.error().message());
  EXPECT_EQ(withheld.error().code(), dead.error().code());
  EXPECT_EQ(last_kind(*room), last_kind(*room_));
}

TEST_F(RoomEarlierTest, ReservationsCountInTheirOrderWhetherTheyWereRunOrNot) {
  REDOUBT_REQUIRE_SHARED();
  const auto room = start(30);
  const jobs::Proposal total = reserve(*room, published("P31"));
  const jobs::Proposal parts = reserve(*room, published("P32"));
  EXPECT_ERROR(run(*room, parts), Code::refused, kUnanswered);  // a fork may have answered the total
  EXPECT_OK(run(*room, total));
  // The other way round the total is the one too many, and what was refused counts for nothing later.
  const auto other = start(31);
  const jobs::Proposal first = reserve(*other, published("P32"));
  const jobs::Proposal second = reserve(*other, published("P31"));
  EXPECT_ERROR(run(*other, second), Code::refused, kUnanswered);
  EXPECT_OK(run(*other, first));
  EXPECT_OK(ask(*other, published("P32")));
}

TEST_F(RoomEarlierTest, LevelsBelowTheContractsFloorAreRefusedAndThoseAboveRun) {
  REDOUBT_REQUIRE_SHARED();
  const auto strict = start(40);
  for (const char* id : {"P36", "P46", "P47"}) {
    EXPECT_ERROR(strict->propose(sign(asking(*strict, published(id)), analyst_)), Code::refused, "below the contract's aggregate_only") << id;
  }
  floor_ = PrivacyLevel::none;
  patient_data_.reset();
  const auto open = start(41);
  for (const char* id : {"P36", "P43", "P46", "P47", "P31"}) EXPECT_OK(ask(*open, published(id))) << id;
  EXPECT_ERROR(open->propose(sign(asking(*open, published("P18")), analyst_)), Code::refused, "rule S3");
}

TEST_F(RoomEarlierTest, ANewVersionOfADatasetStartsAnewAndTheOldOneStillCountsBesideIt) {
  REDOUBT_REQUIRE_SHARED();
  const auto room = start(50);
  ASSERT_OK(ask(*room, published("P29")));
  ASSERT_OK(ask(*room, published("P39")));  // over both tables
  ASSERT_OK(ask(*room, published("P31")));
  claim_data_.emplace(seal(laboratory_, "claims", 2, claim_columns(), claims_.csv, claims_.count));
  take(*room, laboratory_, *claim_data_);
  EXPECT_OK(ask(*room, published("P30")));
  EXPECT_ERROR(ask(*room, published("P32")), Code::refused, kUnanswered);  // patients are the same
  EXPECT_ERROR(ask(*room, published("P29")), Code::refused, kUnanswered);
}

TEST_F(RoomEarlierTest, AfterARestartWhatWasAskedBeforeIsKnownOrNothingIsAnswered) {
  REDOUBT_REQUIRE_SHARED();
  const auto old = start(60);
  const jobs::Proposal total = reserve(*old, published("P31"));
  ASSERT_OK(run(*old, total));
  const auto room = start(61, head_of(*old));
  const jobs::Proposal parts = reserve(*room, published("P32"));
  EXPECT_ERROR(run(*room, parts), Code::unavailable, "not carried over");
  EXPECT_ERROR(room->recall(documents_.at(total.digest())), Code::binding, "instance");
  ASSERT_OK(room->offer_old_logs({{old->claims().instance, old->entries(0)}}, old->checkpoint()));
  carry(*room);
  EXPECT_EQ(room->status().forgotten, std::vector<jobs::ProposalDigest>{total.digest()});
  EXPECT_ERROR(room->run(parts.digest()), Code::unavailable, "has not handed over proposal " + total.digest().hex());
  // Another text, or one of this instance, does not stand in for it.
  EXPECT_ERROR(room->recall(documents_.at(parts.digest())), Code::binding, "instance");
  jobs::Proposal never = asking(*old, published("P33"));
  EXPECT_ERROR(room->recall(sign(never, analyst_)), Code::log_proof, "no reservation of it");
  EXPECT_ERROR(room->recall(sign(total, stranger_)), Code::chain, "not by key");
  ASSERT_OK(room->recall(documents_.at(total.digest())));
  EXPECT_OK(room->recall(documents_.at(total.digest())));
  EXPECT_TRUE(room->status().forgotten.empty());
  EXPECT_ERROR(room->run(parts.digest()), Code::refused, kUnanswered);
  EXPECT_OK(ask(*room, published("P33")));
}

TEST_F(RoomEarlierTest, WithoutTheDataOfAnEarlierQueryNothingOverTheSharedPartIsAnswered) {
  REDOUBT_REQUIRE_SHARED();
  const auto old = start(70);
  const jobs::Proposal joined = reserve(*old, published("P39"));
  ASSERT_OK(run(*old, joined));
  const auto room = make_room(71, head_of(*old), &process_);
  join_all(*room);
  take(*room, hospital_, *patient_data_);
  ASSERT_OK(room->offer_old_logs({{old->claims().instance, old->entries(0)}}, old->checkpoint()));
  carry(*room);
  ASSERT_OK(room->recall(documents_.at(joined.digest())));
  const jobs::Proposal asked = reserve(*room, published("P31"));
  EXPECT_ERROR(run(*room, asked), Code::unavailable, "over which an earlier query was asked");
  take(*room, laboratory_, *claim_data_);
  EXPECT_OK(room->run(asked.digest()));
}

}  // namespace
}  // namespace redoubt::cleanroom
