// Datasets: which ciphertext belongs to which manifest, and the parts of uploads under way.
//
// The ciphertext itself is in the object store, under the name that the record holds. A dataset is `uploading` until all of its
// bytes are in place, then `stored`; `retired` ones are kept for the receipts that speak of them. Versions of one dataset only go
// up. The manifest is the owner's signed document, kept as it came.
#pragma once

#include "common/crypto/digest.h"
#include "untrusted/hub/store/page.h"

namespace redoubt::hub {

enum class DatasetState { uploading, stored, retired };
std::string_view name_of(DatasetState state);

struct Dataset {
  std::string environment;
  std::string id;
  std::uint64_t version = 0;
  std::string owner;
  std::string manifest;     // signed document
  std::string object;       // name in the object store
  std::uint64_t size = 0;   // bytes of ciphertext that the manifest announces
  DatasetState state = DatasetState::uploading;
  Instant created;
};

struct DatasetPart {
  std::uint64_t part = 0;  // 0, 1, 2, ...
  std::uint64_t size = 0;  // bytes
  crypto::Sha256Digest sha256;
  friend bool operator==(const DatasetPart&, const DatasetPart&) = default;
};

// add_dataset: `refused` unless the version is above every earlier one; `not_found` when the environment is absent.
Status add_dataset(Transaction& transaction, const Dataset& dataset);
Result<Dataset> get_dataset(Transaction& transaction, std::string_view environment, std::string_view id, std::uint64_t version);
// latest_dataset: the highest version that is stored, or `not_found`.
Result<Dataset> latest_dataset(Transaction& transaction, std::string_view environment, std::string_view id);
// find_dataset: by the name of its object, or `not_found`.
Result<Dataset> find_dataset(Transaction& transaction, std::string_view environment, std::string_view object);
// set_dataset_state: `refused` unless the state is `from` now.
Status set_dataset_state(Transaction& transaction, const Dataset& dataset, DatasetState from, DatasetState to);
Result<Page<Dataset>> list_datasets(Transaction& transaction, std::string_view environment, const PageRequest& page);
// dataset_objects: the objects of all datasets, so that others can be swept.
Result<std::vector<std::string>> dataset_objects(Transaction& transaction);

// put_part: the same part again replaces the earlier one. `refused` unless the dataset is uploading.
Status put_part(Transaction& transaction, const Dataset& dataset, const DatasetPart& part);
Result<std::vector<DatasetPart>> get_parts(Transaction& transaction, const Dataset& dataset);

}  // namespace redoubt::hub
