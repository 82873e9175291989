#include "engines/sql/dp/noise_plan.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace redoubt::sql::dp {
namespace {

using Kind = Quantity::Kind;
using Key = std::pair<Kind, std::optional<std::size_t>>;

// needs: the quantities of one cell. Averages and variances are taken from the centre of the interval, which halves their noise.
Result<std::vector<Key>> needs(const Cell& cell, std::span<const Measure> measures) {
  if (cell.measure && *cell.measure >= measures.size()) return Error(Code::usage, "cell: no such measure");
  if (cell.statistic == Statistic::count_units) return std::vector<Key>{{Kind::units, cell.measure}};
  if (cell.statistic == Statistic::count_rows) return std::vector<Key>{{Kind::rows, cell.measure}};
  if (!cell.measure) return Error(Code::usage, "cell: without a measure");
  if (cell.statistic == Statistic::sum) return std::vector<Key>{{Kind::sum, cell.measure}};
  if (cell.statistic == Statistic::avg) return std::vector<Key>{{Kind::rows, cell.measure}, {Kind::centred, cell.measure}};
  if (measures[*cell.measure].half_width() > Measure::kMaxHalfWidth) {
    return Error(Code::usage, "cell: a variance over too fine a grid");
  }
  return std::vector<Key>{{Kind::rows, cell.measure}, {Kind::centred, cell.measure}, {Kind::squares, cell.measure}};
}

// bound_of: how far one unit moves a quantity in one group; at least 1, so that a constant has a scale too.
std::uint64_t bound_of(const Key& key, std::span<const Measure> measures, const Limits& limits) {
  const std::uint64_t rows = limits.rows;
  const auto of_value = [rows](std::int64_t value) { return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(value) * rows); };
  switch (key.first) {
    case Kind::units: return 1;
    case Kind::rows: return rows;
    case Kind::sum: return of_value(std::max<std::int64_t>({0, -measures[*key.second].low(), measures[*key.second].high()}));
    case Kind::centred: return of_value(measures[*key.second].half_width());
    case Kind::squares: return of_value(measures[*key.second].half_width() * measures[*key.second].half_width());
  }
  std::abort();
}

std::uint64_t bits_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

crypto::Sha256Digest digest_of(const NoisePlan& plan) {
  const NoisePlan::Query& query = plan.query();
  Fields fields("redoubt/dp-plan/1");
  fields.number(query.epsilon.millionths()).number(query.delta.units()).number(query.keyed ? 1 : 0).number(query.blocks).number(query.block);
  fields.number(query.limits.groups).number(query.limits.rows).number(query.limits.min_units);
  fields.number(query.measures.size());
  for (const Measure& m : query.measures) fields.number(bits_of(m.low())).number(bits_of(m.high())).number(bits_of(m.exponent()));
  fields.number(plan.quantities().size());
  for (const Quantity& q : plan.quantities()) {
    fields.text(q.name()).number(q.bound).number(q.rho.units).number(q.sigma.numerator()).number(q.sigma.denominator());
  }
  return crypto::sha256(fields.view());
}

}  // namespace

std::string Quantity::name() const {
  const auto kind_name = [this] {
    switch (kind) {
      case Kind::units: return "units";
      case Kind::rows: return "rows";
      case Kind::sum: return "sum";
      case Kind::centred: return "centred sum";
      case Kind::squares: return "centred squares";
    }
    std::abort();
  };
  return kind_name() + (measure ? " of " + std::to_string(*measure) : std::string());
}

Result<NoisePlan> NoisePlan::make(Query query) {
  REDOUBT_CHECK(query.limits.validate());
  if (query.cells.empty() || query.cells.size() > 64 || query.measures.size() > 64) {
    return Error(Code::usage, "noise plan: expected 1 to 64 cells and at most 64 measures");
  }
  if (!query.keyed && query.limits.groups != 1) return Error(Code::usage, "noise plan: one group, but limits of more");
  if (query.blocks == 0 || query.blocks > 1024 || query.block >= query.blocks) {
    return Error(Code::usage, "noise plan: expected one of 1 to 1024 blocks");
  }
  if (query.keyed && query.delta.units() / 2 < query.blocks) return Error(Code::usage, "noise plan: a delta too small to be split");
  std::vector<Key> keys;
  if (query.keyed) keys.emplace_back(Kind::units, std::nullopt);
  for (const Cell& cell : query.cells) {
    REDOUBT_TRY(const std::vector<Key> more, needs(cell, query.measures));
    for (const Key& key : more) {
      if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
    }
  }
  const std::uint64_t threshold_half = query.keyed ? query.delta.units() / 2 : 0;
  const std::uint64_t threshold_delta = threshold_half / query.blocks;
  REDOUBT_TRY(const Delta loss_delta, Delta::from_units(query.delta.units() - threshold_half));
  REDOUBT_TRY(const Rho whole, rho_for(query.epsilon, loss_delta));
  REDOUBT_TRY(const Rho part, share(whole, keys.size() * query.blocks));
  NoisePlan plan(std::move(query));
  for (const Key& key : keys) {
    const std::uint64_t bound = bound_of(key, plan.query_.measures, plan.query_.limits);
    REDOUBT_TRY(const Scale sigma, gaussian_scale(bound, plan.query_.limits.groups, part));
    plan.quantities_.push_back(Quantity{key.first, key.second, bound, part, sigma});
  }
  if (plan.query_.keyed) {
    REDOUBT_TRY(const Delta delta, Delta::from_units(threshold_delta));
    REDOUBT_TRY(plan.threshold_, Threshold::make(plan.query_.limits, plan.quantities_.front().sigma, delta));
  }
  plan.loss_ = Loss{Rho{part.units * keys.size()}, threshold_delta};
  plan.digest_ = digest_of(plan);
  return plan;
}

std::size_t NoisePlan::quantity(Quantity::Kind kind, std::optional<std::size_t> measure) const {
  const auto found = std::ranges::find_if(quantities_, [&](const Quantity& q) { return q.kind == kind && q.measure == measure; });
  if (found == quantities_.end()) std::abort();
  return static_cast<std::size_t>(found - quantities_.begin());
}

}  // namespace redoubt::sql::dp
