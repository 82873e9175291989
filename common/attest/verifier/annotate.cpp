#include "common/attest/verifier/annotate.h"

#include <algorithm>

#include "common/attest/evidence/cert/container.h"
#include "common/attest/evidence/cert/evidence_certificate.h"
#include "common/attest/evidence/dcap/evidence.h"
#include "common/attest/evidence/gcp/confidential_space.h"
#include "common/attest/evidence/nitro/document.h"
#include "common/attest/evidence/snp/evidence.h"
#include "common/attest/evidence/tpm/evidence.h"
#include "common/attest/verifier/annotate_walk.h"
#include "common/attest/verifier/text.h"
#include "common/base/cbor_cursor.h"
#include "common/base/encoding.h"
#include "common/base/reader.h"
#include "common/crypto/certificate_view.h"

namespace redoubt::verifier {
namespace {

Result<Annotated> quote(ByteView bytes, Format format) {
  REDOUBT_TRY(const auto parsed, dcap::parse(bytes));
  REDOUBT_TRY(const auto raw, dcap::RawQuote::parse(bytes));
  Walk walk(bytes);
  quote_fields(walk, "", raw);
  walk.rest("after_the_quote_covered_by_nothing");
  return Annotated{format, std::move(walk).fields(), dcap::describe(parsed)};
}

Result<Annotated> report(ByteView bytes) {
  REDOUBT_TRY(const auto parsed, snp::parse(bytes));
  Walk walk(bytes);
  report_fields(walk, "");
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
    case Format::azure_snp:
    case Format::azure_tdx: return annotate_composite(evidence, format);
    case Format::hcl_report: return annotate_hcl_report(evidence);
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
