// X.509 certificates (RFC 5280): parsing, and the check of a chain up to anchors that the caller names.
//
// Certificates come from anywhere and are distrusted. Anchors are an argument: there is no system store, no download of
// issuers and no clock. Revocation is not looked at; what a certificate is for (its extended usage) is asked by the caller.
// Certificates are immutable and cheap to copy; everything here is thread-safe.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/instant.h"
#include "common/crypto/digest.h"

namespace redoubt::crypto {

struct ChainResult;

class Certificate {
 public:
  static constexpr std::size_t kMaxSize = 16 * 1024;
  static constexpr std::size_t kMaxBundle = 16;

  // parse_der takes one certificate of at most 16 KiB without trailing bytes; `malformed` otherwise.
  static Result<Certificate> parse_der(ByteView der);
  // parse_pem_bundle takes 1 to 16 CERTIFICATE blocks (RFC 7468); text between blocks is skipped, other blocks are
  // `malformed`.
  static Result<std::vector<Certificate>> parse_pem_bundle(std::string_view text);

  // der, digest (SHA-256 of it) and spki (the DER SubjectPublicKeyInfo) live as long as any copy of this certificate.
  ByteView der() const;
  const Sha256Digest& digest() const;
  ByteView spki() const;

  // subject: the distinguished name in the form of RFC 2253, for people; never compare it.
  const std::string& subject() const;
  // validity: notBefore to notAfter, both included.
  const Interval& validity() const;
  // has_extended_usage: the extended key usage extension is there and names `oid` ("2.23.133.8.1").
  bool has_extended_usage(std::string_view oid) const;
  // is_ca: basic constraints say CA.
  bool is_ca() const;

 private:
  struct State;
  explicit Certificate(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  friend Result<ChainResult> verify_chain(const Certificate& leaf, std::span<const Certificate> intermediates,
                                          std::span<const Certificate> roots, Instant now);
  std::shared_ptr<const State> state_;
};

struct ChainResult {
  Interval validity;    // what the validity of all certificates of the chain, anchor included, has in common
  Sha256Digest anchor;  // digest of the root that the chain ends in
};

// verify_chain: signatures, names, basic constraints, key usage of CAs, critical extensions and validity at `now`, from
// `leaf` through some of `intermediates` to one of `roots`, which must be self-signed. At most 6 certificates; signatures and
// keys of less than 112 bits of security are refused. `chain` with the reason otherwise.
Result<ChainResult> verify_chain(const Certificate& leaf, std::span<const Certificate> intermediates,
                                 std::span<const Certificate> roots, Instant now);

}  // namespace redoubt::crypto
