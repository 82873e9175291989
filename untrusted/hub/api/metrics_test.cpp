// Goal: the hub counts what it does where the operator said so and nowhere else, and tells no id, no name and no secret. Method: a hub
// over real rooms, its metrics read over HTTP; every label held against the lists of ours.
#include "untrusted/hub/api/metrics.h"

#include <gtest/gtest.h>

#include "untrusted/hub/api/hub_test_fixture.h"

namespace redoubt::hub {
namespace {

TEST(Metrics, AreWrittenAsPrometheusReadsThem) {
  Metrics metrics;
  metrics.count("GET", "/a/{id}", 200, 1'000);
  metrics.count("GET", "/a/{id}", 200, 1'001);
  metrics.count("GET", "/a/{id}", 404, 2'000'000);
  metrics.count("", "", 405, 0);
  Metrics::Others others;
  others.jobs[{"query.run", "queued"}] = 3;
  others.database = false;
  others.events = {.watchers = 5, .ended = 6};
  const std::string text = metrics.text(others);
  for (const std::string_view line : {
           "# TYPE redoubt_hub_requests_total counter\n",
           "\nredoubt_hub_requests_total{method=\"GET\",route=\"/a/{id}\",status=\"200\"} 2\n",
           "\nredoubt_hub_requests_total{method=\"GET\",route=\"/a/{id}\",status=\"404\"} 1\n",
           "\nredoubt_hub_requests_total{method=\"\",route=\"\",status=\"405\"} 1\n",
           "# TYPE redoubt_hub_request_seconds histogram\n",
           "\nredoubt_hub_request_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"0.001000\"} 1\n",
           "\nredoubt_hub_request_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"0.002500\"} 2\n",
           "\nredoubt_hub_request_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"1.000000\"} 2\n",
           "\nredoubt_hub_request_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"5.000000\"} 3\n",
           "\nredoubt_hub_request_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"+Inf\"} 3\n",
           "\nredoubt_hub_request_seconds_sum{method=\"GET\",route=\"/a/{id}\"} 2.002001\n",
           "\nredoubt_hub_request_seconds_count{method=\"GET\",route=\"/a/{id}\"} 3\n",
           "\nredoubt_hub_jobs{kind=\"query.run\",state=\"queued\"} 3\n",
           "\nredoubt_hub_database_up 0\n",
           "\nredoubt_hub_event_streams 5\n",
           "\nredoubt_hub_event_streams_revoked_total 6\n",
       }) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

class MetricsOfAHub : public HubTest {
 protected:
  // read gives what stands at `address`.
  static Result<net::ClientResponse> read(const std::string& address, const std::string& target) {
    net::ClientOptions to;
    to.unix_path = address.substr(5);
    REDOUBT_TRY(auto client, net::HttpClient::connect(to));
    return client.request({.target = target});
  }
};

TEST_F(MetricsOfAHub, TellHowBusyItIsAndWithWhatButNotForWhom) {
  change_options = [&](ServiceOptions& with) { with.metrics_listen = "unix:" + (folder.path() / "metrics").string(); };
  start_hub();
  ASSERT_EQ(hub->metrics_address(), "unix:" + (folder.path() / "metrics").string());
  const auto room = open_study();
  const jobs::Proposal proposed = proposal(*room);
  propose_at_hub(proposed);
  Client stranger = client_for("stranger");
  EXPECT_EQ(stranger.get(kStudy).status, 404);
  Client nobody(hub->port(), hub->pin(), "rdt_c2VjcmV0");
  EXPECT_EQ(nobody.get(kStudy).status, 401);
  EXPECT_EQ(admin->get("/no/such/route").status, 404);
  EXPECT_EQ(admin->get("/api/tee/metrics").status, 404) << "not where participants come in";
  EXPECT_EQ(admin->get("/metrics").status, 404);

  std::string text;
  EXPECT_TRUE(until([&] {
    const auto answer = OrDie(read(hub->metrics_address(), "/metrics"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(*answer.headers.find("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    text = std::string(as_text(answer.body));
    return text.find("redoubt_hub_jobs{kind=\"instance.start\",state=\"done\"} 1\n") != std::string::npos;
  })) << text;
  for (const std::string_view line : {
           "redoubt_hub_requests_total{method=\"POST\",route=\"/api/tee/environments\",status=\"201\"} 1\n",
           "redoubt_hub_requests_total{method=\"POST\",route=\"/api/tee/environments/{env}/queries\",status=\"201\"} 1\n",
           "redoubt_hub_requests_total{method=\"GET\",route=\"/api/tee/environments/{env}\",status=\"404\"} 1\n",
           "redoubt_hub_requests_total{method=\"GET\",route=\"/api/tee/environments/{env}\",status=\"401\"} 1\n",
           "redoubt_hub_requests_total{method=\"\",route=\"\",status=\"404\"} 3\n",
           "redoubt_hub_database_up 1\n",
           "redoubt_hub_event_streams 0\n",
       }) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
  const std::string key = admin_key(folder.path() / "state");
  for (const std::string& secret : {contract().digest().hex(), proposed.digest().hex(), std::string("study"), std::string("hospital"), std::string("stranger"),
                                    std::string("rdt_"), std::string("key-"), std::string("/no/such"), key}) {
    EXPECT_EQ(text.find(secret), std::string::npos) << secret;
  }
  EXPECT_EQ(OrDie(read(hub->metrics_address(), "/")).status, 404);
  EXPECT_EQ(OrDie(read(hub->metrics_address(), "/api/tee/environments")).status, 404);
}

TEST_F(MetricsOfAHub, AreOffUnlessAskedForAndNeverLeaveTheMachine) {
  start_hub();
  EXPECT_EQ(hub->metrics_address(), "");
  stop_hub();
  for (const char* const address : {"0.0.0.0:0", "192.0.2.1:9100", "[::]:0", "nonsense"}) {
    ServiceOptions with = options(folder.path() / "state");
    with.metrics_listen = address;
    EXPECT_ERROR(HubService::start(std::move(with), launcher, random, wall, [] { return std::int64_t{0}; }), Code::usage, "metrics");
  }
  change_options = [](ServiceOptions& with) { with.metrics_listen = "127.0.0.1:0"; };
  start_hub();
  EXPECT_TRUE(hub->metrics_address().starts_with("127.0.0.1:")) << hub->metrics_address();
}

}  // namespace
}  // namespace redoubt::hub
