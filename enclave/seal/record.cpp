#include "enclave/seal/record.h"

#include "common/base/reader.h"
#include "common/crypto/aead.h"

namespace redoubt::seal {
namespace {

constexpr std::string_view kMagic = "RDTSEAL2";
constexpr std::uint64_t kVersion = 1;

}  // namespace

Bytes FileHead::encode() const {
  Writer out;
  out.bytes(as_bytes(kMagic)).bytes(contract.view()).bytes(program.view()).bytes(instance.view()).bytes(base.view()).sized32be(root);
  return out.take();
}

Result<FileHead> FileHead::read(ByteView file) {
  Reader reader(file.first(std::min(file.size(), kMaxSize)), "sealed state: head");
  if (!equal(reader.bytes(kMagic.size()), as_bytes(kMagic))) reader.fail("expected the magic of version 2");
  FileHead head;
  head.contract = reader.fixed<ContractDigest>();
  head.program = reader.fixed<StateProgram>();
  head.instance = reader.fixed<InstanceId>();
  head.base = reader.fixed<Anchor>();
  const ByteView root = reader.sized32be(Sealer::kMaxBlob);
  REDOUBT_CHECK(reader.status());
  head.root = to_bytes(root);
  return head;
}

Chain FileHead::chain() const { return crypto::sha256(Fields("redoubt/sealed-head/1").field(encode()).view()); }

Bytes RecordHead::encode() const {
  return Writer().u32be(sealed_size).u64be(epoch).u64be(sequence).bytes(boot.view()).take();
}

Result<RecordHead> RecordHead::read(ByteView bytes) {
  Reader reader(bytes, "sealed state: record");
  RecordHead head;
  head.sealed_size = reader.u32be();
  if (head.sealed_size <= crypto::kAeadTagSize || head.sealed_size > kMaxPayload + crypto::kAeadTagSize) reader.fail("size out of range");
  head.epoch = reader.u64be();
  head.sequence = reader.u64be();
  head.boot = reader.fixed<BootId>();
  REDOUBT_CHECK(reader.finish());
  return head;
}

RecordKeys::RecordKeys(const FileHead& head, const SecretBytes& root) : extracted_(crypto::hkdf_extract(head.chain().view(), root.reveal())) {}

SecretBytes RecordKeys::key(std::uint64_t epoch, std::uint64_t sequence, const BootId& boot) const {
  Fields info("redoubt/sealed-record-key/1");
  info.number(kVersion).number(epoch).number(sequence).field(boot.view());
  return crypto::hkdf_expand(extracted_.reveal(), info.view(), crypto::kAeadKeySize);
}

Result<Bytes> RecordKeys::seal(std::uint64_t epoch, std::uint64_t sequence, const BootId& boot, const Chain& before, ByteView payload) const {
  if (payload.empty() || payload.size() > RecordHead::kMaxPayload) return Error(Code::usage, "sealed state: a record of " + std::to_string(payload.size()) + " bytes");
  REDOUBT_TRY(crypto::Aes256Gcm cipher, crypto::Aes256Gcm::from_key(key(epoch, sequence, boot)));
  const RecordHead head{static_cast<std::uint32_t>(payload.size() + crypto::kAeadTagSize), epoch, sequence, boot};
  Bytes record = head.encode();
  record.resize(RecordHead::kSize + head.sealed_size);
  REDOUBT_CHECK(cipher.seal_into(crypto::AeadNonce(), before.view(), payload, std::span(record).subspan(RecordHead::kSize)));
  return record;
}

Result<SecretBytes> RecordKeys::open(const RecordHead& head, const Chain& before, ByteView sealed) const {
  REDOUBT_TRY(crypto::Aes256Gcm cipher, crypto::Aes256Gcm::from_key(key(head.epoch, head.sequence, head.boot)));
  return cipher.open_secret(crypto::AeadNonce(), before.view(), sealed);
}

Chain chain_after(const Chain& before, ByteView record) {
  return crypto::sha256(Fields("redoubt/sealed-chain/1").field(before.view()).field(record).view());
}

}  // namespace redoubt::seal
