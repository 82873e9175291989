// json::Scanner: reads JSON (RFC 8259) in one pass, without a tree, and gives the exact bytes of a value that is signed.
//
// Signed JSON of vendors is signed as bytes: what is hashed and what is read must be the same slice of the same text, once.
// The scanner walks the text by pull: the caller says what must come next. Refused: duplicate names, escapes and bytes outside
// ASCII in names and in strings that are read, numbers that are not plain non-negative integers where one is asked for, depth
// and counts beyond the bounds, anything after the value. As with Reader, the first failure stays, later reads give empty
// values, and finish() tells it. Borrows the text. Bytes come from anywhere and are distrusted. Not thread-safe; no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/instant.h"

namespace redoubt::json {

class Scanner {
 public:
  static constexpr std::size_t kMaxDepth = 16;
  static constexpr std::size_t kMaxMembers = 64;  // of one object

  // `what` names the document in errors. Text above max_size is refused.
  Scanner(std::string_view text, std::string_view what, std::size_t max_size);

  // object calls member(name) for each member, with the scanner before its value: member must read exactly one value, at least
  // with skip().
  template <class F>
  void object(F&& member) {
    const std::size_t first = open('{');
    for (std::string_view name; next_name(first, name);) member(name);
    keys_.resize(ok() ? first : 0);
  }
  // array calls item() before each of at most `max` items.
  template <class F>
  void array(std::size_t max, F&& item) {
    open('[');
    for (std::size_t count = 0; next_item(count, max); ++count) item();
  }
  // slice: the exact text of the value that `read` reads.
  template <class F>
  std::string_view slice(F&& read) {
    skip_space();
    const std::size_t begin = at_;
    read();
    return ok() ? text_.substr(begin, at_ - begin) : std::string_view();
  }

  // string: printable ASCII without escapes, 1 to `max` bytes; a view of the text.
  std::string_view string(std::size_t max);
  // integer: digits only, one spelling, from `min` to `max`.
  std::uint64_t integer(std::uint64_t min, std::uint64_t max);
  // hex: a string of exactly 2 * out.size() hexadecimal digits, in either case.
  void hex(std::span<std::byte> out);
  template <class F>
  F fixed_hex() {
    F out;
    hex(out.array());
    return out;
  }
  // instant: YYYY-MM-DDThh:mm:ssZ.
  Instant instant();
  // skip reads any value and checks its form.
  void skip();

  void fail(std::string_view message);
  // require fails with "<name>: missing" unless present.
  void require(bool present, std::string_view name);
  bool ok() const { return !error_.has_value(); }
  // finish: the first failure, if any; only white space may follow what was read.
  Status finish();

 private:
  std::size_t open(char bracket);
  bool next_name(std::size_t first, std::string_view& name);
  bool next_item(std::size_t count, std::size_t max);
  bool close(char bracket);
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }
  void skip_string();
  void skip_number();
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;  // after a failure nothing is left
    ++at_;
    return true;
  }

  std::string_view text_;
  std::string_view what_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::vector<std::string_view> keys_;  // names of the objects that are open
  std::optional<Error> error_;
};

}  // namespace redoubt::json
