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

// Anchor: which state is the present one.
struct Anchor {
  static constexpr std::size_t kSize = 40;  // bytes of encode()

  std::uint64_t epoch = 0;
  crypto::Sha256Digest state;  // the chain digest of the last record (record.h)

  // encode: epoch (u64be), state.
  Bytes encode() const { return Writer().u64be(epoch).bytes(state.view()).take(); }

  friend bool operator==(const Anchor&, const Anchor&) = default;
};

class Sealer {
 public:
  static constexpr std::size_t kMaxBlob = 4096;  // bytes of seal()

  virtual ~Sealer() = default;

  // seal binds a 32-byte secret to the present program, contract and machine.
  virtual Result<Bytes> seal(const SecretBytes& secret) = 0;
  // unseal: `measurement` when another program, contract or system was measured, `binding` for a blob of another machine or a changed one,
  // `malformed` for what is no blob.
  virtual Result<SecretBytes> unseal(ByteView blob) = 0;

  // anchor: nothing before the first set_anchor.
  virtual Result<std::optional<Anchor>> anchor() = 0;
  virtual Status set_anchor(const Anchor& anchor) = 0;

  // counter: a number that only grows, whoever owns the machine; made where there is none. increment adds one and gives the number after it.
  virtual Result<std::uint64_t> counter() = 0;
  virtual Result<std::uint64_t> increment() = 0;
};

}  // namespace redoubt::seal
