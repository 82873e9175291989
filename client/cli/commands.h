// The commands by noun. Each add_* adds its verbs to the parser and puts what they do into `chosen`, which run() then calls.
#pragma once

#include <CLI/CLI.hpp>

#include "client/cli/session.h"

namespace redoubt::cli {

using Command = std::function<Status()>;

// Commands: the parser under construction. Callbacks borrow `session` and `chosen`.
struct Commands {
  CLI::App& app;
  Session& session;
  Command& chosen;
};

// add_verb makes a subcommand with examples in its help; `run` is chosen when it is called.
CLI::App* add_verb(Commands& commands, CLI::App* noun, const std::string& name, const std::string& text,
                   const std::vector<std::string>& examples, Command run);

void add_context_commands(Commands& commands);
void add_key_commands(Commands& commands);
void add_api_key_commands(Commands& commands);
void add_environment_commands(Commands& commands);
void add_dataset_commands(Commands& commands);
void add_event_commands(Commands& commands);
void add_query_commands(Commands& commands);
// add_query_check_command: `query check`, under the noun that add_query_commands made.
void add_query_check_command(Commands& commands, CLI::App* query);
// add_query_corpus_command: `query corpus`.
void add_query_corpus_command(Commands& commands, CLI::App* query);
void add_result_commands(Commands& commands);
void add_receipt_commands(Commands& commands);
void add_evidence_commands(Commands& commands);
// add_conformance_command: `evidence conformance`, under the noun that add_evidence_commands made.
void add_conformance_command(Commands& commands, CLI::App* evidence);
void add_log_commands(Commands& commands);
void add_audit_commands(Commands& commands);
void add_policy_commands(Commands& commands);
void add_collateral_commands(Commands& commands);
void add_up_command(Commands& commands);

}  // namespace redoubt::cli
