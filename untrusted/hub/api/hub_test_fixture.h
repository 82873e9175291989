// HubTest: a hub on port 0 over real rooms whose host's doors are Unix sockets; only processes, TPMs and the SQL engine are
// scripted. Participants' side (joining, keys) is played directly on the room. For tests.
#pragma once

#include <atomic>

#include "common/crypto/system_random.h"
#include "enclave/workloads/cleanroom/doors/host_door.h"
#include "enclave/workloads/cleanroom/room_test_fixture.h"
#include "tests/support/files.h"
#include "untrusted/hub/api/service.h"

namespace redoubt::hub {

// RoomLauncher "starts" rooms in this process.
class RoomLauncher final : public Launcher {
 public:
  // `previous`: the head that a launcher is given for the instance.
  using MakeRoom = std::function<std::unique_ptr<cleanroom::Room>(std::uint64_t seed, std::optional<receipt::TreeHead> previous)>;
  RoomLauncher(std::filesystem::path folder, MakeRoom make, std::function<void(cleanroom::Room&)> started = [](cleanroom::Room&) {})
      : folder_(std::move(folder)), make_(std::move(make)), started_(std::move(started)) {}

  struct Running final : RunningProgram {
    Running(std::unique_ptr<cleanroom::Room> of, std::string path) : room(std::move(of)), door(std::move(path)) {
      net::Router router;
      cleanroom::add_host_routes(router, *room, "127.0.0.1:1");
      net::ServerOptions options;
      options.listen = "unix:" + door;
      server = OrDie(net::HttpServer::start(std::move(options), std::move(router)));
    }
    const std::string& host_door() const override { return door; }
    std::optional<std::string> why_ended() override { return dead ? std::optional<std::string>("killed by signal 9") : std::nullopt; }

    std::shared_ptr<cleanroom::Room> room;
    std::string door;
    std::unique_ptr<net::HttpServer> server;
    std::atomic<bool> dead{false};
  };

  Result<std::unique_ptr<RunningProgram>> start(const LaunchRequest& request) override {
    const std::lock_guard lock(mutex_);
    if (broken) return Error(Code::missing_dependency, "no TPM");
    requests.push_back(request);
    std::optional<receipt::TreeHead> previous;
    if (!request.previous.empty()) previous = OrDie(receipt::TreeHead::parse(request.previous));
    auto running = std::make_unique<Running>(make_(requests.size(), std::move(previous)), (folder_ / ("room" + std::to_string(requests.size()))).string());
    started_(*running->room);
    current_ = running->room;
    kill_ = [program = running.get()] {
      program->server->stop(std::chrono::milliseconds(0));
      program->dead = true;
    };
    return std::unique_ptr<RunningProgram>(std::move(running));
  }
  Result<json::Value> platform() override { return json::Value(json::Object{{"programs", json::Array()}, {"tpm_roots", "roots"}}); }

  std::shared_ptr<cleanroom::Room> room() {
    const std::lock_guard lock(mutex_);
    return current_;
  }
  // kill ends the program as a crash would.
  void kill() {
    const std::lock_guard lock(mutex_);
    kill_();
  }

  std::atomic<bool> broken{false};
  std::vector<LaunchRequest> requests;

 private:
  const std::filesystem::path folder_;
  const MakeRoom make_;
  const std::function<void(cleanroom::Room&)> started_;
  std::mutex mutex_;
  std::shared_ptr<cleanroom::Room> current_;
  std::function<void()> kill_;
};

struct Answer {
  int status = 0;
  json::Value body;
  bool replayed = false;
  net::Headers headers{};

  std::string header(std::string_view name) const {
    const std::string* const value = headers.find(name);
    return value == nullptr ? "" : *value;
  }
  std::string text(std::string_view member) const {
    const json::Value* value = find(member);
    return value != nullptr && value->string() != nullptr ? *value->string() : "";
  }
  std::int64_t number(std::string_view member) const {
    const json::Value* value = find(member);
    return value != nullptr && value->integer() != nullptr ? *value->integer() : -1;
  }
  const json::Value* find(std::string_view member) const {
    if (body.object() == nullptr) return nullptr;
    const auto found = body.object()->find(member);
    return found == body.object()->end() ? nullptr : &found->second;
  }
  std::size_t count(std::string_view member) const {
    const json::Value* value = find(member);
    return value != nullptr && value->array() != nullptr ? value->array()->size() : 0;
  }
};

// Client: JSON requests with an API key.
class Client {
 public:
  Client(std::uint16_t port, const SpkiDigest& pin, std::string key) : key_(std::move(key)) {
    options_.host = "127.0.0.1";
    options_.port = port;
    options_.trust = net::TrustSpki{pin};
  }
  std::string idempotency_key;
  net::Headers more;  // of every request

  Result<Answer> try_send(std::string method, std::string target, Bytes body = {}) {
    if (!client_ || !client_->open()) {
      REDOUBT_TRY(auto fresh, net::HttpClient::connect(options_));
      client_.emplace(std::move(fresh));
    }
    net::ClientRequest request{.method = std::move(method), .target = std::move(target)};
    if (!key_.empty()) request.headers.add("authorization", "Bearer " + key_);
    if (!idempotency_key.empty()) request.headers.add("idempotency-key", idempotency_key);
    for (const auto& [name, value] : more) request.headers.add(name, value);
    request.body = std::move(body);
    REDOUBT_TRY(const auto response, client_->request(request));
    auto value = json::parse(as_text(response.body), {.max_bytes = 64U << 20, .max_depth = 32});
    return Answer{response.status, value.ok() ? *value : json::Value(), response.headers.find("idempotency-replayed") != nullptr, response.headers};
  }
  Answer send(std::string method, std::string target, Bytes body = {}) { return OrDie(try_send(std::move(method), std::move(target), std::move(body))); }
  Answer get(std::string target) { return send("GET", std::move(target)); }
  Answer post(std::string target, const json::Value& body) { return send("POST", std::move(target), to_bytes(json::canonical(body))); }
  Answer put(std::string target, ByteView body) { return send("PUT", std::move(target), to_bytes(body)); }

 private:
  net::ClientOptions options_;
  std::string key_;
  std::optional<net::HttpClient> client_;
};

class HubTest : public cleanroom::RoomTest {
 protected:
  static constexpr const char* kStudy = "/api/tee/environments/study";

  static Instant wall() {
    return Instant(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  }
  ServiceOptions options(const std::filesystem::path& state) {
    ServiceOptions out;
    out.state = state;
    if (database) out.database = database->clone();
    out.listen = "127.0.0.1:0";
    out.version = "1.2.3";
    out.rates = {.requests_per_second = 1e6, .request_burst = 1e6, .failures_per_second = 1e6, .failure_burst = 1e6};
    out.instances = {.poll = std::chrono::milliseconds(20), .first_pause = std::chrono::milliseconds(20), .last_pause = std::chrono::milliseconds(50)};
    out.worker.poll = std::chrono::milliseconds(20);
    return out;
  }
  // line_of: a file of one line, without its end.
  static std::string line_of(const std::filesystem::path& file) {
    std::string line = test::read_text(file);
    line.pop_back();
    return line;
  }
  static std::string admin_key(const std::filesystem::path& state) { return line_of(state / "admin.key"); }
  std::unique_ptr<HubService> serve(ServiceOptions with, Launcher& programs) {
    return OrDie(HubService::start(std::move(with), programs, random, wall, [] { return std::int64_t{0}; }));
  }
  void start_hub() {
    ServiceOptions with = options(folder.path() / "state");
    if (change_options) change_options(with);
    hub = serve(std::move(with), launcher);
    admin = std::make_unique<Client>(hub->port(), hub->pin(), admin_key(folder.path() / "state"));
  }
  void stop_hub() {
    admin.reset();
    hub.reset();
  }
  std::string key_for(const std::string& subject) {
    const auto key = OrDie(create_key({folder.path() / "state", database ? &*database : nullptr}, subject, false, random, wall()));
    return std::string(as_text(key.text.reveal()));
  }
  Client client_for(const std::string& subject) { return Client(hub->port(), hub->pin(), key_for(subject)); }

  template <class F>
  static bool until(F&& done) {
    for (int i = 0; i < 1500; ++i) {
      if (done()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  json::Value contract_body() const { return json::Object{{"contract", contract().canonical()}}; }
  static json::Value body(std::string_view member, const jobs::SignedDocument& document) {
    return json::Object{{std::string(member), document.to_json()}};
  }
  void create_study(Client& client) {
    ASSERT_EQ(client.post("/api/tee/environments", contract_body()).status, 201);
    ASSERT_TRUE(until([&] { return client.get(kStudy).text("state") == "running"; }));
  }
  // open_study: the admin's study, with the ciphertext of both datasets, that everyone has joined; keys are not released yet.
  std::shared_ptr<cleanroom::Room> open_study() {
    create_study(*admin);
    upload(*admin, hospital_data_);
    upload(*admin, laboratory_data_);
    join_all(*launcher.room());
    return launcher.room();
  }
  void propose_at_hub(const jobs::Proposal& proposed) {
    const Answer made = admin->post(std::string(kStudy) + "/queries", body("proposal", sign(proposed, analyst_)));
    ASSERT_EQ(made.status, 201) << made.text("detail");
  }
  // approve_at_hub: both voters do, with ballots as `change` makes them.
  void approve_at_hub(const cleanroom::Room& room, const jobs::Proposal& proposed,
                      const std::function<void(jobs::Ballot&)>& change = [](jobs::Ballot&) {}) {
    for (cleanroom::Party* voter : {&hospital_, &laboratory_}) {
      jobs::Ballot choice = ballot(room, proposed, *voter);
      change(choice);
      const Answer counted = admin->post(query_path(proposed) + "/approve", body("ballot", sign(choice, *voter)));
      ASSERT_EQ(counted.status, 200) << counted.text("detail");
    }
  }
  // await_instance: another one than that of `old` runs.
  void await_instance(const cleanroom::Room& old) {
    ASSERT_TRUE(until([&] {
      const Answer view = admin->get(kStudy);
      return view.text("state") == "running" && view.text("instance") != old.claims().instance.hex();
    }));
  }
  std::string state_of(const jobs::Proposal& proposed) { return admin->get(query_path(proposed)).text("state"); }
  std::string reason_of(const jobs::Proposal& proposed) { return admin->get(query_path(proposed)).text("reason"); }
  // upload announces a dataset and sends it in parts of `part` bytes.
  static void upload(Client& client, const Sealed& data, std::size_t part = 100) {
    const Answer made = client.post(std::string(kStudy) + "/datasets", body("manifest", data.document));
    ASSERT_TRUE(made.status == 201 || made.status == 200) << made.text("detail");
    for (auto at = static_cast<std::size_t>(made.number("received")); at < data.envelope.size();) {
      const ByteView bytes = ByteView(data.envelope).subspan(at, std::min(part, data.envelope.size() - at));
      const Answer answer = client.put(content(data) + std::to_string(at), bytes);
      ASSERT_EQ(answer.status, 200) << answer.text("detail");
      at = static_cast<std::size_t>(answer.number("received"));
    }
  }
  static std::string content(const Sealed& data) {
    return std::string(kStudy) + "/datasets/" + data.manifest.digest().hex() + "/content?offset=";
  }
  void release_keys(cleanroom::Room& room) {
    ASSERT_OK(release(room, hospital_, hospital_data_));
    ASSERT_OK(release(room, laboratory_, laboratory_data_));
  }
  // carry_over: everyone signs the old logs that the room was handed.
  void carry_over(cleanroom::Room& room) {
    const auto offered = room.status().carry_over;
    ASSERT_TRUE(offered);
    for (const cleanroom::Party* party : {&analyst_, &hospital_, &laboratory_}) {
      ASSERT_OK(room.carry_over(party->name, jobs::sign_document(jobs::kCarryOverType, offered->statement.canonical(), party->key)));
    }
  }
  bool datasets_ready(Client& client) {
    return until([&] {
      const Answer list = client.get(std::string(kStudy) + "/datasets");
      return list.count("items") == 2 && std::ranges::all_of(*list.find("items")->array(), [](const json::Value& item) {
               return item.object()->at("state") == json::Value("ready");
             });
    });
  }
  std::string query_path(const jobs::Proposal& proposal) { return std::string(kStudy) + "/queries/" + proposal.digest().hex(); }

  test::TempDir folder;
  std::optional<sql::Location> database;  // nothing: a file in the state folder
  std::function<void(ServiceOptions&)> change_options;  // of start_hub
  crypto::SystemRandom random;
  RoomLauncher launcher{folder.path(), [this](std::uint64_t seed, std::optional<receipt::TreeHead> previous) {
                          return make_room(seed, std::move(previous));
                        }};
  std::unique_ptr<HubService> hub;
  std::unique_ptr<Client> admin;
};

}  // namespace redoubt::hub
