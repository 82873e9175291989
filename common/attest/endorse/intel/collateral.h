// Collateral of Intel platforms: TCB info, QE identity, the certificate that signed them and the revocation lists, verified together.
//
// Whoever sends it (the attester itself, a cache, Intel's service) chooses it: everything is distrusted until it leads to a pinned
// root, and old collateral is as well signed as new, so that a caller who wants none sets a minimum evaluation number or keeps
// a HighWater. verify_collateral makes the checks C1 to C7 (docs/specs/collateral.md), every one whether or not an earlier one
// failed. A VerifiedCollateral is immutable, safe to share and to cache: recheck_collateral repeats for another leaf or time whatever
// depends on them, with the same result as the whole and without a signature. No clock, no I/O, no download. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <utility>

#include "common/attest/endorse/intel/qe_identity.h"
#include "common/attest/endorse/intel/tcb_info.h"
#include "common/attest/evidence/check.h"
#include "common/crypto/certificate_view.h"
#include "common/crypto/digest.h"

namespace redoubt::endorse {

// RootPin: SHA-256 of the DER SubjectPublicKeyInfo of a root.
using RootPin = crypto::Sha256Digest;
// intel_sgx_root: the Intel SGX Root CA (production).
const RootPin& intel_sgx_root();
// intel_sgx_root_certificate: SHA-256 of its certificate as Intel publishes it, DER.
const crypto::Sha256Digest& intel_sgx_root_certificate();

// What was received: raw parts, nothing believed.
struct RawCollateral {
  static constexpr std::size_t kMaxCertificates = 8;

  Bytes tcb_info;                         // {"tcbInfo":{...},"signature":"..."}
  Bytes qe_identity;                      // {"enclaveIdentity":{...},"signature":"..."}
  std::vector<Bytes> tcb_signing_chain;   // DER, in any order: the TCB signing certificate and the root
  std::vector<Bytes> qe_signing_chain;    // the same for the QE identity; empty: as for the TCB info
  Bytes root_crl;                         // DER
  Bytes pck_crl;                          // DER
  std::vector<Bytes> pck_issuers;         // DER: the PCK CA that issued pck_crl; may be empty when a leaf is given with its issuer
};

// certificates: the certificates of a text: PEM blocks, or one DER certificate. `malformed` otherwise.
Result<std::vector<Bytes>> certificates(ByteView pem_or_der);

// The PCK certificate that a quote carries, as the quote's room has read it. Borrowed for the call.
struct PckLeaf {
  Tee tee = Tee::sgx;                                 // of the quote
  const crypto::CertificateView* certificate = nullptr;
  const crypto::CertificateView* issuer = nullptr;    // the PCK CA of the quote's chain
  Fmspc fmspc;                                        // of its SGX extension
  PceId pce_id;
};

struct CollateralInputs {
  std::span<const RootPin> roots;                          // trust anchors
  // SHA-256 of certificates of these roots, DER, that the caller knows to be genuine. The pin of a key says nothing of the rest of a
  // certificate, so that a root must have signed itself; one whose every byte is pinned gains nothing by that, and is spared it.
  std::span<const crypto::Sha256Digest> root_certificates = {};
  Instant now;
  std::optional<std::uint32_t> minimum_evaluation_number;  // of TCB info and of QE identity; absent: any passes, and C7 says so
  const PckLeaf* leaf = nullptr;                           // absent: C5 is not applicable, C4 and C6 speak of the collateral alone
};

struct CollateralParts;  // collateral_parts.h, for this room only

class VerifiedCollateral {
 public:
  Tee tee() const { return tcb_info().tee; }
  const TcbInfo& tcb_info() const;
  const QeIdentity& qe_identity() const;
  std::uint32_t evaluation_number() const { return tcb_info().evaluation_number; }  // of the TCB info
  // The PCK CA whose revocation list this is: issued by the root, with a valid signature. View and key live as long as this object.
  const crypto::CertificateView& pck_issuer() const;
  const crypto::PublicKey& pck_issuer_key() const;
  // The root, self-signed with a valid signature or known as a whole; the key is the pinned one.
  const crypto::CertificateView& root_certificate() const;
  const RootPin& root() const;
  // What all parts have in common: issueDate to nextUpdate, thisUpdate to nextUpdate, notBefore to notAfter.
  const Interval& validity() const;
  // SHA-256 over all parts, for caches and results. Hashes some twenty thousand bytes at each call.
  crypto::Sha256Digest digest() const;
  // CRL numbers, big-endian without leading zeros.
  ByteView root_crl_number() const;
  ByteView pck_crl_number() const;

  ~VerifiedCollateral();
  VerifiedCollateral(const VerifiedCollateral&) = delete;
  VerifiedCollateral& operator=(const VerifiedCollateral&) = delete;

 private:
  friend class CollateralVerifier;
  explicit VerifiedCollateral(std::unique_ptr<const CollateralParts> parts);
  std::unique_ptr<const CollateralParts> parts_;
};

struct CollateralOutcome {
  std::vector<attest::Check> checks;  // C1 to C7, each once, in this order
  // Present when the collateral by itself passed: C1 to C4 and C6 but for the leaf. The leaf may still have failed, and the
  // caller's minimum (C7): the checks decide, this is for evaluating and for caches.
  std::shared_ptr<const VerifiedCollateral> verified;
};
CollateralOutcome verify_collateral(const RawCollateral& raw, const CollateralInputs& inputs);

// recheck_collateral gives C1 to C7 as verify_collateral would for the same inputs, without verifying a signature again.
std::vector<attest::Check> recheck_collateral(const VerifiedCollateral& collateral, const CollateralInputs& inputs);
// The same, put at the end of `checks`.
void recheck_collateral(const VerifiedCollateral& collateral, const CollateralInputs& inputs, std::vector<attest::Check>& checks);

// HighWater: the newest collateral that was ever accepted; the caller stores it. An attester who chooses its collateral cannot go
// back behind it.
struct HighWater {
  std::map<std::pair<Tee, Fmspc>, std::uint32_t> evaluation_numbers;  // of TCB infos
  std::map<Tee, std::uint32_t> qe_evaluation_numbers;
  std::map<crypto::Sha256Digest, Bytes> crl_numbers;  // by the SHA-256 of the issuer's SubjectPublicKeyInfo; big-endian, no zeros

  // check_and_raise: `freshness` if any number is below what was seen, and then nothing changes.
  Status check_and_raise(const VerifiedCollateral& collateral);
};

}  // namespace redoubt::endorse
