// The Attestation Result as EAR claims: draft-ietf-rats-ear section 3, trust vector of draft-ietf-rats-ar4si section 2.3.
#include "common/attest/appraise/appraisal.h"

namespace redoubt::appraise {
namespace {

using attest::CheckId;

constexpr std::int64_t kUnrecognized = 97;  // AR4SI instance-identity: not recognized; executables: not approved
constexpr std::int64_t kAffirming = 2;
constexpr std::int64_t kWarning = 32;

bool ok(const Appraisal& appraisal, CheckId id) {
  const attest::Check* check = appraisal.find(id);
  return check != nullptr && check->outcome == attest::Outcome::passed;
}

// any_failed: one of the checks from `first` to `last` failed.
bool any_failed(const Appraisal& appraisal, CheckId first, CheckId last) {
  return std::ranges::any_of(appraisal.checks, [&](const attest::Check& check) {
    return first <= check.id && check.id <= last && check.outcome == attest::Outcome::failed;
  });
}

// identity: the keys that signed the Evidence lead to a trust anchor: every check of form and signature passed.
bool identity(const Appraisal& appraisal) {
  return !any_failed(appraisal, CheckId::q1, CheckId::c7) && !any_failed(appraisal, CheckId::n1, CheckId::n7) &&
         !any_failed(appraisal, CheckId::m1, CheckId::m6) && !any_failed(appraisal, CheckId::a1, CheckId::a2) &&
         !any_failed(appraisal, CheckId::j1, CheckId::j2);
}

json::Value trust_vector(const Appraisal& appraisal) {
  const bool program = appraisal.format != "tpm" || ok(appraisal, CheckId::program) || ok(appraisal, CheckId::reference_pcrs);
  const bool trusted = appraisal.accepted().ok();
  json::Object vector{{"instance-identity", identity(appraisal) ? kAffirming : kUnrecognized}};
  if (trusted && program) vector.emplace("executables", appraisal.host_asserted ? kWarning : kAffirming);
  if (!trusted) vector.emplace("executables", kUnrecognized);
  if (appraisal.hardware) vector.emplace("hardware", *appraisal.hardware);
  return vector;
}

json::Value checks_json(const Appraisal& appraisal) {
  json::Array checks;
  for (const attest::Check& check : appraisal.checks) {
    checks.emplace_back(json::Object{{"expected", check.expected},
                                     {"found", check.found},
                                     {"id", id_text(check.id)},
                                     {"outcome", outcome_text(check.outcome)}});
  }
  return checks;
}

}  // namespace

json::Value ear(const Appraisal& appraisal, Instant now) {
  json::Array remarks;
  for (const std::string& remark : appraisal.remarks) remarks.emplace_back(remark);
  json::Object submodule{{"ear.appraisal-policy-id", "redoubt:policy:" + appraisal.policy.hex()},
                         {"ear.status", tier_text(appraisal.status)},
                         {"ear.trustworthiness-vector", trust_vector(appraisal)},
                         {"redoubt.checks", checks_json(appraisal)},
                         {"redoubt.host-asserted", appraisal.host_asserted},
                         {"redoubt.remarks", std::move(remarks)},
                         {"redoubt.valid-until", appraisal.validity.end.text()}};
  if (appraisal.claims) submodule.emplace("redoubt.claims-digest", appraisal.claims->digest().hex());
  if (!appraisal.measured.empty()) submodule.emplace("redoubt.measured", appraisal.measured);
  if (appraisal.program) submodule.emplace("redoubt.program", appraisal.program->hex());
  return json::Object{{"ear.verifier-id", json::Object{{"build", "redoubt"}, {"developer", "https://redoubt.example"}}},
                      {"eat_profile", "tag:github.com,2023:veraison/ear"},
                      {"iat", now.unix_seconds()},
                      {"submods", json::Object{{appraisal.format, std::move(submodule)}}}};
}

}  // namespace redoubt::appraise
