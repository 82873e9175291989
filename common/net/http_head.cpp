#include "common/net/http_head.h"

#include <algorithm>
#include <array>

namespace redoubt::net {
namespace {

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_char); }

// field-vchar, obs-text, SP and HTAB of RFC 9110 section 5.5; NUL, CR and LF are the dangerous ones.
bool is_value_char(char c) { return static_cast<unsigned char>(c) >= ' ' ? c != 0x7f : c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool equal_ignoring_case(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x - 'A' + 'a' : x) == y; });
}

std::optional<std::uint64_t> decimal(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// next_line takes one line off `rest`, without its CRLF; nothing when a bare CR or LF stands in it.
std::optional<std::string_view> next_line(std::string_view& rest) {
  const std::size_t end = rest.find_first_of("\r\n");
  if (end == std::string_view::npos || end + 1 >= rest.size() || rest[end] != '\r' || rest[end + 1] != '\n') {
    return std::nullopt;
  }
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

// Headers that say who, where or how long; a second one would be a second opinion.
constexpr std::array<std::string_view, 9> kOnce = {"authorization", "connection",        "content-length",
                                                   "content-type",  "expect",            "host",
                                                   "range",         "transfer-encoding", "content-encoding"};

std::optional<HttpRefusal> parse_headers(std::string_view rest, const HeadLimits& limits, MessageHead& head) {
  while (true) {
    const auto line = next_line(rest);
    if (!line) return HttpRefusal{400, "header: line without CRLF"};
    if (line->empty()) break;
    if (line->front() == ' ' || line->front() == '\t') return HttpRefusal{400, "header: folded line"};
    if (head.headers.size() == limits.max_headers) return HttpRefusal{431, "headers: too many"};
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos) return HttpRefusal{400, "header: no colon"};
    const std::string_view name = line->substr(0, colon);
    const std::string_view value = trimmed(line->substr(colon + 1));
    if (!is_token(name)) return HttpRefusal{400, "header: name is not a token"};
    if (!std::ranges::all_of(value, is_value_char)) return HttpRefusal{400, "header: control character in a value"};
    head.headers.add(name, value);
  }
  if (!rest.empty()) return HttpRefusal{400, "head: bytes after the empty line"};
  for (const std::string_view name : kOnce) {
    if (head.headers.count(name) > 1) return HttpRefusal{400, "header: stands twice and may stand once"};
  }
  return std::nullopt;
}

std::optional<HttpRefusal> read_framing(MessageHead& head) {
  const std::string* const length = head.headers.find("content-length");
  const std::string* const coding = head.headers.find("transfer-encoding");
  if (length != nullptr && coding != nullptr) {
    return HttpRefusal{400, "framing: content-length and transfer-encoding together"};
  }
  if (length != nullptr) {
    head.content_length = decimal(*length);
    if (!head.content_length) return HttpRefusal{400, "framing: content-length is not one decimal number"};
  }
  if (coding != nullptr) {
    if (!equal_ignoring_case(*coding, "chunked")) return HttpRefusal{501, "framing: transfer-encoding other than chunked"};
    head.chunked = true;
  }
  if (const std::string* const connection = head.headers.find("connection")) {
    std::string_view rest = *connection;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      const std::string_view option = trimmed(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (equal_ignoring_case(option, "close")) head.close = true;
      // A hop may strip what Connection names; no header of ours may be stripped (RFC 9110 section 7.6.1).
      if (!is_token(option)) return HttpRefusal{400, "header: connection option is not a token"};
    }
  }
  return std::nullopt;
}

bool valid_host(std::string_view host) {
  return !host.empty() && host.size() <= 262 && std::ranges::all_of(host, [](char c) {
    return is_token_char(c) || c == ':' || c == '[' || c == ']';
  });
}

bool is_framing(std::string_view name) {
  return name == "content-length" || name == "transfer-encoding" || name == "connection" || name == "keep-alive" ||
         name == "upgrade" || name == "te" || name == "trailer";
}

void write_rest(std::string& out, const Headers& headers, const Framing& framing) {
  for (const auto& [name, value] : headers) {
    if (is_framing(name) || !valid_header(name, value)) continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (framing.body_size) {
    out += "content-length: " + std::to_string(*framing.body_size) + "\r\n";
  } else if (!framing.no_body) {
    out += "transfer-encoding: chunked\r\n";
  }
  if (framing.close) out += "connection: close\r\n";
  out += "\r\n";
}

}  // namespace

std::optional<std::size_t> head_size(ByteView bytes, std::size_t search_from) {
  // Three bytes of the empty line may have come before.
  const std::size_t from = search_from < 3 ? 0 : search_from - 3;
  const std::size_t at = as_text(bytes).find("\r\n\r\n", from);
  if (at == std::string_view::npos) return std::nullopt;
  return at + 4;
}

std::variant<MessageHead, HttpRefusal> parse_request_head(ByteView bytes, const HeadLimits& limits) {
  if (bytes.size() > limits.max_bytes) return HttpRefusal{431, "head: too large"};
  MessageHead head;
  std::string_view rest = as_text(bytes);
  const auto line = next_line(rest);
  if (!line) return HttpRefusal{400, "request line: no CRLF"};
  const std::size_t first = line->find(' ');
  const std::size_t last = line->rfind(' ');
  if (first == std::string_view::npos || last == first) return HttpRefusal{400, "request line: expected three parts"};
  const std::string_view method = line->substr(0, first);
  const std::string_view target = line->substr(first + 1, last - first - 1);
  const std::string_view version = line->substr(last + 1);
  if (!is_token(method) || method.size() > 16) return HttpRefusal{400, "request line: method is not a token"};
  if (target.empty() || !std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f; })) {
    return HttpRefusal{400, "request line: bad character in the target"};
  }
  if (version != "HTTP/1.1") {
    return version.starts_with("HTTP/") && version.size() == 8 ? HttpRefusal{505, "request line: expected HTTP/1.1"}
                                                               : HttpRefusal{400, "request line: expected HTTP/1.1"};
  }
  head.method = std::string(method);
  head.target = std::string(target);
  if (const auto refusal = parse_headers(rest, limits, head)) return *refusal;
  if (const auto refusal = read_framing(head)) return *refusal;
  const std::string* const host = head.headers.find("host");
  if (host == nullptr || !valid_host(*host)) return HttpRefusal{400, "header: expected exactly one host"};
  if (const std::string* const expect = head.headers.find("expect")) {
    if (!equal_ignoring_case(*expect, "100-continue")) return HttpRefusal{417, "header: unknown expectation"};
    head.expect_continue = true;
  }
  return head;
}

std::variant<MessageHead, HttpRefusal> parse_response_head(ByteView bytes, const HeadLimits& limits) {
  if (bytes.size() > limits.max_bytes) return HttpRefusal{431, "head: too large"};
  MessageHead head;
  std::string_view rest = as_text(bytes);
  const auto line = next_line(rest);
  // "HTTP/1.1 SP 3DIGIT SP [reason]" (RFC 9112 section 4).
  if (!line || !line->starts_with("HTTP/1.1 ") || line->size() < 13 || (*line)[12] != ' ' ||
      !std::ranges::all_of(*line, is_value_char)) {
    return HttpRefusal{400, "status line: expected HTTP/1.1 and a status"};
  }
  const auto status = decimal(line->substr(9, 3));
  if (!status || *status < 100 || *status > 599) return HttpRefusal{400, "status line: expected a status of 100 to 599"};
  head.status = static_cast<int>(*status);
  if (const auto refusal = parse_headers(rest, limits, head)) return *refusal;
  if (const auto refusal = read_framing(head)) return *refusal;
  return head;
}

bool valid_header(std::string_view name, std::string_view value) {
  return is_token(name) && std::ranges::all_of(value, is_value_char) && trimmed(value) == value;
}

std::string request_head(std::string_view method, std::string_view target, std::string_view host, const Headers& headers,
                         const Framing& framing) {
  std::string out;
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\nhost: ").append(host).append("\r\n");
  write_rest(out, headers, framing);
  return out;
}

std::string response_head(int status, const Headers& headers, const Framing& framing) {
  std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
  out.append(reason_phrase(status)).append("\r\n");
  write_rest(out, headers, framing);
  return out;
}

}  // namespace redoubt::net
