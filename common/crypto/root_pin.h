// RootPin: a trust anchor known by its hash. Vendors' roots are constants of the rooms that need them; an additional anchor is
// one more pin that the caller passes on purpose. Nothing read from Evidence becomes an anchor. Pure and thread-safe.
#pragma once

#include <span>

#include "common/crypto/certificate_view.h"
#include "common/crypto/digest.h"

namespace redoubt::crypto {

struct RootPin {
  std::string_view name;     // for people
  Sha256Digest certificate;  // SHA-256 of the whole certificate, DER
  Sha256Digest spki;         // SHA-256 of its SubjectPublicKeyInfo

  bool holds(const CertificateView& root) const { return sha256(root.der) == certificate && sha256(root.spki) == spki; }
};

// digest_literal: 64 lower-case hexadecimal digits, known at compile time.
consteval Sha256Digest digest_literal(std::string_view digits) {
  std::array<std::byte, 32> bytes{};
  if (digits.size() != 64) throw "expected 64 digits";
  for (std::size_t i = 0; i < 64; ++i) {
    const char c = digits[i];
    const bool number = c >= '0' && c <= '9';
    if (!number && (c < 'a' || c > 'f')) throw "expected a lower-case hexadecimal digit";
    const auto value = static_cast<unsigned>(number ? c - '0' : c - 'a' + 10);
    bytes[i / 2] = bytes[i / 2] << 4U | std::byte(value);
  }
  return Sha256Digest(bytes);
}

// find_pin: the pin that holds `root`, or null.
inline const RootPin* find_pin(std::span<const RootPin> pins, const CertificateView& root) {
  for (const RootPin& pin : pins) {
    if (pin.holds(root)) return &pin;
  }
  return nullptr;
}

}  // namespace redoubt::crypto
