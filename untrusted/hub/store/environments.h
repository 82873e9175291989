// Environments, their participants, the enclave instances that serve them, and participants' signatures of an instance.
//
// An environment is identified by its id, which the hub derives from the contract; its name is what the contract calls it, and several
// environments may have one name. Everything here is a record for finding things again. Contracts, claims and signatures are kept as the exact text that was
// signed; the hub does not judge them, and participants compare contracts with the one they hold themselves.
#pragma once

#include "common/base/ids.h"
#include "common/crypto/ed25519.h"
#include "untrusted/hub/store/page.h"

namespace redoubt::hub {

enum class EnvironmentState { active, closed };
std::string_view name_of(EnvironmentState state);

struct ParticipantRecord {
  std::string name;
  crypto::Ed25519PublicKey signing_key;
  friend bool operator==(const ParticipantRecord&, const ParticipantRecord&) = default;
};

struct Environment {
  std::string id;
  std::string contract;  // canonical JSON
  ContractDigest contract_digest;
  EnvironmentState state = EnvironmentState::active;
  Instant created;
  std::string home{};     // id of the hub that keeps its program and ciphertext; empty: any
  std::string name{};     // in the contract; not unique
  std::string creator{};  // subject of the API key that asked for it
};

// add_environment adds the record with its participants. `refused` when the id exists, `malformed` for an id out of form.
Status add_environment(Transaction& transaction, const Environment& environment,
                       const std::vector<ParticipantRecord>& participants);
Result<Environment> get_environment(Transaction& transaction, std::string_view id);
Result<std::vector<ParticipantRecord>> get_participants(Transaction& transaction, std::string_view environment);
Status set_environment_state(Transaction& transaction, std::string_view id, EnvironmentState state);
// list_environments: all, or those in which `participant` takes part.
Result<Page<Environment>> list_environments(Transaction& transaction, const PageRequest& page,
                                            std::optional<std::string_view> participant = std::nullopt);
// environments_named: those of this name, all or in which `participant` takes part; at most two, since more are no better.
Result<std::vector<Environment>> environments_named(Transaction& transaction, std::string_view name, std::optional<std::string_view> participant);
// active_environments: how many of a creator are active.
Result<std::uint64_t> active_environments(Transaction& transaction, std::string_view creator);

enum class InstanceState { starting, running, stopped };
std::string_view name_of(InstanceState state);

struct Instance {
  InstanceId id;
  std::string environment;
  BootId boot;
  std::string claims;  // canonical JSON
  InstanceState state = InstanceState::starting;
  Instant created;
};

// add_instance: `not_found` when the environment is absent, `refused` when the id exists.
Status add_instance(Transaction& transaction, const Instance& instance);
Result<Instance> get_instance(Transaction& transaction, const InstanceId& id);
// current_instance: the last one that was added and has not stopped, or `not_found`.
Result<Instance> current_instance(Transaction& transaction, std::string_view environment);
// latest_instance: the last one that was added, stopped or not, or `not_found`.
Result<Instance> latest_instance(Transaction& transaction, std::string_view environment);
// list_instances: the last `count` that were added, newest first.
Result<std::vector<InstanceId>> list_instances(Transaction& transaction, std::string_view environment, std::uint64_t count);
Status set_instance_state(Transaction& transaction, const InstanceId& id, InstanceState state);

struct Acceptance {
  std::string participant;
  std::string document;  // signed document over (contract digest, instance id)
  Instant created;
};

// add_acceptance: a second one by the same participant is `refused`.
Status add_acceptance(Transaction& transaction, const InstanceId& instance, const Acceptance& acceptance);
Result<std::vector<Acceptance>> get_acceptances(Transaction& transaction, const InstanceId& instance);

}  // namespace redoubt::hub
