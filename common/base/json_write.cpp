#include <array>
#include <charconv>
#include <cmath>

#include "common/base/json.h"

namespace redoubt::json {
namespace {

void write_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
          out.push_back(kHex[static_cast<unsigned char>(c) & 15U]);
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

// ECMAScript Number::toString (ECMA-262 section 6.1.6.1.20), which RFC 8785 section 3.2.2.3 prescribes: the shortest
// digits that read back as the same double, written plainly from 1e-6 up to 1e21 and with an exponent outside.
void write_real(std::string& out, double value) {
  if (value == 0) {  // also for -0
    out.push_back('0');
    return;
  }
  if (value < 0) out.push_back('-');
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(value), std::chars_format::scientific).ptr;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const std::size_t e = text.find('e');
  int exponent = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), end, exponent);
  std::string digits(1, text[0]);
  if (e > 2) digits += text.substr(2, e - 2);
  const int count = static_cast<int>(digits.size());
  const int n = exponent + 1;  // the decimal point stands after n digits
  const auto at = static_cast<std::size_t>(n);
  if (count <= n && n <= 21) {
    out += digits + std::string(at - digits.size(), '0');
  } else if (0 < n && n <= 21) {
    out += digits.substr(0, at) + "." + digits.substr(at);
  } else if (-6 < n && n <= 0) {
    out += "0." + std::string(static_cast<std::size_t>(-n), '0') + digits;
  } else {
    out.push_back(digits[0]);
    if (count > 1) out += "." + digits.substr(1);
    out += n - 1 < 0 ? "e-" : "e+";
    out += std::to_string(std::abs(n - 1));
  }
}

class Printer {
 public:
  explicit Printer(bool spaced) : spaced_(spaced) {}

  void write(const Value& value, std::size_t depth) {
    if (value.is_null()) {
      out_ += "null";
    } else if (value.boolean() != nullptr) {
      out_ += *value.boolean() ? "true" : "false";
    } else if (value.integer() != nullptr) {
      out_ += std::to_string(*value.integer());
    } else if (value.real() != nullptr) {
      write_real(out_, *value.real());
    } else if (value.string() != nullptr) {
      write_string(out_, *value.string());
    } else if (value.array() != nullptr) {
      list('[', ']', *value.array(), depth, [&](const Value& item) { write(item, depth + 1); });
    } else {
      list('{', '}', *value.object(), depth, [&](const Object::value_type& member) {
        write_string(out_, member.first);
        out_ += spaced_ ? ": " : ":";
        write(member.second, depth + 1);
      });
    }
  }

  std::string take() { return std::move(out_); }

 private:
  template <class List, class Item>
  void list(char open, char close, const List& items, std::size_t depth, const Item& write_item) {
    out_.push_back(open);
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_.push_back(',');
      first = false;
      line(depth + 1);
      write_item(item);
    }
    if (!first) line(depth);
    out_.push_back(close);
  }
  void line(std::size_t depth) {
    if (spaced_) out_ += "\n" + std::string(2 * depth, ' ');
  }

  bool spaced_;
  std::string out_;
};

}  // namespace

std::string canonical(const Value& value) {
  Printer printer(false);
  printer.write(value, 0);
  return printer.take();
}

std::string pretty(const Value& value) {
  Printer printer(true);
  printer.write(value, 0);
  return printer.take();
}

}  // namespace redoubt::json
