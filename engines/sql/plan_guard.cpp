#include "engines/sql/plan_guard.h"

#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/planner/expression/list.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/logical_operator_visitor.hpp>
#include <duckdb/planner/operator/logical_get.hpp>

#include <algorithm>
#include <array>
#include <string_view>

#include "engines/sql/functions.h"
#include "engines/sql/functions_catalogue.h"
#include "engines/sql/schema.h"

namespace redoubt::sql {
namespace {

using Found = std::optional<std::string>;

// What the binder itself writes: macros over lists, and the error of a scalar subquery with several rows.
constexpr auto kOfTheBinder = std::to_array<std::string_view>({"list_aggr", "list_aggregate", "array_aggr", "aggregate", "error", "can_cast_implicitly", "alias"});

bool operator_allowed(duckdb::LogicalOperatorType type) {
  using Type = duckdb::LogicalOperatorType;
  switch (type) {
    case Type::LOGICAL_PROJECTION: case Type::LOGICAL_FILTER: case Type::LOGICAL_AGGREGATE_AND_GROUP_BY: case Type::LOGICAL_WINDOW:
    case Type::LOGICAL_UNNEST: case Type::LOGICAL_LIMIT: case Type::LOGICAL_ORDER_BY: case Type::LOGICAL_TOP_N: case Type::LOGICAL_DISTINCT:
    case Type::LOGICAL_GET: case Type::LOGICAL_CHUNK_GET: case Type::LOGICAL_DELIM_GET: case Type::LOGICAL_EXPRESSION_GET:
    case Type::LOGICAL_DUMMY_SCAN: case Type::LOGICAL_EMPTY_RESULT: case Type::LOGICAL_CTE_REF: case Type::LOGICAL_JOIN:
    case Type::LOGICAL_DELIM_JOIN: case Type::LOGICAL_COMPARISON_JOIN: case Type::LOGICAL_ANY_JOIN: case Type::LOGICAL_CROSS_PRODUCT:
    case Type::LOGICAL_ASOF_JOIN: case Type::LOGICAL_DEPENDENT_JOIN: case Type::LOGICAL_UNION: case Type::LOGICAL_EXCEPT:
    case Type::LOGICAL_INTERSECT: case Type::LOGICAL_MATERIALIZED_CTE: return true;
    default: return false;
  }
}

bool function_allowed(const std::string& name, std::size_t arguments) {
  const std::string lower = lower_name(name);
  return is_age_of_two(lower, arguments) || is_row_function(lower) || is_deterministic_scalar(lower) || is_any_aggregate(lower) ||
         std::ranges::find(kOfTheBinder, lower) != kOfTheBinder.end();
}

Found check(const duckdb::Expression& expression) {
  using Class = duckdb::ExpressionClass;
  std::string name;
  std::size_t arguments = 0;
  switch (expression.expression_class) {
    case Class::BOUND_FUNCTION: {
      const auto& call = expression.Cast<duckdb::BoundFunctionExpression>();
      name = call.function.name;
      arguments = call.children.size();
      break;
    }
    case Class::BOUND_AGGREGATE: name = expression.Cast<duckdb::BoundAggregateExpression>().function.name; break;
    case Class::BOUND_WINDOW: {
      const auto& window = expression.Cast<duckdb::BoundWindowExpression>();
      if (window.aggregate) name = window.aggregate->name;
      break;
    }
    case Class::BOUND_PARAMETER: return "a parameter";
    case Class::BOUND_SUBQUERY: return "a subquery that was not planned";
    default: break;
  }
  if (!name.empty() && !function_allowed(name, arguments)) return "the function " + name.substr(0, 64);
  Found found;
  duckdb::ExpressionIterator::EnumerateChildren(expression, [&](const duckdb::Expression& child) {
    if (!found) found = check(child);
  });
  return found;
}

Found check_get(const duckdb::LogicalGet& get, const std::function<bool(const std::string&)>& is_table) {
  if (get.function.name != "seq_scan") return "the table function " + get.function.name.substr(0, 64);
  const auto table = get.GetTable();
  if (!table || table->ParentSchema().name != "main" || !is_table(table->name)) return "a table that is not of the schema";
  return std::nullopt;
}

}  // namespace

Found unlisted(duckdb::LogicalOperator& plan, const std::function<bool(const std::string&)>& is_table) {
  if (!operator_allowed(plan.type)) return "the operator " + plan.GetName().substr(0, 64);
  Found found;
  if (plan.type == duckdb::LogicalOperatorType::LOGICAL_GET) found = check_get(plan.Cast<duckdb::LogicalGet>(), is_table);
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(plan, [&](duckdb::unique_ptr<duckdb::Expression>* child) {
    if (!found) found = check(**child);
  });
  for (const auto& child : plan.children) {
    if (!found) found = unlisted(*child, is_table);
  }
  return found;
}

}  // namespace redoubt::sql
