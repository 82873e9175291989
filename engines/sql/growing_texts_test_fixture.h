// What the tests of growing texts share: two datasets with texts, the engine itself to ask what it makes of an expression, and an engine with the
// longest cell that a table takes.
#pragma once

#include <gtest/gtest.h>

#include "engines/sql/checker.h"
#include "engines/sql/engine.h"
#include "engines/sql/instance.h"
#include "engines/sql/sql_ast.h"
#include "engines/sql/texts.h"
#include "tests/support/expect.h"

namespace redoubt::sql::growing {

// notes(person, s, r, i, day) and others(person, s).
inline std::vector<Table> tables() {
  return {{"notes",
           {{"person", {TypeId::bigint, 0, 0}, Role::unit},
            {"s", {TypeId::varchar, 0, 0}},
            {"r", {TypeId::varchar, 0, 0}},
            {"i", {TypeId::integer, 0, 0}, Role::attribute, Bounds{0, 10}},
            {"day", {TypeId::date, 0, 0}}}},
          {"others", {{"person", {TypeId::bigint, 0, 0}, Role::unit}, {"s", {TypeId::varchar, 0, 0}}}}};
}

inline Verdict verdict(const std::string& text, Level level = Level::aggregate_only) {
  static Checker checker = OrDie(Checker::create(OrDie(Schema::make(tables())), 3));
  return checker.check(text, level);
}

// doubled: a text that is twice as long, so many times.
inline std::string doubled(std::string x, int times) {
  for (int i = 0; i < times; ++i) x = "replace(" + x + ", 'a', 'aa')";
  return x;
}

// What the engine makes of expressions over a table x(a, b, c, n, d) of texts, counts and dates.
class WithEngine : public ::testing::Test {
 protected:
  std::string one(const std::string& sql) {
    const auto result = instance_.connection->Query(sql);
    EXPECT_FALSE(result->HasError()) << result->GetError() << "\n" << sql;
    if (result->HasError() || result->RowCount() == 0) return "";
    const duckdb::Value value = result->GetValue(0, 0);
    return value.IsNull() ? "NULL" : value.ToString();
  }

  static Expression parsed(const std::string& expression, const Columns& columns) {
    auto query = parse_query("SELECT " + expression);
    EXPECT_TRUE(query.ok()) << expression;
    Expression out = query.value().block[0].items[0];
    resolve(out, columns);
    return out;
  }

  static void resolve(Expression& e, const Columns& columns) {
    if (e.kind == Expression::Kind::column) {
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i].name == e.path.back()) e.index = i;
      }
      e.path.clear();
    }
    for (Expression& child : e.children) resolve(child, columns);
  }

  static ColumnInfo column(const std::string& name, const Extent& extent) {
    ColumnInfo out;
    out.name = out.sql = name;
    out.extent = extent;
    return out;
  }

  Instance instance_ = OrDie(make_instance(1ULL << 30));
};

// The longest cell in a table, under what is accepted: it is answered, within memory and time.
class LongestCell : public ::testing::Test {
 protected:
  LongestCell() {
    std::vector<Row> rows;
    for (std::int64_t person = 0; person < 12; ++person) {
      rows.push_back({person, std::string(person == 5 ? table::kMaxText : 3, 'a'), std::string(person == 5 ? table::kMaxText : 2, 'a'), person, Days{0}});
    }
    EXPECT_OK(engine_.create_table(tables()[0], rows));
    EXPECT_OK(engine_.create_table(tables()[1], {}));
  }

  void answers(const std::string& text) {
    const Verdict v = verdict(text);
    ASSERT_TRUE(v.accepted()) << v.rule << ": " << v.message << "\n" << text;
    const auto result = engine_.run(*v.plan);
    ASSERT_TRUE(result.ok()) << result.error().message() << "\n" << text;
    EXPECT_FALSE(result->rows.empty()) << text;
    EXPECT_OK(engine_.footprint(*v.plan)) << text;
  }

  Engine engine_ = OrDie(Engine::create(OrDie(VerifiedLibrary::verify()), {}));
};

}  // namespace redoubt::sql::growing
