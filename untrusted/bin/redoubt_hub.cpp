// redoubt-hub: the control plane on the operator's machine. This file builds every object and passes each one in.
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>

#include "common/crypto/system_random.h"
#include "untrusted/bin/hub_config.h"
#include "untrusted/hub/api/service.h"
#include "untrusted/hub/instances/local_launcher.h"

namespace {

using namespace redoubt;
namespace fs = std::filesystem;

constexpr rlim_t kOpenFiles = 8192;  // a connection each: the usual limit is fewer than the hub lets in
constexpr std::size_t kMaxRunFolder = 60;  // bytes: socket paths end at 107

constexpr const char* kExamples = R"(
Examples:
  redoubt-hub serve --state /var/lib/redoubt
  redoubt-hub serve --state ./state --listen 127.0.0.1:0 --name hub.example.org
  redoubt-hub serve --config /etc/redoubt/hub.toml
  redoubt-hub serve --state /var/lib/redoubt --metrics-listen 127.0.0.1:9464
  redoubt-hub serve --state /var/lib/redoubt --database "postgresql:///redoubt?host=/run/postgresql"
  redoubt-hub key create hospital --state /var/lib/redoubt
  redoubt-hub key list --state /var/lib/redoubt
  redoubt-hub key revoke key-0011223344556677 --state /var/lib/redoubt

Several hubs, each with its own state folder, may share one PostgreSQL database; each keeps the environments that it created. A
password is best left out of the URL: libpq reads it from the file that PGPASSFILE names. A server on another machine needs
sslmode=verify-full in the URL.

Clients need the address, an API key (the first is in STATE/admin.key) and the pin of the hub's TLS key (STATE/hub.pin).
Exit codes: 0 ok, 1 internal, 2 usage, 3 not found, 5 refused, 6 unavailable, 10 malformed, 69 missing dependency.)";

Instant system_now() {
  return Instant(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::int64_t steady_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// raise_file_limit: as far as this process may. Programs that it starts have the same limit.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kOpenFiles) return;
  limit.rlim_cur = std::min(limit.rlim_max, kOpenFiles);
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
}

// default_state: $XDG_STATE_HOME/redoubt, or ~/.local/state/redoubt.
std::string default_state() {
  if (const char* const folder = getenv("XDG_STATE_HOME"); folder != nullptr && *folder == '/') return std::string(folder) + "/redoubt";
  if (const char* const home = getenv("HOME"); home != nullptr && *home == '/') return std::string(home) + "/.local/state/redoubt";
  return "redoubt-state";
}

// RunFolder: where sockets are: STATE/run, or a private folder under /tmp when that is too long for a socket's path.
class RunFolder {
 public:
  static Result<RunFolder> make(const fs::path& state) {
    RunFolder folder;
    std::error_code error;
    folder.path_ = state / "run";
    if (folder.path_.string().size() <= kMaxRunFolder) {
      fs::create_directories(folder.path_, error);
      if (!error) fs::permissions(folder.path_, fs::perms::owner_all, error);
      if (error) return Error(Code::unavailable, "making folder " + folder.path_.string() + ": " + error.message());
      return folder;
    }
    char name[] = "/tmp/redoubt-XXXXXX";
    if (mkdtemp(name) == nullptr) return Error(Code::unavailable, "making a folder under /tmp");
    folder.path_ = name;
    folder.remove_ = true;
    return folder;
  }
  RunFolder(RunFolder&& other) noexcept : path_(std::move(other.path_)), remove_(std::exchange(other.remove_, false)) {}
  ~RunFolder() {
    std::error_code ignored;
    if (remove_) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  RunFolder() = default;
  fs::path path_;
  bool remove_ = false;
};

// database_of: where the configuration says that the database is; nothing: in the state folder.
Result<std::optional<hub::sql::Location>> database_of(const hub::HubConfig& config) {
  if (config.database.empty()) return std::optional<hub::sql::Location>();
  REDOUBT_TRY(auto location, hub::sql::Location::of_url(config.database));
  return std::optional(std::move(location));
}

Status serve(const hub::HubConfig& config, const sigset_t& signals) {
  std::error_code error;
  const fs::path state = fs::absolute(config.state, error);
  const fs::path programs = config.program_dir.empty() ? fs::read_symlink("/proc/self/exe", error).parent_path() : fs::absolute(config.program_dir, error);
  fs::create_directories(state, error);
  if (error) return Error(Code::unavailable, "making folder " + state.string() + ": " + error.message());
  if (!fs::exists(programs / "redoubt-cleanroom")) {
    return Error(Code::missing_dependency, (programs / "redoubt-cleanroom").string() + " does not exist; name its folder with --program-dir");
  }
  REDOUBT_TRY(const RunFolder run, RunFolder::make(state));

  raise_file_limit();
  crypto::SystemRandom random;
  hub::LocalLauncher launcher({state, run.path(), programs});
  // Participants need the root of the software TPMs before there is an environment; and what is missing here is said at once.
  if (const auto platform = launcher.platform(); !platform.ok()) return platform.error();
  hub::ServiceOptions options;
  REDOUBT_TRY(options.database, database_of(config));
  options.state = state;
  options.listen = config.listen;
  options.metrics_listen = config.metrics_listen;
  options.microseconds = steady_us;
  options.name = config.name;
  options.log = config.log;
  options.retention.events = config.keep_events.value_or(options.retention.events);
  options.retention.audit_events = config.keep_audit_events.value_or(options.retention.audit_events);
  options.version = REDOUBT_VERSION;
  REDOUBT_TRY(const auto service, hub::HubService::start(std::move(options), launcher, random, system_now, steady_ms));
  std::printf("listening on %s\n", service->address().c_str());
  std::printf("pin %s\n", service->pin().hex().c_str());
  if (!service->metrics_address().empty()) std::printf("metrics on %s\n", service->metrics_address().c_str());
  if (service->made_admin_key()) std::printf("first API key in %s\n", (state / "admin.key").c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  service->stop();
  return {};
}

// with_place calls `function` with where the keys of the configuration's hub are.
template <class F>
Status with_place(const hub::HubConfig& config, F&& function) {
  REDOUBT_TRY(const auto database, database_of(config));
  return function(hub::KeyPlace{fs::absolute(config.state), database ? &*database : nullptr});
}

Status create(const hub::KeyPlace& place, const std::string& subject, bool admin) {
  crypto::SystemRandom random;
  REDOUBT_TRY(const auto key, hub::create_key(place, subject, admin, random, system_now()));
  const std::string_view text = as_text(key.text.reveal());
  std::printf("%.*s\n", static_cast<int>(text.size()), text.data());
  return {};
}

// list prints one key a line: id, whom it is for, scopes, when it was made, and since when it is refused.
Status list(const hub::KeyPlace& place) {
  const Instant now = system_now();
  REDOUBT_TRY(const auto keys, hub::list_keys(place, now));
  for (const hub::ApiKey& key : keys) {
    std::string scopes;
    for (const std::string& scope : key.scopes) scopes += (scopes.empty() ? "" : ",") + scope;
    std::printf("%s  %s  %s  %s  %s\n", key.id.c_str(), key.subject.c_str(), scopes.c_str(), key.created.text().c_str(),
                key.revoked ? ("revoked " + key.revoked->text()).c_str() : key.valid(now) ? "active" : "expired");
  }
  return {};
}

Status revoke(const hub::KeyPlace& place, const std::string& id) {
  REDOUBT_CHECK(hub::revoke_key(place, id, system_now()));
  std::printf("revoked %s\n", id.c_str());
  return {};
}

void overlay(std::string& from_file, const std::string& given, std::string_view fallback) {
  if (!given.empty()) from_file = given;
  if (from_file.empty()) from_file = fallback;
}

}  // namespace

int main(int argc, char** argv) {
  // Signals are waited for, never handled: blocked here, before any thread starts.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  CLI::App app{"The hub: stores ciphertext, forwards documents, starts enclave programs. Nobody has to trust it."};
  app.set_version_flag("--version", REDOUBT_VERSION);
  app.footer(kExamples);
  app.require_subcommand(1);
  hub::HubConfig given;
  std::string config_file;
  CLI::App* const serve_command = app.add_subcommand("serve", "Serve the REST API and keep enclave programs running");
  serve_command->add_option("--config", config_file, "TOML file with state, listen, metrics_listen, program_dir, name, log, database, keep_events and keep_audit_events");
  serve_command->add_option("--state", given.state, "State folder (default $XDG_STATE_HOME/redoubt)");
  serve_command->add_option("--listen", given.listen, "Address and port (default 127.0.0.1:7443; port 0 picks one)");
  serve_command->add_option("--metrics-listen", given.metrics_listen, "Loopback address and port, or unix:PATH, where Prometheus reads /metrics (default: nowhere)");
  serve_command->add_option("--program-dir", given.program_dir, "Folder of redoubt-cleanroom (default: beside this program)");
  serve_command->add_option("--name", given.name, "Host name for the certificate");
  const char* const database_help = "URL of a PostgreSQL database (default: a file in the state folder)";
  serve_command->add_option("--database", given.database, database_help);
  serve_command->add_option("--log", given.log, "File for a line of JSON for each request, or - for standard output (default: none)");
  serve_command->add_option("--keep-events", given.keep_events, "Events kept of each environment, the oldest go first (default 10000)");
  serve_command->add_option("--keep-audit-events", given.keep_audit_events, "Rows kept of the audit trail (default 1000000)");
  CLI::App* const key_command = app.add_subcommand("key", "API keys")->require_subcommand(1);
  CLI::App* const create_command = key_command->add_subcommand("create", "Make an API key and print it, once");
  std::string subject;
  bool admin = false;
  create_command->add_option("name", subject, "Whom the key is for: a participant's name in the contracts")->required();
  create_command->add_option("--state", given.state, "State folder (default $XDG_STATE_HOME/redoubt)");
  create_command->add_option("--database", given.database, database_help);
  create_command->add_flag("--admin", admin, "A key that may see every environment");
  CLI::App* const list_command = key_command->add_subcommand("list", "Show all API keys: id, name, scopes, made, active, expired or revoked");
  CLI::App* const revoke_command = key_command->add_subcommand("revoke", "Refuse an API key, and all keys that came of it, from now on, in a running hub too");
  std::string id;
  revoke_command->add_option("id", id, "The key's id, as list shows it: key-...")->required();
  for (CLI::App* const command : {list_command, revoke_command}) {
    command->add_option("--state", given.state, "State folder (default $XDG_STATE_HOME/redoubt)");
    command->add_option("--database", given.database, database_help);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Code::usage);
  }

  hub::HubConfig config;
  Status done;
  if (!config_file.empty()) {
    if (auto read = hub::read_config(config_file); read.ok()) {
      config = std::move(*read);
    } else {
      done = read.error();
    }
  }
  if (done.ok()) {
    overlay(config.state, given.state, default_state());
    overlay(config.listen, given.listen, "127.0.0.1:7443");
    overlay(config.metrics_listen, given.metrics_listen, "");
    overlay(config.program_dir, given.program_dir, "");
    overlay(config.name, given.name, "");
    overlay(config.database, given.database, "");
    overlay(config.log, given.log, "");
    if (given.keep_events) config.keep_events = given.keep_events;
    if (given.keep_audit_events) config.keep_audit_events = given.keep_audit_events;
    if (create_command->parsed()) {
      done = with_place(config, [&](const hub::KeyPlace& place) { return create(place, subject, admin); });
    } else if (list_command->parsed()) {
      done = with_place(config, list);
    } else if (revoke_command->parsed()) {
      done = with_place(config, [&](const hub::KeyPlace& place) { return revoke(place, id); });
    } else {
      done = serve(config, signals);
    }
  }
  if (done.ok()) return 0;
  std::fprintf(stderr, "redoubt-hub: %s\n", done.error().message().c_str());
  return static_cast<int>(done.error().code());
}
