// Pages of lists, in the order of insertion, with an opaque cursor.
//
// A cursor names the list and the last item that was given; it may come back from anyone, changed in any way, and then gives
// at worst another place in the same list, or `malformed`. It is not a permission: callers check who may read the list.
#pragma once

#include "untrusted/hub/store/store.h"

namespace redoubt::hub {

constexpr std::size_t kMaxPage = 200;

struct PageRequest {
  std::string cursor;       // empty for the first page
  std::size_t count = 50;   // 1 to kMaxPage
};

template <class T>
struct Page {
  std::vector<T> items;
  std::string next;  // cursor of the next page; empty when there is none
};

// The position that a request starts behind. `list` names list and filter. `malformed` for a count out of range or a cursor
// that is not of this list.
Result<std::int64_t> page_start(const PageRequest& request, std::string_view list);
std::string make_cursor(std::string_view list, std::int64_t number);

// fill_page reads rows whose first column is `number` (asked for with LIMIT count + 1): `parse` takes the rest of a row.
template <class T, class Parse>
Result<Page<T>> fill_page(std::vector<sql::Row> rows, const PageRequest& request, std::string_view list, Parse&& parse) {
  Page<T> page;
  std::int64_t last = 0;
  for (sql::Row& row : rows) {
    if (page.items.size() == request.count) {
      page.next = make_cursor(list, last);
      break;
    }
    last = row.number();
    REDOUBT_TRY(page.items.emplace_back(), parse(row));
  }
  return page;
}

}  // namespace redoubt::hub
