// Banks of measurement registers: which hash a bank uses, and values of a bank whose hash is known only at run time.
//
// A Digest holds up to 64 bytes in place, so that a replay allocates nothing. Only the hashes that Redoubt can compute replay:
// SHA-1 (compared with, never decided by), SHA-256, SHA-384 and SHA-512. Others have a size, from the log's header, and no more.
// TCG Algorithm Registry 1.34; PCR extension: TPM 2.0 Library Part 1, section 17.2. Pure and thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "common/base/bytes.h"

namespace redoubt::eventlog {

// Algorithm ids of the TCG registry.
inline constexpr std::uint16_t kSha1 = 0x0004;
inline constexpr std::uint16_t kSha256 = 0x000b;
inline constexpr std::uint16_t kSha384 = 0x000c;
inline constexpr std::uint16_t kSha512 = 0x000d;
inline constexpr std::uint16_t kSm3 = 0x0012;

// known_size: the size in bytes of digests of the registry; 0 for algorithms that only a header knows.
std::size_t known_size(std::uint16_t algorithm);
// computable: Redoubt can hash with it, so a bank of it replays.
bool computable(std::uint16_t algorithm);
// algorithm_text: "sha256"; an unknown one as "0x7777". algorithm_from_text knows the names of the computable ones and of SM3.
std::string algorithm_text(std::uint16_t algorithm);
std::optional<std::uint16_t> algorithm_from_text(std::string_view text);

class Digest {
 public:
  static constexpr std::size_t kMaxSize = 64;

  // Digest(size) is all zeros, as registers are after a reset. size <= kMaxSize.
  explicit Digest(std::size_t size = 0) : size_(static_cast<std::uint8_t>(size)) {}
  // from copies; more than 64 bytes are `malformed`.
  static Result<Digest> from(ByteView bytes);

  ByteView view() const { return ByteView(bytes_.data(), size_); }
  std::span<std::byte> writable() { return {bytes_.data(), size_}; }
  std::size_t size() const { return size_; }
  std::string hex() const { return hex_encode(view()); }
  friend bool operator==(const Digest& a, const Digest& b) { return equal(a.view(), b.view()); }

 private:
  std::array<std::byte, kMaxSize> bytes_{};
  std::uint8_t size_ = 0;
};

// hash: of the bytes, with a computable algorithm. Ends the process for another: callers ask computable() first.
Digest hash(std::uint16_t algorithm, ByteView bytes);
// extend: H(value || digest). `algorithm` is computable; value and digest are at most 64 bytes each.
Digest extend(std::uint16_t algorithm, const Digest& value, ByteView digest);

}  // namespace redoubt::eventlog
