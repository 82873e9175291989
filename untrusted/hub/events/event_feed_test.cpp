// Goal: whoever watches an environment gets each of its events once, in order and whenever it comes, and nothing else; keys that end, end
// what they watch. Method: the feed over each kind of database, its streams read by hand, with buffers small enough to be full.
#include "untrusted/hub/events/event_feed.h"

#include <gtest/gtest.h>

#include <atomic>

#include "common/crypto/system_random.h"
#include "untrusted/hub/store/accounts.h"
#include "untrusted/hub/store/records_test_fixture.h"
#include "untrusted/hub/store/retention.h"

namespace redoubt::hub {
namespace {

template <class Done>
bool until(Done&& done) {
  for (int i = 0; i < 4000; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

// Watching: one stream's other end.
class Watching {
 public:
  explicit Watching(net::StreamBody body) : stream_(std::move(body.stream)) {}
  // take: whatever is there, and whether more may come.
  void take() {
    auto taken = stream_->take();
    all += as_text(taken.bytes);
    ended = ended || taken.end || taken.cut;
  }
  bool await(std::string_view part) {
    return until([&] {
      take();
      return all.find(part) != std::string::npos;
    });
  }
  bool await_end() {
    return until([&] {
      take();
      return ended;
    });
  }
  // objects: what the events are about, in order.
  std::vector<std::string> objects() const {
    std::vector<std::string> out;
    constexpr std::string_view kId = "data: {\"id\":\"";
    for (std::size_t at = all.find(kId); at != std::string::npos; at = all.find(kId, at)) {
      at += kId.size();
      out.push_back(all.substr(at, all.find('"', at) - at));
    }
    return out;
  }
  // ids: the cursors that were told.
  std::vector<std::string> ids() const {
    std::vector<std::string> out;
    for (std::size_t at = all.find("id: "); at != std::string::npos; at = all.find("id: ", at)) {
      at += 4;
      out.push_back(all.substr(at, all.find('\n', at) - at));
    }
    return out;
  }
  std::size_t buffered() const { return stream_->buffered(); }

  std::string all;
  bool ended = false;

 private:
  std::shared_ptr<net::BodyStream> stream_;
};

class Feed : public Records {
 protected:
  void SetUp() override {
    Records::SetUp();
    if (IsSkipped()) return;
    key = make_key();
    EXPECT_OK(write([&](Transaction& t) { return add_environment(t, {"other", "", {}, EnvironmentState::active, kNow}, {}); }));
    start({});
  }
  void TearDown() override { feed.reset(); }
  void start(EventFeed::Options options) {
    options.poll = std::chrono::milliseconds(5);
    if (options.heartbeat == EventFeed::Options().heartbeat) options.heartbeat = std::chrono::hours(1);
    feed = std::make_unique<EventFeed>(*store, [] { return kNow; }, options);
  }
  std::string make_key() {
    return OrDie(write([&](Transaction& t) { return create_api_key(t, random, "alice", {"read"}, kNow); })).record.id;
  }
  void revoke(const std::string& id) {
    ASSERT_OK(write([&](Transaction& t) { return revoke_api_key(t, id, kNow); }));
  }
  void add(const std::string& id, const std::string& environment = "env") {
    Query more = query;
    more.id = id;
    more.environment = environment;
    ASSERT_OK(write([&](Transaction& t) { return add_query(t, more); }));
  }
  Watching watch(const std::string& environment = "env", const std::optional<std::string>& cursor = std::nullopt) {
    return Watching(OrDie(feed->open(environment, key, "alice", cursor)));
  }

  crypto::SystemRandom random;
  std::string key;
  std::unique_ptr<EventFeed> feed;
};

REDOUBT_ON_BOTH_BACKENDS(Feed);

TEST_P(Feed, GivesEachEventOnceAndTellsWhereToGoOn) {
  Watching first = watch();
  first.take();
  EXPECT_EQ(first.ids().size(), 1U) << "the place where it stands comes at once";
  EXPECT_EQ(first.objects(), std::vector<std::string>{}) << "what was before is not told";
  add("q1");
  ASSERT_TRUE(first.await("q1"));
  add("q2");
  EXPECT_OK(write([&](Transaction& t) { return set_query_state(t, "q1", QueryState::proposed, QueryState::queued, "the reason", kNow); }));
  ASSERT_TRUE(first.await("approved"));
  EXPECT_EQ(first.objects(), (std::vector<std::string>{"q1", "q2", "q1"}));
  EXPECT_NE(first.all.find("event: query\ndata: {\"id\":\"q1\",\"state\":\"voting\"}\n\n"), std::string::npos) << first.all;
  EXPECT_EQ(first.all.find("reason"), std::string::npos) << "ids and states only";
  const auto ids = first.ids();
  ASSERT_EQ(ids.size(), 4U);
  const std::vector<std::vector<std::string>> rest{{"q1", "q2", "q1"}, {"q2", "q1"}, {"q1"}, {}};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Watching again = watch("env", ids[i]);
    if (!rest[i].empty()) {
      EXPECT_TRUE(again.await("approved"));
    }
    EXPECT_EQ(again.objects(), rest[i]) << i;
  }
  Watching last = watch("env", ids.back());
  add("q3");
  ASSERT_TRUE(last.await("q3"));
  EXPECT_EQ(last.objects(), std::vector<std::string>{"q3"});
}

TEST_P(Feed, EnvironmentsAreWatchedAlone) {
  Watching here = watch();
  Watching there = watch("other");
  add("a");
  add("b", "other");
  add("c");
  ASSERT_TRUE(here.await("\"c\""));
  ASSERT_TRUE(there.await("\"b\""));
  EXPECT_EQ(here.objects(), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(there.objects(), std::vector<std::string>{"b"});
  EXPECT_ERROR(feed->open("other", key, "alice", here.ids().back()), Code::malformed, "not one of this list");
  for (const char* const junk : {"", "x", "AAAAAAAAAAA"}) EXPECT_ERROR(feed->open("env", key, "alice", junk), Code::malformed, "cursor");
  EXPECT_EQ(feed->counts().watchers, 2U) << "what was refused does not count";
}

TEST_P(Feed, WhoComesBackIsBroughtToThePresentInPortions) {
  std::string start;
  {
    Watching early = watch();
    early.take();
    start = early.ids().front();
  }
  std::vector<std::string> all;
  for (int i = 0; i < 350; ++i) {
    all.push_back("q" + std::to_string(i));
    add(all.back());
  }
  EventFeed::Options options;
  options.max_buffered = 2'000;
  this->start(options);
  Watching late = watch("env", start);
  std::size_t most = 0;
  EXPECT_TRUE(until([&] {
    most = std::max(most, late.buffered());
    late.take();
    return late.objects().size() == 350U;
  }));
  EXPECT_EQ(late.objects(), all);
  EXPECT_LE(most, 2'000U);
  add("new");
  EXPECT_TRUE(late.await("\"new\""));
}

TEST_P(Feed, WhoDoesNotReadHoldsOneBufferAndMissesNothing) {
  EventFeed::Options options;
  options.max_buffered = 1'000;
  start(options);
  Watching idle = watch();
  Watching quick = watch();
  std::vector<std::string> all;
  for (int i = 0; i < 60; ++i) {
    all.push_back("q" + std::to_string(i));
    add(all.back());
    ASSERT_TRUE(quick.await('"' + all.back() + '"')) << "others do not wait for it";
    EXPECT_LE(idle.buffered(), 1'000U);
  }
  EXPECT_GT(idle.buffered(), 0U);
  ASSERT_TRUE(idle.await("\"q59\""));
  EXPECT_EQ(idle.objects(), all);
  EXPECT_EQ(quick.objects(), all);
}

TEST_P(Feed, WhatIsRemovedBeforeItIsTakenIsToldAsAGap) {
  EventFeed::Options options;
  options.max_buffered = 300;  // some two events
  start(options);
  Watching slow = watch();
  Watching quick = watch();
  const std::string start = quick.await("\n\n") ? quick.ids().front() : "";
  for (int i = 0; i < 20; ++i) {
    add("q" + std::to_string(i));
    ASSERT_TRUE(quick.await("\"q" + std::to_string(i) + '"'));
  }
  EXPECT_OK(trim(*store, {3, 1'000}, kNow));
  EXPECT_ERROR(feed->open("env", key, "alice", start), Code::freshness, "not kept any more");
  ASSERT_TRUE(slow.await("\"q19\""));
  const std::size_t gap = slow.all.find("event: gap\ndata: {}\n\n");
  ASSERT_NE(gap, std::string::npos) << slow.all;
  EXPECT_EQ(slow.all.find("event: gap", gap + 1), std::string::npos);
  const auto told = slow.objects();
  ASSERT_GE(told.size(), 3U);
  EXPECT_EQ(std::vector<std::string>(told.end() - 3, told.end()), (std::vector<std::string>{"q17", "q18", "q19"})) << "behind the gap nothing is missing";
  EXPECT_LT(slow.all.find("event: gap"), slow.all.find("\"q17\""));
  EXPECT_EQ(slow.all.find("\"q16\""), std::string::npos);
  EXPECT_EQ(quick.all.find("event: gap"), std::string::npos) << "who has taken all misses nothing";
  // Its cursor goes on like any other.
  const auto ids = slow.ids();
  Watching again = watch("env", ids[ids.size() - 3]);
  ASSERT_TRUE(again.await("\"q19\""));
  EXPECT_EQ(again.objects(), (std::vector<std::string>{"q18", "q19"}));
}

TEST_P(Feed, ARevokedKeyGetsNothingMore) {
  const std::string other = make_key();
  Watching mine = watch();
  Watching theirs(OrDie(feed->open("env", other, "alice", std::nullopt)));
  add("a");
  ASSERT_TRUE(mine.await("\"a\""));
  ASSERT_TRUE(theirs.await("\"a\""));
  revoke(other);
  add("b");
  EXPECT_TRUE(theirs.await_end());
  ASSERT_TRUE(mine.await("\"b\""));
  EXPECT_EQ(theirs.objects(), std::vector<std::string>{"a"});
  EXPECT_EQ(feed->counts().ended, 1U);
  // Nor what came before, by a stream that is opened with what the hub let in just before.
  Watching late(OrDie(feed->open("env", other, "alice", mine.ids().front())));
  EXPECT_TRUE(late.await_end());
  EXPECT_EQ(late.objects(), std::vector<std::string>{});
}

TEST_P(Feed, AHeartbeatComesWhileNothingElseDoesAndEndsWhatIsRevoked) {
  EventFeed::Options options;
  options.heartbeat = std::chrono::milliseconds(10);
  start(options);
  Watching quiet = watch();
  ASSERT_TRUE(quiet.await("\n\n:\n\n:\n\n"));
  EXPECT_FALSE(quiet.ended);
  revoke(key);
  EXPECT_TRUE(quiet.await_end());
  EXPECT_EQ(quiet.objects(), std::vector<std::string>{});
}

TEST_P(Feed, AnotherHubsEventsAreSeenToo) {
  Watching here = watch();
  const auto other_hub = OrDie(Store::open(location(), kNow));
  Query more = query;
  more.id = "elsewhere";
  EXPECT_OK(other_hub->write("test", [&](Transaction& t) { return add_query(t, more); }));
  EXPECT_TRUE(here.await("\"elsewhere\""));
}

TEST_P(Feed, ParticipantsAndTheHubHaveTheirMost) {
  EventFeed::Options options;
  options.max_watchers = 3;
  options.max_watchers_of_one = 2;
  start(options);
  std::optional<Watching> first(watch());
  Watching second = watch();
  EXPECT_ERROR(feed->open("env", make_key(), "alice", std::nullopt), Code::refused, "2 event streams") << "more keys are no more streams";
  Watching third(OrDie(feed->open("env", key, "bob", std::nullopt)));
  EXPECT_ERROR(feed->open("env", key, "bob", std::nullopt), Code::unavailable, "too many");
  first.reset();
  EXPECT_TRUE(until([&] { return feed->counts().watchers == 2; })) << "who has gone makes room";
  EXPECT_OK(feed->open("env", key, "alice", std::nullopt));
}

TEST_P(Feed, StoppingEndsEveryStream) {
  Watching one = watch();
  feed->stop();
  EXPECT_TRUE(one.await_end());
  EXPECT_ERROR(feed->open("env", key, "alice", std::nullopt), Code::unavailable, "stopping");
}

}  // namespace
}  // namespace redoubt::hub
