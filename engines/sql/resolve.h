// Scope: the relations of FROM, what every name in the query means, and whether joined rows still belong to one unit (S2).
//
// Roles follow the data: a renamed identifier stays one, and another column that is given its name does not become one. Names
// are resolved as the engine would (a column before an alias, letter case ignored); an ambiguous name is refused rather than
// guessed. Private to this room. Values borrow the Compiler and the names.
#pragma once

#include <optional>
#include <vector>

#include "engines/sql/ast.h"
#include "engines/sql/compiler.h"
#include "engines/sql/refusal.h"
#include "engines/sql/relation.h"

namespace redoubt::sql {

class Scope {
 public:
  // build resolves FROM (its ON and USING included). `outer` is the block around a subquery, or null.
  static Checked<Scope> build(const From& from, Compiler& compiler, const Names& names, const Scope* outer);

  // resolve gives an expression with every column resolved. Names that are no column are looked up among the items before
  // `aliases_end` (lateral aliases), which are resolved already.
  Checked<Expression> resolve(const Expression& expression, const std::vector<Expression>& items, std::size_t aliases_end);

  // column resolves a bare column name, or gives nothing.
  std::optional<Expression> column(const Expression& name) const;

  // expand gives the columns of `*` or `t.*`, each with its name as alias; EXCLUDE and REPLACE applied (S12).
  Checked<std::vector<Expression>> expand(const Expression& star);

  // connect counts the top-level AND terms of a resolved WHERE as unit equalities, then requires that all unit relations hang
  // together (S2).
  Allowed connect(const std::vector<Expression>& where);

  // is_unit_equality: `a.unit = b.unit` between two relations.
  bool is_unit_equality(const Expression& expression) const;

  // sees: a name (column, or relation and column) that any relation of FROM has.
  bool sees(const std::vector<std::string>& path) const;

  // charge counts what an expression over rows of people does with one of them, and refuses what could grow or take too much (G5).
  Allowed charge(const Expression& expression);

  RelationKind kind() const { return kind_; }
  // growth of the joined rows.
  const Growth& growth() const { return growth_; }
  const Columns& columns() const { return columns_; }
  // conditions are the top-level AND terms of every ON, resolved; whoever checks row expressions checks them too.
  const std::vector<Expression>& conditions() const { return conditions_; }
  // from_sql prints the resolved FROM, empty when there is none; unit_sql the unit of a joined row: the first that is not null.
  const std::string& from_sql() const { return from_sql_; }
  const std::string& unit_sql() const { return unit_sql_; }
  // ids of the dataset rows that a joined row was built from, when contributors are traced.
  const std::vector<SourceId>& ids() const { return ids_; }

 private:
  // Visible: a name under which a column can be reached. Merged (USING) columns hide their parts from unqualified names.
  struct Visible {
    std::string alias;
    std::string name;
    std::size_t column;
    bool hidden = false;
    bool merged = false;
  };
  // Piece of the printed FROM: a text, or a relation, whose statement may still change.
  struct Piece {
    std::string text;
    std::optional<std::size_t> relation = std::nullopt;
  };
  struct Side {
    std::vector<Visible> visible;
    std::vector<std::size_t> relations;
    std::vector<Piece> sql;
    bool units = false;  // holds a unit relation
  };

  Scope(Compiler& compiler, const Names& names, const Scope* outer) : compiler_(&compiler), names_(&names), outer_(outer) {}
  Checked<Side> add(const From& from);
  Checked<Relation> relation_of(const From& from);
  Checked<Side> add_relation(const From& from);
  Checked<Side> add_join(const From& from);
  Checked<std::string> using_condition(const From& from, Side& left, Side& right, Side& out);
  // stage computes the subqueries of one term of ON that TRY does not take as columns of the relation that they look at (S13).
  Allowed stage(Expression& term, const Side& right);
  Checked<std::string> on_condition(const From& from, const Side& left, const Side& right);
  Allowed link_join(const From& from, const std::vector<Expression>& terms, const Side& left, const Side& right);
  Checked<Expression> resolve_in(const Expression& expression, const std::vector<Visible>& visible,
                                 const std::vector<Expression>& items, std::size_t aliases_end);
  Checked<Expression> resolve_name(const Expression& expression, const std::vector<Visible>& visible,
                                   const std::vector<Expression>& items, std::size_t aliases_end);
  // affordable: one row of a person takes no more than it may, subqueries included; `offset` is where it would be too much.
  Allowed affordable(std::size_t offset) const;
  // seen_by: the nearest block around this one in which the name means something, or null.
  const Scope* seen_by(const std::vector<std::string>& path) const;
  Refusal no_column(const Expression& name) const;
  std::size_t root(std::size_t relation) const;
  void link(std::size_t left, std::size_t right) { parents_[root(left)] = root(right); }

  Compiler* compiler_;
  const Names* names_;
  const Scope* outer_;
  RelationKind kind_ = RelationKind::open;
  Growth growth_;
  std::vector<std::size_t> absent_;  // relations that an outer join may leave without a row
  bool building_ = true;   // a subquery that sees names now is lateral
  bool released_ = false;  // a released relation stands in FROM
  Columns columns_;
  std::vector<Visible> visible_;
  std::vector<Visible> all_;           // of every relation so far, for naming correlations
  std::vector<std::size_t> parents_;   // of relations: a union-find forest over unit equalities
  std::vector<bool> has_unit_;         // of relations
  std::vector<SourceId> ids_;                // of the relations that are visible outside
  std::vector<std::string> unit_sqls_;  // of the relations that are visible outside
  std::vector<std::string> sources_;   // the statements that the relations read
  std::size_t parts_ = 0;              // staged columns
  std::vector<std::string> aliases_;   // of the relations, for whole-row references
  std::vector<Expression> conditions_;
  std::string from_sql_;
  std::string unit_sql_;
  std::size_t nodes_ = 0;
};

// and_terms splits a condition into its top-level AND terms.
void and_terms(const Expression& condition, std::vector<Expression>& out);

}  // namespace redoubt::sql
