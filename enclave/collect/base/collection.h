// Collector: asks one platform for Evidence over a statement. Implemented per platform (a folder each); chosen by name in
// enclave/collect/collector.h.
//
// Runs in the enclave program, which is the Attester. A collector passes on what the platform gives: whether it is true is the
// verifier's question. Before Evidence leaves, it is read with the verifier's own parser and compared with what was asked for, so
// that a wrong answer is an error here, where it can be mended. Implementations are thread-safe, keep no Evidence and may take
// seconds; a platform that hangs makes callers hang.
#pragma once

#include "common/attest/appraise/appraisal.h"

namespace redoubt::collect {

// ReportData: the 64 bytes that TDX, SEV-SNP and SGX put into a report for us.
using ReportData = FixedBytes<struct ReportDataTag, 64>;

// report_data_of: SHA-512 of the statement (docs/specs/session.md).
ReportData report_data_of(ByteView statement);

// Collection: Evidence and what the platform gave with it.
struct Collection {
  appraise::Evidence evidence;  // its format is one that appraise() knows
  // Certificates that the host gave beside an SEV-SNP report, for the key that signed it: at most one entry, whose parts may be
  // empty. A convenience: the verifier trusts none of them.
  std::vector<appraise::AmdCertificates> untrusted_amd;
};

class Collector {
 public:
  virtual ~Collector() = default;
  // collect: `not_found`: the platform is not there; `refused`: it says no; `unavailable`: trying later may help;
  // `malformed`: its answer has not the form that the verifier reads; `binding`: the answer is about something else.
  virtual Result<Collection> collect(ByteView statement) = 0;
};

}  // namespace redoubt::collect
