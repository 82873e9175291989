// The head of an HTTP/1.1 message, read strictly: the first line and the headers, before any parser that is lenient.
//
// The peer may lie. Requests that two parties could read differently are refused and never repaired (RFC 9112 section 11):
// bare CR or LF, line folding, space before a colon, control characters, Content-Length together with Transfer-Encoding,
// either of them twice, any coding but `chunked`, any version but 1.1, a second Host, Authorization or Content-Type. The
// body's framing is Boost.Beast's work (http_parser.h); both must agree on the head. Pure, thread-safe. RFC 9110, RFC 9112.
#pragma once

#include <optional>
#include <variant>

#include "common/net/http_message.h"

namespace redoubt::net {

struct HeadLimits {
  std::size_t max_bytes = 16 * 1024;  // first line and headers with the empty line
  std::size_t max_headers = 64;
};

// A refusal of a message: the status to answer with (what a client makes of it is `malformed`), and fixed text.
struct HttpRefusal {
  int status = 400;
  std::string_view detail;
};

struct MessageHead {
  std::string method;  // requests
  std::string target;  // requests
  int status = 0;      // responses
  Headers headers = {};
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool close = false;            // Connection: close
  bool expect_continue = false;  // requests: Expect: 100-continue

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

// head_size looks for the empty line: the size of the head with it, or nothing when it has not come yet.
std::optional<std::size_t> head_size(ByteView bytes, std::size_t search_from = 0);

// parse_request_head and parse_response_head take exactly one head, empty line included.
std::variant<MessageHead, HttpRefusal> parse_request_head(ByteView head, const HeadLimits& limits = {});
std::variant<MessageHead, HttpRefusal> parse_response_head(ByteView head, const HeadLimits& limits = {});

// valid_header says whether name and value may be sent: a token, and text without control characters.
bool valid_header(std::string_view name, std::string_view value);

// request_head and response_head write a head. Framing headers (content-length, transfer-encoding, connection) are the
// writer's own: those in `headers` are left out, as is what is not valid_header. `body_size` nothing: chunked, or
// with `no_body` no framing header at all.
struct Framing {
  std::optional<std::uint64_t> body_size = {};
  bool no_body = false;
  bool close = false;
};
std::string request_head(std::string_view method, std::string_view target, std::string_view host, const Headers& headers,
                         const Framing& framing);
std::string response_head(int status, const Headers& headers, const Framing& framing);

}  // namespace redoubt::net
