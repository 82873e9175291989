// Goal: no HTTP byte before the exchange, and none without it but on open routes. Method: a small exchange on both sides
// (net_test_support.h), and clients that break each of its rules.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "common/net/net_test_support.h"

namespace redoubt::net::test {
namespace {

Router room_router() {
  Router router = test_router();
  router.get("/who", Access::attested, [](const HttpRequest& request) {
    return text_response(200, request.principal + "/" + request.role + (request.attested ? "/attested" : ""));
  });
  router.post("/secret", Access::attested, 1000, [](const HttpRequest&) { return text_response(200, "stored"); });
  return router;
}

std::unique_ptr<HttpServer> serve_room(ExchangeFactory factory = [](const std::string&) -> Result<std::unique_ptr<Exchange>> {
  return server_exchange();
}, SessionLimits limits = {}) {
  ServerOptions options = tls_options();
  options.exchange = std::move(factory);
  options.limits = limits;
  return serve(std::move(options), room_router());
}

Result<HttpClient> enter(const HttpServer& server, std::unique_ptr<Exchange> exchange = client_exchange("alice")) {
  ClientOptions options = client_options(server);
  options.trust = TrustExchange{};
  return HttpClient::connect(options, std::move(exchange));
}

TEST(ServerExchange, OpensAllRoutesAndSaysWhoIsThere) {
  const auto server = serve_room();
  auto inside = OrDie(enter(*server));
  EXPECT_EQ(inside.principal(), "enclave");
  EXPECT_EQ(inside.facts().alpn, "redoubt/1");
  EXPECT_EQ(text(OrDie(inside.request({.target = "/who"})).body), "alice/tester/attested");
  EXPECT_EQ(text(OrDie(inside.request({.target = "/health"})).body), "ok");
  EXPECT_EQ(server->counts().attested, 1U);
  auto bob = OrDie(enter(*server, client_exchange("bob")));
  EXPECT_EQ(text(OrDie(bob.request({.target = "/who"})).body), "bob/tester/attested");
  EXPECT_NE(bob.facts().exporter, inside.facts().exporter);
}

TEST(ServerExchange, WithoutItOnlyOpenRoutesAreServed) {
  const auto server = serve_room();
  for (const std::vector<std::string>& alpns : {std::vector<std::string>{"http/1.1"}, std::vector<std::string>{}}) {
    RawClient raw(*server, alpns);
    ASSERT_OK(raw.send("GET /health HTTP/1.1\r\nhost: a\r\n\r\n"));
    EXPECT_NE(raw.receive("\r\n\r\nok").find("200 OK"), std::string::npos);
    ASSERT_OK(raw.send("GET /who HTTP/1.1\r\nhost: a\r\n\r\n"));
    const std::string refusal = raw.receive("}");
    EXPECT_TRUE(refusal.starts_with("HTTP/1.1 421 ")) << refusal;
    EXPECT_NE(refusal.find("ALPN redoubt/1"), std::string::npos) << "and names the way";
    ASSERT_OK(raw.send("GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n"));
    EXPECT_TRUE(raw.receive("}").starts_with("HTTP/1.1 421 "));
  }
  auto plain = client(*server);
  EXPECT_EQ(OrDie(plain.request({.method = "POST", .target = "/secret", .body = Bytes(10)})).status, 421);
}

TEST(ServerExchange, HttpInItsPlaceIsRefused) {
  const auto server = serve_room();
  RawClient raw(*server, {"redoubt/1"});
  ASSERT_OK(raw.send("GET /health HTTP/1.1\r\nhost: a\r\n\r\n"));
  Bytes answer = to_bytes(std::string_view(raw.receive()));
  const auto frame = take_frame(answer);
  ASSERT_TRUE(frame.ok() && frame.value());
  EXPECT_EQ(std::get<Error>(**frame).code(), Code::malformed);
  EXPECT_TRUE(answer.empty()) << "and no HTTP answer";
}

TEST(ServerExchange, AServerWithoutOneIsNotTakenForOneWithIt) {
  const auto server = serve();
  EXPECT_ERROR(enter(*server), Code::malformed, "application protocol");
}

TEST(ServerExchange, TellsTheClientWhyItWasRefused) {
  const auto full = serve_room([](const std::string&) -> Result<std::unique_ptr<Exchange>> {
    return Error(Code::unavailable, "queue of quotes is full");
  });
  EXPECT_ERROR(enter(*full), Code::unavailable, "peer refused: queue of quotes is full");
  const auto server = serve_room();
  EXPECT_ERROR(enter(*server, client_exchange("mallory")), Code::auth, "peer refused: participant is not in the contract");
  const auto throws = serve_room([](const std::string&) -> Result<std::unique_ptr<Exchange>> { throw std::runtime_error("s3cret"); });
  EXPECT_ERROR(enter(*throws), Code::refused, "peer refused: something went wrong here");
  const auto nothing = serve_room([](const std::string&) -> Result<std::unique_ptr<Exchange>> { return std::unique_ptr<Exchange>(); });
  EXPECT_ERROR(enter(*nothing), Code::unavailable, "peer refused");
  EXPECT_OK(enter(*server));
}

TEST(ServerExchange, AChallengeOfAnotherConnectionIsRefused) {
  const auto server = serve_room();
  const auto first = OrDie(enter(*server));
  auto relay = std::make_unique<Scripted>();
  relay->on_start = [&](const TlsFacts&) -> Result<Exchange::Step> { return step(first.facts().exporter.hex()); };
  relay->on_receive = [](ByteView) -> Result<Exchange::Step> { return step("alice"); };
  EXPECT_ERROR(enter(*server, std::move(relay)), Code::binding, "challenge of another connection");
}

TEST(ServerExchange, AClientThatDoesNotAcceptTheServerLeaves) {
  const auto server = serve_room();
  auto picky = std::make_unique<Scripted>();
  picky->on_start = [](const TlsFacts& facts) -> Result<Exchange::Step> { return step(facts.exporter.hex()); };
  picky->on_receive = [](ByteView) -> Result<Exchange::Step> { return Error(Code::measurement, "expected 1f.., found 2e.."); };
  EXPECT_ERROR(enter(*server, std::move(picky)), Code::measurement, "exchange: expected 1f");
  EXPECT_OK(enter(*server));
}

// A refusal of the last message reaches a client that already believes itself inside.
TEST(ServerExchange, ALateRefusalIsShownInPlaceOfAnAnswer) {
  const auto server = serve_room();
  auto hasty = std::make_unique<Scripted>();
  hasty->on_start = [](const TlsFacts& facts) -> Result<Exchange::Step> { return step(facts.exporter.hex()); };
  hasty->on_receive = [](ByteView) -> Result<Exchange::Step> { return step("mallory", true); };
  auto inside = OrDie(enter(*server, std::move(hasty)));
  EXPECT_ERROR(inside.request({.target = "/who"}), Code::auth, "peer refused: participant");
}

struct Broken {
  const char* name;
  std::function<Bytes(const TlsFacts&)> bytes;
  const char* part;
};

TEST(ServerExchange, BrokenFramesAreRefusedAndTheServerGoesOn) {
  SessionLimits limits;
  limits.max_exchange_message = 1000;
  limits.linger_time = milliseconds(200);
  const auto server = serve_room([](const std::string&) -> Result<std::unique_ptr<Exchange>> { return server_exchange(); }, limits);
  const Broken all[] = {
      {"oversized", [](const TlsFacts&) { return to_bytes(std::string_view("\0\0\x10\0\0", 5)); }, "found 4096"},
      {"huge", [](const TlsFacts&) { return Bytes(4, std::byte{255}); }, "found 4294967295"},
      {"empty", [](const TlsFacts&) { return Bytes(4); }, "found 0"},
      {"unknown kind", [](const TlsFacts&) { return to_bytes(std::string_view("\0\0\0\5\7", 5)); }, "kind"},
      {"extra bytes behind a frame",
       [](const TlsFacts& facts) {
         Bytes out = encode_message(as_bytes(facts.exporter.hex()));
         append(out, as_bytes("x"));
         return out;
       },
       "too early"},
      {"an answer before the question",
       [](const TlsFacts& facts) {
         Bytes out = encode_message(as_bytes(facts.exporter.hex()));
         append(out, encode_message(as_bytes("alice")));
         return out;
       },
       "too early"},
  };
  for (const Broken& broken : all) {
    RawClient raw(*server, {"redoubt/1"});
    ASSERT_OK(raw.send(broken.bytes(raw.facts())));
    Bytes answer = to_bytes(std::string_view(raw.receive()));
    const auto frame = take_frame(answer);
    ASSERT_TRUE(frame.ok() && frame.value()) << broken.name;
    ASSERT_TRUE(std::holds_alternative<Error>(**frame)) << broken.name;
    EXPECT_NE(std::get<Error>(**frame).message().find(broken.part), std::string::npos) << std::get<Error>(**frame).message();
  }
  EXPECT_OK(enter(*server));
}

// HTTP may follow the last message at once; it waits until the exchange is done, and is not served when it is refused.
TEST(ServerExchange, ServesWhatFollowsTheLastMessageOnlyAfterIt) {
  const auto server = serve_room();
  for (const std::string name : {"alice", "mallory"}) {
    RawClient raw(*server, {"redoubt/1"});
    ASSERT_OK(raw.send(encode_message(as_bytes(raw.facts().exporter.hex()))));
    raw.receive(hex_encode(raw.facts().peer_spki));
    Bytes last = encode_message(as_bytes(name));
    append(last, as_bytes("GET /who HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
    ASSERT_OK(raw.send(last));
    const std::string answer = raw.receive();
    EXPECT_EQ(answer.find("alice/tester") != std::string::npos, name == "alice") << answer;
    EXPECT_EQ(answer.find("HTTP/1.1") != std::string::npos, name == "alice") << answer;
  }
}

TEST(ServerExchange, SurvivesPeersThatVanishInTheMiddle) {
  const auto server = serve_room();
  for (int i = 0; i < 4; ++i) {
    RawClient raw(*server, {"redoubt/1"});
    const Bytes first = encode_message(as_bytes(raw.facts().exporter.hex()));
    const Bytes part = i == 0 ? Bytes() : i == 1 ? Bytes(first.begin(), first.begin() + 9) : first;
    ASSERT_OK(raw.send(part));
    if (i == 3) raw.receive(hex_encode(raw.facts().peer_spki));
    raw.kill();
  }
  EXPECT_TRUE(until([&] { return server->counts().open == 0; }));
  EXPECT_OK(enter(*server));
}

TEST(ServerExchange, HasAnEndInMessagesAndInTime) {
  const auto endless = [](const std::string&) -> Result<std::unique_ptr<Exchange>> {
    auto out = std::make_unique<Scripted>();
    out->on_start = [](const TlsFacts&) -> Result<Exchange::Step> { return step(std::nullopt); };
    out->on_receive = [](ByteView) -> Result<Exchange::Step> { return step("more"); };
    return Result<std::unique_ptr<Exchange>>(std::move(out));
  };
  const auto chatty = [] {
    auto out = std::make_unique<Scripted>();
    out->on_start = [](const TlsFacts&) -> Result<Exchange::Step> { return step("more"); };
    out->on_receive = [](ByteView) -> Result<Exchange::Step> { return step("more"); };
    return out;
  };
  EXPECT_ERROR(enter(*serve_room(endless), chatty()), Code::malformed, "more than 16 messages");

  SessionLimits limits;
  limits.exchange_time = milliseconds(200);
  limits.linger_time = milliseconds(100);
  const auto server = serve_room([](const std::string&) -> Result<std::unique_ptr<Exchange>> { return server_exchange(); }, limits);
  for (const std::string_view part : {std::string_view(""), std::string_view("\0\0\0", 3), std::string_view("\0\0\0\x09\0part", 9)}) {
    RawClient raw(*server, {"redoubt/1"});
    ASSERT_OK(raw.send(part));
    Bytes answer = to_bytes(std::string_view(raw.receive()));
    const auto frame = take_frame(answer);
    ASSERT_TRUE(frame.ok() && frame.value());
    EXPECT_NE(std::get<Error>(**frame).message().find("took too long"), std::string::npos);
  }
  // A step that is still at work when its time is up: the connection ends, the worker finishes in peace.
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  const auto slow = serve_room([opened](const std::string&) -> Result<std::unique_ptr<Exchange>> {
    opened.wait();
    return server_exchange();
  }, limits);
  EXPECT_ERROR(enter(*slow), Code::unavailable, "took too long");
  gate.set_value();
}

// Quotes take a while: open routes and other connections must not wait for them.
TEST(ServerExchange, ASlowStepBlocksNobodyElse) {
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  std::atomic<int> made{0};
  const auto server = serve_room([&made, opened](const std::string&) -> Result<std::unique_ptr<Exchange>> {
    if (made++ == 0) opened.wait();
    return server_exchange();
  });
  auto waiting = std::async(std::launch::async, [&] { return enter(*server).ok(); });
  EXPECT_TRUE(until([&] { return made != 0; }));
  EXPECT_OK(enter(*server));
  expect_healthy(*server);
  gate.set_value();
  EXPECT_TRUE(waiting.get());
}

TEST(ServerExchange, AFullQueueOfWorkRefusesAndSaysSo) {
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  std::atomic<int> made{0};
  ServerOptions options = tls_options();
  options.workers = 1;
  options.exchange = [&made, opened](const std::string&) -> Result<std::unique_ptr<Exchange>> {
    ++made;
    opened.wait();
    return server_exchange();
  };
  options.max_queued_jobs = 1;
  const auto server = serve(std::move(options), room_router());
  auto first = std::async(std::launch::async, [&] { return enter(*server).ok(); });
  EXPECT_TRUE(until([&] { return made != 0; }));
  auto second = std::async(std::launch::async, [&] { return enter(*server); });
  auto third = std::async(std::launch::async, [&] { return enter(*server); });
  // One of the two waits in the queue, the other is refused at once.
  EXPECT_TRUE(until([&] {
    return second.wait_for(milliseconds(0)) == std::future_status::ready || third.wait_for(milliseconds(0)) == std::future_status::ready;
  }));
  gate.set_value();
  const auto a = second.get();
  const auto b = third.get();
  EXPECT_TRUE(first.get());
  EXPECT_NE(a.ok(), b.ok());
  EXPECT_ERROR(a.ok() ? b : a, Code::unavailable, "peer refused: too many connections");
}

}  // namespace
}  // namespace redoubt::net::test
