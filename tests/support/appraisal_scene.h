// Scenes: everything that one appraisal takes, made under test keys, for each platform: Evidence, Endorsements, Challenge, Policy and
// time. A test changes one thing and asks which checks failed. A policy of a scene is strict: it names every measurement of its
// Evidence and the roots of the test; nobody else accepts what is made here.
#pragma once

#include <functional>
#include <set>

#include "common/attest/appraise/appraisal.h"
#include "tests/support/evidence_dcap.h"
#include "tests/support/evidence_nitro.h"
#include "tests/support/evidence_snp.h"
#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"

namespace redoubt::test {

using CheckIds = std::set<std::string>;

// failed_ids: of the checks that failed. A verdict that contradicts its checks is a failure of the test.
inline CheckIds failed_ids(const appraise::Appraisal& appraisal) {
  CheckIds ids;
  for (const attest::Check& check : appraisal.checks) {
    if (check.outcome == attest::Outcome::failed) ids.emplace(attest::id_text(check.id));
  }
  EXPECT_EQ(ids.empty(), appraisal.accepted().ok());
  return ids;
}

struct Scene {
  appraise::Evidence evidence;
  appraise::Endorsements endorsements;
  appraise::Challenge challenge;
  appraise::Policy policy;
  Instant now;

  Result<appraise::Appraisal> appraise() const { return appraise::appraise(evidence, endorsements, challenge, policy, now); }
  appraise::Appraisal verdict() const { return OrDie(appraise()); }
  CheckIds failures() const { return failed_ids(verdict()); }
  // ear: the result as canonical text.
  std::string ear() const { return json::canonical(appraise::ear(verdict(), now)); }
};

inline appraise::Challenge scene_challenge() {
  appraise::Challenge challenge;
  challenge.statement = to_bytes(as_bytes("statement of this session"));
  challenge.claims.emplace().workload = "cleanroom";
  challenge.claims->contract.array()[0] = std::byte{0x5e};
  challenge.contract = challenge.claims->contract;
  return challenge;
}

inline appraise::Policy scene_policy() {
  return {.name = "scene", .workload = "cleanroom", .programs = {}, .accept_host_asserted = false, .accept_software_tpm = false, .platforms = {}};
}

// with_policy: the scene with one change of its policy.
template <class Change>
Scene with_policy(Scene scene, Change change) {
  change(scene.policy.platforms);
  return scene;
}

// Requirement: one change of a policy, the checks that it makes fail, and what the first of them must tell.
struct Requirement {
  std::string name;
  std::function<void(appraise::PlatformPolicies&)> change;
  CheckIds failed;
  std::string expected, found;  // parts of the texts
};

inline void expect_requirements(const Scene& scene, const std::vector<Requirement>& requirements) {
  EXPECT_EQ(scene.failures(), CheckIds{});
  for (const Requirement& one : requirements) {
    SCOPED_TRACE(one.name);
    const appraise::Appraisal result = with_policy(scene, one.change).verdict();
    EXPECT_EQ(failed_ids(result), one.failed);
    EXPECT_EQ(result.status, one.failed.empty() ? result.status : appraise::Tier::contraindicated);
    if (one.failed.empty()) continue;
    const attest::Check& check = *result.find(*attest::check_from_text(*one.failed.begin()));
    EXPECT_NE(check.expected.find(one.expected), std::string::npos) << "expected: " << check.expected;
    EXPECT_NE(check.found.find(one.found), std::string::npos) << "found: " << check.found;
  }
}

// expect_unchallenged: without a challenge (and so without claims) the Evidence is worth a warning, and less with claims.
inline void expect_unchallenged(Scene scene) {
  scene.challenge = {};
  scene.challenge.unchallenged = true;
  scene.policy.workload = "any";
  const appraise::Appraisal result = scene.verdict();
  EXPECT_EQ(failed_ids(result), CheckIds{});
  EXPECT_EQ(result.status, appraise::Tier::warning);
  EXPECT_TRUE(std::ranges::any_of(result.remarks, [](const std::string& remark) { return remark.starts_with("nobody sent a challenge"); }));
  scene.policy.workload = "cleanroom";
  EXPECT_EQ(scene.failures(), (CheckIds{"claims.contract", "claims.workload"}));
  scene.challenge.claims = scene_challenge().claims;
  EXPECT_ERROR(scene.appraise(), Code::usage, "nothing would bind them");
}

// expect_bound: another statement, another workload or another contract than the Relying Party's is refused by the check for it.
inline void expect_bound(const Scene& scene, const std::string& report_data_check) {
  Scene other = scene;
  other.challenge.statement.push_back(std::byte{0});
  EXPECT_EQ(other.failures(), CheckIds{report_data_check});
  EXPECT_ERROR(other.verdict().accepted(), Code::freshness, report_data_check);
  other = scene;
  other.challenge.claims->workload = "scoring";
  EXPECT_EQ(other.failures(), CheckIds{"claims.workload"});
  other = scene;
  other.challenge.contract = ContractDigest();
  EXPECT_EQ(other.failures(), CheckIds{"claims.contract"});
}

// expect_section: without its section the platform is refused, whatever else the policy says.
inline void expect_section(const Scene& scene, std::string_view platform) {
  const Scene none = with_policy(scene, [](appraise::PlatformPolicies& p) { p = {}; });
  EXPECT_ERROR(none.appraise(), Code::policy, "the policy accepts no " + std::string(platform));
}

// --- SGX and TDX ------------------------------------------------------------------------------------------------------
inline std::vector<appraise::VendorRoot> dcap_roots(const DcapMaker& maker) {
  return {{crypto::sha256(maker.root()), "test root", maker.pin()}};
}

// dcap_scene: of the maker as it is, with the report data that the challenge asks for put in.
inline Scene dcap_scene(DcapMaker& maker) {
  const bool sgx = maker.body_type == DcapMaker::kSgx;
  put(maker.body, sgx ? 320 : 520, crypto::sha512(scene_challenge().statement).view());
  Scene scene{{sgx ? "sgx" : "tdx", maker.quote()}, {}, scene_challenge(), scene_policy(), maker.now};
  scene.endorsements.intel = {maker.collateral()};
  const auto at = [&](std::size_t offset, std::size_t size) { return ByteView(maker.body).subspan(offset, size); };
  const auto hash32 = [&](std::size_t offset) { return OrDie(appraise::Hash32::from(at(offset, 32), "hash")); };
  const auto hash48 = [&](std::size_t offset) { return OrDie(appraise::Hash48::from(at(offset, 48), "hash")); };
  appraise::TcbPolicy tcb;
  tcb.statuses = {"UpToDate"};
  tcb.advisories = {"INTEL-SA-01000"};
  tcb.minimum_evaluation_number = 19;
  tcb.minimum_level_date = OrDie(Instant::parse("2025-05-14T00:00:00Z"));
  tcb.roots = dcap_roots(maker);
  if (sgx) {
    auto& section = scene.policy.platforms.sgx.emplace();
    section.tcb = tcb;
    section.mrenclave = {hash32(64)};
    section.signers = {{hash32(128), 0x1234, 7}};
  } else {
    auto& section = scene.policy.platforms.tdx.emplace();
    section.tcb = tcb;
    section.accept_service_td = true;
    section.mrtd = {hash48(136)};
    section.rtmrs = {{0, hash48(328)}, {1, hash48(376)}, {2, hash48(424)}, {3, hash48(472)}};
    section.mr_config_id = hash48(184);
    section.mr_owner = hash48(232);
    section.mr_owner_config = hash48(280);
  }
  return scene;
}

inline Scene dcap_scene(DcapMaker&& maker) { return dcap_scene(maker); }
inline Scene sgx_scene() { return dcap_scene(DcapMaker(3, DcapMaker::kSgx)); }
inline Scene tdx_scene() { return dcap_scene(DcapMaker(5, DcapMaker::kTd15)); }

// --- SEV-SNP ----------------------------------------------------------------------------------------------------------
inline constexpr Interval kSnpListWindow{Instant(1780000000), Instant(1790000000)};

// snp_scene: of the sample as it is; its report data are put in, and it is signed again.
inline Scene snp_scene(SnpSample sample) {
  const auto report_data = crypto::sha512(scene_challenge().statement);
  std::ranges::copy(report_data.view(), sample.report.begin() + 0x50);
  sample.resign();
  Scene scene{{"snp", sample.report}, {}, scene_challenge(), scene_policy(), sample.now};
  if (sample.crl.empty()) sample.crl = sample.authority->crl({}, kSnpListWindow);
  scene.endorsements.amd = {{sample.leaf, sample.intermediate, sample.ark, sample.crl}};
  const auto at = [&](std::size_t offset, std::size_t size) { return ByteView(sample.report).subspan(offset, size); };
  auto& section = scene.policy.platforms.snp.emplace();
  const appraise::Hash32 spki(sample.authority->anchor().ark.array());
  section.roots = {{crypto::sha256(sample.ark), "test root", spki}};
  section.products = {sample.product == amd::Product::milan ? "milan" : sample.product == amd::Product::genoa ? "genoa" : "turin"};
  section.keys = {sample.kind == amd::KeyKind::vcek ? "VCEK" : "VLEK"};
  section.require_revocation_list = true;
  section.require_alias_check = true;
  section.minimum_guest_svn = 2;
  section.measurement = {OrDie(appraise::Hash48::from(at(0x90, 48), "measurement"))};
  section.id_key = {OrDie(appraise::Hash48::from(at(0xe0, 48), "id key"))};
  section.host_data = OrDie(appraise::Hash32::from(at(0xc0, 32), "host data"));
  section.chips = {OrDie(appraise::ReportBytes64::from(at(0x1a0, 64), "chip"))};
  section.minimum_tcb = sample.product == amd::Product::turin ? appraise::SnpTcb{4, 1, 6, 81, 2} : appraise::SnpTcb{4, 1, 24, 219, 0};
  section.minimum_launch_tcb = section.minimum_tcb;
  return scene;
}
inline Scene snp_scene() { return snp_scene(SnpSample()); }

// --- AWS Nitro --------------------------------------------------------------------------------------------------------
// nitro_scene: of the sample as it is, with the nonce of the challenge.
inline Scene nitro_scene(NitroSample sample) {
  sample.member("nonce") = cbor::Value::bytes(crypto::sha512(scene_challenge().statement).view());
  Scene scene{{"nitro", sample.encode()}, {}, scene_challenge(), scene_policy(), kNitroTime.plus_seconds(60)};
  auto& section = scene.policy.platforms.nitro.emplace();
  section.maximum_age_seconds = 300;
  const crypto::RootPin pin = sample.root();
  section.roots = {{pin.certificate, "test root", pin.spki}};
  section.pcrs.emplace();
  for (int i = 0; i < 5; ++i) {
    section.pcrs->emplace(i, OrDie(appraise::Hash48::from(Bytes(48, static_cast<std::byte>(0x10 + i)), "PCR")));
  }
  return scene;
}
inline Scene nitro_scene() { return nitro_scene(NitroSample()); }

// --- cloud tokens -----------------------------------------------------------------------------------------------------
// token_payload: the sample's payload without what a strict policy refuses, and with the nonce of the challenge.
inline std::string token_payload() {
  std::string text = confidential_space_payload();
  text = edited(text, "first nonce of the sample", crypto::sha256(scene_challenge().statement).hex());
  text = edited(text, R"("cmd_override":["--slow"],)", "");
  return edited(text, R"(,"env_override":{"MODE":"x"})", "");
}

// token_scene: a token over the payload, by a key of the pinned set.
inline Scene token_scene(const std::string& payload = token_payload()) {
  const Signer& key = test_signer(SignerKind::rsa2048, "service");
  Scene scene{{"token", to_bytes(make_token(R"({"alg":"RS256","kid":"key 1","typ":"JWT"})", payload, "RS256", key))},
              {}, scene_challenge(), scene_policy(), Instant(1790000100)};
  scene.endorsements.token_keys = OrDie(crypto::parse_jwk_set(jwk_set(key, "key 1", "RS256")));
  auto& section = scene.policy.platforms.token.emplace();
  section.issuer = "https://confidentialcomputing.googleapis.com";
  section.audience = "https://verifier.example";
  section.software_names = {"CONFIDENTIAL_SPACE"};
  section.minimum_software_version = 250301;
  section.support = {"STABLE"};
  section.hardware_models = {"GCP_INTEL_TDX"};
  section.image_digests = {"sha256:" + std::string(64, 'a')};
  return scene;
}

}  // namespace redoubt::test
