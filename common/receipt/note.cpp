#include "common/receipt/note.h"

#include "common/base/utf8.h"
#include "common/crypto/digest.h"

namespace redoubt::receipt {
namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // em dash U+2014, space
constexpr std::byte kEd25519{1};                     // signature type of C2SP signed-note
constexpr std::size_t kMaxSignatureSize = 8 * 1024;  // bytes; post-quantum witnesses need more than 64

// White_Space of the Unicode character database, above ASCII.
constexpr std::string_view kUnicodeSpaces[] = {
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
    "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
    "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

Error malformed_note(std::string message) { return Error(Code::malformed, "note: " + std::move(message)); }

bool control_other_than_newline(char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; }

bool valid_text(std::string_view text) {
  return valid_utf8(text) && !std::ranges::any_of(text, control_other_than_newline);
}

Result<NoteSignature> parse_signature(std::string_view line) {
  if (!line.starts_with(kDash)) return malformed_note("expected a signature line that starts with an em dash and a space");
  line.remove_prefix(kDash.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return malformed_note("expected a key name, a space and a signature");
  NoteSignature out;
  out.name = line.substr(0, space);
  if (!valid_note_name(out.name)) return malformed_note("key name is empty or has a space or '+' in it");
  REDOUBT_TRY(const Bytes bytes, base64_decode(line.substr(space + 1)).context("note: signature"));
  if (bytes.size() <= NoteKeyId::size || bytes.size() > kMaxSignatureSize) {
    return malformed_note("signature of " + std::to_string(bytes.size()) + " bytes");
  }
  REDOUBT_TRY(out.key_id, NoteKeyId::from(ByteView(bytes).first(NoteKeyId::size), "key id"));
  out.signature = to_bytes(ByteView(bytes).subspan(NoteKeyId::size));
  return out;
}

}  // namespace

NoteKeyId note_key_id(std::string_view name, const crypto::Ed25519PublicKey& key) {
  Bytes bytes = to_bytes(name);
  bytes.push_back(std::byte{'\n'});
  bytes.push_back(kEd25519);
  append(bytes, key.view());
  NoteKeyId id;
  std::ranges::copy(crypto::sha256(bytes).view().first(NoteKeyId::size), id.array().begin());
  return id;
}

bool valid_note_name(std::string_view name) {
  if (name.empty() || !valid_utf8(name)) return false;
  for (const char c : name) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '+' || c == 0x7f) return false;
  }
  for (const std::string_view space : kUnicodeSpaces) {
    if (name.find(space) != std::string_view::npos) return false;
  }
  return true;
}

Result<UnverifiedNote> UnverifiedNote::parse(std::string_view bytes) {
  if (bytes.size() > kMaxNoteSize) {
    return malformed_note("expected at most " + std::to_string(kMaxNoteSize) + " bytes, found " + std::to_string(bytes.size()));
  }
  if (!valid_text(bytes)) return malformed_note("expected UTF-8 without control characters");
  // The last empty line separates text from signatures; the text itself may hold empty lines.
  const std::size_t split = bytes.rfind("\n\n");
  if (split == std::string_view::npos) return malformed_note("no empty line before the signatures");
  UnverifiedNote note;
  note.text = bytes.substr(0, split + 1);
  std::string_view rest = bytes.substr(split + 2);
  if (rest.empty()) return malformed_note("no signatures");
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return malformed_note("last line does not end with a newline");
    if (note.signatures.size() == kMaxNoteSignatures) {
      return malformed_note("above the limit of " + std::to_string(kMaxNoteSignatures) + " signatures");
    }
    REDOUBT_TRY(NoteSignature signature, parse_signature(rest.substr(0, end)));
    note.signatures.push_back(std::move(signature));
    rest.remove_prefix(end + 1);
  }
  return note;
}

Status verify_note(const UnverifiedNote& note, std::string_view name, const crypto::Ed25519PublicKey& key) {
  const NoteKeyId id = note_key_id(name, key);
  const NoteSignature* found = nullptr;
  for (const NoteSignature& signature : note.signatures) {
    if (signature.name != name || signature.key_id != id) continue;
    if (found != nullptr) return Error(Code::chain, "note: more than one signature by key " + id.hex());
    found = &signature;
  }
  if (found == nullptr) {
    return Error(Code::chain, "note: no signature by key " + id.hex() + " under the name " + std::string(name));
  }
  // A key whose id is right and whose signature has another size is another kind of key with a colliding id, or a lie.
  const auto signature = crypto::Ed25519Signature::from(found->signature, "ed25519 signature");
  if (!signature.ok()) return Error(Code::chain, "note: " + signature.error().message());
  return crypto::verify(key, as_bytes(note.text), *signature).context("note");
}

Result<std::string> sign_note(std::string_view text, std::string_view name, const crypto::Ed25519PrivateKey& key) {
  // An empty last line in the text would move the separator; a text that parses back to itself cannot have one.
  if (text.size() < 2 || !text.ends_with('\n') || text.ends_with("\n\n") || !valid_text(text)) {
    return Error(Code::usage, "note: expected text that ends with one newline, without control characters");
  }
  if (!valid_note_name(name)) return Error(Code::usage, "note: key name is empty or has a space or '+' in it");
  Bytes signature = to_bytes(note_key_id(name, key.public_key()).view());
  append(signature, key.sign(as_bytes(text)).view());
  std::string out(text);
  out.append("\n").append(kDash).append(name).append(" ").append(base64_encode(signature)).append("\n");
  if (out.size() > kMaxNoteSize) return Error(Code::usage, "note: above the limit of " + std::to_string(kMaxNoteSize) + " bytes");
  return out;
}

}  // namespace redoubt::receipt
