#include "engines/sql/noise.h"

#include <algorithm>

#include "engines/sql/dp/budget.h"

namespace redoubt::sql {

std::string NoisyBlock::cell_type(std::size_t j) const {
  const dp::Cell& cell = cells[j];
  if (cell.statistic == dp::Statistic::count_units || cell.statistic == dp::Statistic::count_rows) return "BIGINT";
  if (cell.statistic == dp::Statistic::sum) return "DECIMAL(38," + std::to_string(std::max(0, -measures[*cell.measure].exponent())) + ")";
  return "DOUBLE";
}

Result<std::vector<dp::NoisePlan>> noise_plans(const ReleasePlan& plan, const NoiseParameters& parameters) {
  if (plan.level() != Level::differential_privacy || plan.noisy().empty()) return Error(Code::usage, "noise: a plan without noisy blocks");
  const auto within = [](std::uint32_t value, std::uint32_t most) { return value >= 1 && value <= most; };
  if (!within(parameters.groups, NoiseParameters::kMaxGroups) || !within(parameters.rows, NoiseParameters::kMaxRows)) {
    return Error(Code::usage, "noise: expected 1 to 8 groups and 1 to 50 rows of a unit");
  }
  REDOUBT_TRY(const dp::Loss allowed, dp::Budget::total_for(parameters.epsilon, parameters.delta));
  // Every query pays for thresholds, with group keys or without: so its price does not depend on its text.
  REDOUBT_TRY(const dp::Delta rest, dp::Delta::from_units(parameters.delta.units() - parameters.delta.units() / 2));
  std::vector<dp::NoisePlan> out;
  dp::Loss spent;
  for (const NoisyBlock& block : plan.noisy()) {
    const bool keyed = block.keys > 0;
    dp::NoisePlan::Query query{block.measures,
                               block.cells,
                               {keyed ? parameters.groups : 1, parameters.rows, static_cast<std::uint32_t>(plan.k())},
                               keyed,
                               parameters.epsilon,
                               keyed ? parameters.delta : rest,
                               static_cast<std::uint32_t>(plan.noisy().size()),
                               static_cast<std::uint32_t>(out.size())};
    // A block of keys alone is one that counts its units, which its threshold does anyhow.
    if (query.cells.empty()) query.cells.push_back({dp::Statistic::count_units, std::nullopt});
    REDOUBT_TRY(dp::NoisePlan noise, dp::NoisePlan::make(std::move(query)));
    spent = {{spent.rho.units + noise.loss().rho.units}, spent.delta + noise.loss().delta};
    out.push_back(std::move(noise));
  }
  if (spent.rho > allowed.rho || spent.delta > allowed.delta) return Error(Code::internal, "noise: blocks that cost more than their query");
  return out;
}

}  // namespace redoubt::sql
