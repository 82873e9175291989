// ShortList: a list that stands where its owner stands as long as it has at most N items, and in the heap beyond that.
//
// For lists that are short in all but hostile or rare cases: what is read on the way to a verdict (selections of PCRs, certificates of a
// document, names of advisories) then asks for no memory, and no length is refused for it. The items are in one piece either way; a list
// that grows moves them, as std::vector does. One that was moved from is empty, or as long as it was. Public values only: items are not wiped.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

namespace redoubt {

template <class T, std::size_t N>
class ShortList {
 public:
  using value_type = T;
  using iterator = T*;
  using const_iterator = const T*;

  ShortList() = default;
  ShortList(std::initializer_list<T> items) { assign(items); }
  explicit ShortList(std::span<const T> items) { assign(items); }

  T* data() { return more_.empty() ? here_.data() : more_.data(); }
  const T* data() const { return more_.empty() ? here_.data() : more_.data(); }
  std::size_t size() const { return more_.empty() ? count_ : more_.size(); }
  bool empty() const { return size() == 0; }
  iterator begin() { return data(); }
  iterator end() { return data() + size(); }
  const_iterator begin() const { return data(); }
  const_iterator end() const { return data() + size(); }
  T& operator[](std::size_t at) { return data()[at]; }
  const T& operator[](std::size_t at) const { return data()[at]; }
  const T& front() const { return *begin(); }
  const T& back() const { return *(end() - 1); }

  void push_back(T item) {
    if (more_.empty() && count_ < N) {
      here_[count_++] = std::move(item);
      return;
    }
    if (more_.empty()) {
      more_.reserve(2 * N);
      std::ranges::move(here_, std::back_inserter(more_));
      count_ = 0;
    }
    more_.push_back(std::move(item));
  }
  template <class... Parts>
  void emplace_back(Parts&&... parts) {
    push_back(T(std::forward<Parts>(parts)...));
  }
  // append: copies of these items, which are not of this list.
  template <class Items>
  void append(const Items& items) {
    if (more_.empty() && items.size() <= N - count_) {
      std::ranges::copy(items, here_.begin() + static_cast<std::ptrdiff_t>(count_));
      count_ += items.size();
      return;
    }
    for (const auto& item : items) push_back(item);
  }
  // assign: copies of these items and no others; they are not of this list.
  template <class Items>
  void assign(const Items& items) {
    clear();
    append(items);
  }
  // truncate: the first `count` items, of at least as many.
  void truncate(std::size_t count) {
    if (more_.empty()) {
      count_ = count;
    } else {
      more_.erase(more_.begin() + static_cast<std::ptrdiff_t>(count), more_.end());
    }
  }
  void clear() {
    more_.clear();
    count_ = 0;
  }

  friend bool operator==(const ShortList& a, const ShortList& b) { return std::ranges::equal(a, b); }
  friend bool operator==(const ShortList& a, const std::vector<T>& b) { return std::ranges::equal(a, b); }

 private:
  std::array<T, N> here_{};
  std::size_t count_ = 0;  // of the items in here_; 0 when they are in more_
  std::vector<T> more_;    // all items, once there were too many for here_
};

// ShortBytes: bytes that a parser bounds to few; a ByteView can be had of them.
template <std::size_t N>
using ShortBytes = ShortList<std::byte, N>;

// drop_if: takes out the items of which `holds` is true.
template <class T, std::size_t N, class Holds>
void drop_if(ShortList<T, N>& list, Holds holds) {
  const T* const rest = std::remove_if(list.begin(), list.end(), std::move(holds));
  list.truncate(static_cast<std::size_t>(rest - list.begin()));
}

}  // namespace redoubt
