// Verdict: the table of checks that a kind of Evidence must have, fixed at compile time, and the reducer over it.
//
// A CheckTable is made from one Slot for each of its ids and from nothing else: leaving one out, or giving one twice, does not
// compile. The reducer starts from contraindicated and rises only when every mandatory check has passed and none has failed.
#pragma once

#include <array>
#include <cstdlib>

#include "common/attest/appraise/appraisal.h"

namespace redoubt::appraise {

// Slot<Id>: the outcome of exactly the check Id.
template <attest::CheckId Id>
class Slot {
 public:
  // A check with another id is a bug of ours and ends the process.
  explicit Slot(attest::Check check) : check_(std::move(check)) {
    if (check_.id != Id) std::abort();
  }
  // from takes the check out of a list; one that is not there counts as failed.
  static Slot from(const std::vector<attest::Check>& checks) {
    for (const attest::Check& check : checks) {
      if (check.id == Id) return Slot(check);
    }
    return Slot(attest::failed(Id, Code::internal, "to be checked", "not checked"));
  }
  const attest::Check& check() const { return check_; }

 private:
  attest::Check check_;
};

template <attest::CheckId... Ids>
class CheckTable {
 public:
  explicit CheckTable(Slot<Ids>... slots) : checks_{slots.check()...} {}

  static constexpr bool has(attest::CheckId id) { return ((Ids == id) || ...); }
  const std::array<attest::Check, sizeof...(Ids)>& checks() const { return checks_; }

 private:
  std::array<attest::Check, sizeof...(Ids)> checks_;
};

// Every check of TPM Evidence.
using TpmChecks =
    CheckTable<attest::CheckId::m1, attest::CheckId::m2, attest::CheckId::m3,
               attest::CheckId::m4, attest::CheckId::m5, attest::CheckId::m6,
               attest::CheckId::l1, attest::CheckId::l2, attest::CheckId::l3,
               attest::CheckId::l4, attest::CheckId::l5, attest::CheckId::i1,
               attest::CheckId::i3, attest::CheckId::app_log, attest::CheckId::claims_workload,
               attest::CheckId::claims_contract, attest::CheckId::measured_contract, attest::CheckId::program,
               attest::CheckId::reference_pcrs, attest::CheckId::host_asserted, attest::CheckId::software_tpm>;

// Those that must have passed; the others may be "not applicable", which a policy that needs them turns into failed.
inline constexpr std::array kTpmMandatory = {
    attest::CheckId::m1,     attest::CheckId::m2, attest::CheckId::m3,
    attest::CheckId::m4,     attest::CheckId::m5,              attest::CheckId::m6,
    attest::CheckId::claims_workload, attest::CheckId::claims_contract,        attest::CheckId::host_asserted,
    attest::CheckId::software_tpm};

consteval bool all_in_table() {
  for (const attest::CheckId id : kTpmMandatory) {
    if (!TpmChecks::has(id)) return false;
  }
  return true;
}
static_assert(all_in_table(), "a mandatory check is not in the table of TPM checks");

// reduce: contraindicated unless every mandatory check passed and none failed; then warning if there are remarks, else affirming.
Tier reduce(const TpmChecks& checks, bool has_remarks);

}  // namespace redoubt::appraise
