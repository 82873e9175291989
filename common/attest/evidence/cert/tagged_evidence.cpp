#include "common/attest/evidence/cert/tagged_evidence.h"

#include "common/base/cbor.h"

namespace redoubt::cert {
namespace {

constexpr std::string_view kKeyHash = "pubkey-hash";
constexpr std::string_view kNonce = "nonce";
constexpr std::size_t kMaxClaims = 64;
constexpr cbor::Limits kLimits{.max_bytes = kMaxExtension, .max_depth = 8};

Error malformed_tagged(std::string message) { return Error(Code::malformed, "tagged evidence: " + std::move(message)); }

// Named Information Hash Algorithm Registry (RFC 6920): 1 is sha-256, 7 sha-384, 8 sha-512; 2 to 6 are truncations of sha-256.
std::uint64_t hash_id(crypto::HashKind kind) {
  switch (kind) {
    case crypto::HashKind::sha256: return 1;
    case crypto::HashKind::sha384: return 7;
    case crypto::HashKind::sha512: return 8;
  }
  std::abort();
}

Result<KeyHash> parse_key_hash(ByteView bytes) {
  auto value = cbor::parse(bytes, cbor::Order::any, kLimits);
  if (!value.ok()) return value.error().context("tagged evidence pubkey-hash");
  const cbor::Array* pair = value->as_array();
  if (pair == nullptr || pair->size() != 2 || !(*pair)[0].as_unsigned() || (*pair)[1].as_bytes() == nullptr) {
    return malformed_tagged("expected pubkey-hash as [algorithm, hash]");
  }
  for (const crypto::HashKind kind : {crypto::HashKind::sha256, crypto::HashKind::sha384, crypto::HashKind::sha512}) {
    if (hash_id(kind) == *(*pair)[0].as_unsigned()) return KeyHash{kind, *(*pair)[1].as_bytes()};
  }
  return malformed_tagged("pubkey-hash: expected algorithm 1, 7 or 8, found " + std::to_string(*(*pair)[0].as_unsigned()));
}

Status parse_claims(TaggedEvidence& out) {
  auto value = cbor::parse(out.claims, cbor::Order::any, kLimits);
  if (!value.ok()) return value.error().context("tagged evidence claims");
  const cbor::Map* claims = value->as_map();
  if (claims == nullptr || claims->size() > kMaxClaims) return malformed_tagged("expected the claims as a map of at most 64");
  bool bound = false;
  for (const auto& [key, claim] : *claims) {
    if (key.as_text() == nullptr) return malformed_tagged("expected claims with text names");
    if (*key.as_text() == kKeyHash) {
      if (claim.as_bytes() == nullptr) return malformed_tagged("expected pubkey-hash as a byte string");
      REDOUBT_TRY(out.key_hash, parse_key_hash(*claim.as_bytes()));
      bound = true;
    } else if (*key.as_text() == kNonce) {
      if (claim.as_bytes() == nullptr) return malformed_tagged("expected nonce as a byte string");
      out.nonce = *claim.as_bytes();
    } else {
      out.others.push_back(*key.as_text());
    }
  }
  if (!bound) return malformed_tagged("expected the claim pubkey-hash, found none");
  return {};
}

}  // namespace

Result<TaggedEvidence> parse_tagged(ByteView extension) {
  auto value = cbor::parse(extension, cbor::Order::any, kLimits);
  if (!value.ok()) return value.error().context("tagged evidence");
  const cbor::Value* content = value->as_tagged(kEvidenceTag);
  if (content == nullptr) return malformed_tagged("expected CBOR tag 60000");
  const cbor::Array* parts = content->as_array();
  if (parts == nullptr || parts->size() != 2 || (*parts)[0].as_bytes() == nullptr || (*parts)[1].as_bytes() == nullptr) {
    return malformed_tagged("expected [quote, claims], two byte strings");
  }
  TaggedEvidence out;
  out.quote = *(*parts)[0].as_bytes();
  out.claims = *(*parts)[1].as_bytes();
  REDOUBT_CHECK(parse_claims(out));
  return out;
}

Bytes encode_claims(ByteView spki, crypto::HashKind algorithm, std::optional<ByteView> nonce) {
  const Bytes pair = cbor::encode(cbor::Value::array(
      {cbor::Value::unsigned_integer(hash_id(algorithm)), cbor::Value::bytes(crypto::hash(algorithm, spki))}));
  cbor::Map claims;
  claims.emplace_back(cbor::Value::text(kKeyHash), cbor::Value::bytes(pair));
  if (nonce) claims.emplace_back(cbor::Value::text(kNonce), cbor::Value::bytes(*nonce));
  return cbor::encode(cbor::Value::map(std::move(claims)));
}

ReportData claims_report_data(ByteView claims) {
  ReportData out;
  std::ranges::copy(crypto::sha256(claims).view(), out.array().begin());
  return out;
}

Bytes encode_tagged(ByteView quote, ByteView claims) {
  return cbor::encode(
      cbor::Value::tagged(kEvidenceTag, cbor::Value::array({cbor::Value::bytes(quote), cbor::Value::bytes(claims)})));
}

std::string_view hash_text(crypto::HashKind algorithm) {
  switch (algorithm) {
    case crypto::HashKind::sha256: return "sha256";
    case crypto::HashKind::sha384: return "sha384";
    case crypto::HashKind::sha512: return "sha512";
  }
  std::abort();
}

}  // namespace redoubt::cert
