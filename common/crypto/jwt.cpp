#include "common/crypto/jwt.h"

namespace redoubt::crypto {
namespace {

constexpr std::size_t kMaxHeaderText = 1024;
constexpr std::size_t kMaxHeader = kJwtMaxCertificates * 8 * 1024;
constexpr json::Limits kLimits{.max_bytes = kJwtMaxSize, .max_depth = 16};

Error malformed_token(std::string message) { return Error(Code::malformed, std::move(message)); }

Result<Bytes> decode_part(std::string_view part, std::string_view name) {
  auto bytes = base64url_decode(part);
  if (!bytes.ok()) return bytes.error().context("token " + std::string(name));
  return bytes;
}

Result<json::Value> decode_object(ByteView bytes, std::string_view name) {
  auto value = json::parse(as_text(bytes), kLimits);
  if (!value.ok()) return value.error().context("token " + std::string(name));
  if (value->object() == nullptr) {
    return malformed_token("token " + std::string(name) + ": expected an object, found " + std::string(value->kind()));
  }
  return value;
}

Result<std::string> field(const std::string& name, const json::Value& value) {
  const std::string* text = value.string();
  if (text == nullptr || text->empty() || text->size() > kMaxHeaderText) {
    return malformed_token("token header " + name + ": expected a string of 1 to 1024 bytes");
  }
  return *text;
}

Result<std::vector<Bytes>> certificates(const json::Value& value) {
  const json::Array* array = value.array();
  if (array == nullptr || array->empty() || array->size() > kJwtMaxCertificates) {
    return malformed_token("token header x5c: expected an array of 1 to 8 certificates");
  }
  std::vector<Bytes> chain;
  for (const json::Value& item : *array) {
    if (item.string() == nullptr) return malformed_token("token header x5c: expected strings");
    auto der = base64_decode(*item.string());  // RFC 7515 section 4.1.6: base64 with padding, not base64url
    if (!der.ok()) return der.error().context("token header x5c");
    chain.push_back(std::move(der).value());
  }
  return chain;
}

Result<JwtHeader> parse_header(ByteView bytes) {
  if (bytes.size() > kMaxHeader) {
    return malformed_token("token header: expected at most " + std::to_string(kMaxHeader) + " bytes, found " +
                     std::to_string(bytes.size()));
  }
  REDOUBT_TRY(const json::Value value, decode_object(bytes, "header"));
  JwtHeader header;
  for (const auto& [name, member] : *value.object()) {
    if (name == "alg") {
      REDOUBT_TRY(header.algorithm, field(name, member));
    } else if (name == "kid") {
      REDOUBT_TRY(header.key_id, field(name, member));
    } else if (name == "typ") {
      REDOUBT_TRY(header.type, field(name, member));
    } else if (name == "jku") {
      REDOUBT_TRY(header.key_address, field(name, member));
    } else if (name == "x5u") {
      REDOUBT_TRY(header.certificate_address, field(name, member));
    } else if (name == "jwk") {
      header.embedded_key = true;
    } else if (name == "x5c") {
      REDOUBT_TRY(header.certificates, certificates(member));
    } else {
      return malformed_token("token header: expected only alg, typ, kid, x5c, jku, jwk or x5u, found '" + name.substr(0, 32) + "'");
    }
  }
  if (header.algorithm.empty()) return malformed_token("token header: expected alg, found none");
  return header;
}

SignatureScheme scheme_of(JwtAlgorithm algorithm) {
  switch (algorithm) {
    case JwtAlgorithm::rs256: return SignatureScheme::rsa_pkcs1_sha256;
    case JwtAlgorithm::ps256: return SignatureScheme::rsa_pss_sha256;
    case JwtAlgorithm::ps384: return SignatureScheme::rsa_pss_sha384;
    case JwtAlgorithm::es256: return SignatureScheme::ecdsa_sha256;
    case JwtAlgorithm::es384: return SignatureScheme::ecdsa_sha384;
  }
  std::abort();
}

KeyKind key_kind_of(JwtAlgorithm algorithm) {
  if (algorithm == JwtAlgorithm::es256) return KeyKind::p256;
  return algorithm == JwtAlgorithm::es384 ? KeyKind::p384 : KeyKind::rsa;
}

}  // namespace

std::string_view jwt_algorithm_text(JwtAlgorithm algorithm) {
  switch (algorithm) {
    case JwtAlgorithm::rs256: return "RS256";
    case JwtAlgorithm::ps256: return "PS256";
    case JwtAlgorithm::ps384: return "PS384";
    case JwtAlgorithm::es256: return "ES256";
    case JwtAlgorithm::es384: return "ES384";
  }
  std::abort();
}

Result<Jwt> Jwt::parse(std::string_view token) {
  if (token.size() > kJwtMaxSize) {
    return malformed_token("token: expected at most " + std::to_string(kJwtMaxSize) + " characters, found " +
                     std::to_string(token.size()));
  }
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return malformed_token("token: expected exactly three parts, found " +
                     std::to_string(1 + std::ranges::count(token, '.')));
  }
  Jwt jwt;
  REDOUBT_TRY(const Bytes header, decode_part(token.substr(0, first), "header"));
  REDOUBT_TRY(const Bytes payload, decode_part(token.substr(first + 1, second - first - 1), "payload"));
  REDOUBT_TRY(jwt.signature_, decode_part(token.substr(second + 1), "signature"));
  REDOUBT_TRY(jwt.header_, parse_header(header));
  REDOUBT_TRY(jwt.payload_, decode_object(payload, "payload"));
  jwt.signed_text_ = token.substr(0, second);
  return jwt;
}

Status Jwt::verify(JwtAlgorithm algorithm, const PublicKey& key) const {
  if (header_.algorithm != jwt_algorithm_text(algorithm)) {
    return Error(Code::chain, "token algorithm: expected " + std::string(jwt_algorithm_text(algorithm)) + ", found " +
                                  header_.algorithm.substr(0, 32));
  }
  if (key.kind() != key_kind_of(algorithm)) {
    return Error(Code::chain, "token key: its kind does not fit " + std::string(jwt_algorithm_text(algorithm)));
  }
  const bool ecdsa = algorithm == JwtAlgorithm::es256 || algorithm == JwtAlgorithm::es384;
  const ByteView text = as_bytes(signed_text_);
  const Status status = ecdsa ? key.verify_raw(scheme_of(algorithm), text, signature_)
                              : key.verify(scheme_of(algorithm), text, signature_);
  if (!status.ok()) return Error(Code::chain, "token signature: " + status.error().message());
  return {};
}

}  // namespace redoubt::crypto
