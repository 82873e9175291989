// make(): the one place where a collector is chosen: by a name in the configuration, never by what the machine seems to offer.
//
// Which platform vouches for a program is a decision of whoever runs it: a host that could take a device away, or put one there, could
// otherwise choose the weaker one. detect() tells people what is there; nobody acts on it. Runs in the enclave program. What
// make() gives is thread-safe if `files` and `random` are.
#pragma once

#include <filesystem>
#include <memory>

#include "common/crypto/random.h"
#include "enclave/collect/base/file_calls.h"
#include "enclave/collect/confidential_space/confidential_space_collector.h"
#include "enclave/collect/gramine/gramine_collector.h"
#include "enclave/collect/tpm/tpm_collector.h"
#include "enclave/collect/tsm/tsm_collector.h"

namespace redoubt::collect {

// CollectorConfig: `kind` and what belongs to it. Something that belongs to another kind is an error, not ignored.
//
//   kind                  path                                 format of the Evidence
//   "tpm"                 TCTI, default device:/dev/tpmrm0     "tpm"
//   "tsm"                 folder of configfs-tsm               "tdx" or "snp"
//   "gramine"             folder /dev/attestation              "sgx"
//   "confidential-space"  the launcher's socket                "token"
struct CollectorConfig {
  std::string kind;
  std::string path = {};                              // empty: the kind's default
  std::optional<TpmCollectorOptions> tpm = {};        // "tpm"; absent: its defaults
  std::optional<unsigned> privilege_level = {};       // "tsm" on SEV-SNP
  std::string audience = {};                          // "confidential-space", which needs one
  std::optional<TokenType> token_type = {};           // "confidential-space"; absent: PKI
};

// make: `usage` for an unknown kind and for members of another kind; a TPM is opened at once (errors of TpmDevice::open), the others
// are asked when Evidence is. Borrows `files` and `random`, which must outlive the collector.
Result<std::unique_ptr<Collector>> make(const CollectorConfig& config, FileCalls& files, crypto::Random& random);

// Offer: one kind, and the file that makes it look available.
struct Offer {
  std::string kind;
  std::string path;
};

// detect: what the machine below `root` seems to offer, for people. Only looks whether files are there, and opens none. Of configfs-tsm
// only the folder is seen: whether a provider stands behind it shows when a report is asked for.
std::vector<Offer> detect(const std::filesystem::path& root = "/");

}  // namespace redoubt::collect
