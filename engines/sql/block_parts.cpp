#include "engines/sql/block_parts.h"

#include <algorithm>
#include <charconv>

#include "engines/sql/forms.h"
#include "engines/sql/print.h"
#include "engines/sql/refusal.h"
#include "engines/sql/stage_parts.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

constexpr std::size_t kMaxKeys = 32;
constexpr std::size_t kMaxItems = 512;

// stage_column adds a key or an aggregate to the columns of the next stage and gives the expression that reads it.
Expression stage_column(const Expression& from, std::size_t index) {
  Expression out;
  out.kind = Kind::column;
  out.index = index;
  out.alias = from.alias;
  out.offset = from.offset;
  return out;
}

}  // namespace

Checked<std::optional<std::size_t>> ordinal(const Expression& e, std::size_t count) {
  if (e.kind != Kind::constant || e.constant_type != Expression::ConstantType::integer) return std::optional<std::size_t>();
  std::size_t number = 0;
  const auto parsed = std::from_chars(e.text.data(), e.text.data() + e.text.size(), number);
  if (parsed.ec != std::errc() || number < 1 || number > count) {
    return refuse("G5", "the number of an item from 1 to " + std::to_string(count) + " is expected here", e.offset);
  }
  return std::optional<std::size_t>(number - 1);
}

Allowed BlockParts::resolve() {
  unit_ = scope_.kind() == RelationKind::unit;
  REDOUBT_ALLOW_ALL(resolve_items());
  REDOUBT_ALLOW_ALL(resolve_where());
  REDOUBT_ALLOW_ALL(find_keys());
  const auto any = [](const auto& list) { return std::ranges::any_of(list, has_aggregate); };
  const bool ordered = std::ranges::any_of(block_.modifiers.order_by, [](const OrderItem& o) { return has_aggregate(o.expression); });
  aggregated_ = !keys_.empty() || block_.group_by_all || !block_.grouping_sets.empty() || !block_.having.empty() || any(items_) ||
                any(block_.qualify) || ordered;
  for (const auto* list : std::initializer_list<const std::vector<Expression>*>{&scope_.conditions(), &where_, &items_, &keys_}) {
    for (const Expression& e : *list) REDOUBT_ALLOW_ALL(scope_.charge(e));
  }
  return std::monostate();
}

Allowed BlockParts::resolve_items() {
  for (std::size_t i = 0; i < block_.items.size(); ++i) {
    const Expression& item = block_.items[i];
    if (item.kind == Kind::star) {
      REDOUBT_ALLOW(auto expanded, scope_.expand(item));
      for (Expression& e : expanded) {
        names_.push_back(e.alias);
        e.alias.clear();  // a starred column answers to its own name only
        items_.push_back(std::move(e));
      }
    } else {
      REDOUBT_ALLOW(auto resolved, scope_.resolve(item, items_, items_.size()));
      resolved.alias = item.alias;
      items_.push_back(std::move(resolved));
      names_.push_back(block_.names[i]);
    }
    if (items_.size() > kMaxItems) return refuse("G5", "more than 512 columns", item.offset);
  }
  return std::monostate();
}

Allowed BlockParts::check_terms(const std::vector<Expression>& terms) {
  for (const Expression& term : terms) {
    if (!unit_) {
      noisy_ = noisy_ || has_noisy(term);
      REDOUBT_ALLOW_ALL(check_free_expression(term));
    } else if (!scope_.is_unit_equality(term)) {
      REDOUBT_ALLOW_ALL(check_row_expression(term, scope_.columns()));
    }
  }
  return std::monostate();
}

Allowed BlockParts::resolve_where() {
  std::vector<Expression> terms;
  if (!block_.where.empty()) {
    REDOUBT_ALLOW(const Expression where, scope_.resolve(block_.where[0], items_, items_.size()));
    and_terms(where, terms);
  }
  REDOUBT_ALLOW_ALL(scope_.connect(terms));
  REDOUBT_ALLOW_ALL(check_terms(scope_.conditions()));
  REDOUBT_ALLOW_ALL(check_terms(terms));
  where_ = std::move(terms);
  return std::monostate();
}

Rows BlockParts::joined(const std::vector<Expression*>& over) {
  Rows rows{scope_.from_sql(), scope_.unit_sql(), {}, scope_.columns(), scope_.ids()};
  const auto print_term = [this](const Expression& term, const Columns& columns) {
    return scope_.is_unit_equality(term) ? print_bare_equality(term, columns) : print_condition(term, columns);
  };
  if (unit_) {
    rows.where.push_back("(" + rows.unit + ") IS NOT NULL");
    stage_parts(compiler_, rows, where_, over, print_term);
  }
  for (const Expression& term : where_) rows.where.push_back(print_term(term, rows.columns));
  return rows;
}

Allowed BlockParts::add_key(const Expression& key) {
  const bool identifier = key.kind == Kind::column && scope_.columns()[key.index].role != Role::attribute;
  if (!unit_) {
    noisy_ = noisy_ || has_noisy(key);
    REDOUBT_ALLOW_ALL(check_free_expression(key));
  } else if (!identifier) {
    REDOUBT_ALLOW_ALL(check_row_expression(key, scope_.columns()));
  }
  // Grouping sets name the keys by their places.
  const bool known = std::ranges::any_of(keys_, [&](const Expression& k) { return same(k, key); });
  if (!known || !block_.grouping_sets.empty()) keys_.push_back(key);
  if (keys_.size() > kMaxKeys) return refuse("G5", "more than 32 group keys", key.offset);
  return std::monostate();
}

Allowed BlockParts::find_keys() {
  if (block_.group_by_all) {
    for (const Expression& item : items_) {
      if (!has_aggregate(item) && !has_window(item) && !is_constant(item)) REDOUBT_ALLOW_ALL(add_key(item));
    }
  }
  for (const Expression& group : block_.group_by) {
    REDOUBT_ALLOW(const auto number, ordinal(group, items_.size()));
    if (number) {
      REDOUBT_ALLOW_ALL(add_key(items_[*number]));
      continue;
    }
    REDOUBT_ALLOW(const Expression key, scope_.resolve(group, items_, items_.size()));
    REDOUBT_ALLOW_ALL(add_key(key));
  }
  return std::monostate();
}

std::optional<std::size_t> BlockParts::item_named(const Expression& e, bool by_name) const {
  if (e.kind != Kind::column || e.path.size() != 1) return std::nullopt;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const bool named = by_name && items_[i].kind == Kind::column && equal_names(names_[i], e.path[0]);
    if (named || (!items_[i].alias.empty() && equal_names(items_[i].alias, e.path[0]))) return i;
  }
  return std::nullopt;
}

Checked<Expression> BlockParts::resolve_output(const Expression& e, bool whole_order_term) {
  const auto item = item_named(e, whole_order_term);
  if (item && whole_order_term) return Expression(items_[*item]);
  if (item) {
    const auto column = scope_.column(e);
    const bool key = column && (!aggregated_ || std::ranges::any_of(keys_, [&](const Expression& k) { return same(k, *column); }));
    return key ? *column : Expression(items_[*item]);
  }
  if (e.kind == Kind::column || e.kind == Kind::subquery || is_aggregate_call(e)) return scope_.resolve(e, items_, items_.size());
  Expression out = e;
  for (auto* list : {&out.children, &out.filter, &out.partitions}) {
    for (Expression& child : *list) {
      REDOUBT_ALLOW(child, resolve_output(child, false));
    }
  }
  for (auto* orders : {&out.order_by, &out.window_order}) {
    for (OrderItem& order : *orders) {
      REDOUBT_ALLOW(order.expression, resolve_output(order.expression, false));
    }
  }
  return out;
}

Allowed BlockParts::output(Select& select) {
  if (!block_.qualify.empty()) {
    REDOUBT_ALLOW(auto qualify, resolve_output(block_.qualify[0], false));
    REDOUBT_ALLOW_ALL(scope_.charge(qualify));
    select.qualify.push_back(std::move(qualify));
  }
  select.modifiers = block_.modifiers;
  for (Expression& target : select.modifiers.distinct_on) {
    REDOUBT_ALLOW(const auto number, ordinal(target, items_.size()));
    if (number) {
      target = items_[*number];
    } else {
      REDOUBT_ALLOW(target, resolve_output(target, true));
    }
  }
  for (OrderItem& order : select.modifiers.order_by) {
    REDOUBT_ALLOW(const auto number, ordinal(order.expression, items_.size()));
    if (number) {
      order.expression = items_[*number];
    } else {
      REDOUBT_ALLOW(order.expression, resolve_output(order.expression, true));
      REDOUBT_ALLOW_ALL(scope_.charge(order.expression));
    }
    const bool selected = std::ranges::any_of(items_, [&](const Expression& i) { return same(i, order.expression); });
    if (select.modifiers.distinct && select.modifiers.distinct_on.empty() && !selected) {
      return refuse("S10", "with DISTINCT, ORDER BY takes what is selected", order.expression.offset);
    }
  }
  return std::monostate();
}

Allowed BlockParts::each(Select& select, const std::function<Allowed(Expression&)>& visit) {
  for (auto* list : {&select.items, &select.having, &select.qualify, &select.modifiers.distinct_on}) {
    for (Expression& e : *list) REDOUBT_ALLOW_ALL(visit(e));
  }
  for (OrderItem& order : select.modifiers.order_by) REDOUBT_ALLOW_ALL(visit(order.expression));
  return std::monostate();
}

Checked<Expression> BlockParts::replace(const Expression& e, const Aggregate& aggregate) {
  const auto key = std::ranges::find_if(keys_, [&](const Expression& k) { return same(k, e); });
  if (key != keys_.end()) return stage_column(e, static_cast<std::size_t>(key - keys_.begin()));
  if (is_aggregate_call(e)) {
    REDOUBT_ALLOW(const std::size_t index, aggregate(e));
    return stage_column(e, keys_.size() + index);
  }
  if (e.is_operation("GROUPING")) return refuse("S8", "GROUPING is for grouping sets, which are not released", e.offset);
  if (e.kind == Kind::column) return refuse("G5", "a column that is neither grouped nor inside an aggregate", e.offset, "add it to GROUP BY");
  Expression out = e;
  for (auto* list : {&out.children, &out.filter, &out.partitions}) {
    for (Expression& child : *list) {
      REDOUBT_ALLOW(child, replace(child, aggregate));
    }
  }
  for (auto* orders : {&out.order_by, &out.window_order}) {
    for (OrderItem& order : *orders) {
      REDOUBT_ALLOW(order.expression, replace(order.expression, aggregate));
    }
  }
  return out;
}

Checked<Select> BlockParts::staged(const Aggregate& aggregate) {
  Select select;
  select.items = items_;
  if (!block_.having.empty()) {
    REDOUBT_ALLOW(auto having, resolve_output(block_.having[0], false));
    REDOUBT_ALLOW_ALL(scope_.charge(having));
    select.having.push_back(std::move(having));
  }
  REDOUBT_ALLOW_ALL(output(select));
  REDOUBT_ALLOW_ALL(each(select, [&](Expression& e) -> Allowed {
    const std::string alias = e.alias;
    REDOUBT_ALLOW(e, replace(e, aggregate));
    e.alias = alias;
    return std::monostate();
  }));
  return select;
}

}  // namespace redoubt::sql
