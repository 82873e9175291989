#include "enclave/workloads/cleanroom/dataset.h"

#include <utility>

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

void Dataset::set_key(SecretBytes key) {
  // What was decrypted until here is the other key's: were it finished, the table would be there and this key would be taken for the one
  // that opened it. Its ciphertext is gone, so the host begins again.
  if (stream_) close();
  key_ = std::move(key);
  ++keys_;
}

Status Dataset::put(std::uint64_t offset, ByteView bytes) {
  if (ready_) return {};  // the host delivers again what is known
  if (offset > received_) {
    return Error(Code::refused, "ciphertext: expected offset " + std::to_string(received_) + ", found " + std::to_string(offset));
  }
  if (bytes.size() > manifest_.ciphertext_size - offset) {
    return Error(Code::refused, "ciphertext: beyond the " + std::to_string(manifest_.ciphertext_size) + " bytes of the manifest");
  }
  const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(received_ - offset, bytes.size()));
  REDOUBT_CHECK(compare(offset, bytes.first(known)));
  bytes = bytes.subspan(known);
  if (!has_key()) {
    if (bytes.size() > kMaxEarly - held_.size()) {
      return Error(Code::refused, "ciphertext: more than " + std::to_string(kMaxEarly) + " bytes are taken when its owner has released the key");
    }
    append(held_, bytes);
    received_ += bytes.size();
    return {};
  }
  Status taken = take(bytes);
  if (taken.ok()) return taken;
  close();
  return taken.error().context("opening dataset " + manifest_.dataset);
}

// compare: what is known of the bytes at `offset`, where it is still here. What was decrypted is not: its chunks were right.
Status Dataset::compare(std::uint64_t offset, ByteView known) const {
  const std::uint64_t kept_from = received_ - held_.size();
  const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(offset < kept_from ? kept_from - offset : 0, known.size()));
  known = known.subspan(skipped);
  offset += skipped;
  if (known.empty() || equal(ByteView(held_).subspan(static_cast<std::size_t>(offset - kept_from), known.size()), known)) return {};
  return Error(Code::binding, "ciphertext: other bytes at offset " + std::to_string(offset) + " than before");
}

Status Dataset::take(ByteView bytes) {
  received_ += bytes.size();
  const Bytes early = stream_ ? Bytes() : std::exchange(held_, Bytes());
  REDOUBT_CHECK(consume(early));
  return consume(bytes);
}

Status Dataset::consume(ByteView bytes) {
  while (!bytes.empty()) {
    std::size_t unit = crypto::kEnvelopeHeaderSize;
    if (stream_) {
      REDOUBT_TRY(const crypto::ByteRange next, stream_->layout.sealed_chunk(stream_->chunk));
      unit = static_cast<std::size_t>(next.size);
    }
    if (held_.empty() && bytes.size() >= unit) {
      REDOUBT_CHECK(stream_ ? open_chunk(bytes.first(unit)) : begin(bytes.first(unit)));
      bytes = bytes.subspan(unit);
      continue;
    }
    const std::size_t size = std::min(bytes.size(), unit - held_.size());
    append(held_, bytes.first(size));
    bytes = bytes.subspan(size);
    if (held_.size() < unit) break;
    REDOUBT_CHECK(stream_ ? open_chunk(held_) : begin(held_));
    held_.clear();
  }
  return {};
}

Status Dataset::begin(ByteView header) {
  const crypto::EnvelopeSubject subject{jobs::envelope_object_id(manifest_), manifest_.version};
  REDOUBT_TRY(crypto::EnvelopeCipher cipher, crypto::EnvelopeCipher::for_file(key_, subject, header));
  REDOUBT_TRY(const auto layout, crypto::EnvelopeLayout::of_file(manifest_.ciphertext_size, cipher.chunk_size()));
  REDOUBT_TRY(TableMemory memory, TableMemory::create(layout.plaintext_size()));
  receipt::Frontier tree;
  tree.append(receipt::leaf_hash(header));
  stream_.emplace(Stream{std::move(cipher), layout, std::move(memory), std::move(tree)});
  return {};
}

Status Dataset::open_chunk(ByteView sealed) {
  Stream& stream = *stream_;
  REDOUBT_TRY(const crypto::ByteRange to, stream.layout.plaintext_chunk(stream.chunk));
  const auto place = stream.layout.is_final(stream.chunk) ? crypto::ChunkPlace::final : crypto::ChunkPlace::more_follow;
  const auto out = stream.memory.next(to.size);
  REDOUBT_CHECK(stream.cipher.open_chunk(stream.chunk, place, sealed, out));
  stream.tree.append(receipt::leaf_hash(sealed));
  ++stream.chunk;
  return {};
}

Status Dataset::finish() {
  REDOUBT_CHECK(take({}));  // what came before the key
  if (!stream_ || stream_->chunk != stream_->layout.chunk_count()) return Error(Code::malformed, "ciphertext: expected a whole envelope");
  const receipt::TreeHash root = stream_->tree.root();
  if (root != manifest_.ciphertext_root) {
    return Error(Code::binding, "ciphertext root: expected " + manifest_.ciphertext_root.hex() + ", found " + root.hex());
  }
  REDOUBT_CHECK(stream_->memory.seal());
  table_ = std::move(stream_->memory);
  stream_.reset();
  return {};
}

Status Dataset::open() {
  Status opened = finish();
  if (opened.ok()) {
    ready_ = true;
  } else {
    close();
  }
  return opened;
}

void Dataset::close() {
  received_ = 0;
  held_ = Bytes();
  stream_.reset();
  table_ = TableMemory();
  ready_ = false;
}

}  // namespace redoubt::cleanroom
