#include "common/net/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

namespace redoubt::net {
namespace {

// bind_and_listen: the port that was had; 0 for a Unix socket. errno tells why not.
std::optional<std::uint16_t> bind_and_listen(int socket, const sockaddr* address, socklen_t size, const std::string& unix_path) {
  const int on = 1;
  if (unix_path.empty() && ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return std::nullopt;
  if (::bind(socket, address, size) != 0) return std::nullopt;
  // Nobody can connect before listen(), so there is no moment with a wider mode.
  if (!unix_path.empty() && ::chmod(unix_path.c_str(), 0600) != 0) return std::nullopt;
  if (::listen(socket, SOMAXCONN) != 0) return std::nullopt;
  sockaddr_storage bound{};
  socklen_t bound_size = sizeof bound;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &bound_size) != 0) return std::nullopt;
  in_port_t port = 0;
  if (bound.ss_family == AF_INET) port = reinterpret_cast<const sockaddr_in*>(&bound)->sin_port;
  if (bound.ss_family == AF_INET6) port = reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port;
  return static_cast<std::uint16_t>(ntohs(port));
}

}  // namespace

Result<ListenAddress> ListenAddress::parse(std::string_view text) {
  ListenAddress out;
  const Error bad(Code::usage, "listen address: expected ADDRESS:PORT, [IPV6]:PORT or unix:PATH, found " + std::string(text));
  if (text.starts_with("unix:")) {
    out.unix_path = std::string(text.substr(5));
    if (out.unix_path.empty() || out.unix_path.find('\0') != std::string::npos) return bad;
    if (out.unix_path.size() >= sizeof(sockaddr_un::sun_path)) {
      return Error(Code::usage, "listen address: expected a path of at most 107 bytes, found " +
                                    std::to_string(out.unix_path.size()));
    }
    return out;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad;
  }
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (host.empty() || port.empty() || parsed.ec != std::errc() || parsed.ptr != port.data() + port.size()) return bad;
  out.host = std::string(host);
  return out;
}

std::string ListenAddress::text(const std::string& host, std::uint16_t port) {
  const bool six = host.find(':') != std::string::npos;
  return (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<ListenSocket> ListenAddress::open() const {
  sockaddr_storage address{};
  socklen_t size = 0;
  if (!unix_path.empty()) {
    REDOUBT_CHECK(remove_dead_socket());
    auto* const local = reinterpret_cast<sockaddr_un*>(&address);
    local->sun_family = AF_UNIX;
    std::memcpy(local->sun_path, unix_path.c_str(), unix_path.size() + 1);
    size = sizeof *local;
  } else {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
      return Error(Code::usage, "listen address: expected an ip address, found " + host);
    }
    std::memcpy(&address, found->ai_addr, found->ai_addrlen);
    size = found->ai_addrlen;
    ::freeaddrinfo(found);
  }
  ListenSocket out{::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), 0};
  const auto bound = out.socket < 0 ? std::nullopt : bind_and_listen(out.socket, reinterpret_cast<const sockaddr*>(&address), size, unix_path);
  if (!bound) {
    const std::string why = std::strerror(errno);
    if (out.socket >= 0) ::close(out.socket);
    return Error(Code::unavailable, "listening on " + (unix_path.empty() ? text(host, port) : "unix:" + unix_path) + ": " + why);
  }
  out.port = *bound;
  return out;
}

Status ListenAddress::remove_dead_socket() const {
  struct stat info {};
  if (::lstat(unix_path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) return Error(Code::unavailable, "listening on unix:" + unix_path + ": it is no socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, unix_path.c_str(), unix_path.size() + 1);
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool alive = probe < 0 || ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (probe >= 0) ::close(probe);
  if (alive) return Error(Code::unavailable, "listening on unix:" + unix_path + ": somebody listens there");
  ::unlink(unix_path.c_str());
  return {};
}

std::string peer_key(const std::string& address) {
  in6_addr six{};
  if (::inet_pton(AF_INET6, address.substr(0, address.find('%')).c_str(), &six) != 1 || IN6_IS_ADDR_V4MAPPED(&six)) return address;
  std::memset(six.s6_addr + 8, 0, 8);
  char out[INET6_ADDRSTRLEN] = {};
  return ::inet_ntop(AF_INET6, &six, out, sizeof out) == nullptr ? address : out;
}

}  // namespace redoubt::net
