// Signed notes (C2SP signed-note): UTF-8 text, an empty line, and lines `— NAME BASE64(key id || signature)`.
//
// Every byte may come from a liar, and the text means nothing until verify_note has passed. Only Ed25519 (signature type
// 0x01) is made and checked; well-formed signatures by other keys are carried and ignored, as the specification asks, so
// that witnesses can add theirs. This room knows nothing of what the text says. Pure and thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/crypto/ed25519.h"

namespace redoubt::receipt {

// The first four bytes of SHA-256(name || 0x0A || 0x01 || public key): a hint at the key, not a proof.
using NoteKeyId = FixedBytes<struct NoteKeyIdTag, 4>;

constexpr std::size_t kMaxNoteSize = 16 * 1024;  // bytes
constexpr std::size_t kMaxNoteSignatures = 16;   // count

NoteKeyId note_key_id(std::string_view name, const crypto::Ed25519PublicKey& key);

// valid_note_name: not empty, valid UTF-8, no control character, no Unicode space, no '+'.
bool valid_note_name(std::string_view name);

struct NoteSignature {
  std::string name;
  NoteKeyId key_id;
  Bytes signature;  // without the key id; its size depends on the key's kind
};

struct UnverifiedNote {
  std::string text;  // with its last newline
  std::vector<NoteSignature> signatures;

  // parse: `malformed` for anything that is not exactly one note with 1 to 16 signatures.
  static Result<UnverifiedNote> parse(std::string_view bytes);
};

// verify_note: `key` signed the text under `name`. `chain` when no line, or more than one, is by that key, or the signature
// is wrong.
Status verify_note(const UnverifiedNote& note, std::string_view name, const crypto::Ed25519PublicKey& key);

// sign_note returns the whole note with one signature. Requires text of non-control UTF-8 that ends with a newline and a
// valid name, within the limits above; anything else is `usage`.
Result<std::string> sign_note(std::string_view text, std::string_view name, const crypto::Ed25519PrivateKey& key);

}  // namespace redoubt::receipt
