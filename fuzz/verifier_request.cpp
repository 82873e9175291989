// What POST /v1/appraise was asked is read without harm, within its bounds; every refusal is a problem that JSON readers can read.
// Form of an input: Accept, Content-Type, then "name=value" of the query, one a line; an empty line; the body.
#include <cstdlib>

#include "client/verifier/request.h"
#include "common/base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const std::size_t end = rest.find('\n');
    const std::string_view out = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return out;
  };
  net::HttpRequest request;
  if (const auto accept = line(); !accept.empty()) request.headers.add("accept", accept);
  if (const auto type = line(); !type.empty()) request.headers.add("content-type", type);
  for (std::string_view pair = line(); !pair.empty(); pair = line()) {
    const std::size_t equals = pair.find('=');
    request.query.emplace(pair.substr(0, equals), equals == std::string_view::npos ? "" : pair.substr(equals + 1));
  }
  request.body = to_bytes(as_bytes(rest));
  const auto read = rest::read_request(request);
  if (const auto* refusal = std::get_if<rest::Refusal>(&read)) {
    const auto problem = rest::problem(*refusal);
    const auto value = json::parse(as_text(std::get<Bytes>(problem.body)));
    if (problem.status < 400 || problem.status > 499 || !value.ok() || !value->object()->contains("next")) std::abort();
    return 0;
  }
  const auto& asked = std::get<rest::AppraiseRequest>(read);
  if (asked.nonce && (asked.nonce->size() < rest::kMinNonce || asked.nonce->size() > rest::kMaxNonce)) std::abort();
  if (asked.endorsements.size() > rest::kMaxEndorsements || asked.evidence.size() > request.body.size()) std::abort();
  return 0;
}
