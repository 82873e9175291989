// Goal: no truncation and no changed bit of a report is accepted, and none crashes. Method: every byte of a signed sample, with the lowest
// and the highest bit flipped in turn. Every byte of a report is signed, is the signature, or must be zero: there is none that nothing covers.
#include "tests/support/evidence_snp.h"
#include "tests/support/expect.h"
#include "tests/support/stride.h"

namespace redoubt::snp {
namespace {

using amd::KeyKind;
using amd::Product;
using test::SnpSample;

TEST(SnpJunk, NoChangedBitIsAccepted) {
  for (const auto& [product, kind] : {std::pair(Product::milan, KeyKind::vcek), std::pair(Product::turin, KeyKind::vlek)}) {
    const SnpSample sample(product, kind);
    const auto chain = OrDie(amd::verify_chain(sample.intermediate, sample.ark, sample.anchors, sample.now));
    const auto proof = OrDie(amd::verify_vcek(sample.leaf, chain, sample.now));
    Inputs inputs = sample.inputs();
    inputs.verified_vcek = &proof;
    Bytes report = sample.report;
    ASSERT_TRUE(authenticate(OrDie(parse(report)), inputs).authentic.has_value());
    for (std::size_t at = 0; at < report.size(); at += test::stride(7)) {
      for (const unsigned bit : {0U, 7U}) {
        const auto flip = static_cast<std::byte>(1U << bit);
        report[at] ^= flip;
        const auto parsed = parse(report);
        if (parsed.ok()) {
          const Outcome outcome = authenticate(*parsed, inputs);
          EXPECT_FALSE(test::failed_ids(outcome).empty()) << at << " " << bit;
          EXPECT_TRUE(describe(*parsed).object() != nullptr);
        }
        report[at] ^= flip;
      }
    }
  }
}

TEST(SnpJunk, NoOtherLengthIsRead) {
  const SnpSample sample;
  for (std::size_t size = 0; size < sample.report.size(); ++size) {
    EXPECT_ERROR(parse(ByteView(sample.report).first(size)), Code::malformed, "sev-snp report: expected 1184 bytes");
  }
  Bytes longer = sample.report;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(parse(longer), Code::malformed, "found 1185");
}

TEST(SnpJunk, AReportOfOnesOrZerosIsRefusedBySeveralChecks) {
  for (const unsigned fill : {0x00U, 0xffU, 0x02U}) {
    SnpSample sample;
    sample.report.assign(kReportSize, static_cast<std::byte>(fill));
    EXPECT_EQ(sample.failures(), std::vector<std::string>{"parse"});
    for (std::size_t i = 0; i < 4; ++i) sample.report[i] = static_cast<std::byte>(i == 0 ? 3 : 0);
    EXPECT_GE(sample.failures().size(), 4U) << fill;
  }
}

}  // namespace
}  // namespace redoubt::snp
