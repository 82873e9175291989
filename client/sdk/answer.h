// answer: requests and answers of the JSON doors, bounded and strict.
//
// The peer may answer anything: other types, no JSON, too much. Each is an error that names the call. One thread at a time.
#pragma once

#include <functional>

#include "common/base/json.h"
#include "common/net/client.h"

namespace redoubt::sdk {

inline constexpr std::size_t kMaxAnswer = 4U << 20;       // bytes of a JSON answer
inline constexpr std::size_t kMaxLargeAnswer = 48U << 20; // of an answer that carries a sealed result

struct Call {
  std::string method = "GET";
  std::string target;
  std::optional<json::Value> body = {};
  std::string bearer = {};           // API key; empty: none
  std::string idempotency_key = {};  // empty: none
  std::size_t max_bytes = kMaxAnswer;
};

// ask sends one call and reads a JSON answer. Errors of HttpClient::request_ok, or `malformed`.
Result<json::Value> ask(net::HttpClient& client, const Call& call);

// read_count: a member that is a number, or a decimal string as our signed documents write counters; below 2^53.
Result<std::uint64_t> read_count(const json::Value& object, std::string_view member, std::string_view what);

// text_or_canonical: a member that is text, or an object in its canonical text.
Result<std::string> text_or_canonical(const json::Value& object, std::string_view member, std::string_view what);

}  // namespace redoubt::sdk
