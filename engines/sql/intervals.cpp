// In which interval the numbers of an expression lie (D3). Outward: an interval may be too wide, never too narrow, since noise is
// scaled by it. What has no rule here has no interval.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "engines/sql/forms.h"
#include "engines/sql/functions.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr Interval kUnknown{};
constexpr Interval kEmpty{true, kInfinite, -kInfinite};  // NULL only
constexpr Interval kTruth{true, 0, 1};
// Date differences: at most ten years, in days.
constexpr double kMostDays = 3653;

bool empty(const Interval& i) { return i.low > i.high; }

// checked: whatever overflowed a double has no interval.
Interval checked(double low, double high) {
  if (!std::isfinite(low) || !std::isfinite(high) || low > high) return kUnknown;
  return {true, low, high};
}

Interval hull(const Interval& a, const Interval& b) {
  if (!a.finite || !b.finite) return kUnknown;
  return {true, std::min(a.low, b.low), std::max(a.high, b.high)};
}

std::optional<double> number_of(const Expression& e) {
  if (e.kind == Kind::cast) return number_of(e.children[0]);
  if (e.is_function("-") && e.children.size() == 1) {
    const auto number = number_of(e.children[0]);
    return number ? std::optional<double>(-*number) : std::nullopt;
  }
  double number = 0;
  const char* end = e.text.data() + e.text.size();
  if (e.kind != Kind::constant) return std::nullopt;
  if (e.constant_type != Expression::ConstantType::integer && e.constant_type != Expression::ConstantType::decimal &&
      e.constant_type != Expression::ConstantType::floating) {
    return std::nullopt;
  }
  const auto parsed = std::from_chars(e.text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

Interval product(const Interval& a, const Interval& b) {
  const double corners[] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
  return checked(*std::ranges::min_element(corners), *std::ranges::max_element(corners));
}

Interval quotient(const Expression& e, const Interval& a, const Interval& b) {
  if (!is_constant(e.children[1]) || b.low != b.high || b.low == 0) return kUnknown;
  const Interval out = product(a, checked(1 / b.low, 1 / b.low));
  return e.text == "//" && out.finite ? checked(std::floor(out.low), std::ceil(out.high)) : out;
}

Interval date_interval(const Expression& e) {
  const Expression& part = e.children[0];
  if (part.kind != Kind::constant) return kUnknown;
  const auto is = [&](std::string_view name) { return part.text == "'" + std::string(name) + "'"; };
  double most = 0;
  if (is("day")) most = kMostDays;
  if (is("week")) most = 523;
  if (is("month")) most = 121;
  if (is("quarter")) most = 41;
  if (is("year")) most = 11;
  return most == 0 ? kUnknown : Interval{true, -most, most};
}

Interval extreme(const Expression& e, const Columns& columns) {
  Interval out = kEmpty;
  for (const Expression& child : e.children) out = hull(out, interval_of(child, columns));
  return out;
}

Interval function_interval(const Expression& e, const Columns& columns) {
  const std::size_t count = e.children.size();
  const auto dated = [&](std::size_t i) { return argument_form(e.children[i], columns).form == Form::date; };
  if ((e.text == "date_diff" || e.text == "datediff" || e.text == "date_sub" || e.text == "datesub") && count == 3 && dated(1) && dated(2)) {
    return date_interval(e);
  }
  if (e.text == "-" && count == 2 && dated(0) && dated(1)) return {true, -kMostDays, kMostDays};
  if (is_boolean_function(e.text)) return kTruth;
  if (e.text == "greatest" || e.text == "least") return extreme(e, columns);
  if (count == 0) return kUnknown;
  const Interval a = interval_of(e.children[0], columns);
  if (!a.finite || empty(a)) return a;
  if (count == 1) {
    if (e.text == "+") return a;
    if (e.text == "-") return checked(-a.high, -a.low);
    if (e.text == "abs") return checked(a.low > 0 ? a.low : a.high < 0 ? -a.high : 0, std::max(std::abs(a.low), std::abs(a.high)));
    if (e.text == "sqrt") return a.low >= 0 ? checked(0, std::max(1.0, std::sqrt(a.high))) : kUnknown;
  }
  if (e.text == "round" || e.text == "floor" || e.text == "ceil" || e.text == "ceiling" || e.text == "trunc") {
    const auto digits = count == 2 ? number_of(e.children[1]) : std::optional<double>(0);
    if (count > 2 || !digits || *digits < 0) return kUnknown;  // round(x, -2) reaches further than the next whole number
    return checked(std::floor(a.low), std::ceil(a.high));
  }
  if (count != 2) return kUnknown;
  const Interval b = interval_of(e.children[1], columns);
  if (!b.finite || empty(b)) return b;
  if (e.text == "+") return checked(a.low + b.low, a.high + b.high);
  if (e.text == "-") return checked(a.low - b.high, a.high - b.low);
  if (e.text == "*") return product(a, b);
  if (e.text == "/" || e.text == "//") return quotient(e, a, b);
  return kUnknown;
}

bool number_or_boolean(const std::string& target) {
  return target != "VARCHAR" && target != "DATE" && target != "TIME" && target != "TIMESTAMP" && target != "INTERVAL";
}

}  // namespace

Interval interval_of(const Expression& e, const Columns& columns) {
  switch (e.kind) {
    case Kind::constant: {
      if (e.is_null()) return kEmpty;
      if (e.constant_type == Expression::ConstantType::boolean) return kTruth;
      const auto number = number_of(e);
      return number ? checked(*number, *number) : kUnknown;
    }
    case Kind::column: return columns[e.index].interval;
    case Kind::cast: {
      if (!number_or_boolean(e.text)) return kUnknown;
      const Interval child = interval_of(e.children[0], columns);
      if (!child.finite || empty(child)) return child;
      return e.text == "BOOLEAN" ? kTruth : checked(std::floor(child.low), std::ceil(child.high));
    }
    case Kind::case_when: {
      Interval out = interval_of(e.children.back(), columns);
      for (std::size_t i = 1; i < e.children.size(); i += 2) out = hull(out, interval_of(e.children[i], columns));
      return out;
    }
    case Kind::function: return is_aggregate_call(e) ? kUnknown : function_interval(e, columns);
    case Kind::operation:
      if (e.text == "LIST" || e.text == "ELEMENT" || e.text == "GROUPING") return kUnknown;
      return e.text == "COALESCE" ? extreme(e, columns) : kTruth;
    case Kind::member: return kTruth;
    case Kind::window: return unit_interval(e, columns);
    case Kind::scalar: case Kind::star: case Kind::subquery: break;
  }
  return kUnknown;
}

Interval unit_interval(const Expression& call, const Columns& columns) {
  const std::string& name = call.text;
  if (name == "count" || name == "count_star" || name == "count_if" || name == "countif" || name == "row_number" || name == "rank" ||
      name == "dense_rank") {
    return {true, 0, kRowsPerUnit};
  }
  if (name == "bool_and" || name == "bool_or") return kTruth;
  const bool keeps = name == "min" || name == "max" || name == "avg" || name == "mean" || name == "median" || name == "first_value" ||
                     name == "last_value" || name == "lag" || name == "lead";
  if (call.children.empty() || (!keeps && name != "sum")) return kUnknown;
  Interval out = interval_of(call.children[0], columns);
  if ((name == "lag" || name == "lead") && call.children.size() == 3) out = hull(out, interval_of(call.children[2], columns));
  if (!out.finite || empty(out) || keeps) return out;
  return checked(std::min(0.0, out.low * kRowsPerUnit), std::max(0.0, out.high * kRowsPerUnit));
}

}  // namespace redoubt::sql
