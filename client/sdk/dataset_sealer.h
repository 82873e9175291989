// dataset_sealer: a CSV file and its schema become an envelope, a signed manifest and an object key.
//
// The owner states rows, types and bounds; the enclave program checks them against the decrypted table. Here only the header
// and the number of records are looked at (RFC 4180 quoting), so that a wrong file is noticed before it is sent. Plaintext
// stays in this process and is wiped. Randomness is a parameter.
#pragma once

#include "client/sdk/key_file.h"
#include "client/sdk/state.h"

namespace redoubt::sdk {

struct DatasetPlan {
  std::string dataset;
  std::uint64_t version = 1;
  std::vector<jobs::ManifestColumn> columns;
  std::optional<jobs::PrivacyLoss> budget = std::nullopt;  // for queries at differential_privacy
};

// read_schema reads JSON: {"columns": [{name, type, role, min, max}, ...]} or the array itself.
// role defaults to "attribute", bounds to none. `malformed` names what is wrong.
Result<std::vector<jobs::ManifestColumn>> read_schema(std::string_view text);

struct Sealed {
  SealedDataset dataset;
  Bytes envelope;
};

// seal_dataset: `malformed` when the header is not the schema's columns in any order, or a record has no end.
Result<Sealed> seal_dataset(const DatasetPlan& plan, ByteView csv, const ContractDigest& contract, const KeyFile& owner,
                            crypto::Random& random);

// holds_table: `sealed` is `csv` under the plan's columns, whole: its envelope opens to exactly these bytes. The version is not
// compared.
bool holds_table(const Sealed& sealed, const DatasetPlan& plan, ByteView csv);

// count_records: records after the header; exposed for tests.
Result<std::uint64_t> count_records(std::string_view csv, const std::vector<jobs::ManifestColumn>& columns);

}  // namespace redoubt::sdk
