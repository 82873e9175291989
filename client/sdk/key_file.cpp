#include "client/sdk/key_file.h"

#include "client/sdk/files.h"

namespace redoubt::sdk {
namespace {

constexpr std::string_view kKeysType = "redoubt/keys/1";
constexpr std::string_view kRecoveryType = "redoubt/recovery-key/1";
constexpr std::string_view kPublicType = "redoubt/public-keys/1";
constexpr std::string_view kNone = "none";

// Secret text is built in one buffer of sufficient size, so that growing leaves no copies behind.
class SecretText {
 public:
  SecretText() { text_.reserve(KeyFile::kMaxBytes); }
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText() { wipe(std::as_writable_bytes(std::span(text_))); }

  SecretText& plain(std::string_view text) {
    text_ += text;
    return *this;
  }
  SecretText& hex(const SecretBytes& secret) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const std::byte byte : secret.reveal()) {
      text_ += digits[std::to_integer<unsigned>(byte) >> 4U];
      text_ += digits[std::to_integer<unsigned>(byte) & 15U];
    }
    return *this;
  }
  ByteView view() const { return as_bytes(text_); }

 private:
  std::string text_;
};

Result<SecretBytes> read_key(json::ObjectReader& reader, std::string_view member) {
  std::string text = reader.string(member);
  auto bytes = hex_decode(text);
  wipe(std::as_writable_bytes(std::span(text)));
  if (!reader.ok()) return SecretBytes();
  if (!bytes.ok() || bytes->size() != 32) {
    // Never with the text itself: it is a key.
    return Error(Code::malformed, "key file: \"" + std::string(member) + "\": expected 64 hexadecimal digits");
  }
  SecretBytes key = SecretBytes::copy_of(*bytes);
  wipe(*bytes);
  return key;
}

Result<std::optional<crypto::Ed25519PublicKey>> read_optional_key(const std::string& text, std::string_view what) {
  if (text == kNone) return std::optional<crypto::Ed25519PublicKey>();
  REDOUBT_TRY(const auto key, crypto::Ed25519PublicKey::from_hex(text, what));
  return std::optional(key);
}

std::string text_of(const std::optional<crypto::Ed25519PublicKey>& key) { return key ? key->hex() : std::string(kNone); }

}  // namespace

json::Value PublicKeys::to_json() const {
  return json::Object{{"enroller_key", enroller_key.hex()}, {"hpke_key", hpke_key.hex()},
                      {"name", name},                       {"recovery_key", text_of(recovery_key)},
                      {"signing_key", signing_key.hex()},   {"type", kPublicType}};
}

Result<PublicKeys> PublicKeys::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse(text, {.max_bytes = kMaxBytes, .max_depth = 1}).context("public keys"));
  json::ObjectReader reader(value, "public keys");
  PublicKeys keys;
  reader.expect("type", kPublicType);
  keys.name = reader.string("name");
  keys.signing_key = reader.hex<crypto::Ed25519PublicKey>("signing_key");
  keys.hpke_key = reader.hex<crypto::HpkePublicKey>("hpke_key");
  keys.enroller_key = reader.hex<crypto::Ed25519PublicKey>("enroller_key");
  const std::string recovery = reader.string("recovery_key");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(jobs::check_name(keys.name, "public keys"));
  REDOUBT_TRY(keys.recovery_key, read_optional_key(recovery, "recovery_key"));
  return keys;
}

std::string PublicKeys::fingerprint() const {
  const std::string digest = crypto::sha256(Fields(kPublicType).text(json::canonical(to_json())).view()).hex();
  std::string grouped;
  for (std::size_t at = 0; at < 32; at += 4) grouped += (at > 0 ? " " : "") + digest.substr(at, 4);
  return grouped;
}

jobs::Participant PublicKeys::participant(bool votes) const { return {name, signing_key, hpke_key, recovery_key, votes}; }

Result<KeyFile::Made> KeyFile::generate(std::string_view name, bool with_recovery, crypto::Random& random) {
  REDOUBT_CHECK(jobs::check_name(name, "participant"));
  REDOUBT_TRY(auto signing, crypto::Ed25519PrivateKey::generate(random));
  REDOUBT_TRY(auto hpke, crypto::HpkePrivateKey::generate(random));
  REDOUBT_TRY(auto enroller, crypto::Ed25519PrivateKey::generate(random));
  Made made{KeyFile(std::string(name), std::move(signing), std::move(hpke), std::move(enroller)), std::nullopt};
  if (with_recovery) {
    REDOUBT_TRY(auto recovery, crypto::Ed25519PrivateKey::generate(random));
    made.keys.recovery_ = recovery.public_key();
    made.recovery = std::move(recovery);
  }
  return made;
}

PublicKeys KeyFile::public_keys() const {
  return {name_, signing_.public_key(), hpke_.public_key(), enroller_.public_key(), recovery_};
}

Status KeyFile::save(const std::filesystem::path& path) const {
  SecretText text;
  text.plain("{\n  \"enroller_key\": \"").hex(enroller_.seed());
  text.plain("\",\n  \"hpke_key\": \"").hex(hpke_.bytes());
  text.plain("\",\n  \"name\": \"").plain(name_);
  text.plain("\",\n  \"recovery_public_key\": \"").plain(text_of(recovery_));
  text.plain("\",\n  \"signing_key\": \"").hex(signing_.seed());
  text.plain("\",\n  \"type\": \"").plain(kKeysType).plain("\"\n}\n");
  return write_new(path, text.view(), FileKind::secret);
}

Result<KeyFile> KeyFile::load(const std::filesystem::path& path) {
  REDOUBT_TRY(const SecretBytes content, read_secret(path, kMaxBytes));
  const auto value = json::parse(as_text(content.reveal()), {.max_bytes = kMaxBytes, .max_depth = 1});
  // The parser's message may quote the text around an error, and that is a key.
  if (!value.ok()) return Error(Code::malformed, "key file " + path.string() + ": not the JSON that `redoubt key new` writes");
  json::ObjectReader reader(*value, "key file");
  reader.expect("type", kKeysType);
  const std::string name = reader.string("name");
  const std::string recovery = reader.string("recovery_public_key");
  REDOUBT_TRY(const SecretBytes signing_seed, read_key(reader, "signing_key"));
  REDOUBT_TRY(const SecretBytes hpke_bytes, read_key(reader, "hpke_key"));
  REDOUBT_TRY(const SecretBytes enroller_seed, read_key(reader, "enroller_key"));
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(jobs::check_name(name, "key file"));
  REDOUBT_TRY(auto signing, crypto::Ed25519PrivateKey::from_seed(signing_seed));
  REDOUBT_TRY(auto hpke, crypto::HpkePrivateKey::from_bytes(hpke_bytes));
  REDOUBT_TRY(auto enroller, crypto::Ed25519PrivateKey::from_seed(enroller_seed));
  KeyFile keys(name, std::move(signing), std::move(hpke), std::move(enroller));
  REDOUBT_TRY(keys.recovery_, read_optional_key(recovery, "recovery_public_key"));
  return keys;
}

Status save_recovery(const std::filesystem::path& path, std::string_view name, const crypto::Ed25519PrivateKey& recovery) {
  SecretText text;
  text.plain("{\n  \"name\": \"").plain(name).plain("\",\n  \"recovery_key\": \"").hex(recovery.seed());
  text.plain("\",\n  \"type\": \"").plain(kRecoveryType).plain("\"\n}\n");
  return write_new(path, text.view(), FileKind::secret);
}

}  // namespace redoubt::sdk
