// Event logs of TPMs, as the folder tpm lists them, and of TDX guests with the quotes they belong to, as tdx-eventlog does.
#include "client/sdk/conformance/entry.h"
#include "common/attest/evidence/dcap/evidence.h"
#include "common/attest/evidence/eventlog/rtmr_log.h"

namespace redoubt::conformance {
namespace {

json::Value registers(const eventlog::Replay& replayed) {
  json::Object out;
  for (std::size_t i = 0; i < replayed.size(); ++i) {
    if (replayed[i]) out.emplace(std::to_string(i), replayed[i]->hex());
  }
  return out;
}

// of_those: from `all` what `asked` has, so that an expectation about some banks and registers is answered for these.
json::Value of_those(const json::Value& all, const json::Value& asked) {
  if (all.object() == nullptr || asked.object() == nullptr) return all;
  json::Object out;
  for (const auto& [key, value] : *asked.object()) {
    const auto found = all.object()->find(key);
    if (found != all.object()->end()) out.emplace(key, of_those(found->second, value));
  }
  return out;
}

// quoted: the RTMRs that the quote states. Whether to believe it is judged with its own vectors.
Result<eventlog::Rtmrs> quoted(const Entry& entry) {
  eventlog::Rtmrs out;
  if (entry.text("quote").empty()) return out;
  REDOUBT_TRY(const Bytes bytes, entry.file("quote"));
  const auto quote = dcap::parse(bytes);
  const auto stated = quote.ok() ? dcap::unverified_facts(*quote).rtmrs : std::nullopt;
  if (!stated) return Error(Code::usage, "case: expected a quote of a trust domain");
  for (std::size_t i = 0; i < out.size(); ++i) std::ranges::copy((*stated)[i].view(), out[i].array().begin());
  return out;
}

}  // namespace

Result<Facts> eventlog_facts(const Entry& entry) {
  REDOUBT_TRY(const Bytes bytes, entry.evidence("file"));
  REDOUBT_TRY(const eventlog::EventLog log, eventlog::EventLog::parse(bytes));
  json::Object banks;
  for (const eventlog::Bank& bank : log.banks) {
    if (eventlog::computable(bank.algorithm)) banks.emplace(eventlog::algorithm_text(bank.algorithm), registers(log.replay(bank)));
  }
  const json::Value published = member_or_null(json::Value(entry.members), "expected_pcrs_from_origin_tests");
  return Facts{{"verdict", "accept"},
               {"events", static_cast<std::int64_t>(log.events.size())},
               {"expected_pcrs_from_origin_tests", of_those(json::Value(banks), published)},
               {"replayed_pcrs", banks}};
}

Result<Facts> rtmr_facts(const Entry& entry) {
  REDOUBT_TRY(const Bytes bytes, entry.evidence("file"));
  REDOUBT_TRY(const eventlog::Rtmrs rtmrs, quoted(entry));
  const bool is_list = as_text(bytes).starts_with("[");
  const auto outcome = is_list ? eventlog::authenticate_dstack(as_text(bytes), rtmrs) : eventlog::authenticate_ccel(bytes, rtmrs);
  json::Object replayed;
  json::Array matching;
  for (std::size_t i = 0; i < rtmrs.size(); ++i) {
    const std::string name = "RTMR" + std::to_string(i);
    if (const auto& value = outcome.replayed[i + 1]) replayed.emplace(name, value->hex());
    if (outcome.matches[i]) matching.emplace_back(name);
  }
  Facts facts{{"verdict", outcome.authentic ? "accept" : "reject"},
              {"registers_matching_quote", std::move(matching)},
              {"replayed", std::move(replayed)}};
  if (outcome.event_count) facts.emplace("events", static_cast<std::int64_t>(*outcome.event_count));
  return facts;
}

}  // namespace redoubt::conformance
