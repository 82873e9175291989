// The clean room of bench_query: three participants with fixed keys, two datasets, a room with the real engine behind it.
//
// Everything a room checks is real: contract, joins, manifests, envelopes, approvals. Keys come from fixed seeds, so that the process that
// seals and the one that opens agree without a word. For the benchmark only.
#pragma once

#include <filesystem>
#include <memory>

#include "enclave/workloads/cleanroom/engine_process.h"
#include "enclave/workloads/cleanroom/room.h"
#include "tests/support/fixed_random.h"

namespace redoubt::bench {

inline constexpr std::string_view kQuery =
    "SELECT ward, count(*) AS n, sum(cost) AS cost, avg(value) AS value FROM hospital JOIN laboratory USING (patient_id) GROUP BY ward ORDER BY ward";

// A participant with its keys.
struct Party {
  Party(std::string party_name, std::uint64_t seed, bool party_votes);
  jobs::Participant listed() const { return {name, key.public_key(), hpke.public_key(), std::nullopt, votes}; }

  std::string name;
  test::FixedRandom random;
  crypto::Ed25519PrivateKey key;
  crypto::HpkePrivateKey hpke;
  bool votes;
};

struct SealedTable {
  jobs::SignedDocument manifest;
  Bytes envelope;
};

class Stage {
 public:
  Stage();
  const jobs::Contract& contract() const { return contract_; }

  // seal: the owner's side: the table file of a dataset, whose name is its owner's, as an envelope under a signed manifest.
  SealedTable seal(const std::string& dataset, std::vector<jobs::ManifestColumn> columns, const SecretBytes& file, std::uint64_t rows);
  // open_room: a room that everybody has joined, without data. `engine_program` is redoubt-cleanroom-engine.
  cleanroom::Room& open_room(const std::string& engine_program);
  // release gives the room the manifest and the key; its ciphertext comes through the host's door.
  jobs::ManifestDigest release(const jobs::SignedDocument& manifest);
  // approve proposes kQuery over all that was released, with the ballots of both owners.
  jobs::ProposalDigest approve(jobs::PrivacyLevel level);

 private:
  Party& owner(const std::string& dataset) { return dataset == hospital_.name ? hospital_ : laboratory_; }
  static SecretBytes dataset_key(const std::string& dataset);

  Party analyst_{"analyst", 11, false};
  Party hospital_{"hospital", 12, true};
  Party laboratory_{"laboratory", 13, true};
  jobs::Contract contract_;
  test::FixedRandom random_{15};
  appraise::ProgramDigest program_{crypto::sha256(as_bytes("program")).array()};
  std::unique_ptr<cleanroom::EngineProcess> engine_;
  std::unique_ptr<cleanroom::Room> room_;
  std::vector<jobs::ManifestDigest> released_;
};

}  // namespace redoubt::bench
