// TPM structures that a quote is made of: TPMS_ATTEST, TPMT_SIGNATURE and TPMT_PUBLIC, in the TPM's big-endian wire form.
//
// They come from the attester, who may lie in every byte: each is parsed once, with bounds and without trailing bytes, and
// only in the forms that are judged (quotes; ECDSA on P-256, RSASSA and RSAPSS, with SHA-256, SHA-384 or SHA-512; EK of RSA 2048).
// SHA-1 is refused. Whether they are true is for authenticate(). TPM 2.0 Library, Part 2, revision 1.59. Pure and thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "common/base/bytes.h"
#include "common/base/short_list.h"
#include "common/crypto/digest.h"
#include "common/crypto/public_key.h"

namespace redoubt::tpm {

// Algorithm ids of the TCG registry, as far as they are spoken of here.
inline constexpr std::uint16_t kAlgRsa = 0x0001;
inline constexpr std::uint16_t kAlgSha1 = 0x0004;
inline constexpr std::uint16_t kAlgAes = 0x0006;
inline constexpr std::uint16_t kAlgSha256 = 0x000b;
inline constexpr std::uint16_t kAlgSha384 = 0x000c;
inline constexpr std::uint16_t kAlgSha512 = 0x000d;
inline constexpr std::uint16_t kAlgNull = 0x0010;
inline constexpr std::uint16_t kAlgRsassa = 0x0014;
inline constexpr std::uint16_t kAlgRsapss = 0x0016;
inline constexpr std::uint16_t kAlgEcdsa = 0x0018;
inline constexpr std::uint16_t kAlgEcc = 0x0023;
inline constexpr std::uint16_t kAlgCfb = 0x0043;
inline constexpr std::uint16_t kCurveP256 = 0x0003;

// hash_kind: of an algorithm id; nothing for SHA-1 and for what is no hash.
std::optional<crypto::HashKind> hash_kind(std::uint16_t algorithm);
// algorithm_text: "SHA-256", "RSASSA", ...; an id that is not spoken of here as "0x0000".
std::string algorithm_text(std::uint16_t algorithm);

// The name of a key: its name algorithm (0x000b) and SHA-256 of its TPMT_PUBLIC (Part 1 section 16).
using AkName = FixedBytes<struct AkNameTag, 34>;

// One number of 32 bytes, big-endian: an affine coordinate, or r or s of a signature.
using P256Number = FixedBytes<struct P256NumberTag, 32>;

// TPMS_ATTEST of a quote (Part 2 section 10.12.8).
struct Attest {
  static constexpr std::size_t kMaxSize = 1024;

  struct Selection {
    std::uint16_t bank = 0;    // hash algorithm id
    ShortList<int, 24> pcrs;   // ascending
  };

  ShortBytes<66> qualified_signer;  // TPM2B_NAME: the name of the key and of its ancestors, see qualified_name
  ShortBytes<64> extra_data;        // at most 64 bytes
  std::uint64_t clock_ms = 0;
  std::uint32_t reset_count = 0;
  std::uint32_t restart_count = 0;
  bool safe = false;  // the clock has not gone back, as far as the TPM can tell
  std::uint64_t firmware_version = 0;
  ShortList<Selection, 2> selections;  // at most 8; one is usual
  ShortBytes<64> pcr_digest;

  // parse: `malformed` unless magic, type (quote) and every length fit and nothing follows.
  static Result<Attest> parse(ByteView bytes);
};

// TPMT_SIGNATURE (Part 2 section 11.3.4): ECDSA on P-256, RSASSA or RSAPSS, with SHA-256, SHA-384 or SHA-512.
struct Signature {
  static constexpr std::size_t kMaxSize = 1024;

  std::uint16_t scheme = kAlgNull;
  std::uint16_t hash = kAlgNull;
  ShortBytes<512> value;  // ECDSA: r and s, each padded to 32 bytes; RSA: the octets

  // parse: `malformed` otherwise, naming the algorithm id that was found.
  static Result<Signature> parse(ByteView bytes);
};

// TPMA_OBJECT bits (Part 2 section 8.3).
inline constexpr std::uint32_t kFixedTpm = 1U << 1;
inline constexpr std::uint32_t kFixedParent = 1U << 4;
inline constexpr std::uint32_t kSensitiveDataOrigin = 1U << 5;
inline constexpr std::uint32_t kRestricted = 1U << 16;
inline constexpr std::uint32_t kDecrypt = 1U << 17;
inline constexpr std::uint32_t kSign = 1U << 18;
inline constexpr std::uint32_t kX509Sign = 1U << 19;

// attributes_text: the names of the bits that are set, for people.
std::string attributes_text(std::uint32_t attributes);

// TPMT_PUBLIC (Part 2 section 12.2.4) of an ECC key on P-256 or an RSA key of 2048, 3072 or 4096 bits, name algorithm SHA-256.
struct Public {
  static constexpr std::size_t kMaxSize = 1024;

  struct Symmetric {
    std::uint16_t algorithm = kAlgNull;
    std::uint16_t bits = 0;  // bits and mode: 0 with kAlgNull
    std::uint16_t mode = 0;
  };
  struct Scheme {
    std::uint16_t algorithm = kAlgNull;
    std::uint16_t hash = 0;  // 0 with kAlgNull
  };
  struct Ecc {
    P256Number x;  // not yet shown to be on the curve
    P256Number y;
  };
  struct Rsa {
    std::uint32_t exponent = 0;  // 0 means 65537
    ShortBytes<512> modulus;     // 256, 384 or 512 bytes, the highest bit set
  };

  std::uint32_t attributes = 0;
  ShortBytes<64> auth_policy;
  Symmetric symmetric;
  Scheme scheme;
  std::variant<Ecc, Rsa> key;
  AkName name;  // of the bytes that were parsed

  // parse takes a TPMT_PUBLIC; `malformed` otherwise.
  static Result<Public> parse(ByteView bytes);
  const Ecc* ecc() const { return std::get_if<Ecc>(&key); }
  const Rsa* rsa() const { return std::get_if<Rsa>(&key); }
};

// unwrap_sized: the TPMT_PUBLIC inside a TPM2B_PUBLIC (a 16-bit size before it). Borrows; `malformed` if sizes differ.
Result<ByteView> unwrap_sized(ByteView tpm2b, std::string_view what);

// ek_template_matches: exactly the template L-1 of the TCG EK Credential Profile 2.x (RSA 2048, AES-128-CFB), around whatever
// modulus. A TPM makes such a key from its endorsement seed alone, and uses it for nothing but credential activation.
bool ek_template_matches(const Public& ek);

// public_key: the key as one that verifies; `malformed` for an exponent other than 65537, a point that is not on the curve, or a
// modulus that is none.
Result<crypto::PublicKey> public_key(const Public& key);

// rsa_modulus: of the DER SubjectPublicKeyInfo (RFC 3279) of an RSA key with the exponent 65537, without leading zeros; empty for anything
// else. Borrows.
ByteView rsa_modulus(ByteView spki);
// is_key_of: `spki` is of this RSA key. One that has no modulus is nobody's.
bool is_key_of(const Public::Rsa& key, ByteView spki);

// signature_scheme: the one that the key's own scheme names; `chain` where it has none, where it does not fit the key, or where its
// hash is SHA-1.
Result<crypto::SignatureScheme> signature_scheme(const Public& key);

// Handles of hierarchies (Part 2 section 7.4).
inline constexpr std::uint32_t kHierarchyEndorsement = 0x4000000b;

// qualified_name: name algorithm and H(parent's qualified name || name); of a primary key the parent is its hierarchy, whose
// name is its handle (Part 1 section 26.5).
AkName qualified_name(const AkName& name, ByteView parent);
AkName primary_qualified_name(const AkName& name, std::uint32_t hierarchy);

}  // namespace redoubt::tpm
