// bench_hub: the programs that bench/hub.py measures with: a hub over a store that has something in it, and a load on a web server.
//
//   bench_hub serve FOLDER QUERIES SUBMISSIONS   a hub; what it is asked is in FOLDER/stage.json, what is submitted in FOLDER/submissions.txt
//   bench_hub load PORT SECONDS CONNECTIONS METHOD TARGET KEY [BODIES]   one line of JSON: rate, median and 99th percentile
//
// The hub is HubService as redoubt-hub builds it, without programs: what is measured is the hub's own work. All documents are signed as
// participants sign them.
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <fstream>

#include "bench/hub_load.h"
#include "common/crypto/system_random.h"
#include "tests/support/expect.h"
#include "untrusted/hub/api/service.h"
#include "untrusted/hub/auth/admin_key.h"

namespace redoubt::bench {
namespace {

namespace fs = std::filesystem;
using hub::HubService;

constexpr std::string_view kSql = "SELECT ward, count(*) AS n, sum(cost) AS cost FROM hospital JOIN laboratory USING (patient_id) GROUP BY ward ORDER BY ward";

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "bench_hub: %s\n", status.error().message().c_str());
  std::exit(1);
}

Instant wall() { return Instant(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count()); }
template <class Unit>
std::int64_t steady() {
  return std::chrono::duration_cast<Unit>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// NoPrograms: the environment was not created through this hub, so that nothing is launched for it.
class NoPrograms final : public hub::Launcher {
 public:
  Result<std::unique_ptr<hub::RunningProgram>> start(const hub::LaunchRequest&) override { return Error(Code::missing_dependency, "no programs here"); }
  Result<json::Value> platform() override { return json::Value(json::Object{{"programs", json::Array()}, {"tpm_roots", ""}}); }
};

struct Signer {
  Signer(std::string signer_name, crypto::Random& random, bool signer_votes)
      : name(std::move(signer_name)), key(OrDie(crypto::Ed25519PrivateKey::generate(random))), hpke(OrDie(crypto::HpkePrivateKey::generate(random))), votes(signer_votes) {}
  jobs::Participant listed() const { return {name, key.public_key(), hpke.public_key(), std::nullopt, votes}; }

  std::string name;
  crypto::Ed25519PrivateKey key;
  crypto::HpkePrivateKey hpke;
  bool votes;
};

// Filling: what the store is given, and what the load sends.
class Filling {
 public:
  explicit Filling(crypto::Random& random) : random_(random) {
    contract_.environment = "bench";
    contract_.epoch = 1;
    contract_.participants = {analyst_.listed(), hospital_.listed(), laboratory_.listed()};
    contract_.privacy_floor = jobs::PrivacyLevel::none;
    contract_.k = 10;
    contract_.recovery_quorum = 0;
    contract_.evidence.name = "bench";
    contract_.evidence.workload = "cleanroom";
    contract_.evidence.accept_host_asserted = contract_.evidence.accept_software_tpm = true;
    contract_.evidence.platforms.tpm.emplace().anchors = {{crypto::sha256(as_bytes("root")), "root", true}};
    contract_.evidence.platforms.tpm->secure_boot_required = false;
    contract_ = OrDie(jobs::Contract::parse(contract_.canonical()));
  }
  std::string environment() const { return contract_.digest().hex(); }

  Status fill(hub::Store& store, int queries) {
    const Instant now = wall();
    return store.write("bench", [&](hub::Transaction& transaction) -> Status {
      std::vector<hub::ParticipantRecord> participants;
      for (const jobs::Participant& participant : contract_.participants) participants.push_back({participant.name, participant.signing_key});
      REDOUBT_CHECK(hub::add_environment(transaction, {environment(), contract_.canonical(), contract_.digest(), hub::EnvironmentState::active, now, "", "bench", "analyst"}, participants));
      for (int i = 0; i < queries; ++i) REDOUBT_CHECK(add_query(transaction, now));
      return {};
    });
  }
  const std::string& last_query() const { return last_query_; }

  // submission: the body that announces another dataset.
  std::string submission(int number) {
    jobs::Manifest manifest{"dataset_" + std::to_string(number), 1, hospital_.name, contract_.digest(),
                            {{"patient_id", "BIGINT", jobs::ColumnRole::unit, "", ""}, {"ward", "VARCHAR", jobs::ColumnRole::attribute, "", ""}},
                            1000, 4096, receipt::TreeHash()};
    random_.fill(manifest.ciphertext_root.array());
    const auto document = jobs::sign_document(jobs::kManifestType, manifest.canonical(), hospital_.key);
    return json::canonical(json::Object{{"manifest", document.to_json()}});
  }

 private:
  // add_query: with the ballots of both voters, as one that is voted on is stored.
  Status add_query(hub::Transaction& transaction, Instant now) {
    jobs::Terms terms{contract_.digest(), instance_, jobs::query_digest(kSql), jobs::PrivacyLevel::none, 10, {}, {"analyst"}, program_, "bench/1"};
    for (int i = 0; i < 2; ++i) terms.manifests.push_back(random_.fixed<jobs::ManifestDigest>());
    std::ranges::sort(terms.manifests);
    const jobs::Proposal proposal{terms, analyst_.name, std::string(kSql), random_.fixed<jobs::BallotNonce>(), now.plus_seconds(3600)};
    last_query_ = proposal.digest().hex();
    const auto signed_proposal = jobs::sign_document(jobs::kProposalType, proposal.canonical(), analyst_.key);
    REDOUBT_CHECK(hub::add_query(transaction, {last_query_, environment(), analyst_.name, proposal.sql, crypto::Sha256Digest(terms.query.array()), signed_proposal.encode(),
                                               hub::QueryState::proposed, "", now, now}));
    for (const Signer* voter : {&hospital_, &laboratory_}) {
      const jobs::Ballot ballot{terms, proposal.digest(), voter->name, jobs::Decision::approve, now.plus_seconds(600), 1000, random_.fixed<jobs::BallotNonce>(), {10, receipt::TreeHash()}};
      REDOUBT_CHECK(hub::add_ballot(transaction, last_query_, {voter->name, jobs::sign_document(jobs::kBallotType, ballot.canonical(), voter->key).encode(), now}));
    }
    return {};
  }

  crypto::Random& random_;
  Signer analyst_{"analyst", random_, false};
  Signer hospital_{"hospital", random_, true};
  Signer laboratory_{"laboratory", random_, true};
  jobs::Contract contract_;
  InstanceId instance_ = random_.fixed<InstanceId>();
  appraise::ProgramDigest program_ = random_.fixed<appraise::ProgramDigest>();
  std::string last_query_;
};

int serve(const fs::path& folder, int queries, int submissions) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, nullptr);  // before there are threads, which inherit it

  crypto::SystemRandom random;
  NoPrograms launcher;
  hub::ServiceOptions options;
  options.state = folder / "state";
  options.listen = "127.0.0.1:0";
  options.version = "bench";
  options.rates = {.requests_per_second = 1e9, .request_burst = 1e9, .failures_per_second = 1e9, .failure_burst = 1e9};
  options.events.max_watchers_of_one = options.events.max_watchers;
  options.microseconds = steady<std::chrono::microseconds>;
  const auto service = OrDie(HubService::start(std::move(options), launcher, random, wall, steady<std::chrono::milliseconds>));
  Filling filling(random);
  must(filling.fill(service->store(), queries));
  const auto key = OrDie(service->store().write("bench", [&](hub::Transaction& transaction) {
    return hub::create_api_key(transaction, random, "hospital", {std::string(hub::kParticipantScope)}, wall());
  }));
  std::ofstream bodies(folder / "submissions.txt");
  for (int i = 0; i < submissions; ++i) bodies << filling.submission(i) << '\n';
  bodies.close();
  const std::string environment = "/api/tee/environments/" + filling.environment();
  must(hub::write_private_file(folder / "stage.json", as_bytes(json::canonical(json::Object{{"port", std::int64_t{service->port()}},
                                                                                           {"key", std::string(as_text(key.text.reveal()))},
                                                                                           {"list", environment + "/queries"},
                                                                                           {"get", environment + "/queries/" + filling.last_query()},
                                                                                           {"submit", environment + "/datasets"},
                                                                                           {"events", environment + "/events"}}))));
  int signal = 0;
  sigwait(&ends, &signal);
  service->stop();
  return 0;
}

}  // namespace
}  // namespace redoubt::bench

int main(int argc, char** argv) {
  using namespace redoubt::bench;
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto number = [&](std::size_t index) { return std::atoi(words[index].c_str()); };
  if (words.size() == 4 && words[0] == "serve") return serve(words[1], number(2), number(3));
  if (words.size() >= 7 && words[0] == "load") {
    return load({.port = static_cast<std::uint16_t>(number(1)), .seconds = number(2), .connections = number(3), .method = words[4], .target = words[5], .key = words[6],
                 .bodies = words.size() > 7 ? words[7] : ""});
  }
  std::fprintf(stderr, "usage: bench_hub serve FOLDER QUERIES SUBMISSIONS | load PORT SECONDS CONNECTIONS METHOD TARGET KEY [BODIES]; bench/hub.py runs both\n");
  return 2;
}
