// Goal: a table that stays in its file reads exactly as one that the engine holds itself. Method: rows of every type, with and without NULLs, over
// several groups, once as a file and once put into a table of CREATE TABLE by the engine's own statements; every statement below gives the same
// of both. Then what a table of a file must not do: be written to, be rewritten, be half there.
#include "engines/sql/column_table.h"

#include <gtest/gtest.h>

#include "engines/sql/engine.h"
#include "engines/sql/instance.h"
#include "tests/support/expect.h"

namespace redoubt::sql {
namespace {

constexpr std::size_t kRows = table::kGroupRows + 3 * STANDARD_VECTOR_SIZE + 37;

Table table_named(const std::string& name) {
  return {name,
          {{"id", {TypeId::bigint, 0, 0}, Role::unit}, {"n", {TypeId::integer, 0, 0}}, {"small", {TypeId::decimal, 4, 1}}, {"middle", {TypeId::decimal, 9, 2}},
           {"large", {TypeId::decimal, 18, 3}}, {"x", {TypeId::double_, 0, 0}}, {"ok", {TypeId::boolean, 0, 0}}, {"day", {TypeId::date, 0, 0}},
           {"word", {TypeId::varchar, 0, 0}}, {"text", {TypeId::varchar, 0, 0}}, {"whole", {TypeId::integer, 0, 0}}}};
}

// row i, of which the statement kNative makes the same.
Row row_of(std::int64_t i) {
  const bool null = i % 11 == 3;
  const auto or_null = [&](Value value) { return null ? Value(std::monostate()) : std::move(value); };
  return {i * 7 - 1000,
          or_null(i % 1000 - 500),
          or_null(Decimal{i % 20'000 - 10'000 + (i % 20'000 == 0 ? 1 : 0)}),
          or_null(Decimal{i * 13 - 400'000}),
          or_null(Decimal{i * 1'000'003 - 5}),
          or_null(static_cast<double>(i) / 8),
          or_null(i % 3 == 0),
          or_null(Days{static_cast<std::int32_t>(i % 40'000)}),
          or_null("w" + std::to_string(i % 9)),
          or_null("a text that is longer than twelve bytes, in \xc3\xbc " + std::to_string(i % 5000)),
          i % 100};
}

constexpr const char* kNative =
    "INSERT INTO native SELECT i * 7 - 1000, if(i % 11 = 3, NULL, i % 1000 - 500), if(i % 11 = 3, NULL, ((i % 20000 - 10000 + if(i % 20000 = 0, 1, 0))::DECIMAL(18,0) / 10)::DECIMAL(4,1)), "
    "if(i % 11 = 3, NULL, ((i * 13 - 400000)::DECIMAL(18,0) / 100)::DECIMAL(9,2)), if(i % 11 = 3, NULL, (i * 1000003 - 5)::DECIMAL(18,0) / 1000)::DECIMAL(18,3), if(i % 11 = 3, NULL, i / 8.0::DOUBLE), "
    "if(i % 11 = 3, NULL, i % 3 = 0), if(i % 11 = 3, NULL, DATE '1970-01-01' + (i % 40000)::INTEGER), if(i % 11 = 3, NULL, 'w' || i % 9), "
    "if(i % 11 = 3, NULL, 'a text that is longer than twelve bytes, in \u00fc ' || i % 5000), i % 100 FROM range(";

SecretBytes file_of(std::size_t rows) {
  std::vector<Type> types;
  for (const Column& column : table_named("t").columns) types.push_back(column.type);
  table::TableWriter writer = OrDie(table::TableWriter::create(types));
  for (std::size_t i = 0; i < rows; ++i) EXPECT_OK(writer.add(row_of(static_cast<std::int64_t>(i))));
  return writer.finish();
}

std::vector<table::Group> groups_of(ByteView file) {
  std::vector<Type> types;
  for (const Column& column : table_named("t").columns) types.push_back(column.type);
  table::TableReader reader = OrDie(table::TableReader::open(file, types));
  std::vector<table::Group> groups;
  while (auto group = OrDie(reader.next())) groups.push_back(std::move(*group));
  return groups;
}

class ColumnTables : public testing::Test {
 protected:
  void SetUp() override { fill(kRows); }
  void fill(std::size_t rows) {
    file_ = file_of(rows);
    instance_ = OrDie(make_instance(std::uint64_t{2} << 30));
    add_column_table(*instance_.connection, table_named("t"), groups_of(file_.reveal()));
    run(create_table_sql(table_named("native")));
    run(kNative + std::to_string(rows) + ") r(i)");
  }
  // run gives the rows as text, in their order.
  std::string run(const std::string& sql) {
    const auto result = instance_.connection->Query(sql);
    EXPECT_FALSE(result->HasError()) << result->GetError() << "\n" << sql;
    return result->HasError() ? "" : result->ToString();
  }
  void expect_same(const std::string& sql) {
    const auto of = [&](const std::string& name) {
      std::string text = sql;
      for (std::size_t at = 0; (at = text.find('@', at)) != std::string::npos;) text.replace(at, 1, name);
      return run(text);
    };
    EXPECT_EQ(of("t"), of("native")) << sql;
  }

  SecretBytes file_;
  Instance instance_;
};

TEST_F(ColumnTables, HoldTheSameRows) {
  EXPECT_EQ(run("SELECT count(*) FROM (SELECT * FROM t EXCEPT ALL SELECT * FROM native)"), run("SELECT 0::BIGINT AS \"count_star()\""));
  EXPECT_EQ(run("SELECT count(*) FROM (SELECT * FROM native EXCEPT ALL SELECT * FROM t)"), run("SELECT 0::BIGINT AS \"count_star()\""));
  EXPECT_EQ(run("SELECT count(*) FROM (SELECT rowid, * FROM native EXCEPT SELECT rowid, * FROM t)"), run("SELECT 0::BIGINT AS \"count_star()\""));
}

TEST_F(ColumnTables, AnswerAsTheEnginesOwn) {
  for (const char* sql : {
           "SELECT count(*) FROM @", "SELECT count(*), count(n), count(word), count(DISTINCT text) FROM @", "SELECT * FROM @ LIMIT 5", "SELECT * FROM @ ORDER BY id DESC LIMIT 7",
           "SELECT * FROM @ LIMIT 9 OFFSET 65530", "SELECT min(n), max(n), min(small), max(small), min(middle), max(middle), min(large), max(large) FROM @",
           "SELECT min(x), max(x), min(ok), max(ok), min(day), max(day), min(word), max(word), min(text), max(text) FROM @",
           "SELECT word, sum(n), sum(small), sum(middle), sum(large), sum(x), count(*) FROM @ GROUP BY word ORDER BY word",
           "SELECT whole, count(*), avg(n) FROM @ GROUP BY whole ORDER BY whole", "SELECT day, ok, count(*) FROM @ GROUP BY ALL ORDER BY ALL LIMIT 50",
           "SELECT count(*) FROM @ WHERE n > 100 AND word = 'w3'", "SELECT count(*) FROM @ WHERE n IS NULL", "SELECT count(*) FROM @ WHERE text LIKE '%12'",
           "SELECT count(*) FROM @ WHERE text IS NOT NULL AND small < 0", "SELECT id FROM @ WHERE id IN (-1000, -993, 6, 7000) ORDER BY id", "SELECT count(*) FROM @ WHERE word > 'w7'",
           "SELECT count(*) FROM @ WHERE n > 5000", "SELECT count(*) FROM @ WHERE n < 5000", "SELECT count(*) FROM @ WHERE whole IS NULL", "SELECT count(*) FROM @ WHERE day BETWEEN DATE '2000-01-01' AND DATE '2001-01-01'",
           "SELECT a.word, count(*), sum(b.middle) FROM @ a JOIN @ b USING (id) GROUP BY a.word ORDER BY 1", "SELECT count(*) FROM @ a LEFT JOIN (SELECT * FROM @ WHERE n > 0) b ON a.id = b.id WHERE b.id IS NULL",
           "SELECT count(*) FROM @ WHERE id IN (SELECT id + 7 FROM @ WHERE ok)", "SELECT sum(r) FROM (SELECT row_number() OVER (PARTITION BY word ORDER BY id) AS r FROM @)",
           "SELECT rowid, id FROM @ WHERE rowid IN (0, 2047, 2048, 65535, 65536) ORDER BY rowid", "SELECT upper(word) || length(text), count(*) FROM @ GROUP BY 1 ORDER BY 1 LIMIT 40",
           "WITH a AS NOT MATERIALIZED (SELECT id, word, n FROM @), b AS NOT MATERIALIZED (SELECT a.id, a.word, @.rowid AS r FROM a JOIN @ USING (id) WHERE a.n > 7) "
           "SELECT word, count(*), sum(r) FROM b SEMI JOIN a USING (word) WHERE id IN (SELECT id FROM b) GROUP BY word ORDER BY word",
           "SELECT median(n), quantile_cont(middle, 0.25), mode(whole) FROM @", "SELECT text FROM @ GROUP BY text ORDER BY text LIMIT 20"}) {
    expect_same(sql);
  }
}

TEST_F(ColumnTables, EmptyOnesAnswerToo) {
  fill(0);
  for (const char* sql : {"SELECT count(*), sum(n), min(word) FROM @", "SELECT * FROM @", "SELECT word, count(*) FROM @ GROUP BY word", "SELECT count(*) FROM @ a JOIN @ b USING (id)"}) expect_same(sql);
}

TEST_F(ColumnTables, AreNeverWrittenTo) {
  for (const char* sql : {"INSERT INTO t SELECT * FROM native LIMIT 1", "DELETE FROM t", "UPDATE t SET n = 1"}) {
    fill(10);
    bool refused = false;
    try {
      refused = instance_.connection->Query(sql)->HasError();
    } catch (const std::exception&) {
      refused = true;
    }
    EXPECT_TRUE(refused) << sql;
  }
}

// The engine would rewrite all tables of an instance in memory once a commit brings its changes above 16 MiB.
TEST_F(ColumnTables, AreLeftAloneByLargeChangesBesideThem) {
  run("CREATE TABLE beside AS SELECT i, i * 3 AS j, 'text number ' || i AS s FROM range(3000000) r(i)");
  run("DROP TABLE beside");
  run("CREATE TABLE beside AS SELECT i FROM range(3000000) r(i)");
  expect_same("SELECT word, count(*), sum(n) FROM @ GROUP BY word ORDER BY word");
}

TEST_F(ColumnTables, AreScannedByNobodyByName) {
  for (const char* sql : {"SELECT * FROM seq_scan()", "SELECT * FROM main.seq_scan()", "SELECT * FROM memory.main.seq_scan()", "SELECT * FROM main.seq_scan('t')"}) {
    EXPECT_TRUE(instance_.connection->Query(sql)->HasError()) << sql;
  }
}

TEST_F(ColumnTables, HaveOneNameEach) { EXPECT_ANY_THROW(add_column_table(*instance_.connection, table_named("native"), {})); }

TEST(EngineTables, AreThereWholeOrNotAtAll) {
  auto engine = OrDie(Engine::create(OrDie(VerifiedLibrary::verify()), {}));
  const SecretBytes file = file_of(kRows);
  const ByteView bytes = file.reveal();
  EXPECT_ERROR(engine.load_table(table_named("t"), bytes.first(bytes.size() - 1), kRows), Code::malformed, "group 2");
  EXPECT_ERROR(engine.load_table(table_named("t"), bytes.first(bytes.size() - 1), kRows, table::Values::checked_before), Code::malformed, "group 2");
  EXPECT_ERROR(engine.load_table(table_named("t"), bytes, kRows + 1), Code::malformed, "rows, found");
  EXPECT_OK(engine.load_table(table_named("t"), bytes, kRows, table::Values::checked_before));
  EXPECT_ERROR(engine.load_table(table_named("t"), bytes, kRows), Code::refused, "loaded already");
}

}  // namespace
}  // namespace redoubt::sql
