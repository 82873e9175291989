#include "common/attest/evidence/tpm/evidence.h"

#include "common/attest/evidence/tpm/authenticator.h"

namespace redoubt::tpm {
namespace {

constexpr std::string_view kEkUsage = "2.23.133.8.1";  // tcg-kp-EKCertificate, TCG EK Credential Profile section 3.2

}  // namespace

Result<attest::Parsed<TpmEvidence>> parse(ByteView evidence) {
  TpmEvidence value;
  REDOUBT_TRY(value.raw, RawEvidence::decode(evidence));
  REDOUBT_TRY(value.attest, Attest::parse(value.raw.attest));
  REDOUBT_CHECK([&]() -> Status {
    REDOUBT_TRY(const Signature signature, Signature::parse(value.raw.signature));
    static_cast<void>(signature);
    return {};
  }());
  REDOUBT_TRY(const Public ak, Public::parse(value.raw.ak_public).context("attestation key"));
  if (ak.ecc() == nullptr) return Error(Code::malformed, "attestation key: expected a key on P-256, found an RSA key");
  REDOUBT_TRY(const Public ek, Public::parse(value.raw.ek_public).context("endorsement key"));
  if (ek.rsa() == nullptr) return Error(Code::malformed, "endorsement key: expected an RSA key, found a key on P-256");
  value.ak_name = ak.name;
  value.ek_certificate = crypto::sha256(value.raw.ek_certificate);
  return attest::Parsed<TpmEvidence>(std::move(value));
}

Result<VerifiedEk> verify_ek(ByteView certificate, std::span<const Bytes> intermediates,
                             std::span<const crypto::Certificate> roots, Instant now) {
  REDOUBT_TRY(const crypto::Certificate leaf, crypto::Certificate::parse_der(certificate).context("ek certificate"));
  std::vector<crypto::Certificate> between;
  for (const Bytes& der : intermediates) {
    REDOUBT_TRY(crypto::Certificate parsed, crypto::Certificate::parse_der(der).context("ek intermediate"));
    between.push_back(std::move(parsed));
  }
  if (!leaf.has_extended_usage(kEkUsage)) {
    return Error(Code::chain, "ek certificate: expected the extended usage 2.23.133.8.1, found none such");
  }
  if (leaf.is_ca()) return Error(Code::chain, "ek certificate: expected an end entity, found a CA");
  REDOUBT_TRY(const crypto::ChainResult chain, crypto::verify_chain(leaf, between, roots, now).context("ek certificate"));
  VerifiedEk ek;
  ek.certificate_ = leaf.digest();
  ek.anchor_ = chain.anchor;
  ek.validity_ = chain.validity;
  ek.spki_ = to_bytes(leaf.spki());
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
  const auto ak = Public::parse(raw_.ak_public);
  evidence_.ek_certificate = crypto::sha256(raw_.ek_certificate);
  check_form();
  check_qualifying_data();
  check_signature(ak);
  check_pcrs();
  check_ak(ak);
  check_ek();
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

}  // namespace redoubt::tpm
