// The links between certificates, lists and their issuers, and whole paths (RFC 5280 section 6.1, without policies and name
// constraints: a certificate that has such constraints as critical is refused).
#include "common/crypto/certificate_der.h"
#include "common/crypto/certificate_view.h"
#include "common/crypto/unique_key.h"

namespace redoubt::crypto {
namespace {

constexpr std::size_t kMaxPath = 8;
constexpr auto kCertificatePolicies = der::oid("2.5.29.32");

Error refused(std::string why) { return Error(Code::chain, std::move(why)); }

// check_link: what certificates and lists have in common below their signature.
Status check_link(ByteView issuer_name, const std::optional<ByteView>& authority_key_id, const CertificateView& issuer,
                  std::uint16_t usage, std::string_view usage_name) {
  if (!equal(issuer_name, issuer.subject)) return refused("its issuer is not the subject of the issuing certificate");
  if (!issuer.is_ca.value_or(false)) return refused("the issuing certificate is not a CA's");
  if ((issuer.key_usage.value_or(0) & usage) == 0) {
    return refused("the issuing certificate lacks the key usage " + std::string(usage_name));
  }
  if (authority_key_id && issuer.subject_key_id && !equal(*authority_key_id, *issuer.subject_key_id)) {
    return refused("its authority key identifier is not the issuer's subject key identifier");
  }
  return {};
}

Status check_key(const PublicKey& key, const CertificateView& issuer) {
  if (!equal(key.spki(), issuer.spki)) return refused("the given key is not the issuing certificate's");
  return {};
}

Status check_child(const CertificateView& child, const CertificateView& issuer) {
  return check_link(child.issuer, child.authority_key_id, issuer, kKeyCertSign, "keyCertSign");
}

// Certificate policies of a CA, critical in STMicroelectronics' EK authorities, cannot make a path invalid where any policy is
// acceptable and none is required (section 6.1.3 (d) to (f)), which is so here: a critical policy constraint is refused.
bool is_known(const ExtensionView& extension, bool leaf, const PathProfile& profile) {
  if (extension.oid == kBasicConstraints || extension.oid == kKeyUsage) return true;
  if (!leaf && extension.oid == kCertificatePolicies) return true;
  return leaf && std::ranges::any_of(profile.known_critical, [&](const der::Oid& oid) { return extension.oid == oid; });
}

Status check_extensions(const CertificateView& certificate, bool leaf, const PathProfile& profile) {
  for (const ExtensionView& extension : certificate.extensions) {
    if (extension.critical && !is_known(extension, leaf, profile)) {
      return refused("unknown critical extension " + der::oid_text(extension.oid));
    }
  }
  return {};
}

// placed: what is wrong with one certificate of a path, and where that stands.
Error placed(const Error& error, std::size_t index, std::size_t count) {
  return error.context("checking certificate " + std::to_string(index + 1) + " of " + std::to_string(count));
}

}  // namespace

Status check_issued(const CertificateView& child, const CertificateView& issuer, const PublicKey& key) {
  REDOUBT_CHECK(check_child(child, issuer));
  REDOUBT_CHECK(check_key(key, issuer));
  return key.verify(child.scheme, child.tbs, child.signature);
}

Status check_crl_issued(const CrlView& crl, const CertificateView& issuer, const PublicKey& key) {
  REDOUBT_CHECK(check_link(crl.issuer, crl.authority_key_id, issuer, kCrlSign, "cRLSign"));
  REDOUBT_CHECK(check_key(key, issuer));
  return key.verify(crl.scheme, crl.tbs, crl.signature);
}

Result<Interval> check_path(std::span<const CertificateView> chain, Instant now, const PathProfile& profile) {
  const std::size_t count = chain.size();
  if (count == 0 || count > kMaxPath) {
    return refused("certificate chain: expected 1 to 8 certificates, found " + std::to_string(count));
  }
  // Section 6.1.4 (l), (m): certificates between the leaf and a CA count against its path length, those that are issued by
  // their own subject do not.
  std::size_t between = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (const Status status = check_extensions(chain[i], i == 0, profile); !status.ok()) return placed(status.error(), i, count);
    if (i == 0) continue;
    if (chain[i].path_length && between > *chain[i].path_length) {
      return placed(refused("path length " + std::to_string(*chain[i].path_length) + ", found " + std::to_string(between) + " CAs below it"), i,
                    count);
    }
    if (!chain[i].self_issued()) ++between;
  }
  const std::size_t signatures = profile.known_anchor ? count - 1 : count;
  for (std::size_t i = 0; i < signatures; ++i) {
    const CertificateView& issuer = chain[i + 1 < count ? i + 1 : i];
    const auto key = UniqueKey::from_spki(issuer.spki);  // its own
    if (!key.ok()) return placed(refused(key.error().message()), i, count);
    if (const Status status = check_child(chain[i], issuer); !status.ok()) return placed(status.error(), i, count);
    const Status verified = key->verify(chain[i].scheme, {chain[i].tbs}, chain[i].signature);
    if (!verified.ok()) return placed(verified.error(), i, count);
  }
  // Time is last: `freshness` says that nothing but the time is wrong.
  Interval common = chain[0].validity;
  for (std::size_t i = 0; i < count; ++i) {
    common = common.intersect(chain[i].validity);
    if (!profile.check_time || chain[i].validity.contains(now)) continue;
    return placed(Error(Code::freshness, now < chain[i].validity.begin ? "not valid before " + chain[i].validity.begin.text()
                                                                       : "expired at " + chain[i].validity.end.text()),
                  i, count);
  }
  return common;
}

}  // namespace redoubt::crypto
