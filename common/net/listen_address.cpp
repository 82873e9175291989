#include "common/net/listen_address.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

namespace redoubt::net {

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

}  // namespace redoubt::net
