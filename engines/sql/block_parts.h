// BlockParts: the parts of one SELECT with every name resolved, in the order in which they need each other, and the step from the
// joined rows to groups. What it means for people is not decided here (compile_block.h). Private to this room.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engines/sql/compile_block.h"
#include "engines/sql/resolve.h"

namespace redoubt::sql {

class BlockParts {
 protected:
  // Aggregate checks an aggregate call and gives its number among those of the block.
  using Aggregate = std::function<Checked<std::size_t>(const Expression&)>;

  BlockParts(Compiler& compiler, const Block& block, Scope scope) : compiler_(compiler), block_(block), scope_(std::move(scope)) {}

  // resolve fills what follows, from items to keys; conditions and keys are checked as row expressions on the way.
  Allowed resolve();

  // resolve_output resolves HAVING, QUALIFY and ORDER BY as the engine does: a name is a group key, else an alias, else a column;
  // inside an aggregate it is a column first. The whole of an ORDER BY term is an item's name first.
  Checked<Expression> resolve_output(const Expression& e, bool whole_order_term);

  // output resolves the modifiers and QUALIFY into a Select whose other parts are there.
  Allowed output(Select& select);

  // each visits every expression of a Select that stands over its columns.
  static Allowed each(Select& select, const std::function<Allowed(Expression&)>& visit);

  // joined gives the rows of FROM and WHERE as the expressions `over` read them; over rows of people, as far as these can fail on none (S13).
  Rows joined(const std::vector<Expression*>& over);

  // replace turns an expression over the joined rows into one over the next stage, whose columns are the keys, then the aggregates.
  Checked<Expression> replace(const Expression& e, const Aggregate& aggregate);

  // staged fills a Select over the next stage, HAVING included.
  Checked<Select> staged(const Aggregate& aggregate);

  Compiler& compiler_;
  const Block& block_;
  Scope scope_;
  bool unit_ = false;        // over rows of people
  bool aggregated_ = false;  // has groups or aggregates
  bool noisy_ = false;       // not over rows of people, and something in it is computed from released rows under noise
  std::vector<Expression> items_;   // over the columns of the scope
  std::vector<std::string> names_;  // of the items
  std::vector<Expression> where_;   // AND terms
  std::vector<Expression> keys_;

 private:
  Allowed resolve_items();
  Allowed resolve_where();
  Allowed find_keys();
  Allowed add_key(const Expression& key);
  Allowed check_terms(const std::vector<Expression>& terms);
  // item_named finds an item by its alias, or, for `by_name`, by the name of its column.
  std::optional<std::size_t> item_named(const Expression& e, bool by_name) const;
};

}  // namespace redoubt::sql
