#include "common/base/cbor.h"

#include <cstdlib>
#include <limits>

#include "common/base/reader.h"
#include "common/base/utf8.h"
#include "common/base/writer.h"

namespace redoubt::cbor {
namespace {

// Major types, RFC 8949 section 3.1.
enum Major : unsigned { kUnsigned = 0, kNegative = 1, kBytes = 2, kText = 3, kArray = 4, kMap = 5, kTag = 6, kSimple = 7 };
constexpr std::uint64_t kFalse = 20;
constexpr std::uint64_t kTrue = 21;
constexpr std::uint64_t kNull = 22;

void write_head(Writer& out, unsigned major, std::uint64_t argument) {
  const auto initial = static_cast<std::uint8_t>(major << 5);
  if (argument < 24) {
    out.u8(static_cast<std::uint8_t>(initial | argument));
  } else if (argument <= 0xFF) {
    out.u8(initial | 24).u8(static_cast<std::uint8_t>(argument));
  } else if (argument <= 0xFFFF) {
    out.u8(initial | 25).u16be(static_cast<std::uint16_t>(argument));
  } else if (argument <= 0xFFFFFFFF) {
    out.u8(initial | 26).u32be(static_cast<std::uint32_t>(argument));
  } else {
    out.u8(initial | 27).u64be(argument);
  }
}

}  // namespace

// Codec is the one place that sees inside Value.
class Codec {
 public:
  Codec(ByteView bytes, Order order, const Limits& limits) : bytes_(bytes), reader_(bytes, "cbor"), order_(order), limits_(limits) {}

  Result<Value> document() {
    if (bytes_.size() > limits_.max_bytes) {
      return Error(Code::malformed, "cbor: " + std::to_string(bytes_.size()) + " bytes, above the limit " +
                                        std::to_string(limits_.max_bytes));
    }
    Value value = this->value(0);
    REDOUBT_CHECK(reader_.finish());
    return value;
  }

  static void write(Writer& out, const Value& value) {
    struct Visitor {
      Writer& out;
      void operator()(std::monostate) const { write_head(out, kSimple, kNull); }
      void operator()(bool b) const { write_head(out, kSimple, b ? kTrue : kFalse); }
      void operator()(const Value::Unsigned& n) const { write_head(out, kUnsigned, n.value); }
      void operator()(const Value::Negative& n) const { write_head(out, kNegative, n.value); }
      void operator()(const Bytes& b) const {
        write_head(out, kBytes, b.size());
        out.bytes(b);
      }
      void operator()(const std::string& s) const {
        write_head(out, kText, s.size());
        out.bytes(as_bytes(s));
      }
      void operator()(const Array& items) const {
        write_head(out, kArray, items.size());
        for (const Value& item : items) write(out, item);
      }
      void operator()(const Map& members) const {
        write_head(out, kMap, members.size());
        for (const auto& [key, member] : members) {
          write(out, key);
          write(out, member);
        }
      }
      void operator()(const Value::Tagged& tagged) const {
        write_head(out, kTag, tagged.tag);
        write(out, tagged.content.front());
      }
    };
    std::visit(Visitor{out}, value.data_);
  }

 private:
  std::uint64_t argument(unsigned info) {
    std::uint64_t least = 0;
    std::uint64_t value = info;
    switch (info) {
      case 24: value = reader_.u8(), least = 24; break;
      case 25: value = reader_.u16be(), least = 0x100; break;
      case 26: value = reader_.u32be(), least = 0x10000; break;
      case 27: value = reader_.u64be(), least = 0x100000000; break;
      default:
        if (info >= 28) reader_.fail("reserved or indefinite length");
        return value;
    }
    if (reader_.ok() && value < least) reader_.fail("integer not in its shortest form");
    return value;
  }

  // count: of items that take at least `least` bytes each, so that a short document cannot ask for much memory.
  std::size_t count(std::uint64_t value, std::size_t least) {
    if (reader_.ok() && value > reader_.remaining() / least) {
      reader_.fail("length " + std::to_string(value) + " is more than the document holds");
    }
    return reader_.ok() ? static_cast<std::size_t>(value) : 0;
  }

  Value value(std::size_t depth) {
    if (depth > limits_.max_depth) {
      reader_.fail("more than " + std::to_string(limits_.max_depth) + " levels");
      return {};
    }
    const unsigned initial = reader_.u8();
    const std::uint64_t head = argument(initial & 31U);
    if (!reader_.ok()) return {};
    switch (initial >> 5) {
      case kUnsigned: return Value::unsigned_integer(head);
      case kNegative: return Value(Value::Data(Value::Negative{head}));
      case kBytes: return Value::bytes(reader_.bytes(count(head, 1)));
      case kText: {
        const std::string_view text = as_text(reader_.bytes(count(head, 1)));
        if (!valid_utf8(text)) reader_.fail("text is not valid UTF-8");
        return Value::text(text);
      }
      case kArray: {
        Array items;
        for (std::size_t left = count(head, 1); left > 0 && reader_.ok(); --left) items.push_back(value(depth + 1));
        return Value::array(std::move(items));
      }
      case kMap: return map(count(head, 2), depth);
      case kTag: {
        Value content = value(depth + 1);
        return Value::tagged(head, std::move(content));
      }
      default:
        if ((initial & 31U) < 24) {
          if (head == kFalse || head == kTrue) return Value::boolean(head == kTrue);
          if (head == kNull) return {};
        }
        reader_.fail("floats and other simple values are not accepted");
        return {};
    }
  }

  Value map(std::size_t count, std::size_t depth) {
    Map members;
    std::vector<ByteView> keys;
    for (; count > 0 && reader_.ok(); --count) {
      const std::size_t start = reader_.offset();
      Value key = value(depth + 1);
      const ByteView encoded = bytes_.subspan(start, reader_.offset() - start);
      if (order_ == Order::deterministic && !keys.empty() && !std::ranges::lexicographical_compare(keys.back(), encoded)) {
        reader_.fail(equal(keys.back(), encoded) ? "duplicate map key" : "map keys not in deterministic order");
      }
      keys.push_back(encoded);
      Value member = value(depth + 1);
      members.emplace_back(std::move(key), std::move(member));
    }
    if (order_ == Order::any && reader_.ok()) {
      std::ranges::sort(keys, [](ByteView a, ByteView b) { return std::ranges::lexicographical_compare(a, b); });
      if (std::ranges::adjacent_find(keys, equal) != keys.end()) reader_.fail("duplicate map key");
    }
    return Value(Value::Data(std::move(members)));
  }

  ByteView bytes_;
  Reader reader_;
  Order order_;
  const Limits& limits_;
};

Value Value::integer(std::int64_t value) {
  if (value >= 0) return unsigned_integer(static_cast<std::uint64_t>(value));
  return Value(Data(Negative{static_cast<std::uint64_t>(-(value + 1))}));
}

Value Value::map(Map value) {
  std::vector<std::pair<Bytes, std::pair<Value, Value>>> sorted;
  for (auto& member : value) {
    Bytes key = encode(member.first);
    sorted.emplace_back(std::move(key), std::move(member));
  }
  std::ranges::sort(sorted, {}, [](const auto& entry) -> const Bytes& { return entry.first; });
  Map members;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && sorted[i].first == sorted[i - 1].first) std::abort();
    members.push_back(std::move(sorted[i].second));
  }
  return Value(Data(std::move(members)));
}

Value Value::tagged(std::uint64_t tag, Value value) {
  Array content;
  content.push_back(std::move(value));
  return Value(Data(Tagged{tag, std::move(content)}));
}

std::optional<std::uint64_t> Value::as_unsigned() const {
  const auto* n = std::get_if<Unsigned>(&data_);
  if (n == nullptr) return std::nullopt;
  return n->value;
}

std::optional<std::int64_t> Value::as_integer() const {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (const auto* n = std::get_if<Unsigned>(&data_); n != nullptr && n->value <= kMax) {
    return static_cast<std::int64_t>(n->value);
  }
  if (const auto* n = std::get_if<Negative>(&data_); n != nullptr && n->value <= kMax) {
    return -1 - static_cast<std::int64_t>(n->value);
  }
  return std::nullopt;
}

const Value* Value::as_tagged(std::uint64_t tag) const {
  const auto* tagged = std::get_if<Tagged>(&data_);
  return tagged != nullptr && tagged->tag == tag ? &tagged->content.front() : nullptr;
}

bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }

Result<Value> parse(ByteView bytes, Order order, const Limits& limits) { return Codec(bytes, order, limits).document(); }

Bytes encode(const Value& value) {
  Writer out;
  Codec::write(out, value);
  return out.take();
}

MapReader::MapReader(const Value& value, std::string_view what) : what_(what), map_(value.as_map()) {
  if (map_ == nullptr) fail("expected a map");
}

void MapReader::fail(std::string message, Code code) {
  if (!error_) error_ = Error(code, what_ + ": " + std::move(message));
}

bool MapReader::has(std::uint64_t key) const {
  return map_ != nullptr && std::ranges::any_of(*map_, [key](const auto& member) { return member.first.as_unsigned() == key; });
}

const Value* MapReader::get(std::uint64_t key) {
  if (error_) return nullptr;
  seen_.push_back(key);
  for (const auto& [name, member] : *map_) {
    if (name.as_unsigned() == key) return &member;
  }
  fail("key " + std::to_string(key) + " is absent");
  return nullptr;
}

Bytes MapReader::bytes(std::uint64_t key, std::size_t max) {
  const Value* value = get(key);
  if (value == nullptr) return {};
  const Bytes* bytes = value->as_bytes();
  if (bytes == nullptr || bytes->size() > max) {
    fail("key " + std::to_string(key) + ": expected at most " + std::to_string(max) + " bytes");
    return {};
  }
  return *bytes;
}

std::string MapReader::text(std::uint64_t key, std::size_t max) {
  const Value* value = get(key);
  if (value == nullptr) return {};
  const std::string* text = value->as_text();
  if (text == nullptr || text->size() > max) {
    fail("key " + std::to_string(key) + ": expected text of at most " + std::to_string(max) + " bytes");
    return {};
  }
  return *text;
}

std::uint64_t MapReader::number(std::uint64_t key, std::uint64_t max) {
  const Value* value = get(key);
  if (value == nullptr) return 0;
  const auto number = value->as_unsigned();
  if (!number || *number > max) {
    fail("key " + std::to_string(key) + ": expected an integer from 0 to " + std::to_string(max));
    return 0;
  }
  return *number;
}

bool MapReader::boolean(std::uint64_t key) {
  const Value* value = get(key);
  if (value == nullptr) return false;
  if (value->as_boolean() == nullptr) {
    fail("key " + std::to_string(key) + ": expected a boolean");
    return false;
  }
  return *value->as_boolean();
}

const Array& MapReader::array(std::uint64_t key, std::size_t max) {
  static const Array kNone;
  const Value* value = get(key);
  if (value == nullptr) return kNone;
  if (value->as_array() == nullptr || value->as_array()->size() > max) {
    fail("key " + std::to_string(key) + ": expected an array of at most " + std::to_string(max) + " items");
    return kNone;
  }
  return *value->as_array();
}

void MapReader::expect(std::uint64_t key, std::string_view expected) {
  const std::string found = text(key, 256);
  if (ok() && found != expected) {
    fail("key " + std::to_string(key) + ": expected \"" + std::string(expected) + "\", found \"" + found + "\"");
  }
}

Status MapReader::finish() {
  if (!error_) {
    for (const auto& [name, member] : *map_) {
      const auto key = name.as_unsigned();
      if (!key || std::ranges::find(seen_, *key) == seen_.end()) {
        fail(key ? "unknown key " + std::to_string(*key) : "unknown key that is not an unsigned integer");
        break;
      }
    }
  }
  if (error_) return *error_;
  return {};
}

}  // namespace redoubt::cbor
