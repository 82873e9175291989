#include "enclave/collect/base/quote_check.h"

namespace redoubt::collect {

Status check_report_data(ByteView found, const ReportData& data) {
  if (equal(found, data.view())) return {};
  return Error(Code::binding, "report data: expected " + data.hex() + ", found " + hex_encode(found));
}

Status check_quote(ByteView quote, dcap::Tee tee, const ReportData& data) {
  // parse() is what the verifier begins with; the second reading is for the fields, which a Parsed<Quote> keeps to itself.
  if (const auto parsed = dcap::parse(quote); !parsed.ok()) return parsed.error();
  REDOUBT_TRY(const dcap::RawQuote raw, dcap::RawQuote::parse(quote));
  if (raw.header.tee != tee) {
    return Error(Code::binding, "quote: expected one of " + std::string(endorse::tee_text(tee)) + ", found one of " + std::string(endorse::tee_text(raw.header.tee)));
  }
  return std::visit([&](const auto& body) { return check_report_data(body.report_data.view(), data); }, raw.body);
}

}  // namespace redoubt::collect
