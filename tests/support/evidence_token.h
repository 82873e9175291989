// Makers of signed tokens and certificates under keys that the test program makes: what attestation services and enclaves would
// send, and every lie beside it. Test-only; production pins never accept what is made here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/instant.h"

struct evp_pkey_st;

namespace redoubt::test {

enum class SignerKind { p256, p384, rsa2048 };

// Signer: a key pair of OpenSSL's, made anew. Copies share it.
class Signer {
 public:
  explicit Signer(SignerKind kind);
  SignerKind kind() const { return kind_; }
  Bytes spki() const;     // DER
  Bytes modulus() const;  // RSA, big-endian
  std::pair<Bytes, Bytes> point() const;  // EC, each as long as the field
  // sign: as a JWS of `algorithm` (RS, PS or ES with 256, 384 or 512).
  Bytes sign(std::string_view algorithm, std::string_view text) const;
  evp_pkey_st* get() const { return key_.get(); }

 private:
  SignerKind kind_;
  std::shared_ptr<evp_pkey_st> key_;
};

// test_signer: a key of the kind, made once for the name in this program: RSA keys take time.
const Signer& test_signer(SignerKind kind, const std::string& name);

struct SignerExtension {
  std::string oid;  // dotted
  Bytes value;      // content of the OCTET STRING
  bool critical = false;
};

struct SignerCertificate {
  std::string subject = "test";
  std::string issuer = "test";
  bool ca = false;
  bool key_usage = true;  // keyCertSign for an authority, digitalSignature otherwise
  Instant begin{1700000000};
  Instant end{1900000000};
  std::string digest = "SHA256";
  std::vector<SignerExtension> extensions = {};
};
// signer_certificate: version 3, DER, the key `subject_key` signed by `issuer_key`.
Bytes signer_certificate(const SignerCertificate& profile, const Signer& subject_key, const Signer& issuer_key);

// signer_crl: a revocation list by that name and key, with these serial numbers; signer_certificate's are all 77.
Bytes signer_crl(const std::string& issuer, const Signer& key, const std::vector<long>& revoked, Interval window);

// make_token: header.payload.signature over the texts as they stand.
std::string make_token(std::string_view header, std::string_view payload, std::string_view algorithm, const Signer& key);
std::string unsigned_token(std::string_view header, std::string_view payload);  // with an empty third part
// The JSON array of x5c.
std::string x5c(const std::vector<Bytes>& certificates);
// A key set with one RSA or EC key.
std::string jwk_set(const Signer& key, std::string_view key_id, std::string_view algorithm);

// A Confidential Space payload as the service writes it, for the sample issuer, audience, times (1790000000 to 1790003600) and
// nonces; `edit` replaces the text `first` by `second`, which must be there.
std::string confidential_space_payload();
std::string edited(std::string text, std::string_view first, std::string_view second);

}  // namespace redoubt::test
