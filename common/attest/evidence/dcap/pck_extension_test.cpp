// Goal: the SGX extension of a PCK certificate is read in any order, each item once, each in its form, and nothing else. Method: the
// items that Intel writes (tests/support/intel_certificates.h), changed, doubled, left out and reordered.
#include "common/attest/evidence/dcap/pck_extension.h"
#include "tests/support/expect.h"
#include "tests/support/intel_certificates.h"

namespace redoubt {
namespace {

using dcap::PckExtension;
using test::SgxExtensionRecipe;

Result<PckExtension> parse(const std::vector<Bytes>& items) { return PckExtension::parse(test::sgx_extension_value(items)); }

TEST(PckExtension, ReadsEveryItem) {
  SgxExtensionRecipe recipe;
  for (std::size_t i = 0; i < 16; ++i) recipe.components[i] = 255 - i;
  recipe.pce_svn = 0xfffe;
  recipe.pce_id = {std::byte{0}, std::byte{1}};
  const PckExtension out = OrDie(parse(recipe.items()));
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(out.component_svn[i], 255 - i);
  EXPECT_EQ(out.pce_svn, 0xfffe);
  EXPECT_TRUE(equal(out.ppid.view(), recipe.ppid));
  EXPECT_TRUE(equal(out.cpu_svn.view(), recipe.cpu_svn));
  EXPECT_EQ(out.pce_id.hex(), "0001");
  EXPECT_EQ(out.fmspc.hex(), "90c06f000000");
  EXPECT_EQ(out.type, dcap::SgxType::scalable);
  ASSERT_TRUE(out.platform_instance_id && out.configuration);
  EXPECT_EQ(out.configuration->dynamic_platform, true);
  EXPECT_EQ(out.configuration->cached_keys, false);
  EXPECT_EQ(out.configuration->smt_enabled, true);
}

TEST(PckExtension, ReadsTheShorterOneOfTheProcessorCa) {
  SgxExtensionRecipe recipe;
  recipe.platform = false;
  const PckExtension out = OrDie(parse(recipe.items()));
  EXPECT_FALSE(out.platform_instance_id || out.configuration);
}

TEST(PckExtension, TakesAnyOrder) {
  std::vector<Bytes> items = SgxExtensionRecipe().items();
  std::ranges::reverse(items);
  EXPECT_EQ(OrDie(parse(items)).fmspc.hex(), "90c06f000000");
}

TEST(PckExtension, RefusesAnItemThatIsMissing) {
  for (std::size_t i = 0; i < 7; ++i) {
    std::vector<Bytes> items = SgxExtensionRecipe().items();
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_ERROR(parse(items), Code::malformed, "expected") << i;
  }
}

TEST(PckExtension, RefusesAnItemThatStandsTwice) {
  for (std::size_t i = 0; i < 7; ++i) {
    std::vector<Bytes> items = SgxExtensionRecipe().items();
    items.push_back(items[i]);
    EXPECT_ERROR(parse(items), Code::malformed, "once") << i;
  }
}

TEST(PckExtension, RefusesUnknownItems) {
  for (const char* oid : {"1.2.840.113741.1.13.1.8", "1.2.840.113741.1.13.1", "1.2.840.113741.1.13.1.1.1", "1.2.840.113741.1.13.2.1"}) {
    std::vector<Bytes> items = SgxExtensionRecipe().items();
    items.push_back(test::der_sequence({test::der_oid(oid), test::der_integer(1)}));
    EXPECT_ERROR(parse(items), Code::malformed, "known oid") << oid;
  }
}

TEST(PckExtension, RefusesValuesOfAnotherSizeOrType) {
  const auto refused = [](auto change, std::string_view part) {
    SgxExtensionRecipe recipe;
    change(recipe);
    EXPECT_ERROR(parse(recipe.items()), Code::malformed, part);
  };
  refused([](auto& recipe) { recipe.ppid.pop_back(); }, "ppid");
  refused([](auto& recipe) { recipe.cpu_svn.push_back(std::byte{0}); }, "cpusvn");
  refused([](auto& recipe) { recipe.pce_id.push_back(std::byte{0}); }, "pceid");
  refused([](auto& recipe) { recipe.fmspc.pop_back(); }, "fmspc");
  refused([](auto& recipe) { recipe.type = 3; }, "sgx type");
  refused([](auto& recipe) { recipe.components[15] = 256; }, "");
  refused([](auto& recipe) { recipe.pce_svn = 0x10000; }, "");
  refused([](auto& recipe) { recipe.components.pop_back(); }, "component 16");
  refused([](auto& recipe) { recipe.components.push_back(1); }, "once");  // a second item 17
  std::vector<Bytes> items = SgxExtensionRecipe().items();
  items[2] = test::der_sequence({test::der_oid("1.2.840.113741.1.13.1.3"), test::der_integer(0)});
  EXPECT_ERROR(parse(items), Code::malformed, "");
}

TEST(PckExtension, RefusesBytesAfterItOrInsideAnItem) {
  Bytes value = test::sgx_extension_value(SgxExtensionRecipe().items());
  value.push_back(std::byte{0});
  EXPECT_ERROR(PckExtension::parse(value), Code::malformed, "");
  std::vector<Bytes> items = SgxExtensionRecipe().items();
  items[4] = test::der_sequence({test::der_oid("1.2.840.113741.1.13.1.5"), test::der_element(0x0a, {as_bytes("\x01")}),
                                 test::der_integer(1)});
  EXPECT_ERROR(parse(items), Code::malformed, "");
}

TEST(PckExtension, NoTruncationIsAccepted) {
  const Bytes value = test::sgx_extension_value(SgxExtensionRecipe().items());
  for (std::size_t size = 0; size < value.size(); ++size) {
    EXPECT_ERROR(PckExtension::parse(ByteView(value).first(size)), Code::malformed, "") << size;
  }
}

}  // namespace
}  // namespace redoubt
