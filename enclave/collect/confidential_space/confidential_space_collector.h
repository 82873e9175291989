// ConfidentialSpaceCollector: Evidence of a workload in Google's Confidential Space: a token of Google's attestation service.
//
// Runs in the workload's container. The launcher, part of the measured image, listens on a Unix socket, has the machine's own
// Evidence appraised by Google, and answers with a token. The nonce is the hexadecimal SHA-256 of the statement, 64 bytes of the 10 to
// 74 that the service takes. Each collection is one connection and one request; nothing is kept, nothing is repeated, and the
// service counts requests. Thread-safe. Confidential Space documentation, "Connect to external resources" (POST /v1/token);
// docs/specs/collect.md.
#pragma once

#include <chrono>

#include "enclave/collect/base/collection.h"

namespace redoubt::collect {

enum class TokenType {
  oidc,  // verified under the service's rotating key set
  pki,   // verified under Google's root for Confidential Space; carries its certificates
};

struct ConfidentialSpaceOptions {
  static constexpr std::size_t kMaxAudience = 512;

  std::string socket = "/run/container_launcher/teeserver.sock";
  std::string audience;  // whom the token is for: 1 to 512 bytes of UTF-8
  TokenType type = TokenType::pki;
  std::chrono::milliseconds connect_time{5'000};
  std::chrono::milliseconds answer_time{60'000};  // without a byte moving: the launcher asks Google meanwhile
};

class ConfidentialSpaceCollector final : public Collector {
 public:
  static constexpr std::size_t kMaxToken = 64 * 1024;

  explicit ConfidentialSpaceCollector(ConfidentialSpaceOptions options) : options_(std::move(options)) {}

  // collect: `usage`: no audience, or one too long; `unavailable`: nobody listens, or stalls, or the service has trouble (5xx, 429);
  // `refused`: another status; `malformed`: no HTTP, too large, or no token of Confidential Space; `binding`: a token for
  // another audience or nonce, or of the other type.
  Result<Collection> collect(ByteView statement) override;

 private:
  Result<std::string> request(const std::string& nonce) const;
  Status check(const std::string& token, const std::string& nonce) const;

  const ConfidentialSpaceOptions options_;
};

}  // namespace redoubt::collect
