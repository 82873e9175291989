// PCR values beside a quote: as they stand in Evidence (PcrEntries), and as a result keeps them (PcrValues).
//
// They come from the attester: that they are the quoted ones is for M4 (quote.h), of the bytes that stand here. Pure and thread-safe.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "common/attest/evidence/tpm/pcr.h"

namespace redoubt::tpm {

using PcrValue = crypto::Sha256Digest;  // SHA-256 bank

// PcrEntries: of any bank: a u8 index and a value each, one after another; ascending, each index once (RawParts::read). Borrows the bytes.
class PcrEntries {
 public:
  using Entry = std::pair<int, ByteView>;
  class Iterator {
   public:
    Iterator(ByteView rest, std::size_t value_size) : rest_(rest), value_size_(value_size) {}
    Entry operator*() const { return {std::to_integer<int>(rest_.front()), rest_.subspan(1, value_size_)}; }
    Iterator& operator++() {
      rest_ = rest_.subspan(1 + value_size_);
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.rest_.size() == b.rest_.size(); }

   private:
    ByteView rest_;
    std::size_t value_size_;
  };

  PcrEntries() = default;
  // `bytes`: whole entries, of values of that size.
  PcrEntries(ByteView bytes, std::size_t value_size) : bytes_(bytes), value_size_(value_size) {}

  ByteView bytes() const { return bytes_; }
  std::size_t value_size() const { return value_size_; }
  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size() / (1 + value_size_); }
  Iterator begin() const { return {bytes_, value_size_}; }
  Iterator end() const { return {bytes_.last(0), value_size_}; }
  bool contains(int pcr) const;

 private:
  ByteView bytes_;
  std::size_t value_size_ = PcrValue::size;
};

// PcrValues: of the SHA-256 bank, ascending, each index once; in one piece.
class PcrValues {
 public:
  using Entry = std::pair<int, PcrValue>;

  PcrValues() = default;
  explicit PcrValues(const std::map<int, PcrValue>& values) : entries_(values.begin(), values.end()) {}
  // Of entries whose values have the size of that bank; none of others.
  explicit PcrValues(const PcrEntries& entries);

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
  std::vector<Entry>::const_iterator end() const { return entries_.end(); }
  // find: the value of that PCR, or null.
  const PcrValue* find(int pcr) const;

  friend bool operator==(const PcrValues&, const PcrValues&) = default;

 private:
  std::vector<Entry> entries_;
};

}  // namespace redoubt::tpm
