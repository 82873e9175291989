#include "client/sdk/enrolment.h"

#include "client/sdk/members.h"

namespace redoubt::sdk {
namespace {

constexpr std::size_t kMaxIntermediates = 4;
constexpr std::size_t kSecret = 32;

// check_ak: the kind of key whose signatures speak for the TPM alone (Part 1 section 27.2: restricted keys sign nothing that
// could pass for the TPM's own word).
Status check_ak(const tpm::Public& ak) {
  constexpr std::uint32_t needed = tpm::kFixedTpm | tpm::kFixedParent | tpm::kSensitiveDataOrigin | tpm::kRestricted | tpm::kSign;
  if ((ak.attributes & needed) == needed && (ak.attributes & tpm::kDecrypt) == 0 && ak.ecc() != nullptr) return {};
  return Error(Code::chain, "attestation key: expected a restricted ECC signing key made in the TPM, found " +
                                tpm::attributes_text(ak.attributes));
}

// check_ek: the public area is the certificate's key, in the one template that can do nothing but credential activation.
Status check_ek(const AkOffer& offer, const tpm::Public& ek, const Enrolling& with) {
  const std::vector<crypto::Certificate> roots = anchors_of(with.policy, with.roots);
  if (roots.empty()) return Error(Code::chain, "no certificate at hand for the trust anchors that the contract names");
  REDOUBT_CHECK([&]() -> Status {
    const auto verified = tpm::verify_ek(offer.ek_certificate, offer.intermediates, roots, with.now);
    return verified.ok() ? Status() : verified.error();
  }().context("checking the EK certificate"));
  REDOUBT_TRY(const auto certificate, crypto::Certificate::parse_der(offer.ek_certificate));
  if (!tpm::ek_template_matches(ek)) return Error(Code::chain, "endorsement key: not the template L-1 of the EK Credential Profile");
  if (!tpm::is_key_of(*ek.rsa(), certificate.spki())) {
    return Error(Code::chain, "endorsement key: the certificate speaks for another key");
  }
  return {};
}

}  // namespace

std::vector<crypto::Certificate> anchors_of(const appraise::Policy& policy, const std::vector<crypto::Certificate>& candidates) {
  std::vector<crypto::Certificate> anchors;
  if (!policy.platforms.tpm) return anchors;
  for (const crypto::Certificate& candidate : candidates) {
    if (std::ranges::find(policy.platforms.tpm->anchors, candidate.digest(), &appraise::TrustAnchor::certificate) != policy.platforms.tpm->anchors.end()) {
      anchors.push_back(candidate);
    }
  }
  return anchors;
}

Result<AkOffer> AkOffer::from_json(const json::Value& value) {
  const json::Value known = members_of(value, {"ak_public", "ek_certificate", "ek_public", "intermediates"});
  json::ObjectReader reader(known, "attestation key");
  AkOffer offer;
  offer.ek_certificate = reader.base64("ek_certificate", crypto::Certificate::kMaxSize);
  offer.ek_public = reader.base64("ek_public", tpm::Public::kMaxSize);
  offer.ak_public = reader.base64("ak_public", tpm::Public::kMaxSize);
  const json::Array& intermediates = reader.array("intermediates", kMaxIntermediates);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const auto texts, json::strings(json::Value(intermediates), "intermediates", kMaxIntermediates));
  for (const std::string& text : texts) {
    REDOUBT_TRY(Bytes der, base64_decode(text));
    if (der.size() > crypto::Certificate::kMaxSize) return Error(Code::malformed, "intermediates: a certificate is too large");
    offer.intermediates.push_back(std::move(der));
  }
  return offer;
}

Result<Enrolled> enrol(AkDoor& door, const Enrolling& with, const std::vector<tpm::AkEnrolment>& known) {
  REDOUBT_TRY(const AkOffer offer, door.offer());
  REDOUBT_TRY(const tpm::Public ek, tpm::Public::parse(offer.ek_public).context("endorsement key"));
  REDOUBT_TRY(const tpm::Public ak, tpm::Public::parse(offer.ak_public).context("attestation key"));
  REDOUBT_CHECK(check_ak(ak));
  REDOUBT_CHECK(check_ek(offer, ek, with));
  const crypto::Sha256Digest certificate = crypto::sha256(offer.ek_certificate);
  for (const tpm::AkEnrolment& enrolment : known) {
    if (enrolment.ak_name == ak.name && enrolment.ek_certificate == certificate &&
        enrolment.enroller == with.enroller.public_key() && enrolment.verify().ok()) {
      return Enrolled{enrolment, false};
    }
  }
  const SecretBytes secret = with.random.secret(kSecret);
  REDOUBT_TRY(const AkChallenge challenge, with.make_credential(ek, ak.name, secret, with.random));
  REDOUBT_TRY(const SecretBytes answer, door.activate(challenge));
  if (!(answer == secret)) {  // in constant time
    return Error(Code::binding, "credential activation: the TPM of this EK does not hold the attestation key");
  }
  return Enrolled{tpm::AkEnrolment::sign(certificate, ak.name, with.now, with.enroller), true};
}

}  // namespace redoubt::sdk
