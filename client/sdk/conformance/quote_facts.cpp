// What stands in genuine quotes of SGX and TDX, as quotes.json of the folder intel-dcap lists it: every field by its name. Nothing is
// judged here: cases.json has the appraisals.
#include "client/sdk/conformance/entry.h"
#include "common/attest/evidence/dcap/pck_chain.h"
#include "common/attest/evidence/dcap/quote.h"

namespace redoubt::conformance {
namespace {

json::Value header_json(const dcap::Header& header) {
  constexpr std::int64_t kTdx = 0x81;
  return json::Object{{"version", std::int64_t{header.version}},
                      {"att_key_type", std::int64_t{header.attestation_key_type}},
                      {"tee_type", header.tee == dcap::Tee::tdx ? kTdx : 0},
                      {"qe_vendor_id", header.qe_vendor.hex()},
                      {"user_data", header.user_data.hex()}};
}

json::Value enclave_json(const sgx::Report& report) {
  json::Object out = *sgx::describe(report).object();
  out.insert_or_assign("debug", report.attributes.debug());
  return out;
}

json::Value domain_json(const tdx::Report& report, bool debug) {
  json::Object out = *tdx::describe(report).object();
  out.insert_or_assign("debug", debug);
  return out;
}

// serial_text: as a number, without leading zeros.
std::string serial_text(ByteView serial) {
  const std::string hex = hex_encode(serial);
  return hex.substr(std::min(hex.find_first_not_of('0'), hex.size() - 1));
}

Result<json::Value> pck_json(const dcap::RawQuote& quote) {
  REDOUBT_TRY(const auto certificates, dcap::PckCertificates::from_pem(quote.certification_data()));
  const crypto::CertificateView& leaf = certificates->leaf();
  REDOUBT_TRY(const dcap::PckExtension extension, dcap::sgx_extension(leaf));
  json::Object out = *dcap::describe(extension).object();
  out.insert_or_assign("issuer", crypto::common_name(leaf.issuer));
  out.insert_or_assign("serial", serial_text(leaf.serial));
  out.insert_or_assign("not_before", leaf.validity.begin.text());
  out.insert_or_assign("not_after", leaf.validity.end.text());
  return json::Value(std::move(out));
}

// listed_of: from `all` the members that `asked` has.
json::Value listed_of(const json::Value& all, const json::Value& asked) {
  if (all.object() == nullptr || asked.object() == nullptr) return all;
  json::Object out;
  for (const auto& [key, value] : *asked.object()) {
    if (const auto found = all.object()->find(key); found != all.object()->end()) out.emplace(key, found->second);
  }
  return out;
}

}  // namespace

json::Object expected_of_quote(const Entry& entry) {
  json::Object out;
  for (const char* stated : {"quote_length", "trailing_bytes", "header", "body_type", "body", "certification_data_type", "qe_report", "pck"}) {
    if (entry.has(stated)) out.emplace(stated, member_or_null(json::Value(entry.members), stated));
  }
  return out;
}

Result<Facts> quote_facts(const Entry& entry) {
  REDOUBT_TRY(const Bytes bytes, entry.evidence("file"));
  REDOUBT_TRY(const dcap::RawQuote quote, dcap::RawQuote::parse(bytes));
  const auto* domain = std::get_if<tdx::Report>(&quote.body);
  Facts all{{"verdict", "accept"},
            {"quote_length", static_cast<std::int64_t>(quote.size())},
            {"trailing_bytes", static_cast<std::int64_t>(quote.unsigned_size)},
            {"header", header_json(quote.header)},
            {"body_type", domain == nullptr ? "sgx" : domain->v15 ? "td15" : "td10"},
            {"body", domain == nullptr ? enclave_json(std::get<sgx::Report>(quote.body)) : domain_json(*domain, quote.debug())},
            {"certification_data_type", std::int64_t{quote.certification_type}},
            {"qe_report", enclave_json(quote.qe_report)}};
  if (entry.has("pck")) {
    REDOUBT_TRY(json::Value pck, pck_json(quote));
    all.emplace("pck", std::move(pck));
  }
  Facts facts;
  for (const auto& [key, value] : all) facts.emplace(key, listed_of(value, member_or_null(json::Value(entry.members), key)));
  return facts;
}

}  // namespace redoubt::conformance
