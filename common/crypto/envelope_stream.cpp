#include "common/crypto/envelope.h"

namespace redoubt::crypto {
namespace {

Error stream_is_over() { return Error(Code::usage, "envelope: the stream is over, by finish or by an error"); }

}  // namespace

EnvelopeSealer::EnvelopeSealer(EnvelopeCipher cipher)
    : cipher_(std::move(cipher)),
      buffer_(cipher_.chunk_size()),
      sealed_(cipher_.chunk_size() + kEnvelopeChunkOverhead) {}

Status EnvelopeSealer::emit(ByteView plaintext, ChunkPlace place, const ChunkSink& sink) {
  const std::span<std::byte> sealed = std::span(sealed_).first(plaintext.size() + kEnvelopeChunkOverhead);
  // The index moves before the chunk leaves: even if the sink fails, no index is sealed twice.
  REDOUBT_CHECK(cipher_.seal_chunk(index_++, place, plaintext, sealed));
  return sink(sealed);
}

// A full chunk is sealed only when another byte follows it, since only then it is known not to be final. Whole chunks of
// the caller's bytes are sealed from where they lie.
Status EnvelopeSealer::update(ByteView plaintext, const ChunkSink& sink) {
  if (over_) return stream_is_over();
  over_ = true;  // unless all goes well
  while (!plaintext.empty()) {
    if (filled_ == 0 && plaintext.size() > buffer_.size()) {
      REDOUBT_CHECK(emit(plaintext.first(buffer_.size()), ChunkPlace::more_follow, sink));
      plaintext = plaintext.subspan(buffer_.size());
      continue;
    }
    if (filled_ == buffer_.size()) {
      REDOUBT_CHECK(emit(buffer_.reveal(), ChunkPlace::more_follow, sink));
      filled_ = 0;
      continue;
    }
    const std::size_t size = std::min(plaintext.size(), buffer_.size() - filled_);
    std::ranges::copy(plaintext.first(size), buffer_.writable().begin() + static_cast<std::ptrdiff_t>(filled_));
    filled_ += size;
    plaintext = plaintext.subspan(size);
  }
  over_ = false;
  return {};
}

Status EnvelopeSealer::finish(const ChunkSink& sink) {
  if (over_) return stream_is_over();
  over_ = true;
  return emit(buffer_.reveal().first(filled_), ChunkPlace::final, sink);
}

EnvelopeOpener::EnvelopeOpener(SecretBytes object_key, EnvelopeSubject subject)
    : object_key_(std::move(object_key)), subject_(std::move(subject)) {}

Result<EnvelopeOpener> EnvelopeOpener::create(const SecretBytes& object_key, const EnvelopeSubject& subject) {
  REDOUBT_CHECK(EnvelopeCipher::check(object_key, subject));
  return EnvelopeOpener(object_key.clone(), subject);
}

Status EnvelopeOpener::open(ByteView sealed, ChunkPlace place, const ChunkSink& sink) {
  const std::size_t size = sealed.size() < kEnvelopeChunkOverhead ? 0 : sealed.size() - kEnvelopeChunkOverhead;
  const std::span<std::byte> plaintext = plaintext_.writable().first(size);
  REDOUBT_CHECK(cipher_->open_chunk(index_++, place, sealed, plaintext));
  return sink(plaintext);
}

// Holds the header until it is whole, then up to one sealed chunk until its place is known. Whole chunks of the caller's
// bytes are opened from where they lie.
Status EnvelopeOpener::take(ByteView bytes, const ChunkSink& sink) {
  while (!bytes.empty()) {
    const std::size_t unit =
        cipher_.has_value() ? cipher_->chunk_size() + kEnvelopeChunkOverhead : kEnvelopeHeaderSize;
    if (cipher_.has_value() && held_.empty() && bytes.size() > unit) {
      REDOUBT_CHECK(open(bytes.first(unit), ChunkPlace::more_follow, sink));
      bytes = bytes.subspan(unit);
      continue;
    }
    if (cipher_.has_value() && held_.size() == unit) {
      REDOUBT_CHECK(open(held_, ChunkPlace::more_follow, sink));
      held_.clear();
      continue;
    }
    const std::size_t size = std::min(bytes.size(), unit - held_.size());
    append(held_, bytes.first(size));
    bytes = bytes.subspan(size);
    if (!cipher_.has_value() && held_.size() == unit) {
      REDOUBT_TRY(EnvelopeCipher cipher, EnvelopeCipher::for_file(object_key_, subject_, held_));
      cipher_ = std::move(cipher);
      object_key_ = SecretBytes();
      held_.clear();
      plaintext_ = SecretBytes(cipher_->chunk_size());
    }
  }
  return {};
}

Status EnvelopeOpener::feed(ByteView file_bytes, const ChunkSink& sink) {
  if (over_) return stream_is_over();
  auto status = take(file_bytes, sink);
  over_ = !status.ok();
  return status;
}

Status EnvelopeOpener::finish(const ChunkSink& sink) {
  if (over_) return stream_is_over();
  over_ = true;
  if (!cipher_.has_value()) {
    return Error(Code::malformed, "envelope header: expected " + std::to_string(kEnvelopeHeaderSize) +
                                      " bytes, found " + std::to_string(held_.size()));
  }
  return open(held_, ChunkPlace::final, sink);
}

}  // namespace redoubt::crypto
