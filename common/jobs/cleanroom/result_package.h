// Result packages: the table that a query gave, sealed to one recipient (docs/specs/clean-room-documents.md).
//
// The plaintext is a JSON table and the salts that open the receipt's commitments, padded to a bucket so that its size tells
// little. HPKE info binds the digest of the receipt's body and the recipient's key: a package fits one receipt and one
// recipient only.
#pragma once

#include "common/base/json.h"
#include "common/crypto/digest.h"
#include "common/crypto/hpke.h"

namespace redoubt::jobs {

struct ResultTable {
  static constexpr std::size_t kMaxBytes = 16U << 20;

  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // absent = SQL NULL

  json::Value to_json() const;
  static Result<ResultTable> from_json(const json::Value& value);
};

// HPKE info: {label, receipt body digest, recipient key}.
Bytes result_statement(const crypto::Sha256Digest& receipt_body, const crypto::HpkePublicKey& recipient);

// pad: 4 bytes length, the text, zeros up to the next bucket (1 KiB, then doubling up to 1 MiB, then whole MiB).
Bytes pad_to_bucket(ByteView text);
// unpad refuses a length beyond the bytes and any padding byte that is not zero, or a bucket other than the smallest.
Result<Bytes> unpad(ByteView padded);

}  // namespace redoubt::jobs
