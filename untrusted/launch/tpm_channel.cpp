#include "untrusted/launch/tpm_channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "common/base/reader.h"
#include "common/base/writer.h"

namespace redoubt::launch {
namespace {

constexpr std::uint16_t kNoSessions = 0x8001;
constexpr std::uint16_t kSessions = 0x8002;
constexpr std::uint32_t kCommandPcrRead = 0x17e;
constexpr std::uint32_t kCommandPcrExtend = 0x182;
constexpr std::uint32_t kCommandShutdown = 0x145;
constexpr std::uint32_t kPasswordSession = 0x40000009;
constexpr std::uint16_t kSha256 = 0x000b;
constexpr std::size_t kHeader = 10;
constexpr std::size_t kMaxResponse = 4096;

// command: tag, size of the whole, code, body (Part 1 section 18).
Bytes command(std::uint16_t tag, std::uint32_t code, const Writer& body) {
  Writer out;
  out.u16be(tag).u32be(static_cast<std::uint32_t>(kHeader + body.size())).u32be(code).bytes(body.view());
  return out.take();
}

std::string reason_text(int number) {
  std::array<char, 128> buffer{};
  return ::strerror_r(number, buffer.data(), buffer.size());
}

}  // namespace

Result<TpmChannel> TpmChannel::connect(const std::filesystem::path& socket, std::chrono::milliseconds timeout) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket.string();
  if (path.size() >= sizeof address.sun_path) return Error(Code::usage, "TPM socket " + path + ": longer than 107 bytes");
  std::copy(path.begin(), path.end(), address.sun_path);
  TpmChannel channel(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (channel.fd_ < 0) return Error(Code::unavailable, "TPM socket: " + reason_text(errno));
  const timeval limit{timeout.count() / 1000, (timeout.count() % 1000) * 1000};
  ::setsockopt(channel.fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(channel.fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(channel.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Error(Code::unavailable, "connecting to TPM socket " + path + ": " + reason_text(errno));
  }
  return channel;
}

TpmChannel::TpmChannel(TpmChannel&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

TpmChannel& TpmChannel::operator=(TpmChannel&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

TpmChannel::~TpmChannel() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Bytes> TpmChannel::transmit(ByteView request, std::string_view name) {
  if (fd_ < 0) return Error(Code::unavailable, std::string(name) + ": the channel is closed");
  for (ByteView rest = request; !rest.empty();) {
    const ssize_t sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return Error(Code::unavailable, std::string(name) + ": sending: " + reason_text(errno));
    rest = rest.subspan(static_cast<std::size_t>(sent));
  }
  Bytes response;
  std::size_t expected = kHeader;
  while (response.size() < expected) {
    std::array<std::byte, kMaxResponse> chunk;
    const ssize_t got = ::recv(fd_, chunk.data(), expected - response.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      return Error(Code::unavailable, std::string(name) + ": receiving: " + (got == 0 ? "closed" : reason_text(errno)));
    }
    append(response, ByteView(chunk).first(static_cast<std::size_t>(got)));
    if (response.size() == kHeader) {
      Reader header(response, name);
      header.u16be();
      expected = header.u32be();
      if (expected < kHeader || expected > kMaxResponse) {
        return Error(Code::malformed, std::string(name) + ": response of " + std::to_string(expected) + " bytes");
      }
    }
  }
  Reader reader(response, name);
  reader.u16be();
  reader.u32be();
  const std::uint32_t code = reader.u32be();
  if (code != 0) {
    const std::array<std::byte, 4> big{std::byte(code >> 24), std::byte(code >> 16), std::byte(code >> 8), std::byte(code)};
    return Error(Code::refused, std::string(name) + ": the TPM answered " + hex_encode(big));
  }
  return to_bytes(reader.bytes(reader.remaining()));
}

Status TpmChannel::extend(int pcr, const crypto::Sha256Digest& digest) {
  Writer body;
  body.u32be(static_cast<std::uint32_t>(pcr));
  // Authorization area: the password session with the empty password.
  body.u32be(9).u32be(kPasswordSession).u16be(0).u8(0).u16be(0);
  body.u32be(1).u16be(kSha256).bytes(digest.view());
  REDOUBT_TRY(const Bytes ignored, transmit(command(kSessions, kCommandPcrExtend, body), "extending a PCR"));
  return {};
}

Result<crypto::Sha256Digest> TpmChannel::read_pcr(int pcr) {
  if (pcr < 0 || pcr > 23) return Error(Code::usage, "PCR " + std::to_string(pcr) + ": expected 0 to 23");
  std::array<std::byte, 3> selection{};
  selection[static_cast<std::size_t>(pcr) / 8] = std::byte(1 << (pcr % 8));
  Writer body;
  body.u32be(1).u16be(kSha256).u8(3).bytes(selection);
  REDOUBT_TRY(const Bytes parameters, transmit(command(kNoSessions, kCommandPcrRead, body), "reading a PCR"));
  Reader reader(parameters, "PCR value");
  reader.u32be();  // update counter
  reader.expect_u32be(1, "number of selections");
  reader.expect_u16be(kSha256, "bank");
  if (reader.u8() != selection.size() || !equal(reader.bytes(selection.size()), selection)) {
    reader.fail("the TPM gave another selection");
  }
  reader.expect_u32be(1, "number of values");
  reader.expect_u16be(crypto::Sha256Digest::size, "size of the value");
  const auto value = reader.fixed<crypto::Sha256Digest>();
  REDOUBT_CHECK(reader.finish());
  return value;
}

Status TpmChannel::shutdown() {
  Writer body;
  body.u16be(0);  // TPM_SU_CLEAR
  REDOUBT_TRY(const Bytes ignored, transmit(command(kNoSessions, kCommandShutdown, body), "shutting the TPM down"));
  return {};
}

}  // namespace redoubt::launch
