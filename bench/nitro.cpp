// What the verification of a Nitro document costs beyond the signatures that cannot be spared.
//
//   build/release/bench/bench_nitro [rounds]
//
// A document made under a root of the tests, with the shape and sizes of AWS's. "known instance": the chain above the leaf was verified
// before, so that two P-384 verifications remain, leaf and document. The yardstick is two bare ECDSA P-384 verifications of the same
// bytes, keys parsed before, in the same round, so that a busy machine slows all alike; medians over the rounds are shown.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/support/evidence_nitro.h"
#include "tests/support/expect.h"

namespace {

using namespace redoubt;

template <class F>
double microseconds(int calls, F call) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) {
    if (!call()) {
      std::fprintf(stderr, "bench_nitro: the document was refused\n");
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
  std::vector<double> times;
  std::vector<double> ratios;
};

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 31;
  const test::NitroSample sample;
  const Bytes document = sample.encode();
  const crypto::RootPin root = sample.root();
  nitro::Inputs inputs{.roots = {&root, 1}, .now = test::kNitroTime};
  const auto parsed = OrDie(nitro::parse(document));
  const nitro::Outcome first = nitro::authenticate(parsed, inputs);
  nitro::Inputs known = inputs;
  known.verified_chain = first.chain ? &*first.chain : nullptr;

  const auto cose = OrDie(crypto::CoseSign1::parse(document, crypto::CoseTag::optional));
  const Bytes signed_bytes = cose.to_be_signed();
  const auto leaf = OrDie(crypto::CertificateView::parse(sample.certificates[4].der));
  const auto instance = OrDie(crypto::CertificateView::parse(sample.certificates[3].der));
  const auto leaf_key = OrDie(leaf.public_key());
  const auto instance_key = OrDie(instance.public_key());

  std::vector<double> yardstick;
  Row rows[] = {{"known instance", {}, {}}, {"known instance, with parse()", {}, {}}, {"cold", {}, {}}, {"parse()", {}, {}}};
  for (int round = 0; round < rounds; ++round) {
    const double two = microseconds(10, [&] {
      return leaf_key.verify_raw(crypto::SignatureScheme::ecdsa_sha384, signed_bytes, cose.signature).ok() &&
             instance_key.verify(crypto::SignatureScheme::ecdsa_sha384, leaf.tbs, leaf.signature).ok();
    });
    yardstick.push_back(two);
    const double times[] = {
        microseconds(10, [&] { return nitro::authenticate(parsed, known).authentic.has_value(); }),
        microseconds(10,
                     [&] {
                       const auto again = nitro::parse(document);
                       return again.ok() && nitro::authenticate(*again, known).authentic.has_value();
                     }),
        microseconds(10, [&] { return nitro::authenticate(parsed, inputs).authentic.has_value(); }),
        microseconds(1000, [&] { return nitro::parse(document).ok(); })};
    for (std::size_t i = 0; i < std::size(rows); ++i) {
      rows[i].times.push_back(times[i]);
      rows[i].ratios.push_back(times[i] / two);
    }
  }
  std::printf("%-38s %10s %8s\n", "", "us", "ratio");
  std::printf("%-38s %10.1f %8.2f\n", "two ECDSA P-384 verifications", median(yardstick), 1.0);
  for (const Row& row : rows) std::printf("%-38s %10.1f %8.3f\n", row.name, median(row.times), median(row.ratios));
  return 0;
}
