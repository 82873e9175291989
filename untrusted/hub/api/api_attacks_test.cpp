// Goal: no request that is wrong in one thing has an effect, and each gets its own status. Method: a running study with one
// dataset and one proposal; a table of requests with exactly one thing wrong; afterwards everything is as it was.
#include <gtest/gtest.h>

#include "untrusted/hub/api/hub_test_fixture.h"

namespace redoubt::hub {
namespace {

class Attacks : public HubTest {
 protected:
  void SetUp() override {
    start_hub();
    create_study(*admin);
    room = launcher.room();
    join_all(*room);
    upload(*admin, laboratory_data_);
    ASSERT_EQ(admin->post(std::string(kStudy) + "/datasets", body("manifest", hospital_data_.document)).status, 201);
    release_keys(*room);
    proposed = std::make_unique<jobs::Proposal>(proposal(*room));
    ASSERT_EQ(admin->post(std::string(kStudy) + "/queries", body("proposal", sign(*proposed, analyst_))).status, 201);
  }
  // snapshot: all that the API shows of the study and that an attack could change.
  std::string snapshot() {
    return json::canonical(admin->get(std::string(kStudy) + "/queries").body) +
           json::canonical(admin->get("/api/tee/environments").body) +
           std::to_string(admin->get(std::string(kStudy) + "/datasets").count("items"));
  }
  std::string path(std::string_view rest) { return std::string(kStudy) + std::string(rest); }

  std::shared_ptr<cleanroom::Room> room;
  std::unique_ptr<jobs::Proposal> proposed;
};

TEST_F(Attacks, WithoutAKeyNothingButTheOpenRoutesAnswers) {
  Client stranger(hub->port(), hub->pin(), "");
  Client forger(hub->port(), hub->pin(), "rdt_" + std::string(43, 'A'));
  for (Client* client : {&stranger, &forger}) {
    for (const HubApi::Row& row : HubApi::rows()) {
      std::string target(row.path);
      for (const auto& [name, value] : std::map<std::string, std::string>{{"{env}", "study"}, {"{manifest}", std::string(64, 'a')},
                                                                            {"{query}", proposed->digest().hex()}, {"{recipient}", "analyst"}, {"{key}", "key-0011223344556677"}}) {
        if (const auto at = target.find(name); at != std::string::npos) target.replace(at, name.size(), value);
      }
      const Answer answer = client->send(std::string(row.method), target);
      EXPECT_EQ(answer.status, 401) << row.method << " " << target;
      EXPECT_EQ(answer.text("code"), "auth");
    }
    EXPECT_EQ(client->get("/healthz").text("status"), "ok");
    EXPECT_EQ(client->get("/readyz").text("status"), "ready");
    EXPECT_EQ(client->get("/version").text("version"), "1.2.3");
    EXPECT_EQ(client->get("/openapi.json").text("openapi"), "3.1.0");
  }
}

TEST_F(Attacks, AnotherTenantSeesNothing) {
  Client tenant = client_for("tenant");
  for (const std::string& target : {path(""), path("/datasets"), path("/queries"), path("/log"), path("/queries/" + proposed->digest().hex()),
                                    path("/queries/" + proposed->digest().hex() + "/receipt"),
                                    path("/queries/" + proposed->digest().hex() + "/result/analyst")}) {
    EXPECT_EQ(tenant.get(target).status, 404) << target;
  }
  EXPECT_EQ(tenant.get("/api/tee/environments").count("items"), 0U);
  EXPECT_EQ(tenant.post(path("/datasets"), body("manifest", hospital_data_.document)).status, 404);
  EXPECT_EQ(tenant.put(content(hospital_data_) + "0", ByteView(hospital_data_.envelope).first(10)).status, 404);
  EXPECT_EQ(tenant.post(path("/queries/") + proposed->digest().hex() + "/approve", body("ballot", sign(ballot(*room, *proposed, hospital_), hospital_))).status, 404);
  // A room of which he takes no part is not his to start.
  jobs::Contract other = contract();
  other.environment = "other";
  EXPECT_EQ(tenant.post("/api/tee/environments", json::Object{{"contract", other.canonical()}}).status, 403);
  // Ids of one environment mean nothing in another.
  ASSERT_EQ(admin->post("/api/tee/environments", json::Object{{"contract", other.canonical()}}).status, 201);
  const std::string in_other = "/api/tee/environments/other";
  EXPECT_EQ(admin->get(in_other + "/queries/" + proposed->digest().hex()).status, 404);
  EXPECT_EQ(admin->get(in_other + "/queries/" + proposed->digest().hex() + "/receipt").status, 404);
  EXPECT_EQ(admin->put(in_other + "/datasets/" + hospital_data_.manifest.digest().hex() + "/content?offset=0", as_bytes("x")).status, 404);
  EXPECT_EQ(admin->post(in_other + "/datasets", body("manifest", hospital_data_.document)).status, 422);
  EXPECT_EQ(admin->post(in_other + "/queries", body("proposal", sign(*proposed, analyst_))).status, 422);
}

// A name is anybody's: who takes it first gains nothing, and who uses it again takes nothing.
TEST_F(Attacks, NobodySquatsOnTheNameOfAnEnvironment) {
  Client squatter = client_for("stranger");
  Client hospital = client_for("hospital");
  const auto named = [this](const std::string& name, std::vector<const cleanroom::Party*> parties) {
    jobs::Contract out = contract();
    out.environment = name;
    out.k = 11;
    out.participants.clear();
    for (const cleanroom::Party* party : parties) out.participants.push_back(party->listed());
    return out;
  };
  const auto create = [](Client& client, const jobs::Contract& wanted) { return client.post("/api/tee/environments", json::Object{{"contract", wanted.canonical()}}); };
  // The name first: the owners of "trial" create theirs all the same, each sees its own, and ids tell them apart.
  const jobs::Contract theirs = named("trial", {&analyst_, &laboratory_, &stranger_});
  const jobs::Contract ours = named("trial", {&analyst_, &hospital_, &laboratory_});
  ASSERT_EQ(create(squatter, theirs).status, 201);
  const Answer made = create(hospital, ours);
  ASSERT_EQ(made.status, 201) << made.text("detail");
  EXPECT_EQ(made.text("environment"), ours.digest().hex());
  EXPECT_EQ(create(hospital, ours).status, 200) << "the same contract is the same environment";
  EXPECT_EQ(hospital.get("/api/tee/environments/trial").text("contract_digest"), ours.digest().hex());
  EXPECT_EQ(squatter.get("/api/tee/environments/trial").text("contract_digest"), theirs.digest().hex());
  EXPECT_EQ(squatter.get("/api/tee/environments/" + ours.digest().hex()).status, 404);
  EXPECT_EQ(squatter.get("/api/tee/environments/" + ours.digest().hex()).text("detail"), squatter.get("/api/tee/environments/absent").text("detail"));
  EXPECT_EQ(hospital.get("/api/tee/environments/" + theirs.digest().hex()).status, 404);
  // Naming the victim as a participant makes the name useless to it, and the id as good as before.
  const jobs::Contract bait = named("study", {&hospital_, &laboratory_, &stranger_});
  ASSERT_EQ(create(squatter, bait).status, 201);
  EXPECT_EQ(hospital.get(kStudy).status, 400);
  EXPECT_EQ(hospital.get("/api/tee/environments/" + contract().digest().hex()).text("contract_digest"), contract().digest().hex());
  EXPECT_EQ(client_for("analyst").get(kStudy).text("contract_digest"), contract().digest().hex());
  // A name that is another's id does not stand before it.
  const jobs::Contract shadow = named(contract().digest().hex(), {&hospital_, &laboratory_, &stranger_});
  ASSERT_EQ(create(squatter, shadow).status, 201);
  EXPECT_EQ(hospital.get("/api/tee/environments/" + contract().digest().hex()).text("contract_digest"), contract().digest().hex());
}

TEST_F(Attacks, AParticipantCreatesABoundedNumberOfEnvironments) {
  Client hospital = client_for("hospital");
  launcher.broken = true;  // the records count, not the programs
  jobs::Contract wanted = contract();
  const auto create = [&](Client& client, std::size_t i) {
    wanted.environment = "room-" + std::to_string(i);
    return client.post("/api/tee/environments", json::Object{{"contract", wanted.canonical()}}).status;
  };
  ASSERT_OK(hub->store().write("fill", [&](Transaction& t) -> Status {
    for (std::uint64_t i = 0; i + 1 < kMaxEnvironments; ++i) {
      REDOUBT_CHECK(add_environment(t, {"filled-" + std::to_string(i), "", ContractDigest(), EnvironmentState::active, wall(), "elsewhere", "filled", "hospital"}, {}));
    }
    return {};
  }));
  EXPECT_EQ(create(hospital, 1), 201);
  EXPECT_EQ(create(hospital, 2), 409);
  EXPECT_EQ(create(*admin, 2), 201);
}

TEST_F(Attacks, ATableOfRequestsThatAreWrongInOneThing) {
  const std::string before = snapshot();
  const std::string query = path("/queries/") + proposed->digest().hex();
  const jobs::SignedDocument good_ballot = sign(ballot(*room, *proposed, hospital_), hospital_);
  jobs::SignedDocument flipped = good_ballot;
  flipped.signature.array()[0] ^= std::byte{1};
  jobs::Ballot of_other = ballot(*room, *proposed, hospital_);
  of_other.proposal.array()[0] ^= std::byte{1};
  jobs::Manifest changed = hospital_data_.manifest;
  changed.rows += 1;
  jobs::Proposal dropped = proposal(*room, "DROP TABLE hospital");
  jobs::Proposal foreign = *proposed;
  foreign.terms.instance.array()[0] ^= std::byte{1};
  const auto text = [](const json::Value& value) { return json::canonical(value); };
  const std::string ballot_text = text(body("ballot", good_ballot));
  struct Case {
    std::string method, target, body;
    int status;
  };
  const std::string long_name(300, 'a');
  const std::vector<Case> cases = {
      // Paths and ids.
      {"GET", "/api/tee/environments/..%2f..%2fetc%2fpasswd", "", 400},
      {"GET", "/api/tee/environments/%2e%2e", "", 400},
      {"GET", "/api/tee/environments/../environments", "", 400},
      {"GET", "/api/tee/environments/study%00", "", 400},
      {"GET", "/api/tee/environments/" + long_name, "", 404},
      {"GET", "/api/tee/environments/study'%20OR%20'1'='1", "", 404},
      {"GET", "/api/tee/environments/study;DROP%20TABLE%20queries", "", 404},
      {"GET", path("/queries/%27%20UNION%20SELECT%20text%20FROM%20api_keys--"), "", 404},
      {"GET", query + "/result/analyst'--", "", 409},
      {"GET", path("/queries/..."), "", 404},
      {"GET", "/api/tee/nothing", "", 404},
      {"DELETE", query, "", 405},
      {"PUT", path("/datasets"), "", 405},
      // Query parameters.
      {"GET", path("/queries?limit=0"), "", 400},
      {"GET", path("/queries?limit=201"), "", 400},
      {"GET", path("/queries?limit=-1"), "", 400},
      {"GET", path("/queries?limit=1e3"), "", 400},
      {"GET", path("/queries?count=1"), "", 400},
      {"GET", path("/queries?cursor=AAAA"), "", 400},
      {"GET", path("/queries?cursor="), "", 400},
      {"GET", path("/queries?cursor=" + make_cursor("queries of another", 0)), "", 400},
      {"GET", path("?limit=1"), "", 400},
      {"POST", path("/queries?limit=1"), text(body("proposal", sign(*proposed, analyst_))), 400},
      {"GET", path("/queries?state=done"), "", 400},
      {"GET", path("/queries?limit=1&limit=2"), "", 400},
      {"GET", path("/log?from=x"), "", 400},
      {"GET", path("/log?from=99999999999999999999"), "", 400},
      {"GET", path("/log?from=0&to=1"), "", 400},
      // Bodies.
      {"POST", "/api/tee/environments", "", 400},
      {"POST", "/api/tee/environments", "[]", 400},
      {"POST", "/api/tee/environments", "{}", 400},
      {"POST", "/api/tee/environments", R"({"contract":1})", 400},
      {"POST", "/api/tee/environments", R"({"contract":"{}"})", 400},
      {"POST", "/api/tee/environments", R"({"contract":"x","contract":"y"})", 400},
      {"POST", "/api/tee/environments", text(json::Object{{"contract", contract().canonical()}, {"more", 1}}), 400},
      {"POST", "/api/tee/environments", text(json::Object{{"contract", contract().canonical() + " "}}), 400},
      {"POST", "/api/tee/environments", std::string(2'000'000, ' '), 413},
      {"POST", path("/datasets"), std::string(100'000, '['), 400},
      {"POST", path("/datasets"), "\xff\xfe", 400},
      {"POST", path("/datasets"), std::string(600'000, ' '), 413},
      {"POST", path("/datasets"), R"({"manifest":"text"})", 400},
      {"POST", path("/datasets"), R"({"manifest":{"text":"{}","signature":"00"}})", 400},
      {"POST", path("/datasets"), text(body("manifest", {changed.canonical(), hospital_data_.document.signature})), 422},
      {"POST", path("/datasets"), text(body("manifest", jobs::sign_document(jobs::kManifestType, changed.canonical(), laboratory_.key))), 422},
      {"POST", path("/datasets"), text(body("manifest", jobs::sign_document(jobs::kManifestType, changed.canonical(), hospital_.key))), 409},
      {"PUT", content(hospital_data_) + "0", "", 400},
      {"PUT", content(hospital_data_), "x", 400},
      {"PUT", content(hospital_data_) + "-1", "x", 400},
      {"PUT", content(hospital_data_) + "1", "x", 409},
      {"PUT", content(hospital_data_) + "9007199254740993", "x", 400},
      {"PUT", content(hospital_data_) + "0&part=1", "x", 400},
      {"PUT", content(hospital_data_) + "0", std::string((4U << 20) + 1, 'x'), 413},
      {"PUT", content(hospital_data_) + "0", std::string(hospital_data_.envelope.size() + 1, 'x'), 409},
      {"PUT", path("/datasets/") + std::string(64, '0') + "/content?offset=0", "x", 404},
      {"PUT", path("/datasets/..%2f..%2fhub.db/content?offset=0"), "x", 400},
      {"PUT", path("/datasets/study/content?offset=0"), "x", 400},
      {"PUT", content(laboratory_data_) + "100000", "x", 409},
      {"POST", path("/queries"), text(body("proposal", sign(*proposed, hospital_))), 422},
      {"POST", path("/queries"), text(body("proposal", sign(dropped, analyst_))), 403},
      {"POST", path("/queries"), text(body("proposal", sign(foreign, analyst_))), 422},
      {"POST", path("/queries"), text(body("ballot", sign(*proposed, analyst_))), 400},
      {"POST", query + "/approve", text(body("ballot", flipped)), 422},
      {"POST", query + "/approve", text(body("ballot", sign(of_other, hospital_))), 422},
      {"POST", query + "/approve", text(body("ballot", sign(ballot(*room, *proposed, hospital_), laboratory_))), 422},
      {"POST", query + "/approve", text(body("ballot", sign(ballot(*room, *proposed, stranger_), stranger_))), 403},
      {"POST", query + "/approve", text(body("ballot", jobs::sign_document(jobs::kProposalType, good_ballot.text, hospital_.key))), 422},
      {"POST", query + "/reject", ballot_text, 422},
      {"POST", path("/queries/") + std::string(64, '0') + "/approve", ballot_text, 422},
      {"POST", query + "/approve", ballot_text + "{}", 400},
      {"POST", query + "/approve", "null", 400},
  };
  std::set<std::string> ids;
  for (const Case& attack : cases) {
    const auto answer = admin->try_send(attack.method, attack.target, to_bytes(attack.body));
    // A body above the limit may be refused while it is being sent.
    if (!answer.ok() && attack.status == 413) continue;
    ASSERT_OK(answer) << attack.method << " " << attack.target;
    EXPECT_EQ(answer->status, attack.status) << attack.method << " " << attack.target.substr(0, 200) << " " << attack.body.substr(0, 300) << "\n" << answer->text("detail");
    EXPECT_FALSE(answer->text("code").empty()) << attack.target;
    // Whoever refuses, router, server or handler: each refusal has an id of its own.
    const std::string id = answer->header("x-request-id");
    EXPECT_EQ(answer->text("request_id"), id) << attack.target;
    EXPECT_TRUE(id.starts_with("req-") && ids.insert(id).second) << attack.target << ": \"" << id << "\"";
  }
  EXPECT_EQ(snapshot(), before);
  // What was attacked still works.
  upload(*admin, hospital_data_);
  EXPECT_EQ(admin->post(query + "/approve", body("ballot", good_ballot)).status, 200);
}

TEST_F(Attacks, OnlyItsOwnerUploadsADataset) {
  Client laboratory = client_for("laboratory");
  const Answer refused = laboratory.put(content(hospital_data_) + "0", ByteView(hospital_data_.envelope).first(10));
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.text("detail").find("only hospital uploads it"), std::string::npos) << refused.text("detail");
  Client hospital = client_for("hospital");
  EXPECT_EQ(hospital.put(content(hospital_data_) + "0", ByteView(hospital_data_.envelope).first(10)).number("received"), 10);
}

TEST_F(Attacks, PartsComeInOrderAndMayBeRepeated) {
  const ByteView all = hospital_data_.envelope;
  EXPECT_EQ(admin->put(content(hospital_data_) + "0", all.first(50)).number("received"), 50);
  EXPECT_EQ(admin->put(content(hospital_data_) + "0", all.first(50)).number("received"), 50);
  EXPECT_EQ(admin->put(content(hospital_data_) + "0", all.first(49)).status, 409);
  EXPECT_EQ(admin->put(content(hospital_data_) + "0", all.subspan(1, 50)).status, 409);
  EXPECT_EQ(admin->put(content(hospital_data_) + "10", all.subspan(10, 40)).status, 409);
  EXPECT_EQ(admin->put(content(hospital_data_) + "60", all.subspan(60)).status, 409);
  const Answer resumed = admin->post(path("/datasets"), body("manifest", hospital_data_.document));
  EXPECT_EQ(resumed.status, 200);
  EXPECT_EQ(resumed.number("received"), 50);
  EXPECT_EQ(admin->put(content(hospital_data_) + "50", all.subspan(50)).number("received"), static_cast<std::int64_t>(all.size()));
  EXPECT_EQ(admin->put(content(hospital_data_) + "50", all.subspan(50)).number("received"), static_cast<std::int64_t>(all.size()));
  EXPECT_TRUE(datasets_ready(*admin));
}

TEST_F(Attacks, AnIdempotencyKeyStandsForOneRequest) {
  const jobs::Proposal first = proposal(*room);
  const jobs::Proposal second = proposal(*room);
  admin->idempotency_key = "one";
  const Answer made = admin->post(path("/queries"), body("proposal", sign(first, analyst_)));
  EXPECT_EQ(made.status, 201);
  EXPECT_FALSE(made.replayed);
  const Answer again = admin->post(path("/queries"), body("proposal", sign(first, analyst_)));
  EXPECT_EQ(again.status, 201);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.body, made.body);
  EXPECT_EQ(admin->post(path("/queries"), body("proposal", sign(second, analyst_))).status, 422);
  EXPECT_EQ(admin->post("/api/tee/environments", contract_body()).status, 422);
  // Another caller's key of the same name is another key.
  Client analyst = client_for("analyst");
  analyst.idempotency_key = "one";
  const Answer other = analyst.post(path("/queries"), body("proposal", sign(second, analyst_)));
  EXPECT_EQ(other.status, 201);
  EXPECT_FALSE(other.replayed);
  for (const std::string& bad : {std::string(129, 'k'), std::string("with space")}) {
    admin->idempotency_key = bad;
    EXPECT_EQ(admin->post(path("/queries"), body("proposal", sign(first, analyst_))).status, 400);
  }
}

TEST_F(Attacks, ManyVotersAtOnceAreAllCounted) {
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  const std::string query = path("/queries/") + proposed->digest().hex();
  upload(*admin, hospital_data_);
  for (cleanroom::Party* voter : {&hospital_, &laboratory_}) {
    const auto document = sign(ballot(*room, *proposed, *voter), *voter);
    const std::string key = key_for(voter->name);
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([this, document, key, query, &good] {
        Client client(hub->port(), hub->pin(), key);
        good += client.post(query + "/approve", body("ballot", document)).status == 200 ? 1 : 0;
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 6);
  EXPECT_EQ(admin->get(query).count("ballots"), 2U);
  EXPECT_TRUE(until([&] { return admin->get(query).text("state") == "done"; }));
}

}  // namespace
}  // namespace redoubt::hub
