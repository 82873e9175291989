// Goal: events are shown as they come, once each, through lost connections; a hub that refuses, forgets or lies ends the watch with words that say why.
// Method: the commands in process against a hub over TLS whose every connection the test scripts.
#include "client/cli/client_test_stage.h"
#include "client/sdk/scripted_hub_test_support.h"
#include "common/net/problem.h"

namespace redoubt::cli {
namespace {

std::string event_text(const std::string& cursor, const std::string& kind, const std::string& id, const std::string& state) {
  return "id: " + cursor + "\nevent: " + kind + "\ndata: {\"id\":\"" + id + "\",\"state\":\"" + state + "\"}\n\n";
}

class EventCommands : public testing::Test {
 protected:
  EventCommands() { OrDie(Result<bool>(sdk::write_file(folder.path() / "api.key", as_bytes("test-key\n"), sdk::FileKind::secret).ok())); }

  net::HttpResponse answer(const net::HttpRequest& request) {
    EXPECT_EQ(*request.headers.find("authorization"), "Bearer test-key");
    const std::string* const from = request.headers.find("last-event-id");
    const auto cursor = request.query.find("cursor");
    places.push_back(from != nullptr ? *from : cursor != request.query.end() ? cursor->second : "");
    paths.insert(request.path);
    if (places.size() > answers.size()) return net::problem(401, Code::auth, "this API key is not valid");
    return answers[places.size() - 1]();
  }
  // streams: an answer that brings `text` and ends, or breaks off.
  static std::function<net::HttpResponse()> streams(const std::string& text, bool breaks = false) {
    return [text, breaks] {
      if (breaks) return sdk::ScriptedHub::cut_off(to_bytes(text));
      return net::HttpResponse{.status = 200, .headers = {{"content-type", "text/event-stream"}}, .body = to_bytes(text)};
    };
  }
  static std::function<net::HttpResponse()> refuses(int status, Code code, const std::string& detail) {
    return [=] { return net::problem(status, code, detail); };
  }
  Ran run(std::vector<std::string> arguments) {
    std::istringstream in;
    std::ostringstream out, err;
    Surroundings world{.config = folder.path(), .programs = folder.path(), .version = "test", .in = in, .out = out, .err = err, .random = random,
                       .now = [] { return kStageNow; }, .sleep = [this](std::chrono::milliseconds time) { pauses.push_back(time.count()); },
                       .execute = {}, .appraise = {}, .make_credential = {}, .end_at_interrupt = [this] { ++interruptible; }};
    arguments.insert(arguments.begin(), "event");
    for (const std::string& word : {std::string("--hub"), "https://127.0.0.1:" + std::to_string(hub.port()), std::string("--pin"), hub.pin().hex(),
                                    std::string("--api-key-file"), (folder.path() / "api.key").string()}) {
      arguments.push_back(word);
    }
    const int code = cli::run(arguments, world);
    return {code, out.str(), err.str()};
  }

  test::TempDir folder;
  crypto::SystemRandom random;
  std::vector<std::function<net::HttpResponse()>> answers;  // by request
  std::vector<std::string> places;                          // that requests began behind
  std::set<std::string> paths;
  std::vector<std::int64_t> pauses;
  int interruptible = 0;
  sdk::ScriptedHub hub{[this](const net::HttpRequest& request) { return answer(request); }};
};

TEST_F(EventCommands, WatchGoesOnWhereALostConnectionStopped) {
  answers = {streams("id: AAAA\n\n" + event_text("AAAB", "query", "q1", "voting") + "id: AAAC\nevent: query\ndata: {\"id\":\"q1", true),
             streams("id: AAAB\n\n" + event_text("AAAC", "query", "q1", "approved")), streams("id: AAAC\n\n", true),
             streams("id: AAAC\n\n:\n\n" + event_text("AAAD", "dataset", "d1", "ready"))};
  const Ran ran = run({"watch", "study", "--count", "3", "-o", "json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "{\"cursor\":\"AAAB\",\"event\":\"query\",\"id\":\"q1\",\"state\":\"voting\"}\n"
                     "{\"cursor\":\"AAAC\",\"event\":\"query\",\"id\":\"q1\",\"state\":\"approved\"}\n"
                     "{\"cursor\":\"AAAD\",\"event\":\"dataset\",\"id\":\"d1\",\"state\":\"ready\"}\n");
  EXPECT_EQ(places, (std::vector<std::string>{"", "AAAB", "AAAC", "AAAC"}));
  EXPECT_EQ(paths, std::set<std::string>{"/api/tee/environments/study/events"});
  EXPECT_EQ(pauses, (std::vector<std::int64_t>{1'000, 1'000, 2'000})) << "pauses grow while nothing comes";
  EXPECT_NE(ran.err.find("the connection was lost and is made again"), std::string::npos) << ran.err;
  EXPECT_EQ(interruptible, 1);
}

TEST_F(EventCommands, WatchIsATableForPeopleWithoutAnythingThatSteersATerminal) {
  answers = {streams("id: AAAA\n\n" + event_text("AAAB", "query", "q\\u001b[2J1", "voting") + event_text("AAAC", "ballot", "q1", "counted"))};
  const Ran ran = run({"watch", "study", "--count", "2"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(ran.out.starts_with("event        state                   id\n")) << ran.out;
  EXPECT_NE(ran.out.find("query        voting                  q?[2J1\n"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("ballot       counted                 q1\n"), std::string::npos) << ran.out;
}

TEST_F(EventCommands, ARevokedKeyEndsTheWatchAndSaysSo) {
  answers = {streams("id: AAAA\n\n" + event_text("AAAB", "query", "q1", "voting"))};  // the hub ends the stream; then it knows the key no more
  const Ran ran = run({"watch", "study", "-o", "json"});
  EXPECT_EQ(ran.code, static_cast<int>(Code::auth)) << ran.err;
  EXPECT_NE(ran.out.find("AAAB"), std::string::npos);
  EXPECT_NE(ran.err.find("error: "), std::string::npos);
  EXPECT_NE(ran.err.find("next: the hub does not take this API key, or not any more"), std::string::npos) << ran.err;
  EXPECT_EQ(places.size(), 2U) << "it is not asked again and again";
}

TEST_F(EventCommands, EventsThatAreGoneAreToldAsAGap) {
  answers = {streams("id: AAAA\n\n" + event_text("AAAB", "query", "q1", "voting"), true), refuses(410, Code::freshness, "events behind it are not kept any more"),
             streams("id: AAAX\n\n" + event_text("AAAY", "query", "q9", "done")), streams("id: AAAY\n\nid: AABA\nevent: gap\ndata: {}\n\n" + event_text("AABB", "query", "q10", "done"))};
  const Ran ran = run({"watch", "study", "--count", "4", "-o", "json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(places, (std::vector<std::string>{"", "AAAB", "", "AAAY"}));
  EXPECT_NE(ran.out.find("\"q1\",\"state\":\"voting\"}\n{\"event\":\"gap\"}\n{\"cursor\":\"AAAY\""), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("{\"cursor\":\"AABA\",\"event\":\"gap\"}\n"), std::string::npos) << ran.out;
  EXPECT_NE(ran.err.find("events were missed"), std::string::npos) << ran.err;
}

TEST_F(EventCommands, WhatCannotPassEndsTheWatch) {
  const auto expect = [&](std::function<net::HttpResponse()> first, const std::vector<std::string>& more, Code code, const std::string& part) {
    answers = {std::move(first)};
    places.clear();
    std::vector<std::string> words{"watch", "study"};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = run(words);
    EXPECT_EQ(ran.code, static_cast<int>(code)) << ran.err;
    EXPECT_NE(ran.err.find(part), std::string::npos) << ran.err;
    EXPECT_LE(places.size(), 1U);
  };
  expect(refuses(404, Code::not_found, "no such environment"), {}, Code::not_found, "no such environment");
  expect(refuses(410, Code::freshness, "not kept any more"), {"--after", "AAAA"}, Code::freshness, "leave out --after");
  expect(refuses(400, Code::malformed, "cursor: not one of this list"), {"--after", "AAAA"}, Code::malformed, "not one of this list");
  expect(refuses(503, Code::unavailable, "too many event streams"), {}, Code::unavailable, "too many event streams");
  expect(streams("id: AA AA\n\n"), {}, Code::malformed, "event stream");
  expect(streams("id: AAAA\n\nid: AAAB\nevent: query\ndata: []\n\n"), {}, Code::malformed, "event stream");
  expect(streams(""), {"--after", "../x"}, Code::usage, "--after");
  EXPECT_TRUE(places.empty()) << "what is no cursor is not sent";
}

TEST_F(EventCommands, ListShowsAllPagesAndGoesOnBehindACursor) {
  const auto page = [](const std::vector<std::string>& cursors, const std::string& next) {
    return [=] {
      json::Array items;
      for (const std::string& cursor : cursors) items.emplace_back(json::Object{{"cursor", cursor}, {"event", "query"}, {"id", "q-" + cursor}, {"state", "voting"}});
      json::Object out{{"items", std::move(items)}};
      if (!next.empty()) out.emplace("next", next);
      return net::json_response(200, json::canonical(json::Value(std::move(out))));
    };
  };
  answers = {page({"AAAB", "AAAC"}, "AAAC"), page({"AAAD"}, "")};
  const Ran ran = run({"list", "study", "--after", "AAAA", "-o", "json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(std::ranges::count(ran.out, '\n'), 3);
  EXPECT_NE(ran.out.find("{\"cursor\":\"AAAD\",\"event\":\"query\",\"id\":\"q-AAAD\",\"state\":\"voting\"}\n"), std::string::npos) << ran.out;
  EXPECT_EQ(places, (std::vector<std::string>{"AAAA", "AAAC"}));
  EXPECT_EQ(paths, std::set<std::string>{"/api/tee/environments/study/events/list"});
  EXPECT_EQ(interruptible, 0);

  const auto again = [&](std::vector<std::function<net::HttpResponse()>> with, const std::vector<std::string>& words) {
    answers = std::move(with);
    places.clear();
    return run(words);
  };
  EXPECT_EQ(std::ranges::count(again({page({"AAAB", "AAAC"}, "AAAC")}, {"list", "study", "--count", "1", "-o", "json"}).out, '\n'), 1);
  EXPECT_EQ(again({page({"AAAB"}, "AAAB"), page({"AAAC"}, "AAAB")}, {"list", "study"}).code, static_cast<int>(Code::malformed)) << "a hub that turns in a circle";
  EXPECT_EQ(again({page({}, "AAAB")}, {"list", "study"}).code, static_cast<int>(Code::malformed)) << "a page of nothing with a next one";
  EXPECT_EQ(again({page({"A B"}, "")}, {"list", "study"}).code, static_cast<int>(Code::malformed));
  const Ran gone = again({refuses(410, Code::freshness, "not kept any more")}, {"list", "study", "--after", "AAAA"});
  EXPECT_EQ(gone.code, static_cast<int>(Code::freshness));
  EXPECT_NE(gone.err.find("next: begin without --after"), std::string::npos) << gone.err;
}

}  // namespace
}  // namespace redoubt::cli
