#include "common/attest/evidence/dcap/pck_chain.h"

#include "common/crypto/certificate_copy.h"

namespace redoubt::dcap {
namespace {

constexpr std::string_view kLeafName = "Intel SGX PCK Certificate";
constexpr std::string_view kRootName = "Intel SGX Root CA";
constexpr std::string_view kRoles[] = {"pck certificate", "pck ca certificate", "root certificate"};

constexpr der::Oid kBasicConstraints = der::oid("2.5.29.19");
constexpr der::Oid kKeyUsage = der::oid("2.5.29.15");

std::string quoted(std::string_view name) {
  // Names are the attester's: what is not printable must not reach a terminal.
  std::string out = "\"";
  for (const char c : name.substr(0, 64)) out += c >= ' ' && c <= '~' ? c : '?';
  return out + '"';
}

Error chain_error(std::string_view role, std::string_view expected, std::string_view found) {
  return Error(Code::chain, std::string(role) + ": expected " + std::string(expected) + ", found " + std::string(found));
}

// check_leaf: what the profile says of a PCK certificate beyond its place in the chain.
Status check_leaf(const crypto::CertificateView& leaf) {
  if (leaf.is_ca.value_or(false)) return chain_error(kRoles[0], "an end entity", "a certificate authority");
  if (leaf.key_usage && (*leaf.key_usage & crypto::kDigitalSignature) == 0) {
    return chain_error(kRoles[0], "key usage digital signature", "another");
  }
  for (const crypto::ExtensionView& extension : leaf.extensions) {
    if (extension.critical && !(extension.oid == kBasicConstraints) && !(extension.oid == kKeyUsage)) {
      return chain_error(kRoles[0], "no unknown critical extension", der::oid_text(extension.oid));
    }
  }
  return {};
}

// named_authority: the three names are those of the profile; which CA it is.
Result<PckAuthority> named_authority(const PckCertificates& certificates) {
  const std::string_view leaf = crypto::common_name(certificates.leaf().subject);
  const std::string_view authority = crypto::common_name(certificates.authority().subject);
  const std::string_view root = crypto::common_name(certificates.root().subject);
  if (leaf != kLeafName) return chain_error(kRoles[0], quoted(kLeafName), quoted(leaf));
  if (root != kRootName) return chain_error(kRoles[2], quoted(kRootName), quoted(root));
  for (const PckAuthority known : {PckAuthority::platform, PckAuthority::processor}) {
    if (authority == authority_text(known)) return known;
  }
  return chain_error(kRoles[1], "the Platform or the Processor CA", quoted(authority));
}

Result<crypto::PublicKey> p256_key(const crypto::CertificateView& view, std::string_view role) {
  REDOUBT_TRY(crypto::PublicKey key, view.public_key().context(role));
  if (key.kind() != crypto::KeyKind::p256) return chain_error(role, "a key on P-256", "another");
  return key;
}

// same: as equal, for thousands of bytes on the path of every known platform: not one at a time.
bool same(ByteView a, ByteView b) { return as_text(a) == as_text(b); }

Status check_time(const Interval& validity, Instant now, std::string_view role) {
  if (validity.contains(now)) return {};
  return Error(Code::freshness, std::string(role) + ": expected validity at " + now.text() + ", found " + validity.begin.text() +
                                    " to " + validity.end.text());
}

}  // namespace

std::string_view authority_text(PckAuthority authority) {
  return authority == PckAuthority::platform ? "Intel SGX PCK Platform CA" : "Intel SGX PCK Processor CA";
}

Status PckCertificates::read_one(std::size_t at, const endorse::VerifiedCollateral* known) {
  const crypto::CertificateView* const before = known == nullptr || at == 0 ? nullptr : at == 1 ? &known->pck_issuer() : &known->root_certificate();
  if (before != nullptr) {
    if (auto view = crypto::view_of_copy(*before, der_[at])) {
      views_[at] = std::move(*view);
      return {};
    }
  }
  REDOUBT_TRY(views_[at], crypto::CertificateView::parse(der_[at]).context(kRoles[at]));
  return {};
}

Result<std::shared_ptr<const PckCertificates>> PckCertificates::read(std::vector<Bytes> der, ByteView pem,
                                                                     const endorse::VerifiedCollateral* known) {
  if (der.size() != std::size(kRoles)) {
    return Error(Code::malformed, "pck chain: expected 3 certificates, found " + std::to_string(der.size()));
  }
  const std::shared_ptr<PckCertificates> out(new PckCertificates());
  out->der_ = std::move(der);
  out->pem_ = to_bytes(pem);
  for (std::size_t i = 0; i < out->der_.size(); ++i) REDOUBT_CHECK(out->read_one(i, known));
  out->extension_ = sgx_extension(out->leaf());
  return std::shared_ptr<const PckCertificates>(out);
}

Result<std::shared_ptr<const PckCertificates>> PckCertificates::from_pem(ByteView text, const endorse::VerifiedCollateral* known) {
  REDOUBT_TRY(std::vector<Bytes> der, crypto::pem_decode(as_text(text), "CERTIFICATE", std::size(kRoles)).context("pck chain"));
  return read(std::move(der), text, known);
}

Result<std::shared_ptr<const PckCertificates>> PckCertificates::from_der(std::span<const Bytes> der) {
  return read(std::vector<Bytes>(der.begin(), der.end()), {}, nullptr);
}

Result<PckExtension> sgx_extension(const crypto::CertificateView& leaf) {
  const crypto::ExtensionView* extension = leaf.extension(PckExtension::kOid);
  if (extension == nullptr) return Error(Code::malformed, "pck certificate: expected the sgx extension, found none");
  return PckExtension::parse(extension->value);
}

crypto::Sha256Digest VerifiedPckChain::digest() const {
  Fields fields("redoubt/pck-chain");
  for (const crypto::CertificateView& view : state_->certificates->path()) fields.field(view.der);
  return crypto::sha256(fields.view());
}

crypto::Sha256Digest VerifiedPckChain::leaf_digest() const { return crypto::sha256(state_->certificates->leaf().der); }

bool VerifiedPckChain::usable(std::span<const crypto::Sha256Digest> roots, Instant now) const {
  return state_->validity.contains(now) && std::ranges::find(roots, state_->root_pin) != roots.end();
}

bool VerifiedPckChain::covers(const PckCertificates& other) const {
  return std::ranges::equal(state_->certificates->path(), other.path(), [](const auto& a, const auto& b) { return same(a.der, b.der); });
}

bool VerifiedPckChain::covers_pem(ByteView text) const {
  const ByteView pem = state_->certificates->pem();
  return !pem.empty() && same(pem, text);
}

VerifiedAuthority::VerifiedAuthority(const VerifiedPckChain& chain)
    : authority_(chain.certificates()->authority().der),
      root_(chain.certificates()->root().der),
      key_(&chain.state_->authority_key) {}

VerifiedAuthority::VerifiedAuthority(const endorse::VerifiedCollateral& collateral)
    : authority_(collateral.pck_issuer().der), root_(collateral.root_certificate().der), key_(&collateral.pck_issuer_key()) {}

bool VerifiedAuthority::covers(const PckCertificates& certificates) const {
  return same(authority_, certificates.authority().der) && same(root_, certificates.root().der);
}

const VerifiedAuthority* VerifiedAuthority::find(std::span<const VerifiedAuthority> known, const PckCertificates& certificates) {
  const auto found = std::ranges::find_if(known, [&](const auto& one) { return one.covers(certificates); });
  return found == known.end() ? nullptr : &*found;
}

Status check_pck_chain(const PckCertificates& certificates, std::span<const crypto::Sha256Digest> roots, Instant now,
                       std::span<const VerifiedAuthority> known) {
  const crypto::CertificateView& leaf = certificates.leaf();
  REDOUBT_CHECK([&]() -> Status {
    REDOUBT_TRY(const PckAuthority authority, named_authority(certificates));
    static_cast<void>(authority);
    return {};
  }());
  const crypto::Sha256Digest pin = crypto::sha256(certificates.root().spki);
  if (std::ranges::find(roots, pin) == roots.end()) {
    return chain_error(kRoles[2], "a key that is pinned", "one with SHA-256 " + pin.hex());
  }
  REDOUBT_CHECK(check_leaf(leaf));
  for (std::size_t i = 0; i < std::size(kRoles); ++i) {
    REDOUBT_CHECK(check_time(certificates.path()[i].validity, now, kRoles[i]));
  }
  if (const VerifiedAuthority* authority = VerifiedAuthority::find(known, certificates); authority != nullptr) {
    return crypto::check_issued(leaf, certificates.authority(), *authority->key_).context(kRoles[0]);
  }
  if (const auto path = crypto::check_path(certificates.path(), now); !path.ok()) return path.error().context("pck chain");
  return {};
}

Result<VerifiedPckChain> verify_pck_chain(const std::shared_ptr<const PckCertificates>& certificates,
                                          std::span<const crypto::Sha256Digest> roots, Instant now,
                                          std::span<const VerifiedAuthority> known) {
  REDOUBT_CHECK(check_pck_chain(*certificates, roots, now, known));
  // Its name is one of the two: it was checked.
  const bool platform = crypto::common_name(certificates->authority().subject) == authority_text(PckAuthority::platform);
  const PckAuthority authority = platform ? PckAuthority::platform : PckAuthority::processor;
  REDOUBT_TRY(PckExtension extension, Result(certificates->extension()));
  REDOUBT_TRY(crypto::PublicKey key, p256_key(certificates->leaf(), kRoles[0]));
  const VerifiedAuthority* before = VerifiedAuthority::find(known, *certificates);
  REDOUBT_TRY(crypto::PublicKey authority_key,
              before != nullptr ? Result(*before->key_) : p256_key(certificates->authority(), kRoles[1]));
  const Interval validity =
      certificates->leaf().validity.intersect(certificates->authority().validity).intersect(certificates->root().validity);
  return VerifiedPckChain(std::make_shared<const VerifiedPckChain::State>(VerifiedPckChain::State{
      certificates, crypto::sha256(certificates->root().spki), validity, authority, std::move(extension), std::move(key),
      std::move(authority_key)}));
}

}  // namespace redoubt::dcap
