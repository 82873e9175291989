// The lists of names that the rules speak of: row functions (S14), aggregates of a released block (A2), and what is never
// allowed (G3). A name that stands on no allow-list is refused; the other lists only choose the rule that the refusal names.
#pragma once

#include <string_view>

namespace redoubt::sql {

// TextRule: how long, written as text, what a function gives can be (G5); texts.h computes with it. Whoever adds a row function says so: without a
// rule it is not on the list. Of other functions what has no rule here has no bound, and is refused where people's rows read it.
enum class TextRule {
  unbounded,
  fixed,        // numbers, truth values, dates, intervals, names of days: at most kFixedText bytes
  plain,        // the same, but a list where an argument is one
  first,        // at most as long as the first argument
  largest,      // one of the arguments
  sum,          // the arguments one behind the other
  separated,    // the arguments but the first, with the first between them
  folded,       // the first argument in another case: characters of two bytes may get three
  cut,          // the first argument, at most as many characters as the last argument says
  part,         // a piece of the first argument, taken from a list of all of its pieces
  replaced,     // the first argument, with the third for each place of the second
  formatted,    // a date as a format says
  one,          // of an aggregate or window: a value of its only argument
  one_of_two,   // of an aggregate or window: a value of its first argument, of two
  elements,     // an element of a list that is written out
};
TextRule text_rule(std::string_view name);

// is_row_function: S14, by lower-case name; operators are functions to the parser.
bool is_row_function(std::string_view name);

// is_boolean_function: those of S14 that give a truth value (LIKE, starts_with, ...).
bool is_boolean_function(std::string_view name);

// AggregateClass: what A2 and A3 ask of the arguments.
enum class AggregateClass {
  none,        // not an aggregate of A2
  count_star,  // count(*)
  count,       // count(x), count(DISTINCT x)
  count_if,
  one_number,  // sum, avg, variances: plain, conditional or constant
  two_numbers, // correlation, covariance, regression
  median,      // plain
  quantile,    // plain, and one constant fraction
};
AggregateClass aggregate_class(std::string_view name);

// is_unit_aggregate: S7, the aggregates over the rows of one unit. is_unit_window: S5, the windows over them.
bool is_unit_aggregate(std::string_view name);
bool is_unit_window(std::string_view name);

// is_noisy_aggregate: D2.
bool is_noisy_aggregate(std::string_view name);

// refused_function_rule names the rule that forbids a function which is on no allow-list: A2 for other aggregates, G3 for what
// is volatile or looks outside, S1 for lists and structs, S14 for the rest.
std::string_view refused_function_rule(std::string_view name);

// is_session_name: words that the parser gives as columns although they ask the session or the clock (current_date, user).
bool is_session_name(std::string_view name);

}  // namespace redoubt::sql
