#include "common/attest/evidence/azure/evidence.h"
#include "common/attest/verifier/annotate_walk.h"
#include "common/base/cbor_cursor.h"
#include "common/base/encoding.h"

namespace redoubt::verifier {
namespace {

// The layout that common/attest/evidence/azure/hcl_report.h draws.
constexpr Place kHclHeader[] = {{"signature", 4, Show::text},       {"version", 4, Show::number}, {"report_size", 4, Show::number}, {"request_type", 4, Show::number},
                                {"status", 4, Show::number}, {"reserved", 12}};
constexpr Place kRuntimeHeader[] = {{"runtime_data_size", 4, Show::number}, {"runtime_data_version", 4, Show::number}, {"report_type", 4, Show::number},
                                    {"hash_type", 4, Show::number},         {"json_size", 4, Show::number}};

void hcl_fields(Walk& walk, const std::string& prefix, const azure::HclReport& report, std::size_t size) {
  const std::size_t end = walk.position() + size;
  walk.take(prefix, kHclHeader);
  if (report.hardware == azure::Hardware::snp) {
    report_fields(walk, prefix + "report.");
  } else {
    walk.take(prefix + "tdreport", azure::HclReport::kTdReportSize);
    walk.take(prefix + "tdreport_padding", azure::HclReport::kSnpReportSize - azure::HclReport::kTdReportSize);
  }
  walk.take(prefix, kRuntimeHeader);
  walk.take(prefix + "runtime_data", report.runtime_data.size(), Show::text);
  walk.take(prefix + "padding_covered_by_nothing", end - walk.position());
}

// attest_fields: TPMS_ATTEST of a quote (TPM 2.0 Library, Part 2, section 10.12.12).
void attest_fields(Walk& walk, const std::string& prefix, std::size_t size) {
  const std::size_t end = walk.position() + size;
  const auto sized = [&](const std::string& name) {
    const auto length = static_cast<std::size_t>(walk.big(2));
    walk.take(prefix + name + " (size)", 2, Show::number_be);
    walk.take(prefix + name, length);
  };
  walk.take(prefix + "magic", 4);
  walk.take(prefix + "type", 2);
  sized("qualified_signer");
  sized("extra_data");
  walk.take(prefix + "clock", 8, Show::number_be);
  walk.take(prefix + "reset_count", 4, Show::number_be);
  walk.take(prefix + "restart_count", 4, Show::number_be);
  walk.take(prefix + "safe", 1, Show::number);
  walk.take(prefix + "firmware_version", 8);
  const std::uint64_t banks = walk.big(4);
  walk.take(prefix + "pcr_selections (count)", 4, Show::number_be);
  for (std::uint64_t i = 0; i < banks; ++i) {
    walk.take(prefix + "bank (TPM_ALG_ID)", 2, Show::number_be);
    const auto bits = static_cast<std::size_t>(walk.big(1));
    walk.take(prefix + "pcr_bits (size)", 1, Show::number);
    walk.take(prefix + "pcr_bits", bits);
  }
  sized("pcr_digest");
  walk.take(prefix + "rest", end - walk.position());
}

void pcr_fields(cbor::Cursor& cursor, Walk& walk) {
  constexpr std::size_t kMaxPcrs = 24;
  cbor::Cursor::Items values = cursor.array("PCRs", kMaxPcrs);
  while (cursor.more(values)) {
    cbor::Cursor::Items pair = cursor.array("PCR", 2);
    cursor.more(pair);
    const std::uint64_t index = cursor.unsigned_integer();
    cursor.more(pair);
    const ByteView value = cursor.bytes("value", 0, 64);
    cursor.more(pair);
    if (!cursor.ok()) return;
    const std::string name = "pcr " + std::to_string(index);
    walk.until(name + " (head)", value.data());
    walk.view(name, value);
  }
}

}  // namespace

Result<Annotated> annotate_composite(ByteView bytes, Format format) {
  REDOUBT_TRY(const auto parsed, azure::parse(bytes));
  Walk walk(bytes);
  cbor::Cursor cursor(bytes, "azure evidence");
  constexpr std::size_t kMaxMembers = 8;
  cbor::Cursor::Items members = cursor.map("evidence", kMaxMembers);
  while (cursor.more(members)) {
    const std::uint64_t key = cursor.unsigned_integer();
    // part: a byte string or a text, with the CBOR before it as its head.
    const auto part = [&](const std::string& name, ByteView view) {
      if (cursor.ok()) walk.until(name + " (head)", view.data());
      return view;
    };
    if (key == 0) {
      walk.view("label", part("label", as_bytes(cursor.text("label", 0, 64))), Show::text);
    } else if (key == 1) {
      const ByteView view = part("hcl_report", cursor.bytes("HCL report", 0, azure::HclReport::kMaxSize));
      REDOUBT_TRY(const azure::HclReport report, azure::HclReport::parse(view));
      hcl_fields(walk, "hcl.", report, view.size());
    } else if (key == 2) {
      attest_fields(walk, "attest.", part("attest", cursor.bytes("attest", 0, tpm::Attest::kMaxSize)).size());
    } else if (key == 3) {
      walk.view("signature", part("signature", cursor.bytes("signature", 0, azure::RawComposite::kMaxSize)));
    } else if (key == 4) {
      pcr_fields(cursor, walk);
    } else if (key == 5) {
      const ByteView view = part("td_quote", cursor.bytes("TD quote", 0, azure::RawComposite::kMaxSize));
      const std::size_t end = walk.position() + view.size();
      if (const auto raw = dcap::RawQuote::parse(view); raw.ok()) {
        quote_fields(walk, "td_quote.", *raw);
        walk.take("td_quote.after_the_quote_covered_by_nothing", end - walk.position());
      } else {
        walk.view("td_quote (not readable)", view);
      }
    } else {
      cbor::Cursor::Items certificates = cursor.array("certificates", azure::RawComposite::kMaxAkCertificates);
      while (cursor.more(certificates)) walk.view("ak_certificate", part("ak_certificate", cursor.bytes("certificate", 0, azure::RawComposite::kMaxSize)));
    }
    if (!cursor.ok()) break;
  }
  REDOUBT_CHECK(cursor.finish());
  return Annotated{format, std::move(walk).fields(), azure::describe(parsed)};
}

Result<Annotated> annotate_hcl_report(ByteView bytes) {
  REDOUBT_TRY(const azure::HclReport report, azure::HclReport::parse(bytes));
  REDOUBT_TRY(const azure::RuntimeData runtime, azure::RuntimeData::parse(report.runtime_data));
  Walk walk(bytes);
  hcl_fields(walk, "", report, bytes.size());
  json::Object description{{"format", "hcl-report"},
                           {"verified", false},
                           {"hardware", azure::hardware_text(report.hardware)},
                           {"runtime_data_sha256", crypto::sha256(report.runtime_data).hex()},
                           {"attestation_key_sha256", crypto::sha256(runtime.attestation_key.spki()).hex()},
                           {"user_data", hex_encode(runtime.user_data)}};
  if (runtime.secure_boot) description.emplace("secure_boot", *runtime.secure_boot);
  return Annotated{Format::hcl_report, std::move(walk).fields(), std::move(description)};
}

}  // namespace redoubt::verifier
