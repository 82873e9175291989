// redoubt-cleanroom: the enclave program of a clean room. One process, one contract, one instance.
//
// This file builds every object and passes each one in; the decisions are in enclave/workloads/cleanroom.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/crypto/system_random.h"
#include "common/crypto/x509.h"
#include "common/net/server.h"
#include "enclave/runtime/attested_exchange.h"
#include "enclave/runtime/identity.h"
#include "enclave/runtime/public_routes.h"
#include "enclave/runtime/sealed_start.h"
#include "enclave/runtime/tpm_platform.h"
#include "enclave/workloads/cleanroom/doors/host_door.h"
#include "enclave/workloads/cleanroom/doors/participants_door.h"
#include "enclave/workloads/cleanroom/engine_process.h"

namespace {

using namespace redoubt;

constexpr std::string_view kWorkload = "cleanroom";
constexpr std::size_t kMaxFile = 1U << 20;
constexpr std::size_t kChallenges = 1024;

struct Options {
  std::string contract;
  std::string tcti;
  std::string listen = "127.0.0.1:7451";
  std::string host_door;
  std::string application_log;
  std::string ek_intermediates;
  std::string previous;
  std::string state;
};

Instant system_now() {
  return Instant(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

Result<Bytes> read_untrusted(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(Code::not_found, "cannot read " + path);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.size() > kMaxFile) return Error(Code::malformed, path + ": above the limit of 1 MiB");
  return to_bytes(text);
}

Result<std::unique_ptr<runtime::Platform>> open_platform(const Options& options, const tpm::ApplicationLog& log) {
  runtime::TpmPlatformOptions platform{options.tcti, {}, log, {}};
  if (!options.state.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.state, error);
    if (!error) std::filesystem::permissions(options.state, std::filesystem::perms::owner_all, error);
    if (error) return Error(Code::unavailable, "making folder " + options.state + ": " + error.message());
    platform.attestation_key = std::filesystem::path(options.state) / "attestation-key";
  }
  if (!options.ek_intermediates.empty()) {
    REDOUBT_TRY(const Bytes pem, read_untrusted(options.ek_intermediates));
    REDOUBT_TRY(const auto certificates, crypto::Certificate::parse_pem_bundle(as_text(pem)));
    for (const auto& certificate : certificates) platform.untrusted_ek_intermediates.push_back(to_bytes(certificate.der()));
  }
  return runtime::open_tpm_platform(std::move(platform));
}

// identity_evidence: Evidence over the claims, kept beside every receipt of this boot.
Result<receipt::StoredEvidence> identity_evidence(runtime::Platform& platform, const attest::Claims& claims, crypto::Random& random) {
  const auto challenge = random.fixed<Challenge>();
  REDOUBT_TRY(const auto evidence, platform.collect(attest::identity_statement(challenge, claims.digest())));
  return receipt::StoredEvidence{evidence.format, evidence.bytes, challenge, claims.canonical()};
}

Result<std::optional<receipt::TreeHead>> previous_head(const Options& options) {
  if (options.previous.empty()) return std::optional<receipt::TreeHead>();
  REDOUBT_TRY(const Bytes text, read_untrusted(options.previous));
  REDOUBT_TRY(receipt::TreeHead head, receipt::TreeHead::parse(as_text(text)));
  return std::optional<receipt::TreeHead>(std::move(head));
}

// start: the instance that is found in the state folder, or a new one. `refused`: why what was found did not serve, if it was tried.
Result<runtime::SealedStart> begin(const Options& options, seal::Sealer* sealer, const ContractDigest& contract, const appraise::ProgramDigest& program,
                                   crypto::Random& random, const std::optional<Error>& refused) {
  if (options.state.empty()) return runtime::unsealed_start(random, "the program was started without a state folder");
  if (sealer == nullptr) return runtime::unsealed_start(random, "this platform cannot seal");
  const seal::Journal::Options journal{std::filesystem::path(options.state) / "sealed", contract, seal::StateProgram(program.array())};
  return refused ? runtime::sealed_start_anew(journal, *sealer, random, refused->message()) : runtime::sealed_start(journal, *sealer, random);
}

// Keeper: what the room keeps goes into the journal. When that fails nothing can be promised any more: the program ends, and is started anew.
class Keeper {
 public:
  explicit Keeper(std::unique_ptr<seal::Journal> journal) : journal_(std::move(journal)) {}
  bool keeps() const { return journal_ != nullptr; }
  Status keep(ByteView record) {
    Status kept = journal_->append(record);
    if (!kept.ok() && journal_->broken() && !failed_) {
      failed_ = kept.error();
      kill(getpid(), SIGTERM);  // main waits for it
    }
    return kept;
  }
  // failed is read after the doors are closed.
  Status failed() const { return failed_ ? Status(*failed_) : Status(); }

 private:
  std::unique_ptr<seal::Journal> journal_;
  std::optional<Error> failed_;
};

net::Router participants_router(const runtime::PublicRoutes& open, cleanroom::Room& room, const cleanroom::RoomStatement& statement) {
  net::Router router;
  runtime::add_public_routes(router, open);
  cleanroom::add_participants_routes(router, room, statement);
  return router;
}

Result<void> serve(const Options& options, const sigset_t& signals) {
  crypto::SystemRandom random;
  REDOUBT_TRY(const Bytes contract_text, read_untrusted(options.contract));
  REDOUBT_TRY(const jobs::Contract contract, jobs::Contract::parse(as_text(contract_text)));
  REDOUBT_TRY(const Bytes log_bytes, read_untrusted(options.application_log));
  REDOUBT_TRY(const tpm::ApplicationLog log, tpm::ApplicationLog::decode(log_bytes));
  REDOUBT_TRY(const appraise::ProgramDigest program, runtime::launched_program(log));
  REDOUBT_TRY(const Instant floor, Instant::parse(REDOUBT_RELEASE_DATE));  // no time before this release can be right
  REDOUBT_TRY(const auto previous, previous_head(options));

  REDOUBT_TRY(const auto platform, open_platform(options, log));
  const auto sealer = platform->sealer(contract.digest());
  const attest::WorkloadClaimsDigest workload_claims(crypto::sha256(Fields("redoubt/cleanroom-claims/1").text(jobs::kRuleSet).view()).array());
  const std::string engine_program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "redoubt-cleanroom-engine";
  cleanroom::EngineProcess::Options engine_options{engine_program, std::string(jobs::kRuleSet)};
  REDOUBT_TRY(engine_options.sandbox, cleanroom::EngineProcess(engine_options).probe());
  cleanroom::EngineProcess engine(engine_options);

  // An instance whose state cannot be made a room again is left for a new one, once.
  std::unique_ptr<Keeper> keeper;
  std::unique_ptr<cleanroom::Room> room;
  net::TlsIdentity tls;
  std::string state;
  for (std::optional<Error> refused; !room;) {
    keeper.reset();
    REDOUBT_TRY(runtime::SealedStart start, begin(options, sealer.get(), contract.digest(), program, random, refused));
    keeper = std::make_unique<Keeper>(std::move(start.journal));
    state = start.statement;
    REDOUBT_TRY(runtime::Identity identity,
                runtime::make_identity(kWorkload, contract.digest(), workload_claims, std::move(start.keys), random, system_now()));
    REDOUBT_TRY(receipt::StoredEvidence evidence, identity_evidence(*platform, identity.claims, random).context("collecting identity evidence"));
    cleanroom::Room::Identity kept{identity.claims, std::move(identity.receipt_key), std::move(identity.hpke_key), program, std::move(evidence), {}, floor, previous};
    tls = std::move(identity.tls);
    if (start.records.empty()) {
      room = std::make_unique<cleanroom::Room>(contract, std::move(kept), engine, random, system_now);
    } else {
      auto restored = cleanroom::Room::restore(contract, std::move(kept), engine, random, system_now, start.records);
      if (!restored.ok() && (refused || !runtime::refuses_state(restored.error()))) return restored.error();
      if (!restored.ok()) {
        refused = restored.error();
        continue;
      }
      room = std::move(*restored);
    }
    // What cannot be kept any more is no reason to begin anew: the state is there, and good.
    if (keeper->keeps()) REDOUBT_CHECK(room->keep_in([&keeper](ByteView record) { return keeper->keep(record); }));
  }
  const attest::Claims claims = room->claims();
  const jobs::Contract& roster = contract;

  ratls::ChallengeTable challenges(kChallenges, random);
  ratls::QuoteGate gate({});
  ratls::AttesterSession::Instance instance{claims, *platform, challenges, gate,
                                            [&roster](const crypto::Ed25519PublicKey& key) -> Result<std::string> {
                                              const jobs::Participant* participant = roster.find(key);
                                              if (participant == nullptr) return Error(Code::auth, "this key is not in the contract");
                                              return participant->name;
                                            },
                                            system_now};
  const runtime::PublicRoutes open{*platform, gate, claims, REDOUBT_VERSION, system_now};
  net::ServerOptions participants;
  participants.listen = options.listen;
  participants.identity = std::move(tls);
  participants.exchange = runtime::exchange_factory(instance);
  REDOUBT_TRY(const auto door, net::HttpServer::start(std::move(participants), participants_router(open, *room, {std::string(jobs::kRuleSet), program, engine_options.sandbox, state})));

  net::Router host_router;
  cleanroom::add_host_routes(host_router, *room, door->address());
  net::ServerOptions host;
  host.listen = options.host_door;
  REDOUBT_TRY(const auto host_door, net::HttpServer::start(std::move(host), std::move(host_router)));

  std::printf("listening on %s\n", door->address().c_str());
  std::fflush(stdout);
  std::fprintf(stderr, "redoubt-cleanroom: instance %s, boot %s: state %s\n", room->claims().instance.hex().c_str(), room->claims().boot.hex().c_str(), state.c_str());
  int signal = 0;
  sigwait(&signals, &signal);
  door->stop();
  host_door->stop();
  return keeper->failed();
}

}  // namespace

int main(int argc, char** argv) {
  // The TPM's library writes to standard error, where the first line is to be the address. Whatever it could say is in our errors.
  setenv("TSS2_LOG", "all+none", 0);
  // Signals are waited for, never handled: blocked here, before any thread starts.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  CLI::App app{"The enclave program of a clean room. Started by redoubt-hub."};
  app.set_version_flag("--version", REDOUBT_VERSION);
  app.require_subcommand(1);
  Options options;
  CLI::App* command = app.add_subcommand("serve", "Serve one contract: participants over attested TLS, the host over a local socket");
  command->add_option("--contract", options.contract, "Contract file (canonical JSON)")->required();
  command->add_option("--tcti", options.tcti, "TPM, for example swtpm:path=/run/tpm.sock or device:/dev/tpmrm0")->required();
  command->add_option("--listen", options.listen, "Participants' door")->capture_default_str();
  command->add_option("--host-door", options.host_door, "Host's door, for example unix:/run/room.sock")->required();
  command->add_option("--application-log", options.application_log, "What the launcher measured")->required();
  command->add_option("--ek-intermediates", options.ek_intermediates, "PEM certificates between the TPM and its root");
  command->add_option("--state", options.state, "Folder for sealed state; without it every start is a new instance");
  command->add_option("--previous", options.previous, "Last tree head of the instance that this one takes over from");
  CLI11_PARSE(app, argc, argv);

  const auto served = serve(options, signals);
  if (served.ok()) return 0;
  std::fprintf(stderr, "redoubt-cleanroom: %s\n", served.error().message().c_str());
  return static_cast<int>(served.error().code());
}
