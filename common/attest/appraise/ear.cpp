// The Attestation Result as EAR claims: draft-ietf-rats-ear section 3, trust vector of draft-ietf-rats-ar4si section 2.3.
#include "common/attest/appraise/ear.h"

#include "common/crypto/cose_ed25519.h"
#include "common/crypto/jws.h"

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

// Labels of EAT and EAR in CBOR: RFC 9711 (eat_profile 265, submods 266), RFC 8392 (iat 6), draft-ietf-rats-ear section 3, and the
// members of the trustworthiness vector by draft-ietf-rats-ar4si.
struct Label {
  std::string_view name;
  std::int64_t label;
};
constexpr Label kResultLabels[] = {{"iat", 6}, {"eat_profile", 265}, {"submods", 266}, {"ear.verifier-id", 1004}};
constexpr Label kSubmoduleLabels[] = {{"ear.status", 1000}, {"ear.trustworthiness-vector", 1001}, {"ear.appraisal-policy-id", 1003}};
constexpr Label kVerifierLabels[] = {{"developer", 0}, {"build", 1}};
constexpr Label kVectorLabels[] = {{"instance-identity", 0}, {"configuration", 1}, {"executables", 2}, {"file-system", 3},
                                   {"hardware", 4}, {"runtime-opaque", 5}, {"storage-opaque", 6}, {"sourced-data", 7}};

cbor::Value label_of(std::string_view name, std::span<const Label> labels) {
  const auto found = std::ranges::find(labels, name, &Label::name);
  return found == labels.end() ? cbor::Value::text(name) : cbor::Value::integer(found->label);
}

cbor::Value tier_of(const std::string& text) {
  for (const Tier tier : {Tier::none, Tier::affirming, Tier::warning, Tier::contraindicated}) {
    if (tier_text(tier) == text) return cbor::Value::integer(static_cast<std::int64_t>(tier));
  }
  return cbor::Value::text(text);
}

cbor::Value plain(const json::Value& value) {
  if (const auto* flag = value.boolean()) return cbor::Value::boolean(*flag);
  if (const auto* number = value.integer()) return cbor::Value::integer(*number);
  if (const auto* text = value.string()) return cbor::Value::text(*text);
  if (const auto* array = value.array()) {
    cbor::Array items;
    for (const json::Value& item : *array) items.push_back(plain(item));
    return cbor::Value::array(std::move(items));
  }
  if (const auto* object = value.object()) {
    cbor::Map map;
    for (const auto& [name, member] : *object) map.emplace_back(cbor::Value::text(name), plain(member));
    return cbor::Value::map(std::move(map));
  }
  return {};  // null; a result has no fractions
}

// labelled: an object as a map with these labels; `member` converts what stands under a name.
cbor::Value labelled(const json::Value& value, std::span<const Label> labels, auto member) {
  if (value.object() == nullptr) return plain(value);
  cbor::Map map;
  for (const auto& [name, inner] : *value.object()) map.emplace_back(label_of(name, labels), member(name, inner));
  return cbor::Value::map(std::move(map));
}

cbor::Value submodule_cbor(const json::Value& submodule) {
  return labelled(submodule, kSubmoduleLabels, [](const std::string& name, const json::Value& inner) {
    if (name == "ear.status" && inner.string() != nullptr) return tier_of(*inner.string());
    if (name == "ear.trustworthiness-vector") return labelled(inner, kVectorLabels, [](const auto&, const json::Value& claim) { return plain(claim); });
    return plain(inner);
  });
}

}  // namespace

json::Value ear_submodule(const Appraisal& appraisal) {
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
  return submodule;
}

json::Value ear_of(json::Object submodules, Instant now) {
  return json::Object{{"ear.verifier-id", json::Object{{"build", "redoubt"}, {"developer", "https://redoubt.example"}}},
                      {"eat_profile", "tag:github.com,2023:veraison/ear"},
                      {"iat", now.unix_seconds()},
                      {"submods", std::move(submodules)}};
}

json::Value ear(const Appraisal& appraisal, Instant now) { return ear_of({{appraisal.format, ear_submodule(appraisal)}}, now); }

cbor::Value ear_cbor(const json::Value& ear) {
  return labelled(ear, kResultLabels, [](const std::string& name, const json::Value& inner) {
    if (name == "ear.verifier-id") return labelled(inner, kVerifierLabels, [](const auto&, const json::Value& text) { return plain(text); });
    if (name == "submods") return labelled(inner, {}, [](const auto&, const json::Value& submodule) { return submodule_cbor(submodule); });
    return plain(inner);
  });
}

Result<std::string> sign_ear_jws(const json::Value& ear, const crypto::Ed25519PrivateKey& key, std::string_view key_id) {
  return crypto::jws_sign(key, {std::string(kEarJwsType), std::string(key_id)}, as_bytes(json::canonical(ear)));
}

Result<Bytes> sign_ear_cose(const json::Value& ear, const crypto::Ed25519PrivateKey& key, std::string_view key_id) {
  return crypto::cose_sign(key, {std::string(kEarCoseType), std::string(key_id)}, cbor::encode(ear_cbor(ear)));
}

}  // namespace redoubt::appraise
