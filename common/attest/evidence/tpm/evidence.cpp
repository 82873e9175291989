#include "common/attest/evidence/tpm/evidence.h"

#include "common/attest/evidence/tpm/authenticator.h"

namespace redoubt::tpm {

namespace {

// read_evidence: its views are of `evidence`.
Result<TpmEvidence> read_evidence(ByteView evidence) {
  TpmEvidence value;
  REDOUBT_TRY(value.raw, RawParts::decode(evidence));
  REDOUBT_TRY(value.attest, Attest::parse(value.raw.attest));
  REDOUBT_TRY(value.signature, Signature::parse(value.raw.signature));
  REDOUBT_TRY(value.ak, Public::parse(value.raw.ak_public).context("attestation key"));
  value.ak_name = value.ak.name;
  if (value.raw.ak_certificates.empty()) {
    REDOUBT_TRY(value.ek, Public::parse(value.raw.ek_public).context("endorsement key"));
    if (value.ek->rsa() == nullptr) return Error(Code::malformed, "endorsement key: expected an RSA key, found a key on P-256");
    value.ek_certificate = crypto::sha256(value.raw.ek_certificate);
  }
  return value;
}

}  // namespace

Result<attest::Parsed<TpmEvidence>> parse(ByteView evidence) {
  if (const auto form = read_evidence(evidence); !form.ok()) return form.error();  // what has no form is not copied
  auto kept = std::make_shared<const Bytes>(to_bytes(evidence));
  REDOUBT_TRY(TpmEvidence value, read_evidence(*kept));
  value.kept = std::move(kept);
  return attest::Parsed<TpmEvidence>(std::move(value));
}

Result<attest::Parsed<TpmEvidence>> parse_in_place(ByteView evidence) {
  REDOUBT_TRY(TpmEvidence value, read_evidence(evidence));
  return attest::Parsed<TpmEvidence>(std::move(value));
}

Result<VerifiedEk> verify_ek(ByteView certificate, std::span<const Bytes> intermediates,
                             std::span<const crypto::Certificate> roots, Instant now, const Revocation& revocation) {
  std::vector<ByteView> anchors;
  for (const crypto::Certificate& root : roots) anchors.push_back(root.der());
  REDOUBT_TRY(KeyChain chain, verify_chain(certificate, intermediates, anchors, now, &kEkUsage, revocation).context("ek certificate"));
  VerifiedEk ek;
  ek.certificate_ = crypto::sha256(certificate);
  ek.anchor_ = chain.anchor;
  ek.validity_ = chain.validity;
  ek.spki_ = std::move(chain.spki);
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
  checks_.reserve(24);  // fifteen here; six of the policy and two of the claims follow
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
  return TpmAuthenticator(parsed, inputs).run();
}

Outcome authenticate(attest::Parsed<TpmEvidence>&& parsed, const Inputs& inputs) {
  return TpmAuthenticator(std::move(parsed), inputs).run();
}

}  // namespace redoubt::tpm
