// Goal: a table goes in exactly as its owner wrote it, or not at all. Method: RFC 4180's own forms accepted; every single
// departure refused as `malformed` with row and column, and never with the value.
#include "common/table/csv.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::table {
namespace {

const std::vector<Column>& columns() {
  static const std::vector<Column> all{{"id", {TypeId::bigint, 0, 0}},    {"small", {TypeId::integer, 0, 0}}, {"name", {TypeId::varchar, 0, 0}},
                                       {"price", {TypeId::decimal, 6, 2}}, {"ratio", {TypeId::double_, 0, 0}}, {"ok", {TypeId::boolean, 0, 0}},
                                       {"day", {TypeId::date, 0, 0}}};
  return all;
}

constexpr std::string_view kHeader = "id,small,name,price,ratio,ok,day\n";

Result<std::vector<Row>> parse(std::string text) {
  std::vector<Row> rows;
  REDOUBT_TRY(const std::uint64_t count, read_csv(text, "t", columns(), 100, [&](Row& row) -> Status {
    rows.push_back(row);
    return {};
  }));
  EXPECT_EQ(count, rows.size());
  return rows;
}
Result<std::vector<Row>> row(std::string text) { return parse(std::string(kHeader) + text); }

TEST(Csv, ReadsTypedValuesInTheTablesOrder) {
  const auto rows = OrDie(parse("name,ID,small,price,ratio,ok,day\r\n\"a \"\"b\"\", c\r\nd\",-9223372036854775808,2147483647,-12.5,1e3,true,1970-01-02\r\n"));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0], (Row{std::int64_t{INT64_MIN}, std::int64_t{2147483647}, std::string("a \"b\", c\r\nd"), Decimal{-1250}, 1000.0, true, Days{1}}));
}

TEST(Csv, TellsNullFromTheEmptyText) {
  const auto rows = OrDie(row("1,,,,,,\n2,,\"\",,,,"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(rows[0][2]));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(rows[0][6]));
  EXPECT_EQ(rows[1][2], Value(std::string()));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(rows[1][6]));
}

TEST(Csv, AcceptsATableWithoutRows) {
  EXPECT_TRUE(OrDie(parse(std::string(kHeader))).empty());
  EXPECT_TRUE(OrDie(parse("id,small,name,price,ratio,ok,day")).empty());
}

TEST(Csv, RefusesAnotherHeader) {
  EXPECT_ERROR(parse(""), Code::malformed, "header: missing");
  EXPECT_ERROR(parse("id,small,name,price,ratio,ok\n"), Code::malformed, "column day is missing");
  EXPECT_ERROR(parse("id,small,name,price,ratio,ok,day,more\n"), Code::malformed, "field 8");
  EXPECT_ERROR(parse("id,id,name,price,ratio,ok,day\n"), Code::malformed, "column id stands twice");
  EXPECT_ERROR(parse("\xEF\xBB\xBFid,small,name,price,ratio,ok,day\n"), Code::malformed, "byte order mark");
  EXPECT_ERROR(parse("id, small,name,price,ratio,ok,day\n"), Code::malformed, "field 2");
}

TEST(Csv, RefusesRecordsOutOfForm) {
  EXPECT_ERROR(row("1,2,a,1,1,true\n"), Code::malformed, "row 1: expected 7 fields, found 6");
  EXPECT_ERROR(row("1,2,a,1,1,true,2024-01-01\n1,2,a,1,1,true,2024-01-01,\n"), Code::malformed, "row 2: expected 7 fields, found 8");
  EXPECT_ERROR(row("\n"), Code::malformed, "row 1: expected 7 fields, found 1");
  EXPECT_ERROR(row("1,2,a\"b,1,1,true,2024-01-01\n"), Code::malformed, "row 1: a quote inside");
  EXPECT_ERROR(row("1,2,\"ab\"c,1,1,true,2024-01-01\n"), Code::malformed, "row 1: text after the end");
  EXPECT_ERROR(row("1,2,\"ab,1,1,true,2024-01-01\n"), Code::malformed, "row 1: a quoted field without its end");
  EXPECT_ERROR(row("1,2,a,1,1,true,2024-01-01\r\n"), Code::malformed, "two different ways");
  EXPECT_ERROR(row("1,2,a\rb,1,1,true,2024-01-01\n"), Code::malformed, "carriage return");
  EXPECT_ERROR(row(std::string("1,2,a\0b,1,1,true,2024-01-01\n", 29)), Code::malformed, "NUL");
  for (const char* bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"}) {
    EXPECT_ERROR(row(std::string("1,2,") + bad + ",1,1,true,2024-01-01\n"), Code::malformed, "UTF-8");
  }
  EXPECT_OK(row("1,2,\xe2\x82\xac \xf0\x9f\x98\x80,1,1,true,2024-01-01\n"));
}

TEST(Csv, RefusesValuesOfAnotherTypeAndNeverRepeatsThem) {
  const auto refuses = [](std::string fields, std::string_view column) {
    const auto result = row(fields);
    ASSERT_FALSE(result.ok()) << fields;
    EXPECT_EQ(result.error().code(), Code::malformed);
    EXPECT_NE(result.error().message().find("row 1, column " + std::string(column)), std::string::npos) << result.error().message();
    EXPECT_EQ(result.error().message().find("secret"), std::string::npos);
  };
  for (const char* id : {"secret", "1.0", " 1", "1 ", "+1", "9223372036854775808", "0x10", "1e3"}) refuses(std::string(id) + ",1,a,1,1,true,2024-01-01", "id");
  refuses("1,2147483648,a,1,1,true,2024-01-01", "small");
  for (const char* price : {"secret", "1.234", "10000", "1.", ".5", "--1", "1e2", "1,5", "-"}) {
    refuses(std::string("1,1,a,\"") + price + "\",1,true,2024-01-01", "price");
  }
  for (const char* ratio : {"secret", "nan", "inf", "-inf", "1e999", "1.5 ", "0x1p3"}) refuses(std::string("1,1,a,1,") + ratio + ",true,2024-01-01", "ratio");
  for (const char* ok : {"True", "1", "t", "secret"}) refuses(std::string("1,1,a,1,1,") + ok + ",2024-01-01", "ok");
  for (const char* day : {"2024-02-30", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-01", "2024-1-1", "0000-01-01", "2024/01/01", "24-01-01", "2024-01-01T"}) {
    refuses(std::string("1,1,a,1,1,true,") + day, "day");
  }
  refuses("\"\",1,a,1,1,true,2024-01-01", "id");
}

TEST(Csv, CountsDaysAsTheCalendarDoes) {
  const Type date{TypeId::date, 0, 0};
  EXPECT_EQ(OrDie(parse_value("1970-01-01", date)), Value(Days{0}));
  EXPECT_EQ(OrDie(parse_value("2000-02-29", date)), Value(Days{11016}));
  EXPECT_EQ(OrDie(parse_value("0001-01-01", date)), Value(Days{-719162}));
  EXPECT_EQ(OrDie(parse_value("9999-12-31", date)), Value(Days{2932896}));
}

TEST(Csv, GoesIntoATableFileAsItIs) {
  const Encoded encoded = OrDie(encode_csv(std::string(kHeader) + "1,,\"a \"\"b\"\"\",1.5,,true,\n2,3,,,,,1970-01-02\n", "t", columns()));
  EXPECT_EQ(encoded.rows, 2U);
  EXPECT_TRUE(is_table_file(encoded.file.reveal()));
  EXPECT_ERROR(encode_csv(std::string(kHeader) + "1,,,,,,\n1,,,99999,,,\n", "t", columns()), Code::malformed, "row 2, column price");
}

TEST(Csv, BoundsTheNumberOfRows) {
  std::string text(kHeader);
  for (int i = 0; i < 101; ++i) text += "1,1,a,1,1,true,2024-01-01\n";
  EXPECT_ERROR(parse(text), Code::malformed, "more than 100 rows");
}

TEST(ColumnType, WritesAndReadsTypesInOneSpelling) {
  for (const char* text : {"BIGINT", "INTEGER", "DOUBLE", "DECIMAL(12,2)", "VARCHAR", "BOOLEAN", "DATE"}) EXPECT_EQ(OrDie(Type::parse(text)).text(), text);
  for (const char* text : {"", "bigint", "DECIMAL", "DECIMAL(12, 2)", "DECIMAL(012,2)", "DECIMAL(12,2) ", "INT", "TEXT"}) {
    EXPECT_ERROR(Type::parse(text), Code::malformed, "column type");
  }
}

}  // namespace
}  // namespace redoubt::table
