#include <set>

#include "common/crypto/certificate_view.h"
#include "common/crypto/jwt.h"

namespace redoubt::crypto {
namespace {

constexpr std::size_t kMaxKeys = 64;
constexpr std::size_t kMaxSet = std::size_t{1} << 20;

Error malformed_key_set(std::string message) { return Error(Code::malformed, "key set: " + std::move(message)); }

const json::Value* member(const json::Object& object, std::string_view name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &found->second;
}

const std::string* text(const json::Object& object, std::string_view name) {
  const json::Value* value = member(object, name);
  return value == nullptr ? nullptr : value->string();
}

Result<Bytes> number(const json::Object& object, std::string_view name) {
  const std::string* encoded = text(object, name);
  if (encoded == nullptr) return malformed_key_set("expected '" + std::string(name) + "' as a string");
  auto bytes = base64url_decode(*encoded);
  if (!bytes.ok()) return bytes.error().context("key set " + std::string(name));
  return bytes;
}

Result<PublicKey> rsa_key(const json::Object& object) {
  REDOUBT_TRY(const Bytes modulus, number(object, "n"));
  const std::string* exponent = text(object, "e");
  if (exponent == nullptr || *exponent != "AQAB") return malformed_key_set("expected the RSA exponent 65537");
  return PublicKey::from_rsa(modulus);
}

Result<PublicKey> ec_key(const json::Object& object) {
  const std::string* curve = text(object, "crv");
  if (curve == nullptr || (*curve != "P-256" && *curve != "P-384")) return malformed_key_set("expected crv P-256 or P-384");
  REDOUBT_TRY(const Bytes x, number(object, "x"));
  REDOUBT_TRY(const Bytes y, number(object, "y"));
  return PublicKey::from_point(*curve == "P-256" ? KeyKind::p256 : KeyKind::p384, x, y);
}

Result<PublicKey> certificate_key(const json::Value& x5c) {
  const json::Array* chain = x5c.array();
  if (chain == nullptr || chain->empty() || chain->front().string() == nullptr) {
    return malformed_key_set("expected x5c as an array of strings");
  }
  auto der = base64_decode(*chain->front().string());
  if (!der.ok()) return der.error().context("key set x5c");
  REDOUBT_TRY(const CertificateView certificate, CertificateView::parse(*der));
  return certificate.public_key();
}

Result<PublicKey> read_key(const json::Object& object) {
  const std::string* type = text(object, "kty");
  if (type == nullptr || (*type != "RSA" && *type != "EC")) return malformed_key_set("expected kty RSA or EC");
  const json::Value* x5c = member(object, "x5c");
  if (x5c != nullptr && member(object, "n") == nullptr && member(object, "x") == nullptr) return certificate_key(*x5c);
  return *type == "RSA" ? rsa_key(object) : ec_key(object);
}

}  // namespace

Result<std::vector<Jwk>> parse_jwk_set(std::string_view source) {
  REDOUBT_TRY(const json::Value value, json::parse(source, {.max_bytes = kMaxSet, .max_depth = 8}));
  const json::Value* keys = value.object() == nullptr ? nullptr : member(*value.object(), "keys");
  const json::Array* array = keys == nullptr ? nullptr : keys->array();
  if (array == nullptr || array->size() > kMaxKeys) return malformed_key_set("expected an object with 'keys', an array of at most 64");
  std::vector<Jwk> out;
  std::set<std::string> names;
  for (const json::Value& item : *array) {
    if (item.object() == nullptr) return malformed_key_set("expected a key as an object");
    const json::Object& object = *item.object();
    const std::string* use = text(object, "use");
    if (use != nullptr && *use != "sig") continue;
    const std::string* key_id = text(object, "kid");
    if (key_id == nullptr || key_id->empty()) return malformed_key_set("a key without kid");
    if (!names.insert(*key_id).second) return malformed_key_set("two keys with the kid '" + key_id->substr(0, 128) + "'");
    auto key = read_key(object);
    if (!key.ok()) return key.error().context("reading key '" + key_id->substr(0, 128) + "'");
    const std::string* algorithm = text(object, "alg");
    out.push_back({*key_id, algorithm == nullptr ? std::nullopt : std::optional(*algorithm), std::move(key).value()});
  }
  return out;
}

}  // namespace redoubt::crypto
