#include "common/attest/endorse/amd/product.h"

#include "common/base/concat.h"

namespace redoubt::amd {
namespace {

bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string_view product_text(Product product) {
  switch (product) {
    case Product::milan: return "Milan";
    case Product::genoa: return "Genoa";
    case Product::turin: return "Turin";
  }
  return "";
}

std::optional<Product> product_of_cpu(std::uint8_t family, std::uint8_t model) {
  if (family == 0x19 && model <= 0x0f) return Product::milan;
  if (family == 0x19 && ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf))) return Product::genoa;
  if (family == 0x1a && model <= 0x1f) return Product::turin;
  return std::nullopt;
}

std::optional<Product> product_of_name(std::string_view name) {
  for (const Product product : {Product::milan, Product::genoa, Product::turin}) {
    const std::string_view line = product_text(product);
    if (!name.starts_with(line)) continue;
    const std::string_view rest = name.substr(line.size());
    if (rest.empty()) return product;
    if (rest.size() == 3 && rest[0] == '-' && upper(rest[1]) && digit(rest[2])) return product;
  }
  return std::nullopt;
}

std::string_view key_kind_text(KeyKind kind) { return kind == KeyKind::vcek ? "VCEK" : "VLEK"; }

TcbParts tcb_parts(const TcbVersion& tcb, Product product) {
  const auto part = [&](std::size_t at) { return std::to_integer<std::uint8_t>(tcb.array()[at]); };
  const auto zero = [&](std::size_t from, std::size_t to) {
    for (std::size_t at = from; at <= to; ++at) {
      if (part(at) != 0) return false;
    }
    return true;
  };
  if (product == Product::turin) return {part(0), part(1), part(2), part(3), part(7), zero(4, 6)};
  return {std::nullopt, part(0), part(1), part(6), part(7), zero(2, 5)};
}

void append_text(std::string& out, const TcbText& text) {
  const TcbParts parts = tcb_parts(text.tcb, text.product);
  const auto add = [&](const auto&... part) { (redoubt::append_text(out, part), ...); };
  if (parts.fmc) add("fmc ", *parts.fmc, ", ");
  add("boot loader ", parts.boot_loader, ", tee ", parts.tee, ", snp ", parts.snp, ", microcode ", parts.microcode, " (", Hex{text.tcb.view()}, ")");
}

std::string tcb_text(const TcbVersion& tcb, Product product) { return concat(TcbText{tcb, product}); }

bool at_most(const TcbVersion& a, const TcbVersion& b) {
  for (std::size_t at = 0; at < TcbVersion::size; ++at) {
    if (a.array()[at] > b.array()[at]) return false;
  }
  return true;
}

}  // namespace redoubt::amd
