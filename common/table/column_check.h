// column_check: what must hold of the values of one column of one group. Private to this room.
#pragma once

#include <bit>
#include <cstring>

#include "common/table/table_file.h"

namespace redoubt::table {

// check_values: `view` has the right sizes. `malformed` where a value is not of its type, or a NULL does not stand as zeros.
Status check_values(const ColumnView& view, Type type, std::size_t rows);

static_assert(std::endian::native == std::endian::little, "values are read as they lie");

// load reads one little-endian value at any address.
template <class T>
T load(ByteView bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

}  // namespace redoubt::table
