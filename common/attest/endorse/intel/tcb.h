// evaluate_tcb: which TCB level a platform has by Intel's collateral, and what that says: T1 to T5, and the values of T6 to T8.
//
// The rules are those of Intel's Quote Verification Library: levels newest first, the first whose every version is reached counts;
// the status of the platform, of the TDX module and of the quoting enclave are converged. Whether a status is acceptable is the
// policy's business (T6 to T8 are judged on the floor above): T-checks fail here only for what no policy may accept: no level, a
// foreign or revoked module or quoting enclave. Pure, thread-safe. Intel SGX DCAP and TDX DCAP Quote Verification (sections
// 4.1.2.4.9 to 4.1.2.4.17 of the QVL).
#pragma once

#include "common/attest/endorse/intel/collateral.h"
#include "common/base/short_list.h"

namespace redoubt::endorse {

// The report of the quoting enclave, as far as its identity needs it.
struct QeFacts {
  MiscSelect miscselect;
  EnclaveAttributes attributes;
  EnclaveSigner mrsigner;
  std::uint16_t isvprodid = 0;
  std::uint16_t isvsvn = 0;
};

struct TdxFacts {
  Components tee_tcb_svn{};
  std::optional<Components> tee_tcb_svn2;  // TD report 1.5
  SeamSigner mrsignerseam;
  SeamAttributes seamattributes;
};

// What the PCK certificate and the quote say of the platform.
struct PlatformTcb {
  Components sgx{};        // component versions of the SGX extension (not the raw CPUSVN)
  std::uint16_t pcesvn = 0;
  std::optional<TdxFacts> tdx;  // present for TDX quotes
  QeFacts qe;
};

struct TcbVerdict {
  std::vector<attest::Check> checks;  // T1 to T5, each once, in this order
  TcbStatus tcb_status = TcbStatus::not_supported;  // converged (T6, T7)
  std::optional<TcbStatus> matched_level;           // of the level that matched (for TDX: with the TDX components), before convergence
  std::optional<Instant> matched_level_date;
  std::optional<TcbStatus> sgx_level;               // of the first level whose SGX components and PCESVN are reached
  std::optional<TcbStatus> tdx_module;              // absent for SGX
  std::optional<Instant> tdx_module_date;
  std::optional<TcbStatus> qe;                      // absent if no level of the QE identity is reached
  std::optional<Instant> qe_date;
  bool relaunch_advised = false;                    // T7
  ShortList<std::string, 8> advisories;             // T8: united, sorted, unique; empty when no level matched
};

// evaluate_tcb: collateral for the other TEE gives not_supported with T1 failed.
TcbVerdict evaluate_tcb(const PlatformTcb& platform, const VerifiedCollateral& collateral);
// The same, with its checks at the end of `checks` and not in the verdict.
TcbVerdict evaluate_tcb(const PlatformTcb& platform, const VerifiedCollateral& collateral, std::vector<attest::Check>& checks);
// The same by the parts of collateral; for what was read but not verified, as tools show it.
TcbVerdict evaluate_tcb(const PlatformTcb& platform, const TcbInfo& tcb_info, const QeIdentity& qe_identity);

}  // namespace redoubt::endorse
