#include "client/cli/app.h"

#include <ostream>

#include "client/cli/commands.h"
#include "client/cli/reference.h"

namespace redoubt::cli {
namespace {

// next_by_code: the step to name when the command knew no better one.
std::string next_by_code(Code code) {
  switch (code) {
    case Code::internal: return "this is a defect of redoubt: report it with the command and this line";
    case Code::usage: return "see `redoubt --help`";
    case Code::not_found: return "see what there is with the `list` verb of the same noun";
    case Code::auth: return "check which key or API key is used (--keys, --api-key-file)";
    case Code::refused: return "change what the rule names, or ask the other participants";
    case Code::unavailable: return "try again in a moment";
    case Code::malformed: return "get the file or the answer again from its source; do not mend it by hand";
    case Code::chain: return "check the trust anchors in the contract (`redoubt policy show`)";
    case Code::tcb: return "ask the operator to update the platform";
    case Code::measurement: return "compare the program's digest with the release that you accepted";
    case Code::freshness: return "do it again: what was shown is stale or expired";
    case Code::binding: return "trust nothing of this answer; look again with `redoubt environment verify`";
    case Code::policy: return "see which check failed with `redoubt environment verify`; do not send data";
    case Code::log_proof: return "keep your files and compare log heads with the other participants; sign nothing";
    case Code::partial: return "run the command again: it goes on where it stopped";
    case Code::missing_dependency: return "install the missing program and try again";
  }
  return "";
}

int fail(Surroundings& world, const Error& error, const std::string& next) {
  world.err << "error: " << shown(error.message()) << '\n';
  world.err << "next: " << shown(next.empty() ? next_by_code(error.code()) : next) << '\n';
  return static_cast<int>(error.code());
}

void add_shared_options(CLI::App& app, Session& session) {
  app.add_option("-o,--output", session.output, "table, json, csv for results, or ear for `evidence verify`")
      ->check(CLI::IsMember({"table", "json", "csv", "ear"}));
  app.add_option("--config", session.config_option, "folder of keys, contexts and environments");
  app.add_option("--state", session.state_option, "folder of collateral that is kept");
  app.add_option("--keys", session.keys_option, "file of your keys");
  app.add_option("--context", session.context_option, "name of a hub's context");
  app.add_option("--hub", session.hub_option, "https://HOST:PORT of the hub");
  app.add_option("--pin", session.pin_option, "SHA-256 of the hub's TLS key, hexadecimal");
  app.add_option("--api-key-file", session.api_key_option, "file of the hub's API key");
}

void add_all(Commands& commands) {
  add_context_commands(commands);
  add_key_commands(commands);
  add_api_key_commands(commands);
  add_environment_commands(commands);
  add_dataset_commands(commands);
  add_query_commands(commands);
  add_result_commands(commands);
  add_event_commands(commands);
  add_receipt_commands(commands);
  add_evidence_commands(commands);
  add_log_commands(commands);
  add_audit_commands(commands);
  add_policy_commands(commands);
  add_collateral_commands(commands);
  add_up_command(commands);
}

// deepest: the subcommand that the arguments reached, for help that fits.
const CLI::App* deepest(const CLI::App* app) {
  for (const CLI::App* sub : app->get_subcommands()) return deepest(sub);
  return app;
}

}  // namespace

CLI::App* add_verb(Commands& commands, CLI::App* noun, const std::string& name, const std::string& text,
                   const std::vector<std::string>& examples, Command run) {
  CLI::App* verb = noun->add_subcommand(name, text);
  std::string footer = "Examples:";
  for (const std::string& example : examples) footer += "\n  " + example;
  verb->footer(footer);
  verb->callback([&chosen = commands.chosen, run = std::move(run)] { chosen = run; });
  return verb;
}

int run(const std::vector<std::string>& arguments, Surroundings& world) {
  Session session(world);
  Command chosen;
  CLI::App app("Computing together on data that nobody hands over: environments, datasets, queries, receipts.", "redoubt");
  app.footer(std::string(kExitCodes));
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", "redoubt " + world.version);
  add_shared_options(app, session);
  Commands commands{app, session, chosen};
  add_all(commands);
  std::string format = "markdown";
  CLI::App* reference = app.add_subcommand("reference", "print the reference of all commands")->group("");
  reference->add_option("--format", format, "markdown (docs/cli.md) or man")->check(CLI::IsMember({"markdown", "man"}));
  reference->callback([&] {
    chosen = [&]() -> Status {
      format == "man" ? write_man_page(app, world.version, world.out) : write_reference(app, world.out);
      return {};
    };
  });
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForVersion& version) {
    world.out << version.what() << '\n';
    return 0;
  } catch (const CLI::CallForHelp&) {
    const CLI::App* command = deepest(&app);
    world.out << help_of(command);
    return 0;
  } catch (const CLI::ParseError& error) {
    const CLI::App* command = deepest(&app);
    return fail(world, Error(Code::usage, error.what()), "see `" + command_path(command) + " --help`");
  }
  if (!chosen) return fail(world, Error(Code::usage, "no command"), "");
  const Status status = chosen();
  world.out.flush();
  return status.ok() ? 0 : fail(world, status.error(), session.next());
}

}  // namespace redoubt::cli
