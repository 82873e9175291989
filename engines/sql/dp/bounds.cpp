#include "engines/sql/dp/bounds.h"

#include <algorithm>
#include <tuple>

#include "common/crypto/digest.h"

namespace redoubt::sql::dp {
namespace {

Moments clamp(const Moments& given, const Measure& measure, std::int64_t rows) {
  const std::int64_t half = measure.half_width();
  Moments out;
  out.count = std::clamp<std::int64_t>(given.count, 0, rows);
  out.sum = std::clamp(given.sum, std::min<std::int64_t>(0, measure.low()) * rows, std::max<std::int64_t>(0, measure.high()) * rows);
  out.centred = std::clamp(given.centred, -half * rows, half * rows);
  out.squares = half > Measure::kMaxHalfWidth ? 0 : std::clamp<std::int64_t>(given.squares, 0, half * half * rows);
  return out;
}

// keep draws `count` of the rows by a partial shuffle (Durstenfeld) of their sorted order.
void keep(std::span<Row*> rows, std::size_t count, BitSource& source) {
  for (std::size_t i = 0; i < count; ++i) std::swap(rows[i], rows[i + source.below(rows.size() - i)]);
}

Result<Contribution> sum_rows(std::span<Row*> rows, const std::string& group_key, std::span<const Measure> measures, const Limits& limits,
                              const NoiseSeed& seed) {
  Contribution out{rows.front()->unit, rows.front()->group, 0, {}};
  if (rows.size() > limits.rows) {
    const Fields label = Fields("redoubt/dp-rows/1").number(out.unit).text(group_key);
    REDOUBT_TRY(KeyedBits source, seed.bits(label.view()));
    keep(rows, limits.rows, source);
    rows = rows.first(limits.rows);
  }
  out.rows = static_cast<std::int64_t>(rows.size());
  std::vector<std::optional<std::int64_t>> values(rows.size());
  for (std::size_t m = 0; m < measures.size(); ++m) {
    std::ranges::transform(rows, values.begin(), [m](const Row* row) { return row->values[m]; });
    out.moments.push_back(moments_of(measures[m], values));
  }
  return out;
}

}  // namespace

Status Limits::validate() const {
  if (groups == 0 || groups > 1024) return Error(Code::usage, "limits: groups of a unit: expected 1 to 1024");
  if (rows == 0 || rows > 65536) return Error(Code::usage, "limits: rows of a unit: expected 1 to 65536");
  if (min_units == 0 || min_units > (1U << 20)) return Error(Code::usage, "limits: least units: expected 1 to 2^20");
  return {};
}

Result<Measure> Measure::make(std::int64_t low, std::int64_t high, int exponent) {
  if (low > high || low < -kMaxValue || high > kMaxValue || exponent < -12 || exponent > 12) {
    return Error(Code::usage, "measure: bounds or grid out of range");
  }
  return Measure(low, high, exponent);
}

Moments moments_of(const Measure& measure, std::span<const std::optional<std::int64_t>> values) {
  Moments out;
  const bool squares = measure.half_width() <= Measure::kMaxHalfWidth;
  for (const auto& value : values) {
    if (!value) continue;
    const std::int64_t clipped = measure.clip(*value);
    const std::int64_t distance = clipped - measure.centre();
    out.count += 1;
    out.sum += clipped;
    out.centred += distance;
    if (squares) out.squares += distance * distance;
  }
  return out;
}

Result<std::vector<Contribution>> bound_rows(std::vector<Row> rows, std::span<const std::string> group_keys,
                                             std::span<const Measure> measures, const Limits& limits, const NoiseSeed& seed) {
  REDOUBT_CHECK(limits.validate());
  std::vector<Row*> order;
  order.reserve(rows.size());
  for (Row& row : rows) {
    if (row.values.size() != measures.size()) return Error(Code::usage, "row: another number of values than measures");
    if (row.group >= group_keys.size()) return Error(Code::usage, "row: no such group");
    order.push_back(&row);
  }
  // The whole row is the order: which rows are drawn then depends on what the unit has there, not on where the table keeps it.
  std::ranges::sort(order, {}, [](const Row* row) { return std::tie(row->unit, row->group, row->values); });
  std::vector<Contribution> out;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && order[end]->unit == order[begin]->unit && order[end]->group == order[begin]->group) ++end;
    REDOUBT_TRY(Contribution sum, sum_rows(std::span(order).subspan(begin, end - begin), group_keys[order[begin]->group], measures, limits, seed));
    out.push_back(std::move(sum));
    begin = end;
  }
  return out;
}

Result<std::vector<Contribution>> bound_groups(std::vector<Contribution> contributions, std::span<const std::string> group_keys,
                                               std::span<const Measure> measures, const Limits& limits, const NoiseSeed& seed) {
  REDOUBT_CHECK(limits.validate());
  const auto place = [](const Contribution& c) { return std::tie(c.unit, c.group); };
  std::ranges::sort(contributions, {}, place);
  const SecretBytes key = seed.key("groups of a unit");
  std::vector<Contribution> out;
  for (std::size_t begin = 0; begin < contributions.size();) {
    const std::uint64_t unit = contributions[begin].unit;
    std::vector<std::pair<SecretBytes, Contribution*>> mine;
    std::size_t end = begin;
    for (; end < contributions.size() && contributions[end].unit == unit; ++end) {
      Contribution& c = contributions[end];
      if (c.group >= group_keys.size()) return Error(Code::usage, "contribution: no such group");
      if (c.moments.size() != measures.size()) return Error(Code::usage, "contribution: another number of moments than measures");
      if (end > begin && contributions[end - 1].group == c.group) return Error(Code::usage, "contribution: a unit twice in a group");
      mine.emplace_back(SecretBytes(), &c);
    }
    if (mine.size() > limits.groups) {
      for (auto& [hash, c] : mine) {
        const Fields input = Fields("redoubt/dp-groups/1").number(unit).text(group_keys[c->group]);
        hash = crypto::hmac_sha256(key.reveal(), input.view());
      }
      std::ranges::sort(mine, [](const auto& a, const auto& b) {
        return std::ranges::lexicographical_compare(a.first.reveal(), b.first.reveal());
      });
      mine.resize(limits.groups);
      std::ranges::sort(mine, {}, [](const auto& item) { return item.second->group; });
    }
    for (auto& [hash, c] : mine) {
      c->rows = std::clamp<std::int64_t>(c->rows, 0, limits.rows);
      for (std::size_t m = 0; m < measures.size(); ++m) c->moments[m] = clamp(c->moments[m], measures[m], limits.rows);
      out.push_back(std::move(*c));
    }
    begin = end;
  }
  return out;
}

}  // namespace redoubt::sql::dp
