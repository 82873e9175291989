// Router: which handler answers which method and path, who may reach it, and how large its request may be.
//
// Built once at start-up, read by all threads after that. It decides before a byte of the body is read: 404, 405 (with
// Allow), 421 for a route behind the exchange on a connection without one, each as a problem (problem.h). On such a
// connection all paths but the open ones answer 421, so that nobody learns which routes exist. Templates are literal
// segments, `{name}` for one segment, and `{name...}` at the end for one or more; a literal wins over a name.
#pragma once

#include <variant>

#include "common/net/problem.h"
#include "common/net/uri.h"

namespace redoubt::net {

// open: anyone who reaches the server. attested: only after the exchange of this connection.
enum class Access { open, attested };

struct Route {
  std::string method;         // GET also answers HEAD
  std::string path_template;  // "/api/tee/datasets/{id}"
  Access access = Access::attested;
  std::uint64_t max_body_bytes = 0;
  Handler handler;
  // The handler neither waits nor takes long (microseconds): it runs on the I/O thread, which saves two switches of
  // threads a request. All connections stand still while it runs.
  bool on_io_thread = false;
  // quick, where there is one, is asked first, on the I/O thread and under the same rule: what it has at hand it answers, and with nothing the
  // handler is asked.
  std::function<std::optional<HttpResponse>(const HttpRequest&)> quick = {};
};

class Router {
 public:
  // add ends the process when the template is not one, or when it cannot be told from an earlier one: that is a bug of
  // ours, found at the first start.
  Router& add(Route route);
  Router& get(std::string path_template, Access access, Handler handler);
  Router& post(std::string path_template, Access access, std::uint64_t max_body_bytes, Handler handler);

  // next_step: what a caller can do about a refusal of that status by the router or the server; it stands in the problem as "next".
  Router& next_step(int status, std::string text);
  // on_refusal: what is done last to every refusal by the router or the server, as to give it an id. At most one; it runs on any thread.
  Router& on_refusal(std::function<HttpResponse(HttpResponse)> finish);
  // guided: a refusal with its next step, where there is one, finished.
  HttpResponse guided(HttpResponse refusal) const;

  struct Match {
    const Route* route = nullptr;  // borrowed from the Router
    TextMap params;
  };
  // find gives the route, or the refusal that is to be sent.
  std::variant<Match, HttpResponse> find(std::string_view method, const Target& target, bool attested) const;

  // answer runs a handler: what it throws, and what it refuses to name, becomes a 500 without its text.
  static HttpResponse answer(const Handler& handler, const HttpRequest& request);
  // at_hand: what the route's `quick` answers, in the same way.
  static std::optional<HttpResponse> at_hand(const Route& route, const HttpRequest& request);

 private:
  struct Part {
    enum class Kind { literal, name, rest } kind;
    std::string text;
    friend bool operator==(const Part&, const Part&) = default;
  };
  struct Entry {
    Route route;
    std::vector<Part> parts;
  };
  static bool matches(const std::vector<Part>& parts, const std::vector<std::string>& segments);
  // specificity orders two templates that match one path: literal before name before rest, from the left.
  static bool more_specific(const std::vector<Part>& a, const std::vector<Part>& b);
  static bool same_shape(const std::vector<Part>& a, const std::vector<Part>& b);

  std::vector<Entry> entries_;
  std::map<int, std::string> next_steps_;
  std::function<HttpResponse(HttpResponse)> finish_;
  bool has_attested_ = false;
};

}  // namespace redoubt::net
