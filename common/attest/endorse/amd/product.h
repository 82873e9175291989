// Product: the lines of AMD processors that have SEV-SNP, and what differs between them.
//
// A line has its own root (ARK), its own two intermediates (ASK for chip keys, ASVK for keys of a cloud provider) and its own
// layout of a TCB version. Siena and Bergamo are of the Genoa line, Turin Dense of the Turin line: AMD publishes one chain for
// each line. Pure and thread-safe. AMD 56860 (SEV-SNP firmware ABI) sections 2.2 and 7.3, AMD 57230 (VCEK certificate and KDS).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace redoubt::amd {

enum class Product { milan, genoa, turin };
// product_text: "Milan", "Genoa", "Turin", as AMD's names have it.
std::string_view product_text(Product product);

// product_of_cpu: by the family and model that CPUID gives (extended parts added in): 19h/00-0F Milan, 19h/10-1F and A0-AF Genoa,
// 1Ah/00-1F Turin; nothing for any other.
std::optional<Product> product_of_cpu(std::uint8_t family, std::uint8_t model);

// product_of_name: "Milan" or, with the stepping, "Milan-B0"; nothing for any other text.
std::optional<Product> product_of_name(std::string_view name);

// KeyKind: who holds the key that signs reports. VCEK: derived from the chip and its TCB. VLEK: given by AMD to a cloud provider,
// derived with the TCB.
enum class KeyKind { vcek, vlek };
std::string_view key_kind_text(KeyKind kind);

struct TcbParts {
  std::optional<std::uint8_t> fmc;  // Turin only
  std::uint8_t boot_loader = 0;
  std::uint8_t tee = 0;
  std::uint8_t snp = 0;
  std::uint8_t microcode = 0;
  bool reserved_zero = true;  // every byte that has no name in this layout

  friend bool operator==(const TcbParts&, const TcbParts&) = default;
};

// TcbVersion: eight security version numbers as they lie in a report; which byte means what depends on the line:
//
//   byte          0            1            2    3    4    5    6    7
//   Milan, Genoa  boot loader  tee          -    -    -    -    snp  microcode
//   Turin         fmc          boot loader  tee  snp  -    -    -    microcode
using TcbVersion = FixedBytes<struct AmdTcbVersionTag, 8>;

TcbParts tcb_parts(const TcbVersion& tcb, Product product);
// tcb_text: "boot loader 4, tee 0, snp 24, microcode 219 (04000000000018db)".
std::string tcb_text(const TcbVersion& tcb, Product product);
// TcbText: the same as a part of a longer text (concat). Borrows.
struct TcbText {
  const TcbVersion& tcb;
  Product product;
};
void append_text(std::string& out, const TcbText& text);
// text_room: of the longest, with every part at 255.
inline std::size_t text_room(const TcbText&) { return 76; }
// at_most: no byte of `a` is above the same byte of `b`. TCB versions are compared part by part, never as one number; not at_most
// does not mean above.
bool at_most(const TcbVersion& a, const TcbVersion& b);

}  // namespace redoubt::amd
