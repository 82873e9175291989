#include "common/net/uri.h"

#include "common/base/utf8.h"

namespace redoubt::net {
namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// pchar of RFC 3986 section 3.3, without '%'.
bool is_path_char(char c) { return is_unreserved(c) || std::string_view("!$&'()*+,;=:@").find(c) != std::string_view::npos; }
bool is_query_char(char c) { return is_path_char(c) || c == '/' || c == '?'; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// decode: `allowed` says which characters may stand unescaped.
Result<std::string> decode(std::string_view text, bool (*allowed)(char), bool plus_is_space, std::string_view what) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return Error(Code::malformed, std::string(what) + ": bad percent escape");
      c = static_cast<char>(high * 16 + low);
      i += 2;
      if ((c >= 0 && c < ' ') || c == 0x7f) return Error(Code::malformed, std::string(what) + ": control character");
    } else if (plus_is_space && c == '+') {
      c = ' ';
    } else if (!allowed(c)) {
      return Error(Code::malformed, std::string(what) + ": character that must be escaped");
    }
    out.push_back(c);
  }
  if (!valid_utf8(out)) return Error(Code::malformed, std::string(what) + ": not utf-8");
  return out;
}

Status parse_path(std::string_view path, Target& target) {
  if (path == "/") return {};
  std::string_view rest = path;
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the slash
    const std::size_t end = std::min(rest.find('/'), rest.size());
    REDOUBT_TRY(std::string segment, decode(rest.substr(0, end), is_path_char, false, "path"));
    rest.remove_prefix(end);
    if (segment.empty()) return Error(Code::malformed, "path: empty segment");
    if (segment == "." || segment == "..") return Error(Code::malformed, "path: dot segment");
    if (segment.find_first_of("/\\") != std::string::npos) return Error(Code::malformed, "path: escaped slash");
    if (target.segments.size() == kMaxSegments) return Error(Code::malformed, "path: more than 32 segments");
    target.segments.push_back(std::move(segment));
  }
  return {};
}

Status parse_query(std::string_view query, Target& target) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view item = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(item.find('='), item.size());
    REDOUBT_TRY(std::string name, decode(item.substr(0, equals), is_query_char, true, "query"));
    REDOUBT_TRY(std::string value,
                decode(item.substr(std::min(equals + 1, item.size())), is_query_char, true, "query"));
    if (name.empty()) return Error(Code::malformed, "query: item without a name");
    if (target.query.size() == kMaxQueryItems) return Error(Code::malformed, "query: more than 64 items");
    if (!target.query.emplace(std::move(name), std::move(value)).second) {
      return Error(Code::malformed, "query: repeated name");
    }
  }
  return {};
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  if (text.size() > kMaxTargetBytes) return Error(Code::malformed, "target: longer than 8192 bytes");
  if (!text.starts_with('/')) return Error(Code::malformed, "target: expected origin form, a path that begins with '/'");
  Target target;
  const std::size_t question = std::min(text.find('?'), text.size());
  target.path = std::string(text.substr(0, question));
  REDOUBT_CHECK(parse_path(target.path, target));
  if (question < text.size()) REDOUBT_CHECK(parse_query(text.substr(question + 1), target));
  return target;
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
  }
  return out;
}

}  // namespace redoubt::net
