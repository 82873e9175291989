// HubClient: the hub's REST API as typed calls (docs/design/clean-room-flow.md).
//
// The hub is the operator's: it may lie in every answer, and what it carries is believed only after signatures, proofs and
// digests were checked by others in this room. TLS with a pinned key and the API key protect nothing but the hub's own door.
// Answers are bounded. A connection that the hub closed is opened again once for calls that may be repeated. One thread at
// a time.
#pragma once

#include "client/sdk/answer.h"
#include "client/sdk/event_stream.h"
#include "client/sdk/open_door.h"
#include "client/sdk/votes.h"
#include "common/base/secret.h"

namespace redoubt::sdk {

struct HubOptions {
  Address address;
  SpkiDigest pin;       // of the hub's TLS key
  std::string api_key;  // may be empty where none is needed
};

// parse_hub_url reads "https://HOST:PORT".
Result<Address> parse_hub_url(std::string_view url);

struct Platform {
  std::string tpm_roots;  // PEM, perhaps empty
  struct Program {
    std::string name;
    std::string manifest;  // digest, hexadecimal
  };
  std::vector<Program> programs;
};

struct EnvironmentView {
  std::string id;
  std::string contract_digest;
  std::string state;     // "starting", "running", "failed"
  std::string address;   // of the participants' door; empty until it runs
  std::string instance;
};

struct DatasetView {
  std::string digest;
  jobs::SignedDocument document;
  std::string state;
};

struct SubmittedQuery {
  std::string query;
  std::string state;
  std::uint64_t index = 0;
  receipt::Proof inclusion;
  std::string checkpoint;
};

struct QueryView {
  std::string query;
  jobs::SignedDocument proposal;
  std::vector<jobs::SignedDocument> ballots;
  std::string state;
  std::string reason;
};

// EventPage: a page of the events that the hub keeps; `next` is empty at the end.
struct EventPage {
  std::vector<HubEvent> items;
  std::string next;
};

// ResultLink: an address at this hub that gives a sealed package without an API key, until it expires.
struct ResultLink {
  std::string target;  // path and query
  std::string expires;
  std::string etag;
  std::uint64_t size = 0;  // bytes of the package
};

// ApiKeyView: an API key as the hub lists it; times as the hub's text, empty when there are none.
struct ApiKeyView {
  std::string id;
  std::string subject;
  std::vector<std::string> scopes;
  std::string prefix;
  std::string created, expires, last_used, revoked, made_by;
};

struct NewApiKeyView {
  ApiKeyView view;
  SecretBytes key;  // its text, which the hub shows once
};

struct ApiKeyWish {
  std::vector<std::string> scopes;
  std::string subject;  // empty: the asking key's
  std::string expires;  // RFC 3339; empty: as the asking key
};

class HubClient {
 public:
  static Result<HubClient> connect(const HubOptions& options);

  // url: "https://HOST:PORT". pin: of its TLS key.
  std::string url() const;
  const SpkiDigest& pin() const { return options_.pin; }

  Result<Platform> platform();
  Result<std::string> create_environment(const std::string& contract, const std::string& idempotency_key);
  Result<std::vector<EnvironmentView>> environments();
  Result<EnvironmentView> environment(const std::string& id);

  // put_dataset gives the number of bytes that the hub holds already.
  Result<std::uint64_t> put_dataset(const std::string& environment, const jobs::SignedDocument& manifest);
  // upload sends the envelope from `from` on in pieces of 4 MiB, continuing where the hub says it stands.
  using UploadProgress = std::function<void(std::uint64_t sent, std::uint64_t total)>;
  Status upload(const std::string& environment, const std::string& manifest, ByteView envelope, std::uint64_t from,
                const UploadProgress& progress);
  Result<std::vector<DatasetView>> datasets(const std::string& environment);

  Result<SubmittedQuery> submit(const std::string& environment, const jobs::SignedDocument& proposal);
  Result<std::vector<QueryView>> queries(const std::string& environment);
  Result<QueryView> query(const std::string& environment, const std::string& query);
  Result<VotesView> vote(const std::string& environment, const std::string& query, jobs::Decision decision,
                         const jobs::SignedDocument& ballot);
  // result_link: for the package of `recipient`. download: the sealed package of a link, in as many connections as it takes: one that is cut off is
  // taken up again where it stopped, `attempts` times without a byte in between, with `pause` before each. `binding` when the package changes meanwhile.
  Result<ResultLink> result_link(const std::string& environment, const std::string& query, const std::string& recipient);
  using DownloadProgress = std::function<void(std::uint64_t received, std::uint64_t total)>;
  Result<Bytes> download(const ResultLink& link, const std::function<void()>& pause, const DownloadProgress& progress, int attempts = 5);
  // events: a page of those that are kept, behind `cursor`, or from the first. watch gives `stream` what one connection brings, from its cursor on,
  // until the hub ends it. `unavailable`: it may be called again. `freshness`: events behind the
  // cursor are gone.
  Result<EventPage> events(const std::string& environment, const std::string& cursor);
  Status watch(const std::string& environment, EventStream& stream);
  // result: the sealed package, unopened. receipt: the receipt file's text, unverified.
  Result<Bytes> result(const std::string& environment, const std::string& query, const std::string& recipient);
  Result<std::string> receipt(const std::string& environment, const std::string& query);

  // API keys: the asking key's subject's own, or all of them for an admin's key.
  Result<NewApiKeyView> create_api_key(const ApiKeyWish& wish);
  Result<std::vector<ApiKeyView>> api_keys();
  // rotate: a new key in the place of `id`, which is refused from then on. revoke: `id` is refused from then on.
  Result<NewApiKeyView> rotate_api_key(const std::string& id);
  Result<ApiKeyView> revoke_api_key(const std::string& id);

 private:
  explicit HubClient(HubOptions options, net::HttpClient client) : options_(std::move(options)), client_(std::move(client)) {}
  static Result<net::HttpClient> open(const HubOptions& options);
  Result<json::Value> call(Call call);
  Status reopen();
  // all pages of a list, at most 100 pages.
  Result<json::Array> list(const std::string& target);

  HubOptions options_;
  net::HttpClient client_;
};

}  // namespace redoubt::sdk
