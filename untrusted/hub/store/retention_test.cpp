// Goal: what the hub only tells is bounded, the oldest goes first, and whoever comes back to what is gone is told so instead of missing it in
// silence. Method: two environments and an audit trail on each kind of database, bounds of a few rows; cursors from before and after.
#include <gtest/gtest.h>

#include "untrusted/hub/store/events.h"
#include "untrusted/hub/store/journal.h"
#include "untrusted/hub/store/records_test_fixture.h"
#include "untrusted/hub/store/retention.h"

namespace redoubt::hub {
namespace {

class Kept : public Records {
 protected:
  void SetUp() override {
    Records::SetUp();
    if (IsSkipped()) return;
    EXPECT_OK(write([&](Transaction& t) { return add_environment(t, {"other", "", {}, EnvironmentState::active, kNow}, {}); }));
  }
  void add(int count, std::string_view environment = "env") {
    EXPECT_OK(write([&](Transaction& t) -> Status {
      for (int i = 0; i < count; ++i) REDOUBT_CHECK(add_event(t, environment, Event::Kind::query, "q" + std::to_string(made_++), "voting"));
      return {};
    }));
  }
  std::vector<Event> events(std::string_view environment = "env") {
    return OrDie(write([&](Transaction& t) { return events_of(t, environment, 0, 1'000'000, 100'000); }));
  }
  Result<std::int64_t> position(std::string_view environment, std::int64_t number) {
    return write([&](Transaction& t) { return event_position(t, environment, event_cursor(environment, number)); });
  }
  Result<Page<Event>> list(const PageRequest& page) {
    return write([&](Transaction& t) { return list_events(t, "env", page); });
  }
  void trim_to(std::uint64_t count, std::uint64_t audit = 1'000) { EXPECT_OK(trim(*store, {count, audit}, kNow)); }

  int made_ = 0;
};

REDOUBT_ON_BOTH_BACKENDS(Kept);

TEST_P(Kept, TheOldestEventsOfAnEnvironmentGoFirstAndNoOthers) {
  add(10);
  const auto before = events();
  const auto others = events("other").size();
  trim_to(before.size());
  EXPECT_EQ(events().size(), before.size()) << "not one too many";
  EXPECT_OK(position("env", 0));
  trim_to(4);
  const auto after = events();
  ASSERT_EQ(after.size(), 4U);
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_EQ(after[i].number, before[before.size() - 4 + i].number);
  EXPECT_EQ(events("other").size(), others) << "what happens in one environment drives nothing out of another";
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return event_floor(t, "other"); })), 0);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return event_floor(t, "env"); })), before[before.size() - 5].number);
  add(1);
  EXPECT_GT(events().back().number, after.back().number) << "numbers do not come again";
}

TEST_P(Kept, AnEnvironmentWithMoreThanIsRemovedAtOnceComesDownInSteps) {
  add(static_cast<int>(kTrimAtOnce) + 500);
  add(30, "other");
  const auto step = [&] { return OrDie(write([&](Transaction& t) { return trim_events(t, {10, 1'000}); })); };
  EXPECT_TRUE(step());
  EXPECT_GT(events().size(), 10U) << "the first step removes so many and no more";
  int steps = 1;
  while (step()) ++steps;
  EXPECT_EQ(steps, 3);
  EXPECT_EQ(events().size(), 10U);
  EXPECT_EQ(events("other").size(), 10U);
  int asked = 0;
  add(static_cast<int>(kTrimAtOnce) + 500);
  EXPECT_OK(trim(*store, {10, 1'000}, kNow, [&] { return asked++ > 0; }));
  EXPECT_GT(events().size(), 10U) << "whoever stops does not wait for the end";
}

TEST_P(Kept, APlaceWhoseEventsAreGoneIsToldFromOneThatNeverWas) {
  add(10);
  const auto before = events();
  trim_to(4);
  const std::int64_t floor = before[before.size() - 5].number;
  EXPECT_EQ(OrDie(position("env", floor)), floor) << "whoever has seen the last that is gone has missed nothing";
  EXPECT_EQ(OrDie(position("env", before.back().number)), before.back().number);
  for (const std::int64_t gone : {std::int64_t{0}, before.front().number, floor - 1}) EXPECT_ERROR(position("env", gone), Code::freshness, "not kept any more") << gone;
  EXPECT_ERROR(position("env", before.back().number + 100), Code::malformed, "no such event") << "one that is yet to come";
  EXPECT_OK(position("other", 0));
  EXPECT_ERROR(write([&](Transaction& t) { return event_position(t, "other", event_cursor("env", floor)); }), Code::malformed, "not one of this list");
}

TEST_P(Kept, TheListGoesOnWhereTheStreamStoppedAndTellsWhatIsGone) {
  add(10);
  const auto all = events();
  std::vector<std::int64_t> listed;
  PageRequest request{"", 5};
  do {
    const auto page = OrDie(list(request));
    for (const Event& event : page.items) listed.push_back(event.number);
    EXPECT_LE(page.items.size(), 5U);
    request.cursor = page.next;
  } while (!request.cursor.empty());
  ASSERT_EQ(listed.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(listed[i], all[i].number);
  EXPECT_EQ(OrDie(list({event_cursor("env", all[2].number), 1})).items.front().number, all[3].number);
  EXPECT_TRUE(OrDie(list({event_cursor("env", all.back().number), 1})).items.empty());
  trim_to(4);
  EXPECT_EQ(OrDie(list({"", 50})).items.size(), 4U) << "without a cursor it begins with what there is";
  EXPECT_ERROR(list({event_cursor("env", all[2].number), 50}), Code::freshness, "not kept any more");
  EXPECT_EQ(OrDie(list({event_cursor("env", all[all.size() - 5].number), 50})).items.size(), 4U);
  EXPECT_ERROR(list({event_cursor("other", 1), 50}), Code::malformed, "cursor");
}

TEST_P(Kept, TheAuditTrailIsBoundedAndSaysWhatWasRemoved) {
  const auto rows = [&] {
    return OrDie(write([&](Transaction& t) -> Result<std::vector<AuditEvent>> {
      return read_pages<AuditEvent>([&](const PageRequest& page) { return list_audit_events(t, page); });
    }));
  };
  for (int i = 0; i < 40; ++i) {
    EXPECT_OK(write([&](Transaction& t) { return add_audit_event(t, {kNow, "alice", "query.create", "q" + std::to_string(i), ""}); }));
  }
  trim_to(1'000, 40);
  EXPECT_EQ(rows().size(), 40U);
  trim_to(1'000, 20);
  const auto kept = rows();
  ASSERT_EQ(kept.size(), 19U) << "a tenth of the room is made at once, and the note takes one place";
  EXPECT_EQ(kept.front().object, "q22");
  EXPECT_EQ(kept.back().action, "audit.trim");
  EXPECT_EQ(kept.back().actor, "hub");
  EXPECT_EQ(kept.back().detail, "22 removed");
  trim_to(1'000, 20);
  EXPECT_EQ(rows().size(), 19U) << "nothing more is removed, and no second note";
}

TEST(Retention, HasBounds) {
  EXPECT_OK(Retention().check());
  EXPECT_OK((Retention{Retention::kMin, Retention::kMax}).check());
  EXPECT_ERROR((Retention{Retention::kMin - 1, 1'000}).check(), Code::usage, "kept events: expected 100");
  EXPECT_ERROR((Retention{1'000, Retention::kMax + 1}).check(), Code::usage, "kept audit events");
  EXPECT_ERROR((Retention{0, 0}).check(), Code::usage, "events");
}

}  // namespace
}  // namespace redoubt::hub
