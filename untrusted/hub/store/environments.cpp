#include "untrusted/hub/store/environments.h"

#include "untrusted/hub/store/events.h"
#include "untrusted/hub/store/states.h"

namespace redoubt::hub {
namespace {

constexpr StateName<EnvironmentState> kEnvironmentStates[] = {{EnvironmentState::active, "active"},
                                                              {EnvironmentState::closed, "closed"}};
constexpr StateName<InstanceState> kInstanceStates[] = {
    {InstanceState::starting, "starting"}, {InstanceState::running, "running"}, {InstanceState::stopped, "stopped"}};

constexpr Table kEnvironments{"environments", "id, contract, contract_digest, state, created, home, name, creator"};
constexpr std::string_view kTakesPart = "id IN (SELECT participants.environment FROM participants WHERE participants.name = ?)";
constexpr Table kInstances{"instances", "id, environment, boot, claims, state, created"};

Result<Environment> parse_environment(sql::Row& row) {
  Environment out;
  out.id = row.text();
  out.contract = row.text();
  out.contract_digest = row.fixed<ContractDigest>();
  out.state = read_state(kEnvironmentStates, row);
  out.created = row.time();
  out.home = row.text();
  out.name = row.text();
  out.creator = row.text();
  REDOUBT_CHECK(row.finish());
  return out;
}

Result<Instance> parse_instance(sql::Row& row) {
  Instance out;
  out.id = row.fixed<InstanceId>();
  out.environment = row.text();
  out.boot = row.fixed<BootId>();
  out.claims = row.text();
  out.state = read_state(kInstanceStates, row);
  out.created = row.time();
  REDOUBT_CHECK(row.finish());
  return out;
}

Result<ParticipantRecord> parse_participant(sql::Row& row) {
  ParticipantRecord out;
  out.name = row.text();
  out.signing_key = row.fixed<crypto::Ed25519PublicKey>();
  REDOUBT_CHECK(row.finish());
  return out;
}

Result<Acceptance> parse_acceptance(sql::Row& row) {
  Acceptance out;
  out.participant = row.text();
  out.document = row.text();
  out.created = row.time();
  REDOUBT_CHECK(row.finish());
  return out;
}

}  // namespace

std::string_view name_of(EnvironmentState state) { return state_name(kEnvironmentStates, state); }
std::string_view name_of(InstanceState state) { return state_name(kInstanceStates, state); }

Status add_environment(Transaction& transaction, const Environment& environment,
                       const std::vector<ParticipantRecord>& participants) {
  REDOUBT_CHECK(check_id(environment.id, "environment id"));
  REDOUBT_CHECK(transaction
                    .change_one("INSERT INTO environments (id, contract, contract_digest, state, created, home, name, creator) "
                                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                                {sql::text(environment.id), sql::text(environment.contract), sql::blob(environment.contract_digest.view()),
                                 sql::text(name_of(environment.state)), sql::time(environment.created), sql::text(environment.home),
                                 sql::text(environment.name), sql::text(environment.creator)})
                    .context("environment " + environment.id));
  for (const ParticipantRecord& participant : participants) {
    REDOUBT_CHECK(check_id(participant.name, "participant name"));
    REDOUBT_CHECK(transaction
                      .change_one("INSERT INTO participants (environment, name, signing_key) VALUES (?, ?, ?)",
                              {sql::text(environment.id), sql::text(participant.name), sql::blob(participant.signing_key.view())})
                      .context("participant " + participant.name));
  }
  return add_event(transaction, environment.id, Event::Kind::environment, environment.id, name_of(environment.state));
}

Result<Environment> get_environment(Transaction& transaction, std::string_view id) {
  return read_one<Environment>(transaction, select(kEnvironments, "WHERE id = ?"), {sql::text(id)}, "environment", parse_environment);
}

Result<std::vector<ParticipantRecord>> get_participants(Transaction& transaction, std::string_view environment) {
  return read_all<ParticipantRecord>(transaction, "SELECT name, signing_key FROM participants WHERE environment = ? ORDER BY name",
                                     {sql::text(environment)}, parse_participant);
}

Status set_environment_state(Transaction& transaction, std::string_view id, EnvironmentState state) {
  REDOUBT_TRY(const auto changed, transaction.change("UPDATE environments SET state = ? WHERE id = ?",
                                                     {sql::text(name_of(state)), sql::text(id)}));
  if (changed == 0) return Error(Code::not_found, "environment does not exist");
  return add_event(transaction, id, Event::Kind::environment, id, name_of(state));
}

Result<Page<Environment>> list_environments(Transaction& transaction, const PageRequest& page, std::optional<std::string_view> participant) {
  const auto filter = participant ? std::optional(Filter{kTakesPart, *participant}) : std::nullopt;
  return read_page<Environment>(transaction, kEnvironments, filter, page, parse_environment);
}

Result<std::vector<Environment>> environments_named(Transaction& transaction, std::string_view name, std::optional<std::string_view> participant) {
  constexpr std::string_view kTail = " ORDER BY number LIMIT 2";
  if (!participant) return read_all<Environment>(transaction, select(kEnvironments, "WHERE name = ?" + std::string(kTail)), {sql::text(name)}, parse_environment);
  return read_all<Environment>(transaction, select(kEnvironments, "WHERE name = ? AND " + std::string(kTakesPart) + std::string(kTail)),
                               {sql::text(name), sql::text(*participant)}, parse_environment);
}

Result<std::uint64_t> active_environments(Transaction& transaction, std::string_view creator) {
  REDOUBT_TRY(auto rows, transaction.query("SELECT count(*) FROM environments WHERE creator = ? AND state = 'active'", {sql::text(creator)}));
  REDOUBT_TRY(sql::Row row, one(std::move(rows), "environments"));
  const std::uint64_t count = row.count();
  REDOUBT_CHECK(row.finish());
  return count;
}

Status add_instance(Transaction& transaction, const Instance& instance) {
  REDOUBT_CHECK(transaction
                    .change_one("INSERT INTO instances (id, environment, boot, claims, state, created) VALUES (?, ?, ?, ?, ?, ?)",
                                {sql::blob(instance.id.view()), sql::text(instance.environment), sql::blob(instance.boot.view()),
                                 sql::text(instance.claims), sql::text(name_of(instance.state)), sql::time(instance.created)})
                    .context("instance " + instance.id.hex()));
  return add_event(transaction, instance.environment, Event::Kind::instance, instance.id.hex(), name_of(instance.state));
}

Result<Instance> get_instance(Transaction& transaction, const InstanceId& id) {
  return read_one<Instance>(transaction, select(kInstances, "WHERE id = ?"), {sql::blob(id.view())}, "instance", parse_instance);
}

Result<Instance> current_instance(Transaction& transaction, std::string_view environment) {
  return read_one<Instance>(transaction,
                            select(kInstances, "WHERE environment = ? AND state <> 'stopped' ORDER BY number DESC LIMIT 1"),
                            {sql::text(environment)}, "running instance", parse_instance);
}

Result<Instance> latest_instance(Transaction& transaction, std::string_view environment) {
  return read_one<Instance>(transaction, select(kInstances, "WHERE environment = ? ORDER BY number DESC LIMIT 1"),
                            {sql::text(environment)}, "instance", parse_instance);
}

Result<std::vector<InstanceId>> list_instances(Transaction& transaction, std::string_view environment, std::uint64_t count) {
  REDOUBT_TRY(auto rows, transaction.query("SELECT id FROM instances WHERE environment = ? ORDER BY number DESC LIMIT ?",
                                           {sql::text(environment), sql::number(count)}));
  std::vector<InstanceId> out;
  for (sql::Row& row : rows) {
    REDOUBT_TRY(const auto id, InstanceId::from(row.blob(), "instance"));
    REDOUBT_CHECK(row.finish());
    out.push_back(id);
  }
  return out;
}

Status set_instance_state(Transaction& transaction, const InstanceId& id, InstanceState state) {
  REDOUBT_TRY(const Instance instance, get_instance(transaction, id));
  REDOUBT_CHECK(transaction.change_one("UPDATE instances SET state = ? WHERE id = ?", {sql::text(name_of(state)), sql::blob(id.view())}));
  return add_event(transaction, instance.environment, Event::Kind::instance, id.hex(), name_of(state));
}

Status add_acceptance(Transaction& transaction, const InstanceId& instance, const Acceptance& acceptance) {
  REDOUBT_CHECK(check_id(acceptance.participant, "participant name"));
  return transaction
      .change_one("INSERT INTO acceptances (instance, participant, document, created) VALUES (?, ?, ?, ?)",
              {sql::blob(instance.view()), sql::text(acceptance.participant), sql::text(acceptance.document),
               sql::time(acceptance.created)})
      .context("acceptance by " + acceptance.participant);
}

Result<std::vector<Acceptance>> get_acceptances(Transaction& transaction, const InstanceId& instance) {
  return read_all<Acceptance>(transaction,
                              "SELECT participant, document, created FROM acceptances WHERE instance = ? ORDER BY participant",
                              {sql::blob(instance.view())}, parse_acceptance);
}

}  // namespace redoubt::hub
