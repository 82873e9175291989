// What the verification of TPM Evidence costs beyond the one signature that cannot be spared.
//
//   build/release/bench/bench_tpm_verify [rounds]
//
// Evidence of a recorded boot (tests/golden/tpm-swtpm-qemu/good). "cold": chain of the EK certificate, enrolment signature, all
// logs. "warm": EK and enrolment from caches, the application log the only log, as when a client connects again. The yardstick is
// one ECDSA P-256 verification of the same quote, key parsed before, in the same round, so that a busy machine slows all alike;
// medians over the rounds are shown.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "common/crypto/ecdsa_p256.h"
#include "tests/support/tpm_vectors.h"

namespace {

using namespace redoubt;

constexpr int kCalls = 50;  // per measurement

template <class F>
double microseconds(F call) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kCalls; ++i) {
    if (!call()) {
      std::fprintf(stderr, "bench_tpm_verify: the Evidence was refused\n");
      std::exit(1);
    }
  }
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / kCalls;
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
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 21;
  const tpm::RawEvidence raw = test::tpm_evidence("good");
  tpm::RawEvidence light = raw;
  light.event_log.clear();
  light.ima_log.clear();
  const Bytes raw_bytes = raw.encode();
  const Bytes light_bytes = light.encode();
  const auto full = OrDie(tpm::parse(raw_bytes));
  const auto repeated = OrDie(tpm::parse(light_bytes));

  const test::TpmVerifier cold("good");
  test::TpmVerifier warm("good");
  const tpm::VerifiedEk ek = OrDie(tpm::verify_ek(raw.ek_certificate, raw.ek_intermediates, warm.roots, warm.now));
  warm.verified_ek = &ek;
  warm.verified_enrolments = {OrDie(tpm::VerifiedEnrolment::of(warm.enrolments.at(0)))};

  const auto ak = OrDie(tpm::Public::parse(raw.ak_public));
  const auto key = OrDie(crypto::EcdsaP256PublicKey::from_point(ak.ecc()->x.view(), ak.ecc()->y.view()));
  const auto signature = OrDie(tpm::Signature::parse(raw.signature));
  const auto digest = crypto::sha256(raw.attest);

  const tpm::Inputs cold_inputs = cold.inputs();
  const tpm::Inputs warm_inputs = warm.inputs();
  std::vector<double> yardstick;
  Row rows[] = {{"cold, all logs", {}, {}},
                {"warm, all logs", {}, {}},
                {"warm, application log", {}, {}},
                {"warm, application log, with parse()", {}, {}}};
  for (int round = 0; round < rounds; ++round) {
    const double one = microseconds([&] { return key.verify_digest(digest, signature.r.view(), signature.s.view()).ok(); });
    yardstick.push_back(one);
    const double times[] = {
        microseconds([&] { return tpm::authenticate(full, cold_inputs).authentic.has_value(); }),
        microseconds([&] { return tpm::authenticate(full, warm_inputs).authentic.has_value(); }),
        microseconds([&] { return tpm::authenticate(repeated, warm_inputs).authentic.has_value(); }),
        microseconds([&] {
          const auto parsed = tpm::parse(light_bytes);
          return parsed.ok() && tpm::authenticate(*parsed, warm_inputs).authentic.has_value();
        })};
    for (std::size_t i = 0; i < std::size(rows); ++i) {
      rows[i].times.push_back(times[i]);
      rows[i].ratios.push_back(times[i] / one);
    }
  }
  std::printf("%-38s %10s %8s\n", "", "us", "ratio");
  std::printf("%-38s %10.1f %8.2f\n", "one ECDSA P-256 verification", median(yardstick), 1.0);
  for (const Row& row : rows) std::printf("%-38s %10.1f %8.2f\n", row.name, median(row.times), median(row.ratios));
  return 0;
}
