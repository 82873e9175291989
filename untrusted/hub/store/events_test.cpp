// Goal: each change of a record is told once, in order, in the transaction that makes it; a cursor opens nothing but a place among its
// environment's events. Method: one small hub on each kind of database; cursors taken elsewhere, made up and cut.
#include <gtest/gtest.h>

#include "untrusted/hub/store/datasets.h"
#include "untrusted/hub/store/events.h"
#include "untrusted/hub/store/records_test_fixture.h"

namespace redoubt::hub {
namespace {

class Events : public Records {
 protected:
  std::vector<std::string> told(std::string_view environment = "env", std::int64_t after = 0) {
    std::vector<std::string> out;
    for (const Event& event : OrDie(write([&](Transaction& t) { return events_of(t, environment, after, 1'000'000, 1000); }))) {
      EXPECT_EQ(event.environment, environment);
      EXPECT_GT(event.number, after);
      after = event.number;
      out.push_back(std::string(name_of(event.kind)) + " " + event.object + " " + event.state);
    }
    return out;
  }
  std::int64_t last() {
    return OrDie(write([&](Transaction& t) { return last_event(t); }));
  }
};

REDOUBT_ON_BOTH_BACKENDS(Events);

TEST_P(Events, TellEachChangeOnceAndInOrder) {
  const std::string first = instance.id.hex();
  EXPECT_EQ(told(), (std::vector<std::string>{"environment env active", "instance " + first + " running"}));
  std::int64_t seen = last();
  EXPECT_OK(write([&](Transaction& t) -> Status {
    REDOUBT_CHECK(add_query(t, query));
    REDOUBT_CHECK(add_ballot(t, "q1", {"alice", "a ballot", kNow}));
    REDOUBT_CHECK(set_query_state(t, "q1", QueryState::proposed, QueryState::queued, "", kNow));
    REDOUBT_CHECK(set_query_state(t, "q1", QueryState::queued, QueryState::running, "", kNow));
    return finish_query(t, "q1", {{"alice", to_bytes("sealed"), kNow}}, {instance.id, 7, "a receipt", kNow});
  }));
  EXPECT_EQ(told("env", seen), (std::vector<std::string>{"query q1 voting", "ballot q1 counted", "query q1 approved", "query q1 running", "query q1 done"}));
  seen = last();
  const Dataset dataset{"env", "d", 1, "alice", "a manifest", "0123", 5, DatasetState::uploading, kNow};
  EXPECT_OK(write([&](Transaction& t) -> Status {
    REDOUBT_CHECK(add_dataset(t, dataset));
    REDOUBT_CHECK(set_dataset_state(t, dataset, DatasetState::uploading, DatasetState::stored));
    REDOUBT_CHECK(set_instance_state(t, instance.id, InstanceState::stopped));
    return set_environment_state(t, "env", EnvironmentState::closed);
  }));
  EXPECT_EQ(told("env", seen), (std::vector<std::string>{"dataset 0123 uploading", "dataset 0123 stored", "instance " + first + " stopped", "environment env closed"}));
}

TEST_P(Events, NothingIsToldOfWhatDidNotComeToBe) {
  const auto before = told();
  EXPECT_ERROR(write([&](Transaction& t) -> Status {
    REDOUBT_CHECK(add_query(t, query));
    return Error(Code::refused, "on second thoughts");
  }), Code::refused, "second");
  EXPECT_ERROR(write([&](Transaction& t) { return set_query_state(t, "q1", QueryState::proposed, QueryState::queued, "", kNow); }), Code::not_found, "query");
  EXPECT_EQ(told(), before);
}

TEST_P(Events, EnvironmentsHaveTheirOwn) {
  EXPECT_OK(write([&](Transaction& t) { return add_environment(t, {"other", "", {}, EnvironmentState::active, kNow}, {}); }));
  EXPECT_OK(write([&](Transaction& t) { return add_query(t, query); }));
  EXPECT_EQ(told("other"), std::vector<std::string>{"environment other active"});
  EXPECT_EQ(told().size(), 3U);
  const auto all = OrDie(write([&](Transaction& t) { return events_after(t, 0, 100); }));
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[2].environment, "other");
  EXPECT_EQ(all[3].number, last());
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return last_event(t, "other"); })), all[2].number);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return last_event(t, "nowhere"); })), 0);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return events_after(t, all[0].number, 2); })).size(), 2U);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return events_of(t, "env", 0, all[1].number, 100); })).size(), 2U) << "no later ones";
}

TEST_P(Events, ACursorIsAPlaceAmongTheEventsOfItsEnvironment) {
  EXPECT_OK(write([&](Transaction& t) { return add_environment(t, {"other", "", {}, EnvironmentState::active, kNow}, {}); }));
  const auto position = [&](std::string_view environment, const std::string& cursor) {
    return write([&](Transaction& t) { return event_position(t, environment, cursor); });
  };
  const auto all = OrDie(write([&](Transaction& t) { return events_after(t, 0, 100); }));
  EXPECT_EQ(OrDie(position("env", event_cursor("env", all[1].number))), all[1].number);
  EXPECT_EQ(OrDie(position("env", event_cursor("env", 0))), 0);
  EXPECT_ERROR(position("other", event_cursor("env", all[1].number)), Code::malformed, "cursor: not one of this list");
  EXPECT_ERROR(position("other", event_cursor("env", 0)), Code::malformed, "not one of this list");
  EXPECT_ERROR(position("env", event_cursor("env", all[2].number)), Code::malformed, "no such event") << "another environment's";
  EXPECT_ERROR(position("env", event_cursor("env", all[2].number + 1000)), Code::malformed, "no such event") << "one that is yet to come";
  EXPECT_ERROR(position("env", event_cursor("env", -1)), Code::malformed, "cursor");
  for (const char* const junk : {"", "x", "====", "17"}) EXPECT_ERROR(position("env", junk), Code::malformed, "cursor");
  std::string whole = event_cursor("env", all[1].number);
  EXPECT_ERROR(position("env", whole.substr(0, whole.size() - 2)), Code::malformed, "cursor");
}

}  // namespace
}  // namespace redoubt::hub
