#include "engines/sql/block.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "engines/sql/cells.h"
#include "engines/sql/forms.h"
#include "engines/sql/functions.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

constexpr std::size_t kMaxKeys = 32;
constexpr std::size_t kMaxCells = 64;

Refusal refuse(const char* rule, std::string message, std::size_t offset, std::string suggestion = {}) {
  return Refusal{rule, std::move(message), offset, std::move(suggestion)};
}

Refusal rows_of_people(std::size_t offset) {
  return refuse("A1", "the result would be rows of people, not statistics", offset,
                "select aggregates: SELECT key, count(*), avg(x) FROM ... GROUP BY key");
}

// ordinal reads `GROUP BY 2` and `ORDER BY 2`: an integer literal is the number of an item.
Checked<std::optional<std::size_t>> ordinal(const Expression& e, std::size_t count) {
  if (e.kind != Kind::constant || e.constant_type != Expression::ConstantType::integer) return std::optional<std::size_t>();
  std::size_t number = 0;
  const auto parsed = std::from_chars(e.text.data(), e.text.data() + e.text.size(), number);
  if (parsed.ec != std::errc() || number < 1 || number > count) {
    return refuse("G5", "the number of an item from 1 to " + std::to_string(count) + " is expected here", e.offset);
  }
  return std::optional<std::size_t>(number - 1);
}

bool aggregate_call(const Expression& e) {
  return e.kind == Kind::function && (aggregate_class(e.text) != AggregateClass::none || e.distinct || !e.filter.empty() ||
                                      !e.order_by.empty());
}

// Analysis holds one block while its parts are checked, in the order in which the rules need each other.
class Analysis {
 public:
  Analysis(const Block& block, Scope scope) : block_(block), out_(std::move(scope)) {}

  Checked<ReleasedBlock> run() {
    REDOUBT_ALLOW_ALL(resolve_items());
    REDOUBT_ALLOW_ALL(check_where());
    REDOUBT_ALLOW_ALL(find_keys());
    const auto any = [](const auto& list) { return std::ranges::any_of(list, has_aggregate); };
    if (out_.keys.empty() && !any(items_) && !any(block_.having)) return rows_of_people(block_.items[0].offset);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      REDOUBT_ALLOW(auto item, released(items_[i]));
      out_.items.push_back(std::move(item));
      out_.names.push_back(block_.names[i]);
    }
    if (!block_.having.empty()) {
      REDOUBT_ALLOW(const Expression having, resolve_output(block_.having[0], false));
      REDOUBT_ALLOW(auto condition, released(having));
      out_.having.push_back(std::move(condition));
    }
    REDOUBT_ALLOW_ALL(find_order());
    out_.distinct = block_.distinct;
    out_.limited = block_.limited;
    out_.limit = block_.limit;
    out_.offset_rows = block_.offset_rows;
    return std::move(out_);
  }

 private:
  Allowed resolve_items() {
    for (const Expression& item : block_.items) {
      if (item.kind == Kind::star) return rows_of_people(item.offset);
      REDOUBT_ALLOW(auto resolved, out_.scope.resolve(item, items_, items_.size()));
      resolved.alias = item.alias;
      items_.push_back(std::move(resolved));
    }
    return std::monostate();
  }

  Allowed check_terms(const std::vector<Expression>& terms) {
    for (const Expression& term : terms) {
      if (!out_.scope.is_unit_equality(term)) REDOUBT_ALLOW_ALL(check_row_expression(term, out_.scope.columns()));
    }
    return std::monostate();
  }

  Allowed check_where() {
    if (!block_.where.empty()) {
      REDOUBT_ALLOW(const Expression where, out_.scope.resolve(block_.where[0], items_, items_.size()));
      and_terms(where, out_.where);
    }
    REDOUBT_ALLOW_ALL(out_.scope.connect(out_.where));
    REDOUBT_ALLOW_ALL(check_terms(out_.scope.conditions()));
    return check_terms(out_.where);
  }

  Allowed add_key(const Expression& key) {
    const Columns& columns = out_.scope.columns();
    if (key.kind == Kind::column && columns[key.index].role == Role::unit) {
      return refuse("A1", "grouping by the unit gives a row for each person", key.offset,
                    "group by an attribute; statistics of per-person results are not in this release");
    }
    REDOUBT_ALLOW_ALL(check_row_expression(key, columns));
    if (std::ranges::none_of(out_.keys, [&](const Expression& k) { return same(k, key); })) out_.keys.push_back(key);
    if (out_.keys.size() > kMaxKeys) return refuse("G5", "more than 32 group keys", key.offset);
    return std::monostate();
  }

  Allowed find_keys() {
    if (block_.group_by_all) {
      for (const Expression& item : items_) {
        if (!has_aggregate(item) && !is_constant(item)) REDOUBT_ALLOW_ALL(add_key(item));
      }
    }
    for (const Expression& group : block_.group_by) {
      REDOUBT_ALLOW(const auto number, ordinal(group, items_.size()));
      if (number) {
        REDOUBT_ALLOW_ALL(add_key(items_[*number]));
        continue;
      }
      REDOUBT_ALLOW(const Expression key, out_.scope.resolve(group, items_, items_.size()));
      REDOUBT_ALLOW_ALL(add_key(key));
    }
    return std::monostate();
  }

  // released replaces keys and aggregates by references to the result of the block (S8, S10).
  Checked<Expression> released(const Expression& e) {
    REDOUBT_ALLOW(auto out, replace(e));
    REDOUBT_ALLOW_ALL(check_released_expression(out));
    return out;
  }

  Checked<Expression> replace(const Expression& e) {
    Expression out;
    out.offset = e.offset;
    const auto key = std::ranges::find_if(out_.keys, [&](const Expression& k) { return same(k, e); });
    if (key != out_.keys.end()) {
      out.kind = Kind::key;
      out.index = static_cast<std::size_t>(key - out_.keys.begin());
      return out;
    }
    if (aggregate_call(e)) {
      REDOUBT_ALLOW(auto cell, make_cell(e, out_.scope.columns()));
      const auto found = std::ranges::find_if(out_.cells, [&](const Cell& c) { return same_cell(c, cell); });
      out.kind = Kind::cell;
      out.index = static_cast<std::size_t>(found - out_.cells.begin());
      if (found == out_.cells.end()) out_.cells.push_back(std::move(cell));
      if (out_.cells.size() > kMaxCells) return refuse("G5", "more than 64 aggregates", e.offset);
      return out;
    }
    if (e.kind == Kind::function && !is_row_function(e.text)) return refuse_function(e);
    out = e;
    for (Expression& child : out.children) {
      REDOUBT_ALLOW(child, replace(child));
    }
    return out;
  }

  // item_named finds an item by its alias, or, for `by_name`, by the name of its column.
  std::optional<std::size_t> item_named(const Expression& e, bool by_name) const {
    if (e.kind != Kind::column || e.path.size() != 1) return std::nullopt;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const bool named = by_name && block_.items[i].kind == Kind::column && equal_names(block_.names[i], e.path[0]);
      if (named || (!items_[i].alias.empty() && equal_names(items_[i].alias, e.path[0]))) return i;
    }
    return std::nullopt;
  }

  // resolve_output resolves HAVING and ORDER BY as the engine does: a name is a group key, else an alias, else a column;
  // inside an aggregate it is a column first. The whole of an ORDER BY term is an item's name first.
  Checked<Expression> resolve_output(const Expression& e, bool whole_order_term) {
    const auto item = item_named(e, whole_order_term);
    if (item && whole_order_term) return items_[*item];
    if (item) {
      auto column = out_.scope.resolve(e, {}, 0);
      const bool key = column.ok() && std::ranges::any_of(out_.keys, [&](const Expression& k) { return same(k, column.value()); });
      return key ? column.value() : items_[*item];
    }
    if (e.kind == Kind::column || aggregate_call(e)) return out_.scope.resolve(e, items_, items_.size());
    Expression out = e;
    for (Expression& child : out.children) {
      REDOUBT_ALLOW(child, resolve_output(child, false));
    }
    return out;
  }

  Allowed find_order() {
    if (block_.order_by_all) {
      for (const Expression& item : out_.items) out_.order_by.push_back({item, block_.order_by_all_descending, false});
    }
    for (const OrderItem& order : block_.order_by) {
      OrderItem item = order;
      REDOUBT_ALLOW(const auto number, ordinal(order.expression, items_.size()));
      if (number) {
        item.expression = out_.items[*number];
      } else {
        REDOUBT_ALLOW(const Expression resolved, resolve_output(order.expression, true));
        REDOUBT_ALLOW(item.expression, released(resolved));
      }
      const bool selected = std::ranges::any_of(out_.items, [&](const Expression& i) { return same(i, item.expression); });
      if (block_.distinct && !selected) {
        return refuse("S10", "with DISTINCT, ORDER BY takes what is selected", order.expression.offset);
      }
      out_.order_by.push_back(std::move(item));
    }
    return std::monostate();
  }

  const Block& block_;
  ReleasedBlock out_;
  std::vector<Expression> items_;  // resolved, over columns
};

}  // namespace

Checked<ReleasedBlock> analyse(const Block& block, const Schema& schema) {
  REDOUBT_ALLOW(Scope scope, Scope::build(block.from, schema));
  return Analysis(block, std::move(scope)).run();
}

}  // namespace redoubt::sql
