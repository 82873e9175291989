// Goal: the offline verdict is the room's own, with its place in the text, and needs nothing but schemas. Method: the command in process
// with the real engine program; accepted, refused, wrong schemas, no engine.
#include <fstream>

#include "client/cli/client_test_stage.h"

namespace redoubt::cli {
namespace {

constexpr std::string_view kHospital =
    R"({"columns": [{"name": "patient_id", "type": "BIGINT", "role": "unit"}, {"name": "diagnosis", "type": "VARCHAR"},)"
    R"j( {"name": "cost", "type": "DECIMAL(12,2)", "min": "0", "max": "100000"}]})j";

class QueryCheck : public testing::Test {
 protected:
  std::string file(const std::string& name, std::string_view text) {
    const auto path = folder_.path() / name;
    std::ofstream(path) << text;
    return path.string();
  }
  Ran run(std::vector<std::string> arguments, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    crypto::SystemRandom random;
    Surroundings world{.config = folder_.path(), .programs = programs_, .version = "test", .in = in, .out = out, .err = err, .random = random,
                       .now = {}, .sleep = {}, .execute = {}, .appraise = {}, .make_credential = {}};
    arguments.insert(arguments.begin(), {"query", "check"});
    const int code = cli::run(arguments, world);
    return {code, out.str(), err.str()};
  }

  test::TempDir folder_;
  std::filesystem::path programs_ = REDOUBT_PROGRAM_DIR;
};

TEST_F(QueryCheck, AcceptsAQueryAndNamesItsDatasets) {
  const std::string schema = "hospital=" + file("hospital.json", kHospital);
  const Ran ran = run({"--schema", schema, "--sql", "-"}, "SELECT diagnosis, count(*) FROM hospital GROUP BY diagnosis\n");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("accepted"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("hospital"), std::string::npos) << ran.out;
}

TEST_F(QueryCheck, PointsAtThePlaceOfARefusal) {
  const std::string schema = "hospital=" + file("hospital.json", kHospital);
  const std::string sql = file("query.sql", "SELECT diagnosis,\n       max(cost)\nFROM hospital GROUP BY diagnosis\n");
  const Ran ran = run({"--schema", schema, "--sql", sql});
  EXPECT_EQ(ran.code, 5);
  EXPECT_NE(ran.out.find("A2"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("2:8"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("       max(cost)\n       ^\n"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("\nsuggestion: "), std::string::npos) << ran.out;
  const Ran none = run({"--schema", schema, "--level", "none", "--sql", sql});
  EXPECT_EQ(none.code, 0) << none.err;
  const Ran json = run({"--schema", schema, "--sql", sql, "-o", "json"});
  EXPECT_EQ(json.code, 5);
  const auto value = OrDie(json::parse(json.out));
  EXPECT_EQ(*value.object()->at("rule").string(), "A2");
  EXPECT_EQ(*value.object()->at("verdict").string(), "refused");
}

TEST_F(QueryCheck, TakesSeveralDatasetsInOneFileOrSeveral) {
  const std::string one = file("one.json", kHospital);
  const std::string all = file("all.json", R"({"datasets": {"hospital": )" + std::string(kHospital) + R"(, "laboratory": )" + std::string(kHospital) + "}}");
  const std::string sql = file("query.sql", "SELECT count(*) FROM hospital JOIN laboratory USING (patient_id)");
  for (const auto& schemas : {std::vector<std::string>{"--schema", all}, {"--schema", "hospital=" + one, "--schema", "laboratory=" + one}}) {
    auto arguments = schemas;
    arguments.insert(arguments.end(), {"--sql", sql});
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_NE(ran.out.find("hospital, laboratory"), std::string::npos) << ran.out;
  }
  EXPECT_EQ(run({"--schema", all, "--schema", "hospital=" + one, "--sql", sql}).code, 2);
}

TEST_F(QueryCheck, SaysWhatIsWrongWithSchemasTextsAndPrograms) {
  const std::string schema = "hospital=" + file("hospital.json", kHospital);
  const std::string sql = file("query.sql", "SELECT count(*) FROM hospital");
  EXPECT_EQ(run({"--schema", file("junk.json", "junk"), "--sql", sql}).code, 10);
  EXPECT_EQ(run({"--schema", file("list.json", "[]"), "--sql", sql}).code, 10);
  EXPECT_EQ(run({"--schema", "hospital=" + file("unit.json", R"([{"name": "a", "type": "BIGINT"}])"), "--sql", sql}).code, 10);
  EXPECT_EQ(run({"--schema", "hospital=/nonexistent", "--sql", sql}).code, 3);
  EXPECT_EQ(run({"--schema", schema, "--level", "some", "--sql", sql}).code, 2);
  EXPECT_EQ(run({"--schema", schema, "--sql", "-"}, std::string(70'000, 'x')).code, 10);
  EXPECT_EQ(run({"--schema", schema, "--sql", "-"}, "DROP TABLE hospital").code, 5);
  programs_ = folder_.path();
  EXPECT_EQ(run({"--schema", schema, "--sql", sql}).code, 69);
}

}  // namespace
}  // namespace redoubt::cli
