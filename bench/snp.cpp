// What the verification of an SEV-SNP report costs beyond the one signature that cannot be spared.
//
//   build/release/bench/bench_snp [rounds]
//
// A report, chain and revocation list under test keys (RSA-2048 where AMD has RSA-4096). "cold": certificates and list are verified too.
// "warm": proofs of them come from a cache. The yardstick is one ECDSA P-384 verification over the same bytes with the same key, parsed
// before, in the same round, so that a busy machine slows all alike; medians over the rounds are shown.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/support/evidence_snp.h"
#include "tests/support/expect.h"

namespace {

using namespace redoubt;

template <class F>
double microseconds(int calls, F call) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) {
    if (!call()) {
      std::fprintf(stderr, "bench_snp: the report was refused\n");
      std::exit(1);
    }
  }
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / calls;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

struct Row {
  const char* name;
  std::vector<double> times, ratios;
};

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 21;
  test::SnpSample sample;
  sample.crl = sample.authority->crl({}, {sample.now.plus_seconds(-1000), sample.now.plus_seconds(1000)});
  const auto chain = OrDie(amd::verify_chain(sample.intermediate, sample.ark, sample.anchors, sample.now));
  const auto vcek = OrDie(amd::verify_vcek(sample.leaf, chain, sample.now));
  const auto list = OrDie(amd::verify_crl(sample.crl, chain, sample.now));
  const snp::Inputs cold = sample.inputs();
  snp::Inputs warm = cold;
  warm.verified_vcek = &vcek;
  warm.verified_crl = &list;
  const auto parsed = OrDie(snp::parse(sample.report));

  const ByteView message = ByteView(sample.report).first(snp::kSignedSize);
  Bytes signature(96);
  std::reverse_copy(sample.report.begin() + 0x2a0, sample.report.begin() + 0x2a0 + 48, signature.begin());
  std::reverse_copy(sample.report.begin() + 0x2e8, sample.report.begin() + 0x2e8 + 48, signature.begin() + 48);

  std::vector<double> yardstick;
  Row rows[] = {{"warm", {}, {}}, {"warm, with parse()", {}, {}}, {"cold", {}, {}}, {"parse()", {}, {}}};
  for (int round = 0; round < rounds; ++round) {
    const double one = microseconds(
        20, [&] { return vcek.leaf().key.verify_raw(crypto::SignatureScheme::ecdsa_sha384, message, signature).ok(); });
    yardstick.push_back(one);
    const double times[] = {
        microseconds(20, [&] { return snp::authenticate(parsed, warm).authentic.has_value(); }),
        microseconds(20, [&] { return snp::authenticate(OrDie(snp::parse(sample.report)), warm).authentic.has_value(); }),
        microseconds(20, [&] { return snp::authenticate(parsed, cold).authentic.has_value(); }),
        microseconds(2000, [&] { return snp::parse(sample.report).ok(); })};
    for (std::size_t i = 0; i < std::size(rows); ++i) {
      rows[i].times.push_back(times[i]);
      rows[i].ratios.push_back(times[i] / one);
    }
  }
  std::printf("%-34s %10s %8s\n", "", "us", "ratio");
  std::printf("%-34s %10.2f %8.3f\n", "one ECDSA P-384 verification", median(yardstick), 1.0);
  for (const Row& row : rows) std::printf("%-34s %10.2f %8.3f\n", row.name, median(row.times), median(row.ratios));
  return 0;
}
