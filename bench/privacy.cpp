// What the level aggregate_only costs, and what a verdict costs.
//
//   build/release/bench/bench_privacy [rows] [units]
//
// One table of 10 M rows and 1 M units (13 groups, a number without NULLs) in an engine of the clean room's settings, one thread. Each
// query runs as its author wrote it and as the plan's quick and exact statements, one after the other, so that a busy machine slows
// all; the best of three is shown. The exact statement runs only where something may be withheld. Then the time of a verdict,
// parsing and binding included, over the queries of testdata/corpus.json: median of all.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engines/sql/checker.h"
#include "engines/sql/instance.h"
#include "engines/sql/sql_test_fixture.h"
#include "tests/support/files.h"

namespace {

using namespace redoubt;
using namespace redoubt::sql;

double time_ms(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double best_of_three(duckdb::Connection& connection, const std::string& sql) {
  double best = 1e12;
  for (int i = 0; i < 3; ++i) {
    best = std::min(best, time_ms([&] {
                      const auto result = connection.Query(sql);
                      if (!result->HasError()) return;
                      std::fprintf(stderr, "bench_privacy: %s\n", result->GetError().c_str());
                      std::exit(1);
                    }));
  }
  return best;
}

void queries(const std::string& rows, const std::string& units) {
  const Table table{"t", {{"u", {TypeId::integer, 0, 0}, Role::unit}, {"h", {TypeId::varchar, 0, 0}}, {"c", {TypeId::decimal, 12, 2}}}};
  Instance instance = OrDie(make_instance(8ULL << 30));
  duckdb::Connection& connection = *instance.connection;
  connection.Query(create_table_sql(table));
  connection.Query("INSERT INTO t SELECT i % " + units + ", 'h' || (i * 2654435761 % 4294967296) % 13, ((i * 7919) % 10000) / 100.0 FROM range(" + rows + ") r(i)");
  Checker checker = OrDie(Checker::create(OrDie(Schema::make({table})), 10));
  std::printf("%s rows, %s units\n%-58s %9s %9s %9s %6s\n", rows.c_str(), units.c_str(), "query", "plain ms", "quick ms", "exact ms", "ratio");
  for (const char* sql : {"SELECT h, count(*) FROM t GROUP BY h", "SELECT h, count(*), avg(c) FROM t GROUP BY h", "SELECT h, avg(c) FROM t WHERE c > 20 GROUP BY h",
                          "SELECT avg(s) FROM (SELECT u, sum(c) AS s FROM t GROUP BY u)"}) {
    const Verdict verdict = checker.check(sql, Level::aggregate_only);
    if (!verdict.accepted()) std::exit(1);
    const double plain = best_of_three(connection, sql), quick = best_of_three(connection, verdict.plan->quick_sql());
    std::printf("%-58s %9.0f %9.0f %9.0f %6.2f\n", sql, plain, quick, best_of_three(connection, verdict.plan->sql()), quick / plain);
  }
}

void verdicts() {
  const auto corpus = nlohmann::json::parse(test::read_text(test::source_dir() / "engines/sql/testdata/corpus.json"));
  Checker checker = OrDie(Checker::create(example::schema(), 10));
  std::vector<double> times, accepted;
  for (const auto& entry : corpus["queries"]) {
    const Level level = OrDie(parse_level(entry["privacy_level"].get<std::string>()));
    bool ok = false;
    times.push_back(time_ms([&] { ok = checker.check(entry["sql"].get<std::string>(), level).accepted(); }));
    if (ok) accepted.push_back(times.back());
  }
  const auto median = [](std::vector<double> list) {
    std::ranges::sort(list);
    return list[list.size() / 2];
  };
  std::printf("verdict, median of %zu queries: %.2f ms; of the %zu accepted ones: %.2f ms\n", times.size(), median(times), accepted.size(), median(accepted));
}

}  // namespace

int main(int argc, char** argv) {
  queries(argc > 1 ? argv[1] : "10000000", argc > 2 ? argv[2] : "1000000");
  verdicts();
}
