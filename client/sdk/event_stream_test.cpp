// Goal: events are read as the hub wrote them wherever the connection cuts them, and a hub that writes anything else is refused within bounds.
// Method: one stream fed whole, byte by byte and in two halves; each line of an event changed alone.
#include "client/sdk/event_stream.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::sdk {
namespace {

constexpr std::string_view kStream =
    "id: AAAA\n\n"
    ":\n\n"
    "id: AAAB\nevent: query\ndata: {\"id\":\"q1\",\"state\":\"voting\"}\n\n"
    "retry: 10\nid: AAAC\nevent: dataset\ndata: {\"id\":\"d\",\"more\":[1],\"state\":\"ready\"}\n\n"
    "id: AAAD\nevent: gap\ndata: {}\n\n";

struct Read {
  Status status;
  std::vector<std::string> events;
  std::string cursor;
};

Read read_in(std::string_view text, std::size_t piece) {
  Read out;
  EventStream stream("", [&](const HubEvent& event) -> Status {
    out.events.push_back(event.cursor + " " + event.kind + " " + event.id + " " + event.state);
    return {};
  });
  for (std::size_t at = 0; at < text.size() && out.status.ok(); at += piece) out.status = stream.put(as_bytes(text.substr(at, piece)));
  out.cursor = stream.cursor();
  return out;
}

TEST(EventStream, ReadsEventsWhereverTheyAreCut) {
  const std::vector<std::string> expected{"AAAB query q1 voting", "AAAC dataset d ready", "AAAD gap  "};
  for (std::size_t piece = 1; piece <= kStream.size(); ++piece) {
    const Read read = read_in(kStream, piece);
    ASSERT_TRUE(read.status.ok()) << piece;
    EXPECT_EQ(read.events, expected) << piece;
    EXPECT_EQ(read.cursor, "AAAD");
  }
  for (const char* const end : {"\r\n", "\r"}) {
    std::string other;
    for (const char c : kStream) other += c == '\n' ? std::string(end) : std::string(1, c);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, other.size()}) EXPECT_EQ(read_in(other, piece).events, expected) << end << piece;
  }
}

TEST(EventStream, TheFirstPlaceCountsWithoutAnEvent) {
  const Read read = read_in("id: AAAA\n\n", 3);
  EXPECT_EQ(read.cursor, "AAAA");
  EXPECT_TRUE(read.events.empty());
  EXPECT_EQ(read_in("id: AAAA\n", 3).cursor, "") << "not yet whole";
}

TEST(EventStream, AnotherConnectionGoesOnFromTheLastWholeEvent) {
  std::vector<std::string> ids;
  EventStream stream("AAAA", [&](const HubEvent& event) -> Status {
    ids.push_back(event.id);
    return {};
  });
  EXPECT_EQ(stream.cursor(), "AAAA");
  EXPECT_OK(stream.put(as_bytes("id: AAAB\nevent: query\ndata: {\"id\":\"a\",\"state\":\"s\"}\n\nid: AAAC\nevent: query\ndata: {\"id\":\"b\",\"st")));
  EXPECT_EQ(stream.cursor(), "AAAB");
  stream.begin();
  EXPECT_OK(stream.put(as_bytes("id: AAAC\nevent: query\ndata: {\"id\":\"b\",\"state\":\"s\"}\n\n")));
  EXPECT_EQ(ids, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(stream.cursor(), "AAAC");
}

TEST(EventStream, WhatIsNoEventOfTheHubIsRefused) {
  const std::string good = "id: AAAB\nevent: query\ndata: {\"id\":\"q1\",\"state\":\"voting\"}\n\n";
  ASSERT_TRUE(read_in(good, 100).status.ok());
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& bad : std::vector<std::string>{
           changed("id: AAAB\n", ""), changed("AAAB", "AA AB"), changed("AAAB", "AA\x1b[2J"), changed("AAAB", ""), changed("AAAB", std::string(257, 'A')),
           changed("event: query\n", ""), changed("query", "Query"), changed("query", std::string(33, 'q')), changed("query", "q\xff"),
           changed("{\"id\"", "[{\"id\""), changed("{\"id\":\"q1\",\"state\":\"voting\"}", "null"), changed("\"id\":\"q1\",", ""), changed("\"q1\"", "1"),
           changed("\"q1\"", "\"\""), changed("q1", std::string(129, 'q')), changed(",\"state\":\"voting\"", ""), changed("voting", "v\xc3"),
           changed("data: {", "data: {}\ndata: {"), changed("q1", std::string(5'000, 'q'))}) {
    const Read read = read_in(bad, 7);
    EXPECT_ERROR(read.status, Code::malformed, "") << bad;
    EXPECT_TRUE(read.events.empty()) << bad;
    EXPECT_EQ(read.cursor, "") << bad;
  }
}

TEST(EventStream, AHubThatWritesWithoutEndIsCutOff) {
  EventStream stream("", [](const HubEvent&) { return Status(); });
  const std::string line(EventStream::kMaxLine, 'x');
  EXPECT_OK(stream.put(as_bytes(line)));
  EXPECT_ERROR(stream.put(as_bytes("x")), Code::malformed, "a line of more than 4096 bytes");
  // Comments cost nothing, however many there are.
  EventStream quiet("", [](const HubEvent&) { return Status(); });
  for (int i = 0; i < 10'000; ++i) ASSERT_OK(quiet.put(as_bytes(":\n\n")));
}

TEST(EventStream, WhoTakesMayEndIt) {
  EventStream stream("", [](const HubEvent&) { return Status(Error(Code::refused, "enough")); });
  EXPECT_ERROR(stream.put(as_bytes(kStream)), Code::refused, "enough");
  EXPECT_EQ(stream.cursor(), "AAAB") << "it was given this one";
}

TEST(Cursors, AreLettersOfBase64url) {
  EXPECT_TRUE(valid_cursor("AZaz09-_"));
  for (const std::string& bad : {std::string(), std::string("A B"), std::string("A\n"), std::string("A="), std::string("A/"), std::string(257, 'A')}) EXPECT_FALSE(valid_cursor(bad)) << bad;
}

}  // namespace
}  // namespace redoubt::sdk
