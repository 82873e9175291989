// CoseSign1 and CoseMessage: one signed message of COSE (RFC 9052 section 4.2) as slices of its bytes.
//
// An array of four: protected header, unprotected header, payload, signature. Refused: anything around or after it, detached
// payloads, labels that stand twice (in one header or in both), "crit" (nobody here understands an extension), CBOR that is
// not strict. The algorithm is read from the protected header only, and it must be the one that the caller's profile names: the
// message never chooses. What stands in the unprotected header was signed by nobody. The signed bytes are built from the exact
// slices. Views borrow the bytes they were read from. Pure and thread-safe.
#pragma once

#include <optional>

#include "common/base/cbor.h"
#include "common/crypto/unique_key.h"

namespace redoubt::crypto {

// RFC 9053 section 2.1, RFC 8230 section 2. The ECDSA ones are taken with their usual curve only (RFC 9864): a P-256 key does not
// verify es384.
enum class CoseAlgorithm : std::int64_t { es256 = -7, es384 = -35, ps256 = -37, ps384 = -38 };
std::string_view algorithm_text(CoseAlgorithm algorithm);

// Header parameters, RFC 9052 section 3.1 and RFC 9360.
inline constexpr std::int64_t kCoseAlgorithm = 1;
inline constexpr std::int64_t kCoseCritical = 2;
inline constexpr std::int64_t kCoseContentType = 3;
inline constexpr std::int64_t kCoseX5Chain = 33;

// CoseTag: whether tag 18 must stand before the message; it may in either case.
enum class CoseTag { required, optional };

// CoseMessage: a message, of whose headers nothing is kept but the algorithm and how much they say.
struct CoseMessage {
  static constexpr std::size_t kMaxSize = 256 * 1024;
  static constexpr std::size_t kMaxLabels = 32;   // in each header

  bool tagged = false;
  ByteView protected_bytes;      // content of the byte string: the encoded map, or nothing
  ByteView payload;
  ByteView signature;
  std::size_t protected_labels = 0;
  std::size_t unprotected_labels = 0;
  std::optional<std::int64_t> algorithm;  // of the protected header

  // parse: one message without trailing bytes; `malformed` otherwise, exactly where CoseSign1::parse is. A message that says nothing but
  // its algorithm is read without a tree, and without a request for memory.
  static Result<CoseMessage> parse(ByteView bytes, CoseTag tag);

  // to_be_signed: Sig_structure with context "Signature1", section 4.4.
  Bytes to_be_signed(ByteView external_aad = {}) const;
  // verify: the protected header names `expected`, the key is of its kind, and the signature verifies. `chain` otherwise.
  Status verify(const PublicKey& key, CoseAlgorithm expected, ByteView external_aad = {}) const;
  Status verify(const UniqueKey& key, CoseAlgorithm expected, ByteView external_aad = {}) const;
};

// CoseSign1: the same, with what its headers say.
struct CoseSign1 : CoseMessage {
  cbor::Value protected_header;  // a map
  cbor::Value unprotected_header;

  // parse: one message without trailing bytes; `malformed` otherwise.
  static Result<CoseSign1> parse(ByteView bytes, CoseTag tag);
  // protected_value: what stands under a label in the protected header, or null.
  const cbor::Value* protected_value(std::int64_t label) const;
  const cbor::Value* protected_value(std::string_view label) const;
};

}  // namespace redoubt::crypto
