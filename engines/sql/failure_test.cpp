// Goal: whether a query fails while it runs tells nothing about a row: two neighbouring tables, of which one holds a row that an expression fails
// on, give the same verdict (S13). Method: the whole list of functions, aggregates and windows over the extreme values of every type, in every place
// where an expression can stand; then the ways around TRY one by one, each over a table with and one without the bad row.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "engines/sql/checker.h"
#include "engines/sql/engine.h"
#include "engines/sql/sql_test_fixture.h"
#include "tests/support/stride.h"

namespace redoubt::sql {
namespace {

// extremes: a column of every type, and each row at another end of it.
Table extremes() {
  return {"t",
          {{"person", {TypeId::bigint, 0, 0}, Role::unit},
           {"i", {TypeId::integer, 0, 0}},
           {"b", {TypeId::bigint, 0, 0}},
           {"d", {TypeId::double_, 0, 0}},
           {"n", {TypeId::decimal, 18, 2}},
           {"s", {TypeId::varchar, 0, 0}},
           {"ok", {TypeId::boolean, 0, 0}},
           {"day", {TypeId::date, 0, 0}}}};
}

Row row(std::int64_t person, int kind) {
  const auto pick = [&](auto... values) {
    const Value all[] = {Value(values)...};
    return all[static_cast<std::size_t>(kind) % sizeof...(values)];
  };
  constexpr double kHuge = std::numeric_limits<double>::max();
  constexpr std::int64_t kMost = 999'999'999'999'999'999;
  const auto text = [](const char* value) { return std::string(value); };
  const auto number = [](std::int64_t value) { return value; };
  return {Value(person),
          pick(number(5), number(std::numeric_limits<std::int32_t>::max()), number(std::numeric_limits<std::int32_t>::min()), number(0), number(-1)),
          pick(number(7), std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min(), number(0), number(-1)),
          pick(1.5, kHuge, -kHuge, 0.0, 5e-324),
          pick(Decimal{150}, Decimal{kMost}, Decimal{-kMost}, Decimal{0}),
          pick(text("abc"), text(""), text("-1"), text("1e400"), text("(["), text("\xc3\xa4\xf0\x9f\x98\x80"), text("99999999999999999999999")),
          pick(true, false),
          pick(Days{20000}, Days{2932896}, Days{-719162}, Days{0})};
}

class Failures : public ::testing::Test {
 public:
  static constexpr int kPersons = 30;
  static constexpr std::size_t kBatch = 24;
  const std::size_t step_ = test::stride(17);  // of the lists of all functions, aggregates and windows

  Failures() {
    std::vector<Row> good, bad;
    for (int i = 0; i < 2 * kPersons; ++i) {
      good.push_back(row(i / 2, 0));
      bad.push_back(row(i / 2, i));
    }
    EXPECT_OK(calm_.create_table(extremes(), good));
    EXPECT_OK(wild_.create_table(extremes(), bad));
  }

  // expect_same: where the query is accepted, it runs over both tables.
  bool expect_same(const std::string& text, Level level = Level::aggregate_only) {
    const Verdict v = checker_.check(text, level);
    if (!v.accepted()) return false;
    for (Engine* engine : {&calm_, &wild_}) {
      if (level == Level::differential_privacy) {
        for (const NoisyBlock& block : v.plan->noisy()) {
          const auto found = engine->contributions(block, {8, 50, 3}, seed());
          EXPECT_TRUE(found.ok()) << text << "\n" << (engine == &calm_ ? "calm: " : "wild: ") << found.error().message();
        }
        continue;
      }
      const auto found = engine->run(*v.plan);
      EXPECT_TRUE(found.ok()) << text << "\n" << (engine == &calm_ ? "calm: " : "wild: ") << found.error().message();
      if (engine == &calm_) continue;
      const auto traced = engine->footprint(*v.plan);
      EXPECT_TRUE(traced.ok()) << text << "\n" << "footprint: " << traced.error().message();
    }
    return true;
  }

  // expect_none_fails asks for many cells at once, and for each by itself where that fails; gives how many of them are accepted.
  int expect_none_fails(const std::vector<std::string>& cells, const std::string& from) {
    std::vector<std::string> accepted;
    for (std::size_t i = 0; i < cells.size(); i += step_) {
      const std::string& cell = cells[i];
      if (checker_.check("SELECT " + cell + from, Level::aggregate_only).accepted()) accepted.push_back(cell);
    }
    for (std::size_t i = 0; i < accepted.size(); i += kBatch) {
      std::string all = "SELECT count(*)";
      for (std::size_t j = i; j < std::min(accepted.size(), i + kBatch); ++j) all += ", " + accepted[j];
      const Verdict v = checker_.check(all + from, Level::aggregate_only);
      if (v.accepted() && calm_.run(*v.plan).ok() && wild_.run(*v.plan).ok() && wild_.footprint(*v.plan).ok()) continue;
      ADD_FAILURE() << all << from << "\n" << v.rule << v.message;
      for (std::size_t j = i; j < std::min(accepted.size(), i + kBatch); ++j) expect_same("SELECT " + accepted[j] + from);
    }
    return static_cast<int>(accepted.size());
  }

  // runs over either table.
  bool runs(const std::string& text) {
    const Verdict v = checker_.check(text, Level::aggregate_only);
    return v.accepted() && (calm_.run(*v.plan).ok() || wild_.run(*v.plan).ok());
  }

  std::string rule(const std::string& text, Level level = Level::aggregate_only) { return checker_.check(text, level).rule; }

  static dp::NoiseSeed seed() {
    static const SecretBytes key = SecretBytes::copy_of(Bytes(32, std::byte{7}));
    const std::vector<dp::TouchedDataset> datasets{{dp::DatasetDigest(), &key}};
    return OrDie(dp::NoiseSeed::derive(datasets, ContractDigest(), dp::QueryDigest(), {}));
  }

 private:
  const VerifiedLibrary library_ = OrDie(VerifiedLibrary::verify());
  Engine calm_ = OrDie(Engine::create(library_, {}));
  Engine wild_ = OrDie(Engine::create(library_, {}));
  Checker checker_ = OrDie(Checker::create(OrDie(Schema::make({extremes()})), 3));
};

std::string with(const std::string& form, const std::string& x) {
  std::string out;
  for (const char c : form) out += c == '@' ? x : std::string(1, c);
  return out;
}

const std::vector<std::string>& columns() {
  static const std::vector<std::string> kColumns = {"i", "b", "d", "n", "s", "ok", "day", "b::HUGEINT * 9223372036854775807", "d::FLOAT", "day + i", "to_days(i)", "n::DECIMAL(38,18)"};
  return kColumns;
}

TEST_F(Failures, NoFunctionOfTheListFailsOnAnyValue) {
  std::vector<std::string> expressions;
  for (const std::string& x : columns()) {
    for (const char* f : {"-@", "abs(@)", "round(@)", "floor(@)", "ceil(@)", "trunc(@)", "sign(@)", "sqrt(@)", "ln(@)", "log(@)", "log2(@)", "log10(@)", "exp(@)",
                          "lower(@)", "upper(@)", "trim(@)", "ltrim(@)", "rtrim(@)", "length(@)", "strlen(@)", "year(@)", "month(@)", "day(@)", "quarter(@)", "week(@)",
                          "isoyear(@)", "dayofweek(@)", "isodow(@)", "weekday(@)", "dayofyear(@)", "hour(@)", "minute(@)", "second(@)", "monthname(@)", "dayname(@)",
                          "last_day(@)", "to_days(@)", "to_weeks(@)", "to_months(@)", "to_years(@)", "isnan(@)", "isfinite(@)", "isinf(@)", "date_trunc('week', @)",
                          "date_part('epoch', @)", "date_part(s, @)", "strftime(@, '%Y %j')", "@ IN (1, 2)", "@ BETWEEN 1 AND 2", "@ || 'x'", "concat(@, @)", "@ = 1",
                          "@ = 'x'", "coalesce(@, 1)", "coalesce(@, 'x')", "nullif(@, 0)", "CASE WHEN ok THEN @ ELSE 1 END", "greatest(@, 1)", "least(@, 0.5)"}) {
      expressions.push_back(with(f, "(" + x + ")"));
    }
    for (const char* type : {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL(4,2)", "DECIMAL(38,30)", "DATE",
                             "TIME", "TIMESTAMP", "INTERVAL", "BOOLEAN", "VARCHAR"}) {
      expressions.push_back("(" + x + ")::" + type);
    }
    for (const char* y : {"i", "b", "d", "n", "s", "day"}) {
      for (const char* f : {"+", "-", "*", "/", "//", "%", "**"}) expressions.push_back("(" + x + ") " + f + " (" + y + ")");
      for (const char* f : {"round", "pow", "left", "right", "date_add", "starts_with", "like_escape"}) expressions.push_back(std::string(f) + "(" + x + ", " + y + ")");
    }
  }
  for (const char* e : {"make_date(i, i, i)", "make_date(b, b, b)", "substring(s, b, b)", "split_part(s, s, b)", "regexp_matches(s, s)", "regexp_full_match('a', s)",
                        "s LIKE s", "s LIKE s ESCAPE s", "s ILIKE s ESCAPE '12'", "date_diff('second', day, DATE '2020-01-01')", "date_diff(s, day, day)",
                        "date_sub('microsecond', day, DATE '2020-01-01')", "day + INTERVAL 1 YEAR", "day - INTERVAL '9999 years'", "day - DATE '1970-01-01'", "day + i",
                        "replace(s, '', s)", "strftime(day, s)", "concat_ws(s, s, b)", "'x' LIKE s", "extract(century FROM day)", "INTERVAL 1 DAY * b", "to_years(i) * i"}) {
    expressions.emplace_back(e);
  }
  std::vector<std::string> counted, kept;
  for (const std::string& e : expressions) {
    counted.push_back("count(" + e + ")");
    kept.push_back("count_if((" + e + ") IS NULL)");
  }
  EXPECT_GT(expect_none_fails(counted, " FROM t"), 600 / static_cast<int>(step_));
  expect_none_fails(kept, " FROM t WHERE person IN (SELECT person FROM t)");
}

TEST_F(Failures, NoAggregateOrWindowFailsOnAnyValue) {
  std::vector<std::string> arguments = columns();
  for (const char* more : {"170141183460469231731687303715884105727", "n::DECIMAL(38,20) * 1000", "CASE WHEN ok THEN b::HUGEINT * b END", "d * d", "b / 3", "CASE WHEN ok THEN d ELSE 0 END",
                           "coalesce(ok, 170141183460469231731687303715884105727)", "length(s)", "day - DATE '2020-01-01'"}) {
    arguments.emplace_back(more);
  }
  std::vector<std::string> released, of_units, windows;
  for (const std::string& x : arguments) {
    for (const char* f : {"sum", "avg", "var_pop", "var_samp", "variance", "stddev", "stddev_pop", "stddev_samp", "median", "count", "count_if", "min", "max", "bool_and",
                          "bool_or"}) {
      const std::string call = std::string(f) + "(" + x + ")";
      released.push_back(call + " FILTER (WHERE i <> 7)");
      of_units.push_back(call);
      windows.push_back(call + " OVER (PARTITION BY person ORDER BY i)");
      windows.push_back(call + " OVER (PARTITION BY person ORDER BY i ROWS 999999999 PRECEDING) * 9223372036854775807");
    }
    for (const char* f : {"corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept", "regr_r2", "regr_count"}) {
      for (const char* y : {"i", "b", "d", "n"}) {
        released.push_back(std::string(f) + "(" + x + ", " + y + ")");
        released.push_back(std::string(f) + "(" + y + ", " + x + ")");
      }
    }
    released.push_back("quantile_cont(" + x + ", 0.3)");
    for (const char* call : {"quantile_cont(@, 0.3)", "arg_max(s, @)", "min_by(@, i)"}) of_units.push_back(with(call, x));
    for (const char* call : {"first_value(@)", "last_value(@)", "lag(@)", "lead(@)", "lag(i, @)", "lead(i, 1, @)", "lag(@, 1, s)", "lead(i, 1, @ IGNORE NULLS)"}) {
      windows.push_back(with(call, x) + " OVER (PARTITION BY person ORDER BY i)");
    }
    for (const char* frame : {"RANGE 5 PRECEDING", "RANGE BETWEEN 999999999 FOLLOWING AND 999999999 FOLLOWING", "GROUPS 3 PRECEDING", "RANGE INTERVAL 99999 YEAR PRECEDING",
                              "RANGE BETWEEN INTERVAL '3 days' PRECEDING AND INTERVAL '2 months' FOLLOWING"}) {
      windows.push_back("sum(i) OVER (PARTITION BY person ORDER BY " + x + " " + frame + ")");
    }
  }
  EXPECT_GT(expect_none_fails(released, " FROM t"), 300 / static_cast<int>(step_));
  int ran = 0;
  for (std::size_t i = 0; i < of_units.size(); i += step_) {
    ran += expect_same("SELECT count(*) FROM (SELECT person, " + of_units[i] + " AS x FROM t GROUP BY person) WHERE (x + 1) IS NOT NULL OR x IS NULL");
  }
  EXPECT_GT(ran, 100 / static_cast<int>(step_));
  ran = 0;
  for (std::size_t i = 0; i < windows.size(); i += step_) ran += expect_same("SELECT count(*) FROM (SELECT person, " + windows[i] + " AS x FROM t) WHERE x IS NOT NULL");
  EXPECT_GT(ran, 200 / static_cast<int>(step_));
}

TEST_F(Failures, NothingAboveASubqueryFails) {
  const std::string people = "person IN (SELECT person FROM t WHERE i > 0)";
  const std::string big = "(CASE WHEN " + people + " THEN 9223372036854775807 ELSE 0 END)";
  // Of five texts, each at three levels: all of them in ./test.sh --full; otherwise every other one, so that each level has both halves.
  std::size_t place = 0;
  for (const std::string& e : std::vector<std::string>{big + " + i", big + " * b", "(SELECT 9223372036854775807) + i", "(SELECT max(n) FROM (SELECT count(*) AS n FROM t)) + b", "s > (SELECT '5')",
                               "(CASE WHEN EXISTS (SELECT 1 FROM t q WHERE q.person = t.person AND q.i = 5) THEN '(' ELSE s END)::INTEGER + b",
                               "(CASE WHEN (i + 1) IN (SELECT 5) THEN 9223372036854775807 ELSE b END) + b",
                               "(CASE WHEN (i + (SELECT 2147483647)) IN (SELECT x FROM (VALUES (5)) v(x)) THEN 9223372036854775807 ELSE b END) + b",
                               "regexp_matches(left(s, 99), (SELECT '(') || s)", "coalesce((SELECT NULL), b + 1) + b"}) {
    const std::vector<std::string> texts{
        "SELECT count(*) FROM t WHERE (" + e + ") IS NOT NULL",
        "SELECT (" + e + ") AS x, count(*) FROM t GROUP BY x",
        "SELECT count(*) FILTER (WHERE (" + e + ") IS NULL), count(" + e + ") FROM t",
        "SELECT count(*) FROM (SELECT person, max(" + e + ") AS x FROM t GROUP BY person) WHERE x IS NOT NULL",
        "SELECT count(*) FROM (SELECT person, lag(" + e + ") OVER (PARTITION BY person ORDER BY i) AS x FROM t) WHERE x IS NOT NULL"};
    for (const Level level : {Level::aggregate_only, Level::k_anonymized, Level::differential_privacy}) {
      if (level == Level::differential_privacy && e.find("max(n)") != std::string::npos) continue;  // D1
      for (; place < texts.size(); place += test::stride(2)) EXPECT_TRUE(expect_same(texts[place], level)) << texts[place] << rule(texts[place], level);
      place -= texts.size();
    }
    EXPECT_TRUE(expect_same("SELECT (" + e + ") AS x FROM t", Level::k_anonymized)) << e;
  }
  // In ON of an outer join the engine takes a subquery on one side of a comparison.
  for (const char* join : {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"}) {
    for (const char* on : {"p.b + (SELECT 9223372036854775807) > q.b", "q.b > p.b * (SELECT 9223372036854775807)", "p.s::INTEGER > (SELECT 5)"}) {
      const std::string text = std::string("SELECT count(*) FROM t p ") + join + " t q ON p.person = q.person AND " + on;
      if (!expect_same(text)) {
        EXPECT_EQ(rule(text), "G5") << text;
      }
    }
  }
  for (const char* on : {"(CASE WHEN p.person IN (SELECT person FROM t WHERE i > 0) THEN 9223372036854775807 ELSE 0 END) + q.b > 0", "q.b + (SELECT 9223372036854775807) > 0"}) {
    const std::string text = std::string("SELECT count(*) FROM t p JOIN t q ON p.person = q.person AND ") + on;
    EXPECT_TRUE(expect_same(text)) << text << rule(text);
  }
  EXPECT_TRUE(expect_same("SELECT count(*) FROM (SELECT person, count(*) AS n FROM t GROUP BY person HAVING " + big + " + count(*) > 0 AND count(*) > (SELECT 1)) x")) << big;
  EXPECT_TRUE(expect_same("SELECT count(*) FROM (SELECT person, row_number() OVER (PARTITION BY person ORDER BY i) + 9223372036854775806 AS n FROM t) x WHERE n > 0"));
  EXPECT_TRUE(expect_same("SELECT count(*) FROM (SELECT person, sum(b) OVER (PARTITION BY person) * 170141183460469231731687303715884105727 AS n FROM t QUALIFY n > 0) x"));
  EXPECT_TRUE(expect_same("SELECT count(*) FROM t a, t b WHERE a.person = b.person AND (CASE WHEN a." + people + " THEN 9223372036854775807 ELSE 0 END) + b.b > 0"));
}

TEST_F(Failures, AValueIsSoughtAmongValuesOfItsOwnType) {
  EXPECT_EQ(rule("SELECT count(*) FROM t WHERE s IN (SELECT 5)"), "G5") << "the engine does not compare these at all";
  EXPECT_EQ(rule("SELECT count(*) FROM t WHERE b IN (SELECT 5::TINYINT) AND d IN (SELECT 1) AND i IN (SELECT 5000000000)"), "");
  EXPECT_EQ(rule("SELECT count(*) FROM t WHERE b IN (SELECT 0.5::DECIMAL(38,30))"), "S13");
  EXPECT_EQ(rule("SELECT count(*) FROM t WHERE day IN (SELECT TIMESTAMP '2020-01-01')"), "S13");
  for (const char* text : {"s IN (SELECT 'a')", "i IN (SELECT 5)", "i IN (SELECT b::BIGINT FROM (VALUES (1)) v(b))", "n IN (SELECT 1.5)", "day IN (SELECT DATE '2020-01-01')",
                           "TRY_CAST(s AS INTEGER) IN (SELECT 5)", "i IN (SELECT n FROM (SELECT count(*) AS n FROM t))", "n IN (SELECT 5)", "b IN (SELECT 1.5)"}) {
    EXPECT_TRUE(expect_same(std::string("SELECT count(*) FROM t WHERE ") + text)) << text << rule(std::string("SELECT count(*) FROM t WHERE ") + text);
  }
}

TEST_F(Failures, WhatExpressionsHaveInCommonIsNotTakenOutOfThem) {
  EXPECT_TRUE(expect_same("SELECT count(*) FILTER (WHERE s = 1), count(*) FILTER (WHERE s = 2) FROM t"));
  EXPECT_TRUE(expect_same("SELECT count(*) FROM t WHERE s IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)"));
  EXPECT_TRUE(expect_same("SELECT s IN (1, 2) AS one, s = 3 AS three, count(*) FROM t GROUP BY ALL"));
  EXPECT_TRUE(expect_same("SELECT sum(b::HUGEINT * b), avg(b::HUGEINT * b), sum(b::HUGEINT * b + 1) FROM t"));
}

// TRY catches what is wrong with a row, not what looks like a mistake in the text: such texts are refused, or ask for something that is always there.
TEST_F(Failures, WordsThatTheEngineMayNotKnowAreConstantsThatItKnows) {
  EXPECT_EQ(rule("SELECT count(*) FROM t WHERE date_part(s, day) = 1"), "S13");
  EXPECT_EQ(rule("SELECT count(*) FROM t WHERE date_diff('era', day, day) = 1"), "S13");
  EXPECT_EQ(rule("SELECT count(*) FROM t WHERE date_part('timezone', day) = 1"), "S13");
  EXPECT_EQ(rule("SELECT count(*) FROM t WHERE s LIKE s ESCAPE '$'"), "S13");
  EXPECT_EQ(rule("SELECT count(*) FROM t WHERE s LIKE 'x$' ESCAPE '$'"), "S13");
  EXPECT_EQ(rule("SELECT count(*) FROM t WHERE s LIKE 'x%' ESCAPE s"), "S13");
  EXPECT_EQ(rule("SELECT count(*) FROM t WHERE s ILIKE 'x%' ESCAPE '$$'"), "S13");
  for (const char* text : {"s LIKE '10$%' ESCAPE '$'", "s LIKE 'it''s' ESCAPE ''", "week(to_days(i)) = 1", "date_part('dow', to_days(i)) = 1", "isoyear(day) = 2020", "extract(week FROM day) = 3",
                           "date_diff('day', '10:00:00'::TIME, '10:00:01'::TIME) = 0", "date_diff('hour', '10:00:00'::TIME, '10:00:01'::TIME) = 0", "date_part('hour', to_days(i)) = 1"}) {
    EXPECT_TRUE(expect_same(std::string("SELECT count(*) FROM t WHERE ") + text)) << text << rule(std::string("SELECT count(*) FROM t WHERE ") + text);
  }
}

TEST_F(Failures, ConstantsDoNotMultiplyThePersonsRows) {
  std::string list = "(VALUES (0)";
  for (int i = 1; i < 70; ++i) list += ", (" + std::to_string(i) + ")";
  list += ")";
  const auto lists = [&](int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += ", " + list + " v" + std::to_string(i) + "(x" + std::to_string(i) + ")";
    return out;
  };
  EXPECT_EQ(rule("SELECT count(*) FROM t" + lists(1)), "");
  EXPECT_EQ(rule("SELECT count(*) FROM t" + lists(2)), "G5");
  EXPECT_EQ(rule("SELECT count(*) FROM t, (SELECT x0 FROM " + lists(2).substr(2) + ") w"), "G5");
  EXPECT_EQ(rule("WITH a AS (SELECT person, i FROM t" + lists(1) + ") SELECT count(*) FROM a" + lists(1)), "G5");
  EXPECT_EQ(rule("WITH a AS (SELECT person, max(i) AS i FROM t" + lists(1) + " GROUP BY person) SELECT count(*) FROM a" + lists(1)), "");
  EXPECT_EQ(rule("WITH a AS (SELECT x0, count(*) AS n FROM t" + lists(1) + " GROUP BY x0) SELECT count(*) FROM t, a" + lists(1)), "G5");
  EXPECT_EQ(rule("WITH a AS (" + list.substr(1, list.size() - 2) + " UNION ALL " + list.substr(1, list.size() - 2) + ") SELECT count(*) FROM t, a, a b"), "G5");
  EXPECT_EQ(rule("SELECT count(*) FROM t, (SELECT unnest(range(1000000)) AS x) w"), "G5");
  EXPECT_EQ(rule("SELECT count(*) FROM t, (SELECT unnest([1, 2, 3]) AS x) w"), "");
  EXPECT_EQ(rule("SELECT count(*) FROM t, (SELECT sum(x0) AS x FROM " + lists(2).substr(2) + ") w"), "");
  const auto joined = [](int count) {
    std::string out = "SELECT count(*) FROM t";
    for (int i = 1; i < count; ++i) out += " JOIN t t" + std::to_string(i) + " USING (person)";
    return out;
  };
  EXPECT_EQ(rule(joined(5)), "");
  EXPECT_EQ(rule(joined(6)), "G5");
  EXPECT_EQ(rule("WITH a AS (SELECT a.person FROM t a JOIN t b USING (person) JOIN t c USING (person)) SELECT count(*) FROM a JOIN a b USING (person)"), "G5");
  EXPECT_EQ(rule("WITH a AS (SELECT person, count(*) AS n FROM t JOIN t b USING (person) GROUP BY person) SELECT count(*) FROM t JOIN a USING (person) JOIN a c USING (person)"), "");
}

TEST_F(Failures, ConstantsAndTextsCountWithoutFailing) {
  EXPECT_TRUE(expect_same("SELECT count(CASE WHEN i > 0 THEN 'x' END), count(CASE WHEN i > 0 THEN DATE '2020-01-01' END) FROM t"));
  EXPECT_TRUE(expect_same("SELECT count(x) FROM (SELECT person, CASE WHEN i > 0 THEN 'x' END AS x FROM t)"));
  EXPECT_TRUE(expect_same("SELECT sum(170141183460469231731687303715884105727), avg(1e308), median(n) FROM t"));
}

TEST_F(Failures, ConstantsThatFailDoSoWhoeverIsThere) {
  // The list of constants fails in both tables or in none, also where nobody is left to join it to.
  for (const char* where : {"i = 5", "i = 123456"}) {
    const std::string text = std::string("WITH boom AS (SELECT sum(x) AS s FROM (VALUES (170141183460469231731687303715884105727), (170141183460469231731687303715884105727)) v(x)) "
                                         "SELECT count(*) FROM (SELECT * FROM t WHERE ") + where + ") t CROSS JOIN boom WHERE boom.s IS NOT NULL";
    ASSERT_EQ(rule(text), "") << text;
    EXPECT_FALSE(runs(text)) << text;
  }
}

}  // namespace
}  // namespace redoubt::sql
