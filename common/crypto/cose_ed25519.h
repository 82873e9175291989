// COSE_Sign1 (RFC 9052 section 4.2) with EdDSA over Ed25519 (RFC 9053 section 2.2), and nothing else: signed CBOR between our own
// programs, as jws.h is for JSON. cose_sign1.h reads what others sign.
//
// The message comes from anywhere. It must be, byte for byte, the one spelling that cose_sign writes: tag 18, deterministic CBOR, a
// protected header of algorithm, content type and key id, an empty unprotected header. There is no choice of algorithm and no key in
// the message; the caller brings the key and the type it expects. Whether the payload is fresh or meant for the reader is for the
// payload to say. Pure and thread-safe.
#pragma once

#include <string>

#include "common/crypto/ed25519.h"

namespace redoubt::crypto {

inline constexpr std::size_t kCoseMaxPayload = std::size_t{192} * 1024;
inline constexpr std::size_t kCoseMaxField = 128;

// CoseHeader: content type (label 3) and key id (label 4), 1 to 128 bytes each; an empty one is left out.
struct CoseHeader {
  std::string type;
  std::string key_id;

  friend bool operator==(const CoseHeader&, const CoseHeader&) = default;
};

// cose_sign: `usage` for a header field or a payload that is too long.
Result<Bytes> cose_sign(const Ed25519PrivateKey& key, const CoseHeader& header, ByteView payload);

// cose_verify gives the payload of a message of type `type` (exactly; "" means a message without a type) signed by `key`.
// `malformed`: not that one spelling; `binding`: another type; `chain`: not signed by this key.
Result<Bytes> cose_verify(ByteView message, const Ed25519PublicKey& key, std::string_view type);

// unverified_cose_header reads the header of a message whose signature nobody checked: to look up a key, for nothing else.
Result<CoseHeader> unverified_cose_header(ByteView message);

}  // namespace redoubt::crypto
