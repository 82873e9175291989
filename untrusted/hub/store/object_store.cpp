#include "untrusted/hub/store/object_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>  // renameat2
#include <sys/file.h>  // flock
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace redoubt::hub {
namespace {

constexpr std::size_t kCopySize = 256 * 1024;  // bytes moved at once by join

// The errno of the call before decides between "no room" and other I/O errors; both may pass.
Error io_error(std::string_view doing) {
  const int number = errno;
  return Error(Code::unavailable, std::string(doing) + ": " + std::strerror(number));
}

Result<File> open_folder(int parent, const char* name) {
  if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST) return io_error("making folder");
  File folder(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.get() < 0) return io_error("opening folder");
  return folder;
}

Result<std::vector<std::string>> names_in(const File& folder) {
  // A descriptor of its own: closedir closes it, and reading starts at the beginning.
  const int copy = openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const directory = copy < 0 ? nullptr : fdopendir(copy);
  if (directory == nullptr) {
    Error error = io_error("listing folder");
    if (copy >= 0) close(copy);
    return error;
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  const int failed = errno;
  closedir(directory);
  if (failed != 0) return Error(Code::unavailable, "listing folder: " + std::string(std::strerror(failed)));
  return names;
}

Status sync(const File& file, std::string_view what) {
  if (fsync(file.get()) != 0) return io_error(what);
  return {};
}

std::string part_name(const ObjectName& name, std::uint64_t part) { return name.text() + "." + std::to_string(part); }

// rename_new renames unless the target exists: `refused` then.
Status rename_new(int from_folder, const std::string& from, int to_folder, const std::string& to) {
  if (renameat2(from_folder, from.c_str(), to_folder, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno == EINVAL || errno == ENOSYS) {  // a file system without RENAME_NOREPLACE: a hard link never replaces either
    if (linkat(from_folder, from.c_str(), to_folder, to.c_str(), 0) == 0) {
      unlinkat(from_folder, from.c_str(), 0);
      return {};
    }
  }
  if (errno == EEXIST) return Error(Code::refused, "object " + to + ": already exists");
  return io_error("renaming object");
}

Result<ObjectReader> no_object(std::string_view name) { return Error(Code::not_found, "object " + std::string(name) + " does not exist"); }

}  // namespace

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<ObjectName> ObjectName::parse(std::string_view name) {
  const bool valid = !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (!valid) return Error(Code::malformed, "object name: expected 1 to 128 of [A-Za-z0-9_-]");
  return ObjectName(std::string(name));
}

Result<std::size_t> ObjectReader::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset >= size_) return std::size_t{0};
  for (;;) {
    const ssize_t count = pread(file_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return io_error("reading object");
  }
}

Result<std::unique_ptr<ObjectStore>> ObjectStore::open(const std::filesystem::path& path, Options options) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return io_error("making object store " + path.string());
  File root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0) return io_error("opening object store " + path.string());
  if (flock(root.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error(Code::unavailable, "opening object store " + path.string() + ": another process uses it");
  }
  REDOUBT_TRY(File objects, open_folder(root.get(), "objects"));
  REDOUBT_TRY(File parts, open_folder(root.get(), "parts"));
  REDOUBT_TRY(File incoming, open_folder(root.get(), "incoming"));
  REDOUBT_CHECK(sync(root, "syncing object store"));
  REDOUBT_TRY(const auto leftovers, names_in(incoming));
  for (const std::string& name : leftovers) unlinkat(incoming.get(), name.c_str(), 0);
  return std::unique_ptr<ObjectStore>(new ObjectStore(std::move(root), std::move(objects), std::move(parts), std::move(incoming), std::move(options)));
}

Result<ObjectStore::Writer> ObjectStore::open_writer(const File& folder, std::string name, bool replace, std::uint64_t limit) {
  // `incoming` was empty when the store was opened and only this process writes there, so a counter never meets another file.
  std::string temporary = std::to_string(next_temporary_++);
  File file(openat(incoming_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return io_error("making object");
  return Writer(*this, std::move(file), std::move(temporary), folder.get(), std::move(name), replace, limit);
}

Result<ObjectStore::Writer> ObjectStore::write(const ObjectName& name) {
  return open_writer(objects_, name.text(), false, options_.max_object_size);
}

Result<ObjectStore::Writer> ObjectStore::write_part(const ObjectName& name, std::uint64_t part) {
  return open_writer(parts_, part_name(name, part), true, options_.max_part_size);
}

ObjectStore::Writer::~Writer() {
  if (!temporary_.empty() && file_.get() >= 0) unlinkat(store_->incoming_.get(), temporary_.c_str(), 0);
}

Status ObjectStore::Writer::append(ByteView bytes) {
  if (failed_) return Error(Code::usage, "writing object: it has failed before");
  if (bytes.size() > limit_ - size_) {
    failed_ = true;
    return Error(Code::refused, "object: above the limit of " + std::to_string(limit_) + " bytes");
  }
  digest_.update(bytes);
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      failed_ = true;
      return io_error("writing object");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<ObjectInfo> ObjectStore::Writer::commit(const std::optional<ObjectInfo>& expected) {
  if (failed_) return Error(Code::usage, "writing object: it has failed before");
  failed_ = true;  // until all is done: a writer commits once
  const FaultPoint& fault = store_->options_.fault;
  const ObjectInfo info{size_, digest_.finish()};
  if (expected && *expected != info) {
    return Error(Code::binding, "object: expected " + std::to_string(expected->size) + " bytes with SHA-256 " +
                                    expected->sha256.hex() + ", found " + std::to_string(info.size) + " with " + info.sha256.hex());
  }
  fault("object:written");
  REDOUBT_CHECK(sync(file_, "syncing object"));
  fault("object:synced");
  const int incoming = store_->incoming_.get();
  if (replace_) {
    if (renameat(incoming, temporary_.c_str(), folder_, name_.c_str()) != 0) return io_error("renaming object");
  } else {
    REDOUBT_CHECK(rename_new(incoming, temporary_, folder_, name_));
  }
  temporary_.clear();
  fault("object:renamed");
  if (fsync(folder_) != 0) return io_error("syncing folder");
  fault("object:durable");
  return info;
}

Result<ObjectReader> ObjectStore::read(const ObjectName& name) const {
  File file(openat(objects_.get(), name.text().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (file.get() < 0) return errno == ENOENT ? no_object(name.text()) : io_error("opening object");
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return io_error("opening object");
  if (!S_ISREG(status.st_mode)) return no_object(name.text());
  return ObjectReader(std::move(file), static_cast<std::uint64_t>(status.st_size));
}

Status ObjectStore::remove(const ObjectName& name) {
  if (unlinkat(objects_.get(), name.text().c_str(), 0) != 0 && errno != ENOENT) return io_error("removing object");
  return sync(objects_, "syncing folder");
}

Result<std::vector<ObjectName>> ObjectStore::list() const {
  REDOUBT_TRY(const auto names, names_in(objects_));
  std::vector<ObjectName> out;
  for (const std::string& name : names) {
    if (auto parsed = ObjectName::parse(name); parsed.ok()) out.push_back(std::move(parsed).value());
  }
  std::ranges::sort(out);
  return out;
}

Result<ObjectInfo> ObjectStore::digest_of(const ObjectName& name) const {
  REDOUBT_TRY(const ObjectReader reader, read(name));
  crypto::Sha256 digest;
  Bytes buffer(kCopySize);
  std::uint64_t offset = 0;
  for (;;) {
    REDOUBT_TRY(const std::size_t count, reader.read(offset, buffer));
    if (count == 0) break;
    digest.update(ByteView(buffer).first(count));
    offset += count;
  }
  return ObjectInfo{offset, digest.finish()};
}

Result<ObjectInfo> ObjectStore::join(const ObjectName& name, std::uint64_t count, const std::optional<ObjectInfo>& expected) {
  if (expected && read(name).ok()) {
    REDOUBT_TRY(const ObjectInfo present, digest_of(name));
    if (present != *expected) return Error(Code::refused, "object " + name.text() + ": already exists");
    REDOUBT_CHECK(sync(objects_, "syncing folder"));
    REDOUBT_CHECK(remove_parts(name));
    return present;
  }
  REDOUBT_TRY(Writer writer, write(name));
  Bytes buffer(kCopySize);
  for (std::uint64_t part = 0; part < count; ++part) {
    const std::string file_name = part_name(name, part);
    const File file(openat(parts_.get(), file_name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (file.get() < 0) {
      if (errno == ENOENT) return Error(Code::not_found, "part " + file_name + " does not exist");
      return io_error("opening part");
    }
    for (;;) {
      const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return io_error("reading part");
      if (size == 0) break;
      REDOUBT_CHECK(writer.append(ByteView(buffer).first(static_cast<std::size_t>(size))));
    }
  }
  REDOUBT_TRY(const ObjectInfo info, writer.commit(expected));
  REDOUBT_CHECK(remove_parts(name));
  return info;
}

Status ObjectStore::remove_parts(const ObjectName& name) {
  REDOUBT_TRY(const auto names, names_in(parts_));
  const std::string prefix = name.text() + ".";
  for (const std::string& part : names) {
    if (part.starts_with(prefix) && unlinkat(parts_.get(), part.c_str(), 0) != 0 && errno != ENOENT) return io_error("removing part");
  }
  return sync(parts_, "syncing folder");
}

Result<std::size_t> ObjectStore::sweep(const std::set<ObjectName>& keep, const std::set<ObjectName>& uploads) {
  std::size_t removed = 0;
  const auto remove_from = [&removed](const File& folder, const std::string& name) -> Status {
    if (unlinkat(folder.get(), name.c_str(), 0) != 0) return io_error("sweeping");
    ++removed;
    return {};
  };
  REDOUBT_TRY(const auto objects, names_in(objects_));
  for (const std::string& name : objects) {
    const auto parsed = ObjectName::parse(name);
    if (!parsed.ok() || !keep.contains(*parsed)) REDOUBT_CHECK(remove_from(objects_, name));
  }
  REDOUBT_TRY(const auto parts, names_in(parts_));
  for (const std::string& name : parts) {
    const auto parsed = ObjectName::parse(name.substr(0, name.find('.')));
    if (!parsed.ok() || !uploads.contains(*parsed)) REDOUBT_CHECK(remove_from(parts_, name));
  }
  REDOUBT_CHECK(sync(objects_, "syncing folder"));
  REDOUBT_CHECK(sync(parts_, "syncing folder"));
  return removed;
}

}  // namespace redoubt::hub
