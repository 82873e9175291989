#include "engines/sql/functions.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engines/sql/functions_catalogue.h"

namespace redoubt::sql {
namespace {

template <std::size_t N>
bool listed(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

constexpr auto kRowFunctions = std::to_array<std::string_view>(
    {"+", "-", "*", "/", "//", "%", "||", "**", "~~", "!~~", "~~*", "!~~*", "like_escape", "not_like_escape", "ilike_escape",
     "not_ilike_escape", "abs", "round", "floor", "ceil", "ceiling", "trunc", "sign", "sqrt", "ln", "log", "log2", "log10",
     "exp", "pow", "power", "greatest", "least", "lower", "upper", "trim", "ltrim", "rtrim", "length", "len", "strlen",
     "substring", "substr", "left", "right", "concat", "concat_ws", "replace", "split_part", "starts_with", "contains",
     "prefix", "suffix", "regexp_matches", "regexp_full_match", "ifnull", "nullif", "date_trunc", "date_part", "year",
     "month", "day", "quarter", "week", "isoyear", "dayofweek", "isodow", "weekday", "dayofyear", "hour", "minute", "second",
     "monthname", "dayname", "date_diff", "datediff", "date_sub", "datesub", "date_add", "make_date", "strftime", "last_day",
     "to_days", "to_weeks", "to_months", "to_years", "isnan", "isfinite", "isinf"});

constexpr auto kBooleanFunctions = std::to_array<std::string_view>(
    {"~~", "!~~", "~~*", "!~~*", "like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape", "starts_with", "contains",
     "prefix", "suffix", "regexp_matches", "regexp_full_match", "isnan", "isfinite", "isinf"});

constexpr auto kAggregates = std::to_array<std::pair<std::string_view, AggregateClass>>(
    {{"count_star", AggregateClass::count_star},
     {"count", AggregateClass::count},
     {"count_if", AggregateClass::count_if},
     {"countif", AggregateClass::count_if},
     {"sum", AggregateClass::one_number},
     {"avg", AggregateClass::one_number},
     {"mean", AggregateClass::one_number},
     {"var_pop", AggregateClass::one_number},
     {"var_samp", AggregateClass::one_number},
     {"variance", AggregateClass::one_number},
     {"stddev", AggregateClass::one_number},
     {"stddev_pop", AggregateClass::one_number},
     {"stddev_samp", AggregateClass::one_number},
     {"corr", AggregateClass::two_numbers},
     {"covar_pop", AggregateClass::two_numbers},
     {"covar_samp", AggregateClass::two_numbers},
     {"regr_slope", AggregateClass::two_numbers},
     {"regr_intercept", AggregateClass::two_numbers},
     {"regr_r2", AggregateClass::two_numbers},
     {"regr_count", AggregateClass::two_numbers},
     {"median", AggregateClass::median},
     {"quantile_cont", AggregateClass::quantile}});

constexpr auto kUnitAggregates = std::to_array<std::string_view>(
    {"count_star", "count", "count_if", "countif", "sum", "avg", "mean", "min", "max", "bool_and", "bool_or", "arg_min", "arg_max",
     "argmin", "argmax", "min_by", "max_by", "median", "quantile_cont", "stddev", "stddev_pop", "stddev_samp", "var_pop", "var_samp",
     "variance"});

constexpr auto kUnitWindows = std::to_array<std::string_view>(
    {"row_number", "rank", "dense_rank", "lag", "lead", "first_value", "last_value", "count", "count_star", "sum",
     "avg", "mean", "min", "max"});

constexpr auto kNoisyAggregates = std::to_array<std::string_view>(
    {"count_star", "count", "count_if", "countif", "sum", "avg", "mean", "var_pop", "var_samp", "variance", "stddev", "stddev_pop",
     "stddev_samp"});

constexpr auto kOutsideNames = std::to_array<std::string_view>(
    {"random", "setseed", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "now", "today", "get_current_time", "get_current_timestamp",
     "transaction_timestamp", "getvariable", "version", "nextval", "currval", "stats", "write_log", "error", "query",
     "query_table", "json_serialize_sql", "json_execute_serialized_sql", "json_deserialize_sql", "json_serialize_plan",
     "getenv", "txid_current", "in_search_path", "reservoir_quantile", "user", "session_user", "age", "parse_duckdb_log_message",
     "sleep", "sleep_ms", "shobj_description", "col_description", "obj_description", "format_type", "checkpoint"});

constexpr auto kSessionNames = std::to_array<std::string_view>(
    {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_user", "session_user", "user",
     "current_role", "current_catalog", "current_schema", "current_database"});

}  // namespace

bool is_row_function(std::string_view name) { return listed(kRowFunctions, name); }

bool is_boolean_function(std::string_view name) { return listed(kBooleanFunctions, name); }

AggregateClass aggregate_class(std::string_view name) {
  const auto found = std::ranges::find(kAggregates, name, &std::pair<std::string_view, AggregateClass>::first);
  return found == kAggregates.end() ? AggregateClass::none : found->second;
}

bool is_unit_aggregate(std::string_view name) { return listed(kUnitAggregates, name); }

bool is_unit_window(std::string_view name) { return listed(kUnitWindows, name); }

bool is_noisy_aggregate(std::string_view name) { return listed(kNoisyAggregates, name); }

std::string_view refused_function_rule(std::string_view name) {
  const auto starts = [&](std::string_view prefix) { return name.starts_with(prefix); };
  if (is_any_aggregate(name) || name == "grouping" || name == "grouping_id" || name == "quantile" || starts("approx_") || starts("bit_") || starts("bool_") || starts("arg_")) return "A2";
  if (listed(kOutsideNames, name) || starts("pg_") || starts("has_") || starts("current_") || starts("duckdb_")) return "G3";
  if (starts("list_") || starts("array_") || starts("struct_") || starts("map") || name == "row" || name == "unnest") return "S1";
  return "S14";
}

bool is_session_name(std::string_view name) { return listed(kSessionNames, name); }

}  // namespace redoubt::sql
