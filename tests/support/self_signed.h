// Self-signed TLS identities for tests: P-256 keys, made anew in each run and trusted by nobody else.
#pragma once

#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/secret.h"

namespace redoubt::test {

struct SelfSigned {
  std::string certificate_pem;
  SecretBytes key;  // PKCS #8, DER
};

// self_signed makes a certificate for DNS names and IP addresses, valid from 2020 to 2049, or only until 2021 when `ended`.
SelfSigned self_signed(const std::vector<std::string>& names = {"localhost", "127.0.0.1"}, bool ended = false);

}  // namespace redoubt::test
