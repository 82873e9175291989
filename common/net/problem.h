// Problems: refusals as RFC 9457 JSON (application/problem+json), and back into Errors at the client.
//
// The body is {"type":"about:blank","title","status","code","detail"}, and "next" where there is a next step to tell: `code` is the stable name of an error code, so that a
// client exits as the server meant. `detail` is for people; inside an enclave it must be fixed text. Pure, thread-safe.
#pragma once

#include "common/net/http_message.h"

namespace redoubt::net {

HttpResponse problem(int status, Code code, std::string_view detail);

// with_next: a problem with "next", what the caller can do about it; any other response, and an empty text, as they are.
HttpResponse with_next(HttpResponse problem, std::string_view next);

// problem(error): status_of(code) and the error's message; for `internal` the message stays here.
HttpResponse problem(const Error& error);

// status_of: auth 401, refused and policy 403, not_found 404, malformed and usage 400, unavailable 503, internal 500,
// the others 422.
int status_of(Code code);

// error_of reads a response of status 400 or more: the problem's code and detail, or a code by its status when the body is
// no problem of ours. `from` names the peer. The text is cut to 500 printable characters: the peer chose it.
Error error_of(int status, ByteView body, std::string_view from);

// printable cuts `text` to `max` bytes and replaces everything that is not printable ASCII by '?': text of a peer on its
// way to a terminal or a log.
std::string printable(std::string_view text, std::size_t max);

}  // namespace redoubt::net
