#include "common/attest/appraise/policy.h"

#include <charconv>

namespace redoubt::appraise {
namespace {

constexpr std::string_view kType = "redoubt/policy/1";
constexpr std::string_view kAny = "any";
constexpr std::size_t kMaxItems = 64;
constexpr std::size_t kMaxName = 128;
constexpr int kPcrCount = 24;

// member: the value of `key`, which may be "any" or of another kind; marks it as read.
const json::Value* any_or(json::ObjectReader& reader, const json::Value& parent, std::string_view key) {
  if (!reader.has(key)) {
    reader.fail("requirement \"" + std::string(key) + "\" is absent (write \"any\" to ask for nothing)");
    return nullptr;
  }
  const json::Value& value = parent.object()->find(key)->second;
  if (value.string() != nullptr) {
    reader.expect(key, kAny);
    return nullptr;
  }
  return &value;
}

Result<TrustAnchor> read_anchor(const json::Value& value) {
  json::ObjectReader reader(value, "trust anchor");
  TrustAnchor anchor;
  anchor.certificate = reader.hex<crypto::Sha256Digest>("certificate");
  anchor.name = reader.nonempty("name", kMaxName);
  anchor.software = reader.boolean("software");
  REDOUBT_CHECK(reader.finish());
  return anchor;
}

Result<ReferenceProgram> read_program(const json::Value& value) {
  json::ObjectReader reader(value, "program");
  ReferenceProgram program;
  program.manifest = reader.hex<ProgramDigest>("manifest");
  program.name = reader.nonempty("name", kMaxName);
  REDOUBT_CHECK(reader.finish());
  return program;
}

Result<std::map<int, crypto::Sha256Digest>> read_pcrs(const json::Value& value) {
  if (value.object() == nullptr || value.object()->empty()) {
    return Error(Code::malformed, "pcrs: expected \"any\" or an object with at least one PCR");
  }
  std::map<int, crypto::Sha256Digest> pcrs;
  for (const auto& [name, digest] : *value.object()) {
    int index = -1;
    const auto end = std::from_chars(name.data(), name.data() + name.size(), index).ptr;
    if (end != name.data() + name.size() || index < 0 || index >= kPcrCount || std::to_string(index) != name) {
      return Error(Code::malformed, "pcrs: expected an index from 0 to 23, found \"" + name + "\"");
    }
    if (digest.string() == nullptr) return Error(Code::malformed, "pcrs: expected hexadecimal text for PCR " + name);
    REDOUBT_TRY(const auto parsed, crypto::Sha256Digest::from_hex(*digest.string(), "PCR " + name));
    pcrs.emplace(index, parsed);
  }
  return pcrs;
}

Result<TpmPolicy> read_tpm(const json::Value& value) {
  json::ObjectReader reader(value, "tpm");
  TpmPolicy tpm;
  for (const json::Value& item : reader.array("anchors", kMaxItems)) {
    REDOUBT_TRY(TrustAnchor anchor, read_anchor(item));
    tpm.anchors.push_back(std::move(anchor));
  }
  if (reader.ok() && tpm.anchors.empty()) reader.fail("expected at least one trust anchor");
  REDOUBT_TRY(const auto enrollers, json::strings(json::Value(reader.array("enrollers", kMaxItems)), "enrollers", kMaxItems));
  for (const std::string& text : enrollers) {
    REDOUBT_TRY(const auto key, crypto::Ed25519PublicKey::from_hex(text, "enroller"));
    tpm.enrollers.push_back(key);
  }
  if (const json::Value* pcrs = any_or(reader, value, "pcrs")) {
    (void)reader.object("pcrs");
    REDOUBT_TRY(tpm.pcrs, read_pcrs(*pcrs));
  }
  const std::string secure_boot = reader.string("secure_boot");
  if (reader.ok() && secure_boot != "required" && secure_boot != kAny) {
    reader.fail("member \"secure_boot\": expected \"required\" or \"any\", found \"" + secure_boot + "\"");
  }
  tpm.secure_boot_required = secure_boot == "required";
  REDOUBT_CHECK(reader.finish());
  return tpm;
}

json::Value write_tpm(const TpmPolicy& tpm) {
  json::Array anchors;
  for (const TrustAnchor& anchor : tpm.anchors) {
    anchors.emplace_back(json::Object{
        {"certificate", anchor.certificate.hex()}, {"name", anchor.name}, {"software", anchor.software}});
  }
  json::Array enrollers;
  for (const auto& key : tpm.enrollers) enrollers.emplace_back(key.hex());
  json::Value pcrs = kAny;
  if (tpm.pcrs) {
    json::Object values;
    for (const auto& [index, digest] : *tpm.pcrs) values.emplace(std::to_string(index), digest.hex());
    pcrs = std::move(values);
  }
  return json::Object{{"anchors", std::move(anchors)},
                      {"enrollers", std::move(enrollers)},
                      {"pcrs", std::move(pcrs)},
                      {"secure_boot", tpm.secure_boot_required ? "required" : "any"}};
}

void flatten(const std::string& path, const json::Value& value, std::map<std::string, std::string>& out) {
  if (value.object() == nullptr) {
    out.emplace(path, json::canonical(value));
    return;
  }
  for (const auto& [name, member] : *value.object()) flatten(path.empty() ? name : path + "." + name, member, out);
}

}  // namespace

json::Value Policy::to_json() const {
  json::Value accepted = kAny;
  if (programs) {
    json::Array items;
    for (const ReferenceProgram& program : *programs) {
      items.emplace_back(json::Object{{"manifest", program.manifest.hex()}, {"name", program.name}});
    }
    accepted = std::move(items);
  }
  return json::Object{{"accept_host_asserted", accept_host_asserted},
                      {"accept_software_tpm", accept_software_tpm},
                      {"name", name},
                      {"programs", std::move(accepted)},
                      {"tpm", write_tpm(tpm)},
                      {"type", kType},
                      {"workload", workload}};
}

Result<Policy> Policy::from_json(const json::Value& value) {
  json::ObjectReader reader(value, "policy");
  Policy policy;
  reader.expect("type", kType);
  policy.name = reader.nonempty("name", kMaxName);
  policy.workload = reader.nonempty("workload", kMaxName);
  policy.accept_host_asserted = reader.boolean("accept_host_asserted");
  policy.accept_software_tpm = reader.boolean("accept_software_tpm");
  const json::Value& tpm = reader.object("tpm");
  if (reader.ok()) {
    if (any_or(reader, value, "programs") != nullptr) {
      policy.programs.emplace();
      for (const json::Value& item : reader.array("programs", kMaxItems)) {
        REDOUBT_TRY(ReferenceProgram program, read_program(item).context("policy"));
        policy.programs->push_back(std::move(program));
      }
      if (reader.ok() && policy.programs->empty()) reader.fail("expected at least one program or \"any\"");
    }
  }
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(policy.tpm, read_tpm(tpm).context("policy"));
  return policy;
}

Result<Policy> Policy::parse(std::string_view canonical_text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(canonical_text).context("policy"));
  return from_json(value);
}

PolicyId Policy::id() const { return crypto::digest_of<PolicyId>(kType, as_bytes(canonical())); }

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
