#include "engines/sql/compile_block.h"

#include <algorithm>

#include "engines/sql/block_parts.h"
#include "engines/sql/cells.h"
#include "engines/sql/forms.h"
#include "engines/sql/print.h"
#include "engines/sql/refusal.h"
#include "engines/sql/stage_parts.h"
#include "engines/sql/texts.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

constexpr std::size_t kMaxCells = 64;

// BlockCompiler applies the rules to the parts of one block and prints it.
class BlockCompiler : private BlockParts {
 public:
  BlockCompiler(Compiler& compiler, const Block& block, Scope scope, bool outermost)
      : BlockParts(compiler, block, std::move(scope)), outermost_(outermost) {}

  Checked<Relation> run() {
    REDOUBT_ALLOW_ALL(resolve());
    if (!unit_) return open_block();
    if (!aggregated_) return unit_block();
    if (!block_.grouping_sets.empty()) return refuse("S8", "ROLLUP, CUBE and GROUPING SETS are not released", block_.offset, "one query for each grouping");
    const auto bare_unit = [&](const Expression& k) { return k.kind == Kind::column && scope_.columns()[k.index].role == Role::unit; };
    if (std::ranges::any_of(keys_, bare_unit)) return unit_groups();
    return released();
  }

 private:
  Checked<Relation> open_block() {
    Select select;
    Rows rows = joined({});
    select.from = std::move(rows.from);
    select.where = std::move(rows.where);
    select.columns = std::move(rows.columns);
    select.items = items_;
    select.group_by = keys_;
    select.grouping_sets = block_.grouping_sets;
    if (!block_.having.empty()) {
      REDOUBT_ALLOW(auto having, resolve_output(block_.having[0], false));
      select.having.push_back(std::move(having));
    }
    REDOUBT_ALLOW_ALL(output(select));
    REDOUBT_ALLOW_ALL(each(select, [&](const Expression& e) {
      noisy_ = noisy_ || has_noisy(e);
      return check_free_expression(e);
    }));
    // Constants that released numbers choose tell of them, and rows of people would then be chosen by these (D1).
    REDOUBT_ALLOW(Relation out, finish(select, noisy_ ? RelationKind::released : scope_.kind()));
    const bool one_row = aggregated_ && keys_.empty() && select.grouping_sets.empty();
    out.growth = {one_row ? 1 : scope_.growth().rows, 0, {0, scope_.growth().effort.steps}};
    for (const Expression& item : items_) out.growth.rows *= unnested(item);
    if (select.modifiers.limited) out.growth.rows = std::min(out.growth.rows, static_cast<double>(select.modifiers.limit));
    return out;
  }

  // unnested: into how many rows an item takes a list apart; far too many where that is not known.
  static double unnested(const Expression& e) {
    double out = 1;
    for (const Expression& child : e.children) out *= unnested(child);
    if (e.kind != Kind::function || (e.text != "unnest" && e.text != "regexp_split_to_table")) return out;
    const bool known = e.text == "unnest" && e.children.size() == 1 && (e.children[0].is_operation("LIST") || e.children[0].is_function("list_value"));
    return out * (known ? std::max<double>(1, static_cast<double>(e.children[0].children.size())) : 1e9);
  }

  // finish adds the statement and describes its columns.
  Checked<Relation> finish(const Select& select, RelationKind kind) {
    Relation out;
    out.kind = kind;
    out.growth = scope_.growth();
    for (std::size_t i = 0; i < select.items.size(); ++i) {
      const Expression& item = select.items[i];
      ColumnInfo info;
      info.name = names_[i];
      info.sql = "c" + std::to_string(i);
      info.extent = extent_of(item, select.columns);
      if (item.kind == Kind::column) {
        const ColumnInfo& column = select.columns[item.index];
        info.type = column.type;
        info.role = column.role;
        info.argument = column.argument;
        info.interval = column.interval;
        info.is_unit = column.is_unit;
        info.bounded = column.bounded;
      } else if (kind == RelationKind::unit) {
        info.argument = argument_form(item, select.columns);
        info.interval = interval_of(item, select.columns);
      } else if (select.from.empty() && is_constant(item)) {
        info.argument.form = Form::constant;
        info.interval = interval_of(item, select.columns);
      }
      out.columns.push_back(std::move(info));
    }
    for (std::size_t i = 0; i < select.ids.size(); ++i) out.ids.push_back({select.ids[i].dataset, select.ids[i].list, "i" + std::to_string(i)});
    if (!select.ids.empty() && select.modifiers.distinct) return distinct_traced(select, std::move(out));
    out.name = compiler_.add(print_select(select, outermost_ && kind != RelationKind::unit), kind != RelationKind::unit);
    return out;
  }

  // distinct_traced: a distinct row was built from all rows that are equal to it.
  Checked<Relation> distinct_traced(Select select, Relation out) {
    select.modifiers.distinct = false;
    const std::string all = compiler_.add(print_select(select, false), false);
    std::vector<std::string> columns = {"u"};
    for (const ColumnInfo& column : out.columns) columns.push_back(column.sql);
    std::vector<std::string> items = columns;
    for (SourceId& id : out.ids) {
      items.push_back(gathered(id) + " AS " + id.sql);
      id.list = true;
    }
    out.name = compiler_.add("SELECT " + join_texts(items) + " FROM " + all + " GROUP BY " + join_texts(columns), false);
    return out;
  }

  // gathered puts the dataset rows of several rows into one list.
  static std::string gathered(const SourceId& id) {
    return (id.list ? "flatten(list(" : "(list(") + id.sql + ") FILTER (WHERE " + id.sql + " IS NOT NULL))";
  }

  // places: the expressions of a unit-level Select that stand over its rows.
  static std::vector<Expression*> places(Select& select) {
    std::vector<Expression*> out;
    for (auto* list : {&select.items, &select.qualify}) {
      for (Expression& e : *list) out.push_back(&e);
    }
    return out;
  }

  static void read(Select& select, Rows rows) {
    select.from = std::move(rows.from);
    select.unit = std::move(rows.unit);
    select.ids = std::move(rows.ids);
    select.where = std::move(rows.where);
    select.columns = std::move(rows.columns);
  }

  Checked<Relation> unit_block() {
    Select select;
    select.items = items_;
    REDOUBT_ALLOW_ALL(output(select));
    read(select, joined(places(select)));
    return finish_units(select);
  }

  // finish_units checks what S5 and S6 ask of a unit-level result.
  Checked<Relation> finish_units(Select& select) {
    Modifiers& modifiers = select.modifiers;
    if (!modifiers.distinct_on.empty()) return refuse("S6", "DISTINCT ON picks rows of people", modifiers.distinct_on[0].offset);
    const bool released_whole = outermost_ && compiler_.level() == Level::k_anonymized;
    if (released_whole) {
      REDOUBT_ALLOW_ALL(take_tail(select));
    } else if (modifiers.cut()) {
      return refuse("S6", "LIMIT and OFFSET choose among people", modifiers.limit_offset, "use a window inside one unit: row_number() OVER (PARTITION BY unit ORDER BY ...)");
    }
    const auto identifier = [&](const Expression& e) { return e.kind == Kind::column && select.columns[e.index].role != Role::attribute; };
    const auto unit = [&](const Expression& e) { return e.kind == Kind::column && select.columns[e.index].role == Role::unit; };
    if (modifiers.distinct && !released_whole && std::ranges::none_of(select.items, unit)) {
      return refuse("S6", "DISTINCT over rows of people needs the unit column among the selected ones", block_.offset, "GROUP BY the columns instead");
    }
    for (const Expression& item : select.items) {
      if (!identifier(item)) REDOUBT_ALLOW_ALL(check_row_expression(item, select.columns, RowContext::windows));
    }
    for (const Expression& qualify : select.qualify) {
      REDOUBT_ALLOW_ALL(check_row_expression(qualify, select.columns, RowContext::windows));
    }
    for (const OrderItem& order : modifiers.order_by) {
      REDOUBT_ALLOW_ALL(check_row_expression(order.expression, select.columns, RowContext::windows));
    }
    // The windows of the engine run over the hidden unit as well: where an outer join left a unit column NULL, it alone would put
    // rows of several people together.
    REDOUBT_ALLOW_ALL(each(select, [&](Expression& e) { return partition_by_unit(e, select); }));
    const bool distinct = modifiers.distinct && !released_whole;
    modifiers = Modifiers();
    modifiers.distinct = distinct;
    return finish(select, RelationKind::unit);
  }

  // settle_ties: which of a unit's rows comes first must follow from its rows alone. Where the author's order leaves that open, the engine
  // would decide by where the rows stand among those of others, and one unit more could change what all others contribute under noise.
  // Peers stay peers: frames of RANGE and GROUPS keep their order, and what takes one row of a frame gets an order of its own there.
  void settle_ties(Expression& window, const Columns& columns) const {
    if (compiler_.level() != Level::differential_privacy) return;
    const std::string& name = window.text;
    const bool ranks = name == "rank" || name == "dense_rank";  // of peers, which ties are
    const bool places = name == "row_number" || name == "lag" || name == "lead";
    const bool ends = name == "first_value" || name == "last_value" || name == "nth_value";
    if (ends && window.order_by.empty()) window.order_by = window.window_order;
    const bool ordered = ends || !window.order_by.empty();
    if (places && !ordered) window.frame = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";  // they look at no frame
    const bool whole = window.frame.starts_with("ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING");
    const bool by_rows = window.frame.starts_with("ROWS") && !whole;
    if (ordered && (places || ends)) append_columns(window.order_by, columns);
    if (by_rows && (ordered || !ranks)) append_columns(window.window_order, columns);
  }

  // append_columns: every column that the joined rows have, the hidden unit not counted.
  void append_columns(std::vector<OrderItem>& order, const Columns& columns) const {
    for (std::size_t i = 0; i < columns.size() && i < unit_column_; ++i) {
      if (columns[i].gone) continue;
      Expression column;
      column.kind = Kind::column;
      column.index = i;
      order.push_back({std::move(column), false, false});
    }
  }

  Allowed partition_by_unit(Expression& e, Select& select) {
    if (e.kind == Kind::window) {
      settle_ties(e, select.columns);
      if (unit_column_ == std::string::npos) {
        unit_column_ = select.columns.size();
        ColumnInfo info;
        info.sql = select.unit;
        info.role = Role::unit;
        info.extent = text_extent(kCellText);
        select.columns.push_back(std::move(info));
      }
      Expression unit;
      unit.kind = Kind::column;
      unit.index = unit_column_;
      e.partitions.push_back(std::move(unit));
    }
    for (Expression& child : e.children) REDOUBT_ALLOW_ALL(partition_by_unit(child, select));
    return std::monostate();
  }

  // take_tail hands DISTINCT, ORDER BY and LIMIT of the outermost block on: they act on released tuples (K1).
  Allowed take_tail(Select& select) {
    Tail& tail = compiler_.tail();
    const Modifiers& modifiers = select.modifiers;
    tail.distinct = modifiers.distinct;
    tail.limited = modifiers.limited;
    tail.limit = modifiers.limit;
    tail.offset_rows = modifiers.offset_rows;
    for (const OrderItem& order : modifiers.order_by) {
      OrderItem item = order;
      REDOUBT_ALLOW(item.expression, over_items(order.expression, select.items));
      tail.order_by.push_back(std::move(item));
    }
    if (modifiers.order_by_all) {
      for (std::size_t i = 0; i < select.items.size(); ++i) {
        Expression column;
        column.kind = Kind::column;
        column.index = i;
        tail.order_by.push_back({std::move(column), modifiers.order_by_all_descending, false});
      }
    }
    return std::monostate();
  }

  Checked<Expression> over_items(const Expression& e, const std::vector<Expression>& items) {
    const auto found = std::ranges::find_if(items, [&](const Expression& i) { return same(i, e); });
    if (found != items.end()) {
      Expression column;
      column.kind = Kind::column;
      column.index = static_cast<std::size_t>(found - items.begin());
      return column;
    }
    if (e.kind == Kind::column || e.kind == Kind::window) {
      return refuse("K1", "ORDER BY of the released rows takes what is selected", e.offset, "select the column too");
    }
    Expression out = e;
    for (Expression& child : out.children) {
      REDOUBT_ALLOW(child, over_items(child, items));
    }
    return out;
  }

  // bounded_in_unit: fewer than 2^63 times as many steps as there are rows. One level of aggregates only: joins may multiply what comes after it.
  static bool bounded_in_unit(const Expression& call, const Columns& columns) {
    if (call.text == "count_star" || call.text == "count" || call.text == "count_if") return true;
    const bool keeps = call.text == "sum" || call.text == "avg" || call.text == "min" || call.text == "max";
    if (!keeps || call.children.size() != 1 || call.children[0].kind != Kind::column) return false;
    return !columns[call.children[0].index].bounded && is_bounded(call.children[0], columns);
  }

  // unit_groups is S7: one or more rows for each unit.
  Checked<Relation> unit_groups() {
    const Columns& columns = scope_.columns();
    std::vector<Expression> calls;
    const auto aggregate = [&](const Expression& call) -> Checked<std::size_t> {
      REDOUBT_ALLOW_ALL(check_unit_aggregate(call, columns));
      const auto found = std::ranges::find_if(calls, [&](const Expression& c) { return same(c, call); });
      if (found != calls.end()) return static_cast<std::size_t>(found - calls.begin());
      if (calls.size() == kMaxCells) return refuse("G5", "more than 64 aggregates", call.offset);
      calls.push_back(call);
      return calls.size() - 1;
    };
    REDOUBT_ALLOW(Select select, staged(aggregate));
    std::vector<Expression*> over;
    for (auto* list : {&keys_, &calls}) {
      for (Expression& e : *list) over.push_back(&e);
    }
    const Rows rows = joined(over);
    std::vector<std::string> items = {rows.unit + " AS uu"}, groups = {"uu"};
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      ColumnInfo info;
      if (keys_[i].kind == Kind::column) info = columns[keys_[i].index];
      info.argument = argument_form(keys_[i], columns);
      info.interval = interval_of(keys_[i], columns);
      info.extent = extent_of(keys_[i], columns);
      info.sql = "t.g" + std::to_string(i);
      items.push_back(print(keys_[i], rows.columns) + " AS g" + std::to_string(i));
      groups.push_back("g" + std::to_string(i));
      select.columns.push_back(std::move(info));
    }
    for (std::size_t j = 0; j < calls.size(); ++j) {
      ColumnInfo info;
      info.argument = unit_aggregate_form(calls[j], columns);
      info.interval = unit_interval(calls[j], columns);
      info.bounded = bounded_in_unit(calls[j], columns);
      info.extent = extent_of(calls[j], columns);
      info.sql = "t.a" + std::to_string(j);
      items.push_back(print(calls[j], rows.columns) + " AS a" + std::to_string(j));
      select.columns.push_back(std::move(info));
    }
    for (const SourceId& id : rows.ids) {
      const std::string name = "i" + std::to_string(select.ids.size());
      items.push_back(gathered(id) + " AS " + name);
      select.ids.push_back({id.dataset, true, "t." + name});
    }
    const std::string stage = compiler_.add("SELECT " + join_texts(items) + " FROM " + rows.from + (rows.where.empty() ? "" : " WHERE " + join_texts(rows.where, " AND ")) +
                                                " GROUP BY " + join_texts(groups), false);
    for (const Expression& having : select.having) REDOUBT_ALLOW_ALL(check_row_expression(having, select.columns));
    Rows groups_of_units{stage + " AS t", "t.uu", {}, select.columns, select.ids};
    stage_parts(compiler_, groups_of_units, select.having, places(select), print_condition);
    for (const Expression& having : select.having) groups_of_units.where.push_back(print_condition(having, groups_of_units.columns));
    read(select, std::move(groups_of_units));
    select.having.clear();
    REDOUBT_ALLOW(Relation out, finish_units(select));
    // Of a unit's rows there is one left, or one for each value of the other keys.
    const bool one_row = std::ranges::all_of(keys_, [&](const Expression& k) { return k.kind == Kind::column && columns[k.index].role == Role::unit; });
    if (one_row) out.growth = {1, 0, out.growth.effort};
    return out;
  }

  // released is S8: groups of people.
  Checked<Relation> released() {
    ReleasedBlock out;
    out.keys = keys_;
    for (const Expression& key : keys_) REDOUBT_ALLOW_ALL(check_row_expression(key, scope_.columns()));
    const auto aggregate = [&](const Expression& call) -> Checked<std::size_t> {
      REDOUBT_ALLOW(auto cell, make_cell(call, scope_.columns(), compiler_.level()));
      const auto found = std::ranges::find_if(out.cells, [&](const Cell& c) { return same_cell(c, cell); });
      if (found != out.cells.end()) return static_cast<std::size_t>(found - out.cells.begin());
      if (out.cells.size() == kMaxCells) return refuse("G5", "more than 64 aggregates", call.offset);
      out.cells.push_back(std::move(cell));
      return out.cells.size() - 1;
    };
    REDOUBT_ALLOW(Select select, staged(aggregate));
    std::vector<Expression*> over;
    for (Expression& key : out.keys) over.push_back(&key);
    for (Cell& cell : out.cells) {
      for (auto* list : {&cell.arguments, &cell.filter, &cell.computed}) {
        for (Expression& e : *list) over.push_back(&e);
      }
    }
    out.rows = joined(over);
    for (std::size_t i = 0; i < out.keys.size() + out.cells.size(); ++i) {
      ColumnInfo info;
      const bool key = i < out.keys.size();
      info.sql = key ? "t.g" + std::to_string(i) : "t.c" + std::to_string(i - out.keys.size());
      // A released number is a number like another where released rows are joined to rows of people (A3).
      if (!key) info.argument = {Form::plain, 1, Counted::never};
      info.extent = key ? extent_of(keys_[i], scope_.columns()) : fixed_extent();
      select.columns.push_back(std::move(info));
    }
    REDOUBT_ALLOW_ALL(each(select, [](const Expression& e) { return check_free_expression(e); }));
    select.from = compiler_.release(out) + " AS t";
    for (const Expression& having : select.having) select.where.push_back(print_condition(having, select.columns));
    select.having.clear();
    REDOUBT_ALLOW(Relation result, finish(select, RelationKind::released));
    // The texts of people are gone with their rows; the time that they took is not.
    result.growth = {keys_.empty() ? 1 : scope_.growth().rows, 0, {0, scope_.growth().effort.steps}};
    return result;
  }

  bool outermost_;
  std::size_t unit_column_ = std::string::npos;
};

}  // namespace

Checked<Relation> compile_block(Compiler& compiler, const Block& block, const Names& names, const Scope* outer, bool outermost) {
  REDOUBT_ALLOW(Scope scope, Scope::build(block.from, compiler, names, outer));
  return BlockCompiler(compiler, block, std::move(scope), outermost).run();
}

}  // namespace redoubt::sql
