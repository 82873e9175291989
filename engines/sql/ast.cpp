#include "engines/sql/ast.h"

#include <algorithm>

namespace redoubt::sql {

bool same(const Expression& a, const Expression& b) {
  const auto same_order = [](const OrderItem& x, const OrderItem& y) {
    return x.descending == y.descending && x.nulls_first == y.nulls_first && same(x.expression, y.expression);
  };
  return a.kind == b.kind && a.constant_type == b.constant_type && a.text == b.text && a.index == b.index &&
         a.distinct == b.distinct && a.ignore_nulls == b.ignore_nulls && a.frame == b.frame && a.exists == b.exists &&
         a.query == b.query && std::ranges::equal(a.children, b.children, same) && std::ranges::equal(a.filter, b.filter, same) &&
         std::ranges::equal(a.order_by, b.order_by, same_order) && std::ranges::equal(a.partitions, b.partitions, same) &&
         std::ranges::equal(a.window_order, b.window_order, same_order) &&
         (a.kind != Expression::Kind::column || a.path.empty() == b.path.empty());
}

}  // namespace redoubt::sql
