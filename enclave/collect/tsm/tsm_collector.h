// TsmCollector: Evidence of a TDX or SEV-SNP guest, over configfs-tsm.
//
// The provider decides the format: "tdx" (a quote) or "snp" (a report, with the certificates that the host gave). What comes
// back is read with the verifier's parser and must hold our report data: a report over anything else is never passed on.
// Thread-safe if `random` is. docs/specs/collect.md.
#pragma once

#include "enclave/collect/tsm/tsm_reporter.h"

namespace redoubt::collect {

class TsmCollector final : public Collector {
 public:
  // Borrows both, which must outlive the collector.
  TsmCollector(FileCalls& calls, crypto::Random& random, TsmOptions options)
      : options_(options), reporter_(calls, random, std::move(options)) {}

  // collect: errors of TsmReporter::report; `malformed` for a report or a certificate table that does not parse; `binding` for a
  // report of another kind, over other data or of another privilege level.
  Result<Collection> collect(ByteView statement) override;

 private:
  Result<Collection> tdx(const TsmReport& report, const ReportData& data) const;
  Result<Collection> snp(const TsmReport& report, const ReportData& data) const;

  const TsmOptions options_;
  TsmReporter reporter_;
};

}  // namespace redoubt::collect
