#include "common/attest/evidence/dcap/evidence.h"

#include "common/attest/evidence/dcap/authenticator.h"

namespace redoubt::dcap {
namespace {

json::Value describe_certificate(const crypto::CertificateView& view) {
  json::Object out;
  out["subject"] = crypto::name_text(view.subject);
  out["issuer"] = crypto::name_text(view.issuer);
  out["serial"] = hex_encode(view.serial);
  out["not_before"] = view.validity.begin.text();
  out["not_after"] = view.validity.end.text();
  return out;
}

json::Value describe_chain(const RawQuote& raw) {
  json::Object out;
  const auto certificates = PckCertificates::from_pem(raw.certification_data());
  if (!certificates.ok()) {
    out["error"] = certificates.error().message();
    return out;
  }
  json::Array path;
  for (const crypto::CertificateView& view : (*certificates)->path()) path.push_back(describe_certificate(view));
  out["certificates"] = std::move(path);
  const auto extension = sgx_extension((*certificates)->leaf());
  if (extension.ok()) {
    out["sgx_extension"] = describe(*extension);
  } else {
    out["sgx_extension"] = extension.error().message();
  }
  return out;
}

json::Value describe_header(const Header& header) {
  json::Object out;
  out["version"] = std::int64_t{header.version};
  out["attestation_key_type"] = std::int64_t{header.attestation_key_type};
  out["tee"] = endorse::tee_text(header.tee);
  out["qe_vendor_id"] = header.qe_vendor.hex();
  out["user_data"] = header.user_data.hex();
  if (header.version == 3) {
    out["qe_svn"] = std::int64_t{header.qe_svn};
    out["pce_svn"] = std::int64_t{header.pce_svn};
  }
  return out;
}

}  // namespace

ByteView Quote::report_data() const {
  if (const sgx::Report* report = enclave()) return report->report_data.view();
  return trust_domain()->report_data.view();
}

Result<attest::Parsed<Quote>> parse(ByteView evidence) {
  REDOUBT_TRY(RawQuote raw, RawQuote::parse(evidence));
  return attest::Parsed<Quote>(Quote{std::move(raw), {}, {}});
}

Result<attest::Parsed<Quote>> parse_in_place(ByteView evidence) {
  REDOUBT_TRY(RawQuote raw, RawQuote::parse_in_place(evidence));
  return attest::Parsed<Quote>(Quote{std::move(raw), {}, {}});
}

json::Value describe(const attest::Parsed<Quote>& parsed) {
  const RawQuote& raw = DcapAuthenticator::raw(parsed);
  json::Object out;
  out["format"] = "dcap";
  out["verified"] = false;
  out["header"] = describe_header(raw.header);
  const auto* enclave = std::get_if<sgx::Report>(&raw.body);
  out["body_type"] = enclave != nullptr ? "sgx" : std::get<tdx::Report>(raw.body).v15 ? "td15" : "td10";
  out["body"] = enclave != nullptr ? sgx::describe(*enclave) : tdx::describe(std::get<tdx::Report>(raw.body));
  out["qe_report"] = sgx::describe(raw.qe_report);
  out["qe_auth_data"] = hex_encode(raw.qe_auth_data());
  out["certification_data_type"] = certification_text(raw.certification_type);
  if (raw.certification_type == kPckChain) out["pck"] = describe_chain(raw);
  out["quote_size"] = static_cast<std::int64_t>(raw.size());
  out["unsigned_size"] = static_cast<std::int64_t>(raw.unsigned_size);
  out["unsigned_zero"] = raw.unsigned_zero;
  return out;
}

QuoteFacts unverified_facts(const attest::Parsed<Quote>& parsed) {
  const RawQuote& raw = DcapAuthenticator::raw(parsed);
  QuoteFacts out{raw.header.tee, std::nullopt, raw.debug(), raw.unsigned_size, std::nullopt};
  if (const auto* domain = std::get_if<tdx::Report>(&raw.body)) out.rtmrs = domain->rtmr;
  if (raw.certification_type != kPckChain) return out;
  const auto certificates = PckCertificates::from_pem(raw.certification_data());
  if (!certificates.ok()) return out;
  if (const auto extension = sgx_extension((*certificates)->leaf()); extension.ok()) out.fmspc = extension->fmspc;
  return out;
}

endorse::Tee unverified_tee(const attest::Parsed<Quote>& parsed) { return DcapAuthenticator::raw(parsed).header.tee; }

ByteView certification_data(const attest::Parsed<Quote>& parsed) { return DcapAuthenticator::raw(parsed).certification_data(); }

Outcome authenticate(const attest::Parsed<Quote>& parsed, const Inputs& inputs) { return DcapAuthenticator(parsed, inputs).run(); }

}  // namespace redoubt::dcap
