// Salted commitments: what a receipt says about content that it does not show (docs/specs/receipt.md).
//
// commitment = SHA-256 over Fields("redoubt/commitment/1", label, salt, value). The salt is 32 random bytes, drawn once per job;
// lists (token leaves, rows) get a salt for each item by HKDF, so that one item is opened without the others. Salts are
// secret: whoever has a job's salt can test guesses at every value committed under it. They travel only inside the sealed
// result. Hiding rests on the salt, binding on SHA-256; the length of a value is hidden too. Pure and thread-safe.
#pragma once

#include "common/base/bytes.h"
#include "common/base/secret.h"
#include "common/crypto/random.h"

namespace redoubt::receipt {

using Commitment = FixedBytes<struct CommitmentTag, 32>;

class Salt {
 public:
  static constexpr std::size_t kSize = 32;

  static Salt draw(crypto::Random& random) { return Salt(random.secret(kSize)); }
  // from copies exactly 32 bytes; another length is `malformed`.
  static Result<Salt> from(ByteView bytes);

  Salt clone() const { return Salt(bytes_.clone()); }
  // leaf: the salt of item `index` of the list `label`. Tells nothing about this salt or about other items.
  Salt leaf(std::string_view label, std::uint64_t index) const;
  // reveal: the 32 bytes, to be sealed into a result.
  ByteView reveal() const { return bytes_.reveal(); }

 private:
  explicit Salt(SecretBytes bytes) : bytes_(std::move(bytes)) {}
  SecretBytes bytes_;
};

// commit: `label` names what is committed to ("request", "result"); value below 4 GiB.
Commitment commit(std::string_view label, const Salt& salt, ByteView value);

// Opening: what a holder of the salt shows to prove what was committed to.
struct Opening {
  std::string label;
  Salt salt;
  Bytes value;
};

// check_opening: ok, or `binding`, naming the label and never the value.
Status check_opening(const Commitment& commitment, const Opening& opening);

}  // namespace redoubt::receipt
