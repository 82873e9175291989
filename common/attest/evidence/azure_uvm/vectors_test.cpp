// Goal: genuine endorsements are authentic under Microsoft's root, give the listed facts, and endorse only the measurement they
// name. Method: all cases of the shared vectors under the production root alone, and flipped bytes of one of them.
#include <gtest/gtest.h>

#include "common/attest/evidence/azure_uvm/endorsement.h"
#include "tests/support/stride.h"
#include "tests/support/vector_edits.h"

namespace redoubt::azure_uvm {
namespace {

std::filesystem::path folder() { return *test::shared_dir() / "vectors" / "azure-aci-uvm"; }

TEST(UvmVectors, GenuineEndorsementsAreAuthentic) {
  REDOUBT_REQUIRE_SHARED();
  const json::Array cases = test::json_array(folder() / "cases.json");
  for (const json::Value& one : cases) {
    SCOPED_TRACE(test::text_of(one, "id"));
    const json::Object& fields = *one.object();
    const Bytes bytes = test::read_file(folder() / test::text_of(one, "file"));
    const auto parsed = parse(bytes);
    ASSERT_OK(parsed);
    const Outcome outcome = authenticate(*parsed, {&kMicrosoftSupplyChainRoot2022, 1});
    ASSERT_OK(outcome.status);
    const UvmEndorsement& endorsement = **outcome.authentic;
    const json::Value& payload = fields.at("payload");
    EXPECT_EQ(endorsement.cose.algorithm, *fields.at("alg").integer());
    EXPECT_EQ(endorsement.issuer, test::text_of(one, "iss"));
    EXPECT_EQ(endorsement.feed, test::text_of(one, "feed"));
    EXPECT_EQ(std::to_string(endorsement.svn), test::text_of(payload, "x-ms-sevsnpvm-guestsvn"));
    EXPECT_EQ(endorsement.measurement.hex(), test::text_of(payload, "x-ms-sevsnpvm-launchmeasurement"));
    EXPECT_EQ(endorsement.chain.size(), fields.at("chain").array()->size());
    const json::Array& window = *fields.at("window").array();
    EXPECT_EQ(outcome.validity.begin, test::instant_of(*window[0].string()));
    EXPECT_EQ(outcome.validity.end, test::instant_of(*window[1].string()));
    EXPECT_TRUE(endorsement.signing_time && outcome.validity.contains(*endorsement.signing_time));

    const AcceptedFeed accepted{endorsement.issuer, "ContainerPlat-AMD-UVM", endorsement.svn};
    EXPECT_EQ(check_endorsed(outcome, endorsement.measurement, {&accepted, 1}).outcome, attest::Outcome::passed);
    LaunchMeasurement other = endorsement.measurement;
    other.array()[0] ^= std::byte{1};
    EXPECT_EQ(check_endorsed(outcome, other, {&accepted, 1}).code, Code::measurement);
    EXPECT_FALSE(authenticate(*parsed, {}).authentic);
  }
  std::printf("azure uvm vectors: %zu endorsements\n", cases.size());
}

TEST(UvmVectors, NoFlippedSignedByteIsAuthentic) {
  REDOUBT_REQUIRE_SHARED();
  const Bytes bytes = test::read_file(folder() / "sidecar.cose");
  // The countersignature in the unprotected header is covered by nothing here: bytes of it may differ.
  const auto countersignature = std::string_view(as_text(bytes)).find("timestamp");
  ASSERT_NE(countersignature, std::string_view::npos);
  const std::size_t end = as_text(bytes).find("{\n");
  ASSERT_LT(countersignature, end);
  std::size_t free = 0;
  for (std::size_t at = 0; at < bytes.size(); at += test::stride(1)) {
    const bool unsigned_byte = at >= countersignature - 2 && at < end - 2;
    if (unsigned_byte && at % 97 != 0) continue;  // thousands of equal bytes
    Bytes changed = bytes;
    changed[at] ^= std::byte{1};
    const auto parsed = parse(changed);
    if (!parsed.ok() || !authenticate(*parsed, {&kMicrosoftSupplyChainRoot2022, 1}).authentic) continue;
    EXPECT_TRUE(unsigned_byte) << at;
    ++free;
  }
  EXPECT_GT(free, 0U);
}

}  // namespace
}  // namespace redoubt::azure_uvm
