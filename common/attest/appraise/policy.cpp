#include "common/attest/appraise/policy.h"

#include "common/attest/appraise/policy_fields.h"

namespace redoubt::appraise {

template <class C>
void fields(C& c, typename C::template Ref<ReferenceProgram> p) {
  c.hex("manifest", p.manifest);
  c.text("name", p.name);
}

template <class C>
void fields(C& c, typename C::template Ref<Policy> p) {
  c.expect("type", "redoubt/policy/1");
  c.boolean("accept_host_asserted", p.accept_host_asserted);
  c.boolean("accept_software_tpm", p.accept_software_tpm);
  c.text("name", p.name);
  c.section("platforms", p.platforms);
  c.any_list("programs", p.programs);
  c.text("workload", p.workload);
}

namespace {

void flatten(const std::string& path, const json::Value& value, std::map<std::string, std::string>& out) {
  if (value.object() == nullptr) {
    out.emplace(path, json::canonical(value));
    return;
  }
  for (const auto& [name, member] : *value.object()) flatten(path.empty() ? name : path + "." + name, member, out);
}

}  // namespace

json::Value Policy::to_json() const {
  PolicyWriter writer;
  fields(writer, *this);
  return std::move(writer).take();
}

Result<Policy> Policy::from_json(const json::Value& value) {
  PolicyReader reader(value, "policy");
  Policy policy;
  fields(reader, policy);
  REDOUBT_CHECK(reader.finish());
  return policy;
}

Result<Policy> Policy::parse(std::string_view canonical_text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(canonical_text).context("policy"));
  return from_json(value);
}

PolicyId Policy::id() const { return crypto::digest_of<PolicyId>("redoubt/policy/1", as_bytes(canonical())); }

std::vector<std::string> difference(const Policy& a, const Policy& b) {
  std::map<std::string, std::string> left;
  std::map<std::string, std::string> right;
  flatten("", a.to_json(), left);
  flatten("", b.to_json(), right);
  std::vector<std::string> lines;
  for (const auto& [path, text] : left) {
    const auto other = right.find(path);
    if (other == right.end()) {
      lines.push_back(path + ": " + text + " -> absent");
    } else if (other->second != text) {
      lines.push_back(path + ": " + text + " -> " + other->second);
    }
  }
  for (const auto& [path, text] : right) {
    if (!left.contains(path)) lines.push_back(path + ": absent -> " + text);
  }
  return lines;
}

}  // namespace redoubt::appraise
