// bench_http: requests a second on one kept connection over loopback, beside a raw TLS echo of as many bytes on blocking
// sockets in the same run, with the same TLS code on both sides. Prints the ratio of the two.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "common/net/client.h"
#include "common/net/client_transport.h"
#include "common/net/server.h"
#include "tests/support/expect.h"
#include "tests/support/self_signed.h"

namespace {

using namespace redoubt;
using namespace redoubt::net;

const test::SelfSigned& certificate() {
  static const auto made = test::self_signed();
  return made;
}

TlsIdentity identity() {
  return {to_bytes(certificate().certificate_pem), certificate().key.clone()};
}

std::map<std::string, double>& rates() {
  static std::map<std::string, double> made;
  return made;
}

// Counts operations and keeps the rate of the longest run of each name.
template <class Operation>
void measure(benchmark::State& state, const std::string& name, Operation operation) {
  std::uint64_t count = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) {
    operation();
    ++count;
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  rates()[name] = static_cast<double>(count) / time.count();
  state.SetItemsProcessed(static_cast<std::int64_t>(count));
}

void http(benchmark::State& state, const std::string& name, bool on_io_thread) {
  Router router;
  router.add({.method = "POST",
              .path_template = "/echo",
              .access = Access::open,
              .max_body_bytes = 1U << 20,
              .handler = [](const HttpRequest& request) { return HttpResponse{.body = request.body}; },
              .on_io_thread = on_io_thread});
  ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.identity = identity();
  const auto server = OrDie(HttpServer::start(std::move(options), std::move(router)));
  ClientOptions to;
  to.host = "127.0.0.1";
  to.port = server->port();
  to.trust = TrustCertificates{certificate().certificate_pem};
  auto client = OrDie(HttpClient::connect(to));
  const ClientRequest request{.method = "POST", .target = "/echo", .body = Bytes(static_cast<std::size_t>(state.range(0)))};
  measure(state, name, [&] {
    if (OrDie(client.request(request)).status != 200) std::abort();
  });
}

void http_on_a_worker(benchmark::State& state) { http(state, "http", false); }
void http_on_the_io_thread(benchmark::State& state) { http(state, "http on the i/o thread", true); }

// An echo server without HTTP: as many bytes back as came, one record at a time.
void serve_echo(int listener) {
  const int peer = ::accept(listener, nullptr, nullptr);
  const int on = 1;
  ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto tls = OrDie(TlsEndpoint::accept(OrDie(TlsContext::server(identity(), {}))));
  std::array<std::byte, 64 * 1024> buffer;
  Bytes plain;
  while (true) {
    const auto size = ::recv(peer, buffer.data(), buffer.size(), 0);
    if (size <= 0 || !tls.feed(ByteView(buffer).first(static_cast<std::size_t>(size))).ok()) break;
    if (!OrDie(tls.handshake())) {
      const Bytes out = tls.take();
      ::send(peer, out.data(), out.size(), MSG_NOSIGNAL);
      continue;
    }
    plain.clear();
    if (!tls.read(plain, 1U << 20).ok() || !tls.write(plain).ok()) break;
    const Bytes out = tls.take();
    ::send(peer, out.data(), out.size(), MSG_NOSIGNAL);
  }
  ::close(peer);
}

void raw_tls_echo(benchmark::State& state) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), length) != 0 || ::listen(listener, 1) != 0) std::abort();
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  std::thread server(serve_echo, listener);
  {
    const auto deadline = [] { return ClientTransport::in(std::chrono::seconds(20)); };
    auto transport = OrDie(ClientTransport::connect_tcp("127.0.0.1", ntohs(address.sin_port), deadline()));
    const auto context = OrDie(TlsContext::client(TrustCertificates{certificate().certificate_pem}, {}));
    if (!transport.start_tls(OrDie(TlsEndpoint::connect(context, "127.0.0.1")), deadline()).ok()) std::abort();
    const Bytes message(static_cast<std::size_t>(state.range(0)));
    measure(state, "echo", [&] {
      if (!transport.write(message, deadline()).ok()) std::abort();
      Bytes back;
      while (back.size() < message.size()) OrDie(transport.read(back, message.size(), deadline()));
    });
  }
  server.join();
  ::close(listener);
}

BENCHMARK(raw_tls_echo)->Arg(100)->UseRealTime();
BENCHMARK(http_on_a_worker)->Arg(100)->UseRealTime();
BENCHMARK(http_on_the_io_thread)->Arg(100)->UseRealTime();

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  for (const char* name : {"http", "http on the i/o thread"}) {
    if (rates().count("echo") == 0 || rates().count(name) == 0) continue;
    std::printf("%s %.0f requests/s, raw tls echo %.0f messages/s, ratio %.2f\n", name, rates()[name], rates()["echo"],
                rates()[name] / rates()["echo"]);
  }
  return 0;
}
