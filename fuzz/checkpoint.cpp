// Notes, heads and fork proofs: whatever parses, prints as it was read; nothing that a fuzzer writes is signed by the key.
#include <cstdlib>

#include "common/receipt/divergence.h"
#include "common/receipt/note.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  static const crypto::Ed25519PublicKey key;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  if (const auto head = receipt::TreeHead::parse(text); head.ok() && head->text() != text) std::abort();
  const auto note = receipt::UnverifiedNote::parse(text);
  if (note.ok()) {
    std::string again = note->text + "\n";
    for (const receipt::NoteSignature& signature : note->signatures) {
      Bytes bytes = to_bytes(signature.key_id.view());
      append(bytes, signature.signature);
      again += "\xe2\x80\x94 " + signature.name + " " + base64_encode(bytes) + "\n";
    }
    if (again != text) std::abort();
    (void)receipt::verify_note(*note, "name", key);
  }
  (void)receipt::Checkpoint::verify(text, "redoubt/00000000000000000000000000000000", key);
  (void)receipt::ForkProof::verify(text, key);
  (void)receipt::Divergence::verify(text, key);
  return 0;
}
