#include "common/attest/appraise/policy_codec.h"

namespace redoubt::appraise {
namespace {

constexpr std::int64_t kMaxNumber = std::int64_t{1} << 52;

}  // namespace

bool PolicyReader::is_word(std::string_view key, std::string_view word) {
  if (!reader_.ok()) return false;
  if (!reader_.has(key)) {
    reader_.fail("requirement \"" + std::string(key) + "\" is absent (write \"" + std::string(word) + "\" to ask for nothing more)");
    return false;
  }
  const std::string* text = value_.object()->find(key)->second.string();
  if (text == nullptr || *text != word) return false;
  reader_.expect(key, word);
  return true;
}

void PolicyReader::choice(std::string_view key, bool& flag, std::string_view yes, std::string_view no) {
  const std::string word = reader_.string(key);
  if (!reader_.ok()) return;
  if (word != yes && word != no) {
    reader_.fail("member \"" + std::string(key) + "\": expected \"" + std::string(yes) + "\" or \"" + std::string(no) + "\", found \"" + word + "\"");
  }
  flag = word == yes;
}

void PolicyReader::word(std::string_view key, bool& flag, std::string_view yes) {
  flag = reader_.has(key);
  if (flag) reader_.expect(key, yes);
}

void PolicyReader::number(std::string_view key, std::uint64_t& out) {
  out = static_cast<std::uint64_t>(reader_.integer(key, 0, kMaxNumber));
}

void PolicyReader::words(std::string_view key, std::vector<std::string>& out, std::span<const std::string_view> allowed) {
  const json::Array& items = reader_.array(key, kMaxPolicyItems);
  if (!reader_.ok()) return;
  if (items.empty()) reader_.fail("member \"" + std::string(key) + "\": expected at least one text");
  for (const json::Value& item : items) {
    const std::string* text = item.string();
    if (text == nullptr || text->empty() || text->size() > kMaxPolicyText) {
      reader_.fail("member \"" + std::string(key) + "\": expected texts of 1 to " + std::to_string(kMaxPolicyText) + " bytes");
      return;
    }
    if (!allowed.empty() && std::ranges::find(allowed, *text) == allowed.end()) {
      std::string list;
      for (const std::string_view word : allowed) list += (list.empty() ? "" : ", ") + std::string(word);
      reader_.fail("member \"" + std::string(key) + "\": expected one of " + list + ", found \"" + *text + "\"");
      return;
    }
    out.push_back(*text);
  }
}

void PolicyReader::any_words(std::string_view key, std::optional<std::vector<std::string>>& out) {
  any(key, out, [&](std::vector<std::string>& items) {
    // An empty list is a requirement too: none of them.
    const json::Array& values = reader_.array(key, kMaxPolicyItems);
    for (const json::Value& item : values) {
      if (item.string() == nullptr || item.string()->empty() || item.string()->size() > kMaxPolicyText) {
        reader_.fail("member \"" + std::string(key) + "\": expected texts of 1 to " + std::to_string(kMaxPolicyText) + " bytes");
        return;
      }
      items.push_back(*item.string());
    }
  });
}

void PolicyReader::any_text(std::string_view key, std::optional<std::string>& out) {
  any(key, out, [&](std::string& content) { text(key, content); });
}

void PolicyReader::any_instant(std::string_view key, std::optional<Instant>& out) {
  any(key, out, [&](Instant& at) {
    const std::string word = reader_.string(key);
    if (!reader_.ok()) return;
    const auto parsed = Instant::parse(word);
    if (!parsed.ok()) return reader_.fail("member \"" + std::string(key) + "\": " + parsed.error().message());
    at = parsed.value();
  });
}

std::optional<int> PolicyReader::register_index(const std::string& name, int count, std::string_view key) {
  int index = -1;
  const auto end = std::from_chars(name.data(), name.data() + name.size(), index).ptr;
  if (end != name.data() + name.size() || index < 0 || index >= count || std::to_string(index) != name) {
    reader_.fail(std::string(key) + ": expected an index from 0 to " + std::to_string(count - 1) + ", found \"" + name + "\"");
    return std::nullopt;
  }
  return index;
}

}  // namespace redoubt::appraise
