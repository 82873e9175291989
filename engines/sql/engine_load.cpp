// Tables of the engine: table files that are looked at once and stay where they are (column_table.h).
#include "common/table/csv.h"
#include "common/table/table_file.h"
#include "engines/sql/column_table.h"
#include "engines/sql/engine.h"
#include "engines/sql/engine_state.h"

namespace redoubt::sql {
namespace {

std::vector<Type> types_of(const Table& table) {
  std::vector<Type> types;
  for (const Column& column : table.columns) types.push_back(column.type);
  return types;
}

Result<std::vector<table::Group>> groups_of(table::TableReader& reader) {
  std::vector<table::Group> groups;
  while (true) {
    REDOUBT_TRY(auto group, reader.next());
    if (!group) return groups;
    groups.push_back(std::move(*group));
  }
}

}  // namespace

Status Engine::load_table(const Table& table, ByteView file, std::uint64_t rows, table::Values values) {
  // Names are given to the engine's catalog: only those that a Schema takes.
  if (auto schema = Schema::make({table}); !schema.ok()) return schema.error();
  auto reader = table::TableReader::open(file, types_of(table), values);
  if (!reader.ok()) return reader.error().context("dataset " + table.name);
  if (reader->rows() != rows) {
    return Error(Code::malformed, "dataset " + table.name + ": expected " + std::to_string(rows) + " rows, found " + std::to_string(reader->rows()));
  }
  try {
    if (state_->instance.connection->TableInfo(table.name)) return Error(Code::refused, "dataset " + table.name + ": is loaded already");
    auto groups = groups_of(*reader);
    if (!groups.ok()) return groups.error().context("dataset " + table.name);
    add_column_table(*state_->instance.connection, table, std::move(*groups));
    return {};
  } catch (const std::exception&) {
  }
  return Error(Code::unavailable, "dataset " + table.name + ": does not fit into the engine's memory");
}

Status Engine::load_owned(const Table& table, SecretBytes file, std::uint64_t rows) {
  const ByteView view = file.reveal();
  state_->files.push_back(std::move(file));
  Status loaded = load_table(table, view, rows);
  if (!loaded.ok()) state_->files.pop_back();
  return loaded;
}

Status Engine::create_table(const Table& table, std::span<const Row> rows) {
  if (auto schema = Schema::make({table}); !schema.ok()) return schema.error();
  REDOUBT_TRY(table::TableWriter writer, table::TableWriter::create(types_of(table)));
  for (const Row& row : rows) {
    if (writer.add(row).ok()) continue;
    return Error(Code::malformed, "dataset " + table.name + ", row " + std::to_string(writer.rows() + 1) + ": not of the table's columns");
  }
  return load_owned(table, writer.finish(), rows.size());
}

Status Engine::load_csv(const Table& table, std::string_view csv) {
  if (auto schema = Schema::make({table}); !schema.ok()) return schema.error();
  std::vector<table::Column> columns;
  for (const Column& column : table.columns) columns.push_back({column.name, column.type});
  auto encoded = table::encode_csv(csv, table.name, columns);
  if (!encoded.ok()) return encoded.error().context("dataset " + table.name);
  return load_owned(table, std::move(encoded->file), encoded->rows);
}

}  // namespace redoubt::sql
