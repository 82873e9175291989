// An IMA list that parses gives its own replayed value at its end.
#include <cstdlib>

#include "common/attest/evidence/tpm/ima_log.h"
#include "common/attest/evidence/tpm/pcr.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const auto log = tpm::ImaLog::parse(std::as_bytes(std::span(data, size)));
  if (!log.ok()) return 0;
  crypto::Sha256Digest value;
  for (const tpm::ImaEntry& entry : log->entries) value = tpm::extend(value, entry.extended());
  const auto prefix = tpm::quoted_prefix(*log, value);
  if (prefix != (log->entries.empty() ? std::nullopt : std::optional(log->entries.size()))) std::abort();
  (void)tpm::check_templates(*log);
  return 0;
}
