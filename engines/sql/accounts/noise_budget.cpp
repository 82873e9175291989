#include "engines/sql/accounts/noise_budget.h"

namespace redoubt::cleanroom {
namespace {

namespace dp = sql::dp;

dp::DatasetDigest id_of(const jobs::ManifestDigest& manifest) { return dp::DatasetDigest(manifest.array()); }

// decimal writes units of 2^-40 with six places, rounded up: what was reserved is never shown as less; or down, for what is left.
std::string decimal(dp::Rho rho, bool up = true) {
  constexpr std::uint64_t kPlaces = 1'000'000;
  const dp::U128 scaled = static_cast<dp::U128>(rho.units) * kPlaces;
  const dp::U128 one = dp::U128{1} << dp::Rho::kFractionBits;
  const auto millionths = static_cast<std::uint64_t>(up ? dp::divide_up(scaled, one) : scaled / one);
  std::string places = std::to_string(kPlaces + millionths % kPlaces);
  return std::to_string(millionths / kPlaces) + "." + places.substr(1);
}

}  // namespace

Result<dp::Loss> noise_price(const jobs::PrivacyLoss& loss) {
  REDOUBT_TRY(const auto epsilon, dp::Epsilon::parse(loss.epsilon));
  REDOUBT_TRY(const auto delta, dp::Delta::parse(loss.delta));
  return dp::Budget::total_for(epsilon, delta);
}

Status check_least_price(const jobs::PrivacyLoss& loss, const std::vector<const jobs::Manifest*>& manifests) {
  REDOUBT_TRY(const dp::Loss price, noise_price(loss));
  REDOUBT_TRY(const dp::Delta delta, dp::Delta::parse(loss.delta));
  REDOUBT_TRY(const dp::Delta rest, dp::Delta::from_units(delta.units() - delta.units() / 2));
  for (const jobs::Manifest* manifest : manifests) {
    if (!manifest->budget) continue;  // it answers nothing anyhow
    REDOUBT_TRY(const dp::Loss total, noise_price(*manifest->budget));
    const dp::Rho least{(total.rho.units + kMostQueries - 1) / kMostQueries};
    if (price.rho >= least) continue;
    const std::string expected = "noise: epsilon " + loss.epsilon + " with delta " + loss.delta + " costs less than 1/" + std::to_string(kMostQueries) + " of the budget of dataset \"" +
                                 manifest->dataset + "\"; expected ";
    // Rounding makes the two conversions differ by a few steps at most.
    std::uint64_t millionths = dp::epsilon_for(least, rest);
    for (int step = 0; step < 64; ++step, ++millionths) {
      const auto epsilon = dp::Epsilon::from_millionths(millionths);
      if (!epsilon.ok()) break;
      const auto found = dp::Budget::total_for(*epsilon, delta);
      if (found.ok() && found->rho >= least) return Error(Code::refused, expected + "epsilon " + epsilon->text() + " or more with this delta");
    }
    return Error(Code::refused, expected + "a greater delta");
  }
  return {};
}

Status NoiseBudget::open(const jobs::Manifest& manifest) {
  const dp::DatasetDigest id = id_of(manifest.digest());
  if (budget_.account(id) != nullptr) return {};
  if (!manifest.budget) return Error(Code::refused, "dataset \"" + manifest.dataset + "\" has no budget for level differential_privacy");
  REDOUBT_TRY(const dp::Loss total, noise_price(*manifest.budget).context("budget of dataset \"" + manifest.dataset + "\""));
  return budget_.open(id, total);
}

Result<NoiseBudget::Verdict> NoiseBudget::admit(const jobs::Terms& terms, const std::vector<const jobs::Manifest*>& manifests) {
  if (!terms.noise) return Error(Code::usage, "budget: a query without noise");
  const auto price = noise_price(terms.noise->loss);
  if (!price.ok()) return Error(Code::refused, price.error().message());
  std::vector<dp::DatasetDigest> datasets;
  for (const jobs::Manifest* manifest : manifests) {
    const Status opened = open(*manifest);
    if (!opened.ok()) return Error(Code::refused, opened.error().message());
    datasets.push_back(id_of(manifest->digest()));
  }
  const dp::Budget::Key key{dp::QueryDigest(terms.query.array()), dp::data_digest(datasets)};
  const Asked asked{*terms.noise, terms.k, terms.program};
  if (const auto known = asked_.find(key); known != asked_.end()) return known->second == asked ? Verdict::repeated : Verdict::refused;
  const auto reserved = budget_.reserve(key, datasets, *price);
  if (!reserved.ok() && reserved.error().code() == Code::refused) return Verdict::refused;
  REDOUBT_TRY([[maybe_unused]] const bool charged, reserved);
  asked_.emplace(key, asked);
  return Verdict::reserved;
}

std::optional<BudgetLine> NoiseBudget::line(const jobs::Manifest& manifest, dp::Rho cost) const {
  if (!manifest.budget) return std::nullopt;
  const auto total = noise_price(*manifest.budget);
  const auto delta = dp::Delta::parse(manifest.budget->delta);
  if (!total.ok() || !delta.ok()) return std::nullopt;
  const dp::Budget::Account* account = budget_.account(id_of(manifest.digest()));
  const dp::Rho reserved = account == nullptr ? dp::Rho{} : account->reserved.rho;
  BudgetLine out{manifest.dataset, manifest.digest(), decimal(cost), decimal(total->rho), decimal(reserved), decimal({total->rho.units - reserved.units}, false), manifest.budget->epsilon, manifest.budget->delta, "0"};
  const auto rest = dp::Delta::from_units(delta->units() - delta->units() / 2);
  if (reserved.units > 0 && rest.ok()) {
    const auto epsilon = dp::Epsilon::from_millionths(dp::epsilon_for(reserved, *rest));
    out.epsilon_reserved = epsilon.ok() ? epsilon->text() : manifest.budget->epsilon;
  }
  return out;
}

crypto::Sha256Digest NoiseBudget::digest(const jobs::ProposalDigest& proposal, const std::vector<const jobs::Manifest*>& manifests) const {
  Fields fields("redoubt/budget-entry/1");
  fields.field(proposal.view()).number(manifests.size());
  for (const jobs::Manifest* manifest : manifests) {
    const dp::Budget::Account* account = budget_.account(id_of(manifest->digest()));
    const dp::Budget::Account known = account == nullptr ? dp::Budget::Account() : *account;
    fields.field(manifest->digest().view());
    fields.number(known.reserved.rho.units).number(known.reserved.delta).number(known.total.rho.units).number(known.total.delta);
  }
  return crypto::sha256(fields.view());
}

}  // namespace redoubt::cleanroom
