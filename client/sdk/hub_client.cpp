#include "client/sdk/hub_client.h"

#include "client/sdk/members.h"
#include "common/net/problem.h"
#include "common/net/uri.h"
#include "common/receipt/note.h"
#include "common/receipt/proof_json.h"
#include "common/receipt/receipt_file.h"

namespace redoubt::sdk {
namespace {

constexpr std::size_t kPiece = 4U << 20;
constexpr int kMaxPages = 100;
constexpr std::size_t kMaxItems = 1000;
constexpr std::size_t kMaxSealed = 32U << 20;

std::string environment_path(const std::string& environment) {
  return "/api/tee/environments/" + net::percent_encode(environment);
}

std::string query_path(const std::string& environment, const std::string& query) {
  return environment_path(environment) + "/queries/" + net::percent_encode(query);
}

// optional_text: a member that may be absent or null.
std::string optional_text(const json::Value& value, std::string_view member) {
  if (value.object() == nullptr) return {};
  const auto found = value.object()->find(member);
  return found != value.object()->end() && found->second.string() != nullptr ? net::printable(*found->second.string(), 500) : "";
}

Result<EnvironmentView> read_environment(const json::Value& value) {
  const json::Value known = members_of(value, {"contract_digest", "id", "state"});
  json::ObjectReader reader(known, "environment");
  EnvironmentView view;
  view.id = reader.nonempty("id", 128);
  view.contract_digest = reader.nonempty("contract_digest", 64);
  view.state = net::printable(reader.nonempty("state", 64), 64);
  REDOUBT_CHECK(reader.finish());
  view.address = optional_text(value, "address");
  view.instance = optional_text(value, "instance");
  return view;
}

Result<QueryView> read_query(const json::Value& value) {
  const json::Value known = members_of(value, {"ballots", "proposal", "query", "state"});
  json::ObjectReader reader(known, "query");
  QueryView view;
  view.query = reader.nonempty("query", 64);
  view.state = net::printable(reader.nonempty("state", 64), 64);
  const json::Value& proposal = reader.object("proposal");
  const json::Array& ballots = reader.array("ballots", jobs::Contract::kMaxParticipants);
  REDOUBT_CHECK(reader.finish());
  view.reason = optional_text(value, "reason");
  REDOUBT_TRY(view.proposal, jobs::SignedDocument::from_json(proposal, jobs::Proposal::kMaxBytes));
  for (const json::Value& item : ballots) {
    REDOUBT_TRY(auto ballot, jobs::SignedDocument::from_json(item, jobs::Ballot::kMaxBytes));
    view.ballots.push_back(std::move(ballot));
  }
  return view;
}

Result<std::uint64_t> read_received(const json::Value& value) { return read_count(value, "received", "upload"); }

}  // namespace

Result<Address> parse_hub_url(std::string_view url) {
  constexpr std::string_view scheme = "https://";
  if (!url.starts_with(scheme)) return Error(Code::usage, "hub: expected https://HOST:PORT, found \"" + std::string(url) + "\"");
  std::string_view rest = url.substr(scheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || rest.find('/') != std::string_view::npos) {
    return Error(Code::usage, "hub: expected https://HOST:PORT, found \"" + std::string(url) + "\"");
  }
  std::string host(rest.substr(0, colon));
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  int port = 0;
  for (const char c : rest.substr(colon + 1)) {
    if (c < '0' || c > '9' || port > 65535) return Error(Code::usage, "hub: expected a port from 1 to 65535");
    port = port * 10 + (c - '0');
  }
  if (port < 1 || port > 65535) return Error(Code::usage, "hub: expected a port from 1 to 65535");
  return Address{host, static_cast<std::uint16_t>(port)};
}

Result<net::HttpClient> HubClient::open(const HubOptions& options) {
  net::ClientOptions client;
  client.host = options.address.host;
  client.port = options.address.port;
  client.trust = net::TrustSpki{options.pin};
  client.max_response_bytes = kMaxLargeAnswer;
  return net::HttpClient::connect(client).context("connecting to the hub");
}

Result<HubClient> HubClient::connect(const HubOptions& options) {
  REDOUBT_TRY(auto client, open(options));
  return HubClient(options, std::move(client));
}

Result<json::Value> HubClient::call(Call call) {
  call.bearer = options_.api_key;
  REDOUBT_CHECK(reopen());
  return ask(client_, call);
}

Result<json::Array> HubClient::list(const std::string& target) {
  json::Array items;
  std::string cursor;
  for (int page = 0; page < kMaxPages; ++page) {
    REDOUBT_TRY(json::Value answer, call({.target = cursor.empty() ? target : target + "?cursor=" + net::percent_encode(cursor)}));
    const json::Value known = members_of(answer, {"items"});
    json::ObjectReader reader(known, target);
    const json::Array& found = reader.array("items", kMaxItems);
    REDOUBT_CHECK(reader.finish());
    items.insert(items.end(), found.begin(), found.end());
    cursor = optional_text(answer, "next");
    if (cursor.empty()) return items;
  }
  return Error(Code::malformed, target + ": more than " + std::to_string(kMaxPages) + " pages");
}

Result<Platform> HubClient::platform() {
  REDOUBT_TRY(const json::Value answer, call({.target = "/api/tee/platform"}));
  const json::Value known = members_of(answer, {"programs", "tpm_roots"});
  json::ObjectReader reader(known, "platform");
  Platform platform;
  platform.tpm_roots = reader.string("tpm_roots");
  const json::Array& programs = reader.array("programs", 64);
  REDOUBT_CHECK(reader.finish());
  for (const json::Value& item : programs) {
    const json::Value program = members_of(item, {"manifest", "name"});
    json::ObjectReader item_reader(program, "program");
    Platform::Program out{item_reader.nonempty("name", 128), item_reader.nonempty("manifest", 64)};
    REDOUBT_CHECK(item_reader.finish());
    platform.programs.push_back(std::move(out));
  }
  return platform;
}

Result<std::string> HubClient::create_environment(const std::string& contract, const std::string& idempotency_key) {
  Call request{.method = "POST", .target = "/api/tee/environments", .idempotency_key = idempotency_key};
  request.body = json::Object{{"contract", contract}};
  REDOUBT_TRY(const json::Value answer, call(std::move(request)));
  const json::Value known = members_of(answer, {"environment"});
  json::ObjectReader reader(known, "environment");
  const std::string id = reader.nonempty("environment", 128);
  REDOUBT_CHECK(reader.finish());
  return id;
}

Result<std::vector<EnvironmentView>> HubClient::environments() {
  REDOUBT_TRY(const json::Array items, list("/api/tee/environments"));
  std::vector<EnvironmentView> views;
  for (const json::Value& item : items) {
    REDOUBT_TRY(auto view, read_environment(item));
    views.push_back(std::move(view));
  }
  return views;
}

Result<EnvironmentView> HubClient::environment(const std::string& id) {
  REDOUBT_TRY(const json::Value answer, call({.target = environment_path(id)}));
  return read_environment(answer);
}

Result<std::uint64_t> HubClient::put_dataset(const std::string& environment, const jobs::SignedDocument& manifest) {
  Call request{.method = "POST", .target = environment_path(environment) + "/datasets"};
  request.body = json::Object{{"manifest", manifest.to_json()}};
  REDOUBT_TRY(const json::Value answer, call(std::move(request)));
  return read_received(answer);
}

Status HubClient::upload(const std::string& environment, const std::string& manifest, ByteView envelope, std::uint64_t from,
                         const UploadProgress& progress) {
  const std::string target = environment_path(environment) + "/datasets/" + net::percent_encode(manifest) + "/content?offset=";
  std::uint64_t at = from;
  while (at < envelope.size()) {
    const std::size_t size = std::min<std::size_t>(kPiece, envelope.size() - static_cast<std::size_t>(at));
    net::ClientRequest request;
    request.method = "PUT";
    request.target = target + std::to_string(at);
    request.headers.add("authorization", "Bearer " + options_.api_key);
    request.headers.add("content-type", "application/octet-stream");
    request.body = to_bytes(envelope.subspan(static_cast<std::size_t>(at), size));
    REDOUBT_CHECK(reopen());
    const auto response = client_.request_ok(request);
    if (!response.ok()) return response.error().context("uploading at byte " + std::to_string(at));
    REDOUBT_TRY(const json::Value answer, json::parse(as_text(response->body)).context("upload"));
    REDOUBT_TRY(const std::uint64_t received, read_received(answer));
    // A hub that goes back or runs ahead would keep us here for ever, or skip bytes.
    if (received <= at || received > at + size) {
      return Error(Code::malformed, "upload: expected the hub to stand at byte " + std::to_string(at + size) + ", found " + std::to_string(received));
    }
    at = received;
    if (progress) progress(at, envelope.size());
  }
  return {};
}

Result<std::vector<DatasetView>> HubClient::datasets(const std::string& environment) {
  REDOUBT_TRY(const json::Array items, list(environment_path(environment) + "/datasets"));
  std::vector<DatasetView> views;
  for (const json::Value& item : items) {
    const json::Value known = members_of(item, {"document", "state"});
    json::ObjectReader reader(known, "dataset");
    const json::Value& document = reader.object("document");
    DatasetView view;
    view.state = net::printable(reader.nonempty("state", 64), 64);
    REDOUBT_CHECK(reader.finish());
    REDOUBT_TRY(view.document, jobs::SignedDocument::from_json(document, jobs::Manifest::kMaxBytes));
    REDOUBT_TRY(const jobs::Manifest manifest, jobs::Manifest::parse(view.document.text));
    view.digest = manifest.digest().hex();  // the hub's own word for it is not needed
    views.push_back(std::move(view));
  }
  return views;
}

Result<SubmittedQuery> HubClient::submit(const std::string& environment, const jobs::SignedDocument& proposal) {
  Call request{.method = "POST", .target = environment_path(environment) + "/queries"};
  request.body = json::Object{{"proposal", proposal.to_json()}};
  REDOUBT_TRY(const json::Value answer, call(std::move(request)));
  const json::Value known = members_of(answer, {"checkpoint", "inclusion", "query", "state"});
  json::ObjectReader reader(known, "query");
  SubmittedQuery query;
  query.checkpoint = reader.nonempty("checkpoint", receipt::kMaxNoteSize);
  const json::Array& inclusion = reader.array("inclusion", receipt::kMaxProofCount);
  query.query = reader.nonempty("query", 64);
  query.state = net::printable(reader.nonempty("state", 64), 64);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(query.index, read_count(answer, "index", "query"));
  REDOUBT_TRY(query.inclusion, receipt::proof_from_json(inclusion, "inclusion"));
  return query;
}

Result<std::vector<QueryView>> HubClient::queries(const std::string& environment) {
  REDOUBT_TRY(const json::Array items, list(environment_path(environment) + "/queries"));
  std::vector<QueryView> views;
  for (const json::Value& item : items) {
    REDOUBT_TRY(auto view, read_query(item));
    views.push_back(std::move(view));
  }
  return views;
}

Result<QueryView> HubClient::query(const std::string& environment, const std::string& query) {
  REDOUBT_TRY(const json::Value answer, call({.target = query_path(environment, query)}));
  return read_query(answer);
}

Result<VotesView> HubClient::vote(const std::string& environment, const std::string& query, jobs::Decision decision,
                                  const jobs::SignedDocument& ballot) {
  Call request{.method = "POST",
               .target = query_path(environment, query) + (decision == jobs::Decision::approve ? "/approve" : "/reject")};
  request.body = json::Object{{"ballot", ballot.to_json()}};
  REDOUBT_TRY(const json::Value answer, call(std::move(request)));
  return read_votes(answer);
}

Result<Bytes> HubClient::result(const std::string& environment, const std::string& query, const std::string& recipient) {
  REDOUBT_TRY(const json::Value answer, call({.target = query_path(environment, query) + "/result/" + net::percent_encode(recipient),
                                              .max_bytes = kMaxLargeAnswer}));
  const json::Value known = members_of(answer, {"sealed"});
  json::ObjectReader reader(known, "result");
  Bytes sealed = reader.base64("sealed", kMaxSealed);
  REDOUBT_CHECK(reader.finish());
  return sealed;
}

Result<std::string> HubClient::receipt(const std::string& environment, const std::string& query) {
  REDOUBT_TRY(const json::Value answer,
              call({.target = query_path(environment, query) + "/receipt", .max_bytes = receipt::ReceiptFile::kMaxSize}));
  return json::pretty(answer);
}

}  // namespace redoubt::sdk
