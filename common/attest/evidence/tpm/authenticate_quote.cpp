#include "common/attest/evidence/tpm/attributes_text.h"
#include "common/attest/evidence/tpm/authenticator.h"
#include "common/base/concat.h"

namespace redoubt::tpm {
namespace {

using attest::CheckId;

}  // namespace

void TpmAuthenticator::check_form() {
  // Our collector makes the AK under the EK, which is a primary key of the endorsement hierarchy; others make the AK a primary key
  // there. The parent of a key that has a certificate of its own is not known.
  std::array<Signer, 2> signers;
  std::size_t count = 0;
  if (evidence_.ek) {
    const AkName parent = primary_qualified_name(evidence_.ek->name, kHierarchyEndorsement);
    signers[count++] = {qualified_name(evidence_.ak_name, parent.view()), "the attestation key under this endorsement key"};
    if (!equal(signers[0].qualified_name.view(), evidence_.attest.qualified_signer)) {
      signers[count++] = {primary_qualified_name(evidence_.ak_name, kHierarchyEndorsement), "the attestation key in the endorsement hierarchy"};
    }
  }
  // Magic, type and trailing bytes were refused by the parser.
  checks_.push_back(check_quote(evidence_.attest, std::span(signers).first(count)));
}

void TpmAuthenticator::check_signature() {
  const auto scheme = signature_scheme(evidence_.ak);
  std::string expected = concat(scheme.ok() ? crypto::scheme_text(*scheme) : "a signature", " by the attestation key ", Hex{evidence_.ak_name.view()});
  const auto verified = [&]() -> Status {
    // The scheme is the key's own: a signature blob must not choose how it is judged.
    if (!scheme.ok()) return scheme.error();
    const Signature& signature = evidence_.signature;
    if (signature.scheme != evidence_.ak.scheme.algorithm || signature.hash != evidence_.ak.scheme.hash) {
      return Error(Code::chain, "a signature of " + algorithm_text(signature.scheme) + " with " + algorithm_text(signature.hash));
    }
    REDOUBT_TRY(const crypto::PublicKey key, ak_key());
    return verify_quote(key, *scheme, raw_.attest, signature.value);
  };
  judge(CheckId::m3, std::move(expected), verified());
}

Result<crypto::PublicKey> TpmAuthenticator::ak_key() const {
  for (const VerifiedEnrolment& enrolment : inputs_.verified_enrolments) {
    if (enrolment->ak_name == evidence_.ak_name && enrolment.key() != nullptr) return *enrolment.key();
  }
  return public_key(evidence_.ak);
}

void TpmAuthenticator::check_quoted_pcrs() {
  QuotedPcrs quoted{raw_.bank, {}};
  for (const auto [pcr, value] : raw_.pcrs) quoted.values.emplace_back(pcr, value);
  // The hash of the digest is that of the signing scheme (Part 3 section 18.4.1), which is the key's.
  const auto scheme = signature_scheme(evidence_.ak);
  const crypto::HashKind hash = scheme.ok() ? crypto::hash_of(*scheme) : crypto::HashKind::sha256;
  checks_.push_back(check_pcrs(evidence_.attest, quoted, inputs_.required_pcrs, hash));
}

// enrolled: some enrolment by an enroller that counts ties this AK to this EK certificate.
Status TpmAuthenticator::enrolled() const {
  const auto fits = [&](const AkEnrolment& enrolment) {
    return enrolment.ek_certificate == evidence_.ek_certificate && enrolment.ak_name == evidence_.ak_name &&
           std::ranges::find(inputs_.enrollers, enrolment.enroller) != inputs_.enrollers.end();
  };
  for (const VerifiedEnrolment& enrolment : inputs_.verified_enrolments) {
    if (fits(*enrolment)) return {};
  }
  Status last = Error(Code::chain, "none of " +
                                       std::to_string(inputs_.enrolments.size() + inputs_.verified_enrolments.size()) +
                                       " enrolments is of this key and certificate by an enroller that counts");
  for (const AkEnrolment& enrolment : inputs_.enrolments) {
    if (!fits(enrolment)) continue;
    last = enrolment.verify();
    if (last.ok()) return last;
  }
  return last;
}

namespace {
constexpr std::uint32_t kNeeded = kFixedTpm | kFixedParent | kSensitiveDataOrigin | kRestricted | kSign;
constexpr std::uint32_t kForbidden = kDecrypt | kX509Sign;
constexpr auto kExtendedKeyUsage = der::oid("2.5.29.37");
}  // namespace

// check_attributes: of the AK, whoever vouches for it: a key that signs what its TPM made, and nothing else.
Status TpmAuthenticator::check_attributes() const {
  const Public& ak = evidence_.ak;
  if (const auto scheme = signature_scheme(ak); !scheme.ok()) return scheme.error();
  if (ak.symmetric.algorithm != kAlgNull) return Error(Code::chain, "attestation key: a symmetric scheme, which a signing key has not");
  if ((ak.attributes & kNeeded) != kNeeded || (ak.attributes & kForbidden) != 0) {
    return Error(Code::chain, "attestation key: attributes " + attributes_text(ak.attributes));
  }
  return {};
}

void TpmAuthenticator::check_enrolled_ak() {
  std::string expected = concat(AttributesText{kNeeded}, ", and an enrolment of ", Hex{evidence_.ak_name.view()}, " with EK certificate ",
                                Hex{evidence_.ek_certificate.view()});
  const Status status = check_attributes();
  judge(CheckId::m5, std::move(expected), status.ok() ? enrolled() : status);
}

// chain_without_usage: a certificate that names no extended key usage at all, and leads to a root for which that will do.
Result<KeyChain> TpmAuthenticator::chain_without_usage(ByteView leaf, std::span<const Bytes> between, std::span<const ByteView> anchors) const {
  REDOUBT_TRY(const auto certificate, crypto::CertificateView::parse(leaf));
  if (certificate.extension(kExtendedKeyUsage) != nullptr) return Error(Code::chain, "another extended usage");
  if (!certificate.key_usage || (*certificate.key_usage & crypto::kDigitalSignature) == 0) return Error(Code::chain, "no key usage digitalSignature");
  std::vector<ByteView> exempt;
  for (const ByteView der : anchors) {
    if (std::ranges::find(inputs_.roots_without_ak_usage, crypto::sha256(der)) != inputs_.roots_without_ak_usage.end()) exempt.push_back(der);
  }
  return verify_chain(leaf, between, exempt, inputs_.now, nullptr, inputs_.revocation);
}

// check_certified_ak: M5 and M6 for an AK that has certificates of its own: the first is of this key, and they lead to an anchor.
void TpmAuthenticator::check_certified_ak() {
  const ByteView leaf = raw_.ak_certificates.front();
  judge(CheckId::m5, attributes_text(kNeeded) + ", and a certificate of " + evidence_.ak_name.hex(), [&]() -> Status {
    REDOUBT_CHECK(check_attributes());
    REDOUBT_TRY(const crypto::PublicKey key, public_key(evidence_.ak));
    REDOUBT_TRY(const auto certificate, crypto::CertificateView::parse(leaf).context("ak certificate"));
    if (!equal(certificate.spki, key.spki())) return Error(Code::chain, "ak certificate: of another key");
    if (certificate.key_usage && (*certificate.key_usage & crypto::kDigitalSignature) == 0) {
      return Error(Code::chain, "ak certificate: expected the key usage digitalSignature, found none such");
    }
    return {};
  }());
  const std::string expected = "an AK certificate (2.23.133.8.3) under one of " + std::to_string(inputs_.roots.size()) + " anchors";
  std::vector<ByteView> anchors;
  for (const crypto::Certificate& root : inputs_.roots) anchors.push_back(root.der());
  const std::vector<Bytes> between = RawParts::copies(std::span<const ByteView>(raw_.ak_certificates).subspan(1));
  auto chain = verify_chain(leaf, between, anchors, inputs_.now, &kAkUsage, inputs_.revocation);
  if (!chain.ok() && !inputs_.roots_without_ak_usage.empty()) {
    auto without = chain_without_usage(leaf, between, anchors);
    if (without.ok()) chain = std::move(without);
  }
  chain = std::move(chain).context("ak certificate");
  if (!chain.ok()) return fail(CheckId::m6, chain.error().code(), expected, chain.error().message());
  validity_ = chain->validity;
  evidence_.anchor = chain->anchor;
  pass(CheckId::m6, expected, "anchor " + chain->anchor.hex() + ", " + chain->revocation);
}

crypto::Sha256Digest TpmAuthenticator::ek_certificate() const {
  const VerifiedEk* known = inputs_.verified_ek;
  return known != nullptr && as_text(known->der_) == as_text(raw_.ek_certificate) ? known->certificate() : crypto::sha256(raw_.ek_certificate);
}

const VerifiedEk* TpmAuthenticator::known_ek() const {
  const VerifiedEk* known = inputs_.revocation.lists.empty() && !inputs_.revocation.required ? inputs_.verified_ek : nullptr;
  // A proof that was made for other anchors says nothing about ours.
  const bool fits = known != nullptr && known->certificate() == evidence_.ek_certificate && known->validity().contains(inputs_.now) &&
                    std::ranges::any_of(inputs_.roots, [&](const crypto::Certificate& root) { return root.digest() == known->anchor(); });
  return fits ? known : nullptr;
}

void TpmAuthenticator::check_ek() {
  std::string expected = concat("an EK certificate under one of ", inputs_.roots.size(), " anchors, and its key in the TCG template L-1");
  const VerifiedEk* proof = known_ek();
  std::optional<VerifiedEk> made;
  if (proof == nullptr) {
    auto verified = verify_ek(raw_.ek_certificate, RawParts::copies(raw_.ek_intermediates), inputs_.roots, inputs_.now, inputs_.revocation);
    if (!verified.ok()) return fail(CheckId::m6, verified.error().code(), expected, verified.error().message());
    proof = &made.emplace(std::move(verified).value());
  }
  const Public& ek = *evidence_.ek;
  if (!ek_template_matches(ek)) {
    return fail(CheckId::m6, Code::chain, expected, "an endorsement key with attributes " + attributes_text(ek.attributes) +
                                                              " that is not of the template");
  }
  if (proof->modulus_.empty() || as_text(proof->modulus_) != as_text(ek.rsa()->modulus)) {  // as text: not one byte at a time
    return fail(CheckId::m6, Code::chain, expected, "an endorsement key that is not the certified one");
  }
  validity_ = proof->validity();
  evidence_.anchor = proof->anchor();
  pass(CheckId::m6, std::move(expected), concat("anchor ", Hex{proof->anchor().view()}, ", ", proof->revocation_));
}

}  // namespace redoubt::tpm
