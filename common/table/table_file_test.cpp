// Goal: a table has one file and a file one table. Method: rows of every type, NULLs and group borders come back as they went in; every byte
// changed, every length cut and every departure that the specification names is refused or is another sound table, and never a crash.
#include "common/table/table_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/support/expect.h"
#include "tests/support/sanitized.h"
#include "tests/support/stride.h"

namespace redoubt::table {
namespace {

const std::vector<Type>& types() {
  static const std::vector<Type> all{{TypeId::bigint, 0, 0}, {TypeId::varchar, 0, 0}, {TypeId::decimal, 4, 1}, {TypeId::boolean, 0, 0},
                                     {TypeId::date, 0, 0},   {TypeId::double_, 0, 0}, {TypeId::integer, 0, 0}};
  return all;
}

Row row(std::int64_t id, std::string name) { return {id, std::move(name), Decimal{id % 10'000}, id % 2 == 0, Days{static_cast<std::int32_t>(id)}, static_cast<double>(id) / 8, id % 1000}; }

Bytes file_of(const std::vector<Row>& rows, const std::vector<Type>& of = types()) {
  TableWriter writer = OrDie(TableWriter::create(of));
  for (const Row& one : rows) EXPECT_OK(writer.add(one));
  const SecretBytes file = writer.finish();
  return to_bytes(file.reveal());
}

template <class T>
T at(ByteView bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
  return value;
}

Value value_of(const ColumnView& column, TypeId type, std::size_t i) {
  if (column.is_null(i)) return std::monostate();
  switch (type) {
    case TypeId::boolean: return at<std::uint8_t>(column.values, i) == 1;
    case TypeId::integer: return std::int64_t{at<std::int32_t>(column.values, i)};
    case TypeId::date: return Days{at<std::int32_t>(column.values, i)};
    case TypeId::bigint: return at<std::int64_t>(column.values, i);
    case TypeId::decimal: return Decimal{at<std::int64_t>(column.values, i)};
    case TypeId::double_: return at<double>(column.values, i);
    case TypeId::varchar: break;
  }
  const std::uint32_t start = i == 0 ? 0 : at<std::uint32_t>(column.values, i - 1);
  return std::string(as_text(column.text).substr(start, at<std::uint32_t>(column.values, i) - start));
}

Result<std::vector<Row>> rows_of(ByteView bytes, const std::vector<Type>& of = types()) {
  REDOUBT_TRY(TableReader reader, TableReader::open(bytes, of));
  std::vector<Row> rows;
  while (true) {
    REDOUBT_TRY(const auto group, reader.next());
    if (!group) break;
    for (std::size_t i = 0; i < group->rows; ++i) {
      Row one;
      for (std::size_t c = 0; c < of.size(); ++c) one.push_back(value_of(group->columns[c], of[c].id, i));
      rows.push_back(std::move(one));
    }
  }
  EXPECT_EQ(rows.size(), reader.rows());
  return rows;
}

std::vector<Row> some_rows() {
  const std::monostate null;
  return {row(1, "one"), {null, null, null, null, null, null, null}, row(2, ""), row(3, "dr\xc3\xbc""ben \xf0\x9f\x98\x80"), {std::int64_t{INT64_MIN}, null, Decimal{-9999}, null, Days{Days::kFirst}, -0.5, std::int64_t{INT32_MIN}},
          {std::int64_t{INT64_MAX}, std::string("x"), Decimal{9999}, false, Days{Days::kLast}, std::numeric_limits<double>::max(), std::int64_t{INT32_MAX}}};
}

TEST(TableFile, GivesBackWhatWentIn) {
  EXPECT_EQ(OrDie(rows_of(file_of(some_rows()))), some_rows());
  EXPECT_TRUE(OrDie(rows_of(file_of({}))).empty());
}

TEST(TableFile, GroupsEndWhereTheySay) {
  for (const std::size_t count : {kGroupRows - 1, kGroupRows, kGroupRows + 1, 2 * kGroupRows}) {
    if (test::kSanitized && test::stride(1) != 1 && count != kGroupRows + 1) continue;  // the released program tries the others
    std::vector<Row> rows;
    for (std::size_t i = 0; i < count; ++i) rows.push_back(row(static_cast<std::int64_t>(i), i % 7 == 0 ? "" : std::to_string(i)));
    rows.back()[1] = std::monostate();
    EXPECT_EQ(OrDie(rows_of(file_of(rows))), rows) << count;
  }
}

TEST(TableFile, AnySingleByteChangedIsRefusedOrAnotherTableWithItsOwnFile) {
  const Bytes file = file_of(some_rows());
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (const unsigned bit : {0x01U, 0x10U, 0x80U}) {
      Bytes changed = file;
      changed[i] ^= std::byte{static_cast<unsigned char>(bit)};
      const auto rows = rows_of(changed);
      if (!rows.ok()) continue;
      ++accepted;
      EXPECT_NE(*rows, some_rows()) << i;
      EXPECT_EQ(file_of(*rows), changed) << i;
    }
  }
  EXPECT_GT(accepted, 0U);  // a flipped bit of a number is another number
}

TEST(TableFile, AnyCutAndAnyByteMoreIsRefused) {
  Bytes file = file_of(some_rows());
  for (std::size_t size = 0; size < file.size(); ++size) EXPECT_ERROR(rows_of(ByteView(file).first(size)), Code::malformed, "table file");
  file.push_back(std::byte{0});
  EXPECT_ERROR(rows_of(file), Code::malformed, "1 bytes after its end");
}

// What was checked before is found again without looking at each value: the same columns, and still no byte outside the file.
TEST(TableFile, CheckedBeforeGivesTheSameColumnsAndLooksAtLengthsOnly) {
  const Bytes file = file_of(some_rows());
  TableReader checked = OrDie(TableReader::open(file, types())), again = OrDie(TableReader::open(file, types(), Values::checked_before));
  const auto first = OrDie(checked.next()), second = OrDie(again.next());
  ASSERT_TRUE(first && second);
  for (std::size_t c = 0; c < types().size(); ++c) {
    EXPECT_EQ(first->columns[c].values.data(), second->columns[c].values.data());
    EXPECT_EQ(first->columns[c].text.size(), second->columns[c].text.size());
    EXPECT_EQ(first->columns[c].valid.size(), second->columns[c].valid.size());
  }
  EXPECT_FALSE(OrDie(again.next()).has_value());
  for (std::size_t size = 0; size < file.size(); ++size) {
    auto reader = TableReader::open(ByteView(file).first(size), types(), Values::checked_before);
    EXPECT_FALSE(reader.ok() && reader->next().ok()) << size;
  }
}

TEST(TableFile, IsOfTheTypesThatItsReaderBrings) {
  const Bytes file = file_of(some_rows());
  for (std::size_t i = 0; i < types().size(); ++i) {
    std::vector<Type> other = types();
    other[i] = other[i].id == TypeId::integer ? Type{TypeId::date, 0, 0} : Type{TypeId::integer, 0, 0};
    EXPECT_ERROR(rows_of(file, other), Code::malformed, "column " + std::to_string(i + 1));
  }
  std::vector<Type> other = types();
  other[2].scale = 2;
  EXPECT_ERROR(rows_of(file, other), Code::malformed, "column 3");
  other = types();
  other.pop_back();
  EXPECT_ERROR(rows_of(file, other), Code::malformed, "columns: expected 6, found 7");
  EXPECT_ERROR(rows_of(as_bytes("id,name\n"), types()), Code::malformed, "no table file");
  EXPECT_FALSE(is_table_file(as_bytes("id,name\n")));
}

// The first column block begins behind magic, version, columns, rows and the types.
constexpr std::size_t header(std::size_t columns) { return 8 + 2 + 2 + 8 + 3 * columns; }

TEST(TableFile, ValuesThatNoTypeHasAreRefused) {
  const auto refuses = [](Type type, Value value, std::size_t offset, Bytes put, std::string_view what) {
    Bytes file = file_of({{value}, {value}}, {type});
    std::ranges::copy(put, file.begin() + static_cast<std::ptrdiff_t>(header(1) + 1 + offset));
    EXPECT_ERROR(rows_of(file, {type}), Code::malformed, what);
  };
  const auto bytes = [](auto value) { return to_bytes(std::as_bytes(std::span(&value, 1))); };
  refuses({TypeId::boolean, 0, 0}, true, 1, bytes(std::uint8_t{2}), "booleans");
  refuses({TypeId::double_, 0, 0}, 1.0, 8, bytes(std::nan("")), "finite");
  refuses({TypeId::double_, 0, 0}, 1.0, 8, bytes(-std::numeric_limits<double>::infinity()), "finite");
  refuses({TypeId::decimal, 4, 1}, Decimal{1}, 8, bytes(std::int64_t{10'000}), "DECIMAL(4,1)");
  refuses({TypeId::decimal, 4, 1}, Decimal{1}, 8, bytes(std::int64_t{INT64_MIN}), "DECIMAL(4,1)");
  refuses({TypeId::date, 0, 0}, Days{0}, 4, bytes(Days::kLast + 1), "dates");
  refuses({TypeId::date, 0, 0}, Days{0}, 4, bytes(Days::kFirst - 1), "dates");
  const Type text{TypeId::varchar, 0, 0};
  refuses(text, std::string("ab"), 0, bytes(std::uint32_t{5}), "texts in order");           // beyond the text
  refuses(text, std::string("ab"), 8, to_bytes("a\xff"), "UTF-8");
  refuses(text, std::string("ab"), 8, bytes(std::uint8_t{0}), "NUL");
  refuses(text, std::string("\xc3\xbc"), 0, bytes(std::uint32_t{1}), "whole characters");  // a character cut in two
}

TEST(TableFile, ATextHasAsManyBytesAsACellMay) {
  const Type text{TypeId::varchar, 0, 0};
  const std::vector<Row> longest = {{std::string(kMaxText, 'x')}, {std::string("y")}};
  Bytes file = file_of(longest, {text});
  EXPECT_EQ(OrDie(TableReader::open(file, std::vector<Type>{text})).rows(), 2U);
  EXPECT_EQ(OrDie(rows_of(file, {text})), longest);
  TableWriter writer = OrDie(TableWriter::create({text}));
  EXPECT_ERROR(writer.add({std::string(kMaxText + 1, 'x')}), Code::malformed, "column 1: expected a text of at most 65536 bytes, found 65537");
  EXPECT_EQ(writer.rows(), 0U);
  // The first text takes the byte of the second.
  const std::uint32_t end = kMaxText + 1;
  std::ranges::copy(std::as_bytes(std::span(&end, 1)), file.begin() + static_cast<std::ptrdiff_t>(header(1) + 1));
  EXPECT_ERROR(rows_of(file, {text}), Code::malformed, "texts in order, of at most 65536 bytes");
}

TEST(TableFile, NullsHaveOneSpelling) {
  const Type type{TypeId::integer, 0, 0};
  const std::size_t block = header(1);
  Bytes file = file_of({{std::int64_t{7}}, {std::monostate()}}, {type});
  ASSERT_EQ(file[block], std::byte{1});
  Bytes changed = file;
  changed[block + 2 + 4] = std::byte{9};  // a value under a NULL
  EXPECT_ERROR(rows_of(changed, {type}), Code::malformed, "NULLs as zeros");
  changed = file;
  changed[block + 1] = std::byte{3};  // no NULL after all
  EXPECT_ERROR(rows_of(changed, {type}), Code::malformed, "no bitmap");
  changed = file;
  changed[block + 1] = std::byte{5};  // a bit of no row
  EXPECT_ERROR(rows_of(changed, {type}), Code::malformed, "unused bits");
  changed = file;
  changed[block] = std::byte{2};
  EXPECT_ERROR(rows_of(changed, {type}), Code::malformed, "0 or 1");
  const Type text{TypeId::varchar, 0, 0};
  changed = file_of({{std::string("a")}, {std::monostate()}}, {text});
  changed[block + 1] = std::byte{2};  // the NULL is the other one, which has text
  EXPECT_ERROR(rows_of(changed, {text}), Code::malformed, "NULLs without text");
}

TEST(TableFile, TheWriterTakesOnlyWhatTheReaderWould) {
  EXPECT_ERROR(TableWriter::create({}), Code::malformed, "1 to 512 columns");
  EXPECT_ERROR(TableWriter::create(std::vector<Type>(513, Type{TypeId::date, 0, 0})), Code::malformed, "found 513");
  EXPECT_ERROR(TableWriter::create({{TypeId::decimal, 19, 0}}), Code::malformed, "sound");
  TableWriter writer = OrDie(TableWriter::create(types()));
  for (std::size_t i = 0; i < types().size(); ++i) {
    Row bad = row(1, "a");
    bad[i] = i == 1 ? Value(true) : Value(std::string("a"));
    EXPECT_ERROR(writer.add(bad), Code::malformed, "column " + std::to_string(i + 1));
  }
  Row bad = row(1, "a");
  bad[5] = std::nan("");
  EXPECT_ERROR(writer.add(bad), Code::malformed, "column 6");
  bad = row(1, "\xff");
  EXPECT_ERROR(writer.add(bad), Code::malformed, "column 2");
  bad = row(1, "a");
  bad[6] = std::int64_t{1} << 31;
  EXPECT_ERROR(writer.add(bad), Code::malformed, "column 7");
  bad = row(1, "a");
  bad[2] = Decimal{10'000};
  EXPECT_ERROR(writer.add(bad), Code::malformed, "column 3");
  EXPECT_ERROR(writer.add({std::int64_t{1}}), Code::malformed, "expected 7 values, found 1");
  EXPECT_EQ(writer.rows(), 0U);
  EXPECT_OK(writer.add(row(1, "a")));
  EXPECT_EQ(OrDie(rows_of(writer.finish().reveal())), std::vector<Row>{row(1, "a")});
}

}  // namespace
}  // namespace redoubt::table
