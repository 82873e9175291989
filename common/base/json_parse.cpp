#include <charconv>
#include <cmath>

#include "common/base/json.h"

namespace redoubt::json {
namespace {

constexpr std::int64_t kExactLimit = std::int64_t{1} << 53;

class Parser {
 public:
  Parser(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

  Result<Value> document() {
    if (text_.size() > limits_.max_bytes) {
      return Error(Code::malformed, "json: " + std::to_string(text_.size()) + " bytes, above the limit " +
                                        std::to_string(limits_.max_bytes));
    }
    if (!valid_utf8(text_)) return Error(Code::malformed, "json: not valid UTF-8");
    skip_space();
    REDOUBT_TRY(Value value, this->value(0));
    skip_space();
    if (at_ != text_.size()) return bad("expected the end");
    return value;
  }

 private:
  Error bad(std::string_view expected) const {
    std::string found = at_ < text_.size() ? "'" + std::string(1, text_[at_]) + "'" : std::string("the end");
    if (at_ < text_.size() && (static_cast<unsigned char>(text_[at_]) < 0x20 || static_cast<unsigned char>(text_[at_]) > 0x7E)) {
      found = "byte " + std::to_string(static_cast<unsigned char>(text_[at_]));
    }
    return Error(Code::malformed,
                 "json at offset " + std::to_string(at_) + ": " + std::string(expected) + ", found " + found);
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) ++at_;
  }
  bool take(std::string_view token) {
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }

  Result<Value> value(std::size_t depth) {
    if (depth > limits_.max_depth) return bad("expected at most " + std::to_string(limits_.max_depth) + " levels");
    switch (peek()) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': {
        REDOUBT_TRY(std::string text, string());
        return Value(std::move(text));
      }
      case 't':
        if (take("true")) return Value(true);
        break;
      case 'f':
        if (take("false")) return Value(false);
        break;
      case 'n':
        if (take("null")) return Value();
        break;
      default: return number();
    }
    return bad("expected a value");
  }

  Result<Value> object(std::size_t depth) {
    ++at_;
    Object members;
    skip_space();
    if (take("}")) return Value(std::move(members));
    for (;;) {
      skip_space();
      if (peek() != '"') return bad("expected a name");
      const std::size_t name_at = at_;
      REDOUBT_TRY(std::string name, string());
      skip_space();
      if (!take(":")) return bad("expected ':'");
      skip_space();
      REDOUBT_TRY(Value member, value(depth + 1));
      if (!members.emplace(std::move(name), std::move(member)).second) {
        at_ = name_at;
        return bad("expected a name that did not occur before");
      }
      skip_space();
      if (take("}")) return Value(std::move(members));
      if (!take(",")) return bad("expected ',' or '}'");
    }
  }

  Result<Value> array(std::size_t depth) {
    ++at_;
    Array items;
    skip_space();
    if (take("]")) return Value(std::move(items));
    for (;;) {
      skip_space();
      REDOUBT_TRY(Value item, value(depth + 1));
      items.push_back(std::move(item));
      skip_space();
      if (take("]")) return Value(std::move(items));
      if (!take(",")) return bad("expected ',' or ']'");
    }
  }

  Result<std::uint32_t> hex4() {
    std::uint32_t code = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + std::min(at_ + 4, text_.size()), code, 16);
    if (error != std::errc() || end != text_.data() + at_ + 4) return bad("expected four hexadecimal digits");
    at_ += 4;
    return code;
  }

  static void append_utf8(std::string& out, std::uint32_t code) {
    const auto push = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
      push(code);
    } else if (code < 0x800) {
      push(0xC0U | code >> 6);
      push(0x80U | (code & 0x3FU));
    } else if (code < 0x10000) {
      push(0xE0U | code >> 12);
      push(0x80U | (code >> 6 & 0x3FU));
      push(0x80U | (code & 0x3FU));
    } else {
      push(0xF0U | code >> 18);
      push(0x80U | (code >> 12 & 0x3FU));
      push(0x80U | (code >> 6 & 0x3FU));
      push(0x80U | (code & 0x3FU));
    }
  }

  Status escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (const std::size_t which = kNames.find(peek()); at_ < text_.size() && which != std::string_view::npos) {
      ++at_;
      out.push_back(kValues[which]);
      return {};
    }
    if (!take("u")) return bad("expected an escape");
    REDOUBT_TRY(std::uint32_t code, hex4());
    if (code >= 0xD800 && code <= 0xDBFF) {
      if (!take("\\u")) return bad("expected the second half of a surrogate pair");
      REDOUBT_TRY(const std::uint32_t low, hex4());
      if (low < 0xDC00 || low > 0xDFFF) return bad("expected the second half of a surrogate pair before this");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
      return bad("expected no lone surrogate before this");
    }
    append_utf8(out, code);
    return {};
  }

  Result<std::string> string() {
    ++at_;
    std::string out;
    for (;;) {
      if (at_ >= text_.size()) return bad("expected '\"'");
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) return bad("expected no control character");
      ++at_;
      if (c == '"') return out;
      if (c == '\\') {
        REDOUBT_CHECK(escape(out));
      } else {
        out.push_back(c);
      }
    }
  }

  bool digits() {
    const std::size_t start = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > start;
  }

  Result<Value> number() {
    const std::size_t start = at_;
    bool integral = true;
    take("-");
    if (!take("0") && !digits()) return bad("expected a value");
    if (take(".")) {
      integral = false;
      if (!digits()) return bad("expected a digit");
    }
    if (peek() == 'e' || peek() == 'E') {
      integral = false;
      ++at_;
      if (!take("+")) take("-");
      if (!digits()) return bad("expected a digit");
    }
    const std::string_view token = text_.substr(start, at_ - start);
    const char* const end = token.data() + token.size();
    if (integral && token != "-0") {
      std::int64_t exact = 0;
      if (std::from_chars(token.data(), end, exact).ec == std::errc() && exact > -kExactLimit && exact < kExactLimit) {
        return Value(exact);
      }
    }
    double real = 0;
    if (std::from_chars(token.data(), end, real).ec != std::errc() || !std::isfinite(real)) {
      at_ = start;
      return bad("expected a number within the range of a double");
    }
    return Value(real);
  }

  std::string_view text_;
  const Limits& limits_;
  std::size_t at_ = 0;
};

Status check_signed(const Value& value) {
  if (value.is_null() || value.real() != nullptr) {
    return Error(Code::malformed, "signed json: expected strings, booleans and integers below 2^53 only, found " +
                                      std::string(value.kind()));
  }
  if (value.array() != nullptr) {
    for (const Value& item : *value.array()) REDOUBT_CHECK(check_signed(item));
  }
  if (value.object() != nullptr) {
    for (const auto& [name, member] : *value.object()) REDOUBT_CHECK(check_signed(member));
  }
  return {};
}

}  // namespace

std::string_view Value::kind() const {
  constexpr std::string_view kNames[] = {"null", "boolean", "integer", "real number", "string", "array", "object"};
  return kNames[data_.index()];
}

Result<Value> parse(std::string_view text, const Limits& limits) { return Parser(text, limits).document(); }

Result<Value> parse_signed(std::string_view text, const Limits& limits) {
  REDOUBT_TRY(Value value, parse(text, limits));
  REDOUBT_CHECK(check_signed(value));
  if (canonical(value) != text) return Error(Code::malformed, "signed json: not in canonical form (RFC 8785)");
  return value;
}

}  // namespace redoubt::json
