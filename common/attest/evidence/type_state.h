// Parsed<T> and Authentic<T>: how far trust in a piece of Evidence has come.
//
// Parsed<T> has the right form and is otherwise somebody's word: it gives no measurements away. Authentic<T> was signed by a
// key that leads to a trust anchor; only the room that authenticates T can make one (T names its friend `Authenticator`).
// Measurements are read from Authentic<T> alone, so that forgetting to authenticate does not compile.
#pragma once

#include <utility>

namespace redoubt::attest {

template <class T>
class Parsed {
 public:
  explicit Parsed(T value) : value_(std::move(value)) {}

 private:
  friend typename T::Authenticator;
  T value_;
};

template <class T>
class Authentic {
 public:
  const T& operator*() const { return value_; }
  const T* operator->() const { return &value_; }
  // take: the value itself, from an Authentic that is no longer needed.
  T take() && { return std::move(value_); }

 private:
  friend typename T::Authenticator;
  explicit Authentic(T value) : value_(std::move(value)) {}
  T value_;
};

}  // namespace redoubt::attest
