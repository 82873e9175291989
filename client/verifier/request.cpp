#include "client/verifier/request.h"

#include <algorithm>
#include <variant>

#include "common/attest/verifier/text.h"
#include "common/base/json.h"
#include "common/net/problem.h"

namespace redoubt::rest {
namespace {

constexpr std::size_t kMaxMembers = 4096;  // far more than a request with 64 endorsements has
constexpr std::string_view kNextForm = "send Evidence as application/octet-stream, or as JSON with \"evidence\" in base64; GET /openapi.json shows both";
constexpr std::string_view kNextNonce = "send the nonce as 16 to 128 lower-case hexadecimal digits, or none";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// media_type: without parameters, in lower case (RFC 9110 section 8.3.1).
std::string media_type(std::string_view text) { return lower(trimmed(text.substr(0, text.find(';')))); }

// wants_json: the first media range of Accept that there is a form for decides; weights are not read. Nothing: no such range.
std::optional<bool> wants_json(const net::HttpRequest& request) {
  const std::string* const header = request.headers.find("accept");
  if (header == nullptr) return false;
  for (std::string_view rest = *header; !rest.empty();) {
    const std::size_t end = rest.find(',');
    const std::string range = media_type(rest.substr(0, end));
    if (range == "application/eat+jwt" || range == "*/*" || range == "application/*") return false;
    if (range == "application/json") return true;
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
  }
  return std::nullopt;
}

Result<Bytes> nonce_of(std::string_view text) {
  if (text.size() > 2 * kMaxNonce) return Error(Code::malformed, "nonce: longer than 64 bytes");
  REDOUBT_TRY(Bytes nonce, hex_decode(text).context("nonce"));
  if (nonce.size() < kMinNonce) return Error(Code::malformed, "nonce: shorter than 8 bytes");
  return nonce;
}

Result<AppraiseRequest> read_json(ByteView body) {
  // Sixteen MiB of empty lists would take forty times that once they are read.
  if (!verifier::few_members(as_text(body), kMaxMembers)) return Error(Code::malformed, "body: more than " + std::to_string(kMaxMembers) + " members");
  REDOUBT_TRY(const json::Value value, json::parse(as_text(body), {.max_bytes = kMaxBody, .max_depth = 4}).context("body"));
  json::ObjectReader reader(value, "body");
  AppraiseRequest out;
  out.evidence = reader.base64("evidence", kMaxBody);
  if (reader.has("format")) out.format = reader.nonempty("format", 32);
  if (reader.has("policy")) out.policy = reader.nonempty("policy", 256);
  std::string nonce;
  if (reader.has("nonce")) nonce = reader.nonempty("nonce", 2 * kMaxNonce);
  const json::Array none;
  const json::Array& files = reader.has("endorsements") ? reader.array("endorsements", kMaxEndorsements) : none;
  REDOUBT_CHECK(reader.finish());
  if (!nonce.empty()) {
    REDOUBT_TRY(out.nonce, nonce_of(nonce));
  }
  for (const json::Value& item : files) {
    json::ObjectReader file(item, "endorsement");
    verifier::NamedFile one;
    one.name = file.nonempty("name", 255);
    one.bytes = file.base64("data", kMaxBody);
    REDOUBT_CHECK(file.finish());
    out.endorsements.push_back(std::move(one));
  }
  return out;
}

Result<AppraiseRequest> read_binary(const net::HttpRequest& request) {
  AppraiseRequest out;
  out.evidence = request.body;
  for (const auto& [name, value] : request.query) {
    if (name == "nonce") {
      REDOUBT_TRY(out.nonce, nonce_of(value));
    } else if (name == "format") {
      out.format = value;
    } else if (name == "policy") {
      out.policy = value;
    } else {
      return Error(Code::malformed, "query: expected nonce, format or policy, found \"" + net::printable(name, 32) + "\"");
    }
  }
  return out;
}

}  // namespace

net::HttpResponse problem(const Refusal& refusal) {
  return net::with_next(net::problem(refusal.status, refusal.error.code(), refusal.error.message()), refusal.next);
}

std::variant<AppraiseRequest, Refusal> read_request(const net::HttpRequest& request) {
  const auto json_wanted = wants_json(request);
  if (!json_wanted) {
    return Refusal{406, Error(Code::usage, "accept: expected application/eat+jwt or application/json"), "ask for one of these, or send no Accept header"};
  }
  const std::string* const header = request.headers.find("content-type");
  const std::string type = header == nullptr ? "" : media_type(*header);
  if (type != "application/octet-stream" && type != "application/json") {
    return Refusal{415, Error(Code::usage, "content type: expected application/octet-stream or application/json, found \"" + net::printable(type, 64) + "\""),
                   std::string(kNextForm)};
  }
  if (request.body.empty()) return Refusal{400, Error(Code::malformed, "body: expected Evidence, found nothing"), std::string(kNextForm)};
  if (type == "application/json" && !request.query.empty()) {
    return Refusal{400, Error(Code::malformed, "query: expected none beside a JSON body"), "put nonce, format and policy into the JSON body"};
  }
  Result<AppraiseRequest> read = type == "application/json" ? read_json(request.body) : read_binary(request);
  if (!read.ok()) {
    const bool nonce = read.error().message().starts_with("nonce");
    return Refusal{400, Error(Code::malformed, read.error().message()), std::string(nonce ? kNextNonce : kNextForm)};
  }
  read->wants_json = *json_wanted;
  return std::move(read).value();
}

}  // namespace redoubt::rest
