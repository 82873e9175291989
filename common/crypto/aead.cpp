#include "common/crypto/aead.h"

#include <openssl/evp.h>

#include <functional>

#include "common/crypto/openssl_error.h"
#include "common/crypto/openssl_handles.h"

namespace redoubt::crypto {
namespace {

// OpenSSL reads a null input as "this call is for associated data"; an empty text still needs an address.
const unsigned char* address(ByteView view) {
  static const unsigned char kEmpty = 0;
  return view.empty() ? &kEmpty : in(view);
}

// Exactly in place is fine for CTR mode; any other overlap would read what was just written.
bool overlap(ByteView from, std::span<const std::byte> to) {
  if (from.empty() || to.empty() || from.data() == to.data()) return false;
  const std::less<const std::byte*> before;
  return before(from.data(), to.data() + to.size()) && before(to.data(), from.data() + from.size());
}

Status check_buffers(std::string_view doing, ByteView from, std::span<const std::byte> to, std::size_t expected) {
  if (to.size() != expected) {
    return Error(Code::usage, std::string(doing) + ": expected an output of " + std::to_string(expected) +
                                  " bytes, found " + std::to_string(to.size()));
  }
  if (overlap(from, to)) return Error(Code::usage, std::string(doing) + ": input and output overlap");
  return {};
}

}  // namespace

struct Aes256Gcm::State {
  CipherCtxPtr context{EVP_CIPHER_CTX_new()};

  // start sets nonce and direction and takes the associated data; the expanded key stays (GCM uses the same schedule both
  // ways).
  bool start(int encrypt, const AeadNonce& nonce, ByteView associated) {
    int size = 0;
    return EVP_CipherInit_ex(context.get(), nullptr, nullptr, nullptr, in(nonce.view()), encrypt) == 1 &&
           (associated.empty() || EVP_CipherUpdate(context.get(), nullptr, &size, in(associated),
                                                   static_cast<int>(associated.size())) == 1);
  }

  bool run(ByteView from, std::byte* to) {
    int size = 0;
    unsigned char none = 0;
    unsigned char* out = from.empty() ? &none : reinterpret_cast<unsigned char*>(to);
    return EVP_CipherUpdate(context.get(), out, &size, address(from), static_cast<int>(from.size())) == 1 &&
           static_cast<std::size_t>(size) == from.size();
  }

  bool finish() {
    int size = 0;
    unsigned char none[16];
    return EVP_CipherFinal_ex(context.get(), none, &size) == 1;
  }
};

Aes256Gcm::Aes256Gcm(std::unique_ptr<State> state) : state_(std::move(state)) {}
Aes256Gcm::Aes256Gcm(Aes256Gcm&&) noexcept = default;
Aes256Gcm& Aes256Gcm::operator=(Aes256Gcm&&) noexcept = default;
Aes256Gcm::~Aes256Gcm() = default;

Result<Aes256Gcm> Aes256Gcm::from_key(const SecretBytes& key) {
  if (key.size() != kAeadKeySize) {
    return Error(Code::malformed, "aes-256-gcm key: expected 32 bytes, found " + std::to_string(key.size()));
  }
  auto state = std::make_unique<State>();
  if (state->context == nullptr ||
      EVP_CipherInit_ex(state->context.get(), EVP_aes_256_gcm(), nullptr, in(key.reveal()), nullptr, 1) != 1) {
    return openssl_error("EVP_CipherInit_ex");
  }
  return Aes256Gcm(std::move(state));
}

Status Aes256Gcm::seal_into(const AeadNonce& nonce, ByteView associated, ByteView plaintext,
                            std::span<std::byte> out) {
  if (plaintext.size() > kAeadMaxPlaintext || associated.size() > kAeadMaxPlaintext) {
    return Error(Code::usage, "sealing: more than 2^30 bytes in one message or its associated data");
  }
  REDOUBT_CHECK(check_buffers("sealing", plaintext, out, plaintext.size() + kAeadTagSize));
  if (!state_->start(1, nonce, associated) || !state_->run(plaintext, out.data()) || !state_->finish() ||
      EVP_CIPHER_CTX_ctrl(state_->context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kAeadTagSize),
                          out.data() + plaintext.size()) != 1) {
    wipe(out);
    return openssl_error("sealing with aes-256-gcm");
  }
  return {};
}

Status Aes256Gcm::open_into(const AeadNonce& nonce, ByteView associated, ByteView sealed, std::span<std::byte> out) {
  if (sealed.size() < kAeadTagSize || sealed.size() > kAeadMaxPlaintext + kAeadTagSize) {
    return Error(Code::malformed,
                 "sealed message: expected 16 to 2^30 + 16 bytes, found " + std::to_string(sealed.size()));
  }
  if (associated.size() > kAeadMaxPlaintext) return Error(Code::usage, "opening: more than 2^30 associated bytes");
  const ByteView ciphertext = sealed.first(sealed.size() - kAeadTagSize);
  REDOUBT_CHECK(check_buffers("opening", sealed, out, ciphertext.size()));
  std::array<std::byte, kAeadTagSize> tag;  // a copy: OpenSSL takes it through a pointer to non-const
  std::ranges::copy(sealed.last(kAeadTagSize), tag.begin());
  if (!state_->start(0, nonce, associated) || !state_->run(ciphertext, out.data()) ||
      EVP_CIPHER_CTX_ctrl(state_->context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()), tag.data()) != 1) {
    wipe(out);
    return openssl_error("opening with aes-256-gcm");
  }
  if (!state_->finish()) {
    wipe(out);
    clear_openssl_errors();
    return Error(Code::binding, "sealed message does not belong to this key, nonce and associated data");
  }
  return {};
}

Result<Bytes> Aes256Gcm::seal(const AeadNonce& nonce, ByteView associated, ByteView plaintext) {
  if (plaintext.size() > kAeadMaxPlaintext) return Error(Code::usage, "sealing: more than 2^30 bytes in one message");
  Bytes out(plaintext.size() + kAeadTagSize);
  REDOUBT_CHECK(seal_into(nonce, associated, plaintext, out));
  return out;
}

Result<Bytes> Aes256Gcm::open(const AeadNonce& nonce, ByteView associated, ByteView sealed) {
  Bytes out(sealed.size() < kAeadTagSize ? 0 : sealed.size() - kAeadTagSize);
  REDOUBT_CHECK(open_into(nonce, associated, sealed, out));
  return out;
}

Result<SecretBytes> Aes256Gcm::open_secret(const AeadNonce& nonce, ByteView associated, ByteView sealed) {
  SecretBytes out(sealed.size() < kAeadTagSize ? 0 : sealed.size() - kAeadTagSize);
  REDOUBT_CHECK(open_into(nonce, associated, sealed, out.writable()));
  return out;
}

}  // namespace redoubt::crypto
