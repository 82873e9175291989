// Goal: the operator can see what was asked and what went wrong, and a log that others read gives nobody away and opens nothing. Method: lines by
// themselves, and a hub whose log is searched for every secret that it was sent.
#include "untrusted/hub/api/request_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "untrusted/hub/api/hub_test_fixture.h"

namespace redoubt::hub {
namespace {

std::vector<json::Object> lines_of(const std::filesystem::path& file) {
  std::vector<json::Object> out;
  const std::string text = test::read_text(file);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const auto value = json::parse(std::string_view(text).substr(at, end - at));
    EXPECT_OK(value) << text.substr(at, end - at);
    if (value.ok()) out.push_back(*value->object());
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return out;
}

TEST(RequestLog, ALineIsOneObjectWhateverAnErrorQuotes) {
  RequestNote note{.id = "req-1", .method = "GET", .route = "/x/{y}", .peer = "192.0.2.1", .status = 200, .microseconds = 17, .api_key = "key-1", .failure = "secret"};
  EXPECT_EQ(RequestLog::line(note, Instant(0)),
            R"({"api_key":"key-1","at":"1970-01-01T00:00:00Z","level":"info","method":"GET","microseconds":17,"peer":"192.0.2.1","request_id":"req-1","route":"/x/{y}","status":200})"
            "\n");
  note.status = 404;
  EXPECT_NE(RequestLog::line(note, Instant(0)).find("\"warning\""), std::string::npos);
  note.status = 500;
  note.failure = "a \"quote\"\nand\x1b[2J";
  const std::string odd = RequestLog::line(note, Instant(0));
  EXPECT_EQ(odd.find('\n'), odd.size() - 1);
  EXPECT_EQ(odd.find('\x1b'), std::string::npos);
  EXPECT_EQ(*OrDie(json::parse(odd.substr(0, odd.size() - 1))).object()->at("failure").string(), note.failure);
  note.failure = "\xff\xfe";
  EXPECT_NE(RequestLog::line(note, Instant(0)).find("\"not text\""), std::string::npos);
  note.failure = std::string(10'000, 'x');
  EXPECT_LT(RequestLog::line(note, Instant(0)).size(), 1'000U);
}

TEST(RequestLog, AFileIsItsOwnersAndIsAppendedTo) {
  test::TempDir folder;
  const auto file = folder.path() / "log";
  for (int i = 0; i < 2; ++i) {
    const auto log = OrDie(RequestLog::open(file.string(), [] { return Instant(0); }));
    log->write({.id = "req-1", .status = 200});
    EXPECT_EQ(log->lost(), 0U);
  }
  EXPECT_EQ(lines_of(file).size(), 2U);
  struct stat found{};
  ASSERT_EQ(::stat(file.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  std::filesystem::create_symlink(file, folder.path() / "link");
  for (const char* const bad : {"link", "no/such/folder"}) EXPECT_ERROR(RequestLog::open((folder.path() / bad).string(), [] { return Instant(0); }), Code::unavailable, "opening log") << bad;
  if (std::filesystem::exists("/dev/full")) {
    const auto full = OrDie(RequestLog::open("/dev/full", [] { return Instant(0); }));
    full->write({.id = "req-1", .status = 200});
    EXPECT_EQ(full->lost(), 1U) << "a full disk holds up nothing";
  }
}

class Logged : public HubTest {};

TEST_F(Logged, EveryAnswerHasItsLineAndNoSecretIsInAny) {
  const auto file = folder.path() / "log";
  change_options = [&](ServiceOptions& with) { with.log = file.string(); };
  start_hub();
  const std::string key = key_for("hospital");
  Client hospital(hub->port(), hub->pin(), key);
  Client guesser(hub->port(), hub->pin(), "rdt_" + std::string(43, 'A'));
  ASSERT_EQ(admin->post("/api/tee/environments", contract_body()).status, 201);
  const std::vector<Answer> answers{hospital.get(kStudy), hospital.get(std::string(kStudy) + "/queries?cursor=tops3cret"), guesser.get(kStudy), hospital.get("/no/such/tops3cret"),
                                    hospital.get("/api/tee/downloads/q/r?api_key=key-1&expires=5&signature=tops3cret"), hospital.get("/healthz")};
  const Answer made = hospital.post("/api/tee/api-keys", json::Object{{"scopes", json::Array{json::Value("read")}}});
  ASSERT_EQ(made.status, 201);
  const std::string text = test::read_text(file);
  for (const std::string& secret : {key.substr(4), admin_key(folder.path() / "state").substr(4), std::string("tops3cret"), made.text("key").substr(4), std::string("Bearer"),
                                    std::string(43, 'A'), contract().digest().hex()}) {
    EXPECT_EQ(text.find(secret), std::string::npos) << secret;
  }
  const auto lines = lines_of(file);
  for (const Answer& answer : answers) {
    const auto line = std::ranges::find_if(lines, [&](const json::Object& each) { return *each.at("request_id").string() == answer.header("x-request-id"); });
    ASSERT_NE(line, lines.end()) << answer.status << " " << answer.header("x-request-id");
    EXPECT_EQ(*line->at("status").integer(), answer.status);
    EXPECT_EQ(*line->at("level").string(), answer.status >= 400 ? "warning" : "info");
  }
  const auto line_of_answer = [&](const Answer& answer) {
    return *std::ranges::find_if(lines, [&](const json::Object& each) { return *each.at("request_id").string() == answer.header("x-request-id"); });
  };
  const json::Object good = line_of_answer(answers[0]);
  EXPECT_EQ(*good.at("route").string(), "/api/tee/environments/{env}");
  EXPECT_EQ(*good.at("peer").string(), "127.0.0.1");
  EXPECT_TRUE(good.at("api_key").string()->starts_with("key-"));
  EXPECT_FALSE(line_of_answer(answers[2]).contains("api_key")) << "nobody was let in";
  EXPECT_FALSE(line_of_answer(answers[3]).contains("route")) << "an address that the hub does not have is not repeated";
  EXPECT_EQ(*line_of_answer(answers[4]).at("route").string(), "/api/tee/downloads/{query}/{recipient}");
}

TEST_F(Logged, WhatTheHubDidWrongIsSaidThereAndToNobodyElse) {
  const auto file = folder.path() / "log";
  change_options = [&](ServiceOptions& with) { with.log = file.string(); };
  start_hub();
  create_study(*admin);
  ASSERT_OK(hub->store().write("test", [&](Transaction& t) { return t.change_one("UPDATE environments SET state = 'unheard of'", {}); }));
  const Answer broken = admin->get(std::string(kStudy) + "/queries");
  EXPECT_EQ(broken.status, 500);
  EXPECT_EQ(broken.text("detail").find("database row"), std::string::npos);
  const auto lines = lines_of(file);
  const auto line = std::ranges::find_if(lines, [&](const json::Object& each) { return *each.at("request_id").string() == broken.header("x-request-id"); });
  ASSERT_NE(line, lines.end());
  EXPECT_EQ(*line->at("level").string(), "error");
  EXPECT_NE(line->at("failure").string()->find("database row"), std::string::npos);
}

}  // namespace
}  // namespace redoubt::hub
