// RawComposite: the wire form of Azure Evidence: an HCL report, a quote of the virtual TPM, and what else is needed to judge them.
//
// One CBOR map in deterministic form with closed keys (docs/specs/azure.md). The attester sends it and may lie in every byte; nothing is
// believed by being read. Pure and thread-safe.
#pragma once

#include <map>
#include <vector>

#include "common/base/bytes.h"
#include "common/crypto/digest.h"

namespace redoubt::azure {

struct RawComposite {
  static constexpr std::size_t kMaxSize = 256 * 1024;
  static constexpr std::size_t kMaxAkCertificates = 5;

  Bytes hcl_report;
  Bytes attest;                               // TPMS_ATTEST
  Bytes signature;                            // RSASSA with SHA-256 by HCLAkPub: the octets
  std::map<int, crypto::Sha256Digest> pcrs;   // the quoted ones, SHA-256 bank
  Bytes td_quote;                             // TDX: the quote; SEV-SNP: empty
  std::vector<Bytes> ak_certificates;         // DER, leaf first; may be empty

  Bytes encode() const;
  // decode accepts exactly what encode() writes.
  static Result<RawComposite> decode(ByteView bytes);
};

}  // namespace redoubt::azure
