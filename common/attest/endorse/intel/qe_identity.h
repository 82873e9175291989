// QeIdentity: what Intel says of its quoting enclaves: who signed them, with which attributes, and which versions are up to date.
//
// As TcbInfo it is signed by the Provisioning Certification Service and believed only after collateral.h has verified it. Read is
// version 2, of the SGX quoting enclave ("QE") and the TD quoting enclave ("TD_QE"). Intel PCS API, versions 3 and 4, "Get Quoting
// Enclave Identity". Pure, thread-safe.
#pragma once

#include "common/attest/endorse/intel/tcb_info.h"

namespace redoubt::endorse {

using EnclaveSigner = FixedBytes<struct EnclaveSignerTag, 32>;          // MRSIGNER
using EnclaveAttributes = FixedBytes<struct EnclaveAttributesTag, 16>;  // ATTRIBUTES, flags then XFRM
using MiscSelect = FixedBytes<struct MiscSelectTag, 4>;                 // as it lies in a report

struct QeIdentity {
  static constexpr std::size_t kMaxSize = 64 * 1024;
  static constexpr std::size_t kMaxLevels = 64;

  Tee tee = Tee::sgx;                   // id "QE" or "TD_QE"
  unsigned version = 0;                 // 2
  Instant issue_date, next_update;
  std::uint32_t evaluation_number = 0;
  MiscSelect miscselect, miscselect_mask;
  EnclaveAttributes attributes, attributes_mask;
  EnclaveSigner mrsigner;
  std::uint16_t isvprodid = 0;
  std::vector<IsvLevel> levels;         // at least one, newest first
};

struct SignedQeIdentity {
  QeIdentity identity;
  std::string_view signed_bytes;
  JsonSignature signature;
};
// parse_qe_identity reads {"enclaveIdentity": {...}, "signature": "..."} and borrows `text` for signed_bytes. `malformed` otherwise.
Result<SignedQeIdentity> parse_qe_identity(std::string_view text);

}  // namespace redoubt::endorse
