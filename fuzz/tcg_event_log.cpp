// A firmware log that parses can be replayed and judged, and PCRs without extending events stay absent.
#include <cstdlib>

#include "common/attest/evidence/tpm/event_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const auto log = tpm::EventLog::parse(std::as_bytes(std::span(data, size)));
  if (!log.ok()) return 0;
  tpm::PcrReplay expected;
  for (const tpm::LogEvent& event : log->events) {
    if (event.extends()) expected.at(static_cast<std::size_t>(event.pcr)) = crypto::Sha256Digest();
  }
  const tpm::PcrReplay values = tpm::replay(*log);
  for (std::size_t pcr = 0; pcr < values.size(); ++pcr) {
    if (values[pcr].has_value() != expected[pcr].has_value()) std::abort();
  }
  (void)tpm::check_data(*log);
  (void)tpm::check_separators(*log);
  (void)tpm::secure_boot(*log);
  return 0;
}
