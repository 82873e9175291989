// Goal: no text that one row's value makes can grow beyond what the engine has, so that whether a query is answered tells of no row (G5); what
// honest queries do with texts is accepted. Method: the attack in every place where an expression can stand and in every way that texts travel; the most that
// is accepted, over the longest cell that a table takes.
#include "engines/sql/texts.h"

#include "engines/sql/growing_texts_test_fixture.h"

namespace redoubt::sql {
namespace {

using namespace growing;

testing::AssertionResult AcceptsText(const std::string& text, Level level = Level::aggregate_only) {
  const Verdict v = verdict(text, level);
  if (v.accepted()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << v.rule << " at " << v.line << ":" << v.column << ": " << v.message << "\n  " << text;
}

// RefusesText: by G5, for the sake of a limit, at a place, with a rewrite.
testing::AssertionResult RefusesText(const std::string& text, Level level = Level::aggregate_only, const std::string& what = "limit could tell who is there") {
  const Verdict v = verdict(text, level);
  if (v.accepted()) return testing::AssertionFailure() << "accepted: " << text;
  if (v.rule == "G5" && v.message.find(what) != std::string::npos && !v.suggestion.empty()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "expected G5 (" << what << "), found " << v.rule << ": " << v.message << "\n  " << text;
}

// chain: each subquery doubles what the one before it gave.
std::string chain(int times, const std::string& step) {
  std::string out = "WITH a0 AS (SELECT person, s AS x FROM notes)";
  for (int i = 1; i <= times; ++i) {
    out += ", a" + std::to_string(i) + " AS (SELECT person, " + step + " AS x FROM a" + std::to_string(i - 1) + ")";
  }
  return out + " SELECT count(*) FROM a" + std::to_string(times) + " WHERE length(x) > 5";
}

// Doublings after which a cell is as long as a value may be.
constexpr int kMostDoublings = 6;
static_assert(kCellText * (1 << kMostDoublings) == kMaxValueSize);

TEST(Texts, ATextThatGrowsStepByStepIsRefused) {
  for (const char* step : {"replace(x, 'a', 'aa')", "x || x", "concat(x, x)", "concat_ws('', x, x)", "CASE WHEN length(x) > 3 THEN x || x ELSE '' END", "coalesce(x || x, '')",
                           "greatest(x || x, 'a')", "(x || x)::VARCHAR", "nullif(x || x, 'a')", "trim(x || x)", "left(x || x, -1)", "substring(x || x, 2)", "split_part(x || x, ',', 1)"}) {
    EXPECT_TRUE(AcceptsText(chain(3, step))) << step;
    EXPECT_TRUE(RefusesText(chain(kMostDoublings + 1, step))) << step;
    EXPECT_TRUE(RefusesText(chain(10, step))) << step;
  }
  EXPECT_TRUE(AcceptsText(chain(kMostDoublings, "replace(x, 'a', 'aa')")));
  EXPECT_TRUE(RefusesText(chain(1, "replace(x, 'a', '" + std::string(200, 'b') + "')")));
  EXPECT_TRUE(RefusesText(chain(1, "replace(x, left(x, 1), x)")));
  EXPECT_TRUE(RefusesText(chain(14, "upper(lower(x))")));
  // Constants too: one that is computed only where a certain row is.
  std::string constant = "'" + std::string(1000, 'a') + "'";
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes WHERE CASE WHEN s = 'x' THEN length(" + doubled(constant, 13) + ") ELSE 0 END > 1"));
  EXPECT_TRUE(AcceptsText("SELECT count(*) FROM notes WHERE CASE WHEN s = 'x' THEN length(" + doubled(constant, 3) + ") ELSE 0 END > 1"));
  // A text with as long a rest again does not grow, and one that is cut starts anew.
  EXPECT_TRUE(AcceptsText(chain(10, "replace(x, 'aa', 'b')")));
  EXPECT_TRUE(AcceptsText(chain(10, "left(x || x, 1000)")));
  EXPECT_TRUE(AcceptsText(chain(10, "substring(x || x, 1, 1000)")));
}

TEST(Texts, InEveryPlaceAndAtEveryLevel) {
  const std::string big = doubled("s", kMostDoublings + 1);
  const std::string fine = doubled("s", 2);
  for (const Level level : {Level::aggregate_only, Level::k_anonymized, Level::differential_privacy}) {
    for (const std::string form : {"SELECT count(*) FROM notes WHERE length(@) > 5", "SELECT left(@, 3) AS x, count(*) FROM notes GROUP BY x", "SELECT count(@) FROM notes",
                                    "SELECT count(*) FILTER (WHERE @ = 'a') FROM notes", "SELECT count(*) FROM notes a JOIN others b ON a.person = b.person AND length(@) > 3",
                                    "SELECT count(*) FROM notes n WHERE EXISTS (SELECT 1 FROM others o WHERE o.person = n.person AND length(@) > 3)",
                                    "SELECT count(*) FROM notes WHERE person IN (SELECT person FROM notes WHERE @ <> '')",
                                    "SELECT count(*) FROM (SELECT person, max(@) AS x FROM notes GROUP BY person) WHERE x > 'a'",
                                    "SELECT count(*) FROM (SELECT person FROM notes GROUP BY person HAVING max(@) > 'a')",
                                    "SELECT count(*) FROM (SELECT person, @ AS k FROM notes GROUP BY person, k)",
                                    "SELECT count(*) FROM (SELECT person, lag(@) OVER (PARTITION BY person ORDER BY i) AS x FROM notes)",
                                    "SELECT count(*) FROM (SELECT person, count(*) OVER (PARTITION BY person, @) AS x FROM notes)",
                                    "SELECT count(*) FROM (SELECT person, row_number() OVER (PARTITION BY person ORDER BY @) AS x FROM notes)",
                                    "SELECT count(*) FROM (SELECT person FROM notes QUALIFY first_value(@) OVER (PARTITION BY person ORDER BY i) = 'a')",
                                    "SELECT count(*) FROM notes WHERE @ IN ('a', 'b')", "SELECT count(*) FROM notes WHERE (@) IS NULL OR @ BETWEEN 'a' AND 'b'"}) {
      const auto with = [&](const std::string& x) {
        std::string out;
        const bool joined = form.find(" b ") != std::string::npos || form.find(" o ") != std::string::npos;
        for (const char c : form) out += c == '@' ? x : std::string(1, c);
        if (joined) {
          for (std::size_t at = out.find("(s,"); at != std::string::npos; at = out.find("(s,", at + 4)) out.replace(at, 3, form.find(" o ") != std::string::npos ? "(o.s," : "(a.s,");
        }
        return out;
      };
      EXPECT_TRUE(RefusesText(with(big), level));
      if (level == Level::aggregate_only) {
        EXPECT_TRUE(AcceptsText(with(fine), level));
      }
    }
  }
  EXPECT_TRUE(RefusesText("SELECT " + big + " AS x FROM notes", Level::k_anonymized));
  EXPECT_TRUE(RefusesText("SELECT s FROM notes ORDER BY " + big, Level::k_anonymized));
  EXPECT_TRUE(AcceptsText("SELECT " + big + " AS x FROM notes", Level::none)) << "all participants approved it";
}

TEST(Texts, WhatReleasedRowsAndConstantsBringIsBoundedToo) {
  const std::string open = "SELECT count(*) FROM notes, (SELECT @ AS x) v WHERE s <> x";
  const auto with = [&](const std::string& x) { return std::string(open).replace(open.find('@'), 1, x); };
  EXPECT_TRUE(RefusesText(with("repeat('a', 100000)")));
  EXPECT_TRUE(RefusesText(with("lpad('a', 100000, 'b')")));
  EXPECT_TRUE(RefusesText(with("[1, 2, 3]::VARCHAR")));
  EXPECT_TRUE(AcceptsText(with("left(repeat('a', 100000), 20)")));
  EXPECT_TRUE(AcceptsText(with("'a constant'")));
  EXPECT_TRUE(AcceptsText("SELECT count(*) FROM notes, (SELECT unnest([1, 2, 3]) AS x) v WHERE i = x"));
  EXPECT_TRUE(AcceptsText("SELECT count(*) FROM notes, (SELECT string_agg(s, ',') AS x FROM (SELECT s, count(*) FROM notes GROUP BY s)) v")) << "nothing reads it";
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes, (SELECT string_agg(s, ',') AS x FROM (SELECT s, count(*) FROM notes GROUP BY s)) v WHERE notes.s = x"));
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes WHERE s < (SELECT repeat('a', 100000))"));
  EXPECT_TRUE(AcceptsText("SELECT count(*) FROM notes WHERE s < (SELECT max(s) FROM (SELECT s, count(*) FROM notes GROUP BY s))"));
  EXPECT_TRUE(AcceptsText("SELECT count(*) FROM notes WHERE i > (SELECT stddev(n) + regr_avgx(n, n) FROM (SELECT s, count(*) AS n FROM notes GROUP BY s))"));
  const std::string grown = doubled("s", kMostDoublings);
  EXPECT_TRUE(AcceptsText("SELECT count(*) FROM notes n JOIN (SELECT " + grown + " AS x, count(*) AS n FROM notes GROUP BY x) k ON n.s = k.x"));
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes n JOIN (SELECT " + grown + " AS x, count(*) AS n FROM notes GROUP BY x) k ON n.s = k.x || 'a'"));
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes n JOIN (SELECT 'b' AS x UNION ALL SELECT x || 'a' FROM (SELECT " + grown + " AS x, count(*) FROM notes GROUP BY x)) k ON n.s = k.x"));
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes n, (VALUES ('a'), (repeat('b', 100000))) v(x) WHERE s = x"));
  // A list of the n largest takes the room for them at once.
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM (SELECT person, max(i, 1000000) AS x FROM notes GROUP BY person) WHERE x IS NOT NULL"));
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM (SELECT person FROM notes GROUP BY person HAVING arg_max(s, i, 1000000) IS NOT NULL)"));
  // Over released rows alone nothing is bounded: they are no single person's.
  EXPECT_TRUE(AcceptsText("SELECT repeat(s, 100), string_agg(s, ',') OVER () FROM (SELECT s, count(*) FROM notes GROUP BY s)"));
}

TEST(Texts, TogetherTheyStayBelowWhatAStatementHas) {
  std::string many = "SELECT count(*)";
  for (int i = 0; i < 12; ++i) many += ", count(" + doubled("s", kMostDoublings - 1) + " || '" + std::to_string(i) + "')";
  EXPECT_TRUE(RefusesText(many + " FROM notes", Level::aggregate_only, "bytes together"));
  std::string list = "(VALUES (0)";
  for (int i = 1; i < 500; ++i) list += ", (" + std::to_string(i) + ")";
  list += ") v(x)";
  EXPECT_TRUE(AcceptsText("SELECT x, count(*) FROM notes, " + list + " WHERE i < x GROUP BY x"));
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes, " + list + " WHERE s || r <> 'a'", Level::aggregate_only, "bytes together"));
  // A statement counts as often as it is read, and so does what it reads; also what SEMI joins, IN and EXISTS look into.
  const auto reads = [](int times) {
    std::string out = "WITH a0 AS (SELECT person, max(" + doubled("s", kMostDoublings - 1) + ") AS x FROM notes GROUP BY person)";
    for (int i = 1; i <= times; ++i) {
      const std::string n = std::to_string(i), before = std::to_string(i - 1);
      out += ", a" + n + " AS (SELECT a.person, max(a.x) AS x FROM a" + before + " a JOIN a" + before + " b ON a.person = b.person GROUP BY a.person)";
    }
    return out + " SELECT count(*) FROM a" + std::to_string(times);
  };
  EXPECT_TRUE(AcceptsText(reads(1)));
  EXPECT_TRUE(RefusesText(reads(4), Level::aggregate_only, "bytes together"));
  std::string members = "SELECT count(*) FROM notes n WHERE true";
  for (int i = 0; i < 10; ++i) members += " AND person IN (SELECT person FROM notes WHERE " + doubled("s", kMostDoublings - 1) + " <> '" + std::to_string(i) + "')";
  EXPECT_TRUE(RefusesText(members, Level::aggregate_only, "bytes together"));
  // Blocks that are released one after the other hold nothing of one another.
  const auto block = [](const std::string& x) {
    std::string out = "(SELECT count(*)";
    for (int i = 0; i < 4; ++i) out += ", count(" + doubled(x, kMostDoublings - 1) + " || '" + std::to_string(i) + "')";
    return out + " FROM notes)";
  };
  EXPECT_TRUE(AcceptsText("SELECT * FROM " + block("s") + " a, " + block("r") + " b"));
}

TEST(Texts, HonestWorkWithTextsIsAccepted) {
  for (const char* where :
       {"s LIKE '%a%' OR s ILIKE '%renal%failure%' OR s LIKE 'C__.%'", "regexp_matches(s, '^[A-Z][0-9]{2}(\\.[0-9]{1,3})?$')", "regexp_full_match(lower(trim(s)), '.*(heart|renal|lung).*', 's')",
        "regexp_matches(s, '(?i)\\bcancer\\b')", "lower(s) LIKE lower('%Renal%')", "contains(s, r)", "starts_with(s, r) OR s = r || '-' || i::VARCHAR",
        "replace(replace(replace(s, '-', ''), ' ', ''), '.', '') = 'ABC'", "replace(replace(replace(lower(s), '\xc3\xa4', 'ae'), '\xc3\xb6', 'oe'), '\xc3\x9f', 'ss') = 'x'",
        "concat_ws('|', s, r, i, day, s, r) = 'x'", "split_part(split_part(s, ';', 2), '=', 1) = 'k'", "strftime(day, '%Y-%m-%d') || s = 'x'", "upper(left(s, 1)) || lower(substring(s, 2)) = s",
        "s NOT ILIKE '%a%b%c%d%'", "s LIKE '10$%%b%c%' ESCAPE '$'", "coalesce(nullif(trim(s), ''), 'none') <> 'none'",
        "CASE WHEN s LIKE 'A%' THEN 'a' WHEN s LIKE '%b%c%' THEN 'b' WHEN regexp_matches(s, 'x{3}') THEN 'c' ELSE s || '?' END = 'a'"}) {
    EXPECT_TRUE(AcceptsText(std::string("SELECT count(*) FROM notes WHERE ") + where));
  }
  EXPECT_TRUE(AcceptsText("SELECT v.label, count(*) FROM notes JOIN (VALUES ('C%', 'cancer'), ('%I5%', 'heart'), ('_J%', 'lung')) v(p, label) ON s LIKE v.p GROUP BY v.label"));
  EXPECT_TRUE(AcceptsText("SELECT v.label, count(*) FROM notes JOIN (VALUES ('^C[0-9]{2}', 'cancer'), ('(I|J)5', 'heart')) v(p, label) ON regexp_matches(s, v.p) GROUP BY v.label"));
  EXPECT_TRUE(AcceptsText("SELECT v.word, count(*) FROM notes JOIN (VALUES ('a'), ('b')) v(word) ON s LIKE '%' || v.word || '%' GROUP BY v.word"));
}

TEST(Texts, WhatCouldTakeAnyTimeIsRefused) {
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes WHERE s LIKE r", Level::aggregate_only, "too long"));
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes WHERE s ILIKE r || '%'", Level::aggregate_only, "too long"));
  EXPECT_EQ(verdict("SELECT count(*) FROM notes WHERE repeat('a', 9) LIKE s").rule, "S14") << "what is on no list is refused for that";
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes WHERE '" + std::string(200, 'a') + "' LIKE s", Level::aggregate_only, "too long"));
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes WHERE regexp_matches(s, r)", Level::aggregate_only, "too long"));
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes WHERE regexp_matches(s, '((a|b){100}){100}c')", Level::aggregate_only, "too long"));
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes WHERE regexp_matches(s, '\\Q(\\E')", Level::aggregate_only, "too long"));
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes WHERE contains(" + doubled("s", 5) + ", " + doubled("r", 5) + ")", Level::aggregate_only, "too long"));
  EXPECT_TRUE(RefusesText("SELECT count(*) FROM notes JOIN (VALUES ('%a%b%c%')) v(p) ON s LIKE v.p", Level::aggregate_only, "too long"));
  EXPECT_TRUE(AcceptsText("SELECT count(*) FROM notes WHERE left(s, 8) LIKE left(r, 2)"));
  EXPECT_TRUE(AcceptsText("SELECT count(*) FROM notes WHERE regexp_matches(left(s, 50), r)"));
  // Each block is cheap enough, all of them together are not.
  const std::string dear = "(SELECT count(*) AS n FROM notes WHERE regexp_matches(left(s, 1500), r))";
  EXPECT_TRUE(AcceptsText("SELECT n FROM " + dear + " a"));
  EXPECT_TRUE(RefusesText("SELECT a.n + b.n FROM " + dear + " a, " + dear + " b", Level::aggregate_only, "too long"));
}

TEST(Texts, TheRefusalSaysWhereAndHow) {
  const Verdict v = verdict("SELECT count(*) FROM notes\nWHERE length(" + doubled("s", kMostDoublings + 1) + ") > 3");
  EXPECT_EQ(v.rule, "G5");
  EXPECT_EQ(v.line, 2U);
  EXPECT_EQ(v.column, 14U);
  EXPECT_NE(v.message.find("could grow to 8388608 bytes, beyond 4194304"), std::string::npos) << v.message;
  EXPECT_NE(v.suggestion.find("left(x, 1000)"), std::string::npos);
}

using LongestText = LongestCell;

TEST_F(LongestText, IsAnsweredHoweverMuchIsMadeOfIt) {
  answers("SELECT count(*) FROM notes WHERE length(" + doubled("s", kMostDoublings) + ") > 1");
  answers(chain(kMostDoublings, "replace(x, 'a', 'aa')"));
  std::string many = "SELECT count(*)";
  for (int i = 0; i < 10; ++i) many += ", count(" + doubled("s", kMostDoublings - 2) + " || '" + std::to_string(i) + "')";
  answers(many + " FROM notes");
  std::string list = "(VALUES (0)";
  for (int i = 1; i < 150; ++i) list += ", (" + std::to_string(i) + ")";
  answers("SELECT count(s || x) FROM notes, " + list + ") v(x)");
  answers("SELECT count(*) FROM (SELECT person, max(s || r) OVER (PARTITION BY person ORDER BY s || x) AS y FROM notes, " + list.substr(0, list.find("(40)") - 2) + ") v(x)) WHERE y > ''");
  answers("SELECT count(split_part(s, '', 3)) FROM notes");
}

}  // namespace
}  // namespace redoubt::sql
