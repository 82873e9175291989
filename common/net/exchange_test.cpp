// Goal: frames are read in one way, bounded before they are stored. Method: frames whole, cut, oversized and unknown; then the
// small parts of this room that need no socket.
#include "common/net/exchange.h"

#include <gtest/gtest.h>

#include "common/net/admission.h"
#include "common/net/body_source.h"
#include "common/net/listen_address.h"
#include "common/net/rate_limit.h"
#include "common/net/worker_pool.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

#include <atomic>
#include <fstream>
#include <future>

namespace redoubt::net {
namespace {

TEST(ExchangeFrame, ComesBackAsItWas) {
  Bytes stream = encode_message(as_bytes("hello"));
  append(stream, encode_message({}));
  append(stream, encode_refusal(Error(Code::unavailable, "queue is full")));
  EXPECT_EQ(std::get<Bytes>(*OrDie(take_frame(stream))), to_bytes(std::string_view("hello")));
  EXPECT_EQ(std::get<Bytes>(*OrDie(take_frame(stream))), Bytes());
  const Error error = std::get<Error>(*OrDie(take_frame(stream)));
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_EQ(error.message(), "peer refused: queue is full");
  EXPECT_TRUE(stream.empty());
}

TEST(ExchangeFrame, CutAnywhereIsWaitedFor) {
  const Bytes whole = encode_message(as_bytes("hello"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(OrDie(take_frame(part)).has_value()) << size;
    EXPECT_EQ(part.size(), size);
  }
}

TEST(ExchangeFrame, IsRefusedAsSoonAsItsSizeIsWrong) {
  const auto refused = [](std::vector<int> bytes) {
    Bytes buffer;
    for (const int byte : bytes) buffer.push_back(static_cast<std::byte>(byte));
    return take_frame(buffer, 100);
  };
  EXPECT_ERROR(refused({0, 0, 0, 0}), Code::malformed, "found 0");
  EXPECT_ERROR(refused({0, 0, 0, 102}), Code::malformed, "found 102");
  EXPECT_ERROR(refused({255, 255, 255, 255}), Code::malformed, "found 4294967295");
  EXPECT_ERROR(refused({0, 0, 0, 50, 2}), Code::malformed, "kind");
  EXPECT_ERROR(refused({0, 0, 0, 1, 1}), Code::malformed, "refusal");
  EXPECT_ERROR(refused({0, 0, 0, 3, 1, 5, 255}), Code::malformed, "refusal");
  EXPECT_ERROR(refused({'G', 'E', 'T', ' ', '/'}), Code::malformed, "frame");
  EXPECT_FALSE(OrDie(refused({0, 0, 0, 101})).has_value()) << "exactly the limit";
}

TEST(ExchangeFrame, TextOfARefusalIsHarmlessAndSaysNothingInternal) {
  Bytes own = encode_refusal(Error(Code::internal, "key 1234"));
  EXPECT_EQ(std::get<Error>(*OrDie(take_frame(own))).message(), "peer refused: something went wrong here");
  Bytes evil = encode_refusal(Error(Code::refused, std::string("\x1b[31m\n") + std::string(1000, 'a')));
  const Error error = std::get<Error>(*OrDie(take_frame(evil)));
  EXPECT_EQ(error.message().find('\x1b'), std::string::npos);
  EXPECT_LE(error.message().size(), 520U);
}

TEST(Admission, CapsTheTotalTheStrangersAndEachAddress) {
  Admission admission({.max_connections = 4, .max_unauthenticated = 3, .max_unauthenticated_per_peer = 2});
  EXPECT_TRUE(admission.admit("a"));
  EXPECT_TRUE(admission.admit("a"));
  EXPECT_FALSE(admission.admit("a")) << "per address";
  EXPECT_TRUE(admission.admit("b"));
  EXPECT_FALSE(admission.admit("c")) << "strangers";
  admission.authenticated("a");
  EXPECT_TRUE(admission.admit("c"));
  EXPECT_FALSE(admission.admit("d")) << "total and strangers";
  admission.leave("a", true);
  EXPECT_FALSE(admission.admit("d")) << "strangers";
  admission.leave("b", false);
  EXPECT_TRUE(admission.admit("d"));
  admission.leave("a", false);
  admission.leave("c", false);
  admission.leave("d", false);
  EXPECT_EQ(admission.connections(), 0U);
  EXPECT_EQ(admission.unauthenticated(), 0U);
}

TEST(TokenBucket, AllowsABurstThenTheRate) {
  TokenBucket bucket(2.0, 3.0);
  EXPECT_TRUE(bucket.take(1000));
  EXPECT_TRUE(bucket.take(1000));
  EXPECT_TRUE(bucket.take(1000));
  EXPECT_FALSE(bucket.take(1000));
  EXPECT_FALSE(bucket.take(1400));
  EXPECT_TRUE(bucket.take(1500));
  EXPECT_FALSE(bucket.take(500)) << "time that goes back adds nothing";
  EXPECT_FALSE(bucket.take(1500)) << "and is not counted twice";
  EXPECT_EQ(bucket.wait_ms(1500), 501);
  EXPECT_EQ(bucket.wait_ms(1500, 4.0), -1);
  EXPECT_TRUE(bucket.take(1'000'000, 3.0));
  EXPECT_FALSE(bucket.take(1'000'000)) << "never more than the burst";
}

TEST(BodySource, GivesFilesInPiecesAndNoticesWhenTheyEndEarly) {
  const redoubt::test::TempDir dir;
  const std::string path = (dir.path() / "file").string();
  std::string content(600'000, 'x');
  content.replace(100, 5, "hello");
  std::ofstream(path, std::ios::binary) << content;
  const auto read_all = [](BodySource source) -> Result<std::string> {
    std::string out;
    while (true) {
      REDOUBT_TRY(const Bytes piece, source.next());
      if (piece.empty()) return out;
      out += as_text(piece);
    }
  };
  EXPECT_EQ(OrDie(read_all(BodySource(FileBody{path, 100, 5}))), "hello");
  EXPECT_EQ(OrDie(read_all(BodySource(FileBody{path, 0, content.size()}))), content);
  EXPECT_ERROR(read_all(BodySource(FileBody{path, 0, content.size() + 1})), Code::malformed, "expected 600001");
  EXPECT_ERROR(read_all(BodySource(FileBody{path + "x", 0, 1})), Code::unavailable, "file");
  EXPECT_ERROR(read_all(BodySource(PullBody{[] { return Bytes(5); }, 12})), Code::malformed, "expected 12");
  EXPECT_ERROR(read_all(BodySource(PullBody{[]() -> Result<Bytes> { throw 1; }, 12})), Code::internal, "threw");
}

TEST(ListenAddress, ReadsEachFormAndRefusesOthers) {
  EXPECT_EQ(OrDie(ListenAddress::parse("127.0.0.1:80")).port, 80);
  EXPECT_EQ(OrDie(ListenAddress::parse("[::1]:0")).host, "::1");
  EXPECT_EQ(OrDie(ListenAddress::parse("unix:/a/b")).unix_path, "/a/b");
  for (const char* bad : {"", "127.0.0.1", ":80", "::1:80", "a:", "a:65536", "a:-1", "a:1x", "unix:"}) {
    EXPECT_ERROR(ListenAddress::parse(bad), Code::usage, "listen address") << bad;
  }
  EXPECT_ERROR(ListenAddress::parse("unix:/" + std::string(107, 'a')), Code::usage, "107");
}

TEST(ListenAddress, CountsPeersByWhatTheyCannotChangeAtWill) {
  EXPECT_EQ(peer_key("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(peer_key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
  EXPECT_EQ(peer_key("2001:db8:1:2::1"), peer_key("2001:db8:1:2:ffff::9"));
  EXPECT_NE(peer_key("2001:db8:1:2::1"), peer_key("2001:db8:1:3::1"));
  EXPECT_EQ(peer_key("fe80::1%eth0"), peer_key("fe80::2%eth1"));
  EXPECT_EQ(peer_key("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
  EXPECT_NE(peer_key("::ffff:192.0.2.1"), peer_key("::ffff:192.0.2.2"));
}

TEST(WorkerPool, RefusesNewWorkWhenItsQueueIsFull) {
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  std::atomic<int> done{0};
  {
    WorkerPool pool(1, 1);
    std::promise<void> started;
    ASSERT_TRUE(pool.submit([&] { started.set_value(); opened.wait(); ++done; }, false));
    started.get_future().wait();
    ASSERT_TRUE(pool.submit([&] { ++done; }, false));
    EXPECT_FALSE(pool.submit([&] { ++done; }, false));
    std::promise<void> last;
    EXPECT_TRUE(pool.submit([&] { ++done; last.set_value(); }, true)) << "a continuation is never refused";
    gate.set_value();
    last.get_future().wait();
    pool.stop();
    EXPECT_FALSE(pool.submit([&] { ++done; }, true));
  }
  EXPECT_EQ(done, 3);
}

}  // namespace
}  // namespace redoubt::net
