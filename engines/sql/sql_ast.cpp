// Statements, blocks and relations of the engine's syntax tree.
#include "engines/sql/sql_ast.h"

#include <duckdb/common/exception.hpp>
#include <duckdb/parser/parsed_data/sample_options.hpp>
#include <duckdb/parser/parser.hpp>

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

Checked<std::vector<OrderItem>> Converter::order(const duckdb::vector<duckdb::OrderByNode>& orders, std::size_t depth) {
  std::vector<OrderItem> items;
  for (const auto& order : orders) {
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
  out.name = node.table_name;
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
    case Reference::SUBQUERY: {
      const auto& subquery = node.Cast<duckdb::SubqueryRef>();
      From out;
      out.source = From::Source::subquery;
      out.offset = offset;
      out.alias = subquery.alias;
      out.column_aliases.assign(subquery.column_name_alias.begin(), subquery.column_name_alias.end());
      REDOUBT_ALLOW(out.query, nested(*subquery.subquery->node, depth + 1));
      return out;
    }
    case Reference::EXPRESSION_LIST: return values(node.Cast<duckdb::ExpressionListRef>(), depth);
    case Reference::EMPTY_FROM: {
      From out;
      out.source = From::Source::nothing;
      out.offset = offset;
      return out;
    }
    case Reference::TABLE_FUNCTION: return refuse("G2", "a table function; datasets are named plainly", offset);
    case Reference::PIVOT: return refuse("G4", "PIVOT and UNPIVOT", offset);
    case Reference::SHOW_REF: return refuse("G1", "SUMMARIZE, DESCRIBE and SHOW are no queries", offset);
    default: return refuse("G2", "a relation that is not understood", offset);
  }
}

Checked<From> Converter::values(const duckdb::ExpressionListRef& node, std::size_t depth) {
  From out;
  out.source = From::Source::values;
  out.offset = offset_of(node);
  out.alias = node.alias;
  out.column_aliases.assign(node.column_name_alias.begin(), node.column_name_alias.end());
  for (const auto& row : node.values) {
    auto& items = out.values.emplace_back();
    for (const auto& item : row) {
      REDOUBT_ALLOW(auto converted, expression(*item, depth + 1));
      items.push_back(std::move(converted));
    }
    if (items.empty() || items.size() != out.values[0].size()) return refuse("G5", "VALUES rows of different lengths", out.offset);
  }
  if (out.values.empty()) return refuse("G5", "an empty VALUES list", out.offset);
  return out;
}

Checked<Modifiers> Converter::modifiers(const duckdb::QueryNode& node, std::size_t depth) {
  Modifiers out;
  for (const auto& modifier : node.modifiers) {
    switch (modifier->type) {
      case duckdb::ResultModifierType::ORDER_MODIFIER: {
        const auto& orders = modifier->Cast<duckdb::OrderModifier>().orders;
        if (orders.size() == 1 && is_all(*orders[0].expression)) {
          out.order_by_all = true;
          out.order_by_all_descending = orders[0].type == duckdb::OrderType::DESCENDING;
        } else {
          REDOUBT_ALLOW(out.order_by, order(orders, depth));
        }
        break;
      }
      case duckdb::ResultModifierType::DISTINCT_MODIFIER:
        out.distinct = true;
        for (const auto& target : modifier->Cast<duckdb::DistinctModifier>().distinct_on_targets) {
          REDOUBT_ALLOW(auto converted, expression(*target, depth + 1));
          out.distinct_on.push_back(std::move(converted));
        }
        break;
      case duckdb::ResultModifierType::LIMIT_MODIFIER: {
        const auto& limit = modifier->Cast<duckdb::LimitModifier>();
        for (const auto* part : {&limit.limit, &limit.offset}) {
          if (!*part) continue;
          REDOUBT_ALLOW(auto converted, expression(**part, depth + 1));
          if (converted.is_null()) continue;
          const auto number = whole_number(converted);
          if (!number) return refuse("S10", "LIMIT and OFFSET take a whole number", converted.offset);
          (part == &limit.limit ? out.limit : out.offset_rows) = *number;
          out.limit_offset = converted.offset;
          if (part == &limit.limit) out.limited = true;
        }
        break;
      }
      default: return refuse("S10", "LIMIT by percent; write a number of rows");
    }
  }
  return out;
}

Checked<std::shared_ptr<const Query>> Converter::nested(const duckdb::QueryNode& node, std::size_t depth) {
  REDOUBT_ALLOW(auto converted, query(node, depth + 1));
  return std::make_shared<const Query>(std::move(converted));
}

Allowed Converter::named(const std::string& name, const duckdb::vector<std::string>& aliases, const duckdb::QueryNode& node,
                         std::size_t depth, Query& out) {
  Query::Named named;
  named.name = name;
  named.column_aliases.assign(aliases.begin(), aliases.end());
  REDOUBT_ALLOW(named.query, nested(node, depth));
  out.with.push_back(std::move(named));
  return std::monostate();
}

Checked<Query> Converter::query(const duckdb::QueryNode& node, std::size_t depth) {
  REDOUBT_ALLOW_ALL(count(0, depth));
  Query out;
  for (const auto& entry : node.cte_map.map) {
    if (!entry.second->key_targets.empty()) return refuse("G4", "WITH RECURSIVE ... USING KEY");
    if (entry.second->query->node->type == duckdb::QueryNodeType::RECURSIVE_CTE_NODE) return refuse("G4", "WITH RECURSIVE");
    REDOUBT_ALLOW_ALL(named(entry.first, entry.second->aliases, *entry.second->query->node, depth, out));
  }
  switch (node.type) {
    case duckdb::QueryNodeType::SELECT_NODE: {
      REDOUBT_ALLOW(auto converted, block(node.Cast<duckdb::SelectNode>(), depth));
      out.offset = converted.offset;
      out.block.push_back(std::move(converted));
      return out;
    }
    case duckdb::QueryNodeType::SET_OPERATION_NODE: {
      const auto& operation = node.Cast<duckdb::SetOperationNode>();
      SetOperation converted;
      switch (operation.setop_type) {
        case duckdb::SetOperationType::UNION: converted.words = "UNION"; break;
        case duckdb::SetOperationType::UNION_BY_NAME: converted.words = "UNION"; break;
        case duckdb::SetOperationType::EXCEPT: converted.words = "EXCEPT"; break;
        case duckdb::SetOperationType::INTERSECT: converted.words = "INTERSECT"; break;
        default: return refuse("S9", "a set operation that is not understood");
      }
      if (operation.setop_all) converted.words += " ALL";
      if (operation.setop_type == duckdb::SetOperationType::UNION_BY_NAME) converted.words += " BY NAME";
      for (const auto* side : {&operation.left, &operation.right}) {
        REDOUBT_ALLOW(auto child, query(**side, depth + 1));
        converted.sides.push_back(std::move(child));
      }
      REDOUBT_ALLOW(converted.modifiers, modifiers(node, depth));
      out.offset = converted.sides[0].offset;
      out.operation.push_back(std::move(converted));
      return out;
    }
    case duckdb::QueryNodeType::CTE_NODE: {
      const auto& cte = node.Cast<duckdb::CTENode>();
      REDOUBT_ALLOW_ALL(named(cte.ctename, cte.aliases, *cte.query, depth, out));
      REDOUBT_ALLOW(Query rest, query(*cte.child, depth + 1));
      out.with.insert(out.with.end(), rest.with.begin(), rest.with.end());
      rest.with = std::move(out.with);
      return rest;
    }
    case duckdb::QueryNodeType::RECURSIVE_CTE_NODE: return refuse("G4", "WITH RECURSIVE");
    default: return refuse("G1", "a query that is not understood");
  }
}

Checked<Block> Converter::block(const duckdb::SelectNode& node, std::size_t depth) {
  if (node.sample) return refuse("G4", "a sample gives another answer each time");
  Block out;
  REDOUBT_ALLOW(out.from, from(*node.from_table, depth + 1));
  for (const auto& item : node.select_list) {
    REDOUBT_ALLOW(auto converted, expression(*item, depth + 1));
    out.items.push_back(std::move(converted));
    out.names.push_back(item->GetName());
  }
  if (out.items.empty()) return refuse("G5", "a query without columns");
  out.offset = out.items[0].offset;
  if (node.where_clause) {
    REDOUBT_ALLOW(auto where, expression(*node.where_clause, depth + 1));
    out.where.push_back(std::move(where));
  }
  REDOUBT_ALLOW_ALL(grouping(node, out, depth));
  for (const auto& [from, to] : {std::pair(&node.having, &out.having), std::pair(&node.qualify, &out.qualify)}) {
    if (!*from) continue;
    REDOUBT_ALLOW(auto converted, expression(**from, depth + 1));
    to->push_back(std::move(converted));
  }
  REDOUBT_ALLOW(out.modifiers, modifiers(node, depth));
  return out;
}

Allowed Converter::grouping(const duckdb::SelectNode& node, Block& out, std::size_t depth) {
  for (const auto& group : node.groups.group_expressions) {
    REDOUBT_ALLOW(auto converted, expression(*group, depth + 1));
    out.group_by.push_back(std::move(converted));
  }
  // GROUPING SETS ((a)) of fewer keys than are written, or GROUP BY (): one set that is not the whole list.
  const auto& sets = node.groups.grouping_sets;
  if (sets.size() > 1 || (sets.size() == 1 && sets[0].size() != out.group_by.size())) {
    if (sets.size() > 256) return refuse("S8", "more than 256 grouping sets");
    for (const auto& set : sets) out.grouping_sets.emplace_back(set.begin(), set.end());
  }
  switch (node.aggregate_handling) {
    case duckdb::AggregateHandling::STANDARD_HANDLING: break;
    case duckdb::AggregateHandling::FORCE_AGGREGATES: out.group_by_all = true; break;
    default: return refuse("G5", "a way of grouping that is not understood");
  }
  return std::monostate();
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

// recursive_at finds WITH RECURSIVE, which leaves no trace in the tree when no query names itself.
std::optional<std::size_t> recursive_at(std::string_view text) {
  bool after_with = false;
  for (const auto& token : duckdb::Parser::Tokenize(std::string(text))) {
    if (token.type == duckdb::SimplifiedTokenType::SIMPLIFIED_TOKEN_COMMENT) continue;
    const auto starts = [&](std::string_view word) { return equal_names(text.substr(token.start, word.size()), word); };
    if (after_with && token.type != duckdb::SimplifiedTokenType::SIMPLIFIED_TOKEN_STRING_CONSTANT && starts("recursive")) return token.start;
    after_with = token.type == duckdb::SimplifiedTokenType::SIMPLIFIED_TOKEN_KEYWORD && starts("with");
  }
  return std::nullopt;
}

// pivot_at finds a PIVOT or UNPIVOT that is the whole statement: the parser makes several statements of one whose values are not listed.
std::optional<std::size_t> pivot_at(std::string_view text) {
  bool first = true;
  for (const auto& token : duckdb::Parser::Tokenize(std::string(text))) {
    if (token.type == duckdb::SimplifiedTokenType::SIMPLIFIED_TOKEN_COMMENT) continue;
    const auto starts = [&](std::string_view word) { return equal_names(text.substr(token.start, word.size()), word); };
    if (token.type == duckdb::SimplifiedTokenType::SIMPLIFIED_TOKEN_KEYWORD && (starts("pivot") || starts("unpivot"))) return token.start;
    if (first && !starts("with")) return std::nullopt;
    first = false;
  }
  return std::nullopt;
}

Checked<std::unique_ptr<duckdb::SelectStatement>> parse_unguarded(std::string_view text) {
  duckdb::ParserOptions options;
  options.max_expression_depth = 200;
  duckdb::Parser parser(options);
  parser.ParseQuery(std::string(text));
  const bool one_query = parser.statements.size() == 1 && parser.statements[0]->type == duckdb::StatementType::SELECT_STATEMENT;
  if (const auto pivot = one_query ? std::nullopt : pivot_at(text)) return refuse("G4", "PIVOT and UNPIVOT", *pivot);
  if (parser.statements.size() != 1) {
    return refuse("G1", "expected exactly one statement, found " + std::to_string(parser.statements.size()));
  }
  const duckdb::SQLStatement& statement = *parser.statements[0];
  if (statement.type != duckdb::StatementType::SELECT_STATEMENT) return statement_refusal(statement.type);
  if (!statement.named_param_map.empty()) return refuse("G4", "a parameter; write the value into the text");
  if (const auto recursive = recursive_at(text)) return refuse("G4", "WITH RECURSIVE", *recursive);
  return std::unique_ptr<duckdb::SelectStatement>(&parser.statements[0].release()->Cast<duckdb::SelectStatement>());
}

}  // namespace

Checked<std::unique_ptr<duckdb::SelectStatement>> parse_statement(std::string_view text) {
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

Checked<Query> parse_query(std::string_view text) {
  REDOUBT_ALLOW(const auto statement, parse_statement(text));
  try {
    return Converter().query(*statement->node);
  } catch (const std::exception& e) {
    return parse_error(duckdb::ErrorData(e));
  }
}

}  // namespace redoubt::sql
