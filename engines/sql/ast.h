// The statement as the checker sees it: only what the clean room understands has a form here, so that whatever is not
// understood cannot reach the engine: the engine runs text printed from these types, never the participant's own text.
//
// Values, owned by their parents; no pointers into the engine's parser. `offset` is bytes from the start of the text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace redoubt::sql {

struct OrderItem;

struct Expression {
  enum class Kind {
    constant,   // text: a literal of SQL; constant_type says what it is
    column,     // path: name, or relation and name; after resolution `index` into Scope::columns
    operation,  // text: = <> < > <= >= DISTINCT NOT_DISTINCT AND OR NOT IS_NULL IS_NOT_NULL IN NOT_IN BETWEEN COALESCE
    function,   // text: lower-case name, operators (+, ||, ~~) included
    cast,       // text: target type; acts as TRY_CAST
    case_when,  // children: when, then, when, then, ..., else (always there; NULL when not written)
    star,       // * or t.*
    key,        // after checking: group key `index` of a released block
    cell,       // after checking: aggregate `index` of a released block
  };
  enum class ConstantType { null, boolean, integer, decimal, floating, text, other };

  Kind kind = Kind::constant;
  ConstantType constant_type = ConstantType::null;
  std::string text;
  std::vector<std::string> path;
  std::vector<Expression> children;
  std::string alias;
  std::size_t offset = 0;
  std::size_t index = 0;  // resolved column, key or cell: which one

  // Aggregate calls only.
  bool distinct = false;
  std::vector<Expression> filter;  // none or one
  std::vector<OrderItem> order_by;

  bool is_operation(const char* name) const { return kind == Kind::operation && text == name; }
  bool is_function(const char* name) const { return kind == Kind::function && text == name; }
  bool is_null() const { return kind == Kind::constant && constant_type == ConstantType::null; }
};

struct OrderItem {
  Expression expression;
  bool descending = false;
  bool nulls_first = false;
};

// From: a dataset, or a join of two.
struct From {
  enum class Join { none, inner, left, right, full, semi, anti, cross };

  Join join = Join::none;
  // A dataset (join == none).
  std::string dataset;
  std::string alias;
  std::vector<std::string> column_aliases;
  // A join: two children; ON (none or one) or USING.
  std::vector<From> sides;
  std::vector<Expression> on;
  std::vector<std::string> using_columns;
  std::size_t offset = 0;
};

// Block: one SELECT.
struct Block {
  std::vector<Expression> items;
  std::vector<std::string> names;  // of the items, as the engine names them in a result
  From from;
  std::vector<Expression> where;  // none or one
  std::vector<Expression> group_by;
  bool group_by_all = false;
  std::vector<Expression> having;  // none or one
  bool distinct = false;
  std::vector<OrderItem> order_by;
  bool order_by_all = false;
  bool order_by_all_descending = false;
  bool limited = false;
  std::uint64_t limit = 0;
  std::uint64_t offset_rows = 0;
};

// same says whether two resolved expressions compute the same thing by construction; aliases and places do not count.
bool same(const Expression& a, const Expression& b);

}  // namespace redoubt::sql
