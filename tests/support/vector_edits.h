// The edits of the shared vectors' negative.json: `xor` one byte, `set` bytes, `truncate` to a length, `append` bytes, in order.
#pragma once

#include <cstdlib>

#include "common/base/instant.h"
#include "common/base/json.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::test {

inline json::Array json_array(const std::filesystem::path& path) {
  const json::Value value = OrDie(json::parse(read_text(path)));
  if (value.array() == nullptr || value.array()->empty()) std::abort();
  return *value.array();
}

// text_of, number_of: a member that must be there.
inline std::string text_of(const json::Value& object, std::string_view key) { return *object.object()->find(key)->second.string(); }
inline std::size_t number_of(const json::Value& object, std::string_view key) {
  return static_cast<std::size_t>(*object.object()->find(key)->second.integer());
}
// instant_of: RFC 3339 with or without a fraction, which is cut, in UTC.
inline Instant instant_of(std::string text) { return OrDie(Instant::parse(text.substr(0, 19) + "Z")); }

// edited: an edit outside of the bytes ends the test program.
inline Bytes edited(Bytes bytes, const json::Value& edits) {
  for (const json::Value& edit : *edits.array()) {
    const std::string op = text_of(edit, "op");
    if (op == "xor") {
      bytes.at(number_of(edit, "offset")) ^= std::byte(number_of(edit, "value"));
    } else if (op == "set") {
      const Bytes with = OrDie(hex_decode(text_of(edit, "hex")));
      for (std::size_t i = 0; i < with.size(); ++i) bytes.at(number_of(edit, "offset") + i) = with[i];
    } else if (op == "truncate") {
      if (number_of(edit, "length") >= bytes.size()) std::abort();
      bytes.resize(number_of(edit, "length"));
    } else if (op == "append") {
      append(bytes, OrDie(hex_decode(text_of(edit, "hex"))));
    } else {
      std::abort();
    }
  }
  return bytes;
}

}  // namespace redoubt::test
