// Goal: a cloud token is trusted exactly when its section of the policy says so. Method: a token under a key or a root of the test; one
// requirement, one claim or one time changed at a time; the checks that fail are told exactly.
#include <gtest/gtest.h>

#include "tests/support/appraisal_scene.h"

namespace redoubt::appraise {
namespace {

using test::CheckIds;
using test::edited;
using test::Scene;
using test::Signer;
using test::SignerKind;
using test::token_payload;
using test::token_scene;

TEST(AppraiseToken, ATokenIsAWordOfItsIssuerAndNeverMoreThanAWarning) {
  const Appraisal result = token_scene().verdict();
  EXPECT_EQ(test::failed_ids(result), CheckIds{});
  EXPECT_EQ(result.status, Tier::warning);
  ASSERT_EQ(result.remarks.size(), 1U);
  EXPECT_NE(result.remarks[0].find("the hardware's own Evidence was not seen"), std::string::npos);
  EXPECT_FALSE(result.hardware.has_value());
}

TEST(AppraiseToken, EachRequirementOfThePolicyDecides) {
  using P = PlatformPolicies;
  const std::string other = "sha256:" + std::string(64, 'c');
  test::expect_requirements(
      token_scene(),
      {{"issuer", [](P& p) { p.token->issuer = "https://portal.trustauthority.intel.com"; }, {"J1", "J2"}, "", ""},
       {"audience", [](P& p) { p.token->audience = "https://another.example"; }, {"J2"}, "https://another.example", "https://verifier.example"},
       {"any audience", [](P& p) { p.token->audience.reset(); }, {}, "", ""},
       {"software_names", [](P& p) { p.token->software_names = {"HARDENED"}; }, {"J3"}, "swname HARDENED", "swname CONFIDENTIAL_SPACE"},
       {"minimum_software_version", [](P& p) { p.token->minimum_software_version = 250302; }, {"J3"}, "swversion >= 250302", "swversion 250301"},
       {"support", [](P& p) { p.token->support = {"EXPERIMENTAL"}; }, {"J3"}, "one of EXPERIMENTAL", "LATEST, STABLE, USABLE"},
       {"hardware_models", [](P& p) { p.token->hardware_models = {"GCP_AMD_SEV"}; }, {"J3"}, "hwmodel GCP_AMD_SEV", "hwmodel GCP_INTEL_TDX"},
       {"image_digests", [&](P& p) { p.token->image_digests = {other}; }, {"J3"}, other, "sha256:aaaa"},
       {"vendor roots say nothing where keys are pinned", [](P& p) { p.token->roots.reset(); }, {}, "", ""}});
}

TEST(AppraiseToken, TheSectionMustBeThere) { test::expect_section(token_scene(), "cloud tokens"); }
TEST(AppraiseToken, ChallengeAndClaimsAreTheRelyingPartysOwn) { test::expect_bound(token_scene(), "J2"); }
TEST(AppraiseToken, WithoutAChallengeItIsAWarning) { test::expect_unchallenged(token_scene()); }

TEST(AppraiseToken, DebugIsEverythingButDisabledSinceBoot) {
  for (const std::string_view status : {R"("dbgstat":"enabled")", R"("dbgstat":"disabled")", R"("dbgstat":"")", R"("x":"")"}) {
    Scene scene = token_scene(edited(token_payload(), R"("dbgstat":"disabled-since-boot")", status));
    EXPECT_EQ(scene.failures(), CheckIds{"J3"}) << status;
    EXPECT_ERROR(scene.verdict().accepted(), Code::policy, "dbgstat disabled-since-boot") << status;
    scene.policy.platforms.token->hardware_models.reset();
    scene.policy.platforms.token->image_digests.reset();
    EXPECT_EQ(scene.failures(), CheckIds{"J3"}) << status;
    scene.policy.platforms.token->accept_debug = true;
    EXPECT_EQ(scene.failures(), CheckIds{}) << status;
  }
}

TEST(AppraiseToken, EachClaimDecides) {
  const auto with = [](std::string_view first, std::string_view second) { return token_scene(edited(token_payload(), first, second)); };
  const Scene insecure = with(R"("secboot":true)", R"("secboot":false)");
  EXPECT_EQ(insecure.failures(), CheckIds{"J3"});
  EXPECT_EQ(with_policy(insecure, [](PlatformPolicies& p) { p.token->require_secure_boot = false; }).failures(), CheckIds{});
  EXPECT_EQ(with(R"("secboot":true,)", "").failures(), CheckIds{"J3"});  // absent is not true
  EXPECT_EQ(with(R"(["250301"])", R"(["250301","240101"])").failures(), CheckIds{"J3"});  // the lowest counts
  EXPECT_EQ(with(R"(["250301"])", R"(["250301x"])").failures(), CheckIds{"J3"});
  EXPECT_EQ(with(R"(["250301"])", "[]").failures(), CheckIds{"J3"});
  for (const std::string_view override_of : {R"("args":["/run","--fast"],"cmd_override":["/bin/sh"])", R"("args":["/run","--fast"],"env_override":{"A":"b"})"}) {
    const Scene overridden = with(R"("args":["/run","--fast"])", override_of);
    EXPECT_EQ(overridden.failures(), CheckIds{"J3"}) << override_of;
    EXPECT_EQ(overridden.verdict().find(attest::CheckId::j3)->found, "command and environment overridden by the operator");
    EXPECT_EQ(with_policy(overridden, [](PlatformPolicies& p) { p.token->accept_overrides = true; }).failures(), CheckIds{}) << override_of;
  }
  const Scene machine = with(R"("container":)", R"("unknown":)");
  EXPECT_EQ(machine.failures(), CheckIds{"J3"});
  EXPECT_EQ(with_policy(machine, [](PlatformPolicies& p) { p.token->image_digests.reset(); }).failures(), CheckIds{"J3"});
}

TEST(AppraiseToken, KeysThatTheCallerDidNotPinSignNothing) {
  Scene scene = token_scene();
  scene.endorsements.token_keys = OrDie(crypto::parse_jwk_set(test::jwk_set(test::test_signer(SignerKind::rsa2048, "stranger"), "key 1", "RS256")));
  EXPECT_EQ(scene.failures(), CheckIds{"J1"});
  EXPECT_TRUE(scene.verdict().measured.empty());
  // A header that brings its own address of keys is refused for that alone.
  Scene own = token_scene();
  own.evidence.bytes = to_bytes(test::make_token(R"({"alg":"RS256","kid":"key 1","typ":"JWT","jku":"https://stranger.example"})", token_payload(),
                                                 "RS256", test::test_signer(SignerKind::rsa2048, "service")));
  EXPECT_EQ(own.failures(), CheckIds{"J4"});
}

// chain_scene: a token that brings its certificates, under a root of the test.
Scene chain_scene() {
  const Signer& leaf = test::test_signer(SignerKind::rsa2048, "leaf");
  const Signer& middle = test::test_signer(SignerKind::rsa2048, "intermediate");
  const Signer& root = test::test_signer(SignerKind::rsa2048, "root");
  const std::vector<Bytes> chain{test::signer_certificate({.subject = "leaf", .issuer = "intermediate"}, leaf, middle),
                                 test::signer_certificate({.subject = "intermediate", .issuer = "root", .ca = true}, middle, root),
                                 test::signer_certificate({.subject = "root", .issuer = "root", .ca = true}, root, root)};
  Scene scene = token_scene();
  scene.evidence.bytes = to_bytes(test::make_token(R"({"alg":"RS256","typ":"JWT","x5c":)" + test::x5c(chain) + "}", token_payload(), "RS256", leaf));
  scene.endorsements.token_keys.clear();
  scene.policy.platforms.token->roots = {{crypto::sha256(chain[2]), "test root", crypto::sha256(root.spki())}};
  return scene;
}

TEST(AppraiseToken, AChainOfTheTokenCountsOnlyUnderARootOfThePolicy) {
  const Scene scene = chain_scene();
  EXPECT_EQ(scene.failures(), CheckIds{});
  EXPECT_EQ(with_policy(scene, [](PlatformPolicies& p) { p.token->roots.reset(); }).failures(), CheckIds{"J1"});
  EXPECT_EQ(with_policy(scene, [](PlatformPolicies& p) { p.token->roots->at(0).spki = Hash32(); }).failures(), CheckIds{"J1"});
}

TEST(AppraiseToken, IntelsTokensForAConfidentialSpaceCarryTheNonceAsGooglesDo) {
  const Signer& key = test::test_signer(SignerKind::rsa2048, "service");
  const std::string payload = edited(edited(token_payload(), "https://confidentialcomputing.googleapis.com", "https://portal.trustauthority.intel.com"),
                                     R"("aud":"https://verifier.example",)", "");
  Scene scene = token_scene(payload);
  scene.evidence.bytes = to_bytes(test::make_token(R"({"alg":"PS384","kid":"key 1","typ":"JWT"})", payload, "PS384", key));
  scene.endorsements.token_keys = OrDie(crypto::parse_jwk_set(test::jwk_set(key, "key 1", "PS384")));
  scene.policy.platforms.token->issuer = "https://portal.trustauthority.intel.com";
  EXPECT_EQ(scene.failures(), CheckIds{"J2"});  // Intel writes no audience: a policy that asks for one gets none
  scene.policy.platforms.token->audience.reset();
  EXPECT_EQ(scene.failures(), CheckIds{});
  scene.challenge.statement.push_back(std::byte{1});
  EXPECT_EQ(scene.failures(), CheckIds{"J2"});
}

TEST(AppraiseToken, AnIssuerThatNobodyKnowsIsAnError) {
  const Scene scene = with_policy(token_scene(), [](PlatformPolicies& p) { p.token->issuer = "https://stranger.example"; });
  EXPECT_ERROR(scene.appraise(), Code::usage, "expected the issuer https://confidentialcomputing.googleapis.com");
}

TEST(AppraiseToken, ATokenIsTrustedInsideItsTimesAndTheSkewOfThePolicy) {
  Scene scene = token_scene();
  const auto at = [&](std::int64_t seconds) {
    scene.now = Instant(seconds);
    return scene.failures();
  };
  EXPECT_EQ(at(1790000000), CheckIds{});
  EXPECT_EQ(at(1790003599), CheckIds{});
  EXPECT_EQ(at(1789999999), CheckIds{"J2"});
  EXPECT_EQ(at(1790003600), CheckIds{"J2"});
  scene.policy.platforms.token->skew_seconds = 60;
  EXPECT_EQ(at(1789999940), CheckIds{});
  EXPECT_EQ(at(1789999939), CheckIds{"J2"});
  EXPECT_EQ(at(1790003659), CheckIds{});
  EXPECT_EQ(at(1790003660), CheckIds{"J2"});
  // More than ten minutes of skew is nobody's clock.
  scene.policy.platforms.token->skew_seconds = std::uint64_t{1} << 50;
  EXPECT_EQ(at(1789999400), CheckIds{});
  EXPECT_EQ(at(1789999399), CheckIds{"J2"});
}

}  // namespace
}  // namespace redoubt::appraise
