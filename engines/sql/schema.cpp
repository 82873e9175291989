#include "engines/sql/schema.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace redoubt::sql {
namespace {

constexpr std::array<std::pair<TypeId, std::string_view>, 6> kPlainTypes = {{{TypeId::bigint, "BIGINT"},
                                                                            {TypeId::integer, "INTEGER"},
                                                                            {TypeId::double_, "DOUBLE"},
                                                                            {TypeId::varchar, "VARCHAR"},
                                                                            {TypeId::boolean, "BOOLEAN"},
                                                                            {TypeId::date, "DATE"}}};

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
  if (column.type.id != TypeId::decimal) {
    if (column.type.precision == 0 && column.type.scale == 0) return {};
    return Error(Code::malformed, "column " + column.name + ": only DECIMAL has a precision");
  }
  const Type& type = column.type;
  if (type.precision >= 1 && type.precision <= 18 && type.scale >= 0 && type.scale <= type.precision) return {};
  return Error(Code::malformed, "column " + column.name + ": expected DECIMAL(p,s) with 1 <= p <= 18 and 0 <= s <= p, found " +
                                    type.text());
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

Result<Type> Type::parse(std::string_view text) {
  for (const auto& [id, name] : kPlainTypes) {
    if (text == name) return Type{id, 0, 0};
  }
  Type type{TypeId::decimal, 0, 0};
  constexpr std::string_view kDecimal = "DECIMAL(";
  if (text.starts_with(kDecimal)) {
    const char* end = text.data() + text.size();
    const auto precision = std::from_chars(text.data() + kDecimal.size(), end, type.precision);
    if (precision.ec == std::errc() && precision.ptr != end && *precision.ptr == ',') {
      const auto scale = std::from_chars(precision.ptr + 1, end, type.scale);
      if (scale.ec == std::errc() && type.text() == text) return type;
    }
  }
  return Error(Code::malformed,
               "column type: expected BIGINT, INTEGER, DOUBLE, DECIMAL(p,s), VARCHAR, BOOLEAN or DATE, found another text");
}

std::string Type::text() const {
  for (const auto& [plain, name] : kPlainTypes) {
    if (plain == id) return std::string(name);
  }
  return "DECIMAL(" + std::to_string(precision) + "," + std::to_string(scale) + ")";
}

bool Type::is_number() const {
  return id == TypeId::bigint || id == TypeId::integer || id == TypeId::double_ || id == TypeId::decimal;
}

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
