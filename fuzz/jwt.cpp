// Foreign tokens: what parses has three parts; no test key signed it, so nothing verifies; the rooms above never crash on it.
#include <cstdlib>

#include "common/attest/evidence/gcp/confidential_space.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const auto parsed = token::parse(text);
  if (!parsed.ok()) return 0;
  if (std::ranges::count(text, '.') != 2) std::abort();
  (void)token::describe(*parsed);
  const crypto::Sha256Digest roots[] = {token::confidential_space_root()};
  for (const token::Issuer& issuer : {token::google_oidc(), token::google_pki()}) {
    const auto outcome = token::authenticate(
        *parsed, {.issuer = issuer, .roots = roots, .audience = "https://verifier.example", .now = Instant(1790001000)});
    if (outcome.authentic || outcome.checks.size() != 3) std::abort();
  }
  const auto space = gcp::parse(text);
  if (space.ok()) (void)gcp::describe(*space);
  return 0;
}
