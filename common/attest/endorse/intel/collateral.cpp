#include "common/attest/endorse/intel/collateral.h"

#include <algorithm>
#include <bit>

#include "common/attest/endorse/intel/collateral_parts.h"
#include "common/crypto/root_pin.h"

namespace redoubt::endorse {

namespace {

// The key of "Intel SGX Root CA", valid 2018-05-21 to 2049-12-31, of which Intel publishes the certificate.
constexpr std::array<std::uint8_t, 32> kIntelSgxRoot = {
    0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4, 0x13, 0x2f, 0x91, 0x86, 0x06, 0x8a, 0x7f, 0xc1,
    0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35, 0x77, 0x74, 0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e};

constexpr auto kIntelSgxRootCertificate = crypto::digest_literal("44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");

// without_zeros: numbers compare as their length, then their bytes.
ByteView without_zeros(ByteView number) {
  while (!number.empty() && number.front() == std::byte{0}) number = number.subspan(1);
  return number;
}

bool below(ByteView a, ByteView b) {
  if (a.size() != b.size()) return a.size() < b.size();
  return std::ranges::lexicographical_compare(a, b);
}

template <class Map, class Key>
Status not_below(const Map& seen, const Key& key, std::uint32_t found, std::string_view what) {
  const auto before = seen.find(key);
  if (before == seen.end() || found >= before->second) return {};
  return Error(Code::freshness, std::string(what) + ": expected evaluation number at least " + std::to_string(before->second) +
                                    " as seen before, found " + std::to_string(found));
}

}  // namespace

// CollateralVerifier: the one that may make a VerifiedCollateral.
class CollateralVerifier {
 public:
  static CollateralOutcome verify(const RawCollateral& raw, const CollateralInputs& inputs) {
    auto parts = read_parts(raw, inputs);
    CollateralOutcome out;
    if (judge(*parts, inputs, out.checks)) out.verified.reset(new VerifiedCollateral(std::move(parts)));
    return out;
  }
  static void recheck(const VerifiedCollateral& collateral, const CollateralInputs& inputs, std::vector<attest::Check>& checks) {
    static_cast<void>(judge(*collateral.parts_, inputs, checks));
  }
};

const RootPin& intel_sgx_root() {
  static const RootPin pin(std::bit_cast<std::array<std::byte, 32>>(kIntelSgxRoot));
  return pin;
}

const crypto::Sha256Digest& intel_sgx_root_certificate() { return kIntelSgxRootCertificate; }

Result<std::vector<Bytes>> certificates(ByteView pem_or_der) {
  if (!pem_or_der.empty() && pem_or_der.front() == std::byte{0x30}) {
    REDOUBT_TRY(const auto view, crypto::CertificateView::parse(pem_or_der));
    return std::vector<Bytes>{to_bytes(view.der)};
  }
  return crypto::pem_decode(as_text(pem_or_der), "CERTIFICATE", RawCollateral::kMaxCertificates);
}

VerifiedCollateral::VerifiedCollateral(std::unique_ptr<const CollateralParts> parts) : parts_(std::move(parts)) {}
VerifiedCollateral::~VerifiedCollateral() = default;

const TcbInfo& VerifiedCollateral::tcb_info() const { return parts_->tcb_info; }
const QeIdentity& VerifiedCollateral::qe_identity() const { return parts_->qe_identity; }
const crypto::CertificateView& VerifiedCollateral::pck_issuer() const { return *parts_->pck_issuer; }
const crypto::PublicKey& VerifiedCollateral::pck_issuer_key() const { return *parts_->pck_issuer_key; }
const crypto::CertificateView& VerifiedCollateral::root_certificate() const { return *parts_->root; }
const RootPin& VerifiedCollateral::root() const { return parts_->root_pin; }
const Interval& VerifiedCollateral::validity() const { return parts_->validity; }
crypto::Sha256Digest VerifiedCollateral::digest() const { return parts_->digest(); }
ByteView VerifiedCollateral::root_crl_number() const { return without_zeros(*parts_->root_crl->number); }
ByteView VerifiedCollateral::pck_crl_number() const { return without_zeros(*parts_->pck_crl->number); }

CollateralOutcome verify_collateral(const RawCollateral& raw, const CollateralInputs& inputs) {
  return CollateralVerifier::verify(raw, inputs);
}

std::vector<attest::Check> recheck_collateral(const VerifiedCollateral& collateral, const CollateralInputs& inputs) {
  std::vector<attest::Check> checks;
  recheck_collateral(collateral, inputs, checks);
  return checks;
}

void recheck_collateral(const VerifiedCollateral& collateral, const CollateralInputs& inputs, std::vector<attest::Check>& checks) {
  CollateralVerifier::recheck(collateral, inputs, checks);
}

Status HighWater::check_and_raise(const VerifiedCollateral& collateral) {
  const auto family = std::make_pair(collateral.tee(), collateral.tcb_info().fmspc);
  const std::uint32_t qe_number = collateral.qe_identity().evaluation_number;
  REDOUBT_CHECK(not_below(evaluation_numbers, family, collateral.evaluation_number(), "TCB info"));
  REDOUBT_CHECK(not_below(qe_evaluation_numbers, collateral.tee(), qe_number, "QE identity"));
  const std::pair<crypto::Sha256Digest, ByteView> lists[] = {
      {collateral.root(), collateral.root_crl_number()},
      {crypto::sha256(collateral.pck_issuer().spki), collateral.pck_crl_number()},
  };
  for (const auto& [issuer, number] : lists) {
    const auto seen = crl_numbers.find(issuer);
    if (seen == crl_numbers.end() || !below(number, seen->second)) continue;
    return Error(Code::freshness, "collateral: expected CRL number at least " + hex_encode(seen->second) + " as seen before, found " +
                                      hex_encode(number));
  }
  evaluation_numbers[family] = collateral.evaluation_number();
  qe_evaluation_numbers[collateral.tee()] = qe_number;
  for (const auto& [issuer, number] : lists) crl_numbers[issuer] = to_bytes(number);
  return {};
}

}  // namespace redoubt::endorse
