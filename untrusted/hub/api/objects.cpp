// Loading what a path names: nothing is loaded for a caller in another way, and each asks authorize().
#include "untrusted/hub/api/api.h"

namespace redoubt::hub {
namespace {

Result<Object> with_participants(Transaction& transaction, Object::Kind kind, const std::string& environment) {
  Object out{.kind = kind};
  REDOUBT_TRY(const auto participants, get_participants(transaction, environment));
  for (const ParticipantRecord& participant : participants) out.participants.push_back(participant.name);
  return out;
}

// named: not_found by the store in the words of the API, so that what is not there and what may not be seen read the same.
Error named(const Error& error, Object::Kind kind) { return error.code() == Code::not_found ? absent(kind) : error; }

}  // namespace

Result<Environment> HubApi::load_environment(Transaction& transaction, const Call& call) {
  const std::string wanted = call.param("env");
  auto found = hub::get_environment(transaction, wanted);
  if (!found.ok() && found.error().code() != Code::not_found) return found.error();
  if (found.ok()) {
    REDOUBT_TRY(const Object object, with_participants(transaction, Object::Kind::environment, found->id));
    const Status allowed = authorize(call.caller, call.action, object);
    if (allowed.ok()) return found;
    if (allowed.error().code() != Code::not_found) return allowed.error();
  }
  // Not an id of the caller's: a name, if it tells one of the caller's environments from the others. Anybody may use any name.
  const auto participant = call.caller.admin ? std::nullopt : std::optional<std::string_view>(call.caller.subject);
  REDOUBT_TRY(auto all, environments_named(transaction, wanted, participant));
  if (all.empty()) return absent(Object::Kind::environment);
  if (all.size() > 1) return Error(Code::usage, "environment: several are called \"" + wanted + "\", expected an id");
  REDOUBT_TRY(const Object object, with_participants(transaction, Object::Kind::environment, all.front().id));
  REDOUBT_CHECK(authorize(call.caller, call.action, object));
  return std::move(all.front());
}

Result<Environment> HubApi::load_environment(const Call& call) {
  return parts_.store.read([&](Transaction& transaction) { return load_environment(transaction, call); });
}

Result<Dataset> HubApi::load_dataset(const Call& call, const Environment& environment, const jobs::ManifestDigest& manifest) {
  return parts_.store.read([&](Transaction& transaction) -> Result<Dataset> {
    auto found = find_dataset(transaction, environment.id, manifest.hex());
    if (!found.ok()) return named(found.error(), Object::Kind::dataset);
    REDOUBT_TRY(Object object, with_participants(transaction, Object::Kind::dataset, environment.id));
    object.owner = found->owner;
    REDOUBT_CHECK(authorize(call.caller, call.action, object));
    return found;
  });
}

Result<Query> HubApi::load_query(Transaction& transaction, const Call& call, const Environment& environment) {
  auto found = hub::get_query(transaction, call.param("query"));
  if (!found.ok()) return named(found.error(), Object::Kind::query);
  // Ids of one environment mean nothing in another.
  if (found->environment != environment.id) return absent(Object::Kind::query);
  REDOUBT_TRY(const Object object, with_participants(transaction, Object::Kind::query, environment.id));
  REDOUBT_CHECK(authorize(call.caller, call.action, object));
  return found;
}

Result<Query> HubApi::load_query(const Call& call, const Environment& environment) {
  return parts_.store.read([&](Transaction& transaction) { return load_query(transaction, call, environment); });
}

Result<ApiKey> HubApi::load_key(Transaction& transaction, const Call& call) {
  auto found = get_api_key(transaction, call.param("key"));
  if (!found.ok()) return named(found.error(), Object::Kind::api_key);
  REDOUBT_CHECK(authorize(call.caller, call.action, Object::of_key(*found)));
  return found;
}

}  // namespace redoubt::hub
