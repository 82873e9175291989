#include "common/attest/endorse/amd/anchors.h"

namespace redoubt::amd {
namespace {

consteval std::byte nibble(char c) { return static_cast<std::byte>(c <= '9' ? c - '0' : c - 'a' + 10); }

consteval SpkiDigest pin(const char (&hex)[65]) {
  std::array<std::byte, 32> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = (nibble(hex[2 * i]) << 4U) | nibble(hex[2 * i + 1]);
  return SpkiDigest(bytes);
}

constexpr SpkiDigest kArkMilan = pin("9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9");
constexpr SpkiDigest kAskMilan = pin("42491669ccb851d627ea9846cd24eccbeb7de7c2a62740120fff88001d38ebb6");
constexpr SpkiDigest kAsvkMilan = pin("66450a123ea5876206df67f2514a4fea224c0f63b18313423078b0edc4535e33");
constexpr SpkiDigest kArkGenoa = pin("429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831");
constexpr SpkiDigest kAskGenoa = pin("0324d55bcd48ba877a8fd87c0e1b4934dec8448e3807a24384a34dc6a6c9ebb8");
constexpr SpkiDigest kAsvkGenoa = pin("7d1633252ebbadaa75f96e9b4e6f7d43a90ceb3f843937482630f8da2459264e");
constexpr SpkiDigest kArkTurin = pin("4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08");
constexpr SpkiDigest kAskTurin = pin("0000ead352025f208bf55297c4192c34cd1b878002107366d8f2065a9ae7d3a9");
constexpr SpkiDigest kAsvkTurin = pin("bfc441408b2f806c5dbf180bd8920e6e60dd404d82141780d85dbf962954d386");

constexpr Anchor kProduction[] = {
    {Product::milan, kArkMilan, kAskMilan, kAsvkMilan},
    {Product::genoa, kArkGenoa, kAskGenoa, kAsvkGenoa},
    {Product::turin, kArkTurin, kAskTurin, kAsvkTurin},
};

}  // namespace

std::span<const Anchor> production_anchors() { return kProduction; }

}  // namespace redoubt::amd
