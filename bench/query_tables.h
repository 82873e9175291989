// The two tables of bench_query, once as Parquet and once as their owners seal them: the same rows, made by DuckDB from one statement each.
#pragma once

#include <duckdb.hpp>

#include <filesystem>
#include <string>

namespace redoubt::bench {

// make_tables writes hospital and laboratory of `rows` rows each into the folder: NAME.parquet, NAME.rdt (the envelope) and NAME.manifest.
// Every patient is in both, in another order. Ends the program when it cannot.
void make_tables(const std::filesystem::path& folder, std::uint64_t rows);

// must_query runs a statement or ends the program.
duckdb::unique_ptr<duckdb::MaterializedQueryResult> must_query(duckdb::Connection& connection, const std::string& sql);

}  // namespace redoubt::bench
