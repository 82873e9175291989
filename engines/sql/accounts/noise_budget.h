// NoiseBudget: what the datasets' owners still allow of privacy loss, from the order of all reservations alone.
//
// Nothing is kept: whoever judges a query replays every reservation before it, run or not, over the budgets in the owners' manifests. So the
// verdict is the same in every fork of a log and after every restart, and there is no balance that a host could roll back. A
// reservation that did not fit was answered nowhere and costs nothing. Whoever audits the log replays the same (client/sdk/log_story.h). One query text over one version of the data has one answer: asked again
// with the same noise it is free, with any other noise, k or program it is refused, since two answers could be averaged or subtracted. Not thread-safe.
#pragma once

#include <map>

#include "common/jobs/cleanroom/ballot.h"
#include "engines/sql/dp/budget.h"

namespace redoubt::cleanroom {

// BudgetLine: one dataset's account, as it is shown. Decimal text.
struct BudgetLine {
  std::string dataset;
  jobs::ManifestDigest manifest;
  std::string rho_cost;                     // of the one query that it is shown for
  std::string rho_total, rho_reserved;      // zero-concentrated privacy loss, rounded up
  std::string rho_left;                     // rounded down
  std::string epsilon_total, delta_total;   // as the owner signed them
  std::string epsilon_reserved;             // what the reserved loss is for the owner's delta, rounded up
};

class NoiseBudget {
 public:
  enum class Verdict {
    reserved,  // charged now
    repeated,  // the same question with the same noise: the same answer, at no cost
    refused,   // beyond a budget, or the same question with other noise
  };
  // admit takes the next reservation. `manifests` are those of its terms. `refused` with a reason that names no other query: no budget in a
  // manifest, or numbers out of range; `unavailable` when there are more reservations than can be kept.
  Result<Verdict> admit(const jobs::Terms& terms, const std::vector<const jobs::Manifest*>& manifests);

  // line of a dataset beside a query that costs `cost`; absent without a budget.
  std::optional<BudgetLine> line(const jobs::Manifest& manifest, sql::dp::Rho cost) const;
  // digest of the accounts of these datasets: the content of the entry `budget`, which stands in the log right before a reservation whose noise was charged.
  crypto::Sha256Digest digest(const jobs::ProposalDigest& proposal, const std::vector<const jobs::Manifest*>& manifests) const;

 private:
  struct Asked {
    jobs::Noise noise;
    int k = 0;
    appraise::ProgramDigest program;  // another program might compute other sums, and the same noise on both would cancel
    friend bool operator==(const Asked&, const Asked&) = default;
  };
  Status open(const jobs::Manifest& manifest);
  sql::dp::Budget budget_;
  std::map<sql::dp::Budget::Key, Asked> asked_;
};

// noise_price of a query: it depends on its noise alone, not on its text. `malformed` when out of range.
Result<sql::dp::Loss> noise_price(const jobs::PrivacyLoss& loss);

// check_least_price: no query costs less than 1/kMostQueries of the budget of any of its datasets. So a budget bounds how many queries are answered
// from it, and with them the log's entries: without it, ones that cost next to nothing could be reserved without end. `refused` names the least
// epsilon beside the query's delta. Of reservations that stand already nothing is asked: what was answered is charged.
inline constexpr std::uint64_t kMostQueries = 4096;
Status check_least_price(const jobs::PrivacyLoss& loss, const std::vector<const jobs::Manifest*>& manifests);

}  // namespace redoubt::cleanroom
