#include "bench/hub_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <deque>
#include <fstream>

#include "common/net/tls_endpoint.h"
#include "tests/support/expect.h"

namespace redoubt::bench {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "bench_hub load: %s\n", why);
  std::exit(1);
}

// Peer: one connection. Blocking: the server answers at once, and its answer is read when epoll says that it has begun.
struct Peer {
  int socket = -1;
  net::TlsEndpoint tls;
  Bytes plain{};
  Clock::time_point sent{};
};

Peer connect(const net::TlsContext& context, std::uint16_t port) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("no server there");
  return {made, OrDie(net::TlsEndpoint::connect(context, "localhost"))};
}

void flush(Peer& peer) {
  const Bytes out = peer.tls.take();
  for (std::size_t at = 0; at < out.size();) {
    const auto moved = ::send(peer.socket, out.data() + at, out.size() - at, MSG_NOSIGNAL);
    if (moved <= 0) give_up("the server ended a connection");
    at += static_cast<std::size_t>(moved);
  }
}

void receive(Peer& peer) {
  static std::array<std::byte, 64 * 1024> buffer;
  const auto size = ::recv(peer.socket, buffer.data(), buffer.size(), 0);
  if (size <= 0 || !peer.tls.feed(ByteView(buffer).first(static_cast<std::size_t>(size))).ok()) give_up("the server ended a connection");
}

void shake_hands(Peer& peer) {
  while (!OrDie(peer.tls.handshake())) {
    flush(peer);
    receive(peer);
  }
  flush(peer);
}

// answered: the status of the answer, once all of it has come.
std::optional<int> answered(Peer& peer) {
  const std::string_view text = as_text(peer.plain);
  const std::size_t head = text.find("\r\n\r\n");
  if (head == std::string_view::npos) return std::nullopt;
  constexpr std::string_view kLength = "\r\ncontent-length: ";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; };
  const auto found = std::search(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(head), kLength.begin(), kLength.end(), same);
  std::size_t size = 0;
  const char* const begin = text.data() + (found - text.begin()) + kLength.size();
  if (begin >= text.data() + head || std::from_chars(begin, text.data() + head, size).ec != std::errc()) give_up("an answer without a length");
  if (text.size() < head + 4 + size) return std::nullopt;
  int status = 0;
  std::from_chars(text.data() + 9, text.data() + 12, status);
  peer.plain.clear();
  return status;
}

double percentile(std::vector<float>& sorted, double part) {
  return sorted.empty() ? 0 : static_cast<double>(sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(part * static_cast<double>(sorted.size())))]);
}

}  // namespace

int load(const Load& what) {
  std::deque<std::string> bodies;
  if (!what.bodies.empty()) {
    std::ifstream file(what.bodies);
    for (std::string line; std::getline(file, line);) bodies.push_back(std::move(line));
  }
  const std::string head = what.method + " " + what.target + " HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer " + what.key + "\r\n";
  const auto next = [&]() -> std::string {
    if (what.bodies.empty()) return head + "\r\n";
    std::string text = head + "content-type: application/json\r\ncontent-length: " + std::to_string(bodies.front().size()) + "\r\n\r\n" + bodies.front();
    bodies.pop_front();
    return text;
  };
  const auto more = [&] { return what.bodies.empty() || !bodies.empty(); };

  const auto context = OrDie(net::TlsContext::client(net::TrustExchange{}, {"http/1.1"}));
  const int events = ::epoll_create1(EPOLL_CLOEXEC);
  std::deque<Peer> peers;
  for (int i = 0; i < what.connections; ++i) {
    Peer& peer = peers.emplace_back(connect(context, what.port));
    shake_hands(peer);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &peer;
    ::epoll_ctl(events, EPOLL_CTL_ADD, peer.socket, &event);
  }
  const auto begun = Clock::now();
  const auto end = begun + std::chrono::seconds(what.seconds);
  const auto send = [&](Peer& peer) {
    if (!peer.tls.write(as_bytes(next())).ok()) give_up("writing");
    peer.sent = Clock::now();
    flush(peer);
  };
  std::size_t waiting = 0;
  for (Peer& peer : peers) {
    if (!more()) break;
    send(peer);
    ++waiting;
  }
  std::vector<float> times;
  std::size_t refused = 0;
  std::array<epoll_event, 64> ready;
  while (waiting > 0) {
    const int count = ::epoll_wait(events, ready.data(), static_cast<int>(ready.size()), 30'000);
    if (count <= 0) give_up("the server does not answer");
    for (const epoll_event& event : std::span(ready).first(static_cast<std::size_t>(count))) {
      Peer& peer = *static_cast<Peer*>(event.data.ptr);
      receive(peer);
      if (!peer.tls.read(peer.plain, 64U << 20).ok()) give_up("reading");
      const auto status = answered(peer);
      if (!status) continue;
      const auto now = Clock::now();
      times.push_back(std::chrono::duration<float, std::milli>(now - peer.sent).count());
      if (*status < 200 || *status > 299) ++refused;
      --waiting;
      if (now >= end || !more()) continue;
      send(peer);
      ++waiting;
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  std::ranges::sort(times);
  std::printf("{\"requests\":%zu,\"seconds\":%.3f,\"rate\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"refused\":%zu}\n", times.size(), seconds,
              static_cast<double>(times.size()) / seconds, percentile(times, 0.5), percentile(times, 0.99), refused);
  for (const Peer& peer : peers) ::close(peer.socket);
  return 0;
}

}  // namespace redoubt::bench
