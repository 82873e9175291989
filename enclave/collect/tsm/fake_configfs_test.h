// FakeConfigfs: configfs-tsm as the kernel behaves (drivers/virt/coco/guest/report.c): one generation an entry, advanced by every write;
// `inblob` is taken when it is whole, and judged when `outblob` is read; entries need a provider.
#pragma once

#include <functional>

#include "enclave/collect/base/fake_files_test.h"

namespace redoubt::collect {

class FakeConfigfs final : public FakeFiles {
 public:
  struct Entry {
    std::uint64_t generation = 0;
    Bytes inblob;
    unsigned level = 0;
  };

  explicit FakeConfigfs(std::string provider_name) : provider(std::move(provider_name)) {}

  std::string root = "/tsm/report";
  bool present = true;   // the kernel has the interface
  std::string provider;  // empty: no driver behind it
  std::function<Bytes(ByteView inblob, unsigned level)> device;
  Bytes auxblob;
  bool has_auxblob = true;
  unsigned floor = 0;
  std::uint64_t first_generation = 0;
  int foreign_writes = 0;   // so many reports are disturbed by somebody's write
  bool loses_inblob = false;  // the kernel refuses what was written when the file is closed, and nobody hears of it
  int taken_names = 0;      // so many mkdir find the name taken
  std::optional<std::string> generation_text;
  std::map<std::string, Entry> entries;
  int made = 0;
  Bytes last_inblob;
  std::function<void()> while_reporting;

 private:
  int exists(const std::string& path) override {
    const std::string name = last_part(path);
    if (entry(path) == nullptr) return ENOENT;
    const bool snp = provider == "sev_guest";
    if (name == "provider" || name == "generation" || name == "inblob" || name == "outblob") return 0;
    if (name == "auxblob" && snp && has_auxblob) return 0;
    return name == "privlevel" && snp ? 0 : ENOENT;
  }
  int fill(const std::string& path, Bytes& out) override {
    Entry& one = *entry(path);
    const std::string name = last_part(path);
    if (name == "provider") out = to_bytes(provider + "\n");
    if (name == "generation") out = to_bytes(generation_text.value_or(std::to_string(one.generation)) + "\n");
    if (name == "inblob" || name == "privlevel") return EACCES;
    if (name == "outblob" || name == "auxblob") {
      if (one.inblob.size() != 64) return EINVAL;
      out = name == "outblob" ? device(one.inblob, one.level) : auxblob;
      if (name == "outblob" && while_reporting) while_reporting();
      if (name == "outblob" && foreign_writes > 0) {
        --foreign_writes;
        ++one.generation;
      }
    }
    return 0;
  }
  int store(const std::string& path, ByteView bytes) override {
    Entry& one = *entry(path);
    const std::string name = last_part(path);
    if (name == "inblob") {
      if (bytes.size() > 64) return EFBIG;
      if (loses_inblob) return 0;
      one.inblob = last_inblob = to_bytes(bytes);
    } else if (name == "privlevel") {
      const unsigned level = static_cast<unsigned>(std::stoul(std::string(as_text(bytes))));
      if (level < floor || level > 3) return EINVAL;
      one.level = level;
    } else {
      return EACCES;
    }
    ++one.generation;
    return 0;
  }
  int make(const std::string& path) override {
    if (!present || path.substr(0, path.rfind('/')) != root) return ENOENT;
    if (provider.empty()) return ENXIO;
    if (taken_names > 0) {
      --taken_names;
      return EEXIST;
    }
    ++made;
    return entries.try_emplace(path, Entry{first_generation, {}, 0}).second ? 0 : EEXIST;
  }
  int remove(const std::string& path) override { return entries.erase(path) == 1 ? 0 : ENOENT; }

  Entry* entry(const std::string& path) {
    const auto found = entries.find(path.substr(0, path.rfind('/')));
    return found == entries.end() ? nullptr : &found->second;
  }
};

}  // namespace redoubt::collect
