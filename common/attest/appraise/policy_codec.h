// PolicyReader and PolicyWriter: one list of fields for each section of a policy, read and written by the same lines. Private
// to this room. A requirement that is absent is an error of the reader; so is a key that nobody asked for.
#pragma once

#include <charconv>
#include <span>

#include "common/attest/appraise/platform_policy.h"
#include "common/base/json.h"

namespace redoubt::appraise {

inline constexpr std::string_view kAny = "any";
inline constexpr std::string_view kVendor = "vendor";
inline constexpr std::string_view kRefused = "refused";
inline constexpr std::size_t kMaxPolicyItems = 64;
inline constexpr std::size_t kMaxPolicyText = 256;

class PolicyReader {
 public:
  template <class T>
  using Ref = T&;

  PolicyReader(const json::Value& value, std::string_view what) : value_(value), reader_(value, what) {}

  // choice: one of two words.
  void choice(std::string_view key, bool& flag, std::string_view yes, std::string_view no);
  // word: a key that is there with this one word, or is absent, which is the stricter meaning or that of policies before the key was known.
  void word(std::string_view key, bool& flag, std::string_view yes);
  void text(std::string_view key, std::string& out) { out = reader_.nonempty(key, kMaxPolicyText); }
  void number(std::string_view key, std::uint64_t& out);
  void boolean(std::string_view key, bool& out) { out = reader_.boolean(key); }
  // words: at least one text; where `allowed` is not empty, each of these.
  void words(std::string_view key, std::vector<std::string>& out, std::span<const std::string_view> allowed = {});
  template <class F>
  void hex(std::string_view key, F& out) {
    out = reader_.hex<F>(key);
  }
  template <class F>
  void hex_list(std::string_view key, std::vector<F>& out) {
    for (const json::Value& item : reader_.array(key, kMaxPolicyItems)) {
      F bytes;
      if (take_hex(item, key, bytes)) out.push_back(bytes);
    }
  }
  template <class T>
  void section(std::string_view key, T& out) {
    read_section(reader_.object(key), key, out);
  }
  // list_or_none: an empty list is a requirement too, which nothing meets.
  template <class T>
  void list_or_none(std::string_view key, std::vector<T>& out) {
    for (const json::Value& item : reader_.array(key, kMaxPolicyItems)) {
      if (!reader_.ok()) return;
      read_section(item, key, out.emplace_back());
    }
  }
  template <class T>
  void list(std::string_view key, std::vector<T>& out) {
    list_or_none(key, out);
    if (reader_.ok() && out.empty()) reader_.fail("member \"" + std::string(key) + "\": expected at least one item");
  }

  // any: the word "any", or what `read` reads.
  template <class T, class Read>
  void any(std::string_view key, std::optional<T>& out, Read read) {
    if (is_word(key, kAny)) return;
    if (reader_.ok()) read(out.emplace());
  }
  void any_number(std::string_view key, std::optional<std::uint64_t>& out) {
    any(key, out, [&](std::uint64_t& value) { number(key, value); });
  }
  void any_words(std::string_view key, std::optional<std::vector<std::string>>& out);
  void any_text(std::string_view key, std::optional<std::string>& out);
  void any_instant(std::string_view key, std::optional<Instant>& out);
  template <class F>
  void any_hex(std::string_view key, std::optional<F>& out) {
    any(key, out, [&](F& value) { hex(key, value); });
  }
  template <class F>
  void any_hex_list(std::string_view key, std::optional<std::vector<F>>& out) {
    any(key, out, [&](std::vector<F>& items) {
      hex_list(key, items);
      if (reader_.ok() && items.empty()) reader_.fail("member \"" + std::string(key) + "\": expected \"any\" or at least one value");
    });
  }
  template <class F>
  void any_registers(std::string_view key, std::optional<std::map<int, F>>& out, int count) {
    any(key, out, [&](std::map<int, F>& values) { registers(key, values, count, "\"any\" or at least one register"); });
  }
  // known_registers: a key that may be absent: no value is known.
  template <class F>
  void known_registers(std::string_view key, std::optional<std::map<int, F>>& out, int count) {
    if (reader_.has(key)) registers(key, out.emplace(), count, "at least one register");
  }
  template <class T>
  void any_list(std::string_view key, std::optional<std::vector<T>>& out) {
    any(key, out, [&](std::vector<T>& items) { list(key, items); });
  }
  // vendor_list: the word "vendor", or a list.
  template <class T>
  void vendor_list(std::string_view key, std::optional<std::vector<T>>& out) {
    if (!is_word(key, kVendor) && reader_.ok()) list(key, out.emplace());
  }
  template <class T>
  void any_section(std::string_view key, std::optional<T>& out) {
    any(key, out, [&](T& value) { section(key, value); });
  }
  // refused_section: the word "refused", or a section.
  template <class T>
  void refused_section(std::string_view key, std::optional<T>& out) {
    if (!is_word(key, kRefused) && reader_.ok()) section(key, out.emplace());
  }
  // optional_section: a key that may be absent: a platform that is not accepted.
  template <class T>
  void optional_section(std::string_view key, std::optional<T>& out) {
    if (reader_.has(key)) section(key, out.emplace());
  }
  void expect(std::string_view key, std::string_view value) { reader_.expect(key, value); }
  void fail(std::string message) { reader_.fail(std::move(message)); }
  bool ok() const { return reader_.ok(); }
  Status finish() { return reader_.finish(); }

 private:
  bool is_word(std::string_view key, std::string_view word);
  std::optional<int> register_index(const std::string& name, int count, std::string_view key);
  template <class F>
  bool take_hex(const json::Value& item, std::string_view key, F& out) {
    if (item.string() == nullptr) {
      reader_.fail("member \"" + std::string(key) + "\": expected hexadecimal text");
      return false;
    }
    auto bytes = F::from_hex(*item.string(), key);
    if (!bytes.ok()) {
      reader_.fail(bytes.error().message());
      return false;
    }
    out = bytes.value();
    return true;
  }
  template <class T>
  void read_section(const json::Value& value, std::string_view what, T& out);
  template <class F>
  void registers(std::string_view key, std::map<int, F>& out, int count, std::string_view expected) {
    const json::Value& object = reader_.object(key);
    if (!reader_.ok()) return;
    if (object.object()->empty()) reader_.fail("member \"" + std::string(key) + "\": expected " + std::string(expected));
    for (const auto& [name, digest] : *object.object()) {
      F value;
      const std::optional<int> index = register_index(name, count, key);
      if (index && take_hex(digest, key, value)) out.emplace(*index, value);
    }
  }

  const json::Value& value_;
  json::ObjectReader reader_;
};

class PolicyWriter {
 public:
  template <class T>
  using Ref = const T&;

  void choice(std::string_view key, bool flag, std::string_view yes, std::string_view no) { put(key, flag ? yes : no); }
  void word(std::string_view key, bool flag, std::string_view yes) {
    if (flag) put(key, yes);
  }
  void text(std::string_view key, const std::string& value) { put(key, value); }
  void number(std::string_view key, std::uint64_t value) { put(key, static_cast<std::int64_t>(value)); }
  void boolean(std::string_view key, bool value) { put(key, value); }
  void words(std::string_view key, const std::vector<std::string>& values, std::span<const std::string_view> = {}) {
    put(key, json::Array(values.begin(), values.end()));
  }
  template <class F>
  void hex(std::string_view key, const F& value) {
    put(key, value.hex());
  }
  template <class F>
  void hex_list(std::string_view key, const std::vector<F>& values) {
    json::Array items;
    for (const F& value : values) items.emplace_back(value.hex());
    put(key, std::move(items));
  }
  template <class T>
  void section(std::string_view key, const T& value);
  template <class T>
  void list(std::string_view key, const std::vector<T>& values);
  template <class T>
  void list_or_none(std::string_view key, const std::vector<T>& values) {
    list(key, values);
  }
  template <class T, class Write>
  void any(std::string_view key, const std::optional<T>& value, Write write) {
    if (value) {
      write(*value);
    } else {
      put(key, kAny);
    }
  }
  void any_number(std::string_view key, const std::optional<std::uint64_t>& value) {
    any(key, value, [&](std::uint64_t number_value) { number(key, number_value); });
  }
  void any_words(std::string_view key, const std::optional<std::vector<std::string>>& value) {
    any(key, value, [&](const auto& items) { words(key, items); });
  }
  void any_text(std::string_view key, const std::optional<std::string>& value) {
    any(key, value, [&](const std::string& content) { put(key, content); });
  }
  void any_instant(std::string_view key, const std::optional<Instant>& value) {
    any(key, value, [&](Instant at) { put(key, at.text()); });
  }
  template <class F>
  void any_hex(std::string_view key, const std::optional<F>& value) {
    any(key, value, [&](const F& bytes) { hex(key, bytes); });
  }
  template <class F>
  void any_hex_list(std::string_view key, const std::optional<std::vector<F>>& value) {
    any(key, value, [&](const std::vector<F>& items) { hex_list(key, items); });
  }
  template <class F>
  void any_registers(std::string_view key, const std::optional<std::map<int, F>>& value, int) {
    any(key, value, [&](const std::map<int, F>& registers) { put_registers(key, registers); });
  }
  template <class F>
  void known_registers(std::string_view key, const std::optional<std::map<int, F>>& value, int) {
    if (value) put_registers(key, *value);
  }
  template <class T>
  void any_list(std::string_view key, const std::optional<std::vector<T>>& value) {
    any(key, value, [&](const std::vector<T>& items) { list(key, items); });
  }
  template <class T>
  void vendor_list(std::string_view key, const std::optional<std::vector<T>>& value) {
    if (value) {
      list(key, *value);
    } else {
      put(key, kVendor);
    }
  }
  template <class T>
  void any_section(std::string_view key, const std::optional<T>& value) {
    any(key, value, [&](const T& content) { section(key, content); });
  }
  template <class T>
  void refused_section(std::string_view key, const std::optional<T>& value) {
    if (value) {
      section(key, *value);
    } else {
      put(key, kRefused);
    }
  }
  template <class T>
  void optional_section(std::string_view key, const std::optional<T>& value) {
    if (value) section(key, *value);
  }
  void expect(std::string_view key, std::string_view value) { put(key, value); }
  json::Object take() && { return std::move(object_); }

 private:
  template <class F>
  void put_registers(std::string_view key, const std::map<int, F>& registers) {
    json::Object object;
    for (const auto& [index, digest] : registers) object.emplace(std::to_string(index), digest.hex());
    put(key, std::move(object));
  }
  template <class V>
  void put(std::string_view key, V&& value) {
    object_.emplace(std::string(key), json::Value(std::forward<V>(value)));
  }
  json::Object object_;
};

}  // namespace redoubt::appraise
