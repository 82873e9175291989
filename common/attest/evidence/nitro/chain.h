// The certificate chain of a Nitro document: AWS's root, region, zone, instance, and the leaf that signs documents.
//
// The document brings its own chain (cabundle, root first), so the root counts only by its pin. Every certificate is ECDSA P-384
// with SHA-384. Leaves live for about three hours and carry no authority key identifier. The part above the leaf is the same for
// all enclaves of an instance and lives for a day: VerifiedInstanceChain keeps it verified. AWS's revocation lists are not
// consulted. Pure, no clock; thread-safe.
#pragma once

#include <memory>

#include "common/base/instant.h"
#include "common/crypto/root_pin.h"

namespace redoubt::nitro {

// AWS Nitro Enclaves Root-G1, valid 2019-10-28 to 2049-10-28 (docs.aws.amazon.com, "Verifying the root of trust").
inline constexpr crypto::RootPin kAwsRootG1{
    "AWS Nitro Enclaves Root-G1",
    crypto::digest_literal("641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"),
    crypto::digest_literal("f2caf5ecc6190b4a8399b78bc58a2bbcd0382375db8a1bfd78a82743874fd225")};

// VerifiedInstanceChain: a cabundle that was verified once. An immutable proof object, cheap to copy.
class VerifiedInstanceChain {
 public:
  // validity: what all its certificates have in common.
  const Interval& validity() const;
  // root: SHA-256 of the certificate of the anchor.
  const crypto::Sha256Digest& root() const;
  // proves: this is the proof for exactly these certificates, under one of these roots, at this time.
  bool proves(std::span<const ByteView> cabundle, std::span<const crypto::RootPin> roots, Instant now) const;
  // check_leaf: the instance issued `leaf`, and the leaf may sign documents at `now`. `chain` or `freshness` otherwise.
  Status check_leaf(const crypto::CertificateView& leaf, Instant now) const;

 private:
  struct State;
  friend Result<VerifiedInstanceChain> verify_instance_chain(std::span<const ByteView>, std::span<const crypto::RootPin>, Instant);
  explicit VerifiedInstanceChain(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// verify_instance_chain: the first certificate is one of `roots`, each issued the next, all are valid at `now`, path lengths
// leave room for what follows. `malformed`, `chain` or `freshness` otherwise.
Result<VerifiedInstanceChain> verify_instance_chain(std::span<const ByteView> cabundle, std::span<const crypto::RootPin> roots,
                                                    Instant now);

}  // namespace redoubt::nitro
