// Wants: several requirements under one check id, gathered so that every difference is told. Private to this room.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "common/attest/evidence/check.h"
#include "common/base/bytes.h"
#include "common/base/concat.h"

namespace redoubt::appraise {

// joined: `before`, then the words with commas between them, or "none".
template <class Words>
std::string joined(const Words& words, std::string_view before = {}) {
  constexpr std::string_view kNone = "none";
  constexpr std::string_view kComma = ", ";
  std::size_t room = before.size() + (words.empty() ? kNone.size() : (words.size() - 1) * kComma.size());
  for (const std::string& word : words) room += word.size();
  std::string text;
  text.reserve(room);
  text += before;
  for (const std::string& word : words) {
    if (text.size() != before.size()) text += kComma;
    text += word;
  }
  if (text.size() == before.size()) text += kNone;
  return text;
}

std::string hex_of(const auto& values) {
  std::vector<std::string> items;
  for (const auto& value : values) items.push_back(value.hex());
  return joined(items);
}

// hex_number: "0x30000".
inline std::string hex_number(std::uint64_t value) {
  char digits[16];
  const char* const end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  return concat("0x", std::string_view(digits, end));
}

class Wants {
 public:
  // want: `name` must be `wanted`; where it does not hold, both values are kept.
  void want(bool holds, std::string_view name, std::string_view wanted, std::string_view is) {
    if (holds) return;
    const std::string_view comma = ok_ ? "" : ", ";
    expected_ += concat(comma, name, " ", wanted);
    found_ += concat(comma, name, " ", is);
    ok_ = false;
  }
  // one_of: one of the words.
  void one_of(std::string_view name, const std::vector<std::string>& words, std::string_view is) {
    if (std::ranges::find(words, is) == words.end()) want(false, name, joined(words), is);
  }
  // any_of: one of the values; absent: any.
  template <class F>
  void any_of(std::string_view name, const std::optional<std::vector<F>>& values, ByteView found) {
    if (!values) return;
    bool known = false;
    for (const F& value : *values) known = known || equal(value.view(), found);
    if (!known) want(false, name, hex_of(*values), hex_encode(found));
  }
  bool ok() const { return ok_; }
  // check: passed with `all` as both values, or failed with every difference.
  attest::Check check(attest::CheckId id, Code code, std::string all) const {
    if (!ok_) return attest::failed(id, code, expected_, found_);
    std::string both = all;
    return attest::passed(id, std::move(all), std::move(both));
  }

 private:
  std::string expected_, found_;
  bool ok_ = true;
};

}  // namespace redoubt::appraise
