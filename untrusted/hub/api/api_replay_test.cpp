// Goal: a call that carries an Idempotency-Key has one effect and one answer, whatever is lost on the way. Method: for every call that
// makes something, the hub breaks off just before and just after the commit, and the client asks again.
#include <gtest/gtest.h>

#include "untrusted/hub/api/hub_test_fixture.h"
#include "untrusted/hub/store/journal.h"

namespace redoubt::hub {
namespace {

class Replays : public HubTest {
 protected:
  void SetUp() override {
    change_options = [this](ServiceOptions& with) {
      with.fault = [this](std::string_view name) {
        const std::lock_guard lock(mutex);
        if (name != break_at) return;
        break_at.clear();
        throw std::runtime_error("broken off");
      };
    };
    start_hub();
  }
  // break_off: the next time the hub comes to `point`, the request that it answers ends there.
  void break_off(const std::string& point) {
    const std::lock_guard lock(mutex);
    break_at = point;
  }
  std::int64_t events(const std::string& action) {
    const auto all = OrDie(hub->store().read([](Transaction& t) {
      return read_pages<AuditEvent>([&](const PageRequest& page) { return list_audit_events(t, page); });
    }));
    return std::ranges::count(all, action, &AuditEvent::action);
  }
  // check_once: `send` makes one thing, whether its answer is lost or the effect never came to be. `send` gets a number that is another
  // for each thing to make.
  void check_once(const std::string& point, const std::string& action, const std::function<Answer(int)>& send) {
    for (const bool committed : {true, false}) {
      const int thing = committed ? 1 : 2;
      const std::int64_t before = events(action);
      admin->idempotency_key = point + std::to_string(thing);
      break_off(point + (committed ? ":after" : ":before"));
      EXPECT_EQ(send(thing).status, 500) << point;
      EXPECT_EQ(events(action), before + (committed ? 1 : 0)) << point;
      const Answer again = send(thing);
      EXPECT_TRUE(again.status == 200 || again.status == 201) << point << ": " << again.status << " " << again.text("detail");
      EXPECT_EQ(again.replayed, committed) << point;
      EXPECT_EQ(events(action), before + 1) << point;
      const Answer third = send(thing);
      EXPECT_TRUE(third.replayed) << point;
      EXPECT_EQ(third.status, again.status) << point;
      EXPECT_NE(third.header("x-request-id"), again.header("x-request-id")) << "an answer that is given again is another answer";
      if (committed) {
        EXPECT_EQ(third.body, again.body) << point;
      }
      EXPECT_EQ(events(action), before + 1) << point;
    }
    admin->idempotency_key.clear();
  }

  std::mutex mutex;
  std::string break_at;
};

TEST_F(Replays, WhateverIsLostEachThingIsMadeOnce) {
  check_once("environment.add", "environment.create", [&](int thing) {
    jobs::Contract wanted = contract();
    wanted.environment = "other-" + std::to_string(thing);
    return admin->post("/api/tee/environments", json::Object{{"contract", wanted.canonical()}});
  });
  check_once("key.create", "key.create", [&](int thing) {
    return admin->post("/api/tee/api-keys", json::Object{{"scopes", json::Array{json::Value("read")}}, {"subject", "subject-" + std::to_string(thing)}});
  });
  std::vector<std::string> ids;
  for (int i = 0; i < 2; ++i) {
    ids.push_back(admin->post("/api/tee/api-keys", json::Object{{"scopes", json::Array{json::Value("read")}}, {"subject", "rotated"}}).text("id"));
  }
  check_once("key.rotate", "key.rotate", [&](int thing) { return admin->send("POST", "/api/tee/api-keys/" + ids.at(static_cast<std::size_t>(thing - 1)) + "/rotate"); });

  create_study(*admin);
  check_once("dataset.add", "dataset.create", [&](int thing) {
    return admin->post(std::string(kStudy) + "/datasets", body("manifest", (thing == 1 ? hospital_data_ : laboratory_data_).document));
  });
  upload(*admin, hospital_data_);
  upload(*admin, laboratory_data_);
  const auto room = launcher.room();
  join_all(*room);
  const jobs::Proposal proposals[] = {proposal(*room), proposal(*room)};
  const auto of = [&](int thing) -> const jobs::Proposal& { return proposals[thing - 1]; };
  check_once("query.add", "query.create", [&](int thing) {
    return admin->post(std::string(kStudy) + "/queries", body("proposal", sign(of(thing), analyst_)));
  });
  const jobs::SignedDocument ballots[] = {sign(ballot(*room, of(1), hospital_), hospital_), sign(ballot(*room, of(2), hospital_), hospital_)};
  check_once("ballot.add", "query.approve", [&](int thing) {
    return admin->post(query_path(of(thing)) + "/approve", body("ballot", ballots[thing - 1]));
  });
}

TEST_F(Replays, AKeyIsForOneRequestOfOneCaller) {
  create_study(*admin);
  Client hospital = client_for("hospital");
  Client same_subject = client_for("hospital");
  hospital.idempotency_key = same_subject.idempotency_key = "k";
  const std::string target = std::string(kStudy) + "/datasets";
  EXPECT_EQ(hospital.post(target, body("manifest", hospital_data_.document)).status, 201);
  EXPECT_TRUE(hospital.post(target, body("manifest", hospital_data_.document)).replayed);
  // Another body, another object, another call.
  EXPECT_EQ(hospital.post(target, body("manifest", laboratory_data_.document)).status, 422);
  EXPECT_EQ(hospital.post("/api/tee/environments/" + contract().digest().hex() + "/datasets", body("manifest", hospital_data_.document)).status, 422);
  EXPECT_EQ(hospital.post("/api/tee/environments", contract_body()).status, 422);
  // Another API key has keys of its own; what it asks for is there already, and that answer is kept too.
  const Answer other = same_subject.post(target, body("manifest", hospital_data_.document));
  EXPECT_EQ(other.status, 200);
  EXPECT_FALSE(other.replayed);
  const Answer again = same_subject.post(target, body("manifest", hospital_data_.document));
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.body, other.body);
  // A refusal is not kept: the same request passes once it can.
  hospital.idempotency_key = "later";
  const Answer early = hospital.post(std::string(kStudy) + "/queries", body("proposal", sign(proposal(*launcher.room()), analyst_)));
  EXPECT_GE(early.status, 400);
  EXPECT_FALSE(hospital.post(std::string(kStudy) + "/queries", body("proposal", sign(proposal(*launcher.room()), analyst_))).replayed);
  // Reading takes no such key.
  EXPECT_EQ(hospital.get(kStudy).status, 200);
}

TEST_F(Replays, ManyAtOnceMakeOneThing) {
  std::atomic<int> made{0};
  std::atomic<int> repeated{0};
  std::atomic<int> wrong{0};
  const std::string key = key_for("hospital");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      Client client(hub->port(), hub->pin(), key);
      client.idempotency_key = "one";
      for (int tries = 0; tries < 1000; ++tries) {
        const Answer answer = client.post("/api/tee/environments", contract_body());
        if (answer.status == 409 && answer.header("retry-after") == "1") continue;  // another of them is being answered
        ++(answer.status != 201 ? wrong : answer.replayed ? repeated : made);
        return;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(repeated, 7);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(events("environment.create"), 1);
}

// Limits tell when to come back, in the answer's headers; the share of one address is not that of another's keys.
TEST_F(HubTest, ARefusalForItsRateSaysWhenToComeBack) {
  change_options = [](ServiceOptions& with) { with.rates = {.requests_per_second = 0.5, .request_burst = 3, .failures_per_second = 0.25, .failure_burst = 4}; };
  start_hub();
  Client hospital = client_for("hospital");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(hospital.get("/api/tee/environments").status, 200) << i;
  const Answer limited = hospital.get("/api/tee/environments");
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.header("retry-after"), "2");
  EXPECT_EQ(limited.header("ratelimit-policy"), "\"key\";q=3;w=6");
  EXPECT_EQ(limited.header("ratelimit"), "\"key\";r=0;t=2");
  EXPECT_EQ(limited.text("request_id"), limited.header("x-request-id"));
  Client stranger(hub->port(), hub->pin(), "rdt_" + std::string(43, 'A'));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(stranger.get("/api/tee/environments").status, 401) << i;
  const Answer barred = stranger.get("/api/tee/environments");
  EXPECT_EQ(barred.status, 429);
  EXPECT_EQ(barred.header("ratelimit-policy"), "\"address\";q=4;w=16");
  EXPECT_EQ(admin->get("/api/tee/environments").status, 429) << "a key that was not seen yet waits like any other";
  EXPECT_EQ(hospital.get("/api/tee/environments").status, 429);
  EXPECT_EQ(stranger.get("/healthz").status, 200);
}

}  // namespace
}  // namespace redoubt::hub
