#include "engines/sql/approved.h"

#include <duckdb/parser/parsed_expression_iterator.hpp>

#include <algorithm>

#include "engines/sql/forms.h"
#include "engines/sql/functions.h"
#include "engines/sql/functions_catalogue.h"
#include "engines/sql/sql_ast_converter.h"

namespace redoubt::sql {
namespace {

bool pseudo_column(const std::string& name) {
  return name == "rowid" || name == "file_row_number" || name == "filename" || name == "file_index";
}

// Walker visits every node of one statement and qualifies the datasets it finds.
class Walker {
 public:
  explicit Walker(const Schema& schema) : schema_(schema) {}

  Allowed query(duckdb::QueryNode& node, std::size_t depth) {
    REDOUBT_ALLOW_ALL(count(0, depth));
    const std::size_t seen = names_.size();
    for (const auto& entry : node.cte_map.map) {
      if (!entry.second->key_targets.empty()) return refuse("G4", "WITH RECURSIVE ... USING KEY");
      REDOUBT_ALLOW_ALL(query(*entry.second->query->node, depth + 1));
      names_.push_back(entry.first);
    }
    REDOUBT_ALLOW_ALL(body(node, depth));
    names_.resize(seen);
    return std::monostate();
  }

  std::vector<std::string> take_datasets() { return std::move(datasets_); }

 private:
  Allowed count(std::size_t offset, std::size_t depth) {
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes) return refuse("G5", "the query is nested or long beyond what is checked", offset);
    return std::monostate();
  }

  Allowed body(duckdb::QueryNode& node, std::size_t depth) {
    switch (node.type) {
      case duckdb::QueryNodeType::SELECT_NODE: {
        auto& select = node.Cast<duckdb::SelectNode>();
        if (select.sample) return refuse("G4", "a sample gives another answer each time");
        REDOUBT_ALLOW_ALL(from(*select.from_table, depth + 1));
        break;
      }
      case duckdb::QueryNodeType::SET_OPERATION_NODE: {
        auto& operation = node.Cast<duckdb::SetOperationNode>();
        REDOUBT_ALLOW_ALL(query(*operation.left, depth + 1));
        REDOUBT_ALLOW_ALL(query(*operation.right, depth + 1));
        return modifiers(node, depth);
      }
      case duckdb::QueryNodeType::CTE_NODE: {
        auto& cte = node.Cast<duckdb::CTENode>();
        REDOUBT_ALLOW_ALL(query(*cte.query, depth + 1));
        names_.push_back(cte.ctename);
        return query(*cte.child, depth + 1);
      }
      case duckdb::QueryNodeType::RECURSIVE_CTE_NODE: return refuse("G4", "WITH RECURSIVE");
      default: return refuse("G1", "a query that is not understood");
    }
    auto& select = node.Cast<duckdb::SelectNode>();
    for (auto& item : select.select_list) REDOUBT_ALLOW_ALL(expression(*item, depth + 1));
    for (auto& group : select.groups.group_expressions) REDOUBT_ALLOW_ALL(expression(*group, depth + 1));
    for (auto* part : {&select.where_clause, &select.having, &select.qualify}) {
      if (*part) REDOUBT_ALLOW_ALL(expression(**part, depth + 1));
    }
    return modifiers(node, depth);
  }

  Allowed modifiers(duckdb::QueryNode& node, std::size_t depth) {
    Allowed out = std::monostate();
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeModifiers(node, [&](duckdb::unique_ptr<duckdb::ParsedExpression>& child) {
      if (out.ok() && child) out = expression(*child, depth + 1);
    });
    return out;
  }

  Allowed from(duckdb::TableRef& node, std::size_t depth) {
    using Reference = duckdb::TableReferenceType;
    const std::size_t offset = offset_of(node);
    REDOUBT_ALLOW_ALL(count(offset, depth));
    if (node.sample) return refuse("G4", "a sample gives another answer each time", offset);
    switch (node.type) {
      case Reference::BASE_TABLE: return dataset(node.Cast<duckdb::BaseTableRef>(), offset);
      case Reference::SUBQUERY: return query(*node.Cast<duckdb::SubqueryRef>().subquery->node, depth + 1);
      case Reference::JOIN: {
        auto& join = node.Cast<duckdb::JoinRef>();
        if (join.ref_type == duckdb::JoinRefType::POSITIONAL) return refuse("G4", "POSITIONAL JOIN pairs rows by their place", offset);
        REDOUBT_ALLOW_ALL(from(*join.left, depth + 1));
        REDOUBT_ALLOW_ALL(from(*join.right, depth + 1));
        return join.condition ? expression(*join.condition, depth + 1) : Allowed(std::monostate());
      }
      case Reference::EXPRESSION_LIST:
        for (auto& row : node.Cast<duckdb::ExpressionListRef>().values) {
          for (auto& item : row) REDOUBT_ALLOW_ALL(expression(*item, depth + 1));
        }
        return std::monostate();
      case Reference::EMPTY_FROM: return std::monostate();
      case Reference::TABLE_FUNCTION: return refuse("G2", "a table function; datasets are named plainly", offset);
      case Reference::PIVOT: return refuse("G4", "PIVOT and UNPIVOT", offset);
      case Reference::SHOW_REF: return refuse("G1", "SUMMARIZE, DESCRIBE and SHOW are no queries", offset);
      default: return refuse("G2", "a relation that is not understood", offset);
    }
  }

  Allowed dataset(duckdb::BaseTableRef& node, std::size_t offset) {
    if (!node.catalog_name.empty() || !node.schema_name.empty()) {
      return refuse("G2", "a dataset qualified by a schema or catalog; use its plain name", offset);
    }
    if (node.at_clause) return refuse("G2", "AT reads another version of a table", offset);
    if (std::ranges::any_of(names_, [&](const std::string& name) { return equal_names(name, node.table_name); })) return std::monostate();
    const Table* table = schema_.find(node.table_name);
    if (table == nullptr) {
      std::string known;
      for (const Table& t : schema_.tables()) known += (known.empty() ? "" : ", ") + t.name;
      return refuse("G2", "no dataset of that name is registered; expected one of: " + known, offset);
    }
    node.schema_name = "main";
    if (std::ranges::find(datasets_, table->name) == datasets_.end()) datasets_.push_back(table->name);
    return std::monostate();
  }

  Allowed function(const std::string& catalog, const std::string& schema, const std::string& spelled, std::size_t arguments,
                   std::size_t offset) {
    if (!catalog.empty() || (!schema.empty() && schema != "main")) return refuse("G2", "a function qualified by a schema or catalog", offset);
    const std::string name = lower_name(spelled);
    if (is_row_function(name) || is_deterministic_scalar(name) || is_any_aggregate(name) || is_window_function(name)) return std::monostate();
    if (is_age_of_two(name, arguments)) return std::monostate();
    return refuse("G3", "the function " + name.substr(0, 64) + " is not known to be deterministic and inside the data", offset);
  }

  // A column of one of the datasets may have the name of a word that asks the session.
  bool is_column(const std::string& name) const {
    return std::ranges::any_of(schema_.tables(), [&](const Table& table) { return table.find(name) != nullptr; });
  }

  Allowed expression(duckdb::ParsedExpression& node, std::size_t depth) {
    using Class = duckdb::ExpressionClass;
    const std::size_t offset = offset_of(node);
    REDOUBT_ALLOW_ALL(count(offset, depth));
    switch (node.expression_class) {
      case Class::PARAMETER: return refuse("G4", "a parameter; write the value into the text", offset);
      case Class::DEFAULT: return refuse("G1", "DEFAULT belongs to INSERT", offset);
      case Class::FUNCTION: {
        const auto& call = node.Cast<duckdb::FunctionExpression>();
        if (call.export_state) return refuse("G3", "EXPORT_STATE gives out the engine's own state", offset);
        REDOUBT_ALLOW_ALL(function(call.catalog, call.schema, call.function_name, call.children.size(), offset));
        if (call.order_bys) {
          for (auto& order : call.order_bys->orders) REDOUBT_ALLOW_ALL(expression(*order.expression, depth + 1));
        }
        break;
      }
      case Class::WINDOW: {
        const auto& call = node.Cast<duckdb::WindowExpression>();
        REDOUBT_ALLOW_ALL(function(call.catalog, call.schema, call.function_name, call.children.size(), offset));
        break;
      }
      case Class::COLUMN_REF: {
        const auto& names = node.Cast<duckdb::ColumnRefExpression>().column_names;
        const std::string last = lower_name(names.back());
        if (pseudo_column(last) && !is_column(last)) return refuse("G6", "a pseudo column tells the place of a row", offset);
        if (names.size() == 1 && is_session_name(last) && !is_column(last)) {
          return refuse("G3", last + " asks the clock or the session", offset);
        }
        return std::monostate();
      }
      case Class::SUBQUERY: REDOUBT_ALLOW_ALL(query(*node.Cast<duckdb::SubqueryExpression>().subquery->node, depth + 1)); break;
      case Class::CONSTANT: case Class::COMPARISON: case Class::OPERATOR: case Class::STAR: case Class::CONJUNCTION: case Class::BETWEEN:
      case Class::CAST: case Class::CASE: case Class::COLLATE: case Class::LAMBDA: case Class::LAMBDA_REF: case Class::POSITIONAL_REFERENCE: break;
      default: return refuse("G1", "an expression that is not understood", offset);
    }
    Allowed out = std::monostate();
    duckdb::ParsedExpressionIterator::EnumerateChildren(node, [&](duckdb::ParsedExpression& child) {
      if (out.ok()) out = expression(child, depth + 1);
    });
    return out;
  }

  const Schema& schema_;
  std::vector<std::string> names_;  // of the common table expressions that are seen
  std::vector<std::string> datasets_;
  std::size_t nodes_ = 0;
};

}  // namespace

Checked<ApprovedQuery> approve_query(std::string_view text, const Schema& schema) {
  REDOUBT_ALLOW(const auto statement, parse_statement(text));
  try {
    Walker walker(schema);
    REDOUBT_ALLOW_ALL(walker.query(*statement->node, 0));
    return ApprovedQuery{statement->ToString(), walker.take_datasets()};
  } catch (const std::exception&) {
    return refuse("G1", "a query that cannot be printed anew");
  }
}

}  // namespace redoubt::sql
