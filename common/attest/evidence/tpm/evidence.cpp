#include "common/attest/evidence/tpm/evidence.h"

#include "common/attest/evidence/tpm/authenticator.h"

namespace redoubt::tpm {

namespace {

// read_evidence fills a new `value`, whose views are of `evidence`: of some kilobytes, it is moved as seldom as can be.
Status read_evidence(ByteView evidence, TpmEvidence& value) {
  REDOUBT_CHECK(value.raw.read(evidence));
  REDOUBT_TRY(value.attest, Attest::parse(value.raw.attest));
  REDOUBT_TRY(value.signature, Signature::parse(value.raw.signature));
  auto ak = Public::parse(value.raw.ak_public);
  if (!ak.ok()) return ak.error().context("attestation key");
  value.ak = std::move(*ak);
  value.ak_name = value.ak.name;
  if (!value.raw.ak_certificates.empty()) return {};
  auto ek = Public::parse(value.raw.ek_public);
  if (!ek.ok()) return ek.error().context("endorsement key");
  if (ek->rsa() == nullptr) return Error(Code::malformed, "endorsement key: expected an RSA key, found a key on P-256");
  value.ek = std::move(*ek);
  return {};
}

}  // namespace

Result<attest::Parsed<TpmEvidence>> parse(ByteView evidence) {
  TpmEvidence value;
  REDOUBT_CHECK(read_evidence(evidence, value));  // what has no form is not copied
  value.kept = std::make_shared<const Bytes>(to_bytes(evidence));
  value.raw.follow(evidence, *value.kept);
  return attest::Parsed<TpmEvidence>(std::move(value));
}

Result<attest::Parsed<TpmEvidence>> parse_in_place(ByteView evidence) {
  TpmEvidence value;
  REDOUBT_CHECK(read_evidence(evidence, value));
  return attest::Parsed<TpmEvidence>(std::move(value));
}

Result<VerifiedEk> verify_ek(ByteView certificate, std::span<const Bytes> intermediates,
                             std::span<const crypto::Certificate> roots, Instant now, const Revocation& revocation) {
  std::vector<ByteView> anchors;
  for (const crypto::Certificate& root : roots) anchors.push_back(root.der());
  REDOUBT_TRY(KeyChain chain, verify_chain(certificate, intermediates, anchors, now, &kEkUsage, revocation).context("ek certificate"));
  VerifiedEk ek;
  ek.der_ = to_bytes(certificate);
  ek.certificate_ = crypto::sha256(certificate);
  ek.anchor_ = chain.anchor;
  ek.validity_ = chain.validity;
  ek.modulus_ = to_bytes(rsa_modulus(chain.spki));
  ek.revocation_ = std::move(chain.revocation);
  return ek;
}

void TpmAuthenticator::judge(attest::CheckId id, std::string expected, const Status& status) {
  if (status.ok()) {
    pass(id, std::move(expected), "as expected");
  } else {
    fail(id, status.error().code(), std::move(expected), status.error().message());
  }
}

Outcome TpmAuthenticator::run() {
  checks_.reserve(24);  // fifteen here; five of the policy and two of the claims follow
  if (evidence_.ek) evidence_.ek_certificate = ek_certificate();
  check_form();
  checks_.push_back(check_extra_data(inputs_.expected_extra_data, evidence_.attest.extra_data));
  check_signature();
  check_quoted_pcrs();
  if (raw_.ak_certificates.empty()) {
    check_enrolled_ak();
    check_ek();
  } else {
    check_certified_ak();
  }
  check_event_log();
  check_ima_log();
  check_application_log();

  Outcome outcome{std::move(checks_), std::nullopt, validity_};
  const bool accepted = std::ranges::none_of(
      outcome.checks, [](const attest::Check& check) { return check.outcome == attest::Outcome::failed; });
  if (accepted) outcome.authentic = attest::Authentic<TpmEvidence>(std::move(evidence_));
  return outcome;
}

Outcome authenticate(const attest::Parsed<TpmEvidence>& parsed, const Inputs& inputs) {
  attest::Parsed<TpmEvidence> own = parsed;
  return TpmAuthenticator(own, inputs).run();
}

Outcome authenticate(attest::Parsed<TpmEvidence>&& parsed, const Inputs& inputs) { return TpmAuthenticator(parsed, inputs).run(); }

}  // namespace redoubt::tpm
