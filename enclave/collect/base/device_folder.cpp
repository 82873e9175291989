#include "enclave/collect/base/device_folder.h"

#include <cerrno>
#include <charconv>
#include <cstring>

namespace redoubt::collect {
namespace {

using Answer = FileCalls::Answer;
using Mode = FileCalls::Mode;

Code code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENXIO:
    case ENODEV: return Code::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
    case EINVAL:
    case EEXIST:
    case EISDIR:
    case EFBIG:
    case ELOOP:
    case ENOTTY:
    case EOPNOTSUPP: return Code::refused;
    default: return Code::unavailable;
  }
}

Error failure(const std::string& path, const std::string& expected, int error) {
  const char* name = strerrorname_np(error);
  const char* text = strerrordesc_np(error);
  return Error(code_of(error), path + ": expected " + expected + ", found " + (name == nullptr ? "errno " + std::to_string(error) : name) +
                                   (text == nullptr ? "" : " (" + std::string(text) + ")"));
}

// repeated: the call, again when it was broken off. EAGAIN is what configfs-tsm says when a report is about to be made anew.
Answer repeated(const auto& call) {
  Answer answer = call();
  for (int i = 0; i < DeviceFolder::kRepeats && (answer.error == EINTR || answer.error == EAGAIN); ++i) answer = call();
  return answer;
}

// OpenFile: closed at the end; close() when the answer matters.
class OpenFile {
 public:
  OpenFile(FileCalls& calls, long file) : calls_(calls), file_(file) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (open_) static_cast<void>(calls_.close(file_));
  }
  long get() const { return file_; }
  // Not repeated: after EINTR the file is closed on Linux.
  Answer close() {
    open_ = false;
    return calls_.close(file_);
  }

 private:
  FileCalls& calls_;
  long file_;
  bool open_ = true;
};

}  // namespace

std::string DeviceFolder::path(std::string_view name) const { return name.empty() ? root_ : root_ + "/" + std::string(name); }

Result<Bytes> DeviceFolder::read(std::string_view name, std::size_t max) const {
  const std::string where = path(name);
  const Answer opened = repeated([&] { return calls_.open(where, Mode::read); });
  if (!opened.ok()) return failure(where, "a file to read", opened.error);
  const OpenFile file(calls_, opened.value);
  Bytes out(max + 1);  // one more, so that a longer file shows
  std::size_t size = 0;
  while (size < out.size()) {
    const std::span<std::byte> room = std::span(out).subspan(size);
    const Answer got = repeated([&] { return calls_.read(file.get(), room); });
    if (!got.ok()) return failure(where, "at most " + std::to_string(max) + " bytes", got.error);
    if (got.value == 0) break;
    if (got.value < 0 || static_cast<std::size_t>(got.value) > room.size()) {
      return Error(Code::malformed, where + ": expected at most " + std::to_string(room.size()) + " bytes by one read, found " + std::to_string(got.value));
    }
    size += static_cast<std::size_t>(got.value);
  }
  if (size > max) return Error(Code::malformed, where + ": expected at most " + std::to_string(max) + " bytes, found more");
  out.resize(size);
  return out;
}

Result<std::string> DeviceFolder::read_text(std::string_view name, std::size_t max) const {
  REDOUBT_TRY(const Bytes bytes, read(name, max));
  std::string text(as_text(bytes));
  if (text.ends_with('\n')) text.pop_back();
  const bool printable = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  if (!printable) return Error(Code::malformed, path(name) + ": expected one line of text, found other characters");
  return text;
}

Result<std::uint64_t> DeviceFolder::read_number(std::string_view name) const {
  REDOUBT_TRY(const std::string text, read_text(name, 21));
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) {
    return Error(Code::malformed, path(name) + ": expected a decimal number, found \"" + text + "\"");
  }
  return value;
}

Status DeviceFolder::write(std::string_view name, ByteView bytes) const {
  const std::string where = path(name);
  const std::string expected = "to write " + std::to_string(bytes.size()) + " bytes";
  const Answer opened = repeated([&] { return calls_.open(where, Mode::write); });
  if (!opened.ok()) return failure(where, "a file to write", opened.error);
  OpenFile file(calls_, opened.value);
  const Answer written = repeated([&] { return calls_.write(file.get(), bytes); });
  if (!written.ok()) return failure(where, expected, written.error);
  if (written.value != static_cast<long>(bytes.size())) {
    return Error(Code::unavailable, where + ": expected " + expected + ", found " + std::to_string(written.value) + " taken");
  }
  if (const Answer closed = file.close(); !closed.ok()) return failure(where, expected, closed.error);
  return {};
}

Result<bool> DeviceFolder::make_folder(std::string_view name) const {
  const std::string where = path(name);
  const Answer made = repeated([&] { return calls_.make_folder(where); });
  if (made.error == EEXIST) return false;
  if (!made.ok()) return failure(where, "to make a folder", made.error);
  return true;
}

Status DeviceFolder::remove_folder(std::string_view name) const {
  const std::string where = path(name);
  const Answer removed = repeated([&] { return calls_.remove_folder(where); });
  if (!removed.ok()) return failure(where, "to remove a folder", removed.error);
  return {};
}

}  // namespace redoubt::collect
