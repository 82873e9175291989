// Goal: each limit refuses one peer, and the server goes on. Method: peers that stall, flood, lie about TLS and disappear;
// limits set low, so that nothing here measures time.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "common/net/net_test_support.h"

namespace redoubt::net::test {
namespace {

// A TCP connection without TLS.
class Tcp {
 public:
  explicit Tcp(const HttpServer& server) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  Tcp(const Tcp&) = delete;
  Tcp& operator=(const Tcp&) = delete;
  ~Tcp() { ::close(socket_); }
  void send(std::string_view bytes) { ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // read_all waits for the server to end the connection.
  std::string read_all() {
    std::string out(65'536, '\0');
    std::size_t size = 0;
    while (true) {
      const auto got = ::recv(socket_, out.data() + size, out.size() - size, 0);
      if (got <= 0 || size + static_cast<std::size_t>(got) == out.size()) break;
      size += static_cast<std::size_t>(got);
    }
    out.resize(size);
    return out;
  }

 private:
  int socket_;
};

ServerOptions quick_options() {
  ServerOptions options = tls_options();
  options.limits.handshake_time = milliseconds(200);
  options.limits.head_time = milliseconds(200);
  options.limits.body_time = milliseconds(200);
  options.limits.idle_time = milliseconds(300);
  options.limits.respond_time = milliseconds(300);
  options.limits.linger_time = milliseconds(200);
  options.limits.min_bytes_per_second = 1U << 30;
  return options;
}

TEST(ServerLimits, EndsHandshakesThatStall) {
  const auto server = serve(quick_options());
  Tcp silent(*server);
  EXPECT_EQ(silent.read_all(), "");
  Tcp half(*server);
  half.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_EQ(half.read_all(), "");
  expect_healthy(*server);
}

TEST(ServerLimits, AnswersJunkInPlaceOfTlsWithAnAlert) {
  const auto server = serve();
  for (const std::string_view junk : {std::string_view("GET / HTTP/1.1\r\nhost: a\r\n\r\n"), std::string_view("\x16\x03\x01\x00\x05hello", 10)}) {
    Tcp peer(*server);
    peer.send(junk);
    const std::string answer = peer.read_all();
    EXPECT_TRUE(answer.empty() || answer[0] == '\x15') << "a TLS alert or nothing, never HTTP";
  }
  expect_healthy(*server);
}

TEST(ServerLimits, AnswersSlowHeadsAndBodiesWith408) {
  const auto server = serve(quick_options());
  for (const char* part : {"G", "GET /health HTTP/1.1\r\nhost: a\r\n", "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhel",
                           "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n"}) {
    RawClient raw(*server);
    ASSERT_OK(raw.send(part));
    EXPECT_TRUE(raw.receive().starts_with("HTTP/1.1 408 ")) << part;
  }
}

// A byte now and then must not keep a head alive: its time is counted from its first byte.
TEST(ServerLimits, ASteadyTrickleDoesNotKeepAHeadAlive) {
  const auto server = serve(quick_options());
  RawClient raw(*server);
  ASSERT_OK(raw.send("GET /health HTTP/1.1\r\n"));
  Status sent;
  for (int i = 0; i < 20 && sent.ok(); ++i) {
    sent = raw.send("x-" + std::to_string(i) + ": 1\r\n");
    std::this_thread::sleep_for(milliseconds(50));
  }
  EXPECT_TRUE(raw.receive().starts_with("HTTP/1.1 408 ") || !sent.ok());
}

TEST(ServerLimits, EndsIdleConnectionsCleanly) {
  const auto server = serve(quick_options());
  RawClient raw(*server);
  EXPECT_EQ(raw.receive(), "");
  EXPECT_TRUE(raw.clean_end());
}

TEST(ServerLimits, DropsAPeerThatDoesNotReadItsAnswer) {
  Router router = test_router();
  std::atomic<int> pieces{0};
  router.get("/endless", Access::open, [&](const HttpRequest&) {
    return HttpResponse{.body = PullBody{[&]() -> Result<Bytes> {
                                           ++pieces;
                                           return Bytes(1U << 20);
                                         }, {}}};
  });
  const auto server = serve(quick_options(), std::move(router));
  RawClient raw(*server);
  ASSERT_OK(raw.send("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n"));
  EXPECT_TRUE(until([&] { return pieces != 0 && server->counts().open == 0; }));
  EXPECT_LT(pieces, 100) << "no more was made than the socket took";
  expect_healthy(*server);
}

TEST(ServerLimits, SurvivesPeersThatVanish) {
  Router router = test_router();
  router.get("/large", Access::open, [](const HttpRequest&) { return HttpResponse{.body = Bytes(8U << 20)}; });
  const auto server = serve(tls_options(), std::move(router));
  for (const char* part : {"", "GET /hea", "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\nhalf",
                           "GET /large HTTP/1.1\r\nhost: a\r\n\r\n", "GET /health HTTP/1.1\r\nhost: a\r\n\r\n"}) {
    RawClient raw(*server);
    ASSERT_OK(raw.send(part));
    raw.kill();
  }
  {
    RawClient reading(*server);
    ASSERT_OK(reading.send("GET /large HTTP/1.1\r\nhost: a\r\n\r\n"));
    reading.receive("\r\n\r\n");
    reading.kill();
  }
  EXPECT_TRUE(until([&] { return server->counts().open == 0; }));
  expect_healthy(*server);
}

TEST(ServerLimits, CapsConnectionsOfOneAddressAndInTotal) {
  ServerOptions options = tls_options();
  options.admission = {.max_connections = 3, .max_unauthenticated = 3, .max_unauthenticated_per_peer = 2};
  const auto server = serve(std::move(options));
  auto first = std::make_unique<Tcp>(*server);
  auto second = std::make_unique<Tcp>(*server);
  EXPECT_TRUE(until([&] { return server->counts().accepted >= 2; }));
  Tcp third(*server);
  EXPECT_EQ(third.read_all(), "");
  EXPECT_EQ(server->counts().refused, 1U);
  EXPECT_ERROR(HttpClient::connect(client_options(*server)), Code::unavailable, "");
  first.reset();
  EXPECT_TRUE(until([&] { return server->counts().open <= 1; }));
  expect_healthy(*server);
}

TEST(ServerLimits, AParticipantInsideDoesNotCountAsAStranger) {
  ServerOptions options = tls_options();
  options.admission = {.max_connections = 3, .max_unauthenticated = 1, .max_unauthenticated_per_peer = 1};
  options.exchange = [](const std::string&) -> Result<std::unique_ptr<Exchange>> { return server_exchange(); };
  const auto server = serve(std::move(options));
  ClientOptions to = client_options(*server);
  std::vector<HttpClient> inside;
  for (int i = 0; i < 3; ++i) {
    inside.push_back(OrDie(HttpClient::connect(to, client_exchange("alice"))));
    EXPECT_OK(inside.back().request({.target = "/health"}));
  }
  EXPECT_EQ(server->counts().attested, 3U);
  EXPECT_ERROR(HttpClient::connect(to, client_exchange("alice")), Code::unavailable, "") << "the total still counts";
  EXPECT_OK(inside.front().request({.target = "/health"}));
}

TEST(ServerLimits, BoundsTheBytesOfAllBodiesTogether) {
  ServerOptions options = tls_options();
  options.limits.max_buffered_bytes = 100'000;
  const auto server = serve(std::move(options));
  auto one = client(*server);
  EXPECT_EQ(OrDie(one.request({.method = "POST", .target = "/echo", .body = Bytes(100'000)})).status, 200);
  EXPECT_EQ(OrDie(one.request({.method = "POST", .target = "/echo", .body = Bytes(100'000)})).status, 200) << "given back";
  EXPECT_EQ(OrDie(one.request({.method = "POST", .target = "/echo", .body = Bytes(100'001)})).status, 503);
  RawClient holder(*server);
  ASSERT_OK(holder.send("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 99000\r\n\r\n" + std::string(98'000, 'x')));
  const auto try_once = [&] {
    auto other = client(*server);
    return OrDie(other.request({.method = "POST", .target = "/echo", .body = Bytes(10'000)})).status;
  };
  EXPECT_TRUE(until([&] { return try_once() == 503; }));
  holder.kill();
  EXPECT_TRUE(until([&] { return try_once() == 200; }));
}

TEST(ServerLimits, AnswersWith503WhenItsWorkersAreTaken) {
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  std::atomic<int> entered{0};
  Router router = test_router();
  router.get("/slow", Access::open, [&](const HttpRequest&) {
    ++entered;
    opened.wait();
    return text_response(200, "done");
  });
  ServerOptions options = tls_options();
  options.workers = 1;
  options.max_queued_jobs = 1;
  const auto server = serve(std::move(options), std::move(router));
  const auto ask = [&] {
    auto connected = client(*server);
    return OrDie(connected.request({.target = "/slow"})).status;
  };
  auto first = std::async(std::launch::async, ask);
  EXPECT_TRUE(until([&] { return entered != 0; }));
  auto second = std::async(std::launch::async, ask);
  auto third = std::async(std::launch::async, ask);
  EXPECT_TRUE(until([&] {
    return second.wait_for(milliseconds(0)) == std::future_status::ready || third.wait_for(milliseconds(0)) == std::future_status::ready;
  }));
  gate.set_value();
  EXPECT_EQ(first.get(), 200);
  EXPECT_EQ(second.get() + third.get(), 703);
}

// A stream cut off without close_notify is no end of a body (RFC 8446 section 6.1).
TEST(ClientLimits, TellsATruncationFromAnEnd) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 4), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  // A server that sends `answer` and ends the stream, with close_notify or without.
  const auto answer_once = [&](std::string answer, bool clean) {
    const int peer = ::accept(listener, nullptr, nullptr);
    const auto context = OrDie(TlsContext::server(identity(), {"http/1.1"}));
    auto tls = OrDie(TlsEndpoint::accept(context));
    Bytes request;
    while (as_text(request).find("\r\n\r\n") == std::string_view::npos) {
      std::byte buffer[4096];
      const auto got = ::recv(peer, buffer, sizeof buffer, 0);
      if (got <= 0 || !tls.feed(ByteView(buffer, static_cast<std::size_t>(got))).ok() || !tls.handshake().ok()) break;
      if (tls.open()) static_cast<void>(tls.read(request, 10'000));
      const Bytes out = tls.take();
      ::send(peer, out.data(), out.size(), MSG_NOSIGNAL);
    }
    static_cast<void>(tls.write(as_bytes(answer)));
    if (clean) tls.shutdown();
    const Bytes out = tls.take();
    ::send(peer, out.data(), out.size(), MSG_NOSIGNAL);
    ::close(peer);
  };
  struct Case {
    std::string answer;
    bool clean;
    bool good;
  };
  const Case cases[] = {
      {"HTTP/1.1 200 OK\r\n\r\nall of it", true, true},
      {"HTTP/1.1 200 OK\r\n\r\nall of it", false, false},
      {"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart", true, false},
      {"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart", false, false},
      {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n", true, false},
      {"HTTP/1.1 200 OK\r\nconte", true, false},
      {"", true, false},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", true, true},
      {"HTTP/1.1 101 Switching\r\n\r\n", true, false},
      {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok", true, false},
      {"HTTP/1.1 200 OK\r\nx: " + std::string(20'000, 'x'), true, false},
      {"\x15\x03\x03 junk", true, false},
  };
  for (const Case& one : cases) {
    auto server = std::async(std::launch::async, [&] { answer_once(one.answer, one.clean); });
    ClientOptions options;
    options.host = "127.0.0.1";
    options.port = ntohs(address.sin_port);
    options.trust = trust();
    auto connected = OrDie(HttpClient::connect(options));
    const auto answer = connected.request({.target = "/"});
    EXPECT_EQ(answer.ok(), one.good) << one.answer;
    server.get();
  }
  // And a server that never answers.
  auto server = std::async(std::launch::async, [&] { return ::accept(listener, nullptr, nullptr); });
  ClientOptions options;
  options.host = "127.0.0.1";
  options.port = ntohs(address.sin_port);
  options.trust = trust();
  options.connect_time = milliseconds(100);
  EXPECT_ERROR(HttpClient::connect(options), Code::unavailable, "too long");
  ::close(server.get());
  ::close(listener);
}

TEST(ClientLimits, StopsWaitingForAServerThatStalls) {
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  Router router = test_router();
  router.get("/slow", Access::open, [&](const HttpRequest&) {
    opened.wait();
    return text_response(200, "late");
  });
  const auto server = serve(tls_options(), std::move(router));
  ClientOptions options = client_options(*server);
  options.stall_time = milliseconds(100);
  auto connected = OrDie(HttpClient::connect(options));
  EXPECT_ERROR(connected.request({.target = "/slow"}), Code::unavailable, "too long");
  EXPECT_FALSE(connected.open());
  gate.set_value();
}

TEST(HttpServer, AsksForWhatIsAtHandFirst) {
  Router router = test_router();
  std::atomic<int> asked{0};
  router.add({.method = "GET", .path_template = "/at-hand", .access = Access::open,
              .handler = [&](const HttpRequest& request) {
                ++asked;
                return text_response(200, "asked " + request.query.at("n"));
              },
              .quick = [](const HttpRequest& request) -> std::optional<HttpResponse> {
                if (request.query.at("n") == "2") return std::nullopt;
                return text_response(200, "at hand " + request.query.at("n"));
              }});
  const auto server = serve(tls_options(), std::move(router));
  auto connected = client(*server);
  for (const auto& [n, expected] : std::map<std::string, std::string>{{"1", "at hand 1"}, {"2", "asked 2"}, {"3", "at hand 3"}}) {
    EXPECT_EQ(text(OrDie(connected.request({.target = "/at-hand?n=" + n})).body), expected);
  }
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(OrDie(connected.request({.method = "HEAD", .target = "/at-hand?n=1"})).body.size(), 0U);
  EXPECT_EQ(OrDie(connected.request({.target = "/at-hand"})).status, 500) << "a throw is caught here too";
  EXPECT_EQ(asked, 1) << "and not taken for nothing at hand";
}

}  // namespace
}  // namespace redoubt::net::test
