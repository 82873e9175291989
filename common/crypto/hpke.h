// HPKE (RFC 9180), base mode, one suite: DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001, AES-256-GCM 0x0002.
//
// Used to wrap dataset keys to an attested enclave and to seal results to a participant. Whoever carries the message may
// change anything; the sender is anonymous (base mode), so who sealed it must be shown by a signature elsewhere. `info`
// and `associated` bind the message to its purpose: both sides compute them from facts they hold themselves, and start
// them with a label (Fields). There is no agility: no mode, suite or pre-shared key comes from the wire. A context counts
// its messages, so it belongs to one thread; keys are immutable.
#pragma once

#include "common/crypto/aead.h"
#include "common/crypto/x25519.h"

namespace redoubt::crypto {

using HpkePublicKey = FixedBytes<struct HpkePublicKeyTag, 32>;
// HpkeEncapsulation is `enc`: the sender's ephemeral public key.
using HpkeEncapsulation = FixedBytes<struct HpkeEncapsulationTag, 32>;
// Bytes that hpke_seal adds to a plaintext in HpkeMessage::bytes().
inline constexpr std::size_t kHpkeOverhead = HpkeEncapsulation::size + kAeadTagSize;

class HpkePrivateKey {
 public:
  // generate draws 32 bytes from `random` and derives the key pair from them.
  static Result<HpkePrivateKey> generate(Random& random);
  // derive is DeriveKeyPair of section 7.1.3; fewer than 32 bytes of input key are `malformed`.
  static Result<HpkePrivateKey> derive(const SecretBytes& input_key);
  // from_bytes reads what bytes() gave; another size than 32 is `malformed`.
  static Result<HpkePrivateKey> from_bytes(const SecretBytes& bytes);

  HpkePublicKey public_key() const { return HpkePublicKey(key_.public_key().array()); }
  SecretBytes bytes() const { return key_.bytes(); }

 private:
  friend class HpkeRecipient;
  friend class HpkeSender;
  explicit HpkePrivateKey(X25519PrivateKey key) : key_(std::move(key)) {}
  X25519PrivateKey key_;
};

// HpkeSchedule: what both sides know after the set-up (section 5.1). Not used by itself.
class HpkeSchedule {
 public:
  // export_secret is Context.Export of section 5.3; more than 255 * 32 bytes are `usage`.
  Result<SecretBytes> export_secret(ByteView exporter_context, std::size_t size) const;

 protected:
  static Result<HpkeSchedule> make(const SecretBytes& shared_secret, ByteView info);
  AeadNonce nonce() const;
  Aes256Gcm cipher_;
  std::uint64_t sequence_ = 0;

 private:
  HpkeSchedule(Aes256Gcm cipher, const AeadNonce& base_nonce, SecretBytes exporter_secret)
      : cipher_(std::move(cipher)), base_nonce_(base_nonce), exporter_secret_(std::move(exporter_secret)) {}
  AeadNonce base_nonce_;
  SecretBytes exporter_secret_;
};

// HpkeSender seals any number of messages in order to one recipient.
class HpkeSender : public HpkeSchedule {
 public:
  // setup is SetupBaseS with an ephemeral key drawn from `random`. `malformed`: a recipient key of small order.
  static Result<HpkeSender> setup(const HpkePublicKey& recipient, ByteView info, Random& random);

  const HpkeEncapsulation& encapsulation() const { return encapsulation_; }
  // seal gives the ciphertext and tag of the next message. `usage`: longer than kAeadMaxPlaintext.
  Result<Bytes> seal(ByteView associated, ByteView plaintext);

 private:
  HpkeSender(HpkeSchedule schedule, const HpkeEncapsulation& encapsulation)
      : HpkeSchedule(std::move(schedule)), encapsulation_(encapsulation) {}
  HpkeEncapsulation encapsulation_;
};

// HpkeRecipient opens them in the same order; one that was changed, dropped, repeated or reordered is `binding`, and the
// context then still waits for the same message.
class HpkeRecipient : public HpkeSchedule {
 public:
  // setup is SetupBaseR. `malformed`: an encapsulation of small order. A wrong key or info shows only at the first open.
  static Result<HpkeRecipient> setup(const HpkePrivateKey& key, const HpkeEncapsulation& encapsulation, ByteView info);

  Result<Bytes> open(ByteView associated, ByteView sealed);
  Result<SecretBytes> open_secret(ByteView associated, ByteView sealed);

 private:
  explicit HpkeRecipient(HpkeSchedule schedule) : HpkeSchedule(std::move(schedule)) {}
};

// HpkeMessage: one message that travels alone; on the wire `enc`, then ciphertext and tag.
struct HpkeMessage {
  HpkeEncapsulation encapsulation;
  Bytes sealed;

  Bytes bytes() const;
  // parse copies; fewer than kHpkeOverhead bytes are `malformed`.
  static Result<HpkeMessage> parse(ByteView bytes);
};

// hpke_seal and hpke_open are the single-shot forms of section 6.1.
Result<HpkeMessage> hpke_seal(const HpkePublicKey& recipient, ByteView info, ByteView associated, ByteView plaintext,
                              Random& random);
Result<Bytes> hpke_open(const HpkePrivateKey& key, const HpkeMessage& message, ByteView info, ByteView associated);
// hpke_open_secret: for plaintexts that are keys.
Result<SecretBytes> hpke_open_secret(const HpkePrivateKey& key, const HpkeMessage& message, ByteView info,
                                     ByteView associated);

}  // namespace redoubt::crypto
