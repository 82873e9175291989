// Environments, the platform and the log.
#include "untrusted/hub/api/api.h"
#include "untrusted/hub/jobs/handlers.h"
#include "untrusted/hub/store/logs.h"

namespace redoubt::hub {
namespace {

constexpr std::size_t kMaxEntries = 1000;

}  // namespace

Result<net::HttpResponse> HubApi::get_platform(const Call&) {
  REDOUBT_TRY(const json::Value platform, parts_.launcher.platform());
  return json_answer(200, platform);
}

Result<net::HttpResponse> HubApi::create_environment(const Call& call) {
  REDOUBT_TRY(const json::Value body, body_of(call));
  json::ObjectReader reader(body, "body");
  const std::string text = reader.nonempty("contract", jobs::Contract::kMaxBytes);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const jobs::Contract contract, jobs::Contract::parse(text).context("contract"));
  if (!call.caller.admin && contract.find(call.caller.subject) == nullptr) {
    return Error(Code::refused, "contract: \"" + call.caller.subject + "\" is not a participant");
  }
  // The id follows from the contract, so nobody can take another's, and whoever holds the contract knows it. The name is anybody's.
  const Environment environment{contract.digest().hex(), text,      contract.digest(),    EnvironmentState::active,
                                parts_.now(),            parts_.hub, contract.environment, call.caller.subject};
  std::vector<ParticipantRecord> participants;
  for (const jobs::Participant& participant : contract.participants) participants.push_back({participant.name, participant.signing_key});

  const std::lock_guard lock(lock_of(environment.id));
  const auto response = [&](int status) { return json_answer(status, json::Object{{"environment", environment.id}, {"name", environment.name}}); };
  auto created = parts_.store.write("environment.add", [&](Transaction& transaction) -> Result<net::HttpResponse> {
    const auto present = hub::get_environment(transaction, environment.id);
    if (present.ok()) return response(200);
    if (present.error().code() != Code::not_found) return present.error();
    REDOUBT_TRY(const std::uint64_t count, active_environments(transaction, environment.creator));
    if (!call.caller.admin && count >= kMaxEnvironments) {
      return conflict("\"" + environment.creator + "\" has created " + std::to_string(count) + " environments: that is the most");
    }
    REDOUBT_CHECK(add_environment(transaction, environment, participants));
    REDOUBT_CHECK(add_start_job(transaction, environment.id, parts_.now()));
    net::HttpResponse made = response(201);
    REDOUBT_CHECK(record(transaction, call, "environment.create", environment.id, made));
    return made;
  });
  if (created.ok() && created->status == 201) parts_.wake_worker();
  return created;
}

json::Value HubApi::environment_json(const Environment& environment) {
  InstanceView view = parts_.host.view(environment.id);
  if (!environment.home.empty() && environment.home != parts_.hub) view.reason = "kept by another hub: " + environment.home;
  json::Object out{{"contract", environment.contract},
                   {"contract_digest", environment.contract_digest.hex()},
                   {"id", environment.id},
                   {"name", environment.name},
                   {"state", view.state}};
  if (!view.address.empty()) out.emplace("address", view.address);
  if (!view.instance.empty()) out.emplace("instance", view.instance);
  if (!view.reason.empty()) out.emplace("reason", view.reason);
  return out;
}

Result<net::HttpResponse> HubApi::list_environments(const Call& call) {
  REDOUBT_TRY(const PageRequest request, page_of(call));
  const auto participant = call.caller.admin ? std::nullopt : std::optional<std::string_view>(call.caller.subject);
  REDOUBT_TRY(const auto page, parts_.store.read([&](Transaction& transaction) { return hub::list_environments(transaction, request, participant); }));
  json::Array items;
  for (const Environment& environment : page.items) items.push_back(environment_json(environment));
  return json_answer(200, list_json(std::move(items), page.next));
}

Result<net::HttpResponse> HubApi::get_environment(const Call& call) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  return json_answer(200, environment_json(environment));
}

Result<net::HttpResponse> HubApi::get_log(const Call& call) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  REDOUBT_TRY(const std::uint64_t from, number_of(call, "from", 0));
  return parts_.store.read([&](Transaction& transaction) -> Result<net::HttpResponse> {
    REDOUBT_TRY(const Instance instance, latest_instance(transaction, environment.id));
    REDOUBT_TRY(const auto entries, get_entries(transaction, instance.id, from, kMaxEntries));
    REDOUBT_TRY(const std::string checkpoint, last_checkpoint(transaction, instance.id));
    json::Array items;
    for (const Bytes& entry : entries) items.emplace_back(base64_encode(entry));
    return json_answer(200, json::Object{{"checkpoint", checkpoint}, {"entries", std::move(items)}, {"instance", instance.id.hex()}});
  });
}

}  // namespace redoubt::hub
