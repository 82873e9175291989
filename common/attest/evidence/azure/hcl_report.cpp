#include "common/attest/evidence/azure/hcl_report.h"

#include "common/base/json.h"
#include "common/base/reader.h"

namespace redoubt::azure {
namespace {

constexpr std::size_t kHeaderSize = 32;
constexpr std::size_t kRuntimeHeaderSize = 20;
constexpr std::uint32_t kRequestType = 2;
constexpr std::uint32_t kReportSnp = 2;
constexpr std::uint32_t kReportTdx = 4;
constexpr std::uint32_t kHashSha256 = 1;
constexpr std::string_view kAttestationKey = "HCLAkPub";
constexpr std::size_t kMaxKeys = 16;

bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

void expect(Reader& reader, std::uint32_t wanted, std::string_view field) {
  const std::uint32_t found = reader.u32le();
  if (reader.ok() && found != wanted) reader.fail(std::string(field) + ": expected " + std::to_string(wanted) + ", found " + std::to_string(found));
}

const json::Value* member(const json::Value& value, std::string_view name) {
  if (value.object() == nullptr) return nullptr;
  const auto found = value.object()->find(name);
  return found == value.object()->end() ? nullptr : &found->second;
}

std::string_view text_of(const json::Value* value) { return value == nullptr || value->string() == nullptr ? std::string_view() : *value->string(); }

Error wrong(std::string why) { return Error(Code::malformed, "runtime data: " + std::move(why)); }

// flag: an optional boolean of the configuration; another kind of value is an error.
Status flag(const json::Value& configuration, std::string_view name, std::optional<bool>& out) {
  const json::Value* value = member(configuration, name);
  if (value == nullptr) return {};
  if (value->boolean() == nullptr) return wrong("member \"" + std::string(name) + "\" is not a boolean");
  out = *value->boolean();
  return {};
}

Result<crypto::PublicKey> read_key(const json::Value& jwk) {
  const json::Value* uses = member(jwk, "key_ops");
  const bool signs = uses != nullptr && uses->array() != nullptr && uses->array()->size() == 1 && text_of(&uses->array()->front()) == "sign";
  if (!signs) return wrong("HCLAkPub: expected the one use \"sign\"");
  if (text_of(member(jwk, "kty")) != "RSA") return wrong("HCLAkPub: expected an RSA key");
  if (text_of(member(jwk, "e")) != "AQAB") return wrong("HCLAkPub: expected the exponent 65537");
  REDOUBT_TRY(const Bytes modulus, base64url_decode(text_of(member(jwk, "n"))).context("runtime data: HCLAkPub: modulus"));
  return crypto::PublicKey::from_rsa(modulus).context("runtime data: HCLAkPub");
}

}  // namespace

std::string_view hardware_text(Hardware hardware) { return hardware == Hardware::snp ? "SEV-SNP" : "TDX"; }

Result<HclReport> HclReport::parse(ByteView bytes) {
  if (bytes.size() > kMaxSize) return Error(Code::malformed, "hcl report: more than 16 KiB");
  Reader reader(bytes, "hcl report");
  if (as_text(reader.bytes(4)) != "HCLA") reader.fail("expected HCLA");
  const std::uint32_t version = reader.u32le();
  if (version != 1 && version != 2) reader.fail("version: expected 1 or 2, found " + std::to_string(version));
  const std::uint32_t size = reader.u32le();
  expect(reader, kRequestType, "request type");
  expect(reader, 0, "status");
  if (!all_zero(reader.bytes(12))) reader.fail("reserved bytes that are not zero");
  const ByteView area = reader.bytes(kSnpReportSize);
  const std::uint32_t runtime_size = reader.u32le();
  expect(reader, 1, "runtime data version");
  const std::uint32_t type = reader.u32le();
  if (type != kReportSnp && type != kReportTdx) reader.fail("report type: expected 2 (SEV-SNP) or 4 (TDX), found " + std::to_string(type));
  expect(reader, kHashSha256, "hash of the runtime data (1: SHA-256)");
  const std::uint32_t json_size = reader.u32le();
  // Sums of numbers below 2^32 in 64 bits: none wraps.
  if (std::uint64_t{runtime_size} != std::uint64_t{json_size} + kRuntimeHeaderSize ||
      std::uint64_t{size} != std::uint64_t{runtime_size} + kHeaderSize + kSnpReportSize) {
    reader.fail("sizes that do not fit each other: " + std::to_string(size) + ", " + std::to_string(runtime_size) + ", " + std::to_string(json_size));
  }
  if (reader.ok() && json_size == 0) reader.fail("no runtime data");
  HclReport out;
  out.runtime_data = reader.bytes(json_size);
  if (!all_zero(reader.bytes(reader.remaining()))) reader.fail("bytes after the report that are not zero");
  REDOUBT_CHECK(reader.finish());
  out.hardware = type == kReportSnp ? Hardware::snp : Hardware::tdx;
  out.hardware_report = out.hardware == Hardware::snp ? area : area.first(kTdReportSize);
  if (out.hardware == Hardware::tdx && !all_zero(area.subspan(kTdReportSize))) {
    return Error(Code::malformed, "hcl report: bytes after the TDREPORT that are not zero");
  }
  return out;
}

Result<RuntimeData> RuntimeData::parse(ByteView bytes) {
  REDOUBT_TRY(const json::Value document, json::parse(as_text(bytes), {.max_bytes = HclReport::kMaxSize, .max_depth = 8}).context("runtime data"));
  const json::Value* keys = member(document, "keys");
  if (keys == nullptr || keys->array() == nullptr || keys->array()->size() > kMaxKeys) return wrong("expected 1 to 16 \"keys\"");
  const json::Value* key = nullptr;
  for (const json::Value& one : *keys->array()) {
    if (text_of(member(one, "kid")) != kAttestationKey) continue;
    if (key != nullptr) return wrong("a second key HCLAkPub");
    key = &one;
  }
  if (key == nullptr) return wrong("no key HCLAkPub");
  REDOUBT_TRY(crypto::PublicKey attestation_key, read_key(*key));
  RuntimeData out{std::move(attestation_key), {}, {}, {}, {}, {}};
  if (const json::Value* configuration = member(document, "vm-configuration")) {
    if (configuration->object() == nullptr) return wrong("member \"vm-configuration\" is not an object");
    REDOUBT_CHECK(flag(*configuration, "secure-boot", out.secure_boot));
    REDOUBT_CHECK(flag(*configuration, "console-enabled", out.console_enabled));
    REDOUBT_CHECK(flag(*configuration, "tpm-enabled", out.tpm_enabled));
    out.vm_id = text_of(member(*configuration, "vmUniqueId"));
  }
  if (const json::Value* data = member(document, "user-data")) {
    std::string hex(text_of(data));  // Azure writes it in either case
    for (char& c : hex) {
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    }
    REDOUBT_TRY(out.user_data, hex_decode(hex).context("runtime data: user-data"));
    if (out.user_data.size() != 64) return wrong("user-data: expected 64 bytes, found " + std::to_string(out.user_data.size()));
  }
  return out;
}

}  // namespace redoubt::azure
