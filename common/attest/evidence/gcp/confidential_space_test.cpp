// Confidential Space claims: typed as the service writes them, unread when their type is another, and readable only from an
// authentic token. Method: one sample under a test key, one edit.
#include "common/attest/evidence/gcp/confidential_space.h"
#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"

namespace redoubt::gcp {
namespace {

using test::SignerKind;

constexpr std::string_view kHeader = R"({"alg":"RS256","kid":"k1","typ":"JWT"})";

const test::Signer& signer() { return test::test_signer(SignerKind::rsa2048, "signer"); }

std::string token(std::string_view first = "", std::string_view second = "") {
  return test::make_token(kHeader, test::edited(test::confidential_space_payload(), first, second), "RS256", signer());
}

Outcome outcome(const std::string& text, std::string_view audience = "https://verifier.example") {
  const token::Issuer issuer = token::google_oidc();
  const auto keys = OrDie(crypto::parse_jwk_set(test::jwk_set(signer(), "k1", "RS256")));
  return authenticate(OrDie(parse(text)), {.issuer = issuer, .key_set = keys, .audience = audience, .now = Instant(1790001000)});
}

// The claims of the sample with one edit; the edited token must be authentic.
Claims claims_of(std::string_view first = "", std::string_view second = "") {
  const Outcome result = outcome(token(first, second));
  if (!result.authentic) std::abort();
  return (*result.authentic)->claims;
}

TEST(ConfidentialSpace, GivesEveryClaimTyped) {
  const Outcome result = outcome(token());
  ASSERT_TRUE(result.authentic);
  const ConfidentialSpace& space = **result.authentic;
  ASSERT_TRUE(space.token);
  EXPECT_EQ((*space.token)->nonces.size(), 2U);
  const Claims& claims = space.claims;
  EXPECT_TRUE(claims.subject.ends_with("/instances/i"));
  EXPECT_EQ(claims.eat_profile, "https://profile.example");
  EXPECT_EQ(claims.secboot, true);
  EXPECT_EQ(claims.oemid, 11129);
  EXPECT_EQ(claims.hwmodel, "GCP_INTEL_TDX");
  EXPECT_EQ(claims.swname, "CONFIDENTIAL_SPACE");
  EXPECT_EQ(claims.swversion, Texts{"250301"});
  EXPECT_EQ(claims.debug, DebugStatus::disabled_since_boot);
  EXPECT_EQ(claims.attester_tcb, Texts{"INTEL"});
  EXPECT_EQ(claims.support_attributes, (Texts{"LATEST", "STABLE", "USABLE"}));
  EXPECT_EQ(claims.memory_monitoring, true);
  EXPECT_EQ(claims.gpu_cc_mode, "ON");
  EXPECT_EQ(claims.service_accounts, Texts{"w@p.iam.example"});
  EXPECT_EQ(claims.unknown_claims, 1U);  // "ratio"
}

TEST(ConfidentialSpace, GivesTheTcbContainerAndInstanceTyped) {
  const Claims claims = claims_of();
  ASSERT_TRUE(claims.tdx);
  EXPECT_EQ(claims.tdx->gcp_attester_tcb_status, "UpToDate");
  EXPECT_EQ(claims.tdx->gcp_attester_tcb_date, OrDie(Instant::parse("2026-02-13T00:00:00Z")));
  EXPECT_FALSE(claims.tdx->attester_tcb_status);
  ASSERT_TRUE(claims.container);
  EXPECT_EQ(claims.container->image_digest.hex(), std::string(64, 'a'));
  EXPECT_EQ(claims.container->image_id->hex(), std::string(64, 'b'));
  EXPECT_EQ(claims.container->image_reference, "registry.example/a:latest");
  EXPECT_EQ(claims.container->restart_policy, "Never");
  EXPECT_EQ(claims.container->args, (Texts{"/run", "--fast"}));
  EXPECT_EQ(claims.container->cmd_override, Texts{"--slow"});
  EXPECT_EQ(claims.container->env, (Environment{{"MODE", "x"}, {"PATH", "/bin"}}));
  EXPECT_EQ(claims.container->env_override, (Environment{{"MODE", "x"}}));
  ASSERT_EQ(claims.container->image_signatures.size(), 1U);
  EXPECT_EQ(claims.container->image_signatures[0].key_id, "k");
  ASSERT_TRUE(claims.instance);
  EXPECT_EQ(claims.instance->project_number, "12");
  EXPECT_EQ(claims.instance->instance_id, "34");
}

TEST(ConfidentialSpace, GivesNoClaimsOfATokenForSomebodyElse) {
  const Outcome result = outcome(token(), "https://other.example");
  EXPECT_FALSE(result.authentic);
  ASSERT_EQ(result.checks.size(), 3U);
  EXPECT_EQ(result.checks[1].id, attest::CheckId::j2);
  EXPECT_EQ(result.checks[1].outcome, attest::Outcome::failed);
}

TEST(ConfidentialSpace, TakesAnyOtherDebugStatusForNoAssurance) {
  const auto debug = [](std::string_view text) { return claims_of("\"disabled-since-boot\"", text).debug; };
  EXPECT_EQ(debug("\"enabled\""), DebugStatus::enabled);
  EXPECT_EQ(debug("\"disabled\""), DebugStatus::other);
  EXPECT_EQ(debug("\"Disabled-Since-Boot\""), DebugStatus::other);
  EXPECT_EQ(claims_of("\"dbgstat\":\"disabled-since-boot\",", "").debug, DebugStatus::other);
}

TEST(ConfidentialSpace, RefusesKnownClaimsOfAnotherType) {
  const auto refused = [](std::string_view first, std::string_view second, std::string_view part) {
    EXPECT_ERROR(parse(token(first, second)), Code::malformed, part);
  };
  refused("\"secboot\":true", "\"secboot\":\"true\"", "secboot: expected true or false, found");
  refused("\"oemid\":11129", "\"oemid\":11129.5", "oemid");
  refused("[\"250301\"]", "\"250301\"", "swversion");
  refused("[\"250301\"]", "[250301]", "swversion");
  refused("\"disabled-since-boot\"", "[\"disabled-since-boot\"]", "dbgstat");
  refused("\"sha256:aa", "\"sha512:aa", "image_digest");
  refused("\"sha256:aa", "\"sha256:AA", "image_digest");
  refused("\"sha256:aa", "\"sha256:a", "image_digest");
  refused("\"image_digest\"", "\"image-digest\"", "image_digest: expected a digest, found none");
  refused("2026-02-13T00:00:00Z", "2026-02-13", "gcp_attester_tcb_date");
  refused("\"env_override\":{\"MODE\":\"x\"}", "\"env_override\":{\"MODE\":1}", "env_override");
  refused("\"env_override\":{\"MODE\":\"x\"}", "\"env_override\":[]", "env_override");
  refused("\"cmd_override\":[\"--slow\"]", "\"cmd_override\":\"--slow\"", "cmd_override");
  refused("{\"cc_mode\":\"ON\"}", "{\"cc_mode\":true}", "cc_mode");
  refused("{\"cc_mode\":\"ON\"}", "[]", "nvidia_gpu");
  refused("[\"LATEST\",", "[1,", "support_attributes");
}

TEST(ConfidentialSpace, TakesNullForAClaimThatIsLeftOut) {
  EXPECT_EQ(claims_of("[\"LATEST\",\"STABLE\",\"USABLE\"]", "null").support_attributes, std::nullopt);
  EXPECT_EQ(claims_of("{\"cc_mode\":\"ON\"}", "{}").gpu_cc_mode, std::nullopt);
  EXPECT_EQ(claims_of("[\"w@p.iam.example\"]", "null").service_accounts, Texts{});
  EXPECT_ERROR(parse(token("\"sha256:" + std::string(64, 'a') + "\"", "null")), Code::malformed, "image_digest");
}

TEST(ConfidentialSpace, ReadsTheTdxClaimAlsoAsAnArrayOfOne) {
  const std::string object = R"({"gcp_attester_tcb_status":"UpToDate","gcp_attester_tcb_date":"2026-02-13T00:00:00Z"})";
  EXPECT_EQ(claims_of(object, "[" + object + "]").tdx->gcp_attester_tcb_status, "UpToDate");
  EXPECT_ERROR(parse(token(object, "[" + object + "," + object + "]")), Code::malformed, "tdx");
  EXPECT_ERROR(parse(token(object, "[]")), Code::malformed, "tdx");
}

TEST(ConfidentialSpace, CountsClaimsThatItDoesNotKnowAtEveryLevel) {
  EXPECT_EQ(claims_of("\"MODE\":\"x\"}", "\"MODE\":\"x\",\"NEW\":\"y\"}").unknown_claims, 1U);  // env is free
  EXPECT_EQ(claims_of("\"restart_policy\"", "\"new\":1,\"restart_policy\"").unknown_claims, 2U);
  EXPECT_EQ(claims_of("\"zone\"", "\"new\":{\"a\":1},\"zone\"").unknown_claims, 2U);
}

TEST(ConfidentialSpace, DescribesItselfAsUnverified) {
  const json::Value shown = describe(OrDie(parse(token())));
  EXPECT_EQ(*shown.object()->find("format")->second.string(), "gcp-confidential-space");
  EXPECT_EQ(*shown.object()->find("verified")->second.boolean(), false);
}

}  // namespace
}  // namespace redoubt::gcp
