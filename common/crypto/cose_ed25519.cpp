#include "common/crypto/cose_ed25519.h"

#include "common/crypto/cose_sign1.h"

namespace redoubt::crypto {
namespace {

using cbor::Value;

constexpr std::int64_t kEdDsa = -8;
constexpr std::int64_t kKeyId = 4;
constexpr std::uint64_t kCoseSign1 = 18;

Bytes header_bytes(const CoseHeader& header) {
  cbor::Map map{{Value::integer(kCoseAlgorithm), Value::integer(kEdDsa)}};
  if (!header.type.empty()) map.emplace_back(Value::integer(kCoseContentType), Value::text(header.type));
  if (!header.key_id.empty()) map.emplace_back(Value::integer(kKeyId), Value::bytes(as_bytes(header.key_id)));
  return cbor::encode(Value::map(std::move(map)));
}

Bytes message_bytes(ByteView header, ByteView payload, ByteView signature) {
  return cbor::encode(Value::tagged(kCoseSign1, Value::array({Value::bytes(header), Value::map({}), Value::bytes(payload), Value::bytes(signature)})));
}

struct Message {
  CoseSign1 cose;
  CoseHeader header;
};

// read takes the message apart by its shape, then writes it again: only the one spelling comes back the same.
Result<Message> read(ByteView bytes) {
  REDOUBT_TRY(CoseSign1 cose, CoseSign1::parse(bytes, CoseTag::required));
  CoseHeader header;
  const Value* type = cose.protected_value(kCoseContentType);
  if (type != nullptr && type->as_text() != nullptr) header.type = *type->as_text();
  const Value* key_id = cose.protected_value(kKeyId);
  if (key_id != nullptr && key_id->as_bytes() != nullptr) header.key_id = std::string(as_text(*key_id->as_bytes()));
  const bool one_spelling = header.type.size() <= kCoseMaxField && header.key_id.size() <= kCoseMaxField &&
                            equal(header_bytes(header), cose.protected_bytes) &&
                            equal(message_bytes(cose.protected_bytes, cose.payload, cose.signature), bytes);
  if (!one_spelling) return Error(Code::malformed, "cose_sign1: expected tag 18, a protected header of EdDSA, content type and key id, and no other");
  return Message{std::move(cose), std::move(header)};
}

}  // namespace

Result<Bytes> cose_sign(const Ed25519PrivateKey& key, const CoseHeader& header, ByteView payload) {
  if (header.type.size() > kCoseMaxField || header.key_id.size() > kCoseMaxField) {
    return Error(Code::usage, "cose_sign1 header: expected at most " + std::to_string(kCoseMaxField) + " bytes in content type and key id");
  }
  if (payload.size() > kCoseMaxPayload) {
    return Error(Code::usage, "cose_sign1 payload: expected at most " + std::to_string(kCoseMaxPayload) + " bytes, found " + std::to_string(payload.size()));
  }
  const Bytes protected_header = header_bytes(header);
  CoseMessage unsigned_message;
  unsigned_message.protected_bytes = protected_header;
  unsigned_message.payload = payload;
  return message_bytes(protected_header, payload, key.sign(unsigned_message.to_be_signed()).view());
}

Result<CoseHeader> unverified_cose_header(ByteView message) {
  REDOUBT_TRY(Message parsed, read(message));
  return std::move(parsed.header);
}

Result<Bytes> cose_verify(ByteView message, const Ed25519PublicKey& key, std::string_view type) {
  REDOUBT_TRY(const Message parsed, read(message));
  if (parsed.header.type != type) {
    return Error(Code::binding, "cose_sign1: expected type \"" + std::string(type) + "\", found \"" + parsed.header.type + "\"");
  }
  REDOUBT_TRY(const auto signature, Ed25519Signature::from(parsed.cose.signature, "cose_sign1 signature"));
  REDOUBT_CHECK(verify(key, parsed.cose.to_be_signed(), signature).context("cose_sign1"));
  return to_bytes(parsed.cose.payload);
}

}  // namespace redoubt::crypto
