// CollateralStore: collateral that a Relying Party keeps, one file a piece under its digest, and the highest numbers ever seen.
//
// Old collateral is as well signed as new, so whoever brings it could bring a platform back to a time before its faults were known.
// The store remembers the highest tcbEvaluationDataNumber of each platform family and the highest number of each authority's
// revocation list, and refuses lower ones unless it is told otherwise. Only what a pinned key signed raises a number: nobody else
// can lock newer collateral out. A file whose content is not what its name says is an error. The folder is the participant's own. Not
// thread-safe; one process at a time writes.
#pragma once

#include <filesystem>
#include <map>

#include "common/attest/endorse/intel/collateral.h"
#include "common/attest/verifier/heap.h"

namespace redoubt::sdk {

struct StoredCollateral {
  crypto::Sha256Digest digest;
  verifier::Item item;
};

struct AddedCollateral {
  std::vector<StoredCollateral> added;  // new ones
  std::size_t known = 0;                // pieces that were there already
  std::vector<std::string> unverified;  // TCB info, QE identities and lists whose signer is not at hand: kept, but no number is remembered
};

class CollateralStore {
 public:
  // A folder that need not exist. `roots`: whose signatures raise the numbers of Intel's documents.
  explicit CollateralStore(std::filesystem::path folder, std::vector<endorse::RootPin> roots = {endorse::intel_sgx_root()})
      : folder_(std::move(folder)), roots_(std::move(roots)) {}

  // add: all pieces of the files, or none. `freshness` for one whose number is below the highest seen, naming both, unless
  // `allow_older`; `malformed` for a file that is no collateral.
  Result<AddedCollateral> add(std::span<const verifier::NamedFile> files, bool allow_older);
  // list: every piece, by kind and then by what it is of.
  Result<std::vector<StoredCollateral>> list() const;
  // files: the same as a heap for the verifier. Empty when nothing was ever added.
  Result<std::vector<verifier::NamedFile>> files() const;

 private:
  using Numbers = std::map<std::string, Bytes>;  // magnitudes, big-endian, by what they are of

  Result<Numbers> highest() const;
  Status keep(const Numbers& highest) const;
  // number_key: what the number of an item is of, when its signer is at hand; otherwise nothing.
  std::optional<std::string> number_key(const verifier::Item& item, std::span<const verifier::Item> all) const;

  std::filesystem::path folder_;
  std::vector<endorse::RootPin> roots_;
};

}  // namespace redoubt::sdk
