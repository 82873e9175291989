// Reading records: one, all of a short list, or pages in the order of insertion with an opaque cursor.
#pragma once

#include "untrusted/hub/store/cursor.h"
#include "untrusted/hub/store/store.h"

namespace redoubt::hub {

constexpr std::size_t kMaxPageBytes = 4U << 20;  // of the records; a page has one record at least
constexpr std::size_t kRowsAtOnce = 8;           // that are read from the database together

template <class T>
struct Page {
  std::vector<T> items;
  std::string next;  // cursor of the next page; empty when there is none
};

// Table: where records of one kind come from. Its rows have a column `number` that grows with every insertion.
struct Table {
  std::string_view name;
  std::string_view columns;  // in the order in which `parse` reads them, without `number`
};

// Filter: what the rows of a list have in common: a condition with one placeholder, constant and ours.
struct Filter {
  std::string_view condition;
  std::string_view value;  // the cursor holds it too
};

// select: "SELECT columns FROM name " and `rest`. All text is constant and ours; values are bound.
std::string select(const Table& table, std::string_view rest);
// page_rows: rows with `number` first, one more than the page takes.
Result<std::vector<sql::Row>> page_rows(Transaction& transaction, const Table& table, const std::optional<Filter>& filter,
                                        std::int64_t start, std::size_t count);

// read_page: the records behind the cursor. `parse` reads a row and finishes it.
template <class T>
Result<Page<T>> read_page(Transaction& transaction, const Table& table, const std::optional<Filter>& filter, const PageRequest& request,
                          Result<T> (*parse)(sql::Row&)) {
  const std::string list = std::string(table.name) + (filter ? " of " + std::string(filter->value) : "");
  REDOUBT_TRY(std::int64_t last, page_start(request, list));
  Page<T> page;
  std::size_t bytes = 0;
  for (;;) {
    const std::size_t wanted = std::min(request.count - page.items.size(), kRowsAtOnce);
    REDOUBT_TRY(auto rows, page_rows(transaction, table, filter, last, wanted));
    const bool more = rows.size() > wanted;
    if (more) rows.pop_back();
    for (sql::Row& row : rows) {
      bytes += row.size();
      if (!page.items.empty() && bytes > kMaxPageBytes) {
        page.next = make_cursor(list, last);
        return page;
      }
      last = row.number();
      REDOUBT_TRY(page.items.emplace_back(), parse(row));
    }
    if (!more) return page;
    if (page.items.size() == request.count) {
      page.next = make_cursor(list, last);
      return page;
    }
  }
}

// read_pages: all records of a list, page by page. `list` is called with each PageRequest and gives a Result<Page<T>>.
template <class T, class List>
Result<std::vector<T>> read_pages(List&& list) {
  std::vector<T> out;
  PageRequest request{.cursor = "", .count = kMaxPage};
  do {
    REDOUBT_TRY(auto page, list(request));
    std::ranges::move(page.items, std::back_inserter(out));
    request.cursor = std::move(page.next);
  } while (!request.cursor.empty());
  return out;
}

// read_one: the first record of a query; `not_found`, naming `what`, when there is none.
template <class T>
Result<T> read_one(Transaction& transaction, std::string_view sql, std::initializer_list<sql::Value> values, std::string_view what,
                   Result<T> (*parse)(sql::Row&)) {
  REDOUBT_TRY(auto rows, transaction.query(sql, values));
  REDOUBT_TRY(sql::Row row, one(std::move(rows), what));
  return parse(row);
}

// read_all: every record of a query that is known to be short.
template <class T>
Result<std::vector<T>> read_all(Transaction& transaction, std::string_view sql, std::initializer_list<sql::Value> values,
                                Result<T> (*parse)(sql::Row&)) {
  REDOUBT_TRY(auto rows, transaction.query(sql, values));
  std::vector<T> out;
  for (sql::Row& row : rows) {
    REDOUBT_TRY(out.emplace_back(), parse(row));
  }
  return out;
}

}  // namespace redoubt::hub
