// Goal: whoever takes part in an environment is told of its changes as they happen, whoever does not is told nothing, and no client's doing
// costs the others anything. Method: a hub over real rooms, TLS clients that read by hand, cursors and keys of others.
#include <gtest/gtest.h>

#include "common/net/client_transport.h"
#include "untrusted/hub/api/hub_test_fixture.h"

namespace redoubt::hub {
namespace {

// Stream: the raw answer to a request for events, as far as it has come.
class Stream {
 public:
  Stream(const HubService& hub, const std::string& key, const std::string& target, const net::Headers& headers = {})
      : transport_(OrDie(net::ClientTransport::connect_tcp("127.0.0.1", hub.port(), soon()))) {
    const auto context = OrDie(net::TlsContext::client(net::TrustSpki{hub.pin()}, {"http/1.1"}));
    EXPECT_OK(transport_.start_tls(OrDie(net::TlsEndpoint::connect(context, "127.0.0.1")), soon()));
    std::string ask = "GET " + target + " HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer " + key + "\r\n";
    for (const auto& [name, value] : headers) ask += name + ": " + value + "\r\n";
    EXPECT_OK(transport_.write(as_bytes(ask + "\r\n"), soon()));
  }
  // await reads until `part` has come, behind `from`; false when the stream ends before.
  bool await(std::string_view part, std::size_t from = 0) {
    while (all().find(part, from) == std::string::npos) {
      const auto more = transport_.read(received_, 64U << 20, soon());
      if (!more.ok() || !*more) return false;
    }
    return true;
  }
  // await_end: whether it ended cleanly.
  bool await_end() {
    for (;;) {
      const auto more = transport_.read(received_, 64U << 20, soon());
      if (!more.ok()) return false;
      if (!*more) return true;
    }
  }
  std::string all() const { return std::string(as_text(received_)); }
  int status() { return await("\r\n\r\n") ? std::stoi(all().substr(9, 3)) : 0; }
  // ids: the cursors so far, the first of which is where the stream began.
  std::vector<std::string> ids() const {
    std::vector<std::string> out;
    const std::string text = all();
    for (std::size_t at = text.find("\nid: "); at != std::string::npos; at = text.find("\nid: ", at)) {
      at += 5;
      out.push_back(text.substr(at, text.find('\n', at) - at));
    }
    return out;
  }

 private:
  static net::ClientTransport::Deadline soon() { return net::ClientTransport::in(std::chrono::seconds(20)); }
  net::ClientTransport transport_;
  Bytes received_;
};

class EventsApi : public HubTest {
 protected:
  void SetUp() override {
    change_options = [](ServiceOptions& with) {
      with.events.poll = std::chrono::milliseconds(10);
      with.events.heartbeat = std::chrono::milliseconds(100);
    };
    start_hub();
    room = open_study();
    key = key_for("hospital");
  }
  std::string events() const { return std::string(kStudy) + "/events"; }
  // propose puts a query, and gives its id.
  std::string propose() {
    const jobs::Proposal proposed = proposal(*room);
    propose_at_hub(proposed);
    return proposed.digest().hex();
  }

  std::shared_ptr<cleanroom::Room> room;
  std::string key;
};

TEST_F(EventsApi, AParticipantFollowsAQueryToItsResult) {
  Stream live(*hub, key, events());
  ASSERT_EQ(live.status(), 200);
  EXPECT_NE(live.all().find("content-type: text/event-stream\r\n"), std::string::npos);
  EXPECT_NE(live.all().find("cache-control: no-store\r\n"), std::string::npos);
  EXPECT_NE(live.all().find("x-request-id: req-"), std::string::npos);
  ASSERT_TRUE(live.await("\nid: "));
  ASSERT_TRUE(live.await("\n\n"));
  const std::string start = live.ids().front();
  release_keys(*room);
  for (const Sealed* data : {&hospital_data_, &laboratory_data_}) {
    EXPECT_TRUE(live.await("event: dataset\ndata: {\"id\":\"" + data->manifest.digest().hex() + "\",\"state\":\"ready\"}\n\n")) << "whoever waits for data is told";
  }
  const jobs::Proposal proposed = proposal(*room);
  propose_at_hub(proposed);
  approve_at_hub(*room, proposed);
  const std::string id = proposed.digest().hex();
  const auto told = [&](std::string_view kind, std::string_view state) {
    return "event: " + std::string(kind) + "\ndata: {\"id\":\"" + id + "\",\"state\":\"" + std::string(state) + "\"}\n\n";
  };
  const std::vector<std::string> steps{told("query", "voting"), told("ballot", "counted"), told("query", "approved"), told("query", "running"), told("query", "done")};
  for (const std::string& step : steps) ASSERT_TRUE(live.await(step)) << step << "\n" << live.all();
  // Ids and states: no name, no query, no reason.
  for (const std::string_view secret : {"SELECT", "hospital", "laboratory", "analyst", "sealed"}) EXPECT_EQ(live.all().find(secret), std::string::npos) << secret;
  // Whoever comes back, with the header or the parameter, is told the same; the header counts.
  const std::size_t voting = live.all().find(steps[0]);
  const std::size_t line = live.all().rfind("id: ", voting) + 4;
  const std::string middle = live.all().substr(line, live.all().find('\n', line) - line);
  Stream resumed(*hub, key, events() + "?cursor=" + start);
  Stream again(*hub, key, events() + "?cursor=" + start, {{"last-event-id", middle}});
  for (Stream* const stream : {&resumed, &again}) {
    for (std::size_t i = 1; i < steps.size(); ++i) ASSERT_TRUE(stream->await(steps[i])) << steps[i];
  }
  EXPECT_NE(resumed.all().find(steps[0]), std::string::npos);
  EXPECT_EQ(again.all().find(steps[0]), std::string::npos) << "it had seen that one";
  EXPECT_TRUE(live.await("\r\n:\n\n")) << "a heartbeat";
}

TEST_F(EventsApi, StrangersAndForgedCursorsGetNothing) {
  Stream mine(*hub, key, events());
  ASSERT_TRUE(mine.await("\nid: "));
  ASSERT_TRUE(mine.await("\n\n"));
  const std::string cursor = mine.ids().front();
  jobs::Contract other = contract();
  other.environment = "elsewhere";
  other.participants = {laboratory_.listed(), stranger_.listed()};
  const Answer made = admin->post("/api/tee/environments", json::Object{{"contract", other.canonical()}});
  ASSERT_EQ(made.status, 201);
  const std::string strangers_key = key_for("stranger");
  Stream theirs(*hub, strangers_key, "/api/tee/environments/elsewhere/events");
  ASSERT_TRUE(theirs.await("\nid: "));
  ASSERT_TRUE(theirs.await("\n\n"));

  Client stranger(hub->port(), hub->pin(), strangers_key);
  EXPECT_EQ(stranger.get(events()).status, 404);
  EXPECT_EQ(stranger.get(events() + "?cursor=" + cursor).status, 404);
  EXPECT_EQ(stranger.get("/api/tee/environments/elsewhere/events?cursor=" + cursor).status, 400) << "another environment's place";
  Client hospital(hub->port(), hub->pin(), key);
  for (const std::string& forged : std::vector<std::string>{theirs.ids().front(), cursor + "A", cursor.substr(4), "x", std::string(300, 'A')}) {
    EXPECT_EQ(hospital.get(events() + "?cursor=" + forged).status, 400) << forged;
    hospital.more = {{"last-event-id", forged}};
    const Answer refused = hospital.get(events() + "?cursor=" + cursor);
    EXPECT_EQ(refused.status, 400) << forged;
    EXPECT_EQ(refused.header("content-type"), "application/problem+json");
    hospital.more = {};
  }
  EXPECT_EQ(hospital.get(events() + "?from=1").status, 400);
  Client nobody(hub->port(), hub->pin(), "");
  EXPECT_EQ(nobody.get(events()).status, 401);

  const std::string id = propose();
  ASSERT_TRUE(mine.await(id));
  ASSERT_TRUE(theirs.await("\r\n:\n\n", theirs.all().size())) << "a heartbeat after it";
  EXPECT_EQ(theirs.all().find(id), std::string::npos);
}

TEST_F(EventsApi, TheListTellsWhatTheStreamTold) {
  Stream live(*hub, key, events());
  ASSERT_TRUE(live.await("\nid: "));
  const std::string id = propose();
  ASSERT_TRUE(live.await(id));
  ASSERT_TRUE(live.await("\n\n", live.all().find(id)));
  Client hospital(hub->port(), hub->pin(), key);
  const std::string start = live.ids().front();
  const Answer since = hospital.get(events() + "/list?cursor=" + start);
  ASSERT_EQ(since.status, 200) << since.text("detail");
  std::vector<std::string> cursors{start};
  for (const json::Value& item : *since.find("items")->array()) {
    const json::Object& event = *item.object();
    cursors.push_back(*event.at("cursor").string());
    EXPECT_EQ(event.size(), 4U);
  }
  const auto streamed = live.ids();
  ASSERT_GE(cursors.size(), streamed.size());
  for (std::size_t i = 0; i < streamed.size(); ++i) EXPECT_EQ(cursors[i], streamed[i]) << i;
  // From the first on, in pages.
  std::size_t count = 0;
  std::string next;
  do {
    const Answer page = hospital.get(events() + "/list?limit=2" + (next.empty() ? "" : "&cursor=" + next));
    ASSERT_EQ(page.status, 200);
    EXPECT_LE(page.count("items"), 2U);
    count += page.count("items");
    next = page.text("next");
  } while (!next.empty());
  EXPECT_GT(count, cursors.size());
  Client stranger(hub->port(), hub->pin(), key_for("stranger"));
  EXPECT_EQ(stranger.get(events() + "/list").status, 404);
  EXPECT_EQ(stranger.get(events() + "/list?cursor=" + start).status, 404);
  EXPECT_EQ(hospital.get(events() + "/list?cursor=" + start + "A").status, 400);
  EXPECT_EQ(hospital.get(events() + "/list?limit=0").status, 400);
}

TEST_F(EventsApi, APlaceWhoseEventsAreNotKeptIsGone) {
  Stream live(*hub, key, events());
  ASSERT_TRUE(live.await("\nid: "));
  ASSERT_TRUE(live.await("\n\n"));
  const std::string start = live.ids().front();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(live.await(propose()));
  ASSERT_OK(trim(hub->store(), {2, 1'000'000}, wall()));
  Client hospital(hub->port(), hub->pin(), key);
  for (const std::string& address : {events() + "?cursor=" + start, events() + "/list?cursor=" + start}) {
    const Answer answer = hospital.get(address);
    EXPECT_EQ(answer.status, 410) << address;
    EXPECT_EQ(answer.text("code"), "freshness");
    EXPECT_NE(answer.text("detail").find("not kept any more"), std::string::npos);
  }
  hospital.more = {{"last-event-id", start}};
  EXPECT_EQ(hospital.get(events()).status, 410);
  hospital.more = {};
  EXPECT_GE(hospital.get(events() + "/list").count("items"), 2U);
  Client stranger(hub->port(), hub->pin(), key_for("stranger"));
  EXPECT_EQ(stranger.get(events() + "?cursor=" + start).status, 404) << "who may not watch learns nothing of what was";
}

TEST_F(EventsApi, ARevokedKeysStreamEndsWithoutAnotherEvent) {
  Stream stream(*hub, key, events());
  ASSERT_TRUE(stream.await("\nid: "));
  const std::string key_id = OrDie(hub->store().read([&](Transaction& t) { return find_api_key(t, key, wall()); })).id;
  ASSERT_EQ(admin->send("POST", "/api/tee/api-keys/" + key_id + "/revoke").status, 200);
  const std::string id = propose();
  EXPECT_TRUE(stream.await_end());
  EXPECT_EQ(stream.all().find(id), std::string::npos);
  Stream refused(*hub, key, events());
  EXPECT_EQ(refused.status(), 401);
}

TEST_F(EventsApi, AClientThatNeverReadsHoldsUpNobody) {
  Stream silent(*hub, key, events());
  Stream reader(*hub, key_for("laboratory"), events());
  ASSERT_TRUE(reader.await("\nid: "));
  const std::string id = propose();
  EXPECT_TRUE(reader.await(id));
  hub->stop();
  EXPECT_TRUE(reader.await_end()) << "a hub that stops ends its streams";
}

TEST_F(EventsApi, AParticipantHasSoManyStreamsAndLeavingMakesRoom) {
  stop_hub();
  change_options = [](ServiceOptions& with) {
    with.events.poll = std::chrono::milliseconds(10);
    with.events.max_watchers_of_one = 2;
  };
  start_hub();
  auto first = std::make_unique<Stream>(*hub, key, events());
  Stream second(*hub, key, events());
  ASSERT_EQ(first->status(), 200);
  ASSERT_EQ(second.status(), 200);
  Client hospital(hub->port(), hub->pin(), key);
  const Answer refused = hospital.get(events());
  EXPECT_EQ(refused.status, 429) << refused.text("detail");
  EXPECT_EQ(refused.header("retry-after"), "30");
  EXPECT_EQ(hospital.get(kStudy).status, 200);
  first.reset();
  EXPECT_TRUE(until([&] { return hospital.send("HEAD", events()).status == 200; }));
}

}  // namespace
}  // namespace redoubt::hub
