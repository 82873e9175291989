#include <charconv>

#include "common/base/json.h"

namespace redoubt::json {
namespace {

const Array kNoItems;
const Value kNothing;

}  // namespace

ObjectReader::ObjectReader(const Value& value, std::string_view what) : what_(what), object_(value.object()) {
  if (object_ == nullptr) fail("expected an object, found " + std::string(value.kind()));
}

void ObjectReader::fail(std::string message, Code code) {
  if (!error_) error_ = Error(code, what_ + ": " + std::move(message));
}

bool ObjectReader::has(std::string_view key) const { return object_ != nullptr && object_->contains(key); }

const Value* ObjectReader::get(std::string_view key, std::string_view kind) {
  if (error_) return nullptr;
  seen_.emplace_back(key);
  const auto found = object_->find(key);
  if (found == object_->end()) {
    fail("member \"" + std::string(key) + "\" is absent");
    return nullptr;
  }
  if (found->second.kind() != kind) {
    fail("member \"" + std::string(key) + "\": expected " + std::string(kind) + ", found " +
         std::string(found->second.kind()));
    return nullptr;
  }
  return &found->second;
}

std::string ObjectReader::string(std::string_view key) {
  const Value* value = get(key, "string");
  return value == nullptr ? std::string() : *value->string();
}

std::string ObjectReader::nonempty(std::string_view key, std::size_t max) {
  std::string text = string(key);
  if (ok() && (text.empty() || text.size() > max)) {
    fail("member \"" + std::string(key) + "\": expected 1 to " + std::to_string(max) + " bytes, found " +
         std::to_string(text.size()));
  }
  return text;
}

bool ObjectReader::boolean(std::string_view key) {
  const Value* value = get(key, "boolean");
  return value != nullptr && *value->boolean();
}

std::int64_t ObjectReader::integer(std::string_view key, std::int64_t min, std::int64_t max) {
  const Value* value = get(key, "integer");
  if (value == nullptr) return min;
  if (*value->integer() < min || *value->integer() > max) {
    fail("member \"" + std::string(key) + "\": expected " + std::to_string(min) + " to " + std::to_string(max) +
         ", found " + std::to_string(*value->integer()));
  }
  return *value->integer();
}

std::uint64_t ObjectReader::counter(std::string_view key) {
  const std::string text = string(key);
  std::uint64_t value = 0;
  if (!ok()) return value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || std::to_string(value) != text) {
    fail("member \"" + std::string(key) + "\": expected a decimal number in a string");
  }
  return value;
}

Bytes ObjectReader::base64(std::string_view key, std::size_t max) {
  const std::string text = string(key);
  Bytes bytes;
  if (!ok()) return bytes;
  if (text.size() / 4 * 3 > max + 2) {
    fail("member \"" + std::string(key) + "\": above the limit of " + std::to_string(max) + " bytes");
    return bytes;
  }
  take(base64_decode(text).context(key), bytes);
  if (ok() && bytes.size() > max) {
    fail("member \"" + std::string(key) + "\": above the limit of " + std::to_string(max) + " bytes");
  }
  return bytes;
}

const Array& ObjectReader::array(std::string_view key, std::size_t max) {
  const Value* value = get(key, "array");
  if (value == nullptr) return kNoItems;
  if (value->array()->size() > max) {
    fail("member \"" + std::string(key) + "\": expected at most " + std::to_string(max) + " items, found " +
         std::to_string(value->array()->size()));
    return kNoItems;
  }
  return *value->array();
}

const Value& ObjectReader::object(std::string_view key) {
  const Value* value = get(key, "object");
  return value == nullptr ? kNothing : *value;
}

void ObjectReader::expect(std::string_view key, std::string_view expected) {
  const std::string found = string(key);
  if (ok() && found != expected) {
    fail("member \"" + std::string(key) + "\": expected \"" + std::string(expected) + "\", found \"" + found + "\"");
  }
}

Status ObjectReader::finish() {
  if (!error_) {
    for (const auto& [name, member] : *object_) {
      if (std::find(seen_.begin(), seen_.end(), name) == seen_.end()) {
        fail("unknown member \"" + name + "\"");
        break;
      }
    }
  }
  if (error_) return *error_;
  return {};
}

Result<std::vector<std::string>> strings(const Value& value, std::string_view what, std::size_t max) {
  if (value.array() == nullptr || value.array()->size() > max) {
    return Error(Code::malformed, std::string(what) + ": expected an array of at most " + std::to_string(max) + " strings");
  }
  std::vector<std::string> out;
  for (const Value& item : *value.array()) {
    if (item.string() == nullptr) {
      return Error(Code::malformed, std::string(what) + ": expected strings, found " + std::string(item.kind()));
    }
    out.push_back(*item.string());
  }
  return out;
}

}  // namespace redoubt::json
