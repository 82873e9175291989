// Relation: what the checker knows about a table-like thing of the query, be it a dataset, a subquery or a list of constants:
// whose rows it holds, and of each column whether it names people, what A3 says of its numbers and, for noise, their interval.
// Columns of subqueries carry what their definitions are, so that no rule is escaped by giving an expression a name.
// Private to this room; plain values.
#pragma once

#include <string>
#include <vector>

#include "engines/sql/extent.h"
#include "engines/sql/schema.h"

namespace redoubt::sql {

// Form: what an expression is as an argument of an aggregate (A3).
enum class Form {
  plain,        // numbers of columns: a column, sums, differences, products of at most two columns, ...
  conditional,  // 0 or NULL unless a predicate holds
  constant,
  date,       // a bare DATE column, or one of a person's dates
  predicate,  // BOOLEAN
  other,
};

// Counted: what count(DISTINCT ...) makes of it (A3).
enum class Counted { never, column, part, chosen };

struct Argument {
  Form form = Form::other;
  int degree = 0;       // columns multiplied in one term of a plain form
  Counted counted = Counted::never;
  bool fallible = false;  // may be NULL where its columns are not: a cast, an overflow, a division
};

// Interval: the numbers that an expression can be (D3); empty (low > high) for NULL. Not finite: nothing is known.
struct Interval {
  bool finite = false;
  double low = 0;
  double high = 0;
};

struct ColumnInfo {
  std::string name;
  Type type;  // of an identifier: only those are compared with one another
  Role role = Role::attribute;
  std::string sql;                     // how the printed FROM reads it
  std::vector<std::size_t> relations;  // which relations of FROM it comes from
  Argument argument;
  Interval interval;
  Extent extent;
  bool is_unit = false;  // the unit of the row itself: where an outer join left a unit column NULL, that is another column
  bool bounded = false;  // a count, sum, average or extreme of one unit over a column whose type bounds it: further sums of it cannot fail
  bool gone = false;     // of the right side of a SEMI or ANTI join: no expression over the joined rows can read it
};

using Columns = std::vector<ColumnInfo>;

// RelationKind: whose rows they are (section 2 of the rules).
enum class RelationKind {
  unit,      // every row belongs to one unit
  released,  // results of released blocks and what is computed from them
  open,      // constants only (called P, public, in the rules)
};

// SourceId: which rows of a dataset a row was built from, in plans that trace contributors: a row number, or a list of them.
struct SourceId {
  std::size_t dataset = 0;  // its place among those that the query reads
  bool list = false;
  std::string sql;
};

// Growth: how many rows constants can make of one row of a person (or, where there are no people, of nothing), how many datasets' rows of one
// person are multiplied with one another, and what one row of a person takes in all statements that these rows come from. Bounded, since whoever can
// multiply at will lets a query reach a limit if a certain person is there.
struct Growth {
  double rows = 1;
  int datasets = 0;
  Effort effort = {};
};

// Relation: a statement of the plan. Its columns are c0, c1, ... and, for unit relations, u, the unit.
struct Relation {
  RelationKind kind = RelationKind::open;
  std::string name;  // of the statement
  Columns columns;   // sql: c<i>
  std::vector<SourceId> ids;  // sql: i<n>; of unit relations, when contributors are traced
  Growth growth;

  bool has_identifier() const {
    for (const ColumnInfo& column : columns) {
      if (column.role != Role::attribute) return true;
    }
    return false;
  }
};

}  // namespace redoubt::sql
