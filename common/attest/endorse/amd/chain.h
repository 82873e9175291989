// VerifiedAmdChain, VerifiedVcek and VerifiedCrl: what AMD vouches for, checked once, as immutable proof objects for caches.
//
// A chain is leaf (VCEK or VLEK), intermediate (ASK or ASVK), root (ARK); the root's key must be pinned by an anchor that the
// caller names. Each proof holds the very bytes that were checked, so that a user can tell whether it is about the certificates
// at hand, and the interval of all times at which the same check gives the same answer. Every certificate and list comes
// from anywhere and is distrusted; nothing is downloaded, no clock is read. Cheap to copy, immutable, thread-safe.
// AMD 57230 (VCEK certificate and KDS interface), RFC 5280.
#pragma once

#include "common/attest/endorse/amd/anchors.h"
#include "common/attest/endorse/amd/leaf.h"

namespace redoubt::amd {

// VerifiedAmdChain: an ASK or ASVK that a pinned ARK signed.
class VerifiedAmdChain {
 public:
  Product product() const { return anchor().product; }
  KeyKind kind() const;                 // of the leaves that it signs
  const Anchor& anchor() const;         // the one of the caller's that the chain leads to
  const Interval& validity() const;     // of both certificates
  ByteView intermediate() const;        // DER, as it was checked
  ByteView ark() const;
  ByteView intermediate_serial() const; // magnitude

 private:
  struct State;
  explicit VerifiedAmdChain(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  friend Result<VerifiedAmdChain> verify_chain(ByteView, ByteView, std::span<const Anchor>, Instant);
  friend Result<class VerifiedVcek> verify_vcek(ByteView, const VerifiedAmdChain&, Instant);
  friend Result<class VerifiedCrl> verify_crl(ByteView, const VerifiedAmdChain&, Instant);
  std::shared_ptr<const State> state_;
};

// IntermediateName: what an intermediate calls itself.
struct IntermediateName {
  Product product = Product::milan;
  KeyKind kind = KeyKind::vcek;
};
// intermediate_name_of: by the subject of a certificate in DER, which nobody need have signed: only for telling what is wrong with a
// chain. `malformed` where it is not AMD's name of an ASK or ASVK.
Result<IntermediateName> intermediate_name_of(ByteView der);

// verify_chain: both DER. RSA-PSS with SHA-384, AMD's names for one product, pins, constraints and key usage, validity at `now`.
// `malformed`, `chain` or `freshness`.
Result<VerifiedAmdChain> verify_chain(ByteView intermediate, ByteView ark, std::span<const Anchor> anchors, Instant now);

// VerifiedVcek: a leaf that such an intermediate signed. A VLEK too, in spite of the name.
class VerifiedVcek {
 public:
  const Leaf& leaf() const;
  ByteView der() const;                       // as it was checked
  const SpkiDigest& spki_digest() const;      // SHA-256 of the key's SubjectPublicKeyInfo
  const VerifiedAmdChain& chain() const;
  const Interval& validity() const;           // of all three certificates

 private:
  struct State;
  explicit VerifiedVcek(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  friend Result<VerifiedVcek> verify_vcek(ByteView, const VerifiedAmdChain&, Instant);
  std::shared_ptr<const State> state_;
};

// verify_vcek: leaf in DER, signed by the chain's intermediate, valid at `now`. That the leaf's product name is the chain's is not
// judged here. `malformed`, `chain` or `freshness`.
Result<VerifiedVcek> verify_vcek(ByteView leaf, const VerifiedAmdChain& chain, Instant now);

// VerifiedCrl: a revocation list that the chain's ARK signed.
class VerifiedCrl {
 public:
  ByteView der() const;
  const Interval& validity() const;       // from this update to next update
  const SpkiDigest& ark() const;          // the pin of the ARK that signed it
  bool revokes(ByteView serial) const;    // magnitude, big-endian

 private:
  struct State;
  explicit VerifiedCrl(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  friend Result<VerifiedCrl> verify_crl(ByteView, const VerifiedAmdChain&, Instant);
  std::shared_ptr<const State> state_;
};

// verify_crl: DER; issued by the chain's ARK with RSA-PSS and SHA-384, `now` inside its window. `malformed`, `chain` or `freshness`.
Result<VerifiedCrl> verify_crl(ByteView crl, const VerifiedAmdChain& chain, Instant now);

}  // namespace redoubt::amd
