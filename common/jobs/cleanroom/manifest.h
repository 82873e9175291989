// The manifest of a dataset: what its owner says of it and signs (docs/specs/clean-room-documents.md).
//
// It binds the schema with the roles and bounds of its columns, the row count and the Merkle root over the ciphertext chunks
// to one contract. The dataset's key travels as an HPKE object bound to the manifest's digest and the instance, so that a key
// is never used with another manifest, version or instance. Rows and bounds are the owner's statement; the enclave checks
// them against the decrypted table. Pure; immutable after parse.
#pragma once

#include "common/base/ids.h"
#include "common/jobs/cleanroom/contract.h"
#include "common/jobs/cleanroom/noise.h"
#include "common/jobs/cleanroom/signed_document.h"
#include "common/receipt/merkle.h"

namespace redoubt::jobs {

using ManifestDigest = FixedBytes<struct ManifestDigestTag, 32>;

enum class ColumnRole { unit, identifier, attribute };
std::string_view name_of(ColumnRole role);

struct ManifestColumn {
  std::string name;         // an SQL identifier: [a-z_][a-z0-9_]{0,62}
  std::string type;         // BIGINT, INTEGER, DOUBLE, DECIMAL(p,s), VARCHAR, BOOLEAN, DATE
  ColumnRole role;
  std::string min, max;     // bounds as decimal text, both or neither; "" = none
};

struct Manifest {
  static constexpr std::size_t kMaxBytes = 128 * 1024;
  static constexpr std::size_t kMaxColumns = 512;

  std::string dataset;        // its name in the environment and in SQL: an SQL identifier
  std::uint64_t version;      // 1 and up; an enclave never goes back to a lower one
  std::string owner;          // participant name
  ContractDigest contract;
  std::vector<ManifestColumn> columns;
  std::uint64_t rows;
  std::uint64_t ciphertext_size;  // bytes of the envelope
  receipt::TreeHash ciphertext_root;// RFC 9162 tree over the envelope's header and chunks
  // budget: the privacy loss that all queries at differential_privacy over this version may cost together; without one there are none.
  std::optional<PrivacyLoss> budget = std::nullopt;

  std::string canonical() const;
  static Result<Manifest> parse(std::string_view text);
  ManifestDigest digest() const;
};

inline constexpr std::string_view kManifestType = "redoubt/manifest/1";

// check_identifier: a plain lower-case SQL identifier.
Status check_identifier(std::string_view name, std::string_view what);

// HPKE info and AAD of a dataset key: {label, manifest digest, instance id}.
Bytes dataset_key_statement(const ManifestDigest& manifest, const InstanceId& instance);

// The id that the envelope's chunks are bound to: {label, contract, owner, dataset}.
std::string envelope_object_id(const Manifest& manifest);

}  // namespace redoubt::jobs
