// Joins of FROM: what ON and USING connect (S2), and how they are printed.
#include <algorithm>
#include <iterator>

#include "engines/sql/print.h"
#include "engines/sql/refusal.h"
#include "engines/sql/resolve.h"
#include "engines/sql/stage_parts.h"
#include "engines/sql/texts.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

bool among(const std::vector<std::size_t>& list, std::size_t item) { return std::ranges::find(list, item) != list.end(); }

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

void relations_in(const Expression& e, const Columns& columns, std::vector<std::size_t>& out) {
  if (e.kind == Kind::column) {
    for (const std::size_t relation : columns[e.index].relations) {
      if (!among(out, relation)) out.push_back(relation);
    }
  }
  for (const Expression& child : e.children) relations_in(child, columns, out);
}

}  // namespace

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
    if (!is_unit_equality(equality)) {
      for (const Expression& side : equality.children) {
        if (columns_[side.index].role == Role::attribute) continue;
        return refuse("S3", "USING compares the identifier " + name + " with something that is no unit column", from.offset,
                      "join ON a.unit = b.unit, with each dataset's unit column");
      }
    }
    std::size_t index = equality.children[from.join == From::Join::right ? 1 : 0].index;
    if (from.join == From::Join::full) {
      ColumnInfo both = columns_[equality.children[0].index];
      const ColumnInfo& other = columns_[equality.children[1].index];
      // A merged column is an identifier if either part is.
      if (both.role == Role::attribute) both.role = other.role;
      if (both.role != other.role && both.role == Role::unit) both.role = Role::identifier;
      both.extent = larger(both.extent, other.extent);
      // Types may differ, and then their common one need not hold every value of either.
      both.sql = both.role == Role::attribute ? "TRY(least(coalesce(" + both.sql + ", " + other.sql + ")))" : "coalesce(" + both.sql + ", " + other.sql + ")";
      if (both.role == Role::attribute) both.type = Type();
      both.relations.insert(both.relations.end(), other.relations.begin(), other.relations.end());
      if (both.role != Role::attribute) both.argument.counted = Counted::column;
      columns_.push_back(std::move(both));
      index = columns_.size() - 1;
    }
    merged.push_back({"", name, index, false, true});
    sql += (sql.empty() ? "" : " AND ") +
           (is_unit_equality(equality) ? print_bare_equality(equality, columns_) : print_condition(equality, columns_));
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
    const auto a = columns_[term.children[0].index].relations;
    const auto b = columns_[term.children[1].index].relations;
    const bool between = (among(left.relations, a[0]) && among(right.relations, b[0])) ||
                         (among(left.relations, b[0]) && among(right.relations, a[0]));
    if (outer(from.join)) {
      if (between && !linked) link(a[0], b[0]);
    } else {
      link(a[0], b[0]);
    }
    linked = linked || between;
  }
  const bool one_sided = from.join == From::Join::semi || from.join == From::Join::anti;
  if (one_sided && right.units && !left.units) {
    return refuse("S2", "a SEMI or ANTI join that keeps released rows by what people have", from.offset);
  }
  const bool needed = (outer(from.join) || from.join == From::Join::semi) && left.units && right.units;
  if (needed && !linked) {
    return refuse("S2", "an outer, SEMI or ANTI join without an equality of the unit columns in ON or USING", from.offset,
                  "add ON a.unit = b.unit, with each dataset's unit column");
  }
  return std::monostate();
}

Allowed Scope::stage(Expression& term, const Side& right) {
  Allowed out = std::monostate();
  needed_parts(term, [&](Expression& part) {
    bool nested = false;
    for (Expression& child : part.children) needed_parts(child, [&](Expression&) { nested = true; });
    std::vector<std::size_t> relations;
    relations_in(part, columns_, relations);
    if (nested || relations.size() > 1) {
      out = refuse("S13", "a subquery inside a computation in ON that looks at both sides could fail on a row", part.offset, "move the computation into WHERE or a subquery");
      return;
    }
    if (relations.empty()) relations = right.relations;
    const auto present = std::ranges::find_if(relations, [&](std::size_t relation) { return !among(absent_, relation); });
    if (present == relations.end()) {
      // The column would be NULL where the relation has no row, and the text says otherwise.
      out = refuse("S13", "a subquery inside a computation in ON of a join over the open side of an outer join", part.offset, "move the computation into WHERE or a subquery");
      return;
    }
    const std::size_t relation = *present;
    const std::string alias = "r" + std::to_string(relation);
    const std::string name = "p" + std::to_string(parts_++);
    sources_[relation] = compiler_->add("SELECT " + alias + ".*, " + print(part, columns_) + " AS " + name + " FROM " + sources_[relation] + " AS " + alias, false);
    part.staged = alias + "." + name;
  });
  return out;
}

Checked<std::string> Scope::on_condition(const From& from, const Side& left, const Side& right) {
  std::vector<Visible> both = left.visible;
  both.insert(both.end(), right.visible.begin(), right.visible.end());
  std::vector<Expression> terms;
  if (!from.on.empty()) {
    REDOUBT_ALLOW(const Expression on, resolve_in(from.on[0], both, {}, 0));
    and_terms(on, terms);
  }
  REDOUBT_ALLOW_ALL(link_join(from, terms, left, right));
  std::vector<std::string> printed;
  for (Expression& term : terms) {
    if (left.units || right.units) REDOUBT_ALLOW_ALL(stage(term, right));
    printed.push_back(is_unit_equality(term) ? print_bare_equality(term, columns_) : print_condition(term, columns_));
  }
  conditions_.insert(conditions_.end(), terms.begin(), terms.end());
  return join_texts(printed, " AND ");
}

Checked<Scope::Side> Scope::add_join(const From& from) {
  REDOUBT_ALLOW(Side left, add(from.sides[0]));
  const std::size_t units_left = unit_sqls_.size();
  const std::size_t ids_left = ids_.size();
  const std::size_t columns_left = columns_.size();
  const Growth growth_left = growth_;
  REDOUBT_ALLOW(Side right, add(from.sides[1]));
  for (const std::size_t a : left.relations) {
    for (const std::size_t b : right.relations) {
      if (!aliases_[a].empty() && equal_names(aliases_[a], aliases_[b])) {
        return refuse("G5", "two relations have the same name; give one of them an alias", from.offset);
      }
    }
  }
  Side out;
  REDOUBT_ALLOW(const std::string condition,
                from.using_columns.empty() ? on_condition(from, left, right) : using_condition(from, left, right, out));
  const bool keeps_right = from.join != From::Join::semi && from.join != From::Join::anti;
  for (std::size_t i = columns_left; i < columns_.size() && !keeps_right; ++i) columns_[i].gone = true;
  out.visible.insert(out.visible.end(), left.visible.begin(), left.visible.end());
  if (keeps_right) out.visible.insert(out.visible.end(), right.visible.begin(), right.visible.end());
  if (!keeps_right) unit_sqls_.resize(units_left);
  if (!keeps_right) ids_.resize(ids_left);
  if (!keeps_right) {
    const Effort effort = growth_.effort;  // the right side is computed all the same
    growth_ = growth_left;
    growth_.effort = effort;
  }
  const bool opens_left = from.join == From::Join::right || from.join == From::Join::full;
  const bool opens_right = from.join == From::Join::left || from.join == From::Join::full;
  if (opens_left) absent_.insert(absent_.end(), left.relations.begin(), left.relations.end());
  if (opens_right) absent_.insert(absent_.end(), right.relations.begin(), right.relations.end());
  out.relations = left.relations;
  out.relations.insert(out.relations.end(), right.relations.begin(), right.relations.end());
  out.units = left.units || (keeps_right && right.units);
  // An INNER join without a condition is a cross join; WHERE may still connect it.
  const From::Join join = condition.empty() && from.join == From::Join::inner ? From::Join::cross : from.join;
  out.sql.push_back({"("});
  std::ranges::move(left.sql, std::back_inserter(out.sql));
  out.sql.push_back({join_word(join)});
  std::ranges::move(right.sql, std::back_inserter(out.sql));
  out.sql.push_back({(condition.empty() ? "" : " ON " + condition) + ")"});
  return out;
}

}  // namespace redoubt::sql
