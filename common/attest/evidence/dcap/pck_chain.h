// The certificates between a Quoting Enclave and Intel: PCK leaf, PCK CA, root.
//
// PckCertificates are three certificates that parse, nothing more. verify_pck_chain() turns them into a VerifiedPckChain: an
// immutable proof object, good for caches, that says which bytes were verified, to which root and for which time. A proof
// changes no result: it only spares the signatures that it stands for, and its times are compared again at each use.
// The certificates come from the attester. Roots are named by the SHA-256 of their public key (SPKI), since Intel's test
// roots carry the same names as its production root. Thread-safe. Intel SGX PCK Certificate and CRL Profile Specification.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "common/attest/endorse/intel/collateral.h"
#include "common/attest/evidence/dcap/pck_extension.h"
#include "common/crypto/certificate_view.h"

namespace redoubt::dcap {

enum class PckAuthority { platform, processor };
std::string_view authority_text(PckAuthority authority);  // the CA's common name

class PckCertificates {
 public:
  // from_pem: three PEM certificates, leaf first, root last, as certification data of type 5 hold them. `malformed` otherwise. `known`:
  // collateral whose PCK CA and root need not be read again where they are these, byte for byte; it changes no result. Not borrowed.
  static Result<std::shared_ptr<const PckCertificates>> from_pem(ByteView text, const endorse::VerifiedCollateral* known = nullptr);
  // from_der: the same from three DER certificates, which are copied.
  static Result<std::shared_ptr<const PckCertificates>> from_der(std::span<const Bytes> der);

  PckCertificates(const PckCertificates&) = delete;
  PckCertificates& operator=(const PckCertificates&) = delete;

  const crypto::CertificateView& leaf() const { return views_[0]; }
  const crypto::CertificateView& authority() const { return views_[1]; }
  const crypto::CertificateView& root() const { return views_[2]; }
  std::span<const crypto::CertificateView> path() const { return views_; }
  // pem: the text they were read from; empty for from_der.
  ByteView pem() const { return pem_; }
  // extension: sgx_extension of the leaf, read once.
  const Result<PckExtension>& extension() const { return *extension_; }

 private:
  PckCertificates() = default;
  static Result<std::shared_ptr<const PckCertificates>> read(std::vector<Bytes> der, ByteView pem, const endorse::VerifiedCollateral* known);
  Status read_one(std::size_t at, const endorse::VerifiedCollateral* known);

  std::vector<Bytes> der_;  // what the views look at
  Bytes pem_;
  std::array<crypto::CertificateView, 3> views_;
  std::optional<Result<PckExtension>> extension_;
};

// sgx_extension: S5 for a leaf, whatever its signature.
Result<PckExtension> sgx_extension(const crypto::CertificateView& leaf);

class VerifiedPckChain {
 public:
  // digest: SHA-256 over Fields("redoubt/pck-chain") of the three certificates: a key for caches.
  crypto::Sha256Digest digest() const;
  // leaf_digest: SHA-256 of the leaf's DER: names the platform, with its TCB.
  crypto::Sha256Digest leaf_digest() const;
  // root_pin: SHA-256 of the root's SPKI.
  const crypto::Sha256Digest& root_pin() const { return state_->root_pin; }
  const Interval& validity() const { return state_->validity; }
  PckAuthority authority() const { return state_->authority; }
  const PckExtension& extension() const { return state_->extension; }
  const crypto::PublicKey& key() const { return state_->key; }
  const std::shared_ptr<const PckCertificates>& certificates() const { return state_->certificates; }

  // usable: `now` is inside and the root is one of `roots`.
  bool usable(std::span<const crypto::Sha256Digest> roots, Instant now) const;
  // covers: the chain is this one, byte for byte.
  bool covers(const PckCertificates& other) const;
  // covers_pem: this chain was read from exactly this text.
  bool covers_pem(ByteView text) const;

 private:
  friend class VerifiedAuthority;
  friend Result<VerifiedPckChain> verify_pck_chain(const std::shared_ptr<const PckCertificates>&,
                                                   std::span<const crypto::Sha256Digest>, Instant,
                                                   std::span<const class VerifiedAuthority>);
  struct State {
    std::shared_ptr<const PckCertificates> certificates;
    crypto::Sha256Digest root_pin;
    Interval validity;
    PckAuthority authority;
    PckExtension extension;
    crypto::PublicKey key;
    crypto::PublicKey authority_key;
  };
  explicit VerifiedPckChain(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

// VerifiedAuthority: a PCK CA whose signature by its root, and the root's by itself, were verified before. Borrows the proof that
// it was made from. What it spares is two signatures; names, pin and times are compared at each use.
class VerifiedAuthority {
 public:
  explicit VerifiedAuthority(const VerifiedPckChain& chain);
  explicit VerifiedAuthority(const endorse::VerifiedCollateral& collateral);

 private:
  friend Status check_pck_chain(const PckCertificates&, std::span<const crypto::Sha256Digest>, Instant,
                                std::span<const VerifiedAuthority>);
  friend Result<VerifiedPckChain> verify_pck_chain(const std::shared_ptr<const PckCertificates>&,
                                                   std::span<const crypto::Sha256Digest>, Instant,
                                                   std::span<const VerifiedAuthority>);
  bool covers(const PckCertificates& certificates) const;
  // find: the one of `known` that covers these certificates, or null.
  static const VerifiedAuthority* find(std::span<const VerifiedAuthority> known, const PckCertificates& certificates);

  ByteView authority_;  // DER
  ByteView root_;       // DER
  const crypto::PublicKey* key_;
};

// check_pck_chain: S4: names, profile, signatures and times of the chain, its root among `roots`. Authorities in `known` spare
// signatures and change no result. `chain`, `freshness`, or `malformed` for a key.
Status check_pck_chain(const PckCertificates& certificates, std::span<const crypto::Sha256Digest> roots, Instant now,
                       std::span<const VerifiedAuthority> known = {});

// verify_pck_chain: check_pck_chain and the leaf's SGX extension.
Result<VerifiedPckChain> verify_pck_chain(const std::shared_ptr<const PckCertificates>& certificates,
                                          std::span<const crypto::Sha256Digest> roots, Instant now,
                                          std::span<const VerifiedAuthority> known = {});

}  // namespace redoubt::dcap
