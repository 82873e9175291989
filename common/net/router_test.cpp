// Goal: a target is read in one way only, and the router says no in the right words. Method: tables of targets, and a
// router asked directly.
#include "common/net/router.h"

#include <gtest/gtest.h>

#include "common/base/json.h"
#include "tests/support/expect.h"

namespace redoubt::net {
namespace {

HttpResponse hello(const HttpRequest&) { return text_response(200, "hello"); }

Router sample() {
  Router router;
  router.get("/health", Access::open, hello);
  router.get("/api/tee/datasets/{id}", Access::attested, hello);
  router.post("/api/tee/datasets", Access::attested, 100, hello);
  router.get("/api/tee/datasets/new", Access::attested, hello);
  router.get("/assets/{path...}", Access::open, hello);
  return router;
}

int status_of_find(const Router& router, std::string_view method, std::string_view target, bool attested = true) {
  const auto found = router.find(method, OrDie(parse_target(target)), attested);
  const auto* refusal = std::get_if<HttpResponse>(&found);
  return refusal == nullptr ? 200 : refusal->status;
}

TEST(Target, IsSplitAndDecoded) {
  const Target target = OrDie(parse_target("/api/tee/d%20s/%C3%A4?a=1&b=x+y%26z&c"));
  EXPECT_EQ(target.path, "/api/tee/d%20s/%C3%A4");
  EXPECT_EQ(target.segments, (std::vector<std::string>{"api", "tee", "d s", "\xc3\xa4"}));
  EXPECT_EQ(target.query, (TextMap{{"a", "1"}, {"b", "x y&z"}, {"c", ""}}));
  EXPECT_TRUE(OrDie(parse_target("/")).segments.empty());
  EXPECT_TRUE(OrDie(parse_target("/?")).query.empty());
}

TEST(Target, WithASecondReadingIsRefused) {
  for (const char* text :
       {"", "a", "*", "http://a/b", "//", "/a//b", "/a/", "/.", "/..", "/a/./b", "/a/../b", "/%2e", "/%2E%2e/b", "/a%2Fb",
        "/a%5cb", "/a\\b", "/a b", "/a%", "/a%2", "/a%zz", "/a%00", "/a%0a", "/a%7f", "/%ff", "/%c0%af", "/a#b", "/a\x7f",
        "/\xc3\xa4", "/?a=1&a=2", "/?a=%zz", "/?=1", "/?a=1&&b=2", "/?a#b", "/?%00=1"}) {
    EXPECT_ERROR(parse_target(text), Code::malformed, "") << text;
  }
  EXPECT_ERROR(parse_target("/" + std::string(kMaxTargetBytes, 'a')), Code::malformed, "longer");
  std::string deep;
  for (std::size_t i = 0; i <= kMaxSegments; ++i) deep += "/a";
  EXPECT_ERROR(parse_target(deep), Code::malformed, "segments");
  std::string wide = "/?a0=";
  for (std::size_t i = 1; i <= kMaxQueryItems; ++i) wide += "&a" + std::to_string(i) + "=";
  EXPECT_ERROR(parse_target(wide), Code::malformed, "items");
}

TEST(Target, EncodedTextComesBackAsItWas) {
  for (const std::string text : {"a b", "a/b?c=d&e", "\xc3\xa4%", "~-._", "+"}) {
    EXPECT_EQ(OrDie(parse_target("/?q=" + percent_encode(text))).query.at("q"), text);
  }
}

TEST(Router, FindsTheRouteAndItsNames) {
  const Router router = sample();
  const auto found = router.find("GET", OrDie(parse_target("/api/tee/datasets/d%207")), true);
  const auto* match = std::get_if<Router::Match>(&found);
  ASSERT_NE(match, nullptr);
  EXPECT_EQ(match->route->path_template, "/api/tee/datasets/{id}");
  EXPECT_EQ(match->params, (TextMap{{"id", "d 7"}}));
  const auto literal = router.find("GET", OrDie(parse_target("/api/tee/datasets/new")), true);
  EXPECT_TRUE(std::get<Router::Match>(literal).params.empty()) << "a literal wins over a name";
  const auto rest = router.find("GET", OrDie(parse_target("/assets/js/app.js")), false);
  EXPECT_EQ(std::get<Router::Match>(rest).params.at("path"), "js/app.js");
}

TEST(Router, RefusesWithTheRightStatus) {
  const Router router = sample();
  EXPECT_EQ(status_of_find(router, "GET", "/nowhere"), 404);
  EXPECT_EQ(status_of_find(router, "GET", "/assets"), 404) << "{path...} needs a segment";
  EXPECT_EQ(status_of_find(router, "GET", "/HEALTH"), 404);
  EXPECT_EQ(status_of_find(router, "HEAD", "/health"), 200);
  EXPECT_EQ(status_of_find(router, "DELETE", "/health"), 405);
  EXPECT_EQ(status_of_find(router, "TRACE", "/health"), 405);
  const auto found = router.find("PUT", OrDie(parse_target("/health")), true);
  EXPECT_EQ(*std::get<HttpResponse>(found).headers.find("allow"), "GET, HEAD");
}

TEST(Router, TellsTheNextStepWhereThereIsOne) {
  Router router = sample();
  router.next_step(404, "look here").next_step(413, "send less");
  const auto text = [](const HttpResponse& response) { return std::string(as_text(std::get<Bytes>(response.body))); };
  const auto refusal = [&](const char* method, const char* path) { return text(std::get<HttpResponse>(router.find(method, OrDie(parse_target(path)), true))); };
  EXPECT_NE(refusal("GET", "/nowhere").find(R"("next":"look here")"), std::string::npos);
  EXPECT_EQ(refusal("DELETE", "/health").find("next"), std::string::npos);
  EXPECT_NE(text(router.guided(problem(413, Code::malformed, "too much"))).find(R"("next":"send less")"), std::string::npos);
  // Only problems carry one.
  const HttpResponse page{.status = 404, .headers = {}, .body = to_bytes("a page")};
  EXPECT_EQ(text(router.guided(page)), "a page");
}

TEST(Router, FinishesEveryRefusalAndNothingElse) {
  Router router = sample();
  router.next_step(404, "look here").on_refusal([](HttpResponse refusal) {
    refusal.headers.set("x-request-id", "1");
    return refusal;
  });
  for (const auto& [method, path] : std::vector<std::pair<const char*, const char*>>{{"GET", "/nowhere"}, {"DELETE", "/health"}}) {
    const auto refused = std::get<HttpResponse>(router.find(method, OrDie(parse_target(path)), true));
    ASSERT_NE(refused.headers.find("x-request-id"), nullptr) << path;
  }
  const auto refused = std::get<HttpResponse>(router.find("GET", OrDie(parse_target("/nowhere")), true));
  EXPECT_NE(as_text(std::get<Bytes>(refused.body)).find("look here"), std::string_view::npos);
  EXPECT_NE(router.guided(problem(413, Code::malformed, "too much")).headers.find("x-request-id"), nullptr);
  EXPECT_EQ(status_of_find(router, "GET", "/health"), 200);
}

TEST(Router, HidesItsRoutesFromConnectionsWithoutTheExchange) {
  const Router router = sample();
  EXPECT_EQ(status_of_find(router, "GET", "/health", false), 200);
  EXPECT_EQ(status_of_find(router, "POST", "/health", false), 405);
  EXPECT_EQ(status_of_find(router, "GET", "/api/tee/datasets/7", false), 421);
  EXPECT_EQ(status_of_find(router, "GET", "/nowhere", false), 421);
  Router hub;
  hub.get("/health", Access::open, hello);
  EXPECT_EQ(status_of_find(hub, "GET", "/nowhere", false), 404) << "nothing to hide";
}

TEST(RouterDeath, StopsAtATemplateThatIsNotOne) {
  for (const char* path : {"", "a", "/a/", "/a//b", "/{}", "/{A}", "/{a}/{a}", "/{a...}/b", "/a%20"}) {
    EXPECT_DEATH(Router().get(path, Access::open, hello), "route") << path;
  }
  EXPECT_DEATH(sample().get("/health", Access::open, hello), "already");
  EXPECT_DEATH(sample().get("/api/tee/datasets/{other}", Access::attested, hello), "already");
  EXPECT_DEATH(sample().post("/health", Access::attested, 1, hello), "different access");
}

TEST(Problem, SaysWhatAndComesBackAsAnError) {
  const HttpResponse response = problem(Error(Code::refused, "budget is spent \"now\""));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(*response.headers.find("content-type"), "application/problem+json");
  const Bytes& body = std::get<Bytes>(response.body);
  EXPECT_EQ(as_text(body), R"({"code":"refused","detail":"budget is spent \"now\"","status":403,"title":"Forbidden","type":"about:blank"})");
  EXPECT_EQ(error_of(403, body, "hub").message(), "hub: budget is spent \"now\"");
  EXPECT_EQ(error_of(403, body, "hub").code(), Code::refused);
}

TEST(Problem, KeepsInternalTextInside) {
  const HttpResponse response = problem(Error(Code::internal, "row 7 of alice"));
  EXPECT_EQ(as_text(std::get<Bytes>(response.body)).find("alice"), std::string_view::npos);
}

TEST(Problem, TextOfThePeerIsMadeHarmless) {
  EXPECT_EQ(error_of(502, as_bytes("<html>"), "hub").code(), Code::unavailable);
  EXPECT_EQ(error_of(404, as_bytes("{\"code\":7}"), "hub").code(), Code::not_found);
  const Error error = error_of(403, as_bytes(R"({"code":"auth","detail":"\u001b[31mred\n"})"), "hub");
  EXPECT_EQ(error.message(), "hub: ?[31mred?");
  EXPECT_EQ(error.code(), Code::auth);
}

}  // namespace
}  // namespace redoubt::net
