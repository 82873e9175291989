// SEV-SNP Evidence for tests: reports, endorsement keys, roots and revocation lists under keys that each run makes anew, so that a
// verifier accepts them only with these roots as explicit anchors. Every part can be made wrong on purpose.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/attest/evidence/snp/evidence.h"

namespace redoubt::test {

// A key that signs certificates (RSA) or reports (P-384).
class SnpKey {
 public:
  static SnpKey rsa();
  static SnpKey p384();
  Bytes spki() const;
  Bytes sign_pss_sha384(ByteView message) const;
  // r and s, big-endian, 48 bytes each.
  Bytes sign_ecdsa_sha384(ByteView message) const;

 private:
  explicit SnpKey(std::shared_ptr<void> key) : key_(std::move(key)) {}
  std::shared_ptr<void> key_;
};

struct SnpExtension {
  std::string oid;  // "3.1": below 1.3.6.1.4.1.3704.1
  Bytes value;
};

// What a leaf says. Defaults: those that leaf_spec() gives for a product.
struct SnpLeafSpec {
  amd::KeyKind kind = amd::KeyKind::vcek;
  std::string subject = "SEV-VCEK";
  std::string issuer = "SEV-Milan";
  std::string organization = "Advanced Micro Devices";
  Bytes serial = {std::byte{0}};
  Interval validity{Instant(1767225600), Instant(1987977600)};  // 2026-01-01 to 2032-12-31
  std::vector<SnpExtension> extensions;

  // value: of the extension; ends the test when there is none.
  Bytes& value(std::string_view oid);
  void remove(std::string_view oid);
};

// leaf_spec: the eleven extensions of a leaf that fits report_of(product, kind).
SnpLeafSpec leaf_spec(amd::Product product, amd::KeyKind kind);

// The authorities of one product.
class SnpAuthority {
 public:
  explicit SnpAuthority(amd::Product product);

  amd::Anchor anchor() const;
  const Bytes& ark() const { return ark_; }
  const Bytes& intermediate(amd::KeyKind kind) const { return kind == amd::KeyKind::vcek ? ask_ : asvk_; }
  // leaf: a certificate for `key`, signed by the intermediate of spec.kind.
  Bytes leaf(const SnpLeafSpec& spec, const SnpKey& key) const;
  // crl: signed by the ARK.
  Bytes crl(const std::vector<Bytes>& serials, Interval window) const;
  // crl_by_intermediate: the same, by the ASK, which may not sign lists.
  Bytes crl_by_intermediate(Interval window) const;
  // other_intermediate: an ASK that this ARK signed with another key than the pinned one.
  Bytes other_intermediate(const SnpKey& key) const;

 private:
  Bytes ca(std::string_view subject, const SnpKey& key, std::uint32_t serial, bool root) const;
  Bytes list(const std::string& issuer, const SnpKey& key, const std::vector<Bytes>& serials, Interval window) const;

  amd::Product product_;
  SnpKey ark_key_, ask_key_, asvk_key_;
  Bytes ark_, ask_, asvk_;
};

inline constexpr std::uint32_t kSnpAskSerial = 0x10001;

// report_of: 1184 bytes, not signed; version 3 (Turin: 5) with the TCB and the chip id of leaf_spec.
Bytes report_of(amd::Product product, amd::KeyKind kind = amd::KeyKind::vcek);
// sign_report: writes r and s over what the report holds now.
void sign_report(Bytes& report, const SnpKey& key);

// A report with all that a verifier needs to accept it; a test changes a member before it asks.
struct SnpSample {
  explicit SnpSample(amd::Product product = amd::Product::milan, amd::KeyKind kind = amd::KeyKind::vcek);

  // resign: after a change of `report` or `spec`, by the right keys.
  void resign();
  snp::Inputs inputs() const;
  snp::Outcome authenticate() const;
  // failures: ids of the failed checks, or "parse"; ends the test when verdict and checks contradict each other.
  std::vector<std::string> failures() const;

  amd::Product product;
  amd::KeyKind kind;
  const SnpAuthority* authority;  // of the product, one a process
  SnpKey key;
  SnpLeafSpec spec;
  Bytes report, leaf, intermediate, ark, crl;
  std::vector<amd::Anchor> anchors;
  Instant now{1780272000};  // 2026-06-01
};

// snp_authority: made once a process for each product: RSA keys take time.
const SnpAuthority& snp_authority(amd::Product product);

// failed_ids: ids of failed checks in an outcome, in order; ends the program unless each of N1 to N7 and N13 is there once and the verdict
// follows from them.
std::vector<std::string> failed_ids(const snp::Outcome& outcome);

}  // namespace redoubt::test
