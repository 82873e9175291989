// Goal: API keys do what their scopes say and no more, are shown once, and cannot be used to get more. Method: a hub over HTTPS with keys
// of each kind; every operation with every scope; each way in which a key could gain scopes, time or another's keys, tried alone.
#include <gtest/gtest.h>

#include "untrusted/hub/api/hub_test_fixture.h"
#include "untrusted/hub/store/journal.h"

namespace redoubt::hub {
namespace {

constexpr const char* kKeys = "/api/tee/api-keys";

class ApiKeys : public HubTest {
 protected:
  void SetUp() override { start_hub(); }
  static json::Value wish(std::vector<std::string> scopes, std::optional<Instant> expires = {}, const std::string& subject = {}) {
    json::Array items;
    for (const std::string& scope : scopes) items.emplace_back(scope);
    json::Object out{{"scopes", std::move(items)}};
    if (expires) out.emplace("expires", expires->text());
    if (!subject.empty()) out.emplace("subject", subject);
    return out;
  }
  // make: a key by the admin, and the answer that held it.
  Answer make(std::vector<std::string> scopes, const std::string& subject, std::optional<Instant> expires = {}) {
    Answer made = admin->post(kKeys, wish(std::move(scopes), expires, subject));
    EXPECT_EQ(made.status, 201) << made.text("detail");
    return made;
  }
  Client with(const Answer& made) { return Client(hub->port(), hub->pin(), made.text("key")); }
};

TEST_F(ApiKeys, AreMadeListedRotatedAndRevoked) {
  const Instant expires = wall().plus_seconds(3600);
  const Answer made = make({"read", "keys"}, "hospital", expires);
  EXPECT_EQ(made.text("key").size(), 47U);
  EXPECT_EQ(made.text("prefix"), made.text("key").substr(0, 8));
  EXPECT_EQ(made.text("subject"), "hospital");
  EXPECT_EQ(made.text("expires"), expires.text());
  Client hospital = with(made);
  const Answer list = hospital.get(kKeys);
  ASSERT_EQ(list.count("items"), 1U);
  const json::Object& item = *list.find("items")->array()->at(0).object();
  EXPECT_EQ(item.at("id"), json::Value(made.text("id")));
  EXPECT_TRUE(item.contains("last_used"));
  EXPECT_FALSE(item.contains("key"));
  EXPECT_EQ(json::canonical(admin->get(kKeys).body).find(made.text("key").substr(8)), std::string::npos) << "shown once";

  const Answer next = hospital.send("POST", std::string(kKeys) + "/" + made.text("id") + "/rotate");
  ASSERT_EQ(next.status, 201) << next.text("detail");
  EXPECT_NE(next.text("key"), made.text("key"));
  EXPECT_EQ(next.text("expires"), expires.text());
  EXPECT_EQ(hospital.get(kKeys).status, 401) << "the old key ends with its rotation";
  Client renewed = with(next);
  EXPECT_EQ(renewed.get(kKeys).count("items"), 2U);
  EXPECT_EQ(renewed.send("POST", std::string(kKeys) + "/" + made.text("id") + "/rotate").status, 409);
  EXPECT_FALSE(renewed.send("POST", std::string(kKeys) + "/" + next.text("id") + "/revoke").text("revoked").empty());
  EXPECT_EQ(renewed.get(kKeys).status, 401);
}

TEST_F(ApiKeys, EachOperationNeedsItsScope) {
  for (const char* const scope : {"read", "submit", "approve", "upload", "keys", "participant", "admin"}) {
    Client client = with(make({scope}, "hospital"));
    for (const HubApi::Row& row : HubApi::rows()) {
      std::string target(row.path);
      for (const char* const name : {"{env}", "{manifest}", "{query}", "{recipient}", "{key}"}) {
        if (const auto at = target.find(name); at != std::string::npos) target.replace(at, std::string_view(name).size(), "nowhere");
      }
      const Answer answer = client.send(std::string(row.method), target);
      const bool allowed = scope == scope_of(row.action) || std::string_view(scope) == "admin" || std::string_view(scope) == "participant";
      EXPECT_EQ(answer.status == 403 && answer.text("detail").find("has no scope") != std::string::npos, !allowed)
          << scope << ": " << row.method << " " << target << ": " << answer.status;
    }
  }
}

TEST_F(ApiKeys, AKeyCannotGiveWhatItHasNot) {
  const Instant soon = wall().plus_seconds(600);
  Client reader = with(make({"read", "keys"}, "hospital"));
  for (const char* const scope : {"submit", "approve", "upload", "participant", "admin"}) {
    EXPECT_EQ(reader.post(kKeys, wish({"read", scope})).status, 403) << scope;
  }
  EXPECT_EQ(reader.post(kKeys, wish({"read"}, {}, "laboratory")).status, 403) << "a key in another's name";
  EXPECT_EQ(reader.post(kKeys, wish({"read"})).status, 201);
  // A stronger key of the same subject cannot be taken over by rotating it.
  const Answer strong = make({"approve", "keys"}, "hospital");
  EXPECT_EQ(reader.send("POST", std::string(kKeys) + "/" + strong.text("id") + "/rotate").status, 403);
  EXPECT_EQ(with(strong).get(kKeys).status, 403) << "it has no scope read, and is still valid";
  // Nor does a key that ends make one that lasts.
  Client brief = with(make({"read", "keys"}, "hospital", soon));
  EXPECT_EQ(brief.post(kKeys, wish({"read"}, soon.plus_seconds(1))).status, 403);
  EXPECT_EQ(brief.post(kKeys, wish({"read"})).text("expires"), soon.text());
  const Answer lasting = make({"read"}, "hospital");
  EXPECT_EQ(brief.send("POST", std::string(kKeys) + "/" + lasting.text("id") + "/rotate").status, 403);
}

// A stolen key makes keys and rotates those within its reach; the owner, who knows of none of them, revokes the one that was stolen.
TEST_F(ApiKeys, RevokingAStolenKeyEndsAllThatItsThiefMade) {
  const Answer stolen = make({"participant"}, "hospital");
  const Answer monitor = make({"read"}, "hospital");
  const Answer of_another = make({"read"}, "laboratory");
  Client thief = with(stolen);
  const Answer child = thief.post(kKeys, wish({"keys", "read"}));
  Client second = with(child);
  const Answer grandchild = second.post(kKeys, wish({"read"}));
  const Answer taken = thief.send("POST", std::string(kKeys) + "/" + monitor.text("id") + "/rotate");
  const Answer renewed = thief.send("POST", std::string(kKeys) + "/" + stolen.text("id") + "/rotate");
  for (const Answer* answer : {&child, &grandchild, &taken, &renewed}) {
    ASSERT_EQ(answer->status, 201) << answer->text("detail");
    EXPECT_EQ(with(*answer).get(kKeys).status, 200);
  }
  EXPECT_EQ(taken.text("replaces"), monitor.text("id"));
  // The thief's rotation took the key out of its owner's hands; its id still stands for all that came of it.
  const Answer ended = admin->send("POST", std::string(kKeys) + "/" + stolen.text("id") + "/revoke");
  EXPECT_EQ(ended.status, 200) << ended.text("detail");
  EXPECT_EQ(ended.number("also_revoked"), 4);
  for (const Answer* answer : {&child, &grandchild, &taken, &renewed}) EXPECT_EQ(with(*answer).get(kKeys).status, 401);
  EXPECT_EQ(with(of_another).get(kKeys).status, 200);
  // Each end is in the audit trail, with the answer's id for the one that was asked for.
  const auto events = OrDie(hub->store().read([](Transaction& t) { return list_audit_events(t, {"", kMaxPage}); }));
  const auto count = std::ranges::count(events.items, "key.revoke", &AuditEvent::action);
  EXPECT_EQ(count, 5);
  EXPECT_TRUE(std::ranges::any_of(events.items, [&](const AuditEvent& event) {
    return event.object == stolen.text("id") && event.detail.ends_with(ended.header("x-request-id"));
  }));
}

TEST_F(ApiKeys, RotationKeepsWhatTheKeyMade) {
  Client hospital = with(make({"participant"}, "hospital"));
  const Answer made = hospital.post(kKeys, wish({"read"}));
  const Answer renewed = hospital.send("POST", std::string(kKeys) + "/" + made.text("made_by") + "/rotate");
  ASSERT_EQ(renewed.status, 201) << renewed.text("detail");
  EXPECT_EQ(with(made).get(kKeys).status, 200);
  Client again = with(renewed);
  EXPECT_EQ(again.send("POST", std::string(kKeys) + "/" + renewed.text("id") + "/revoke").number("also_revoked"), 1);
  EXPECT_EQ(with(made).get(kKeys).status, 401);
}

// What is kept for an Idempotency-Key names the key and is no way in.
TEST_F(ApiKeys, AnAnswerThatIsGivenAgainHoldsNoKey) {
  admin->idempotency_key = "make-1";
  const Answer made = make({"participant"}, "hospital");
  const Answer again = admin->post(kKeys, wish({"participant"}, {}, "hospital"));
  EXPECT_EQ(again.status, 201);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.text("id"), made.text("id"));
  EXPECT_EQ(again.find("key"), nullptr);
  EXPECT_EQ(admin->post(kKeys, wish({"admin"}, {}, "hospital")).status, 422);
  admin->idempotency_key = "rotate-1";
  const std::string rotate = std::string(kKeys) + "/" + made.text("id") + "/rotate";
  const Answer next = admin->send("POST", rotate);
  ASSERT_EQ(next.status, 201);
  const Answer repeated = admin->send("POST", rotate);
  EXPECT_EQ(repeated.status, 201);
  EXPECT_EQ(repeated.text("id"), next.text("id"));
  EXPECT_EQ(repeated.find("key"), nullptr);
  admin->idempotency_key.clear();
  EXPECT_EQ(with(next).get(kKeys).count("items"), 2U) << "it was made once and rotated once";
}

// Who acts on a key that has changed since it was read is told so.
TEST_F(ApiKeys, AKeyIsChangedOnlyAsItWasRead) {
  const Answer made = make({"read", "keys"}, "hospital");
  const std::string key = std::string(kKeys) + "/" + made.text("id");
  const Answer read = admin->get(key);
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.find("key"), nullptr);
  ASSERT_FALSE(read.header("etag").empty());
  Client hospital = with(made);
  EXPECT_EQ(hospital.get(key).header("etag"), read.header("etag")) << "its use is no change";
  admin->more.set("if-match", "\"0123\"");
  const Answer refused = admin->send("POST", key + "/revoke");
  EXPECT_EQ(refused.status, 412);
  EXPECT_EQ(refused.header("etag"), read.header("etag"));
  EXPECT_EQ(admin->send("POST", key + "/rotate").status, 412);
  EXPECT_EQ(hospital.get(key).status, 200);
  admin->more.set("if-match", read.header("etag"));
  EXPECT_EQ(admin->send("POST", key + "/revoke").status, 200);
  EXPECT_EQ(admin->send("POST", key + "/revoke").status, 412) << "it has been revoked meanwhile";
  EXPECT_EQ(admin->get(key).text("revoked").empty(), false);
}

TEST_F(ApiKeys, AnothersKeysAreAbsent) {
  const Answer of_laboratory = make({"participant"}, "laboratory");
  Client hospital = with(make({"participant"}, "hospital"));
  EXPECT_EQ(hospital.get(kKeys).count("items"), 1U);
  for (const char* const verb : {"/rotate", "/revoke"}) {
    const Answer foreign = hospital.send("POST", std::string(kKeys) + "/" + of_laboratory.text("id") + verb);
    const Answer absent = hospital.send("POST", std::string(kKeys) + "/key-0000000000000000" + verb);
    EXPECT_EQ(foreign.status, 404);
    EXPECT_EQ(foreign.text("detail"), absent.text("detail")) << "a stranger learns nothing of it";
  }
  EXPECT_EQ(with(of_laboratory).get(kKeys).status, 200);
  EXPECT_GE(admin->get(kKeys).count("items"), 3U);
}

TEST_F(ApiKeys, WrongRequestsMakeNoKey) {
  const std::size_t before = admin->get(kKeys).count("items");
  const Instant past = wall().plus_seconds(-1);
  for (const json::Value& bad : std::vector<json::Value>{wish({}), wish({"root"}), wish({"read"}, past), wish({"read"}, {}, "../x"), json::Value(json::Object{}),
                                                         json::Value(json::Object{{"scopes", "read"}}), json::Value(json::Object{{"scopes", json::Array{json::Value(std::int64_t{1})}}}),
                                                         json::Value(json::Object{{"scopes", json::Array{json::Value("read")}}, {"sha256", "00"}}),
                                                         json::Value(json::Object{{"scopes", json::Array{json::Value("read")}}, {"expires", "tomorrow"}})}) {
    const Answer refused = admin->post(kKeys, bad);
    EXPECT_EQ(refused.status, 400) << json::canonical(bad) << refused.text("detail");
  }
  EXPECT_EQ(admin->get(kKeys).count("items"), before);
}

TEST_F(ApiKeys, AreTakenFromTheHeaderAloneAndKeptNowhereInTheClear) {
  const Answer made = make({"read"}, "hospital");
  Client stranger(hub->port(), hub->pin(), "");
  for (const char* const name : {"api_key", "key", "access_token", "authorization"}) {
    EXPECT_EQ(stranger.get(std::string(kKeys) + "?" + name + "=" + made.text("key")).status, 401) << name;
  }
  EXPECT_EQ(make({"read"}, "other").status, 201);
  hub->stop();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file() || entry.path().filename() == "admin.key") continue;
    EXPECT_EQ(test::read_text(entry.path()).find(made.text("key").substr(8)), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace redoubt::hub
