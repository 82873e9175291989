#include "engines/sql/compiler.h"

#include <algorithm>

#include "engines/sql/compile_block.h"
#include "engines/sql/forms.h"
#include "engines/sql/print.h"
#include "engines/sql/refusal.h"
#include "engines/sql/resolve.h"
#include "engines/sql/texts.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

// Each use of EXISTS compiles its relations twice, so the number of queries is bounded apart from the size of the text.
constexpr std::size_t kMaxQueries = 512;

bool output_named(const Columns& columns, const Expression& e, std::size_t& index) {
  if (e.kind != Kind::column || e.path.size() != 1) return false;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!equal_names(columns[i].name, e.path[0])) continue;
    index = i;
    return true;
  }
  return false;
}

// Refers to the columns of a result by name, for ORDER BY of set operations.
Checked<Expression> over_outputs(const Expression& e, const Columns& columns) {
  Expression out = e;
  if (output_named(columns, e, out.index)) {
    out.path.clear();
    return out;
  }
  if (e.kind == Kind::column) return refuse("G5", "ORDER BY of a set operation names a column of its result", e.offset);
  for (Expression& child : out.children) {
    REDOUBT_ALLOW(child, over_outputs(child, columns));
  }
  return out;
}

}  // namespace

std::string Compiler::add(const std::string& sql, bool materialized) {
  statements_.push_back({"q" + std::to_string(statements_.size()), sql, materialized});
  return statements_.back().name;
}

Compiler::Statement Compiler::last() {
  Statement out = std::move(statements_.back());
  statements_.pop_back();
  return out;
}

Relation Compiler::dataset(const Table& table) {
  for (const auto& [name, relation] : tables_) {
    if (name == table.name) return relation;
  }
  Relation out;
  out.kind = RelationKind::unit;
  out.growth.datasets = 1;
  const std::string unit = quote(table.unit()->name);
  std::vector<std::string> items = {unit + " AS u"};
  for (const Column& column : table.columns) {
    ColumnInfo info;
    info.name = column.name;
    info.type = column.type;
    info.role = column.role;
    info.sql = "c" + std::to_string(out.columns.size());
    info.argument.counted = Counted::column;
    info.is_unit = column.role == Role::unit;
    info.extent = column.type.id == TypeId::varchar ? text_extent(kCellText) : fixed_extent();
    if (column.role == Role::attribute) {
      if (column.type.is_number()) info.argument = {Form::plain, 1, Counted::column};
      if (column.type.id == TypeId::boolean) info.argument.form = Form::predicate;
      if (column.type.id == TypeId::date) info.argument.form = Form::date;
      if (column.type.id == TypeId::boolean) info.interval = {true, 0, 1};
      if (column.bounds) info.interval = {true, column.bounds->low, column.bounds->high};
    }
    items.push_back(quote(column.name) + " AS " + info.sql);
    out.columns.push_back(std::move(info));
  }
  if (traced()) {
    items.emplace_back("rowid AS i0");
    out.ids.push_back({datasets_.size(), false, "i0"});
  }
  out.name = add("SELECT " + join_texts(items) + " FROM main." + quote(table.name) + " WHERE " + unit + " IS NOT NULL", false);
  datasets_.push_back(table.name);
  tables_.emplace_back(table.name, out);
  return out;
}

Checked<Relation> Compiler::values(const From& from) {
  Relation out;
  out.growth.rows = static_cast<double>(from.values.size());
  std::vector<std::string> rows, names;
  for (const auto& row : from.values) {
    for (const Expression& item : row) {
      if (!is_constant(item)) return refuse("G2", "VALUES lists hold constants", item.offset);
      REDOUBT_ALLOW_ALL(check_free_expression(item));
    }
  }
  for (std::size_t i = 0; i < from.values[0].size(); ++i) {
    ColumnInfo info;
    info.name = "col" + std::to_string(i);
    info.sql = "c" + std::to_string(i);
    if (from.values.size() == 1) info.argument.form = Form::constant;
    info.interval = {true, 1, 0};
    info.extent = {0, 0, 0, 0};
    for (const auto& row : from.values) {
      info.extent = larger(info.extent, extent_of(row[i], {}));
      const Interval interval = interval_of(row[i], {});
      info.interval = {info.interval.finite && interval.finite,
                       info.interval.low > info.interval.high ? interval.low : std::min(info.interval.low, interval.low),
                       info.interval.low > info.interval.high ? interval.high : std::max(info.interval.high, interval.high)};
    }
    names.push_back(info.sql);
    out.columns.push_back(std::move(info));
  }
  for (const auto& row : from.values) {
    std::vector<std::string> items;
    for (const Expression& item : row) items.push_back(print(item, {}));
    rows.push_back("(" + join_texts(items) + ")");
  }
  out.name = add("SELECT * FROM (VALUES " + join_texts(rows) + ") AS v(" + join_texts(names) + ")", true);
  return out;
}

Checked<Relation> Compiler::query(const Query& query, const Names& names, const Scope* outer, bool outermost) {
  if (++queries_ > kMaxQueries) return refuse("G5", "more subqueries than are checked", query.offset);
  Names seen = names;
  for (const Query::Named& named : query.with) {
    REDOUBT_ALLOW(Relation relation, this->query(*named.query, seen, outer));
    if (named.column_aliases.size() > relation.columns.size()) return refuse("G5", "more column names than the query has columns", query.offset);
    for (std::size_t i = 0; i < named.column_aliases.size(); ++i) relation.columns[i].name = named.column_aliases[i];
    seen.emplace_back(named.name, std::move(relation));
  }
  if (query.block.empty()) return set_operation(query.operation[0], seen, outer, outermost);
  return compile_block(*this, query.block[0], seen, outer, outermost);
}

Checked<Relation> Compiler::set_operation(const SetOperation& operation, const Names& names, const Scope* outer, bool outermost) {
  std::vector<Relation> sides;
  Relation out;
  out.growth.rows = 0;
  for (const Query& side : operation.sides) {
    REDOUBT_ALLOW(Relation relation, query(side, names, outer));
    if (relation.kind == RelationKind::unit) {
      return refuse("S9", "a set operation over rows of people; release each side first", side.offset, "aggregate each side: SELECT key, count(*) ... GROUP BY key");
    }
    if (relation.kind == RelationKind::released) out.kind = RelationKind::released;
    out.growth.rows += relation.growth.rows;
    out.growth.effort.steps += relation.growth.effort.steps;
    sides.push_back(std::move(relation));
  }
  // BY NAME: the columns of the left side, then those that only the right one has.
  const bool by_name = operation.words.ends_with("BY NAME");
  std::vector<std::string> names_out;
  const auto place = [](const Relation& side, const std::string& name) {
    for (const ColumnInfo& column : side.columns) {
      if (equal_names(column.name, name)) return column.sql;
    }
    return std::string("NULL");
  };
  const auto extent = [](const Relation& side, const std::string& sql) {
    const auto found = std::ranges::find(side.columns, sql, &ColumnInfo::sql);
    return found == side.columns.end() ? Extent{0, 0, 0, 0} : found->extent;
  };
  for (const ColumnInfo& column : sides[0].columns) names_out.push_back(column.name);
  for (const ColumnInfo& column : sides[1].columns) {
    if (by_name && place(sides[0], column.name) == "NULL") names_out.push_back(column.name);
  }
  if (!by_name && sides[0].columns.size() != sides[1].columns.size()) {
    return refuse("G5", "a set operation over different numbers of columns", operation.sides[1].offset);
  }
  std::vector<std::string> selects;
  for (const Relation& side : sides) {
    std::vector<std::string> items;
    for (std::size_t i = 0; i < names_out.size(); ++i) {
      items.push_back((by_name ? place(side, names_out[i]) : side.columns[i].sql) + " AS c" + std::to_string(i));
    }
    selects.push_back("SELECT " + join_texts(items) + " FROM " + side.name);
  }
  for (std::size_t i = 0; i < names_out.size(); ++i) {
    ColumnInfo info;
    info.name = names_out[i];
    info.sql = "c" + std::to_string(i);
    info.extent = {0, 0, 0, 0};
    for (const Relation& side : sides) info.extent = larger(info.extent, extent(side, by_name ? place(side, names_out[i]) : side.columns[i].sql));
    out.columns.push_back(std::move(info));
  }
  const std::string words = by_name ? operation.words.substr(0, operation.words.size() - 8) : operation.words;
  const std::string inner = add(join_texts(selects, " " + words + " "), true);
  Columns inside = out.columns;
  Modifiers modifiers = operation.modifiers;
  for (OrderItem& item : modifiers.order_by) {
    REDOUBT_ALLOW(const auto number, ordinal(item.expression, inside.size()));
    if (number) {
      item.expression = Expression();
      item.expression.kind = Kind::column;
      item.expression.index = *number;
      continue;
    }
    REDOUBT_ALLOW(item.expression, over_outputs(item.expression, inside));
    REDOUBT_ALLOW_ALL(check_free_expression(item.expression));
  }
  Select select;
  select.from = inner;
  select.columns = std::move(inside);
  for (std::size_t i = 0; i < out.columns.size(); ++i) {
    Expression item;
    item.kind = Kind::column;
    item.index = i;
    select.items.push_back(std::move(item));
  }
  if (modifiers.limited) out.growth.rows = std::min(out.growth.rows, static_cast<double>(modifiers.limit));
  select.modifiers = std::move(modifiers);
  out.name = add(print_select(select, outermost), true);
  return out;
}

Checked<Expression> Compiler::in(const Expression& expression, const Relation& relation, const Scope& scope) {
  Expression out = expression;
  out.kind = Kind::member;
  out.text = relation.name;
  out.path = {"c0"};
  out.query = nullptr;
  const Expression& sought = expression.children[0];
  const ColumnInfo& found = relation.columns[0];
  if (relation.kind != RelationKind::unit) return out;
  const bool units = scope.kind() == RelationKind::unit && sought.kind == Kind::column && scope.columns()[sought.index].role == Role::unit &&
                     found.role == Role::unit;
  if (!units) {
    return refuse("S4", "IN over rows of people looks for values of single people", expression.offset,
                  "unit IN (SELECT unit FROM ... WHERE ...), with each dataset's unit column");
  }
  out.index = 1;
  return out;
}

Checked<Expression> Compiler::exists(const Expression& expression, const Scope& scope, const Names& names) {
  const Refusal refusal = refuse("S4", "EXISTS takes one SELECT over rows of people, tied to the unit outside by one equality", expression.offset,
                                 "EXISTS (SELECT 1 FROM d WHERE d.unit = outer.unit AND ...)");
  Query query = *expression.query;
  if (query.block.size() != 1 || !query.with.empty() || scope.kind() != RelationKind::unit) return refusal;
  Block& block = query.block[0];
  REDOUBT_ALLOW(Scope inner, Scope::build(block.from, *this, names, &scope));
  if (inner.kind() != RelationKind::unit || block.where.empty()) return refusal;
  std::vector<Expression> terms, rest;
  and_terms(block.where[0], terms);
  std::optional<Expression> inside, outside;
  for (const Expression& term : terms) {
    const bool equality = term.is_operation("=") && !inside;
    bool tied = false;
    for (std::size_t side = 0; equality && side < 2 && !tied; ++side) {
      const auto here = inner.column(term.children[side]);
      const auto there = inner.column(term.children[1 - side]) ? std::nullopt : scope.column(term.children[1 - side]);
      if (!here || !there || inner.columns()[here->index].role != Role::unit || scope.columns()[there->index].role != Role::unit) continue;
      tied = true;
      inside = term.children[side];
      outside = there;
    }
    if (!tied) rest.push_back(term);
  }
  if (!inside) return refusal;
  block.where.clear();
  if (rest.size() == 1) block.where = std::move(rest);
  if (rest.size() > 1) {
    Expression all;
    all.kind = Kind::operation;
    all.text = "AND";
    all.offset = expression.offset;
    all.children = std::move(rest);
    block.where.push_back(std::move(all));
  }
  block.items.push_back(*inside);
  block.names.emplace_back("unit");
  REDOUBT_ALLOW(const Relation relation, this->query(query, names, &scope));
  if (relation.kind != RelationKind::unit || relation.columns.back().role != Role::unit) return refusal;
  Expression out;
  out.kind = Kind::member;
  out.text = relation.name;
  out.path = {relation.columns.back().sql};
  out.children = {*outside};
  out.alias = expression.alias;
  out.offset = expression.offset;
  out.index = 1;
  out.exists = true;
  out.effort = relation.growth.effort;
  return out;
}

Checked<Expression> Compiler::subquery(const Expression& expression, const Scope& scope, const Names& names) {
  if (expression.text == "EXISTS") return exists(expression, scope, names);
  REDOUBT_ALLOW(const Relation relation, query(*expression.query, names, &scope));
  if (relation.columns.size() != 1) return refuse("G5", "a subquery in an expression has one column", expression.offset);
  const bool noisy = relation.kind == RelationKind::released && level_ == Level::differential_privacy;
  if (expression.text == "IN") {
    REDOUBT_ALLOW(Expression out, in(expression, relation, scope));
    out.noisy = noisy;
    out.effort = relation.growth.effort;
    return out;
  }
  if (relation.kind == RelationKind::unit) {
    return refuse("S4", "a scalar subquery over rows of people gives a value of one person", expression.offset, "(SELECT avg(x) FROM ...)");
  }
  Expression out = expression;
  out.kind = Kind::scalar;
  out.noisy = noisy;
  out.extent = relation.columns[0].extent;
  out.effort = relation.growth.effort;
  out.text = relation.name;
  out.query = nullptr;
  return out;
}

Relation Compiler::released_tuples(const Relation& rows) {
  ReleasedBlock block;
  block.rows.from = rows.name + " AS r0";
  block.rows.unit = "r0.u";
  block.counted = !tail_.distinct;
  block.rows.ids = rows.ids;
  for (SourceId& id : block.rows.ids) id.sql = "r0." + id.sql;
  std::vector<std::string> equal, items, order;
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    const std::string c = "c" + std::to_string(i);
    ColumnInfo info = rows.columns[i];
    info.sql = "r0." + info.sql;
    block.rows.columns.push_back(std::move(info));
    Expression key;
    key.kind = Kind::column;
    key.index = i;
    block.keys.push_back(std::move(key));
    equal.push_back("r." + c + " IS NOT DISTINCT FROM t.g" + std::to_string(i));
    items.push_back(tail_.distinct ? "t.g" + std::to_string(i) + " AS " + c : "r." + c + " AS " + c);
  }
  const std::string released = release(block);
  const std::string from = tail_.distinct ? released + " AS t" : rows.name + " AS r SEMI JOIN " + released + " AS t ON " + join_texts(equal, " AND ");
  Relation out;
  out.kind = RelationKind::released;
  out.columns = rows.columns;
  out.name = add("SELECT " + join_texts(items) + " FROM " + from, true);
  Select select;
  select.from = out.name;
  select.columns = rows.columns;
  for (std::size_t i = 0; i < rows.columns.size(); ++i) select.items.push_back(block.keys[i]);
  select.modifiers.order_by = tail_.order_by;
  select.modifiers.limited = tail_.limited;
  select.modifiers.limit = tail_.limit;
  select.modifiers.offset_rows = tail_.offset_rows;
  out.name = add(print_select(select, true), true);
  return out;
}

Checked<Relation> Compiler::whole(const Query& query) {
  REDOUBT_ALLOW(Relation relation, this->query(query, {}, nullptr, true));
  const std::size_t offset = query.offset;
  if (!(relation.growth.effort.steps <= kMaxRowSteps)) {
    return refuse("G5", "looking through the texts of one row of a person could take too long in all blocks together, so that a limit could tell who is there", offset,
                  "split the query");
  }
  if (relation.has_identifier()) {
    if (level_ == Level::k_anonymized || relation.kind != RelationKind::unit) return refuse("S3", "an identifier stands in the result", offset, "leave it out, or count(DISTINCT ...) it");
  }
  if (level_ == Level::differential_privacy && relation.kind != RelationKind::released) {
    return refuse("D1", "the result is not made of noisy statistics", offset, "select aggregates: SELECT key, count(*) FROM ... GROUP BY key");
  }
  if (relation.kind != RelationKind::unit) return relation;
  if (level_ == Level::k_anonymized) return released_tuples(relation);
  return refuse("A1", "the result would be rows of people, not statistics", offset,
                "select aggregates: SELECT key, count(*), avg(x) FROM ... GROUP BY key");
}

}  // namespace redoubt::sql
