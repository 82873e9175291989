#include "engines/sql/dp/release.h"

#include <algorithm>
#include <map>

#include "common/base/writer.h"
#include "engines/sql/dp/discrete_gaussian.h"

namespace redoubt::sql::dp {
namespace {

using Kind = Quantity::Kind;

constexpr I128 kPlaces = 10'000;  // 4 decimal places more than the grid
constexpr int kPlacesExponent = 4;

std::int64_t part_of(const Contribution& c, const Quantity& quantity) {
  if (!quantity.measure) return quantity.kind == Kind::units ? (c.rows > 0 ? 1 : 0) : c.rows;
  const Moments& moments = c.moments[*quantity.measure];
  switch (quantity.kind) {
    case Kind::units: return moments.count > 0 ? 1 : 0;
    case Kind::rows: return moments.count;
    case Kind::sum: return moments.sum;
    case Kind::centred: return moments.centred;
    case Kind::squares: return moments.squares;
  }
  std::abort();
}

// Group: the exact quantities of one group, which never leave, and the number of its real units.
struct Group {
  std::vector<I128> exact;
  std::int64_t units = 0;
};

std::map<std::string, Group> sum_groups(const NoisePlan& plan, std::span<const std::string> group_keys,
                                        const std::vector<Contribution>& contributions) {
  std::map<std::string, Group> groups;
  const std::vector<I128> zero(plan.quantities().size(), 0);
  if (!plan.query().keyed) groups.emplace(std::string(), Group{zero, 0});
  std::vector<Group*> by_index(group_keys.size(), nullptr);
  for (const Contribution& c : contributions) {
    Group*& group = by_index[c.group];
    if (group == nullptr) group = &groups.try_emplace(group_keys[c.group], Group{zero, 0}).first->second;
    if (c.rows > 0) group->units += 1;
    for (std::size_t q = 0; q < zero.size(); ++q) group->exact[q] += part_of(c, plan.quantities()[q]);
  }
  return groups;
}

Result<std::vector<std::int64_t>> add_noise(const NoisePlan& plan, const NoiseSeed& seed, const std::string& key, const Group& group) {
  std::vector<std::int64_t> out;
  for (std::size_t q = 0; q < plan.quantities().size(); ++q) {
    const Fields label = Fields("redoubt/dp-cell/1").field(plan.digest().view()).text(plan.quantities()[q].name()).text(key);
    REDOUBT_TRY(KeyedBits source, seed.bits(label.view()));
    REDOUBT_TRY(const std::int64_t noise, discrete_gaussian(source, plan.quantities()[q].sigma));
    // Judged after the noise, so that even a refusal is a function of noisy numbers.
    const I128 noisy = group.exact[q] + noise;
    constexpr I128 kMax = static_cast<I128>(1) << 62;
    if (noisy > kMax || noisy < -kMax) return Error(Code::unavailable, "noisy number above 2^62");
    out.push_back(static_cast<std::int64_t>(noisy));
  }
  return out;
}

// Moments from the centre, per row, from noisy integers: 4 decimal places for the mean, 8 for squares.
struct NoisyMoments {
  I128 rows;      // at least 1
  I128 mean;      // within the half width
  I128 variance;  // of the population, 0 to the square of the half width
};

NoisyMoments noisy_moments(const NoisePlan& plan, std::size_t measure, const std::vector<std::int64_t>& noisy, bool squares) {
  const I128 half = plan.query().measures[measure].half_width();
  NoisyMoments out{std::max<I128>(1, noisy[plan.quantity(Kind::rows, measure)]), 0, 0};
  out.mean = divide_nearest(noisy[plan.quantity(Kind::centred, measure)] * kPlaces, out.rows);
  out.mean = std::clamp(out.mean, -half * kPlaces, half * kPlaces);
  if (!squares) return out;
  const I128 of_squares = divide_nearest(noisy[plan.quantity(Kind::squares, measure)] * kPlaces * kPlaces, out.rows);
  out.variance = std::clamp<I128>(of_squares - out.mean * out.mean, 0, half * half * kPlaces * kPlaces);
  return out;
}

Scaled evaluate(const NoisePlan& plan, const Cell& cell, const std::vector<std::int64_t>& noisy) {
  const auto at = [&](Kind kind) { return noisy[plan.quantity(kind, cell.measure)]; };
  if (cell.statistic == Statistic::count_units) return {at(Kind::units), 0};
  if (cell.statistic == Statistic::count_rows) return {at(Kind::rows), 0};
  const Measure& measure = plan.query().measures[*cell.measure];
  if (cell.statistic == Statistic::sum) return {at(Kind::sum), measure.exponent()};
  const bool squares = cell.statistic != Statistic::avg;
  const NoisyMoments moments = noisy_moments(plan, *cell.measure, noisy, squares);
  if (!squares) {
    const I128 mean = std::clamp<I128>(measure.centre() * kPlaces + moments.mean, measure.low() * kPlaces, measure.high() * kPlaces);
    return {static_cast<std::int64_t>(mean), measure.exponent() - kPlacesExponent};
  }
  I128 variance = moments.variance;
  if (cell.statistic == Statistic::var_samp || cell.statistic == Statistic::stddev_samp) {
    variance += divide_nearest(variance, std::max<I128>(1, moments.rows - 1));
  }
  if (cell.statistic == Statistic::stddev_pop || cell.statistic == Statistic::stddev_samp) {
    return {static_cast<std::int64_t>(root_down(static_cast<U128>(variance))), measure.exponent() - kPlacesExponent};
  }
  return {static_cast<std::int64_t>(divide_nearest(variance, kPlaces)), 2 * measure.exponent() - kPlacesExponent};
}

}  // namespace

std::string Scaled::text() const {
  const std::uint64_t magnitude = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  std::string digits = std::to_string(magnitude);
  if (exponent > 0 && value != 0) digits += std::string(static_cast<std::size_t>(exponent), '0');
  if (exponent < 0) {
    const auto places = static_cast<std::size_t>(-exponent);
    if (digits.size() <= places) digits = std::string(places + 1 - digits.size(), '0') + digits;
    const std::string_view view = digits;
    digits = std::string(view.substr(0, view.size() - places)) + "." + std::string(view.substr(view.size() - places));
  }
  return value < 0 ? "-" + digits : digits;
}

Result<NoisyTable> release(const NoisePlan& plan, const NoiseSeed& seed, std::span<const std::string> group_keys,
                           std::vector<Contribution> contributions) {
  const NoisePlan::Query& query = plan.query();
  if (!query.keyed && (group_keys.size() != 1 || !group_keys.front().empty())) {
    return Error(Code::usage, "release: group keys for a block without them");
  }
  std::vector<std::string_view> sorted(group_keys.begin(), group_keys.end());
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) return Error(Code::usage, "release: a group key stands twice");
  REDOUBT_TRY(const std::vector<Contribution> bounded,
              bound_groups(std::move(contributions), group_keys, query.measures, query.limits, seed));
  NoisyTable out{{}, plan.quantities(), plan.loss()};
  for (const auto& [key, group] : sum_groups(plan, group_keys, bounded)) {
    REDOUBT_TRY(const std::vector<std::int64_t> noisy, add_noise(plan, seed, key, group));
    if (query.keyed && !plan.threshold()->passes(group.units, noisy[plan.quantity(Kind::units, std::nullopt)])) continue;
    NoisyTable::NoisyRow row{key, {}};
    for (const Cell& cell : query.cells) row.cells.push_back(evaluate(plan, cell, noisy));
    out.rows.push_back(std::move(row));
  }
  return out;
}

}  // namespace redoubt::sql::dp
