// Goal: two hubs on one PostgreSQL database serve the same records, and each environment's program and jobs run at its home alone. Method: two
// whole hubs with state folders of their own, one real server, the same requests to both.
#include <gtest/gtest.h>

#include "untrusted/hub/api/hub_test_fixture.h"
#include "untrusted/hub/store/backend_test_support.h"
#include "untrusted/hub/store/job_queue.h"

namespace redoubt::hub {
namespace {

class SharedHubs : public HubTest {
 protected:
  void SetUp() override {
    REDOUBT_REQUIRE_POSTGRES();
    place_.emplace(Backend::postgres);
    hub = start("a", launcher);
    admin = std::make_unique<Client>(hub->port(), hub->pin(), admin_key(folder.path() / "a"));
    start_second();
  }
  std::unique_ptr<HubService> start(const std::string& name, RoomLauncher& with) {
    ServiceOptions shared = options(folder.path() / name);
    shared.database = place_->location();
    return serve(std::move(shared), with);
  }
  void start_second() {
    second = start("b", second_launcher);
    at_second = std::make_unique<Client>(second->port(), second->pin(), admin_key(folder.path() / "a"));
  }

  std::optional<TestDatabase> place_;
  test::TempDir second_folder;
  RoomLauncher second_launcher{second_folder.path(), [this](std::uint64_t seed, std::optional<receipt::TreeHead> previous) {
                                 return make_room(seed, std::move(previous));
                               }};
  std::unique_ptr<HubService> second;
  std::unique_ptr<Client> at_second;
};

TEST_F(SharedHubs, AnEnvironmentRunsAtItsHomeAndIsReadAnywhere) {
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "b" / "admin.key")) << "the database has its first key";
  create_study(*admin);
  const Answer elsewhere = at_second->get(kStudy);
  EXPECT_EQ(elsewhere.status, 200);
  EXPECT_EQ(elsewhere.text("contract_digest"), contract().digest().hex());
  EXPECT_NE(elsewhere.text("reason").find("kept by another hub: hub-"), std::string::npos) << elsewhere.text("reason");
  const Answer misdirected = at_second->post(std::string(kStudy) + "/datasets", body("manifest", hospital_data_.document));
  EXPECT_EQ(misdirected.status, 421) << misdirected.text("detail");
  EXPECT_EQ(admin->get(std::string(kStudy) + "/datasets").count("items"), 0U);
  upload(*admin, hospital_data_);
  EXPECT_EQ(at_second->get(std::string(kStudy) + "/datasets").count("items"), 1U);
  EXPECT_EQ(at_second->put(content(hospital_data_) + "0", as_bytes("x")).status, 421);

  // Strangers are told no more by the second hub than by the first.
  Client tenant(second->port(), second->pin(), admin->post("/api/tee/api-keys", json::Object{{"scopes", json::Array{json::Value("participant")}}, {"subject", "tenant"}}).text("key"));
  EXPECT_EQ(tenant.get(kStudy).status, 404);
  EXPECT_EQ(tenant.post(std::string(kStudy) + "/datasets", body("manifest", hospital_data_.document)).status, 404);

  const auto all_jobs = [&] {
    return OrDie(second->store().read([](Transaction& t) { return read_pages<Job>([&](const PageRequest& page) { return list_jobs(t, page); }); }));
  };
  EXPECT_TRUE(until([&] {
    const auto jobs = all_jobs();
    return jobs.size() == 2 && std::ranges::all_of(jobs, [](const Job& job) { return job.state == JobState::done; });
  }));
  for (const Job& job : all_jobs()) EXPECT_EQ(job.fence, 1U) << job.id << " ran more than once";
  EXPECT_EQ(launcher.requests.size(), 1U);
  EXPECT_TRUE(second_launcher.requests.empty());
}

TEST_F(SharedHubs, EachTellsOfTheOthersChangesAndSignsLinksForIt) {
  create_study(*admin);
  net::ClientOptions to;
  to.host = "127.0.0.1";
  to.port = second->port();
  to.trust = net::TrustSpki{second->pin()};
  auto watcher = OrDie(net::HttpClient::connect(to));
  std::string seen;
  net::ClientRequest request{.target = std::string(kStudy) + "/events"};
  request.headers.add("authorization", "Bearer " + admin_key(folder.path() / "a"));
  const std::string wanted = "event: dataset\ndata: {\"id\":\"" + hospital_data_.manifest.digest().hex() + "\",\"state\":\"uploading\"}";
  request.sink = [&](ByteView bytes) -> Status {
    // Once the stream is there, the change is made, at the other hub.
    if (seen.empty()) {
      EXPECT_EQ(admin->post(std::string(kStudy) + "/datasets", body("manifest", hospital_data_.document)).status, 201);
    }
    seen += as_text(bytes);
    return seen.find(wanted) == std::string::npos ? Status() : Status(Error(Code::refused, "seen"));
  };
  EXPECT_ERROR(watcher.request(request), Code::refused, "seen") << seen;
  const auto secret = [](HubService& of) { return OrDie(of.store().read([](Transaction& t) { return t.query("SELECT secret FROM secrets"); })).at(0).blob(); };
  EXPECT_EQ(secret(*hub), secret(*second));
}

TEST_F(SharedHubs, AHubThatStartsAgainTakesUpItsOwnEnvironmentsAlone) {
  create_study(*admin);
  ASSERT_EQ(admin->post(std::string(kStudy) + "/datasets", body("manifest", hospital_data_.document)).status, 201);
  at_second.reset();
  second.reset();
  start_second();
  EXPECT_TRUE(second_launcher.requests.empty());
  EXPECT_EQ(at_second->get(kStudy).status, 200);
  stop_hub();
  EXPECT_EQ(at_second->get(kStudy).status, 200) << "what the database holds is served while the home is away";
  hub = start("a", launcher);
  admin = std::make_unique<Client>(hub->port(), hub->pin(), admin_key(folder.path() / "a"));
  EXPECT_TRUE(until([&] { return admin->get(kStudy).text("state") == "running"; }));
  upload(*admin, hospital_data_);
  EXPECT_EQ(launcher.requests.size(), 2U);
  EXPECT_TRUE(second_launcher.requests.empty());
}

}  // namespace
}  // namespace redoubt::hub
