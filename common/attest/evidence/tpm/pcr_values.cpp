#include "common/attest/evidence/tpm/pcr_values.h"

#include <cstring>

namespace redoubt::tpm {

bool PcrEntries::contains(int pcr) const {
  for (const auto [index, value] : *this) {
    if (index == pcr) return true;
  }
  return false;
}

PcrValues::PcrValues(const PcrEntries& entries) {
  if (entries.value_size() != PcrValue::size) return;
  entries_.reserve(entries.size());
  for (const auto [index, value] : entries) {
    Entry& entry = entries_.emplace_back(index, PcrValue());
    std::memcpy(entry.second.array().data(), value.data(), PcrValue::size);
  }
}

const PcrValue* PcrValues::find(int pcr) const {
  const auto found = std::ranges::find(entries_, pcr, &Entry::first);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace redoubt::tpm
