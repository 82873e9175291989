// A firmware log that parses, in either form or as a CCEL table, can be replayed and judged in every bank that has a known hash, and
// registers without extending events stay absent.
#include <cstdlib>

#include "common/attest/evidence/eventlog/rtmr_log.h"

namespace {

using namespace redoubt;

void judge(const eventlog::EventLog& log) {
  std::array<bool, eventlog::kPcrCount> extended{};
  for (const eventlog::Event& event : log.events) {
    if (event.extends()) extended.at(static_cast<std::size_t>(event.index)) = true;
  }
  for (const eventlog::Bank& bank : log.banks) {
    if (!eventlog::computable(bank.algorithm)) continue;
    const eventlog::Replay values = log.replay(bank);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i].has_value() != extended[i] || (values[i] && values[i]->size() != bank.size)) std::abort();
    }
    (void)eventlog::check_data(log, bank);
    (void)eventlog::check_separators(log, bank);
    (void)eventlog::boot_facts(log, bank);
  }
  (void)eventlog::describe(log);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span(data, size));
  if (const auto log = eventlog::EventLog::parse(bytes); log.ok()) judge(*log);
  if (const auto log = eventlog::EventLog::parse_ccel(bytes); log.ok()) judge(*log);
  return 0;
}
