#include "common/crypto/cose_sign1.h"

#include <array>
#include <cstdlib>

#include "common/base/cbor_cursor.h"

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
  if (map->size() > CoseMessage::kMaxLabels) {
    return Error(Code::malformed, std::string(what) + ": expected at most " + std::to_string(CoseMessage::kMaxLabels) +
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

// Sliced: a message whose headers were not looked at.
struct Sliced {
  CoseMessage message;
  ByteView unprotected;  // a map
};

Result<Sliced> slice(ByteView bytes, CoseTag tag) {
  if (bytes.size() > CoseMessage::kMaxSize) {
    return Error(Code::malformed, "cose_sign1: expected at most " + std::to_string(CoseMessage::kMaxSize) + " bytes, found " +
                                      std::to_string(bytes.size()));
  }
  Sliced sliced;
  CoseMessage& out = sliced.message;
  cbor::Cursor cursor(bytes, "cose_sign1");
  out.tagged = cursor.tag(kSign1Tag);
  if (!out.tagged && tag == CoseTag::required) cursor.fail("expected tag 18, found none");
  auto items = cursor.array("message", 4);
  std::size_t count = 0;
  while (cursor.more(items)) {
    switch (count++) {
      case 0: out.protected_bytes = cursor.bytes("protected header", 0, CoseMessage::kMaxSize); break;
      case 1:
        if (cursor.peek() != cbor::Kind::map) cursor.fail("unprotected header: expected a map");
        sliced.unprotected = cursor.skip();
        break;
      case 2:
        if (cursor.null()) cursor.fail("payload: expected bytes, found a detached payload");
        out.payload = cursor.bytes("payload", 0, CoseMessage::kMaxSize);
        break;
      default: out.signature = cursor.bytes("signature", 1, kMaxSignature); break;
    }
  }
  if (count != 4) cursor.fail("expected an array of 4, found " + std::to_string(count));
  REDOUBT_CHECK(cursor.finish());
  return sliced;
}

constexpr std::byte kEmptyMap{0xa0};
bool is_empty_map(ByteView encoded) { return encoded.size() == 1 && encoded[0] == kEmptyMap; }

// sole_algorithm: of a message that says nothing else in its headers; nothing where it says more, less, or something ill-formed.
std::optional<std::int64_t> sole_algorithm(const Sliced& sliced) {
  if (!is_empty_map(sliced.unprotected)) return std::nullopt;
  cbor::Cursor cursor(sliced.message.protected_bytes, "protected header");
  if (cursor.peek() != cbor::Kind::map) return std::nullopt;
  auto members = cursor.map("protected header", 1);
  if (!cursor.more(members) || cursor.integer() != kCoseAlgorithm) return std::nullopt;
  const std::int64_t algorithm = cursor.integer();
  return cursor.finish().ok() ? std::optional(algorithm) : std::nullopt;
}

Result<CoseSign1> with_headers(const Sliced& sliced) {
  CoseSign1 out;
  static_cast<CoseMessage&>(out) = sliced.message;
  if (out.protected_bytes.empty()) {
    out.protected_header = cbor::Value::map({});
  } else {
    REDOUBT_TRY(out.protected_header, header(out.protected_bytes, "cose_sign1: protected header"));
  }
  REDOUBT_TRY(out.unprotected_header, header(sliced.unprotected, "cose_sign1: unprotected header"));
  for (const auto& [label, member] : *out.protected_header.as_map()) {
    for (const auto& [other, value] : *out.unprotected_header.as_map()) {
      if (label == other) return Error(Code::malformed, "cose_sign1: a label stands in both headers");
    }
  }
  if (const cbor::Value* value = out.protected_value(kCoseAlgorithm); value != nullptr) {
    out.algorithm = value->as_integer();
    if (!out.algorithm) return Error(Code::malformed, "cose_sign1: algorithm: expected an integer");
  }
  out.protected_labels = out.protected_header.as_map()->size();
  out.unprotected_labels = out.unprotected_header.as_map()->size();
  return out;
}

// Head: what stands before a byte string (RFC 8949 section 3).
class Head {
 public:
  explicit Head(ByteView string) {
    const std::size_t size = string.size();
    if (size < 24) {
      put(static_cast<unsigned>(size), 0, size);
    } else if (size <= 0xFF) {
      put(24, 1, size);
    } else if (size <= 0xFFFF) {
      put(25, 2, size);
    } else {
      put(26, 4, size);
    }
  }
  ByteView view() const { return ByteView(bytes_).first(size_); }

 private:
  void put(unsigned more, unsigned size_bytes, std::size_t size) {
    constexpr unsigned kByteString = 2U << 5U;
    bytes_[size_++] = static_cast<std::byte>(kByteString | more);
    while (size_bytes-- > 0) bytes_[size_++] = static_cast<std::byte>(size >> (8 * size_bytes) & 0xff);
  }

  std::array<std::byte, 5> bytes_{};
  std::size_t size_ = 0;
};

// with_signed gives `use` the parts of Sig_structure, one after another.
auto with_signed(const CoseMessage& message, ByteView external_aad, const auto& use) {
  constexpr std::string_view kBegin = "\x84\x6aSignature1";  // an array of 4; a text of 10
  // An empty map is signed as an empty byte string, however it was sent.
  const ByteView said = is_empty_map(message.protected_bytes) ? ByteView() : message.protected_bytes;
  const Head heads[] = {Head(said), Head(external_aad), Head(message.payload)};
  return use({as_bytes(kBegin), heads[0].view(), said, heads[1].view(), external_aad, heads[2].view(), message.payload});
}

// profile_for: of a message that names `expected`, and a key of its kind.
Result<Profile> profile_for(const CoseMessage& message, CoseAlgorithm expected, KeyKind key) {
  if (message.algorithm != static_cast<std::int64_t>(expected)) {
    return Error(Code::chain, "cose_sign1: expected algorithm " + std::string(algorithm_text(expected)) + ", found " +
                                  (message.algorithm ? std::to_string(*message.algorithm) : "none"));
  }
  const Profile profile = profile_of(expected);
  if (key != profile.key) {
    return Error(Code::chain, "cose_sign1: expected a key for " + std::string(algorithm_text(expected)) + ", found another kind");
  }
  return profile;
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

Result<CoseMessage> CoseMessage::parse(ByteView bytes, CoseTag tag) {
  REDOUBT_TRY(Sliced sliced, slice(bytes, tag));
  if (const auto algorithm = sole_algorithm(sliced)) {
    sliced.message.algorithm = algorithm;
    sliced.message.protected_labels = 1;
    return sliced.message;
  }
  REDOUBT_TRY(const CoseSign1 whole, with_headers(sliced));
  return CoseMessage(whole);
}

Result<CoseSign1> CoseSign1::parse(ByteView bytes, CoseTag tag) {
  REDOUBT_TRY(const Sliced sliced, slice(bytes, tag));
  return with_headers(sliced);
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

Bytes CoseMessage::to_be_signed(ByteView external_aad) const {
  return with_signed(*this, external_aad, [](UniqueKey::Message parts) {
    std::size_t size = 0;
    for (const ByteView part : parts) size += part.size();
    Bytes out;
    out.reserve(size);
    for (const ByteView part : parts) append(out, part);
    return out;
  });
}

Status CoseMessage::verify(const PublicKey& key, CoseAlgorithm expected, ByteView external_aad) const {
  REDOUBT_TRY(const Profile profile, profile_for(*this, expected, key.kind()));
  const Bytes message = to_be_signed(external_aad);
  return (profile.key == KeyKind::rsa ? key.verify(profile.scheme, message, signature) : key.verify_raw(profile.scheme, message, signature))
      .context("cose_sign1");
}

Status CoseMessage::verify(const UniqueKey& key, CoseAlgorithm expected, ByteView external_aad) const {
  REDOUBT_TRY(const Profile profile, profile_for(*this, expected, key.kind()));
  return with_signed(*this, external_aad, [&](UniqueKey::Message message) {
    return (profile.key == KeyKind::rsa ? key.verify(profile.scheme, message, signature) : key.verify_raw(profile.scheme, message, signature))
        .context("cose_sign1");
  });
}

}  // namespace redoubt::crypto
