// What certificates and revocation lists have in common in their DER (RFC 5280): the signed envelope, names, extensions. Private
// to this room. Functions read from a der::Reader and leave their failure in it.
#pragma once

#include "common/crypto/certificate_view.h"

namespace redoubt::crypto {

inline constexpr auto kSubjectKeyId = der::oid("2.5.29.14");
inline constexpr auto kKeyUsage = der::oid("2.5.29.15");
inline constexpr auto kBasicConstraints = der::oid("2.5.29.19");
inline constexpr auto kAuthorityKeyId = der::oid("2.5.29.35");

// SignedDer: SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING }.
struct SignedDer {
  der::Element tbs;
  ByteView algorithm;  // whole element; the one inside must be equal
  SignatureScheme scheme{};
  ByteView signature;
};

// read_signed takes `bytes` whole, of 1 to `max_size` bytes; `what` names the structure.
Result<SignedDer> read_signed(ByteView bytes, std::size_t max_size, std::string_view what);

// read_name: the whole element of a Name, sets of attributes inside; it may be empty.
ByteView read_name(der::Reader& reader);

// read_extension: the next of a list of extensions. A criticality of FALSE may not be written out (X.690 section 11.5).
ExtensionView read_extension(der::Reader& reader);

// read_key_id: the key identifier of an authority key identifier, if it has one. Issuer and serial number are skipped.
Result<std::optional<ByteView>> read_authority_key_id(ByteView value);

}  // namespace redoubt::crypto
