// Goal: an answer that is a stream gives what its owner pushes, when it is pushed; peers that leave, do not read, or speak meanwhile are let
// go of; and streams that are idle cost little. Method: real sockets on loopback, with TLS and without; a thousand clients in another process.
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <mutex>

#include "common/net/body_stream.h"
#include "common/net/net_test_support.h"
#include "tests/support/files.h"
#include "tests/support/sanitized.h"

namespace redoubt::net::test {
namespace {

constexpr std::string_view kAsk = "GET /stream HTTP/1.1\r\nhost: a\r\n\r\n";

// Owner: what a handler with streams keeps of them.
class Owner {
 public:
  explicit Owner(std::size_t max_buffered = 1024) : max_buffered_(max_buffered) {}
  Router router() {
    Router router = test_router();
    router.get("/stream", Access::open, [this](const HttpRequest&) {
      auto stream = std::make_shared<BodyStream>(max_buffered_);
      const std::lock_guard lock(mutex_);
      streams_.push_back(stream);
      return HttpResponse{.headers = {{"content-type", "text/event-stream"}}, .body = StreamBody{std::move(stream)}};
    });
    return router;
  }
  // first: of the streams, or null when its connection has gone.
  std::shared_ptr<BodyStream> first() const {
    const std::lock_guard lock(mutex_);
    return streams_.empty() ? nullptr : streams_.front().lock();
  }
  std::shared_ptr<BodyStream> last() const {
    const std::lock_guard lock(mutex_);
    return streams_.back().lock();
  }
  std::size_t open() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count_if(streams_, [](const auto& stream) { return !stream.expired(); }));
  }
  std::size_t made() const {
    const std::lock_guard lock(mutex_);
    return streams_.size();
  }

 private:
  const std::size_t max_buffered_;
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<BodyStream>> streams_;
};

// until_idle waits until the client's stream is there, with its head sent.
void until_idle(const Owner& owner, RawClient& raw) {
  ASSERT_OK(raw.send(kAsk));
  EXPECT_NE(raw.receive("\r\n\r\n").find("transfer-encoding: chunked"), std::string::npos);
  ASSERT_EQ(owner.open(), 1U);
}

TEST(BodyStream, HoldsWhatFitsAndEndsOnce) {
  BodyStream stream(10);
  int woken = 0;
  EXPECT_TRUE(stream.push(as_bytes("abc")));
  stream.attach([&] { ++woken; });
  EXPECT_EQ(woken, 1) << "what came before counts too";
  EXPECT_TRUE(stream.push(as_bytes("defghij")));
  EXPECT_EQ(woken, 1) << "once until it is taken";
  EXPECT_EQ(stream.buffered(), 10U);
  EXPECT_EQ(text(stream.take().bytes), "abcdefghij");
  EXPECT_TRUE(stream.push(as_bytes("k")));
  EXPECT_EQ(woken, 2);
  stream.finish();
  EXPECT_FALSE(stream.push(as_bytes("l")));
  const auto last = stream.take();
  EXPECT_EQ(text(last.bytes), "k");
  EXPECT_TRUE(last.end);
  EXPECT_FALSE(last.cut);

  BodyStream full(10);
  full.attach([&] { ++woken; });
  EXPECT_TRUE(full.push(as_bytes("0123456789")));
  EXPECT_FALSE(full.push(as_bytes("x")));
  EXPECT_TRUE(full.cut());
  EXPECT_EQ(full.buffered(), 0U);
  EXPECT_FALSE(full.push(as_bytes("")));
  const auto cut = full.take();
  EXPECT_TRUE(cut.cut);
  EXPECT_TRUE(cut.bytes.empty()) << "half of what was meant is worse than none";
  full.detach();
}

TEST(ServerStream, GivesWhatIsPushedWhenItIsPushed) {
  Owner owner;
  const auto server = serve(tls_options(), owner.router());
  RawClient raw(*server);
  until_idle(owner, raw);
  for (const char* piece : {"one", "two", "three"}) {
    EXPECT_TRUE(owner.first()->push(as_bytes(piece)));
    EXPECT_NE(raw.receive(piece).find(piece), std::string::npos);
  }
  owner.first()->push(as_bytes("last"));
  owner.first()->finish();
  const std::string end = raw.receive();
  EXPECT_NE(end.find("4\r\nlast\r\n0\r\n\r\n"), std::string::npos) << end;
  EXPECT_TRUE(raw.clean_end());
  EXPECT_TRUE(until([&] { return owner.open() == 0; }));
}

TEST(ServerStream, OurClientReadsIt) {
  Owner owner;
  const auto server = serve(tls_options(), owner.router());
  std::thread pusher([&] {
    EXPECT_TRUE(until([&] { return owner.open() == 1; }));
    for (int i = 0; i < 100; ++i) {
      const auto stream = owner.first();
      EXPECT_TRUE(until([&] { return stream->buffered() < 900; }));
      EXPECT_TRUE(stream->push(as_bytes("0123456789")));
    }
    owner.first()->finish();
  });
  auto connected = client(*server);
  const auto answer = OrDie(connected.request({.target = "/stream"}));
  pusher.join();
  EXPECT_EQ(answer.body.size(), 1000U);
  EXPECT_FALSE(connected.open()) << "a connection ends with its stream";
}

TEST(ServerStream, ServesLocalSocketsAndHead) {
  const redoubt::test::TempDir folder;
  Owner owner;
  ServerOptions options;
  options.listen = "unix:" + (folder.path() / "door").string();
  const auto server = serve(std::move(options), owner.router());
  ClientOptions to;
  to.unix_path = (folder.path() / "door").string();
  auto head = OrDie(HttpClient::connect(to));
  EXPECT_EQ(OrDie(head.request({.method = "HEAD", .target = "/stream"})).status, 200);
  EXPECT_TRUE(until([&] { return owner.open() == 0; }));
  auto connected = OrDie(HttpClient::connect(to));
  std::string seen;
  ClientRequest request{.target = "/stream"};
  request.sink = [&](ByteView bytes) -> Status {
    seen += as_text(bytes);
    return seen == "hello" ? Status(Error(Code::refused, "enough")) : Status();
  };
  std::thread pusher([&] {
    EXPECT_TRUE(until([&] { return owner.open() == 1; }));
    for (const char* part : {"he", "ll", "o"}) EXPECT_TRUE(owner.last()->push(as_bytes(part)));
  });
  EXPECT_ERROR(connected.request(request), Code::refused, "enough");
  pusher.join();
  EXPECT_EQ(seen, "hello");
  EXPECT_TRUE(until([&] { return owner.open() == 0; })) << "the client left";
}

TEST(ServerStream, NoticesThatItsPeerLeaves) {
  Owner owner;
  const auto server = serve(tls_options(), owner.router());
  {
    RawClient raw(*server);
    until_idle(owner, raw);
    raw.kill();
  }
  EXPECT_TRUE(until([&] { return owner.open() == 0 && server->counts().open == 0; })) << "without a byte that was pushed";
  expect_healthy(*server);
}

TEST(ServerStream, HasNoTimeLimitWhileThereIsNothingToSend) {
  Owner owner;
  ServerOptions options = tls_options();
  options.limits.idle_time = options.limits.respond_time = options.limits.head_time = milliseconds(100);
  const auto server = serve(std::move(options), owner.router());
  RawClient raw(*server);
  until_idle(owner, raw);
  std::this_thread::sleep_for(milliseconds(400));
  ASSERT_EQ(owner.open(), 1U);
  EXPECT_TRUE(owner.first()->push(as_bytes("late")));
  EXPECT_NE(raw.receive("late").find("late"), std::string::npos);
}

// A peer that reads nothing: what the sockets take, and one buffer.
TEST(ServerStream, DropsAPeerThatDoesNotReadWhenTheBufferIsFull) {
  constexpr std::size_t kBuffer = 64 * 1024;
  Owner owner(kBuffer);
  const auto server = serve(tls_options(), owner.router());
  RawClient raw(*server);
  until_idle(owner, raw);
  const Bytes piece(16 * 1024, std::byte{'x'});
  std::size_t pushed = 0;
  {
    const auto stream = owner.first();
    while (pushed < (1U << 28) && stream->push(piece)) pushed += piece.size();
    EXPECT_LT(pushed, 1U << 28);
    EXPECT_TRUE(stream->cut());
  }
  EXPECT_TRUE(until([&] { return owner.open() == 0 && server->counts().open == 0; }));
  raw.receive();
  EXPECT_FALSE(raw.clean_end()) << "the peer sees that something is missing";
  expect_healthy(*server);
}

TEST(ServerStream, DropsAPeerThatReadsTooSlowly) {
  Owner owner(64U << 20);
  ServerOptions options = tls_options();
  options.limits.respond_time = milliseconds(200);
  options.limits.min_bytes_per_second = 1U << 30;
  const auto server = serve(std::move(options), owner.router());
  RawClient raw(*server);
  until_idle(owner, raw);
  EXPECT_TRUE(owner.first()->push(Bytes(32U << 20)));
  EXPECT_TRUE(until([&] { return owner.open() == 0 && server->counts().open == 0; }));
  expect_healthy(*server);
}

TEST(ServerStream, CutsOffAPeerThatSpeaksMeanwhile) {
  for (const bool at_once : {true, false}) {
    Owner owner;
    const auto server = serve(tls_options(), owner.router());
    RawClient raw(*server);
    if (at_once) {
      ASSERT_OK(raw.send(std::string(kAsk) + std::string(kAsk)));
    } else {
      until_idle(owner, raw);
      ASSERT_OK(raw.send("x"));
    }
    EXPECT_EQ(raw.receive().find("HTTP/1.1", 10), std::string::npos);
    EXPECT_TRUE(until([&] { return owner.open() == 0 && server->counts().open == 0; })) << at_once;
    EXPECT_EQ(owner.made(), 1U);
  }
}

TEST(ServerStream, EndsWithItsServer) {
  Owner owner;
  auto server = serve(tls_options(), owner.router());
  RawClient raw(*server);
  until_idle(owner, raw);
  const auto held = owner.first();  // as by somebody who is about to push
  server->stop();
  EXPECT_EQ(raw.receive(), "0\r\n\r\n");
  server.reset();
  static_cast<void>(held->push(as_bytes("to nobody")));
  EXPECT_EQ(held.use_count(), 1);
}

TEST(ServerStream, LeavesTheStrangersShareToOthers) {
  Owner owner;
  ServerOptions options = tls_options();
  options.admission.max_unauthenticated_per_peer = 2;
  const auto server = serve(std::move(options), owner.router());
  std::vector<std::unique_ptr<RawClient>> all;
  for (std::size_t i = 1; i <= 10; ++i) {
    all.push_back(std::make_unique<RawClient>(*server));
    ASSERT_OK(all.back()->send(kAsk));
    all.back()->receive("\r\n\r\n");
    ASSERT_TRUE(until([&] { return owner.open() == i; }));
  }
  expect_healthy(*server);
  EXPECT_EQ(server->counts().attested, 0U);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
std::size_t resident_bytes() {
  ::malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// hold_streams is the other process: it opens `count` streams, tells, and keeps them until its pipe ends.
[[noreturn]] void hold_streams(int from_parent, int to_parent, std::size_t count) {
  std::uint16_t port = 0;
  if (::read(from_parent, &port, sizeof port) != sizeof port) ::_exit(1);
  const auto deadline = [] { return ClientTransport::in(milliseconds(60'000)); };
  const auto context = OrDie(TlsContext::client(trust(), {"http/1.1"}));
  std::vector<ClientTransport> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(OrDie(ClientTransport::connect_tcp("127.0.0.1", port, deadline())));
    if (!all.back().start_tls(OrDie(TlsEndpoint::connect(context, "127.0.0.1")), deadline()).ok()) ::_exit(2);
    if (!all.back().write(as_bytes(kAsk), deadline()).ok()) ::_exit(3);
    Bytes head;
    while (as_text(head).find("\r\n\r\n") == std::string_view::npos) {
      const auto more = all.back().read(head, 1U << 16, deadline());
      if (!more.ok() || !*more) ::_exit(4);
    }
  }
  char byte = 1;
  if (::write(to_parent, &byte, 1) != 1) ::_exit(5);
  ::_exit(::read(from_parent, &byte, 1) == 0 ? 0 : 6);
}

TEST(ServerStream, AThousandIdleStreamsTakeLessThan50Megabytes) {
  if (redoubt::test::kSanitized) GTEST_SKIP() << "a sanitized program takes more memory than a stream does";
  constexpr std::size_t kStreams = 1000;
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  if (files.rlim_max < 2 * kStreams) GTEST_SKIP() << "the limit on open files is " << files.rlim_max;
  files.rlim_cur = files.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
  static_cast<void>(certificate());  // the same in both processes
  int down[2];
  int up[2];
  ASSERT_EQ(::pipe(down), 0);
  ASSERT_EQ(::pipe(up), 0);
  const pid_t child = ::fork();  // before this test has a thread
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(down[1]);
    ::close(up[0]);
    hold_streams(down[0], up[1], kStreams);
  }
  ::close(down[0]);
  ::close(up[1]);
  {
    Owner owner;
    ServerOptions options = tls_options();
    options.admission = {.max_connections = 2 * kStreams, .max_unauthenticated = 2 * kStreams, .max_unauthenticated_per_peer = 64};
    const auto server = serve(std::move(options), owner.router());
    expect_healthy(*server);  // whatever is made once is there
    const std::size_t before = resident_bytes();
    const std::uint16_t port = server->port();
    EXPECT_EQ(::write(down[1], &port, sizeof port), static_cast<ssize_t>(sizeof port));
    char byte = 0;
    EXPECT_EQ(::read(up[0], &byte, 1), 1) << "the clients did not get their streams";
    EXPECT_EQ(owner.open(), kStreams);
    const std::size_t after = resident_bytes();
    const std::size_t taken = after > before ? after - before : 0;
    RecordProperty("bytes_per_stream", static_cast<int>(taken / kStreams));
    std::printf("%zu bytes a stream\n", taken / kStreams);
    EXPECT_LT(taken, 50'000'000U);
    ::close(down[1]);
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(until([&] { return owner.open() == 0; }));
  }
  ::close(up[0]);
}
#endif

}  // namespace
}  // namespace redoubt::net::test
