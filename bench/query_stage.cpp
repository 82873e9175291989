#include "bench/query_stage.h"

#include "common/crypto/envelope.h"
#include "common/jobs/cleanroom/ciphertext_root.h"
#include "tests/support/expect.h"

namespace redoubt::bench {
namespace {

constexpr Instant kNow(1'800'000'000);

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "bench_query: %s\n", status.error().message().c_str());
  std::exit(1);
}

}  // namespace

Party::Party(std::string party_name, std::uint64_t seed, bool party_votes)
    : name(std::move(party_name)), random(seed), key(OrDie(crypto::Ed25519PrivateKey::generate(random))), hpke(OrDie(crypto::HpkePrivateKey::generate(random))), votes(party_votes) {}

Stage::Stage() {
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

SecretBytes Stage::dataset_key(const std::string& dataset) { return test::FixedRandom(dataset.size()).secret(32); }

SealedTable Stage::seal(const std::string& dataset, std::vector<jobs::ManifestColumn> columns, const SecretBytes& file, std::uint64_t rows) {
  Party& by = owner(dataset);
  jobs::Manifest manifest{dataset, 1, by.name, contract_.digest(), std::move(columns), rows, 0, receipt::TreeHash()};
  SealedTable out;
  out.envelope = OrDie(crypto::seal_envelope(dataset_key(dataset), {jobs::envelope_object_id(manifest), manifest.version}, file.reveal(), by.random));
  manifest.ciphertext_size = out.envelope.size();
  manifest.ciphertext_root = OrDie(jobs::ciphertext_root(out.envelope));
  out.manifest = jobs::sign_document(jobs::kManifestType, manifest.canonical(), by.key);
  return out;
}

cleanroom::Room& Stage::open_room(const std::string& engine_program) {
  cleanroom::EngineProcess::Options options{engine_program, std::string(jobs::kRuleSet)};
  options.sandbox = OrDie(cleanroom::EngineProcess(options).probe());
  engine_ = std::make_unique<cleanroom::EngineProcess>(options);
  auto receipt_key = OrDie(crypto::Ed25519PrivateKey::generate(random_));
  auto hpke_key = OrDie(crypto::HpkePrivateKey::generate(random_));
  attest::Claims claims;
  claims.workload = "cleanroom";
  claims.instance = random_.fixed<InstanceId>();
  claims.boot = random_.fixed<BootId>();
  claims.receipt_key = receipt_key.public_key();
  claims.hpke_key = hpke_key.public_key();
  claims.contract = contract_.digest();
  cleanroom::Room::Identity identity{claims, std::move(receipt_key), std::move(hpke_key), program_, {"tpm", to_bytes("evidence"), Challenge(), claims.canonical()},
                                     {}, kNow.plus_seconds(-1000), std::nullopt};
  room_ = std::make_unique<cleanroom::Room>(contract_, std::move(identity), *engine_, random_, [] { return kNow; });
  for (const Party* party : {&analyst_, &hospital_, &laboratory_}) {
    must(room_->join(party->name, party->key.sign(jobs::instance_statement(contract_.digest(), room_->claims().instance))));
  }
  return *room_;
}

jobs::ManifestDigest Stage::release(const jobs::SignedDocument& document) {
  const jobs::Manifest manifest = OrDie(jobs::Manifest::parse(document.text));
  const Bytes statement = jobs::dataset_key_statement(manifest.digest(), room_->claims().instance);
  const Bytes wrapped = OrDie(crypto::hpke_seal(room_->claims().hpke_key, statement, statement, dataset_key(manifest.dataset).reveal(), random_)).bytes();
  released_.push_back(OrDie(room_->release(manifest.owner, document, wrapped)));
  return released_.back();
}

jobs::ProposalDigest Stage::approve(jobs::PrivacyLevel level) {
  jobs::Terms terms{contract_.digest(), room_->claims().instance, jobs::query_digest(kQuery), level, 10, released_, {"analyst"}, program_, std::string(jobs::kRuleSet)};
  std::ranges::sort(terms.manifests);
  const jobs::Proposal proposal{terms, "analyst", std::string(kQuery), analyst_.random.fixed<jobs::BallotNonce>(), kNow.plus_seconds(3600)};
  OrDie(room_->propose(jobs::sign_document(jobs::kProposalType, proposal.canonical(), analyst_.key)));
  const auto head = OrDie(receipt::Checkpoint::verify(room_->checkpoint(), receipt::log_origin(room_->claims().instance), room_->claims().receipt_key)).head();
  for (Party* voter : {&hospital_, &laboratory_}) {
    const jobs::Ballot ballot{terms, proposal.digest(), voter->name, jobs::Decision::approve, kNow.plus_seconds(600), head.size + 1000,
                              voter->random.fixed<jobs::BallotNonce>(), {head.size, head.root}};
    OrDie(room_->vote(proposal.digest(), jobs::sign_document(jobs::kBallotType, ballot.canonical(), voter->key)));
  }
  return proposal.digest();
}

}  // namespace redoubt::bench
