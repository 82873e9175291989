// TpmCollector: Evidence over a statement, from a TPM.
//
// Runs in the enclave program, which is the Attester. The TPM, the logs and the intermediate certificates come from the host
// and are passed on as they are: the verifier judges them. It does not keep Evidence and knows no policy. Thread-safe if its
// QuoteSource and the log reader are. Evidence: docs/specs/tpm-evidence.md; statements: docs/specs/session.md.
#pragma once

#include <functional>

#include "enclave/collect/base/collection.h"
#include "enclave/collect/tpm/quote_source.h"

namespace redoubt::collect {

struct TpmCollectorOptions {
  std::vector<int> pcrs{0, 1, 2, 3, 4, 5, 6, 7, 9, tpm::kLauncherPcr};  // quoted
  std::vector<Bytes> untrusted_ek_intermediates;                        // DER, at most 4; the host gives them
  Bytes event_log;                                                      // of the firmware, or empty
  // Reads the IMA list; it grows, so it is read after the quote. Absent: no list.
  std::function<Result<Bytes>()> ima_log;
  std::optional<tpm::ApplicationLog> application_log;  // from the launcher, or none
};

class TpmCollector final : public Collector {
 public:
  // Borrows `source`, which must outlive the collector.
  TpmCollector(QuoteSource& source, TpmCollectorOptions options) : source_(source), options_(std::move(options)) {}

  // collect: Evidence of the format "tpm": RawEvidence::encode() of a quote whose extraData is SHA-256(statement). A TPM that does not answer is reopened
  // once. `unavailable`: it still does not, or the PCRs changed under three quotes in a row; `malformed`: a part is larger than
  // Evidence may carry; else the errors of the source. After any error the next call starts afresh.
  Result<Collection> collect(ByteView statement) override;

 private:
  Result<Bytes> attempt(const crypto::Sha256Digest& extra_data);

  QuoteSource& source_;
  TpmCollectorOptions options_;
};

}  // namespace redoubt::collect
