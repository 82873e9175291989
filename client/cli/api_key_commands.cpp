// api-key create, list, rotate, revoke: the keys that open the hub.
#include <ostream>

#include "client/cli/commands.h"
#include "client/sdk/files.h"

namespace redoubt::cli {
namespace {

struct ApiKeyOptions {
  sdk::ApiKeyWish wish;
  std::string id, save;
};

json::Object key_json(const sdk::ApiKeyView& key) {
  json::Array scopes;
  for (const std::string& scope : key.scopes) scopes.emplace_back(scope);
  json::Object out{{"created", key.created}, {"id", key.id}, {"prefix", key.prefix}, {"scopes", std::move(scopes)}, {"subject", key.subject}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) out.emplace(name, value);
  };
  add("expires", key.expires);
  add("last_used", key.last_used);
  add("made_by", key.made_by);
  add("revoked", key.revoked);
  return out;
}

std::string scope_list(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

// hand_over shows a new key once, or writes it to a file of mode 0600 and shows it not at all.
Status hand_over(Session& session, const sdk::NewApiKeyView& made, const std::string& file) {
  json::Object shown_key = key_json(made.view);
  if (!file.empty()) {
    session.next("the hub has made " + made.view.id + ": revoke it, and name another file");
    Bytes line = to_bytes(made.key.reveal());
    line.push_back(std::byte{'\n'});
    const Status saved = sdk::write_new(file, line, sdk::FileKind::secret);
    wipe(line);
    REDOUBT_CHECK(std::move(saved));
    session.next("");
    shown_key.emplace("key_file", file);
  } else {
    shown_key.emplace("key", std::string(as_text(made.key.reveal())));
  }
  if (session.json()) {
    print_json(session.out(), std::move(shown_key));
  } else {
    session.out() << made.view.id << ": " << shown(made.view.subject) << ", " << shown(scope_list(made.view.scopes)) << ", "
                  << (made.view.expires.empty() ? "no expiry" : "until " + shown(made.view.expires)) << '\n';
    session.out() << (file.empty() ? "key: " + shown(as_text(made.key.reveal())) : "key in " + file + " (mode 0600)") << '\n';
  }
  if (file.empty()) session.warn("the key is shown this once: put it into a file of mode 0600, or use --save");
  return {};
}

// check_absent: a key that was made and cannot be kept would be lost.
Status check_absent(const std::string& file) {
  if (file.empty() || !std::filesystem::exists(file)) return {};
  return Error(Code::refused, file + ": is there already and is not replaced");
}

Status create_api_key(Session& session, const ApiKeyOptions& options) {
  REDOUBT_CHECK(check_absent(options.save));
  if (!options.wish.expires.empty()) {
    REDOUBT_TRY([[maybe_unused]] const Instant expires, Instant::parse(options.wish.expires).context("--expires"));
  }
  REDOUBT_TRY(auto hub, session.hub());
  REDOUBT_TRY(const auto made, hub.create_api_key(options.wish));
  return hand_over(session, made, options.save);
}

Status rotate_api_key(Session& session, const ApiKeyOptions& options) {
  REDOUBT_CHECK(check_absent(options.save));
  REDOUBT_TRY(auto hub, session.hub());
  REDOUBT_TRY(const auto made, hub.rotate_api_key(options.id));
  return hand_over(session, made, options.save);
}

Status list_api_keys(Session& session) {
  REDOUBT_TRY(auto hub, session.hub());
  REDOUBT_TRY(const auto keys, hub.api_keys());
  if (session.json()) {
    json::Array items;
    for (const auto& key : keys) items.emplace_back(key_json(key));
    print_json(session.out(), std::move(items));
    return {};
  }
  Table table{{"id", "subject", "scopes", "key", "created", "expires", "last used", "state"}, {}};
  const std::string now = session.world().now().text();  // one spelling, so texts compare as times do
  for (const auto& key : keys) {
    const std::string state = !key.revoked.empty() ? "revoked " + key.revoked : !key.expires.empty() && key.expires <= now ? "expired" : "active";
    table.rows.push_back({key.id, key.subject, scope_list(key.scopes), key.prefix.empty() ? "" : key.prefix + "...", key.created, key.expires,
                          key.last_used.empty() ? "never" : key.last_used, state});
  }
  print_table(session.out(), table);
  return {};
}

Status revoke_api_key(Session& session, const ApiKeyOptions& options) {
  REDOUBT_TRY(auto hub, session.hub());
  REDOUBT_TRY(const auto key, hub.revoke_api_key(options.id));
  if (session.json()) {
    print_json(session.out(), key_json(key));
  } else {
    session.out() << "revoked " << shown(key.id) << '\n';
  }
  return {};
}

}  // namespace

void add_api_key_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("api-key", "keys that open the hub, and nothing inside an enclave")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<ApiKeyOptions>();
  CLI::App* create = add_verb(commands, noun, "create", "make an API key, with nothing that the key in use has not itself",
                              {"redoubt api-key create --scope read --save monitor.key",
                               "redoubt api-key create --scope read --scope approve --expires 2027-01-01T00:00:00Z -o json",
                               "redoubt api-key create --scope participant --subject hospital --save hospital.key"},
                              [&session, options] { return create_api_key(session, *options); });
  create->add_option("--scope", options->wish.scopes, "what it may do; may be given several times")
      ->required()
      ->check(CLI::IsMember({"read", "submit", "approve", "upload", "keys", "participant", "admin"}));
  create->add_option("--subject", options->wish.subject, "whom it is for; another's name only with an admin's key");
  create->add_option("--expires", options->wish.expires, "not valid from then on: YYYY-MM-DDThh:mm:ssZ");
  create->add_option("--save", options->save, "write the key to this new file, mode 0600, and do not show it");
  add_verb(commands, noun, "list", "show your API keys; all of them with an admin's key", {"redoubt api-key list", "redoubt api-key list -o json"},
           [&session] { return list_api_keys(session); });
  CLI::App* rotate = add_verb(commands, noun, "rotate", "replace an API key by a new one; the old one is refused at once, what it made is not",
                              {"redoubt api-key rotate key-0011223344556677 --save hospital.key.new"},
                              [&session, options] { return rotate_api_key(session, *options); });
  rotate->add_option("id", options->id, "the key's id, as list shows it")->required();
  rotate->add_option("--save", options->save, "write the key to this new file, mode 0600, and do not show it");
  CLI::App* revoke = add_verb(commands, noun, "revoke", "refuse an API key, and all keys that came of it, from now on", {"redoubt api-key revoke key-0011223344556677"},
                              [&session, options] { return revoke_api_key(session, *options); });
  revoke->add_option("id", options->id, "the key's id, as list shows it")->required();
}

}  // namespace redoubt::cli
