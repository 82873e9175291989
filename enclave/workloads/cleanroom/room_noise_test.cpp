// Goal: at differential_privacy nobody gets more out of a room than the owners' budgets allow, and no second draw of noise for one question,
// whatever the host restarts or forks and whoever asks. Method: rooms with the real engine program over tables with budgets; reservations
// that never run, proposers in turn, restarts and forks, and each parameter changed in proposal and ballot.
#include "enclave/workloads/cleanroom/engine_process.h"
#include "engines/sql/accounts/noise_budget.h"
#include "enclave/workloads/cleanroom/room_test_fixture.h"

namespace redoubt::cleanroom {
namespace {

using jobs::ColumnRole;

constexpr std::string_view kNotAnswered = "the query was not answered";
constexpr std::string_view kCount = "SELECT count(DISTINCT patient_id) AS n FROM patients";
constexpr std::string_view kGroups = "SELECT diagnosis, count(DISTINCT patient_id) AS n, sum(cost) AS c FROM patients GROUP BY diagnosis";
constexpr std::string_view kJoined = "SELECT count(*) AS n, sum(amount) AS a FROM patients JOIN claims USING (patient_id)";
constexpr std::string_view kClaims = "SELECT count(*) AS n FROM claims";

std::vector<jobs::ManifestColumn> noisy_patient_columns() {
  return {{"patient_id", "BIGINT", ColumnRole::unit, "", ""},
          {"diagnosis", "VARCHAR", ColumnRole::attribute, "", ""},
          {"cost", "DECIMAL(12,2)", ColumnRole::attribute, "0", "1000"}};
}
std::vector<jobs::ManifestColumn> noisy_claim_columns() {
  return {{"patient_id", "BIGINT", ColumnRole::unit, "", ""}, {"amount", "DECIMAL(12,2)", ColumnRole::attribute, "0", "100"}};
}

constexpr int kPatientCount = 300;

std::string patient_csv() {
  std::string csv = "patient_id,diagnosis,cost";
  for (int i = 0; i < kPatientCount; ++i) csv += "\n" + std::to_string(i) + (i % 2 == 0 ? ",benign," : ",malignant,") + std::to_string(i % 500) + ".50";
  return csv + "\n";
}
std::string claim_csv() {
  std::string csv = "patient_id,amount";
  for (int i = 0; i < kPatientCount; ++i) csv += "\n" + std::to_string(i) + "," + std::to_string(i % 90) + ".25";
  return csv + "\n";
}

class RoomNoiseTest : public RoomTest {
 protected:
  RoomNoiseTest() { floor_ = jobs::PrivacyLevel::differential_privacy; }

  // start: a room over both tables, that goes on from `previous`. The data are sealed once: the same in every room.
  std::unique_ptr<Room> start(std::uint64_t seed, std::optional<receipt::TreeHead> previous = std::nullopt) {
    auto room = make_room(seed, std::move(previous), &process_);
    if (!patient_data_) {
      patient_data_.emplace(seal(hospital_, "patients", 1, noisy_patient_columns(), patient_csv(), kPatientCount, jobs::PrivacyLoss{"2", "0.00001"}));
      claim_data_.emplace(seal(laboratory_, "claims", 1, noisy_claim_columns(), claim_csv(), kPatientCount, jobs::PrivacyLoss{"1", "0.00001"}));
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

  jobs::Proposal asking(const Room& room, std::string_view sql, const char* epsilon = "1", const char* delta = "0.000001") {
    jobs::Proposal asked = proposal(room, sql);
    asked.terms.level = jobs::PrivacyLevel::differential_privacy;
    asked.terms.noise = jobs::Noise{{epsilon, delta}, 1, 1};
    asked.terms.manifests.clear();
    for (const auto* data : {&*patient_data_, &*claim_data_}) {
      if (sql.find(data->manifest.dataset) != std::string_view::npos) asked.terms.manifests.push_back(data->manifest.digest());
    }
    std::ranges::sort(asked.terms.manifests);
    return asked;
  }
  Result<RunOutput> run(Room& room, const jobs::Proposal& asked) {
    for (Party* voter : {&hospital_, &laboratory_}) {
      const auto counted = room.vote(asked.digest(), sign(ballot(room, asked, *voter), *voter));
      if (!counted.ok()) return counted.error();
    }
    return room.run(asked.digest());
  }
  // ask: proposed, approved, run; the table as the analyst opens it.
  Result<std::string> ask(Room& room, const jobs::Proposal& asked) {
    const auto proposed = room.propose(sign(asked, analyst_));
    if (!proposed.ok()) return proposed.error();
    return table_of(run(room, asked));
  }
  Result<std::string> table_of(const Result<RunOutput>& output) {
    if (!output.ok()) return output.error();
    const auto file = OrDie(receipt::ReceiptFile::parse(output->receipt_file));
    const auto body = OrDie(receipt::ReceiptBody::parse(file.receipt.body));
    REDOUBT_TRY(const std::string package, open(analyst_, output->packages.at(0), body.digest()));
    return *OrDie(json::parse(package)).object()->at("result").string();
  }

  receipt::TreeHead head_of(const Room& room) const {
    return OrDie(receipt::Checkpoint::verify(room.checkpoint(), receipt::log_origin(room.claims().instance), room.claims().receipt_key)).head();
  }
  static std::vector<std::string> kinds(const Room& room) {
    std::vector<std::string> out;
    for (const Bytes& entry : room.entries(0)) out.push_back(OrDie(receipt::LogEntry::parse(entry)).kind);
    return out;
  }
  // carry_from: `room` goes on from `old`, and knows what was asked there.
  void carry_from(Room& room, const Room& old, const std::vector<jobs::Proposal>& asked) {
    ASSERT_OK(room.offer_old_logs({{old.claims().instance, old.entries(0)}}, old.checkpoint()));
    for (const Party* party : {&analyst_, &hospital_, &laboratory_}) {
      ASSERT_OK(room.carry_over(party->name, jobs::sign_document(jobs::kCarryOverType, room.status().carry_over->statement.canonical(), party->key)));
    }
    for (const jobs::Proposal& earlier : asked) ASSERT_OK(room.recall(sign(earlier, analyst_)));
  }

  EngineProcess process_{{std::string(REDOUBT_PROGRAM_DIR) + "/redoubt-cleanroom-engine", "scripted/1", std::chrono::milliseconds(60'000)}};
  std::optional<Sealed> patient_data_, claim_data_;
};

std::string first_number(const std::string& table) {
  const std::size_t begin = table.find("rows");
  const std::size_t from = table.find_first_of("-0123456789", begin);
  return table.substr(from, table.find_first_not_of("-0123456789.", from) - from);
}

// A budget of epsilon 2 holds at most 4096 queries: the refusal names the least one, that one is reserved, and one step below it is not.
TEST_F(RoomNoiseTest, RefusesAQueryThatCostsNextToNothingAndNamesTheLeastPrice) {
  const auto room = start(11);
  const std::size_t before = room->entries(0).size();
  const auto refused = room->propose(sign(asking(*room, kCount, "0.001"), analyst_));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::refused);
  const std::string& text = refused.error().message();
  const std::string marker = "expected epsilon ";
  ASSERT_NE(text.find("1/4096 of the budget of dataset \"patients\""), std::string::npos) << text;
  ASSERT_NE(text.find(marker), std::string::npos) << text;
  EXPECT_EQ(room->entries(0).size(), before) << "a query that could never be answered leaves no entry";
  const std::size_t from = text.find(marker) + marker.size();
  const std::string least = text.substr(from, text.find(' ', from) - from);
  const auto millionths = OrDie(sql::dp::Epsilon::parse(least)).millionths();
  const std::string below = OrDie(sql::dp::Epsilon::from_millionths(millionths - 50)).text();
  EXPECT_ERROR(room->propose(sign(asking(*room, kCount, below.c_str()), analyst_)), Code::refused, "expected epsilon " + least);
  EXPECT_OK(room->propose(sign(asking(*room, kCount, least.c_str()), analyst_)));
  // The dataset with the greatest budget decides, and a smaller delta makes the same epsilon cost less.
  EXPECT_ERROR(room->propose(sign(asking(*room, kJoined, "0.001"), analyst_)), Code::refused, "expected epsilon");
  EXPECT_ERROR(room->propose(sign(asking(*room, kCount, least.c_str(), "0.000000001"), analyst_)), Code::refused, "expected epsilon");
}

TEST_F(RoomNoiseTest, AnswersWithNoiseAndSaysWhatItCost) {
  const auto room = start(10);
  const jobs::Proposal asked = asking(*room, kCount);
  const Reservation reservation = OrDie(room->propose(sign(asked, analyst_)));
  ASSERT_TRUE(reservation.budget.has_value());
  ASSERT_EQ(reservation.budget->size(), 1U);
  const BudgetLine& line = reservation.budget->front();
  EXPECT_EQ(line.dataset, "patients");
  EXPECT_EQ(line.epsilon_total, "2");
  EXPECT_EQ(line.delta_total, "0.00001");
  EXPECT_EQ(line.rho_cost, line.rho_reserved);
  EXPECT_NEAR(std::stod(line.rho_left) + std::stod(line.rho_reserved), std::stod(line.rho_total), 0.000003);
  EXPECT_GT(line.rho_reserved, "0.016");
  EXPECT_LT(line.rho_reserved, "0.018");
  EXPECT_LT(line.epsilon_reserved, "1");
  // The budget entry stands right before the reservation, so that every ballot's head holds it.
  const auto logged = kinds(*room);
  ASSERT_GE(logged.size(), 2U);
  EXPECT_EQ(logged[logged.size() - 2], jobs::kBudgetEntry);
  EXPECT_EQ(logged.back(), receipt::kReservationEntry);
  const RunOutput output = OrDie(run(*room, asked));
  const std::string number = first_number(OrDie(table_of(output)));
  EXPECT_NEAR(std::stod(number), kPatientCount, 80);
  const auto body = OrDie(receipt::ReceiptBody::parse(OrDie(receipt::ReceiptFile::parse(output.receipt_file)).receipt.body));
  EXPECT_EQ(body.facts.at("level"), "differential_privacy");
  EXPECT_EQ(body.facts.at("epsilon"), "1");
  EXPECT_EQ(body.facts.at("delta"), "0.000001");
}

TEST_F(RoomNoiseTest, TheSameQuestionHasOneAnswerAtOnePrice) {
  const auto room = start(20);
  const std::string first = OrDie(ask(*room, asking(*room, kGroups)));
  const auto cost = [&](const jobs::Proposal& asked) { return OrDie(room->propose(sign(asked, analyst_))).budget->front().rho_reserved; };
  const std::string once = cost(asking(*room, kGroups));
  for (int i = 0; i < 5; ++i) {
    jobs::Proposal again = asking(*room, kGroups);
    again.terms.recipients = {"analyst", "laboratory"};
    EXPECT_EQ(OrDie(ask(*room, again)), first);
  }
  EXPECT_EQ(cost(asking(*room, kGroups)), once);
  // With other noise it would be a second draw.
  const auto refused = [&](auto change) {
    jobs::Proposal other = asking(*room, kGroups);
    change(other.terms);
    const std::size_t before = kinds(*room).size();
    EXPECT_ERROR(room->propose(sign(other, analyst_)), Code::refused, kNotAnswered);
    EXPECT_EQ(kinds(*room).size(), before + 1);
    EXPECT_EQ(kinds(*room).back(), receipt::kRefusalEntry);
  };
  refused([](jobs::Terms& t) { t.noise->loss.epsilon = "0.999999"; });
  refused([](jobs::Terms& t) { t.noise->loss.delta = "0.000000999999999999"; });
  refused([](jobs::Terms& t) { t.noise->rows = 2; });
  refused([](jobs::Terms& t) { t.noise->groups = 2; });
  refused([](jobs::Terms& t) { t.k = 11; });
  // Another text is another question, and pays.
  EXPECT_OK(ask(*room, asking(*room, kCount)));
  EXPECT_GT(cost(asking(*room, kCount)), once);
}

TEST_F(RoomNoiseTest, AReservationThatNeverRanSpendsTheBudgetForEverybody) {
  const auto room = start(30);
  // The analyst asks for all that claims have, and nobody approves.
  ASSERT_OK(room->propose(sign(asking(*room, kClaims, "1", "0.00001"), analyst_)));
  jobs::Proposal third = asking(*room, kJoined, "0.1");
  third.proposer = "hospital";
  EXPECT_ERROR(room->propose(sign(third, hospital_)), Code::refused, kNotAnswered);
  EXPECT_ERROR(room->propose(sign(asking(*room, "SELECT sum(amount) FROM claims", "0.1"), analyst_)), Code::refused, kNotAnswered);
  // The other dataset has its own budget, of which nothing was taken: refused queries charge none of theirs.
  const Reservation other = OrDie(room->propose(sign(asking(*room, kCount, "2", "0.00001"), analyst_)));
  EXPECT_EQ(other.budget->front().rho_reserved, other.budget->front().rho_total);
  EXPECT_EQ(other.budget->front().rho_left, "0.000000");
  EXPECT_OK(ask(*room, asking(*room, kCount, "2", "0.00001")));
}

TEST_F(RoomNoiseTest, ARestartOrAForkDrawsTheSameNoiseAndRemembersWhatWasSpent) {
  const auto old = start(40);
  const jobs::Proposal asked = asking(*old, kGroups);
  const std::string answer = OrDie(ask(*old, asked));
  const jobs::Proposal spent = asking(*old, kClaims, "1", "0.00001");
  ASSERT_OK(old->propose(sign(spent, analyst_)));

  std::vector<jobs::SignedDocument> ballots;
  for (Party* voter : {&hospital_, &laboratory_}) ballots.push_back(sign(ballot(*old, spent, *voter), *voter));

  // The host restarts, and forgets: until the old log is carried over nothing is answered.
  const auto room = start(41, head_of(*old));
  jobs::Proposal again = asking(*room, kGroups);
  const Reservation blind = OrDie(room->propose(sign(again, analyst_)));
  EXPECT_FALSE(blind.budget.has_value());
  EXPECT_ERROR(run(*room, again), Code::unavailable, "not carried over");
  const jobs::Proposal more = asking(*room, "SELECT sum(amount) FROM claims", "0.5");
  ASSERT_OK(room->propose(sign(more, analyst_)));
  carry_from(*room, *old, {asked});
  EXPECT_ERROR(room->run(again.digest()), Code::unavailable, "has not handed over proposal");
  ASSERT_OK(room->recall(sign(spent, analyst_)));
  EXPECT_EQ(OrDie(table_of(room->run(again.digest()))), answer);
  EXPECT_ERROR(run(*room, more), Code::refused, kNotAnswered);
  EXPECT_ERROR(room->propose(sign(asking(*room, "SELECT avg(amount) FROM claims", "0.5"), analyst_)), Code::refused, kNotAnswered);
  // What was reserved before goes on with its old ballots: it has its place in the budget.
  ASSERT_OK(room->propose(sign(spent, analyst_)));
  for (const jobs::SignedDocument& document : ballots) ASSERT_OK(room->vote(spent.digest(), document));
  EXPECT_OK(room->run(spent.digest()));
  // What is left of the other budget is what the old log left.
  const Reservation line = OrDie(room->propose(sign(again, analyst_)));
  EXPECT_EQ(line.budget->front().rho_reserved, OrDie(old->propose(sign(asked, analyst_))).budget->front().rho_reserved);

  // A host that starts anew without naming the old log has an empty budget, and the same noise: nothing new to learn.
  const auto fork = start(42);
  EXPECT_EQ(OrDie(ask(*fork, asking(*fork, kGroups))), answer);
}

TEST_F(RoomNoiseTest, OtherDataKeysOrTextsDrawOtherNoise) {
  const auto room = start(50);
  const std::string answer = OrDie(ask(*room, asking(*room, kCount, "0.1")));
  // The same table under another version has another key.
  patient_data_.emplace(seal(hospital_, "patients", 2, noisy_patient_columns(), patient_csv(), kPatientCount, jobs::PrivacyLoss{"2", "0.00001"}));
  const auto newer = start(51);
  EXPECT_NE(OrDie(ask(*newer, asking(*newer, kCount, "0.1"))), answer);
  const auto third = start(52);
  EXPECT_NE(first_number(OrDie(ask(*third, asking(*third, std::string(kCount) + " ", "0.1")))), first_number(answer));
}

TEST_F(RoomNoiseTest, TheBallotsBindTheNoise) {
  const auto room = start(60);
  const jobs::Proposal asked = asking(*room, kCount);
  ASSERT_OK(room->propose(sign(asked, analyst_)));
  const auto refused = [&](auto change, std::string_view field) {
    jobs::Ballot changed = ballot(*room, asked, hospital_);
    change(*changed.terms.noise);
    EXPECT_ERROR(room->vote(asked.digest(), sign(changed, hospital_)), Code::binding, field);
  };
  refused([](jobs::Noise& n) { n.loss.epsilon = "2"; }, "terms differ in epsilon");
  refused([](jobs::Noise& n) { n.loss.delta = "0.00001"; }, "terms differ in delta");
  refused([](jobs::Noise& n) { n.groups = 8; }, "terms differ in groups_per_unit");
  refused([](jobs::Noise& n) { n.rows = 50; }, "terms differ in rows_per_unit");
  jobs::Ballot exact = ballot(*room, asked, hospital_);
  exact.terms.level = jobs::PrivacyLevel::aggregate_only;
  exact.terms.noise.reset();
  EXPECT_ERROR(room->vote(asked.digest(), sign(exact, hospital_)), Code::binding, "terms differ in");
  EXPECT_OK(run(*room, asked));
}

TEST_F(RoomNoiseTest, WithoutABudgetOrWithNumbersOutOfRangeNothingIsReserved) {
  const auto room = start(70);
  for (const auto& [epsilon, delta] : {std::pair("65", "0.000001"), std::pair("1", "0.3"), std::pair("0.000001", "0.000001")}) {
    EXPECT_ERROR(room->propose(sign(asking(*room, kCount, epsilon, delta), analyst_)), Code::refused, "") << epsilon;
  }
  jobs::Proposal exact = asking(*room, kCount);
  exact.terms.level = jobs::PrivacyLevel::aggregate_only;
  exact.terms.noise.reset();
  EXPECT_ERROR(room->propose(sign(exact, analyst_)), Code::refused, "below the contract's differential_privacy");
  EXPECT_ERROR(room->propose(sign(asking(*room, "SELECT diagnosis FROM patients"), analyst_)), Code::refused, "rule");
  patient_data_.emplace(seal(hospital_, "patients", 2, noisy_patient_columns(), patient_csv(), kPatientCount));
  const auto without = start(71);
  const std::size_t before = kinds(*without).size();
  EXPECT_ERROR(without->propose(sign(asking(*without, kCount), analyst_)), Code::refused, "has no budget");
  EXPECT_EQ(kinds(*without).size(), before);
}

// -- the accounts by themselves --

class NoiseBudgetTest : public RoomNoiseTest {
 protected:
  NoiseBudgetTest() { room_noise_ = start(80); }
  Result<NoiseBudget::Verdict> admit(NoiseBudget& budget, std::string_view sql, const char* epsilon, char program = 'p') {
    jobs::Terms terms = asking(*room_noise_, sql, epsilon, "0.00000001").terms;
    terms.program.array().fill(static_cast<std::byte>(program));
    std::vector<const jobs::Manifest*> manifests;
    for (const auto* data : {&*patient_data_, &*claim_data_}) {
      if (std::ranges::find(terms.manifests, data->manifest.digest()) != terms.manifests.end()) manifests.push_back(&data->manifest);
    }
    return budget.admit(terms, manifests);
  }
  std::unique_ptr<Room> room_noise_;
};

TEST_F(NoiseBudgetTest, ManySmallQueriesFitWhereOneLargeOneWould) {
  NoiseBudget budget;
  int fitted = 0;
  while (fitted < 1000 && OrDie(admit(budget, std::string(kClaims) + std::string(static_cast<std::size_t>(fitted), ' '), "0.1")) == NoiseBudget::Verdict::reserved) ++fitted;
  EXPECT_GT(fitted, 20);  // losses add up as zero-concentrated ones: more than ten tenths
  EXPECT_LT(fitted, 1000);
  EXPECT_EQ(OrDie(admit(budget, kClaims, "0.1")), NoiseBudget::Verdict::repeated);
  EXPECT_EQ(OrDie(admit(budget, kClaims, "0.2")), NoiseBudget::Verdict::refused);
  EXPECT_EQ(OrDie(admit(budget, kClaims, "0.1", 'q')), NoiseBudget::Verdict::refused);  // another program
  EXPECT_EQ(OrDie(admit(budget, kJoined, "0.1")), NoiseBudget::Verdict::refused);
  EXPECT_EQ(budget.line(patient_data_->manifest, {})->epsilon_reserved, "0");  // refused for claims, not charged to patients
  EXPECT_EQ(OrDie(admit(budget, kCount, "0.1")), NoiseBudget::Verdict::reserved);
}

}  // namespace
}  // namespace redoubt::cleanroom
