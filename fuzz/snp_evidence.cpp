// A report with a chain, in one input: report (1184), leaf, intermediate and list (each u16, big-endian, and that many bytes), root (the
// rest). Whatever was fed, each check is there once, the verdict follows from them, and without AMD's keys nothing is authentic. The
// same bytes under an anchor that is any key (that of the given root) exercise what lies behind the pins.
#include <cstdlib>

#include "common/attest/evidence/snp/evidence.h"
#include "common/base/reader.h"

namespace {

using namespace redoubt;

void judge(const attest::Parsed<snp::SnpEvidence>& parsed, const snp::Inputs& inputs, bool genuine_only) {
  const snp::Outcome outcome = snp::authenticate(parsed, inputs);
  bool failed = false;
  for (const attest::Check& check : outcome.checks) failed = failed || check.outcome == attest::Outcome::failed;
  if (outcome.checks.size() != 8 || outcome.authentic.has_value() == failed) std::abort();
  if (genuine_only && !failed) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span(data, size));
  Reader reader(bytes, "input");
  const auto parsed = snp::parse(reader.bytes(std::min(snp::kReportSize, bytes.size())));
  if (!parsed.ok()) return 0;
  if (snp::describe(*parsed).object() == nullptr) std::abort();
  snp::Inputs inputs;
  inputs.leaf = reader.sized16be(0xffff);
  inputs.intermediate = reader.sized16be(0xffff);
  inputs.crl = reader.sized16be(0xffff);
  if (!reader.ok()) return 0;
  inputs.ark = reader.bytes(reader.remaining());
  inputs.now = Instant(1780272000);
  judge(*parsed, inputs, true);
  const auto root = crypto::CertificateView::parse(inputs.ark);
  if (!root.ok()) return 0;
  amd::Anchor anchor;
  for (const amd::Product product : {amd::Product::milan, amd::Product::genoa, amd::Product::turin}) {
    anchor.product = product;
    anchor.ark = SpkiDigest(crypto::sha256(root->spki).array());
    inputs.anchors = std::span(&anchor, 1);
    judge(*parsed, inputs, false);
  }
  return 0;
}
