#include "common/crypto/cose_sign1.h"

#include "common/base/cbor_cursor.h"
#include "common/base/writer.h"

namespace redoubt::crypto {
namespace {

constexpr std::uint64_t kSign1Tag = 18;
constexpr std::size_t kMaxSignature = 1024;  // RSA of 8192 bits

struct Profile {
  SignatureScheme scheme;
  KeyKind key;
};

Profile profile_of(CoseAlgorithm algorithm) {
  switch (algorithm) {
    case CoseAlgorithm::es256: return {SignatureScheme::ecdsa_sha256, KeyKind::p256};
    case CoseAlgorithm::es384: return {SignatureScheme::ecdsa_sha384, KeyKind::p384};
    case CoseAlgorithm::ps256: return {SignatureScheme::rsa_pss_sha256, KeyKind::rsa};
    case CoseAlgorithm::ps384: return {SignatureScheme::rsa_pss_sha384, KeyKind::rsa};
  }
  std::abort();
}

// header: a map whose labels are integers or text. Duplicates are refused by cbor::parse.
Result<cbor::Value> header(ByteView bytes, std::string_view what) {
  REDOUBT_TRY(cbor::Value value, cbor::parse(bytes, cbor::Order::any).context(what));
  const cbor::Map* map = value.as_map();
  if (map == nullptr) return Error(Code::malformed, std::string(what) + ": expected a map");
  if (map->size() > CoseSign1::kMaxLabels) {
    return Error(Code::malformed, std::string(what) + ": expected at most " + std::to_string(CoseSign1::kMaxLabels) +
                                      " labels, found " + std::to_string(map->size()));
  }
  for (const auto& [label, member] : *map) {
    if (!label.as_integer() && label.as_text() == nullptr) {
      return Error(Code::malformed, std::string(what) + ": expected labels that are integers or text");
    }
    if (label.as_integer() == kCoseCritical) {
      return Error(Code::malformed, std::string(what) + ": expected no critical headers, found crit");
    }
  }
  return value;
}

void write_string(Bytes& out, unsigned major, ByteView bytes) {
  const auto head = [&](unsigned more, std::size_t size, unsigned size_bytes) {
    out.push_back(static_cast<std::byte>(major << 5U | more));
    while (size_bytes-- > 0) out.push_back(static_cast<std::byte>(size >> (8 * size_bytes) & 0xff));
  };
  const std::size_t size = bytes.size();
  if (size < 24) {
    head(static_cast<unsigned>(size), 0, 0);
  } else if (size <= 0xFF) {
    head(24, size, 1);
  } else if (size <= 0xFFFF) {
    head(25, size, 2);
  } else {
    head(26, size, 4);
  }
  append(out, bytes);
}

}  // namespace

std::string_view algorithm_text(CoseAlgorithm algorithm) {
  switch (algorithm) {
    case CoseAlgorithm::es256: return "ES256 (-7)";
    case CoseAlgorithm::es384: return "ES384 (-35)";
    case CoseAlgorithm::ps256: return "PS256 (-37)";
    case CoseAlgorithm::ps384: return "PS384 (-38)";
  }
  std::abort();
}

Result<CoseSign1> CoseSign1::parse(ByteView bytes, CoseTag tag) {
  if (bytes.size() > kMaxSize) {
    return Error(Code::malformed, "cose_sign1: expected at most " + std::to_string(kMaxSize) + " bytes, found " +
                                      std::to_string(bytes.size()));
  }
  CoseSign1 out;
  cbor::Cursor cursor(bytes, "cose_sign1");
  out.tagged = cursor.tag(kSign1Tag);
  if (!out.tagged && tag == CoseTag::required) cursor.fail("expected tag 18, found none");
  auto items = cursor.array("message", 4);
  std::size_t count = 0;
  ByteView unprotected;
  while (cursor.more(items)) {
    switch (count++) {
      case 0: out.protected_bytes = cursor.bytes("protected header", 0, kMaxSize); break;
      case 1:
        if (cursor.peek() != cbor::Kind::map) cursor.fail("unprotected header: expected a map");
        unprotected = cursor.skip();
        break;
      case 2:
        if (cursor.null()) cursor.fail("payload: expected bytes, found a detached payload");
        out.payload = cursor.bytes("payload", 0, kMaxSize);
        break;
      default: out.signature = cursor.bytes("signature", 1, kMaxSignature); break;
    }
  }
  if (count != 4) cursor.fail("expected an array of 4, found " + std::to_string(count));
  REDOUBT_CHECK(cursor.finish());

  if (out.protected_bytes.empty()) {
    out.protected_header = cbor::Value::map({});
  } else {
    REDOUBT_TRY(out.protected_header, header(out.protected_bytes, "cose_sign1: protected header"));
  }
  REDOUBT_TRY(out.unprotected_header, header(unprotected, "cose_sign1: unprotected header"));
  for (const auto& [label, member] : *out.protected_header.as_map()) {
    for (const auto& [other, value] : *out.unprotected_header.as_map()) {
      if (label == other) return Error(Code::malformed, "cose_sign1: a label stands in both headers");
    }
  }
  if (const cbor::Value* value = out.protected_value(kCoseAlgorithm); value != nullptr) {
    out.algorithm = value->as_integer();
    if (!out.algorithm) return Error(Code::malformed, "cose_sign1: algorithm: expected an integer");
  }
  return out;
}

const cbor::Value* CoseSign1::protected_value(std::int64_t label) const {
  for (const auto& [name, value] : *protected_header.as_map()) {
    if (name.as_integer() == label) return &value;
  }
  return nullptr;
}

const cbor::Value* CoseSign1::protected_value(std::string_view label) const {
  for (const auto& [name, value] : *protected_header.as_map()) {
    if (name.as_text() != nullptr && *name.as_text() == label) return &value;
  }
  return nullptr;
}

Bytes CoseSign1::to_be_signed(ByteView external_aad) const {
  constexpr std::size_t kHeads = 32;  // of the array and its four strings, with the name
  Bytes out;
  out.reserve(kHeads + protected_bytes.size() + external_aad.size() + payload.size());
  out.push_back(std::byte{0x84});
  write_string(out, 3, as_bytes("Signature1"));
  // An empty map is signed as an empty byte string, however it was sent.
  write_string(out, 2, protected_header.as_map()->empty() ? ByteView{} : protected_bytes);
  write_string(out, 2, external_aad);
  write_string(out, 2, payload);
  return out;
}

Status CoseSign1::verify(const PublicKey& key, CoseAlgorithm expected, ByteView external_aad) const {
  if (algorithm != static_cast<std::int64_t>(expected)) {
    return Error(Code::chain, "cose_sign1: expected algorithm " + std::string(algorithm_text(expected)) + ", found " +
                                  (algorithm ? std::to_string(*algorithm) : "none"));
  }
  const Profile profile = profile_of(expected);
  if (key.kind() != profile.key) {
    return Error(Code::chain, "cose_sign1: expected a key for " + std::string(algorithm_text(expected)) + ", found another kind");
  }
  const Bytes message = to_be_signed(external_aad);
  const Status status = profile.key == KeyKind::rsa ? key.verify(profile.scheme, message, signature)
                                                    : key.verify_raw(profile.scheme, message, signature);
  if (!status.ok()) return status.error().context("cose_sign1");
  return {};
}

}  // namespace redoubt::crypto
