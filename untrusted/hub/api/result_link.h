// ResultLink: leave to read one result for a few minutes, in an address alone: for tools that fetch large files and know no API keys.
//
// An address ends in logs and histories, so the link is short-lived, names one result, and counts only while the API key that asked for it is
// valid. Its signature is HMAC-SHA-256 with a secret of the database over all that it says, compared in constant time. The package is sealed to
// its recipient in any case. Pure.
#pragma once

#include "common/base/instant.h"
#include "common/crypto/digest.h"

namespace redoubt::hub {

struct ResultLink {
  static constexpr std::int64_t kLifeSeconds = 900;
  std::string query{};
  std::string recipient{};
  std::string api_key{};  // id of the one that asked for it
  Instant expires{};

  // target: path and query of the address.
  std::string target(const SecretBytes& secret) const;
  // signed_by: whether `signature` is the one that target() writes.
  bool signed_by(const SecretBytes& secret, std::string_view signature) const;
  // alive: whether it has neither ended nor been made for longer than links are.
  bool alive(Instant now) const { return now < expires && expires <= now.plus_seconds(kLifeSeconds); }

 private:
  std::string signature(const SecretBytes& secret) const;
};

}  // namespace redoubt::hub
