// The table file: a table's columns, lying in memory as an engine takes them. docs/specs/table-file.md has the bytes.
//
// One table has one encoding: what is not it is refused, so that equal tables have equal files. TableWriter makes it from rows;
// TableReader gives it back group by group, each checked whole before it is given: types, ranges, text, NULLs. Nothing is trusted but the
// types that the caller brings (those of the owner's signed manifest), and its word that it had the same bytes checked before. Errors are `malformed` and name group and column, never a value.
// Pure; one thread at a time per object.
#pragma once

#include <optional>
#include <span>

#include "common/base/bytes.h"
#include "common/base/secret.h"
#include "common/table/value.h"

namespace redoubt::table {

constexpr std::size_t kGroupRows = 65'536;               // of every group but the last
constexpr std::size_t kMaxColumns = 512;
constexpr std::uint64_t kMaxRows = std::uint64_t{1} << 40;
// Bytes of one VARCHAR. What a query may make of a text is bounded by this (docs/specs/query-rules.md), so it is no more than a cell needs.
constexpr std::uint32_t kMaxText = 1U << 16;

// is_table_file: whether the bytes begin as table files do. CSV never does, being UTF-8.
bool is_table_file(ByteView bytes);

// width: bytes of one value of a type; 0 for VARCHAR.
std::size_t width(TypeId type);

class TableWriter {
 public:
  // Types must be sound; `malformed` otherwise, or for none or more than kMaxColumns.
  static Result<TableWriter> create(std::vector<Type> types);

  // add: `malformed` when the row has not the types; nothing is added then.
  Status add(const Row& row);
  std::uint64_t rows() const { return rows_; }
  // finish gives the file; the writer is spent.
  SecretBytes finish();

 private:
  struct Pending {
    std::vector<std::byte> valid;  // bitmap
    std::vector<std::byte> values;  // fixed width, or ends as u32
    std::string text;
    bool any_null = false;
  };
  explicit TableWriter(std::vector<Type> types);
  void flush();

  std::vector<Type> types_;
  std::vector<Pending> pending_;
  std::size_t in_group_ = 0;
  std::uint64_t rows_ = 0;
  SecretBytes out_;
  std::size_t size_ = 0;
  void put(ByteView bytes);
};

// ColumnView: one column of one group, borrowed from the file. Value i of a fixed width stands at values[i * width], little-endian;
// text i at text[ends[i-1], ends[i]). Not aligned.
struct ColumnView {
  ByteView valid;   // bitmap, bit i % 8 of byte i / 8 set where there is a value; empty: all there
  ByteView values;  // VARCHAR: the ends, u32 each
  ByteView text;    // VARCHAR only

  bool is_null(std::size_t row) const { return !valid.empty() && (std::to_integer<unsigned>(valid[row / 8]) >> (row % 8) & 1U) == 0; }
};

struct Group {
  std::size_t rows = 0;
  std::vector<ColumnView> columns;
};

// Values: whether a reader looks at every value, or was told that these very bytes were read to their end before and cannot have changed
// since. Then it finds the columns and looks at lengths only, so that a large table is not read again for each query.
enum class Values { check, checked_before };

class TableReader {
 public:
  // open reads the header. `malformed` when it is not of exactly these types. Borrows the bytes.
  static Result<TableReader> open(ByteView bytes, std::span<const Type> types, Values values = Values::check);

  std::uint64_t rows() const { return rows_; }
  // next gives the next group, whole and checked; nothing after the last, when the file ends there too.
  Result<std::optional<Group>> next();

 private:
  TableReader(ByteView rest, std::span<const Type> types, std::uint64_t rows, Values values)
      : rest_(rest), types_(types.begin(), types.end()), rows_(rows), values_(values) {}
  Result<ByteView> take(std::uint64_t size);
  Result<ColumnView> column(Type type, std::size_t rows);

  ByteView rest_;
  std::vector<Type> types_;
  std::uint64_t rows_;
  Values values_;
  std::uint64_t done_ = 0;
  std::uint64_t group_ = 0;
};

}  // namespace redoubt::table
