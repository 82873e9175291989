// Fuzzes the reader of comma-separated values: any bytes give rows of the table's width and types, or an error. What is read goes into a
// table file and comes back as it was.
#include "common/table/csv.h"

#include <cstdint>
#include <cstdlib>

#include "common/table/table_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt::table;
  static const std::vector<Column> columns{{"a", {TypeId::bigint, 0, 0}}, {"b", {TypeId::decimal, 9, 3}}, {"c", {TypeId::varchar, 0, 0}},
                                           {"d", {TypeId::date, 0, 0}},   {"e", {TypeId::double_, 0, 0}}, {"f", {TypeId::boolean, 0, 0}},
                                           {"g", {TypeId::integer, 0, 0}}};
  std::vector<Type> types;
  for (const Column& column : columns) types.push_back(column.type);
  auto writer = TableWriter::create(types);
  if (!writer.ok()) std::abort();
  const auto rows = read_csv({reinterpret_cast<const char*>(data), size}, "t", columns, 1000, [&](Row& row) {
    if (row.size() != columns.size()) std::abort();
    return writer->add(row);
  });
  if (!rows.ok()) return 0;
  const auto file = writer->finish();
  auto reader = TableReader::open(file.reveal(), types);
  if (!reader.ok() || reader->rows() != *rows) std::abort();
  while (true) {
    const auto group = reader->next();
    if (!group.ok()) std::abort();
    if (!*group) break;
  }
  return 0;
}
