// Fuzzes the reader of comma-separated values: any bytes give rows of the table's width and types, or an error.
#include "engines/sql/csv.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt::sql;
  static const Table table{"t",
                           {{"a", {TypeId::bigint, 0, 0}, Role::unit},
                            {"b", {TypeId::decimal, 9, 3}, Role::attribute},
                            {"c", {TypeId::varchar, 0, 0}, Role::attribute},
                            {"d", {TypeId::date, 0, 0}, Role::attribute},
                            {"e", {TypeId::double_, 0, 0}, Role::attribute},
                            {"f", {TypeId::boolean, 0, 0}, Role::attribute},
                            {"g", {TypeId::integer, 0, 0}, Role::attribute}}};
  const auto rows = parse_csv({reinterpret_cast<const char*>(data), size}, table, 1000);
  if (!rows.ok()) return 0;
  for (const Row& row : rows.value()) {
    if (row.size() != table.columns.size()) std::abort();
  }
  return 0;
}
