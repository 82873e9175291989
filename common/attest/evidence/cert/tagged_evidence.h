// Tagged Evidence: the content of the TCG DICE extension 2.23.133.5.4.9 as the CCC's interoperable RA-TLS profile fills it, read
// and written.
//
//   tag 60000 [ quote: bytes, claims: bytes ]
//   claims = { "pubkey-hash": bytes of [ algorithm, hash ], ? "nonce": bytes, * text: any }
//
// The quote's report data is SHA-256 of the claims bytes, then 32 zero bytes; "pubkey-hash" is taken over the DER
// SubjectPublicKeyInfo of the certificate's key, with an algorithm of the IANA registry "Named Information Hash Algorithm". The
// reader distrusts its bytes: one tag, definite lengths, shortest integers, no key twice, nothing after the value. The bytes of the
// claims are hashed as they stand. Pure and thread-safe. TCG DICE Attestation Architecture 1.1 section 6.1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/crypto/public_key.h"

namespace redoubt::cert {

inline constexpr std::uint64_t kEvidenceTag = 60000;
inline constexpr std::size_t kMaxExtension = std::size_t{64} << 10;

// ReportData: the 64 bytes of a quote that its requester chose.
using ReportData = FixedBytes<struct RaTlsReportDataTag, 64>;

struct KeyHash {
  crypto::HashKind algorithm = crypto::HashKind::sha256;  // the registry's 1, 7 and 8; anything shorter is refused
  Bytes value;
};

struct TaggedEvidence {
  Bytes quote;
  Bytes claims;                     // as they stand in the extension
  KeyHash key_hash;
  std::optional<Bytes> nonce;       // somebody's, at the time the certificate was made: it is no proof of a session
  std::vector<std::string> others;  // names of further claims, in the order of the document
};

// parse_tagged: `malformed` names what is wrong.
Result<TaggedEvidence> parse_tagged(ByteView extension);

// encode_claims: the claims that bind a key; quote them with claims_report_data, then encode_tagged.
Bytes encode_claims(ByteView spki, crypto::HashKind algorithm = crypto::HashKind::sha256, std::optional<ByteView> nonce = {});
ReportData claims_report_data(ByteView claims);
// encode_tagged: the content of the extension's OCTET STRING.
Bytes encode_tagged(ByteView quote, ByteView claims);

std::string_view hash_text(crypto::HashKind algorithm);

}  // namespace redoubt::cert
