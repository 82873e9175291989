// Dataset: one dataset version on its way from the host's ciphertext to a table in memory.
//
// The owner's signed manifest says what the ciphertext must be, the owner's released key opens it. The host delivers bytes
// and may deliver anything: they are believed only after the Merkle root over the envelope's header and chunks is the
// manifest's, each chunk has authenticated, and rows and types are what the manifest says. Once the key is there a chunk is decrypted when it
// is whole, straight to its place in the table's memory, so that beside that memory there are the bytes of one call and of one chunk; the
// table exists when its last chunk and the root were right, and not before. Plaintext lives in memory without a name (table_memory.h).
// Not thread-safe; the Room guards it.
#pragma once

#include "common/crypto/envelope.h"
#include "common/crypto/hpke.h"
#include "common/jobs/cleanroom/manifest.h"
#include "enclave/workloads/cleanroom/query_engine.h"
#include "enclave/workloads/cleanroom/table_memory.h"

namespace redoubt::cleanroom {

enum class DatasetState { waiting_for_key, waiting_for_ciphertext, ready };
std::string_view name_of(DatasetState state);

class Dataset {
 public:
  static constexpr std::uint64_t kMaxCiphertext = 4ULL << 30;  // bytes, and so of the decrypted table
  static constexpr std::uint64_t kMaxEarly = 256U << 20;       // bytes of ciphertext kept while the key is not there

  Dataset(jobs::Manifest manifest, jobs::SignedDocument document)
      : manifest_(std::move(manifest)), digest_(manifest_.digest()), document_(std::move(document)) {}

  const jobs::Manifest& manifest() const { return manifest_; }
  const jobs::ManifestDigest& digest() const { return digest_; }
  const jobs::SignedDocument& document() const { return document_; }
  DatasetState state() const;

  // set_key takes the 32-byte object key that the owner released, in place of one that did not open the file. The file commits to its key (docs/specs/envelope.md), so the
  // one that opened it is the only one that ever will: once logged() it stays. What another key had decrypted is dropped.
  void set_key(SecretBytes key);
  std::size_t keys() const { return keys_; }  // how many there were
  bool has_key() const { return !key_.empty(); }
  const SecretBytes& key() const { return key_; }
  // note_logged: its rows were looked at and the log says so, now or before a restart.
  void note_logged() { logged_ = true; }
  bool logged() const { return logged_; }

  // put takes bytes at `offset`, which must be where the last call ended, or before: what was taken is not taken again, and is compared where
  // it is still here. `refused`: another offset, more than the manifest's size, or more than kMaxEarly before the key. `binding`, `malformed`:
  // not the ciphertext of this manifest, as far as chunks can tell; `unavailable`: no memory. After these everything is dropped, so that the
  // host can deliver it again.
  Status put(std::uint64_t offset, ByteView bytes);
  std::uint64_t received() const { return received_; }

  // open makes the table once key and all bytes are there; errors as of put, and `binding` for another root.
  Status open();
  // close forgets ciphertext and plaintext, so that the host can deliver again.
  void close();
  // view: the table file, when state() is ready; its values are those that the engine checked when it was opened.
  TableView view() const { return {&manifest_, table_.view(), table_.file(), true}; }

 private:
  // Stream: a file whose header was right.
  struct Stream {
    crypto::EnvelopeCipher cipher;
    crypto::EnvelopeLayout layout;
    TableMemory memory;
    receipt::Frontier tree;   // over header and chunks so far
    std::uint64_t chunk = 0;  // the next one
  };
  Status compare(std::uint64_t offset, ByteView known) const;
  Status take(ByteView bytes);
  Status consume(ByteView bytes);
  Status begin(ByteView header);
  Status open_chunk(ByteView sealed);
  Status finish();

  jobs::Manifest manifest_;
  jobs::ManifestDigest digest_;
  jobs::SignedDocument document_;
  SecretBytes key_;
  std::size_t keys_ = 0;
  std::uint64_t received_ = 0;
  Bytes held_;  // ciphertext: all of it before the key, then what is not a whole chunk yet
  std::optional<Stream> stream_;
  TableMemory table_;
  bool ready_ = false;
  bool logged_ = false;
};

}  // namespace redoubt::cleanroom
