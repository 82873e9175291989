#include "engines/sql/plan_guard.h"

#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/planner/expression/list.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/logical_operator_visitor.hpp>
#include <duckdb/planner/operator/logical_comparison_join.hpp>
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

// whole_digits: how many digits before the point a number type can have; 0 for what is not exact.
int whole_digits(const duckdb::LogicalType& type) {
  using Id = duckdb::LogicalTypeId;
  switch (type.id()) {
    case Id::BOOLEAN: return 1;
    case Id::TINYINT: case Id::UTINYINT: return 3;
    case Id::SMALLINT: case Id::USMALLINT: return 5;
    case Id::INTEGER: case Id::UINTEGER: return 10;
    case Id::BIGINT: return 19;
    case Id::UBIGINT: return 20;
    case Id::HUGEINT: return 39;
    case Id::DECIMAL: return duckdb::DecimalType::GetWidth(type) - duckdb::DecimalType::GetScale(type);
    default: return 0;
  }
}

// holds: every value of one type has its place in the other.
bool holds(const duckdb::LogicalType& to, const duckdb::LogicalType& from) {
  using Id = duckdb::LogicalTypeId;
  if (to == from || from.id() == Id::SQLNULL || to.id() == Id::VARCHAR) return true;
  const bool exact = whole_digits(from) > 0 || from.id() == Id::DECIMAL;
  if (to.id() == Id::DOUBLE) return exact || from.id() == Id::FLOAT;
  if (to.id() == Id::DECIMAL) return exact && whole_digits(to) >= whole_digits(from);
  return exact && from.id() != Id::DECIMAL && whole_digits(to) > whole_digits(from);
}

bool cast_fails(const duckdb::Expression& expression) {
  if (expression.type == duckdb::ExpressionType::OPERATOR_TRY) return false;
  if (expression.expression_class == duckdb::ExpressionClass::BOUND_CAST) {
    const auto& cast = expression.Cast<duckdb::BoundCastExpression>();
    if (!cast.try_cast && !holds(cast.return_type, cast.child->return_type)) return true;
  }
  bool out = false;
  duckdb::ExpressionIterator::EnumerateChildren(expression, [&](const duckdb::Expression& child) { out = out || cast_fails(child); });
  return out;
}

}  // namespace

Found failing_member(duckdb::LogicalOperator& plan) {
  if (plan.type == duckdb::LogicalOperatorType::LOGICAL_COMPARISON_JOIN || plan.type == duckdb::LogicalOperatorType::LOGICAL_DELIM_JOIN) {
    const auto& join = plan.Cast<duckdb::LogicalComparisonJoin>();
    for (const auto& condition : join.conditions) {
      if (join.join_type == duckdb::JoinType::MARK && cast_fails(*condition.left)) return "an IN that compares " + condition.left->return_type.ToString() + " with another type";
    }
  }
  for (const auto& child : plan.children) {
    if (auto found = failing_member(*child)) return found;
  }
  return std::nullopt;
}

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
