#include "common/base/writer.h"

#include <cstdlib>
#include <limits>

namespace redoubt {

Writer& Writer::big(std::uint64_t value, unsigned size) {
  for (unsigned i = size; i-- > 0;) bytes_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xFFU));
  return *this;
}

Writer& Writer::little(std::uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xFFU));
  return *this;
}

Writer& Writer::sized16be(ByteView view) {
  if (view.size() > std::numeric_limits<std::uint16_t>::max()) std::abort();
  return u16be(static_cast<std::uint16_t>(view.size())).bytes(view);
}

Writer& Writer::sized32be(ByteView view) {
  if (view.size() > std::numeric_limits<std::uint32_t>::max()) std::abort();
  return u32be(static_cast<std::uint32_t>(view.size())).bytes(view);
}

}  // namespace redoubt
