// Hexadecimal and base64 (RFC 4648), strict both ways.
//
// Decoders accept exactly one spelling of every value: lower-case hexadecimal, no white space, correct padding, zero
// trailing bits. Anything else is `malformed` with its position.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace redoubt {

std::string hex_encode(std::span<const std::byte> bytes);
Result<std::vector<std::byte>> hex_decode(std::string_view text);

// base64_encode pads with '='; base64url_encode (section 5) does not pad.
std::string base64_encode(std::span<const std::byte> bytes);
std::string base64url_encode(std::span<const std::byte> bytes);
Result<std::vector<std::byte>> base64_decode(std::string_view text);
Result<std::vector<std::byte>> base64url_decode(std::string_view text);

}  // namespace redoubt
