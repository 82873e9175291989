// Patterns of LIKE and regular expressions: what looking for them can cost, and LIKE written so that it costs little.
//
// The engine matches LIKE by trying, for each % that something follows, every place behind it: n^w steps for w of them over a text of n bytes, so
// that one row can take any time (DuckDB 1.4.4). A constant pattern of plain LIKE without _ is matched in one pass there; other constant patterns are printed as
// regular expressions, which RE2 matches in time proportional to text and pattern. Private to this room. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engines/sql/ast.h"
#include "engines/sql/extent.h"

namespace redoubt::sql {

// literal_text: the value of a text constant, also of a few short ones put together or taken in another case (of ASCII letters); nothing for
// anything else.
std::optional<std::string> literal_text(const Expression& e);

// literal_extent: of a text constant.
Extent literal_extent(std::string_view text);

// Like: a call of LIKE, ILIKE or one of them with ESCAPE or NOT.
struct Like {
  bool negated = false;
  bool folded = false;                 // ILIKE
  bool escaped = false;                // with ESCAPE
  std::optional<std::string> pattern;  // where it is a constant, and the escape character too
  char escape = '\0';                  // none: NUL, which stands in no text

  // as_regex: the pattern as a regular expression over the whole text (over the lower-case text if folded, itself to be taken in
  // lower case), where the engine would not match it in one pass; else nothing.
  std::optional<std::string> as_regex() const;
  // one_pass: the engine matches it in one pass.
  bool one_pass() const;
  // extent of the pattern where it is a constant, escaped % not counted.
  std::optional<Extent> extent() const;
};
std::optional<Like> like_of(const Expression& e);

// like_steps: matching a text of so many bytes against a pattern as the engine does in general.
double like_steps(double text_bytes, const Extent& pattern);

// regex_program: at most so many instructions RE2 makes of a pattern; kMostProgram where that is not understood.
double regex_program(std::string_view pattern);

// held_regex: the pattern of a call of regexp_matches as it is to be printed, where it must be another: the engine's optimiser makes a LIKE of a pattern whose dot
// takes line ends, and then matches that in n^w steps (DuckDB 1.4.4). In parentheses it matches the same and stays a regular expression.
std::optional<std::string> held_regex(const Expression& e);

// sql_literal writes a text as a constant.
std::string sql_literal(std::string_view text);

}  // namespace redoubt::sql
