// The JSON forms that both doors speak (docs/design/clean-room-flow.md, "Bodies").
#pragma once

#include "common/net/router.h"
#include "enclave/workloads/cleanroom/room.h"

namespace redoubt::cleanroom {

json::Value to_json(const Reservation& reservation);
json::Value to_json(const ChangeView& view);
json::Value to_json(const CarryOverStatus& status);
json::Value names_json(const std::vector<std::string>& names);
json::Value proof_json(const receipt::Proof& proof);
json::Value entries_json(const std::vector<Bytes>& entries);

// from_body: the request's body as one signed document.
Result<jobs::SignedDocument> signed_document(const net::HttpRequest& request, std::size_t max_text);
// number: the query parameter `name`, or `fallback` when it is absent.
Result<std::uint64_t> number(const net::HttpRequest& request, std::string_view name, std::optional<std::uint64_t> fallback);
// digest_param: the path part `name` as a digest.
template <class D>
Result<D> digest_param(const net::HttpRequest& request, std::string_view name) {
  const auto found = request.params.find(name);
  if (found == request.params.end()) return Error(Code::internal, "route without " + std::string(name));
  return D::from_hex(found->second, name);
}

// answer: the value as JSON, or the error as a problem.
net::HttpResponse answer(const Result<json::Value>& value);
// handler answers a request with what `call` says of it; the room must outlive it.
net::Handler handler(Room& room, Result<json::Value> (*call)(Room&, const net::HttpRequest&));

}  // namespace redoubt::cleanroom
