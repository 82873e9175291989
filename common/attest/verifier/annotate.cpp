#include "common/attest/verifier/annotate.h"

#include <algorithm>

#include "common/attest/evidence/cert/container.h"
#include "common/attest/evidence/cert/evidence_certificate.h"
#include "common/attest/evidence/dcap/evidence.h"
#include "common/attest/evidence/gcp/confidential_space.h"
#include "common/attest/evidence/nitro/document.h"
#include "common/attest/evidence/snp/evidence.h"
#include "common/attest/evidence/tpm/evidence.h"
#include "common/attest/verifier/text.h"
#include "common/base/cbor_cursor.h"
#include "common/base/encoding.h"
#include "common/base/reader.h"
#include "common/crypto/certificate_view.h"

namespace redoubt::verifier {
namespace {

enum class Show { hex, number, number_be, text };

struct Place {
  const char* name;
  std::size_t size;
  Show show = Show::hex;
};

constexpr Place kQuoteHeader[] = {{"version", 2, Show::number},  {"attestation_key_type", 2, Show::number}, {"tee_type", 4, Show::number},
                                  {"qe_svn_or_reserved", 2},     {"pce_svn_or_reserved", 2},                {"qe_vendor_id", 16},
                                  {"user_data", 20}};
constexpr Place kSgxReport[] = {{"cpusvn", 16},    {"miscselect", 4},  {"reserved_1", 12},          {"isvextprodid", 16},        {"attributes", 16},
                                {"mrenclave", 32}, {"reserved_2", 32}, {"mrsigner", 32},            {"reserved_3", 32},          {"configid", 64},
                                {"isvprodid", 2, Show::number},        {"isvsvn", 2, Show::number}, {"configsvn", 2, Show::number},
                                {"reserved_4", 42},                    {"isvfamilyid", 16},         {"report_data", 64}};
constexpr Place kTdReport[] = {{"tee_tcb_svn", 16},   {"mrseam", 48},        {"mrsignerseam", 48}, {"seamattributes", 8}, {"tdattributes", 8}, {"xfam", 8},
                               {"mrtd", 48},          {"mrconfigid", 48},    {"mrowner", 48},      {"mrownerconfig", 48}, {"rtmr0", 48},       {"rtmr1", 48},
                               {"rtmr2", 48},         {"rtmr3", 48},         {"report_data", 64}};
constexpr Place kTdReport15[] = {{"tee_tcb_svn2", 16}, {"mrservicetd", 48}};
constexpr Place kSnpReport[] = {
    {"version", 4, Show::number},         {"guest_svn", 4, Show::number},        {"policy", 8},               {"family_id", 16},          {"image_id", 16},
    {"vmpl", 4, Show::number},            {"signature_algorithm", 4, Show::number}, {"current_tcb", 8},       {"platform_info", 8},       {"key_flags", 4},
    {"reserved_1", 4},                    {"report_data", 64},                   {"measurement", 48},         {"host_data", 32},          {"id_key_digest", 48},
    {"author_key_digest", 48},            {"report_id", 32},                     {"report_id_ma", 32},        {"reported_tcb", 8},        {"cpuid_family_model_stepping", 3},
    {"reserved_2", 21},                   {"chip_id", 64},                       {"committed_tcb", 8},        {"current_build_minor_major", 4},
    {"committed_build_minor_major", 4},   {"launch_tcb", 8},                     {"launch_mitigations", 8},   {"current_mitigations", 8}, {"reserved_3", 152},
    {"signature_r", 72},                  {"signature_s", 72},                   {"reserved_4", 368}};

std::string value_of(ByteView bytes, Show show) {
  constexpr std::size_t kShown = 64;
  if (show == Show::number || show == Show::number_be) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const std::size_t at = show == Show::number ? bytes.size() - 1 - i : i;
      value = (value << 8U) | std::to_integer<std::uint64_t>(bytes[at]);
    }
    return std::to_string(value);
  }
  if (show == Show::text) return std::string(as_text(bytes.first(std::min(bytes.size(), kShown)))) + (bytes.size() > kShown ? "..." : "");
  const bool zero = !bytes.empty() && std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
  if (zero && bytes.size() > 8) return "zero";
  if (bytes.size() <= kShown) return hex_encode(bytes);
  return hex_encode(bytes.first(32)) + "... (" + std::to_string(bytes.size()) + " bytes)";
}

// Walk: fields one after another from the beginning; what the parser has accepted lies within the bytes.
class Walk {
 public:
  explicit Walk(ByteView bytes) : bytes_(bytes) {}

  void take(const std::string& name, std::size_t size, Show show = Show::hex) {
    size = std::min(size, bytes_.size() - at_);
    if (size == 0) return;
    fields_.push_back({at_, size, name, value_of(bytes_.subspan(at_, size), show)});
    at_ += size;
  }
  void take(const std::string& prefix, std::span<const Place> places) {
    for (const Place& place : places) take(prefix + place.name, place.size, place.show);
  }
  // until: a field of its own up to the view, which lies in the bytes; then nothing of the view is taken yet.
  void until(const std::string& name, const std::byte* where, Show show = Show::hex) { take(name, static_cast<std::size_t>(where - bytes_.data()) - at_, show); }
  void view(const std::string& name, ByteView view, Show show = Show::hex) { take(name, view.size(), show); }
  void rest(const std::string& name) { take(name, bytes_.size() - at_); }
  std::uint64_t little(std::size_t size) const {
    std::uint64_t value = 0;
    for (std::size_t i = size; i > 0; --i) value = (value << 8U) | (at_ + i - 1 < bytes_.size() ? std::to_integer<std::uint64_t>(bytes_[at_ + i - 1]) : 0);
    return value;
  }
  std::vector<Field> fields() && { return std::move(fields_); }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
  std::vector<Field> fields_;
};

Result<Annotated> quote(ByteView bytes, Format format) {
  REDOUBT_TRY(const auto parsed, dcap::parse(bytes));
  REDOUBT_TRY(const auto raw, dcap::RawQuote::parse(bytes));
  Walk walk(bytes);
  walk.take("header.", kQuoteHeader);
  if (raw.header.version == 5) {
    walk.take("body_type", 2, Show::number);
    walk.take("body_size", 4, Show::number);
  }
  if (const auto* td = std::get_if<tdx::Report>(&raw.body)) {
    walk.take("body.", kTdReport);
    if (td->v15) walk.take("body.", kTdReport15);
  } else {
    walk.take("body.", kSgxReport);
  }
  walk.take("signature_data_size", 4, Show::number);
  walk.take("signature", 64);
  walk.take("attestation_key", 64);
  if (raw.header.version >= 4) {
    walk.take("certification_type", 2, Show::number);
    walk.take("certification_size", 4, Show::number);
  }
  walk.take("qe_report.", kSgxReport);
  walk.take("qe_report_signature", 64);
  walk.take("qe_authentication_size", 2, Show::number);
  walk.take("qe_authentication_data", raw.qe_auth_data().size());
  walk.take(raw.header.version >= 4 ? "inner_certification_type" : "certification_type", 2, Show::number);
  walk.take(raw.header.version >= 4 ? "inner_certification_size" : "certification_size", 4, Show::number);
  const bool pem = raw.certification_type == dcap::kPckChain;
  walk.take("certification_data", raw.certification_data().size(), pem ? Show::text : Show::hex);
  walk.rest("after_the_quote_covered_by_nothing");
  return Annotated{format, std::move(walk).fields(), dcap::describe(parsed)};
}

Result<Annotated> report(ByteView bytes) {
  REDOUBT_TRY(const auto parsed, snp::parse(bytes));
  Walk walk(bytes);
  walk.take("", kSnpReport);
  return Annotated{Format::snp, std::move(walk).fields(), snp::describe(parsed)};
}

// nitro_payload: each member of the map by its key; `walk` stands before the payload.
void nitro_payload(ByteView payload, Walk& walk) {
  cbor::Cursor cursor(payload, "payload", cbor::Lengths::any_container);
  constexpr std::size_t kMaxMembers = 16;
  cbor::Cursor::Items members = cursor.map("payload", kMaxMembers);
  while (cursor.more(members)) {
    const std::string key(cursor.text("key", 0, 64));
    const ByteView value = cursor.skip();
    if (!cursor.ok()) break;
    walk.until("payload." + key + " (key)", value.data());
    walk.view("payload." + key, value);
  }
}

Result<Annotated> document(ByteView bytes) {
  REDOUBT_TRY(const auto parsed, nitro::parse(bytes));
  Walk walk(bytes);
  cbor::Cursor cursor(bytes, "document");
  cursor.tag(18);
  constexpr std::size_t kParts = 4;
  cbor::Cursor::Items parts = cursor.array("COSE_Sign1", kParts);
  cursor.more(parts);
  const ByteView protected_header = cursor.bytes("protected header", 0, nitro::kMaxDocument);
  walk.until("COSE_Sign1 (head)", protected_header.data());
  walk.view("protected_header", protected_header);
  cursor.more(parts);
  walk.view("unprotected_header", cursor.skip());
  cursor.more(parts);
  const ByteView payload = cursor.bytes("payload", 0, nitro::kMaxDocument);
  walk.until("payload (head)", payload.data());
  nitro_payload(payload, walk);
  cursor.more(parts);
  const ByteView signature = cursor.bytes("signature", 0, nitro::kMaxDocument);
  walk.until("signature (head)", signature.data());
  walk.view("signature", signature);
  walk.rest("rest");
  return Annotated{Format::nitro, std::move(walk).fields(), nitro::describe(parsed)};
}

Result<Annotated> tpm_evidence(ByteView bytes) {
  REDOUBT_TRY(const auto raw, tpm::RawEvidence::decode(bytes));
  Walk walk(bytes);
  const auto sized = [&](const std::string& name, std::size_t size, Show show = Show::hex) {
    walk.take(name + " (size)", 4, Show::number_be);
    walk.take(name, size, show);
  };
  sized("label", std::string_view("redoubt/tpm-evidence/1").size(), Show::text);
  sized("attest", raw.attest.size());
  sized("signature", raw.signature.size());
  sized("ak_public", raw.ak_public.size());
  const bool certified = !raw.ak_certificates.empty();
  const bool form_1 = raw.bank == tpm::kAlgSha256 && !certified;
  if (!form_1) walk.take("attestation_key (1 enrolled, 2 certified)", 1, Show::number);
  if (certified) {
    walk.take("ak_certificates (count)", 1, Show::number);
    for (const Bytes& one : raw.ak_certificates) sized("ak_certificate", one.size());
  } else {
    sized("ek_public", raw.ek_public.size());
    sized("ek_certificate", raw.ek_certificate.size());
    walk.take("ek_intermediates (count)", 1, Show::number);
    for (const Bytes& one : raw.ek_intermediates) sized("ek_intermediate", one.size());
  }
  if (!form_1) walk.take("bank (TPM_ALG_ID)", 2, Show::number_be);
  walk.take("pcrs (count)", 1, Show::number);
  const auto pcr = [&](int index, std::size_t size) {
    walk.take("pcr (index)", 1, Show::number);
    walk.take("pcr " + std::to_string(index), size);
  };
  for (const auto& [index, value] : raw.pcrs) pcr(index, value.view().size());
  for (const auto& [index, value] : raw.wide_pcrs) pcr(index, value.size());
  sized("event_log", raw.event_log.size());
  sized("ima_log", raw.ima_log.size());
  walk.take("application_log (present)", 1, Show::number);
  walk.rest("application_log");
  json::Object pcrs;
  for (const auto& [index, value] : raw.pcrs) pcrs.emplace(std::to_string(index), value.hex());
  for (const auto& [index, value] : raw.wide_pcrs) pcrs.emplace(std::to_string(index), hex_encode(value));
  return Annotated{Format::tpm, std::move(walk).fields(),
                   json::Object{{"format", "tpm"}, {"verified", false}, {"pcrs", std::move(pcrs)}, {"event_log_bytes", static_cast<std::int64_t>(raw.event_log.size())},
                                {"ima_log_bytes", static_cast<std::int64_t>(raw.ima_log.size())}}};
}

Result<Annotated> certificate(ByteView bytes) {
  Bytes der = to_bytes(bytes);
  if (bytes.front() != std::byte{0x30}) {
    REDOUBT_TRY(auto blocks, crypto::pem_decode(as_text(bytes), "CERTIFICATE", 8, cert::Container::kMaxSize));
    der = std::move(blocks.front());
  }
  REDOUBT_TRY(const auto parsed, cert::parse(der));
  REDOUBT_TRY(const auto container, cert::Container::parse(der));
  Walk walk(der);
  std::vector<std::pair<std::string, ByteView>> parts{{"issuer", container.issuer}, {"subject", container.subject}, {"public_key", container.spki},
                                                      {"signature", container.signature}};
  for (const cert::Extension& one : container.extensions) parts.emplace_back("extension " + der::oid_text(one.oid), one.value);
  std::ranges::sort(parts, {}, [](const auto& part) { return part.second.data(); });
  for (const auto& [name, view] : parts) {
    walk.until("(DER)", view.data());
    walk.view(name, view);
  }
  walk.rest("(DER)");
  return Annotated{Format::certificate, std::move(walk).fields(), cert::describe(parsed)};
}

}  // namespace

Result<Annotated> annotate(ByteView evidence) {
  REDOUBT_TRY(const Format format, detect(evidence));
  switch (format) {
    case Format::sgx:
    case Format::tdx: return quote(evidence, format);
    case Format::snp: return report(evidence);
    case Format::nitro: return document(evidence);
    case Format::tpm: return tpm_evidence(evidence);
    case Format::certificate: return certificate(evidence);
    case Format::token: {
      REDOUBT_TRY(const auto parsed, token::parse(trimmed(as_text(evidence))));
      return Annotated{format, {}, token::describe(parsed)};
    }
    case Format::evidence_file: {
      REDOUBT_TRY(json::Value value, json::parse(as_text(evidence), {.max_bytes = kMaxEvidence, .max_depth = 4}));
      return Annotated{format, {}, std::move(value)};
    }
  }
  return Error(Code::internal, "evidence: a format without a reader");
}

}  // namespace redoubt::verifier
