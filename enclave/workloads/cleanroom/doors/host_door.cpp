#include "enclave/workloads/cleanroom/doors/host_door.h"

#include "enclave/workloads/cleanroom/doors/json_forms.h"

namespace redoubt::cleanroom {
namespace {

constexpr std::uint64_t kDocumentBody = 512 * 1024;
constexpr std::uint64_t kPartBody = 4U << 20;
constexpr std::uint64_t kChangeBody = 2U << 20;
constexpr std::uint64_t kSuccessionBody = 8U << 20;  // a hand-over file, which is a text in this body
constexpr std::uint64_t kOldLogsBody = 12U << 20;  // all entries that CarriedLogs takes, in base64

json::Value state(const Room& room, const std::string& address) {
  const RoomStatus status = room.status();
  json::Array datasets;
  for (const auto& [manifest, dataset_state] : status.datasets) {
    datasets.emplace_back(json::Object{{"manifest", manifest.hex()}, {"state", name_of(dataset_state)}});
  }
  json::Array proposals;
  for (const auto& [proposal, proposal_state] : status.proposals) {
    proposals.emplace_back(json::Object{{"proposal", proposal.hex()}, {"state", proposal_state}});
  }
  json::Array forgotten;
  for (const jobs::ProposalDigest& proposal : status.forgotten) forgotten.emplace_back(proposal.hex());
  return json::Object{{"address", address},
                      {"carry_over", status.carry_over ? to_json(*status.carry_over) : json::Value()},
                      {"checkpoint", room.checkpoint()},
                      {"claims", room.claims().canonical()},
                      {"datasets", std::move(datasets)},
                      {"ended", status.ended},
                      {"forgotten", std::move(forgotten)},
                      {"instance", room.claims().instance.hex()},
                      {"joined", names_json(status.joined)},
                      {"log_size", static_cast<std::int64_t>(status.log_size)},
                      {"open", status.open},
                      {"proposals", std::move(proposals)}};
}

Result<jobs::OldLog> read_old_log(const json::Value& value) {
  json::ObjectReader reader(value, "old log");
  jobs::OldLog old;
  old.instance = reader.hex<InstanceId>("instance");
  const json::Array& items = reader.array("entries", jobs::CarriedLogs::kMaxEntries);
  REDOUBT_CHECK(reader.finish());
  for (const json::Value& item : items) {
    if (item.string() == nullptr) return Error(Code::malformed, "old log: expected entries in base64");
    REDOUBT_TRY(old.entries.emplace_back(), base64_decode(*item.string()).context("old log"));
  }
  return old;
}

Result<json::Value> offer_old_logs(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const json::Value body, json::parse(as_text(request.body), {.max_bytes = kOldLogsBody, .max_depth = 4}));
  json::ObjectReader reader(body, "old logs");
  std::string untrusted_checkpoint = reader.nonempty("checkpoint", 4096);
  const json::Array& items = reader.array("logs", jobs::CarryOver::kMaxLogs);
  REDOUBT_CHECK(reader.finish());
  std::vector<jobs::OldLog> untrusted_logs;
  for (const json::Value& item : items) {
    REDOUBT_TRY(untrusted_logs.emplace_back(), read_old_log(item));
  }
  REDOUBT_CHECK(room.offer_old_logs(untrusted_logs, std::move(untrusted_checkpoint)));
  return json::Value(json::Object{});
}

Result<json::Value> put_manifest(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const auto untrusted_document, signed_document(request, jobs::Manifest::kMaxBytes));
  REDOUBT_TRY(const auto digest, room.put_manifest(untrusted_document));
  return json::Value(json::Object{{"manifest", digest.hex()}});
}

Result<json::Value> recall(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const auto untrusted_document, signed_document(request, jobs::Proposal::kMaxBytes));
  REDOUBT_CHECK(room.recall(untrusted_document));
  return json::Value(json::Object{});
}

Result<json::Value> put_ciphertext(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const auto manifest, digest_param<jobs::ManifestDigest>(request, "manifest"));
  REDOUBT_TRY(const std::uint64_t offset, number(request, "offset", 0));
  REDOUBT_TRY(const std::uint64_t received, room.put_ciphertext(manifest, offset, request.body));
  return json::Value(json::Object{{"received", static_cast<std::int64_t>(received)}});
}

Result<json::Value> propose(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const auto untrusted_document, signed_document(request, jobs::Proposal::kMaxBytes));
  REDOUBT_TRY(const Reservation reservation, room.propose(untrusted_document));
  return to_json(reservation);
}

Result<json::Value> vote(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const auto proposal, digest_param<jobs::ProposalDigest>(request, "proposal"));
  REDOUBT_TRY(const auto untrusted_document, signed_document(request, jobs::Ballot::kMaxBytes));
  REDOUBT_TRY(const jobs::Verdict verdict, room.vote(proposal, untrusted_document));
  return to_json(verdict);
}

Result<json::Value> propose_change(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const auto untrusted_document, signed_document(request, jobs::ContractChange::kMaxBytes));
  REDOUBT_TRY(const ChangeView view, room.propose_change(untrusted_document));
  return to_json(view);
}

Result<json::Value> vote_change(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const auto change, digest_param<jobs::ChangeDigest>(request, "change"));
  REDOUBT_TRY(const auto untrusted_document, signed_document(request, jobs::ChangeBallot::kMaxBytes));
  REDOUBT_TRY(const jobs::Verdict verdict, room.vote_change(change, untrusted_document));
  return to_json(verdict);
}

Result<json::Value> hand_over(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const auto change, digest_param<jobs::ChangeDigest>(request, "change"));
  REDOUBT_TRY(std::string file, room.hand_over(change));
  return json::Value(json::Object{{"file", std::move(file)}});
}

Result<json::Value> succeed(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const json::Value body, json::parse(as_text(request.body), {.max_bytes = kSuccessionBody, .max_depth = 1}));
  json::ObjectReader reader(body, "succession");
  const std::string untrusted_file = reader.nonempty("file", jobs::HandOverFile::kMaxBytes);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(room.succeed(untrusted_file));
  return json::Value(json::Object{});
}

Result<json::Value> run(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const auto proposal, digest_param<jobs::ProposalDigest>(request, "proposal"));
  REDOUBT_TRY(const RunOutput output, room.run(proposal));
  json::Array packages;
  for (const ResultPackage& package : output.packages) {
    packages.emplace_back(json::Object{{"recipient", package.recipient}, {"sealed", base64_encode(package.sealed)}});
  }
  return json::Value(json::Object{{"packages", std::move(packages)}, {"receipt", output.receipt_file}});
}

Result<json::Value> log(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const std::uint64_t from, number(request, "from", 0));
  room.acknowledge(from);  // a host asks for what follows what it has stored
  return json::Value(json::Object{{"checkpoint", room.checkpoint()}, {"entries", entries_json(room.entries(from))}});
}

}  // namespace

void add_host_routes(net::Router& router, Room& room, std::string address) {
  using net::Access;
  router.get("/host/state", Access::open, [&room, address](const net::HttpRequest&) { return answer(state(room, address)); });
  router.post("/host/old-logs", Access::open, kOldLogsBody, handler(room, offer_old_logs));
  router.post("/host/manifests", Access::open, kDocumentBody, handler(room, put_manifest));
  router.add({"PUT", "/host/ciphertext/{manifest}", Access::open, kPartBody, handler(room, put_ciphertext)});
  router.post("/host/proposals", Access::open, kDocumentBody, handler(room, propose));
  router.post("/host/earlier-proposals", Access::open, kDocumentBody, handler(room, recall));
  router.post("/host/ballots/{proposal}", Access::open, kDocumentBody, handler(room, vote));
  router.post("/host/changes", Access::open, kChangeBody, handler(room, propose_change));
  router.post("/host/changes/{change}/ballots", Access::open, kDocumentBody, handler(room, vote_change));
  router.post("/host/changes/{change}/hand-over", Access::open, 0, handler(room, hand_over));
  router.post("/host/succession", Access::open, kSuccessionBody, handler(room, succeed));
  router.post("/host/runs/{proposal}", Access::open, 0, handler(room, run));
  router.get("/host/log", Access::open, handler(room, log));
}

}  // namespace redoubt::cleanroom
