#include "enclave/collect/tpm/tpm_collector.h"

namespace redoubt::collect {
namespace {

constexpr int kAttempts = 3;

// quoted_values_match: the quote's PCR digest is that of `values`; they were read by another command, and anything that reaches
// the TPM may extend a PCR between the two.
Result<bool> quoted_values_match(ByteView attest_bytes, const std::map<int, tpm::PcrValue>& values) {
  REDOUBT_TRY(const tpm::Attest attest, tpm::Attest::parse(attest_bytes));
  crypto::Sha256 digest;
  for (const auto& [pcr, value] : values) digest.update(value.view());
  return equal(digest.finish().view(), attest.pcr_digest);
}

}  // namespace

Result<Bytes> TpmCollector::attempt(const crypto::Sha256Digest& extra_data) {
  tpm::RawEvidence raw;
  REDOUBT_TRY(raw.ek_certificate, source_.ek_certificate().context("reading the EK certificate"));
  REDOUBT_TRY(raw.ek_public, source_.ek_public().context("reading the EK"));
  REDOUBT_TRY(raw.ak_public, source_.ak_public().context("reading the AK"));
  bool consistent = false;
  for (int i = 0; i < kAttempts && !consistent; ++i) {
    REDOUBT_TRY(TpmQuote quote, source_.quote(options_.pcrs, extra_data.view()).context("quoting"));
    REDOUBT_TRY(raw.pcrs, source_.read_pcrs(options_.pcrs).context("reading PCRs"));
    REDOUBT_TRY(consistent, quoted_values_match(quote.attest, raw.pcrs));
    raw.attest = std::move(quote.attest);
    raw.signature = std::move(quote.signature);
  }
  if (!consistent) return Error(Code::unavailable, "quoting: the PCRs changed under every quote");
  if (options_.ima_log) {
    REDOUBT_TRY(raw.ima_log, options_.ima_log().context("reading the IMA list"));
  }
  raw.ek_intermediates = options_.untrusted_ek_intermediates;
  raw.event_log = options_.event_log;
  raw.application_log = options_.application_log;
  Bytes encoded = raw.encode();
  // What the verifier would refuse for its form is an error here, where it can be mended.
  if (auto again = tpm::RawEvidence::decode(encoded); !again.ok()) return again.error();
  return encoded;
}

Result<Collection> TpmCollector::collect(ByteView statement) {
  const crypto::Sha256Digest extra_data = crypto::sha256(statement);
  auto evidence = attempt(extra_data);
  if (!evidence.ok() && evidence.error().code() == Code::unavailable) {
    REDOUBT_CHECK(source_.reopen().context("collecting TPM Evidence"));
    evidence = attempt(extra_data);
  }
  REDOUBT_TRY(Bytes bytes, std::move(evidence).context("collecting TPM Evidence"));
  return Collection{{"tpm", std::move(bytes)}, {}};
}

}  // namespace redoubt::collect
