// Strict JSON (RFC 8259, I-JSON of RFC 7493) and its canonical form (RFC 8785, JCS).
//
// The parser distrusts its text: names must be unique, strings valid Unicode, numbers exact or a finite double, depth and
// size bounded, nothing after the value. Whatever Redoubt hashes or signs is *signed JSON*: canonical bytes that hold
// objects, arrays, strings, booleans and integers of magnitude below 2^53 only; parse_signed accepts exactly that, so the
// bytes that were signed, the bytes that are hashed and the bytes that are read are the same. Pure and thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/utf8.h"

namespace redoubt::json {

class Value;

struct Utf16Less {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return utf16_less(a, b); }
};

using Array = std::vector<Value>;
using Object = std::map<std::string, Value, Utf16Less>;

class Value {
 public:
  Value() = default;                                            // null
  Value(bool value) : data_(value) {}                           // NOLINT: literals read as JSON
  Value(std::int64_t value) : data_(value) {}                   // NOLINT
  Value(int value) : data_(std::int64_t{value}) {}              // NOLINT
  Value(double value) : data_(value) {}                         // NOLINT
  Value(std::string value) : data_(std::move(value)) {}         // NOLINT
  Value(std::string_view value) : data_(std::string(value)) {}  // NOLINT
  Value(const char* value) : data_(std::string(value)) {}       // NOLINT
  Value(Array value) : data_(std::move(value)) {}               // NOLINT
  Value(Object value) : data_(std::move(value)) {}              // NOLINT

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  // Each of these returns null when the value is of another kind.
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&data_); }
  const double* real() const { return std::get_if<double>(&data_); }
  const std::string* string() const { return std::get_if<std::string>(&data_); }
  const Array* array() const { return std::get_if<Array>(&data_); }
  const Object* object() const { return std::get_if<Object>(&data_); }

  std::string_view kind() const;

  friend bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> data_;
};

struct Limits {
  std::size_t max_bytes = 1U << 20;
  std::size_t max_depth = 32;
};

// Integers of magnitude below 2^53 without fraction or exponent become integer(), other numbers real().
Result<Value> parse(std::string_view text, const Limits& limits = {});

// parse_signed: canonical bytes of signed JSON, or `malformed`.
Result<Value> parse_signed(std::string_view text, const Limits& limits = {});

// canonical writes RFC 8785. The value must come from parse or hold valid UTF-8 and finite numbers.
std::string canonical(const Value& value);

// Text indented by two spaces, for people; names sorted as in the canonical form.
std::string pretty(const Value& value);

// ObjectReader takes the members of an object one by one. Keys are closed: finish() refuses a member that was not asked
// for, and an absent member is an error unless optional_*() asked. After the first failure every getter gives an empty
// value and finish() tells that failure. Borrows `value`, which must outlive it. `what` names the object in errors.
class ObjectReader {
 public:
  ObjectReader(const Value& value, std::string_view what);

  std::string string(std::string_view key);
  // text with at least one and at most `max` bytes
  std::string nonempty(std::string_view key, std::size_t max);
  bool boolean(std::string_view key);
  std::int64_t integer(std::string_view key, std::int64_t min, std::int64_t max);
  // a 64-bit counter as a decimal string, one spelling
  std::uint64_t counter(std::string_view key);
  // a decimal of base64 or hexadecimal text: bytes
  Bytes base64(std::string_view key, std::size_t max);
  template <class F>
  F hex(std::string_view key) {
    F out;
    const std::string text = string(key);
    if (ok()) take(F::from_hex(text, key), out);
    return out;
  }
  const Array& array(std::string_view key, std::size_t max);
  const Value& object(std::string_view key);
  bool has(std::string_view key) const;

  // expect fails unless the member is exactly this string (a type or a version).
  void expect(std::string_view key, std::string_view value);
  void fail(std::string message, Code code = Code::malformed);

  bool ok() const { return !error_.has_value(); }
  Status finish();

 private:
  template <class T>
  void take(Result<T> result, T& out) {
    if (result.ok()) {
      out = std::move(result).value();
    } else {
      fail(result.error().message(), result.error().code());
    }
  }
  const Value* get(std::string_view key, std::string_view kind);

  std::string what_;
  const Object* object_ = nullptr;
  std::vector<std::string> seen_;
  std::optional<Error> error_;
};

// strings reads an array whose items are all strings, at most `max` of them.
Result<std::vector<std::string>> strings(const Value& value, std::string_view what, std::size_t max);

}  // namespace redoubt::json
