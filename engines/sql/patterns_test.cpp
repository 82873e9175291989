// Goal: LIKE and regular expressions take no more time than text and pattern are long, and mean what was written. Method: LIKE as the engine
// matches it against LIKE as it is printed, on random texts and patterns; then the longest cell under patterns that take the engine forever as they are written.
#include "engines/sql/patterns.h"

#include <gtest/gtest.h>

#include <random>

#include "engines/sql/growing_texts_test_fixture.h"
#include "engines/sql/print.h"

namespace redoubt::sql {
namespace {

using namespace growing;
using Patterns = WithEngine;

TEST_F(Patterns, ArePrintedAsWhatTheyMean) {
  std::mt19937 random(20240229);
  const std::vector<std::string> kPieces = {"a", "b", "A", "%", "%", "%", "_", "$", "\\", ".", "*", "(", "[", "'", "\n", "\xc3\xa9", "\xc3\x89", "\xf0\x9f\x98\x80", "\xe2\x84\xaa", "1", "-", "^", "{2}"};
  const auto text = [&](std::size_t most, const std::vector<std::string>& pieces) {
    std::string out;
    for (std::size_t i = random() % (most + 1); i > 0; --i) out += pieces[random() % pieces.size()];
    return out;
  };
  ASSERT_FALSE(instance_.connection->Query("CREATE TABLE x(s VARCHAR)")->HasError());
  for (int i = 0; i < 400; ++i) {
    const std::vector<std::string>& pieces = i % 2 == 0 ? kPieces : std::vector<std::string>{"a", "A", "b", "\xc3\xa9", "\n", "%"};
    ASSERT_FALSE(instance_.connection->Query("INSERT INTO x VALUES (" + sql_literal(text(9, pieces)) + ")")->HasError());
  }
  ASSERT_FALSE(instance_.connection->Query("INSERT INTO x VALUES (NULL)")->HasError());
  const Columns columns = {column("s", text_extent(kCellText))};
  int changed = 0, matched = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string pattern = text(7, kPieces);
    for (const char* form : {"s LIKE @", "s NOT LIKE @", "s ILIKE @", "s NOT ILIKE @", "s LIKE @ ESCAPE '$'", "s NOT LIKE @ ESCAPE '$'", "s ILIKE @ ESCAPE '$'", "s LIKE @ ESCAPE ''", "s NOT ILIKE @ ESCAPE '\\'",
                             "s ILIKE @ ESCAPE 'A'"}) {
      if (std::string(form).find("ESCAPE") != std::string::npos && !pattern.empty() && std::string("$\\Aa").find(pattern.back()) != std::string::npos) continue;
      const std::string call = std::string(form).replace(std::string(form).find('@'), 1, sql_literal(pattern));
      const std::string printed = print(parsed(call, columns), columns);
      if (printed.find("regexp_full_match") == std::string::npos) continue;
      ++changed;
      EXPECT_EQ(one("SELECT count(*) FROM x WHERE (" + call + ") IS DISTINCT FROM (" + printed + ")"), "0") << call << "\n" << printed;
      matched += one("SELECT count(*) > 1 FROM x WHERE " + call) == "true" ? 1 : 0;
    }
  }
  EXPECT_GT(changed, 300);
  EXPECT_GT(matched, 100);
  for (const char* call : {"regexp_matches(s, 'a.b', 's')", "regexp_matches(s, '(?s).*a.*b')", "regexp_matches(s, 'a|.b', 's')", "regexp_matches(s, '^.*b$', 'i')", "regexp_matches(s, 'a.b')"}) {
    EXPECT_EQ(one(std::string("SELECT count(*) FROM x WHERE (") + call + ") IS DISTINCT FROM (" + print(parsed(call, columns), columns) + ")"), "0") << call;
  }
}

TEST(RegexProgram, CountsWhatIsRepeated) {
  EXPECT_LT(regex_program("^[A-Z][0-9]{2}"), 1000);
  EXPECT_GE(regex_program("\\p{Greek}{5}x"), 5 * 2000);
  EXPECT_GE(regex_program("a{1000}"), 1000);
  EXPECT_GE(regex_program("((ab){10}c){20}"), 20 * (10 * 2 + 1));
  EXPECT_GE(regex_program("(a{3}){4,}"), 12);
  EXPECT_GE(regex_program("\\pL{5}"), 5 * 2000);
  EXPECT_GE(regex_program("[\\p{Greek}a]{5}"), 5 * 2000);
  EXPECT_EQ(regex_program("((a{100}){100}){100}"), kMostProgram);
  for (const char* unknown : {"(a", "a)", "[a", "\\", "\\Qa\\E", "a{99999}"}) EXPECT_EQ(regex_program(unknown), kMostProgram) << unknown;
  EXPECT_LT(regex_program("a{,5}b{x}c{"), 1000);
}

TEST_F(LongestCell, IsLookedThroughInOnePass) {
  for (const char* where : {"s ILIKE '%a%a%a%a%a%a%b'", "s LIKE '%a_a%a%a%a%a%b'", "s LIKE '%a%a%a%a%a%b%'", "s LIKE '$%%a%a%a%a%a%b' ESCAPE '$'", "NOT s ILIKE '%_A%a%a%a%a%b' ESCAPE '$'",
                            "regexp_matches(s, '.*a.*a.*a.*a.*a.*b', 's')", "regexp_matches(s, '(?s)a.a.*a.*a.*a.*a.*b')", "regexp_full_match(s, '.*a.*a.*a.*a.*b')",
                            "regexp_matches(s, '(a|aa)+$b')", "regexp_matches(s, '(a?){200}a{200}b')", "contains(s, right(r, 1000) || 'b')", "replace(s, left(r, 1000) || 'b', '') = ''",
                            "left(s, 8) LIKE left(r, 2)"}) {
    answers(std::string("SELECT count(*) FROM notes WHERE ") + where + " OR i >= 0");
  }
}

}  // namespace
}  // namespace redoubt::sql
