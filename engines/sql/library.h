// VerifiedLibrary: the proof that the engine's shared library is the one this program was built for.
//
// Programs verify once at start, before any plaintext, and pass the proof on. The file is the one the loader mapped; it is read
// and hashed here, the only file that this room reads. A host that swaps the file between the loader's and this reading is
// stopped by the measured image, not here. DuckDB's library is checked by SHA-256 at build time as well.
#pragma once

#include "common/crypto/digest.h"

namespace redoubt::sql {

class VerifiedLibrary {
 public:
  // verify: `not_found` when the library cannot be read, `measurement` when its digest is another.
  static Result<VerifiedLibrary> verify();
  // verify_against is verify with another expectation, for tests.
  static Result<VerifiedLibrary> verify_against(const crypto::Sha256Digest& expected);

  // expected_digest is compiled in.
  static crypto::Sha256Digest expected_digest();

 private:
  VerifiedLibrary() = default;
};

}  // namespace redoubt::sql
