#include "engines/process/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace redoubt::engines {
namespace {

constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
constexpr char kMark = 'f';  // a message needs a byte

Error malformed(std::string_view what) { return Error(Code::malformed, "files of a request: " + std::string(what)); }

// control buffer for all descriptors, aligned as control messages are.
struct Control {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxFiles)> bytes{};
};

Result<ByteView> map(int file) {
  struct stat found {};
  const int seals = fcntl(file, F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) return malformed("expected memory that is sealed");
  if (fstat(file, &found) != 0) return Error(Code::unavailable, "files of a request: no size");
  const auto size = static_cast<std::size_t>(found.st_size);
  if (size == 0) return ByteView();
  // Private: kernels before 6.7 share no memory that is sealed, not even for reading.
  const void* const memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  if (memory == MAP_FAILED) return Error(Code::unavailable, "files of a request: cannot be mapped");
  return ByteView(static_cast<const std::byte*>(memory), size);
}

}  // namespace

Status send_files(int socket, std::span<const int> files) {
  if (files.size() > kMaxFiles) return Error(Code::usage, "files of a request: expected at most " + std::to_string(kMaxFiles));
  char mark = kMark;
  iovec part{&mark, 1};
  Control control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!files.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(files.size_bytes());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(files.size_bytes());
    std::memcpy(CMSG_DATA(header), files.data(), files.size_bytes());
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == 1 ? Status() : Status(Error(Code::unavailable, "files of a request: cannot be sent"));
}

Result<std::vector<ByteView>> receive_files(int socket) {
  char mark = 0;
  iovec part{&mark, 1};
  Control control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  ssize_t received = 0;
  do {
    received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received != 1 || mark != kMark) return malformed("expected the message before a request");
  std::vector<int> files;
  bool other = (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      other = true;
      continue;
    }
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const std::size_t before = files.size();
    files.resize(before + count);
    std::memcpy(files.data() + before, CMSG_DATA(header), count * sizeof(int));
  }
  Result<std::vector<ByteView>> out = std::vector<ByteView>();
  if (other || files.size() > kMaxFiles) out = malformed("expected at most " + std::to_string(kMaxFiles));
  for (const int file : files) {
    if (out.ok()) {
      auto mapped = map(file);
      if (mapped.ok()) {
        out->push_back(*mapped);
      } else {
        out = mapped.error();
      }
    }
    close(file);
  }
  return out;
}

}  // namespace redoubt::engines
