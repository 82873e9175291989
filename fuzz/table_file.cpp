// Fuzzes the reader of table files: any bytes give groups of checked columns, or an error; and what is read, written again, is the same file.
#include "common/table/table_file.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {

using namespace redoubt::table;

Value value_at(const ColumnView& column, Type type, std::size_t row) {
  if (column.is_null(row)) return std::monostate();
  const auto at = [&](auto& value, std::size_t index) { std::memcpy(&value, column.values.data() + index * sizeof value, sizeof value); };
  std::int64_t wide = 0;
  std::int32_t narrow = 0;
  std::uint32_t start = 0, end = 0;
  double number = 0;
  switch (type.id) {
    case TypeId::boolean: return column.values[row] == std::byte{1};
    case TypeId::integer: at(narrow, row); return std::int64_t{narrow};
    case TypeId::date: at(narrow, row); return Days{narrow};
    case TypeId::bigint: at(wide, row); return wide;
    case TypeId::decimal: at(wide, row); return Decimal{wide};
    case TypeId::double_: at(number, row); return number;
    case TypeId::varchar: break;
  }
  if (row > 0) at(start, row - 1);
  at(end, row);
  return std::string(redoubt::as_text(column.text).substr(start, end - start));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Type> types{{TypeId::bigint, 0, 0}, {TypeId::varchar, 0, 0}, {TypeId::decimal, 4, 1}, {TypeId::boolean, 0, 0},
                                       {TypeId::date, 0, 0},   {TypeId::double_, 0, 0}, {TypeId::integer, 0, 0}};
  const redoubt::ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  auto reader = TableReader::open(bytes, types);
  if (!reader.ok()) return 0;
  auto writer = TableWriter::create(types);
  if (!writer.ok()) std::abort();
  while (true) {
    const auto group = reader->next();
    if (!group.ok()) return 0;
    if (!*group) break;
    for (std::size_t row = 0; row < (*group)->rows; ++row) {
      Row values;
      for (std::size_t i = 0; i < types.size(); ++i) values.push_back(value_at((*group)->columns[i], types[i], row));
      if (!writer->add(values).ok()) std::abort();
    }
  }
  if (!redoubt::equal(writer->finish().reveal(), bytes)) std::abort();
  return 0;
}
