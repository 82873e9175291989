#include "common/attest/evidence/nitro/chain.h"

#include <optional>

#include "common/attest/evidence/nitro/document.h"
#include "common/crypto/unique_key.h"

namespace redoubt::nitro {
namespace {

constexpr der::Oid kBasicConstraints = der::oid("2.5.29.19");
constexpr der::Oid kKeyUsage = der::oid("2.5.29.15");

// names_p384: what a SubjectPublicKeyInfo says of itself (RFC 5480 section 2.1.1). Whether its point is one, is found out where it is used.
bool names_p384(ByteView spki) {
  constexpr std::array<unsigned char, 24> kHead = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                                                   0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};
  constexpr std::size_t kSize = kHead.size() + 2 * 48;
  return spki.size() == kSize && equal(spki.first(kHead.size()), std::as_bytes(std::span(kHead)));
}

// check_key: every signature and key of the profile is ECDSA on P-384 with SHA-384.
Status check_key(const crypto::CertificateView& certificate, bool p384) {
  if (certificate.scheme != crypto::SignatureScheme::ecdsa_sha384) {
    return Error(Code::chain, "expected a signature with ecdsa_sha384, found " + std::string(crypto::scheme_text(certificate.scheme)));
  }
  if (!p384) return Error(Code::chain, "expected a key on P-384, found another");
  return {};
}

std::string position(std::size_t index) { return "cabundle[" + std::to_string(index) + "]"; }

}  // namespace

struct VerifiedInstanceChain::State {
  std::vector<Bytes> cabundle;
  crypto::CertificateView instance;  // borrows from cabundle
  crypto::PublicKey key;             // of the instance
  Interval validity;
  crypto::Sha256Digest root;         // of the anchor: certificate and key
  crypto::Sha256Digest root_spki;
};

const Interval& VerifiedInstanceChain::validity() const { return state_->validity; }
const crypto::Sha256Digest& VerifiedInstanceChain::root() const { return state_->root; }

bool VerifiedInstanceChain::proves(std::span<const ByteView> cabundle, std::span<const crypto::RootPin> roots, Instant now) const {
  const bool known = std::ranges::any_of(
      roots, [this](const auto& pin) { return pin.certificate == state_->root && pin.spki == state_->root_spki; });
  return known && state_->validity.contains(now) && std::ranges::equal(cabundle, state_->cabundle, equal);
}

Status VerifiedInstanceChain::check_leaf(const crypto::CertificateView& leaf, Instant now) const {
  REDOUBT_CHECK(check_key(leaf, names_p384(leaf.spki)));
  if (leaf.is_ca.value_or(false)) return Error(Code::chain, "expected an end entity, found a CA");
  if (!leaf.key_usage || (*leaf.key_usage & crypto::kDigitalSignature) == 0) {
    return Error(Code::chain, "expected the key usage digitalSignature, found none such");
  }
  for (const crypto::ExtensionView& extension : leaf.extensions) {
    if (extension.critical && !(extension.oid == kBasicConstraints) && !(extension.oid == kKeyUsage)) {
      return Error(Code::chain, "expected no critical extension but basic constraints and key usage, found " +
                                    der::oid_text(extension.oid));
    }
  }
  REDOUBT_CHECK(crypto::check_issued(leaf, state_->instance, state_->key));
  // Time is last: `freshness` says that nothing but the time is wrong.
  if (!leaf.validity.contains(now)) {
    return Error(Code::freshness, "expected a time from " + leaf.validity.begin.text() + " to " + leaf.validity.end.text() +
                                      ", found " + now.text());
  }
  return {};
}

Result<VerifiedInstanceChain> verify_instance_chain(std::span<const ByteView> cabundle, std::span<const crypto::RootPin> roots,
                                                    Instant now) {
  if (cabundle.empty() || cabundle.size() > kMaxBundle) {
    return Error(Code::malformed, "cabundle: expected 1 to " + std::to_string(kMaxBundle) + " certificates, found " +
                                      std::to_string(cabundle.size()));
  }
  std::vector<Bytes> copies;
  copies.reserve(cabundle.size());  // views borrow from these
  for (const ByteView der : cabundle) copies.push_back(to_bytes(der));

  std::vector<crypto::CertificateView> path;  // instance first, root last
  path.reserve(copies.size());
  std::optional<crypto::PublicKey> instance_key;  // the one that is kept
  for (std::size_t i = copies.size(); i-- > 0;) {
    REDOUBT_TRY(crypto::CertificateView certificate, crypto::CertificateView::parse(copies[i]).context(position(i)));
    crypto::KeyKind kind{};
    if (!instance_key) {
      REDOUBT_TRY(instance_key, certificate.public_key().context(position(i)));
      kind = instance_key->kind();
    } else {
      REDOUBT_TRY(const crypto::UniqueKey key, crypto::UniqueKey::from_spki(certificate.spki).context(position(i)));
      kind = key.kind();
    }
    REDOUBT_CHECK(check_key(certificate, kind == crypto::KeyKind::p384).context(position(i)));
    // The leaf is not in this path, so check_path takes the instance for the end of it: what makes it an issuer is checked here.
    const std::size_t below = copies.size() - 1 - i;  // CAs between this one and the leaf
    if (certificate.path_length && *certificate.path_length < below) {
      return Error(Code::chain, position(i) + ": expected a path length of at least " + std::to_string(below) + ", found " +
                                    std::to_string(*certificate.path_length));
    }
    if (!certificate.is_ca.value_or(false) || !certificate.key_usage || (*certificate.key_usage & crypto::kKeyCertSign) == 0) {
      return Error(Code::chain, position(i) + ": expected a CA with the key usage keyCertSign, found none such");
    }
    path.push_back(std::move(certificate));
  }
  const crypto::CertificateView& root = path.back();
  if (crypto::find_pin(roots, root) == nullptr) {
    return Error(Code::chain, position(0) + ": expected a pinned root, found a certificate with SHA-256 " + crypto::sha256(root.der).hex());
  }
  REDOUBT_TRY(const Interval validity, crypto::check_path(path, now, {.known_anchor = true}).context("cabundle"));
  const crypto::Sha256Digest digest = crypto::sha256(root.der);
  const ByteView root_spki = root.spki;  // borrows from copies, as the views do: what they hold does not move with them
  return VerifiedInstanceChain(std::make_shared<const VerifiedInstanceChain::State>(VerifiedInstanceChain::State{
      std::move(copies), std::move(path.front()), std::move(*instance_key), validity, digest, crypto::sha256(root_spki)}));
}

}  // namespace redoubt::nitro
