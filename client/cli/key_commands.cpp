// context, key, policy and up: what needs no enclave program.
#include <ostream>

#include "client/cli/commands.h"
#include "client/sdk/files.h"

namespace redoubt::cli {
namespace {

struct ContextOptions {
  std::string name, hub, pin, key_file;
};

Status set_context(Session& session, const ContextOptions& options) {
  REDOUBT_CHECK(jobs::check_name(options.name, "context"));
  REDOUBT_CHECK([&]() -> Status {
    REDOUBT_TRY([[maybe_unused]] const auto address, sdk::parse_hub_url(options.hub));
    REDOUBT_TRY([[maybe_unused]] const auto pin, SpkiDigest::from_hex(options.pin, "pin"));
    return {};
  }());
  const std::string key_file = options.key_file.empty() ? "" : std::filesystem::absolute(options.key_file).string();
  REDOUBT_CHECK(session.keep_context(options.name, {options.hub, options.pin, key_file}));
  if (session.json()) {
    print_json(session.out(), json::Object{{"context", options.name}, {"hub", options.hub}, {"key_file", key_file}, {"pin", options.pin}});
    return {};
  }
  session.out() << "context " << options.name << ": " << shown(options.hub) << '\n';
  return {};
}

Status list_contexts(Session& session) {
  REDOUBT_TRY(const auto all, session.contexts());
  if (session.json()) {
    json::Object items;
    for (const auto& [name, item] : all.first) items.emplace(name, json::Object{{"hub", item.hub}, {"key_file", item.key_file}, {"pin", item.pin}});
    print_json(session.out(), json::Object{{"contexts", std::move(items)}, {"current", all.second}});
    return {};
  }
  Table table{{"context", "hub", "pin", "current"}, {}};
  for (const auto& [name, item] : all.first) table.rows.push_back({name, item.hub, item.pin, name == all.second ? "yes" : ""});
  print_table(session.out(), table);
  return {};
}

struct KeyOptions {
  std::string name, public_file, recovery_file;
  bool no_recovery = false;
};

Status write_public(const sdk::KeyFile& keys, const std::string& file) {
  if (file.empty()) return {};
  return sdk::write_file(file, as_bytes(json::pretty(keys.public_keys().to_json())), sdk::FileKind::open);
}

Status new_key(Session& session, const KeyOptions& options) {
  const auto path = session.keys_path();
  REDOUBT_TRY(const auto made, sdk::KeyFile::generate(options.name, !options.no_recovery, session.world().random));
  session.next("keep the keys that are there, or name another file with --keys");
  // The recovery key first: keys that name a recovery key nobody has would be worse than none.
  const auto recovery = options.recovery_file.empty() ? path.parent_path() / (options.name + ".recovery.json")
                                                      : std::filesystem::path(options.recovery_file);
  if (std::filesystem::exists(path)) return Error(Code::refused, path.string() + ": is there already and is not replaced");
  if (made.recovery) REDOUBT_CHECK(sdk::save_recovery(recovery, options.name, *made.recovery));
  REDOUBT_CHECK(made.keys.save(path));
  REDOUBT_CHECK(write_public(made.keys, options.public_file));
  const sdk::PublicKeys keys = made.keys.public_keys();
  if (session.json()) {
    print_json(session.out(), keys.to_json());
  } else {
    session.out() << "keys of " << keys.name << ": " << path.string() << " (mode 0600)\nfingerprint: " << keys.fingerprint() << '\n';
  }
  if (made.recovery) {
    session.warn("move the recovery key off this machine now: " + recovery.string());
  } else {
    session.warn("no recovery key: if these keys are lost, results sealed to them are gone");
  }
  return {};
}

Status show_key(Session& session, const KeyOptions& options) {
  REDOUBT_TRY(const auto keys, session.keys());
  REDOUBT_CHECK(write_public(keys, options.public_file));
  const sdk::PublicKeys shown_keys = keys.public_keys();
  if (session.json()) {
    print_json(session.out(), shown_keys.to_json());
    return {};
  }
  print_table(session.out(), {{"key", "value"},
                              {{"name", shown_keys.name},
                               {"fingerprint", shown_keys.fingerprint()},
                               {"signing", shown_keys.signing_key.hex()},
                               {"results", shown_keys.hpke_key.hex()},
                               {"enroller", shown_keys.enroller_key.hex()},
                               {"recovery", shown_keys.recovery_key ? shown_keys.recovery_key->hex() : "none"}}});
  return {};
}

}  // namespace

void add_context_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("context", "hubs under names")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<ContextOptions>();
  CLI::App* set = add_verb(commands, noun, "set", "keep a hub under a name and use it from now on",
                           {"redoubt context set local --hub https://127.0.0.1:7443 --pin 3f.. --key-file admin.key"},
                           [&session, options] {
                             options->hub = session.hub_option;
                             options->pin = session.pin_option;
                             return set_context(session, *options);
                           });
  set->add_option("name", options->name, "name of the context")->required();
  set->add_option("--key-file", options->key_file, "file of the hub's API key");
  add_verb(commands, noun, "list", "show all contexts", {"redoubt context list"}, [&session] { return list_contexts(session); });
}

void add_key_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("key", "your keys")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<KeyOptions>();
  CLI::App* make = add_verb(commands, noun, "new", "make keys for contracts, results and enrolments, and an offline recovery key",
                            {"redoubt key new hospital --public hospital.pub.json"},
                            [&session, options] { return new_key(session, *options); });
  make->add_option("name", options->name, "your name as a participant")->required();
  make->add_option("--public", options->public_file, "write the public keys, for the others, to this file");
  make->add_option("--recovery", options->recovery_file, "write the recovery key to this file");
  make->add_flag("--no-recovery", options->no_recovery, "make no recovery key");
  CLI::App* show = add_verb(commands, noun, "show", "show the public half of your keys",
                            {"redoubt key show", "redoubt key show --public hospital.pub.json -o json"},
                            [&session, options] { return show_key(session, *options); });
  show->add_option("--public", options->public_file, "write the public keys to this file");
}

void add_up_command(Commands& commands) {
  Session& session = commands.session;
  CLI::App* up = commands.app.add_subcommand("up", "start a hub on this machine, with a software TPM for each enclave program");
  up->footer("Options after `up` go to redoubt-hub, for example --state DIR and --listen ADDRESS.\n"
             "Examples:\n  redoubt up\n  redoubt up --state ./state --listen 127.0.0.1:7443");
  up->prefix_command();
  up->fallthrough(false);
  up->callback([&session, up, &chosen = commands.chosen] {
    chosen = [&session, up]() -> Status {
      session.next("build or install redoubt-hub beside redoubt");
      std::vector<std::string> arguments = up->remaining();
      arguments.insert(arguments.begin(), "serve");
      return session.world().execute(session.world().programs / "redoubt-hub", arguments);
    };
  });
}

}  // namespace redoubt::cli
