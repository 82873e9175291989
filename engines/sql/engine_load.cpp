// Tables into the engine: from table files, whose groups go into it column by column.
#include <algorithm>
#include <cstring>

#include "common/table/csv.h"
#include "common/table/table_file.h"
#include "engines/sql/engine.h"
#include "engines/sql/engine_state.h"

namespace redoubt::sql {
namespace {

std::vector<Type> types_of(const Table& table) {
  std::vector<Type> types;
  for (const Column& column : table.columns) types.push_back(column.type);
  return types;
}

// copy_values: `count` values from `first` on, which stand as they are or narrower in the engine.
template <class From, class To>
void copy_values(duckdb::Vector& to, const table::ColumnView& from, std::size_t first, std::size_t count) {
  To* const out = duckdb::FlatVector::GetData<To>(to);
  if constexpr (std::is_same_v<From, To>) {
    std::memcpy(out, from.values.data() + first * sizeof(From), count * sizeof(From));
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      From value;
      std::memcpy(&value, from.values.data() + (first + i) * sizeof(From), sizeof(From));
      out[i] = static_cast<To>(value);
    }
  }
}

// copy_text lends the engine texts that it copies when the chunk is appended.
void copy_text(duckdb::Vector& to, const table::ColumnView& from, std::size_t first, std::size_t count) {
  auto* const out = duckdb::FlatVector::GetData<duckdb::string_t>(to);
  const auto end_of = [&](std::size_t row) {
    std::uint32_t end;
    std::memcpy(&end, from.values.data() + row * sizeof end, sizeof end);
    return end;
  };
  const std::string_view text = as_text(from.text);
  std::uint32_t start = first == 0 ? 0 : end_of(first - 1);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t end = end_of(first + i);
    out[i] = duckdb::string_t(text.data() + start, end - start);
    start = end;
  }
}

void copy_column(duckdb::Vector& to, const table::ColumnView& from, Type type, std::size_t first, std::size_t count) {
  switch (type.id) {
    case TypeId::boolean: copy_values<std::uint8_t, std::uint8_t>(to, from, first, count); break;
    case TypeId::integer: case TypeId::date: copy_values<std::int32_t, std::int32_t>(to, from, first, count); break;
    case TypeId::bigint: copy_values<std::int64_t, std::int64_t>(to, from, first, count); break;
    case TypeId::double_: copy_values<double, double>(to, from, first, count); break;
    case TypeId::decimal:  // the engine's widths: duckdb::Decimal
      if (type.precision <= 4) copy_values<std::int64_t, std::int16_t>(to, from, first, count);
      else if (type.precision <= 9) copy_values<std::int64_t, std::int32_t>(to, from, first, count);
      else copy_values<std::int64_t, std::int64_t>(to, from, first, count);
      break;
    case TypeId::varchar: copy_text(to, from, first, count); break;
  }
  if (from.valid.empty()) return;
  for (std::size_t i = 0; i < count; ++i) {
    if (from.is_null(first + i)) duckdb::FlatVector::SetNull(to, i, true);
  }
}

Error unfit(const Table& table) { return Error(Code::unavailable, "dataset " + table.name + ": does not fit into the engine's memory"); }

// append_groups: the file's groups in slices of the engine's vector size.
Status append_groups(duckdb::Connection& connection, const Table& table, table::TableReader& reader) {
  duckdb::Appender appender(connection, "main", table.name);
  duckdb::DataChunk chunk;
  chunk.Initialize(*connection.context, appender.GetActiveTypes());
  while (true) {
    REDOUBT_TRY(const auto group, reader.next());
    if (!group) break;
    for (std::size_t first = 0; first < group->rows; first += STANDARD_VECTOR_SIZE) {
      const std::size_t count = std::min<std::size_t>(STANDARD_VECTOR_SIZE, group->rows - first);
      chunk.Reset();
      for (std::size_t c = 0; c < table.columns.size(); ++c) copy_column(chunk.data[c], group->columns[c], table.columns[c].type, first, count);
      chunk.SetCardinality(count);
      appender.AppendDataChunk(chunk);
    }
  }
  appender.Close();
  return {};
}

}  // namespace

Status Engine::load_table(const Table& table, ByteView file, std::uint64_t rows) {
  // Names are printed into SQL: only those that a Schema takes.
  if (auto schema = Schema::make({table}); !schema.ok()) return schema.error();
  auto reader = table::TableReader::open(file, types_of(table));
  if (!reader.ok()) return reader.error().context("dataset " + table.name);
  if (reader->rows() != rows) {
    return Error(Code::malformed, "dataset " + table.name + ": expected " + std::to_string(rows) + " rows, found " + std::to_string(reader->rows()));
  }
  duckdb::Connection& connection = *state_->instance.connection;
  try {
    const auto made = connection.Query(create_table_sql(table));
    if (made->HasError()) return Error(Code::refused, "dataset " + table.name + ": is loaded already");
    Status loaded = unfit(table);
    try {
      loaded = append_groups(connection, table, *reader).context("dataset " + table.name);
    } catch (const std::exception&) {
    }
    if (loaded.ok()) return loaded;
    // A part of a table would be taken for the table: nothing runs here until it is gone.
    state_->spoiled = true;
    state_->spoiled = connection.Query("DROP TABLE main.\"" + table.name + "\"")->HasError();
    if (!state_->spoiled) return loaded;
    return Error(Code::internal, "dataset " + table.name + ": is loaded in part and cannot be taken back");
  } catch (const std::exception&) {
  }
  return unfit(table);
}

Status Engine::create_table(const Table& table, std::span<const Row> rows) {
  if (auto schema = Schema::make({table}); !schema.ok()) return schema.error();
  REDOUBT_TRY(table::TableWriter writer, table::TableWriter::create(types_of(table)));
  for (const Row& row : rows) {
    if (writer.add(row).ok()) continue;
    return Error(Code::malformed, "dataset " + table.name + ", row " + std::to_string(writer.rows() + 1) + ": not of the table's columns");
  }
  return load_table(table, writer.finish().reveal(), rows.size());
}

Status Engine::load_csv(const Table& table, std::string_view csv) {
  if (auto schema = Schema::make({table}); !schema.ok()) return schema.error();
  std::vector<table::Column> columns;
  for (const Column& column : table.columns) columns.push_back({column.name, column.type});
  const auto encoded = table::encode_csv(csv, table.name, columns);
  if (!encoded.ok()) return encoded.error().context("dataset " + table.name);
  return load_table(table, encoded->file.reveal(), encoded->rows);
}

}  // namespace redoubt::sql
