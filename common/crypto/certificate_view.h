// CertificateView and CrlView: X.509 certificates and revocation lists (RFC 5280) as slices of their bytes, and the links
// between them.
//
// The strict reading that Evidence needs: exact DER, version 3, each extension once, the signature algorithm inside equal to
// the one outside, bounded sizes; signed bytes are the bytes that are hashed. Nothing is trusted by being read. Checks of
// a chain are small functions, since every vendor's chain has its own profile: AMD and Nitro leaves carry no authority key
// identifier, Intel's do. No store, no download, no clock. Views borrow the bytes they were read from. Thread-safe.
#pragma once

#include <optional>
#include <span>

#include "common/base/der.h"
#include "common/base/short_list.h"
#include "common/crypto/public_key.h"

namespace redoubt::crypto {

struct ExtensionView {
  ByteView oid;
  bool critical = false;
  ByteView value;  // content of the OCTET STRING
};

// Key usage bits (RFC 5280 section 4.2.1.3), bit 0 = 0x8000.
inline constexpr std::uint16_t kDigitalSignature = 0x8000;
inline constexpr std::uint16_t kKeyCertSign = 0x0400;
inline constexpr std::uint16_t kCrlSign = 0x0200;

struct CertificateView {
  static constexpr std::size_t kMaxSize = 16 * 1024;
  static constexpr std::size_t kMaxExtensions = 32;

  ByteView der;
  ByteView tbs;                  // the signed bytes
  ByteView serial;               // magnitude, big-endian, at most 20 bytes
  ByteView issuer, subject;      // whole Name elements: equal names are equal bytes
  Interval validity;             // both ends included
  ByteView spki;                 // whole SubjectPublicKeyInfo
  SignatureScheme scheme{};      // of the issuer's signature
  ByteView signature;
  ShortList<ExtensionView, 16> extensions;
  // Decoded where present:
  std::optional<bool> is_ca;              // basic constraints
  std::optional<unsigned> path_length;
  std::optional<std::uint16_t> key_usage;
  std::optional<ByteView> subject_key_id, authority_key_id;

  // parse: one certificate without trailing bytes; `malformed` otherwise. A scheme outside SignatureScheme is `malformed`.
  static Result<CertificateView> parse(ByteView der);
  const ExtensionView* extension(const der::Oid& oid) const;
  // extension_count: how often an oid stands there is always 0 or 1.
  Result<PublicKey> public_key() const { return PublicKey::from_spki(spki); }
  bool self_issued() const { return equal(issuer, subject); }
};

// subject_text: the distinguished name for people, "CN=..., O=..."; unknown attributes by OID. Never compare it.
std::string name_text(ByteView name);
// common_name: the content of the single CN attribute, or empty.
std::string_view common_name(ByteView name);

struct CrlView {
  static constexpr std::size_t kMaxSize = std::size_t{4} << 20;

  ByteView der;
  ByteView tbs;
  ByteView issuer;
  Instant this_update;
  Instant next_update;           // required
  std::optional<ByteView> number;  // CRL number, magnitude
  std::optional<ByteView> authority_key_id;
  SignatureScheme scheme{};
  ByteView signature;
  std::size_t revoked_count = 0;

  // parse walks every entry; critical extensions it does not know (issuing distribution point among them) are `malformed`.
  static Result<CrlView> parse(ByteView der);
  // revokes: the serial stands in the list. Linear in the list; no allocation.
  bool revokes(ByteView serial) const;

 private:
  ByteView entries_;
};

// check_issued: `child` names `issuer` as its issuer, `issuer` is a CA with keyCertSign, key identifiers agree where both are
// present, and the signature of `child` verifies under `key`, which must be the issuer's. `chain` otherwise.
Status check_issued(const CertificateView& child, const CertificateView& issuer, const PublicKey& key);
// check_crl_issued: the same for a list; the issuer needs cRLSign.
Status check_crl_issued(const CrlView& crl, const CertificateView& issuer, const PublicKey& key);

// PathProfile: what a vendor's chain may look like beyond RFC 5280.
struct PathProfile {
  std::span<const der::Oid> known_critical = {};  // critical extensions of the leaf that the caller reads itself
  bool check_time = true;
  // The caller knows every byte of the last certificate to be an anchor's (RootPin::holds): its signature over itself is not looked at.
  bool known_anchor = false;
};

// check_path: `chain` is leaf first, root last, 1 to 8 certificates, each issued by the next, the last by itself; basic constraints,
// path lengths, key usage, critical extensions, validity of each at `now`. Gives what the validities have in common; whether the
// last certificate is trusted is the caller's business (compare sha256(spki) with a pin). `chain` or `freshness` otherwise.
Result<Interval> check_path(std::span<const CertificateView> chain, Instant now, const PathProfile& profile = {});

// pem_decode: 1 to `max_blocks` blocks with the label, strict base64 in lines (RFC 7468); text outside of blocks must be white space; one
// trailing NUL is taken (Intel's quotes carry it). Each block at most CertificateView::kMaxSize, unless max_size says more.
Result<std::vector<Bytes>> pem_decode(std::string_view text, std::string_view label, std::size_t max_blocks,
                                      std::size_t max_size = CertificateView::kMaxSize);

}  // namespace redoubt::crypto
