#include "common/attest/evidence/gcp/confidential_space.h"

namespace redoubt::gcp {
namespace {

constexpr std::size_t kMaxText = 64 * 1024;
constexpr std::size_t kMaxItems = 1024;

// ClaimReader takes claims one by one from an object that may hold more: what it was not asked for is counted. After the first
// failure every getter gives an empty value. Borrows the object; `path` names it in errors and ends in '.' unless empty.
class ClaimReader {
 public:
  ClaimReader(const json::Value& value, std::string path) : path_(std::move(path)), object_(value.object()) {
    if (object_ == nullptr) fail("", "an object", value);
  }

  std::string text(std::string_view key) { return maybe_text(key).value_or(""); }

  std::optional<std::string> maybe_text(std::string_view key) {
    const json::Value* value = get(key);
    if (value == nullptr) return std::nullopt;
    if (value->string() == nullptr || value->string()->size() > kMaxText) return fail(key, "a string", *value), std::nullopt;
    return *value->string();
  }

  std::optional<bool> boolean(std::string_view key) {
    const json::Value* value = get(key);
    if (value == nullptr) return std::nullopt;
    if (value->boolean() == nullptr) return fail(key, "true or false", *value), std::nullopt;
    return *value->boolean();
  }

  std::optional<std::int64_t> integer(std::string_view key) {
    const json::Value* value = get(key);
    if (value == nullptr) return std::nullopt;
    if (value->integer() == nullptr) return fail(key, "an integer", *value), std::nullopt;
    return *value->integer();
  }

  std::optional<Texts> texts(std::string_view key) {
    const json::Value* value = get(key);
    if (value == nullptr) return std::nullopt;
    auto items = json::strings(*value, "token claim " + path_ + std::string(key), kMaxItems);
    if (items.ok()) return std::move(items).value();
    error_ = items.error();
    return std::nullopt;
  }

  Environment environment(std::string_view key) {
    const json::Value* value = get(key);
    Environment out;
    if (value == nullptr) return out;
    if (value->object() == nullptr || value->object()->size() > kMaxItems) return fail(key, "an object of strings", *value), out;
    for (const auto& [name, member] : *value->object()) {
      if (member.string() == nullptr) return fail(key, "an object of strings", member), Environment{};
      out.emplace(name, *member.string());
    }
    return out;
  }

  std::optional<Instant> time(std::string_view key) {
    const auto text = maybe_text(key);
    if (!text) return std::nullopt;
    auto instant = Instant::parse(*text);
    if (instant.ok()) return *instant;
    error_ = instant.error().context("token claim " + path_ + std::string(key));
    return std::nullopt;
  }

  // digest: "sha256:" and 64 lower-case hexadecimal digits.
  std::optional<ImageDigest> digest(std::string_view key) {
    const auto text = maybe_text(key);
    if (!text) return std::nullopt;
    constexpr std::string_view kPrefix = "sha256:";
    auto digest = text->starts_with(kPrefix) ? ImageDigest::from_hex(std::string_view(*text).substr(kPrefix.size()), "digest")
                                             : Error(Code::malformed, "expected sha256: and 64 hexadecimal digits");
    if (digest.ok()) return *digest;
    error_ = digest.error().context("token claim " + path_ + std::string(key));
    return std::nullopt;
  }

  const json::Value* get(std::string_view key) {
    if (!ok()) return nullptr;
    const auto found = object_->find(key);
    if (found == object_->end()) return nullptr;
    ++known_;
    return found->second.is_null() ? nullptr : &found->second;  // null is how some writers leave a claim out
  }

  bool ok() const { return !error_.has_value(); }
  void fail(std::string_view key, std::string_view expected, const json::Value& found) {
    if (error_) return;
    error_ = Error(Code::malformed, "token claim " + path_ + std::string(key) + ": expected " + std::string(expected) +
                                        ", found " + std::string(found.kind()));
  }
  // done adds what nobody asked for to `unknown`.
  Status done(std::size_t& unknown) const {
    if (error_) return *error_;
    unknown += object_->size() - known_;
    return {};
  }

 private:
  std::string path_;
  const json::Object* object_;
  std::size_t known_ = 0;
  std::optional<Error> error_;
};

Result<Container> read_container(const json::Value& value, std::size_t& unknown) {
  ClaimReader reader(value, "submods.container.");
  Container out;
  out.image_reference = reader.text("image_reference");
  if (auto digest = reader.digest("image_digest")) {
    out.image_digest = *digest;
  } else if (reader.ok()) {
    return Error(Code::malformed, "token claim submods.container.image_digest: expected a digest, found none");
  }
  out.image_id = reader.digest("image_id");
  out.restart_policy = reader.text("restart_policy");
  out.args = reader.texts("args").value_or(Texts{});
  out.cmd_override = reader.texts("cmd_override").value_or(Texts{});
  out.env = reader.environment("env");
  out.env_override = reader.environment("env_override");
  if (const json::Value* signatures = reader.get("image_signatures")) {
    if (signatures->array() == nullptr || signatures->array()->size() > kMaxItems) {
      reader.fail("image_signatures", "an array", *signatures);
    } else {
      for (const json::Value& item : *signatures->array()) {
        ClaimReader signature(item, "submods.container.image_signatures.");
        out.image_signatures.push_back({signature.text("key_id"), signature.text("signature_algorithm"), signature.text("signature")});
        REDOUBT_CHECK(signature.done(unknown));
      }
    }
  }
  REDOUBT_CHECK(reader.done(unknown));
  return out;
}

// Google writes one object; an array that holds exactly one is read the same way.
Result<TdxTcb> read_tdx(const json::Value& value, std::size_t& unknown) {
  const json::Array* array = value.array();
  if (array != nullptr && array->size() != 1) {
    return Error(Code::malformed, "token claim tdx: expected one object, found " + std::to_string(array->size()));
  }
  ClaimReader reader(array != nullptr ? array->front() : value, "tdx.");
  TdxTcb out;
  out.gcp_attester_tcb_status = reader.maybe_text("gcp_attester_tcb_status");
  out.gcp_attester_tcb_date = reader.time("gcp_attester_tcb_date");
  out.attester_tcb_status = reader.maybe_text("attester_tcb_status");
  out.attester_tcb_date = reader.time("attester_tcb_date");
  REDOUBT_CHECK(reader.done(unknown));
  return out;
}

Status read_submods(const json::Value& value, Claims& out) {
  ClaimReader reader(value, "submods.");
  if (const json::Value* container = reader.get("container")) {
    REDOUBT_TRY(out.container, read_container(*container, out.unknown_claims));
  }
  if (const json::Value* gce = reader.get("gce")) {
    ClaimReader names(*gce, "submods.gce.");
    out.instance = Instance{names.text("zone"), names.text("project_id"), names.text("project_number"),
                            names.text("instance_name"), names.text("instance_id")};
    REDOUBT_CHECK(names.done(out.unknown_claims));
  }
  if (const json::Value* space = reader.get("confidential_space")) {
    ClaimReader members(*space, "submods.confidential_space.");
    out.support_attributes = members.texts("support_attributes");
    if (const json::Value* monitoring = members.get("monitoring_enabled")) {
      ClaimReader kinds(*monitoring, "submods.confidential_space.monitoring_enabled.");
      out.memory_monitoring = kinds.boolean("memory");
      REDOUBT_CHECK(kinds.done(out.unknown_claims));
    }
    REDOUBT_CHECK(members.done(out.unknown_claims));
  }
  if (const json::Value* gpu = reader.get("nvidia_gpu")) {
    ClaimReader members(*gpu, "submods.nvidia_gpu.");
    out.gpu_cc_mode = members.maybe_text("cc_mode");
    REDOUBT_CHECK(members.done(out.unknown_claims));
  }
  return reader.done(out.unknown_claims);
}

}  // namespace

Result<Claims> read_claims(const json::Value& payload) {
  ClaimReader reader(payload, "");
  for (const std::string_view registered : {"iss", "aud", "exp", "nbf", "iat", "eat_nonce"}) reader.get(registered);  // J2 reads them
  Claims out;
  out.subject = reader.text("sub");
  out.eat_profile = reader.text("eat_profile");
  out.secboot = reader.boolean("secboot");
  out.oemid = reader.integer("oemid");
  out.hwmodel = reader.text("hwmodel");
  out.swname = reader.text("swname");
  out.swversion = reader.texts("swversion").value_or(Texts{});
  out.dbgstat = reader.text("dbgstat");
  out.debug = out.dbgstat == "disabled-since-boot" ? DebugStatus::disabled_since_boot
              : out.dbgstat == "enabled"           ? DebugStatus::enabled
                                                   : DebugStatus::other;
  out.attester_tcb = reader.texts("attester_tcb").value_or(Texts{});
  out.service_accounts = reader.texts("google_service_accounts").value_or(Texts{});
  if (const json::Value* tdx = reader.get("tdx")) {
    REDOUBT_TRY(out.tdx, read_tdx(*tdx, out.unknown_claims));
  }
  if (const json::Value* submods = reader.get("submods")) REDOUBT_CHECK(read_submods(*submods, out));
  REDOUBT_CHECK(reader.done(out.unknown_claims));
  return out;
}

}  // namespace redoubt::gcp
