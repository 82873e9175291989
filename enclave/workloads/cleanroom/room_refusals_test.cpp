// Goal: refusals that may depend on data, or on what others asked, have one text, one kind of entry and no times of their own. Method: each reason in turn, with an engine
// that takes longer and shorter, on a clock that the test moves; refusals by the text of a query alone, and answers, are not held back.
#include "enclave/workloads/cleanroom/room_test_fixture.h"

namespace redoubt::cleanroom {
namespace {

using std::chrono::milliseconds;
using runtime::ReleaseTick;

class RoomRefusalsTest : public RoomTest {
 protected:
  // took: how long a call that must be refused takes on the test's clock, and that it says nothing.
  template <class Call>
  milliseconds took(Call call) {
    const milliseconds begun = elapsed_;
    const auto refused = call();
    EXPECT_FALSE(refused.ok());
    if (!refused.ok()) {
      EXPECT_EQ(refused.error().code(), Code::refused);
      EXPECT_EQ(refused.error().message(), "the query was not answered");
    }
    return elapsed_ - begun;
  }
  receipt::LogEntry last() const { return OrDie(receipt::LogEntry::parse(room_->entries(0).back())); }
};

TEST_F(RoomRefusalsTest, ARunThatIsNotAnsweredLeavesAtATickWhateverItsReason) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  const std::uint64_t size = room_->status().log_size;
  for (const int time : {0, 3, 249, 250, 251, 700, 119'999}) {
    engine_.during = [this, time] { elapsed_ += milliseconds(time); };
    for (const bool killed : {true, false}) {
      engine_.fails = killed;
      engine_.withholds = !killed;
      EXPECT_EQ(took([&] { return room_->run(query.digest()); }), ReleaseTick::after(milliseconds(time))) << time << (killed ? " killed" : " withheld");
      EXPECT_EQ(last(), (receipt::LogEntry{std::string(receipt::kRefusalEntry), crypto::Sha256Digest(query.digest().array())}));
    }
  }
  EXPECT_EQ(room_->status().log_size, size + 1) << "one entry, whatever the reasons were";
  // An answer is not held back.
  engine_.fails = engine_.withholds = false;
  engine_.during = [this] { elapsed_ += milliseconds(40); };
  const milliseconds begun = elapsed_;
  EXPECT_OK(room_->run(query.digest()));
  EXPECT_EQ(elapsed_ - begun, milliseconds(40));
}

TEST_F(RoomRefusalsTest, WantOfBudgetLeavesAtATickAndWhatTheTextAloneSaysDoesNot) {
  join_all(*room_);
  const Sealed patients = seal(hospital_, "patients", 1,
                               {{"patient_id", "BIGINT", jobs::ColumnRole::unit, "", ""}, {"diagnosis", "VARCHAR", jobs::ColumnRole::attribute, "", ""}}, kCsv, 2,
                               jobs::PrivacyLoss{"2", "0.00001"});
  ASSERT_OK(release(*room_, hospital_, patients));
  const auto asking = [&](std::string_view sql) {
    jobs::Proposal asked = proposal(*room_, sql);
    asked.terms.level = jobs::PrivacyLevel::differential_privacy;
    asked.terms.noise = jobs::Noise{{"1.8", "0.000001"}, 1, 1};
    asked.terms.manifests = {patients.manifest.digest()};
    return asked;
  };
  ASSERT_OK(room_->propose(sign(asking("SELECT 1"), analyst_)));
  EXPECT_EQ(elapsed_, milliseconds(0));
  const auto beyond = sign(asking("SELECT 2"), analyst_);
  EXPECT_EQ(took([&] { return room_->propose(beyond); }), ReleaseTick::kFirst);
  EXPECT_EQ(last().kind, receipt::kRefusalEntry);
  // Again: no second entry, and no quicker.
  const std::uint64_t size = room_->status().log_size;
  EXPECT_EQ(took([&] { return room_->propose(beyond); }), ReleaseTick::kFirst);
  EXPECT_EQ(room_->status().log_size, size);
  const milliseconds begun = elapsed_;
  EXPECT_ERROR(room_->propose(sign(asking("DROP"), analyst_)), Code::refused, "rule G1");
  jobs::Proposal least = asking("SELECT 3");
  least.terms.noise->loss.epsilon = "0.001";
  EXPECT_ERROR(room_->propose(sign(least, analyst_)), Code::refused, "expected epsilon");
  EXPECT_EQ(elapsed_, begun);
}

}  // namespace
}  // namespace redoubt::cleanroom
