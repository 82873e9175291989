// Azure Evidence for tests: composites under keys that each run makes anew: an SEV-SNP report or a TD quote, an HCL report around it, a
// virtual TPM's quote and certificates of its attestation key. A verifier accepts them only with these roots as explicit anchors. Every
// part can be made wrong on purpose.
#pragma once

#include "common/attest/evidence/azure/evidence.h"
#include "tests/support/evidence_dcap.h"
#include "tests/support/evidence_snp.h"
#include "tests/support/evidence_tpm.h"

namespace redoubt::test {

// hcl_report: as an NV index holds it, padded with zeros to 2600 bytes or the next multiple of 8.
Bytes hcl_report(azure::Hardware hardware, ByteView hardware_report, ByteView runtime_data);
// runtime_data: the JSON, as the paravisor writes it.
std::string runtime_data(const Signer& ak, bool secure_boot = true);

// A composite with all that a verifier needs to accept it; a test changes a member, then asks.
struct AzureSample {
  explicit AzureSample(azure::Hardware with_hardware = azure::Hardware::snp);

  // remake: all parts of `raw` from the members, each signed by the right key, the hardware's last.
  void remake();
  azure::Inputs inputs() const;
  // failures: ids of the failed checks of the composite, or "parse", with the hardware's report judged first; ends the program when
  // verdict and checks contradict each other.
  std::set<std::string> failures() const;
  azure::Outcome authenticate() const;

  azure::Hardware hardware;
  SnpSample snp;
  std::shared_ptr<DcapMaker> tdx;  // copies share it
  std::string runtime;
  TpmQuoteSpec quote;
  bool with_certificates = true;
  SignerCertificate leaf;
  std::optional<Bytes> expected_nonce;
  std::vector<int> required_pcrs = {0, 7};
  std::vector<crypto::RootPin> ak_roots;
  bool ak_certificate_required = false;
  azure::RawComposite raw;
  Instant now{1790000000};
};

}  // namespace redoubt::test
