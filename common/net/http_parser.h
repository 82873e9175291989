// HttpParser: one HTTP/1.1 message out of a stream of bytes, without I/O.
//
// The peer may lie. The head is read strictly (http_head.h) and shown first, so that the user may set the limit of the
// body, or refuse, before any of it is read; the body's framing is read by Boost.Beast, which must agree on the head. A
// chunked body's trailer is dropped. Bytes after the message are left to the caller: they begin the next one. After
// a refusal the parser stays refused. One thread at a time. RFC 9112.
#pragma once

#include <memory>

#include "common/net/http_head.h"

namespace redoubt::net {

class HttpParser {
 public:
  enum class Kind { request, response };
  // head: waiting for the head. decide: the head is there, accept_body must be called. body. complete. refused.
  enum class State { head, decide, body, complete, refused };

  HttpParser(Kind kind, const HeadLimits& limits);
  HttpParser(HttpParser&&) noexcept;
  HttpParser& operator=(HttpParser&&) noexcept;
  ~HttpParser();

  State state() const;
  const MessageHead& head() const;           // from `decide` on
  const HttpRefusal& refusal() const;        // in `refused`
  std::uint64_t body_bytes() const;          // bytes of the body so far

  // put takes bytes from the front of `bytes` and tells how many; those that it did not take must come again, with more
  // behind them. It stops at `decide`, at `complete` and at `refused`.
  std::size_t put(ByteView bytes);

  // accept_body: at most `max_bytes` (413 otherwise), given piece by piece to `sink`, whose Error ends in `refused` with
  // sink_error(). `no_body`: a response that has none whatever its head says (to HEAD; 204 and 304 are known).
  using Sink = std::function<Status(ByteView)>;
  void accept_body(std::uint64_t max_bytes, Sink sink, bool no_body = false);
  const std::optional<Error>& sink_error() const;

  // end_of_stream: a response without a length ends here; anything else that is not complete becomes refused.
  void end_of_stream();

 private:
  struct State_;
  std::unique_ptr<State_> state_;
};

}  // namespace redoubt::net
