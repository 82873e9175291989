// Targets, heads and routes from any bytes: nothing crashes, what is accepted survives being written and read again, and
// refusals are whole problems.
#include <cstdlib>

#include "common/base/json.h"
#include "common/net/http_parser.h"
#include "common/net/router.h"

namespace {

using namespace redoubt;
using namespace redoubt::net;

void require(bool good) {
  if (!good) std::abort();
}

const Router& router() {
  static const Router made = [] {
    const Handler handler = [](const HttpRequest&) { return text_response(200, "ok"); };
    Router out;
    out.get("/health", Access::open, handler);
    out.get("/api/tee/datasets/{id}", Access::attested, handler);
    out.post("/api/tee/datasets/{id}/parts/{part}", Access::attested, 100, handler);
    out.get("/assets/{path...}", Access::open, handler);
    return out;
  }();
  return made;
}

void check_target(std::string_view method, std::string_view text) {
  const auto target = parse_target(text);
  if (!target.ok()) {
    require(target.error().code() == Code::malformed);
    return;
  }
  std::string again;
  for (const std::string& segment : target->segments) {
    require(!segment.empty() && segment != "." && segment != ".." && segment.find_first_of("/\\") == std::string::npos);
    again += "/" + percent_encode(segment);
  }
  require(parse_target(again.empty() ? "/" : again)->segments == target->segments);
  for (const bool attested : {false, true}) {
    const auto found = router().find(method, target.value(), attested);
    if (const auto* refusal = std::get_if<HttpResponse>(&found)) {
      require(json::parse(as_text(std::get<Bytes>(refusal->body))).ok());
    } else {
      require(attested || std::get<Router::Match>(found).route->access == Access::open);
    }
  }
}

std::string drain(HttpParser::Kind kind, ByteView bytes, std::size_t step) {
  HttpParser parser(kind, {});
  std::string body;
  std::size_t end = 0;
  std::size_t begin = 0;
  while (true) {
    if (parser.state() == HttpParser::State::decide) {
      check_target(parser.head().method, parser.head().target);
      parser.accept_body(4096, [&](ByteView piece) {
        body += as_text(piece);
        return Status();
      });
    }
    const std::size_t taken = parser.put(bytes.subspan(begin, end - begin));
    require(taken <= end - begin);
    begin += taken;
    if (parser.state() == HttpParser::State::complete) return "complete " + body;
    if (parser.state() == HttpParser::State::refused) return "refused";
    if (taken > 0 || parser.state() == HttpParser::State::decide) continue;
    if (end == bytes.size()) break;
    end = std::min(bytes.size(), end + step);
  }
  parser.end_of_stream();
  return parser.state() == HttpParser::State::complete ? "complete " + body : "refused";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span(data, size));
  check_target("GET", as_text(bytes));
  for (const auto kind : {HttpParser::Kind::request, HttpParser::Kind::response}) {
    const std::string whole = drain(kind, bytes, size + 1);
    const std::string pieces = drain(kind, bytes, 3);
    // However the stream is cut, it is read the same way.
    require(whole == pieces);
  }
  static_cast<void>(error_of(400, bytes, "peer"));
  return 0;
}
