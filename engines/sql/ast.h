// The statement as the checker sees it: only what the clean room understands has a form here, so that whatever is not
// understood cannot reach the engine: the engine runs text printed from these types, never the participant's own text.
//
// Values, owned by their parents (subqueries are shared and never changed); no pointers into the engine's parser. `offset` is
// bytes from the start of the text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engines/sql/extent.h"

namespace redoubt::sql {

struct OrderItem;
struct Query;

struct Expression {
  enum class Kind {
    constant,   // text: a literal of SQL; constant_type says what it is
    column,     // path: name, or relation and name; after resolution `index` into Scope::columns
    operation,  // text: = <> < > <= >= DISTINCT NOT_DISTINCT AND OR NOT IS_NULL IS_NOT_NULL IN NOT_IN BETWEEN COALESCE LIST ELEMENT GROUPING
    function,   // text: lower-case name, operators (+, ||, ~~) included
    cast,       // text: target type; acts as TRY_CAST
    case_when,  // children: when, then, when, then, ..., else (always there; NULL when not written)
    star,       // * or t.* (text: t); replacements in children, under their names as aliases; excluded names in path
    window,     // text: name of the function, or of the aggregate; what follows OVER is in `window`
    subquery,   // before resolution; text: SCALAR, IN (children: what is looked for), EXISTS
    scalar,     // a resolved scalar subquery; text: the statement that yields it
    member,     // a resolved IN or EXISTS; children: what is looked for; text, path: the statement and its column; index 1 when units
                // are looked for; flag `exists`: never NULL
  };
  enum class ConstantType { null, boolean, integer, decimal, floating, text, other };

  Kind kind = Kind::constant;
  ConstantType constant_type = ConstantType::null;
  std::string text;
  std::vector<std::string> path;
  std::vector<Expression> children;
  std::string alias;
  std::size_t offset = 0;
  std::size_t index = 0;  // resolved column: which one

  // Aggregate and window calls only.
  bool distinct = false;
  std::vector<Expression> filter;  // none or one
  std::vector<OrderItem> order_by;  // inside the call's parentheses
  bool ignore_nulls = false;
  std::vector<Expression> partitions;    // of a window
  std::vector<OrderItem> window_order;   // of a window
  std::string frame;                     // of a window, as it is printed; empty for the default
  std::vector<Expression> bounds;        // of the frame of a window: the constants in it
  bool of_units = false;                 // an aggregate or window over rows of people: nothing in it may fail on a row (S13)

  bool exists = false;
  bool noisy = false;  // a subquery over released rows, at differential_privacy: not for predicates over people (D1)
  std::shared_ptr<const Query> query;
  Extent extent;  // of a resolved scalar subquery
  Effort effort;  // of a resolved subquery: what its statements do with one row of a person
  std::string staged;  // a resolved subquery that an inner statement has computed already: the column that holds it

  bool is_operation(const char* name) const { return kind == Kind::operation && text == name; }
  bool is_function(const char* name) const { return kind == Kind::function && text == name; }
  bool is_null() const { return kind == Kind::constant && constant_type == ConstantType::null; }
};

struct OrderItem {
  Expression expression;
  bool descending = false;
  bool nulls_first = false;
};

// From: a relation by its name, a subquery, a list of VALUES, nothing at all, or a join of two.
struct From {
  enum class Join { none, inner, left, right, full, semi, anti, cross };
  enum class Source { named, subquery, values, nothing };

  Join join = Join::none;
  // Not a join.
  Source source = Source::named;
  std::string name;
  std::string alias;
  std::vector<std::string> column_aliases;
  std::shared_ptr<const Query> query;
  std::vector<std::vector<Expression>> values;
  // A join: two children; ON (none or one) or USING.
  std::vector<From> sides;
  std::vector<Expression> on;
  std::vector<std::string> using_columns;
  std::size_t offset = 0;
};

// Modifiers: what follows the body of a query.
struct Modifiers {
  bool distinct = false;
  std::vector<Expression> distinct_on;
  std::vector<OrderItem> order_by;
  bool order_by_all = false;
  bool order_by_all_descending = false;
  bool limited = false;
  std::uint64_t limit = 0;
  std::uint64_t offset_rows = 0;
  std::size_t limit_offset = 0;  // where LIMIT or OFFSET stands in the text

  bool cut() const { return limited || offset_rows != 0; }
};

// Block: one SELECT.
struct Block {
  std::vector<Expression> items;
  std::vector<std::string> names;  // of the items, as the engine names them in a result
  From from;
  std::vector<Expression> where;  // none or one
  std::vector<Expression> group_by;
  std::vector<std::vector<std::size_t>> grouping_sets;  // more than one, or one that is not the whole list; else empty
  bool group_by_all = false;
  std::vector<Expression> having;   // none or one
  std::vector<Expression> qualify;  // none or one
  Modifiers modifiers;
  std::size_t offset = 0;
};

// SetOperation: two queries side by side.
struct SetOperation {
  std::string words;  // UNION, UNION ALL, UNION BY NAME, INTERSECT, EXCEPT, ...
  std::vector<Query> sides;
  Modifiers modifiers;
};

// Query: a block or a set operation, with the queries that it names first.
struct Query {
  struct Named {
    std::string name;
    std::vector<std::string> column_aliases;
    std::shared_ptr<const Query> query;
  };
  std::vector<Named> with;
  std::vector<Block> block;             // one, or none for a set operation
  std::vector<SetOperation> operation;  // none, or one
  std::size_t offset = 0;
};

// same says whether two resolved expressions compute the same thing by construction; aliases and places do not count.
bool same(const Expression& a, const Expression& b);

}  // namespace redoubt::sql
