#include "common/net/http_message.h"

#include <algorithm>

namespace redoubt::net {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

Headers::Headers(std::initializer_list<std::pair<std::string, std::string>> items) {
  for (const auto& [name, value] : items) add(name, value);
}

void Headers::add(std::string_view name, std::string_view value) { items_.emplace_back(lower(name), value); }

void Headers::set(std::string_view name, std::string_view value) {
  std::string key = lower(name);
  std::erase_if(items_, [&](const auto& item) { return item.first == key; });
  items_.emplace_back(std::move(key), value);
}

const std::string* Headers::find(std::string_view name) const {
  const auto at = std::ranges::find(items_, name, [](const auto& item) -> std::string_view { return item.first; });
  return at == items_.end() ? nullptr : &at->second;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count(items_, name, [](const auto& item) -> std::string_view { return item.first; }));
}

std::optional<std::uint64_t> body_size(const Body& body) {
  if (const auto* bytes = std::get_if<Bytes>(&body)) return bytes->size();
  if (const auto* file = std::get_if<FileBody>(&body)) return file->size;
  if (const auto* pull = std::get_if<PullBody>(&body)) return pull->size;
  return std::nullopt;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

HttpResponse text_response(int status, std::string_view text) {
  return {.status = status, .headers = {{"content-type", "text/plain; charset=utf-8"}}, .body = to_bytes(text)};
}

HttpResponse json_response(int status, std::string_view json) {
  return {.status = status, .headers = {{"content-type", "application/json"}}, .body = to_bytes(json)};
}

}  // namespace redoubt::net
