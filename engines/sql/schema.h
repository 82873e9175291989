// The schema of a dataset as the clean room knows it: typed columns, and the role that each plays for privacy.
//
// Runs inside the enclave (and in a participant's own checker). Schemas come from manifests that their owners signed; a
// name here can be printed into SQL as a quoted identifier without escaping, since make() refuses every other name. Pure
// values, immutable after make(), so any number of threads may read them. Says nothing about where the rows come from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/table/type.h"

namespace redoubt::sql {

using table::Type;
using table::TypeId;

// Role: unit is the person behind a row, identifier another column that names a person or a row, attribute all others.
enum class Role { unit, identifier, attribute };

// Bounds of a number column, as its owner states them; noise is scaled by them.
struct Bounds {
  double low = 0;
  double high = 0;
};

struct Column {
  std::string name;
  Type type;
  Role role = Role::attribute;
  std::optional<Bounds> bounds = std::nullopt;
};

struct Table {
  std::string name;
  std::vector<Column> columns;

  const Column* find(std::string_view column) const;
  const Column* unit() const;
};

// Schema: the datasets that a query may name.
class Schema {
 public:
  // make refuses (`malformed`): more than 64 tables (none at all is a schema for queries of constants); no column or more than 512 in one; names that are not a letter or
  // underscore followed by up to 62 letters, digits or underscores, or that differ only in case; a DECIMAL outside
  // 1 <= precision <= 18, 0 <= scale <= precision; bounds that are not finite, not in order or not of a number; a table without
  // exactly one unit column.
  static Result<Schema> make(std::vector<Table> tables);

  const std::vector<Table>& tables() const { return tables_; }
  // find ignores letter case, as SQL does; null when there is no such dataset. Borrowed from the schema.
  const Table* find(std::string_view name) const;

 private:
  explicit Schema(std::vector<Table> tables) : tables_(std::move(tables)) {}
  std::vector<Table> tables_;
};

// equal_names compares names as SQL does: ASCII letter case is ignored.
bool equal_names(std::string_view a, std::string_view b);
// lower_name is the name in lower case (ASCII).
std::string lower_name(std::string_view name);

}  // namespace redoubt::sql
