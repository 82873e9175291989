// Proofs as JSON: an array of hashes in hexadecimal. Used wherever a proof is stored or sent as JSON.
#pragma once

#include "common/base/json.h"
#include "common/receipt/merkle.h"

namespace redoubt::receipt {

json::Array proof_to_json(const Proof& proof);
// proof_from_json: `malformed` for more than kMaxProofCount items or anything that is not a hash.
Result<Proof> proof_from_json(const json::Array& items, std::string_view what);

}  // namespace redoubt::receipt
