// Goal: kill -9 of the enclave program at any point of a query's life loses no dataset, ballot or result that was acknowledged, and
// the query is done afterwards without a new ballot. With sealed state nobody does anything: clients see the same instance in another boot, whose log extends what they
// remember. Without it everyone verifies, signs and releases again. Method: a whole hub with real programs and software TPMs; three participants
// with the SDK and a memory; the program is killed at one named point.
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <set>
#include <sstream>

#include "client/sdk/carry_over.h"
#include "client/sdk/hub_client.h"
#include "tests/e2e/clean_room_fixture.h"
#include "untrusted/hub/api/service.h"
#include "tests/support/stride.h"

namespace redoubt {
namespace {

// The points at which the program is killed, in the order of a query's life.
enum class Point { joined, released, reserved, one_ballot, two_ballots, running, done };

struct Named {
  Point point;
  const char* name;
  bool sealed = false;
};

class EnclaveKilled : public testing::WithParamInterface<Named>, public CleanRoom {
 protected:
  EnclaveKilled() : CleanRoom(GetParam().sealed) {}
  void SetUp() override {
    hub::ServiceOptions options;
    options.state = folder_.path() / "state";
    options.listen = "127.0.0.1:0";
    options.version = "1.2.3";
    options.rates = {.requests_per_second = 1e6, .request_burst = 1e6, .failures_per_second = 1e6, .failure_burst = 1e6};
    options.instances.poll = std::chrono::milliseconds(50);
    options.instances.first_pause = std::chrono::milliseconds(50);
    options.worker.poll = std::chrono::milliseconds(50);
    hub_ = OrDie(hub::HubService::start(std::move(options), launcher_, random_, system_now, [] { return std::int64_t{0}; }));
    std::string key = test::read_text(folder_.path() / "state" / "admin.key");
    key.pop_back();
    client_.emplace(OrDie(sdk::HubClient::connect({{"127.0.0.1", hub_->port()}, hub_->pin(), key})));
    ASSERT_EQ(OrDie(client_->create_environment(contract_.canonical(), "create")), contract_.digest().hex());
    await_program("");
  }

  template <class F>
  static bool until(F&& done) {
    for (int i = 0; i < 1200; ++i) {
      if (done()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }
  void await_program(const std::string& not_this) {
    ASSERT_TRUE(until([&] {
      const auto view = OrDie(client_->environment("study"));
      if (view.state != "running" || (GetParam().sealed ? view.address == where_ : view.instance == not_this)) return false;
      if (GetParam().sealed && !instance_.empty() && view.instance != instance_) {
        ADD_FAILURE() << "expected the same instance, found " << view.instance << ": " << test::read_text(folder_.path() / "state/env" / contract_.digest().hex() / "program.log");
      }
      instance_ = view.instance;
      where_ = view.address;
      address_ = OrDie(sdk::Address::parse(view.address));
      return true;
    }));
  }
  // child_of: a process that runs `program` and was started by `parent`; 0 when there is none.
  static pid_t child_of(pid_t parent, std::string_view program) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::error_code gone;
      const auto exe = std::filesystem::read_symlink(entry.path() / "exe", gone);
      if (exe.filename() != program) continue;
      std::ifstream file(entry.path() / "stat");
      std::string stat;
      std::getline(file, stat);
      const std::size_t at = stat.rfind(") ");
      if (at != std::string::npos && std::stoi(stat.substr(at + 4)) == parent) return std::stoi(entry.path().filename().string());
    }
    return 0;
  }
  static pid_t program_pid() { return child_of(getpid(), "redoubt-cleanroom"); }
  // faults: the page faults of a process so far, which one that waits has no more of; -1 when it is gone.
  static long faults(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string stat, skipped;
    std::getline(file, stat);
    const std::size_t at = stat.rfind(") ");
    if (at == std::string::npos) return -1;
    std::istringstream rest(stat.substr(at + 2));
    for (int i = 0; i < 7; ++i) rest >> skipped;  // state to flags
    long count = -1;
    return rest >> count ? count : -1;
  }
  // Waiting: an engine that is started ahead of the next request and has come to rest.
  struct Waiting {
    pid_t pid = 0;
    long faults = -1;
  };
  static Waiting waiting_engine(pid_t program) {
    Waiting found;
    EXPECT_TRUE(until([&] {
      const pid_t pid = child_of(program, "redoubt-cleanroom-engine");
      const Waiting now{pid, pid == 0 ? -1 : faults(pid)};
      const bool rests = now.faults > 0 && now.pid == found.pid && now.faults == found.faults;
      found = now;
      if (!rests) std::this_thread::sleep_for(std::chrono::milliseconds(250));
      return rests;
    }));
    return found;
  }
  // kill_under_run: kills the program as soon as the engine that waited works; false when that was never seen.
  static bool kill_under_run(pid_t program, Waiting engine) {
    for (int i = 0; i < 20'000; ++i) {
      const long now = faults(engine.pid);
      if (now < 0) return false;
      if (now > engine.faults) return ::kill(program, SIGKILL) == 0;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  void kill_program() {
    const pid_t pid = program_pid();
    ASSERT_GT(pid, 0);
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    await_program(std::string(instance_));
  }
  bool at(Point point) {
    if (GetParam().point != point) return false;
    kill_program();
    return true;
  }

  // Memory: what each participant keeps, as EnvironmentState does.
  struct Memory {
    std::vector<sdk::KnownLog> earlier;
    std::optional<sdk::KnownLog> current;
    std::optional<jobs::CarryOver> carried;
  };
  Memory& memory(const Party& party) { return memories_[party.keys.name()]; }

  // see: the checkpoint extends the last one, and is kept.
  void see(Party& party, sdk::EnclaveClient& client) {
    const auto checkpoint = OrDie(client.checkpoint());
    auto& current = *memory(party).current;
    const auto kept = OrDie(receipt::Checkpoint::verify(current.note, receipt::log_origin(current.instance), current.receipt_key));
    ASSERT_GE(checkpoint.head().size, kept.head().size);
    const auto proof = OrDie(client.consistency(kept.head().size, checkpoint.head().size));
    ASSERT_OK(receipt::extends(kept.head(), checkpoint.head(), proof));
    current.note = checkpoint.note();
  }
  // verify: what `redoubt environment verify` does.
  void verify(Party& party) {
    trust(party);
    auto client = connect(party);
    const auto before = OrDie(client.instance());
    Memory& known = memory(party);
    if (!known.current || known.current->instance != client.claims().instance) {
      if (known.current) known.earlier.push_back(*known.current);
      known.current = sdk::KnownLog{client.claims().instance, client.claims().receipt_key, before.checkpoint.note(), true, ""};
      known.carried.reset();
    }
    ASSERT_OK(client.leave_enrolment(party.enrolments.back().encode()));
    ASSERT_OK(client.join());
    if (before.carry_over && !known.carried) {
      ASSERT_OK(sdk::check_old_logs(*before.carry_over, contract_.digest(), client.claims().instance, known.earlier,
                                    [&](std::uint64_t position, std::uint64_t from) { return client.old_entries(position, from); }));
      ASSERT_OK(client.carry_over(before.carry_over->statement));
      known.carried = before.carry_over->statement;
    }
    known.current->open = OrDie(client.instance()).open;
    see(party, client);
  }
  void verify_all() {
    for (Party* party : {&analyst_, &hospital_, &laboratory_}) verify(*party);
  }
  void put(const sdk::Sealed& sealed) {
    const auto held = OrDie(client_->put_dataset("study", sealed.dataset.document));
    const std::string manifest = sealed.dataset.manifest.digest().hex();
    ASSERT_OK(client_->upload("study", manifest, sealed.envelope, held, [](std::uint64_t, std::uint64_t) {}));
  }
  void release_all() {
    for (const auto& [party, sealed] : {std::pair<Party*, sdk::Sealed*>{&hospital_, &*hospital_data_}, {&laboratory_, &*laboratory_data_}}) {
      auto client = connect(*party);
      ASSERT_OK(client.release(sealed->dataset.document, sealed->dataset.object_key));
      see(*party, client);
    }
  }
  // return_to: what participants do after a restart: look, where the state was sealed; else verify, sign and release.
  void return_to() {
    if (GetParam().sealed) {
      for (Party* party : {&analyst_, &hospital_, &laboratory_}) {
        auto client = connect(*party);  // appraises its Evidence anew, with the enrolment of before
        ASSERT_EQ(client.claims().instance, memory(*party).current->instance);
        ASSERT_EQ(client.claims().receipt_key, memory(*party).current->receipt_key);
        ASSERT_TRUE(boots_.insert({party->keys.name(), client.claims().boot}).second);
        see(*party, client);
        const auto view = OrDie(client.instance());
        EXPECT_EQ(view.joined.size(), 3U);
        EXPECT_NE(view.state.find("goes on from epoch"), std::string::npos) << view.state;
      }
      return;
    }
    verify_all();
    release_all();
  }
  void vote(Party& voter, const jobs::Proposal& proposal) {
    auto client = connect(voter);
    const auto& carried = memory(voter).carried;
    std::optional<sdk::ReservationView> seen;
    ASSERT_TRUE(until([&] {  // the hub offers the proposal to the new instance by itself
      auto found = client.reservation(proposal.digest(), carried ? &*carried : nullptr);
      if (!found.ok() && found.error().code() != Code::not_found && found.error().code() != Code::unavailable) ADD_FAILURE() << found.error().message();
      if (found.ok()) seen.emplace(std::move(*found));
      return seen.has_value();
    }));
    const auto ballot = sdk::make_ballot(seen->proposal, jobs::Decision::approve, seen->head, seen->log_size, proposal.expires, voter.keys, random_);
    ASSERT_OK(client_->vote("study", proposal.digest().hex(), jobs::Decision::approve, ballot));
  }
  sdk::QueryView view(const jobs::Proposal& proposal) { return OrDie(client_->query("study", proposal.digest().hex())); }

  void check_result(const jobs::Proposal& proposal) {
    const std::string id = proposal.digest().hex();
    const auto file = OrDie(receipt::ReceiptFile::parse(OrDie(client_->receipt("study", id))));
    const auto body = OrDie(receipt::ReceiptBody::parse(file.receipt.body));
    const auto opened = OrDie(sdk::open_result(OrDie(client_->result("study", id, "analyst")), analyst_.keys.hpke(), body.digest()));
    ASSERT_EQ(opened.table.rows.size(), 2U);
    EXPECT_EQ(opened.table.rows[0][1], "357");
    sdk::ReceiptVerifier verifier{contract_, roots_, laboratory_.keys.enroller().public_key(), {},
                                  [](const appraise::Evidence& evidence, const appraise::Endorsements& endorsements,
                                     const appraise::Challenge& challenge, const appraise::Policy& policy, Instant now) {
                                    return appraise::appraise(evidence, endorsements, challenge, policy, now);
                                  },
                                  system_now()};
    EXPECT_OK(OrDie(sdk::check_receipt(file, std::move(verifier))).accepted());
    EXPECT_EQ(file.carried.has_value(), proposal.terms.instance != body.instance);
  }

  std::unique_ptr<hub::HubService> hub_;
  std::optional<sdk::HubClient> client_;
  std::string instance_;
  std::string where_;
  std::set<std::pair<std::string, BootId>> boots_;
  std::map<std::string, Memory> memories_;
};

TEST_P(EnclaveKilled, LosesNothingThatWasAcknowledged) {
  verify_all();
  if (at(Point::joined)) GetParam().sealed ? return_to() : verify_all();
  const Tables tables;
  hospital_data_ = seal(hospital_, "hospital", tables.hospital, "diagnosis", "VARCHAR");
  laboratory_data_ = seal(laboratory_, "laboratory", tables.laboratory, "radius_mean", "DECIMAL(12,7)");
  put(*hospital_data_);
  put(*laboratory_data_);
  release_all();
  if (at(Point::released)) return_to();
  for (const auto& dataset : OrDie(client_->datasets("study"))) EXPECT_NE(dataset.state, "") << dataset.digest;

  const jobs::Proposal proposal = propose(kSql);
  ASSERT_OK(client_->submit("study", jobs::sign_document(jobs::kProposalType, proposal.canonical(), analyst_.keys.signing())));
  if (at(Point::reserved)) return_to();
  vote(hospital_, proposal);
  if (at(Point::one_ballot)) {
    EXPECT_EQ(view(proposal).state, "voting");
    return_to();
  }
  // What is to run waits for a key, so that the program can be killed before its run; or it is killed while it runs.
  if (GetParam().point == Point::two_ballots && GetParam().sealed) {
    kill_program();
    return_to();
    vote(laboratory_, proposal);
    kill_program();
    return_to();
    EXPECT_EQ(view(proposal).ballots.size(), 2U);
  } else if (GetParam().point == Point::two_ballots) {
    kill_program();
    verify_all();
    vote(laboratory_, proposal);
    ASSERT_TRUE(until([&] { return view(proposal).state == "waiting_for_keys"; }));
    kill_program();
    ASSERT_TRUE(until([&] { return view(proposal).reason.find("redoubt environment verify") != std::string::npos; })) << view(proposal).reason;
    EXPECT_EQ(view(proposal).ballots.size(), 2U);
    return_to();
  } else if (GetParam().point == Point::running) {
    // After the reservation the engine that waits works for the run only.
    auto killed = std::async(std::launch::async, kill_under_run, program_pid(), waiting_engine(program_pid()));
    vote(laboratory_, proposal);
    ASSERT_TRUE(killed.get());
    await_program(std::string(instance_));
    EXPECT_EQ(view(proposal).ballots.size(), 2U);
    return_to();
  } else {
    vote(laboratory_, proposal);
  }
  ASSERT_TRUE(until([&] {
    const auto state = view(proposal).state;
    return state == "done" || state == "failed";
  })) << view(proposal).reason;
  ASSERT_EQ(view(proposal).state, "done") << view(proposal).reason;
  EXPECT_EQ(view(proposal).ballots.size(), 2U);
  check_result(proposal);
  if (at(Point::done)) {
    EXPECT_EQ(view(proposal).state, "done");
    check_result(proposal);
    return_to();
    EXPECT_EQ(view(proposal).state, "done");
    // A new query is compared with the one from before the restart, whose text the hub brings by itself.
    const jobs::Proposal again = propose(kSql);
    ASSERT_OK(client_->submit("study", jobs::sign_document(jobs::kProposalType, again.canonical(), analyst_.keys.signing())));
    vote(hospital_, again);
    vote(laboratory_, again);
    ASSERT_TRUE(until([&] { return view(again).state == "done" || view(again).state == "failed"; })) << view(again).reason;
    ASSERT_EQ(view(again).state, "done") << view(again).reason;
    check_result(again);
  }
}

// points: all of them in ./test.sh --full; every third otherwise, with both ways of starting again among them.
std::vector<Named> points() {
  const std::vector<Named> all{Named{Point::joined, "afterJoin"}, Named{Point::released, "afterDatasetRelease"},
                                         Named{Point::reserved, "afterReservation"}, Named{Point::one_ballot, "betweenBallots"},
                                         Named{Point::two_ballots, "beforeTheRunTwice"}, Named{Point::running, "duringTheRun"},
                                         Named{Point::done, "afterTheResult"},
                                         Named{Point::joined, "sealedAfterJoin", true}, Named{Point::released, "sealedAfterDatasetRelease", true},
                                         Named{Point::reserved, "sealedAfterReservation", true}, Named{Point::one_ballot, "sealedBetweenBallots", true},
                                         Named{Point::two_ballots, "sealedBeforeTheRunTwice", true}, Named{Point::running, "sealedDuringTheRun", true},
                                         Named{Point::done, "sealedAfterTheResult", true}};
  std::vector<Named> some;
  for (std::size_t i = 0; i < all.size(); i += test::stride(3)) some.push_back(all[i]);
  return some;
}

INSTANTIATE_TEST_SUITE_P(Points, EnclaveKilled, testing::ValuesIn(points()),
                         [](const auto& point) { return std::string(point.param.name); });

}  // namespace
}  // namespace redoubt
