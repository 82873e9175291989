// Scope: the relations of FROM, what every name in the query means, and whether joined rows still belong to one unit (S2).
//
// Roles follow the data: a renamed identifier stays one, and another column that is given its name does not become one. Names
// are resolved as the engine would (a column before an alias, letter case ignored); an ambiguous name is refused rather than
// guessed. Private to this room. Values borrow the Schema.
#pragma once

#include <vector>

#include "engines/sql/ast.h"
#include "engines/sql/columns.h"
#include "engines/sql/refusal.h"
#include "engines/sql/schema.h"

namespace redoubt::sql {

class Scope {
 public:
  // build resolves FROM (its ON and USING included) and, with the terms of WHERE, checks S2.
  static Checked<Scope> build(const From& from, const Schema& schema);

  // resolve gives an expression with every column resolved. Names that are no column are looked up among the items before
  // `aliases_end` (lateral aliases), which are resolved already.
  Checked<Expression> resolve(const Expression& expression, const std::vector<Expression>& items, std::size_t aliases_end);

  // connect counts the top-level AND terms of a resolved WHERE as unit equalities, then requires that all relations hang
  // together (S2).
  Allowed connect(const std::vector<Expression>& where);

  // is_unit_equality: `a.unit = b.unit` between two relations.
  bool is_unit_equality(const Expression& expression) const;

  const ColumnInfo& column(const Expression& expression) const { return columns_[expression.index]; }
  const Columns& columns() const { return columns_; }
  // conditions are the top-level AND terms of every ON, resolved; whoever checks row expressions checks them too.
  const std::vector<Expression>& conditions() const { return conditions_; }
  // from_sql prints the resolved FROM; unit_sql the unit of a joined row: the first that is not null.
  const std::string& from_sql() const { return from_sql_; }
  const std::string& unit_sql() const { return unit_sql_; }
  // datasets are those that FROM names, by their registered names, in order, each once.
  const std::vector<std::string>& datasets() const { return datasets_; }

 private:
  // Visible: a name under which a column can be reached. Merged (USING) columns hide their parts from unqualified names.
  struct Visible {
    std::string alias;
    std::string name;
    std::size_t column;
    bool hidden = false;
  };
  struct Side {
    std::vector<Visible> visible;
    std::vector<std::size_t> relations;
    std::string sql;
  };

  explicit Scope(const Schema& schema) : schema_(&schema) {}
  Checked<Side> add(const From& from);
  Checked<Side> add_dataset(const From& from);
  Checked<Side> add_join(const From& from);
  Checked<std::string> using_condition(const From& from, Side& left, Side& right, Side& out);
  Allowed link_join(const From& from, const std::vector<Expression>& terms, const Side& left, const Side& right);
  Checked<Expression> resolve_in(const Expression& expression, const std::vector<Visible>& visible,
                                 const std::vector<Expression>& items, std::size_t aliases_end);
  Refusal no_column(const Expression& name) const;
  std::size_t root(std::size_t relation) const;
  void link(std::size_t left, std::size_t right) { parents_[root(left)] = root(right); }

  const Schema* schema_;
  Columns columns_;
  std::vector<Visible> visible_;
  std::vector<std::size_t> parents_;   // of relations: a union-find forest over unit equalities
  std::vector<std::string> unit_sqls_;  // of the relations that are visible outside
  std::vector<std::string> datasets_;
  std::vector<std::string> aliases_;  // of the relations, for whole-row references
  std::vector<Expression> conditions_;
  std::string from_sql_;
  std::string unit_sql_;
  std::size_t nodes_ = 0;
};

// and_terms splits a condition into its top-level AND terms.
void and_terms(const Expression& condition, std::vector<Expression>& out);

}  // namespace redoubt::sql
