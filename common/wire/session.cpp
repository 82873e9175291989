#include "common/wire/session.h"

namespace redoubt::wire {
namespace {

using cbor::Value;

constexpr std::string_view kHello = "redoubt/session/hello/1";
constexpr std::string_view kEvidence = "redoubt/session/evidence/1";
constexpr std::string_view kProof = "redoubt/session/proof/1";
constexpr std::string_view kAccepted = "redoubt/session/accepted/1";
constexpr cbor::Limits kLimits{.max_bytes = 256 * 1024, .max_depth = 1};
constexpr std::size_t kMaxName = 64;

Bytes encode(std::string_view type, cbor::Map members) {
  members.emplace_back(Value::unsigned_integer(0), Value::text(type));
  return cbor::encode(Value::map(std::move(members)));
}

Value member_key(std::uint64_t number) { return Value::unsigned_integer(number); }

// read parses one message: its type, then the members that `get` takes.
template <class Message, class Get>
Result<Message> read(ByteView bytes, std::string_view type, const Get& get) {
  REDOUBT_TRY(const Value value, cbor::parse(bytes, cbor::Order::deterministic, kLimits).context(type));
  cbor::MapReader reader(value, type);
  reader.expect(0, type);
  Message message;
  get(reader, message);
  REDOUBT_CHECK(reader.finish());
  return message;
}

}  // namespace

Bytes SessionHello::encode() const { return wire::encode(kHello, {{member_key(1), Value::bytes(challenge.view())}}); }

Result<SessionHello> SessionHello::decode(ByteView bytes) {
  return read<SessionHello>(bytes, kHello, [](cbor::MapReader& reader, SessionHello& message) {
    message.challenge = reader.fixed<Challenge>(1);
  });
}

Bytes SessionEvidence::encode() const {
  return wire::encode(kEvidence, {{member_key(1), Value::bytes(challenge.view())},
                                  {member_key(2), Value::text(claims)},
                                  {member_key(3), Value::text(format)},
                                  {member_key(4), Value::bytes(evidence)}});
}

Result<SessionEvidence> SessionEvidence::decode(ByteView bytes) {
  return read<SessionEvidence>(bytes, kEvidence, [](cbor::MapReader& reader, SessionEvidence& message) {
    message.challenge = reader.fixed<Challenge>(1);
    message.claims = reader.text(2, kMaxClaims);
    message.format = reader.text(3, kMaxName);
    message.evidence = reader.bytes(4, kMaxEvidence);
  });
}

Bytes SessionProof::encode() const {
  return wire::encode(kProof, {{member_key(1), Value::bytes(key.view())}, {member_key(2), Value::bytes(signature.view())}});
}

Result<SessionProof> SessionProof::decode(ByteView bytes) {
  return read<SessionProof>(bytes, kProof, [](cbor::MapReader& reader, SessionProof& message) {
    message.key = reader.fixed<crypto::Ed25519PublicKey>(1);
    message.signature = reader.fixed<crypto::Ed25519Signature>(2);
  });
}

Bytes SessionAccepted::encode() const { return wire::encode(kAccepted, {{member_key(1), Value::text(participant)}}); }

Result<SessionAccepted> SessionAccepted::decode(ByteView bytes) {
  return read<SessionAccepted>(bytes, kAccepted, [](cbor::MapReader& reader, SessionAccepted& message) {
    message.participant = reader.text(1, kMaxName);
  });
}

}  // namespace redoubt::wire
