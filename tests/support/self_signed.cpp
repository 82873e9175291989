#include "tests/support/self_signed.h"

#include "common/crypto/system_random.h"
#include "common/crypto/tls_certificate.h"
#include "tests/support/expect.h"

namespace redoubt::test {

SelfSigned self_signed(const std::vector<std::string>& names, bool ended) {
  crypto::TlsCertificateProfile profile;
  profile.common_name = "redoubt test";
  profile.validity = {OrDie(Instant::parse("2020-01-01T00:00:00Z")),
                      OrDie(Instant::parse(ended ? "2021-01-01T00:00:00Z" : "2049-01-01T00:00:00Z"))};
  for (const std::string& name : names) {
    const bool address = name.find_first_not_of("0123456789.") == std::string::npos || name.find(':') != std::string::npos;
    (address ? profile.ip_addresses : profile.dns_names).push_back(name);
  }
  crypto::SystemRandom random;
  const auto key = OrDie(crypto::EcdsaP256PrivateKey::generate());
  return {OrDie(crypto::self_signed_certificate(key, profile, random)).pem, key.pkcs8()};
}

}  // namespace redoubt::test
