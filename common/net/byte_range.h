// ByteRange: which bytes of a body a GET asks for (RFC 9110 section 14).
//
// The peer may lie. What is not one range of bytes in its right form is no range: the whole body is the answer then, as the RFC has it. Numbers that
// are too large are read as the largest. Several ranges at once are not taken: they would let one request ask for the same bytes many times. Pure.
#pragma once

#include <cstdint>
#include <variant>

#include "common/net/http_message.h"

namespace redoubt::net {

struct WholeBody {
  friend bool operator==(const WholeBody&, const WholeBody&) = default;
};
// ByteRange: `size` bytes, at least one, from `first`; they end within the body.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};
// NoRange: 416, with Content-Range: bytes */SIZE.
struct NoRange {
  friend bool operator==(const NoRange&, const NoRange&) = default;
};
using RangeAnswer = std::variant<WholeBody, ByteRange, NoRange>;

// parse_range reads the value of a Range header for a body of `size` bytes.
RangeAnswer parse_range(std::string_view value, std::uint64_t size);
// range_of also looks at the method and at If-Range: a range counts for GET alone, and only while the body is still the one of `etag`, which
// is a strong one with its quotes. A date in If-Range never matches.
RangeAnswer range_of(const HttpRequest& request, std::uint64_t size, std::string_view etag);
// content_range: the header's value for a 206, or for a 416.
std::string content_range(const ByteRange& range, std::uint64_t size);
std::string content_range(const NoRange& range, std::uint64_t size);

}  // namespace redoubt::net
