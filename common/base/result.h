// Result<T>: a value or an Error, never both, never neither.
//
// Reading the value of a failed Result is a bug of ours and ends the process; it is never undefined behaviour.
// REDOUBT_TRY(auto x, call()) gives the value or returns the error to the caller; REDOUBT_CHECK(call()) does the same
// for Result<void>.
#pragma once

#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "common/base/error.h"

namespace redoubt {

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}           // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}       // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return *require(std::get_if<0>(&state_)); }
  const T& value() const& { return *require(std::get_if<0>(&state_)); }
  T&& value() && { return std::move(*require(std::get_if<0>(&state_))); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return *require(std::get_if<1>(&state_)); }

  // context adds "<doing>: " to the error, if there is one.
  Result context(std::string_view doing) && {
    if (ok()) return std::move(*this);
    return error().context(doing);
  }

 private:
  template <class P>
  static P* require(P* pointer) {
    if (pointer == nullptr) std::abort();
    return pointer;
  }

  std::variant<T, Error> state_;
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
