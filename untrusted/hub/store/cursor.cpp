#include "untrusted/hub/store/cursor.h"

#include <limits>

#include "common/base/encoding.h"
#include "common/base/reader.h"
#include "common/base/writer.h"

namespace redoubt::hub {

std::string make_cursor(std::string_view list, std::int64_t number) {
  return base64url_encode(Writer().u64be(static_cast<std::uint64_t>(number)).bytes(as_bytes(list)).view());
}

Result<std::int64_t> page_start(const PageRequest& request, std::string_view list) {
  if (request.count == 0 || request.count > kMaxPage) {
    return Error(Code::malformed, "page: expected a count of 1 to " + std::to_string(kMaxPage) + ", found " +
                                      std::to_string(request.count));
  }
  if (request.cursor.empty()) return 0;
  if (request.cursor.size() > 512) return Error(Code::malformed, "cursor: too long");
  REDOUBT_TRY(const Bytes bytes, base64url_decode(request.cursor).context("cursor"));
  Reader reader(bytes, "cursor");
  const std::uint64_t number = reader.u64be();
  const ByteView found = reader.bytes(reader.remaining());
  REDOUBT_CHECK(reader.finish());
  if (as_text(found) != list || number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return Error(Code::malformed, "cursor: not one of this list");
  }
  return static_cast<std::int64_t>(number);
}

}  // namespace redoubt::hub
