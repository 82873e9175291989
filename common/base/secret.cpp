#include "common/base/secret.h"

#include <string.h>  // explicit_bzero

namespace redoubt {

void wipe(std::span<std::byte> bytes) noexcept {
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

SecretBytes SecretBytes::copy_of(ByteView view) {
  SecretBytes secret(view.size());
  std::ranges::copy(view, secret.bytes_.begin());
  return secret;
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::move(other.bytes_);
    other.bytes_.clear();
  }
  return *this;
}

void SecretBytes::wipe() noexcept { redoubt::wipe(bytes_); }

}  // namespace redoubt
