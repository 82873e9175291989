// The AlgorithmIdentifier elements of the keys that are taken, whole: RFC 5480 section 2.1.1 (namedCurve only) and RFC 3279 section 2.3.1
// (NULL is there). Private to this room.
#pragma once

#include <array>
#include <cstddef>

namespace redoubt::crypto {

template <std::size_t N>
constexpr std::array<std::byte, (N - 1) / 2> octets(const char (&hex)[N]) {
  std::array<std::byte, (N - 1) / 2> bytes{};
  const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(digit(hex[2 * i]) << 4U | digit(hex[2 * i + 1]));
  return bytes;
}

inline constexpr auto kP256Algorithm = octets("301306072a8648ce3d020106082a8648ce3d030107");
inline constexpr auto kP384Algorithm = octets("301006072a8648ce3d020106052b81040022");
inline constexpr auto kRsaAlgorithm = octets("300d06092a864886f70d0101010500");

}  // namespace redoubt::crypto
