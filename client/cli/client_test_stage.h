// Stage: an operator's hub and an enclave program in the test's own process, behind real TLS servers, and any number of
// participants who run commands. The room, its doors, sessions and logs are the real ones; the platform is scripted (its
// endorsement key is a recorded one), and `tamper` lets the hub or the program's door lie in any answer.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <sstream>

#include "client/cli/app.h"
#include "client/sdk/files.h"
#include "common/crypto/system_random.h"
#include "common/net/server.h"
#include "enclave/runtime/attested_exchange.h"
#include "enclave/runtime/identity.h"
#include "enclave/runtime/public_routes.h"
#include "enclave/workloads/cleanroom/doors/json_forms.h"
#include "enclave/workloads/cleanroom/doors/participants_door.h"
#include "enclave/workloads/cleanroom/room_test_fixture.h"
#include "tests/support/self_signed.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::cli {

inline constexpr Instant kStageNow(1796083200);
inline const std::string kStageSandbox = "seccomp, landlock 3";
inline const appraise::ProgramDigest kStageProgram{crypto::sha256(as_bytes("program")).array()};

// Evidence of this platform is the digest of the statement: whoever knows the statement can make it, which is all a test needs.
class ScriptedPlatform final : public runtime::Platform {
 public:
  Result<appraise::Evidence> collect(ByteView statement) override {
    return appraise::Evidence{"scripted", to_bytes(crypto::sha256(statement).view())};
  }
  Result<runtime::AttestationKeyInfo> attestation_key() override {
    const tpm::RawEvidence raw = test::tpm_evidence("good");
    return runtime::AttestationKeyInfo{raw.ek_certificate, raw.ek_intermediates, raw.ek_public, raw.ak_public};
  }
  Result<SecretBytes> activate(ByteView id_object, ByteView) override {
    Bytes secret = to_bytes(id_object);
    if (holds_another_key) secret[0] ^= std::byte{1};
    return SecretBytes::copy_of(secret);
  }
  bool holds_another_key = false;
};

inline Result<appraise::Appraisal> scripted_appraise(const appraise::Evidence& evidence, const appraise::Endorsements& endorsements,
                                                     const appraise::Challenge& challenge, const appraise::Policy& policy, Instant) {
  const auto check = [](attest::CheckId id, bool good, Code code, std::string expected, std::string found) {
    return good ? attest::passed(id, expected, found) : attest::failed(id, code, expected, found);
  };
  appraise::Appraisal appraisal;
  const auto digest = crypto::sha256(challenge.statement);
  const bool named = std::ranges::any_of(endorsements.enrolments, [&](const tpm::AkEnrolment& enrolment) {
    return enrolment.verify().ok() && (enrolment.enroller == endorsements.self ||
                                       std::ranges::find(policy.platforms.tpm->enrollers, enrolment.enroller) != policy.platforms.tpm->enrollers.end());
  });
  appraisal.checks = {
      check(attest::CheckId::m2, equal(evidence.bytes, digest.view()), Code::binding, digest.hex(), hex_encode(evidence.bytes)),
      check(attest::CheckId::m5, named, Code::chain, "an enrolment", "none"),
      check(attest::CheckId::claims_contract, challenge.claims->contract == challenge.contract, Code::binding, challenge.contract.hex(),
            challenge.claims->contract.hex())};
  const bool good = std::ranges::all_of(appraisal.checks, [](const auto& c) { return c.outcome == attest::Outcome::passed; });
  appraisal.status = good ? appraise::Tier::warning : appraise::Tier::contraindicated;
  appraisal.claims = challenge.claims;
  appraisal.program = kStageProgram;
  return appraisal;
}

struct Ran {
  int code = -1;
  std::string out, err;
};

// Tampering may change any JSON answer: `who` is "hub" or "door". A test sets it while the threads of the servers call it.
class Tampering {
 public:
  using Function = std::function<void(const std::string& who, const net::HttpRequest& request, json::Value& answer)>;

  Tampering& operator=(Function function) {
    const std::lock_guard lock(mutex_);
    function_ = std::move(function);
    return *this;
  }
  void operator()(const std::string& who, const net::HttpRequest& request, json::Value& answer) const {
    const Function function = [&] {
      const std::lock_guard lock(mutex_);
      return function_;
    }();
    if (function) function(who, request, answer);
  }

 private:
  mutable std::mutex mutex_;
  Function function_;
};

class Stage {
 public:
  Stage() {
    identity_ = tls();
    net::Router router;
    for (const char* method : {"GET", "POST", "PUT"}) {
      router.add({method, "/{path...}", net::Access::open, 8U << 20, [this](const net::HttpRequest& request) { return hub(request); }});
    }
    net::ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.identity = identity_->clone();
    hub_ = OrDie(net::HttpServer::start(std::move(options), std::move(router)));
    OrDie(Result<bool>(sdk::write_file(folder.path() / "api.key", as_bytes("test-key\n"), sdk::FileKind::secret).ok()));
  }

  Ran run(const std::string& who, std::vector<std::string> arguments) {
    std::istringstream in("no\n");
    std::ostringstream out, err;
    Surroundings world{.config = folder.path() / who,
                       .programs = folder.path(),
                       .version = "0",
                       .in = in,
                       .out = out,
                       .err = err,
                       .random = random,
                       .now = [] { return kStageNow; },
                       .sleep = [](std::chrono::milliseconds) {},
                       .execute = [](const std::filesystem::path&, const std::vector<std::string>&) {
                         return Status(Error(Code::missing_dependency, "no program"));
                       },
                       .appraise = scripted_appraise,
                       .make_credential = [](const tpm::Public&, const tpm::AkName&, const SecretBytes& secret, crypto::Random&) {
                         return Result<tpm::Credential>(tpm::Credential{to_bytes(secret.reveal()), Bytes(1)});
                       }};
    for (const std::string& word : {std::string("--hub"), "https://" + hub_->address(), std::string("--pin"), pin_,
                                    std::string("--api-key-file"), (folder.path() / "api.key").string()}) {
      arguments.push_back(word);
    }
    const int code = cli::run(arguments, world);
    return {code, out.str(), err.str()};
  }
  // command: the words of `arguments` for the real program as participant `who`.
  std::vector<std::string> command(const std::string& who, std::vector<std::string> arguments) const {
    for (const std::string& word : {std::string("--config"), path(who), std::string("--hub"), "https://" + hub_->address(), std::string("--pin"), pin_,
                                    std::string("--api-key-file"), path("api.key")}) {
      arguments.push_back(word);
    }
    return arguments;
  }
  std::string path(const std::string& file) const { return (folder.path() / file).string(); }

  void make_keys() {
    for (const char* who : {"hospital", "laboratory", "analyst"}) {
      ASSERT_EQ(run(who, {"key", "new", who, "--public", path(std::string(who) + ".json")}).code, 0);
    }
  }
  // create: with `more` options, an approval rule for example.
  Ran create(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"environment", "create", "study", "--participant", "hospital=" + path("hospital.json") + ":votes", "--participant",
                            "laboratory=" + path("laboratory.json") + ":votes", "--participant", "analyst=" + path("analyst.json"), "--program",
                            "cleanroom=" + kStageProgram.hex(), "--tpm-root", test::golden("tpm-swtpm-qemu/ca/root.pem").string(),
                            "--accept-host-asserted", "--accept-software-tpm", "--contract-out", path("contract.json"), "--yes"};
    words.insert(words.end(), more.begin(), more.end());
    return run("hospital", std::move(words));
  }
  Ran verify(const std::string& who) { return run(who, {"environment", "verify", "study", "--contract", path("contract.json"), "--yes"}); }
  void open_environment(const std::vector<std::string>& more = {}) {
    make_keys();
    ASSERT_EQ(create(more).code, 0);
    for (const char* who : {"hospital", "laboratory", "analyst"}) {
      const Ran ran = verify(who);
      ASSERT_EQ(ran.code, 0) << ran.err;
    }
  }
  void put_tables(const std::vector<std::string>& more = {}) {
    OrDie(Result<bool>(sdk::write_file(path("schema.json"), as_bytes(R"([{"name":"patient_id","type":"BIGINT","role":"unit"},)"
                                                                     R"({"name":"diagnosis","type":"VARCHAR"}])"),
                                       sdk::FileKind::open).ok()));
    OrDie(Result<bool>(sdk::write_file(path("data.csv"), as_bytes(cleanroom::kCsv), sdk::FileKind::open).ok()));
    for (const char* who : {"hospital", "laboratory"}) {
      std::vector<std::string> words{"dataset", "put", who, "--file", path("data.csv"), "--schema", path("schema.json")};
      words.insert(words.end(), more.begin(), more.end());
      const Ran put = run(who, words);
      ASSERT_EQ(put.code, 0) << put.err;
      const Ran release = run(who, {"dataset", "release", who});
      ASSERT_EQ(release.code, 0) << release.err;
    }
  }
  // submitted gives the id of a query that the analyst proposed.
  std::string submitted() {
    const Ran ran = run("analyst", {"query", "submit", "--sql", std::string(cleanroom::kSql), "--recipient", "analyst", "-o", "json"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    const auto value = json::parse(ran.out);
    return value.ok() ? *value->object()->at("query").string() : "";
  }
  // start_instance: the operator starts the program, or starts it anew.
  void start_instance();
  // restart: the same, and hands the new instance the logs of those before it (as `change` leaves them).
  void restart(const std::function<void(std::vector<jobs::OldLog>&)>& change = [](std::vector<jobs::OldLog>&) {});
  // resume: the program ends and goes on from its sealed state, without the last `lost` records of it: this operator has the TPM in its hand.
  void resume(std::size_t lost = 0);
  // receipt_key: of the instance, for a program that signs what is wrong.
  const crypto::Ed25519PrivateKey& receipt_key() const { return keys_->receipt_key; }
  // redeliver: the operator brings the room what participants left at the hub.
  void redeliver();

  test::TempDir folder;
  crypto::SystemRandom random;
  ScriptedPlatform platform;
  Tampering tamper;
  std::atomic<bool> breaks_off{false};  // the hub's connections, in the middle of a sealed result
  std::unique_ptr<cleanroom::Room> room;

 private:
  std::optional<net::TlsIdentity> tls() {
    const auto made = test::self_signed();
    pin_ = net::spki_digest(OrDie(crypto::Certificate::parse_pem_bundle(made.certificate_pem)).at(0).spki()).hex();
    return net::TlsIdentity{to_bytes(made.certificate_pem), made.key.clone()};
  }
  void start_boot(runtime::InstanceKeys keys, const std::vector<SecretBytes>& kept);
  net::HttpResponse hub(const net::HttpRequest& request);
  Result<json::Value> hub_answer(const net::HttpRequest& request);
  net::HttpResponse download(const net::HttpRequest& request);
  Result<json::Value> run_query(const std::string& id, const std::string& what, const std::string& rest);

  std::optional<net::TlsIdentity> identity_;
  std::vector<SecretBytes> records_;  // of the room, as they would be sealed
  std::string pin_;
  std::optional<jobs::Contract> contract_;
  cleanroom::ScriptedEngine engine_;
  std::unique_ptr<runtime::Identity> keys_;
  std::unique_ptr<ratls::ChallengeTable> challenges_;
  ratls::QuoteGate quotes_{{.total = 64, .per_peer = 64, .burst = 1'000'000, .refill_per_second = 1'000'000, .peers = 16}};
  std::unique_ptr<ratls::AttesterSession::Instance> instance_;
  std::unique_ptr<net::HttpServer> door_;
  std::vector<jobs::SignedDocument> manifests_;
  std::map<jobs::ManifestDigest, std::uint64_t> received_;
  std::map<std::string, jobs::SignedDocument> queries_;
  std::map<std::string, Bytes> ciphertext_;
  std::vector<std::pair<jobs::ProposalDigest, jobs::SignedDocument>> ballots_;
  std::optional<receipt::TreeHead> previous_;
  std::vector<jobs::OldLog> old_logs_;
  std::map<std::string, cleanroom::RunOutput> outputs_;
  std::unique_ptr<net::HttpServer> hub_;
};

}  // namespace redoubt::cli
