// Remembered: what was found once, by key, for many threads: looking it up takes no lock and waits for nobody.
//
// A table that only grows, up to a bound: entries are never changed and never taken out before the table goes, so that what find() gives
// may be held as long as the table lives. Each bucket is a list whose head is exchanged atomically; two threads that find out the same
// thing at once both keep it, which costs a place and changes nothing. A full table remembers no more: memory saves time and changes no
// result, so that nothing depends on it. Keys and values are the caller's own, never a secret.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

namespace redoubt::appraise {

template <class Key, class Value>
class Remembered {
 public:
  // At most `bound` entries.
  explicit Remembered(std::size_t bound) : bound_(bound) {}
  ~Remembered() {
    for (std::atomic<const Entry*>& head : buckets_) {
      for (const Entry* entry = head.load(std::memory_order_relaxed); entry != nullptr;) {
        const Entry* const next = entry->next;
        delete entry;
        entry = next;
      }
    }
  }
  Remembered(const Remembered&) = delete;
  Remembered& operator=(const Remembered&) = delete;

  // find: the latest value that was kept with this key and for which `fits` holds, or null. `hash` is any function of the key alone.
  template <class Fits>
  const Value* find(const Key& key, std::size_t hash, const Fits& fits) const {
    for (const Entry* entry = bucket(hash).load(std::memory_order_acquire); entry != nullptr; entry = entry->next) {
      if (entry->key == key && fits(entry->value)) return &entry->value;
    }
    return nullptr;
  }
  const Value* find(const Key& key, std::size_t hash) const {
    return find(key, hash, [](const Value&) { return true; });
  }

  // keep: unless the table is full.
  void keep(const Key& key, std::size_t hash, const Value& value) {
    if (count_.fetch_add(1, std::memory_order_relaxed) >= bound_) {
      count_.fetch_sub(1, std::memory_order_relaxed);
      return;
    }
    std::atomic<const Entry*>& head = bucket(hash);
    Entry* const entry = new Entry{key, value, head.load(std::memory_order_relaxed)};
    while (!head.compare_exchange_weak(entry->next, entry, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }

 private:
  struct Entry {
    Key key;
    Value value;
    const Entry* next;
  };
  static constexpr std::size_t kBuckets = 256;

  std::atomic<const Entry*>& bucket(std::size_t hash) { return buckets_[hash % kBuckets]; }
  const std::atomic<const Entry*>& bucket(std::size_t hash) const { return buckets_[hash % kBuckets]; }

  const std::size_t bound_;
  std::atomic<std::size_t> count_ = 0;
  std::array<std::atomic<const Entry*>, kBuckets> buckets_{};
};

// hash_of_digest: the first bytes of a digest, which are as good as any.
template <class Digest>
std::size_t hash_of_digest(const Digest& digest) {
  return std::to_integer<std::size_t>(digest.view()[0]) | std::to_integer<std::size_t>(digest.view()[1]) << 8U;
}

}  // namespace redoubt::appraise
