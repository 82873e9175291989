// Environments, the platform and the log.
#include "untrusted/hub/api/api.h"
#include "untrusted/hub/jobs/handlers.h"
#include "untrusted/hub/store/logs.h"

namespace redoubt::hub {
namespace {

constexpr std::size_t kMaxEntries = 1000;

}  // namespace

Result<net::HttpResponse> HubApi::get_platform(const Call& call) {
  if (!call.request.query.empty()) return Error(Code::usage, "query: expected none");
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
  const Environment environment{contract.environment, text, contract.digest(), EnvironmentState::active, parts_.now(), parts_.hub};
  std::vector<ParticipantRecord> participants;
  for (const jobs::Participant& participant : contract.participants) participants.push_back({participant.name, participant.signing_key});

  const std::lock_guard lock(lock_of(environment.id));
  const auto present = parts_.store.read([&](Transaction& transaction) { return hub::get_environment(transaction, environment.id); });
  const net::HttpResponse created = json_answer(present.ok() ? 200 : 201, json::Object{{"environment", environment.id}});
  if (present.ok()) {
    if (present->contract_digest != environment.contract_digest) {
      return conflict("environment \"" + environment.id + "\" exists with another contract");
    }
    return created;
  }
  if (present.error().code() != Code::not_found) return present.error();
  REDOUBT_CHECK(parts_.store.write("environment.add", [&](Transaction& transaction) -> Status {
    REDOUBT_CHECK(add_environment(transaction, environment, participants));
    REDOUBT_CHECK(add_start_job(transaction, environment.id, parts_.now()));
    return record(transaction, call, "environment.create", environment.id, created);
  }));
  parts_.wake_worker();
  return created;
}

json::Value HubApi::environment_json(const Environment& environment) {
  InstanceView view = parts_.host.view(environment.id);
  if (!environment.home.empty() && environment.home != parts_.hub) view.reason = "kept by another hub: " + environment.home;
  json::Object out{{"contract", environment.contract},
                   {"contract_digest", environment.contract_digest.hex()},
                   {"id", environment.id},
                   {"state", view.state}};
  if (!view.address.empty()) out.emplace("address", view.address);
  if (!view.instance.empty()) out.emplace("instance", view.instance);
  if (!view.reason.empty()) out.emplace("reason", view.reason);
  return out;
}

Result<net::HttpResponse> HubApi::list_environments(const Call& call) {
  REDOUBT_TRY(const PageRequest request, page_of(call));
  std::vector<Environment> seen;
  REDOUBT_TRY(const auto page, parts_.store.read([&](Transaction& transaction) -> Result<Page<Environment>> {
    REDOUBT_TRY(auto found, hub::list_environments(transaction, request));
    for (const Environment& environment : found.items) {
      REDOUBT_TRY(const auto participants, get_participants(transaction, environment.id));
      const bool takes_part = std::ranges::any_of(participants, [&](const auto& item) { return item.name == call.caller.subject; });
      if (call.caller.admin || takes_part) seen.push_back(environment);
    }
    return found;
  }));
  json::Array items;
  for (const Environment& environment : seen) items.push_back(environment_json(environment));
  return json_answer(200, list_json(std::move(items), page.next));
}

Result<net::HttpResponse> HubApi::get_environment(const Call& call) {
  REDOUBT_TRY(const Environment environment, visible(call));
  return json_answer(200, environment_json(environment));
}

Result<net::HttpResponse> HubApi::get_log(const Call& call) {
  REDOUBT_TRY(const Environment environment, visible(call));
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
