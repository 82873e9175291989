// Targets of HTTP requests: path and query, read strictly and in one way only.
//
// Used on both sides; the peer may lie. A path has one spelling: "//", "." and ".." (encoded or not), encoded slashes,
// control characters, invalid UTF-8 and a slash at the end are refused and never repaired, so that no two parts of the
// house can read one path differently. Only the origin form is taken (RFC 9112 section 3.2.1). Pure, thread-safe. RFC 3986.
#pragma once

#include "common/net/http_message.h"

namespace redoubt::net {

inline constexpr std::size_t kMaxTargetBytes = 8 * 1024;
inline constexpr std::size_t kMaxSegments = 32;
inline constexpr std::size_t kMaxQueryItems = 64;

struct Target {
  std::string path;                   // as it came, without the query
  std::vector<std::string> segments;  // decoded; none for "/"
  TextMap query;                      // decoded, '+' is a space; a name may come once
};

// parse_target: `malformed` for all that is named above, a bad percent escape, a repeated query name, a fragment, and more
// than kMaxTargetBytes, kMaxSegments or kMaxQueryItems.
Result<Target> parse_target(std::string_view text);

// percent_encode escapes everything but unreserved characters: one path segment, one query name or value.
std::string percent_encode(std::string_view text);

}  // namespace redoubt::net
