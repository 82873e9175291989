// What judging a DCAP quote costs beyond the signatures that cannot be spared, for a TD quote under a test root.
//
//   build/release/bench/bench_dcap [rounds]
//
// "cold": quote, chain and full collateral as received, 9 signatures (quote, QE report, PCK leaf, PCK CA, TCB signer, TCB info, QE
// identity, two lists; the root's own comes on top). "collateral verified before": 3 (quote, QE report, leaf). "known leaf": 2. The
// yardstick is as many bare OpenSSL verifications (EVP, key parsed before, digest included) of the quote's signature, in the same
// round and next to it, so that a busy machine slows all alike; medians over the rounds are shown. Each row holds parse() of the quote too; parse() is
// also shown alone.
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "common/attest/evidence/dcap/evidence.h"
#include "tests/support/evidence_dcap.h"
#include "tests/support/expect.h"

namespace {

using namespace redoubt;

constexpr int kParses = 1000;  // per measurement

template <class F>
double microseconds(int calls, F call) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) {
    if (!call()) {
      std::fprintf(stderr, "bench_dcap: the quote was refused\n");
      std::exit(1);
    }
  }
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / calls;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Bare: one verification of a DER signature as a C program would write it.
class Bare {
 public:
  Bare(const crypto::EcdsaP256PrivateKey& key, ByteView message) : message_(to_bytes(message)) {
    const Bytes spki = key.public_key().spki();
    const auto* at = reinterpret_cast<const unsigned char*>(spki.data());
    key_.reset(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
    const auto signature = key.sign_digest(crypto::sha256(message));
    signature_ = test::der_sequence({test::der_integer(signature.r.view()), test::der_integer(signature.s.view())});
  }
  bool verify() const {
    const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
    return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature_.data()), signature_.size(),
                            reinterpret_cast<const unsigned char*>(message_.data()), message_.size()) == 1;
  }

 private:
  Bytes message_;
  Bytes signature_;
  std::unique_ptr<EVP_PKEY, Free> key_;
};

struct Row {
  const char* name;
  int signatures;
  std::vector<double> times;
  std::vector<double> ratios;
};

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 301;
  const test::DcapMaker maker(4, test::DcapMaker::kTd10);
  const Bytes quote = maker.quote();
  const endorse::RawCollateral raw = maker.collateral();
  const endorse::RootPin pin = maker.pin();
  const Bare bare(maker.attestation_key, ByteView(quote).first(632));

  dcap::Inputs cold;
  cold.roots = std::span(&pin, 1);
  cold.now = maker.now;
  cold.raw_collateral = &raw;
  const dcap::Outcome first = dcap::authenticate(OrDie(dcap::parse(quote)), cold);
  if (!first.authentic) {
    std::fprintf(stderr, "bench_dcap: the quote was refused\n");
    return 1;
  }
  dcap::Inputs warm = cold;
  warm.raw_collateral = nullptr;
  warm.collateral = first.collateral.get();
  dcap::Inputs known = warm;
  known.known_chain = &*first.chain;

  const auto judge = [&](const dcap::Inputs& inputs) {
    const auto parsed = dcap::parse(quote);
    return parsed.ok() && dcap::authenticate(*parsed, inputs).authentic.has_value();
  };
  std::vector<double> yardstick;
  std::vector<double> parsing;
  Row rows[] = {{"cold, full collateral", 9, {}, {}}, {"collateral verified before", 3, {}, {}}, {"known leaf", 2, {}, {}}};
  const dcap::Inputs* inputs[] = {&cold, &warm, &known};
  for (int round = 0; round < rounds; ++round) {
    if (round % 10 == 0) parsing.push_back(microseconds(kParses, [&] { return dcap::parse(quote).ok(); }));
    for (std::size_t i = 0; i < std::size(rows); ++i) {
      const double one = microseconds(rows[i].signatures, [&] { return bare.verify(); });
      const double time = microseconds(1, [&] { return judge(*inputs[i]); });
      yardstick.push_back(one);
      rows[i].times.push_back(time);
      rows[i].ratios.push_back(time / (one * rows[i].signatures));
    }
  }
  std::printf("%-34s %10s %10s %8s\n", "", "us", "signatures", "ratio");
  std::printf("%-34s %10.1f %10d %8.2f\n", "bare OpenSSL ECDSA P-256", median(yardstick), 1, 1.0);
  std::printf("%-34s %10.2f %10d %8s\n", "parse of a quote", median(parsing), 0, "-");
  for (const Row& row : rows) {
    std::printf("%-34s %10.1f %10d %8.2f\n", row.name, median(row.times), row.signatures, median(row.ratios));
  }
  std::printf("collateral: TCB info %zu bytes, QE identity %zu bytes; quote %zu bytes\n", raw.tcb_info.size(),
              raw.qe_identity.size(), quote.size());
  return 0;
}
