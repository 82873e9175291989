// UTF-8 (RFC 3629): validation, and the UTF-16 code unit order by which RFC 8785 sorts names.
#pragma once

#include <string_view>

namespace redoubt {

// valid_utf8: no overlong form, no surrogate, nothing above U+10FFFF, nothing cut off.
bool valid_utf8(std::string_view text);

// utf16_less orders two valid UTF-8 texts by their UTF-16 code units (RFC 8785 section 3.2.3). It differs from byte
// order only where a character above U+FFFF meets one in U+E000..U+FFFF.
bool utf16_less(std::string_view a, std::string_view b);

}  // namespace redoubt
