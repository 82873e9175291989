#include "engines/sql/schema.h"

#include <algorithm>
#include <cmath>

namespace redoubt::sql {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

Status check_name(std::string_view name, std::string_view what) {
  const auto letter = [](char c) { return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool ok = !name.empty() && name.size() <= 63 && letter(name[0]) &&
                  std::ranges::all_of(name, [&](char c) { return letter(c) || digit(c); });
  if (ok) return {};
  return Error(Code::malformed, std::string(what) + " name: expected a letter or underscore and then up to 62 letters, " +
                                    "digits or underscores, found " + std::to_string(name.size()) + " other bytes");
}

Status check_type(const Column& column) {
  if (column.type.sound()) return {};
  if (column.type.id != TypeId::decimal) return Error(Code::malformed, "column " + column.name + ": only DECIMAL has a precision");
  return Error(Code::malformed, "column " + column.name + ": expected DECIMAL(p,s) with 1 <= p <= 18 and 0 <= s <= p, found " + column.type.text());
}

template <class Items>
Status check_distinct(const Items& items, std::string_view what) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(lower_name(item.name));
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice == names.end()) return {};
  return Error(Code::malformed, std::string(what) + " " + *twice + ": named twice");
}

Status check_table(const Table& table) {
  REDOUBT_CHECK(check_name(table.name, "dataset"));
  if (table.columns.empty() || table.columns.size() > 512) {
    return Error(Code::malformed, "dataset " + table.name + ": expected 1 to 512 columns, found " +
                                      std::to_string(table.columns.size()));
  }
  for (const Column& column : table.columns) {
    REDOUBT_CHECK(check_name(column.name, "column").context("dataset " + table.name));
    REDOUBT_CHECK(check_type(column).context("dataset " + table.name));
    const auto& bounds = column.bounds;
    if (bounds && !(column.type.is_number() && std::isfinite(bounds->low) && std::isfinite(bounds->high) && bounds->low <= bounds->high)) {
      return Error(Code::malformed, "dataset " + table.name + ": column " + column.name + ": expected finite bounds, in order, of a number");
    }
  }
  REDOUBT_CHECK(check_distinct(table.columns, "column").context("dataset " + table.name));
  const auto units = std::ranges::count(table.columns, Role::unit, &Column::role);
  if (units != 1) {
    return Error(Code::malformed, "dataset " + table.name + ": expected one unit column, found " + std::to_string(units));
  }
  return {};
}

}  // namespace

bool equal_names(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string lower_name(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

const Column* Table::find(std::string_view column) const {
  const auto found = std::ranges::find_if(columns, [&](const Column& c) { return equal_names(c.name, column); });
  return found == columns.end() ? nullptr : &*found;
}

const Column* Table::unit() const {
  const auto found = std::ranges::find(columns, Role::unit, &Column::role);
  return found == columns.end() ? nullptr : &*found;
}

Result<Schema> Schema::make(std::vector<Table> tables) {
  if (tables.size() > 64) {
    return Error(Code::malformed, "schema: expected at most 64 datasets, found " + std::to_string(tables.size()));
  }
  for (const Table& table : tables) REDOUBT_CHECK(check_table(table));
  REDOUBT_CHECK(check_distinct(tables, "dataset"));
  return Schema(std::move(tables));
}

const Table* Schema::find(std::string_view name) const {
  const auto found = std::ranges::find_if(tables_, [&](const Table& t) { return equal_names(t.name, name); });
  return found == tables_.end() ? nullptr : &*found;
}

}  // namespace redoubt::sql
