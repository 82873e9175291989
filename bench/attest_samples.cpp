#include "bench/attest_samples.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/attest/evidence/eventlog/boot.h"
#include "common/base/writer.h"
#include "common/crypto/cose_sign1.h"
#include "tests/support/evidence_dcap.h"
#include "tests/support/evidence_nitro.h"
#include "tests/support/evidence_snp.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::bench {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Bare: one verification of an ECDSA signature as a C program would write it.
class Bare {
 public:
  Bare(ByteView spki, const EVP_MD* digest, ByteView message, ByteView r, ByteView s)
      : message_(to_bytes(message)), signature_(test::der_sequence({test::der_integer(r), test::der_integer(s)})), digest_(digest) {
    const auto* at = reinterpret_cast<const unsigned char*>(spki.data());
    key_ = std::shared_ptr<EVP_PKEY>(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())), Free());
  }
  bool operator()() const {
    const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
    return EVP_DigestVerifyInit(context.get(), nullptr, digest_, nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature_.data()), signature_.size(),
                            reinterpret_cast<const unsigned char*>(message_.data()), message_.size()) == 1;
  }

 private:
  Bytes message_, signature_;
  const EVP_MD* digest_;
  std::shared_ptr<EVP_PKEY> key_;
};

// times: `count` verifications.
std::function<bool()> times(int count, Bare bare) {
  return [count, bare = std::move(bare)] {
    for (int i = 0; i < count; ++i) {
      if (!bare()) return false;
    }
    return true;
  };
}

Bytes reversed(ByteView bytes) { return {bytes.rbegin(), bytes.rend()}; }

appraise::Policy policy() {
  appraise::Policy policy;
  policy.name = "benchmark";
  policy.workload = "any";
  policy.accept_host_asserted = false;
  policy.accept_software_tpm = false;
  return policy;
}

appraise::Challenge challenge(ByteView report_data) {
  appraise::Challenge challenge;
  challenge.report_data = to_bytes(report_data);
  return challenge;
}

void add_dcap(std::vector<Sample>& out, const std::string& name, std::uint16_t body_type, std::size_t signed_size) {
  test::DcapMaker maker(4, body_type);
  maker.level_count = 5;  // a TCB info of 9 kB, the size of the largest that Intel gave for TDX and SGX in 2026
  const bool td = body_type != test::DcapMaker::kSgx;
  Sample sample;
  sample.evidence = {td ? "tdx" : "sgx", maker.quote()};
  sample.endorsements.intel = {maker.collateral()};
  sample.challenge = challenge(ByteView(maker.body).last(64));
  appraise::Policy own = policy();
  appraise::TcbPolicy tcb;
  tcb.statuses = {"UpToDate"};
  tcb.roots = std::vector<appraise::VendorRoot>{{crypto::sha256(maker.root()), "a root of the tests", maker.pin()}};
  if (td) {
    own.platforms.tdx.emplace().tcb = tcb;
    own.platforms.tdx->require_sept_ve_disable = false;
  } else {
    own.platforms.sgx.emplace().tcb = tcb;
  }
  sample.policy = std::make_shared<const appraise::PreparedPolicy>(own);
  sample.now = maker.now;
  const ByteView message = ByteView(sample.evidence.bytes).first(signed_size);
  const auto signature = maker.attestation_key.sign_digest(crypto::sha256(message));
  const Bare bare(maker.attestation_key.public_key().spki(), EVP_sha256(), message, signature.r.view(), signature.s.view());

  const auto add = [&](const std::string& what, int count) {
    sample.name = name + ", " + what;
    sample.signatures = std::to_string(count) + " P-256";
    sample.bare = times(count, bare);
    out.push_back(sample);
  };
  add("cold, full collateral", 9);
  const endorse::RootPin pin = maker.pin();
  const endorse::RawCollateral raw = maker.collateral();
  const dcap::Outcome first = dcap::authenticate(OrDie(dcap::parse(sample.evidence.bytes)),
                                                 {.roots = {&pin, 1}, .now = maker.now, .raw_collateral = &raw});
  sample.endorsements.intel.clear();
  sample.endorsements.verified_intel = {first.collateral};
  sample.known = true;
  add("collateral verified before", 3);
  sample.endorsements.verified_pck = std::make_shared<const dcap::VerifiedPckChain>(first.chain.value());
  add("known PCK leaf", 2);
}

void add_snp(std::vector<Sample>& out) {
  const test::SnpSample made;
  Sample sample;
  sample.name = "SEV-SNP, known VCEK";
  sample.signatures = "1 P-384";
  sample.known = true;
  sample.evidence = {"snp", made.report};
  sample.endorsements.amd = {{made.leaf, made.intermediate, made.ark, {}}};
  const amd::Anchor anchor{amd::Product::milan, made.anchors.at(0).ark, std::nullopt, std::nullopt};  // as the policy names it
  const auto chain = OrDie(amd::verify_chain(made.intermediate, made.ark, {&anchor, 1}, made.now));
  const auto vcek = OrDie(amd::verify_vcek(made.leaf, chain, made.now));
  sample.endorsements.verified_vcek = std::make_shared<const amd::VerifiedVcek>(vcek);
  sample.challenge = challenge(ByteView(made.report).subspan(0x50, 64));
  appraise::Policy own = policy();
  auto& section = own.platforms.snp.emplace();
  section.products = {"milan"};
  section.keys = {"VCEK"};
  section.accept_provisional_firmware = true;
  section.accept_migration_agent = true;
  section.accept_debug = true;
  section.maximum_vmpl = 3;
  section.roots = std::vector<appraise::VendorRoot>{
      {crypto::sha256(made.ark), "a root of the tests", appraise::Hash32(made.anchors.at(0).ark.array())}};
  sample.policy = std::make_shared<const appraise::PreparedPolicy>(own);
  sample.now = made.now;
  const ByteView report = made.report;
  sample.bare = times(1, Bare(made.key.spki(), EVP_sha384(), report.first(snp::kSignedSize), reversed(report.subspan(0x2a0, 48)),
                              reversed(report.subspan(0x2e8, 48))));
  out.push_back(std::move(sample));
}

void add_nitro(std::vector<Sample>& out) {
  const test::NitroSample made;
  Sample sample;
  sample.evidence = {"nitro", made.encode()};
  sample.challenge = challenge(Bytes(16, std::byte{9}));
  appraise::Policy own = policy();
  auto& section = own.platforms.nitro.emplace();
  section.maximum_age_seconds = 300;
  const crypto::RootPin root = made.root();
  section.roots = std::vector<appraise::VendorRoot>{{root.certificate, "a root of the tests", root.spki}};
  sample.policy = std::make_shared<const appraise::PreparedPolicy>(own);
  sample.now = test::kNitroTime.plus_seconds(1);
  const auto cose = OrDie(crypto::CoseSign1::parse(sample.evidence.bytes, crypto::CoseTag::optional));
  const auto leaf = OrDie(crypto::CertificateView::parse(made.certificates[4].der));
  const auto instance = OrDie(crypto::CertificateView::parse(made.certificates[3].der));
  const Bare document(leaf.spki, EVP_sha384(), cose.to_be_signed(), cose.signature.first(48), cose.signature.last(48));
  sample.bare = times(2, document);
  sample.name = "Nitro, known instance chain";
  sample.signatures = "2 P-384";
  sample.known = true;
  const auto outcome = nitro::authenticate(OrDie(nitro::parse(sample.evidence.bytes)), {.roots = {&root, 1}, .now = sample.now});
  sample.endorsements.verified_nitro = std::make_shared<const nitro::VerifiedInstanceChain>(outcome.chain.value());
  out.push_back(sample);
  sample.name = "Nitro, cold";
  sample.signatures = "5 P-384";
  sample.known = false;
  sample.bare = times(5, document);
  sample.endorsements.verified_nitro = nullptr;
  out.push_back(std::move(sample));
}

void add_tpm(std::vector<Sample>& out) {
  const tpm::RawEvidence raw = test::tpm_evidence("good");
  const test::TpmVerifier verifier("good");
  Sample sample;
  sample.evidence = {"tpm", test::without_logs(raw).encode()};
  sample.challenge = challenge(verifier.nonce);
  sample.endorsements.tpm_roots = verifier.roots;
  sample.endorsements.enrolments = verifier.enrolments;
  sample.endorsements.self = verifier.enrollers.at(0);
  appraise::Policy own = policy();
  own.accept_host_asserted = true;
  own.accept_software_tpm = true;
  own.platforms.tpm.emplace().anchors = {{verifier.roots.at(0).digest(), "local CA of the capture", true}};
  sample.policy = std::make_shared<const appraise::PreparedPolicy>(own);
  sample.now = verifier.now;
  const auto ak = OrDie(tpm::Public::parse(raw.ak_public));
  const auto key = OrDie(crypto::EcdsaP256PublicKey::from_point(ak.ecc()->x.view(), ak.ecc()->y.view()));
  const auto signature = OrDie(tpm::Signature::parse(raw.signature));
  sample.bare = times(1, Bare(key.spki(), EVP_sha256(), raw.attest, ByteView(signature.value).first(32), ByteView(signature.value).last(32)));
  sample.endorsements.verified_ek =
      std::make_shared<const tpm::VerifiedEk>(OrDie(tpm::verify_ek(raw.ek_certificate, raw.ek_intermediates, verifier.roots, verifier.now)));
  sample.endorsements.verified_enrolments = {OrDie(tpm::VerifiedEnrolment::of(verifier.enrolments.at(0)))};
  sample.known = true;
  sample.name = "TPM, known AK, quote alone";
  sample.signatures = "1 P-256";
  out.push_back(sample);
  sample.name = "TPM, known AK, firmware and IMA logs";
  sample.evidence.bytes = raw.encode();
  sample.known = false;
  out.push_back(std::move(sample));
}

// firmware_log: `count` events with digests of SHA-1, SHA-256 and SHA-384, after the header event.
Bytes firmware_log(int count) {
  constexpr std::uint16_t kAlgorithms[][2] = {{4, 20}, {0xb, 32}, {0xc, 48}};
  Writer spec;
  spec.bytes(as_bytes(std::string_view("Spec ID Event03\0", 16))).u32le(0).u8(0).u8(2).u8(0).u8(2).u32le(3);
  for (const auto& [algorithm, size] : kAlgorithms) spec.u16le(algorithm).u16le(size);
  const Bytes header = spec.u8(0).take();
  Writer log;
  log.u32le(0).u32le(eventlog::kEvNoAction).bytes(Bytes(20)).u32le(static_cast<std::uint32_t>(header.size())).bytes(header);
  for (int i = 0; i < count; ++i) {
    const bool separator = i < 8;
    const Bytes data(separator ? 4 : 64, separator ? std::byte{0} : static_cast<std::byte>(i));
    log.u32le(static_cast<std::uint32_t>(i % 8)).u32le(separator ? eventlog::kEvSeparator : eventlog::kEvEfiAction).u32le(3);
    log.u16le(4).bytes(Bytes(20)).u16le(0xb).bytes(crypto::sha256(data).view()).u16le(0xc).bytes(crypto::sha384(data).view());
    log.u32le(static_cast<std::uint32_t>(data.size())).bytes(data);
  }
  return log.take();
}

bool judge_log(ByteView bytes) {
  const auto log = eventlog::EventLog::parse(bytes);
  if (!log.ok()) return false;
  for (const eventlog::Bank& bank : log->banks) {
    if (!log->replay(bank)[7]) return false;
  }
  const eventlog::Bank* const bank = log->bank(eventlog::kSha256);
  return bank != nullptr && eventlog::check_data(*log, *bank).ok() && eventlog::check_separators(*log, *bank).ok() && eventlog::boot_facts(*log, *bank).ok();
}

}  // namespace

std::vector<Sample> samples() {
  std::vector<Sample> out;
  add_dcap(out, "TDX", test::DcapMaker::kTd10, 632);
  add_dcap(out, "SGX", test::DcapMaker::kSgx, 432);
  add_snp(out);
  add_nitro(out);
  add_tpm(out);
  return out;
}

std::vector<Parse> parses() {
  const Bytes quote = test::DcapMaker(4, test::DcapMaker::kTd10).quote();
  const Bytes report = test::SnpSample().report;
  const Bytes document = test::NitroSample().encode();
  const Bytes recorded = test::without_logs(test::tpm_evidence("good")).encode();
  const Bytes log = firmware_log(100);
  return {{"parse of a TDX quote", quote.size(), [quote] { return dcap::parse(quote).ok(); }},
          {"parse of a SEV-SNP report", report.size(), [report] { return snp::parse(report).ok(); }},
          {"parse of a Nitro document", document.size(), [document] { return nitro::parse(document).ok(); }},
          {"parse of a TPM quote without logs", recorded.size(), [recorded] { return tpm::parse(recorded).ok(); }},
          {"firmware log, 100 events, 3 banks", log.size(), [log] { return judge_log(log); }}};
}

}  // namespace redoubt::bench
