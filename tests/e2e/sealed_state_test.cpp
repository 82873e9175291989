// Goal: a real program goes on from its sealed state with the same answers, and takes no state that is older, of another contract or changed: it is a new instance then, and tells
// participants why. Method: the real program with a software TPM, stopped and started; between, its state folder is changed as an operator could.
#include "tests/e2e/clean_room_fixture.h"

namespace redoubt {
namespace {

class SealedState : public CleanRoom {
 protected:
  void stop() {
    door_.reset();
    program_.reset();
  }
  std::filesystem::path sealed(const std::string& environment = "study") const { return state_of(environment) / "sealed" / "journal"; }
  void deliver_all() {
    for (const auto* data : {&*hospital_data_, &*laboratory_data_}) deliver(*data);
  }
  std::string statement() { return OrDie(connect(hospital_).instance()).state; }
  InstanceId instance() { return OrDie(door_->state()).instance; }
  // refused: the program did not take the state that it found.
  void refused(const InstanceId& old, std::string_view why) {
    EXPECT_NE(instance(), old);
    EXPECT_FALSE(OrDie(door_->state()).open);
    trust(hospital_);
    EXPECT_NE(statement().find(why), std::string::npos) << statement();
  }
  sdk::OpenedResult result(const jobs::Proposal& proposal) {
    const auto run = OrDie(door_->run(proposal.digest().hex()));
    const auto file = OrDie(receipt::ReceiptFile::parse(run.receipt));
    const auto body = OrDie(receipt::ReceiptBody::parse(file.receipt.body));
    return OrDie(sdk::open_result(run.packages.at(0).second, analyst_.keys.hpke(), body.digest()));
  }
};

TEST_F(SealedState, NoiseAndBudgetsAreTheSameAfterARestart) {
  start();
  join_all();
  EXPECT_NE(statement().find("sealed; a new instance: there was no state"), std::string::npos) << statement();
  provide();
  const std::string sql = "SELECT diagnosis, count(*) AS patients FROM hospital GROUP BY diagnosis";
  const jobs::Noise noise{{"1", "0.000001"}, 1, 1};
  const InstanceId before = instance();
  const auto ask = [&] {
    jobs::Proposal asked = propose(sql, noise);
    asked.terms.manifests = {OrDie(jobs::Manifest::parse(hospital_data_->dataset.document.text)).digest()};
    EXPECT_OK(submit(asked));
    approve(asked);
    return asked;
  };
  const jobs::Proposal first = ask();
  const auto table = result(first).table;
  stop();
  start();
  EXPECT_EQ(instance(), before);
  EXPECT_NE(statement().find("goes on from epoch"), std::string::npos) << statement();
  EXPECT_TRUE(OrDie(door_->state()).open);
  deliver_all();
  // The result of before is still there; the same question again has the same answer, and costs nothing more.
  EXPECT_EQ(result(first).table.rows, table.rows);
  const jobs::Proposal again = ask();
  EXPECT_EQ(result(again).table.rows, table.rows);
  const auto budget = OrDie(connect(hospital_).reservation(again.digest(), nullptr)).budgets;
  ASSERT_EQ(budget.size(), 1U);
  EXPECT_EQ(budget[0].rho_reserved, budget[0].rho_cost);
}

TEST_F(SealedState, AnOlderStateIsRefusedAndTheProgramSaysWhy) {
  start();
  join_all();
  const InstanceId old = instance();
  stop();
  const Bytes copy = test::read_file(sealed());
  start();
  EXPECT_EQ(instance(), old);
  stop();
  std::ofstream(sealed(), std::ios::binary | std::ios::trunc) << as_text(copy);
  start();
  refused(old, "rolled back: expected epoch");
  // The new instance keeps its own state from here on.
  const InstanceId anew = instance();
  stop();
  start();
  EXPECT_EQ(instance(), anew);
}

TEST_F(SealedState, AStateThatWasChangedOrCutIsRefused) {
  start();
  join_all();
  const InstanceId old = instance();
  stop();
  Bytes state = test::read_file(sealed());
  state[state.size() - 20] ^= std::byte{1};
  std::ofstream(sealed(), std::ios::binary | std::ios::trunc) << as_text(state);
  start();
  refused(old, "changed, or not from here");
}

TEST_F(SealedState, TheStateOfAnotherContractIsRefused) {
  start();
  join_all();
  const InstanceId old = instance();
  stop();
  contract_.k = 11;
  contract_ = OrDie(jobs::Contract::parse(contract_.canonical()));
  start();
  refused(old, "expected contract");
}

}  // namespace
}  // namespace redoubt
