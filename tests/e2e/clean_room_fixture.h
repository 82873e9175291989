// CleanRoom: an operator's launcher with software TPMs and real programs, and three participants with the SDK. For tests.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "client/sdk/contract_builder.h"
#include "client/sdk/dataset_sealer.h"
#include "client/sdk/enclave_client.h"
#include "client/sdk/query.h"
#include "client/sdk/receipt_check.h"
#include "common/attest/appraise/appraiser.h"
#include "common/attest/evidence/tpm/credential.h"
#include "common/crypto/system_random.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/test_cache.h"
#include "untrusted/hub/instances/host_door.h"
#include "untrusted/hub/instances/local_launcher.h"
#include "untrusted/launch/program_on_disk.h"

namespace redoubt {

inline constexpr std::string_view kSql =
    "SELECT h.diagnosis, count(*) AS patients, avg(l.radius_mean) AS radius FROM hospital h JOIN laboratory l "
    "ON h.patient_id = l.patient_id GROUP BY h.diagnosis ORDER BY h.diagnosis";

inline Instant system_now() {
  return Instant(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

// The table of the demo, split by columns, as CSV with the row number as patient id.
struct Tables {
  std::string hospital = "patient_id,diagnosis\n";
  std::string laboratory = "patient_id,radius_mean\n";
  Tables() {
    std::ifstream file(test::source_dir() / "demo/data/wdbc.csv");
    std::string line;
    std::getline(file, line);
    for (int id = 1; std::getline(file, line); ++id) {
      const std::string radius = line.substr(0, line.find(','));
      hospital += std::to_string(id) + (line.back() == '0' ? ",malignant\n" : ",benign\n");
      laboratory += std::to_string(id) + "," + radius + "\n";
    }
  }
};

class CleanRoom : public testing::Test {
 protected:
  struct Party {
    explicit Party(std::string_view name, crypto::Random& random) : keys(std::move(OrDie(sdk::KeyFile::generate(name, false, random)).keys)) {}
    sdk::KeyFile keys;
    std::vector<tpm::AkEnrolment> enrolments;
    std::unique_ptr<appraise::Appraiser> appraiser;
  };

  // sealed: programs keep sealed state; without it every start is a new instance, as where the state is lost or refused.
  explicit CleanRoom(bool sealed = true)
      : run_(folder_.path() / "r"),
        launcher_({folder_.path() / "state", (std::filesystem::create_directories(run_), run_), REDOUBT_PROGRAM_DIR, "127.0.0.1:0", sealed, measured}) {
    platform_ = OrDie(launcher_.platform());
    ca_.keep();
    roots_ = OrDie(crypto::Certificate::parse_pem_bundle(*platform_.object()->at("tpm_roots").string()));
    contract_ = make_contract();
  }

  // measured: the program, read and hashed once in a test and not before every start: nobody changes it meanwhile.
  static Result<measure::MeasuredProgram> measured(const std::filesystem::path& folder) {
    static const measure::MeasuredProgram kMeasured = OrDie(launch::measure_cleanroom(folder));
    return kMeasured;
  }

  jobs::Contract make_contract() {
    sdk::ContractPlan plan;
    plan.environment = "study";
    plan.members = {{analyst_.keys.public_keys(), false}, {hospital_.keys.public_keys(), true}, {laboratory_.keys.public_keys(), true}};
    const auto program = OrDie(measured(REDOUBT_PROGRAM_DIR));
    plan.programs = {{"redoubt-cleanroom", program.manifest.digest()}};
    plan.tpm_roots = roots_;
    plan.accept_host_asserted = plan.accept_software_tpm = true;
    return OrDie(sdk::build_contract(plan));
  }

  void start(const std::string& previous = "") {
    program_ = OrDie(launcher_.start({"study", contract_.canonical(), previous}));
    door_ = std::make_unique<hub::HostDoor>(OrDie(hub::HostDoor::connect(program_->host_door())));
    address_ = OrDie(sdk::Address::parse(OrDie(door_->state()).address));
  }

  // state_of: where the program of an environment keeps its state.
  std::filesystem::path state_of(const std::string& environment) const { return folder_.path() / "state" / "env" / environment / "program-state"; }

  // trust: the participant's enrolment of the attestation key, and its appraiser under its own copy of the contract.
  void trust(Party& party) {
    auto open = OrDie(sdk::OpenDoor::connect(address_));
    const sdk::MakeCredential make = [](const tpm::Public& ek, const tpm::AkName& name, const SecretBytes& secret, crypto::Random& random) {
      return tpm::make_credential(ek, name, secret, random);
    };
    const auto enrolled = OrDie(sdk::enrol(open, {contract_.evidence, roots_, party.keys.enroller(), make, random_, system_now()}, party.enrolments));
    if (enrolled.is_new) party.enrolments.push_back(enrolled.enrolment);
    appraise::Endorsements endorsements;
    endorsements.tpm_roots = roots_;
    endorsements.enrolments = party.enrolments;
    endorsements.self = party.keys.enroller().public_key();
    party.appraiser = std::make_unique<appraise::Appraiser>(contract_.evidence, endorsements);
  }
  sdk::Relying relying(Party& party, const jobs::Contract& contract) {
    return {contract, party.keys,
            [&party](const appraise::Evidence& evidence, const appraise::Challenge& challenge, Instant now) {
              return party.appraiser->appraise(evidence, challenge, now);
            },
            random_, system_now};
  }
  sdk::EnclaveClient connect(Party& party) { return OrDie(sdk::EnclaveClient::connect(address_, relying(party, contract_))); }

  void join_all() {
    for (Party* party : {&analyst_, &hospital_, &laboratory_}) {
      trust(*party);
      auto client = connect(*party);
      ASSERT_OK(client.join());
      ASSERT_OK(client.leave_enrolment(party->enrolments.back().encode()));
    }
  }

  sdk::Sealed seal(Party& owner, const std::string& dataset, std::string_view csv, const std::string& column, const std::string& type) {
    const bool number = type != "VARCHAR";
    sdk::DatasetPlan plan{dataset, 1, {{"patient_id", "BIGINT", jobs::ColumnRole::unit, "", ""},
                                       {column, type, jobs::ColumnRole::attribute, number ? "0" : "", number ? "40" : ""}},
                          jobs::PrivacyLoss{"8", "0.00001"}};
    return OrDie(sdk::seal_dataset(plan, as_bytes(csv), contract_.digest(), owner.keys, random_));
  }
  void deliver(const sdk::Sealed& sealed) {
    ASSERT_OK(door_->put_manifest(sealed.dataset.document));
    const std::string digest = OrDie(jobs::Manifest::parse(sealed.dataset.document.text)).digest().hex();
    for (std::size_t offset = 0; offset < sealed.envelope.size(); offset += hub::kCiphertextPart) {
      const std::size_t size = std::min(hub::kCiphertextPart, sealed.envelope.size() - offset);
      ASSERT_OK(door_->put_ciphertext(digest, offset, to_bytes(ByteView(sealed.envelope).subspan(offset, size))));
    }
  }
  void provide() {
    const Tables tables;
    hospital_data_ = seal(hospital_, "hospital", tables.hospital, "diagnosis", "VARCHAR");
    laboratory_data_ = seal(laboratory_, "laboratory", tables.laboratory, "radius_mean", "DECIMAL(12,7)");
    for (const auto& [party, sealed] : {std::pair<Party*, sdk::Sealed*>{&hospital_, &*hospital_data_}, {&laboratory_, &*laboratory_data_}}) {
      deliver(*sealed);
      ASSERT_OK(connect(*party).release(sealed->dataset.document, sealed->dataset.object_key));
    }
  }

  jobs::Proposal propose(std::string_view sql, std::optional<jobs::Noise> noise = std::nullopt) {
    auto client = connect(analyst_);
    const auto instance = OrDie(client.instance());
    sdk::ProposalPlan plan{std::string(sql), {}, {"analyst", "hospital"}, 10, system_now().plus_seconds(3600)};
    for (const auto* sealed : {&*hospital_data_, &*laboratory_data_}) {
      plan.manifests.push_back(OrDie(jobs::Manifest::parse(sealed->dataset.document.text)).digest());
    }
    if (noise) plan.level = jobs::PrivacyLevel::differential_privacy;
    plan.noise = std::move(noise);
    return OrDie(sdk::make_proposal(plan, contract_, client.claims(), instance, "analyst", random_));
  }
  Result<json::Value> submit(const jobs::Proposal& proposal) {
    const auto answer = door_->propose(jobs::sign_document(jobs::kProposalType, proposal.canonical(), analyst_.keys.signing()));
    stored();
    return answer;
  }
  // stored: the host has the whole log, so that participants are shown it.
  void stored() {
    std::uint64_t size = 0;
    for (auto log = OrDie(door_->log(0)); !log.entries.empty(); log = OrDie(door_->log(size))) size += log.entries.size();
  }
  void approve(const jobs::Proposal& proposal) {
    for (Party* voter : {&hospital_, &laboratory_}) {
      const auto seen = OrDie(connect(*voter).reservation(proposal.digest(), nullptr));
      EXPECT_EQ(seen.proposal.sql, proposal.sql);
      const auto ballot = sdk::make_ballot(seen.proposal, jobs::Decision::approve, seen.head, seen.log_size, proposal.expires, voter->keys, random_);
      ASSERT_OK(door_->vote(proposal.digest().hex(), ballot));
    }
  }

  crypto::SystemRandom random_;
  test::TempDir folder_;
  const test::KeptCa ca_{folder_.path() / "state" / "tpm-ca"};
  std::filesystem::path run_;
  hub::LocalLauncher launcher_;
  json::Value platform_;
  std::vector<crypto::Certificate> roots_;
  Party analyst_{"analyst", random_};
  Party hospital_{"hospital", random_};
  Party laboratory_{"laboratory", random_};
  jobs::Contract contract_;
  std::unique_ptr<hub::RunningProgram> program_;
  std::unique_ptr<hub::HostDoor> door_;
  sdk::Address address_;
  std::optional<sdk::Sealed> hospital_data_;
  std::optional<sdk::Sealed> laboratory_data_;
};

}  // namespace redoubt
