// AtHand: a heap of collateral that serves many verifications: every piece is read once, and what was verified is not verified again.
//
// The pieces are candidates as in heap.h, immutable, and known by digest. Remembered are which piece signed which (a signature never
// changes), and Intel collateral that was verified under given roots: its time, leaf and numbers are checked anew each time, by the rules
// of the whole check (recheck_collateral). Memory changes how long a verification takes, never its result; it is bounded, and only
// pieces that are at hand are remembered, so that what a peer sends along leaves no trace. Thread-safe without a lock; shared by pointer.
#pragma once

#include <functional>

#include "common/attest/appraise/remembered.h"
#include "common/attest/endorse/intel/collateral.h"
#include "common/attest/verifier/heap.h"

namespace redoubt::verifier {

class AtHand {
 public:
  // read: the errors of read_heap().
  static Result<std::shared_ptr<const AtHand>> read(std::span<const NamedFile> files);

  std::span<const Item> items() const { return items_; }
  // digest: SHA-256 over the digests of all pieces, whatever their order and names.
  const crypto::Sha256Digest& digest() const { return digest_; }
  // signed_by: what `check` says, or said before, of these two; both null or elsewhere than at hand: nothing is remembered.
  bool signed_by(const Item* signer, const Item* piece, const std::function<bool()>& check) const;
  // verified: the collateral, verified under `roots` now or before; null where it does not verify. `remember` only where every part is at
  // hand.
  std::shared_ptr<const endorse::VerifiedCollateral> verified(const endorse::RawCollateral& raw, std::span<const endorse::RootPin> roots, Instant now,
                                                              bool remember) const;

  AtHand(const AtHand&) = delete;
  AtHand& operator=(const AtHand&) = delete;

 private:
  explicit AtHand(std::vector<Item> items);
  bool holds(const Item* item) const;

  const std::vector<Item> items_;
  crypto::Sha256Digest digest_;
  mutable appraise::Remembered<std::pair<const Item*, const Item*>, bool> signed_{16384};
  mutable appraise::Remembered<crypto::Sha256Digest, std::shared_ptr<const endorse::VerifiedCollateral>> verified_{1024};
};

}  // namespace redoubt::verifier
