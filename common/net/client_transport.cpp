#include "common/net/client_transport.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace redoubt::net {
namespace {

using std::chrono::milliseconds;

Error system_error(std::string_view what, int number) {
  return Error(Code::unavailable, std::string(what) + ": " + std::strerror(number));
}

}  // namespace

ClientTransport::ClientTransport(ClientTransport&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), tls_(std::move(other.tls_)), eof_(other.eof_) {
  other.tls_.reset();
}

ClientTransport& ClientTransport::operator=(ClientTransport&& other) noexcept {
  if (this != &other) {
    close();
    socket_ = std::exchange(other.socket_, -1);
    tls_ = std::move(other.tls_);
    other.tls_.reset();
    eof_ = other.eof_;
  }
  return *this;
}

ClientTransport::~ClientTransport() { close(); }

void ClientTransport::close() {
  if (socket_ < 0) return;
  if (tls_) {
    tls_->shutdown();
    const Bytes last = tls_->take();
    // Best effort: the server has no need of it.
    [[maybe_unused]] const auto sent = ::send(socket_, last.data(), last.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ::close(socket_);
  socket_ = -1;
}

Status ClientTransport::wait(short events, Deadline deadline) const {
  if (socket_ < 0) return Error(Code::unavailable, "connection: it is closed");
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Error(Code::unavailable, "connection: the server took too long");
    pollfd entry{.fd = socket_, .events = events, .revents = 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left.count() + 1, 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return system_error("poll", errno);
  }
}

Result<ClientTransport> ClientTransport::connect_to(const void* address, unsigned size, int family, Deadline deadline) {
  ClientTransport out(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (out.socket_ < 0) return system_error("socket", errno);
  if (::connect(out.socket_, static_cast<const sockaddr*>(address), size) != 0) {
    if (errno != EINPROGRESS && errno != EAGAIN) return system_error("connecting", errno);
    REDOUBT_CHECK(out.wait(POLLOUT, deadline));
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(out.socket_, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) {
      return system_error("connecting", error);
    }
  }
  return out;
}

Result<ClientTransport> ClientTransport::connect_tcp(const std::string& host, std::uint16_t port, Deadline deadline) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list); error != 0) {
    return Error(Code::unavailable, "looking up " + host + ": " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  Error last(Code::unavailable, "no address");
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    auto connected = connect_to(at->ai_addr, at->ai_addrlen, at->ai_family, deadline);
    if (connected.ok()) {
      const int on = 1;
      ::setsockopt(connected->socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return connected;
    }
    last = connected.error();
  }
  return last.context("connecting to " + host + " port " + std::to_string(port));
}

Result<ClientTransport> ClientTransport::connect_unix(const std::string& path, Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error(Code::usage, "unix socket: expected a path of 1 to 107 bytes, found " + std::to_string(path.size()));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return connect_to(&address, sizeof address, AF_UNIX, deadline).context("connecting to unix:" + path);
}

Status ClientTransport::flush(Deadline deadline) {
  const Bytes wire = tls_->take();
  ByteView rest = wire;
  while (!rest.empty()) {
    const auto sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      rest = rest.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EINTR) {
      REDOUBT_CHECK(wait(POLLOUT, deadline));
    } else {
      return system_error("sending", errno);
    }
  }
  return {};
}

Status ClientTransport::write(ByteView plaintext, Deadline deadline) {
  if (socket_ < 0) return Error(Code::unavailable, "connection: it is closed");
  if (tls_) {
    REDOUBT_CHECK(tls_->write(plaintext));
    return flush(deadline);
  }
  while (!plaintext.empty()) {
    const auto sent = ::send(socket_, plaintext.data(), plaintext.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      plaintext = plaintext.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EINTR) {
      REDOUBT_CHECK(wait(POLLOUT, deadline));
    } else {
      return system_error("sending", errno);
    }
  }
  return {};
}

Result<bool> ClientTransport::receive(Bytes& plain_out) {
  std::array<std::byte, 16 * 1024> buffer;
  const auto size = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    return system_error("receiving", errno);
  }
  if (size == 0) {
    eof_ = true;
    return false;
  }
  const ByteView wire = ByteView(buffer).first(static_cast<std::size_t>(size));
  if (tls_) {
    REDOUBT_CHECK(tls_->feed(wire));
  } else {
    append(plain_out, wire);
  }
  return true;
}

Status ClientTransport::start_tls(TlsEndpoint endpoint, Deadline deadline) {
  tls_.emplace(std::move(endpoint));
  Bytes none;
  while (true) {
    const auto done = tls_->handshake();
    const auto flushed = flush(deadline);  // an alert goes out also when the handshake has failed
    if (!done.ok()) return done.error();
    REDOUBT_CHECK(flushed);
    if (done.value()) return {};
    REDOUBT_CHECK(wait(POLLIN, deadline));
    auto received = receive(none);
    if (!received.ok()) return received.error();
    if (eof_) return Error(Code::unavailable, "tls handshake: the server ended the connection");
  }
}

Result<bool> ClientTransport::read(Bytes& out, std::size_t max_size, Deadline deadline) {
  if (socket_ < 0) return Error(Code::unavailable, "connection: it is closed");
  const std::size_t before = out.size();
  while (true) {
    if (tls_) REDOUBT_CHECK(tls_->read(out, max_size));
    if (out.size() > before) return true;
    if (tls_ && tls_->closed_by_peer()) return false;
    if (eof_) {
      if (!tls_) return false;
      return Error(Code::unavailable, "connection: cut off without an end of tls");
    }
    REDOUBT_CHECK(wait(POLLIN, deadline));
    REDOUBT_TRY([[maybe_unused]] const bool some, receive(out));
  }
}

Status ClientTransport::read_ready(Bytes& out, std::size_t max_size) {
  if (socket_ < 0 || eof_) return {};
  REDOUBT_TRY([[maybe_unused]] const bool some, receive(out));
  if (tls_) REDOUBT_CHECK(tls_->read(out, max_size));
  return {};
}

}  // namespace redoubt::net
