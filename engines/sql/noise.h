// Noise for a plan of differential_privacy: what a query is approved with, and how its loss is spent on the released blocks of its plan.
// Static: it follows from text, schema and parameters, never from data. Pure; thread-safe.
#pragma once

#include "engines/sql/plan.h"

namespace redoubt::sql {

// NoiseParameters: privacy loss of a query, and how much of one unit counts in it: groups of a released block that a unit touches, rows of a unit
// in one group.
struct NoiseParameters {
  static constexpr std::uint32_t kMaxGroups = 8;
  static constexpr std::uint32_t kMaxRows = 50;
  dp::Epsilon epsilon;
  dp::Delta delta;
  std::uint32_t groups = kMaxGroups;  // 1 to kMaxGroups
  std::uint32_t rows = kMaxRows;      // 1 to kMaxRows
};

// noise_plans: one for each of plan.noisy(). All together cost at most dp::Budget::total_for(epsilon, delta), whatever the text is. `usage`: a plan
// of another level, parameters out of range, or a loss too small to be split over what the query asks for.
Result<std::vector<dp::NoisePlan>> noise_plans(const ReleasePlan& plan, const NoiseParameters& parameters);

}  // namespace redoubt::sql
