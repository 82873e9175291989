// Compiler: a parsed query into statements that only this room prints. It types every relation (unit-level, released, open),
// applies the rules of the level to each, and gives each its statement; subqueries become statements of their own, so that what
// the engine gets is one flat list. The author chose every name and byte of the query; none of it but constants is printed.
//
// One Compiler a text. Private to this room.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engines/sql/ast.h"
#include "engines/sql/block.h"
#include "engines/sql/level.h"
#include "engines/sql/refusal.h"
#include "engines/sql/relation.h"

namespace redoubt::sql {

class Scope;

// Names: the common table expressions that are seen, the nearest last.
using Names = std::vector<std::pair<std::string, Relation>>;

// Tail: DISTINCT, ORDER BY and LIMIT of an outermost unit block (K1): they act on released tuples. Order over output columns.
struct Tail {
  bool distinct = false;
  std::vector<OrderItem> order_by;
  bool limited = false;
  std::uint64_t limit = 0;
  std::uint64_t offset_rows = 0;
};

class Compiler {
 public:
  struct Statement {
    std::string name;
    std::string sql;
    bool materialized = false;
  };

  // Trace: a statement that tells which dataset rows contribute to which cells of one released block: place, u, i<n>, m<j>.
  struct Trace {
    std::size_t statements = 0;  // how many come before it
    std::string sql;
    std::vector<SourceId> ids;
    std::size_t cells = 0;
  };

  // Withheld: a statement that counts what T1 to T3 withhold of one released block.
  struct Withheld {
    std::size_t statements = 0;  // how many come before it
    std::string sql;
  };

  // Purpose of the statements. exact: T1 to T3 in full. quick: the same result where a cheap bound shows that T1 to T3 withhold nothing,
  // an error elsewhere. traced: unit relations also carry the rows they were built from, for the release ledger; quick_traced: both.
  enum class Purpose { exact, quick, traced, quick_traced };

  Compiler(const Schema& schema, Level level, std::uint64_t k, Purpose purpose = Purpose::exact)
      : schema_(&schema), level_(level), k_(k), purpose_(purpose) {}

  // whole compiles the text's query and checks the final relation (S11, A1, K1, D1).
  Checked<Relation> whole(const Query& query);

  // query compiles any query; `outer` is the block around a subquery, and only names a correlation (S4, or S2 when lateral).
  Checked<Relation> query(const Query& query, const Names& names, const Scope* outer, bool outermost = false);
  // dataset, values: relations of FROM.
  Relation dataset(const Table& table);
  Checked<Relation> values(const From& from);
  // subquery resolves a subquery expression whose `children` are resolved in `scope` (S4).
  Checked<Expression> subquery(const Expression& expression, const Scope& scope, const Names& names);

  // add gives a statement its name.
  std::string add(const std::string& sql, bool materialized);
  // release prints a released block as the level asks, and returns the statement with its columns g<i> and c<j>.
  std::string release(const ReleasedBlock& block);

  const Schema& schema() const { return *schema_; }
  Level level() const { return level_; }
  std::uint64_t k() const { return k_; }
  bool traced() const { return purpose_ == Purpose::traced || purpose_ == Purpose::quick_traced; }
  bool quick() const { return purpose_ == Purpose::quick || purpose_ == Purpose::quick_traced; }
  const std::vector<Trace>& traces() const { return traces_; }
  // withheld: of the purpose exact.
  const std::vector<Withheld>& withheld() const { return withheld_; }
  const std::vector<Statement>& statements() const { return statements_; }
  const std::vector<std::string>& datasets() const { return datasets_; }
  // blocks that are released, and at differential_privacy the statement of the rows of each.
  const std::vector<ReleasedBlock>& blocks() const { return blocks_; }
  const std::vector<std::string>& rows() const { return rows_; }
  // tail of the outermost unit block; set by it.
  Tail& tail() { return tail_; }
  // last takes the last statement out of the list: it is what the plan ends with.
  Statement last();

 private:
  Checked<Relation> set_operation(const SetOperation& operation, const Names& names, const Scope* outer, bool outermost);
  Checked<Expression> in(const Expression& expression, const Relation& relation, const Scope& scope);
  Checked<Expression> exists(const Expression& expression, const Scope& scope, const Names& names);
  Relation released_tuples(const Relation& rows);

  const Schema* schema_;
  Level level_;
  std::uint64_t k_;
  Purpose purpose_;
  std::vector<Trace> traces_;
  std::vector<Withheld> withheld_;
  std::vector<Statement> statements_;
  std::vector<std::string> datasets_;
  std::vector<std::pair<std::string, Relation>> tables_;  // datasets that have their statement
  std::vector<ReleasedBlock> blocks_;
  std::vector<std::string> rows_;
  Tail tail_;
  std::size_t queries_ = 0;
};

}  // namespace redoubt::sql
