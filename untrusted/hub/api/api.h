// HubApi: the handlers behind the hub's REST API (docs/design/clean-room-flow.md; openapi.json says the same to machines).
//
// The operator's zone. Every request is distrusted: keys, sizes, names, forms and signatures are checked, so that garbage neither
// fills the store nor takes the place of a participant's document; what counts is checked again by enclaves and clients. What a
// caller may not see reads as absent. An effect, its audit event and the answer kept for an Idempotency-Key are committed together,
// before the answer is sent. Handlers run on several threads.
#pragma once

#include <array>
#include <mutex>

#include "common/jobs/cleanroom/ballot.h"
#include "common/net/router.h"
#include "untrusted/hub/auth/authenticator.h"
#include "untrusted/hub/instances/instance_host.h"
#include "untrusted/hub/store/datasets.h"
#include "untrusted/hub/store/journal.h"

namespace redoubt::hub {

inline constexpr std::uint64_t kMaxPart = 4U << 20;          // bytes of one upload
inline constexpr std::uint64_t kMaxCiphertext = 16ULL << 30;  // bytes of one dataset
inline constexpr std::uint64_t kMaxParts = 65'536;            // uploads of one dataset

// Call: one request of a known caller.
struct Call {
  const net::HttpRequest& request;
  Caller caller;
  std::string idempotency_key;  // empty: none
  crypto::Sha256Digest digest;  // of method, path and body

  std::string param(std::string_view name) const;
};

class HubApi {
 public:
  struct Parts {  // all of them outlive the API
    Store& store;
    ObjectStore& objects;
    InstanceHost& host;
    Launcher& launcher;
    Authenticator& authenticator;
    std::function<void()> wake_worker;
    Clock now;
    FaultPoint fault;
    std::string version;
    crypto::Random& random;
    std::string hub;  // id of this hub: the home of the environments that it creates
  };
  explicit HubApi(Parts parts) : parts_(std::move(parts)) {}

  // One row of the table of routes that need a key.
  struct Row {
    std::string_view method;
    std::string_view path;
    std::uint64_t max_body_bytes;
    Result<net::HttpResponse> (HubApi::*handler)(const Call&);
    std::string_view scope;  // that the API key needs
    bool at_home = false;    // only the environment's home can answer: it has the program and the ciphertext
  };
  static const std::vector<Row>& rows();
  // open_paths: of the routes that need no key; all are GET.
  static const std::vector<std::string_view>& open_paths();

  // router: the API outlives it.
  net::Router router();

  // finish_uploads stores datasets whose last byte had come when the hub was killed. Call it at start.
  Status finish_uploads();

 private:
  net::HttpResponse answer(const Row& row, const net::HttpRequest& request);

  // environments_api.cpp
  Result<net::HttpResponse> create_environment(const Call& call);
  Result<net::HttpResponse> list_environments(const Call& call);
  Result<net::HttpResponse> get_environment(const Call& call);
  Result<net::HttpResponse> get_log(const Call& call);
  Result<net::HttpResponse> get_platform(const Call& call);
  json::Value environment_json(const Environment& environment);

  // datasets_api.cpp
  Result<net::HttpResponse> create_dataset(const Call& call);
  Result<net::HttpResponse> put_content(const Call& call);
  Result<net::HttpResponse> list_datasets(const Call& call);
  Status finish_upload(const Dataset& dataset, std::uint64_t parts);

  // queries_api.cpp
  Result<net::HttpResponse> create_query(const Call& call);
  Result<net::HttpResponse> list_queries(const Call& call);
  Result<net::HttpResponse> get_query(const Call& call);
  Result<net::HttpResponse> approve(const Call& call);
  Result<net::HttpResponse> reject(const Call& call);
  Result<net::HttpResponse> vote(const Call& call, jobs::Decision decision);
  Result<net::HttpResponse> get_result(const Call& call);
  Result<net::HttpResponse> get_receipt(const Call& call);
  Result<Query> find_query(const Call& call);

  // keys_api.cpp
  Result<net::HttpResponse> list_keys(const Call& call);
  Result<net::HttpResponse> create_key(const Call& call);
  Result<net::HttpResponse> rotate_key(const Call& call);
  Result<net::HttpResponse> revoke_key(const Call& call);
  // own_key: the key of the call, or `not_found` also when it is another subject's and the caller is not an admin.
  Result<ApiKey> own_key(Transaction& transaction, const Call& call);

  // misdirected: 421 (RFC 9110 section 15.5.20) when another hub keeps the environment of the call.
  Result<std::optional<net::HttpResponse>> misdirected(const Call& call);
  // visible: the environment of the call, or `not_found` also when the caller takes no part in it.
  Result<Environment> visible(const Call& call);
  // record writes what comes with an effect: the audit event and the kept answer.
  Status record(Transaction& transaction, const Call& call, std::string_view action, std::string_view object,
                const net::HttpResponse& response);
  std::mutex& lock_of(std::string_view name);

  Parts parts_;
  std::array<std::mutex, 16> locks_;  // by environment: uploads and ballots come one after another
};

// -- helpers of the handlers --

// body_of reads the JSON of a request: an object.
Result<json::Value> body_of(const Call& call, std::size_t max_depth = 4);
net::HttpResponse json_answer(int status, const json::Value& value);
// conflict: 409, for what is right in form and cannot be now.
net::HttpResponse conflict(std::string_view detail);
// page_of reads `cursor` and `count`; any other query parameter is `usage`.
Result<PageRequest> page_of(const Call& call);
// number_of reads a query parameter as a number; it is the only one allowed.
Result<std::uint64_t> number_of(const Call& call, std::string_view name, std::optional<std::uint64_t> fallback);
json::Value list_json(json::Array items, const std::string& next);
// author: the participant of the contract that signed `document`, or `auth` and `chain`.
Result<const jobs::Participant*> author(const jobs::Contract& contract, std::string_view type, const std::string& name,
                                        const jobs::SignedDocument& document);

}  // namespace redoubt::hub
