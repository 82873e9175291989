// detect: what form of Evidence a piece of bytes has, by its content alone; never by a name.
//
// A guess that costs little: the room of the form reads the bytes again, strictly. What is no Evidence gives an error that says what
// it looks like and what to do about it: packed, encoded, cut off, collateral in the place of Evidence. Bytes come from anywhere.
// Pure, thread-safe, memory bounded by twice the input.
#pragma once

#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace redoubt::verifier {

enum class Format {
  sgx, tdx,       // DCAP quotes
  snp,            // attestation report
  nitro,          // attestation document
  token,          // JWT of an attestation service
  tpm,            // Redoubt's own form (docs/specs/tpm-evidence.md)
  azure_snp, azure_tdx,  // composite of an Azure confidential VM (docs/specs/azure.md), by its hardware
  hcl_report,     // what such a VM's virtual TPM stores: a part of a composite; shown, and never verified by itself
  certificate,    // RA-TLS certificate, DER or PEM
  evidence_file,  // what `evidence show --save` writes
};
// format_text: for people: "TDX quote".
std::string_view format_text(Format format);
// format_name: as appraise::Evidence::format has it; of a certificate "certificate", of an Evidence file "file", of an HCL report "hcl-report".
std::string_view format_name(Format format);

// kMaxEvidence: nothing that is Evidence is larger.
inline constexpr std::size_t kMaxEvidence = std::size_t{8} << 20;

// detect: `malformed` with what it looks like.
Result<Format> detect(ByteView bytes);

}  // namespace redoubt::verifier
