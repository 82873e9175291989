#include "common/crypto/jws.h"

namespace redoubt::crypto {
namespace {

constexpr std::size_t kMaxField = 128;
constexpr std::size_t kMaxToken = kJwsMaxPayload / 3 * 4 + 1024;

bool is_field_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("+-./:=_").find(c) != std::string_view::npos;
}

bool is_field(std::string_view text) { return text.size() <= kMaxField && std::ranges::all_of(text, is_field_character); }

// The one spelling; the names stand in the order of RFC 8785.
std::string header_text(const JwsHeader& header) {
  std::string text = R"({"alg":"EdDSA")";
  if (!header.key_id.empty()) text += R"(,"kid":")" + header.key_id + '"';
  if (!header.type.empty()) text += R"(,"typ":")" + header.type + '"';
  return text + '}';
}

struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_text;  // header.payload
};

Result<Parts> split(std::string_view token) {
  if (token.size() > kMaxToken) {
    return Error(Code::malformed, "jws: expected at most " + std::to_string(kMaxToken) + " characters, found " +
                                      std::to_string(token.size()));
  }
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return Error(Code::malformed, "jws: expected exactly three parts");
  }
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1),
               token.substr(0, second)};
}

// take_member reads `,"name":"value"` at the beginning of `text`, if it is there.
std::string take_member(std::string_view& text, std::string_view name) {
  const std::string prefix = ",\"" + std::string(name) + "\":\"";
  if (!text.starts_with(prefix)) return {};
  const std::size_t end = text.find('"', prefix.size());
  if (end == std::string_view::npos) return {};
  std::string value(text.substr(prefix.size(), end - prefix.size()));
  text.remove_prefix(end + 1);
  return value;
}

// Reads the header by its shape, then writes it again: only the one spelling comes back the same.
Result<JwsHeader> parse_header(std::string_view encoded) {
  auto bytes = base64url_decode(encoded);
  if (!bytes.ok()) return bytes.error().context("jws header");
  const std::string_view text = as_text(*bytes);
  std::string_view rest = text.substr(std::min(text.size(), header_text({}).size() - 1));
  JwsHeader header;
  header.key_id = take_member(rest, "kid");
  header.type = take_member(rest, "typ");
  if (!is_field(header.key_id) || !is_field(header.type) || header_text(header) != text) {
    return Error(Code::malformed, R"(jws header: expected exactly {"alg":"EdDSA","kid":...,"typ":...})");
  }
  return header;
}

}  // namespace

Result<std::string> jws_sign(const Ed25519PrivateKey& key, const JwsHeader& header, ByteView payload) {
  if (!is_field(header.type) || !is_field(header.key_id)) {
    return Error(Code::usage, "jws header: expected at most 128 characters of A-Z a-z 0-9 + - . / : = _ in kid and typ");
  }
  if (payload.size() > kJwsMaxPayload) {
    return Error(Code::usage, "jws payload: expected at most 2^20 bytes, found " + std::to_string(payload.size()));
  }
  std::string token = base64url_encode(as_bytes(header_text(header))) + '.' + base64url_encode(payload);
  const Ed25519Signature signature = key.sign(as_bytes(token));
  return token + '.' + base64url_encode(signature.view());
}

Result<JwsHeader> unverified_jws_header(std::string_view token) {
  REDOUBT_TRY(const Parts parts, split(token));
  return parse_header(parts.header);
}

Result<Bytes> jws_verify(std::string_view token, const Ed25519PublicKey& key, std::string_view type) {
  REDOUBT_TRY(const Parts parts, split(token));
  REDOUBT_TRY(const JwsHeader header, parse_header(parts.header));
  auto payload = base64url_decode(parts.payload);
  if (!payload.ok()) return payload.error().context("jws payload");
  if (payload->size() > kJwsMaxPayload) {
    return Error(Code::malformed, "jws payload: expected at most 2^20 bytes, found " + std::to_string(payload->size()));
  }
  auto signature_bytes = base64url_decode(parts.signature);
  if (!signature_bytes.ok()) return signature_bytes.error().context("jws signature");
  REDOUBT_TRY(const auto signature, Ed25519Signature::from(*signature_bytes, "jws signature"));
  if (header.type != type) {
    return Error(Code::binding, "jws type: expected '" + std::string(type) + "', found '" + header.type + "'");
  }
  if (auto status = verify(key, as_bytes(parts.signed_text), signature); !status.ok()) {
    return status.error().context("verifying jws");
  }
  return std::move(payload).value();
}

}  // namespace redoubt::crypto
