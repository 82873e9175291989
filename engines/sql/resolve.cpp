#include "engines/sql/resolve.h"

#include <algorithm>

#include "engines/sql/functions.h"
#include "engines/sql/print.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

constexpr std::size_t kMaxResolvedNodes = 20000;  // substituted aliases may multiply
constexpr std::size_t kMaxRelations = 16;

Refusal refuse(const char* rule, std::string message, std::size_t offset, std::string suggestion = {}) {
  return Refusal{rule, std::move(message), offset, std::move(suggestion)};
}

bool contains(const std::vector<std::size_t>& list, std::size_t item) { return std::ranges::find(list, item) != list.end(); }

bool comparable_units(const Type& a, const Type& b) {
  const auto whole = [](const Type& type) { return type.id == TypeId::bigint || type.id == TypeId::integer; };
  return a == b || (whole(a) && whole(b));
}

bool outer(From::Join join) {
  return join == From::Join::left || join == From::Join::right || join == From::Join::full || join == From::Join::anti;
}

std::string join_word(From::Join join) {
  switch (join) {
    case From::Join::left: return " LEFT JOIN ";
    case From::Join::right: return " RIGHT JOIN ";
    case From::Join::full: return " FULL JOIN ";
    case From::Join::semi: return " SEMI JOIN ";
    case From::Join::anti: return " ANTI JOIN ";
    case From::Join::cross: return " CROSS JOIN ";
    default: return " JOIN ";
  }
}

}  // namespace

void and_terms(const Expression& condition, std::vector<Expression>& out) {
  if (!condition.is_operation("AND")) {
    out.push_back(condition);
    return;
  }
  for (const Expression& child : condition.children) and_terms(child, out);
}

std::size_t Scope::root(std::size_t relation) const {
  while (parents_[relation] != relation) relation = parents_[relation];
  return relation;
}

bool Scope::is_unit_equality(const Expression& e) const {
  if (!e.is_operation("=") || e.children[0].kind != Kind::column || e.children[1].kind != Kind::column) return false;
  const ColumnInfo& left = column(e.children[0]);
  const ColumnInfo& right = column(e.children[1]);
  const auto shared = std::ranges::any_of(left.relations, [&](std::size_t r) { return contains(right.relations, r); });
  return left.role == Role::unit && right.role == Role::unit && !shared && comparable_units(left.type, right.type);
}

Checked<Scope::Side> Scope::add_dataset(const From& from) {
  const Table* table = schema_->find(from.dataset);
  if (table == nullptr) {
    std::string known;
    for (const Table& t : schema_->tables()) known += (known.empty() ? "" : ", ") + t.name;
    return refuse("G2", "no dataset of that name is registered; expected one of: " + known, from.offset);
  }
  const std::size_t relation = parents_.size();
  if (relation == kMaxRelations) return refuse("G5", "more than 16 relations in FROM", from.offset);
  if (from.column_aliases.size() > table->columns.size()) {
    return refuse("G5", "more column aliases than " + table->name + " has columns", from.offset);
  }
  parents_.push_back(relation);
  aliases_.push_back(from.alias);
  if (std::ranges::find(datasets_, table->name) == datasets_.end()) datasets_.push_back(table->name);

  Side side;
  const std::string alias = "r" + std::to_string(relation);
  side.relations.push_back(relation);
  side.sql = "main." + quote(table->name) + " AS " + alias;
  for (std::size_t i = 0; i < table->columns.size(); ++i) {
    const Column& column = table->columns[i];
    const std::string& name = i < from.column_aliases.size() ? from.column_aliases[i] : column.name;
    columns_.push_back({name, column.type, column.role, alias + "." + quote(column.name), {relation}});
    side.visible.push_back({from.alias, name, columns_.size() - 1, false});
    if (column.role == Role::unit) unit_sqls_.push_back(columns_.back().sql);
  }
  return side;
}

// using_condition prints USING as equalities. The merged column is the left one; for RIGHT the right one, for FULL the first
// that is not null; it alone answers to the unqualified name.
Checked<std::string> Scope::using_condition(const From& from, Side& left, Side& right, Side& out) {
  std::string sql;
  std::vector<Expression> terms;
  std::vector<Visible> merged;
  for (const std::string& name : from.using_columns) {
    Expression equality;
    equality.kind = Kind::operation;
    equality.text = "=";
    equality.offset = from.offset;
    for (Side* side : {&left, &right}) {
      Expression column;
      column.kind = Kind::column;
      column.path = {name};
      column.offset = from.offset;
      REDOUBT_ALLOW(column, resolve_in(column, side->visible, {}, 0));
      equality.children.push_back(std::move(column));
    }
    std::size_t index = equality.children[from.join == From::Join::right ? 1 : 0].index;
    if (from.join == From::Join::full) {
      ColumnInfo both = columns_[equality.children[0].index];
      const ColumnInfo& other = columns_[equality.children[1].index];
      // A merged column is an identifier if either part is.
      if (both.role == Role::attribute) both.role = other.role;
      if (both.role != other.role && both.role == Role::unit) both.role = Role::identifier;
      both.sql = "coalesce(" + both.sql + ", " + other.sql + ")";
      both.relations.insert(both.relations.end(), other.relations.begin(), other.relations.end());
      columns_.push_back(std::move(both));
      index = columns_.size() - 1;
    }
    merged.push_back({"", name, index, false});
    sql += (sql.empty() ? "" : " AND ") + print_bare_equality(equality, columns_);
    terms.push_back(std::move(equality));
  }
  REDOUBT_ALLOW_ALL(link_join(from, terms, left, right));
  conditions_.insert(conditions_.end(), terms.begin(), terms.end());
  for (Side* side : {&left, &right}) {
    for (Visible& visible : side->visible) {
      for (const Visible& m : merged) visible.hidden = visible.hidden || equal_names(visible.name, m.name);
    }
  }
  out.visible = std::move(merged);
  return sql;
}

// link_join counts the unit equalities of one join. An outer or anti join keeps rows that have no partner, so its equalities
// say nothing about the relations within one side: only one of them counts, and it ties the sides together.
Allowed Scope::link_join(const From& from, const std::vector<Expression>& terms, const Side& left, const Side& right) {
  bool linked = false;
  for (const Expression& term : terms) {
    if (!is_unit_equality(term)) continue;
    const auto a = column(term.children[0]).relations;
    const auto b = column(term.children[1]).relations;
    const bool between = (contains(left.relations, a[0]) && contains(right.relations, b[0])) ||
                         (contains(left.relations, b[0]) && contains(right.relations, a[0]));
    if (outer(from.join)) {
      if (between && !linked) link(a[0], b[0]);
    } else {
      link(a[0], b[0]);
    }
    linked = linked || between;
  }
  const bool needed = outer(from.join) || from.join == From::Join::semi;
  if (needed && !linked) {
    return refuse("S2", "an outer, SEMI or ANTI join without an equality of the unit columns in ON or USING", from.offset,
                  "add ON a.unit = b.unit, with each dataset's unit column");
  }
  return std::monostate();
}

Checked<Scope::Side> Scope::add_join(const From& from) {
  const std::size_t units_before = unit_sqls_.size();
  REDOUBT_ALLOW(Side left, add(from.sides[0]));
  const std::size_t units_left = unit_sqls_.size();
  REDOUBT_ALLOW(Side right, add(from.sides[1]));
  for (const std::size_t a : left.relations) {
    for (const std::size_t b : right.relations) {
      if (equal_names(aliases_[a], aliases_[b])) {
        return refuse("G5", "two relations have the same name; give one of them an alias", from.offset);
      }
    }
  }
  Side out;
  std::string condition;
  if (!from.using_columns.empty()) {
    REDOUBT_ALLOW(condition, using_condition(from, left, right, out));
  } else {
    std::vector<Visible> both = left.visible;
    both.insert(both.end(), right.visible.begin(), right.visible.end());
    std::vector<Expression> terms;
    if (!from.on.empty()) {
      REDOUBT_ALLOW(const Expression on, resolve_in(from.on[0], both, {}, 0));
      and_terms(on, terms);
    }
    REDOUBT_ALLOW_ALL(link_join(from, terms, left, right));
    for (const Expression& term : terms) {
      condition += (condition.empty() ? "" : " AND ") +
                   (is_unit_equality(term) ? print_bare_equality(term, columns_) : print_condition(term, columns_));
    }
    conditions_.insert(conditions_.end(), terms.begin(), terms.end());
  }
  const bool keeps_right = from.join != From::Join::semi && from.join != From::Join::anti;
  out.visible.insert(out.visible.end(), left.visible.begin(), left.visible.end());
  if (keeps_right) out.visible.insert(out.visible.end(), right.visible.begin(), right.visible.end());
  if (!keeps_right) unit_sqls_.resize(units_left);
  out.relations = left.relations;
  out.relations.insert(out.relations.end(), right.relations.begin(), right.relations.end());
  // An INNER join without a condition is a cross join; WHERE may still connect it.
  const From::Join join = condition.empty() && from.join == From::Join::inner ? From::Join::cross : from.join;
  out.sql = "(" + left.sql + join_word(join) + right.sql + (condition.empty() ? "" : " ON " + condition) + ")";
  if (unit_sqls_.size() == units_before) return refuse("S2", "a join without a unit", from.offset);
  return out;
}

Checked<Scope::Side> Scope::add(const From& from) {
  return from.join == From::Join::none ? add_dataset(from) : add_join(from);
}

Checked<Scope> Scope::build(const From& from, const Schema& schema) {
  Scope scope(schema);
  REDOUBT_ALLOW(Side side, scope.add(from));
  scope.visible_ = std::move(side.visible);
  scope.from_sql_ = std::move(side.sql);
  if (scope.unit_sqls_.size() == 1) {
    scope.unit_sql_ = scope.unit_sqls_[0];
  } else {
    for (const std::string& unit : scope.unit_sqls_) scope.unit_sql_ += (scope.unit_sql_.empty() ? "coalesce(" : ", ") + unit;
    scope.unit_sql_ += ")";
  }
  return scope;
}

Allowed Scope::connect(const std::vector<Expression>& where) {
  for (const Expression& term : where) {
    if (is_unit_equality(term)) link(column(term.children[0]).relations[0], column(term.children[1]).relations[0]);
  }
  for (std::size_t i = 1; i < parents_.size(); ++i) {
    if (root(i) != root(0)) {
      return refuse("S2", "datasets are joined without an equality of their unit columns", 0,
                    "join ON a.unit = b.unit, with each dataset's unit column");
    }
  }
  return std::monostate();
}

Refusal Scope::no_column(const Expression& name) const {
  const std::string& last = name.path.back();
  const std::string lower = lower_name(last);
  if (lower == "rowid" || lower == "file_row_number" || lower == "filename" || lower == "file_index") {
    return refuse("G6", "a pseudo column tells the place of a row", name.offset);
  }
  if (name.path.size() == 1) {
    if (std::ranges::any_of(aliases_, [&](const std::string& alias) { return equal_names(alias, last); })) {
      return refuse("S3", "a whole row counts as an identifier", name.offset, "name the columns");
    }
    if (is_session_name(lower)) return refuse("G3", lower + " asks the clock or the session", name.offset);
  }
  return refuse("G5", "no such column in the datasets of FROM", name.offset);
}

Checked<Expression> Scope::resolve_in(const Expression& expression, const std::vector<Visible>& visible,
                                      const std::vector<Expression>& items, std::size_t aliases_end) {
  if (++nodes_ > kMaxResolvedNodes) return refuse("G5", "the query is long beyond what is checked", expression.offset);
  Expression out = expression;
  if (expression.kind == Kind::column && expression.path.empty()) return out;  // within an alias: resolved already
  if (expression.kind == Kind::column) {
    const bool qualified = expression.path.size() == 2;
    const std::string& name = expression.path.back();
    std::vector<std::size_t> found;
    for (const Visible& v : visible) {
      const bool matches = equal_names(v.name, name) && (qualified ? equal_names(v.alias, expression.path[0]) : !v.hidden);
      if (matches) found.push_back(v.column);
    }
    if (found.size() > 1) return refuse("G5", "an ambiguous column name; qualify it with its dataset", expression.offset);
    if (found.size() == 1) {
      out.index = found[0];
      out.path.clear();
      return out;
    }
    for (std::size_t i = 0; !qualified && i < aliases_end; ++i) {
      if (!items[i].alias.empty() && equal_names(items[i].alias, name)) {
        nodes_ += 1;
        REDOUBT_ALLOW(Expression copy, resolve_in(items[i], {}, {}, 0));
        copy.alias = expression.alias;
        copy.offset = expression.offset;
        return copy;
      }
    }
    return no_column(expression);
  }
  for (auto* list : {&out.children, &out.filter}) {
    for (Expression& child : *list) {
      REDOUBT_ALLOW(child, resolve_in(child, visible, items, aliases_end));
    }
  }
  for (OrderItem& item : out.order_by) {
    REDOUBT_ALLOW(item.expression, resolve_in(item.expression, visible, items, aliases_end));
  }
  return out;
}

Checked<Expression> Scope::resolve(const Expression& expression, const std::vector<Expression>& items, std::size_t aliases_end) {
  return resolve_in(expression, visible_, items, aliases_end);
}

}  // namespace redoubt::sql
