// Goal: every row of the table in docs/design/sealed-state.md: a program that is killed between two steps goes on from all that it acknowledged; of two programs that go on from
// copies of one state only one acknowledges anything, and what it acknowledged is never replaced by the other's. Method: a real software TPM; programs that are killed at each
// named step, and a second one that goes on at each named step of the first, in both orders.
#include <sys/wait.h>

#include <csignal>

#include "enclave/seal/journal_test_fixture.h"

namespace redoubt::seal {
namespace {

TEST_F(JournalTest, OfTwoProgramsThatGoOnFromOneStateOneCanKeepAnything) {
  three();
  write(read(), "copy");
  auto first = OrDie(resume());
  EXPECT_ERROR(resume(), Code::unavailable, "another process uses it");
  ASSERT_OK(first.journal->append(as_bytes("boot")));
  EXPECT_ERROR(resume("copy"), Code::freshness, "rolled back");

  // Both start before either has kept anything.
  first.journal.reset();
  write(read(), "copy");
  first = OrDie(resume());
  auto second = OrDie(resume("copy"));
  ASSERT_OK(second.journal->append(as_bytes("boot of the copy")));
  EXPECT_ERROR(first.journal->append(as_bytes("boot")), Code::freshness, "another program goes on from it");
  EXPECT_ERROR(first.journal->append(as_bytes("again")), Code::freshness, "another program goes on from it");
  EXPECT_OK(second.journal->append(as_bytes("more")));
  first.journal.reset();
  EXPECT_ERROR(resume(), Code::freshness, "rolled back");
}

TEST_F(JournalTest, ARecordThatWasWrittenAndNeverAnchoredCannotBecomeASecondState) {
  three();
  // A program that is killed after it wrote its record: the copy keeps that record, the state goes on without it.
  const Bytes whole = read();
  auto first = OrDie(resume());
  forwarding_->silent = true;
  EXPECT_ERROR(first.journal->append(as_bytes("boot one")), Code::unavailable, "does not answer");
  const Bytes shadow = read();
  ASSERT_GT(shadow.size(), whole.size());
  forwarding_->silent = false;
  EXPECT_ERROR(first.journal->append(as_bytes("later")), Code::unavailable, "does not answer");
  first.journal.reset();
  auto second = OrDie(resume());
  EXPECT_EQ(texts(second).size(), 3U);
  EXPECT_GT(second.dropped, 0U);
  ASSERT_OK(second.journal->append(as_bytes("boot two")));
  second.journal.reset();
  write(shadow);
  EXPECT_FALSE(resume().ok());
}

class CopiesTest : public JournalTest {
 protected:
  // Program: one of two that go on from copies of the state of three(), and what it acknowledged since.
  struct Program {
    std::string name;
    std::vector<std::string> told;
    std::function<void(std::string_view)> fault;
    std::unique_ptr<Journal> journal;

    Status append(const std::string& text) {
      const Status kept = journal->append(as_bytes(text));
      if (kept.ok()) told.push_back(text);
      return kept;
    }
  };
  // both: two programs that started before either kept anything.
  void both() {
    three();
    write(read(), "copy");
    for (Program* program : {&first_, &second_}) {
      program->told.clear();
      Journal::Options with = options(program->name);
      with.fault = [program](std::string_view point) {
        const auto fault = program->fault;  // it may take itself away
        if (fault) fault(point);
      };
      program->journal = OrDie(resume(with)).journal;
    }
  }
  // at: the second program appends this much when the first reaches `point` of its next append.
  void at(std::string_view point, int records) {
    first_.fault = [this, point, records](std::string_view name) {
      if (name != point) return;
      first_.fault = nullptr;
      for (int i = 0; i < records; ++i) last_ = second_.append("second " + std::to_string(i));
    };
  }
  // goes_on: after both ended, the state of this program holds what it acknowledged, and goes on.
  void goes_on(Program& program) {
    end();
    auto resumed = OrDie(resume(program.name));
    std::vector<std::string> expected{"keys", "one", "two"};
    expected.insert(expected.end(), program.told.begin(), program.told.end());
    EXPECT_EQ(texts(resumed), expected) << program.name;
    EXPECT_OK(resumed.journal->append(as_bytes("boot")));
  }
  void refused(Program& program, std::string_view why = "rolled back") {
    end();
    EXPECT_ERROR(resume(program.name), Code::freshness, why);
  }
  void end() {
    first_.journal.reset();
    second_.journal.reset();
  }
  // in_both_orders: the roles of original and copy are exchanged, too.
  void in_both_orders(const std::function<void()>& row) {
    for (const bool exchanged : {false, true}) {
      first_ = {exchanged ? "copy" : "state", {}, nullptr, nullptr};
      second_ = {exchanged ? "state" : "copy", {}, nullptr, nullptr};
      std::filesystem::remove_all(folder_.path() / "state");
      std::filesystem::remove_all(folder_.path() / "copy");
      both();
      row();
      end();
    }
  }

  Program first_;
  Program second_;
  Status last_;
};

TEST_F(CopiesTest, WhoStartsAfterTheOtherKeptSomethingIsRefused) {
  in_both_orders([this] {
    second_.journal.reset();
    ASSERT_OK(first_.append("boot"));
    refused(second_);
    goes_on(first_);
  });
}

TEST_F(CopiesTest, WhoLooksAfterTheOtherKeptSomethingStops) {
  in_both_orders([this] {
    ASSERT_OK(second_.append("boot"));
    EXPECT_ERROR(first_.append("boot"), Code::freshness, "another program goes on from it");
    EXPECT_ERROR(first_.append("again"), Code::freshness, "another program goes on from it");
    EXPECT_OK(second_.append("more"));
    EXPECT_TRUE(first_.told.empty());
    refused(first_);
    goes_on(second_);
  });
}

TEST_F(CopiesTest, WhoHasWrittenWhenTheOtherKeepsSomethingLooksAgainAndStops) {
  in_both_orders([this] {
    at("seal.written", 3);
    EXPECT_ERROR(first_.append("boot"), Code::freshness, "another program goes on from it");
    EXPECT_OK(last_);
    EXPECT_OK(second_.append("more"));
    EXPECT_TRUE(first_.told.empty());
    refused(first_);
    goes_on(second_);
  });
}

TEST_F(CopiesTest, WhoWasStoppedAfterItsLastLookTakesNothingBack) {
  // The host stops one program between its last look and its anchor, lets the other go on and acknowledge, and then goes on with the first: whatever it ends it with, at
  // whatever step, neither state stands, and nothing that was acknowledged is replaced.
  for (const bool killed : {false, true}) {
    for (const int records : {1, 3}) {
      in_both_orders([&] {
        first_.fault = [&](std::string_view point) {
          for (int i = 0; point == "seal.looked" && i < records; ++i) EXPECT_OK(second_.append("second " + std::to_string(i)));
          if (point == "seal.anchored" && killed) forwarding_->without_anchor = true;  // it learns nothing more
        };
        EXPECT_FALSE(first_.append("boot").ok());
        forwarding_->without_anchor = false;
        EXPECT_TRUE(first_.told.empty());
        EXPECT_EQ(second_.told.size(), static_cast<std::size_t>(records));
        EXPECT_ERROR(second_.append("more"), Code::freshness, "another program goes on from it");
        refused(first_);
        refused(second_);
      });
    }
  }
}

TEST_F(CopiesTest, WhoseAnchorIsExtendedBeforeItLooksBackTellsNobody) {
  for (const std::string_view point : {"seal.anchored", "seal.counted"}) {
    in_both_orders([&] {
      // The other program's last command, sent long ago, reaches the TPM now.
      first_.fault = [&](std::string_view name) {
        if (name == point) {
          EXPECT_OK(sealer_->extend(crypto::sha256(as_bytes("a record of the other program"))));
        }
      };
      const Status kept = first_.append("boot");
      // Right behind the counter it is too late to notice: what was told then is what the next append, and the next start, refuse to go on from.
      if (point == "seal.anchored") {
        EXPECT_ERROR(kept, Code::freshness, "the anchor names a record that is not ours");
      }
      first_.fault = nullptr;
      EXPECT_ERROR(first_.append("more"), Code::freshness, "another program goes on from it");
      EXPECT_ERROR(second_.append("boot"), Code::freshness, "another program goes on from it");
      refused(first_);
      refused(second_);
    });
  }
}

TEST_F(CopiesTest, WhoIsInterruptedBehindItsAnchorGoesOnAndTheOtherStops) {
  for (const std::string_view point : {"seal.anchored", "seal.confirmed", "seal.counted"}) {
    in_both_orders([&] {
      at(point, 1);
      EXPECT_OK(first_.append("boot"));
      EXPECT_ERROR(last_, Code::freshness, "another program goes on from it");
      EXPECT_OK(first_.append("more"));
      EXPECT_TRUE(second_.told.empty());
      refused(second_);
      goes_on(first_);
    });
  }
}

TEST_F(CopiesTest, ACopyThatCountsWhileItsOriginalIsStoppedIsNotReplacedByIt) {
  in_both_orders([this] {
    second_.journal.reset();
    first_.fault = [this](std::string_view point) {
      if (point != "seal.confirmed") return;
      write(read(first_.name), second_.name);  // with the record that is anchored
      second_.journal = OrDie(resume(second_.name)).journal;
      EXPECT_OK(second_.append("boot of the copy"));
    };
    EXPECT_ERROR(first_.append("boot"), Code::freshness, "another program goes on from it");
    EXPECT_TRUE(first_.told.empty());
    EXPECT_ERROR(second_.append("more"), Code::freshness, "another program goes on from it");
    refused(first_);
    refused(second_);
  });
}

TEST_F(CopiesTest, ACopyOfAProgramThatWasKilledBeforeItCountedIsNoSecondState) {
  in_both_orders([this] {
    // Anchored, not counted, not told. Its copy of before is refused, its own state goes on.
    forwarding_->uncounted = true;
    EXPECT_ERROR(first_.append("boot"), Code::unavailable, "does not count");
    forwarding_->uncounted = false;
    EXPECT_ERROR(second_.append("boot"), Code::freshness, "another program goes on from it");
    refused(second_);
    first_.told.emplace_back("boot");  // written, and nobody was told: it may stand
    goes_on(first_);
  });
}

TEST_F(JournalTest, KilledAtAnyStepLosesNothingThatWasAcknowledged) {
  unplug();  // the TPM serves one connection, and it is the child's
  const std::vector<std::string> points{"seal.written", "seal.looked", "seal.anchored", "seal.confirmed", "seal.counted"};
  // The n-th time that a point is met: while the state is made, and while records are appended.
  for (const std::string& point : points) {
    for (int time = 1; time <= 3; ++time) {
      std::filesystem::remove_all(folder_.path() / "state");
      int ends[2];
      ASSERT_EQ(pipe(ends), 0);
      const pid_t child = fork();
      if (child == 0) {
        plug(*tpm_);
        int met = 0;
        Journal::Options killed = options();
        killed.fault = [&](std::string_view name) {
          if (name == point && ++met == time) raise(SIGKILL);
        };
        auto journal = Journal::create(killed, kInstance, *forwarding_, random_, as_bytes("0"));
        for (char record = '0'; journal.ok() && record < '5'; ++record) {
          if (record > '0' && !(*journal)->append(as_bytes({&record, 1})).ok()) break;
          if (::write(ends[1], &record, 1) != 1) break;
        }
        _exit(0);
      }
      close(ends[1]);
      std::string acknowledged(16, '\0');
      std::size_t count = 0;
      for (ssize_t got = 0; (got = ::read(ends[0], acknowledged.data() + count, acknowledged.size() - count)) > 0;) count += static_cast<std::size_t>(got);
      close(ends[0]);
      int status = 0;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      plug(*tpm_);
      const auto resumed = resume();
      const std::string what = point + " " + std::to_string(time);
      if (count > 0) {
        ASSERT_OK(resumed) << what;
      }
      if (resumed.ok()) {
        EXPECT_GE(resumed->records.size(), count) << what;
        EXPECT_LE(resumed->records.size(), count + 1) << what;
        for (std::size_t i = 0; i < resumed->records.size(); ++i) EXPECT_EQ(as_text(resumed->records[i].reveal()), std::string(1, static_cast<char>('0' + i)));
        EXPECT_OK(resumed->journal->append(as_bytes("boot"))) << what;
      } else {
        EXPECT_NE(resumed.error().code(), Code::unavailable) << resumed.error().message();
      }
      unplug();
    }
  }
}

TEST_F(JournalTest, KilledAgainAndAgainWhileItStartsLosesNothing) {
  three();
  unplug();
  std::size_t known = 3;
  for (const std::string_view point : {"seal.written", "seal.looked", "seal.anchored", "seal.confirmed", "seal.counted"}) {
    for (int time = 0; time < 3; ++time) {
      const pid_t child = fork();
      if (child == 0) {
        plug(*tpm_);
        Journal::Options killed = options();
        killed.fault = [&](std::string_view name) {
          if (name == point) raise(SIGKILL);
        };
        auto resumed = resume(killed);
        if (resumed.ok()) static_cast<void>(resumed->journal->append(as_bytes("boot")).ok());
        _exit(0);
      }
      int status = 0;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      ASSERT_TRUE(WIFSIGNALED(status)) << point << " " << time;
      plug(*tpm_);
      const auto resumed = resume();
      ASSERT_OK(resumed) << point << " " << time;
      // What was anchored stands, what was not is cut off.
      if (point != "seal.written" && point != "seal.looked") ++known;
      EXPECT_EQ(resumed->records.size(), known) << point << " " << time;
      unplug();
    }
  }
  plug(*tpm_);
  auto resumed = OrDie(resume());
  ASSERT_OK(resumed.journal->append(as_bytes("boot")));
  resumed.journal.reset();
  EXPECT_EQ(OrDie(resume()).records.size(), known + 1);
}

}  // namespace
}  // namespace redoubt::seal
