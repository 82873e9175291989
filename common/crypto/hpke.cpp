#include "common/crypto/hpke.h"

#include <limits>

#include "common/base/writer.h"
#include "common/crypto/digest.h"

namespace redoubt::crypto {
namespace {

// suite_id of section 4.1 ("KEM" and kem_id) and of section 5.1 ("HPKE", kem_id, kdf_id, aead_id).
constexpr std::string_view kKemSuite("KEM\x00\x20", 5);
constexpr std::string_view kHpkeSuite("HPKE\x00\x20\x00\x01\x00\x02", 10);
constexpr std::byte kModeBase{0x00};

// LabeledExtract and LabeledExpand of section 4. The concatenations are the RFC's; they hold secrets and are wiped.
SecretBytes joined(std::initializer_list<ByteView> parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) size += part.size();
  SecretBytes out(size);
  auto to = out.writable().begin();
  for (const ByteView part : parts) to = std::ranges::copy(part, to).out;
  return out;
}

SecretBytes labeled_extract(std::string_view suite, ByteView salt, std::string_view label, ByteView input_key) {
  const SecretBytes labeled = joined({as_bytes("HPKE-v1"), as_bytes(suite), as_bytes(label), input_key});
  return hkdf_extract(salt, labeled.reveal());
}

SecretBytes labeled_expand(std::string_view suite, const SecretBytes& key, std::string_view label, ByteView info,
                           std::size_t size) {
  Writer labeled;
  labeled.u16be(static_cast<std::uint16_t>(size))
      .bytes(as_bytes("HPKE-v1"))
      .bytes(as_bytes(suite))
      .bytes(as_bytes(label))
      .bytes(info);
  return hkdf_expand(key.reveal(), labeled.view(), size);
}

// ExtractAndExpand of section 4.1.
SecretBytes kem_secret(const SecretBytes& shared_point, const HpkeEncapsulation& encapsulation,
                       const HpkePublicKey& recipient) {
  const SecretBytes key = labeled_extract(kKemSuite, {}, "eae_prk", shared_point.reveal());
  Bytes context = to_bytes(encapsulation.view());
  append(context, recipient.view());
  return labeled_expand(kKemSuite, key, "shared_secret", context, 32);
}

}  // namespace

Result<HpkePrivateKey> HpkePrivateKey::generate(Random& random) { return derive(random.secret(32)); }

Result<HpkePrivateKey> HpkePrivateKey::derive(const SecretBytes& input_key) {
  if (input_key.size() < 32) {
    return Error(Code::malformed,
                 "hpke input key: expected at least 32 bytes, found " + std::to_string(input_key.size()));
  }
  const SecretBytes key = labeled_extract(kKemSuite, {}, "dkp_prk", input_key.reveal());
  return from_bytes(labeled_expand(kKemSuite, key, "sk", {}, 32));
}

Result<HpkePrivateKey> HpkePrivateKey::from_bytes(const SecretBytes& bytes) {
  auto key = X25519PrivateKey::from_bytes(bytes);
  if (!key.ok()) return key.error().context("reading an hpke private key");
  return HpkePrivateKey(std::move(key).value());
}

// KeySchedule of section 5.1 in base mode: empty psk and psk_id.
Result<HpkeSchedule> HpkeSchedule::make(const SecretBytes& shared_secret, ByteView info) {
  const SecretBytes psk_id_hash = labeled_extract(kHpkeSuite, {}, "psk_id_hash", {});
  const SecretBytes info_hash = labeled_extract(kHpkeSuite, {}, "info_hash", info);
  Bytes context{kModeBase};
  append(context, psk_id_hash.reveal());
  append(context, info_hash.reveal());
  const SecretBytes secret = labeled_extract(kHpkeSuite, shared_secret.reveal(), "secret", {});
  const SecretBytes key = labeled_expand(kHpkeSuite, secret, "key", context, kAeadKeySize);
  const SecretBytes base_nonce = labeled_expand(kHpkeSuite, secret, "base_nonce", context, AeadNonce::size);
  REDOUBT_TRY(Aes256Gcm cipher, Aes256Gcm::from_key(key));
  REDOUBT_TRY(const AeadNonce nonce, AeadNonce::from(base_nonce.reveal(), "base nonce"));
  return HpkeSchedule(std::move(cipher), nonce, labeled_expand(kHpkeSuite, secret, "exp", context, 32));
}

// ComputeNonce of section 5.2: the sequence number, big-endian, exclusive-or the base nonce.
AeadNonce HpkeSchedule::nonce() const {
  AeadNonce out = base_nonce_;
  for (std::size_t i = 0; i < 8; ++i) {
    out.array()[AeadNonce::size - 1 - i] ^= static_cast<std::byte>(sequence_ >> (8 * i) & 0xFFU);
  }
  return out;
}

Result<SecretBytes> HpkeSchedule::export_secret(ByteView exporter_context, std::size_t size) const {
  if (size > std::size_t{255} * 32) {
    return Error(Code::usage, "hpke export: expected at most 8160 bytes, asked for " + std::to_string(size));
  }
  return labeled_expand(kHpkeSuite, exporter_secret_, "sec", exporter_context, size);
}

Result<HpkeSender> HpkeSender::setup(const HpkePublicKey& recipient, ByteView info, Random& random) {
  REDOUBT_TRY(const HpkePrivateKey ephemeral, HpkePrivateKey::generate(random));
  REDOUBT_TRY(const SecretBytes point, ephemeral.key_.agree(X25519PublicKey(recipient.array())));
  const HpkeEncapsulation encapsulation(ephemeral.public_key().array());
  REDOUBT_TRY(HpkeSchedule schedule, HpkeSchedule::make(kem_secret(point, encapsulation, recipient), info));
  return HpkeSender(std::move(schedule), encapsulation);
}

// A context would need 2^64 messages to repeat a nonce; the count is checked all the same, since it is what keeps nonces
// apart.
Result<Bytes> HpkeSender::seal(ByteView associated, ByteView plaintext) {
  if (sequence_ == std::numeric_limits<std::uint64_t>::max()) {
    return Error(Code::usage, "hpke context: no sequence number left");
  }
  REDOUBT_TRY(Bytes sealed, cipher_.seal(nonce(), associated, plaintext));
  ++sequence_;
  return sealed;
}

Result<HpkeRecipient> HpkeRecipient::setup(const HpkePrivateKey& key, const HpkeEncapsulation& encapsulation,
                                           ByteView info) {
  REDOUBT_TRY(const SecretBytes point, key.key_.agree(X25519PublicKey(encapsulation.array())));
  REDOUBT_TRY(HpkeSchedule schedule, HpkeSchedule::make(kem_secret(point, encapsulation, key.public_key()), info));
  return HpkeRecipient(std::move(schedule));
}

Result<Bytes> HpkeRecipient::open(ByteView associated, ByteView sealed) {
  REDOUBT_TRY(Bytes plaintext, cipher_.open(nonce(), associated, sealed));
  ++sequence_;
  return plaintext;
}

Result<SecretBytes> HpkeRecipient::open_secret(ByteView associated, ByteView sealed) {
  REDOUBT_TRY(SecretBytes plaintext, cipher_.open_secret(nonce(), associated, sealed));
  ++sequence_;
  return plaintext;
}

Bytes HpkeMessage::bytes() const {
  Bytes out = to_bytes(encapsulation.view());
  append(out, sealed);
  return out;
}

Result<HpkeMessage> HpkeMessage::parse(ByteView bytes) {
  if (bytes.size() < kHpkeOverhead) {
    return Error(Code::malformed, "hpke message: expected at least " + std::to_string(kHpkeOverhead) +
                                      " bytes, found " + std::to_string(bytes.size()));
  }
  HpkeMessage message;
  std::ranges::copy(bytes.first(HpkeEncapsulation::size), message.encapsulation.array().begin());
  message.sealed = to_bytes(bytes.subspan(HpkeEncapsulation::size));
  return message;
}

Result<HpkeMessage> hpke_seal(const HpkePublicKey& recipient, ByteView info, ByteView associated, ByteView plaintext,
                              Random& random) {
  REDOUBT_TRY(HpkeSender sender, HpkeSender::setup(recipient, info, random));
  REDOUBT_TRY(Bytes sealed, sender.seal(associated, plaintext));
  return HpkeMessage{sender.encapsulation(), std::move(sealed)};
}

Result<Bytes> hpke_open(const HpkePrivateKey& key, const HpkeMessage& message, ByteView info, ByteView associated) {
  REDOUBT_TRY(HpkeRecipient recipient, HpkeRecipient::setup(key, message.encapsulation, info));
  return recipient.open(associated, message.sealed);
}

Result<SecretBytes> hpke_open_secret(const HpkePrivateKey& key, const HpkeMessage& message, ByteView info,
                                     ByteView associated) {
  REDOUBT_TRY(HpkeRecipient recipient, HpkeRecipient::setup(key, message.encapsulation, info));
  return recipient.open_secret(associated, message.sealed);
}

}  // namespace redoubt::crypto
