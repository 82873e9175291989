// Certificates and signatures for tests: keys made anew in each run, X.509 certificates of any shape, right or wrong. Written with
// OpenSSL's own X.509 code, which the code under test does not use.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/instant.h"

struct evp_pkey_st;

namespace redoubt::test {

class TestKey {
 public:
  static TestKey p256();
  static TestKey p384();
  static TestKey rsa();  // 2048 bits

  // sign_cose: over SHA-384; r and s as long as the field, or RSA-PSS with a salt as long as the hash.
  Bytes sign_cose(ByteView message) const;
  evp_pkey_st* get() const { return key_.get(); }

 private:
  explicit TestKey(evp_pkey_st* key);
  std::shared_ptr<evp_pkey_st> key_;
};

struct CertificateSpec {
  // Attributes of the subject, as OpenSSL names them, in order: {"CN", "root"}.
  std::vector<std::pair<std::string, std::string>> subject;
  // Extensions in OpenSSL's configuration syntax: {"basicConstraints", "critical,CA:TRUE,pathlen:1"}.
  std::vector<std::pair<std::string, std::string>> extensions;
  Interval validity;
  std::string digest = "SHA384";  // of the issuer's signature
};

struct TestCertificate {
  Bytes der;
  TestKey key;
};

// issue: a certificate for `key`, signed by the issuer, or by itself when there is none.
TestCertificate issue(const CertificateSpec& spec, const TestKey& key, const TestCertificate* issuer);

}  // namespace redoubt::test
