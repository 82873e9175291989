// Goal: PostgreSQL gets what our dialect means, and values and quoted text are never touched. Method: each rule alone, then texts that
// are cut off.
#include "untrusted/hub/store/dialect.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::hub::sql {
namespace {

std::string translated(std::string_view text) { return OrDie(to_postgres(text)).text; }

TEST(Dialect, NumbersPlaceholdersOutsideQuotes) {
  const Translated out = OrDie(to_postgres("SELECT '?' , \"?\", 'it''s ?' FROM t WHERE a = ? AND b = ?"));
  EXPECT_EQ(out.text, "SELECT '?' , \"?\", 'it''s ?' FROM t WHERE a = $1 AND b = $2");
  EXPECT_EQ(out.values, 2U);
}

TEST(Dialect, TranslatesTypesInCapitalsAlone) {
  EXPECT_EQ(translated("CREATE TABLE t (number INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER, text TEXT NOT NULL, b BLOB) STRICT;"),
            "CREATE TABLE t (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n BIGINT, text TEXT COLLATE \"C\" NOT NULL, b BYTEA) ;");
  EXPECT_EQ(translated("CREATE TABLE t (k INTEGER PRIMARY KEY) STRICT, WITHOUT ROWID"), "CREATE TABLE t (k BIGINT PRIMARY KEY) ");
  EXPECT_EQ(translated("SELECT text, 'TEXT', \"BLOB\", a1TEXT FROM integer_TEXT"), "SELECT text, 'TEXT', \"BLOB\", a1TEXT FROM integer_TEXT");
  EXPECT_EQ(translated("VALUES (x'00fF', X'')"), "VALUES ('\\x00fF'::bytea, '\\x'::bytea)");
}

TEST(Dialect, KeepsHintsForPostgresAndDropsComments) {
  EXPECT_EQ(translated("SELECT 1 /*+postgres FOR UPDATE */"), "SELECT 1  FOR UPDATE ");
  EXPECT_EQ(translated("SELECT /* what? */ 1 -- why?\n+ 1"), "SELECT  1 \n+ 1");
  EXPECT_EQ(translated(""), "");
}

TEST(Dialect, RefusesTextThatIsCutOff) {
  for (const char* text : {"SELECT 'a", "SELECT \"a", "SELECT /* a", "SELECT x'0", "/*+postgres"}) {
    EXPECT_ERROR(to_postgres(text), Code::internal, "does not end") << text;
  }
  EXPECT_ERROR(to_postgres("SELECT x'0'"), Code::internal, "hexadecimal");
  EXPECT_ERROR(to_postgres("SELECT x'0g'"), Code::internal, "hexadecimal");
}

}  // namespace
}  // namespace redoubt::hub::sql
