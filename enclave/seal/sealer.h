// Sealer: what sealed state needs of a platform. A place that only this program, with this contract, on this machine can read and write.
//
// Runs in the enclave program. Implemented by a TPM (enclave/collect/tpm/tpm_sealer.h). The host owns the transport and may answer anything or
// nothing: a sealer that cannot tell is `unavailable`, never "there is nothing". A null Sealer means that a platform cannot seal; its programs then start
// as new instances. Thread-safe. docs/design/sealed-state.md says what anchor and counter are for.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/secret.h"
#include "common/crypto/digest.h"

namespace redoubt::seal {

// Anchor: which state is the present one. A value that is never written, only extended: it becomes SHA-256(what it was, what is added), as a PCR does. So it names all
// that it was ever extended by, in order; whoever comes late can spoil it, and nobody can put back what it was.
using Anchor = FixedBytes<struct AnchorTag, 32>;

// anchor_after an extension (TPM 2.0 Library, Part 3, TPM2_NV_Extend). The first one is of zeros.
inline Anchor anchor_after(const Anchor& before, const crypto::Sha256Digest& digest) {
  return Anchor(crypto::sha256({before.view(), digest.view()}).array());
}

class Sealer {
 public:
  static constexpr std::size_t kMaxBlob = 4096;  // bytes of seal()

  virtual ~Sealer() = default;

  // seal binds a 32-byte secret to the present program, contract and machine.
  virtual Result<Bytes> seal(const SecretBytes& secret) = 0;
  // unseal: `measurement` when another program, contract or system was measured, `binding` for a blob of another machine or a changed one,
  // `malformed` for what is no blob. Every other code, here and below, says nothing about what was sealed.
  virtual Result<SecretBytes> unseal(ByteView blob) = 0;

  // anchor: nothing before the first extension. extend makes it where there is none.
  virtual Result<std::optional<Anchor>> anchor() = 0;
  virtual Status extend(const crypto::Sha256Digest& digest) = 0;

  // counter: a number that only grows, whoever owns the machine; made where there is none. increment adds one and gives the number after it.
  virtual Result<std::uint64_t> counter() = 0;
  virtual Result<std::uint64_t> increment() = 0;
};

}  // namespace redoubt::seal
