#include "common/attest/endorse/intel/collateral_parts.h"

#include <algorithm>

namespace redoubt::endorse {

namespace {

using crypto::CertificateView;
using crypto::CrlView;
using crypto::PublicKey;

constexpr std::string_view kSignerName = "Intel SGX TCB Signing";
constexpr std::string_view kPckIssuerNames[] = {"Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA"};
constexpr auto kKeyUsage = der::oid("2.5.29.15");
constexpr auto kBasicConstraints = der::oid("2.5.29.19");

Error chain_error(std::string message) { return Error(Code::chain, std::move(message)); }

// known_critical: this room understands key usage and basic constraints and nothing else.
Status known_critical(const CertificateView& certificate, std::string_view what) {
  for (const crypto::ExtensionView& extension : certificate.extensions) {
    if (extension.critical && !equal(extension.oid, kKeyUsage.view()) && !equal(extension.oid, kBasicConstraints.view())) {
      return chain_error(std::string(what) + ": unknown critical extension " + der::oid_text(extension.oid));
    }
  }
  return {};
}

// certificate_of copies `bytes` to `keep` and reads it from there.
Status certificate_of(const Bytes& bytes, std::string_view what, Bytes& keep, std::optional<CertificateView>& out) {
  keep = bytes;
  auto read = CertificateView::parse(keep);
  if (!read.ok()) return read.error().context(what);
  out = std::move(read).value();
  return {};
}

struct Chain {
  const Bytes* signer = nullptr;
  const Bytes* root = nullptr;
};

// split: one certificate that is self-issued, the root, and one that is not, the signer. The same one may stand there twice.
Result<Chain> split(const std::vector<Bytes>& certificates, std::string_view what) {
  if (certificates.size() > RawCollateral::kMaxCertificates) {
    return Error(Code::malformed, std::string(what) + ": more than 8 certificates");
  }
  Chain chain;
  for (const Bytes& der : certificates) {
    auto read = CertificateView::parse(der);
    if (!read.ok()) return read.error().context(what);
    const Bytes*& place = read.value().self_issued() ? chain.root : chain.signer;
    if (place != nullptr && *place != der) return chain_error(std::string(what) + ": expected one signer and one root, found more");
    place = &der;
  }
  if (chain.signer == nullptr) return chain_error(std::string(what) + ": no signing certificate");
  return chain;
}

Status check_root(CollateralParts& parts) {
  auto key = parts.root->public_key();
  if (!key.ok()) return key.error().context("root");
  parts.root_key = std::move(key).value();
  parts.root_pin = crypto::sha256(parts.root->spki);
  // The pin speaks of the key; the rest of the certificate (its validity, for one) is the key holder's word only if signed.
  if (auto own = crypto::check_issued(*parts.root, *parts.root, *parts.root_key); !own.ok()) return own.error().context("root");
  return known_critical(*parts.root, "root");
}

Status check_signer(const CollateralParts& parts, const CertificateView& signer, std::string_view what) {
  if (crypto::common_name(signer.subject) != kSignerName) {
    return chain_error(std::string(what) + ": expected " + std::string(kSignerName) + ", found " + crypto::name_text(signer.subject));
  }
  if (signer.is_ca.value_or(false)) return chain_error(std::string(what) + ": is a certificate authority");
  if ((signer.key_usage.value_or(0) & crypto::kDigitalSignature) == 0) {
    return chain_error(std::string(what) + ": key usage without digital signature");
  }
  REDOUBT_CHECK(known_critical(signer, what));
  if (!parts.root || !parts.root_key) return chain_error(std::string(what) + ": no root to check it with");
  auto issued = crypto::check_issued(signer, *parts.root, *parts.root_key);
  return std::move(issued).context(what);
}

Status read_signers(const RawCollateral& raw, CollateralParts& parts) {
  REDOUBT_TRY(const Chain tcb, split(raw.tcb_signing_chain, "TCB signing chain"));
  const bool same = raw.qe_signing_chain.empty() || raw.qe_signing_chain == raw.tcb_signing_chain;
  Chain qe = tcb;
  if (!same) {
    REDOUBT_TRY(qe, split(raw.qe_signing_chain, "QE signing chain"));
  }
  REDOUBT_CHECK(certificate_of(*tcb.signer, "TCB signing certificate", parts.tcb_signer_der, parts.tcb_signer));
  REDOUBT_CHECK(certificate_of(*qe.signer, "QE signing certificate", parts.qe_signer_der, parts.qe_signer));
  const Bytes* root = tcb.root != nullptr ? tcb.root : qe.root;
  if (root == nullptr) return chain_error("no root certificate in the signing chains");
  REDOUBT_CHECK(certificate_of(*root, "root", parts.root_der, parts.root));
  REDOUBT_CHECK(check_root(parts));
  if (qe.root != nullptr && *qe.root != *root) return chain_error("the signing chains have different roots");
  REDOUBT_CHECK(check_signer(parts, *parts.tcb_signer, "TCB signing certificate"));
  if (parts.qe_signer_der != parts.tcb_signer_der) {
    REDOUBT_CHECK(check_signer(parts, *parts.qe_signer, "QE signing certificate"));
  }
  return {};
}

Status check_signature(const std::optional<CertificateView>& signer, std::string_view signed_bytes, const JsonSignature& signature,
                       std::string_view what) {
  if (!signer) return chain_error(std::string(what) + ": no certificate to check its signature with");
  auto key = signer->public_key();
  if (!key.ok()) return key.error().context(what);
  if (key.value().kind() != crypto::KeyKind::p256) return chain_error(std::string(what) + ": expected a P-256 key");
  auto verified = key.value().verify_raw(crypto::SignatureScheme::ecdsa_sha256, as_bytes(signed_bytes), signature.view());
  return std::move(verified).context(what);
}

void read_documents(const RawCollateral& raw, CollateralParts& parts) {
  if (auto info = parse_tcb_info(as_text(raw.tcb_info)); info.ok()) {
    parts.tcb_info_signature = check_signature(parts.tcb_signer, info->signed_bytes, info->signature, "TCB info");
    parts.tcb_info = std::move(info->info);
  } else {
    parts.tcb_info_read = parts.tcb_info_signature = info.error();
  }
  if (auto qe = parse_qe_identity(as_text(raw.qe_identity)); qe.ok()) {
    parts.qe_identity_signature = check_signature(parts.qe_signer, qe->signed_bytes, qe->signature, "QE identity");
    parts.qe_identity = std::move(qe->identity);
  } else {
    parts.qe_identity_read = parts.qe_identity_signature = qe.error();
  }
}

Status read_crl(const Bytes& der, std::string_view what, Bytes& keep, std::optional<CrlView>& out) {
  if (der.empty()) return chain_error(std::string(what) + ": none was given");
  keep = der;
  auto read = CrlView::parse(keep);
  if (!read.ok()) return read.error().context(what);
  if (!read.value().number) return Error(Code::malformed, std::string(what) + ": no CRL number");
  out = std::move(read).value();
  return {};
}

Status read_root_crl(const RawCollateral& raw, CollateralParts& parts) {
  REDOUBT_CHECK(read_crl(raw.root_crl, "root CRL", parts.root_crl_der, parts.root_crl));
  if (!parts.root || !parts.root_key) return chain_error("root CRL: no root to check it with");
  auto issued = crypto::check_crl_issued(*parts.root_crl, *parts.root, *parts.root_key);
  return std::move(issued).context("root CRL");
}

// pick_issuer: the given certificate authority that the PCK list names.
Status pick_issuer(const RawCollateral& raw, const CertificateView* leaf_issuer, CollateralParts& parts) {
  if (raw.pck_issuers.size() > RawCollateral::kMaxCertificates) return Error(Code::malformed, "PCK issuers: more than 8 certificates");
  for (const Bytes& der : raw.pck_issuers) {
    auto read = CertificateView::parse(der);
    if (!read.ok()) return read.error().context("PCK issuer");
    if (read.value().self_issued() || !equal(read.value().subject, parts.pck_crl->issuer)) continue;
    return certificate_of(der, "PCK issuer", parts.pck_issuer_der, parts.pck_issuer);
  }
  if (leaf_issuer != nullptr && equal(leaf_issuer->subject, parts.pck_crl->issuer)) {
    return certificate_of(to_bytes(leaf_issuer->der), "PCK issuer", parts.pck_issuer_der, parts.pck_issuer);
  }
  return chain_error("PCK CRL: no certificate of its issuer, " + crypto::name_text(parts.pck_crl->issuer));
}

Status read_pck_crl(const RawCollateral& raw, const CertificateView* leaf_issuer, CollateralParts& parts) {
  REDOUBT_CHECK(read_crl(raw.pck_crl, "PCK CRL", parts.pck_crl_der, parts.pck_crl));
  REDOUBT_CHECK(pick_issuer(raw, leaf_issuer, parts));
  const CertificateView& issuer = *parts.pck_issuer;
  const std::string_view name = crypto::common_name(issuer.subject);
  if (std::ranges::find(kPckIssuerNames, name) == std::end(kPckIssuerNames)) {
    return chain_error("PCK CRL: expected the PCK Platform CA or the PCK Processor CA as its issuer, found " +
                       crypto::name_text(issuer.subject));
  }
  REDOUBT_CHECK(known_critical(issuer, "PCK issuer"));
  if (!parts.root || !parts.root_key) return chain_error("PCK issuer: no root to check it with");
  REDOUBT_CHECK(crypto::check_issued(issuer, *parts.root, *parts.root_key).context("PCK issuer"));
  auto key = issuer.public_key();
  if (!key.ok()) return key.error().context("PCK issuer");
  parts.pck_issuer_key = std::move(key).value();
  return crypto::check_crl_issued(*parts.pck_crl, issuer, *parts.pck_issuer_key).context("PCK CRL");
}

void sum_up(const RawCollateral& raw, CollateralParts& parts) {
  constexpr Interval kAlways{Instant(INT64_MIN), Instant(INT64_MAX)};
  parts.signers_validity = kAlways;
  for (const auto* certificate : {&parts.tcb_signer, &parts.qe_signer, &parts.root}) {
    if (*certificate) parts.signers_validity = parts.signers_validity.intersect((*certificate)->validity);
  }
  Interval all = parts.signers_validity;
  if (parts.pck_issuer) all = all.intersect(parts.pck_issuer->validity);
  for (const auto* crl : {&parts.root_crl, &parts.pck_crl}) {
    if (*crl) all = all.intersect({(*crl)->this_update, (*crl)->next_update});
  }
  if (parts.tcb_info_read.ok()) all = all.intersect({parts.tcb_info.issue_date, parts.tcb_info.next_update});
  if (parts.qe_identity_read.ok()) all = all.intersect({parts.qe_identity.issue_date, parts.qe_identity.next_update});
  parts.validity = all;
  parts.digest = crypto::sha256(Fields("redoubt/intel-collateral/1")
                                    .field(raw.tcb_info)
                                    .field(raw.qe_identity)
                                    .field(parts.tcb_signer_der)
                                    .field(parts.qe_signer_der)
                                    .field(parts.root_der)
                                    .field(parts.root_crl_der)
                                    .field(parts.pck_crl_der)
                                    .field(parts.pck_issuer_der)
                                    .view());
}

}  // namespace

std::unique_ptr<CollateralParts> read_parts(const RawCollateral& raw, const CertificateView* leaf_issuer) {
  auto parts = std::make_unique<CollateralParts>();
  parts->signers = read_signers(raw, *parts);
  read_documents(raw, *parts);
  parts->root_crl_issued = read_root_crl(raw, *parts);
  parts->pck_crl_issued = read_pck_crl(raw, leaf_issuer, *parts);
  sum_up(raw, *parts);
  return parts;
}

}  // namespace redoubt::endorse
