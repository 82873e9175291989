// ObjectStore: blobs in a directory, written whole or not at all.
//
// Objects are ciphertext; their names are ids or digests that cannot leave the directory. An object is written to a temporary
// file, synced, renamed and its directory synced, and only then acknowledged; it never changes afterwards. What a crash leaves
// in the temporary folder is swept when the store is opened. Uploads come in numbered parts, which join() turns into one object.
// One process owns the directory, which a lock makes sure of. Thread-safe; each writer and reader is used by one thread.
//
//   DIR/objects/NAME           whole objects
//   DIR/parts/NAME.NUMBER      parts of uploads under way
//   DIR/incoming/RANDOM        being written
#pragma once

#include <atomic>
#include <filesystem>
#include <set>

#include "common/crypto/digest.h"
#include "untrusted/hub/store/store.h"

namespace redoubt::hub {

// One open file descriptor.
class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept;
  ~File();
  int get() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// ObjectName: 1 to 128 of [A-Za-z0-9_-]. No dot, no slash: it names one file in one folder.
class ObjectName {
 public:
  static Result<ObjectName> parse(std::string_view name);
  const std::string& text() const { return text_; }
  friend auto operator<=>(const ObjectName&, const ObjectName&) = default;

 private:
  explicit ObjectName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

struct ObjectInfo {
  std::uint64_t size = 0;  // bytes
  crypto::Sha256Digest sha256;
  friend bool operator==(const ObjectInfo&, const ObjectInfo&) = default;
};

class ObjectReader {
 public:
  std::uint64_t size() const { return size_; }
  // read gives up to `out.size()` bytes from `offset`; 0 at the end. `unavailable` on an I/O error.
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  friend class ObjectStore;
  ObjectReader(File file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  File file_;
  std::uint64_t size_;
};

class ObjectStore {
 public:
  struct Options {
    std::uint64_t max_object_size = std::uint64_t{64} << 30;  // bytes
    std::uint64_t max_part_size = std::uint64_t{64} << 20;
    FaultPoint fault = [](std::string_view) {};
  };

  // open creates the folders (mode 0700) and sweeps `incoming`. `unavailable` when it cannot, or another process has the
  // directory open.
  static Result<std::unique_ptr<ObjectStore>> open(const std::filesystem::path& path, Options options);

  // Writer: bytes on their way to becoming an object or a part. Without commit() nothing of it stays.
  class Writer {
   public:
    Writer(Writer&&) noexcept = default;
    Writer& operator=(Writer&&) = delete;
    ~Writer();
    // append: `refused` above the size limit, `unavailable` when the disk is full. After an error only destruction is left.
    Status append(ByteView bytes);
    // commit: durable when ok. `binding` when `expected` is given and differs; `refused` when an object of that name exists
    // (a part replaces the earlier one). Fault points, in order: "object:written", "object:synced", "object:renamed",
    // "object:durable".
    Result<ObjectInfo> commit(const std::optional<ObjectInfo>& expected = std::nullopt);

   private:
    friend class ObjectStore;
    Writer(ObjectStore& store, File file, std::string temporary, int folder, std::string name, bool replace, std::uint64_t limit)
        : store_(&store), file_(std::move(file)), temporary_(std::move(temporary)), folder_(folder), name_(std::move(name)),
          replace_(replace), limit_(limit) {}
    ObjectStore* store_;
    File file_;
    std::string temporary_;  // empty once it was renamed, or moved from
    int folder_;
    std::string name_;
    bool replace_;
    std::uint64_t limit_;
    std::uint64_t size_ = 0;
    crypto::Sha256 digest_;
    bool failed_ = false;
  };

  // The store must outlive its writers.
  Result<Writer> write(const ObjectName& name);
  Result<Writer> write_part(const ObjectName& name, std::uint64_t part);

  // read: `not_found` when there is no such object.
  Result<ObjectReader> read(const ObjectName& name) const;
  // remove: an absent object is ok, so that a removal may be repeated. Durable when ok.
  Status remove(const ObjectName& name);
  Result<std::vector<ObjectName>> list() const;

  // join writes parts 0 to count - 1, in order, as one object and then removes them. `not_found` when a part is absent;
  // errors as Writer::commit, and then the parts are still there. When the object exists already with the expected content (a
  // join that was cut off after its rename), it is ok.
  Result<ObjectInfo> join(const ObjectName& name, std::uint64_t count, const std::optional<ObjectInfo>& expected);
  Status remove_parts(const ObjectName& name);

  // sweep removes objects that are not in `keep` and parts of uploads that are not in `uploads`; how many files. Call it at
  // start, before requests are served, with what the database knows.
  Result<std::size_t> sweep(const std::set<ObjectName>& keep, const std::set<ObjectName>& uploads);

 private:
  ObjectStore(File root, File objects, File parts, File incoming, Options options)
      : root_(std::move(root)), objects_(std::move(objects)), parts_(std::move(parts)), incoming_(std::move(incoming)), options_(std::move(options)) {}
  Result<Writer> open_writer(const File& folder, std::string name, bool replace, std::uint64_t limit);
  Result<ObjectInfo> digest_of(const ObjectName& name) const;

  File root_;  // holds the lock
  File objects_;
  File parts_;
  File incoming_;
  const Options options_;
  std::atomic<std::uint64_t> next_temporary_{0};
};

}  // namespace redoubt::hub
