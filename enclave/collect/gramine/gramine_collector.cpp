#include "enclave/collect/gramine/gramine_collector.h"

#include "enclave/collect/base/quote_check.h"

namespace redoubt::collect {
namespace {

constexpr std::size_t kMaxType = 32;

}  // namespace

Result<Collection> GramineCollector::attempt(const ReportData& data) {
  REDOUBT_CHECK(folder_.write("user_report_data", data.view()));
  REDOUBT_TRY(Bytes quote, folder_.read("quote", kMaxQuote));
  if (quote.empty()) return Error(Code::malformed, folder_.path("quote") + ": expected a quote, found nothing");
  REDOUBT_CHECK(check_quote(quote, dcap::Tee::sgx, data).context(folder_.path("quote")));
  return Collection{{"sgx", std::move(quote)}, {}};
}

Result<Collection> GramineCollector::collect(ByteView statement) {
  constexpr std::string_view kDoing = "collecting Evidence from Gramine";
  const ReportData data = report_data_of(statement);
  const std::lock_guard lock(mutex_);
  REDOUBT_TRY(const std::string type, folder_.read_text("attestation_type", kMaxType).context(kDoing));
  if (type != "dcap") {
    return Error(Code::refused, folder_.path("attestation_type") + ": expected dcap, found " + (type.empty() ? "nothing" : type)).context(kDoing);
  }
  for (int i = 1;; ++i) {
    auto collection = attempt(data);
    if (collection.ok() || collection.error().code() != Code::binding || i == kAttempts) return std::move(collection).context(kDoing);
  }
}

}  // namespace redoubt::collect
