#include "bench/query_tables.h"

#include <fstream>

#include "bench/query_stage.h"
#include "common/table/table_file.h"
#include "tests/support/expect.h"

namespace redoubt::bench {
namespace {

struct TableText {
  std::string name;
  std::string rows;  // SELECT over range(N) r(i)
  std::vector<jobs::ManifestColumn> columns;
};

std::vector<TableText> tables(const std::string& rows) {
  using enum jobs::ColumnRole;
  return {{"hospital",
           "SELECT i AS patient_id, 'ward ' || (i * 2654435761 % 4294967296) % 25 AS ward, CASE WHEN i % 50 <> 0 THEN ((i * 7919) % 90)::INTEGER END AS age, "
           "(((i * 104729) % 10000000) / 100.0)::DECIMAL(9,2) AS cost FROM range(" + rows + ") r(i)",
           {{"patient_id", "BIGINT", unit, "", ""}, {"ward", "VARCHAR", attribute, "", ""}, {"age", "INTEGER", attribute, "", ""}, {"cost", "DECIMAL(9,2)", attribute, "", ""}}},
          {"laboratory",
           "SELECT (i * 7919 + 13) % " + rows + " AS patient_id, 'code ' || (i * 40503) % 200 AS code, (((i * 31337) % 1000000) / 1000.0)::DECIMAL(12,3) AS value, "
           "DATE '2020-01-01' + (i % 1500)::INTEGER AS taken FROM range(" + rows + ") r(i)",
           {{"patient_id", "BIGINT", unit, "", ""}, {"code", "VARCHAR", attribute, "", ""}, {"value", "DECIMAL(12,3)", attribute, "", ""}, {"taken", "DATE", attribute, "", ""}}}};
}

// integers of a vector of any of the engine's widths.
std::int64_t integer_at(duckdb::Vector& vector, std::size_t row) {
  using duckdb::FlatVector;
  switch (vector.GetType().InternalType()) {
    case duckdb::PhysicalType::INT16: return FlatVector::GetData<std::int16_t>(vector)[row];
    case duckdb::PhysicalType::INT32: return FlatVector::GetData<std::int32_t>(vector)[row];
    default: return FlatVector::GetData<std::int64_t>(vector)[row];
  }
}

table::Value value_at(duckdb::Vector& vector, table::TypeId type, std::size_t row) {
  if (duckdb::FlatVector::IsNull(vector, row)) return std::monostate();
  switch (type) {
    case table::TypeId::varchar: return duckdb::FlatVector::GetData<duckdb::string_t>(vector)[row].GetString();
    case table::TypeId::decimal: return table::Decimal{integer_at(vector, row)};
    case table::TypeId::date: return table::Days{static_cast<std::int32_t>(integer_at(vector, row))};
    default: return integer_at(vector, row);
  }
}

SecretBytes file_of(duckdb::Connection& connection, const TableText& text) {
  std::vector<table::Type> types;
  for (const auto& column : text.columns) types.push_back(OrDie(table::Type::parse(column.type)));
  table::TableWriter writer = OrDie(table::TableWriter::create(types));
  const auto result = connection.SendQuery(text.rows);
  while (auto chunk = result->Fetch()) {
    if (chunk->size() == 0) break;
    chunk->Flatten();
    for (std::size_t r = 0; r < chunk->size(); ++r) {
      table::Row row;
      for (std::size_t c = 0; c < types.size(); ++c) row.push_back(value_at(chunk->data[c], types[c].id, r));
      writer.add(row).value();
    }
  }
  return writer.finish();
}

void write_file(const std::filesystem::path& path, ByteView bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (file.flush()) return;
  std::fprintf(stderr, "bench_query: cannot write %s\n", path.c_str());
  std::exit(1);
}

}  // namespace

duckdb::unique_ptr<duckdb::MaterializedQueryResult> must_query(duckdb::Connection& connection, const std::string& sql) {
  auto result = connection.Query(sql);
  if (!result->HasError()) return result;
  std::fprintf(stderr, "bench_query: %s: %s\n", sql.c_str(), result->GetError().c_str());
  std::exit(1);
}

void make_tables(const std::filesystem::path& folder, std::uint64_t rows) {
  duckdb::DuckDB database(":memory:");
  duckdb::Connection connection(database);
  Stage stage;
  for (const TableText& text : tables(std::to_string(rows))) {
    must_query(connection, "COPY (" + text.rows + ") TO '" + (folder / (text.name + ".parquet")).string() + "' (FORMAT parquet)");
    const SealedTable sealed = stage.seal(text.name, text.columns, file_of(connection, text), rows);
    write_file(folder / (text.name + ".rdt"), sealed.envelope);
    write_file(folder / (text.name + ".manifest"), as_bytes(sealed.manifest.encode()));
  }
}

}  // namespace redoubt::bench
