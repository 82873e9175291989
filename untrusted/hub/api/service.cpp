#include "untrusted/hub/api/service.h"

#include <fstream>

#include "untrusted/hub/auth/admin_key.h"
#include "untrusted/hub/jobs/handlers.h"
#include "untrusted/hub/store/hubs.h"
#include "untrusted/hub/store/secrets.h"

namespace redoubt::hub {
namespace {
namespace fs = std::filesystem;

// A run holds a program for minutes; calls that wait for it must not stop the others.
// And calls that change something wait for the disk together (store/store.h).
constexpr std::size_t kHandlers = 32;

// Streams of events are connections too; those of strangers are fewer (common/net/admission.h).
constexpr std::size_t kMaxConnections = 4096;

Status make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) return Error(Code::unavailable, "making folder " + path.string() + ": " + error.message());
  return {};
}

Result<std::vector<Environment>> all_environments(Transaction& transaction) {
  return read_pages<Environment>([&](const PageRequest& page) { return list_environments(transaction, page); });
}

Result<std::unique_ptr<Store>> open_store(const KeyPlace& place, Instant now) {
  return place.database != nullptr ? Store::open(*place.database, now) : Store::open(place.state / "hub.db", now);
}

// open_existing: commands about keys must not make a hub where there is none.
Result<std::unique_ptr<Store>> open_existing(const KeyPlace& place, Instant now) {
  std::error_code error;
  if (place.database == nullptr && !fs::exists(place.state / "hub.db", error)) return Error(Code::not_found, "no hub in " + place.state.string());
  return open_store(place, now);
}

// hub_id: what this state's hub is called in a database that it shares. Made once; whoever has the state's lock reads or writes it.
Result<std::string> hub_id(const fs::path& state, crypto::Random& random) {
  const fs::path file = state / "hub.id";
  std::error_code error;
  if (!fs::exists(file, error)) {
    REDOUBT_CHECK(write_private_file(file, as_bytes("hub-" + hex_encode(random.fixed<FixedBytes<struct HubIdTag, 8>>().view()))));
  }
  std::ifstream stream(file);
  std::string id;
  if (!std::getline(stream, id)) return Error(Code::unavailable, "reading " + file.string());
  REDOUBT_CHECK(check_id(id, file.string()));
  return id;
}

}  // namespace

Result<std::unique_ptr<HubService>> HubService::start(ServiceOptions options, Launcher& launcher, crypto::Random& random, Clock now,
                                                      Authenticator::Milliseconds ticks) {
  std::unique_ptr<HubService> hub(new HubService());
  hub->now_ = now;
  REDOUBT_CHECK(options.retention.check());
  if (!options.log.empty()) {
    REDOUBT_TRY(hub->log_, RequestLog::open(options.log, now));
  }
  REDOUBT_CHECK(hub->open(options, random));
  hub->authenticator_ = std::make_unique<Authenticator>(*hub->store_, options.rates, std::move(ticks), now);
  HubService* const self = hub.get();
  hub->metrics_ = std::make_unique<Metrics>();
  hub->events_ = std::make_unique<EventFeed>(*hub->store_, now, options.events);
  const auto wake = [self] {
    if (self->worker_) self->worker_->wake();
  };
  hub->host_ = std::make_unique<InstanceHost>(*hub->store_, *hub->objects_, launcher, now, options.instances, wake);
  options.worker.hub = hub->id_;
  hub->worker_ = std::make_unique<Worker>(*hub->store_, job_handlers(*hub->store_, *hub->host_, now), now, options.worker, given_up_handlers(now));
  hub->api_ = std::make_unique<HubApi>(HubApi::Parts{*hub->store_, *hub->objects_, *hub->host_, launcher, *hub->authenticator_, *hub->events_, *hub->metrics_, wake,
                                                     now, options.fault, options.version, random, hub->id_, options.microseconds, hub->link_secret_, hub->log_.get()});
  REDOUBT_CHECK(hub->recover());
  REDOUBT_TRY(HubIdentity identity, hub_identity(options.state, options.name, random, now()));
  hub->pin_ = identity.pin;
  net::ServerOptions server;
  server.listen = options.listen;
  server.identity = std::move(identity.tls);
  server.workers = kHandlers;
  server.admission.max_connections = kMaxConnections;
  REDOUBT_TRY(hub->server_, net::HttpServer::start(std::move(server), hub->api_->router()));
  if (!options.metrics_listen.empty()) REDOUBT_CHECK(hub->serve_metrics(options.metrics_listen).context("metrics"));
  hub->worker_->start();
  hub->housekeeper_ = std::make_unique<Housekeeper>(*hub->store_, options.retention, now, options.housekeeping);
  return hub;
}

Status HubService::serve_metrics(const std::string& listen) {
  net::Router router;
  router.get("/metrics", net::Access::open, [this](const net::HttpRequest&) {
    Metrics::Others others{.events = events_->counts(), .connections = server_->counts()};
    auto jobs = store_->read([](Transaction& transaction) { return count_jobs(transaction); });
    others.database = jobs.ok();
    if (jobs.ok()) others.jobs = std::move(*jobs);
    net::HttpResponse response = net::text_response(200, metrics_->text(others));
    response.headers.set("content-type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
  });
  net::ServerOptions options;
  options.listen = listen;
  options.plain_on_loopback = !listen.starts_with("unix:");
  options.workers = 1;
  options.admission = {.max_connections = 32, .max_unauthenticated = 32, .max_unauthenticated_per_peer = 32};
  REDOUBT_TRY(metrics_server_, net::HttpServer::start(std::move(options), std::move(router)));
  return {};
}

Status HubService::open(const ServiceOptions& options, crypto::Random& random) {
  REDOUBT_CHECK(make_folder(options.state));
  // The object store's lock comes first: whoever holds it is the only hub of this state.
  ObjectStore::Options objects;
  objects.fault = options.fault;
  REDOUBT_TRY(objects_, ObjectStore::open(options.state / "objects", objects));
  Store::Options store;
  store.fault = options.fault;
  REDOUBT_TRY(id_, hub_id(options.state, random));
  alone_ = !options.database || !options.database->postgres();
  REDOUBT_TRY(store_, options.database ? Store::open(*options.database, now_(), std::move(store)) : Store::open(options.state / "hub.db", now_(), std::move(store)));
  REDOUBT_TRY(link_secret_, store_->write("secret", [&](Transaction& transaction) { return ensure_secret(transaction, random, "result links"); }));
  REDOUBT_TRY(made_admin_key_, ensure_admin_key(*store_, random, options.state / "admin.key", now_()));
  return {};
}

Status HubService::recover() {
  std::set<ObjectName> keep;
  std::set<ObjectName> uploads;
  std::vector<Environment> environments;
  REDOUBT_CHECK(store_->write("recover", [&](Transaction& transaction) -> Status {
    REDOUBT_CHECK(enter_hub(transaction, id_, alone_, now_()));
    REDOUBT_TRY(const auto released, release_leases(transaction, alone_ ? std::nullopt : std::optional<std::string_view>(id_), now_()));
    static_cast<void>(released);
    REDOUBT_TRY(const auto forgotten, forget_answers(transaction, now_()));
    static_cast<void>(forgotten);
    REDOUBT_TRY(const auto names, dataset_objects(transaction));
    for (const std::string& name : names) {
      REDOUBT_TRY(const ObjectName object, ObjectName::parse(name));
      keep.insert(object);
      uploads.insert(object);
    }
    REDOUBT_TRY(environments, all_environments(transaction));
    return {};
  }));
  REDOUBT_TRY(const std::size_t swept, objects_->sweep(keep, uploads));
  static_cast<void>(swept);
  REDOUBT_CHECK(api_->finish_uploads());
  for (const Environment& environment : environments) {
    if (environment.state == EnvironmentState::active && environment.home == id_) host_->ensure(environment.id);
  }
  return {};
}

HubService::~HubService() { stop(); }

void HubService::stop() {
  if (metrics_server_) metrics_server_->stop(std::chrono::milliseconds(0));
  if (server_) server_->stop(std::chrono::seconds(2));
  if (events_) events_->stop();
  if (housekeeper_) housekeeper_->stop();
  // Programs end before the worker, so that a job that waits for one does not keep the hub.
  if (host_) host_->stop();
  if (worker_) worker_->stop();
}

Result<NewApiKey> create_key(const KeyPlace& place, const std::string& subject, bool admin, crypto::Random& random, Instant now) {
  if (place.database == nullptr) REDOUBT_CHECK(make_folder(place.state));
  REDOUBT_TRY(const auto store, open_store(place, now));
  return store->write("key.create", [&](Transaction& transaction) {
    return create_api_key(transaction, random, subject, {std::string(admin ? kAdminScope : kParticipantScope)}, now);
  });
}

Result<std::vector<ApiKey>> list_keys(const KeyPlace& place, Instant now) {
  REDOUBT_TRY(const auto store, open_existing(place, now));
  return store->read([&](Transaction& transaction) {
    return read_pages<ApiKey>([&](const PageRequest& page) { return list_api_keys(transaction, page); });
  });
}

Status revoke_key(const KeyPlace& place, const std::string& id, Instant now) {
  REDOUBT_TRY(const auto store, open_existing(place, now));
  return store->write("key.revoke", [&](Transaction& transaction) -> Status {
    REDOUBT_TRY(const auto ended, revoke_api_key(transaction, id, now));
    for (const std::string& each : ended) REDOUBT_CHECK(add_audit_event(transaction, {now, "operator", "key.revoke", each, each == id ? "" : "came of " + id}));
    return {};
  });
}

}  // namespace redoubt::hub
