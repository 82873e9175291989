#include "enclave/workloads/cleanroom/dataset.h"

#include "common/crypto/envelope.h"
#include "common/jobs/cleanroom/ciphertext_root.h"

namespace redoubt::cleanroom {

std::string_view name_of(DatasetState state) {
  switch (state) {
    case DatasetState::waiting_for_key: return "waiting_for_key";
    case DatasetState::waiting_for_ciphertext: return "waiting_for_ciphertext";
    case DatasetState::ready: return "ready";
  }
  return "";
}

DatasetState Dataset::state() const {
  if (ready_) return DatasetState::ready;
  return has_key() ? DatasetState::waiting_for_ciphertext : DatasetState::waiting_for_key;
}

Status Dataset::put(std::uint64_t offset, ByteView bytes) {
  if (ready_) return {};  // the host delivers again what is known
  const std::uint64_t held = ciphertext_.size();
  if (offset > held) {
    return Error(Code::refused, "ciphertext: expected offset " + std::to_string(held) + ", found " + std::to_string(offset));
  }
  if (bytes.size() > manifest_.ciphertext_size - offset) {
    return Error(Code::refused, "ciphertext: beyond the " + std::to_string(manifest_.ciphertext_size) + " bytes of the manifest");
  }
  const auto overlap = static_cast<std::size_t>(std::min<std::uint64_t>(held - offset, bytes.size()));
  if (!equal(ByteView(ciphertext_).subspan(static_cast<std::size_t>(offset), overlap), bytes.first(overlap))) {
    return Error(Code::binding, "ciphertext: other bytes at offset " + std::to_string(offset) + " than before");
  }
  append(ciphertext_, bytes.subspan(overlap));
  return {};
}

Result<SecretBytes> Dataset::decrypt() const {
  REDOUBT_TRY(const receipt::TreeHash root, jobs::ciphertext_root(ciphertext_));
  if (root != manifest_.ciphertext_root) {
    return Error(Code::binding, "ciphertext root: expected " + manifest_.ciphertext_root.hex() + ", found " + root.hex());
  }
  const crypto::EnvelopeSubject subject{jobs::envelope_object_id(manifest_), manifest_.version};
  REDOUBT_TRY(crypto::EnvelopeCipher cipher,
              crypto::EnvelopeCipher::for_file(key_, subject, ByteView(ciphertext_).first(crypto::kEnvelopeHeaderSize)));
  REDOUBT_TRY(const auto layout, crypto::EnvelopeLayout::of_file(ciphertext_.size(), cipher.chunk_size()));
  SecretBytes plaintext(static_cast<std::size_t>(layout.plaintext_size()));
  REDOUBT_CHECK(crypto::open_envelope_into(cipher, ciphertext_, plaintext.writable()));
  return plaintext;
}

Status Dataset::open() {
  auto plaintext = decrypt();
  ciphertext_ = Bytes();
  if (!plaintext.ok()) return plaintext.error();
  plaintext_ = std::move(*plaintext);
  ready_ = true;
  return {};
}

void Dataset::close() {
  ciphertext_ = Bytes();
  plaintext_ = SecretBytes();
  ready_ = false;
}

}  // namespace redoubt::cleanroom
