#include "common/base/json_slice.h"

#include <array>

namespace redoubt::json {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// plain: a character of a string that stands for itself in every spelling.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();
bool plain(char c) { return kPlain[static_cast<unsigned char>(c)]; }

}  // namespace

Scanner::Scanner(std::string_view text, std::string_view what, std::size_t max_size) : text_(text), what_(what) {
  keys_.reserve(kMaxMembers);
  if (text.size() > max_size) {
    fail("expected at most " + std::to_string(max_size) + " bytes, found " + std::to_string(text.size()));
  }
}

void Scanner::fail(std::string_view message) {
  if (error_) return;
  std::string where = std::string(what_) + ": at byte " + std::to_string(at_);
  if (!keys_.empty()) where += " (\"" + std::string(keys_.back()) + "\")";
  error_ = Error(Code::malformed, where + ": " + std::string(message));
  at_ = text_.size();
}

void Scanner::require(bool present, std::string_view name) {
  if (!present && ok()) fail(std::string(name) + ": missing");
}

Status Scanner::finish() {
  skip_space();
  if (ok() && at_ != text_.size()) fail("expected the end, found more text");
  if (error_) return *error_;
  return {};
}

std::size_t Scanner::open(char bracket) {
  if (!take(bracket)) {
    fail(bracket == '{' ? "expected an object" : "expected an array");
  } else if (++depth_ > kMaxDepth) {
    fail("nested too deeply");
  }
  return keys_.size();
}

bool Scanner::close(char bracket) {
  if (!take(bracket)) return false;
  --depth_;
  return true;
}

bool Scanner::next_name(std::size_t first, std::string_view& name) {
  if (!ok()) return false;
  if (close('}')) return false;
  if (keys_.size() != first && !take(',')) {
    fail("expected ',' or '}'");
    return false;
  }
  name = string(128);
  if (!take(':')) fail("expected ':'");
  if (!ok()) return false;
  for (std::size_t i = first; i < keys_.size(); ++i) {
    if (keys_[i] == name) {
      fail("name \"" + std::string(name) + "\" stands twice");
      return false;
    }
  }
  if (keys_.size() - first == kMaxMembers) {
    fail("too many members");
    return false;
  }
  keys_.push_back(name);
  return true;
}

bool Scanner::next_item(std::size_t count, std::size_t max) {
  if (!ok()) return false;
  if (close(']')) return false;
  if (count == max) {
    fail("more than " + std::to_string(max) + " items");
    return false;
  }
  if (count != 0 && !take(',')) {
    fail("expected ',' or ']'");
    return false;
  }
  return true;
}

std::string_view Scanner::string(std::size_t max) {
  if (!take('"')) {
    fail("expected a string");
    return {};
  }
  const std::size_t begin = at_;
  while (at_ < text_.size() && plain(text_[at_])) ++at_;
  if (peek() != '"') {
    fail("expected a string of printable ASCII without escapes");
    return {};
  }
  const std::string_view out = text_.substr(begin, at_ - begin);
  ++at_;
  if (out.empty() || out.size() > max) {
    fail("expected a string of 1 to " + std::to_string(max) + " bytes, found " + std::to_string(out.size()));
    return {};
  }
  return out;
}

std::uint64_t Scanner::integer(std::uint64_t min, std::uint64_t max) {
  skip_space();
  const std::size_t begin = at_;
  std::uint64_t value = 0;
  while (is_digit(peek()) && at_ - begin < 16) value = value * 10 + static_cast<std::uint64_t>(text_[at_++] - '0');
  const bool leading_zero = at_ - begin > 1 && text_[begin] == '0';
  const char after = peek();
  if (!ok() || at_ == begin || leading_zero || is_digit(after) || after == '.' || after == 'e' || after == 'E' || value < min ||
      value > max) {
    fail("expected an integer from " + std::to_string(min) + " to " + std::to_string(max));
    return 0;
  }
  return value;
}

void Scanner::hex(std::span<std::byte> out) {
  const std::string_view text = string(2 * out.size());
  if (!ok()) return;
  bool good = text.size() == 2 * out.size();
  for (std::size_t i = 0; good && i < out.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    good = high >= 0 && low >= 0;
    out[i] = static_cast<std::byte>(good ? high * 16 + low : 0);
  }
  if (!good) fail("expected " + std::to_string(2 * out.size()) + " hexadecimal digits");
}

Instant Scanner::instant() {
  const std::string_view text = string(20);
  if (!ok()) return {};
  auto out = Instant::parse(text);
  if (!out.ok()) {
    fail("expected a time YYYY-MM-DDThh:mm:ssZ");
    return {};
  }
  return out.value();
}

void Scanner::skip_string() {
  for (++at_; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      return;
    }
    if (c == '\\') {
      ++at_;
      const char e = peek();
      if (e == 'u') {
        for (int i = 0; i < 4; ++i) {
          ++at_;
          if (hex_digit(peek()) < 0) return fail("expected four hexadecimal digits after \\u");
        }
      } else if (std::string_view("\"\\/bfnrt").find(e) == std::string_view::npos || e == '\0') {
        return fail("unknown escape");
      }
    } else if (!plain(c)) {
      return fail("byte outside printable ASCII in a string");
    }
  }
  fail("string without an end");
}

void Scanner::skip_number() {
  const auto digits = [&] {
    const std::size_t begin = at_;
    while (is_digit(peek())) ++at_;
    if (at_ == begin) fail("expected a digit");
  };
  if (peek() == '-') ++at_;
  if (peek() == '0') {
    ++at_;
  } else {
    digits();
  }
  if (ok() && peek() == '.') {
    ++at_;
    digits();
  }
  if (ok() && (peek() == 'e' || peek() == 'E')) {
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    digits();
  }
}

void Scanner::skip() {
  skip_space();
  if (!ok()) return;
  const char c = peek();
  if (c == '{') return object([&](std::string_view) { skip(); });
  if (c == '[') return array(text_.size(), [&] { skip(); });
  if (c == '"') return skip_string();
  if (c == '-' || is_digit(c)) return skip_number();
  for (const std::string_view word : {"true", "false", "null"}) {
    if (text_.substr(at_, word.size()) == word) {
      at_ += word.size();
      return;
    }
  }
  fail("expected a value");
}

}  // namespace redoubt::json
