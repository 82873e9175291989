#include "common/net/router.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

namespace redoubt::net {
namespace {

[[noreturn]] void stop(const std::string& path_template, const char* why) {
  std::fprintf(stderr, "route %s: %s\n", path_template.c_str(), why);
  std::abort();
}

bool is_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

}  // namespace

Router& Router::add(Route route) {
  Entry entry{.route = std::move(route), .parts = {}};
  const std::string& text = entry.route.path_template;
  if (!text.starts_with('/') || !entry.route.handler || entry.route.method.empty()) stop(text, "needs '/', method, handler");
  std::set<std::string> names;
  std::string_view rest = std::string_view(text).substr(1);
  while (!rest.empty()) {
    if (!entry.parts.empty() && entry.parts.back().kind == Part::Kind::rest) stop(text, "something after {name...}");
    const std::size_t end = std::min(rest.find('/'), rest.size());
    std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (part.empty()) stop(text, "empty segment");
    if (part.front() == '{' && part.back() == '}') {
      part = part.substr(1, part.size() - 2);
      const bool all = part.ends_with("...");
      if (all) part.remove_suffix(3);
      if (!is_name(part) || !names.emplace(part).second) stop(text, "bad or repeated name");
      entry.parts.push_back({all ? Part::Kind::rest : Part::Kind::name, std::string(part)});
    } else {
      if (part.find_first_of("{}%?") != std::string_view::npos) stop(text, "bad literal");
      entry.parts.push_back({Part::Kind::literal, std::string(part)});
    }
  }
  if (text.size() > 1 && text.ends_with('/')) stop(text, "slash at the end");
  for (const Entry& other : entries_) {
    if (same_shape(other.parts, entry.parts)) {
      if (other.route.method == entry.route.method) stop(text, "stands there already");
      if (other.route.access != entry.route.access) stop(text, "two methods of one path with different access");
    }
  }
  has_attested_ = has_attested_ || entry.route.access == Access::attested;
  entries_.push_back(std::move(entry));
  return *this;
}

Router& Router::get(std::string path_template, Access access, Handler handler) {
  return add({.method = "GET", .path_template = std::move(path_template), .access = access, .handler = std::move(handler)});
}

Router& Router::post(std::string path_template, Access access, std::uint64_t max_body_bytes, Handler handler) {
  return add({.method = "POST",
              .path_template = std::move(path_template),
              .access = access,
              .max_body_bytes = max_body_bytes,
              .handler = std::move(handler)});
}

Router& Router::next_step(int status, std::string text) {
  next_steps_[status] = std::move(text);
  return *this;
}

Router& Router::on_refusal(std::function<HttpResponse(HttpResponse)> finish) {
  finish_ = std::move(finish);
  return *this;
}

HttpResponse Router::guided(HttpResponse refusal) const {
  const auto found = next_steps_.find(refusal.status);
  if (found != next_steps_.end()) refusal = with_next(std::move(refusal), found->second);
  return finish_ ? finish_(std::move(refusal)) : refusal;
}

bool Router::matches(const std::vector<Part>& parts, const std::vector<std::string>& segments) {
  const bool rest = !parts.empty() && parts.back().kind == Part::Kind::rest;
  if (rest ? segments.size() < parts.size() : segments.size() != parts.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].kind == Part::Kind::literal && parts[i].text != segments[i]) return false;
  }
  return true;
}

bool Router::more_specific(const std::vector<Part>& a, const std::vector<Part>& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i].kind != b[i].kind) return a[i].kind < b[i].kind;
  }
  return a.size() > b.size();
}

bool Router::same_shape(const std::vector<Part>& a, const std::vector<Part>& b) {
  return std::ranges::equal(a, b, [](const Part& x, const Part& y) {
    return x.kind == y.kind && (x.kind != Part::Kind::literal || x.text == y.text);
  });
}

std::variant<Router::Match, HttpResponse> Router::find(std::string_view method, const Target& target,
                                                       bool attested) const {
  // The most specific template owns the path, whatever its methods are.
  const Entry* owner = nullptr;
  for (const Entry& entry : entries_) {
    if (matches(entry.parts, target.segments) && (owner == nullptr || more_specific(entry.parts, owner->parts))) {
      owner = &entry;
    }
  }
  if (!attested && (owner == nullptr ? has_attested_ : owner->route.access == Access::attested)) {
    return problem(421, Code::unavailable,
                   "this route is served only in an attested session: TLS 1.3 with ALPN redoubt/1, then the exchange; "
                   "clients that cannot do the exchange go through `redoubt proxy` on loopback");
  }
  if (owner == nullptr) return guided(problem(404, Code::not_found, "no such route"));
  std::set<std::string> allowed;
  for (const Entry& entry : entries_) {
    if (!same_shape(entry.parts, owner->parts)) continue;
    const Route& route = entry.route;
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
    if (route.method != method && !(method == "HEAD" && route.method == "GET")) continue;
    Match match{.route = &route, .params = {}};
    for (std::size_t i = 0; i < entry.parts.size(); ++i) {
      const Part& part = entry.parts[i];
      if (part.kind == Part::Kind::literal) continue;
      std::string value = target.segments[i];
      for (std::size_t j = i + 1; part.kind == Part::Kind::rest && j < target.segments.size(); ++j) {
        value += "/" + target.segments[j];
      }
      match.params[part.text] = std::move(value);
    }
    return match;
  }
  HttpResponse refusal = guided(problem(405, Code::usage, "this route has other methods"));
  std::string allow;
  for (const std::string& name : allowed) allow += (allow.empty() ? "" : ", ") + name;
  refusal.headers.set("allow", allow);
  return refusal;
}

std::optional<HttpResponse> Router::at_hand(const Route& route, const HttpRequest& request) {
  if (!route.quick) return std::nullopt;
  std::optional<HttpResponse> out;
  HttpResponse thrown = answer([&](const HttpRequest& given) {
    out = route.quick(given);
    return HttpResponse();
  }, request);
  return thrown.status >= 500 ? std::optional(std::move(thrown)) : std::move(out);
}

HttpResponse Router::answer(const Handler& handler, const HttpRequest& request) {
  try {
    return handler(request);
  } catch (...) {
    // The text may hold what the peer must not see.
    return problem(500, Code::internal, "something went wrong here; it was not the request");
  }
}

}  // namespace redoubt::net
