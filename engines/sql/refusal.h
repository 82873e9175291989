// Refusal: why a query is not accepted, told in the rules' own names. Static: it depends on the text and the schema, never
// on the data, so it may be shown to whoever wrote the text.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <variant>

namespace redoubt::sql {

struct Refusal {
  std::string rule;        // G1..G6, S1..S14, A1..A4
  std::string message;     // lower case, no full stop
  std::size_t offset = 0;  // bytes from the start of the text
  std::string suggestion;  // a rewrite that would be accepted, or empty
};

inline Refusal refuse(const char* rule, std::string message, std::size_t offset = 0, std::string suggestion = {}) {
  return Refusal{rule, std::move(message), offset, std::move(suggestion)};
}

// Checked<T>: a value or a Refusal. REDOUBT_ALLOW(declaration, expression) is to it what REDOUBT_TRY is to Result.
template <class T>
class [[nodiscard]] Checked {
 public:
  Checked(T value) : state_(std::in_place_index<0>, std::move(value)) {}          // NOLINT: implicit by design
  Checked(Refusal refusal) : state_(std::in_place_index<1>, std::move(refusal)) {}  // NOLINT: implicit by design
  bool ok() const { return state_.index() == 0; }
  T& value() { return std::get<0>(state_); }
  Refusal& refusal() { return std::get<1>(state_); }

 private:
  std::variant<T, Refusal> state_;
};

using Allowed = Checked<std::monostate>;

}  // namespace redoubt::sql

#define REDOUBT_ALLOW_CONCAT_(a, b) a##b
#define REDOUBT_ALLOW_CONCAT(a, b) REDOUBT_ALLOW_CONCAT_(a, b)
#define REDOUBT_ALLOW_(tmp, declaration, ...)  \
  auto tmp = (__VA_ARGS__);                    \
  if (!tmp.ok()) return std::move(tmp.refusal()); \
  declaration = std::move(tmp.value())
#define REDOUBT_ALLOW(declaration, ...) \
  REDOUBT_ALLOW_(REDOUBT_ALLOW_CONCAT(redoubt_allow_, __LINE__), declaration, __VA_ARGS__)
#define REDOUBT_ALLOW_ALL(...)                                                              \
  do {                                                                                      \
    if (auto redoubt_allowed_ = (__VA_ARGS__); !redoubt_allowed_.ok())                        \
      return std::move(redoubt_allowed_.refusal());                                         \
  } while (false)
