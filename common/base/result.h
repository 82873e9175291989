// Result<T>: a value or an Error, never both, never neither.
//
// Reading the value of a failed Result is a bug of ours and ends the process; it is never undefined behaviour.
// REDOUBT_TRY(auto x, call()) gives the value or returns the error to the caller; REDOUBT_CHECK(call()) does the same
// for Result<void>.
#pragma once

#include <cstdlib>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/base/error.h"

namespace redoubt {

// The union is written out, since nearly every file has its own Results: std::variant took a quarter of the time to compile a test.
// A move of T that throws ends the process.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : ok_(true), value_(std::move(value)) {}       // NOLINT: implicit by design
  Result(Error error) : ok_(false), error_(std::move(error)) {}  // NOLINT: implicit by design
  Result(const Result& other)
    requires std::is_copy_constructible_v<T>
      : ok_(other.ok_) {
    take(other);
  }
  Result(Result&& other) noexcept : ok_(other.ok_) { take(std::move(other)); }
  Result& operator=(const Result& other)
    requires std::is_copy_constructible_v<T>
  {
    return *this = Result(other);
  }
  Result& operator=(Result&& other) noexcept {
    if (this != &other) {
      drop();
      ok_ = other.ok_;
      take(std::move(other));
    }
    return *this;
  }
  ~Result() { drop(); }

  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }

  T& value() & {
    require(ok_);
    return value_;
  }
  const T& value() const& {
    require(ok_);
    return value_;
  }
  T&& value() && {
    require(ok_);
    return std::move(value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    require(!ok_);
    return error_;
  }

  // context adds "<doing>: " to the error, if there is one.
  Result context(std::string_view doing) && {
    if (ok_) return std::move(*this);
    return error_.context(doing);
  }

 private:
  static void require(bool held) {
    if (!held) std::abort();
  }

  // take makes the member that ok_ says, from the same member of another.
  template <class Other>
  void take(Other&& other) {
    if (ok_) {
      ::new (static_cast<void*>(&value_)) T(std::forward<Other>(other).value_);
    } else {
      ::new (static_cast<void*>(&error_)) Error(std::forward<Other>(other).error_);
    }
  }

  void drop() {
    if (ok_) {
      value_.~T();
    } else {
      error_.~Error();
    }
  }

  bool ok_;
  union {
    T value_;
    Error error_;
  };
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const {
    if (error_) std::abort();
  }
  const Error& error() const {
    if (!error_) std::abort();
    return *error_;
  }
  Result context(std::string_view doing) && {
    if (ok()) return {};
    return error_->context(doing);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace redoubt

#define REDOUBT_CONCAT_(a, b) a##b
#define REDOUBT_CONCAT(a, b) REDOUBT_CONCAT_(a, b)
#define REDOUBT_TRY_(tmp, declaration, ...)        \
  auto tmp = (__VA_ARGS__);                        \
  if (!tmp.ok()) return ::redoubt::Error(tmp.error()); \
  declaration = std::move(tmp).value()
// REDOUBT_TRY(declaration, expression): declares the value of a Result or returns its error. The counter, not the line, keeps
// names apart when an expression holds a function that uses these macros itself.
#define REDOUBT_TRY(declaration, ...) REDOUBT_TRY_(REDOUBT_CONCAT(redoubt_try_, __COUNTER__), declaration, __VA_ARGS__)
// REDOUBT_CHECK(expression): returns the error of a Result<void>, if any.
#define REDOUBT_CHECK_(tmp, ...)                                            \
  do {                                                                      \
    if (auto tmp = (__VA_ARGS__); !tmp.ok()) return ::redoubt::Error(tmp.error()); \
  } while (false)
#define REDOUBT_CHECK(...) REDOUBT_CHECK_(REDOUBT_CONCAT(redoubt_status_, __COUNTER__), __VA_ARGS__)
