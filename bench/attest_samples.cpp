#include "bench/attest_samples.h"

#include "common/attest/evidence/eventlog/boot.h"
#include "common/base/writer.h"
#include "common/crypto/cose_sign1.h"
#include "tests/support/evidence_dcap.h"
#include "tests/support/evidence_nitro.h"
#include "tests/support/evidence_snp.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::bench {
namespace {

using crypto::HashKind;
using enum Bare::Key;

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

// dcap_signatures: those of the quote, and with `platform` those of its PCK chain, and with `collateral` those of the collateral.
enum class Known { nothing, collateral, platform };
Bare dcap_signatures(const test::DcapMaker& maker, const Bytes& bytes, Known known) {
  const auto quote = OrDie(dcap::RawQuote::parse(bytes));
  const auto spki = [](const crypto::EcdsaP256PrivateKey& key) { return key.public_key().spki(); };
  Bare bare;
  bare.add_raw(arrives, spki(maker.attestation_key), HashKind::sha256, quote.signed_bytes(), quote.signature());
  bare.add_raw(known == Known::platform ? Bare::Key::known : arrives, spki(maker.pck_key), HashKind::sha256, quote.qe_report_bytes(), quote.qe_signature());
  if (known == Known::platform) return bare;
  const std::vector<Bytes> chain = maker.chain();
  if (known == Known::collateral) {
    bare.add_chain(std::span(chain).first(2), 1);
    return bare;
  }
  bare.add_chain(chain, 1);
  const endorse::RawCollateral raw = maker.collateral();
  const auto info = OrDie(endorse::parse_tcb_info(as_text(raw.tcb_info)));
  const auto identity = OrDie(endorse::parse_qe_identity(as_text(raw.qe_identity)));
  bare.add_chain(raw.tcb_signing_chain, 1);
  bare.add_raw(arrives, spki(maker.signer_key), HashKind::sha256, as_bytes(info.signed_bytes), info.signature.view());
  bare.add_raw(arrives, spki(maker.signer_key), HashKind::sha256, as_bytes(identity.signed_bytes), identity.signature.view());
  bare.add_crl(Bare::Key::known, spki(maker.root_key), raw.root_crl);
  bare.add_crl(arrives, spki(maker.authority_key), raw.pck_crl);
  return bare;
}

void add_dcap(std::vector<Sample>& out, const std::string& name, std::uint16_t body_type) {
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

  const auto add = [&](const std::string& what, Known known) {
    sample.name = name + ", " + what;
    sample.bare = dcap_signatures(maker, sample.evidence.bytes, known);
    sample.signatures = std::to_string(sample.bare.size()) + " P-256";
    out.push_back(sample);
  };
  add("cold, full collateral", Known::nothing);
  const endorse::RootPin pin = maker.pin();
  const endorse::RawCollateral raw = sample.endorsements.intel.front();
  const dcap::Outcome first = dcap::authenticate(OrDie(dcap::parse(sample.evidence.bytes)),
                                                 {.roots = {&pin, 1}, .now = maker.now, .raw_collateral = &raw});
  sample.endorsements.intel.clear();
  sample.endorsements.verified_intel = {first.collateral};
  sample.known = true;
  add("collateral verified before", Known::collateral);
  sample.endorsements.verified_pck = std::make_shared<const dcap::VerifiedPckChain>(first.chain.value());
  add("known PCK leaf", Known::platform);
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
  Bytes signature = reversed(report.subspan(0x2a0, 48));
  append(signature, reversed(report.subspan(0x2e8, 48)));
  sample.bare.add_raw(Bare::Key::known, made.key.spki(), HashKind::sha384, report.first(snp::kSignedSize), signature);
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
  std::vector<Bytes> path;  // leaf first, root last
  for (const auto& certificate : made.certificates) path.insert(path.begin(), certificate.der);
  sample.bare.add_raw(arrives, leaf.spki, HashKind::sha384, cose.to_be_signed(), cose.signature);
  Bare cold = sample.bare;
  cold.add_chain(path, 1);
  sample.bare.add_chain(std::span(path).first(2), 1);
  sample.name = "Nitro, known instance chain";
  sample.signatures = "2 P-384";
  sample.known = true;
  const auto outcome = nitro::authenticate(OrDie(nitro::parse(sample.evidence.bytes)), {.roots = {&root, 1}, .now = sample.now});
  sample.endorsements.verified_nitro = std::make_shared<const nitro::VerifiedInstanceChain>(outcome.chain.value());
  out.push_back(sample);
  sample.name = "Nitro, cold";
  sample.signatures = "5 P-384";
  sample.known = false;
  sample.bare = std::move(cold);
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
  sample.bare.add_raw(Bare::Key::known, key.spki(), HashKind::sha256, raw.attest, signature.value);
  sample.endorsements.verified_ek =
      std::make_shared<const tpm::VerifiedEk>(OrDie(tpm::verify_ek(raw.ek_certificate, raw.ek_intermediates, verifier.roots, verifier.now)));
  sample.endorsements.verified_enrolments = {OrDie(tpm::VerifiedEnrolment::of(verifier.enrolments.at(0), raw.ak_public))};
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
  add_dcap(out, "TDX", test::DcapMaker::kTd10);
  add_dcap(out, "SGX", test::DcapMaker::kSgx);
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
