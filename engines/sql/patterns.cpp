#include "engines/sql/patterns.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

// Constants are put together up to here: aliases may name one another, and each doubles the one before it.
constexpr std::size_t kMostJoined = 1024;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

std::string lower_ascii(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

std::string upper_ascii(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

// Runs of % in a pattern, and those that something follows.
std::pair<double, double> runs_of(std::string_view pattern, char escape) {
  double runs = 0;
  bool in_run = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (escape != '\0' && pattern[i] == escape) {
      ++i;
      in_run = false;
      continue;
    }
    if (pattern[i] == '%' && !in_run) ++runs;
    in_run = pattern[i] == '%';
  }
  return {runs, in_run ? runs - 1 : runs};
}

// Instructions that stand for one byte of a pattern (a character in either case, or any character), for a class of Unicode, and for a class in brackets
// beyond what its own bytes count.
constexpr double kByte = 16;
constexpr double kUnicodeClass = 8192;
constexpr double kClass = 64;

// RegexSize walks a pattern once. Where it does not know how RE2 reads something, the pattern counts as one of the largest.
class RegexSize {
 public:
  explicit RegexSize(std::string_view pattern) : pattern_(pattern), groups_(1) {}

  double size() {
    for (; at_ < pattern_.size() && known_; ++at_) step(pattern_[at_]);
    if (!known_ || groups_.size() != 1) return kMostProgram;
    return std::min(kMostProgram, groups_.back().before + groups_.back().last + kByte);
  }

 private:
  struct Group {
    double before = 0;  // of everything but
    double last = 0;    // the last atom, which a repetition repeats
  };

  void atom(double size) {
    groups_.back().before += groups_.back().last;
    groups_.back().last = size;
  }

  void step(char c) {
    switch (c) {
      case '\\': escape(); break;
      case '[': bracket(); break;
      case '(': groups_.emplace_back(); break;
      case ')': {
        if (groups_.size() == 1) {
          known_ = false;
          return;
        }
        const double inside = groups_.back().before + groups_.back().last + kByte;
        groups_.pop_back();
        atom(inside);
        break;
      }
      case '{': repetition(); break;
      case '*': case '+': case '?': groups_.back().last += 2; break;
      default: atom(kByte); break;
    }
  }

  void escape() {
    if (++at_ >= pattern_.size()) {
      known_ = false;
      return;
    }
    const char c = pattern_[at_];
    if (c == 'Q') {
      known_ = false;  // up to \E everything is a text
    } else if (c == 'p' || c == 'P') {
      atom(kUnicodeClass);
      const bool braces = at_ + 1 < pattern_.size() && pattern_[at_ + 1] == '{';
      at_ = std::min(braces ? pattern_.find('}', at_) : at_ + 1, pattern_.size() - 1);
    } else if (c == 'x' && at_ + 1 < pattern_.size() && pattern_[at_ + 1] == '{') {
      atom(kByte);
      at_ = std::min(pattern_.find('}', at_), pattern_.size() - 1);
    } else {
      atom(kClass);
    }
  }

  void bracket() {
    double size = kClass;
    std::size_t i = at_ + 1;
    if (i < pattern_.size() && pattern_[i] == '^') ++i;
    if (i < pattern_.size() && pattern_[i] == ']') ++i;
    for (; i < pattern_.size() && pattern_[i] != ']'; ++i) {
      size += kByte;
      if (pattern_[i] == '[' && i + 1 < pattern_.size() && pattern_[i + 1] == ':') {
        const std::size_t end = pattern_.find(":]", i + 2);
        if (end == std::string_view::npos) break;
        size += kClass;
        i = end + 1;
      } else if (pattern_[i] == '\\' && i + 1 < pattern_.size()) {
        ++i;
        size += kClass;
        if (pattern_[i] == 'p' || pattern_[i] == 'P') size += kUnicodeClass;
      }
    }
    if (i >= pattern_.size()) {
      known_ = false;
      return;
    }
    at_ = i;
    atom(size);
  }

  // repetition reads {n}, {n,} or {n,m}; anything else is a brace.
  void repetition() {
    const std::size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos) return atom(kByte);
    const std::string_view inside = pattern_.substr(at_ + 1, end - at_ - 1);
    if (inside.empty() || inside.find_first_not_of("0123456789,") != std::string_view::npos || inside.front() == ',' ||
        std::ranges::count(inside, ',') > 1) {
      return atom(kByte);
    }
    double most = 1;
    std::size_t from = 0;
    while (from < inside.size()) {
      const std::size_t comma = std::min(inside.find(',', from), inside.size());
      if (comma > from) {
        double number = 0;
        if (comma - from > 4 || std::from_chars(inside.data() + from, inside.data() + comma, number).ec != std::errc()) {
          known_ = false;  // more than RE2 repeats
          return;
        }
        most = std::max(most, number + 1);
      }
      from = comma + 1;
    }
    groups_.back().last *= most;
    at_ = end;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  bool known_ = true;
  std::vector<Group> groups_;
};

}  // namespace

std::optional<std::string> literal_text(const Expression& e) {
  if (e.kind == Kind::cast && e.text == "VARCHAR") return literal_text(e.children[0]);
  if (e.is_function("||") || e.is_function("concat")) {
    std::string out;
    for (const Expression& child : e.children) {
      const auto text = literal_text(child);
      if (!text || out.size() + text->size() > kMostJoined) return std::nullopt;
      out += *text;
    }
    return out;
  }
  if ((e.is_function("lower") || e.is_function("upper")) && e.children.size() == 1) {
    const auto text = literal_text(e.children[0]);
    if (!text || !is_ascii(*text)) return std::nullopt;
    return e.text == "lower" ? lower_ascii(*text) : upper_ascii(*text);
  }
  if (e.kind != Kind::constant || e.constant_type != Expression::ConstantType::text) return std::nullopt;
  const std::string_view quoted = e.text;
  if (quoted.size() < 2 || quoted.front() != '\'' || quoted.back() != '\'') return std::nullopt;
  std::string out;
  for (std::size_t at = 1; at + 1 < quoted.size(); ++at) {
    out += quoted[at];
    if (quoted[at] == '\'' && quoted[++at] != '\'') return std::nullopt;  // a quote is written twice
  }
  return out;
}

Extent literal_extent(std::string_view text) {
  const auto [runs, inner] = runs_of(text, '\0');
  return {static_cast<double>(text.size()), runs, inner, regex_program(text)};
}

std::optional<Like> like_of(const Expression& e) {
  constexpr auto kNames = std::to_array<std::string_view>({"~~", "!~~", "~~*", "!~~*", "like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape"});
  if (e.kind != Kind::function || std::ranges::find(kNames, e.text) == kNames.end()) return std::nullopt;
  Like out;
  out.escaped = e.text.ends_with("_escape");
  if (e.children.size() != (out.escaped ? 3U : 2U)) return std::nullopt;
  out.negated = e.text.starts_with("!") || e.text.starts_with("not_");
  out.folded = e.text.ends_with("*") || e.text.ends_with("ilike_escape");
  out.pattern = literal_text(e.children[1]);
  if (!out.escaped) return out;
  const auto escape = literal_text(e.children[2]);
  if (!escape || escape->size() > 1) {
    out.pattern = std::nullopt;
  } else if (!escape->empty()) {
    out.escape = escape->front();
  }
  return out;
}

bool Like::one_pass() const {
  return pattern && !folded && !escaped && pattern->find('_') == std::string::npos && pattern->find_first_not_of('%') != std::string::npos;
}

std::optional<Extent> Like::extent() const {
  if (!pattern) return std::nullopt;
  const auto [runs, inner] = runs_of(*pattern, escape);
  return Extent{static_cast<double>(pattern->size()), runs, inner, kMostProgram};
}

std::optional<std::string> Like::as_regex() const {
  if (!pattern || one_pass() || runs_of(*pattern, escape).second < 2) return std::nullopt;
  std::string from = *pattern;
  if (folded && escape != '\0') {
    // The engine takes the pattern in lower case before it looks for the escape character.
    if (!is_ascii(from)) return std::nullopt;
    from = lower_ascii(from);
  }
  std::string out = "(?s)";
  for (std::size_t i = 0; i < from.size(); ++i) {
    char c = from[i];
    const bool plain = escape != '\0' && c == escape;
    if (plain) {
      if (++i == from.size()) return std::nullopt;
      c = from[i];
    }
    if (!plain && c == '%') {
      out += ".*";
    } else if (!plain && c == '_') {
      out += '.';
    } else {
      if (static_cast<unsigned char>(c) < 0x80 && !is_word(c)) out += '\\';
      out += c;
    }
  }
  return out;
}

double like_steps(double text_bytes, const Extent& pattern) {
  // Each inner % is followed by a character, so that paths choose different places: at most so many ways to place so many.
  double ways = 1, most = 1;
  for (double i = 0; i < pattern.inner && i < text_bytes && most < 1e30; ++i) {
    ways *= (text_bytes - i) / (i + 1);
    most = std::max(most, ways);
  }
  return most * (std::min(pattern.inner, text_bytes) + 1) * (pattern.bytes + 1) + text_bytes;
}

double regex_program(std::string_view pattern) { return RegexSize(pattern).size(); }

std::optional<std::string> held_regex(const Expression& e) {
  if (!e.is_function("regexp_matches") || e.children.size() < 2) return std::nullopt;
  auto pattern = literal_text(e.children[1]);
  if (!pattern || pattern->find('.') == std::string::npos || regex_program(*pattern) >= kMostProgram) return std::nullopt;
  if (e.children.size() == 2 && pattern->find("(?") == std::string::npos) return std::nullopt;
  return "(" + *pattern + ")";
}

std::string sql_literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

}  // namespace redoubt::sql
