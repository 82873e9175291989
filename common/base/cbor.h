// Strict CBOR (RFC 8949): the deterministic subset that our own programs speak, and a reader for foreign documents.
//
// Refused everywhere: indefinite lengths, integers not in their shortest form, floats, simple values other than false, true
// and null, duplicate map keys, invalid UTF-8, too much depth, trailing bytes. With Order::deterministic map keys must also
// stand in the order of section 4.2.1 (bytewise by their encodings); Order::any is for COSE and other foreign documents. The
// parser distrusts its bytes; the memory it takes is at most a small multiple of them. Pure and thread-safe.
#pragma once

#include <cstdint>
#include <variant>

#include "common/base/bytes.h"

namespace redoubt::cbor {

class Value;
using Array = std::vector<Value>;
using Map = std::vector<std::pair<Value, Value>>;  // in the order of the document

class Value {
 public:
  Value() = default;                                                        // null
  static Value boolean(bool value) { return Value(Data(value)); }
  static Value unsigned_integer(std::uint64_t value) { return Value(Data(Unsigned{value})); }
  // integer: any value; negative ones are encoded as major type 1
  static Value integer(std::int64_t value);
  static Value bytes(ByteView value) { return Value(Data(to_bytes(value))); }
  static Value text(std::string_view value) { return Value(Data(std::string(value))); }
  static Value array(Array value) { return Value(Data(std::move(value))); }
  // map sorts its keys into deterministic order; keys must differ (a bug of ours otherwise, the process ends)
  static Value map(Map value);
  static Value tagged(std::uint64_t tag, Value value);

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  const bool* as_boolean() const { return std::get_if<bool>(&data_); }
  // as_unsigned: a non-negative integer; as_integer: any that fits 64 bits with sign.
  std::optional<std::uint64_t> as_unsigned() const;
  std::optional<std::int64_t> as_integer() const;
  const Bytes* as_bytes() const { return std::get_if<Bytes>(&data_); }
  const std::string* as_text() const { return std::get_if<std::string>(&data_); }
  const Array* as_array() const { return std::get_if<Array>(&data_); }
  const Map* as_map() const { return std::get_if<Map>(&data_); }
  // as_tagged: the content of tag `tag`, or null.
  const Value* as_tagged(std::uint64_t tag) const;

  friend bool operator==(const Value& a, const Value& b);

 private:
  friend class Codec;
  struct Unsigned {
    std::uint64_t value;
    bool operator==(const Unsigned&) const = default;
  };
  struct Negative {  // the integer -1 - value
    std::uint64_t value;
    bool operator==(const Negative&) const = default;
  };
  struct Tagged {
    std::uint64_t tag;
    Array content;  // exactly one value; a vector, since Value is not complete here
    bool operator==(const Tagged& other) const { return tag == other.tag && content == other.content; }
  };
  using Data = std::variant<std::monostate, bool, Unsigned, Negative, Bytes, std::string, Array, Map, Tagged>;
  explicit Value(Data data) : data_(std::move(data)) {}
  Data data_;
};

enum class Order { deterministic, any };

struct Limits {
  std::size_t max_bytes = 1U << 20;
  std::size_t max_depth = 16;
};

Result<Value> parse(ByteView bytes, Order order = Order::deterministic, const Limits& limits = {});
Bytes encode(const Value& value);

// MapReader takes the members of a map with small unsigned keys one by one; keys are closed, as in json::ObjectReader.
class MapReader {
 public:
  MapReader(const Value& value, std::string_view what);

  // bytes and text of at most `max` bytes
  Bytes bytes(std::uint64_t key, std::size_t max);
  std::string text(std::uint64_t key, std::size_t max);
  std::uint64_t number(std::uint64_t key, std::uint64_t max);
  bool boolean(std::uint64_t key);
  const Array& array(std::uint64_t key, std::size_t max);
  template <class F>
  F fixed(std::uint64_t key) {
    F out;
    const Bytes view = bytes(key, F::size);
    if (!ok()) return out;
    auto result = F::from(view, "key " + std::to_string(key));
    if (result.ok()) return result.value();
    fail(result.error().message());
    return out;
  }
  bool has(std::uint64_t key) const;
  // expect fails unless the member is exactly this text.
  void expect(std::uint64_t key, std::string_view value);
  void fail(std::string message, Code code = Code::malformed);
  bool ok() const { return !error_.has_value(); }
  Status finish();

 private:
  const Value* get(std::uint64_t key);

  std::string what_;
  const Map* map_ = nullptr;
  std::vector<std::uint64_t> seen_;
  std::optional<Error> error_;
};

}  // namespace redoubt::cbor
