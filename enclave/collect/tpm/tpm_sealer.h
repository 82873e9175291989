// TpmSealer: a TPM 2.0 as the place that only this program, with this contract, can read and write.
//
// Runs in the enclave program. Secrets are sealed objects under a storage key of the owner hierarchy; they, an NV index that is only ever extended (the anchor) and an NV
// counter stand under one policy: the PCRs that Evidence quotes have the values of now (PolicyPCR). Whoever owns the TPM may delete the indices, but can neither extend the
// anchor nor make a counter that starts below one that the TPM ever had (Part 1 section 37.2.2 of the TPM 2.0 Library). Indices are 0x01800000 and up, by the first 21 bits of
// the contract's digest; one that is there with other attributes or another policy belongs to another program or contract, and is replaced. Needs an owner hierarchy without
// password (`refused` otherwise). Secrets are encrypted on their way (salted session), against listeners and not against a TPM that somebody put in between.
// Thread-safe. docs/specs/sealed-state.md.
#pragma once

#include "common/base/ids.h"
#include "enclave/collect/tpm/tpm_device.h"
#include "enclave/seal/sealer.h"

namespace redoubt::collect {

class TpmSealer final : public seal::Sealer {
 public:
  // Borrows `device`. `pcrs`: 0 to 23, in the SHA-256 bank.
  TpmSealer(TpmDevice& device, const ContractDigest& contract, std::vector<int> pcrs);

  Result<Bytes> seal(const SecretBytes& secret) override;
  Result<SecretBytes> unseal(ByteView blob) override;
  Result<std::optional<seal::Anchor>> anchor() override;
  Status extend(const crypto::Sha256Digest& digest) override;
  Result<std::uint64_t> counter() override;
  Result<std::uint64_t> increment() override;

 private:
  // Commands with the policy of the PCRs, as they were when this object first asked: a write under it fails once they are others.
  Status with_policy(const std::function<Status(ESYS_CONTEXT*, ByteView policy)>& commands);

  TpmDevice& device_;
  const std::vector<int> pcrs_;
  const std::uint32_t anchor_index_;
  const std::uint32_t counter_index_;
  Bytes policy_;  // empty until it is known; used on the device's connection only, which one thread has at a time
};

}  // namespace redoubt::collect
