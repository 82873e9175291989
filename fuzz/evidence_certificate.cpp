// Certificates with Evidence: quotes come out only of well-formed ones, and nothing is authentic whose quotes nobody judged.
#include <cstdlib>

#include "common/attest/evidence/cert/evidence_certificate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const auto parsed = cert::parse(std::as_bytes(std::span(data, size)));
  if (!parsed.ok()) return 0;
  (void)cert::describe(*parsed);
  const std::size_t quotes = cert::unverified_quotes(*parsed).size();
  const auto outcome = cert::authenticate(*parsed, {.now = Instant(1790000000)});
  const bool well_formed = outcome.checks.at(0).outcome == attest::Outcome::passed;
  if (outcome.authentic || well_formed != (quotes == 1 || quotes == 2)) std::abort();
  return 0;
}
