// Goal: what openapi.json says is all that the API does, for every caller. Method: a matrix from the document itself: every operation, by a
// key of every scope, for own objects and those of others, with revoked and expired keys and with none; every field that the document
// knows put into every body; every declared field with values of other types. An operation of which this file does not know how to ask fails.
#include <gtest/gtest.h>

#include "untrusted/hub/api/hub_test_fixture.h"
#include "untrusted/hub/api/openapi.h"

namespace redoubt::hub {
namespace {

struct Operation {
  std::string id, method, path, action, object;
  bool json_body = false;
  bool endless = false;              // the answer is a stream
  json::Value schema;                // of the body
  std::set<std::string> statuses;    // documented; "default" is any refusal
};

const json::Value& member(const json::Value& value, std::string_view name) {
  static const json::Value none{};
  if (value.object() == nullptr) return none;
  const auto found = value.object()->find(name);
  return found == value.object()->end() ? none : found->second;
}

std::string text_of(const json::Value& value) { return value.string() == nullptr ? "" : *value.string(); }

// Operations that need a key.
std::vector<Operation> read_operations(const json::Value& document) {
  std::vector<Operation> out;
  for (const auto& [path, methods] : *member(document, "paths").object()) {
    for (const auto& [method, told] : *methods.object()) {
      if (told.object()->contains("security")) continue;
      Operation operation{text_of(member(told, "operationId")), method, path, text_of(member(told, "x-redoubt-action")), text_of(member(told, "x-redoubt-object")), false, false, {}, {}};
      std::ranges::transform(operation.method, operation.method.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
      const json::Value& body = member(member(member(told, "requestBody"), "content"), "application/json");
      operation.json_body = body.object() != nullptr;
      operation.schema = member(body, "schema");
      for (const auto& [status, response] : *member(told, "responses").object()) {
        operation.statuses.insert(status);
        operation.endless = operation.endless || (member(response, "content").object() != nullptr && member(response, "content").object()->contains("text/event-stream"));
      }
      out.push_back(std::move(operation));
    }
  }
  return out;
}

// collect_fields: every name under "properties", anywhere.
void collect_fields(const json::Value& value, std::set<std::string>& out) {
  if (value.object() != nullptr) {
    for (const auto& [name, inner] : *value.object()) {
      if (name == "properties" && inner.object() != nullptr) {
        for (const auto& [field, schema] : *inner.object()) out.insert(field);
      }
      collect_fields(inner, out);
    }
  } else if (value.array() != nullptr) {
    for (const json::Value& inner : *value.array()) collect_fields(inner, out);
  }
}

class Matrix : public HubTest {
 protected:
  void SetUp() override {
    start_hub();
    create_study(*admin);
    room = launcher.room();
    join_all(*room);
    upload(*admin, laboratory_data_);
    ASSERT_EQ(admin->post(std::string(kStudy) + "/datasets", body("manifest", hospital_data_.document)).status, 201);
    proposed = std::make_unique<jobs::Proposal>(proposal(*room));
    propose_at_hub(*proposed);
    // The stranger has an environment of its own, so that it is nobody's guest and no nobody.
    jobs::Contract other = contract();
    other.environment = "elsewhere";
    other.participants = {laboratory_.listed(), stranger_.listed()};
    ASSERT_EQ(admin->post("/api/tee/environments", json::Object{{"contract", other.canonical()}}).status, 201);
    document = OrDie(json::parse(kOpenApi, {.max_bytes = 1U << 20, .max_depth = 32}));
    operations = read_operations(document);
    ASSERT_GE(operations.size(), 20U);
  }
  std::string make_key(const std::string& subject, std::vector<std::string> scopes, std::optional<Instant> expires = {}, Instant made = wall()) {
    const auto key = OrDie(hub->store().write("key", [&](Transaction& t) { return create_api_key(t, random, subject, std::move(scopes), made, {expires, "", ""}); }));
    last_id = key.record.id;
    return std::string(as_text(key.text.reveal()));
  }
  Client with(const std::string& key) { return Client(hub->port(), hub->pin(), key); }

  // good_body: one that is right, for those that take JSON.
  json::Value good_body(const Operation& operation) {
    if (operation.id == "createEnvironment") return contract_body();
    if (operation.id == "createDataset") return body("manifest", hospital_data_.document);
    if (operation.id == "createQuery") return body("proposal", sign(*proposed, analyst_));
    if (operation.id == "approveQuery" || operation.id == "rejectQuery") {
      jobs::Ballot choice = ballot(*room, *proposed, hospital_);
      choice.decision = operation.id == "approveQuery" ? jobs::Decision::approve : jobs::Decision::reject;
      return body("ballot", sign(choice, hospital_));
    }
    if (operation.id == "createApiKey") return json::Object{{"scopes", json::Array{json::Value("keys")}}};
    ADD_FAILURE() << operation.id << " takes a body that this test does not know";
    return {};
  }
  std::string target(const Operation& operation) {
    std::string out = operation.path;
    for (const auto& [name, value] : std::map<std::string, std::string>{{"{env}", contract().digest().hex()}, {"{manifest}", hospital_data_.manifest.digest().hex()},
                                                                       {"{query}", proposed->digest().hex()}, {"{recipient}", "analyst"}, {"{key}", victim}}) {
      if (const auto at = out.find(name); at != std::string::npos) out.replace(at, name.size(), value);
    }
    EXPECT_EQ(out.find('{'), std::string::npos) << operation.path << " has a part that this test does not know";
    return out.ends_with("/content") ? out + "?offset=0" : out;
  }
  // ask sends the operation as it should be sent, and holds the answer against what the document says of any answer.
  Answer ask(const Operation& operation, Client& client) {
    Bytes bytes;
    if (operation.json_body) bytes = to_bytes(json::canonical(good_body(operation)));
    if (operation.method == "PUT") bytes = to_bytes(ByteView(hospital_data_.envelope).first(10));
    if (operation.endless) {
      // Its head tells as much; only a refusal has an end to wait for.
      const Answer head = client.send("HEAD", target(operation));
      if (head.status < 300) return checked(operation, head);
    }
    return checked(operation, client.send(operation.method, target(operation), std::move(bytes)));
  }
  static Answer checked(const Operation& operation, Answer answer) {
    const std::string status = std::to_string(answer.status);
    EXPECT_TRUE(operation.statuses.contains(status) || (answer.status >= 400 && operation.statuses.contains("default"))) << operation.id << ": " << status << " is not documented";
    EXPECT_LT(answer.status, 500) << operation.id << " " << answer.text("detail");
    const std::string id = answer.header("x-request-id");
    EXPECT_TRUE(id.starts_with("req-") && id.size() == 28) << operation.id << ": " << id;
    if (answer.status >= 400) {
      EXPECT_EQ(answer.header("content-type"), "application/problem+json") << operation.id;
      EXPECT_EQ(answer.text("request_id"), id) << operation.id;
      EXPECT_EQ(answer.number("status"), answer.status) << operation.id;
    }
    return answer;
  }
  static bool lacks_scope(const Answer& answer) { return answer.status == 403 && answer.text("detail").find("has no scope") != std::string::npos; }
  void expect_own(const Operation& operation, const std::string& role, const Answer& answer);
  void expect_stranger(const Operation& operation, const std::string& role, const Answer& answer);

  std::shared_ptr<cleanroom::Room> room;
  std::unique_ptr<jobs::Proposal> proposed;
  json::Value document;
  std::vector<Operation> operations;
  std::string victim = "key-0011223344556677";  // id of the hospital's key that is asked about
  std::string last_id;
};

void Matrix::expect_own(const Operation& operation, const std::string& role, const Answer& answer) {
  const std::string what = operation.id + " by " + role + ": " + std::to_string(answer.status) + " " + answer.text("detail");
  const bool may = role == "admin" || role == "participant" || role == operation.action;
  EXPECT_EQ(lacks_scope(answer), !may) << what;
  if (!may) return;
  EXPECT_NE(answer.status, 401) << what;
  EXPECT_NE(answer.status, 404) << what;
  if (operation.method == "GET" && operation.path.find("/result/") == std::string::npos && !operation.path.ends_with("/receipt")) {
    EXPECT_EQ(answer.status, 200) << what;
  }
}

void Matrix::expect_stranger(const Operation& operation, const std::string& role, const Answer& answer) {
  const std::string what = operation.id + " by a stranger, " + role + ": " + std::to_string(answer.status) + " " + answer.text("detail");
  if (role == "admin") return expect_own(operation, role, answer);
  const bool may = role == "participant" || role == operation.action;
  EXPECT_EQ(lacks_scope(answer), !may) << what;
  if (!may) return;
  const std::string all = json::canonical(answer.body);
  EXPECT_EQ(all.find(contract().digest().hex()), std::string::npos) << what;
  EXPECT_EQ(all.find(victim), std::string::npos) << what;
  if (operation.object == "environment" || operation.object == "dataset" || operation.object == "query" || operation.object == "api_key") {
    EXPECT_EQ(answer.status, 404) << what;
  } else if (operation.object == "contract") {
    EXPECT_EQ(answer.status, 403) << what;
  } else if (operation.object == "list" || operation.object == "hub") {
    EXPECT_LT(answer.status, 300) << what;
  } else {
    ADD_FAILURE() << operation.id << ": no expectation for object \"" << operation.object << "\"";
  }
}

TEST_F(Matrix, EveryOperationByEveryRoleOnItsOwnAndOnOthers) {
  const Instant past = wall().plus_seconds(-1000);
  Client nobody = with("");
  for (const char* const name : {"read", "submit", "approve", "upload", "keys", "participant", "admin"}) {
    const std::string role = name;
    Client own = with(make_key("hospital", {role}));
    Client stranger = with(make_key("stranger", {role}));
    Client expired = with(make_key("hospital", {role}, past.plus_seconds(10), past));
    Client revoked = with(make_key("hospital", {role}));
    ASSERT_OK(hub->store().write("revoke", [&](Transaction& t) { return revoke_api_key(t, last_id, wall()); }));
    for (const Operation& operation : operations) {
      static_cast<void>(make_key("hospital", {"read"}));
      victim = last_id;
      EXPECT_EQ(ask(operation, nobody).status, 401) << operation.id;
      EXPECT_EQ(ask(operation, expired).status, 401) << operation.id;
      EXPECT_EQ(ask(operation, revoked).status, 401) << operation.id;
      // The stranger first: what it asks for must not come to be, and what the owner does may end the object.
      expect_stranger(operation, role, ask(operation, stranger));
      if (role == "admin") {
        static_cast<void>(make_key("hospital", {"read"}));
        victim = last_id;
      }
      expect_own(operation, role, ask(operation, own));
    }
  }
}

TEST_F(Matrix, EveryIdThatIsNotThereIsAbsentForEverybody) {
  Client hospital = with(make_key("hospital", {"participant"}));
  for (const Operation& operation : operations) {
    for (const std::string_view name : {"{env}", "{manifest}", "{query}", "{key}"}) {
      const std::size_t at = operation.path.find(name);
      if (at == std::string::npos) continue;
      Operation changed = operation;
      changed.path.replace(at, name.size(), std::string(64, 'f'));
      // A ballot names its query, and is held against the address first.
      const bool mismatched = operation.action == "approve" && name == "{query}";
      EXPECT_EQ(ask(changed, hospital).status, mismatched ? 422 : 404) << operation.id << " with another " << name;
    }
  }
}

TEST_F(Matrix, NoBodyTakesAFieldThatItDoesNotDeclare) {
  std::set<std::string> fields{"admin", "id", "role", "isAdmin", "__proto__"};
  collect_fields(document, fields);
  ASSERT_GE(fields.size(), 40U);
  const std::string before = json::canonical(admin->get("/api/tee/environments/" + contract().digest().hex() + "/queries").body);
  for (const Operation& operation : operations) {
    if (!operation.json_body) continue;
    const json::Value good = good_body(operation);
    const json::Value& declared = member(operation.schema, "properties");
    ASSERT_NE(declared.object(), nullptr) << operation.id;
    EXPECT_EQ(member(operation.schema, "additionalProperties"), json::Value(false)) << operation.id;
    for (const std::string& field : fields) {
      const auto refused = [&](const json::Value& bad) {
        const Answer answer = checked(operation, admin->post(target(operation), bad));
        EXPECT_EQ(answer.status, 400) << operation.id << " with " << field << ": " << answer.text("detail");
      };
      if (!declared.object()->contains(field)) {
        json::Object more = *good.object();
        more.insert_or_assign(field, json::Value("x"));
        refused(json::Value(std::move(more)));
      }
      // And inside the signed document, whose members are two.
      for (const auto& [name, value] : *good.object()) {
        if (value.object() == nullptr || value.object()->contains(field)) continue;
        json::Object inner = *value.object();
        inner.insert_or_assign(field, json::Value("x"));
        json::Object more = *good.object();
        more.insert_or_assign(name, json::Value(std::move(inner)));
        refused(json::Value(std::move(more)));
      }
    }
  }
  EXPECT_EQ(json::canonical(admin->get("/api/tee/environments/" + contract().digest().hex() + "/queries").body), before);
}

TEST_F(Matrix, EveryDeclaredFieldHasItsType) {
  const std::vector<json::Value> values{json::Value(), json::Value(true), json::Value(std::int64_t{-1}), json::Value(""), json::Value("x"), json::Value(std::string(3'000, 'x')),
                                        json::Value(json::Array{}), json::Value(json::Array{json::Value(json::Object{})}), json::Value(json::Object{})};
  for (const Operation& operation : operations) {
    if (!operation.json_body) continue;
    const json::Value good = good_body(operation);
    for (const auto& [field, schema] : *member(operation.schema, "properties").object()) {
      for (const json::Value& value : values) {
        json::Object bad = *good.object();
        bad.insert_or_assign(field, value);
        const Answer answer = checked(operation, admin->post(target(operation), json::Value(std::move(bad))));
        // A subject is any name.
        if (operation.id == "createApiKey" && field == "subject" && value == json::Value("x")) continue;
        EXPECT_GE(answer.status, 400) << operation.id << " with " << field << " as " << json::canonical(value).substr(0, 50);
      }
    }
    for (const json::Value& value : values) {
      EXPECT_GE(checked(operation, admin->post(target(operation), value)).status, 400) << operation.id << " with " << json::canonical(value).substr(0, 50);
    }
  }
}

}  // namespace
}  // namespace redoubt::hub
