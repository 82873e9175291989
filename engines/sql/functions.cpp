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

// Rule: a name and how long its results can be; there is none without.
struct Rule {
  constexpr Rule(std::string_view function, TextRule rule) : name(function), text(rule) {}
  std::string_view name;
  TextRule text;
};

using enum TextRule;

constexpr auto kRowFunctions = std::to_array<Rule>(
    {{"+", plain}, {"-", fixed}, {"*", fixed}, {"/", fixed}, {"//", fixed}, {"%", fixed}, {"||", sum}, {"**", fixed}, {"~~", fixed}, {"!~~", fixed},
     {"~~*", fixed}, {"!~~*", fixed}, {"like_escape", fixed}, {"not_like_escape", fixed}, {"ilike_escape", fixed}, {"not_ilike_escape", fixed},
     {"abs", fixed}, {"round", fixed}, {"floor", fixed}, {"ceil", fixed}, {"ceiling", fixed}, {"trunc", fixed}, {"sign", fixed}, {"sqrt", fixed},
     {"ln", fixed}, {"log", fixed}, {"log2", fixed}, {"log10", fixed}, {"exp", fixed}, {"pow", fixed}, {"power", fixed}, {"greatest", largest},
     {"least", largest}, {"lower", folded}, {"upper", folded}, {"trim", first}, {"ltrim", first}, {"rtrim", first}, {"length", fixed},
     {"len", fixed}, {"strlen", fixed}, {"substring", cut}, {"substr", cut}, {"left", cut}, {"right", cut}, {"concat", sum},
     {"concat_ws", separated}, {"replace", replaced}, {"split_part", part}, {"starts_with", fixed}, {"contains", fixed}, {"prefix", fixed},
     {"suffix", fixed}, {"regexp_matches", fixed}, {"regexp_full_match", fixed}, {"ifnull", largest}, {"nullif", first}, {"date_trunc", fixed},
     {"date_part", plain}, {"year", fixed}, {"month", fixed}, {"day", fixed}, {"quarter", fixed}, {"week", fixed}, {"isoyear", fixed},
     {"dayofweek", fixed}, {"isodow", fixed}, {"weekday", fixed}, {"dayofyear", fixed}, {"hour", fixed}, {"minute", fixed}, {"second", fixed},
     {"monthname", fixed}, {"dayname", fixed}, {"date_diff", fixed}, {"datediff", fixed}, {"date_sub", fixed}, {"datesub", fixed},
     {"date_add", fixed}, {"make_date", fixed}, {"strftime", formatted}, {"last_day", fixed}, {"to_days", fixed}, {"to_weeks", fixed},
     {"to_months", fixed}, {"to_years", fixed}, {"isnan", fixed}, {"isfinite", fixed}, {"isinf", fixed}});

static_assert(std::ranges::none_of(kRowFunctions, [](const Rule& rule) { return rule.text == unbounded; }));

// Other functions, aggregates and windows of the catalogue whose results people's rows may read by way of released rows and constants.
constexpr auto kOtherFixed = std::to_array<std::string_view>(
    {"@", "acos", "acosh", "age", "ascii", "asin", "asinh", "atan", "atan2", "atanh", "bit_count", "bit_length", "cbrt", "century", "char_length", "character_length", "cos",
     "cosh", "cot", "damerau_levenshtein", "datetrunc", "dayofmonth", "decade", "degrees", "divide", "editdist3", "ends_with", "epoch", "epoch_ms", "epoch_ns",
     "epoch_us", "era", "even", "factorial", "fdiv", "fmod", "gamma", "gcd", "greatest_common_divisor", "hamming", "hash", "instr", "jaccard", "jaro_similarity",
     "jaro_winkler_similarity", "julian", "lcm", "least_common_multiple", "levenshtein", "lgamma", "make_time", "make_timestamp", "microsecond", "millennium", "millisecond",
     "mismatches", "mod", "multiply", "nanosecond", "nextafter", "octet_length", "ord", "pi", "position", "radians", "round_even", "roundbankers", "signbit", "sin", "sinh",
     "strpos", "strptime", "subtract", "tan", "tanh", "time_bucket", "to_centuries", "to_decades", "to_hours", "to_microseconds", "to_millennia", "to_milliseconds",
     "to_minutes", "to_quarters", "to_seconds", "try_strptime", "unicode", "weekofyear", "yearweek",
     // aggregates
     "approx_count_distinct", "avg", "bool_and", "bool_or", "corr", "count", "count_if", "count_star", "countif", "covar_pop", "covar_samp", "entropy", "favg", "fsum", "geomean",
     "geometric_mean", "kahan_sum", "kurtosis", "kurtosis_pop", "mean", "product", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx",
     "regr_sxy", "regr_syy", "sem", "skewness", "stddev", "stddev_pop", "stddev_samp", "sum", "sum_no_overflow", "sumkahan", "var_pop", "var_samp", "variance", "wavg",
     "weighted_avg",
     // windows
     "cume_dist", "dense_rank", "ntile", "percent_rank", "rank", "rank_dense", "row_number"});

constexpr auto kOtherRules = std::to_array<Rule>(
    {{"add", plain}, {"datepart", plain}, {"lcase", folded}, {"ucase", folded}, {"unnest", elements}, {"any_value", one}, {"arbitrary", one}, {"first", one}, {"first_value", one}, {"last", one}, {"last_value", one},
     {"max", one}, {"median", one}, {"min", one}, {"mode", one}, {"arg_max", one_of_two}, {"arg_max_null", one_of_two}, {"arg_min", one_of_two}, {"arg_min_null", one_of_two},
     {"argmax", one_of_two}, {"argmin", one_of_two}, {"max_by", one_of_two}, {"min_by", one_of_two}, {"nth_value", one_of_two}, {"quantile_cont", one_of_two},
     {"quantile_disc", one_of_two}, {"lag", largest}, {"lead", largest}});

template <std::size_t N>
TextRule rule_of(const std::array<Rule, N>& rules, std::string_view name) {
  const auto found = std::ranges::find(rules, name, &Rule::name);
  return found == rules.end() ? unbounded : found->text;
}

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

bool is_row_function(std::string_view name) { return rule_of(kRowFunctions, name) != unbounded; }

TextRule text_rule(std::string_view name) {
  if (const TextRule rule = rule_of(kRowFunctions, name); rule != unbounded) return rule;
  return listed(kOtherFixed, name) ? fixed : rule_of(kOtherRules, name);
}

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
