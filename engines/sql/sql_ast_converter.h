// Converter: the engine's syntax tree into ours. Private to sql_ast*.cpp, the only files that know that tree; the contract is that
// of sql_ast.h: what is not listed is refused. One Converter a text, since it counts the nodes of the whole text.
#pragma once

#include <duckdb.hpp>
#include <duckdb/parser/expression/list.hpp>
#include <duckdb/parser/query_node/list.hpp>
#include <duckdb/parser/result_modifier.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/parser/tableref/list.hpp>

#include <memory>

#include "engines/sql/refusal.h"
#include "engines/sql/sql_ast.h"

namespace redoubt::sql {

template <class Node>
std::size_t offset_of(const Node& node) {
  return node.query_location.IsValid() ? static_cast<std::size_t>(node.query_location.GetIndex()) : 0;
}

// parse_statement reads exactly one query, by the engine's parser alone (G1, G4).
Checked<std::unique_ptr<duckdb::SelectStatement>> parse_statement(std::string_view text);

class Converter {
 public:
  Checked<Expression> expression(const duckdb::ParsedExpression& node, std::size_t depth = 0);
  Checked<From> from(const duckdb::TableRef& node, std::size_t depth = 0);
  Checked<std::vector<OrderItem>> order(const duckdb::vector<duckdb::OrderByNode>& orders, std::size_t depth);
  Checked<Query> query(const duckdb::QueryNode& node, std::size_t depth = 0);

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
  Checked<Expression> star(const duckdb::StarExpression& node, Expression out, std::size_t depth);
  Checked<From> dataset(const duckdb::BaseTableRef& node);
  Checked<From> join(const duckdb::JoinRef& node, std::size_t depth);
  Checked<Expression> subquery(const duckdb::SubqueryExpression& node, Expression out, std::size_t depth);
  Checked<Expression> window(const duckdb::WindowExpression& node, Expression out, std::size_t depth);
  Checked<std::string> frame(const duckdb::WindowExpression& node, std::size_t offset, std::vector<Expression>& bounds);
  Checked<From> values(const duckdb::ExpressionListRef& node, std::size_t depth);
  Checked<std::shared_ptr<const Query>> nested(const duckdb::QueryNode& node, std::size_t depth);
  Allowed named(const std::string& name, const duckdb::vector<std::string>& aliases, const duckdb::QueryNode& node, std::size_t depth, Query& out);
  Checked<Block> block(const duckdb::SelectNode& node, std::size_t depth);
  Allowed grouping(const duckdb::SelectNode& node, Block& block, std::size_t depth);
  Checked<Modifiers> modifiers(const duckdb::QueryNode& node, std::size_t depth);

  std::size_t nodes_ = 0;
};

}  // namespace redoubt::sql
