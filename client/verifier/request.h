// AppraiseRequest: what POST /v1/appraise was asked, out of its body, query and headers. Everything in it was said by the peer.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/attest/verifier/verifier.h"
#include "common/net/http_message.h"

namespace redoubt::rest {

inline constexpr std::uint64_t kMaxBody = std::uint64_t{16} << 20U;
inline constexpr std::size_t kMaxEndorsements = 64;
inline constexpr std::size_t kMinNonce = 8, kMaxNonce = 64;

struct AppraiseRequest {
  Bytes evidence;
  std::optional<std::string> format;    // what the caller takes it for; checked against the bytes
  std::optional<Bytes> nonce;
  std::optional<std::string> policy;    // by name
  std::vector<verifier::NamedFile> endorsements;
  bool wants_json = false;              // the bare EAR instead of a signed one
};

// Refusal: the problem that is sent (RFC 9457), with what the caller can do next.
struct Refusal {
  int status = 400;
  Error error{Code::malformed, ""};
  std::string next;
};
net::HttpResponse problem(const Refusal& refusal);

std::variant<AppraiseRequest, Refusal> read_request(const net::HttpRequest& request);

}  // namespace redoubt::rest
