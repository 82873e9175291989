// CollateralParts: collateral as it was read, with what its signatures say. For this room only.
//
// Everything here depends on the bytes alone, not on time, policy or leaf: verify_collateral builds it once, and judge() makes the
// checks of it for whatever inputs, at once or later from a cache: so both give the same result by construction.
#pragma once

#include "common/attest/endorse/intel/collateral.h"

namespace redoubt::endorse {

struct CollateralParts {
  // Copies that the views borrow: neither a list that grows nor a CollateralParts that moves moves their bytes.
  std::vector<Bytes> kept;
  Bytes tcb_info_text, qe_identity_text;     // for the digest

  // Each is ok, or why the thing could not be read or does not hold.
  Status tcb_info_read, qe_identity_read;    // form
  Status signers;                            // both signers and the root: form, names, signatures
  Status tcb_info_signature, qe_identity_signature;
  Status root_crl_issued, pck_crl_issued;    // form, issuer, signature, number; the PCK CA's own signature

  TcbInfo tcb_info;
  QeIdentity qe_identity;
  std::optional<crypto::CertificateView> tcb_signer, qe_signer, root, pck_issuer;
  std::optional<crypto::PublicKey> root_key, pck_issuer_key;
  std::optional<crypto::CrlView> root_crl, pck_crl;
  RootPin root_pin;                          // of `root`
  // Listed in root_crl; false where one of the two could not be read.
  bool tcb_signer_revoked = false, qe_signer_revoked = false, pck_issuer_revoked = false;

  Interval signers_validity;                 // of both signers and the root
  Interval validity;                         // of everything

  // digest: SHA-256 over all parts.
  crypto::Sha256Digest digest() const;
};

// read_parts reads and verifies signatures; the leaf's issuer, if given, may be the PCK CA too.
std::unique_ptr<CollateralParts> read_parts(const RawCollateral& raw, const CollateralInputs& inputs);

// judge puts C1 to C7 at the end of `checks`. Whether C1 to C4 and C6 passed, but for the leaf.
bool judge(const CollateralParts& parts, const CollateralInputs& inputs, std::vector<attest::Check>& checks);

}  // namespace redoubt::endorse
