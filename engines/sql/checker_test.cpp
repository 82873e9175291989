// Goal: every rule refuses its example under its own name, and the nearest honest neighbour is accepted.
// Method: pairs of texts over the schema of the published examples; nothing is executed, so no data is needed.
#include "engines/sql/checker.h"

#include <gtest/gtest.h>

#include "engines/sql/sql_test_fixture.h"

namespace redoubt::sql {
namespace {

Verdict verdict_on(std::string_view text) {
  static Checker checker = OrDie(Checker::create(example::schema(), 10));
  return checker.check(text, Level::aggregate_only);
}

testing::AssertionResult Accepts(std::string_view text) {
  const Verdict v = verdict_on(text);
  if (v.accepted()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << v.rule << " at " << v.line << ":" << v.column << ": " << v.message << "\n  " << text;
}

testing::AssertionResult Refuses(std::string_view rule, std::string_view text) {
  const Verdict v = verdict_on(text);
  if (v.accepted()) return testing::AssertionFailure() << "accepted: " << text;
  if (v.rule == rule && !v.message.empty()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "expected " << rule << ", found " << v.rule << ": " << v.message << "\n  " << text;
}

#define ACCEPTS(text) EXPECT_TRUE(Accepts(text))
#define REFUSES(rule, text) EXPECT_TRUE(Refuses(rule, text))

TEST(Checker, TakesOneQueryAndNothingElse) {
  ACCEPTS("SELECT count(*) FROM patients");
  ACCEPTS("  select COUNT(*) from Patients ; -- a comment");
  ACCEPTS("FROM patients SELECT count(*)");
  for (const char* text :
       {"", ";", "SELECT", "SELECT count(*) FROM patients; SELECT 1", "COPY claims TO 'x.csv'", "DROP TABLE patients",
        "PRAGMA table_info('patients')", "PRAGMA version", "EXPLAIN SELECT count(*) FROM patients", "SET threads = 4", "CALL enable_logging()",
        "ATTACH ':memory:' AS x", "SUMMARIZE patients", "SELECT * FROM (SUMMARIZE patients)", "DESCRIBE patients", "SHOW TABLES",
        "PREPARE p AS SELECT 1", "EXECUTE p", "IMPORT DATABASE 'x'", "INSTALL httpfs", "LOAD httpfs", "USE main", "CHECKPOINT",
        "CREATE MACRO f(x) AS x", "VACUUM", "BEGIN", "INSERT INTO patients SELECT * FROM patients", "SELECT count(*) FROM patients\xff"}) {
    const Verdict v = verdict_on(text);
    EXPECT_FALSE(v.accepted()) << text;
    EXPECT_TRUE(v.rule == "G1" || v.rule == "G2") << text << ": " << v.rule << ": " << v.message;
  }
  EXPECT_TRUE(Refuses("G1", std::string_view("SELECT count(*) FROM patients\0; SELECT 1", 39)));
  REFUSES("G1", "SELECT count(*) FROM patients WHERE hospital = '" + std::string(70000, 'x') + "'");
}

TEST(Checker, ReadsRegisteredDatasetsByTheirPlainNames) {
  ACCEPTS("SELECT count(*) FROM \"PATIENTS\"");
  for (const char* from : {"'x.csv'", "\"x.csv\"", "main.patients", "memory.main.patients", "information_schema.tables", "sqlite_master",
                           "duckdb_settings()", "range(10)", "read_text('/etc/hostname')", "read_csv('x')", "glob('*')", "nobody",
                           "pg_catalog.pg_class", "duckdb_logs",
                           "query('SELECT 1')", "query_table('patients')"}) {
    REFUSES("G2", std::string("SELECT count(*) FROM ") + from);
  }
  ACCEPTS("SELECT count(*) FROM (SELECT * FROM patients)");
  ACCEPTS("SELECT count(*) FROM (VALUES (1)) v(x)");
  ACCEPTS("WITH p AS (SELECT * FROM patients) SELECT count(*) FROM p");
  ACCEPTS("SELECT 1");
}

TEST(Checker, RefusesFunctionsThatLookOutside) {
  for (const char* call : {"random()", "uuid()", "now()", "current_date", "current_user", "current_setting('threads')", "getvariable('x')",
                           "version()", "nextval('s')", "error('x')", "pg_typeof(age)", "stats(age)", "write_log('x')", "current_timestamp",
                           "txid_current()", "today()", "getenv('HOME')", "json_execute_serialized_sql('x')"}) {
    REFUSES("G3", std::string("SELECT count(*) FROM patients WHERE ") + call + " IS NOT NULL");
  }
}

TEST(Checker, RefusesParametersSamplesPivotsAndPositions) {
  REFUSES("G4", "SELECT count(*) FROM patients WHERE age > ?");
  REFUSES("G4", "SELECT count(*) FROM patients WHERE age > $1");
  REFUSES("G4", "SELECT count(*) FROM patients TABLESAMPLE reservoir(50%)");
  REFUSES("G4", "SELECT count(*) FROM patients USING SAMPLE 10");
  REFUSES("G4", "SELECT count(*) FROM patients POSITIONAL JOIN claims");
  REFUSES("G4", "WITH RECURSIVE t AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM t) SELECT count(*) FROM t");
  REFUSES("G4", "PIVOT patients ON sex USING count(*)");
  REFUSES("G4", "-- of patients\nPIVOT patients ON sex IN ('F') USING count(*)");
  REFUSES("G4", "UNPIVOT patients ON age INTO NAME n VALUE v");
  REFUSES("G4", "WITH p AS (SELECT sex FROM patients) PIVOT p ON sex USING count(*)");
  REFUSES("G4", "SELECT * FROM (PIVOT patients ON sex IN ('F') USING count(*))");
  REFUSES("G4", "FROM patients UNPIVOT (v FOR n IN (age))");
  REFUSES("G1", "CREATE TABLE t AS PIVOT patients ON sex USING count(*)");
}

TEST(Checker, AsksThatNamesAndTypesBind) {
  REFUSES("G5", "SELECT avg(nothing) FROM patients");
  REFUSES("G5", "SELECT count(*) FROM patients p JOIN claims c USING (patient_id) WHERE x.age > 1");
  REFUSES("G5", "SELECT count(*) FROM patients p JOIN patients q USING (patient_id) WHERE age > 1");
  REFUSES("G5", "SELECT hospital, cost, count(*) FROM patients GROUP BY hospital");
  REFUSES("G5", "SELECT count(*) FROM patients GROUP BY 2");
  REFUSES("G5", "SELECT count(*) FROM patients WHERE count(*) > 1");
  REFUSES("G5", "SELECT sum(sum(cost)) FROM patients");
  REFUSES("G5", "SELECT count(*) FROM patients WHERE year(hospital, 1) = 2");
  REFUSES("G5", "SELECT count(*) FROM patients WHERE round(hospital) = 2");
  REFUSES("G5", "SELECT count(*) FROM patients, patients WHERE age = 1");
  REFUSES("G6", "SELECT count(*) FROM patients WHERE rowid < 100");
}

TEST(Checker, BuildsRowExpressionsFromTheListOnly) {
  ACCEPTS("SELECT count(*) FROM patients WHERE age BETWEEN 18 AND 65 AND NOT (sex IN ('F', 'X') OR zip IS NULL)");
  ACCEPTS("SELECT count(*) FROM patients WHERE CASE WHEN age > 60 THEN 'old' ELSE 'young' END = 'old'");
  ACCEPTS("SELECT count(*) FROM patients WHERE coalesce(diagnosis, 'none') LIKE 'C%' AND admitted_on >= DATE '2024-01-01'");
  ACCEPTS("SELECT count(*) FROM patients WHERE admitted_on < DATE '2024-01-01' + INTERVAL '3' MONTH");
  ACCEPTS("SELECT extract(year FROM admitted_on) AS y, count(*) FROM patients GROUP BY y");
  REFUSES("S1", "SELECT count(*) FROM patients WHERE age IN (cost, 2)");
  REFUSES("S1", "SELECT count(*) FROM patients WHERE [age] = [1]");
  REFUSES("S1", "SELECT count(*) FROM patients WHERE (age, sex) = (1, 'F')");
  REFUSES("S1", "SELECT count(*) FROM patients WHERE {'a': age}.a = 1");
  REFUSES("S1", "SELECT count(*) FROM patients WHERE sex COLLATE nocase = 'f'");
  REFUSES("S1", "SELECT count(*) FROM patients WHERE zip[1] = '0'");
  REFUSES("S1", "SELECT count(*) FROM patients WHERE TRY(age / 0) IS NULL");
  REFUSES("S13", "SELECT count(*) FROM patients WHERE sex::ENUM('F', 'M') = 'F'");
  REFUSES("S13", "SELECT count(*) FROM patients WHERE zip::BLOB IS NULL");
  REFUSES("S13", "SELECT count(*) FROM patients WHERE admitted_on::TIMESTAMPTZ IS NULL");
  REFUSES("S14", "SELECT count(*) FROM patients WHERE hash(zip) = 1");
  REFUSES("S14", "SELECT count(*) FROM patients WHERE md5(zip) = 'a'");
  REFUSES("S14", "SELECT count(*) FROM patients WHERE ascii(zip) = 1");
  REFUSES("S12", "SELECT count(COLUMNS(*)) FROM patients");
}

TEST(Checker, JoinsDatasetsOnlyByTheirUnits) {
  ACCEPTS("SELECT count(*) FROM patients p JOIN claims c ON p.patient_id = c.patient_id AND c.amount > 10");
  ACCEPTS("SELECT count(*) FROM patients p JOIN claims c USING (patient_id)");
  ACCEPTS("SELECT count(*) FROM patients p, claims c WHERE p.patient_id = c.patient_id");
  ACCEPTS("SELECT count(*) FROM patients p CROSS JOIN claims c WHERE c.patient_id = p.patient_id AND p.age > 3");
  ACCEPTS("SELECT count(*) FROM patients p LEFT JOIN claims c ON p.patient_id = c.patient_id");
  ACCEPTS("SELECT count(DISTINCT patient_id) FROM patients p FULL JOIN claims c USING (patient_id)");
  ACCEPTS("SELECT count(*) FROM patients p SEMI JOIN claims c ON p.patient_id = c.patient_id");
  ACCEPTS("SELECT count(*) FROM patients p ANTI JOIN claims c USING (patient_id)");
  ACCEPTS("SELECT avg(p.age) FROM patients p JOIN claims c USING (patient_id) JOIN claims d USING (patient_id)");
  REFUSES("S2", "SELECT count(*) FROM patients p JOIN claims c ON p.cost = c.amount");
  REFUSES("S2", "SELECT count(*) FROM patients, claims");
  REFUSES("S2", "SELECT count(*) FROM patients p LEFT JOIN claims c ON p.cost = c.amount WHERE p.patient_id = c.patient_id");
  REFUSES("S2", "SELECT count(*) FROM patients p SEMI JOIN claims c ON p.cost = c.amount");
  REFUSES("S2", "SELECT count(*) FROM patients NATURAL JOIN claims");
  REFUSES("S2", "SELECT count(*) FROM patients p ASOF JOIN claims c ON p.patient_id = c.patient_id AND p.admitted_on >= c.paid_on");
  // An equality under OR, or in disguise, joins people with others.
  REFUSES("S2", "SELECT count(*) FROM patients p JOIN claims c ON p.patient_id = c.patient_id OR p.age = 3");
  REFUSES("S2", "SELECT count(*) FROM patients p JOIN claims c ON p.patient_id = c.claim_id");
  REFUSES("S2", "SELECT count(*) FROM patients p JOIN claims c ON p.patient_id <= c.patient_id");
  REFUSES("S2", "SELECT count(*) FROM patients p JOIN claims c ON p.patient_id + 0 = c.patient_id");
  // The outer join keeps unmatched rows, whose two left datasets then belong to two people.
  REFUSES("S2", "SELECT count(*) FROM (patients p CROSS JOIN patients q) LEFT JOIN claims c "
                "ON p.patient_id = c.patient_id AND q.patient_id = c.patient_id");
  REFUSES("S2", "SELECT count(*) FROM (patients p CROSS JOIN patients q) LEFT JOIN claims c "
                "ON p.patient_id = c.patient_id AND q.patient_id = p.patient_id");
  ACCEPTS("SELECT count(*) FROM (patients p CROSS JOIN patients q) LEFT JOIN claims c ON p.patient_id = c.patient_id "
          "WHERE q.patient_id = p.patient_id");
}

TEST(Checker, KeepsIdentifiersOutOfEverythingThatSinglesOut) {
  ACCEPTS("SELECT count(patient_id), count(DISTINCT patient_id), count(DISTINCT claim_id) FROM claims");
  ACCEPTS("SELECT count(DISTINCT CASE WHEN code = 'C01' THEN patient_id END) FROM claims WHERE claim_id IS NOT NULL");
  for (const char* where : {"patient_id < 50", "patient_id = 7", "patient_id IN (1, 2)", "patient_id % 2 = 0", "patient_id::VARCHAR LIKE '1%'",
                            "coalesce(patient_id, 1) = 1", "patient_id BETWEEN 1 AND 2", "abs(patient_id) = 1", "patient_id = patient_id",
                            "NOT patient_id > 5", "CASE WHEN patient_id = 1 THEN true ELSE false END", "(patient_id = 1) IS NOT NULL"}) {
    REFUSES("S3", std::string("SELECT avg(cost) FROM patients WHERE ") + where);
  }
  REFUSES("S3", "SELECT sum(claim_id) FROM claims");
  REFUSES("S3", "SELECT claim_id, count(*) FROM claims GROUP BY claim_id");
  REFUSES("S3", "SELECT count(*) FILTER (WHERE patient_id = 3) FROM patients");
  REFUSES("S3", "SELECT count(*) FROM patients p(who) WHERE who = 3");
  REFUSES("S3", "SELECT count(*) FROM patients p(hospital) WHERE hospital = 3");  // the engine calls the later one hospital_1
  REFUSES("S3", "SELECT count(*) FROM patients AS t(x, y) WHERE x = 3");
  ACCEPTS("SELECT count(*) FROM claims AS t(patient_id, z) WHERE z IS NOT NULL");
  REFUSES("S3", "SELECT count(*) FROM claims AS t(patient_id, z) WHERE patient_id = 1");
  REFUSES("S3", "SELECT count(*) FROM patients p WHERE p IS NOT NULL");
  REFUSES("S3", "SELECT count(CASE WHEN age > 3 THEN patient_id END) FROM patients");
  REFUSES("A3", "SELECT count(DISTINCT CASE WHEN age > 3 THEN patient_id ELSE 0 END) FROM patients");
  REFUSES("S3", "SELECT patient_id AS hospital, count(*) FROM patients WHERE hospital = patient_id GROUP BY 1");
  REFUSES("S3", "SELECT count(*) FROM patients p FULL JOIN claims c USING (patient_id) WHERE patient_id = 3");
}

TEST(Checker, WantsAThresholdThatProtects) {
  EXPECT_ERROR(check("SELECT 1", example::schema(), Level::aggregate_only, 1), Code::usage, "k");
  EXPECT_ERROR(check("SELECT 1", example::schema(), Level::aggregate_only, 1000001), Code::usage, "k");
}

TEST(Checker, ReleasesStatisticsAndNoRows) {
  REFUSES("A1", "SELECT hospital, cost FROM patients");
  REFUSES("A1", "SELECT * FROM patients");
  REFUSES("A1", "FROM patients");
  REFUSES("S6", "SELECT DISTINCT diagnosis FROM patients");
  REFUSES("A1", "SELECT patient_id, count(*) FROM claims GROUP BY patient_id");
  REFUSES("A1", "SELECT c.patient_id AS hospital, count(*) FROM claims c GROUP BY hospital");
  REFUSES("A1", "SELECT patient_id, count(*) FROM claims GROUP BY ALL");
  REFUSES("S6", "SELECT cost FROM patients ORDER BY cost LIMIT 1");
  REFUSES("S6", "SELECT DISTINCT ON (hospital) hospital, cost FROM patients");
  for (const char* groups : {"ROLLUP (hospital, sex)", "CUBE (hospital, sex)", "GROUPING SETS ((hospital), ())", "GROUPING SETS ((hospital, sex), (sex))"}) {
    REFUSES("S8", std::string("SELECT count(*) FROM patients GROUP BY ") + groups);
  }
  ACCEPTS("SELECT diagnosis FROM patients GROUP BY diagnosis");
}

TEST(Checker, TakesOnlyStatisticalAggregates) {
  ACCEPTS("SELECT count(*), count(age), count(DISTINCT zip), count_if(readmitted), sum(cost), avg(cost), mean(age), var_pop(cost), "
          "var_samp(cost), variance(cost), stddev(cost), stddev_pop(cost), stddev_samp(cost), corr(age, cost), covar_pop(age, cost), "
          "covar_samp(age, cost), regr_slope(age, cost), regr_intercept(age, cost), regr_r2(age, cost), regr_count(age, cost), "
          "median(cost), quantile_cont(cost, 0.25), percentile_cont(0.9) WITHIN GROUP (ORDER BY cost DESC) FROM patients");
  for (const char* call : {"max(age)", "min(age)", "mode(zip)", "first(zip)", "last(zip)", "any_value(zip)", "arg_max(zip, cost)", "max_by(zip, cost)",
                           "list(zip)", "array_agg(zip)", "string_agg(zip, ',')", "histogram(zip)", "approx_count_distinct(zip)",
                           "approx_quantile(cost, 0.5)", "bool_or(readmitted)", "bit_xor(age)", "product(age)", "quantile_disc(cost, 0.5)",
                           "sum(DISTINCT cost)", "avg(DISTINCT age)", "list(zip ORDER BY cost)", "sum(cost ORDER BY age)", "entropy(zip)",
                           "skewness(cost)", "mode() WITHIN GROUP (ORDER BY zip)", "median(cost ORDER BY age)", "abs(DISTINCT age)"}) {
    REFUSES("A2", std::string("SELECT ") + call + " FROM patients");
  }
  REFUSES("A2", "SELECT count(*) FROM patients HAVING max(cost) > 900000");
  REFUSES("A2", "SELECT hospital, count(*) FROM patients GROUP BY hospital ORDER BY max(cost)");
}

TEST(Checker, TakesPlainAndConditionalArgumentsOnly) {
  for (const char* x : {"age + cost", "age * cost", "cost / 12", "-cost", "cost * (1 + 0.2)", "coalesce(cost, 0)", "round(cost, 2)", "age::DOUBLE",
                        "(age - 40) * (cost - 3)", "CASE WHEN age > 3 THEN cost END", "CASE WHEN age > 3 THEN 1 ELSE 0 END",
                        "CASE WHEN age > 3 THEN 1 ELSE 0 END * 100", "readmitted::INT", "(code_is)::INT", "1"}) {
    std::string text = std::string("SELECT sum(") + x + ") FROM patients";
    if (const auto at = text.find("code_is"); at != std::string::npos) text.replace(at, 7, "diagnosis LIKE 'C%'");
    ACCEPTS(text);
  }
  ACCEPTS("SELECT avg(c.paid_on - p.admitted_on), avg(date_diff('day', p.admitted_on, c.paid_on)) FROM patients p JOIN claims c USING (patient_id)");
  ACCEPTS("SELECT count(DISTINCT date_trunc('month', admitted_on)), count(DISTINCT year(admitted_on)), count(upper(zip)) FROM patients");
  for (const char* x : {"cost * (zip = '02990')::INT", "cost * age * age", "greatest(cost, 500000)", "abs(cost)", "cost % 10", "pow(cost, 2)",
                        "cost / age", "nullif(cost, 3)", "exp(cost)", "cost // 10", "CASE WHEN age > 3 THEN 1 WHEN age > 2 THEN 2 END",
                        "CASE WHEN age > 3 THEN 1 ELSE 2 END", "CASE WHEN age > 3 THEN cost ELSE age END", "coalesce(cost, age)", "readmitted",
                        "cost + readmitted::INT", "ln(cost)", "if(age > 3, 1, -1)", "length(zip)", "least(cost, 1)", "sqrt(cost)",
                        "CASE WHEN age > 3 THEN 1 ELSE 0.5 END", "CASE WHEN age > 1 THEN CASE WHEN age > 2 THEN 1 END END"}) {
    REFUSES("A3", std::string("SELECT sum(") + x + ") FROM patients");
  }
  REFUSES("A3", "SELECT median(CASE WHEN age > 3 THEN cost END) FROM patients");
  REFUSES("A3", "SELECT median(admitted_on) FROM patients");
  REFUSES("A3", "SELECT count(DISTINCT upper(zip)) FROM patients");
  REFUSES("A3", "SELECT corr(age, cost * (zip = '1')::INT) FROM patients");
  REFUSES("A4", "SELECT quantile_cont(cost, 0.99) FROM patients");
  REFUSES("A4", "SELECT quantile_cont(cost, 0.01) FROM patients");
  REFUSES("A4", "SELECT quantile_cont(cost, [0.5]) FROM patients");
  REFUSES("A4", "SELECT quantile_cont(cost, 0.5 + 0.49) FROM patients");
  REFUSES("A4", "SELECT percentile_cont(1) WITHIN GROUP (ORDER BY cost) FROM patients");
  ACCEPTS("SELECT quantile_cont(cost, 0.05), quantile_cont(cost, 0.95) FROM patients");
}

TEST(Checker, WorksOnReleasedRowsAfterwards) {
  ACCEPTS("SELECT hospital AS h, sum(cost) / count(*) AS mean, round(mean, 1) FROM patients GROUP BY h HAVING count(*) > 50 AND mean > 3 "
          "ORDER BY mean DESC NULLS FIRST, hospital LIMIT 3 OFFSET 1");
  ACCEPTS("SELECT upper(hospital), count(*) FROM patients GROUP BY hospital ORDER BY 2 DESC, 1");
  ACCEPTS("SELECT DISTINCT sex FROM patients GROUP BY sex, hospital ORDER BY sex");
  ACCEPTS("SELECT year(admitted_on) AS y, month(admitted_on) AS m, sum(cost) AS cost FROM patients GROUP BY ALL ORDER BY ALL DESC");
  ACCEPTS("SELECT hospital, avg(cost) AS cost FROM patients GROUP BY hospital HAVING cost > 100 ORDER BY cost");
  REFUSES("S10", "SELECT DISTINCT sex FROM patients GROUP BY sex ORDER BY count(*)");
  REFUSES("S10", "SELECT count(*) FROM patients LIMIT 10%");
  REFUSES("S10", "SELECT count(*) FROM patients LIMIT 1 + 1");
  REFUSES("G5", "SELECT hospital, count(*) FROM patients GROUP BY hospital HAVING age > 3");
}

TEST(Checker, TellsTheRuleThePlaceAndARewrite) {
  const Verdict v = verdict_on("SELECT hospital,\n       max(age)\nFROM patients GROUP BY hospital");
  EXPECT_EQ(v.rule, "A2");
  EXPECT_EQ(v.line, 2U);
  EXPECT_EQ(v.column, 8U);
  EXPECT_NE(v.suggestion.find("quantile_cont"), std::string::npos);
  EXPECT_EQ(v.message.find('\''), std::string::npos);
  EXPECT_NE(verdict_on("SELECT sum(readmitted) FROM patients").suggestion.find("count_if"), std::string::npos);
}

TEST(Checker, NeverDependsOnAnythingButItsArguments) {
  const auto a = verdict_on("SELECT hospital, avg(cost) FROM patients WHERE sex = 'F' GROUP BY hospital");
  const auto b = verdict_on("SELECT hospital, avg(cost) FROM patients WHERE sex = 'F' GROUP BY hospital");
  ASSERT_TRUE(a.accepted());
  EXPECT_EQ(a.plan->sql(), b.plan->sql());
  EXPECT_EQ(a.plan->datasets(), std::vector<std::string>{"patients"});
  EXPECT_EQ(a.plan->names(), (std::vector<std::string>{"hospital", "avg(\"cost\")"}));
}

TEST(Checker, BoundsNestingAndSubstitution) {
  std::string deep = "SELECT count(*) FROM patients WHERE ";
  for (int i = 0; i < 3000; ++i) deep += "(";
  deep += "age = 1";
  for (int i = 0; i < 3000; ++i) deep += ")";
  EXPECT_FALSE(verdict_on("SELECT count(*) FROM patients WHERE " + std::string(20000, '-') + "age = 1").accepted());
  std::string sum = "SELECT sum(cost";
  for (int i = 0; i < 3000; ++i) sum += " + cost";
  EXPECT_FALSE(verdict_on(sum + ") FROM patients").accepted());
  // Each alias doubles the one before it.
  std::string aliases = "SELECT count(*) AS a0";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "a" + std::to_string(i - 1);
    aliases += ", " + before + " + " + before + " AS a" + std::to_string(i);
  }
  REFUSES("G5", aliases + " FROM patients");
  (void)verdict_on(deep);
}

}  // namespace
}  // namespace redoubt::sql
