// Goal: a leaf is read only in exactly the form that AMD specifies. Method: leaves of all products and both kinds under test keys, then
// each extension left out, doubled, in another encoding or with another value.
#include "common/attest/endorse/amd/leaf.h"

#include "tests/support/evidence_snp.h"
#include "tests/support/expect.h"

namespace redoubt::amd {
namespace {

using test::leaf_spec;
using test::snp_authority;
using test::SnpKey;
using test::SnpLeafSpec;

Bytes hex(std::string_view text) { return OrDie(hex_decode(text)); }

const SnpKey& leaf_key() {
  static const SnpKey key = SnpKey::p384();
  return key;
}

Result<Leaf> read(const SnpLeafSpec& spec, Product product = Product::milan, const SnpKey& key = leaf_key()) {
  return Leaf::parse(snp_authority(product).leaf(spec, key));
}

TEST(AmdLeaf, GivesWhatTheExtensionsSayForEveryProductAndKind) {
  for (const Product product : {Product::milan, Product::genoa, Product::turin}) {
    for (const KeyKind kind : {KeyKind::vcek, KeyKind::vlek}) {
      const Leaf leaf = OrDie(read(leaf_spec(product, kind), product));
      EXPECT_EQ(leaf.kind, kind);
      EXPECT_EQ(leaf.issuer_product, product);
      EXPECT_EQ(leaf.extensions.product, product);
      EXPECT_EQ(leaf.extensions.struct_version, product == Product::turin ? 1U : 0U);
      EXPECT_EQ(leaf.extensions.tcb.hex(), product == Product::turin ? "0204010600000051" : "04010000000018db");
      EXPECT_EQ(leaf.extensions.chip_id.has_value(), kind == KeyKind::vcek);
      EXPECT_EQ(leaf.extensions.csp_id, kind == KeyKind::vlek ? "CN=cc.cloud.example" : "");
      EXPECT_EQ(leaf.serial, Bytes{std::byte{0}});
    }
  }
}

TEST(AmdLeaf, RefusesALeafWithoutOneOfTheExtensions) {
  for (const Product product : {Product::milan, Product::turin}) {
    for (const KeyKind kind : {KeyKind::vcek, KeyKind::vlek}) {
      const SnpLeafSpec whole = leaf_spec(product, kind);
      for (const auto& one : whole.extensions) {
        SnpLeafSpec spec = whole;
        spec.remove(one.oid);
        EXPECT_ERROR(read(spec, product), Code::malformed, "extensions: expected 11, found 10") << one.oid;
        // Another one in its place keeps the count.
        spec.extensions.push_back({"9", hex("020100")});
        EXPECT_ERROR(read(spec, product), Code::malformed, "expected one, found none") << one.oid;
      }
    }
  }
}

TEST(AmdLeaf, RefusesMoreExtensionsThanTheSpecificationHas) {
  SnpLeafSpec both = leaf_spec(Product::milan, KeyKind::vcek);
  both.extensions.push_back({"5", leaf_spec(Product::milan, KeyKind::vlek).value("5")});
  EXPECT_ERROR(read(both), Code::malformed, "expected 11, found 12");
  SnpLeafSpec twice = leaf_spec(Product::milan, KeyKind::vcek);
  twice.extensions.push_back({"3.1", hex("020104")});
  EXPECT_FALSE(read(twice).ok());
  SnpLeafSpec fmc = leaf_spec(Product::milan, KeyKind::vcek);
  fmc.remove("3.4");
  fmc.extensions.push_back({"3.9", hex("020100")});
  EXPECT_ERROR(read(fmc), Code::malformed, "1.3.6.1.4.1.3704.1.3.4: expected one, found none");
}

TEST(AmdLeaf, ReadsIntegersOnlyInTheirExactDer) {
  SnpLeafSpec spec = leaf_spec(Product::milan, KeyKind::vcek);
  spec.value("3.8") = hex("020200db");
  EXPECT_OK(read(spec));
  for (const std::string_view wrong : {"", "02", "0200", "0201db", "02020001", "020100ff", "0202010000", "0a0101", "02810101", "02020100", "010101", "05"}) {
    for (const std::string_view oid : {"1", "3.1", "3.2", "3.3", "3.4", "3.8"}) {
      spec = leaf_spec(Product::milan, KeyKind::vcek);
      spec.value(oid) = hex(wrong);
      EXPECT_ERROR(read(spec), Code::malformed, "extension") << oid << " " << wrong;
    }
  }
}

TEST(AmdLeaf, ProductNameAndStructureVersionBelongTogether) {
  const auto with = [](Product product, std::string_view name, std::string_view version) {
    SnpLeafSpec spec = leaf_spec(product, KeyKind::vcek);
    spec.value("2") = to_bytes(name);
    spec.value("2").insert(spec.value("2").begin(), {std::byte{0x16}, static_cast<std::byte>(name.size())});
    spec.value("1") = hex(version);
    return read(spec, product);
  };
  EXPECT_OK(with(Product::milan, "Milan-B1", "020100"));
  EXPECT_ERROR(with(Product::milan, "Milan-B0", "020101"), Code::malformed, "structure version of Milan-B0: expected 0, found 1");
  EXPECT_ERROR(with(Product::turin, "Turin", "020100"), Code::malformed, "structure version of Turin: expected 1, found 0");
  EXPECT_ERROR(with(Product::milan, "Rome-B0", "020100"), Code::malformed, "product name");
  EXPECT_ERROR(with(Product::milan, "", "020100"), Code::malformed, "1.2: expected 1 to 32 printable characters");
  EXPECT_ERROR(with(Product::milan, "Milan\x01", "020100"), Code::malformed, "printable");
  SnpLeafSpec utf8 = leaf_spec(Product::milan, KeyKind::vcek);
  utf8.value("2")[0] = std::byte{0x0c};
  EXPECT_FALSE(read(utf8).ok());
}

TEST(AmdLeaf, TheHardwareIdIsRawBytesOrAnOctetStringOfExactlyItsSize) {
  SnpLeafSpec spec = leaf_spec(Product::milan, KeyKind::vcek);
  const Bytes raw = spec.value("4");
  ASSERT_EQ(raw[0], std::byte{0x02}) << "looks like the tag of an INTEGER, and is none";
  const Leaf plain = OrDie(read(spec));
  EXPECT_TRUE(equal(plain.extensions.chip_id->view(), raw));
  Bytes wrapped = hex("0440");
  append(wrapped, raw);
  spec.value("4") = wrapped;
  EXPECT_EQ(OrDie(read(spec)).extensions, plain.extensions);
  wrapped[0] = std::byte{0x03};
  spec.value("4") = wrapped;
  EXPECT_FALSE(read(spec).ok());
  for (const std::size_t size : {0U, 1U, 8U, 63U, 65U, 67U, 128U}) {
    spec.value("4") = Bytes(size, std::byte{7});
    EXPECT_ERROR(read(spec), Code::malformed, "hardware id: expected 64 bytes") << size;
  }
  SnpLeafSpec turin = leaf_spec(Product::turin, KeyKind::vcek);
  turin.value("4") = raw;
  EXPECT_ERROR(read(turin, Product::turin), Code::malformed, "hardware id: expected 8 bytes, found 64");
}

TEST(AmdLeaf, NamesMustBeAmdsAndOfTheKindThatTheExtensionsSay) {
  SnpLeafSpec spec = leaf_spec(Product::milan, KeyKind::vcek);
  spec.subject = "SEV-VLEK";
  EXPECT_ERROR(read(spec), Code::malformed, "subject: expected AMD's name with CN=SEV-VCEK");
  spec = leaf_spec(Product::milan, KeyKind::vlek);
  spec.subject = "SEV-VCEK";
  EXPECT_ERROR(read(spec), Code::malformed, "subject: expected AMD's name with CN=SEV-VLEK");
  spec = leaf_spec(Product::milan, KeyKind::vcek);
  spec.issuer = "SEV-VLEK-Milan";
  EXPECT_ERROR(read(spec), Code::malformed, "issuer: expected AMD's name with CN=SEV-Milan");
  spec.issuer = "SEV-Rome";
  EXPECT_ERROR(read(spec), Code::malformed, "issuer");
  spec = leaf_spec(Product::milan, KeyKind::vcek);
  spec.organization = "Advanced Macro Devices";
  EXPECT_ERROR(read(spec), Code::malformed, "subject");
}

TEST(AmdLeaf, TheKeyMustBeOnP384) {
  EXPECT_ERROR(read(leaf_spec(Product::milan, KeyKind::vcek), Product::milan, SnpKey::rsa()), Code::malformed, "P-384");
}

TEST(AmdLeaf, ACloudProvidersNameIsPrintableAndBounded) {
  SnpLeafSpec spec = leaf_spec(Product::milan, KeyKind::vlek);
  for (const std::string_view wrong : {"1600", "160100", "0c0141", "160141ff"}) {
    spec.value("5") = hex(wrong);
    EXPECT_ERROR(read(spec), Code::malformed, "1.3.6.1.4.1.3704.1.5") << wrong;
  }
}

}  // namespace
}  // namespace redoubt::amd
