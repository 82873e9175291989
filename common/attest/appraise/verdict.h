// Verdict: the checks that a kind of Evidence must have, fixed at compile time, and the reducer over them.
//
// A Table lists every check of a format once, and which of them must have passed; both are checked by the compiler. A check
// that was not made counts as failed, and so does one that does not belong to the format. The reducer starts from
// contraindicated and rises only when every mandatory check has passed and none has failed.
#pragma once

#include <array>
#include <span>

#include "common/attest/appraise/appraisal.h"

namespace redoubt::appraise {

struct Table {
  std::span<const attest::CheckId> all;
  std::span<const attest::CheckId> mandatory;
};

namespace tables {
using enum attest::CheckId;

// Every verdict has these, whatever the platform.
inline constexpr std::array kTpmAll = {m1, m2, m3, m4, m5, m6, l1, l2, l3, l4, l5, i1, i2, i3, app_log, claims_workload, claims_contract,
                                       measured_contract, program, reference_pcrs, host_asserted, software_tpm};
inline constexpr std::array kTpmMandatory = {m1, m2, m3, m4, m5, m6, claims_workload, claims_contract, host_asserted, software_tpm};
inline constexpr std::array kSgxAll = {q1, q2, q3, q4, q5, s1, s2, s3, s4, s5, c1, c2, c3, c4, c5, c6, c7, t1, t2, t3, t4, t5, t6, t7, t8, p1, p3,
                                       claims_workload, claims_contract};
inline constexpr std::array kSgxMandatory = {q1, q2, q3, q4, s1, s2, s3, s4, s5, c1, c2, c3, c4, c5, c6, c7, t1, t5, t6, t8, p1,
                                             claims_workload, claims_contract};
inline constexpr std::array kTdxAll = {q1, q2, q3, q4, q5, s1, s2, s3, s4, s5, c1, c2, c3, c4, c5, c6, c7, t1, t2, t3, t4, t5, t6, t7, t8, p2, p3,
                                       claims_workload, claims_contract};
inline constexpr std::array kTdxMandatory = {q1, q2, q3, q4, s1, s2, s3, s4, s5, c1, c2, c3, c4, c5, c6, c7, t1, t2, t3, t5, t6, t7, t8, p2,
                                             claims_workload, claims_contract};
inline constexpr std::array kSnpAll = {n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, claims_workload, claims_contract};
inline constexpr std::array kSnpMandatory = {n1, n2, n3, n4, n5, n6, n8, n9, n10, n11, n12, claims_workload, claims_contract};
inline constexpr std::array kNitroAll = {a1, a2, a3, claims_workload, claims_contract};
inline constexpr std::array kNitroMandatory = kNitroAll;
inline constexpr std::array kTokenAll = {j1, j2, j3, j4, claims_workload, claims_contract};
inline constexpr std::array kTokenMandatory = kTokenAll;
inline constexpr std::array kAzureSnpAll = {n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, m1, m2, m3, m4, m5, m6, l5,
                                            claims_workload, claims_contract, reference_pcrs};
inline constexpr std::array kAzureSnpMandatory = {n1, n2, n3, n4, n5, n6, n8, n9, n10, n11, n12, n14, n15, m1, m3, m4, claims_workload, claims_contract};
inline constexpr std::array kAzureTdxAll = {q1, q2, q3, q4, q5, s1, s2, s3, s4, s5, c1, c2, c3, c4, c5, c6, c7, t1, t2, t3, t4, t5, t6, t7, t8, p2, p3,
                                            n15, m1, m2, m3, m4, m5, m6, l5, claims_workload, claims_contract, reference_pcrs};
inline constexpr std::array kAzureTdxMandatory = {q1, q2, q3, q4, s1, s2, s3, s4, s5, c1, c2, c3, c4, c5, c6, c7, t1, t2, t3, t5, t6, t7, t8, p2, p3,
                                                  n15, m1, m3, m4, claims_workload, claims_contract};
}  // namespace tables

// sound: no id twice, ids in the order of CheckId, and every mandatory one among them.
consteval bool sound(std::span<const attest::CheckId> all, std::span<const attest::CheckId> mandatory) {
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (!(all[i - 1] < all[i])) return false;
  }
  for (const attest::CheckId id : mandatory) {
    bool found = false;
    for (const attest::CheckId other : all) found = found || other == id;
    if (!found) return false;
  }
  return !mandatory.empty();
}
static_assert(sound(tables::kTpmAll, tables::kTpmMandatory), "the table of TPM checks");

static_assert(sound(tables::kSgxAll, tables::kSgxMandatory), "the table of SGX checks");
static_assert(sound(tables::kTdxAll, tables::kTdxMandatory), "the table of TDX checks");
static_assert(sound(tables::kSnpAll, tables::kSnpMandatory), "the table of SEV-SNP checks");
static_assert(sound(tables::kNitroAll, tables::kNitroMandatory), "the table of Nitro checks");
static_assert(sound(tables::kAzureSnpAll, tables::kAzureSnpMandatory), "the table of checks of Azure's SEV-SNP composites");
static_assert(sound(tables::kAzureTdxAll, tables::kAzureTdxMandatory), "the table of checks of Azure's TDX composites");
static_assert(sound(tables::kTokenAll, tables::kTokenMandatory), "the table of checks of cloud tokens");

inline constexpr Table kTpmTable{tables::kTpmAll, tables::kTpmMandatory};
inline constexpr Table kSgxTable{tables::kSgxAll, tables::kSgxMandatory};
inline constexpr Table kTdxTable{tables::kTdxAll, tables::kTdxMandatory};
inline constexpr Table kSnpTable{tables::kSnpAll, tables::kSnpMandatory};
inline constexpr Table kNitroTable{tables::kNitroAll, tables::kNitroMandatory};
inline constexpr Table kTokenTable{tables::kTokenAll, tables::kTokenMandatory};
inline constexpr Table kAzureSnpTable{tables::kAzureSnpAll, tables::kAzureSnpMandatory};
inline constexpr Table kAzureTdxTable{tables::kAzureTdxAll, tables::kAzureTdxMandatory};

// in_order: the checks of the table, in its order: those that were not made stand as failed; one that does not belong to
// the table, or stands twice, makes its first namesake (or the first of the table) failed.
std::vector<attest::Check> in_order(const Table& table, std::vector<attest::Check> checks);

// reduce: contraindicated unless every mandatory check passed and none failed; then warning if there are remarks, else affirming.
Tier reduce(const Table& table, std::span<const attest::Check> checks, bool has_remarks);

}  // namespace redoubt::appraise
