// Certificates of TPM keys: of an endorsement key, as the manufacturer wrote it into NV memory, and of an attestation key, as a cloud's
// authority issues it.
//
// Certificates come from anywhere. A chain counts when it leads, at the given time, to a root that the caller names; roots never come
// from Evidence. Critical subject alternative names (the TPM's model stands there) and subject directory attributes are taken. Names are
// compared as bytes and not read: TCG EK Credential Profile 2.x, TCG "TPM 2.0 Keys for Device Identity and Attestation" section 8,
// docs/specs/tpm-evidence.md. Pure and thread-safe.
#pragma once

#include <span>
#include <string_view>

#include "common/crypto/certificate_view.h"
#include "common/crypto/x509.h"

namespace redoubt::tpm {

inline constexpr auto kEkUsage = der::oid("2.23.133.8.1");  // tcg-kp-EKCertificate
inline constexpr auto kAkUsage = der::oid("2.23.133.8.3");  // tcg-kp-AIKCertificate

// unpad: the certificate at the start of what an NV index holds: as long as its outer SEQUENCE says, followed by nothing but 0xff bytes,
// or by nothing but zeros. `malformed` otherwise. Borrows.
Result<ByteView> unpad(ByteView nv);

// has_usage: the extended key usage extension is there, well formed, and names `usage`.
bool has_usage(const crypto::CertificateView& certificate, const der::Oid& usage);

// Revocation: lists (DER) from anywhere, of any authority; those that are signed by an issuer of the chain count, the others do nothing.
struct Revocation {
  static constexpr std::size_t kMaxLists = 64;

  std::span<const Bytes> lists = {};
  bool required = false;  // each certificate below the root must be covered by a list that is valid now
};

struct KeyChain {
  crypto::Sha256Digest anchor;  // SHA-256 of the root's DER
  Interval validity;            // what all certificates have in common
  Bytes spki;                   // of the leaf
  std::string revocation;       // "not revoked", or whose list was not there, for people
};

// verify_chain: `leaf` (DER) through some of `intermediates` to one of `roots` at `now`; the leaf is no CA's, and has `usage` where one is
// asked. A certificate that stands in a list of its issuer is `chain`, also where that list has been followed by others: what was revoked
// stays so. `malformed`, `chain` or `freshness`.
Result<KeyChain> verify_chain(ByteView leaf, std::span<const Bytes> intermediates, std::span<const ByteView> roots, Instant now,
                              const der::Oid* usage, const Revocation& revocation = {});

}  // namespace redoubt::tpm
