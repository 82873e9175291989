// check_quote: whether a DCAP quote is what was asked for, before it leaves: it parses, is of the platform, and holds our report data.
// Its signatures are the verifier's business. Pure and thread-safe.
#pragma once

#include "common/attest/evidence/dcap/evidence.h"
#include "enclave/collect/base/collection.h"

namespace redoubt::collect {

// check_quote: `malformed`: the verifier could not read it; `binding`: of another platform, or over other report data.
Status check_quote(ByteView quote, dcap::Tee tee, const ReportData& data);

// check_report_data: `binding` unless the two are equal.
Status check_report_data(ByteView found, const ReportData& data);

}  // namespace redoubt::collect
