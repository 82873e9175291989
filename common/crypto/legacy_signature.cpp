#include "common/crypto/legacy_signature.h"

#include "common/crypto/openssl_handles.h"
#include "common/crypto/public_key.h"

namespace redoubt::crypto {

Status legacy_rsa_sha1_verify(ByteView spki, ByteView message, ByteView signature) {
  // The key's own rules are those of every other key.
  REDOUBT_TRY(const PublicKey key, PublicKey::from_spki(spki));
  if (key.kind() != KeyKind::rsa) return Error(Code::malformed, "legacy signature: expected an RSA key");
  const auto in = [](ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); };
  const unsigned char* at = in(spki);
  const PkeyPtr handle(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  const MdCtxPtr context(EVP_MD_CTX_new());
  const bool verified = handle != nullptr && context != nullptr &&
                        EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha1(), nullptr, handle.get()) == 1 &&
                        EVP_DigestVerify(context.get(), in(signature), signature.size(), in(message), message.size()) == 1;
  if (!verified) return Error(Code::chain, "legacy signature: not this key's over these bytes");
  return {};
}

}  // namespace redoubt::crypto
