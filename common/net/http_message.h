// HTTP messages as plain values: what a handler gets, what it gives back, how a body is handed over.
//
// Every zone uses it. Everything in a request was said by the peer, except `peer`, `tls`, `attested`, `principal` and
// `role`, which the server fills in; the syntax of all of it has been checked (http_head.h, uri.h). Bodies come as
// bytes, as a piece of a file, from a callback, so that a large download never stands in memory, or as a stream that its owner fills.
// RFC 9110, RFC 9112.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/bytes.h"

namespace redoubt::net {

// Headers keeps the order of arrival. Names are lower case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> items);

  // add appends; set removes what had that name and appends. The name is made lower case.
  void add(std::string_view name, std::string_view value);
  void set(std::string_view name, std::string_view value);
  // find gives the first value of a lower-case name, or null. Borrowed until the next change.
  const std::string* find(std::string_view name) const;
  std::size_t count(std::string_view name) const;

  std::size_t size() const { return items_.size(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

// FileBody: `size` bytes of a file from `offset`. A file that turns out shorter breaks the connection off, so that the
// receiver sees a truncation and not a short answer.
struct FileBody {
  std::string path;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// PullBody: `next` is called on a worker thread until it gives no bytes; an Error breaks the connection off. With `size`
// the pieces must add up to it; without, the transfer is chunked.
struct PullBody {
  std::function<Result<Bytes>()> next;
  std::optional<std::uint64_t> size = {};
};

// StreamBody: answers only; the transfer is chunked, and the connection ends with it.
class BodyStream;  // body_stream.h
struct StreamBody {
  std::shared_ptr<BodyStream> stream;
};

using Body = std::variant<Bytes, FileBody, PullBody, StreamBody>;

// body_size is known for all but a PullBody without `size` and a StreamBody.
std::optional<std::uint64_t> body_size(const Body& body);

using TextMap = std::map<std::string, std::string, std::less<>>;

struct HttpRequest {
  std::string method;
  std::string path;    // as it came: no "//", no dot segments, nothing encoded that need not be
  TextMap params;      // {name} parts of the route's template, decoded
  TextMap query;       // decoded; each name at most once
  Headers headers = {};
  Bytes body;
  std::string peer;       // address of the peer without its port, or "unix"
  bool tls = false;
  std::string alpn;
  bool attested = false;  // the exchange of this connection was completed
  std::string principal;  // who that exchange showed the peer to be; empty: nobody in particular
  std::string role;
};

struct HttpResponse {
  int status = 200;
  Headers headers = {};
  Body body = Bytes{};
};

// Handler runs on a worker thread, several at a time. What it throws becomes a 500 without its text.
using Handler = std::function<HttpResponse(const HttpRequest&)>;

// reason_phrase of a status code, or "Unknown".
std::string_view reason_phrase(int status);

// text_response and json_response set content-type and body.
HttpResponse text_response(int status, std::string_view text);
HttpResponse json_response(int status, std::string_view json);

}  // namespace redoubt::net
