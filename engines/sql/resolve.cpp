#include "engines/sql/resolve.h"

#include <algorithm>

#include "engines/sql/functions.h"
#include "engines/sql/print.h"
#include "engines/sql/refusal.h"
#include "engines/sql/texts.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

constexpr std::size_t kMaxResolvedNodes = 20000;  // substituted aliases may multiply
constexpr std::size_t kMaxRelations = 16;
// Rows that constants make of one row of a person, and datasets whose rows of one person are multiplied.
constexpr double kMaxGrowth = 4096;
constexpr int kMaxMultiplied = 5;

bool contains(const std::vector<std::size_t>& list, std::size_t item) { return std::ranges::find(list, item) != list.end(); }

bool comparable_units(const Type& a, const Type& b) {
  const auto whole = [](const Type& type) { return type.id == TypeId::bigint || type.id == TypeId::integer; };
  return a == b || (whole(a) && whole(b));
}

// unused_name: of columns with one name the engine renames the later ones: a, a_1, a_2.
template <class Taken>
std::string unused_name(const std::string& name, const Taken& taken) {
  std::string out = name;
  const auto same = [&](const auto& other) { return equal_names(other.name, out); };
  for (std::size_t i = 1; std::ranges::any_of(taken, same); ++i) out = name + "_" + std::to_string(i);
  return out;
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
  const ColumnInfo& left = columns_[e.children[0].index];
  const ColumnInfo& right = columns_[e.children[1].index];
  const auto shared = std::ranges::any_of(left.relations, [&](std::size_t r) { return contains(right.relations, r); });
  return left.role == Role::unit && right.role == Role::unit && !shared && comparable_units(left.type, right.type);
}

Checked<Relation> Scope::relation_of(const From& from) {
  switch (from.source) {
    case From::Source::values: return compiler_->values(from);
    case From::Source::subquery: return compiler_->query(*from.query, *names_, this);
    default: break;
  }
  for (auto named = names_->rbegin(); named != names_->rend(); ++named) {
    if (equal_names(named->first, from.name)) return named->second;
  }
  const Table* table = compiler_->schema().find(from.name);
  if (table != nullptr) return compiler_->dataset(*table);
  std::string known;
  for (const Table& t : compiler_->schema().tables()) known += (known.empty() ? "" : ", ") + t.name;
  return refuse("G2", "no dataset of that name is registered; expected one of: " + known, from.offset);
}

Checked<Scope::Side> Scope::add_relation(const From& from) {
  if (from.source == From::Source::nothing) return Side{};
  REDOUBT_ALLOW(const Relation found, relation_of(from));
  const std::size_t relation = parents_.size();
  if (relation == kMaxRelations) return refuse("G5", "more than 16 relations in FROM", from.offset);
  if (from.column_aliases.size() > found.columns.size()) {
    return refuse("G5", "more column aliases than the relation has columns", from.offset);
  }
  parents_.push_back(relation);
  aliases_.push_back(from.alias);
  Side side;
  side.units = found.kind == RelationKind::unit;
  has_unit_.push_back(side.units);
  if (found.kind == RelationKind::released) released_ = true;
  growth_.rows *= std::max(1.0, found.growth.rows);
  growth_.datasets += found.growth.datasets;
  growth_.effort += found.growth.effort;
  if (side.units) {
    kind_ = RelationKind::unit;
  } else if (found.kind == RelationKind::released && kind_ == RelationKind::open) {
    kind_ = RelationKind::released;
  }
  if (released_ && kind_ == RelationKind::unit && compiler_->level() == Level::differential_privacy) {
    return refuse("D1", "released rows are joined to rows of people; noise does not cover that", from.offset);
  }
  const std::string alias = "r" + std::to_string(relation);
  side.relations.push_back(relation);
  side.sql.push_back({"", relation});
  sources_.push_back(found.name);
  for (std::size_t i = 0; i < found.columns.size(); ++i) {
    ColumnInfo column = found.columns[i];
    if (i < from.column_aliases.size()) column.name = from.column_aliases[i];
    column.name = unused_name(column.name, side.visible);
    column.sql = alias + "." + column.sql;
    column.relations = {relation};
    side.visible.push_back({from.alias, column.name, columns_.size(), false});
    columns_.push_back(std::move(column));
  }
  all_.insert(all_.end(), side.visible.begin(), side.visible.end());
  if (side.units) unit_sqls_.push_back(alias + ".u");
  for (const SourceId& id : found.ids) ids_.push_back({id.dataset, id.list, alias + "." + id.sql});
  return side;
}

Checked<Scope::Side> Scope::add(const From& from) {
  return from.join == From::Join::none ? add_relation(from) : add_join(from);
}

Checked<Scope> Scope::build(const From& from, Compiler& compiler, const Names& names, const Scope* outer) {
  Scope scope(compiler, names, outer);
  REDOUBT_ALLOW(Side side, scope.add(from));
  scope.visible_ = std::move(side.visible);
  for (const Piece& piece : side.sql) {
    scope.from_sql_ += piece.relation ? scope.sources_[*piece.relation] + " AS r" + std::to_string(*piece.relation) : piece.text;
  }
  scope.building_ = false;
  if (scope.kind_ == RelationKind::unit && scope.growth_.rows > kMaxGrowth) {
    return refuse("G5", "constants would make more than 4096 rows of one row of a person, so that a limit could tell who is there", from.offset,
                  "join shorter lists, or group the rows first");
  }
  if (scope.kind_ == RelationKind::unit && scope.growth_.datasets > kMaxMultiplied) {
    return refuse("G5", "the rows of one person from more than 5 datasets would be multiplied, so that a limit could tell who is there", from.offset,
                  "group each by the unit before the join");
  }
  REDOUBT_ALLOW_ALL(scope.affordable(from.offset));
  scope.unit_sql_ = scope.unit_sqls_.size() == 1 ? scope.unit_sqls_[0] : "coalesce(" + join_texts(scope.unit_sqls_) + ")";
  if (scope.unit_sqls_.size() != 1) {
    for (ColumnInfo& column : scope.columns_) column.is_unit = false;
  }
  return scope;
}

Allowed Scope::affordable(std::size_t offset) const {
  if (kind_ != RelationKind::unit) return std::monostate();
  if (!(growth_.effort.bytes <= kMaxRowSize)) {
    return refuse("G5", "the texts made of one row of a person could take more than " + std::to_string(static_cast<std::uint64_t>(kMaxRowSize)) +
                            " bytes together, so that a limit could tell who is there", offset,
                  "shorten texts before more is made of them: left(x, 1000)");
  }
  if (!(growth_.effort.steps <= kMaxRowSteps)) {
    return refuse("G5", "looking through the texts of one row of a person could take too long, so that a limit could tell who is there", offset,
                  "a constant pattern; starts_with(x, y) or contains(x, y); or look at a part: left(x, 1000)");
  }
  return std::monostate();
}

Allowed Scope::charge(const Expression& e) {
  if (kind_ != RelationKind::unit) return std::monostate();
  const Measured measured = measure(e, columns_);
  if (const Expression* part = measured.too_long; part != nullptr) {
    const double bytes = part == &e ? measured.extent.bytes : extent_of(*part, columns_).bytes;
    const std::string most = std::to_string(static_cast<std::uint64_t>(kMaxValueSize));
    const std::string grown = bytes < 1e15 ? "could grow to " + std::to_string(static_cast<std::uint64_t>(bytes)) + " bytes, beyond " + most
                                           : "has no bound on its length; expected at most " + most + " bytes";
    return refuse("G5", "a value of one row of a person " + grown + ", so that a limit could tell who is there", part->offset,
                  "shorten what it is made of: left(x, 1000)");
  }
  growth_.effort += {growth_.rows * measured.effort.bytes, growth_.rows * measured.effort.steps};
  return affordable(measured.dearest == nullptr ? e.offset : measured.dearest->offset);
}

Allowed Scope::connect(const std::vector<Expression>& where) {
  for (const Expression& term : where) {
    if (is_unit_equality(term)) link(columns_[term.children[0].index].relations[0], columns_[term.children[1].index].relations[0]);
  }
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < parents_.size(); ++i) {
    if (!has_unit_[i]) continue;
    if (!first) first = root(i);
    if (root(i) != *first) {
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
  if (const Scope* around = seen_by(name.path); around != nullptr) {
    if (around->building_) return refuse("S2", "a lateral join: a subquery in FROM that uses columns of its neighbours", name.offset);
    return refuse("S4", "a correlated subquery; only EXISTS may compare its unit with the unit outside", name.offset,
                  "join the relations on their unit columns, or group by the unit first");
  }
  if (name.path.size() == 1) {
    if (std::ranges::any_of(aliases_, [&](const std::string& alias) { return equal_names(alias, last); })) {
      return refuse("S3", "a whole row counts as an identifier", name.offset, "name the columns");
    }
    if (is_session_name(lower)) return refuse("G3", lower + " asks the clock or the session", name.offset);
  }
  return refuse("G5", "no such column in the datasets of FROM", name.offset);
}

bool Scope::sees(const std::vector<std::string>& path) const {
  const bool qualified = path.size() == 2;
  const auto matches = [&](const Visible& v) { return equal_names(v.name, path.back()) && (!qualified || equal_names(v.alias, path[0])); };
  return std::ranges::any_of(all_, matches);
}

const Scope* Scope::seen_by(const std::vector<std::string>& path) const {
  const Scope* scope = outer_;
  while (scope != nullptr && !scope->sees(path)) scope = scope->outer_;
  return scope;
}

std::optional<Expression> Scope::column(const Expression& name) const {
  if (name.kind != Kind::column || name.path.empty()) return std::nullopt;
  std::optional<Expression> out;
  const bool qualified = name.path.size() == 2;
  for (const Visible& v : visible_) {
    const bool matches = equal_names(v.name, name.path.back()) && (qualified ? equal_names(v.alias, name.path[0]) : !v.hidden);
    if (!matches) continue;
    if (out) return std::nullopt;
    out = name;
    out->index = v.column;
    out->path.clear();
  }
  return out;
}

Checked<std::vector<Expression>> Scope::expand(const Expression& star) {
  std::vector<Expression> out;
  std::vector<std::string> merged;
  std::vector<bool> excluded(star.path.size()), replaced(star.children.size());
  const auto named = [](const auto& list, const std::string& name, const auto& name_of) {
    return static_cast<std::size_t>(std::ranges::find_if(list, [&](const auto& x) { return equal_names(name_of(x), name); }) - list.begin());
  };
  for (const Visible& v : visible_) {
    if (v.merged) continue;  // it stands where its left part does
    if (!star.text.empty() && !equal_names(v.alias, star.text)) continue;
    std::size_t column = v.column;
    if (star.text.empty() && v.hidden) {
      if (std::ranges::any_of(merged, [&](const std::string& m) { return equal_names(m, v.name); })) continue;
      merged.push_back(v.name);
      for (const Visible& m : visible_) {
        if (m.merged && !m.hidden && equal_names(m.name, v.name)) column = m.column;
      }
    }
    if (const std::size_t i = named(star.path, v.name, [](const std::string& n) { return n; }); i < star.path.size()) {
      excluded[i] = true;
      continue;
    }
    Expression item;
    if (const std::size_t i = named(star.children, v.name, [](const Expression& e) { return e.alias; }); i < star.children.size()) {
      replaced[i] = true;
      REDOUBT_ALLOW(item, resolve(star.children[i], {}, 0));
    } else {
      item.kind = Kind::column;
      item.index = column;
    }
    item.alias = v.name;
    item.offset = star.offset;
    out.push_back(std::move(item));
  }
  const auto all = [](const std::vector<bool>& list) { return std::ranges::find(list, false) == list.end(); };
  if (!all(excluded) || !all(replaced)) return refuse("G5", "EXCLUDE or REPLACE names a column that is not there", star.offset);
  if (out.empty()) return refuse("G5", "a star without columns", star.offset);
  return out;
}

Checked<Expression> Scope::resolve_name(const Expression& expression, const std::vector<Visible>& visible,
                                        const std::vector<Expression>& items, std::size_t aliases_end) {
  const bool qualified = expression.path.size() == 2;
  const std::string& name = expression.path.back();
  std::vector<std::size_t> found;
  for (const Visible& v : visible) {
    const bool matches = equal_names(v.name, name) && (qualified ? equal_names(v.alias, expression.path[0]) : !v.hidden);
    if (matches) found.push_back(v.column);
  }
  if (found.size() > 1) return refuse("G5", "an ambiguous column name; qualify it with its dataset", expression.offset);
  if (found.size() == 1) {
    Expression out = expression;
    out.index = found[0];
    out.path.clear();
    return out;
  }
  for (std::size_t i = 0; !qualified && i < aliases_end; ++i) {
    if (items[i].alias.empty() || !equal_names(items[i].alias, name)) continue;
    REDOUBT_ALLOW(Expression copy, resolve_in(items[i], {}, {}, 0));
    copy.alias = expression.alias;
    copy.offset = expression.offset;
    return copy;
  }
  return no_column(expression);
}

Checked<Expression> Scope::resolve_in(const Expression& expression, const std::vector<Visible>& visible,
                                      const std::vector<Expression>& items, std::size_t aliases_end) {
  if (++nodes_ > kMaxResolvedNodes) return refuse("G5", "the query is long beyond what is checked", expression.offset);
  if (expression.kind == Kind::column) {
    if (expression.path.empty()) return Expression(expression);  // within an alias: resolved already
    return resolve_name(expression, visible, items, aliases_end);
  }
  Expression out = expression;
  for (auto* list : {&out.children, &out.filter, &out.partitions}) {
    for (Expression& child : *list) {
      REDOUBT_ALLOW(child, resolve_in(child, visible, items, aliases_end));
    }
  }
  for (auto* orders : {&out.order_by, &out.window_order}) {
    for (OrderItem& item : *orders) {
      REDOUBT_ALLOW(item.expression, resolve_in(item.expression, visible, items, aliases_end));
    }
  }
  if (out.kind == Kind::subquery) {
    REDOUBT_ALLOW(Expression resolved, compiler_->subquery(out, *this, *names_));
    growth_.effort += resolved.effort;
    return resolved;
  }
  return out;
}

Checked<Expression> Scope::resolve(const Expression& expression, const std::vector<Expression>& items, std::size_t aliases_end) {
  return resolve_in(expression, visible_, items, aliases_end);
}

}  // namespace redoubt::sql
