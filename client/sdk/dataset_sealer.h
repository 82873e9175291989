// dataset_sealer: a CSV file and its schema become an envelope, a signed manifest and an object key.
//
// The owner states types and bounds; every cell of the file is read as its column's type here (common/table/csv.h), so that a wrong one is
// named by row and column before anything is sealed, and again by the enclave program. What is sealed is a table file. Plaintext
// stays in this process and is wiped. Randomness is a parameter.
#pragma once

#include "client/sdk/key_file.h"
#include "client/sdk/state.h"
#include "common/table/csv.h"

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

// table_file_of: the CSV as a table file of these columns. `malformed` names row and column.
Result<table::Encoded> table_file_of(const std::string& dataset, const std::vector<jobs::ManifestColumn>& columns, ByteView csv);

struct Sealed {
  SealedDataset dataset;
  Bytes envelope;
};

// seal_dataset: `malformed` when the CSV is not a table of the plan's columns.
Result<Sealed> seal_dataset(const DatasetPlan& plan, ByteView csv, const ContractDigest& contract, const KeyFile& owner,
                            crypto::Random& random);

// holds_table: `sealed` is `csv` under the plan's columns, whole: its envelope opens to exactly these bytes. The version is not
// compared.
bool holds_table(const Sealed& sealed, const DatasetPlan& plan, ByteView csv);

}  // namespace redoubt::sdk
