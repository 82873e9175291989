#include "untrusted/hub/instances/host_door.h"

#include "common/attest/evidence/claims.h"
#include "common/jobs/cleanroom/verdict.h"
#include "common/net/problem.h"
#include "common/receipt/note.h"
#include "common/receipt/receipt_file.h"

namespace redoubt::hub {
namespace {

constexpr std::size_t kMaxAnswer = 64U << 20;
constexpr std::size_t kMaxItems = 4096;
constexpr std::size_t kMaxSealed = 32U << 20;
// A run may take as long as its engine is allowed to; a program that is gone is seen at once, since its socket closes.
constexpr std::chrono::milliseconds kStallTime = std::chrono::minutes(15);

// members: the named ones of an object, so that a later program may add others.
json::Value members(const json::Value& value, std::initializer_list<std::string_view> names) {
  json::Object out;
  if (value.object() == nullptr) return value;
  for (const std::string_view name : names) {
    const auto found = value.object()->find(name);
    if (found != value.object()->end()) out.emplace(found->first, found->second);
  }
  return out;
}

Result<std::map<std::string, std::string>> states(const json::Array& items, std::string_view key) {
  std::map<std::string, std::string> out;
  for (const json::Value& item : items) {
    const json::Value known = members(item, {key, "state"});
    json::ObjectReader reader(known, key);
    std::string name = reader.nonempty(key, 64);
    std::string state = reader.nonempty("state", 64);
    REDOUBT_CHECK(reader.finish());
    out.emplace(std::move(name), std::move(state));
  }
  return out;
}

// missing_signatures: of the carry-over, when there is one.
Result<std::vector<std::string>> missing_signatures(const json::Value& answer) {
  const auto found = answer.object()->find("carry_over");
  if (found == answer.object()->end() || found->second.is_null()) return std::vector<std::string>();
  const json::Value known = members(found->second, {"missing"});
  json::ObjectReader reader(known, "carry-over");
  const json::Array& missing = reader.array("missing", jobs::Contract::kMaxParticipants);
  REDOUBT_CHECK(reader.finish());
  return json::strings(json::Value(missing), "missing", jobs::Contract::kMaxParticipants);
}

}  // namespace

Result<HostDoor> HostDoor::connect(const std::string& unix_path) {
  net::ClientOptions options;
  options.unix_path = unix_path;
  options.connect_time = std::chrono::seconds(5);
  options.stall_time = kStallTime;
  options.max_response_bytes = kMaxAnswer;
  REDOUBT_TRY(auto client, net::HttpClient::connect(options).context("connecting to the enclave program"));
  return HostDoor(std::move(client));
}

Result<json::Value> HostDoor::call(net::ClientRequest request, Code broken) {
  const auto response = client_.request(request);
  if (!response.ok()) {
    const Error error = response.error().context("calling the enclave program");
    return error.code() == Code::unavailable ? Error(broken, error.message()) : error;
  }
  if (response->status >= 400) return net::error_of(response->status, response->body, "the enclave program");
  return json::parse(as_text(response->body), {.max_bytes = kMaxAnswer, .max_depth = 8}).context("answer of the enclave program");
}

Result<json::Value> HostDoor::post(std::string target, const json::Value& body) {
  net::ClientRequest request{.method = "POST", .target = std::move(target)};
  request.headers.add("content-type", "application/json");
  request.body = to_bytes(json::canonical(body));
  return call(std::move(request));
}

Result<RoomState> HostDoor::state() {
  REDOUBT_TRY(const json::Value answer, call({.target = "/host/state"}));
  const json::Value known = members(answer, {"address", "claims", "datasets", "forgotten", "instance", "joined", "open", "proposals"});
  json::ObjectReader reader(known, "state");
  RoomState out;
  out.address = net::printable(reader.nonempty("address", 256), 256);
  out.claims = reader.nonempty("claims", receipt::StoredEvidence::kMaxClaims);
  out.instance = reader.hex<InstanceId>("instance");
  out.open = reader.boolean("open");
  const json::Array& datasets = reader.array("datasets", kMaxItems);
  const json::Array& proposals = reader.array("proposals", kMaxItems);
  const json::Array& forgotten = reader.array("forgotten", kMaxItems);
  const json::Array& joined = reader.array("joined", jobs::Contract::kMaxParticipants);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(out.joined, json::strings(json::Value(joined), "joined", jobs::Contract::kMaxParticipants));
  REDOUBT_TRY(out.forgotten, json::strings(json::Value(forgotten), "forgotten", kMaxItems));
  REDOUBT_TRY(out.carry_over_missing, missing_signatures(answer));
  REDOUBT_TRY(out.datasets, states(datasets, "manifest"));
  REDOUBT_TRY(out.proposals, states(proposals, "proposal"));
  REDOUBT_TRY(const attest::Claims claims, attest::Claims::parse(out.claims));
  out.boot = claims.boot;
  return out;
}

Status HostDoor::offer_old_logs(const std::vector<jobs::OldLog>& logs, const std::string& checkpoint) {
  json::Array items;
  for (const jobs::OldLog& log : logs) {
    json::Array entries;
    for (const Bytes& entry : log.entries) entries.emplace_back(base64_encode(entry));
    items.emplace_back(json::Object{{"entries", std::move(entries)}, {"instance", log.instance.hex()}});
  }
  const auto answer = post("/host/old-logs", json::Object{{"checkpoint", checkpoint}, {"logs", std::move(items)}});
  if (!answer.ok()) return answer.error();
  return {};
}

Status HostDoor::recall(const jobs::SignedDocument& proposal) {
  const auto answer = post("/host/earlier-proposals", proposal.to_json());
  if (!answer.ok()) return answer.error();
  return {};
}

Status HostDoor::put_manifest(const jobs::SignedDocument& manifest) {
  const auto answer = post("/host/manifests", manifest.to_json());
  if (!answer.ok()) return answer.error();
  return {};
}

Result<std::uint64_t> HostDoor::put_ciphertext(const std::string& manifest, std::uint64_t offset, Bytes part) {
  net::ClientRequest request{.method = "PUT", .target = "/host/ciphertext/" + manifest + "?offset=" + std::to_string(offset)};
  request.headers.add("content-type", "application/octet-stream");
  request.body = std::move(part);
  REDOUBT_TRY(const json::Value answer, call(std::move(request)));
  const json::Value known = members(answer, {"received"});
  json::ObjectReader reader(known, "ciphertext");
  const std::int64_t received = reader.integer("received", 0, std::int64_t{1} << 52);
  REDOUBT_CHECK(reader.finish());
  return static_cast<std::uint64_t>(received);
}

Result<json::Value> HostDoor::propose(const jobs::SignedDocument& proposal) { return post("/host/proposals", proposal.to_json()); }

Result<RoomTally> HostDoor::vote(const std::string& proposal, const jobs::SignedDocument& ballot) {
  REDOUBT_TRY(json::Value answer, post("/host/ballots/" + proposal, ballot.to_json()));
  const json::Value known = members(answer, {"met", "state"});
  json::ObjectReader reader(known, "votes");
  const bool met = reader.boolean("met");
  const std::string state = reader.nonempty("state", 64);
  REDOUBT_CHECK(reader.finish());
  return RoomTally{std::move(answer), met, state == name_of(jobs::Standing::rejected)};
}

Result<RoomRun> HostDoor::run(const std::string& proposal) {
  REDOUBT_TRY(const json::Value answer, call({.method = "POST", .target = "/host/runs/" + proposal}, Code::internal));
  const json::Value known = members(answer, {"packages", "receipt"});
  json::ObjectReader reader(known, "run");
  RoomRun out;
  out.receipt = reader.nonempty("receipt", receipt::ReceiptFile::kMaxSize);
  const json::Array& packages = reader.array("packages", jobs::Contract::kMaxParticipants);
  REDOUBT_CHECK(reader.finish());
  for (const json::Value& item : packages) {
    const json::Value package = members(item, {"recipient", "sealed"});
    json::ObjectReader item_reader(package, "package");
    std::string recipient = item_reader.nonempty("recipient", 64);
    Bytes sealed = item_reader.base64("sealed", kMaxSealed);
    REDOUBT_CHECK(item_reader.finish());
    out.packages.emplace_back(std::move(recipient), std::move(sealed));
  }
  return out;
}

Result<RoomLog> HostDoor::log(std::uint64_t from) {
  REDOUBT_TRY(const json::Value answer, call({.target = "/host/log?from=" + std::to_string(from)}));
  const json::Value known = members(answer, {"checkpoint", "entries"});
  json::ObjectReader reader(known, "log");
  RoomLog out;
  out.checkpoint = reader.nonempty("checkpoint", receipt::kMaxNoteSize);
  const json::Array& entries = reader.array("entries", kMaxItems);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const auto texts, json::strings(json::Value(entries), "entries", kMaxItems));
  for (const std::string& text : texts) {
    REDOUBT_TRY(Bytes entry, base64_decode(text));
    out.entries.push_back(std::move(entry));
  }
  return out;
}

}  // namespace redoubt::hub
