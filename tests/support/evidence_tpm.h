// TPM quotes and Evidence made in software, under keys that each run makes anew: attestation keys of every scheme, quotes over every
// bank, certificates of the attestation key under a test root. A verifier accepts them only with that root as an explicit anchor.
// Every part can be made wrong on purpose.
#pragma once

#include <set>

#include "common/attest/evidence/tpm/evidence.h"
#include "tests/support/evidence_token.h"

namespace redoubt::test {

// What a quote says.
struct TpmQuoteSpec {
  Bytes nonce = Bytes(32, std::byte{0x5a});
  Bytes qualified_signer = Bytes(34, std::byte{0x0b});
  std::uint16_t bank = tpm::kAlgSha256;
  std::map<int, Bytes> pcrs;
  crypto::HashKind digest = crypto::HashKind::sha256;  // of the PCR digest
  bool safe = true;
};
// tpm_attest: TPMS_ATTEST. tpm_values: values for PCR 0 to 7 of a bank.
Bytes tpm_attest(const TpmQuoteSpec& spec);
std::map<int, Bytes> tpm_values(std::uint16_t bank);

// tpm_sign: by an RSA or P-256 key, scheme and hash by their algorithm ids; the octets, or r and s.
Bytes tpm_sign(const Signer& key, std::uint16_t scheme, std::uint16_t hash, ByteView message);

// usage_extension: an extended key usage of one purpose, by the content of its OID.
SignerExtension usage_extension(const der::Oid& usage);

// Evidence of a certified attestation key with all that a verifier needs to accept it; a test changes a member, then asks.
struct TpmSample {
  explicit TpmSample(std::uint16_t with_scheme = tpm::kAlgRsassa, std::uint16_t with_hash = tpm::kAlgSha256,
                     std::uint16_t bank = tpm::kAlgSha256);

  // remake: all parts of `raw` from the members below, signed by the right keys.
  void remake();
  tpm::Inputs inputs() const;
  // failures: ids of the failed checks, or "parse"; ends the program when verdict and checks contradict each other.
  std::set<std::string> failures() const;

  std::uint16_t scheme, hash;
  std::uint32_t attributes = 0x00050472;  // fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, sign
  std::uint32_t exponent = 0;
  TpmQuoteSpec quote;
  SignerCertificate leaf;
  Bytes expected_nonce = quote.nonce;
  std::vector<int> required_pcrs = {0, 7};
  std::vector<crypto::Certificate> roots;
  std::vector<Bytes> lists;  // of revocation
  bool lists_required = false;
  std::vector<crypto::Sha256Digest> roots_without_usage;
  Instant now{1796083200};  // 2026-12-01
  tpm::RawEvidence raw;

 private:
  const Signer& ak_;
};

// The authority that certifies attestation keys in these tests: a root, and one intermediate below it.
Bytes tpm_test_root();
Bytes tpm_test_intermediate();
// tpm_crl: of the root, or of the intermediate.
Bytes tpm_crl(bool of_root, const std::vector<long>& revoked, Interval window);
// tpm_ak_certificate: by the intermediate.
Bytes tpm_ak_certificate(const SignerCertificate& profile, const Signer& key);

}  // namespace redoubt::test
