#include <algorithm>
#include <array>

#include "common/base/reader.h"
#include "common/table/column_check.h"
#include "common/table/table_file.h"
#include "common/table/table_format.h"

namespace redoubt::table {

bool is_table_file(ByteView bytes) { return bytes.size() >= kMagic.size() && equal(bytes.first(kMagic.size()), kMagic); }

std::size_t width(TypeId type) {
  switch (type) {
    case TypeId::boolean: return 1;
    case TypeId::integer: case TypeId::date: return 4;
    case TypeId::bigint: case TypeId::double_: case TypeId::decimal: return 8;
    case TypeId::varchar: break;
  }
  return 0;
}

Result<TableReader> TableReader::open(ByteView bytes, std::span<const Type> types, Values values) {
  Reader reader(bytes, "table file");
  if (!is_table_file(bytes)) reader.fail("no table file");
  static_cast<void>(reader.bytes(kMagic.size()));
  const std::uint16_t version = reader.u16le();
  if (reader.ok() && version != kVersion) reader.fail("version: expected 1, found " + std::to_string(version));
  const std::uint16_t columns = reader.u16le();
  if (reader.ok() && (columns != types.size() || types.empty() || types.size() > kMaxColumns)) {
    reader.fail("columns: expected " + std::to_string(types.size()) + ", found " + std::to_string(columns));
  }
  const std::uint64_t rows = reader.u64le();
  if (rows > kMaxRows) reader.fail("rows: too many");
  for (std::size_t i = 0; i < types.size() && reader.ok(); ++i) {
    const std::array<std::uint8_t, 3> found{reader.u8(), reader.u8(), reader.u8()};
    if (!types[i].sound() || found != tag_of(types[i])) reader.fail("column " + std::to_string(i + 1) + ": expected " + types[i].text() + ", found another type");
  }
  REDOUBT_CHECK(reader.status());
  return TableReader(bytes.subspan(reader.offset()), types, rows, values);
}

Result<ByteView> TableReader::take(std::uint64_t size) {
  if (size > rest_.size()) return Error(Code::malformed, "expected " + std::to_string(size) + " bytes, found " + std::to_string(rest_.size()));
  const ByteView taken = rest_.first(static_cast<std::size_t>(size));
  rest_ = rest_.subspan(taken.size());
  return taken;
}

Result<ColumnView> TableReader::column(Type type, std::size_t rows) {
  ColumnView view;
  REDOUBT_TRY(const ByteView nulls, take(1));
  if (std::to_integer<unsigned>(nulls[0]) > 1) return Error(Code::malformed, "expected 0 or 1 for a bitmap");
  if (nulls[0] == std::byte{1}) {
    REDOUBT_TRY(view.valid, take((rows + 7) / 8));
  }
  const std::size_t each = type.id == TypeId::varchar ? sizeof(std::uint32_t) : width(type.id);
  REDOUBT_TRY(view.values, take(each * rows));
  if (type.id == TypeId::varchar) {
    REDOUBT_TRY(view.text, take(load<std::uint32_t>(view.values, rows - 1)));
  }
  if (values_ == Values::check) REDOUBT_CHECK(check_values(view, type, rows));
  return view;
}

Result<std::optional<Group>> TableReader::next() {
  if (done_ == rows_) {
    if (!rest_.empty()) return Error(Code::malformed, "table file: " + std::to_string(rest_.size()) + " bytes after its end");
    return std::optional<Group>();
  }
  Group group;
  group.rows = static_cast<std::size_t>(std::min<std::uint64_t>(kGroupRows, rows_ - done_));
  ++group_;
  for (std::size_t i = 0; i < types_.size(); ++i) {
    auto view = column(types_[i], group.rows);
    if (!view.ok()) return view.error().context("table file: group " + std::to_string(group_) + ", column " + std::to_string(i + 1));
    group.columns.push_back(*view);
  }
  done_ += group.rows;
  return std::optional<Group>(std::move(group));
}

}  // namespace redoubt::table
