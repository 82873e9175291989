// Goal: the second allow-list stands by itself: what the checker would have refused long before is named here too, and a footprint
// tells exactly which dataset rows contribute. Method: texts that never went through the checker, bound in an instance of the engine's
// settings; a small table whose contributors are known.
#include "engines/sql/plan_guard.h"

#include <duckdb/parser/parser.hpp>
#include <duckdb/planner/planner.hpp>
#include <gtest/gtest.h>

#include <set>

#include "engines/sql/checker.h"
#include "engines/sql/engine.h"
#include "engines/sql/instance.h"
#include "engines/sql/sql_test_fixture.h"

namespace redoubt::sql {
namespace {

std::string guard(Instance& instance, const std::string& sql) {
  std::string out = "did not bind";
  try {
    duckdb::Parser parser;
    parser.ParseQuery(sql);
    instance.connection->context->RunFunctionInTransaction([&] {
      duckdb::Planner planner(*instance.connection->context);
      planner.CreatePlan(std::move(parser.statements.at(0)));
      out = unlisted(*planner.plan, [](const std::string& table) { return table == "patients"; }).value_or("");
    });
  } catch (const std::exception& e) {
    out += std::string(": ") + e.what();
  }
  return out;
}

TEST(PlanGuard, NamesWhatAQueryMayNotHold) {
  Instance instance = OrDie(make_instance(64 << 20));
  for (const Table& table : {example::patients(), example::claims()}) {
    ASSERT_FALSE(instance.connection->Query(create_table_sql(table))->HasError());
  }
  EXPECT_EQ(guard(instance, "SELECT hospital, count(*), max(cost) OVER () FROM patients GROUP BY hospital, cost ORDER BY 1 LIMIT 3"), "");
  EXPECT_EQ(guard(instance, "SELECT count(*) FROM claims"), "a table that is not of the schema");
  EXPECT_EQ(guard(instance, "SELECT random()"), "the function random");
  EXPECT_EQ(guard(instance, "SELECT count(*) FROM patients WHERE current_date > admitted_on"), "the function current_date");
  EXPECT_EQ(guard(instance, "SELECT sum(age) FILTER (WHERE random() > 0.5) OVER () FROM patients"), "the function random");
  EXPECT_EQ(guard(instance, "SELECT age(admitted_on) FROM patients"), "the function age") << "it reads the clock";
  EXPECT_EQ(guard(instance, "SELECT age(admitted_on, DATE '2020-01-01') FROM patients"), "");
  EXPECT_EQ(guard(instance, "SELECT reservoir_quantile(age, 0.5) FROM patients"), "the function reservoir_quantile");
  EXPECT_EQ(guard(instance, "SELECT * FROM range(3)"), "the table function range");
  EXPECT_EQ(guard(instance, "SELECT * FROM duckdb_settings()"), "the table function duckdb_settings");
  EXPECT_NE(guard(instance, "SELECT * FROM patients USING SAMPLE 3"), "");
  EXPECT_NE(guard(instance, "DELETE FROM patients"), "");
  EXPECT_NE(guard(instance, "CREATE TABLE x AS SELECT 1"), "");
  EXPECT_NE(guard(instance, "SELECT * FROM patients POSITIONAL JOIN patients q"), "");
  EXPECT_NE(guard(instance, "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r"), "");
}

// Persons 1 to 4 with two rows each at `a`, persons 5 to 7 with one row at `b`, one row of nobody.
struct Traced {
  Traced() {
    std::vector<Row> rows;
    const auto add = [&](std::optional<std::int64_t> person, const char* place) {
      rows.push_back({person ? Value(*person) : Value(), Value(std::string(place))});
    };
    for (int i = 0; i < 8; ++i) add(1 + i % 4, "a");
    for (int i = 5; i <= 7; ++i) add(i, "b");
    add(std::nullopt, "a");
    EXPECT_OK(engine.create_table(table, rows));
  }
  Footprint footprint(const char* sql, Level level = Level::aggregate_only) {
    const Verdict v = OrDie(check(sql, OrDie(Schema::make({table})), level, 3));
    EXPECT_TRUE(v.accepted()) << v.message;
    return OrDie(engine.footprint(*v.plan));
  }
  Table table{"visits", {{"person", {TypeId::bigint, 0, 0}, Role::unit}, {"place", {TypeId::varchar, 0, 0}, Role::attribute}}};
  Engine engine = OrDie(Engine::create(OrDie(VerifiedLibrary::verify()), {}));
};

std::set<std::uint64_t> rows_of(const Footprint& footprint) {
  std::set<std::uint64_t> out;
  for (const auto& row : footprint.rows()) {
    for (const auto& source : row.sources) out.insert(source.row);
  }
  return out;
}

TEST(Footprint, TellsWhichRowsContributeToWhatIsReleased) {
  Traced room;
  const Footprint all = room.footprint("SELECT count(*) FROM visits");
  EXPECT_EQ(all.cells(), 1U);
  EXPECT_EQ(all.size(), 11U);
  EXPECT_EQ(rows_of(all), (std::set<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  const Footprint groups = room.footprint("SELECT place, count(*), count(DISTINCT person) FROM visits GROUP BY place HAVING count(*) > 100");
  EXPECT_EQ(groups.cells(), 4U) << "what HAVING hides counts as released";
  EXPECT_EQ(groups.size(), 11U);
  EXPECT_EQ(room.footprint("SELECT count(*) FROM visits WHERE place = 'nowhere'").size(), 0U) << "withheld by T1";
  EXPECT_EQ(room.footprint("SELECT count_if(place = 'a' AND place = 'b') FROM visits").size(), 0U) << "withheld by T3";
}

TEST(Footprint, FollowsRowsThroughSubqueries) {
  Traced room;
  const Footprint people = room.footprint("SELECT avg(n) FROM (SELECT person, count(*) AS n FROM visits GROUP BY person)");
  ASSERT_EQ(people.size(), 7U);
  const auto rows = people.rows();
  EXPECT_EQ(std::ranges::count_if(rows, [](const auto& row) { return row.sources.size() == 2; }), 4) << "two rows of each of the first persons";
  EXPECT_EQ(rows_of(people).size(), 11U);
  const Footprint distinct = room.footprint("SELECT count(*) FROM (SELECT DISTINCT person, place FROM visits)");
  EXPECT_EQ(distinct.size(), 7U);
  EXPECT_EQ(rows_of(distinct).size(), 11U);
  const Footprint pairs = room.footprint("SELECT count(*) FROM visits a JOIN visits b USING (person)");
  EXPECT_EQ(pairs.size(), 4U * 4 + 3);
  EXPECT_EQ(pairs.rows()[0].sources.size(), 2U);
  const Footprint without = room.footprint("SELECT count(*) FROM visits WHERE person IN (SELECT person FROM visits WHERE place = 'b')");
  EXPECT_EQ(rows_of(without), (std::set<std::uint64_t>{8, 9, 10}));
}

TEST(Footprint, CountsReleasedTuplesButNotDistinctOnes) {
  Traced room;
  EXPECT_EQ(room.footprint("SELECT place FROM visits", Level::k_anonymized).cells(), 2U);
  EXPECT_EQ(room.footprint("SELECT DISTINCT place FROM visits", Level::k_anonymized).cells(), 0U);
  EXPECT_EQ(room.footprint("SELECT person, place FROM visits", Level::none).size(), 0U);
}

}  // namespace
}  // namespace redoubt::sql
