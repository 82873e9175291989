// Evidence and heaps of collateral for the tests of this room: made under test roots, in files whose names say nothing.
#pragma once

#include "common/attest/verifier/verifier.h"
#include "common/base/encoding.h"
#include "tests/support/evidence_azure.h"
#include "tests/support/evidence_dcap.h"
#include "tests/support/evidence_nitro.h"
#include "tests/support/evidence_snp.h"
#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"

namespace redoubt::verifier {

inline const Bytes& sample_nonce() {
  static const Bytes nonce(32, std::byte{0x6e});
  return nonce;
}

// dcap_maker: a platform whose quotes answer sample_nonce().
inline test::DcapMaker dcap_maker(std::uint16_t version = 4, std::uint16_t body = test::DcapMaker::kTd10) {
  test::DcapMaker maker(version, body);
  const std::size_t offset = body == test::DcapMaker::kSgx ? 320 : 520;
  test::put(maker.body, offset, Bytes(64));
  test::put(maker.body, offset, sample_nonce());
  constexpr std::size_t kServiceTd = 600;
  if (body == test::DcapMaker::kTd15) test::put(maker.body, kServiceTd, Bytes(48));
  return maker;
}

inline std::string pem_of(std::string_view label, ByteView der) {
  std::string out = "-----BEGIN " + std::string(label) + "-----\n";
  const std::string base64 = base64_encode(der);
  for (std::size_t i = 0; i < base64.size(); i += 64) out += base64.substr(i, 64) + "\n";
  return out + "-----END " + std::string(label) + "-----\n";
}

inline std::vector<NamedFile> files_of(const endorse::RawCollateral& raw) {
  std::vector<NamedFile> files{{"a.txt", raw.tcb_info}, {"b", raw.qe_identity}, {"readme.md", raw.root_crl}, {"tcbinfo.json", to_bytes(pem_of("X509 CRL", raw.pck_crl))}};
  std::string bundle;
  for (const Bytes& der : raw.tcb_signing_chain) bundle += pem_of("CERTIFICATE", der);
  files.push_back({"crl.der", to_bytes(bundle)});
  for (const Bytes& der : raw.pck_issuers) files.push_back({"x" + std::to_string(files.size()), der});
  return files;
}

// with_root: the strict policy with roots of a test in the place of the vendors'.
inline appraise::Policy with_root(const crypto::Sha256Digest& spki) {
  appraise::Policy policy = strict_policy();
  const appraise::VendorRoot root{{}, "test", spki};
  policy.name = "test roots";
  policy.platforms.sgx->tcb.roots = {root};
  policy.platforms.tdx->tcb.roots = {root};
  policy.platforms.snp->roots = {root};
  policy.platforms.snp->accept_masked_chip_id = true;
  policy.platforms.azure->snp = policy.platforms.snp;
  policy.platforms.azure->tdx = policy.platforms.tdx;
  return policy;
}

inline std::vector<NamedFile> files_of(const test::SnpSample& sample) {
  std::vector<NamedFile> files{{"1", sample.leaf}, {"2", to_bytes(pem_of("CERTIFICATE", sample.intermediate))}, {"3", sample.ark}};
  if (!sample.crl.empty()) files.push_back({"4", sample.crl});
  return files;
}

// A composite of Azure's whose TPM quote answers sample_nonce(), with its policy, collateral and time.
struct AzureScene {
  explicit AzureScene(azure::Hardware hardware) : sample(hardware) {
    sample.quote.nonce = sample_nonce();
    sample.remake();
  }
  Bytes bytes() const { return sample.raw.encode(); }
  bool snp() const { return sample.hardware == azure::Hardware::snp; }
  Instant now() const { return snp() ? sample.snp.now : sample.tdx->issue_date.plus_seconds(1); }
  appraise::Policy policy() const {
    appraise::Policy policy = with_root(snp() ? crypto::Sha256Digest(sample.snp.authority->anchor().ark.array()) : sample.tdx->pin());
    const crypto::RootPin& pin = sample.ak_roots.front();
    policy.platforms.azure->ak_roots = {{pin.certificate, std::string(pin.name), pin.spki}};
    return policy;
  }
  std::vector<NamedFile> files() const { return snp() ? files_of(sample.snp) : files_of(sample.tdx->collateral()); }

  test::AzureSample sample;
};
inline constexpr azure::Hardware kAzureHardware[] = {azure::Hardware::snp, azure::Hardware::tdx};

// token_text: a Confidential Space token with sample_nonce() as text; token_keys: the set that signs it.
inline const test::Signer& token_signer() { return test::test_signer(test::SignerKind::rsa2048, "verifier"); }
inline std::string token_text(std::string_view nonce) {
  return test::make_token(R"({"alg":"RS256","kid":"k1","typ":"JWT"})",
                          test::edited(test::edited(test::confidential_space_payload(), "first nonce of the sample", nonce), R"("cmd_override":["--slow"],)", ""),
                          "RS256", token_signer());
}

inline std::set<std::string> failed_of(const appraise::Appraisal& appraisal) {
  std::set<std::string> ids;
  for (const attest::Check& check : appraisal.checks) {
    if (check.outcome == attest::Outcome::failed) ids.emplace(attest::id_text(check.id));
  }
  return ids;
}

}  // namespace redoubt::verifier
