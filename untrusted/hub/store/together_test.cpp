// Goal: functions that are committed together are as if each were alone: what one refuses, throws or loses is its own affair, and what was
// acknowledged is there. Method: writers that wait behind one that the test holds, on each kind of database; a fault point that throws.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "untrusted/hub/store/journal.h"
#include "untrusted/hub/store/records_test_fixture.h"

namespace redoubt::hub {
namespace {

class Together : public BackendTest {
 protected:
  static Status note(Transaction& transaction, const std::string& object) { return add_audit_event(transaction, {kNow, "test", "note", object, ""}); }
  std::vector<std::string> notes(Store& store) {
    std::vector<std::string> out;
    for (const AuditEvent& event : OrDie(store.read([](Transaction& t) -> Result<std::vector<AuditEvent>> {
           return read_pages<AuditEvent>([&](const PageRequest& page) { return list_audit_events(t, page); });
         }))) {
      out.push_back(event.object);
    }
    std::ranges::sort(out);
    return out;
  }
  // behind runs all `writers` while one write is held open, so that they wait for it, and then lets it go.
  static void behind(Store& store, const std::vector<std::function<void()>>& writers) {
    std::promise<void> held, go;
    std::atomic<std::size_t> started{0};
    std::thread first([&] {
      EXPECT_OK(store.write("first", [&](Transaction& t) -> Status {
        held.set_value();
        go.get_future().wait();
        return note(t, "first");
      }));
    });
    held.get_future().wait();
    std::vector<std::thread> threads;
    for (const auto& writer : writers) {
      threads.emplace_back([&] {
        ++started;
        writer();
      });
    }
    while (started < writers.size()) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // whoever is late is in a commit of its own, and all below holds too
    go.set_value();
    first.join();
    for (std::thread& thread : threads) thread.join();
  }
};

REDOUBT_ON_BOTH_BACKENDS(Together);

TEST_P(Together, EachIsKeptOrUndoneByItself) {
  const auto store = OrDie(Store::open(location(), kNow));
  std::vector<std::function<void()>> writers;
  std::vector<std::string> expected{"first"};
  for (int i = 0; i < 12; ++i) {
    const std::string good = "good" + std::to_string(i);
    expected.push_back(good);
    writers.emplace_back([&, good] { EXPECT_OK(store->write("good", [&](Transaction& t) { return note(t, good); })); });
    writers.emplace_back([&] {
      EXPECT_ERROR(store->write("bad", [&](Transaction& t) -> Status {
        REDOUBT_CHECK(note(t, "undone"));
        return Error(Code::refused, "on second thoughts");
      }), Code::refused, "second thoughts");
    });
    writers.emplace_back([&] {
      EXPECT_ERROR(store->write("broken", [&](Transaction& t) -> Status {
        REDOUBT_CHECK(note(t, "undone"));
        return t.change_one("INSERT INTO participants (environment, name, signing_key) VALUES (?, ?, ?)", {sql::text("nowhere"), sql::text("a"), sql::blob(Bytes(32))});
      }), Code::not_found, "refers to") << "the database refuses one statement, and not those of the others";
    });
    writers.emplace_back([&] {
      EXPECT_THROW(static_cast<void>(store->write("thrown", [&](Transaction& t) -> Status {
        REDOUBT_CHECK(note(t, "undone"));
        throw std::runtime_error("a bug");
      }).ok()), std::runtime_error) << "and its own caller gets it";
    });
  }
  behind(*store, writers);
  std::ranges::sort(expected);
  EXPECT_EQ(notes(*store), expected);
  EXPECT_EQ(notes(*OrDie(Store::open(location(), kNow))), expected) << "it is on disk";
}

TEST_P(Together, EachSeesWhatTheOnesBeforeItWrote) {
  const auto store = OrDie(Store::open(location(), kNow));
  std::atomic<int> made{0};
  std::atomic<int> found{0};
  const std::vector<std::function<void()>> writers(8, [&] {
    EXPECT_OK(store->write("once", [&](Transaction& t) -> Status {
      if (get_environment(t, "env").ok()) {
        ++found;
        return {};
      }
      ++made;
      return add_environment(t, {"env", "", {}, EnvironmentState::active, kNow}, {});
    }));
  });
  behind(*store, writers);
  EXPECT_EQ(made, 1);
  EXPECT_EQ(found, 7);
}

TEST_P(Together, AFaultBeforeTheCommitUndoesOneAndAfterItNone) {
  const auto store = OrDie(Store::open(location(), kNow, {.sql = {}, .fault = [](std::string_view name) {
                                                            if (name == "early:before" || name == "late:after") throw std::runtime_error("broken off");
                                                          }}));
  std::vector<std::function<void()>> writers;
  for (const char* const name : {"early", "late", "good"}) {
    writers.emplace_back([&, name] {
      const auto write = [&] { return store->write(name, [&](Transaction& t) { return note(t, name); }); };
      if (name == std::string("good")) {
        EXPECT_OK(write());
      } else {
        EXPECT_THROW(static_cast<void>(write().ok()), std::runtime_error) << name;
      }
    });
  }
  behind(*store, writers);
  EXPECT_EQ(notes(*store), (std::vector<std::string>{"first", "good", "late"}));
}

TEST_P(Together, ATransactionThatEndsEarlyKeepsNothingOfAnybodyAndSaysSo) {
  const auto store = OrDie(Store::open(location(), kNow));
  std::atomic<int> refused{0};
  std::vector<std::function<void()>> writers(6, [&] {
    const Status written = store->write("good", [&](Transaction& t) { return note(t, "good"); });
    if (!written.ok()) ++refused;
  });
  // As a full disk or a lost connection does: whatever was begun is gone in the middle of it.
  writers.emplace_back([&] {
    static_cast<void>(store->write("ends", [&](Transaction& t) -> Status {
      REDOUBT_TRY([[maybe_unused]] const auto ended, t.change("ROLLBACK"));
      return Error(Code::unavailable, "the disk is full");
    }).ok());
  });
  behind(*store, writers);
  EXPECT_EQ(std::ranges::count(notes(*store), "good"), 6 - refused) << "what was acknowledged is there, and nothing else";
  EXPECT_OK(store->write("next", [&](Transaction& t) { return note(t, "next"); })) << "and the next one passes";
}

}  // namespace
}  // namespace redoubt::hub
