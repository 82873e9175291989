// What the tests of this room share: identities, servers and clients on loopback, raw bytes, a small exchange.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "common/net/client.h"
#include "common/net/client_transport.h"
#include "common/net/server.h"
#include "tests/support/expect.h"
#include "tests/support/self_signed.h"

namespace redoubt::net::test {

using std::chrono::milliseconds;

// until waits for `done`, and gives up after half a minute: a test that hangs tells nothing.
template <class Done>
bool until(Done&& done) {
  for (int i = 0; i < 6000; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

inline const redoubt::test::SelfSigned& certificate() {
  static const auto made = redoubt::test::self_signed();
  return made;
}

inline TlsIdentity identity_of(const redoubt::test::SelfSigned& made) {
  return {to_bytes(made.certificate_pem), made.key.clone()};
}

inline TlsIdentity identity() { return identity_of(certificate()); }
inline TlsTrust trust() { return TrustCertificates{certificate().certificate_pem}; }

inline std::string text(const Bytes& bytes) { return std::string(as_text(bytes)); }

// A router with the routes that most tests need.
inline Router test_router() {
  Router router;
  router.get("/health", Access::open, [](const HttpRequest&) { return text_response(200, "ok"); });
  router.get("/hello/{name}", Access::open, [](const HttpRequest& request) {
    return text_response(200, "hello " + request.params.at("name"));
  });
  router.post("/echo", Access::open, 1U << 20, [](const HttpRequest& request) {
    return HttpResponse{.headers = {{"x-size", std::to_string(request.body.size())}}, .body = request.body};
  });
  router.post("/small", Access::open, 10, [](const HttpRequest&) { return text_response(200, "small"); });
  router.get("/throws", Access::open, [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("s3cret"); });
  return router;
}

inline ServerOptions tls_options() {
  ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.identity = identity();
  return options;
}

inline std::unique_ptr<HttpServer> serve(ServerOptions options = tls_options(), Router router = test_router()) {
  return OrDie(HttpServer::start(std::move(options), std::move(router)));
}

inline ClientOptions client_options(const HttpServer& server) {
  ClientOptions options;
  options.host = "127.0.0.1";
  options.port = server.port();
  options.trust = trust();
  return options;
}

inline HttpClient client(const HttpServer& server) { return OrDie(HttpClient::connect(client_options(server))); }

inline void expect_healthy(const HttpServer& server) {
  auto connected = HttpClient::connect(client_options(server));
  ASSERT_OK(connected);
  auto answer = connected->request({.target = "/health"});
  ASSERT_OK(answer);
  EXPECT_EQ(answer->status, 200);
}

// RawClient speaks TLS and then whatever bytes a test likes.
class RawClient {
 public:
  explicit RawClient(const HttpServer& server, const std::vector<std::string>& alpns = {"http/1.1"})
      : transport_(OrDie(ClientTransport::connect_tcp("127.0.0.1", server.port(), in()))) {
    const auto context = OrDie(TlsContext::client(trust(), alpns));
    const Status started = transport_.start_tls(OrDie(TlsEndpoint::connect(context, "127.0.0.1")), in());
    if (!started.ok()) OrDie(Result<int>(started.error()));
  }

  Status send(std::string_view bytes) { return transport_.write(as_bytes(bytes), in()); }
  Status send(const Bytes& bytes) { return transport_.write(bytes, in()); }
  // receive gives what comes until the server ends the stream, or `until` stands in it.
  std::string receive(std::string_view until = "\x01never\x01") {
    while (as_text(received_).find(until) == std::string_view::npos) {
      auto more = transport_.read(received_, 64U << 20, in());
      clean_end_ = more.ok();
      if (!more.ok() || !*more) break;
    }
    return text(std::exchange(received_, {}));
  }
  // Whether the last receive() ended in close_notify.
  bool clean_end() const { return clean_end_; }
  TlsFacts facts() const { return OrDie(transport_.tls()->facts()); }
  void kill() { const ClientTransport gone = std::move(transport_); }

 private:
  static ClientTransport::Deadline in() { return ClientTransport::in(milliseconds(20'000)); }
  ClientTransport transport_;
  Bytes received_;
  bool clean_end_ = false;
};

// Scripted: an Exchange made of two functions.
class Scripted : public Exchange {
 public:
  std::function<Result<Step>(const TlsFacts&)> on_start;
  std::function<Result<Step>(ByteView)> on_receive;
  Result<Step> start(const TlsFacts& facts) override { return on_start(facts); }
  Result<Step> receive(ByteView message) override { return on_receive(message); }
};

inline Exchange::Step step(std::optional<std::string_view> send, bool done = false, std::string principal = {}) {
  Exchange::Step out;
  if (send) out.send = to_bytes(*send);
  out.done = done;
  out.principal = std::move(principal);
  if (done) out.role = "tester";
  return out;
}

// The client sends the exporter as its challenge; the server compares it with its own, answers with its key, and takes a
// name as the proof of who the client is. Enough to see that both speak of one connection.
inline std::unique_ptr<Exchange> client_exchange(const std::string& name) {
  auto out = std::make_unique<Scripted>();
  auto facts = std::make_shared<TlsFacts>();
  out->on_start = [facts](const TlsFacts& own) -> Result<Exchange::Step> {
    *facts = own;
    return step(own.exporter.hex());
  };
  out->on_receive = [facts, name](ByteView message) -> Result<Exchange::Step> {
    if (as_text(message) == "welcome") return step(std::nullopt, true, "enclave");
    if (as_text(message) != hex_encode(facts->peer_spki)) return Error(Code::binding, "server key is not that of the stream");
    return step(name);
  };
  return out;
}

inline std::unique_ptr<Exchange> server_exchange() {
  auto out = std::make_unique<Scripted>();
  auto facts = std::make_shared<TlsFacts>();
  auto count = std::make_shared<int>(0);
  out->on_start = [facts](const TlsFacts& own) -> Result<Exchange::Step> {
    *facts = own;
    return step(std::nullopt);
  };
  out->on_receive = [facts, count](ByteView message) -> Result<Exchange::Step> {
    if (++*count == 2) {
      if (as_text(message) == "mallory") return Error(Code::auth, "participant is not in the contract");
      return step("welcome", true, std::string(as_text(message)));
    }
    if (as_text(message) != facts->exporter.hex()) return Error(Code::binding, "challenge of another connection");
    return step(hex_encode(facts->own_spki));
  };
  return out;
}

}  // namespace redoubt::net::test
