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

json::Value trust_vector(const Appraisal& appraisal) {
  const bool identity = ok(appraisal, CheckId::m5) && ok(appraisal, CheckId::m6) && ok(appraisal, CheckId::m3);
  const bool program = ok(appraisal, CheckId::program) || ok(appraisal, CheckId::reference_pcrs);
  const bool trusted = appraisal.accepted().ok();
  json::Object vector{{"instance-identity", identity ? kAffirming : kUnrecognized}};
  if (trusted && program) vector.emplace("executables", appraisal.host_asserted ? kWarning : kAffirming);
  if (!trusted) vector.emplace("executables", kUnrecognized);
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
                         {"redoubt.claims-digest", appraisal.claims.digest().hex()},
                         {"redoubt.host-asserted", appraisal.host_asserted},
                         {"redoubt.remarks", std::move(remarks)},
                         {"redoubt.valid-until", appraisal.validity.end.text()}};
  if (appraisal.program) submodule.emplace("redoubt.program", appraisal.program->hex());
  return json::Object{{"ear.verifier-id", json::Object{{"build", "redoubt"}, {"developer", "https://redoubt.example"}}},
                      {"eat_profile", "tag:github.com,2023:veraison/ear"},
                      {"iat", now.unix_seconds()},
                      {"submods", json::Object{{"tpm", std::move(submodule)}}}};
}

}  // namespace redoubt::appraise
