// Goal: an answer that was given before is given again only while it is still true, and only to whom it was given. Method: the cache by itself; a hub
// whose database is changed by itself and by another process's connection between two requests.
#include "untrusted/hub/api/answer_cache.h"

#include <gtest/gtest.h>

#include "untrusted/hub/api/hub_test_fixture.h"

namespace redoubt::hub {
namespace {

std::string body_text(const std::optional<net::HttpResponse>& answer) { return answer ? std::string(as_text(std::get<Bytes>(answer->body))) : "nothing"; }

TEST(AnswerCache, GivesWhatWasKeptAtThisVersionUnderThisName) {
  AnswerCache cache;
  EXPECT_EQ(body_text(cache.find(1, "a")), "nothing");
  cache.keep(1, "a", net::json_response(200, "first"));
  cache.keep(1, "b", net::json_response(200, "second"));
  EXPECT_EQ(body_text(cache.find(1, "a")), "first");
  EXPECT_EQ(body_text(cache.find(1, "b")), "second");
  EXPECT_EQ(body_text(cache.find(1, "c")), "nothing");
  EXPECT_EQ(body_text(cache.find(2, "a")), "nothing");
  cache.keep(2, "b", net::json_response(200, "third"));
  EXPECT_EQ(body_text(cache.find(2, "b")), "third");
  EXPECT_EQ(body_text(cache.find(2, "a")), "nothing") << "what was kept at another version is gone";
  EXPECT_EQ(body_text(cache.find(1, "a")), "nothing");
  cache.keep(1, "a", net::json_response(200, "late"));
  EXPECT_EQ(body_text(cache.find(2, "a")), "nothing") << "a slow reader's answer is not taken for a newer one";
}

TEST(AnswerCache, KeepsNoRefusalsAndNoMoreThanItsMost) {
  AnswerCache cache;
  cache.keep(1, "refusal", net::json_response(404, "{}"));
  EXPECT_EQ(body_text(cache.find(1, "refusal")), "nothing");
  cache.keep(1, "pieces", {.status = 200, .body = net::PullBody{[] { return Result<Bytes>(Bytes()); }}});
  EXPECT_EQ(body_text(cache.find(1, "pieces")), "nothing");
  const std::string large(AnswerCache::kMaxBytes - 10, 'x');
  cache.keep(1, "large", net::json_response(200, large));
  EXPECT_EQ(body_text(cache.find(1, "large")).size(), large.size());
  cache.keep(1, "more", net::json_response(200, "xx"));
  EXPECT_EQ(body_text(cache.find(1, "more")), "nothing") << "it is full";
  cache.keep(2, "more", net::json_response(200, "xx"));
  EXPECT_EQ(body_text(cache.find(2, "more")), "xx") << "another version makes room";
  for (std::size_t i = 0; i < 2 * AnswerCache::kMaxAnswers; ++i) cache.keep(3, std::to_string(i), net::json_response(200, "x"));
  EXPECT_EQ(body_text(cache.find(3, std::to_string(AnswerCache::kMaxAnswers - 1))), "x");
  EXPECT_EQ(body_text(cache.find(3, std::to_string(AnswerCache::kMaxAnswers))), "nothing");
}

class RepeatedReads : public HubTest {};

TEST_F(RepeatedReads, TellEveryChangeWhoeverMadeIt) {
  start_hub();
  const auto room = open_study();
  const jobs::Proposal proposed = proposal(*room);
  propose_at_hub(proposed);
  const std::string query = query_path(proposed);
  const std::string list = std::string(kStudy) + "/queries";
  Client hospital = client_for("hospital");
  const Answer first = hospital.get(query);
  for (int i = 0; i < 3; ++i) {
    const Answer again = hospital.get(query);
    EXPECT_EQ(again.header("etag"), first.header("etag"));
    EXPECT_EQ(json::canonical(again.body), json::canonical(first.body));
    EXPECT_NE(again.header("x-request-id"), first.header("x-request-id")) << "each answer has an id of its own";
    EXPECT_EQ(hospital.get(list).count("items"), 1U);
  }
  // By the hub itself.
  const jobs::Proposal second = proposal(*room);
  propose_at_hub(second);
  EXPECT_EQ(hospital.get(list).count("items"), 2U);
  EXPECT_EQ(hospital.get(list + "?limit=1").count("items"), 1U);
  ASSERT_EQ(admin->post(query + "/approve", body("ballot", sign(ballot(*room, proposed, hospital_), hospital_))).status, 200);
  const Answer voted = hospital.get(query);
  EXPECT_EQ(voted.count("ballots"), 1U);
  EXPECT_NE(voted.header("etag"), first.header("etag"));
  // By another process.
  const auto other = OrDie(Store::open(folder.path() / "state" / "hub.db", wall()));
  ASSERT_OK(other->write("test", [&](Transaction& t) {
    return set_query_state(t, proposed.digest().hex(), QueryState::proposed, QueryState::rejected, "on second thoughts", wall());
  }));
  EXPECT_EQ(hospital.get(query).text("state"), "rejected");
  EXPECT_EQ(hospital.get(query).text("reason"), "on second thoughts");
}

TEST_F(RepeatedReads, AreNobodyElsesAndEndWithTheKey) {
  start_hub();
  const auto room = open_study();
  const jobs::Proposal proposed = proposal(*room);
  propose_at_hub(proposed);
  const std::string query = query_path(proposed);
  const std::string key = key_for("hospital");
  Client hospital(hub->port(), hub->pin(), key);
  Client stranger = client_for("stranger");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(hospital.get(query).status, 200);
    EXPECT_EQ(stranger.get(query).status, 404) << "what was read for a participant";
  }
  const std::string id = OrDie(hub->store().read([&](Transaction& t) { return find_api_key(t, key, wall()); })).id;
  ASSERT_OK(revoke_key({folder.path() / "state", nullptr}, id, wall()));  // as redoubt-hub key revoke does, beside the hub
  EXPECT_EQ(hospital.get(query).status, 401) << "from the next request on";
  EXPECT_EQ(hospital.get(query).status, 401);
}

TEST_F(RepeatedReads, AKeyThatExpiresMeanwhileEndsWithoutAnyChange) {
  std::atomic<std::int64_t> ahead = 0;  // of the hub's clock
  ServiceOptions with = options(folder.path() / "state");
  hub = OrDie(HubService::start(std::move(with), launcher, random, [&ahead] { return wall().plus_seconds(ahead); }, [] { return std::int64_t{0}; }));
  admin = std::make_unique<Client>(hub->port(), hub->pin(), admin_key(folder.path() / "state"));
  const auto made = OrDie(hub->store().write("key", [&](Transaction& t) { return create_api_key(t, random, "hospital", {"participant"}, wall(), {wall().plus_seconds(100), "", ""}); }));
  Client hospital(hub->port(), hub->pin(), std::string(as_text(made.text.reveal())));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(hospital.get("/api/tee/environments").status, 200);
  ahead = 101;
  EXPECT_EQ(hospital.get("/api/tee/environments").status, 401);
  hub.reset();
}

}  // namespace
}  // namespace redoubt::hub
