// ColumnInfo: what a resolved column of the query is. Private to this room.
#pragma once

#include <string>
#include <vector>

#include "engines/sql/schema.h"

namespace redoubt::sql {

struct ColumnInfo {
  std::string name;
  Type type;
  Role role = Role::attribute;
  std::string sql;                     // how the printed FROM reads it
  std::vector<std::size_t> relations;  // which relations of FROM it comes from
};

using Columns = std::vector<ColumnInfo>;

}  // namespace redoubt::sql
