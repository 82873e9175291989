// DidX509: a did:x509 identifier, which names a signer by a CA certificate above it and by what its own certificate must say.
//
//   did:x509:0:sha256:<fingerprint of a CA, base64url>::eku:<oid>::subject:<attribute>:<value>:...
//
// did:x509 method specification, version 0 (github.com/microsoft/did-x509). Of its policies `eku` and `subject` are known; an
// identifier with any other (san, fulcio-issuer) is refused rather than half understood. Whether the chain is sound and its
// root trusted is not asked here. The text comes from anywhere and is distrusted. Pure and thread-safe.
#pragma once

#include "common/crypto/certificate_view.h"

namespace redoubt::azure_uvm {

class DidX509 {
 public:
  static constexpr std::size_t kMaxSize = 2048;
  static constexpr std::size_t kMaxPolicies = 8;

  // parse: exactly this form, one spelling of each part, at least one policy; `malformed` otherwise.
  static Result<DidX509> parse(std::string_view text);
  // check: the fingerprint is of a certificate of the chain (leaf first) other than the leaf, and the leaf satisfies every policy;
  // `chain` otherwise.
  Status check(std::span<const crypto::CertificateView> chain) const;

 private:
  struct Attribute {
    std::string oid;    // dotted
    std::string value;  // percent-decoded
    bool operator==(const Attribute&) const = default;
  };
  Status add_policy(std::string_view text);
  Status add_subject(std::string_view text);
  Status check_usage(const crypto::CertificateView& leaf, std::string_view oid) const;
  Status check_subject(const crypto::CertificateView& leaf) const;

  crypto::HashKind hash_{};
  Bytes fingerprint_;
  std::vector<std::string> usages_;
  std::vector<Attribute> subject_;
};

}  // namespace redoubt::azure_uvm
