#include "common/net/problem.h"

#include "common/base/json.h"
#include "common/base/utf8.h"

namespace redoubt::net {
namespace {

constexpr Code kCodes[] = {Code::internal,  Code::usage,     Code::not_found,   Code::auth,      Code::refused,
                           Code::unavailable, Code::malformed, Code::chain,     Code::tcb,       Code::measurement,
                           Code::freshness, Code::binding,   Code::policy,      Code::log_proof, Code::partial,
                           Code::missing_dependency};

Code code_of(int status) {
  switch (status) {
    case 401: return Code::auth;
    case 403: return Code::refused;
    case 404:
    case 410: return Code::not_found;
    case 408:
    case 421:
    case 429:
    case 502:
    case 503:
    case 504: return Code::unavailable;
    default: return status >= 500 ? Code::internal : Code::refused;
  }
}

}  // namespace

HttpResponse problem(int status, Code code, std::string_view detail) {
  json::Object object;
  object["type"] = "about:blank";
  object["title"] = reason_phrase(status);
  object["status"] = status;
  object["code"] = code_name(code);
  // Some details quote what a peer sent; JSON needs text.
  object["detail"] = valid_utf8(detail) ? std::string(detail) : printable(detail, detail.size());
  return {.status = status,
          .headers = {{"content-type", "application/problem+json"}},
          .body = to_bytes(json::canonical(json::Value(std::move(object))))};
}

HttpResponse with_next(HttpResponse problem, std::string_view next) {
  const Bytes* const body = std::get_if<Bytes>(&problem.body);
  if (next.empty() || body == nullptr) return problem;
  const auto parsed = json::parse(as_text(*body));
  if (!parsed.ok() || parsed->object() == nullptr || !parsed->object()->contains("detail")) return problem;
  json::Object object = *parsed->object();
  object.insert_or_assign("next", std::string(next));
  problem.body = to_bytes(json::canonical(json::Value(std::move(object))));
  return problem;
}

HttpResponse problem(const Error& error) {
  return problem(status_of(error.code()), error.code(),
                 error.code() == Code::internal ? "something went wrong here; it was not the request" : error.message());
}

int status_of(Code code) {
  switch (code) {
    case Code::auth: return 401;
    case Code::refused:
    case Code::policy: return 403;
    case Code::not_found: return 404;
    case Code::malformed:
    case Code::usage: return 400;
    case Code::unavailable: return 503;
    case Code::internal: return 500;
    default: return 422;
  }
}

Error error_of(int status, ByteView body, std::string_view from) {
  Code code = code_of(status);
  std::string detail = std::to_string(status) + " " + std::string(reason_phrase(status));
  if (const auto value = json::parse(as_text(body)); value.ok() && value.value().object() != nullptr) {
    const json::Object& object = *value.value().object();
    if (const auto at = object.find("code"); at != object.end() && at->second.string() != nullptr) {
      for (const Code candidate : kCodes) {
        if (code_name(candidate) == *at->second.string()) code = candidate;
      }
    }
    if (const auto at = object.find("detail"); at != object.end() && at->second.string() != nullptr) {
      detail = printable(*at->second.string(), 500);
    }
  }
  return Error(code, std::string(from) + ": " + detail);
}

std::string printable(std::string_view text, std::size_t max) {
  std::string out(text.substr(0, max));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

}  // namespace redoubt::net
