// redoubt-verifier: the Verifier as a small HTTP service. The composition root: clock, randomness, files, environment variables and
// the socket enter here; everything else is client/verifier.
#include <signal.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "client/bin/redoubt-verifier/config.h"
#include "client/sdk/files.h"
#include "client/verifier/service.h"
#include "common/crypto/system_random.h"
#include "common/net/server.h"

namespace {

using namespace redoubt;
namespace fs = std::filesystem;

constexpr std::size_t kMaxPolicyFile = std::size_t{1} << 20U;
constexpr std::size_t kMaxCollateralFile = std::size_t{16} << 20U;
constexpr std::size_t kMaxCollateralFiles = 4096;
constexpr std::size_t kMaxPemFile = std::size_t{1} << 20U;

constexpr const char* kExamples = R"(
Examples:
  redoubt-verifier serve
  redoubt-verifier serve --listen 127.0.0.1:0 --policy ./policy.json --default-policy production
  redoubt-verifier serve --collateral /var/lib/redoubt/collateral --state /var/lib/redoubt
  redoubt-verifier serve --listen 0.0.0.0:7455 --certificate chain.pem --certificate-key key.pem
  redoubt-verifier serve --config /etc/redoubt/verifier.toml

  curl --data-binary @quote.bin -H 'content-type: application/octet-stream' 'http://127.0.0.1:7455/v1/appraise?nonce=00112233445566778899aabbccddeeff'

The first line printed is "listening on ADDRESS", the second the id of the key that signs results (GET /v1/key). Without a certificate
the service listens on loopback addresses alone. The interface is at /openapi.json.
Exit codes: 0 ok, 1 internal, 2 usage, 3 not found, 5 refused, 6 unavailable, 10 malformed.)";

Instant system_now() {
  return Instant(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

// default_state: $XDG_STATE_HOME/redoubt, or ~/.local/state/redoubt.
fs::path default_state() {
  if (const char* const folder = std::getenv("XDG_STATE_HOME"); folder != nullptr && *folder == '/') return fs::path(folder) / "redoubt";
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home == '/') return fs::path(home) / ".local/state/redoubt";
  return "redoubt-state";
}

// signing_key: STATE/verifier.key, the 32-byte seed of RFC 8032, mode 0600; made at the first start.
Result<crypto::Ed25519PrivateKey> signing_key(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) {
    crypto::SystemRandom random;
    REDOUBT_TRY(const auto made, crypto::Ed25519PrivateKey::generate(random));
    REDOUBT_CHECK(sdk::write_new(file, made.seed().reveal(), sdk::FileKind::secret));
  }
  REDOUBT_TRY(const SecretBytes seed, sdk::read_secret(file, 32));
  return crypto::Ed25519PrivateKey::from_seed(seed).context("signing key " + file.string());
}

Result<std::vector<appraise::Policy>> read_policies(const std::vector<std::string>& files) {
  std::vector<appraise::Policy> policies;
  for (const std::string& file : files) {
    REDOUBT_TRY(const std::string text, sdk::read_file(file, kMaxPolicyFile));
    REDOUBT_TRY(const json::Value value, json::parse(text).context(file));
    const auto policy = appraise::Policy::from_json(value);
    if (!policy.ok()) return policy.error().context(file);
    policies.push_back(*policy);
  }
  return policies;
}

// read_collateral: every regular file below the folders. Which part it is, is told by its content.
Result<std::vector<verifier::NamedFile>> read_collateral(const std::vector<std::string>& folders) {
  std::vector<fs::path> paths;
  for (const std::string& folder : folders) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) return Error(Code::not_found, "collateral: no folder " + folder);
    for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      if (at->is_regular_file(error) && !error) paths.push_back(at->path());
      if (paths.size() > kMaxCollateralFiles) return Error(Code::usage, "collateral: more than 4096 files in " + folder);
    }
    if (error) return Error(Code::unavailable, "reading folder " + folder + ": " + error.message());
  }
  std::ranges::sort(paths);
  std::vector<verifier::NamedFile> files;
  for (const fs::path& path : paths) {
    REDOUBT_TRY(const std::string content, sdk::read_file(path, kMaxCollateralFile));
    files.push_back({path.string(), to_bytes(as_bytes(content))});
  }
  return files;
}

Result<net::ServerOptions> server_options(const rest::Config& options) {
  net::ServerOptions out;
  out.listen = options.listen;
  out.plain_on_loopback = !options.listen.starts_with("unix:");
  out.workers = options.workers;
  out.max_queued_jobs = std::size_t{4} * options.workers;
  out.limits.max_buffered_bytes = std::uint64_t{256} << 20U;
  const auto limit = std::chrono::seconds(options.timeout);
  out.limits.handshake_time = out.limits.head_time = out.limits.body_time = out.limits.respond_time = limit;
  out.limits.min_bytes_per_second = 64 * 1024;
  if (options.certificate.empty() != options.certificate_key.empty()) {
    return Error(Code::usage, "certificate: expected --certificate and --certificate-key together");
  }
  if (!options.certificate.empty()) {
    REDOUBT_TRY(const std::string chain, sdk::read_file(options.certificate, kMaxPemFile));
    REDOUBT_TRY(SecretBytes key, sdk::read_secret(options.certificate_key, kMaxPemFile));
    out.identity = net::TlsIdentity{to_bytes(as_bytes(chain)), std::move(key)};
  }
  return out;
}

rest::Config with_defaults(rest::Config config) {
  if (config.listen.empty()) config.listen = "127.0.0.1:7455";
  if (config.state.empty()) config.state = default_state().string();
  if (config.default_policy.empty()) config.default_policy = "strict";
  if (config.workers == 0) config.workers = std::clamp(std::thread::hardware_concurrency(), 1U, 16U);
  if (config.timeout == 0) config.timeout = 30;
  return config;
}

Status serve(const rest::Config& options, const sigset_t& signals) {
  rest::ServiceOptions given;
  given.default_policy = options.default_policy;
  given.version = REDOUBT_VERSION;
  given.now = system_now;
  REDOUBT_TRY(given.policies, read_policies(options.policies));
  REDOUBT_TRY(given.collateral, read_collateral(options.collateral));
  REDOUBT_TRY(auto key, signing_key(fs::path(options.state) / "verifier.key"));
  REDOUBT_TRY(const auto service, rest::Service::make(std::move(given), std::move(key)));
  REDOUBT_TRY(net::ServerOptions listening, server_options(options));
  const bool plain = !listening.identity;
  const auto started = net::HttpServer::start(std::move(listening), service->router());
  if (!started.ok()) {
    return plain && started.error().code() == Code::usage ? Error(Code::usage, started.error().message() + "; other addresses need --certificate and --certificate-key")
                                                          : started.error();
  }
  net::HttpServer* const server = started->get();
  std::printf("listening on %s\n", server->address().c_str());
  std::printf("key %s\n", service->key_id().c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  server->stop();
  return {};
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
  umask(077);

  CLI::App app{"The Verifier as a small HTTP service: Evidence in, a signed Attestation Result out."};
  app.set_version_flag("--version", REDOUBT_VERSION);
  app.footer(kExamples);
  app.require_subcommand(1);
  rest::Config given;
  std::string config_file;
  CLI::App* const command = app.add_subcommand("serve", "Answer POST /v1/appraise until SIGTERM or SIGINT");
  command->add_option("--config", config_file, "TOML file with these settings by their names: listen, state, policy, ...");
  command->add_option("--listen", given.listen, "Address and port (default 127.0.0.1:7455; port 0 picks one), or unix:PATH");
  command->add_option("--policy", given.policies, "Policy file (JSON), any number of them; requests name a policy by its \"name\"");
  command->add_option("--default-policy", given.default_policy, "Name of the policy for requests that name none (default strict)");
  command->add_option("--collateral", given.collateral, "Folder of collateral, certificates and key sets, any number of them; read at the start");
  command->add_option("--state", given.state, "State folder, with the signing key (default $XDG_STATE_HOME/redoubt)");
  command->add_option("--certificate", given.certificate, "Certificate chain for HTTPS (PEM)");
  command->add_option("--certificate-key", given.certificate_key, "Its key (PEM, mode 0600)");
  command->add_option("--workers", given.workers, "Requests that are judged at a time (default: one a processor)")->check(CLI::Range(1, 256));
  command->add_option("--timeout", given.timeout, "Seconds that a request may take to arrive, and an answer to leave (default 30)")->check(CLI::Range(1, 3600));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Code::usage);
  }

  rest::Config options;
  Status done;
  if (!config_file.empty()) {
    if (auto read = rest::read_config(config_file); read.ok()) {
      options = std::move(*read);
    } else {
      done = read.error();
    }
  }
  options.overlay(std::move(given));
  if (done.ok()) done = serve(with_defaults(std::move(options)), signals);
  if (done.ok()) return 0;
  std::fprintf(stderr, "redoubt-verifier: %s\n", done.error().message().c_str());
  return static_cast<int>(done.error().code());
}
