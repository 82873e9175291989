#include "common/crypto/key_stream.h"

#include <openssl/evp.h>

#include "common/crypto/openssl_error.h"
#include "common/crypto/openssl_handles.h"

namespace redoubt::crypto {

struct KeyStream::State {
  CipherCtxPtr context;
};

KeyStream::KeyStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeyStream::KeyStream(KeyStream&&) noexcept = default;
KeyStream& KeyStream::operator=(KeyStream&&) noexcept = default;
KeyStream::~KeyStream() = default;

Result<KeyStream> KeyStream::from_key(const SecretBytes& key, const Counter& counter) {
  if (key.size() != kKeySize) {
    return Error(Code::malformed, "key of a key stream: expected 32 bytes, found " + std::to_string(key.size()));
  }
  auto state = std::make_unique<State>();
  state->context.reset(EVP_CIPHER_CTX_new());
  if (state->context == nullptr ||
      EVP_EncryptInit_ex(state->context.get(), EVP_aes_256_ctr(), nullptr,
                         reinterpret_cast<const unsigned char*>(key.reveal().data()),
                         reinterpret_cast<const unsigned char*>(counter.view().data())) != 1) {
    return openssl_error("EVP_EncryptInit_ex");
  }
  return KeyStream(std::move(state));
}

Status KeyStream::fill(std::span<std::byte> out) {
  constexpr std::size_t kPiece = 1U << 20;  // EVP lengths are int
  std::ranges::fill(out, std::byte{0});
  for (std::size_t at = 0; at < out.size();) {
    const std::span<std::byte> piece = out.subspan(at, std::min(kPiece, out.size() - at));
    auto* bytes = reinterpret_cast<unsigned char*>(piece.data());
    int size = 0;
    if (EVP_EncryptUpdate(state_->context.get(), bytes, &size, bytes, static_cast<int>(piece.size())) != 1 ||
        static_cast<std::size_t>(size) != piece.size()) {
      std::ranges::fill(out, std::byte{0});
      return openssl_error("EVP_EncryptUpdate");
    }
    at += piece.size();
  }
  return {};
}

}  // namespace redoubt::crypto
