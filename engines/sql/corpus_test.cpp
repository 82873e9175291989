// Goal: on the published examples no attack is accepted and no honest single-block query is refused; and what the printed
// statement computes is what the author's text computes, where nothing is small. Method: the fixture script builds both tables in
// a plain instance, they go through our CSV reader into the engine, and results are compared cell by cell.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engines/sql/checker.h"
#include "engines/sql/engine.h"
#include "engines/sql/instance.h"
#include "engines/sql/sql_test_fixture.h"
#include "tests/support/files.h"

namespace redoubt::sql {
namespace {

using Cells = std::vector<std::vector<std::optional<std::string>>>;

Cells query(duckdb::Connection& connection, const std::string& sql) {
  const auto result = connection.Query(sql);
  EXPECT_FALSE(result->HasError()) << result->GetError() << "\n" << sql;
  Cells out;
  for (std::size_t r = 0; !result->HasError() && r < result->RowCount(); ++r) {
    auto& row = out.emplace_back();
    for (std::size_t c = 0; c < result->ColumnCount(); ++c) {
      const duckdb::Value value = result->GetValue(c, r);
      row.push_back(value.IsNull() ? std::nullopt : std::optional<std::string>(value.ToString()));
    }
  }
  return out;
}

std::string csv_of(duckdb::Connection& connection, const Table& table) {
  std::string csv;
  for (const Column& column : table.columns) csv += (csv.empty() ? "" : ",") + column.name;
  for (const auto& row : query(connection, "SELECT * FROM " + table.name)) {
    csv += "\n";
    for (std::size_t c = 0; c < row.size(); ++c) csv += (c == 0 ? "" : ",") + row[c].value_or("");
  }
  return csv;
}

// Both engines with the fixture: `plain` runs the authors' texts, without the rows that no person owns.
struct Fixture {
  Fixture() : engine(OrDie(Engine::create(OrDie(VerifiedLibrary::verify()), {}))), plain(OrDie(make_instance(1ULL << 30))) {
    const auto made = plain.connection->Query(redoubt::test::read_text(*redoubt::test::shared_dir() / "cleanroom/fixture.sql"));
    EXPECT_FALSE(made->HasError()) << made->GetError();
    for (const Table& table : {example::patients(), example::claims()}) {
      EXPECT_OK(engine.load_csv(table, csv_of(*plain.connection, table)));
      query(*plain.connection, "DELETE FROM " + table.name + " WHERE patient_id IS NULL");
    }
  }
  Engine engine;
  Instance plain;
};

bool single_block(const std::string& sql) { return sql.find("WITH ") != 0 && sql.find("(SELECT") == std::string::npos; }

TEST(Corpus, RefusesEveryAttackAndAcceptsEveryHonestSingleBlock) {
  REDOUBT_REQUIRE_SHARED();
  Fixture fixture;
  const auto corpus = nlohmann::json::parse(redoubt::test::read_text(*redoubt::test::shared_dir() / "cleanroom/sql_examples.json"));
  std::set<std::string> attacks_accepted;
  int attacks = 0, honest = 0, honest_single = 0, accepted = 0, right_rule = 0;
  for (const auto& entry : corpus["queries"]) {
    if (entry["privacy_level"] != "aggregate_only") continue;
    const std::string id = entry["id"], sql = entry["sql"], why = entry["why"];
    const Verdict v = OrDie(check(sql, example::schema(), Level::aggregate_only, 10));
    if (entry["expect"] == "reject") {
      ++attacks;
      if (v.accepted()) attacks_accepted.insert(id);
      right_rule += why.starts_with(v.rule + ":") || why == v.rule + "." ? 1 : 0;
      continue;
    }
    ++honest;
    if (!single_block(sql)) {
      EXPECT_FALSE(v.accepted()) << id;
      EXPECT_NE(v.message.find("not in this release"), std::string::npos) << id << ": " << v.message;
      continue;
    }
    ++honest_single;
    EXPECT_TRUE(v.accepted()) << id << ": " << v.rule << ": " << v.message;
    if (!v.accepted()) continue;
    ++accepted;
    const ResultTable table = OrDie(fixture.engine.run(*v.plan));
    const bool withheld = std::ranges::any_of(table.rows, [](const auto& row) { return !std::ranges::all_of(row, [](const auto& cell) { return cell.has_value(); }); });
    if (entry.contains("released_rows")) {
      EXPECT_EQ(table.rows.size(), entry["released_rows"].get<std::size_t>()) << id;
    }
    if (entry["expect"] == "allow") {
      EXPECT_FALSE(withheld) << id;
    } else {
      EXPECT_TRUE(withheld || table.rows.size() < query(*fixture.plain.connection, sql).size()) << id;
    }
  }
  std::printf("attacks refused: %zu of %d (%d by the very rule); honest single blocks accepted: %d of %d; honest of all shapes: %d of %d\n",
              static_cast<std::size_t>(attacks) - attacks_accepted.size(), attacks, right_rule, accepted, honest_single, accepted, honest);
  // These two are attacks only after an earlier release (T4, T5), which a verdict on one text cannot know.
  EXPECT_EQ(attacks_accepted, (std::set<std::string>{"P30", "P32"}));
  EXPECT_EQ(attacks, 19);
  EXPECT_EQ(honest_single, 9);
  EXPECT_GE(accepted, 9);
  EXPECT_GE(right_rule, 14);
}

TEST(Corpus, ComputesWhatTheAuthorWrote) {
  REDOUBT_REQUIRE_SHARED();
  Fixture fixture;
  for (const char* sql : {
           "SELECT count(*), avg(age), var_samp(cost), median(cost), quantile_cont(cost, 0.25), corr(age, cost) FROM patients",
           "SELECT sex, count(*) AS n, sum(cost) FROM patients WHERE sex <> 'X' GROUP BY sex ORDER BY n DESC",
           "SELECT c.code, avg(p.age), count(DISTINCT patient_id) FROM claims c JOIN patients p USING (patient_id) WHERE c.code <> 'C99' GROUP BY c.code",
           "SELECT p.sex, count(*), count(c.amount), sum(c.amount) FROM patients p LEFT JOIN claims c ON p.patient_id = c.patient_id WHERE sex IN ('F', 'M') GROUP BY ALL",
           "SELECT count(DISTINCT patient_id), count(patient_id), sum(cost), sum(amount) FROM patients FULL JOIN claims USING (patient_id)",
           "SELECT count(*) FROM claims RIGHT JOIN patients USING (patient_id) WHERE patient_id IS NOT NULL",
           "SELECT count(*), sum(cost) FROM patients p SEMI JOIN claims c ON p.patient_id = c.patient_id AND c.amount > 2500",
           "SELECT count(*), sum(cost) FROM patients ANTI JOIN claims USING (patient_id)",
           "SELECT readmitted, count(*) FILTER (WHERE age >= 40), avg(CASE WHEN age >= 40 THEN cost END), count_if(cost > 10000) FROM patients GROUP BY readmitted",
           "SELECT year(admitted_on) AS y, quarter(admitted_on) AS q, sum(cost) AS cost FROM patients WHERE hospital <> 'Remote' GROUP BY y, q HAVING cost > 1000 ORDER BY y, q LIMIT 5",
           "SELECT CASE WHEN age < 40 THEN 'young' ELSE 'old' END AS band, stddev(cost), regr_slope(cost, age) FROM patients GROUP BY 1",
           "SELECT hospital || '/' || lower(sex) AS k, count(*) * 2 + 1, round(sum(cost) / count(*), 1) FROM patients WHERE sex <> 'X' AND hospital NOT IN ('Remote') GROUP BY k",
           "SELECT avg(c.paid_on - p.admitted_on), avg(date_diff('day', p.admitted_on, c.paid_on)) FROM patients p, claims c WHERE p.patient_id = c.patient_id",
           "SELECT extract(year FROM paid_on) AS y, count(*) FROM claims WHERE paid_on >= DATE '2023-02-01' + INTERVAL '1' MONTH AND code LIKE 'C0%' GROUP BY y ORDER BY ALL",
           "SELECT DISTINCT sex FROM patients WHERE sex <> 'X' GROUP BY sex, readmitted ORDER BY sex DESC",
           "SELECT substring(zip, 1, 3) AS z, count(*), count(DISTINCT date_trunc('month', admitted_on)) FROM patients WHERE NOT zip LIKE '029%' GROUP BY z",
           "SELECT a.sex, count(*) FROM patients a JOIN patients b ON a.patient_id = b.patient_id AND a.age = b.age WHERE a.sex <> 'X' GROUP BY a.sex",
           "SELECT hospital, count(*) FROM patients WHERE hospital <> 'Remote' GROUP BY hospital ORDER BY lower(hospital) DESC LIMIT 3 OFFSET 1",
       }) {
    const Verdict v = OrDie(check(sql, example::schema(), Level::aggregate_only, 10));
    ASSERT_TRUE(v.accepted()) << v.rule << ": " << v.message << "\n" << sql;
    Cells ours = OrDie(fixture.engine.run(*v.plan)).rows;
    Cells theirs = query(*fixture.plain.connection, sql);
    EXPECT_FALSE(theirs.empty()) << sql;
    if (std::string_view(sql).find("ORDER BY") == std::string_view::npos) {
      std::ranges::sort(ours);
      std::ranges::sort(theirs);
    }
    EXPECT_EQ(ours, theirs) << sql;
  }
}

}  // namespace
}  // namespace redoubt::sql
