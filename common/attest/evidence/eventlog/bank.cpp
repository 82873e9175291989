#include "common/attest/evidence/eventlog/bank.h"

#include <cstdlib>

#include "common/crypto/digest.h"
#include "common/crypto/sha1.h"

namespace redoubt::eventlog {
namespace {

struct Known {
  std::uint16_t id;
  std::uint8_t size;
  bool computable;
  std::string_view name;
};
constexpr std::array<Known, 5> kKnown = {{{kSha1, 20, true, "sha1"},
                                          {kSha256, 32, true, "sha256"},
                                          {kSha384, 48, true, "sha384"},
                                          {kSha512, 64, true, "sha512"},
                                          {kSm3, 32, false, "sm3_256"}}};

const Known* find(std::uint16_t id) {
  const auto it = std::ranges::find(kKnown, id, &Known::id);
  return it == kKnown.end() ? nullptr : &*it;
}

template <class D>
Digest copy(const D& digest) {
  Digest out(D::size);
  std::ranges::copy(digest.view(), out.writable().begin());
  return out;
}

}  // namespace

std::size_t known_size(std::uint16_t algorithm) {
  const Known* known = find(algorithm);
  return known == nullptr ? 0 : known->size;
}

bool computable(std::uint16_t algorithm) {
  const Known* known = find(algorithm);
  return known != nullptr && known->computable;
}

std::string algorithm_text(std::uint16_t algorithm) {
  if (const Known* known = find(algorithm)) return std::string(known->name);
  const std::array<std::byte, 2> id = {static_cast<std::byte>(algorithm >> 8U), static_cast<std::byte>(algorithm & 0xffU)};
  return "0x" + hex_encode(id);
}

std::optional<std::uint16_t> algorithm_from_text(std::string_view text) {
  const auto it = std::ranges::find(kKnown, text, &Known::name);
  return it == kKnown.end() ? std::nullopt : std::optional(it->id);
}

Result<Digest> Digest::from(ByteView bytes) {
  if (bytes.size() > kMaxSize) {
    return Error(Code::malformed, "digest: expected at most 64 bytes, found " + std::to_string(bytes.size()));
  }
  Digest digest(bytes.size());
  std::ranges::copy(bytes, digest.bytes_.begin());
  return digest;
}

Digest hash(std::uint16_t algorithm, ByteView bytes) {
  switch (algorithm) {
    case kSha1: return copy(crypto::legacy_sha1(bytes));
    case kSha256: return copy(crypto::sha256(bytes));
    case kSha384: return copy(crypto::sha384(bytes));
    case kSha512: return copy(crypto::sha512(bytes));
    default: std::abort();
  }
}

Digest extend(std::uint16_t algorithm, const Digest& value, ByteView digest) {
  std::array<std::byte, 2 * Digest::kMaxSize> joined;
  const std::size_t size = std::min(digest.size(), Digest::kMaxSize);
  std::ranges::copy(value.view(), joined.begin());
  std::ranges::copy(digest.first(size), joined.begin() + static_cast<std::ptrdiff_t>(value.size()));
  return hash(algorithm, ByteView(joined).first(value.size() + size));
}

}  // namespace redoubt::eventlog
