#include "common/receipt/proof_json.h"

namespace redoubt::receipt {

json::Array proof_to_json(const Proof& proof) {
  json::Array out;
  for (const TreeHash& node : proof) out.emplace_back(node.hex());
  return out;
}

Result<Proof> proof_from_json(const json::Array& items, std::string_view what) {
  if (items.size() > kMaxProofCount) {
    return Error(Code::malformed, std::string(what) + ": above the limit of " + std::to_string(kMaxProofCount) + " hashes");
  }
  Proof proof;
  for (const json::Value& item : items) {
    if (item.string() == nullptr) return Error(Code::malformed, std::string(what) + ": expected strings");
    REDOUBT_TRY(proof.emplace_back(), TreeHash::from_hex(*item.string(), what));
  }
  return proof;
}

}  // namespace redoubt::receipt
