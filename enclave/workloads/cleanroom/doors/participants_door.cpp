#include "enclave/workloads/cleanroom/doors/participants_door.h"

#include "enclave/workloads/cleanroom/doors/json_forms.h"

namespace redoubt::cleanroom {
namespace {

constexpr std::uint64_t kSmallBody = 16 * 1024;
constexpr std::uint64_t kManifestBody = 512 * 1024;
constexpr std::uint64_t kStatementBody = 32 * 1024;
constexpr std::size_t kMaxWrappedKey = 4096;
constexpr std::size_t kMaxEnrolment = 4096;

Result<json::Value> join(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const json::Value body, json::parse(as_text(request.body), {.max_bytes = kSmallBody, .max_depth = 1}));
  json::ObjectReader reader(body, "join");
  const auto signature = reader.hex<crypto::Ed25519Signature>("signature");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(room.join(request.principal, signature));
  return json::Value(json::Object{{"joined", names_json(room.status().joined)}});
}

Result<json::Value> carry_over(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const json::Value body, json::parse(as_text(request.body), {.max_bytes = kStatementBody, .max_depth = 1}));
  REDOUBT_TRY(const auto document, jobs::SignedDocument::from_json(body, jobs::CarryOver::kMaxBytes));
  REDOUBT_CHECK(room.carry_over(request.principal, document));
  const RoomStatus status = room.status();
  return json::Value(json::Object{{"missing", names_json(status.carry_over ? status.carry_over->missing : std::vector<std::string>())}});
}

Result<json::Value> release(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const json::Value body, json::parse(as_text(request.body), {.max_bytes = kManifestBody, .max_depth = 2}));
  json::ObjectReader reader(body, "release");
  const json::Value& manifest = reader.object("manifest");
  const Bytes wrapped = reader.base64("wrapped_key", kMaxWrappedKey);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const auto document, jobs::SignedDocument::from_json(manifest, jobs::Manifest::kMaxBytes));
  REDOUBT_TRY(const auto digest, room.release(request.principal, document, wrapped));
  return json::Value(json::Object{{"manifest", digest.hex()}});
}

Result<json::Value> enrol(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const json::Value body, json::parse(as_text(request.body), {.max_bytes = kSmallBody, .max_depth = 1}));
  json::ObjectReader reader(body, "enrolment");
  const Bytes enrolment = reader.base64("enrolment", kMaxEnrolment);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(room.add_enrolment(request.principal, enrolment));
  return json::Value(json::Object{});
}

Result<json::Value> query(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const auto proposal, digest_param<jobs::ProposalDigest>(request, "proposal"));
  REDOUBT_TRY(const Reservation reservation, room.reservation(proposal));
  REDOUBT_TRY(const jobs::Verdict verdict, room.verdict(proposal));
  json::Object out = *to_json(reservation).object();
  out.emplace("votes", to_json(verdict));
  return json::Value(std::move(out));
}

Result<json::Value> contract_change(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const auto change, digest_param<jobs::ChangeDigest>(request, "change"));
  REDOUBT_TRY(const ChangeView view, room.contract_change(change));
  return to_json(view);
}

Result<json::Value> handed_over(Room& room, const net::HttpRequest&) {
  const auto file = room.handed_over();
  if (!file) return Error(Code::not_found, "this contract was not handed over");
  return json::Value(json::Object{{"file", *file}});
}

Result<json::Value> consistency(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const std::uint64_t from, number(request, "from", std::nullopt));
  REDOUBT_TRY(const std::uint64_t to, number(request, "to", std::nullopt));
  REDOUBT_TRY(const receipt::Proof proof, room.consistency(from, to));
  return json::Value(json::Object{{"proof", proof_json(proof)}});
}

Result<json::Value> entries(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const std::uint64_t from, number(request, "from", 0));
  return json::Value(json::Object{{"entries", entries_json(room.stored_entries(from))}});
}

Result<json::Value> old_entries(Room& room, const net::HttpRequest& request) {
  REDOUBT_TRY(const std::uint64_t position, number(request, "position", std::nullopt));
  REDOUBT_TRY(const std::uint64_t from, number(request, "from", 0));
  return json::Value(json::Object{{"entries", entries_json(room.old_entries(position, from))}});
}

}  // namespace

void add_participants_routes(net::Router& router, Room& room, const RoomStatement& statement) {
  using net::Access;
  router.get("/instance", Access::attested, [&room, statement](const net::HttpRequest&) {
    const RoomStatus status = room.status();
    return answer(json::Value(json::Object{{"carry_over", status.carry_over ? to_json(*status.carry_over) : json::Value()},
                                           {"checkpoint", room.stored_checkpoint()},
                                           {"claims", room.claims().canonical()},
                                           {"contract", room.contract().digest().hex()},
                                           {"engine_sandbox", statement.engine_sandbox},
                                           {"joined", names_json(status.joined)},
                                           {"open", status.open},
                                           {"previous", room.previous()},
                                           {"program", statement.program.hex()},
                                           {"rule_set", statement.rule_set},
                                           {"state", statement.state}}));
  });
  router.post("/join", Access::attested, kSmallBody, handler(room, join));
  router.post("/carry-over", Access::attested, kStatementBody, handler(room, carry_over));
  router.post("/enrolments", Access::attested, kSmallBody, handler(room, enrol));
  router.post("/datasets/key", Access::attested, kManifestBody, handler(room, release));
  router.get("/queries/{proposal}", Access::attested, handler(room, query));
  router.get("/changes/{change}", Access::attested, handler(room, contract_change));
  router.get("/hand-over", Access::attested, handler(room, handed_over));
  router.get("/log/checkpoint", Access::attested, [&room](const net::HttpRequest&) {
    return answer(json::Value(json::Object{{"checkpoint", room.stored_checkpoint()}}));
  });
  router.get("/log/consistency", Access::attested, handler(room, consistency));
  router.get("/log/old", Access::attested, handler(room, old_entries));
  router.get("/log/entries", Access::attested, handler(room, entries));
}

}  // namespace redoubt::cleanroom
