#include "common/attest/evidence/tpm/credential.h"

#include "common/crypto/aes_cfb.h"
#include "common/crypto/rsa_oaep.h"

namespace redoubt::tpm {
namespace {

constexpr std::size_t kMaxSecret = 32;
constexpr std::size_t kSeedSize = 32;  // digest size of the EK's name algorithm (Part 1 section B.10.4)
constexpr std::uint64_t kDefaultExponent = 65537;

// KDFa (Part 1 section 11.4.10.2) for at most one block: HMAC(key, counter 1 || label || 0 || context || bits).
SecretBytes kdfa(const SecretBytes& key, std::string_view label, ByteView context, std::uint32_t bits) {
  Writer input;
  input.u32be(1).bytes(as_bytes(label)).u8(0).bytes(context).u32be(bits);
  const SecretBytes block = crypto::hmac_sha256(key.reveal(), input.view());
  return SecretBytes::copy_of(block.reveal().first(bits / 8));
}

}  // namespace

Result<Credential> make_credential(const Public& ek, const AkName& name, const SecretBytes& secret, crypto::Random& random) {
  if (!ek_template_matches(ek)) return Error(Code::usage, "credential: the endorsement key is not of the template L-1");
  if (secret.empty() || secret.size() > kMaxSecret) {
    return Error(Code::usage, "credential: expected a secret of 1 to 32 bytes, found " + std::to_string(secret.size()));
  }
  REDOUBT_TRY(const crypto::RsaPublicKey key,
              crypto::RsaPublicKey::from_numbers(ek.rsa()->modulus, kDefaultExponent).context("endorsement key"));
  const SecretBytes seed = random.secret(kSeedSize);
  // The label's NUL is part of it.
  REDOUBT_TRY(const Bytes encrypted_seed, key.encrypt_oaep(as_bytes(std::string_view("IDENTITY\0", 9)), seed));

  SecretBytes sized(2 + secret.size());  // TPM2B_DIGEST
  sized.writable()[1] = static_cast<std::byte>(secret.size());
  std::ranges::copy(secret.reveal(), sized.writable().begin() + 2);
  REDOUBT_TRY(const Bytes identity, crypto::aes128_cfb_encrypt(kdfa(seed, "STORAGE", name.view(), 128), sized));

  Bytes covered = identity;
  append(covered, name.view());
  const SecretBytes integrity = crypto::hmac_sha256(kdfa(seed, "INTEGRITY", {}, 256).reveal(), covered);

  Writer id_object;
  id_object.sized16be(integrity.reveal()).bytes(identity);
  return Credential{Writer().sized16be(id_object.view()).take(), Writer().sized16be(encrypted_seed).take()};
}

}  // namespace redoubt::tpm
