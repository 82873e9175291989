// Goal: a package comes whole through any number of broken connections, and a hub that gives another one, more, less, or an address elsewhere is
// refused. Method: a hub over TLS that breaks off where the test says.
#include <gtest/gtest.h>

#include "client/sdk/hub_client.h"
#include "client/sdk/scripted_hub_test_support.h"
#include "common/net/problem.h"

namespace redoubt::sdk {
namespace {

class HubDownloads : public testing::Test {
 protected:
  HubDownloads() {
    for (std::size_t i = 0; i < package.size(); ++i) package[i] = static_cast<std::byte>(i * 7 + i / 1000);
  }
  net::HttpResponse answer(const net::HttpRequest& request) {
    if (request.path.ends_with("/link")) {
      EXPECT_EQ(*request.headers.find("authorization"), "Bearer key");
      return net::json_response(200, json::canonical(link));
    }
    EXPECT_EQ(request.headers.find("authorization"), nullptr) << "a link needs no key, and gets none";
    asked.push_back(request.headers.find("range") == nullptr ? "" : *request.headers.find("range"));
    if (request.headers.find("range") != nullptr) {
      EXPECT_NE(request.headers.find("if-range"), nullptr);
    }
    return download(request);
  }
  // rest: from the byte that is asked for, at most `most` bytes before the connection breaks.
  net::HttpResponse rest(std::size_t most) {
    const std::size_t from = asked.back().empty() ? 0 : std::stoul(asked.back().substr(6));
    const std::size_t size = package.size() - from;
    const Bytes part = to_bytes(ByteView(package).subspan(from, std::min(most, size)));
    net::HttpResponse response = part.size() == size ? net::HttpResponse{.status = 200, .body = part} : ScriptedHub::cut_off(part, size);
    if (from > 0) response.status = 206;
    return response;
  }
  HubClient client() { return OrDie(HubClient::connect({{"127.0.0.1", hub.port()}, hub.pin(), "key"})); }
  Result<ResultLink> ask() { return client().result_link("env", std::string(64, 'a'), "analyst"); }
  Result<Bytes> fetch() {
    REDOUBT_TRY(const ResultLink made, ask());
    return client().download(made, [this] { ++pauses; }, nullptr);
  }

  Bytes package = Bytes(300'000);
  json::Object link{{"etag", "\"tag\""}, {"expires", "2027-01-01T00:00:00Z"}, {"size", std::int64_t{300'000}}, {"url", "/api/tee/downloads/a/b?signature=x"}};
  std::function<net::HttpResponse(const net::HttpRequest&)> download = [this](const net::HttpRequest&) { return rest(package.size()); };
  std::vector<std::string> asked;  // ranges
  int pauses = 0;
  ScriptedHub hub{[this](const net::HttpRequest& request) { return answer(request); }};
};

TEST_F(HubDownloads, APackageComesWholeThroughBrokenConnections) {
  EXPECT_EQ(OrDie(fetch()), package);
  EXPECT_EQ(asked, std::vector<std::string>{""});
  EXPECT_EQ(pauses, 0);
  asked.clear();
  download = [this](const net::HttpRequest&) { return rest(70'000); };
  EXPECT_EQ(OrDie(fetch()), package);
  EXPECT_EQ(asked.front(), "");
  ASSERT_GE(asked.size(), 5U);
  std::size_t last = 0;
  for (std::size_t i = 1; i < asked.size(); ++i) {
    ASSERT_TRUE(asked[i].starts_with("bytes=") && asked[i].ends_with("-")) << asked[i];
    EXPECT_GT(std::stoul(asked[i].substr(6)), last) << "it goes on where it stopped";
    last = std::stoul(asked[i].substr(6));
  }
  EXPECT_EQ(pauses, static_cast<int>(asked.size()) - 1);
}

TEST_F(HubDownloads, AHubThatGivesNothingMoreIsGivenUp) {
  download = [this](const net::HttpRequest&) { return asked.size() == 1 ? rest(1'000) : ScriptedHub::cut_off({}, package.size() - 1'000); };
  EXPECT_ERROR(fetch(), Code::unavailable, "");
  EXPECT_EQ(asked.size(), 6U) << "five times without a byte";
  asked.clear();
  download = [](const net::HttpRequest&) { return net::HttpResponse{.status = 200, .body = Bytes(10)}; };
  EXPECT_ERROR(fetch(), Code::binding, "another") << "ten bytes as if they were all, and again";
}

TEST_F(HubDownloads, AnotherPackageIsNotPutBehindTheFirstOnesBytes) {
  Bytes other = package;
  other.front() ^= std::byte{1};
  download = [&](const net::HttpRequest&) { return asked.size() == 1 ? rest(1'000) : net::HttpResponse{.status = 200, .body = other}; };
  EXPECT_ERROR(fetch(), Code::binding, "the package was another");
  asked.clear();
  download = [&](const net::HttpRequest&) { return asked.size() == 1 ? rest(1'000) : net::HttpResponse{.status = 200, .body = Bytes(5)}; };
  EXPECT_ERROR(fetch(), Code::binding, "the package was another");
  asked.clear();
  download = [&](const net::HttpRequest&) { return net::HttpResponse{.status = 200, .body = Bytes(300'001)}; };
  EXPECT_ERROR(fetch(), Code::malformed, "more than the 300000 bytes");
  asked.clear();
  download = [&](const net::HttpRequest&) { return net::problem(403, Code::auth, "this link is not valid"); };
  EXPECT_ERROR(fetch(), Code::auth, "not valid");
  EXPECT_EQ(asked.size(), 1U) << "a refusal is no broken connection";
}

TEST_F(HubDownloads, ALinkLeadsToADownloadOfThisHubAndNowhereElse) {
  const json::Object good = link;
  EXPECT_OK(ask());
  for (const std::string& url : std::vector<std::string>{"https://elsewhere/api/tee/downloads/a/b", "//elsewhere/api/tee/downloads/a/b", "/api/tee/environments", "",
                                                         "/api/tee/downloads/a b", "/api/tee/downloads/a\r\nhost: x", "/api/tee/downloads/a\"", "/api/tee/downloads/a#b",
                                                         "/api/tee/downloads/" + std::string(3'000, 'a')}) {
    link.insert_or_assign("url", url);
    EXPECT_ERROR(ask(), Code::malformed, "") << url;
  }
  for (const auto& [member, value] : std::vector<std::pair<std::string, json::Value>>{{"etag", "tag"}, {"etag", "\"a\nb\""}, {"etag", "\""}, {"size", std::int64_t{-1}},
                                                                                       {"size", (std::int64_t{64} << 20) + 1}, {"size", "x"}, {"expires", ""}}) {
    link = good;
    link.insert_or_assign(member, value);
    EXPECT_ERROR(ask(), Code::malformed, "") << member;
  }
}

}  // namespace
}  // namespace redoubt::sdk
