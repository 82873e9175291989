// HubService: all rooms of the hub joined to one running server. Its state is one folder, which one process owns at a time, and a
// database: a file of that folder, or one of PostgreSQL, which several hubs may share. Then each environment is kept by the hub that
// created it (its home, by the id in STATE/hub.id), and the others serve what the database holds of it.
//
// start opens what an earlier hub left, in whatever state a crash left it: unfinished uploads go on, jobs that were running are
// queued again, programs are started for every environment. stop ends requests first, then jobs, then programs. Clock, randomness,
// the launcher and fault points are parameters.
//
//   STATE/hub.db  STATE/hub.id  STATE/objects/  STATE/env/  STATE/admin.key  STATE/hub.crt  STATE/hub.key  STATE/hub.pin
#pragma once

#include "common/net/server.h"
#include "untrusted/hub/api/api.h"
#include "untrusted/hub/api/tls_identity.h"
#include "untrusted/hub/jobs/housekeeper.h"
#include "untrusted/hub/jobs/worker.h"

namespace redoubt::hub {

struct ServiceOptions {
  std::filesystem::path state;
  std::optional<sql::Location> database;  // nothing: STATE/hub.db
  std::string listen = "127.0.0.1:7443";
  std::string name;  // of this host, for the certificate; empty: loopback alone
  std::string log;   // file for a line of JSON for each request, "-" for standard output; empty: none is written
  std::string metrics_listen;  // where Metrics may be read: an address of this machine, or unix:/path; empty: nowhere
  std::string version;
  RateLimits rates;
  InstanceHost::Options instances;
  Worker::Options worker;
  EventFeed::Options events;
  Retention retention;
  Housekeeper::Options housekeeping;
  FaultPoint fault = [](std::string_view) {};
  std::function<std::int64_t()> microseconds = [] { return std::int64_t{0}; };  // of a clock that does not go back: for Metrics
};

class HubService {
 public:
  // start: `usage` for a retention out of its bounds, `refused` for the state of a newer hub, `unavailable` when another process has it, the disk or the address fail.
  // `launcher` and `random` outlive the service.
  static Result<std::unique_ptr<HubService>> start(ServiceOptions options, Launcher& launcher, crypto::Random& random, Clock now,
                                                   Authenticator::Milliseconds ticks);
  ~HubService();
  void stop();

  const std::string& address() const { return server_->address(); }
  std::uint16_t port() const { return server_->port(); }
  // metrics_address: empty when they are not served.
  std::string metrics_address() const { return metrics_server_ ? metrics_server_->address() : ""; }
  const SpkiDigest& pin() const { return pin_; }
  // made_admin_key: this start wrote STATE/admin.key.
  bool made_admin_key() const { return made_admin_key_; }
  Store& store() { return *store_; }

 private:
  HubService() = default;
  Status open(const ServiceOptions& options, crypto::Random& random);
  Status recover();
  Status serve_metrics(const std::string& listen);

  Clock now_;
  std::string id_;      // STATE/hub.id
  bool alone_ = false;  // no other hub can have this database
  std::unique_ptr<Store> store_;
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<EventFeed> events_;
  std::unique_ptr<InstanceHost> host_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Housekeeper> housekeeper_;
  std::unique_ptr<Metrics> metrics_;
  SecretBytes link_secret_;
  std::unique_ptr<RequestLog> log_;
  std::unique_ptr<HubApi> api_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<net::HttpServer> metrics_server_;
  SpkiDigest pin_;
  bool made_admin_key_ = false;
};

// KeyPlace: where a hub's keys are, for commands about them: its state folder, and its database unless that is STATE/hub.db.
struct KeyPlace {
  std::filesystem::path state;
  const sql::Location* database = nullptr;  // borrowed
};

// create_key makes an API key in a hub's database, whether the hub runs or not: `admin` or for a participant. The key's text is in the
// result alone.
Result<NewApiKey> create_key(const KeyPlace& place, const std::string& subject, bool admin, crypto::Random& random, Instant now);
// list_keys and revoke_key do the same to keys that are there; a running hub refuses a revoked key, and all that came of it, from its next
// request on.
// `not_found`: no hub has this state, or no key this id.
Result<std::vector<ApiKey>> list_keys(const KeyPlace& place, Instant now);
Status revoke_key(const KeyPlace& place, const std::string& id, Instant now);

}  // namespace redoubt::hub
