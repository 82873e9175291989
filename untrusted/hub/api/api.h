// HubApi: the handlers behind the hub's REST API (docs/design/clean-room-flow.md; openapi.json says the same to machines).
//
// The operator's zone. Every request is distrusted: keys, sizes, names, forms and signatures are checked, so that garbage neither
// fills the store nor takes the place of a participant's document; what counts is checked again by enclaves and clients. Every object is
// loaded by one of the load_ functions, which ask authorize() (auth/authorize.h); what a caller may not see reads as absent. An effect, its
// audit event and the answer kept for an Idempotency-Key are committed together, before the answer is sent. Every answer has an id
// (X-Request-Id), which the audit event names too. Handlers run on several threads.
#pragma once

#include <array>
#include <mutex>
#include <set>

#include "common/jobs/cleanroom/ballot.h"
#include "common/net/router.h"
#include "untrusted/hub/api/answer_cache.h"
#include "untrusted/hub/api/metrics.h"
#include "untrusted/hub/api/request_log.h"
#include "untrusted/hub/api/result_link.h"
#include "untrusted/hub/auth/authorize.h"
#include "untrusted/hub/events/event_feed.h"
#include "untrusted/hub/instances/instance_host.h"
#include "untrusted/hub/store/datasets.h"
#include "untrusted/hub/store/journal.h"

namespace redoubt::hub {

inline constexpr std::uint64_t kMaxPart = 4U << 20;          // bytes of one upload
inline constexpr std::uint64_t kMaxCiphertext = 16ULL << 30;  // bytes of one dataset
inline constexpr std::uint64_t kMaxParts = 65'536;            // uploads of one dataset
inline constexpr std::uint64_t kMaxEnvironments = 64;         // active ones that a participant's keys created

// Call: one request of a known caller.
struct Call {
  const net::HttpRequest& request;
  Caller caller;
  Action action = Action::read;
  std::string id{};               // X-Request-Id of the answer
  std::string idempotency_key{};  // empty: none
  crypto::Sha256Digest digest{};  // of method, target and body
  RequestNote* note = nullptr;    // borrowed: what the log will tell of it
  mutable bool kept = false;      // the answer was written with the effect

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
    EventFeed& events;
    Metrics& metrics;
    std::function<void()> wake_worker;
    Clock now;
    FaultPoint fault;
    std::string version;
    crypto::Random& random;
    std::string hub;  // id of this hub: the home of the environments that it creates
    std::function<std::int64_t()> microseconds;  // of a clock that does not go back
    const SecretBytes& link_secret;              // for links to results
    RequestLog* log = nullptr;                   // nothing: none is written
  };
  explicit HubApi(Parts parts) : parts_(std::move(parts)) {}

  // One row of the table of routes that need a key.
  struct Row {
    std::string_view method;
    std::string_view path;
    std::uint64_t max_body_bytes;
    Result<net::HttpResponse> (HubApi::*handler)(const Call&);
    Action action;
    std::string_view query = "";  // names of the query parameters that it takes, with spaces between
    bool at_home = false;         // only the environment's home can answer: it has the program and the ciphertext
    bool stored = false;          // a GET whose answer follows from the database and the caller alone
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
  // open_route: one that needs no key. `handler` gives the answer without its id.
  void open_route(net::Router& router, std::string_view path, net::Handler handler);
  // counted adds one answer to the metrics and the log.
  net::HttpResponse counted(RequestNote note, const std::function<net::HttpResponse(RequestNote&)>& answer);
  net::HttpResponse respond(const Row& row, const net::HttpRequest& request, RequestNote& note);
  net::HttpResponse handle(const Row& row, const Call& call);
  // handle_stored: as handle, with what the database said before if it is as it was.
  net::HttpResponse handle_stored(const Row& row, const Call& call);
  // at_hand: the answer to a request whose key and answer are kept, and still so; waits for nothing.
  std::optional<net::HttpResponse> at_hand(const Row& row, const net::HttpRequest& request);
  net::HttpResponse ready();
  std::string request_id() const;

  // objects.cpp: each gives what the path of the call names, if authorize() lets the caller do what the call does, or `not_found`.
  Result<Environment> load_environment(Transaction& transaction, const Call& call);
  Result<Environment> load_environment(const Call& call);
  Result<Dataset> load_dataset(const Call& call, const Environment& environment, const jobs::ManifestDigest& manifest);
  Result<Query> load_query(Transaction& transaction, const Call& call, const Environment& environment);
  Result<Query> load_query(const Call& call, const Environment& environment);
  Result<ApiKey> load_key(Transaction& transaction, const Call& call);

  // replay.cpp: what becomes of a call that has an Idempotency-Key.
  net::HttpResponse handle_once(const Row& row, const Call& call);
  Result<std::optional<net::HttpResponse>> replay(const Call& call);

  // environments_api.cpp
  Result<net::HttpResponse> create_environment(const Call& call);
  Result<net::HttpResponse> list_environments(const Call& call);
  Result<net::HttpResponse> get_environment(const Call& call);
  Result<net::HttpResponse> get_log(const Call& call);
  Result<net::HttpResponse> get_platform(const Call& call);
  json::Value environment_json(const Environment& environment);

  // events_api.cpp
  Result<net::HttpResponse> list_events(const Call& call);
  Result<net::HttpResponse> stream_events(const Call& call);

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

  // downloads_api.cpp
  Result<net::HttpResponse> get_result_link(const Call& call);
  net::HttpResponse download(const net::HttpRequest& request);
  Status may_download(Transaction& transaction, const ResultLink& link);

  // keys_api.cpp
  Result<net::HttpResponse> list_keys(const Call& call);
  Result<net::HttpResponse> get_key(const Call& call);
  Result<net::HttpResponse> create_key(const Call& call);
  Result<net::HttpResponse> rotate_key(const Call& call);
  Result<net::HttpResponse> revoke_key(const Call& call);

  // misdirected: 421 (RFC 9110 section 15.5.20) when another hub keeps the environment of the call.
  Result<std::optional<net::HttpResponse>> misdirected(const Call& call);
  // record writes what comes with an effect: the audit event and the kept answer, which must hold no secret.
  Status record(Transaction& transaction, const Call& call, std::string_view action, std::string_view object,
                const net::HttpResponse& response);
  std::mutex& lock_of(std::string_view name);

  Parts parts_;
  AnswerCache answers_;
  std::array<std::mutex, 16> locks_;  // by environment: uploads and ballots come one after another
  std::mutex calls_mutex_;            // of what follows
  std::set<std::pair<std::string, std::string>> under_way_;  // API key id and Idempotency-Key of calls that are being answered
  std::mutex ready_mutex_;
  std::optional<std::pair<Instant, bool>> ready_;  // when the database was asked last, and whether it answered
};

// -- helpers of the handlers --

// body_of reads the JSON of a request: an object.
Result<json::Value> body_of(const Call& call, std::size_t max_depth = 4);
net::HttpResponse json_answer(int status, const json::Value& value);
// too_many: 429, with how long to wait.
net::HttpResponse too_many(const Error& error, const Limited& limited);
// conflict: 409, for what is right in form and cannot be now.
net::HttpResponse conflict(std::string_view detail);
// tagged gives a response the ETag of its body: it changes with every byte. check_match: 412 (RFC 9110 section 13.1.1) when the call has an
// If-Match that does not name `current`.
net::HttpResponse tagged(net::HttpResponse response);
std::optional<net::HttpResponse> check_match(const Call& call, const net::HttpResponse& current);
// stamped: an answer with its id, which stands in a problem too.
net::HttpResponse stamped(net::HttpResponse response, const std::string& id);
// page_of reads `cursor` and `limit`.
Result<PageRequest> page_of(const Call& call);
// number_of reads a query parameter as a number.
Result<std::uint64_t> number_of(const Call& call, std::string_view name, std::optional<std::uint64_t> fallback);
json::Value list_json(json::Array items, const std::string& next);
// put_document appends a signed document as it is stored: canonical JSON. `internal` when it is not whole.
Status put_document(std::string& out, std::string_view document);
// ListText: what list_json gives, of items that are canonical JSON already.
class ListText {
 public:
  void add(std::string_view item) { (text_ += text_.size() > kHead.size() ? "," : "") += item; }
  net::HttpResponse answer(const std::string& next);

 private:
  static constexpr std::string_view kHead = R"({"items":[)";
  std::string text_{kHead};
};
// author: the participant of the contract that signed `document`, or `auth` and `chain`.
Result<const jobs::Participant*> author(const jobs::Contract& contract, std::string_view type, const std::string& name,
                                        const jobs::SignedDocument& document);

}  // namespace redoubt::hub
