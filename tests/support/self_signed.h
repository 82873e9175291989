// Self-signed TLS certificates for tests: P-256 keys, made anew in each run and trusted by nobody else.
#pragma once

#include <string>
#include <vector>

#include "common/base/bytes.h"

namespace redoubt::test {

struct SelfSigned {
  std::string certificate_pem;
  std::string key_pem;
};

// self_signed makes a certificate for DNS names and IP addresses, valid since two years ago and for `days` more (negative
// for one that has ended).
SelfSigned self_signed(const std::vector<std::string>& names = {"localhost", "127.0.0.1"}, int days = 365);

}  // namespace redoubt::test
