#include "engines/sql/grid.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;
using Places = std::optional<int>;

constexpr int kFinest = -12;
constexpr int kCoarsest = 12;
constexpr double kMostSteps = 1 << 30;     // below dp::Measure::kMaxValue, so that 50 rows of it have a scale of noise
constexpr double kMostOfSquares = 1 << 20;  // dp::Measure::kMaxHalfWidth

// scaled is number / 10^exponent. Powers of ten up to 10^22 are exact doubles.
double scaled(double number, int exponent) {
  const double power = std::pow(10.0, std::abs(exponent));
  return exponent < 0 ? number * power : number / power;
}

// most: the larger one, if both are known.
Places most(const Places& a, const Places& b) { return a && b ? Places(std::max(*a, *b)) : std::nullopt; }

Places places_of_constant(const Expression& e) {
  using Type = Expression::ConstantType;
  if (e.constant_type == Type::null || e.constant_type == Type::boolean || e.constant_type == Type::integer) return 0;
  if (e.constant_type != Type::decimal || e.text.find_first_of("eE") != std::string::npos) return std::nullopt;
  const std::size_t point = e.text.find('.');
  return point == std::string::npos ? 0 : static_cast<int>(e.text.size() - point - 1);
}

Places places_of_type(const Type& type) {
  switch (type.id) {
    case TypeId::bigint: case TypeId::integer: case TypeId::boolean: return 0;
    case TypeId::decimal: return type.scale;
    default: return std::nullopt;  // of computed columns no type is known
  }
}

Places places_of_all(const Expression& e, const Columns& columns, std::size_t begin, std::size_t step) {
  Places out = 0;
  for (std::size_t i = begin; i < e.children.size(); i += step) out = most(out, decimal_places(e.children[i], columns));
  return out;
}

Places places_of_function(const Expression& e, const Columns& columns) {
  const std::size_t count = e.children.size();
  if (e.text == "*" && count == 2) {
    const Places a = decimal_places(e.children[0], columns);
    const Places b = decimal_places(e.children[1], columns);
    return a && b ? Places(*a + *b) : std::nullopt;
  }
  const bool whole = e.text == "floor" || e.text == "ceil" || e.text == "ceiling" || e.text == "trunc" || e.text == "round";
  if (whole && count == 1) return 0;
  const bool keeps = e.text == "+" || e.text == "-" || e.text == "abs" || e.text == "least" || e.text == "greatest";
  return keeps && count > 0 ? places_of_all(e, columns, 0, 1) : std::nullopt;
}

}  // namespace

Places decimal_places(const Expression& e, const Columns& columns) {
  switch (e.kind) {
    case Kind::constant: return places_of_constant(e);
    case Kind::column: return places_of_type(columns[e.index].type);
    case Kind::case_when: return most(decimal_places(e.children.back(), columns), places_of_all(e, columns, 1, 2));
    case Kind::function: return places_of_function(e, columns);
    case Kind::operation: return e.text == "COALESCE" ? places_of_all(e, columns, 0, 1) : Places(0);  // all others are truth values
    case Kind::member: return 0;
    case Kind::cast: {
      const bool whole = e.text == "BIGINT" || e.text == "INTEGER" || e.text == "SMALLINT" || e.text == "TINYINT" || e.text == "BOOLEAN";
      return whole ? Places(0) : std::nullopt;
    }
    default: return std::nullopt;
  }
}

dp::Measure make_measure(const Interval& interval, Places places, bool squares) {
  const double reach = std::max(std::abs(interval.low), std::abs(interval.high));
  int exponent = kFinest;
  while (exponent < kCoarsest && scaled(reach, exponent) > (squares ? kMostOfSquares : kMostSteps)) ++exponent;
  if (places) exponent = std::max(exponent, -*places);
  const auto low = static_cast<std::int64_t>(std::floor(scaled(interval.low, exponent)));
  const auto high = static_cast<std::int64_t>(std::ceil(scaled(interval.high, exponent)));
  auto measure = dp::Measure::make(low, high, exponent);
  if (!measure.ok()) std::abort();  // the checker refuses intervals beyond kMaxMagnitude
  return *measure;
}

std::optional<std::int64_t> on_grid(const dp::Measure& measure, double value) {
  if (std::isnan(value)) return std::nullopt;
  const double steps = std::nearbyint(scaled(value, measure.exponent()));
  // Clipped before it becomes an integer: an infinity has no integer.
  return static_cast<std::int64_t>(std::clamp(steps, static_cast<double>(measure.low()), static_cast<double>(measure.high())));
}

}  // namespace redoubt::sql
