#include "engines/sql/stage_parts.h"

#include <algorithm>

#include "engines/sql/forms.h"
#include "engines/sql/print.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

bool is_part(const Expression& e) { return e.kind == Kind::scalar || e.kind == Kind::member; }

// may_fail: what print() would put under TRY.
bool may_fail(const Expression& e) {
  if (e.kind == Kind::case_when) return true;
  if (e.kind == Kind::function) return !is_aggregate_call(e);
  if (e.kind != Kind::operation) return false;
  return e.text != "AND" && e.text != "OR" && e.text != "NOT" && !e.text.starts_with("IS_") && e.text != "LIST" && e.text != "ELEMENT" &&
         e.text != "GROUPING";
}

template <class Visit>
void each_part(Expression& e, Visit visit) {
  for (auto* list : {&e.filter, &e.partitions}) {
    for (Expression& child : *list) visit(child, false);
  }
  for (auto* orders : {&e.order_by, &e.window_order}) {
    for (OrderItem& item : *orders) visit(item.expression, true);
  }
}

void search(Expression& e, bool below, const std::function<void(Expression&)>& take) {
  if (!e.staged.empty()) return;
  if (e.kind == Kind::scalar || (is_part(e) && below)) {
    take(e);
    return;
  }
  const bool call = e.kind == Kind::window || is_aggregate_call(e);
  e.of_units = call;
  // What a call takes is bounded under TRY; a part stands bare in a condition, and its own children are looked for by themselves.
  const bool inside = call || may_fail(e) || (below && !is_part(e));
  for (Expression& child : e.children) search(child, inside, take);
  each_part(e, [&](Expression& child, bool guarded) { search(child, guarded, take); });
}

// members: what is looked for in subqueries anywhere in the expression.
void members(Expression& e, std::vector<Expression*>& out) {
  if (e.kind == Kind::member && e.staged.empty()) out.push_back(&e.children[0]);
  for (Expression& child : e.children) members(child, out);
  each_part(e, [&](Expression& child, bool) { members(child, out); });
}

bool holds_needed(Expression& e) {
  bool out = false;
  needed_parts(e, [&](Expression&) { out = true; });
  return out;
}

}  // namespace

void needed_parts(Expression& expression, const std::function<void(Expression&)>& take) { search(expression, false, take); }

void stage_parts(Compiler& compiler, Rows& rows, std::vector<Expression>& terms, const std::vector<Expression*>& over,
                 const PrintTerm& print_term) {
  std::vector<Expression*> all = over;
  for (Expression& term : terms) all.push_back(&term);
  // What is looked for may itself hold a part under something that may fail: that one is computed a statement earlier.
  std::vector<Expression*> sought;
  for (Expression* e : all) members(*e, sought);
  if (std::ranges::any_of(sought, [](Expression* e) { return holds_needed(*e); })) {
    std::vector<Expression> none;
    stage_parts(compiler, rows, none, sought, print_term);
  }
  std::vector<Expression> parts;
  std::vector<Expression*> places;
  for (Expression* e : all) needed_parts(*e, [&](Expression& part) { places.push_back(&part); });
  if (places.empty()) return;

  std::vector<std::string> where = std::move(rows.where);
  std::vector<Expression> later;
  std::vector<bool> moved;
  for (Expression& term : terms) moved.push_back(!holds_needed(term));
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (moved[i]) where.push_back(print_term(terms[i], rows.columns));
  }
  std::vector<std::string> items;
  if (!rows.unit.empty()) items.push_back(rows.unit + " AS u");
  for (std::size_t n = 0; n < rows.ids.size(); ++n) {
    items.push_back(rows.ids[n].sql + " AS i" + std::to_string(n));
    rows.ids[n].sql = "s.i" + std::to_string(n);
  }
  for (Expression* place : places) {
    const auto found = std::ranges::find_if(parts, [&](const Expression& part) { return same(part, *place); });
    const auto number = static_cast<std::size_t>(found - parts.begin());
    if (found == parts.end()) {
      parts.push_back(*place);
      items.push_back(print(*place, rows.columns) + " AS p" + std::to_string(number));
    }
    place->staged = "s.p" + std::to_string(number);
  }
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    if (rows.columns[i].gone) continue;
    items.push_back(rows.columns[i].sql + " AS x" + std::to_string(i));
    rows.columns[i].sql = "s.x" + std::to_string(i);
  }
  const std::string inner = "SELECT " + join_texts(items) + " FROM " + rows.from + (where.empty() ? "" : " WHERE " + join_texts(where, " AND "));
  rows.from = compiler.add(inner, false) + " AS s";
  if (!rows.unit.empty()) rows.unit = "s.u";
  rows.where.clear();
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (!moved[i]) later.push_back(std::move(terms[i]));
  }
  terms = std::move(later);
}

}  // namespace redoubt::sql
