#include "common/crypto/x25519.h"

#include <openssl/evp.h>

#include <cstdlib>

#include "common/crypto/openssl_error.h"
#include "common/crypto/openssl_handles.h"

namespace redoubt::crypto {
struct X25519PrivateKey::State {
  PkeyPtr key;
};

X25519PrivateKey::X25519PrivateKey(std::unique_ptr<State> state, const X25519PublicKey& public_key)
    : state_(std::move(state)), public_key_(public_key) {}
X25519PrivateKey::X25519PrivateKey(X25519PrivateKey&&) noexcept = default;
X25519PrivateKey& X25519PrivateKey::operator=(X25519PrivateKey&&) noexcept = default;
X25519PrivateKey::~X25519PrivateKey() = default;

Result<X25519PrivateKey> X25519PrivateKey::generate(Random& random) { return from_bytes(random.secret(32)); }

Result<X25519PrivateKey> X25519PrivateKey::from_bytes(const SecretBytes& bytes) {
  if (bytes.size() != 32) {
    return Error(Code::malformed, "x25519 private key: expected 32 bytes, found " + std::to_string(bytes.size()));
  }
  auto state = std::make_unique<State>();
  state->key.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, in(bytes.reveal()), bytes.size()));
  if (state->key == nullptr) return openssl_error("EVP_PKEY_new_raw_private_key");
  X25519PublicKey public_key;
  std::size_t size = X25519PublicKey::size;
  if (EVP_PKEY_get_raw_public_key(state->key.get(), reinterpret_cast<unsigned char*>(public_key.array().data()),
                                  &size) != 1 ||
      size != X25519PublicKey::size) {
    return openssl_error("EVP_PKEY_get_raw_public_key");
  }
  return X25519PrivateKey(std::move(state), public_key);
}

SecretBytes X25519PrivateKey::bytes() const {
  SecretBytes out(32);
  std::size_t size = out.size();
  if (EVP_PKEY_get_raw_private_key(state_->key.get(), reinterpret_cast<unsigned char*>(out.writable().data()), &size) !=
      1) {
    std::abort();
  }
  return out;
}

Result<SecretBytes> X25519PrivateKey::agree(const X25519PublicKey& peer) const {
  const PkeyPtr peer_key(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, in(peer.view()), X25519PublicKey::size));
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, state_->key.get(), nullptr));
  if (peer_key == nullptr || context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), peer_key.get()) != 1) {
    return openssl_error("EVP_PKEY_derive_set_peer");
  }
  SecretBytes shared(32);
  std::size_t size = shared.size();
  const int derived =
      EVP_PKEY_derive(context.get(), reinterpret_cast<unsigned char*>(shared.writable().data()), &size);
  // OpenSSL refuses the all-zero result itself; the comparison keeps that true whatever provider answers.
  if (derived != 1 || size != shared.size() || shared == SecretBytes(32)) {
    clear_openssl_errors();
    return Error(Code::malformed, "x25519 public key " + peer.hex() + ": of small order");
  }
  return shared;
}

}  // namespace redoubt::crypto
