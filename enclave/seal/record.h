// The bytes of a state file: its head and its records (docs/specs/sealed-state.md).
//
// The file lies on the host's disk, and every byte of it may be anything. What stands in the clear (the head, the epoch, boot and sequence number of a
// record) is bound by the keys, which follow from all of it, and by the chain: each record is sealed over the digest of everything before it. Pure.
//
//   head    "RDTSEAL2" | contract 32 | program 32 | instance 16 | anchor 32 | u32be size | sealed root
//   record  u32be size | u64be epoch | u64be sequence | boot 16 | size bytes: AES-256-GCM ciphertext and tag
#pragma once

#include "common/base/ids.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"
#include "enclave/seal/sealer.h"

namespace redoubt::seal {

// The digest of the program that a state belongs to: the launcher's manifest digest.
using StateProgram = FixedBytes<struct StateProgramTag, 32>;
// Chain: the digest of a file up to the end of one record.
using Chain = crypto::Sha256Digest;

// FileHead: whose state this is, and the root key, sealed by the platform.
struct FileHead {
  static constexpr std::size_t kFixed = 8 + 32 + 32 + 16 + Anchor::size + 4;  // bytes before the sealed root
  static constexpr std::size_t kMaxSize = kFixed + Sealer::kMaxBlob;

  ContractDigest contract;
  StateProgram program;
  InstanceId instance;
  Anchor base;  // the platform's anchor before the first record; zeros when there was none. The records' extensions go on from it
  Bytes root;   // Sealer::seal

  Bytes encode() const;
  // read takes the head at the start of `file`, which may hold more; `malformed`.
  static Result<FileHead> read(ByteView file);
  std::size_t size() const { return kFixed + root.size(); }
  // chain: before the first record.
  Chain chain() const;
};

// RecordHead: what stands before a record in the clear.
struct RecordHead {
  static constexpr std::size_t kSize = 36;
  // Bytes of one record's payload: a receipt file and packages for all recipients, or all old logs.
  static constexpr std::size_t kMaxPayload = 128U << 20;

  std::uint32_t sealed_size = 0;  // bytes that follow: payload and tag
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  BootId boot;

  Bytes encode() const;
  // read takes exactly kSize bytes; `malformed` for another size, or a record that is empty or above the limit.
  static Result<RecordHead> read(ByteView bytes);
};

// RecordKeys derives the keys of one state. Each record has its own, since the boot id is fresh and a sequence number is used once a boot: so the nonce is zero.
class RecordKeys {
 public:
  RecordKeys(const FileHead& head, const SecretBytes& root);

  // seal gives the whole record, head and all. `usage`: a payload that is empty or above the limit.
  Result<Bytes> seal(std::uint64_t epoch, std::uint64_t sequence, const BootId& boot, const Chain& before, ByteView payload) const;
  // open: `binding` unless head, bytes and everything before belong together.
  Result<SecretBytes> open(const RecordHead& head, const Chain& before, ByteView sealed) const;

 private:
  SecretBytes key(std::uint64_t epoch, std::uint64_t sequence, const BootId& boot) const;
  SecretBytes extracted_;
};

// chain_after: the chain digest after a whole record.
Chain chain_after(const Chain& before, ByteView record);

}  // namespace redoubt::seal
