// The envelope: files at rest as authenticated chunks (`.rdt`; docs/specs/envelope.md has every byte and the attack table).
//
// Sealed by participants and enclaves, stored by the operator, who may truncate, reorder, repeat or mix chunks, files and
// versions, or give an old file for a new one: each is `binding` or `malformed`, naming the chunk. Which object and which
// version a file is are facts of the caller, never read from the file. The envelope hides neither the size of the
// plaintext nor the chunk size, and says nothing of who sealed it: whoever holds the object key could. Sans-I/O: bytes
// in, bytes out. Objects here belong to one thread. Plaintext given out is the caller's to wipe.
#pragma once

#include <functional>
#include <string>

#include "common/crypto/aead.h"
#include "common/crypto/envelope_layout.h"
#include "common/crypto/random.h"

namespace redoubt::crypto {

// EnvelopeSubject: what the file is, known to the caller from a signed manifest or its own record.
struct EnvelopeSubject {
  std::string object_id;  // 1 to 255 bytes
  std::uint64_t version = 0;
};

enum class ChunkPlace { more_follow, final };

// EnvelopeCipher seals and opens single chunks under a file's own key. The two classes below build on it; use it for
// random access. Opening a chunk shows that it is chunk `index` of this file, object and version; it shows nothing of
// the chunks that were not opened, but only a file's true last chunk opens as final.
class EnvelopeCipher {
 public:
  // check: ok for a key of 32 bytes and an object id of 1 to 255, else `malformed`.
  static Status check(const SecretBytes& object_key, const EnvelopeSubject& subject);
  // for_new_file draws the file's salt. The 32-byte object key may seal any number of files and versions. `malformed`: a
  // key, object id or chunk size that cannot be.
  static Result<EnvelopeCipher> for_new_file(const SecretBytes& object_key, const EnvelopeSubject& subject,
                                             Random& random, std::size_t chunk_size = kEnvelopeDefaultChunk);
  // for_file reads the header of a file. `malformed` as parse; `binding`: the file was not sealed under this key for this
  // object, version and chunk size.
  static Result<EnvelopeCipher> for_file(const SecretBytes& object_key, const EnvelopeSubject& subject, ByteView header);

  ByteView header() const { return header_; }
  std::size_t chunk_size() const { return chunk_size_; }

  // seal_chunk writes plaintext.size() + 16 bytes to `out` (in place allowed, as Aes256Gcm). Each index may be sealed
  // once: the index is the nonce. `usage`: a size that this place cannot have, or an index beyond 2^28 - 1.
  Status seal_chunk(std::uint64_t index, ChunkPlace place, ByteView plaintext, std::span<std::byte> out);
  // open_chunk writes sealed.size() - 16 bytes to `out`, all zero after a failure. `malformed`: a size that this place
  // cannot have; `binding`: not this chunk.
  Status open_chunk(std::uint64_t index, ChunkPlace place, ByteView sealed, std::span<std::byte> out);

 private:
  EnvelopeCipher(Aes256Gcm cipher, Bytes header, std::size_t chunk_size, const EnvelopeSubject& subject);
  Status check_chunk(std::uint64_t index, ChunkPlace place, std::uint64_t plaintext_size, Code code) const;
  ByteView associated(std::uint64_t index, ChunkPlace place);

  Aes256Gcm cipher_;
  Bytes header_;
  std::size_t chunk_size_;
  Bytes associated_;
};

// ChunkSink takes each chunk in order. It borrows the bytes until it returns; its error stops the work and is returned.
using ChunkSink = std::function<Status(ByteView)>;

// EnvelopeSealer turns a stream of plaintext of unknown size into a file: header(), then what the sink is given.
class EnvelopeSealer {
 public:
  explicit EnvelopeSealer(EnvelopeCipher cipher);

  ByteView header() const { return cipher_.header(); }
  // update takes any number of bytes and gives the sink the sealed chunks that are complete and known not to be final.
  Status update(ByteView plaintext, const ChunkSink& sink);
  // finish gives the sink the final chunk; without any update that is the one chunk of an empty file. After it, or after
  // any error, every call is `usage`.
  Status finish(const ChunkSink& sink);

 private:
  Status emit(ByteView plaintext, ChunkPlace place, const ChunkSink& sink);

  EnvelopeCipher cipher_;
  SecretBytes buffer_;  // plaintext whose place is not known yet
  Bytes sealed_;
  std::size_t filled_ = 0;
  std::uint64_t index_ = 0;
  bool over_ = false;
};

// EnvelopeOpener turns the bytes of a file, in pieces of any size, into plaintext. The sink sees authenticated chunks
// only, in order; but until finish() is ok the file may still turn out to be cut short, so what was given out until then
// must not be acted upon as if it were the whole.
class EnvelopeOpener {
 public:
  // create copies key and subject. `malformed`: a key or object id that cannot be.
  static Result<EnvelopeOpener> create(const SecretBytes& object_key, const EnvelopeSubject& subject);

  // feed takes the next bytes of the file. The last full chunk is held back until more bytes or finish() tell its place.
  Status feed(ByteView file_bytes, const ChunkSink& sink);
  // finish opens what is held back as the final chunk. `binding` or `malformed` when the file is not whole. After it, or
  // after any error, every call is `usage`.
  Status finish(const ChunkSink& sink);

 private:
  EnvelopeOpener(SecretBytes object_key, EnvelopeSubject subject);
  Status take(ByteView file_bytes, const ChunkSink& sink);
  Status open(ByteView sealed, ChunkPlace place, const ChunkSink& sink);

  SecretBytes object_key_;
  EnvelopeSubject subject_;
  std::optional<EnvelopeCipher> cipher_;
  Bytes held_;  // ciphertext
  SecretBytes plaintext_;
  std::uint64_t index_ = 0;
  bool over_ = false;
};

// seal_envelope and open_envelope: whole files in memory. open_envelope gives all of the plaintext or none.
Result<Bytes> seal_envelope(const SecretBytes& object_key, const EnvelopeSubject& subject, ByteView plaintext,
                            Random& random, std::size_t chunk_size = kEnvelopeDefaultChunk);
Result<Bytes> open_envelope(const SecretBytes& object_key, const EnvelopeSubject& subject, ByteView file);

// seal_envelope_into writes the file to `out` of exactly EnvelopeLayout::file_size() bytes; open_envelope_into writes the
// plaintext to `out` of exactly plaintext_size() bytes, all zero after a failure. Both are `usage` for another size.
Status seal_envelope_into(EnvelopeCipher& cipher, ByteView plaintext, std::span<std::byte> out);
Status open_envelope_into(EnvelopeCipher& cipher, ByteView file, std::span<std::byte> out);

}  // namespace redoubt::crypto
