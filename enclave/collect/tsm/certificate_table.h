// CertificateTable: what a host gives beside an SEV-SNP report: certificates by GUID, out of the auxblob of configfs-tsm.
//
// The host writes every byte, and none of it is trusted: reading gives the form, and each certificate is one certificate. The verifier
// decides whether they lead to AMD. Pure and thread-safe. AMD 56421 (GHCB), SNP Extended Guest Request:
//
//   entry:  guid[16] | u32le offset | u32le size        offset from the start of the table
//   table:  entries | one entry of zeros | the certificates, each in one place and not over another
//
// A GUID stands in the order of its digits (as uuid_parse writes it) or with its first three groups turned round (as Windows
// lays it out); hosts do both, and no GUID here is another one turned round. Entries with other GUIDs are left out, their place
// is checked.
#pragma once

#include "common/base/bytes.h"

namespace redoubt::collect {

struct CertificateTable {
  static constexpr std::size_t kMaxSize = 64 * 1024;
  static constexpr std::size_t kMaxEntries = 16;

  // DER; empty where the table has none. Certificates may stand there in PEM, one each.
  Bytes vcek, vlek, ask, ark;
  Bytes crl;                    // DER
  std::size_t unknown_count = 0;  // entries with GUIDs that have no name here

  // parse: an empty text is a table without entries: a host need not give one. `malformed` names entry, expected and found.
  static Result<CertificateTable> parse(ByteView bytes);
};

}  // namespace redoubt::collect
