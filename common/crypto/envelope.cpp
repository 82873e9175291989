#include "common/crypto/envelope.h"

#include <string>

#include "common/base/writer.h"
#include "common/crypto/digest.h"

namespace redoubt::crypto {
namespace {

constexpr std::string_view kKeyLabel = "redoubt/envelope/key/1";
constexpr std::string_view kChunkLabel = "redoubt/envelope/chunk/1";
constexpr std::size_t kMaxObjectId = 255;

struct FileKeys {
  SecretBytes chunk_key;
  EnvelopeCommitment commitment;
};

// The file key and the commitment: HKDF (RFC 5869) from the object key, salted by the file, bound to what the file is.
// GCM does not commit to its key; the second half of the output does (docs/specs/envelope.md, "key commitment").
Result<FileKeys> derive(const SecretBytes& object_key, const EnvelopeSubject& subject, std::size_t chunk_size,
                        const EnvelopeSalt& salt) {
  REDOUBT_CHECK(EnvelopeCipher::check(object_key, subject));
  REDOUBT_CHECK(check_envelope_chunk(chunk_size));
  const SecretBytes extracted = hkdf_extract(salt.view(), object_key.reveal());
  const Fields info =
      Fields(kKeyLabel).text(subject.object_id).number(subject.version).number(kEnvelopeSuite).number(chunk_size);
  const SecretBytes expanded = hkdf_expand(extracted.reveal(), info.view(), 64);
  FileKeys keys;
  keys.chunk_key = SecretBytes::copy_of(expanded.reveal().first(32));
  std::ranges::copy(expanded.reveal().last(32), keys.commitment.array().begin());
  return keys;
}

void put_u64be(std::byte* to, std::uint64_t value) {
  for (int i = 7; i >= 0; --i, value >>= 8) to[i] = static_cast<std::byte>(value & 0xFFU);
}

// The nonce counts chunks: the key belongs to one file, and each chunk of a file is sealed once.
AeadNonce nonce_of(std::uint64_t index) {
  AeadNonce nonce;
  put_u64be(nonce.array().data() + 4, index);
  return nonce;
}

std::string chunk_name(std::uint64_t index, ChunkPlace place) {
  return "envelope chunk " + std::to_string(index) + (place == ChunkPlace::final ? " (final)" : "");
}

}  // namespace

Status EnvelopeCipher::check(const SecretBytes& object_key, const EnvelopeSubject& subject) {
  if (object_key.size() != 32) {
    return Error(Code::malformed, "object key: expected 32 bytes, found " + std::to_string(object_key.size()));
  }
  if (subject.object_id.empty() || subject.object_id.size() > kMaxObjectId) {
    return Error(Code::malformed,
                 "object id: expected 1 to 255 bytes, found " + std::to_string(subject.object_id.size()));
  }
  return {};
}

EnvelopeCipher::EnvelopeCipher(Aes256Gcm cipher, Bytes header, std::size_t chunk_size, const EnvelopeSubject& subject)
    : cipher_(std::move(cipher)), header_(std::move(header)), chunk_size_(chunk_size) {
  const Fields fields = Fields(kChunkLabel).text(subject.object_id).number(subject.version).number(0).number(0);
  associated_ = to_bytes(fields.view());
}

Result<EnvelopeCipher> EnvelopeCipher::for_new_file(const SecretBytes& object_key, const EnvelopeSubject& subject,
                                                    Random& random, std::size_t chunk_size) {
  UnverifiedEnvelopeHeader header;
  header.salt = random.fixed<EnvelopeSalt>();
  REDOUBT_TRY(const FileKeys keys, derive(object_key, subject, chunk_size, header.salt));
  header.chunk_size = static_cast<std::uint32_t>(chunk_size);
  header.commitment = keys.commitment;
  REDOUBT_TRY(Aes256Gcm cipher, Aes256Gcm::from_key(keys.chunk_key));
  return EnvelopeCipher(std::move(cipher), header.bytes(), chunk_size, subject);
}

Result<EnvelopeCipher> EnvelopeCipher::for_file(const SecretBytes& object_key, const EnvelopeSubject& subject,
                                                ByteView header_bytes) {
  REDOUBT_TRY(const auto header, UnverifiedEnvelopeHeader::parse(header_bytes));
  REDOUBT_TRY(const FileKeys keys, derive(object_key, subject, header.chunk_size, header.salt));
  if (!constant_time_equal(keys.commitment.view(), header.commitment.view())) {
    return Error(Code::binding, "envelope header: not sealed under this key for this object and version");
  }
  REDOUBT_TRY(Aes256Gcm cipher, Aes256Gcm::from_key(keys.chunk_key));
  return EnvelopeCipher(std::move(cipher), to_bytes(header_bytes), header.chunk_size, subject);
}

// Every chunk but the final one is full; a final chunk is empty only when the whole file is.
Status EnvelopeCipher::check_chunk(std::uint64_t index, ChunkPlace place, std::uint64_t plaintext_size,
                                   Code code) const {
  if (index >= kEnvelopeMaxChunks) return Error(code, chunk_name(index, place) + ": expected at most 2^28 chunks");
  const bool right = place == ChunkPlace::more_follow ? plaintext_size == chunk_size_
                                                      : plaintext_size <= chunk_size_ && (plaintext_size > 0 || index == 0);
  if (right) return {};
  return Error(code, chunk_name(index, place) + ": expected " +
                         (place == ChunkPlace::more_follow ? "" : index == 0 ? "0 to " : "1 to ") +
                         std::to_string(chunk_size_) + " bytes of plaintext, found " + std::to_string(plaintext_size));
}

// The last two fields of the template are index and final flag, 8 bytes behind a length of 4 each.
ByteView EnvelopeCipher::associated(std::uint64_t index, ChunkPlace place) {
  std::byte* end = associated_.data() + associated_.size();
  put_u64be(end - 20, index);
  put_u64be(end - 8, place == ChunkPlace::final ? 1 : 0);
  return associated_;
}

Status EnvelopeCipher::seal_chunk(std::uint64_t index, ChunkPlace place, ByteView plaintext,
                                  std::span<std::byte> out) {
  REDOUBT_CHECK(check_chunk(index, place, plaintext.size(), Code::usage));
  return cipher_.seal_into(nonce_of(index), associated(index, place), plaintext, out);
}

Status EnvelopeCipher::open_chunk(std::uint64_t index, ChunkPlace place, ByteView sealed, std::span<std::byte> out) {
  if (sealed.size() < kEnvelopeChunkOverhead) {
    wipe(out);
    return Error(Code::malformed, chunk_name(index, place) + ": expected at least 16 bytes, found " +
                                      std::to_string(sealed.size()));
  }
  if (auto status = check_chunk(index, place, sealed.size() - kEnvelopeChunkOverhead, Code::malformed); !status.ok()) {
    wipe(out);
    return status;
  }
  auto status = cipher_.open_into(nonce_of(index), associated(index, place), sealed, out);
  if (status.ok() || status.error().code() != Code::binding) return status;
  return Error(Code::binding, chunk_name(index, place) +
                                  ": changed, or not the chunk of this place, file, object and version");
}

Status seal_envelope_into(EnvelopeCipher& cipher, ByteView plaintext, std::span<std::byte> out) {
  REDOUBT_TRY(const auto layout, EnvelopeLayout::of_plaintext(plaintext.size(), cipher.chunk_size()));
  if (out.size() != layout.file_size()) {
    return Error(Code::usage, "sealing an envelope: expected an output of " + std::to_string(layout.file_size()) +
                                  " bytes, found " + std::to_string(out.size()));
  }
  std::ranges::copy(cipher.header(), out.begin());
  for (std::uint64_t index = 0; index < layout.chunk_count(); ++index) {
    REDOUBT_TRY(const ByteRange from, layout.plaintext_chunk(index));
    REDOUBT_TRY(const ByteRange to, layout.sealed_chunk(index));
    const ChunkPlace place = layout.is_final(index) ? ChunkPlace::final : ChunkPlace::more_follow;
    REDOUBT_CHECK(
        cipher.seal_chunk(index, place, plaintext.subspan(from.offset, from.size), out.subspan(to.offset, to.size)));
  }
  return {};
}

Status open_envelope_into(EnvelopeCipher& cipher, ByteView file, std::span<std::byte> out) {
  REDOUBT_TRY(const auto layout, EnvelopeLayout::of_file(file.size(), cipher.chunk_size()));
  if (out.size() != layout.plaintext_size()) {
    return Error(Code::usage, "opening an envelope: expected an output of " + std::to_string(layout.plaintext_size()) +
                                  " bytes, found " + std::to_string(out.size()));
  }
  if (!equal(file.first(kEnvelopeHeaderSize), cipher.header())) {
    wipe(out);
    return Error(Code::binding, "envelope header: not of the file that was begun");
  }
  for (std::uint64_t index = 0; index < layout.chunk_count(); ++index) {
    REDOUBT_TRY(const ByteRange from, layout.sealed_chunk(index));
    REDOUBT_TRY(const ByteRange to, layout.plaintext_chunk(index));
    const ChunkPlace place = layout.is_final(index) ? ChunkPlace::final : ChunkPlace::more_follow;
    auto status =
        cipher.open_chunk(index, place, file.subspan(from.offset, from.size), out.subspan(to.offset, to.size));
    if (!status.ok()) {
      wipe(out);
      return status;
    }
  }
  return {};
}

Result<Bytes> seal_envelope(const SecretBytes& object_key, const EnvelopeSubject& subject, ByteView plaintext,
                            Random& random, std::size_t chunk_size) {
  REDOUBT_TRY(EnvelopeCipher cipher, EnvelopeCipher::for_new_file(object_key, subject, random, chunk_size));
  REDOUBT_TRY(const auto layout, EnvelopeLayout::of_plaintext(plaintext.size(), chunk_size));
  Bytes file(layout.file_size());
  REDOUBT_CHECK(seal_envelope_into(cipher, plaintext, file));
  return file;
}

Result<Bytes> open_envelope(const SecretBytes& object_key, const EnvelopeSubject& subject, ByteView file) {
  const ByteView header = file.first(std::min(file.size(), kEnvelopeHeaderSize));
  REDOUBT_TRY(EnvelopeCipher cipher, EnvelopeCipher::for_file(object_key, subject, header));
  REDOUBT_TRY(const auto layout, EnvelopeLayout::of_file(file.size(), cipher.chunk_size()));
  Bytes plaintext(layout.plaintext_size());
  REDOUBT_CHECK(open_envelope_into(cipher, file, plaintext));
  return plaintext;
}

}  // namespace redoubt::crypto
