// Session: one run of a command: its surroundings, the options that all commands share, and the ways into hub and enclave.
//
// Here it is decided in one place what must be true before a command goes on: keys are readable by their owner only, the
// contract is the kept one, the program was appraised, its instance is the one that was joined, its log extends the last one
// seen. `next` holds the step that a failure from here on should name.
#pragma once

#include <memory>
#include <optional>

#include "client/cli/app.h"
#include "client/cli/output.h"
#include "client/cli/progress.h"
#include "client/sdk/contract_builder.h"
#include "client/sdk/enclave_client.h"
#include "client/sdk/hub_client.h"
#include "client/sdk/log_keeper.h"
#include "client/sdk/state.h"

namespace redoubt::cli {

// HubContext: a hub under a name, as `context set` keeps it.
struct HubContext {
  std::string hub;       // URL
  std::string pin;       // SPKI digest, hexadecimal
  std::string key_file;  // of the API key
};

// Environment: what this participant knows of one environment, with its keys and its hub.
struct Environment {
  sdk::EnvironmentState state;
  jobs::Contract contract;
  sdk::KeyFile keys;
  sdk::HubClient hub;
  std::string id;  // at the hub
};

// Visit: an attested session with the instance that was joined. The environment outlives the session.
struct Visit {
  std::unique_ptr<Environment> environment;
  sdk::EnclaveClient enclave;
  sdk::InstanceView instance;
  std::optional<jobs::CarryOver> carried;  // what this participant signed for the instance

  const jobs::Contract& contract() const { return environment->contract; }
  const jobs::CarryOver* carried_over() const { return carried ? &*carried : nullptr; }
};

class Session {
 public:
  explicit Session(Surroundings& world) : world_(world) {}

  // Options that all commands share.
  std::string output = "table";  // "table", "json"; result get also "csv", evidence verify also "ear"
  std::string config_option;     // replaces world().config
  std::string state_option;      // replaces world().state
  std::string keys_option;       // replaces CONFIG/keys.json
  std::string context_option;    // replaces the current context
  std::string hub_option, pin_option, api_key_option;  // replace those of the context

  Surroundings& world() { return world_; }
  std::ostream& out() { return world_.out; }
  bool json() const { return output == "json"; }
  std::filesystem::path config() const { return config_option.empty() ? world_.config : std::filesystem::path(config_option); }
  std::filesystem::path state() const {
    if (!state_option.empty()) return state_option;
    return world_.state.empty() ? config() / "state" : world_.state;
  }
  std::filesystem::path keys_path() const {
    return keys_option.empty() ? config() / "keys.json" : std::filesystem::path(keys_option);
  }

  // next: what to do if the following step fails. Empty: by the error's code.
  void next(std::string step) { next_ = std::move(step); }
  const std::string& next() const { return next_; }

  Result<sdk::KeyFile> keys();
  Result<sdk::HubClient> hub();
  // environment: its name may be left out when there is exactly one.
  Result<std::unique_ptr<Environment>> environment(const std::string& name);
  Result<std::string> environment_name(const std::string& name) const;

  // visit: environment, attested session, instance and log as described above.
  Result<Visit> visit(const std::string& name);
  // connect opens the session itself; `record` gets the appraisal in any case.
  Result<sdk::EnclaveClient> connect(Environment& environment, const sdk::Address& address,
                                     std::shared_ptr<sdk::SessionRecord> record);
  // roots: certificates kept for the environment, plus what the hub offers; only those that the contract names will count.
  Result<std::vector<crypto::Certificate>> roots(const sdk::EnvironmentState& state, sdk::HubClient* hub) const;
  // running waits until the hub says that the instance runs. `unavailable` after `seconds`.
  Result<sdk::EnvironmentView> running(Environment& environment, int seconds);
  // see holds a checkpoint against the last one kept, and keeps it.
  Status see(Visit& visit, const receipt::Checkpoint& checkpoint);

  // confirm asks on the terminal; `refused` when the answer is not yes. With `yes` it does not ask.
  Status confirm(const std::string& question, bool yes);
  void warn(const std::string& line);
  Progress progress(std::string label) { return {world_.err, world_.terminal, world_.color, std::move(label)}; }

  Result<std::optional<HubContext>> context(const std::string& name) const;
  Status keep_context(const std::string& name, const HubContext& context) const;
  // contexts: all names, and the current one.
  Result<std::pair<std::map<std::string, HubContext>, std::string>> contexts() const;

 private:
  Surroundings& world_;
  std::string next_;
};

// print_appraisal: every check with both values, and the warnings that belong to it.
void print_appraisal(Session& session, const appraise::Appraisal& appraisal);
json::Value appraisal_json(const appraise::Appraisal& appraisal);

// read_certificates: a PEM file.
Result<std::vector<crypto::Certificate>> read_certificates(const std::filesystem::path& path);

}  // namespace redoubt::cli
