// Goal: lines of processors are told apart exactly, and TCB versions are read and compared part by part in the layout of their line.
// Method: the borders of each rule, and TCB versions that differ in one part.
#include "common/attest/endorse/amd/product.h"

#include "tests/support/expect.h"

namespace redoubt::amd {
namespace {

TcbVersion tcb(std::string_view hex) { return OrDie(TcbVersion::from_hex(hex, "tcb")); }

TEST(AmdProduct, CpuidNamesTheLineExactlyWithinItsModels) {
  for (unsigned family = 0; family < 256; ++family) {
    for (unsigned model = 0; model < 256; ++model) {
      std::optional<Product> expected;
      if (family == 0x19 && model < 0x10) expected = Product::milan;
      if (family == 0x19 && model >= 0x10 && model < 0x20) expected = Product::genoa;
      if (family == 0x19 && model >= 0xa0 && model < 0xb0) expected = Product::genoa;
      if (family == 0x1a && model < 0x20) expected = Product::turin;
      ASSERT_EQ(product_of_cpu(static_cast<std::uint8_t>(family), static_cast<std::uint8_t>(model)), expected) << family << " " << model;
    }
  }
}

TEST(AmdProduct, ProductNamesAreALineWithOrWithoutAStepping) {
  EXPECT_EQ(product_of_name("Milan"), Product::milan);
  EXPECT_EQ(product_of_name("Milan-B0"), Product::milan);
  EXPECT_EQ(product_of_name("Genoa"), Product::genoa);
  EXPECT_EQ(product_of_name("Turin-C1"), Product::turin);
  for (const std::string_view name : {"", "milan", "Milan-", "Milan-B", "Milan-B00", "Milan-b0", "Milan B0", "MilanB0", "Milan-00", "Rome",
                                      "Milan-B0 ", "Genoa-AA"}) {
    EXPECT_EQ(product_of_name(name), std::nullopt) << name;
  }
}

TEST(AmdProduct, EachLineHasItsOwnTcbLayout) {
  const TcbVersion value = tcb("0102030405060708");
  EXPECT_EQ(tcb_parts(value, Product::milan), (TcbParts{std::nullopt, 1, 2, 7, 8, false}));
  EXPECT_EQ(tcb_parts(value, Product::genoa), (TcbParts{std::nullopt, 1, 2, 7, 8, false}));
  EXPECT_EQ(tcb_parts(value, Product::turin), (TcbParts{1, 2, 3, 4, 8, false}));
  EXPECT_TRUE(tcb_parts(tcb("0102000000000708"), Product::milan).reserved_zero);
  EXPECT_TRUE(tcb_parts(tcb("0102030400000008"), Product::turin).reserved_zero);
  EXPECT_EQ(tcb_text(tcb("04000000000018db"), Product::milan), "boot loader 4, tee 0, snp 24, microcode 219 (04000000000018db)");
  EXPECT_EQ(tcb_text(tcb("0101010400000051"), Product::turin), "fmc 1, boot loader 1, tee 1, snp 4, microcode 81 (0101010400000051)");
}

TEST(AmdProduct, TcbVersionsAreComparedPartByPartAndNotAsANumber) {
  EXPECT_TRUE(at_most(tcb("04000000000018db"), tcb("04000000000018db")));
  EXPECT_TRUE(at_most(tcb("04000000000017d5"), tcb("04000000000018db")));
  EXPECT_FALSE(at_most(tcb("05000000000017d5"), tcb("04000000000018db")));
  EXPECT_FALSE(at_most(tcb("04000000000018db"), tcb("05000000000017ff")));
  for (std::size_t at = 0; at < TcbVersion::size; ++at) {
    TcbVersion above = tcb("0404040404040404");
    above.array()[at] = std::byte{5};
    EXPECT_TRUE(at_most(tcb("0404040404040404"), above)) << at;
    EXPECT_FALSE(at_most(above, tcb("0404040404040404"))) << at;
  }
}

}  // namespace
}  // namespace redoubt::amd
