#include "untrusted/hub/store/dialect.h"

#include <algorithm>

namespace redoubt::hub::sql {
namespace {

constexpr std::string_view kHint = "/*+postgres";

bool starts_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool in_word(char c) { return starts_word(c) || (c >= '0' && c <= '9'); }
bool hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

class Translator {
 public:
  explicit Translator(std::string_view sql) : rest_(sql) {}

  Result<Translated> run() {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '\'' || c == '"') {
        REDOUBT_TRY(const std::string_view quoted, take_quoted(c));
        out_.text += quoted;
      } else if (rest_.starts_with("--")) {
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      } else if (rest_.starts_with("/*")) {
        REDOUBT_CHECK(comment());
      } else if (c == '?') {
        out_.text += "$" + std::to_string(++out_.values);
        rest_.remove_prefix(1);
      } else if (starts_word(c)) {
        REDOUBT_CHECK(word());
      } else if (c >= '0' && c <= '9') {
        out_.text += take_word();
      } else {
        out_.text += c;
        rest_.remove_prefix(1);
      }
    }
    return std::move(out_);
  }

 private:
  static Error cut_off(std::string_view what) { return Error(Code::internal, "translating statement: " + std::string(what) + " does not end"); }

  // With its quotes; a doubled quote inside is two pieces side by side, which copies the same.
  Result<std::string_view> take_quoted(char quote) {
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) return cut_off("a literal");
    const std::string_view out = rest_.substr(0, end + 1);
    rest_.remove_prefix(end + 1);
    return out;
  }

  std::string_view take_word() {
    std::size_t size = 0;
    while (size < rest_.size() && in_word(rest_[size])) ++size;
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }

  // follow: takes `text` if it is next.
  bool follow(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  Status comment() {
    const std::size_t end = rest_.find("*/");
    if (end == std::string_view::npos) return cut_off("a comment");
    if (rest_.starts_with(kHint)) out_.text += rest_.substr(kHint.size(), end - kHint.size());
    rest_.remove_prefix(end + 2);
    return {};
  }

  Status word() {
    const std::string_view found = take_word();
    if ((found == "x" || found == "X") && rest_.starts_with('\'')) {
      REDOUBT_TRY(std::string_view quoted, take_quoted('\''));
      const std::string_view digits = quoted.substr(1, quoted.size() - 2);
      if (digits.size() % 2 != 0 || !std::ranges::all_of(digits, hex_digit)) {
        return Error(Code::internal, "translating statement: a blob is not whole bytes of hexadecimal");
      }
      out_.text += "'\\x" + std::string(digits) + "'::bytea";
    } else if (found == "INTEGER") {
      out_.text += follow(" PRIMARY KEY AUTOINCREMENT") ? "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY" : "BIGINT";
    } else if (found == "BLOB") {
      out_.text += "BYTEA";
    } else if (found == "TEXT") {
      out_.text += "TEXT COLLATE \"C\"";
    } else if (found == "STRICT") {
      static_cast<void>(follow(", WITHOUT ROWID"));
    } else {
      out_.text += found;
    }
    return {};
  }

  std::string_view rest_;
  Translated out_;
};

}  // namespace

Result<Translated> to_postgres(std::string_view sql) { return Translator(sql).run(); }

}  // namespace redoubt::hub::sql
