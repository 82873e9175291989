// Statements, blocks and relations of the engine's syntax tree.
#include "engines/sql/sql_ast.h"

#include <duckdb/common/exception.hpp>
#include <duckdb/parser/parsed_data/sample_options.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/parser/statement/select_statement.hpp>

#include <charconv>
#include <optional>

#include "engines/sql/schema.h"
#include "engines/sql/sql_ast_converter.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

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

}  // namespace

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
  using Kept = duckdb::JoinType;
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
    case Kept::INNER: out.join = From::Join::inner; break;
    case Kept::LEFT: out.join = From::Join::left; break;
    case Kept::RIGHT: out.join = From::Join::right; break;
    case Kept::OUTER: out.join = From::Join::full; break;
    case Kept::SEMI: out.join = From::Join::semi; break;
    case Kept::ANTI: out.join = From::Join::anti; break;
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
  using Reference = duckdb::TableReferenceType;
  const std::size_t offset = offset_of(node);
  REDOUBT_ALLOW_ALL(count(offset, depth));
  if (node.sample) return refuse("G4", "a sample gives another answer each time", offset);
  switch (node.type) {
    case Reference::BASE_TABLE: return dataset(node.Cast<duckdb::BaseTableRef>());
    case Reference::JOIN: return join(node.Cast<duckdb::JoinRef>(), depth);
    case Reference::SUBQUERY: return refuse("G2", "a subquery in FROM is not in this release", offset);
    case Reference::EXPRESSION_LIST: return refuse("G2", "a VALUES list is not in this release", offset);
    case Reference::EMPTY_FROM: return refuse("A1", "a query over no dataset is not in this release", offset);
    case Reference::TABLE_FUNCTION: return refuse("G2", "a table function; datasets are named plainly", offset);
    case Reference::PIVOT: return refuse("G4", "PIVOT and UNPIVOT", offset);
    case Reference::SHOW_REF: return refuse("G1", "SUMMARIZE, DESCRIBE and SHOW are no queries", offset);
    default: return refuse("G2", "a relation that is not understood", offset);
  }
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

namespace {

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
