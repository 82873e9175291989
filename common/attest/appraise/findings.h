// Findings: what one platform's appraisal found, before the verdict. Private to this room; one function a platform.
//
// Each function parses, authenticates and compares with its own section of the policy. It returns every check of its
// platform, whether or not an earlier one failed; one that is missing counts as failed in the verdict (verdict.h).
#pragma once

#include "common/attest/appraise/appraisal.h"
#include "common/base/short_list.h"

namespace redoubt::appraise {

struct Findings {
  std::vector<attest::Check> checks;  // any order, each id once

  Appraisal appraisal;                // everything but status and checks
  // What was authenticated, for composites that hold it. The quote looks at the bytes of the Evidence.
  std::optional<attest::Authentic<snp::SnpEvidence>> snp;
  std::optional<attest::Authentic<dcap::Quote>> quote;
};

// compare: passed when both texts are equal, otherwise failed with `code`.
inline attest::Check compare(attest::CheckId id, Code code, std::string expected, std::string found) {
  const bool same = expected == found;
  return same ? attest::passed(id, std::move(expected), std::move(found)) : attest::failed(id, code, std::move(expected), std::move(found));
}

// judged: passed or failed by `ok`.
inline attest::Check judged(attest::CheckId id, Code code, bool ok, std::string expected, std::string found) {
  return ok ? attest::passed(id, std::move(expected), std::move(found)) : attest::failed(id, code, std::move(expected), std::move(found));
}

// ExpectedReportData: bytes that the caller named, borrowed from its challenge, or a digest that was made of it.
class ExpectedReportData {
 public:
  explicit ExpectedReportData(ByteView given) : given_(given) {}
  template <class Tag, std::size_t N>
  explicit ExpectedReportData(const FixedBytes<Tag, N>& digest) : size_(N) {
    std::ranges::copy(digest.view(), digest_.begin());
  }
  ByteView view() const { return size_ == 0 ? given_ : ByteView(digest_).first(size_); }

 private:
  ByteView given_;
  std::array<std::byte, crypto::Sha512Digest::size> digest_{};
  std::size_t size_ = 0;  // of the digest
};

// expected_report_data: what the report data must be for this challenge, with the hash that the format has room for (32 or 64
// bytes); nothing when nobody sent a challenge. Borrows from `challenge`.
std::optional<ExpectedReportData> expected_report_data(const Challenge& challenge, std::size_t size);

// check_report_data: the check `id` over the report data; without a challenge it is not applicable and a remark says so.
attest::Check check_report_data(attest::CheckId id, const Challenge& challenge, ByteView found, Appraisal& appraisal);

// Registers: PCRs of one bank, as the bytes of their values; views.
using Registers = ShortList<std::pair<int, ByteView>, 24>;
template <class Tag, std::size_t N>
Registers registers_of(const std::map<int, FixedBytes<Tag, N>>& values) {
  Registers out;
  for (const auto& [index, value] : values) out.emplace_back(index, value.view());
  return out;
}
inline Registers registers_of(const tpm::PcrEntries& values) {
  Registers out;
  for (const auto [index, value] : values) out.emplace_back(index, value);
  return out;
}

// check_reference_pcrs: every wanted PCR is quoted with its value; not applicable where the policy takes any.
attest::Check check_reference_pcrs(const std::optional<Registers>& wanted, const Registers& quoted);

Result<Findings> find_tpm(const Evidence&, const Endorsements&, const Challenge&, const Policy&, Instant now);
Result<Findings> find_sgx(const Evidence&, const Endorsements&, const Challenge&, const Policy&, Instant now);
Result<Findings> find_tdx(const Evidence&, const Endorsements&, const Challenge&, const Policy&, Instant now);
Result<Findings> find_snp(const Evidence&, const Endorsements&, const Challenge&, const Policy&, Instant now);
Result<Findings> find_nitro(const Evidence&, const Endorsements&, const Challenge&, const Policy&, Instant now);
Result<Findings> find_token(const Evidence&, const Endorsements&, const Challenge&, const Policy&, Instant now);
Result<Findings> find_azure_snp(const Evidence&, const Endorsements&, const Challenge&, const Policy&, Instant now);
Result<Findings> find_azure_tdx(const Evidence&, const Endorsements&, const Challenge&, const Policy&, Instant now);

}  // namespace redoubt::appraise
