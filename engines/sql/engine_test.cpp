// Goal: what the engine releases is what the rules T1 to T3 say, exactly, and nothing gets past the plan.
// Method: small tables made row by row, where every count is known; then the limits and failures one by one.
#include "engines/sql/engine.h"

#include <gtest/gtest.h>

#include <thread>

#include "engines/sql/checker.h"
#include "engines/sql/sql_test_fixture.h"

namespace redoubt::sql {
namespace {

using Cells = std::vector<std::vector<std::optional<std::string>>>;

// visits(person, place, score): the number of persons decides, not the number of rows.
Table visits() {
  return {"visits",
          {{"person", {TypeId::bigint, 0, 0}, Role::unit},
           {"place", {TypeId::varchar, 0, 0}, Role::attribute},
           {"score", {TypeId::integer, 0, 0}, Role::attribute},
           {"good", {TypeId::boolean, 0, 0}, Role::attribute}}};
}

class Room {
 public:
  explicit Room(EngineLimits limits = {}) : engine(OrDie(Engine::create(verified(), limits))) {}
  // verified: once in a program, as the programs do it.
  static const VerifiedLibrary& verified() {
    static const VerifiedLibrary kVerified = OrDie(VerifiedLibrary::verify());
    return kVerified;
  }

  // add puts persons first..last at a place, each with one row.
  void add(int first, int last, const char* place, std::optional<int> score = 1, std::optional<bool> good = true) {
    for (int i = first; i <= last; ++i) {
      rows.push_back({Value(std::int64_t{i}), place == nullptr ? Value() : Value(std::string(place)),
                      score ? Value(std::int64_t{*score}) : Value(), good ? Value(*good) : Value()});
    }
  }
  Result<ResultTable> ask(std::string_view text, std::uint64_t k = 3) {
    if (!loaded) {
      EXPECT_OK(engine.create_table(visits(), rows));
    }
    loaded = true;
    const Verdict v = OrDie(check(text, OrDie(Schema::make({visits()})), Level::aggregate_only, k));
    EXPECT_TRUE(v.accepted()) << v.rule << ": " << v.message << "\n" << text;
    if (!v.accepted()) return Error(Code::refused, v.message);
    return engine.run(*v.plan);
  }
  Cells cells(std::string_view text, std::uint64_t k = 3) { return OrDie(ask(text, k)).rows; }
  // withheld: of a query that was asked before.
  std::uint64_t withheld(std::string_view text, Level level = Level::aggregate_only) {
    const Verdict v = OrDie(check(text, OrDie(Schema::make({visits()})), level, 3));
    EXPECT_TRUE(v.accepted()) << v.rule << ": " << v.message << "\n" << text;
    return v.accepted() ? OrDie(engine.withheld(*v.plan)) : 0;
  }

  Engine engine;
  std::vector<Row> rows;
  bool loaded = false;
};

TEST(Suppression, T1DropsRowsOfFewerThanKPersons) {
  Room room;
  room.add(1, 5, "a");
  room.add(1, 3, "b");
  room.add(6, 9, "c");
  room.add(1, 1, "d");
  room.add(1, 1, "d");
  room.add(1, 1, "d");  // three rows of one person
  room.add(2, 3, "d");
  room.add(10, 11, "e");
  room.add(12, 12, "f");
  // e and f go by T1 and hold three persons together, so nothing else goes.
  EXPECT_EQ(room.cells("SELECT place, count(*) FROM visits GROUP BY place"), (Cells{{"a", "5"}, {"b", "3"}, {"c", "4"}, {"d", "5"}}));
}

TEST(Suppression, T1WithholdsTheSingleRowOfAnUngroupedAggregate) {
  Room room;
  room.add(1, 2, "a");
  EXPECT_EQ(room.cells("SELECT count(*), sum(score) FROM visits"), Cells{});
  EXPECT_EQ(room.cells("SELECT count(*) FROM visits WHERE place = 'nowhere'"), Cells{});
  EXPECT_EQ(room.cells("SELECT count(*) FROM visits", 2), (Cells{{"2"}}));
}

TEST(Suppression, T2DropsOnUntilTheDroppedRowsHoldKPersonsTogether) {
  Room room;
  room.add(1, 9, "a");
  room.add(11, 15, "b");
  room.add(21, 24, "c");
  room.add(31, 32, "d");
  // d holds two persons: the total minus the others would tell about them, so c, the smallest, goes too.
  EXPECT_EQ(room.cells("SELECT place, count(*) FROM visits GROUP BY place"), (Cells{{"a", "9"}, {"b", "5"}}));
}

TEST(Suppression, T2CountsPersonsNotRowsAndBreaksTiesByTheKeys) {
  Room room;
  room.add(1, 5, "x");
  room.add(1, 4, "y");
  room.add(11, 14, "z");
  room.add(1, 2, "w");
  // w: persons 1 and 2. y and z tie at four; y comes first by its key and brings persons 3 and 4: four together, enough.
  EXPECT_EQ(room.cells("SELECT place, count(*) FROM visits GROUP BY place"), (Cells{{"x", "5"}, {"z", "4"}}));
}

TEST(Suppression, T2MayLeaveNothing) {
  Room room;
  room.add(1, 1, "a");
  room.add(1, 3, "b");
  EXPECT_EQ(room.cells("SELECT place, count(*) FROM visits GROUP BY place", 4), Cells{});
  EXPECT_EQ(room.cells("SELECT place, count(*) FROM visits GROUP BY place"), Cells{}) << "b goes with a, since a alone is one person";
}

TEST(Suppression, WhatIsWithheldIsCountedInGroupsAndCells) {
  Room room;
  room.add(1, 9, "a");
  room.add(11, 15, "b");
  room.add(21, 24, "c");
  room.add(31, 32, "d");
  room.cells("SELECT count(*) FROM visits");
  EXPECT_EQ(room.withheld("SELECT count(*), avg(score) FROM visits"), 0U);
  EXPECT_EQ(room.withheld("SELECT place, count(*) FROM visits WHERE place <> 'd' GROUP BY place"), 0U);
  EXPECT_EQ(room.withheld("SELECT place, count(*) FROM visits GROUP BY place"), 2U);  // d by T1, c by T2
  EXPECT_EQ(room.withheld("SELECT place, count(*) FROM visits GROUP BY place HAVING count(*) > 4 LIMIT 1"), 2U);
  EXPECT_EQ(room.withheld("SELECT count(*) FILTER (WHERE place = 'd') AS n, count(*) FROM visits"), 1U);  // a cell, T3
  EXPECT_EQ(room.withheld("SELECT count(*) FILTER (WHERE place <> 'd') AS n FROM visits"), 1U);         // and what it leaves out
  EXPECT_EQ(room.withheld("SELECT count(*), sum(score) FROM visits WHERE place = 'd'"), 1U);              // the row, not its cells
  EXPECT_EQ(room.withheld("SELECT count(*) FROM visits WHERE place = 'nowhere'"), 1U);
  EXPECT_EQ(room.withheld("SELECT place, count(*) FROM visits WHERE place = 'nowhere' GROUP BY place"), 0U);
  EXPECT_EQ(room.withheld("SELECT place, good FROM visits", Level::k_anonymized), 2U);
  EXPECT_EQ(room.withheld("SELECT place FROM visits", Level::none), 0U);
}

TEST(Suppression, TreatsTheNullKeyAsAKey) {
  Room room;
  room.add(1, 4, nullptr);
  room.add(5, 9, "a");
  room.add(11, 13, "b", 1, std::nullopt);
  EXPECT_EQ(room.cells("SELECT place, count(*), count(good) FROM visits GROUP BY place"),
            (Cells{{"a", "5", "5"}, {"b", "3", std::nullopt}, {std::nullopt, "4", "4"}}));
}

TEST(Suppression, DropsRowsWithoutAPersonBeforeAnything) {
  Room room;
  room.add(1, 4, "a");
  room.rows.push_back({Value(), Value(std::string("a")), Value(std::int64_t{1000}), Value(true)});
  EXPECT_EQ(room.cells("SELECT place, count(*), sum(score) FROM visits GROUP BY place"), (Cells{{"a", "4", "4"}}));
}

TEST(Suppression, T3WithholdsCellsOfFewContributorsAndNeverTellsZeroFromFew) {
  Room room;
  room.add(1, 6, "a", 5);
  room.add(7, 8, "a", 7);
  room.add(11, 16, "b", 5);
  EXPECT_EQ(room.cells("SELECT place, count(*), count(*) FILTER (WHERE score = 7) FROM visits GROUP BY place"),
            (Cells{{"a", "8", std::nullopt}, {"b", "6", std::nullopt}}));
  EXPECT_EQ(room.cells("SELECT place, sum(CASE WHEN score = 7 THEN 1 ELSE 0 END) FROM visits GROUP BY place"),
            (Cells{{"a", std::nullopt}, {"b", std::nullopt}}));
}

TEST(Suppression, T3LooksAtThoseLeftOutToo) {
  Room room;
  room.add(1, 6, "a", 5);
  room.add(7, 8, "a", 7);
  room.add(11, 16, "b", 5);
  room.add(17, 19, "b", 7);
  room.add(21, 26, "c", 5);
  // In a two persons are left out, in b three, in c none.
  for (const char* cell : {"count(*) FILTER (WHERE score = 5)", "count_if(score = 5)", "sum((score = 5)::INT)", "count(CASE WHEN score = 5 THEN 1 END)",
                           "sum(CASE WHEN score = 5 THEN 1 ELSE 0 END)", "count(DISTINCT CASE WHEN score = 5 THEN person END)"}) {
    EXPECT_EQ(room.cells(std::string("SELECT place, ") + cell + " FROM visits GROUP BY place"),
              (Cells{{"a", std::nullopt}, {"b", "6"}, {"c", "6"}}))
        << cell;
  }
  // A plain argument leaves out nobody but NULLs, and those do not count.
  EXPECT_EQ(room.cells("SELECT place, sum(score) FROM visits GROUP BY place"), (Cells{{"a", "44"}, {"b", "51"}, {"c", "30"}}));
}

TEST(Suppression, T3CountsRowsOfNullAndZeroArgumentsAsNotContributing) {
  Room room;
  room.add(1, 2, "a", 5);
  room.add(3, 9, "a", std::nullopt);
  EXPECT_EQ(room.cells("SELECT count(*), count(score), sum(score), avg(score) FROM visits"),
            (Cells{{"9", std::nullopt, std::nullopt, std::nullopt}}));
}

TEST(Suppression, T3CountsRowsLostToCastsAndOverflowAsLeftOut) {
  Room room;
  room.add(1, 9, "a", 5);
  room.add(10, 10, "a", 1000000);
  room.add(11, 12, "a", std::nullopt);
  // The sum without person 10 beside the sum with them would tell their score; two NULLs of the data change nothing.
  for (const char* x : {"score::TINYINT", "score::DECIMAL(4,2)", "(score + 9223372036854775000)", "(score * 10000000000000)::BIGINT * 10",
                        "coalesce(score::TINYINT, NULL)", "round(score::SMALLINT, 0)"}) {
    EXPECT_EQ(room.cells(std::string("SELECT sum(score), sum(") + x + ") FROM visits"), (Cells{{"1000045", std::nullopt}})) << x;
  }
  EXPECT_EQ(room.cells("SELECT sum(score), sum(score::BIGINT), avg(score * 2) FROM visits WHERE score < 9"), (Cells{{"45", "45", "10.0"}}));
  EXPECT_EQ(room.cells("SELECT median(score::TINYINT), corr(score, score::TINYINT) FROM visits"), (Cells{{std::nullopt, std::nullopt}}));
  EXPECT_EQ(room.cells("SELECT sum(score::BIGINT) FROM visits"), (Cells{{"1000045"}}));
}

TEST(Suppression, T3AsksMoreOfQuantiles) {
  Room room;
  for (int i = 1; i <= 12; ++i) room.add(i, i, "a", i);
  EXPECT_EQ(room.cells("SELECT median(score), quantile_cont(score, 0.25), quantile_cont(score, 0.24), quantile_cont(score, 0.76) FROM visits"),
            (Cells{{"6.5", "3.75", std::nullopt, std::nullopt}}));
  EXPECT_EQ(room.cells("SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY score DESC) FROM visits"), (Cells{{"9.25"}}));
}

TEST(Suppression, HavingOrderAndLimitActOnWhatIsLeft) {
  Room room;
  room.add(1, 2, "a", 100);
  room.add(11, 15, "b", 5);
  room.add(21, 24, "c", 9);
  room.add(31, 39, "d", 1);
  // a goes by T1 and b... c is the smallest of the others and goes by T2.
  EXPECT_EQ(room.cells("SELECT place, avg(score) AS s FROM visits GROUP BY place ORDER BY s DESC LIMIT 1"), (Cells{{"b", "5.0"}}));
  EXPECT_EQ(room.cells("SELECT place FROM visits GROUP BY place HAVING avg(score) > 50"), Cells{});
  EXPECT_EQ(room.cells("SELECT count(*) FROM visits GROUP BY place HAVING count(*) < 3"), Cells{});
  EXPECT_EQ(room.cells("SELECT place, count(*) FROM visits GROUP BY place ORDER BY count(*) LIMIT 1 OFFSET 1"), (Cells{{"d", "9"}}));
}

TEST(Suppression, RowErrorsGiveNullAndNoSignal) {
  Room room;
  room.add(1, 9, "a", 0);
  EXPECT_EQ(room.cells("SELECT count(*), avg(score / 0) FROM visits WHERE coalesce(ln(score), 7) = 7 AND (place::INTEGER) IS NULL"),
            (Cells{{"9", std::nullopt}}));
  EXPECT_EQ(room.cells("SELECT sum((score + 9000000000000000000) * 100) FROM visits"), (Cells{{std::nullopt}}));
}

TEST(Suppression, AFailureInOneExpressionChangesNoOther) {
  Room room;
  for (int i = 1; i <= 2100; ++i) {
    room.add(i, i, i % 11 == 0 ? nullptr : "place", i % 5 == 0 ? std::nullopt : std::optional<int>(i % 100 - 20), i % 3 == 0);
  }
  const std::string plain = "sum(score), count(score), count(place), count_if(good), var_pop(score), count(DISTINCT person)";
  const Cells expected = room.cells("SELECT " + plain + " FROM visits");
  for (const char* x : {"ln(score)", "sqrt(score)", "score * 9223372036854775807", "score / 0", "score % 0", "pow(score, 1000)", "place::INTEGER",
                        "-(score - 9223372036854775800)", "make_date(score, 1, 1)", "DATE '2024-01-01' + INTERVAL '1' DAY * score * 100000000", "log10(score)",
                        "score::TINYINT * 100::TINYINT", "round(score, score * 1000)", "substring(place, score, score * 1000000)",
                        "coalesce(ln(score), score * 9223372036854775807)", "CASE WHEN score > 5 THEN ln(score - 50) ELSE ln(-1) END",
                        "greatest(ln(score), sqrt(score))", "score IN (ln(0), 5)", "date_trunc('day', make_date(2024, score, 1))",
                        "regexp_matches(left(place, 99), place || '(')", "strftime(make_date(2024, 1, score), '%Y')", "ln(score) BETWEEN 0 AND ln(0)",
                        "score + 2147483647::INTEGER", "abs(score::TINYINT - 128::TINYINT)", "left(place, score * 9223372036854775807)"}) {
    const Verdict v = OrDie(check(std::string("SELECT ") + plain + ", count(" + x + ") FROM visits", OrDie(Schema::make({visits()})),
                                  Level::aggregate_only, 3));
    if (!v.accepted()) {
      ADD_FAILURE() << x << ": " << v.rule << ": " << v.message;
      continue;
    }
    const auto result = room.engine.run(*v.plan);
    if (!result.ok()) {
      ADD_FAILURE() << x << ": " << result.error().message();
      continue;
    }
    Cells found = result->rows;
    found[0].pop_back();
    EXPECT_EQ(found, expected) << x;
    // In WHERE, in a group key and in a filter as well.
    EXPECT_OK(room.ask(std::string("SELECT ") + x + " IS NULL AS lost, count(*) FROM visits WHERE (" + x + ") IS NULL OR good GROUP BY lost"));
    EXPECT_OK(room.ask(std::string("SELECT count(*) FILTER (WHERE (") + x + ") IS NOT NULL) FROM visits"));
  }
}

TEST(Engine, RefusesAnotherLibrary) {
  crypto::Sha256Digest other = VerifiedLibrary::expected_digest();
  EXPECT_OK(VerifiedLibrary::verify_against(other));
  other.array()[7] ^= std::byte{1};
  EXPECT_ERROR(VerifiedLibrary::verify_against(other), Code::measurement, "expected SHA-256");
}

TEST(Engine, TakesATableOnceAndWhole) {
  Room room;
  room.add(1, 5, "a");
  EXPECT_OK(room.engine.create_table(visits(), room.rows));
  EXPECT_ERROR(room.engine.create_table(visits(), room.rows), Code::refused, "loaded already");
  Room other;
  other.add(1, 5, "a");
  other.rows[3][2] = Value(true);
  EXPECT_ERROR(other.engine.create_table(visits(), other.rows), Code::malformed, "row 4");
  other.rows[3][2] = Value(std::int64_t{1} << 40);
  EXPECT_ERROR(other.engine.create_table(visits(), other.rows), Code::malformed, "row 4");
  other.rows[3] = {};
  EXPECT_ERROR(other.engine.create_table(visits(), other.rows), Code::malformed, "row 4");
  Table evil = visits();
  evil.name = "v\" (a INT); COPY (SELECT 1) TO 'x'; --";
  EXPECT_ERROR(other.engine.create_table(evil, {}), Code::malformed, "dataset name");
  EXPECT_OK(other.engine.create_table(visits(), {}));
}

TEST(Engine, SaysWhichDatasetIsMissing) {
  Room room;
  room.loaded = true;
  EXPECT_ERROR(room.ask("SELECT count(*) FROM visits"), Code::not_found, "not loaded");
}

TEST(Engine, StopsAtItsLimitsAndGoesOn) {
  Room room({.memory_size = 256U << 20, .timeout_ms = 200, .max_rows = 2});
  for (int i = 1; i <= 6000; ++i) room.add(i, i, i % 2 == 0 ? "a" : "b", i % 7);
  EXPECT_ERROR(room.ask("SELECT score, count(*) FROM visits GROUP BY score"), Code::unavailable, "more than 2 rows");
  // Sorting and hashing 36 million pairs takes longer than the limit anywhere.
  Room wide({.memory_size = 1U << 30, .timeout_ms = 50, .max_rows = 10});
  for (int i = 0; i < 12000; ++i) wide.add(1, 1, "a", i);
  EXPECT_ERROR(wide.ask("SELECT a.score, count(*) FROM visits a JOIN visits b USING (person) GROUP BY a.score"), Code::unavailable, "50 ms");
  EXPECT_EQ(room.cells("SELECT count(*) FROM visits"), (Cells{{"6000"}}));
}

TEST(Engine, CanBeInterruptedFromAnotherThread) {
  Room room;
  for (int i = 0; i < 20000; ++i) room.add(1, 1, "a", i);
  EXPECT_OK(room.engine.create_table(visits(), room.rows));
  room.loaded = true;
  std::atomic<bool> done = false;
  std::thread other([&] {
    while (!done) {
      room.engine.interrupt();
      std::this_thread::yield();
    }
  });
  EXPECT_ERROR(room.ask("SELECT a.score, count(*) FROM visits a JOIN visits b USING (person) GROUP BY a.score"), Code::unavailable, "interrupted");
  done = true;
  other.join();
  EXPECT_OK(room.ask("SELECT count(*) FROM visits", 2));
}

TEST(Engine, KeepsItsMemoryLimit) {
  Room room({.memory_size = 24U << 20, .timeout_ms = 60000, .max_rows = 10});
  for (int i = 0; i < 100000; ++i) room.add(i, i, "a long enough place that it does not fit into sixteen bytes", i);
  const auto result = room.ask("SELECT a.place || b.place || a.score::VARCHAR || b.score::VARCHAR AS p, count(*) FROM visits a JOIN visits b USING (person) GROUP BY p");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Code::unavailable) << result.error().message();
}

TEST(Engine, LoadsCsvAndKeepsDecimalSumsExact) {
  auto engine = OrDie(Engine::create(OrDie(VerifiedLibrary::verify()), {}));
  std::string csv = "claim_id,patient_id,amount,code,paid_on\n";
  for (int i = 1; i <= 12; ++i) csv += std::to_string(i) + "," + std::to_string(i) + ",0.1,\"C, \"\"1\"\"\",2024-02-29\n";
  EXPECT_OK(engine.load_csv(example::claims(), csv));
  const Verdict v = OrDie(check("SELECT code, sum(amount), max_day FROM (SELECT 1)", example::schema(), Level::aggregate_only, 10));
  EXPECT_FALSE(v.accepted());
  const Verdict w = OrDie(check("SELECT code, sum(amount) AS s, year(paid_on) AS y FROM claims GROUP BY ALL", example::schema(), Level::aggregate_only, 10));
  ASSERT_TRUE(w.accepted()) << w.message;
  const ResultTable table = OrDie(engine.run(*w.plan));
  EXPECT_EQ(table.rows, (Cells{{"C, \"1\"", "1.20", "2024"}}));
  EXPECT_EQ(table.columns[1].name, "s");
  EXPECT_EQ(table.columns[1].type, "DECIMAL(38,2)");
  EXPECT_ERROR(engine.load_csv(example::patients(), "nonsense"), Code::malformed, "dataset patients: header");
}

}  // namespace
}  // namespace redoubt::sql
