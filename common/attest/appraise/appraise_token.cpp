// Cloud tokens: the signed statement of an attestation service about a Confidential Space workload, held against the policy's
// section "token".
#include <charconv>

#include "common/attest/appraise/findings.h"
#include "common/attest/appraise/wants.h"

namespace redoubt::appraise {
namespace {

using attest::Check;
using attest::CheckId;

// issuer_of: the services that are known by name. Which keys sign is told by the form of the token and by what the caller pinned.
Result<token::Issuer> issuer_of(const TokenPolicy& policy, bool with_key_set) {
  const token::Issuer oidc = token::google_oidc();
  if (policy.issuer == oidc.name) return with_key_set ? oidc : token::google_pki();
  // Intel signs for a Confidential Space with the claims of that service, the nonce among them.
  token::Issuer intel = token::intel();
  intel.nonce_claim = oidc.nonce_claim;
  if (policy.issuer == intel.name) return intel;
  return Error(Code::usage, "policy: expected the issuer " + oidc.name + " or " + intel.name + ", found " + policy.issuer);
}

std::optional<std::uint64_t> version_of(const gcp::Texts& versions) {
  std::optional<std::uint64_t> lowest;
  for (const std::string& text : versions) {
    std::uint64_t value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    lowest = lowest ? std::min(*lowest, value) : value;
  }
  return lowest;
}

bool contains(const std::vector<std::string>& list, const std::string& text) { return std::ranges::find(list, text) != list.end(); }

// J3: what the service says of the workload.
Check check_claims(const TokenPolicy& policy, const gcp::Claims& claims) {
  Wants wants;
  const bool debug = claims.debug != gcp::DebugStatus::disabled_since_boot;
  wants.want(policy.accept_debug || !debug, "dbgstat", "disabled-since-boot", claims.dbgstat.empty() ? "absent" : claims.dbgstat);
  wants.want(!policy.require_secure_boot || claims.secboot.value_or(false), "secboot", "true", "not true");
  wants.want(contains(policy.software_names, claims.swname), "swname", joined(policy.software_names), claims.swname);
  if (policy.minimum_software_version) {
    const auto version = version_of(claims.swversion);
    wants.want(version && *version >= *policy.minimum_software_version, "swversion", ">= " + std::to_string(*policy.minimum_software_version),
               joined(claims.swversion));
  }
  if (policy.support) {
    const bool supported = claims.support_attributes &&
                           std::ranges::any_of(*claims.support_attributes, [&](const std::string& one) { return contains(*policy.support, one); });
    wants.want(supported, "support_attributes", "one of " + joined(*policy.support), claims.support_attributes ? joined(*claims.support_attributes) : "absent");
  }
  if (policy.hardware_models) wants.want(contains(*policy.hardware_models, claims.hwmodel), "hwmodel", joined(*policy.hardware_models), claims.hwmodel);
  if (policy.image_digests) {
    const std::string found = claims.container ? "sha256:" + claims.container->image_digest.hex() : "absent";
    wants.want(contains(*policy.image_digests, found), "image_digest", joined(*policy.image_digests), found);
  }
  if (claims.container) {
    const bool overrides = !claims.container->cmd_override.empty() || !claims.container->env_override.empty();
    wants.want(policy.accept_overrides || !overrides, "command and environment", "as the image has them", "overridden by the operator");
  } else {
    wants.want(false, "container", "described", "absent");
  }
  return wants.check(CheckId::j3, debug && !policy.accept_debug ? Code::policy : Code::measurement, claims.swname + ", " + claims.hwmodel + ", " + claims.dbgstat);
}

json::Object measured_of(const gcp::ConfidentialSpace& token) {
  json::Object out{{"dbgstat", token.claims.dbgstat}, {"hwmodel", token.claims.hwmodel}, {"swname", token.claims.swname}};
  out.emplace("swversion", json::Array(token.claims.swversion.begin(), token.claims.swversion.end()));
  if (token.claims.secboot) out.emplace("secboot", *token.claims.secboot);
  if (token.claims.container) out.emplace("image_digest", "sha256:" + token.claims.container->image_digest.hex());
  return out;
}

}  // namespace

Result<Findings> find_token(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge, const Policy& policy, Instant now) {
  if (!policy.platforms.token) return Error(Code::policy, "the policy accepts no cloud tokens");
  const TokenPolicy& section = *policy.platforms.token;
  REDOUBT_TRY(const auto parsed, gcp::parse(as_text(evidence.bytes)).context("parsing evidence"));
  REDOUBT_TRY(const token::Issuer issuer, issuer_of(section, !endorsements.token_keys.empty()));
  std::vector<crypto::Sha256Digest> roots{token::confidential_space_root()};
  if (section.roots) {
    roots.clear();
    for (const VendorRoot& root : *section.roots) roots.push_back(root.spki);
  }
  const auto expected = expected_report_data(challenge, crypto::Sha256Digest::size);
  // A nonce that is not text already crosses in hexadecimal.
  const std::string nonce = !expected ? "" : challenge.report_data.empty() ? hex_encode(expected->view()) : std::string(as_text(expected->view()));
  const std::string audience = section.audience ? *section.audience : issuer.has_audience ? gcp::unverified_audience(parsed) : "";
  token::Inputs inputs{.issuer = issuer, .key_set = endorsements.token_keys, .roots = roots, .audience = audience, .now = now};
  if (expected) inputs.nonce = nonce;
  inputs.skew_seconds = static_cast<std::int64_t>(std::min<std::uint64_t>(section.skew_seconds, 600));
  gcp::Outcome outcome = gcp::authenticate(parsed, inputs);
  Findings findings;
  findings.appraisal.validity = outcome.validity;
  findings.appraisal.host_asserted = false;
  findings.checks = std::move(outcome.checks);
  if (!outcome.authentic) {
    findings.checks.push_back(attest::not_applicable(CheckId::j3, "the Evidence is not authentic"));
    return findings;
  }
  const gcp::ConfidentialSpace& token = **outcome.authentic;
  findings.appraisal.measured = measured_of(token);
  if (!expected) findings.appraisal.remarks.emplace_back("nobody sent a challenge: this token may be another's");
  if (!section.audience) findings.appraisal.remarks.emplace_back("the policy takes a token for any audience");
  findings.appraisal.remarks.emplace_back("the token is the word of " + issuer.name + ": the hardware's own Evidence was not seen");
  findings.checks.push_back(check_claims(section, token.claims));
  return findings;
}

}  // namespace redoubt::appraise
