// Expressions of the engine's syntax tree.
#include <optional>

#include "engines/sql/forms.h"
#include "engines/sql/print.h"
#include "engines/sql/schema.h"
#include "engines/sql/sql_ast_converter.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

// cast_target is the printed type of a cast that S13 allows, or nothing.
std::optional<std::string> cast_target(const duckdb::LogicalType& type) {
  using Id = duckdb::LogicalTypeId;
  switch (type.id()) {
    case Id::BOOLEAN: return "BOOLEAN";
    case Id::TINYINT: return "TINYINT";
    case Id::SMALLINT: return "SMALLINT";
    case Id::INTEGER: return "INTEGER";
    case Id::BIGINT: return "BIGINT";
    case Id::HUGEINT: return "HUGEINT";
    case Id::UTINYINT: return "UTINYINT";
    case Id::USMALLINT: return "USMALLINT";
    case Id::UINTEGER: return "UINTEGER";
    case Id::UBIGINT: return "UBIGINT";
    case Id::FLOAT: return "FLOAT";
    case Id::DOUBLE: return "DOUBLE";
    case Id::DATE: return "DATE";
    case Id::TIME: return "TIME";
    case Id::TIMESTAMP: return "TIMESTAMP";
    case Id::INTERVAL: return "INTERVAL";
    case Id::DECIMAL:
      return "DECIMAL(" + std::to_string(duckdb::DecimalType::GetWidth(type)) + "," +
             std::to_string(duckdb::DecimalType::GetScale(type)) + ")";
    case Id::VARCHAR:
      if (!duckdb::StringType::GetCollation(type).empty()) return std::nullopt;
      return "VARCHAR";
    default: return std::nullopt;
  }
}

}  // namespace

Checked<Expression> Converter::constant(const duckdb::ConstantExpression& node, Expression out) {
  using Id = duckdb::LogicalTypeId;
  using Literal = Expression::ConstantType;
  out.kind = Kind::constant;
  const duckdb::Value& value = node.value;
  if (value.IsNull()) {
    out.text = "NULL";
    return out;
  }
  switch (value.type().id()) {
    case Id::BOOLEAN: out.constant_type = Literal::boolean; break;
    case Id::TINYINT: case Id::SMALLINT: case Id::INTEGER: case Id::BIGINT: case Id::HUGEINT: case Id::UTINYINT:
    case Id::USMALLINT: case Id::UINTEGER: case Id::UBIGINT: case Id::UHUGEINT: out.constant_type = Literal::integer; break;
    case Id::DECIMAL: out.constant_type = Literal::decimal; break;
    case Id::FLOAT: case Id::DOUBLE: out.constant_type = Literal::floating; break;
    case Id::VARCHAR: out.constant_type = Literal::text; break;
    default: return refuse("S1", "a constant of a type that is not understood", out.offset);
  }
  out.text = value.ToSQLString();
  return out;
}

Checked<Expression> Converter::comparison(const duckdb::ComparisonExpression& node, Expression out, std::size_t depth) {
  using Node = duckdb::ExpressionType;
  out.kind = Kind::operation;
  switch (node.type) {
    case Node::COMPARE_EQUAL: out.text = "="; break;
    case Node::COMPARE_NOTEQUAL: out.text = "<>"; break;
    case Node::COMPARE_LESSTHAN: out.text = "<"; break;
    case Node::COMPARE_GREATERTHAN: out.text = ">"; break;
    case Node::COMPARE_LESSTHANOREQUALTO: out.text = "<="; break;
    case Node::COMPARE_GREATERTHANOREQUALTO: out.text = ">="; break;
    case Node::COMPARE_DISTINCT_FROM: out.text = "DISTINCT"; break;
    case Node::COMPARE_NOT_DISTINCT_FROM: out.text = "NOT_DISTINCT"; break;
    default: return refuse("S1", "a comparison that is not understood", out.offset);
  }
  REDOUBT_ALLOW(auto left, expression(*node.left, depth + 1));
  REDOUBT_ALLOW(auto right, expression(*node.right, depth + 1));
  out.children.push_back(std::move(left));
  out.children.push_back(std::move(right));
  return out;
}

Checked<Expression> Converter::operation(const duckdb::OperatorExpression& node, Expression out, std::size_t depth) {
  using Node = duckdb::ExpressionType;
  out.kind = Kind::operation;
  switch (node.type) {
    case Node::OPERATOR_NOT: out.text = "NOT"; break;
    case Node::OPERATOR_IS_NULL: out.text = "IS_NULL"; break;
    case Node::OPERATOR_IS_NOT_NULL: out.text = "IS_NOT_NULL"; break;
    case Node::COMPARE_IN: out.text = "IN"; break;
    case Node::COMPARE_NOT_IN: out.text = "NOT_IN"; break;
    case Node::OPERATOR_COALESCE: out.text = "COALESCE"; break;
    case Node::GROUPING_FUNCTION: out.text = "GROUPING"; break;
    case Node::ARRAY_CONSTRUCTOR: out.text = "LIST"; break;
    case Node::ARRAY_EXTRACT: out.text = "ELEMENT"; break;
    case Node::ARRAY_SLICE: case Node::STRUCT_EXTRACT:
      return refuse("S1", "structs and slices are not row expressions", out.offset);
    default: return refuse("S1", "an operator that is not understood", out.offset);
  }
  REDOUBT_ALLOW_ALL(append(out, node.children, depth));
  const bool unary = out.text == "NOT" || out.text.starts_with("IS_");
  const bool listed = out.text == "IN" || out.text == "NOT_IN";
  if ((unary && out.children.size() != 1) || (listed && out.children.size() < 2) || (out.children.empty() && out.text != "LIST") ||
      (out.text == "ELEMENT" && out.children.size() != 2)) {
    return refuse("S1", "an operator with an unexpected number of operands", out.offset);
  }
  return out;
}

Checked<Expression> Converter::function(const duckdb::FunctionExpression& node, Expression out, std::size_t depth) {
  // The parser itself writes `main` before the functions of special syntax (EXTRACT, LIKE ... ESCAPE).
  if (!node.catalog.empty() || (!node.schema.empty() && node.schema != "main")) {
    return refuse("G2", "a function qualified by a schema or catalog", out.offset);
  }
  if (node.export_state) return refuse("A2", "EXPORT_STATE gives out the state of an aggregate", out.offset);
  out.kind = Kind::function;
  out.text = lower_name(node.function_name);
  out.distinct = node.distinct;
  for (const auto& child : node.children) {
    // A named argument (f(x := 1)) carries its name as an alias.
    if (!child->alias.empty()) return refuse("S1", "a named argument", out.offset);
  }
  REDOUBT_ALLOW_ALL(append(out, node.children, depth));
  if (node.filter) {
    REDOUBT_ALLOW(auto filter, expression(*node.filter, depth + 1));
    out.filter.push_back(std::move(filter));
  }
  if (node.order_bys && !node.order_bys->orders.empty()) {
    REDOUBT_ALLOW(out.order_by, order(node.order_bys->orders, depth + 1));
  }
  return out;
}

Checked<Expression> Converter::star(const duckdb::StarExpression& node, Expression out, std::size_t depth) {
  if (node.columns || node.expr) return refuse("S12", "COLUMNS(...) hides which columns are used", out.offset);
  if (!node.rename_list.empty()) return refuse("S12", "RENAME inside a star; name the columns", out.offset);
  out.kind = Kind::star;
  out.text = node.relation_name;
  for (const auto& excluded : node.exclude_list) {
    if (!excluded.catalog.empty() || !excluded.schema.empty() || !excluded.table.empty()) {
      return refuse("S12", "EXCLUDE takes plain column names", out.offset);
    }
    out.path.push_back(excluded.column);
  }
  for (const auto& [name, replacement] : node.replace_list) {
    REDOUBT_ALLOW(auto converted, expression(*replacement, depth + 1));
    converted.alias = name;
    out.children.push_back(std::move(converted));
  }
  return out;
}

Checked<Expression> Converter::subquery(const duckdb::SubqueryExpression& node, Expression out, std::size_t depth) {
  out.kind = Kind::subquery;
  bool negated = false;
  switch (node.subquery_type) {
    case duckdb::SubqueryType::SCALAR: out.text = "SCALAR"; break;
    case duckdb::SubqueryType::NOT_EXISTS: negated = true; out.text = "EXISTS"; break;
    case duckdb::SubqueryType::EXISTS: out.text = "EXISTS"; break;
    case duckdb::SubqueryType::ANY: {
      if (node.comparison_type != duckdb::ExpressionType::COMPARE_EQUAL || !node.child) {
        return refuse("S4", "ANY and ALL compare with every row of a subquery", out.offset);
      }
      out.text = "IN";
      REDOUBT_ALLOW(auto child, expression(*node.child, depth + 1));
      out.children.push_back(std::move(child));
      break;
    }
    default: return refuse("S4", "a subquery that is not understood", out.offset);
  }
  REDOUBT_ALLOW(out.query, nested(*node.subquery->node, depth + 1));
  if (!negated) return out;
  Expression inverted;
  inverted.kind = Kind::operation;
  inverted.text = "NOT";
  inverted.offset = out.offset;
  inverted.alias = std::exchange(out.alias, {});
  inverted.children.push_back(std::move(out));
  return inverted;
}

// frame prints the frame of a window and keeps its bounds. They are constants: a bound taken from a column could reach out of the frame.
Checked<std::string> Converter::frame(const duckdb::WindowExpression& node, std::size_t offset, std::vector<Expression>& bounds) {
  using Bound = duckdb::WindowBoundary;
  const auto units = [](Bound bound) -> std::string {
    switch (bound) {
      case Bound::CURRENT_ROW_ROWS: case Bound::EXPR_PRECEDING_ROWS: case Bound::EXPR_FOLLOWING_ROWS: return "ROWS";
      case Bound::CURRENT_ROW_GROUPS: case Bound::EXPR_PRECEDING_GROUPS: case Bound::EXPR_FOLLOWING_GROUPS: return "GROUPS";
      case Bound::CURRENT_ROW_RANGE: case Bound::EXPR_PRECEDING_RANGE: case Bound::EXPR_FOLLOWING_RANGE: return "RANGE";
      default: return "";
    }
  };
  const auto side = [&](Bound bound, const duckdb::unique_ptr<duckdb::ParsedExpression>& bound_expression) -> Checked<std::string> {
    switch (bound) {
      case Bound::UNBOUNDED_PRECEDING: return std::string("UNBOUNDED PRECEDING");
      case Bound::UNBOUNDED_FOLLOWING: return std::string("UNBOUNDED FOLLOWING");
      case Bound::CURRENT_ROW_RANGE: case Bound::CURRENT_ROW_ROWS: case Bound::CURRENT_ROW_GROUPS: return std::string("CURRENT ROW");
      case Bound::INVALID: return refuse("S5", "a window frame that is not understood", offset);
      default: break;
    }
    if (!bound_expression) return refuse("S5", "a window frame that is not understood", offset);
    REDOUBT_ALLOW(const auto converted, expression(*bound_expression, 1));
    if (!is_row_constant(converted)) return refuse("S5", "the bounds of a window frame are constants", converted.offset);
    bounds.push_back(converted);
    const bool before = bound == Bound::EXPR_PRECEDING_ROWS || bound == Bound::EXPR_PRECEDING_RANGE || bound == Bound::EXPR_PRECEDING_GROUPS;
    return print(converted, {}) + (before ? " PRECEDING" : " FOLLOWING");
  };
  REDOUBT_ALLOW(const std::string start, side(node.start, node.start_expr));
  REDOUBT_ALLOW(const std::string end, side(node.end, node.end_expr));
  std::string unit = units(node.start).empty() ? units(node.end) : units(node.start);
  if (unit.empty()) unit = "ROWS";
  std::string out = unit + " BETWEEN " + start + " AND " + end;
  switch (node.exclude_clause) {
    case duckdb::WindowExcludeMode::NO_OTHER: return out;
    case duckdb::WindowExcludeMode::CURRENT_ROW: return out + " EXCLUDE CURRENT ROW";
    case duckdb::WindowExcludeMode::GROUP: return out + " EXCLUDE GROUP";
    case duckdb::WindowExcludeMode::TIES: return out + " EXCLUDE TIES";
  }
  return refuse("S5", "a window frame that is not understood", offset);
}

Checked<Expression> Converter::window(const duckdb::WindowExpression& node, Expression out, std::size_t depth) {
  if (!node.catalog.empty() || (!node.schema.empty() && node.schema != "main")) {
    return refuse("G2", "a function qualified by a schema or catalog", out.offset);
  }
  out.kind = Kind::window;
  out.text = lower_name(node.function_name);
  out.distinct = node.distinct;
  out.ignore_nulls = node.ignore_nulls;
  REDOUBT_ALLOW_ALL(append(out, node.children, depth));
  for (const auto* part : {&node.offset_expr, &node.default_expr}) {
    if (!*part) continue;
    REDOUBT_ALLOW(auto converted, expression(**part, depth + 1));
    out.children.push_back(std::move(converted));
  }
  for (const auto& partition : node.partitions) {
    REDOUBT_ALLOW(auto converted, expression(*partition, depth + 1));
    out.partitions.push_back(std::move(converted));
  }
  if (node.filter_expr) {
    REDOUBT_ALLOW(auto converted, expression(*node.filter_expr, depth + 1));
    out.filter.push_back(std::move(converted));
  }
  REDOUBT_ALLOW(out.window_order, order(node.orders, depth + 1));
  REDOUBT_ALLOW(out.order_by, order(node.arg_orders, depth + 1));
  REDOUBT_ALLOW(out.frame, frame(node, out.offset, out.bounds));
  return out;
}

Checked<Expression> Converter::expression(const duckdb::ParsedExpression& node, std::size_t depth) {
  using Class = duckdb::ExpressionClass;
  Expression out;
  out.offset = offset_of(node);
  out.alias = node.alias;
  REDOUBT_ALLOW_ALL(count(out.offset, depth));
  switch (node.expression_class) {
    case Class::CONSTANT: return constant(node.Cast<duckdb::ConstantExpression>(), std::move(out));
    case Class::COMPARISON: return comparison(node.Cast<duckdb::ComparisonExpression>(), std::move(out), depth);
    case Class::OPERATOR: return operation(node.Cast<duckdb::OperatorExpression>(), std::move(out), depth);
    case Class::FUNCTION: return function(node.Cast<duckdb::FunctionExpression>(), std::move(out), depth);
    case Class::STAR: return star(node.Cast<duckdb::StarExpression>(), std::move(out), depth);
    case Class::COLUMN_REF: {
      const auto& names = node.Cast<duckdb::ColumnRefExpression>().column_names;
      if (names.empty() || names.size() > 2) return refuse("G2", "a column qualified by more than its dataset", out.offset);
      out.kind = Kind::column;
      out.path.assign(names.begin(), names.end());
      return out;
    }
    case Class::CONJUNCTION: {
      out.kind = Kind::operation;
      const bool both = node.type == duckdb::ExpressionType::CONJUNCTION_AND;
      if (!both && node.type != duckdb::ExpressionType::CONJUNCTION_OR) return refuse("S1", "a conjunction that is not understood");
      out.text = both ? "AND" : "OR";
      REDOUBT_ALLOW_ALL(append(out, node.Cast<duckdb::ConjunctionExpression>().children, depth));
      return out;
    }
    case Class::BETWEEN: {
      const auto& between = node.Cast<duckdb::BetweenExpression>();
      out.kind = Kind::operation;
      out.text = "BETWEEN";
      for (const auto* part : {&between.input, &between.lower, &between.upper}) {
        REDOUBT_ALLOW(auto converted, expression(**part, depth + 1));
        out.children.push_back(std::move(converted));
      }
      return out;
    }
    case Class::CAST: {
      const auto& cast = node.Cast<duckdb::CastExpression>();
      const auto target = cast_target(cast.cast_type);
      if (!target) return refuse("S13", "a cast to a type other than numbers, text, boolean, dates and times", out.offset);
      out.kind = Kind::cast;
      out.text = *target;
      REDOUBT_ALLOW(auto child, expression(*cast.child, depth + 1));
      out.children.push_back(std::move(child));
      return out;
    }
    case Class::CASE: {
      const auto& cases = node.Cast<duckdb::CaseExpression>();
      out.kind = Kind::case_when;
      for (const auto& check : cases.case_checks) {
        REDOUBT_ALLOW(auto when, expression(*check.when_expr, depth + 1));
        REDOUBT_ALLOW(auto then, expression(*check.then_expr, depth + 1));
        out.children.push_back(std::move(when));
        out.children.push_back(std::move(then));
      }
      REDOUBT_ALLOW(auto otherwise, expression(*cases.else_expr, depth + 1));
      out.children.push_back(std::move(otherwise));
      return out;
    }
    case Class::SUBQUERY: return subquery(node.Cast<duckdb::SubqueryExpression>(), std::move(out), depth);
    case Class::WINDOW: return window(node.Cast<duckdb::WindowExpression>(), std::move(out), depth);
    case Class::PARAMETER: return refuse("G4", "a parameter; write the value into the text", out.offset);
    case Class::COLLATE: return refuse("S1", "a collation is no row expression", out.offset);
    case Class::LAMBDA: case Class::LAMBDA_REF: return refuse("S1", "a lambda is no row expression", out.offset);
    case Class::POSITIONAL_REFERENCE: return refuse("S1", "a positional reference (#1); name the column", out.offset);
    case Class::DEFAULT: return refuse("G1", "DEFAULT belongs to INSERT", out.offset);
    default: return refuse("S1", "an expression that is not understood", out.offset);
  }
}

}  // namespace redoubt::sql
