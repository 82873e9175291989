// Footprint: who contributes to the cells that one query releases.
//
// A joined row is built from rows of datasets, belongs to one unit and contributes to a set of cells. There may be as many as the data have, so
// each is kept in 16 bytes where it is built from one or two rows, and by the list of its rows otherwise; the sets of cells are few and
// have numbers. Rows are numbered below 2^32, which is exact: a table file has fewer. Made by whoever traced the query, read by the Ledger.
// Not thread-safe; plain memory.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "engines/sql/ledger/digest.h"

namespace redoubt::sql {

class Footprint {
 public:
  struct Source {
    std::uint32_t dataset = 0;
    std::uint32_t row = 0;
    friend auto operator<=>(const Source&, const Source&) = default;
  };
  using Cells = std::vector<std::uint32_t>;  // sorted, each once

  // Packed: a joined row of one dataset row, or of two: then the first one's number is the upper half of `key`.
  struct Packed {
    std::uint64_t key = 0;
    std::uint32_t unit = 0;
    std::uint32_t set = 0;
  };
  static constexpr std::uint32_t kAlone = ~std::uint32_t{0};
  // Shape: joined rows of the same datasets; `second` is kAlone for those of one row.
  struct Shape {
    std::uint32_t first = 0;
    std::uint32_t second = kAlone;
    std::vector<std::vector<Packed>> blocks;
    std::uint32_t row_of_first(const Packed& packed) const { return static_cast<std::uint32_t>(second == kAlone ? packed.key : packed.key >> 32); }
    static std::uint32_t row_of_second(const Packed& packed) { return static_cast<std::uint32_t>(packed.key); }
  };
  // Long: any other joined row; its sources are `count` from `begin` on.
  struct Long {
    std::size_t begin = 0;
    std::uint32_t count = 0;
    std::uint32_t unit = 0;
    std::uint32_t set = 0;
  };
  // Row: one joined row, for whoever looks at few.
  struct Row {
    std::uint32_t unit = 0;
    std::vector<Source> sources;
    Cells cells;
  };

  Footprint() = default;
  explicit Footprint(std::vector<std::uint32_t> datasets) : datasets_(std::move(datasets)) {}

  // add_cell: cells are numbered from 0; suppressed ones are not there.
  std::uint32_t add_cell() { return cells_++; }
  // add_set gives the number of a set of cells, the same for the same set. Each cell was added before.
  std::uint32_t add_set(Cells cells);
  // add: a joined row. Units have the same number in every dataset and query. Sources come in any order of datasets; those of one dataset in
  // the order of the join, so that (a, b) and (b, a) stay apart. The same row may come several times.
  void add(std::uint32_t unit, std::span<const Source> sources, std::uint32_t set);

  std::uint32_t cells() const { return cells_; }
  const std::vector<std::uint32_t>& datasets() const { return datasets_; }  // that the query reads
  const std::vector<Cells>& sets() const { return sets_; }
  const std::vector<Shape>& shapes() const { return shapes_; }
  const std::vector<Long>& long_rows() const { return long_; }
  std::span<const Source> sources(const Long& row) const { return std::span(sources_).subspan(row.begin, row.count); }
  std::size_t size() const { return size_; }  // joined rows
  // rows: all of them, by shape.
  std::vector<Row> rows() const;

  // digest of a joined row, by its sources sorted by dataset.
  static Digest digest(std::span<const Source> sources);

 private:
  Shape& shape_of(std::uint32_t first, std::uint32_t second);

  std::uint32_t cells_ = 0;
  std::vector<std::uint32_t> datasets_;
  std::vector<Cells> sets_;
  std::map<Cells, std::uint32_t> set_numbers_;
  std::vector<Shape> shapes_;
  std::size_t last_shape_ = 0;
  std::vector<Long> long_;
  std::vector<Source> sources_;
  std::size_t size_ = 0;
};

}  // namespace redoubt::sql
