// Cursors: an opaque place in a list, given to callers and taken back from them.
//
// A cursor names the list and the last item that was given; it may come back from anyone, changed in any way, and then gives
// at worst another place in the same list, or `malformed`. It is not a permission: callers check who may read the list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace redoubt::hub {

constexpr std::size_t kMaxPage = 200;

struct PageRequest {
  std::string cursor;       // empty for the first page
  std::size_t count = 50;   // 1 to kMaxPage; a page of large records has fewer
};

// The position that a request starts behind. `list` names list and filter. `malformed` for a count out of range or a cursor
// that is not of this list.
Result<std::int64_t> page_start(const PageRequest& request, std::string_view list);
std::string make_cursor(std::string_view list, std::int64_t number);

}  // namespace redoubt::hub
