// Goal: on corpora of labelled queries no attack is accepted and no honest query is refused, the rule that is named is the one of the
// label, and what runs in place of an honest query computes what its author wrote, where nothing is small.
// Method: the published examples (fixture of shared test data) and our own corpus (testdata/corpus.json) go through the checker and the
// engine; a plain instance with the same tables, without the rows that no person owns, runs the authors' texts.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "engines/sql/checker.h"
#include "engines/sql/engine.h"
#include "engines/sql/instance.h"
#include "engines/sql/ledger/ledger.h"
#include "engines/sql/sql_test_fixture.h"
#include "tests/support/files.h"

namespace redoubt::sql {
namespace {

using Cells = std::vector<std::vector<std::optional<std::string>>>;

Cells rows_of(duckdb::MaterializedQueryResult& result) {
  Cells out;
  for (std::size_t r = 0; !result.HasError() && r < result.RowCount(); ++r) {
    auto& row = out.emplace_back();
    for (std::size_t c = 0; c < result.ColumnCount(); ++c) {
      const duckdb::Value value = result.GetValue(c, r);
      row.push_back(value.IsNull() ? std::nullopt : std::optional<std::string>(value.ToString()));
    }
  }
  return out;
}

Cells query(duckdb::Connection& connection, const std::string& sql) {
  const auto result = connection.Query(sql);
  EXPECT_FALSE(result->HasError()) << result->GetError() << "\n" << sql;
  return rows_of(*result);
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

// near: floating-point numbers that differ in their last digits, since another order of adding is as right.
bool near(const std::optional<std::string>& a, const std::optional<std::string>& b) {
  if (a == b) return true;
  if (!a || !b) return false;
  char* end_a = nullptr;
  char* end_b = nullptr;
  const double x = std::strtod(a->c_str(), &end_a), y = std::strtod(b->c_str(), &end_b);
  if (*end_a != '\0' || *end_b != '\0') return false;
  return std::abs(x - y) <= 1e-9 * std::max({1.0, std::abs(x), std::abs(y)});
}

bool near_rows(const Cells& a, const Cells& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
           return x.size() == y.size() && std::equal(x.begin(), x.end(), y.begin(), near);
         });
}

// Both engines with the fixture: `plain` runs the authors' texts, without the rows that no person owns.
struct Fixture {
  Fixture()
      : engine(OrDie(Engine::create(OrDie(VerifiedLibrary::verify()), {}))),
        plain(OrDie(make_instance(1ULL << 30))),
        checker(OrDie(Checker::create(example::schema(), 10))) {
    const auto made = plain.connection->Query(redoubt::test::read_text(*redoubt::test::shared_dir() / "cleanroom/fixture.sql"));
    EXPECT_FALSE(made->HasError()) << made->GetError();
    for (const Table& table : {example::patients(), example::claims()}) {
      EXPECT_OK(engine.load_csv(table, csv_of(*plain.connection, table)));
      query(*plain.connection, "CREATE TABLE whole_" + table.name + " AS SELECT * FROM " + table.name);
      query(*plain.connection, "DELETE FROM " + table.name + " WHERE patient_id IS NULL");
    }
  }

  // as_written: what the author's text computes; at the level none with the rows that no person owns.
  Cells as_written(const std::string& sql, Level level) {
    if (level == Level::none) return query(*whole().connection, sql);
    return query(*plain.connection, sql);
  }

  Engine engine;
  Instance plain;
  Checker checker;
  int quick = 0, looked_again = 0;  // plans whose quick statement was enough, and those whose was not

 private:
  Instance& whole() {
    if (!whole_) {
      whole_ = std::make_unique<Instance>(OrDie(make_instance(1ULL << 30)));
      query(*whole_->connection, redoubt::test::read_text(*redoubt::test::shared_dir() / "cleanroom/fixture.sql"));
    }
    return *whole_;
  }
  std::unique_ptr<Instance> whole_;
};

struct Score {
  int attacks = 0, refused = 0, right_rule = 0, honest = 0, accepted = 0;
};

bool names_rule(const std::string& why, const std::string& rule) {
  const auto begins = why.rfind(rule, 0) == 0 && (why.size() == rule.size() || !std::isdigit(static_cast<unsigned char>(why[rule.size()])));
  return begins;
}

// ordered: the whole query ends with an order.
bool ordered(const std::string& sql) {
  const std::size_t order = sql.rfind("ORDER BY");
  return order != std::string::npos && (sql.rfind(')') == std::string::npos || sql.rfind(')') < order);
}

void run_honest(Fixture& fixture, const nlohmann::json& entry, const ReleasePlan& plan, Level level) {
  const std::string id = entry["id"], sql = entry["sql"];
  if (level == Level::differential_privacy) {
    EXPECT_FALSE(plan.noisy().empty()) << id;
    const auto key = redoubt::SecretBytes::copy_of(redoubt::Bytes(32, std::byte{9}));
    const std::vector<dp::TouchedDataset> touched{{dp::DatasetDigest(), &key}};
    const auto seed = OrDie(dp::NoiseSeed::derive(touched, redoubt::ContractDigest(), dp::QueryDigest(), {}));
    const NoiseParameters parameters{OrDie(dp::Epsilon::parse("64")), OrDie(dp::Delta::parse("0.000001"))};
    const auto noisy = fixture.engine.run_noisy(plan, parameters, seed);
    EXPECT_TRUE(noisy.ok()) << id << ": " << (noisy.ok() ? "" : noisy.error().message()) << "\n" << plan.noisy()[0].rows_sql << "\n" << plan.sql();
    if (!noisy.ok()) return;
    EXPECT_EQ(noisy->rows, OrDie(fixture.engine.run_noisy(plan, parameters, seed)).rows) << id;
    return;
  }
  const auto result = fixture.engine.run(plan);
  if (!result.ok()) {
    ADD_FAILURE() << id << ": " << result.error().message() << "\n" << plan.sql();
    return;
  }
  if (level != Level::none) {
    EXPECT_EQ(OrDie(fixture.engine.withheld(plan)) > 0, entry["expect"] == "allow_suppressed") << id << "\n" << sql;
  }
  Cells ours = result->rows;
  if (entry.contains("released_rows")) {
    EXPECT_EQ(ours.size(), entry["released_rows"].get<std::size_t>()) << id;
  }
  if (!plan.quick_sql().empty()) {
    const auto quick = fixture.plain.connection->Query(plan.quick_sql());
    ++(quick->HasError() ? fixture.looked_again : fixture.quick);
    if (!quick->HasError()) {
      EXPECT_EQ(rows_of(*quick), ours) << id;
    }
  }
  Cells theirs = fixture.as_written(sql, level);
  if (!ordered(sql)) {
    std::ranges::sort(ours);
    std::ranges::sort(theirs);
  }
  const bool same = near_rows(ours, theirs);
  if (entry["expect"] == "allow" && !entry.value("differs", false)) {
    EXPECT_TRUE(same) << id << ": withheld or another result: " << ours.size() << " rows, expected " << theirs.size() << "\n" << sql << "\n" << plan.sql();
  } else if (entry["expect"] == "allow_suppressed" && !entry.value("same", false)) {
    EXPECT_FALSE(same) << id << ": nothing was withheld\n" << sql;
  }
}

// admit runs the entries that come before through a fresh ledger, all of which it must take, and says what it makes of the plan.
Conflict admit(Fixture& fixture, const std::map<std::string, nlohmann::json>& entries, const nlohmann::json& entry, const ReleasePlan& plan) {
  Ledger ledger(10);
  const auto before = entry.value("after", std::vector<std::string>());
  for (const std::string& id : before) {
    const auto& earlier = entries.at(id);
    const Verdict v = fixture.checker.check(earlier["sql"].get<std::string>(), OrDie(parse_level(earlier["privacy_level"].get<std::string>())));
    EXPECT_TRUE(v.accepted()) << id;
    if (!v.accepted()) continue;
    EXPECT_EQ(ledger.admit(OrDie(fixture.engine.footprint(*v.plan))), Conflict::none) << id;
  }
  // Quick and exact statements trace the same rows: cells of the same joined rows are one.
  Ledger same(10);
  const auto footprint = OrDie(fixture.engine.footprint(plan)), exact = OrDie(fixture.engine.footprint(plan, true));
  EXPECT_EQ(footprint.size(), exact.size()) << plan.sql();
  EXPECT_EQ(footprint.cells(), exact.cells()) << plan.sql();
  if (same.admit(exact) == Conflict::none) {
    const std::size_t cells = same.cells();
    EXPECT_EQ(same.admit(footprint), Conflict::none) << plan.sql();
    EXPECT_EQ(same.cells(), cells) << plan.sql();
  }
  return ledger.admit(footprint);
}

Score run_corpus(Fixture& fixture, const nlohmann::json& corpus) {
  Score score;
  std::map<std::string, nlohmann::json> entries;
  for (const auto& entry : corpus["queries"]) entries[entry["id"]] = entry;
  for (const auto& entry : corpus["queries"]) {
    const std::string id = entry["id"], sql = entry["sql"], why = entry["why"];
    const Level level = OrDie(parse_level(entry["privacy_level"].get<std::string>()));
    const Verdict v = fixture.checker.check(sql, level);
    if (entry["expect"] == "reject") {
      ++score.attacks;
      if (why.starts_with("T")) {
        EXPECT_TRUE(v.accepted()) << id << ": " << v.rule << ": " << v.message;
        if (!v.accepted()) continue;
        const Conflict conflict = admit(fixture, entries, entry, *v.plan);
        const bool right = conflict == (why.starts_with("T4") ? Conflict::too_close : Conflict::combination);
        EXPECT_NE(conflict, Conflict::none) << id << " was admitted: " << sql;
        score.refused += conflict != Conflict::none ? 1 : 0;
        score.right_rule += right ? 1 : 0;
        if (!right) std::printf("%s: expected %s, found %d\n", id.c_str(), why.substr(0, 2).c_str(), static_cast<int>(conflict));
        continue;
      }
      score.refused += v.accepted() ? 0 : 1;
      EXPECT_FALSE(v.accepted()) << id << " was accepted: " << sql;
      if (v.accepted()) continue;
      EXPECT_FALSE(v.message.empty()) << id;
      EXPECT_GE(v.line, 1U) << id;
      score.right_rule += names_rule(why, v.rule) ? 1 : 0;
      if (!names_rule(why, v.rule)) std::printf("%s: expected %s, found %s: %s\n", id.c_str(), why.substr(0, 3).c_str(), v.rule.c_str(), v.message.c_str());
      continue;
    }
    ++score.honest;
    score.accepted += v.accepted() ? 1 : 0;
    EXPECT_TRUE(v.accepted()) << id << ": " << v.rule << " at " << v.line << ":" << v.column << ": " << v.message << "\n" << sql;
    if (!v.accepted()) continue;
    run_honest(fixture, entry, *v.plan, level);
    EXPECT_EQ(admit(fixture, entries, entry, *v.plan), Conflict::none) << id << ": " << sql;
  }
  std::printf("attacks refused: %d of %d (%d by the very rule); honest accepted: %d of %d\n", score.refused, score.attacks, score.right_rule,
              score.accepted, score.honest);
  return score;
}

TEST(Corpus, RefusesEveryPublishedAttackAndAcceptsEveryHonestQuery) {
  REDOUBT_REQUIRE_SHARED();
  Fixture fixture;
  const auto corpus = nlohmann::json::parse(redoubt::test::read_text(*redoubt::test::shared_dir() / "cleanroom/sql_examples.json"));
  const Score score = run_corpus(fixture, corpus);
  EXPECT_EQ(score.refused, score.attacks);
  EXPECT_EQ(score.accepted, score.honest);
  EXPECT_GE(score.attacks, 30);
  EXPECT_GE(score.honest, 17);
  EXPECT_EQ(score.right_rule, score.attacks);
}

TEST(Corpus, RefusesEveryAttackOfOursAndAcceptsEveryHonestQuery) {
  REDOUBT_REQUIRE_SHARED();
  Fixture fixture;
  const auto corpus = nlohmann::json::parse(redoubt::test::read_text(redoubt::test::source_dir() / "engines/sql/testdata/corpus.json"));
  const Score score = run_corpus(fixture, corpus);
  EXPECT_EQ(score.refused, score.attacks);
  EXPECT_EQ(score.accepted, score.honest);
  EXPECT_EQ(score.right_rule, score.attacks);
  std::printf("quick statements that were enough: %d; exact ones needed: %d\n", fixture.quick, fixture.looked_again);
  EXPECT_GE(fixture.quick, 100);
  EXPECT_GE(fixture.looked_again, 15);
}

}  // namespace
}  // namespace redoubt::sql
