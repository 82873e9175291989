#include "engines/sql/print.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "engines/sql/forms.h"
#include "engines/sql/functions.h"
#include "engines/sql/patterns.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

constexpr auto kInfix = std::to_array<std::pair<std::string_view, std::string_view>>({{"=", "="},
                                                                                       {"<>", "<>"},
                                                                                       {"<", "<"},
                                                                                       {">", ">"},
                                                                                       {"<=", "<="},
                                                                                       {">=", ">="},
                                                                                       {"DISTINCT", "IS DISTINCT FROM"},
                                                                                       {"NOT_DISTINCT", "IS NOT DISTINCT FROM"}});
constexpr auto kLikes = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"~~", "LIKE"}, {"!~~", "NOT LIKE"}, {"~~*", "ILIKE"}, {"!~~*", "NOT ILIKE"}});

// guardable: TRY takes no subquery (stage_parts.h), and what it takes must be of a type that least() knows. A window is a column to what stands above it.
bool guardable(const Expression& e) {
  if (!e.staged.empty()) return true;
  switch (e.kind) {
    case Kind::window: return true;
    case Kind::scalar: case Kind::member: return false;
    case Kind::function: if (!is_row_function(e.text) || is_aggregate_call(e)) return false; break;
    case Kind::operation: if (e.text == "LIST" || e.text == "ELEMENT" || e.text == "GROUPING") return false; break;
    default: break;
  }
  return std::ranges::all_of(e.children, guardable);
}

// tried gives NULL where an expression fails; for what is known to be guardable.
std::string tried(const std::string& sql) { return "TRY(least(" + sql + "))"; }

// guarded gives NULL where the expression fails on a row (S13). TRY writes NULLs into the vector that its child has begun to fill;
// when the child is an operator over a column, that vector may share the column's own validity mask, and the column is changed
// for every other expression (DuckDB 1.4.4). The one-argument least() is the identity of every type, and evaluates its
// argument into a vector of its own before it touches the result.
std::string guarded(const Expression& e, const std::string& sql) { return guardable(e) ? tried(sql) : "(" + sql + ")"; }

using PrintOne = std::string (*)(const Expression&, const Columns&);

std::string joined(const std::vector<Expression>& items, std::size_t from, std::string_view between, const Columns& columns,
                   PrintOne print_one = print) {
  std::string out;
  for (std::size_t i = from; i < items.size(); ++i) {
    if (i > from) out += between;
    out += print_one(items[i], columns);
  }
  return out;
}

std::string infix(const Expression& e, std::string_view symbol, const Columns& columns) {
  return guarded(e, "(" + print(e.children[0], columns) + ") " + std::string(symbol) + " (" + print(e.children[1], columns) + ")");
}

std::string print_operation(const Expression& e, const Columns& columns) {
  for (const auto& [name, symbol] : kInfix) {
    if (e.text == name) return infix(e, symbol, columns);
  }
  const auto child = [&](std::size_t i) { return print(e.children[i], columns); };
  if (e.text == "AND" || e.text == "OR") return "(" + joined(e.children, 0, " " + e.text + " ", columns, print_condition) + ")";
  if (e.text == "NOT") return "(NOT " + print_condition(e.children[0], columns) + ")";
  if (e.text == "IS_NULL") return "(" + child(0) + " IS NULL)";
  if (e.text == "IS_NOT_NULL") return "(" + child(0) + " IS NOT NULL)";
  if (e.text == "COALESCE") return guarded(e, "coalesce(" + joined(e.children, 0, ", ", columns) + ")");
  if (e.text == "BETWEEN") return guarded(e, "(" + child(0) + ") BETWEEN (" + child(1) + ") AND (" + child(2) + ")");
  if (e.text == "LIST") return "[" + joined(e.children, 0, ", ", columns) + "]";
  if (e.text == "GROUPING") return "GROUPING(" + joined(e.children, 0, ", ", columns) + ")";
  if (e.text == "ELEMENT") return "(" + child(0) + ")[" + child(1) + "]";
  const std::string in = e.text == "NOT_IN" ? ") NOT IN (" : ") IN (";
  return guarded(e, "(" + child(0) + in + joined(e.children, 1, ", ", columns) + ")");
}

bool is_symbol(const std::string& name) { return name.find_first_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos; }

std::string filtered(const Expression& e, const Columns& columns) {
  return e.filter.empty() ? "" : " FILTER (WHERE " + print_condition(e.filter[0], columns) + ")";
}

// adds_up: the aggregates of S5 and S7 that can fail by the magnitude of what they take.
bool adds_up(const std::string& name) {
  constexpr auto kNames = std::to_array<std::string_view>({"sum", "avg", "mean", "median", "quantile_cont", "stddev", "stddev_pop", "stddev_samp", "var_pop", "var_samp", "variance"});
  return std::ranges::find(kNames, name) != kNames.end();
}

// bounded_arguments: of the quantile's fraction, which is a constant, nothing is asked.
std::string bounded_arguments(const Expression& e, const Columns& columns) {
  const bool within = e.text == "quantile_cont" && e.children.size() == 1;
  std::string out = within ? print(e.children[0], columns) : print_bounded(e.children[0], columns);
  for (std::size_t i = 1; i < e.children.size(); ++i) out += ", " + print(e.children[i], columns);
  return out;
}

std::string print_aggregate(const Expression& e, const Columns& columns) {
  if (e.text == "count_star") return "count(*)" + filtered(e, columns);
  const bool bounded = e.of_units && adds_up(e.text);
  std::string arguments = (e.distinct ? "DISTINCT " : "") + (bounded ? bounded_arguments(e, columns) : joined(e.children, 0, ", ", columns));
  if (e.text == "quantile_cont" && e.children.size() == 1 && e.order_by.size() == 1) {  // WITHIN GROUP
    const std::string fraction = (e.order_by[0].descending ? "1 - " : "") + print(e.children[0], columns);
    const Expression& x = e.order_by[0].expression;
    return "quantile_cont(" + (bounded ? print_bounded(x, columns) : print(x, columns)) + ", " + fraction + ")" + filtered(e, columns);
  }
  if (!e.order_by.empty()) arguments += " ORDER BY " + print_order(e.order_by, columns);
  return quote(e.text) + "(" + arguments + ")" + filtered(e, columns);
}

// window_arguments: over rows of people lag and lead look at most 10^9 rows away, so that the place of a row cannot overflow.
std::string window_arguments(const Expression& e, const Columns& columns) {
  const bool moves = e.text == "lag" || e.text == "lead";
  if (e.of_units && adds_up(e.text)) return bounded_arguments(e, columns);
  if (!e.of_units || !moves || e.children.size() != 2) return joined(e.children, 0, ", ", columns);
  const std::string by = "TRY_CAST(" + print(e.children[1], columns) + " AS BIGINT)";
  return print(e.children[0], columns) + ", (CASE WHEN " + by + " BETWEEN -1000000000 AND 1000000000 THEN " + by + " END)";
}

// range_order: the key of a RANGE frame with bounds, which the engine adds to it: far from where that could overflow.
std::string range_order(const Expression& e, const Columns& columns) {
  const OrderItem& item = e.window_order[0];
  const std::string key = print(item.expression, columns);
  const bool interval = e.bounds[0].kind != Kind::constant;
  const std::string place = interval ? "TRY_CAST(" + key + " AS TIMESTAMP)" : "TRY_CAST(" + key + " AS DOUBLE)";
  std::string sql = "(CASE WHEN " + place + (interval ? " BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31' THEN " + key : " BETWEEN -1e100 AND 1e100 THEN " + place) + " END)";
  if (!interval && argument_form(item.expression, columns).form == Form::date) sql = "(CASE WHEN " + key + " BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN " + key + " END)";
  return sql + (item.descending ? " DESC" : " ASC") + (item.nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

std::string print_window(const Expression& e, const Columns& columns) {
  if (e.of_units && (e.text == "lag" || e.text == "lead") && e.children.size() == 3) {
    // The engine would cast what stands in for a missing row to the type of the others, and fail where it cannot.
    Expression moved = e;
    moved.children.pop_back();
    const std::string other = print(e.children[2], columns);
    if (e.ignore_nulls) return tried("coalesce(" + print_window(moved, columns) + ", " + other + ")");
    Expression there = moved;
    there.children[0] = Expression();
    there.children[0].constant_type = Expression::ConstantType::boolean;
    there.children[0].text = "true";
    return tried("CASE WHEN " + print_window(there, columns) + " THEN " + print_window(moved, columns) + " ELSE " + other + " END");
  }
  std::string call = "count(*)";
  if (e.text != "count_star") {
    call = quote(e.text) + "(" + (e.distinct ? "DISTINCT " : "") + window_arguments(e, columns);
    if (!e.order_by.empty()) call += " ORDER BY " + print_order(e.order_by, columns);
    call += e.ignore_nulls ? " IGNORE NULLS)" : ")";
  }
  std::string over = e.partitions.empty() ? "" : "PARTITION BY " + joined(e.partitions, 0, ", ", columns) + " ";
  const bool range = e.of_units && e.frame.starts_with("RANGE") && !e.bounds.empty() && e.window_order.size() == 1;
  const std::string order = range ? range_order(e, columns) : print_order(e.window_order, columns);
  if (!order.empty()) over += "ORDER BY " + order + " ";
  return "(" + call + filtered(e, columns) + " OVER (" + over + e.frame + "))";
}

// print_member: whether a unit is among others. In SQL one NULL among those makes every answer NULL that is not true, and whether a NULL
// is among them depends on whether there are any; so the rows of one unit would choose those of all others. Here the answer follows from
// the unit alone: never NULL for one that is there, always NULL for one that is not (where an outer join left it NULL).
std::string print_member(const Expression& e, const Columns& columns) {
  const std::string sought = print(e.children[0], columns);
  const std::string in = "(" + sought + " IN (SELECT " + e.path[0] + " FROM " + e.text + "))";
  if (e.exists) return "coalesce(" + in + ", false)";
  return e.index == 1 ? "(CASE WHEN " + sought + " IS NOT NULL THEN coalesce(" + in + ", false) END)" : in;
}

// moment prints what a calendar is asked of: an INTERVAL or a TIME has no week, and the engine would fail on it where TRY does not catch it; as a
// TIMESTAMP it is NULL.
std::string moment(const Expression& e, const Columns& columns) {
  const bool known = argument_form(e, columns).form == Form::date || (e.kind == Kind::cast && (e.text == "DATE" || e.text == "TIMESTAMP")) ||
                     e.is_function("make_date") || e.is_function("last_day");
  return known ? print(e, columns) : "TRY_CAST(" + print(e, columns) + " AS TIMESTAMP)";
}

// first_moment: from which argument on a function takes moments; none for those that also take an INTERVAL or a TIME.
std::size_t first_moment(const Expression& e) {
  constexpr auto kCalendar = std::to_array<std::string_view>({"week", "isoyear", "dayofweek", "isodow", "weekday", "dayofyear"});
  constexpr auto kParts = std::to_array<std::string_view>({"'week'", "'weeks'", "'w'", "'dow'", "'dayofweek'", "'weekday'", "'isodow'", "'doy'", "'dayofyear'", "'isoyear'", "'yearweek'",
                                                           "'era'", "'julian'"});
  constexpr auto kOfTimes = std::to_array<std::string_view>({"'hour'", "'hours'", "'hr'", "'h'", "'minute'", "'minutes'", "'min'", "'m'", "'second'", "'seconds'", "'sec'", "'s'",
                                                             "'millisecond'", "'milliseconds'", "'ms'", "'microsecond'", "'microseconds'", "'us'"});
  const auto listed = [](const auto& list, const std::string& word) { return std::ranges::find(list, lower_name(word)) != list.end(); };
  if (e.children.size() == 1 && listed(kCalendar, e.text)) return 0;
  if (e.text == "date_part" && e.children.size() == 2 && listed(kParts, e.children[0].text)) return 1;
  const bool difference = e.text == "date_diff" || e.text == "datediff" || e.text == "date_sub" || e.text == "datesub";
  return difference && e.children.size() == 3 && !listed(kOfTimes, e.children[0].text) ? 1 : std::string::npos;
}

// print_pattern: LIKE and regular expressions that the engine would match in any time, as ones that it matches in one pass; else nothing.
std::optional<std::string> print_pattern(const Expression& e, const Columns& columns) {
  if (const auto held = held_regex(e)) {
    return "\"regexp_matches\"(" + print(e.children[0], columns) + ", " + sql_literal(*held) + (e.children.size() > 2 ? ", " + joined(e.children, 2, ", ", columns) : "") + ")";
  }
  const auto like = like_of(e);
  const auto regex = like ? like->as_regex() : std::nullopt;
  if (!regex) return std::nullopt;
  const auto folded = [&](const std::string& sql) { return like->folded ? "\"lower\"(" + sql + ")" : sql; };
  const std::string sql = "\"regexp_full_match\"(" + folded(print(e.children[0], columns)) + ", " + folded(sql_literal(*regex)) + ")";
  return like->negated ? "(NOT " + sql + ")" : sql;
}

std::string print_function(const Expression& e, const Columns& columns) {
  if (is_aggregate_call(e)) return print_aggregate(e, columns);
  if (const auto pattern = print_pattern(e, columns)) return guarded(e, *pattern);
  if (const std::size_t first = first_moment(e); first != std::string::npos) {
    std::vector<std::string> arguments;
    for (std::size_t i = 0; i < e.children.size(); ++i) arguments.push_back(i < first ? print(e.children[i], columns) : moment(e.children[i], columns));
    return guarded(e, quote(e.text) + "(" + join_texts(arguments) + ")");
  }
  for (const auto& [name, symbol] : kLikes) {
    if (e.text == name && e.children.size() == 2) return infix(e, symbol, columns);
  }
  if (is_symbol(e.text)) {
    if (e.children.size() == 1) return guarded(e, e.text + "(" + print(e.children[0], columns) + ")");
    return guarded(e, "(" + joined(e.children, 0, ") " + e.text + " (", columns) + ")");
  }
  // The name is on the allow-list, so it is plain text; quoted, since some (left, replace) are words of the grammar.
  return guarded(e, quote(e.text) + "(" + joined(e.children, 0, ", ", columns) + ")");
}

std::string print_case(const Expression& e, const Columns& columns) {
  std::string out = "CASE";
  for (std::size_t i = 0; i + 1 < e.children.size(); i += 2) {
    out += " WHEN " + print_condition(e.children[i], columns) + " THEN " + print(e.children[i + 1], columns);
  }
  return guarded(e, out + " ELSE " + print(e.children.back(), columns) + " END");
}

// is_truth_value: known to be BOOLEAN, so that no cast is needed where a condition stands.
bool is_truth_value(const Expression& e, const Columns& columns) {
  switch (e.kind) {
    case Kind::operation: return e.text != "COALESCE" && e.text != "LIST" && e.text != "ELEMENT" && e.text != "GROUPING";
    case Kind::function: return is_boolean_function(e.text);
    case Kind::column: return columns[e.index].argument.form == Form::predicate;
    case Kind::member: return true;
    default: return false;
  }
}

}  // namespace

bool is_bounded(const Expression& e, const Columns& columns) {
  if (is_truth_value(e, columns)) return true;
  if (e.kind == Kind::column && columns[e.index].bounded) return true;
  if (e.kind != Kind::column || !columns[e.index].type.is_number()) return false;
  return columns[e.index].type.id != TypeId::double_;  // whole numbers below 2^63, and DECIMAL of at most 18 digits
}

std::string print_bounded(const Expression& e, const Columns& columns) {
  const std::string sql = print(e, columns);
  if (is_bounded(e, columns)) return sql;
  if (argument_form(e, columns).form == Form::date) {
    return "(CASE WHEN " + sql + " BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN " + sql + " END)";
  }
  // The product fails where an exact number has more than 28 digits, its decimal places included; of a DOUBLE it is another DOUBLE.
  return "(CASE WHEN " + tried(sql + " * 10000000000::DECIMAL(38,0)") + " IS NOT NULL AND TRY_CAST(" + sql + " AS DOUBLE) BETWEEN -1e100 AND 1e100 THEN " + sql + " END)";
}

std::string join_texts(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += between;
    out += part;
  }
  return out;
}

std::string print_order(const std::vector<OrderItem>& order, const Columns& columns) {
  std::vector<std::string> terms;
  for (const OrderItem& item : order) {
    if (is_constant(item.expression)) continue;
    terms.push_back(print(item.expression, columns) + (item.descending ? " DESC" : " ASC") + (item.nulls_first ? " NULLS FIRST" : " NULLS LAST"));
  }
  return join_texts(terms);
}

std::string quote(const std::string& name) { return '"' + name + '"'; }

std::string print_bare_equality(const Expression& equality, const Columns& columns) {
  return "(" + print(equality.children[0], columns) + " = " + print(equality.children[1], columns) + ")";
}

std::string print_condition(const Expression& e, const Columns& columns) {
  const std::string sql = print(e, columns);
  return is_truth_value(e, columns) ? sql : "TRY_CAST(" + sql + " AS BOOLEAN)";
}

std::string print(const Expression& e, const Columns& columns) {
  if (!e.staged.empty()) return e.staged;
  switch (e.kind) {
    case Kind::constant: return e.text;
    case Kind::column: return columns[e.index].sql;
    case Kind::operation: return print_operation(e, columns);
    case Kind::function: return print_function(e, columns);
    case Kind::cast: return "TRY_CAST(" + print(e.children[0], columns) + " AS " + e.text + ")";
    case Kind::case_when: return print_case(e, columns);
    case Kind::window: return print_window(e, columns);
    case Kind::scalar: return "(SELECT c0 FROM " + e.text + " LIMIT 1)";
    case Kind::member: return print_member(e, columns);
    case Kind::star: case Kind::subquery: break;  // never checked expressions; an empty text does not parse, so this fails closed
  }
  return {};
}

}  // namespace redoubt::sql
