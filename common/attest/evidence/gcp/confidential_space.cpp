#include "common/attest/evidence/gcp/confidential_space.h"

namespace redoubt::gcp {

class ConfidentialSpaceAuthenticator {
 public:
  static const attest::Parsed<token::Token>& token(const attest::Parsed<ConfidentialSpace>& parsed) { return parsed.value_.parsed; }

  static Outcome run(const attest::Parsed<ConfidentialSpace>& parsed, const token::Inputs& inputs) {
    token::Outcome judged = token::authenticate(parsed.value_.parsed, inputs);
    Outcome outcome;
    outcome.checks = std::move(judged.checks);
    outcome.validity = judged.validity;
    if (judged.authentic) {
      ConfidentialSpace value = parsed.value_;
      value.token = std::move(judged.authentic);
      outcome.authentic = attest::Authentic<ConfidentialSpace>(std::move(value));
    }
    return outcome;
  }
};

Result<attest::Parsed<ConfidentialSpace>> parse(std::string_view text) {
  REDOUBT_TRY(attest::Parsed<token::Token> parsed, token::parse(text));
  REDOUBT_TRY(Claims claims, read_claims(token::unverified_claims(parsed)));
  return attest::Parsed<ConfidentialSpace>({std::move(parsed), std::move(claims), std::nullopt});
}

json::Value describe(const attest::Parsed<ConfidentialSpace>& parsed) {
  json::Object shown = *token::describe(ConfidentialSpaceAuthenticator::token(parsed)).object();
  shown.insert_or_assign("format", "gcp-confidential-space");
  return shown;
}

std::string unverified_audience(const attest::Parsed<ConfidentialSpace>& parsed) {
  const json::Value& claims = token::unverified_claims(ConfidentialSpaceAuthenticator::token(parsed));
  const auto found = claims.object()->find("aud");
  return found == claims.object()->end() || found->second.string() == nullptr ? "" : *found->second.string();
}

Outcome authenticate(const attest::Parsed<ConfidentialSpace>& parsed, const token::Inputs& inputs) {
  return ConfidentialSpaceAuthenticator::run(parsed, inputs);
}

}  // namespace redoubt::gcp
