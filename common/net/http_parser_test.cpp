// Goal: a message is read in one way only, wherever the stream is cut. Method: the parser fed whole, byte by byte, and with
// the table of attacks.
#include "common/net/http_parser.h"

#include <gtest/gtest.h>

#include "common/net/http_attacks_test.h"
#include "common/net/uri.h"
#include "tests/support/expect.h"

namespace redoubt::net {
namespace {

struct Outcome {
  int refused = 0;  // status, 0: complete, -1: wants more
  std::string body;
  std::size_t used = 0;
};

// Reads one message as the server does, `step` bytes at a time.
Outcome run(HttpParser::Kind kind, std::string_view bytes, std::size_t step, std::uint64_t max_body = 1000,
            bool end = false) {
  HttpParser parser(kind, {});
  Outcome out;
  Bytes pending;
  std::size_t fed = 0;
  while (true) {
    if (parser.state() == HttpParser::State::decide) {
      if (kind == HttpParser::Kind::request) {
        const auto target = parse_target(parser.head().target);
        if (!target.ok()) {
          out.refused = parser.head().target.size() > kMaxTargetBytes ? 414 : 400;
          return out;
        }
        if (target->path == "/small") max_body = 10;
      }
      parser.accept_body(max_body, [&](ByteView piece) {
        out.body += as_text(piece);
        return Status();
      });
    }
    const std::size_t taken = parser.put(pending);
    out.used += taken;
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(taken));
    if (parser.state() == HttpParser::State::complete) return out;
    if (parser.state() == HttpParser::State::refused) {
      out.refused = parser.refusal().status;
      return out;
    }
    if (parser.state() == HttpParser::State::decide || taken > 0) continue;
    if (fed == bytes.size()) {
      if (end) {
        end = false;
        parser.end_of_stream();
        continue;
      }
      out.refused = -1;
      return out;
    }
    const std::string_view more = bytes.substr(fed, step);
    append(pending, as_bytes(more));
    fed += more.size();
  }
}

constexpr auto kRequest = HttpParser::Kind::request;
constexpr auto kResponse = HttpParser::Kind::response;

TEST(HttpParser, ReadsABodyHoweverTheStreamIsCut) {
  const std::string sized = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /next";
  const std::string chunked =
      "POST /echo HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nauthorization: evil\r\n\r\nGET /next";
  for (const std::string& bytes : {sized, chunked}) {
    for (const std::size_t step : {1U, 2U, 3U, 7U, 1000U}) {
      const Outcome out = run(kRequest, bytes, step);
      EXPECT_EQ(out.refused, 0) << step;
      EXPECT_EQ(out.body, "hello") << step;
      EXPECT_EQ(bytes.substr(out.used).substr(0, 9), "GET /next") << step << ": what follows is the next message";
    }
  }
}

TEST(HttpParser, KeepsTrailersOutOfTheHead) {
  HttpParser parser(kRequest, {});
  const std::string bytes =
      "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nauthorization: evil\r\n\r\n";
  const std::size_t head = parser.put(as_bytes(bytes));
  parser.accept_body(10, [](ByteView) { return Status(); });
  parser.put(as_bytes(bytes).subspan(head));
  ASSERT_EQ(parser.state(), HttpParser::State::complete);
  EXPECT_EQ(parser.head().headers.find("authorization"), nullptr);
}

TEST(HttpParser, RefusesEveryAttackOfTheTable) {
  for (const auto& attack : test::http_attacks()) {
    for (const std::size_t step : {1U, 100U, 100'000U}) {
      EXPECT_EQ(run(kRequest, attack.bytes, step).refused, attack.status) << attack.name << ", step " << step;
    }
  }
}

TEST(HttpParser, WaitsForWhatIsCutOff) {
  const std::string whole = "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(run(kRequest, whole.substr(0, size), 1000).refused, -1) << size;
    EXPECT_EQ(run(kRequest, whole.substr(0, size), 1000, 1000, true).refused, 400) << size;
  }
  EXPECT_EQ(run(kRequest, whole, 1000).refused, 0);
}

TEST(HttpParser, GivesWhatTheHeadSays) {
  HttpParser parser(kRequest, {});
  parser.put(as_bytes("GET /a?b=c HTTP/1.1\r\nHOST: a:1\r\nX-Long:  two  words \t\r\nConnection: keep-alive, Close\r\n\r\n"));
  ASSERT_EQ(parser.state(), HttpParser::State::decide);
  EXPECT_EQ(parser.head().method, "GET");
  EXPECT_EQ(parser.head().target, "/a?b=c");
  EXPECT_EQ(*parser.head().headers.find("x-long"), "two  words");
  EXPECT_TRUE(parser.head().close);
  EXPECT_FALSE(parser.head().has_body());
}

TEST(HttpParser, PassesOnTheSinksError) {
  HttpParser parser(kRequest, {});
  const std::string bytes = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
  const std::size_t head = parser.put(as_bytes(bytes));
  parser.accept_body(10, [](ByteView) -> Status { return Error(Code::unavailable, "full"); });
  parser.put(as_bytes(bytes).subspan(head));
  EXPECT_EQ(parser.state(), HttpParser::State::refused);
  ASSERT_TRUE(parser.sink_error().has_value());
  EXPECT_EQ(parser.sink_error()->message(), "full");
}

TEST(HttpParser, ReadsResponsesAndRefusesBadOnes) {
  EXPECT_EQ(run(kResponse, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 1).body, "ok");
  EXPECT_EQ(run(kResponse, "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok", 1).refused, 0);
  EXPECT_EQ(run(kResponse, "HTTP/1.1 204 No Content\r\n\r\n", 1).refused, 0);
  EXPECT_EQ(run(kResponse, "HTTP/1.1 200 OK\r\n\r\nuntil the end", 3, 1000, true).body, "until the end");
  for (const char* bytes :
       {"HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 999 OK\r\n\r\n", "HTTP/1.1 2000\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", "HTTP/1.1 200 O\0K\r\n\r\n\r\n"}) {
    EXPECT_NE(run(kResponse, bytes, 1000, 1000, true).refused, 0) << bytes;
  }
  EXPECT_EQ(run(kResponse, "HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n", 1000).refused, 413);
}

TEST(HttpHead, WritesNothingThatCouldEndALineEarly) {
  const Headers headers{{"good", "1"}, {"evil", "1\r\nset-cookie: x"}, {"ba d", "1"}, {"content-length", "7"}, {"connection", "upgrade"}};
  EXPECT_EQ(response_head(200, headers, {.body_size = 3}), "HTTP/1.1 200 OK\r\ngood: 1\r\ncontent-length: 3\r\n\r\n");
  EXPECT_EQ(response_head(200, {}, {.close = true}),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n");
  EXPECT_EQ(request_head("GET", "/", "h:1", headers, {.no_body = true}), "GET / HTTP/1.1\r\nhost: h:1\r\ngood: 1\r\n\r\n");
}

}  // namespace
}  // namespace redoubt::net
