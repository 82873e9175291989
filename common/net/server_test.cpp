// Goal: the server answers as it should, on TLS and on a Unix socket. Method: real sockets on loopback, our own client
// and raw bytes.
#include "common/net/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <thread>

#include "common/net/http_attacks_test.h"
#include "common/net/net_test_support.h"
#include "tests/support/files.h"

namespace redoubt::net::test {
namespace {

using redoubt::test::TempDir;

TEST(HttpServer, AnswersOnOneConnectionAgainAndAgain) {
  const auto server = serve();
  auto connected = client(*server);
  for (int i = 0; i < 20; ++i) {
    const auto answer = OrDie(connected.request({.target = "/hello/n" + std::to_string(i) + "?x=1"}));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(text(answer.body), "hello n" + std::to_string(i));
    EXPECT_EQ(*answer.headers.find("cache-control"), "no-store");
  }
  EXPECT_TRUE(connected.open());
  EXPECT_EQ(server->counts().accepted, 1U);
}

TEST(HttpServer, RunsQuickHandlersOnItsOwnThread) {
  Router router = test_router();
  router.add({.method = "GET", .path_template = "/quick", .access = Access::open,
              .handler = [](const HttpRequest& request) { return text_response(200, request.query.at("n")); },
              .on_io_thread = true});
  const auto server = serve(tls_options(), std::move(router));
  RawClient raw(*server);
  std::string all;
  for (int i = 0; i < 200; ++i) all += "GET /quick?n=" + std::to_string(i) + " HTTP/1.1\r\nhost: a\r\n\r\n";
  ASSERT_OK(raw.send(all + "GET /quick HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
  const std::string answer = raw.receive();
  std::size_t at = 0;
  for (int i = 0; i < 200; ++i) {
    at = answer.find("\r\n\r\n" + std::to_string(i) + "HTTP/1.1", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_NE(answer.find("HTTP/1.1 500 ", at), std::string::npos) << "a throw is caught here too";
}

TEST(HttpServer, TakesBodiesOfAllSizes) {
  const auto server = serve();
  auto connected = client(*server);
  for (const std::size_t size : {0UL, 1UL, 100UL, 16'384UL, 16'385UL, 70'000UL, 1'048'576UL}) {
    Bytes body(size, std::byte{'x'});
    const auto answer = OrDie(connected.request({.method = "POST", .target = "/echo", .body = body}));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, body) << size;
  }
  int pieces = 3;
  const PullBody pull{[&]() -> Result<Bytes> { return pieces-- > 0 ? to_bytes(std::string_view("abc")) : Bytes(); }, {}};
  EXPECT_EQ(text(OrDie(connected.request({.method = "POST", .target = "/echo", .body = pull})).body), "abcabcabc");
}

TEST(HttpServer, ServesManyClientsAtOnce) {
  const auto server = serve();
  std::vector<std::future<int>> all;
  for (int i = 0; i < 12; ++i) {
    all.push_back(std::async(std::launch::async, [&server, i] {
      auto connected = client(*server);
      int good = 0;
      for (int j = 0; j < 20; ++j) {
        const std::string body(static_cast<std::size_t>(i * 997 + j), static_cast<char>('a' + i));
        const auto answer = OrDie(connected.request({.method = "POST", .target = "/echo", .body = to_bytes(body)}));
        good += text(answer.body) == body ? 1 : 0;
      }
      return good;
    }));
  }
  for (auto& one : all) EXPECT_EQ(one.get(), 20);
  EXPECT_EQ(server->counts().accepted, 12U);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  const auto server = serve();
  RawClient raw(*server);
  std::string all;
  for (int i = 0; i < 5; ++i) all += "GET /hello/" + std::to_string(i) + " HTTP/1.1\r\nhost: a\r\n\r\n";
  all += "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
  all += "GET /hello/last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
  ASSERT_OK(raw.send(all));
  const std::string answer = raw.receive();
  std::size_t at = 0;
  for (const char* expected : {"hello 0", "hello 1", "hello 2", "hello 3", "hello 4", "abc", "hello last"}) {
    at = answer.find(expected, at);
    ASSERT_NE(at, std::string::npos) << expected;
  }
  EXPECT_TRUE(raw.clean_end());
  EXPECT_NE(answer.find("connection: close"), std::string::npos);
}

TEST(HttpServer, AnswersHeadWithoutABodyAndExpectWithContinue) {
  const auto server = serve();
  auto connected = client(*server);
  const auto head = OrDie(connected.request({.method = "HEAD", .target = "/health"}));
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(*head.headers.find("content-length"), "2");
  EXPECT_TRUE(head.body.empty());
  EXPECT_EQ(text(OrDie(connected.request({.target = "/health"})).body), "ok");

  RawClient raw(*server);
  ASSERT_OK(raw.send("POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"));
  EXPECT_EQ(raw.receive("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_OK(raw.send("ok"));
  EXPECT_NE(raw.receive("\r\n\r\nok").find("200 OK"), std::string::npos);
}

TEST(HttpServer, KeepsTheTextOfAHandlerThatThrows) {
  const auto server = serve();
  auto connected = client(*server);
  const auto answer = OrDie(connected.request({.target = "/throws"}));
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(text(answer.body).find("s3cret"), std::string::npos);
  EXPECT_EQ(*answer.headers.find("content-type"), "application/problem+json");
  EXPECT_EQ(OrDie(connected.request({.target = "/health"})).status, 200) << "and goes on";
}

TEST(HttpServer, LetsNoHandlerEndALineEarly) {
  Router router;
  router.get("/split", Access::open, [](const HttpRequest&) {
    return HttpResponse{.headers = {{"x-a", "1\r\nset-cookie: evil"}}};
  });
  router.get("/status", Access::open, [](const HttpRequest&) { return HttpResponse{.status = 7}; });
  const auto server = serve(tls_options(), std::move(router));
  auto connected = client(*server);
  for (const char* target : {"/split", "/status"}) {
    const auto answer = OrDie(connected.request({.target = target}));
    EXPECT_EQ(answer.status, 500) << target;
    EXPECT_EQ(answer.headers.find("set-cookie"), nullptr);
  }
}

TEST(HttpServer, RefusesInProblemsAndGoesOn) {
  const auto server = serve();
  auto connected = client(*server);
  EXPECT_EQ(OrDie(connected.request({.target = "/nowhere"})).status, 404);
  const auto method = OrDie(connected.request({.method = "DELETE", .target = "/health"}));
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(*method.headers.find("allow"), "GET, HEAD");
  EXPECT_ERROR(connected.request_ok({.target = "/nowhere"}), Code::not_found, "no such route");
  EXPECT_TRUE(connected.open());
  const auto large = OrDie(connected.request({.method = "POST", .target = "/small", .body = Bytes(11)}));
  EXPECT_EQ(large.status, 413);
  EXPECT_FALSE(connected.open());
  expect_healthy(*server);
}

TEST(HttpServer, TellsAnEarlyRefusalToAClientThatIsStillSending) {
  const auto server = serve();
  auto connected = client(*server);
  std::uint64_t sent = 0;
  const PullBody pull{[&]() -> Result<Bytes> {
                        sent += 65'536;
                        return Bytes(sent > (64U << 20) ? 0 : 65'536);
                      }, {}};
  const auto answer = connected.request({.method = "POST", .target = "/small", .body = pull});
  ASSERT_OK(answer);
  EXPECT_EQ(answer->status, 413);
  EXPECT_LT(sent, 64U << 20) << "the rest was not sent";
}

TEST(HttpServer, RefusesEveryAttackOfTheTableAndGoesOn) {
  ServerOptions options = tls_options();
  options.limits.linger_time = milliseconds(200);
  const auto server = serve(std::move(options));
  for (const auto& attack : http_attacks()) {
    RawClient raw(*server);
    ASSERT_OK(raw.send(attack.bytes));
    const std::string answer = raw.receive();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(attack.status) + " ")) << attack.name << ": " << answer;
    EXPECT_NE(answer.find("application/problem+json"), std::string::npos) << attack.name;
    EXPECT_EQ(answer.find("HTTP/1.1 ", 1), std::string::npos) << attack.name << ": nothing after it is answered";
    if (attack.status == 404) continue;
    EXPECT_NE(answer.find("connection: close"), std::string::npos) << attack.name;
  }
  expect_healthy(*server);
}

// --- downloads ----------------------------------------------------------------------------------------------------------
Router download_router(const std::string& path, std::uint64_t size) {
  Router router = test_router();
  router.get("/file", Access::open, [=](const HttpRequest&) {
    return HttpResponse{.headers = {{"content-type", "application/octet-stream"}}, .body = FileBody{path, 0, size}};
  });
  router.get("/part", Access::open, [=](const HttpRequest&) {
    return HttpResponse{.status = 206, .body = FileBody{path, 1000, 500}};
  });
  router.get("/short", Access::open, [=](const HttpRequest&) { return HttpResponse{.body = FileBody{path, 0, size + 1}}; });
  router.get("/pull", Access::open, [](const HttpRequest&) {
    auto left = std::make_shared<int>(50);
    return HttpResponse{.body = PullBody{[left]() -> Result<Bytes> { return Bytes(--*left < 0 ? 0 : 10'000, std::byte{'p'}); }, {}}};
  });
  router.get("/broken", Access::open, [](const HttpRequest&) {
    auto left = std::make_shared<int>(3);
    return HttpResponse{.body = PullBody{[left]() -> Result<Bytes> {
                                           if (--*left < 0) return Error(Code::unavailable, "disk is gone");
                                           return Bytes(1000);
                                         }, {}}};
  });
  return router;
}

TEST(HttpServer, StreamsFilesAndCallbacks) {
  const TempDir dir;
  const std::string path = (dir.path() / "blob").string();
  std::string content(3'000'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31);
  std::ofstream(path, std::ios::binary) << content;
  const auto server = serve(tls_options(), download_router(path, content.size()));
  auto connected = client(*server);
  std::uint64_t last = 0;
  std::string got;
  const auto answer = OrDie(connected.request({.target = "/file",
                                               .sink = [&](ByteView piece) {
                                                 got += as_text(piece);
                                                 return Status();
                                               },
                                               .progress = [&](const Progress& progress) {
                                                 EXPECT_GT(progress.received, last);
                                                 EXPECT_EQ(progress.receive_total, 3'000'000U);
                                                 last = progress.received;
                                               }}));
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(got == content);
  EXPECT_EQ(last, content.size());
  EXPECT_EQ(text(OrDie(connected.request({.target = "/part"})).body), content.substr(1000, 500));
  EXPECT_EQ(OrDie(connected.request({.target = "/pull"})).body.size(), 500'000U);
  EXPECT_EQ(text(OrDie(connected.request({.target = "/health"})).body), "ok");
}

TEST(HttpServer, BreaksOffWhatItCannotFinish) {
  const TempDir dir;
  const std::string path = (dir.path() / "blob").string();
  std::ofstream(path, std::ios::binary) << std::string(1000, 'x');
  const auto server = serve(tls_options(), download_router(path, 1000));
  for (const char* target : {"/short", "/broken"}) {
    auto connected = client(*server);
    EXPECT_FALSE(connected.request({.target = target}).ok()) << target;
    EXPECT_FALSE(connected.open());
  }
  expect_healthy(*server);
}

TEST(HttpClient, BoundsAnswersAndPassesOnTheSinksError) {
  const auto server = serve();
  ClientOptions options = client_options(*server);
  options.max_response_bytes = 100;
  auto connected = OrDie(HttpClient::connect(options));
  EXPECT_OK(connected.request({.method = "POST", .target = "/echo", .body = Bytes(100)}));
  EXPECT_ERROR(connected.request({.method = "POST", .target = "/echo", .body = Bytes(101)}), Code::malformed, "too large");
  EXPECT_ERROR(connected.request({.target = "/health"}), Code::unavailable, "closed");
  auto other = client(*server);
  EXPECT_ERROR(other.request({.target = "/health", .sink = [](ByteView) -> Status { return Error(Code::refused, "disk full"); }}),
               Code::refused, "disk full");
}

TEST(HttpClient, RefusesRequestsThatCouldBeTwo) {
  const auto server = serve();
  auto connected = client(*server);
  EXPECT_ERROR(connected.request({.target = "/a HTTP/1.1\r\nhost: b"}), Code::usage, "target");
  EXPECT_ERROR(connected.request({.target = "http://b/"}), Code::usage, "target");
  EXPECT_ERROR(connected.request({.method = "GET /x", .target = "/"}), Code::usage, "method");
  EXPECT_ERROR(connected.request({.target = "/", .headers = {{"x", "1\r\ny: 2"}}}), Code::usage, "header");
  EXPECT_OK(connected.request({.target = "/health"}));
}

TEST(HttpClient, NamesWhatIsWrongWithTheServer) {
  const auto server = serve();
  ClientOptions options = client_options(*server);
  options.trust = TrustCertificates{redoubt::test::self_signed().certificate_pem};
  EXPECT_ERROR(HttpClient::connect(options), Code::chain, "certificate");
  options.trust = TrustSpki{SpkiDigest()};
  EXPECT_ERROR(HttpClient::connect(options), Code::chain, "pinned");
  options.trust = TrustExchange{};
  EXPECT_ERROR(HttpClient::connect(options), Code::usage, "no exchange");
  options.trust.reset();
  EXPECT_ERROR(HttpClient::connect(options), Code::usage, "trust");
  options = client_options(*server);
  options.host = "127.0.0.1";
  server->stop();
  EXPECT_ERROR(HttpClient::connect(options), Code::unavailable, "connecting to 127.0.0.1");
}

// --- the local door -------------------------------------------------------------------------------------------------------
TEST(HttpServer, ServesAUnixSocketWithoutTls) {
  const TempDir dir;
  const std::string path = (dir.path() / "door").string();
  Router router = test_router();
  router.get("/who", Access::open, [](const HttpRequest& request) {
    return text_response(200, request.peer + (request.tls ? " tls" : " plain") + (request.attested ? " attested" : ""));
  });
  router.get("/inner", Access::attested, [](const HttpRequest&) { return text_response(200, "never"); });
  ServerOptions options;
  options.listen = "unix:" + path;
  auto server = serve(std::move(options), std::move(router));
  EXPECT_EQ(server->address(), "unix:" + path);
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);

  ClientOptions to;
  to.unix_path = path;
  auto connected = OrDie(HttpClient::connect(to));
  EXPECT_EQ(text(OrDie(connected.request({.target = "/who"})).body), "unix plain");
  EXPECT_EQ(OrDie(connected.request({.target = "/inner"})).status, 421);
  const Bytes body(300'000, std::byte{'x'});
  EXPECT_EQ(OrDie(connected.request({.method = "POST", .target = "/echo", .body = body})).body, body);

  ServerOptions second;
  second.listen = "unix:" + path;
  EXPECT_ERROR(HttpServer::start(std::move(second), test_router()), Code::unavailable, "somebody listens");
  server->stop();
  EXPECT_NE(::stat(path.c_str(), &info), 0) << "the socket is removed";
}

TEST(HttpServer, TakesThePlaceOfADeadSocketButOfNothingElse) {
  const TempDir dir;
  const std::string path = (dir.path() / "door").string();
  const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(dead);
  ServerOptions options;
  options.listen = "unix:" + path;
  EXPECT_OK(HttpServer::start(std::move(options), test_router()));
  std::ofstream(path) << "a file";
  ServerOptions again;
  again.listen = "unix:" + path;
  EXPECT_ERROR(HttpServer::start(std::move(again), test_router()), Code::unavailable, "no socket");
}

TEST(HttpServer, ServesWithoutTlsOnLoopbackAloneAndOnlyWhenAsked) {
  ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.plain_on_loopback = true;
  const auto server = serve(std::move(options));
  auto stream = OrDie(ClientTransport::connect_tcp("127.0.0.1", server->port(), ClientTransport::in(milliseconds(20'000))));
  ASSERT_OK(stream.write(as_bytes("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), ClientTransport::in(milliseconds(20'000))));
  Bytes answer;
  while (true) {
    const auto more = stream.read(answer, 1U << 20, ClientTransport::in(milliseconds(20'000)));
    if (!more.ok() || !*more) break;
  }
  EXPECT_TRUE(text(answer).starts_with("HTTP/1.1 200 ")) << text(answer);
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "unix:/tmp/x"}) {
    ServerOptions wide;
    wide.listen = address;
    wide.plain_on_loopback = true;
    EXPECT_ERROR(HttpServer::start(std::move(wide), test_router()), Code::usage, "expected a loopback address");
  }
}

TEST(HttpServer, RefusesOptionsThatMakeNoSense) {
  ServerOptions plain;
  plain.listen = "127.0.0.1:0";
  EXPECT_ERROR(HttpServer::start(std::move(plain), test_router()), Code::usage, "needs a tls identity");
  ServerOptions local = tls_options();
  local.listen = "unix:/tmp/x";
  EXPECT_ERROR(HttpServer::start(std::move(local), test_router()), Code::usage, "no tls identity");
  ServerOptions name = tls_options();
  name.listen = "localhost:0";
  EXPECT_ERROR(HttpServer::start(std::move(name), test_router()), Code::usage, "ip address");
  const auto first = serve();
  ServerOptions taken = tls_options();
  taken.listen = first->address();
  EXPECT_ERROR(HttpServer::start(std::move(taken), test_router()), Code::unavailable, "listening on");
}

// --- the end ----------------------------------------------------------------------------------------------------------------
TEST(HttpServer, ClosesIdleConnectionsAtOnceWhenItStops) {
  ServerOptions options = tls_options();
  options.limits.linger_time = milliseconds(60'000);
  const auto server = serve(std::move(options));
  auto used = client(*server);
  ASSERT_OK(used.request({.target = "/health"}));
  // Of one that has asked nothing the server may not have read the end of the handshake yet: it then ends without close_notify.
  RawClient fresh(*server);
  RawClient asked(*server);
  ASSERT_OK(asked.send("GET /hello/idle HTTP/1.1\r\nhost: a\r\n\r\n"));
  ASSERT_TRUE(asked.receive("hello idle").ends_with("hello idle"));
  // Neither peer closes its side; the server does not wait for them, neither for `linger_time` nor for `grace`.
  auto stopping = std::async(std::launch::async, [&] { server->stop(milliseconds(60'000)); });
  EXPECT_TRUE(until([&] { return server->counts().open == 0; }));
  EXPECT_EQ(fresh.receive(), "");
  EXPECT_EQ(asked.receive(), "");
  EXPECT_TRUE(asked.clean_end());
  stopping.get();
}

TEST(HttpServer, FinishesWhatHasBegunWhenItStops) {
  std::promise<void> entered;
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  Router router = test_router();
  router.get("/slow", Access::open, [&](const HttpRequest&) {
    entered.set_value();
    opened.wait();
    return text_response(200, "done");
  });
  const auto server = serve(tls_options(), std::move(router));
  auto idle = client(*server);
  ASSERT_OK(idle.request({.target = "/health"}));
  auto busy = std::async(std::launch::async, [&] {
    auto connected = client(*server);
    return connected.request({.target = "/slow"});
  });
  entered.get_future().wait();
  auto stopping = std::async(std::launch::async, [&] { server->stop(milliseconds(20'000)); });
  EXPECT_TRUE(until([&] { return server->counts().open <= 1; }));
  EXPECT_ERROR(idle.request({.target = "/health"}), Code::unavailable, "");
  gate.set_value();
  const auto answer = busy.get();
  ASSERT_OK(answer);
  EXPECT_EQ(text(answer->body), "done");
  EXPECT_EQ(*answer->headers.find("connection"), "close");
  stopping.get();
  EXPECT_FALSE(HttpClient::connect(client_options(*server)).ok());
  server->stop();
}

}  // namespace
}  // namespace redoubt::net::test
