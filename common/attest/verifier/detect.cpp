#include "common/attest/verifier/detect.h"

#include <algorithm>
#include <array>

#include "common/attest/evidence/azure/hcl_report.h"
#include "common/attest/evidence/dcap/quote.h"
#include "common/attest/evidence/snp/report.h"
#include "common/attest/verifier/text.h"
#include "common/base/cbor_cursor.h"
#include "common/base/encoding.h"
#include "common/base/json.h"
#include "common/crypto/certificate_view.h"

namespace redoubt::verifier {
namespace {

constexpr std::string_view kTpmLabel = "redoubt/tpm-evidence/";  // then "1" or "2"
constexpr std::string_view kAzureLabel = "redoubt/azure-evidence/1";
constexpr std::string_view kFileType = "redoubt/evidence-file/1";

Error looks_like(const std::string& what, const std::string& remedy) {
  return Error(Code::malformed, "evidence: looks like " + what + ": " + remedy);
}

std::uint64_t little(ByteView bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size && offset + i < bytes.size(); ++i) value |= std::to_integer<std::uint64_t>(bytes[offset + i]) << (8 * i);
  return value;
}

bool begins(ByteView bytes, std::initializer_list<unsigned> with) {
  std::size_t i = 0;
  for (const unsigned value : with) {
    if (i >= bytes.size() || std::to_integer<unsigned>(bytes[i]) != value) return false;
    ++i;
  }
  return true;
}

bool all_of(std::string_view text, std::string_view extra, bool letters) {
  return std::ranges::all_of(text, [&](char c) {
    const bool digit = c >= '0' && c <= '9';
    const bool hex = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return digit || hex || (letters && letter) || extra.find(c) != std::string_view::npos;
  });
}

struct Packed {
  std::initializer_list<unsigned> magic;
  const char* what;
  const char* remedy;
};
const Packed kPacked[] = {
    {{0x1f, 0x8b}, "gzip", "unpack it first: gzip -dc FILE"},
    {{0x28, 0xb5, 0x2f, 0xfd}, "zstd", "unpack it first: zstd -dc FILE"},
    {{0xfd, 0x37, 0x7a, 0x58, 0x5a}, "xz", "unpack it first: xz -dc FILE"},
    {{0x42, 0x5a, 0x68}, "bzip2", "unpack it first: bzip2 -dc FILE"},
    {{0x50, 0x4b, 0x03, 0x04}, "a zip archive", "unpack it first: unzip FILE"},
    {{0x7f, 0x45, 0x4c, 0x46}, "a program (ELF)", "give the Evidence that it collects"},
    {{0xff, 0xfe}, "text in UTF-16", "write it again in UTF-8"},
    {{0xef, 0xbb, 0xbf}, "text with a byte order mark", "cut off its first three bytes: tail -c +4 FILE"},
};

// dcap: a quote's header (AttestationKeyType ECDSA, the vendor of Intel's Quoting Enclaves).
std::optional<Result<Format>> dcap_form(ByteView bytes) {
  constexpr std::size_t kVendor = 12;
  const std::uint64_t version = little(bytes, 0, 2);
  if (version < 3 || version > 5 || bytes.size() < 4 || little(bytes, 2, 2) < 2 || little(bytes, 2, 2) > 3) return std::nullopt;
  const std::uint64_t tee = little(bytes, 4, 4);
  const bool vendor = bytes.size() >= dcap::Header::kSize && equal(bytes.subspan(kVendor, dcap::VendorId::size), dcap::kIntelQeVendor.view());
  if ((tee != 0 && tee != 0x81) || (bytes.size() >= dcap::Header::kSize && !vendor)) return std::nullopt;
  const Format format = tee == 0x81 ? Format::tdx : Format::sgx;
  // Header, the smaller body, length, signature, key, QE report, its signature and the two lengths after it.
  constexpr std::size_t kLeast = dcap::Header::kSize + sgx::Report::kSize + 4 + 128 + sgx::Report::kSize + 64 + 2 + 6;
  if (bytes.size() < kLeast) {
    return looks_like("the beginning of a " + std::string(format_text(format)), "expected at least " + std::to_string(kLeast) + " bytes, found " +
                                                                                  std::to_string(bytes.size()) + "; get the whole file");
  }
  return format;
}

bool snp_head(ByteView bytes) {
  constexpr std::size_t kAlgorithm = 0x34;
  const std::uint64_t version = little(bytes, 0, 4);
  return bytes.size() > kAlgorithm + 4 && version >= 2 && version <= 5 && little(bytes, kAlgorithm, 4) == 1;
}

std::optional<Result<Format>> snp_form(ByteView bytes) {
  constexpr std::size_t kAnswerHead = 0x20;  // status and size of the guest device's answer (MSG_REPORT_RSP)
  if (snp_head(bytes)) {
    if (bytes.size() == snp::kReportSize) return Format::snp;
    const std::string remedy = bytes.size() < snp::kReportSize ? "it is cut off; get the whole file"
                                                               : "certificates go into files of their own: head -c 1184 FILE";
    return looks_like("an SEV-SNP report", "expected 1184 bytes, found " + std::to_string(bytes.size()) + "; " + remedy);
  }
  if (bytes.size() >= kAnswerHead + snp::kReportSize && little(bytes, 0, 4) == 0 && little(bytes, 4, 4) == snp::kReportSize && snp_head(bytes.subspan(kAnswerHead))) {
    return looks_like("the answer of the SEV guest device", "cut the report out: tail -c +33 FILE | head -c 1184");
  }
  return std::nullopt;
}

std::optional<Result<Format>> pem_form(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  if (!text.starts_with(kBegin)) return std::nullopt;
  const std::string label(text.substr(kBegin.size(), text.find("-----", kBegin.size()) - kBegin.size()).substr(0, 40));
  if (label == "CERTIFICATE") return Format::certificate;
  if (label == "X509 CRL") return looks_like("a revocation list", "that is collateral: put it into the folder for --collateral");
  return looks_like("PEM of \"" + label + "\"", "expected a CERTIFICATE with Evidence inside, or Evidence in its binary form");
}

std::optional<Result<Format>> json_form(std::string_view text) {
  if (!text.starts_with('{') && !text.starts_with('[')) return std::nullopt;
  if (!few_members(text, kMaxJsonMembers)) return looks_like("JSON", "and cannot be read: more than " + std::to_string(kMaxJsonMembers) + " members");
  const auto value = json::parse(text, {.max_bytes = kMaxEvidence, .max_depth = 32});
  if (!value.ok()) return looks_like("JSON", "and cannot be read: " + value.error().message());
  const auto has = [&](std::string_view key) { return value->object() != nullptr && value->object()->contains(key); };
  if (has("type") && value->object()->find("type")->second == json::Value(kFileType)) return Format::evidence_file;
  for (const std::string_view key : {"tcbInfo", "enclaveIdentity", "keys"}) {
    if (has(key)) return looks_like("collateral (JSON with \"" + std::string(key) + "\")", "put it into the folder for --collateral");
  }
  for (const std::string_view key : {"quote", "report", "evidence", "token", "attestation_token", "attestation_document"}) {
    if (has(key)) return looks_like("JSON with the member \"" + std::string(key) + "\"", "take that member out and decode it into a file of its own");
  }
  if (has("type") && value->object()->find("type")->second == json::Value("redoubt/policy/1")) {
    return looks_like("an appraisal policy", "give it with --policy, and the Evidence as the file");
  }
  return looks_like("JSON", "expected Evidence in its binary form, or a token");
}

// encoded: the text is hexadecimal or base64 of something; `inside` names what, where it is Evidence.
std::optional<Error> encoded(std::string_view text) {
  std::string flat;
  for (const char c : text) {
    if (c != '\n' && c != '\r' && c != ' ' && c != '\t') flat += c;
  }
  if (flat.size() < 16) return std::nullopt;
  const auto named = [](const Result<Bytes>& decoded) {
    if (!decoded.ok()) return std::string();
    const auto inside = detect(*decoded);
    return inside.ok() ? " of a " + std::string(format_text(*inside)) : std::string();
  };
  std::string_view digits = flat;
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  if (all_of(digits, "", false)) {
    std::string lower(digits);
    for (char& c : lower) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    return looks_like("hexadecimal" + named(hex_decode(lower)), "decode it first: xxd -r -p FILE > evidence.bin");
  }
  if (all_of(flat, "+/=", true)) return looks_like("base64" + named(base64_decode(flat)), "decode it first: base64 -d FILE > evidence.bin");
  if (all_of(flat, "-_=", true)) {
    return looks_like("base64url" + named(base64url_decode(flat)), "decode it first: tr '_-' '/+' < FILE | base64 -d > evidence.bin");
  }
  return std::nullopt;
}

std::optional<Result<Format>> text_form(ByteView bytes) {
  const bool printable = std::ranges::all_of(bytes, [](std::byte byte) {
    const auto c = std::to_integer<unsigned char>(byte);
    return c == '\n' || c == '\r' || c == '\t' || (c >= 0x20 && c != 0x7f);
  });
  if (!printable) return std::nullopt;
  const std::string_view text = trimmed(as_text(bytes));
  if (text.empty()) return looks_like("blank text", "expected Evidence");
  if (auto pem = pem_form(text)) return pem;
  if (auto json = json_form(text)) return json;
  if (std::ranges::count(text, '.') == 2 && text.starts_with("eyJ") && all_of(text, "-_.", true)) return Format::token;
  if (text.starts_with("eyJ") && text.find('.') != std::string_view::npos) {
    return looks_like("a token (JWT)", "expected exactly three parts in base64url without padding");
  }
  if (auto error = encoded(text)) return *error;
  if (text.starts_with('<')) return looks_like("HTML or XML", "expected Evidence in its binary form; was an error page saved?");
  return looks_like("text", "expected Evidence in its binary form, or a token");
}

// azure_form: a composite's label and its first part, the HCL report, which tells the hardware; or an HCL report by itself.
std::optional<Result<Format>> azure_form(ByteView bytes) {
  constexpr std::size_t kLabelAt = 4;  // after the map's head, key 0 and the head of a text of 24 bytes
  if (as_text(bytes.first(std::min<std::size_t>(bytes.size(), 4))) == "HCLA") {
    const auto report = azure::HclReport::parse(bytes);
    if (report.ok()) return Format::hcl_report;
    return looks_like("an HCL report of an Azure confidential VM", "and cannot be read: " + report.error().message());
  }
  if (bytes.size() < kLabelAt + kAzureLabel.size() || as_text(bytes.subspan(kLabelAt, kAzureLabel.size())) != kAzureLabel) return std::nullopt;
  cbor::Cursor cursor(bytes, "azure evidence");
  constexpr std::size_t kMaxJsonMembers = 16;
  cbor::Cursor::Items members = cursor.map("evidence", kMaxJsonMembers);
  cursor.more(members);
  cursor.unsigned_integer();
  cursor.text("label", kAzureLabel.size(), kAzureLabel.size());
  cursor.more(members);
  cursor.unsigned_integer();
  const ByteView hcl = cursor.bytes("HCL report", 0, azure::HclReport::kMaxSize);
  const auto report = cursor.ok() ? azure::HclReport::parse(hcl) : Result<azure::HclReport>(cursor.status().error());
  if (!report.ok()) return looks_like("the Evidence of an Azure confidential VM", "and cannot be read: " + report.error().message());
  return report->hardware == azure::Hardware::snp ? Format::azure_snp : Format::azure_tdx;
}

std::optional<Result<Format>> cose_form(ByteView bytes) {
  const bool tagged = begins(bytes, {0xd2, 0x84});
  if (!tagged && !begins(bytes, {0x84})) return std::nullopt;
  // The protected header comes first: {1: -35} (ES384) in a Nitro document; a UVM endorsement has a long one.
  const ByteView rest = bytes.subspan(tagged ? 2 : 1);
  if (begins(rest, {0x44, 0xa1, 0x01, 0x38})) return Format::nitro;
  return looks_like("a signed statement (COSE_Sign1) that is no Nitro document", "an endorsement is collateral: expected the Evidence that it endorses");
}

}  // namespace

std::string_view format_text(Format format) {
  switch (format) {
    case Format::sgx: return "SGX quote";
    case Format::tdx: return "TDX quote";
    case Format::snp: return "SEV-SNP report";
    case Format::nitro: return "Nitro document";
    case Format::token: return "token (JWT)";
    case Format::tpm: return "piece of TPM Evidence";
    case Format::azure_snp: return "composite of an Azure confidential VM on SEV-SNP";
    case Format::azure_tdx: return "composite of an Azure confidential VM on TDX";
    case Format::hcl_report: return "HCL report of an Azure confidential VM";
    case Format::certificate: return "certificate";
    case Format::evidence_file: return "file of Identity Evidence";
  }
  return "";
}

std::string_view format_name(Format format) {
  switch (format) {
    case Format::sgx: return "sgx";
    case Format::tdx: return "tdx";
    case Format::snp: return "snp";
    case Format::nitro: return "nitro";
    case Format::token: return "token";
    case Format::tpm: return "tpm";
    case Format::azure_snp: return "azure-snp";
    case Format::azure_tdx: return "azure-tdx";
    case Format::hcl_report: return "hcl-report";
    case Format::certificate: return "certificate";
    case Format::evidence_file: return "file";
  }
  return "";
}

Result<Format> detect(ByteView bytes) {
  if (bytes.empty()) return Error(Code::malformed, "evidence: the file is empty");
  if (bytes.size() > kMaxEvidence) {
    return Error(Code::malformed, "evidence: expected at most " + std::to_string(kMaxEvidence) + " bytes, found " + std::to_string(bytes.size()));
  }
  for (const Packed& packed : kPacked) {
    if (begins(bytes, packed.magic)) return looks_like(packed.what, packed.remedy);
  }
  if (auto form = dcap_form(bytes)) return *form;
  if (auto form = snp_form(bytes)) return *form;
  if (bytes.size() > 4 + kTpmLabel.size() && as_text(bytes.subspan(4, kTpmLabel.size())) == kTpmLabel) return Format::tpm;
  if (auto form = azure_form(bytes)) return *form;
  if (auto form = cose_form(bytes)) return *form;
  if (begins(bytes, {0x30}) && crypto::CrlView::parse(bytes).ok()) {
    return looks_like("a revocation list", "that is collateral: put it into the folder for --collateral");
  }
  if (begins(bytes, {0x30, 0x82}) || begins(bytes, {0x30, 0x83})) return Format::certificate;
  if (begins(bytes, {0xff, 0x54, 0x43, 0x47})) {
    return looks_like("a bare TPM quote (TPMS_ATTEST)", "signature, keys and PCR values belong to it; see docs/specs/tpm-evidence.md");
  }
  if (auto form = text_form(bytes)) return *form;
  return Error(Code::malformed, "evidence: no form that is known: expected a quote, a report, a document, a token or a certificate, found bytes that begin with " +
                                    hex_encode(bytes.subspan(0, std::min<std::size_t>(bytes.size(), 8))));
}

}  // namespace redoubt::verifier
