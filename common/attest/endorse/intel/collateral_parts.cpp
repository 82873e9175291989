#include "common/attest/endorse/intel/collateral_parts.h"

#include <algorithm>

#include "common/crypto/unique_key.h"

namespace redoubt::endorse {

namespace {

using crypto::CertificateView;
using crypto::CrlView;

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

// certificate_of keeps a copy of `bytes` and reads it from there.
Result<CertificateView> certificate_of(ByteView bytes, std::string_view what, CollateralParts& parts) {
  parts.kept.push_back(to_bytes(bytes));
  return CertificateView::parse(parts.kept.back()).context(what);
}

struct Chain {
  std::optional<CertificateView> signer, root;
};

// split: one certificate that is self-issued, the root, and one that is not, the signer. The same one may stand there twice.
Result<Chain> split(const std::vector<Bytes>& certificates, std::string_view what, CollateralParts& parts) {
  if (certificates.size() > RawCollateral::kMaxCertificates) {
    return Error(Code::malformed, std::string(what) + ": more than 8 certificates");
  }
  Chain chain;
  for (const Bytes& der : certificates) {
    REDOUBT_TRY(CertificateView read, certificate_of(der, what, parts));
    std::optional<CertificateView>& place = read.self_issued() ? chain.root : chain.signer;
    if (place && !equal(place->der, der)) return chain_error(std::string(what) + ": expected one signer and one root, found more");
    place = std::move(read);
  }
  if (!chain.signer) return chain_error(std::string(what) + ": no signing certificate");
  return chain;
}

Status check_root(CollateralParts& parts, std::span<const crypto::Sha256Digest> genuine) {
  auto key = parts.root->public_key();
  if (!key.ok()) return key.error().context("root");
  parts.root_key = std::move(key).value();
  parts.root_pin = crypto::sha256(parts.root->spki);
  // The pin speaks of the key; the rest of the certificate (its validity, for one) is the key holder's word only if signed, or if the
  // caller knows the whole certificate.
  const bool known = !genuine.empty() && std::ranges::find(genuine, crypto::sha256(parts.root->der)) != genuine.end();
  if (known) return known_critical(*parts.root, "root");
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

Status read_signers(const RawCollateral& raw, std::span<const crypto::Sha256Digest> genuine, CollateralParts& parts) {
  REDOUBT_TRY(Chain tcb, split(raw.tcb_signing_chain, "TCB signing chain", parts));
  const bool same = raw.qe_signing_chain.empty() || raw.qe_signing_chain == raw.tcb_signing_chain;
  Chain qe;
  if (same) {
    qe.signer = tcb.signer;
  } else {
    REDOUBT_TRY(qe, split(raw.qe_signing_chain, "QE signing chain", parts));
  }
  parts.tcb_signer = std::move(tcb.signer);
  parts.qe_signer = std::move(qe.signer);
  const bool different = tcb.root && qe.root && !equal(tcb.root->der, qe.root->der);
  parts.root = tcb.root ? std::move(tcb.root) : std::move(qe.root);
  if (!parts.root) return chain_error("no root certificate in the signing chains");
  REDOUBT_CHECK(check_root(parts, genuine));
  if (different) return chain_error("the signing chains have different roots");
  REDOUBT_CHECK(check_signer(parts, *parts.tcb_signer, "TCB signing certificate"));
  if (!equal(parts.qe_signer->der, parts.tcb_signer->der)) {
    REDOUBT_CHECK(check_signer(parts, *parts.qe_signer, "QE signing certificate"));
  }
  return {};
}

// Signer: the key of a signing certificate; nothing without a certificate.
using Signer = std::optional<Result<crypto::UniqueKey>>;
Signer signer_of(const std::optional<CertificateView>& certificate) {
  if (!certificate) return std::nullopt;
  return crypto::UniqueKey::from_spki(certificate->spki);
}

Status check_signature(const Signer& key, std::string_view signed_bytes, const JsonSignature& signature, std::string_view what) {
  if (!key) return chain_error(std::string(what) + ": no certificate to check its signature with");
  if (!key->ok()) return key->error().context(what);
  if (key->value().kind() != crypto::KeyKind::p256) return chain_error(std::string(what) + ": expected a P-256 key");
  auto verified = key->value().verify_raw(crypto::SignatureScheme::ecdsa_sha256, {as_bytes(signed_bytes)}, signature.view());
  return std::move(verified).context(what);
}

void read_documents(const RawCollateral& raw, CollateralParts& parts) {
  const Signer tcb_signer = signer_of(parts.tcb_signer);
  const bool same = parts.tcb_signer && parts.qe_signer && equal(parts.tcb_signer->der, parts.qe_signer->der);
  const Signer other_signer = same ? std::nullopt : signer_of(parts.qe_signer);
  const Signer& qe_signer = same ? tcb_signer : other_signer;
  if (auto info = parse_tcb_info(as_text(raw.tcb_info)); info.ok()) {
    parts.tcb_info_signature = check_signature(tcb_signer, info->signed_bytes, info->signature, "TCB info");
    parts.tcb_info = std::move(info->info);
  } else {
    parts.tcb_info_read = parts.tcb_info_signature = info.error();
  }
  if (auto qe = parse_qe_identity(as_text(raw.qe_identity)); qe.ok()) {
    parts.qe_identity_signature = check_signature(qe_signer, qe->signed_bytes, qe->signature, "QE identity");
    parts.qe_identity = std::move(qe->identity);
  } else {
    parts.qe_identity_read = parts.qe_identity_signature = qe.error();
  }
}

Status read_crl(const Bytes& der, std::string_view what, CollateralParts& parts, std::optional<CrlView>& out) {
  if (der.empty()) return chain_error(std::string(what) + ": none was given");
  parts.kept.push_back(der);
  auto read = CrlView::parse(parts.kept.back());
  if (!read.ok()) return read.error().context(what);
  if (!read.value().number) return Error(Code::malformed, std::string(what) + ": no CRL number");
  out = std::move(read).value();
  return {};
}

Status read_root_crl(const RawCollateral& raw, CollateralParts& parts) {
  REDOUBT_CHECK(read_crl(raw.root_crl, "root CRL", parts, parts.root_crl));
  if (!parts.root || !parts.root_key) return chain_error("root CRL: no root to check it with");
  auto issued = crypto::check_crl_issued(*parts.root_crl, *parts.root, *parts.root_key);
  return std::move(issued).context("root CRL");
}

// pick_issuer: the given certificate authority that the PCK list names.
Status pick_issuer(const RawCollateral& raw, const CertificateView* leaf_issuer, CollateralParts& parts) {
  if (raw.pck_issuers.size() > RawCollateral::kMaxCertificates) return Error(Code::malformed, "PCK issuers: more than 8 certificates");
  for (const Bytes& der : raw.pck_issuers) {
    REDOUBT_TRY(CertificateView read, certificate_of(der, "PCK issuer", parts));
    if (read.self_issued() || !equal(read.subject, parts.pck_crl->issuer)) continue;
    parts.pck_issuer = std::move(read);
    return {};
  }
  if (leaf_issuer != nullptr && equal(leaf_issuer->subject, parts.pck_crl->issuer)) {
    REDOUBT_TRY(parts.pck_issuer, certificate_of(leaf_issuer->der, "PCK issuer", parts));
    return {};
  }
  return chain_error("PCK CRL: no certificate of its issuer, " + crypto::name_text(parts.pck_crl->issuer));
}

Status read_pck_crl(const RawCollateral& raw, const CertificateView* leaf_issuer, CollateralParts& parts) {
  REDOUBT_CHECK(read_crl(raw.pck_crl, "PCK CRL", parts, parts.pck_crl));
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

bool is_listed(const std::optional<CrlView>& crl, const std::optional<CertificateView>& certificate) {
  return crl && certificate && crl->revokes(certificate->serial);
}

void sum_up(CollateralParts& parts) {
  parts.tcb_signer_revoked = is_listed(parts.root_crl, parts.tcb_signer);
  parts.qe_signer_revoked = is_listed(parts.root_crl, parts.qe_signer);
  parts.pck_issuer_revoked = is_listed(parts.root_crl, parts.pck_issuer);
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
}

}  // namespace

crypto::Sha256Digest CollateralParts::digest() const {
  const auto der = [](const auto& view) { return view ? view->der : ByteView(); };
  return crypto::sha256(Fields("redoubt/intel-collateral/1")
                            .field(tcb_info_text)
                            .field(qe_identity_text)
                            .field(der(tcb_signer))
                            .field(der(qe_signer))
                            .field(der(root))
                            .field(der(root_crl))
                            .field(der(pck_crl))
                            .field(der(pck_issuer))
                            .view());
}

std::unique_ptr<CollateralParts> read_parts(const RawCollateral& raw, const CollateralInputs& inputs) {
  const CertificateView* leaf_issuer = inputs.leaf != nullptr ? inputs.leaf->issuer : nullptr;
  auto parts = std::make_unique<CollateralParts>();
  parts->kept.reserve(8);
  parts->signers = read_signers(raw, inputs.root_certificates, *parts);
  read_documents(raw, *parts);
  parts->root_crl_issued = read_root_crl(raw, *parts);
  parts->pck_crl_issued = read_pck_crl(raw, leaf_issuer, *parts);
  parts->tcb_info_text = raw.tcb_info;
  parts->qe_identity_text = raw.qe_identity;
  sum_up(*parts);
  return parts;
}

}  // namespace redoubt::endorse
