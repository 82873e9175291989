// Dataset: one dataset version on its way from the host's ciphertext to a table in memory.
//
// The owner's signed manifest says what the ciphertext must be, the owner's released key opens it. The host delivers bytes
// and may deliver anything: they are believed only after the Merkle root over the envelope's header and chunks is the
// manifest's, each chunk has authenticated, and rows and types are what the manifest says. Plaintext lives in wiped memory of
// this process only. Not thread-safe; the Room guards it.
#pragma once

#include "common/crypto/hpke.h"
#include "common/jobs/cleanroom/manifest.h"

namespace redoubt::cleanroom {

enum class DatasetState { waiting_for_key, waiting_for_ciphertext, ready };
std::string_view name_of(DatasetState state);

class Dataset {
 public:
  static constexpr std::uint64_t kMaxCiphertext = 256U << 20;  // bytes held in memory while it arrives

  Dataset(jobs::Manifest manifest, jobs::SignedDocument document)
      : manifest_(std::move(manifest)), digest_(manifest_.digest()), document_(std::move(document)) {}

  const jobs::Manifest& manifest() const { return manifest_; }
  const jobs::ManifestDigest& digest() const { return digest_; }
  const jobs::SignedDocument& document() const { return document_; }
  DatasetState state() const;

  // set_key takes the 32-byte object key that the owner released, in place of one that did not open the file. The file commits to its key (docs/specs/envelope.md), so the
  // one that opened it is the only one that ever will: once logged() it stays.
  void set_key(SecretBytes key) {
    key_ = std::move(key);
    ++keys_;
  }
  std::size_t keys() const { return keys_; }  // how many there were
  bool has_key() const { return !key_.empty(); }
  const SecretBytes& key() const { return key_; }
  // note_logged: its rows were looked at and the log says so, now or before a restart.
  void note_logged() { logged_ = true; }
  bool logged() const { return logged_; }

  // put stores bytes at `offset`, which must be where the last call ended (or before: the bytes must then be the same).
  Status put(std::uint64_t offset, ByteView bytes);
  std::uint64_t received() const { return ciphertext_.size(); }

  // open decrypts once key and all bytes are there; ok and no change before. Errors: `binding` (another root, another
  // object or version), `malformed`. After an error the ciphertext is dropped, so that the host can deliver it again.
  Status open();
  // close forgets ciphertext and plaintext, so that the host can deliver again.
  void close();
  // The rows as CSV; empty before state() is ready.
  ByteView plaintext() const { return plaintext_.reveal(); }

 private:
  Result<SecretBytes> decrypt() const;

  jobs::Manifest manifest_;
  jobs::ManifestDigest digest_;
  jobs::SignedDocument document_;
  SecretBytes key_;
  std::size_t keys_ = 0;
  Bytes ciphertext_;
  SecretBytes plaintext_;
  bool ready_ = false;
  bool logged_ = false;
};

}  // namespace redoubt::cleanroom
