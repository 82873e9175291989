// NitroEvidence: the attestation document of an AWS Nitro enclave, as it was sent.
//
// A COSE_Sign1 whose payload is a CBOR map (AWS, aws-nitro-enclaves-nsm-api, docs/attestation_process.md section 3.2). The enclave
// and its parent instance send it and may lie in every byte. parse() judges form and AWS's own bounds only; unknown keys, double
// keys and an unprotected header that says something are refused. Documents of 2025 are maps of indefinite length, so those are
// read; strings in chunks are not. Views borrow from a copy that the value and its copies share, unless it was read in place.
// Immutable after parse, thread-safe.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "common/attest/evidence/type_state.h"
#include "common/base/instant.h"
#include "common/base/json.h"
#include "common/base/short_list.h"
#include "common/crypto/cose_sign1.h"
#include "common/crypto/digest.h"

namespace redoubt::nitro {

inline constexpr std::size_t kMaxDocument = 32 * 1024;
inline constexpr unsigned kPcrCount = 32;
inline constexpr std::size_t kMaxBundle = 8;         // certificates; four are usual
inline constexpr std::size_t kMaxCertificate = 1024;
inline constexpr std::size_t kMaxPublicKey = 1024;
inline constexpr std::size_t kMaxUserData = 512;     // nonce too
inline constexpr std::size_t kMaxModuleId = 256;
inline constexpr std::uint64_t kMaxTimestampMs = 253402300799999;  // the end of the year 9999

struct NitroEvidence {
  using Authenticator = class NitroAuthenticator;

  std::shared_ptr<const Bytes> kept;   // the document; null when it was read in place
  crypto::CoseMessage cose;
  std::string_view module_id;          // instance and enclave
  std::uint64_t timestamp_ms = 0;      // since 1970, by the hypervisor's clock
  // By index; 32, 48 or 64 bytes (the digest is always SHA-384 today). A PCR that was not sent is absent, never zero.
  std::array<std::optional<ByteView>, kPcrCount> pcrs;
  ByteView certificate;                // DER, of the key that signed
  ShortList<ByteView, kMaxBundle> cabundle;  // DER, root first
  // What the enclave asked to be signed; absent and empty differ.
  std::optional<ByteView> public_key;
  std::optional<ByteView> user_data;
  std::optional<ByteView> nonce;

  // Of an authentic document only:
  crypto::Sha256Digest root;           // SHA-256 of the certificate of the anchor

  // time: the timestamp, cut to whole seconds.
  Instant time() const { return Instant(static_cast<std::int64_t>(timestamp_ms / 1000)); }
  // debug: PCR 0, 1 or 2 is absent or all zero. The hypervisor zeroes them when the enclave runs in debug mode, so that its console
  // and memory are open to the parent instance; such a document is authentic and worth nothing.
  bool debug() const;
};

// parse: `malformed`, or a document whose every field is within bounds. Copies the bytes.
Result<attest::Parsed<NitroEvidence>> parse(ByteView document);
// parse_in_place: the same without a copy: `document` must outlive the value and every NitroEvidence that comes of it.
Result<attest::Parsed<NitroEvidence>> parse_in_place(ByteView document);

// describe: the fields for people, hexadecimal in lower case; nothing in it was verified.
json::Value describe(const attest::Parsed<NitroEvidence>& parsed);

}  // namespace redoubt::nitro
