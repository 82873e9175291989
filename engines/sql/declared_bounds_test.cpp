// Goal: the bound that the checker declares for each function holds in the engine. Method: every function of S14 that makes texts over extreme
// inputs, its result's bytes against the bound, which some input must reach; every other one by the types that the engine says it gives.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "engines/sql/functions.h"
#include "engines/sql/growing_texts_test_fixture.h"
#include "engines/sql/texts.h"

namespace redoubt::sql {
namespace {

using namespace growing;
using DeclaredBounds = WithEngine;

TEST_F(DeclaredBounds, HoldForEveryFunctionThatMakesTexts) {
  // For each function its calls; '=' where some input reaches the bound.
  const std::map<std::string, std::vector<std::string>> calls = {
      {"||", {"=a || b", "=a || b || c", "a || n", "d || a"}},
      {"concat", {"=concat(a, b, c)", "concat(a, n, d, b)", "concat(a)"}},
      {"concat_ws", {"=concat_ws(a, b, c)", "=concat_ws(',', a, b, c, a)", "concat_ws(a, n, d)", "concat_ws(a, b)"}},
      {"lower", {"lower(a)", "lower(lower(a) || b)"}},
      {"upper", {"upper(a)", "upper(concat(a, b))"}},
      {"trim", {"=trim(a)", "trim(a, b)"}},
      {"ltrim", {"=ltrim(a)", "ltrim(a, b)"}},
      {"rtrim", {"=rtrim(a)", "rtrim(a, b)"}},
      {"nullif", {"=nullif(a, b)"}},
      {"ifnull", {"=ifnull(a, b)"}},
      {"greatest", {"=greatest(a, b, c)"}},
      {"least", {"=least(a, b, c)"}},
      {"left", {"=left(a, 3)", "left(a, n)", "left(a, -2)", "left(a, 0)", "=left(a, 100000)"}},
      {"right", {"=right(a, 3)", "right(a, n)", "right(a, -2)", "right(a, 0)"}},
      {"substring", {"=substring(a, 1, 3)", "substring(a, n, n)", "=substring(a, 1)", "substring(a, -4, 2)", "substring(a, 5, -3)", "substring(a, 0, 2)", "substring(a, n, 7)"}},
      {"substr", {"=substr(a, 1, 3)", "substr(a, n)"}},
      {"replace", {"=replace(a, 'a', 'bcd')", "=replace(a, 'aa', 'bcd')", "replace(a, b, c)", "replace(a, '', 'bcd')", "replace(a, 'a', '')", "=replace(a, 'a', b)", "=replace(a, left(b, 1), c)",
                   "=replace(replace(a, 'a', 'aa'), 'a', 'aa')", "replace(a, 'xyz', 'b')"}},
      {"split_part", {"split_part(a, b, n)", "=split_part(a, ',', 1)", "split_part(a, '', 1)", "split_part(a, '', -1)", "split_part(a, b, -1)"}},
      {"strftime", {"strftime(d, '%c')", "strftime(d, '%A, %B %-d %Y')", "strftime(d, '%x%X%f%g%n%p%y%j%U%W%u%w%z%Z%I%H%S%M%a%b%%')", "strftime(d::TIMESTAMP, '%c%c%c%n%Y%G')",
                    "strftime(d, 'plain \xc3\xa9')"}}};
  const auto names = instance_.connection->Query("SELECT DISTINCT function_name FROM duckdb_functions() ORDER BY 1");
  ASSERT_FALSE(names->HasError());
  std::size_t of_texts = 0;
  for (std::size_t i = 0; i < names->RowCount(); ++i) {
    const std::string name = names->GetValue(0, i).ToString();
    if (!is_row_function(name) || text_rule(name) == TextRule::fixed || text_rule(name) == TextRule::plain) continue;
    ++of_texts;
    EXPECT_TRUE(calls.contains(name)) << name << " makes texts, and no test says how long ones";
  }
  EXPECT_GE(of_texts, calls.size() - 2);

  // Texts whose every character grows, meets what is looked for, or takes the most bytes.
  ASSERT_FALSE(instance_.connection->Query("CREATE TABLE texts(t VARCHAR)")->HasError());
  for (const char* text : {"''", "'a'", "'aaa'", "repeat('a', 200)", "repeat('a,', 100)", "repeat('\xc8\xba', 60)", "repeat('\xc9\x90', 60)", "repeat('\xf0\x9f\x98\x80', 40)", "repeat(' ', 50)",
                           "repeat('aab', 50)", "'\xc4\xb0\xc5\xbf\xe2\x84\xaa\xef\xac\x83\xc3\x9f'", "'%_\\(['"}) {
    ASSERT_FALSE(instance_.connection->Query(std::string("INSERT INTO texts VALUES (") + text + ")")->HasError());
  }
  ASSERT_FALSE(instance_.connection
                   ->Query("CREATE TABLE x AS SELECT p.t AS a, q.t AS b, r.t AS c, n, d FROM texts p, texts q, texts r, (VALUES (0, DATE '2024-02-29'), (1, DATE '0001-01-01'), (7, DATE '9999-12-31'), "
                           "(-1, DATE '5881580-07-10'), (-2147483648, DATE '5877642-06-25 (BC)'), (2147483647, 'infinity'::DATE), (3, '-infinity'::DATE)) v(n, d)")
                   ->HasError());
  for (const auto& [name, texts] : calls) {
    EXPECT_TRUE(is_row_function(name)) << name;
    for (std::string call : texts) {
      const bool reached = call.front() == '=';
      if (reached) call.erase(0, 1);
      // The bound of each row, by the lengths of its own texts.
      const auto rows = instance_.connection->Query("SELECT strlen(a), strlen(b), strlen(c), max(strlen(CAST(TRY(" + call + ") AS VARCHAR))) FROM x GROUP BY ALL");
      ASSERT_FALSE(rows->HasError()) << call << rows->GetError();
      bool met = false;
      Columns columns = {column("a", {}), column("b", {}), column("c", {}), column("n", fixed_extent()), column("d", fixed_extent())};
      const Expression expression = parsed(call, columns);
      for (std::size_t r = 0; r < rows->RowCount(); ++r) {
        if (rows->GetValue(3, r).IsNull()) continue;
        const auto number = [&](std::size_t c) { return static_cast<double>(rows->GetValue(c, r).GetValue<std::int64_t>()); };
        for (std::size_t c = 0; c < 3; ++c) columns[c].extent = text_extent(number(c));
        const double bound = extent_of(expression, columns).bytes;
        EXPECT_LE(number(3), bound) << call << " of " << number(0) << ", " << number(1) << ", " << number(2) << " bytes";
        met = met || number(3) == bound;
      }
      EXPECT_TRUE(met || !reached) << call << " never reaches its bound";
    }
  }
}

TEST_F(DeclaredBounds, HoldForEveryCharacterInEitherCase) {
  EXPECT_EQ(one("SELECT count(*) FROM (SELECT TRY(chr(i::INTEGER)) AS c FROM range(1, 1114112) t(i)) WHERE strlen(upper(c)) > 1.5 * strlen(c) OR strlen(lower(c)) > 1.5 * strlen(c)"), "0");
  EXPECT_NE(one("SELECT count(*) FROM (SELECT TRY(chr(i::INTEGER)) AS c FROM range(1, 1114112) t(i)) WHERE strlen(upper(c)) = 1.5 * strlen(c)"), "0");
}

TEST_F(DeclaredBounds, OfFixedLengthAreOnlyNumbersDatesAndTheirNames) {
  const std::set<std::string> kFixedTypes = {"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT",
                                             "DOUBLE", "DECIMAL", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE",
                                             "TIME WITH TIME ZONE", "INTERVAL"};
  // Words of the calendar; and what adds up or multiplies the numbers of the engine's unbounded integer type, which no cast that is allowed makes.
  const std::set<std::string> kWords = {"monthname", "dayname"};
  const auto all = instance_.connection->Query("SELECT DISTINCT function_name, return_type FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate') AND return_type IS NOT NULL");
  ASSERT_FALSE(all->HasError());
  std::size_t fixed = 0;
  for (std::size_t i = 0; i < all->RowCount(); ++i) {
    const std::string name = all->GetValue(0, i).ToString(), type = all->GetValue(1, i).ToString();
    if (text_rule(name) != TextRule::fixed || kWords.contains(name)) continue;
    ++fixed;
    EXPECT_TRUE(kFixedTypes.contains(type.substr(0, type.find('('))) || type == "BIGNUM") << name << " gives " << type;
  }
  EXPECT_GT(fixed, 200U);
  // Lists, which some of the others make of lists: a list has no bound itself.
  for (const char* call : {"l + l", "add(l, l)", "date_part(l, d)", "l + NULL"}) {
    const Columns columns = {column("l", {}), column("d", fixed_extent())};
    EXPECT_EQ(extent_of(parsed(call, columns), columns).bytes, kUnbounded) << call;
  }
  EXPECT_EQ(one("SELECT max(strlen(dayname(d)) + strlen(monthname(d))) FROM (SELECT DATE '2024-01-01' + i::INTEGER AS d FROM range(400) t(i))"), "18");
}

TEST_F(DeclaredBounds, HoldForTheTextOfEveryNumberAndDate) {
  for (const char* value : {"'-170141183460469231731687303715884105728'::HUGEINT", "'-99999999999999999999999999999999999999'::DECIMAL(38,0)", "'-0.99999999999999999999999999999999999999'::DECIMAL(38,38)",
                            "-2.2250738585072014e-308::DOUBLE", "-1.7976931348623157e+308::DOUBLE", "-1.17549435e-38::FLOAT", "'-infinity'::DOUBLE", "'-infinity'::DATE", "'-infinity'::TIMESTAMP",
                            "DATE '5877642-06-25 (BC)'", "TIMESTAMP '290309-12-22 (BC) 00:00:00'", "TIMESTAMP '294247-01-10 04:00:54.775806'", "TIME '23:59:59.999999'", "true", "'NaN'::DOUBLE",
                            "to_months(-2147483647::INTEGER) + to_days(-2147483647::INTEGER) + to_microseconds(-9223372036854775807)"}) {
    EXPECT_LE(std::stod(one(std::string("SELECT strlen((") + value + ")::VARCHAR)")), kFixedText) << value;
  }
}

}  // namespace
}  // namespace redoubt::sql
