#include "engines/sql/sql_ast.h"

#include <duckdb.hpp>
#include <duckdb/common/exception.hpp>
#include <duckdb/parser/expression/list.hpp>
#include <duckdb/parser/parsed_data/sample_options.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/parser/query_node/list.hpp>
#include <duckdb/parser/result_modifier.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/parser/tableref/list.hpp>

#include <charconv>
#include <optional>

#include "engines/sql/schema.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

Refusal refuse(const char* rule, std::string message, std::size_t offset = 0, std::string suggestion = {}) {
  return Refusal{rule, std::move(message), offset, std::move(suggestion)};
}

template <class Node>
std::size_t offset_of(const Node& node) {
  return node.query_location.IsValid() ? static_cast<std::size_t>(node.query_location.GetIndex()) : 0;
}

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

// Converter turns the engine's tree into ours, counting nodes so that everything after it is bounded.
class Converter {
 public:
  Checked<Expression> expression(const duckdb::ParsedExpression& node, std::size_t depth = 0);
  Checked<From> from(const duckdb::TableRef& node, std::size_t depth = 0);
  Checked<std::vector<OrderItem>> order(const duckdb::OrderModifier& modifier, std::size_t depth);
  Checked<Block> block(const duckdb::SelectNode& node);

 private:
  using Children = duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>>;

  Allowed count(std::size_t offset, std::size_t depth) {
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes) {
      return refuse("G5", "the query is nested or long beyond what is checked", offset);
    }
    return std::monostate();
  }
  Allowed append(Expression& to, const Children& children, std::size_t depth) {
    for (const auto& child : children) {
      REDOUBT_ALLOW(auto converted, expression(*child, depth + 1));
      to.children.push_back(std::move(converted));
    }
    return std::monostate();
  }
  Checked<Expression> constant(const duckdb::ConstantExpression& node, Expression out);
  Checked<Expression> operation(const duckdb::OperatorExpression& node, Expression out, std::size_t depth);
  Checked<Expression> comparison(const duckdb::ComparisonExpression& node, Expression out, std::size_t depth);
  Checked<Expression> function(const duckdb::FunctionExpression& node, Expression out, std::size_t depth);
  Checked<Expression> star(const duckdb::StarExpression& node, Expression out);
  Checked<From> dataset(const duckdb::BaseTableRef& node);
  Checked<From> join(const duckdb::JoinRef& node, std::size_t depth);
  Allowed modifiers(const duckdb::SelectNode& node, Block& block);

  std::size_t nodes_ = 0;
};

Checked<Expression> Converter::constant(const duckdb::ConstantExpression& node, Expression out) {
  using Id = duckdb::LogicalTypeId;
  using Type = Expression::ConstantType;
  out.kind = Kind::constant;
  const duckdb::Value& value = node.value;
  if (value.IsNull()) {
    out.text = "NULL";
    return out;
  }
  switch (value.type().id()) {
    case Id::BOOLEAN: out.constant_type = Type::boolean; break;
    case Id::TINYINT: case Id::SMALLINT: case Id::INTEGER: case Id::BIGINT: case Id::HUGEINT: case Id::UTINYINT:
    case Id::USMALLINT: case Id::UINTEGER: case Id::UBIGINT: case Id::UHUGEINT: out.constant_type = Type::integer; break;
    case Id::DECIMAL: out.constant_type = Type::decimal; break;
    case Id::FLOAT: case Id::DOUBLE: out.constant_type = Type::floating; break;
    case Id::VARCHAR: out.constant_type = Type::text; break;
    default: return refuse("S1", "a constant of a type that is not understood", out.offset);
  }
  out.text = value.ToSQLString();
  return out;
}

Checked<Expression> Converter::comparison(const duckdb::ComparisonExpression& node, Expression out, std::size_t depth) {
  using Type = duckdb::ExpressionType;
  out.kind = Kind::operation;
  switch (node.type) {
    case Type::COMPARE_EQUAL: out.text = "="; break;
    case Type::COMPARE_NOTEQUAL: out.text = "<>"; break;
    case Type::COMPARE_LESSTHAN: out.text = "<"; break;
    case Type::COMPARE_GREATERTHAN: out.text = ">"; break;
    case Type::COMPARE_LESSTHANOREQUALTO: out.text = "<="; break;
    case Type::COMPARE_GREATERTHANOREQUALTO: out.text = ">="; break;
    case Type::COMPARE_DISTINCT_FROM: out.text = "DISTINCT"; break;
    case Type::COMPARE_NOT_DISTINCT_FROM: out.text = "NOT_DISTINCT"; break;
    default: return refuse("S1", "a comparison that is not understood", out.offset);
  }
  REDOUBT_ALLOW(auto left, expression(*node.left, depth + 1));
  REDOUBT_ALLOW(auto right, expression(*node.right, depth + 1));
  out.children.push_back(std::move(left));
  out.children.push_back(std::move(right));
  return out;
}

Checked<Expression> Converter::operation(const duckdb::OperatorExpression& node, Expression out, std::size_t depth) {
  using Type = duckdb::ExpressionType;
  out.kind = Kind::operation;
  switch (node.type) {
    case Type::OPERATOR_NOT: out.text = "NOT"; break;
    case Type::OPERATOR_IS_NULL: out.text = "IS_NULL"; break;
    case Type::OPERATOR_IS_NOT_NULL: out.text = "IS_NOT_NULL"; break;
    case Type::COMPARE_IN: out.text = "IN"; break;
    case Type::COMPARE_NOT_IN: out.text = "NOT_IN"; break;
    case Type::OPERATOR_COALESCE: out.text = "COALESCE"; break;
    case Type::GROUPING_FUNCTION: return refuse("S8", "GROUPING is for grouping sets, which are not released", out.offset);
    case Type::ARRAY_EXTRACT: case Type::ARRAY_SLICE: case Type::STRUCT_EXTRACT: case Type::ARRAY_CONSTRUCTOR:
      return refuse("S1", "lists, structs and subscripts are not row expressions", out.offset);
    default: return refuse("S1", "an operator that is not understood", out.offset);
  }
  REDOUBT_ALLOW_ALL(append(out, node.children, depth));
  const bool unary = out.text == "NOT" || out.text.starts_with("IS_");
  const bool listed = out.text == "IN" || out.text == "NOT_IN";
  if ((unary && out.children.size() != 1) || (listed && out.children.size() < 2) || out.children.empty()) {
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
    REDOUBT_ALLOW(out.order_by, order(*node.order_bys, depth + 1));
  }
  return out;
}

Checked<Expression> Converter::star(const duckdb::StarExpression& node, Expression out) {
  if (node.columns || node.expr) return refuse("S12", "COLUMNS(...) hides which columns are used", out.offset);
  if (!node.exclude_list.empty() || !node.replace_list.empty() || !node.rename_list.empty()) {
    return refuse("S12", "EXCLUDE, REPLACE and RENAME are not in this release; name the columns", out.offset);
  }
  out.kind = Kind::star;
  out.text = node.relation_name;
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
    case Class::STAR: return star(node.Cast<duckdb::StarExpression>(), std::move(out));
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
    case Class::SUBQUERY: return refuse("S4", "a subquery inside an expression is not in this release", out.offset);
    case Class::WINDOW: return refuse("S5", "a window function is not in this release", out.offset);
    case Class::PARAMETER: return refuse("G4", "a parameter; write the value into the text", out.offset);
    case Class::COLLATE: return refuse("S1", "a collation is no row expression", out.offset);
    case Class::LAMBDA: case Class::LAMBDA_REF: return refuse("S1", "a lambda is no row expression", out.offset);
    case Class::POSITIONAL_REFERENCE: return refuse("S1", "a positional reference (#1); name the column", out.offset);
    case Class::DEFAULT: return refuse("G1", "DEFAULT belongs to INSERT", out.offset);
    default: return refuse("S1", "an expression that is not understood", out.offset);
  }
}

Checked<std::vector<OrderItem>> Converter::order(const duckdb::OrderModifier& modifier, std::size_t depth) {
  std::vector<OrderItem> items;
  for (const auto& order : modifier.orders) {
    OrderItem item;
    REDOUBT_ALLOW(item.expression, expression(*order.expression, depth + 1));
    item.descending = order.type == duckdb::OrderType::DESCENDING;
    // DuckDB's default is NULLS LAST for both directions; it is written out, so that no setting decides.
    item.nulls_first = order.null_order == duckdb::OrderByNullType::NULLS_FIRST;
    items.push_back(std::move(item));
  }
  return items;
}

Checked<From> Converter::dataset(const duckdb::BaseTableRef& node) {
  const std::size_t offset = offset_of(node);
  if (!node.catalog_name.empty() || !node.schema_name.empty()) {
    return refuse("G2", "a dataset qualified by a schema or catalog; use its plain name", offset);
  }
  if (node.at_clause) return refuse("G2", "AT reads another version of a table", offset);
  From out;
  out.offset = offset;
  out.dataset = node.table_name;
  out.alias = node.alias.empty() ? node.table_name : node.alias;
  out.column_aliases.assign(node.column_name_alias.begin(), node.column_name_alias.end());
  return out;
}

Checked<From> Converter::join(const duckdb::JoinRef& node, std::size_t depth) {
  using Type = duckdb::JoinType;
  using Ref = duckdb::JoinRefType;
  From out;
  out.offset = offset_of(node);
  switch (node.ref_type) {
    case Ref::REGULAR: break;
    case Ref::CROSS: break;
    case Ref::POSITIONAL: return refuse("G4", "POSITIONAL JOIN pairs rows by their place", out.offset);
    case Ref::NATURAL: return refuse("S2", "NATURAL JOIN; write USING with the unit column", out.offset);
    case Ref::ASOF: return refuse("S2", "ASOF JOIN is not unit-preserving", out.offset);
    default: return refuse("S2", "a join that is not understood", out.offset);
  }
  switch (node.type) {
    case Type::INNER: out.join = From::Join::inner; break;
    case Type::LEFT: out.join = From::Join::left; break;
    case Type::RIGHT: out.join = From::Join::right; break;
    case Type::OUTER: out.join = From::Join::full; break;
    case Type::SEMI: out.join = From::Join::semi; break;
    case Type::ANTI: out.join = From::Join::anti; break;
    default: return refuse("S2", "a join that is not understood", out.offset);
  }
  if (node.ref_type == Ref::CROSS) out.join = From::Join::cross;
  if (!node.duplicate_eliminated_columns.empty()) return refuse("S2", "a join that is not understood", out.offset);
  if (!node.alias.empty() || !node.column_name_alias.empty()) {
    return refuse("G2", "an alias for a whole join; name its datasets", out.offset);
  }
  for (const auto* side : {&node.left, &node.right}) {
    REDOUBT_ALLOW(auto converted, from(**side, depth + 1));
    out.sides.push_back(std::move(converted));
  }
  if (node.condition) {
    REDOUBT_ALLOW(auto condition, expression(*node.condition, depth + 1));
    out.on.push_back(std::move(condition));
  }
  out.using_columns.assign(node.using_columns.begin(), node.using_columns.end());
  return out;
}

Checked<From> Converter::from(const duckdb::TableRef& node, std::size_t depth) {
  using Type = duckdb::TableReferenceType;
  const std::size_t offset = offset_of(node);
  REDOUBT_ALLOW_ALL(count(offset, depth));
  if (node.sample) return refuse("G4", "a sample gives another answer each time", offset);
  switch (node.type) {
    case Type::BASE_TABLE: return dataset(node.Cast<duckdb::BaseTableRef>());
    case Type::JOIN: return join(node.Cast<duckdb::JoinRef>(), depth);
    case Type::SUBQUERY: return refuse("G2", "a subquery in FROM is not in this release", offset);
    case Type::EXPRESSION_LIST: return refuse("G2", "a VALUES list is not in this release", offset);
    case Type::EMPTY_FROM: return refuse("A1", "a query over no dataset is not in this release", offset);
    case Type::TABLE_FUNCTION: return refuse("G2", "a table function; datasets are named plainly", offset);
    case Type::PIVOT: return refuse("G4", "PIVOT and UNPIVOT", offset);
    case Type::SHOW_REF: return refuse("G1", "SUMMARIZE, DESCRIBE and SHOW are no queries", offset);
    default: return refuse("G2", "a relation that is not understood", offset);
  }
}

// whole_number reads a LIMIT or OFFSET: a non-negative integer literal.
std::optional<std::uint64_t> whole_number(const Expression& expression) {
  std::uint64_t number = 0;
  if (expression.kind != Kind::constant || expression.constant_type != Expression::ConstantType::integer) return std::nullopt;
  const char* end = expression.text.data() + expression.text.size();
  const auto parsed = std::from_chars(expression.text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

// is_all recognises ORDER BY ALL, which the parser writes as COLUMNS(*).
bool is_all(const duckdb::ParsedExpression& expression) {
  if (expression.expression_class != duckdb::ExpressionClass::STAR) return false;
  const auto& star = expression.Cast<duckdb::StarExpression>();
  return star.columns && !star.expr && star.relation_name.empty() && star.exclude_list.empty() && star.replace_list.empty() &&
         star.rename_list.empty();
}

Allowed Converter::modifiers(const duckdb::SelectNode& node, Block& block) {
  for (const auto& modifier : node.modifiers) {
    switch (modifier->type) {
      case duckdb::ResultModifierType::ORDER_MODIFIER: {
        const auto& orders = modifier->Cast<duckdb::OrderModifier>().orders;
        if (orders.size() == 1 && is_all(*orders[0].expression)) {
          block.order_by_all = true;
          block.order_by_all_descending = orders[0].type == duckdb::OrderType::DESCENDING;
        } else {
          REDOUBT_ALLOW(block.order_by, order(modifier->Cast<duckdb::OrderModifier>(), 0));
        }
        break;
      }
      case duckdb::ResultModifierType::DISTINCT_MODIFIER:
        if (!modifier->Cast<duckdb::DistinctModifier>().distinct_on_targets.empty()) {
          return refuse("S6", "DISTINCT ON picks rows");
        }
        block.distinct = true;
        break;
      case duckdb::ResultModifierType::LIMIT_MODIFIER: {
        const auto& limit = modifier->Cast<duckdb::LimitModifier>();
        for (const auto* part : {&limit.limit, &limit.offset}) {
          if (!*part) continue;
          REDOUBT_ALLOW(auto converted, expression(**part));
          const auto number = whole_number(converted);
          if (!number) return refuse("S10", "LIMIT and OFFSET take a whole number in this release", converted.offset);
          (part == &limit.limit ? block.limit : block.offset_rows) = *number;
          if (part == &limit.limit) block.limited = true;
        }
        break;
      }
      default: return refuse("S10", "LIMIT by percent is not in this release");
    }
  }
  return std::monostate();
}

Checked<Block> Converter::block(const duckdb::SelectNode& node) {
  if (!node.cte_map.map.empty()) return refuse("G2", "a common table expression (WITH) is not in this release");
  if (node.sample) return refuse("G4", "a sample gives another answer each time");
  if (node.qualify) return refuse("S5", "QUALIFY is not in this release", offset_of(*node.qualify));
  Block out;
  REDOUBT_ALLOW(out.from, from(*node.from_table));
  for (const auto& item : node.select_list) {
    REDOUBT_ALLOW(auto converted, expression(*item));
    out.items.push_back(std::move(converted));
    out.names.push_back(item->GetName());
  }
  if (node.where_clause) {
    REDOUBT_ALLOW(auto where, expression(*node.where_clause));
    out.where.push_back(std::move(where));
  }
  if (node.groups.grouping_sets.size() > 1) return refuse("S8", "ROLLUP, CUBE and GROUPING SETS are not released");
  for (const auto& group : node.groups.group_expressions) {
    REDOUBT_ALLOW(auto converted, expression(*group));
    out.group_by.push_back(std::move(converted));
  }
  // GROUPING SETS ((a)) of fewer keys than are written, or GROUP BY (): one set that is not the whole list.
  if (node.groups.grouping_sets.size() == 1 && node.groups.grouping_sets[0].size() != out.group_by.size()) {
    return refuse("S8", "ROLLUP, CUBE and GROUPING SETS are not released");
  }
  switch (node.aggregate_handling) {
    case duckdb::AggregateHandling::STANDARD_HANDLING: break;
    case duckdb::AggregateHandling::FORCE_AGGREGATES: out.group_by_all = true; break;
    default: return refuse("G5", "a way of grouping that is not understood");
  }
  if (node.having) {
    REDOUBT_ALLOW(auto having, expression(*node.having));
    out.having.push_back(std::move(having));
  }
  REDOUBT_ALLOW_ALL(modifiers(node, out));
  return out;
}

Refusal statement_refusal(duckdb::StatementType type) {
  const std::string name = duckdb::StatementTypeToString(type);
  return refuse("G1", "expected one query (SELECT), found a statement of type " + lower_name(name));
}

// parse_error turns the parser's exception into G1 with its place, when it tells one.
Refusal parse_error(const duckdb::ErrorData& error) {
  std::size_t offset = 0;
  const auto position = error.ExtraInfo().find("position");
  if (position != error.ExtraInfo().end()) {
    std::from_chars(position->second.data(), position->second.data() + position->second.size(), offset);
  }
  const std::string message = error.RawMessage();
  return refuse("G1", "not a query: " + lower_name(message.substr(0, std::min<std::size_t>(message.find('\n'), 200))), offset);
}

Checked<Block> parse_unguarded(std::string_view text) {
  duckdb::ParserOptions options;
  options.max_expression_depth = 200;
  duckdb::Parser parser(options);
  parser.ParseQuery(std::string(text));
  if (parser.statements.size() != 1) {
    return refuse("G1", "expected exactly one statement, found " + std::to_string(parser.statements.size()));
  }
  const duckdb::SQLStatement& statement = *parser.statements[0];
  if (statement.type != duckdb::StatementType::SELECT_STATEMENT) return statement_refusal(statement.type);
  if (!statement.named_param_map.empty()) return refuse("G4", "a parameter; write the value into the text");
  const duckdb::QueryNode& node = *statement.Cast<duckdb::SelectStatement>().node;
  switch (node.type) {
    case duckdb::QueryNodeType::SELECT_NODE: return Converter().block(node.Cast<duckdb::SelectNode>());
    case duckdb::QueryNodeType::SET_OPERATION_NODE: return refuse("S9", "UNION, INTERSECT and EXCEPT are not in this release");
    case duckdb::QueryNodeType::RECURSIVE_CTE_NODE: return refuse("G4", "WITH RECURSIVE");
    case duckdb::QueryNodeType::CTE_NODE: return refuse("G2", "a common table expression (WITH) is not in this release");
    default: return refuse("G1", "a query that is not understood");
  }
}

}  // namespace

Checked<Block> parse_block(std::string_view text) {
  if (text.size() > kMaxTextSize) {
    return refuse("G1", "a text of more than " + std::to_string(kMaxTextSize) + " bytes", kMaxTextSize);
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return refuse("G1", "a NUL byte; the parser would not see what follows it", nul);
  }
  try {
    return parse_unguarded(text);
  } catch (const std::exception& e) {
    return parse_error(duckdb::ErrorData(e));
  }
}

}  // namespace redoubt::sql
