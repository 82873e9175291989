#include "client/cli/session.h"

#include <istream>
#include <ostream>

#include "client/sdk/files.h"

namespace redoubt::cli {
namespace {

constexpr std::size_t kMaxPem = 256 * 1024;
constexpr std::size_t kMaxApiKey = 1024;
constexpr std::chrono::milliseconds kPoll{500};

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

Result<sdk::KeyFile> Session::keys() {
  next("make keys with `redoubt key new NAME`, or name their file with --keys");
  auto keys = sdk::KeyFile::load(keys_path());
  if (!keys.ok() && keys.error().code() == Code::refused) next("see who could read it; then `chmod 600 " + keys_path().string() + "`, or make new keys");
  if (keys.ok()) next("");
  return keys;
}

Result<sdk::HubClient> Session::hub() {
  next("name the hub: `redoubt context set NAME --hub URL --pin HEX --key-file FILE`");
  HubContext chosen;
  REDOUBT_TRY(const auto kept, context(context_option));
  if (!kept && !context_option.empty()) return Error(Code::not_found, "no context \"" + context_option + "\"");
  if (kept) chosen = *kept;
  if (!hub_option.empty()) chosen.hub = hub_option;
  if (!pin_option.empty()) chosen.pin = pin_option;
  if (!api_key_option.empty()) chosen.key_file = api_key_option;
  if (chosen.hub.empty()) return Error(Code::usage, "no hub is named");
  sdk::HubOptions options;
  REDOUBT_TRY(options.address, sdk::parse_hub_url(chosen.hub));
  REDOUBT_TRY(options.pin, SpkiDigest::from_hex(chosen.pin, "pin"));
  if (!chosen.key_file.empty()) {
    next("name the file of the hub's API key, mode 0600, with --api-key-file");
    REDOUBT_TRY(const auto key, sdk::read_secret(chosen.key_file, kMaxApiKey));
    options.api_key = trimmed(std::string(as_text(key.reveal())));
  }
  next("see that the hub runs at " + chosen.hub + " and that its pin is the one you were given");
  auto hub = sdk::HubClient::connect(options);
  if (hub.ok()) next("");
  return hub;
}

Result<std::string> Session::environment_name(const std::string& name) const {
  if (!name.empty()) return name;
  const auto names = sdk::EnvironmentState::list(config());
  if (names.size() == 1) return names.front();
  return Error(Code::usage, names.empty() ? "no environment is known here" : "several environments are known: name one with --environment");
}

Result<std::unique_ptr<Environment>> Session::environment(const std::string& name) {
  next("make one with `redoubt environment create`, or verify one with `redoubt environment verify NAME --contract FILE`");
  REDOUBT_TRY(const std::string chosen, environment_name(name));
  REDOUBT_TRY(auto state, sdk::EnvironmentState::open(config(), chosen));
  REDOUBT_TRY(auto contract, state.contract());
  REDOUBT_TRY(auto id, state.hub_id());
  REDOUBT_TRY(auto own, keys());
  REDOUBT_TRY(auto connected, hub());
  return std::make_unique<Environment>(
      Environment{std::move(state), std::move(contract), std::move(own), std::move(connected), std::move(id)});
}

Result<std::vector<crypto::Certificate>> Session::roots(const sdk::EnvironmentState& state, sdk::HubClient* hub) const {
  REDOUBT_TRY(std::string pem, state.roots());
  if (pem.empty() && hub != nullptr) {
    REDOUBT_TRY(const auto platform, hub->platform());
    pem = platform.tpm_roots;
  }
  if (pem.empty()) return std::vector<crypto::Certificate>();
  return crypto::Certificate::parse_pem_bundle(pem);
}

Result<sdk::EnclaveClient> Session::connect(Environment& environment, const sdk::Address& address,
                                            std::shared_ptr<sdk::SessionRecord> record) {
  appraise::Endorsements endorsements;
  REDOUBT_TRY(endorsements.tpm_roots, roots(environment.state, &environment.hub));
  REDOUBT_TRY(endorsements.enrolments, environment.state.enrolments());
  endorsements.self = environment.keys.enroller().public_key();
  const sdk::OfflineAppraise appraise = world_.appraise;
  const appraise::Policy policy = environment.contract.evidence;
  const sdk::Relying relying{environment.contract, environment.keys,
                             [appraise, policy, endorsements](const appraise::Evidence& evidence, const appraise::Challenge& challenge,
                                                              Instant now) { return appraise(evidence, endorsements, challenge, policy, now); },
                             world_.random, world_.now};
  return sdk::EnclaveClient::connect(address, relying, std::move(record));
}

Result<sdk::EnvironmentView> Session::running(Environment& environment, int seconds) {
  Progress waiting = progress("environment " + environment.state.name());
  for (int turn = 0;; ++turn) {
    REDOUBT_TRY(auto view, environment.hub.environment(environment.id));
    if (view.state == "running" && !view.address.empty()) return view;
    if (view.state == "failed") return Error(Code::unavailable, "the hub says that environment \"" + view.id + "\" failed to start");
    if (turn * kPoll >= std::chrono::seconds(seconds)) return Error(Code::unavailable, "environment \"" + view.id + "\" is still " + view.state);
    waiting.spin(view.state);
    world_.sleep(kPoll);
  }
}

Status Session::see(Visit& visit, const receipt::Checkpoint& checkpoint) {
  next("keep the files below " + visit.environment->state.folder().string() + " and show them to the other participants; sign nothing");
  REDOUBT_CHECK(sdk::advance(visit.environment->state, checkpoint,
                             [&](std::uint64_t from, std::uint64_t to) { return visit.enclave.consistency(from, to); }));
  next("");
  return {};
}

Result<Visit> Session::visit(const std::string& name) {
  REDOUBT_TRY(auto known, environment(name));
  next("see `redoubt environment show " + known->state.name() + "`, and try again when it runs");
  REDOUBT_TRY(const auto view, running(*known, 0));
  REDOUBT_TRY(const auto address, sdk::Address::parse(view.address));
  next("look at the checks with `redoubt environment verify " + known->state.name() + "`");
  REDOUBT_TRY(auto enclave, connect(*known, address, nullptr));
  REDOUBT_CHECK(sdk::check_instance(known->state, enclave.claims()));
  REDOUBT_TRY(auto instance, enclave.instance());
  Visit visit{std::move(known), std::move(enclave), std::move(instance), std::nullopt};
  REDOUBT_CHECK(see(visit, visit.instance.checkpoint));
  REDOUBT_CHECK(sdk::note_open(visit.environment->state, visit.instance.open, false));
  REDOUBT_TRY(const auto log, visit.environment->state.known_log());
  if (log && !log->carried.empty()) {
    REDOUBT_TRY(visit.carried, jobs::CarryOver::parse(log->carried).context("log.json"));
  }
  return visit;
}

Status Session::confirm(const std::string& question, bool yes) {
  if (yes) return {};
  world_.err << question << " [yes/no] " << std::flush;
  std::string answer;
  std::getline(world_.in, answer);
  if (trimmed(answer) == "yes") return {};
  next("answer `yes`, or give --yes in a script");
  return Error(Code::refused, "not confirmed");
}

void Session::warn(const std::string& line) {
  if (world_.color) world_.err << "\x1b[33m";
  world_.err << "warning: " << shown(line);
  if (world_.color) world_.err << "\x1b[0m";
  world_.err << '\n';
}

Result<std::pair<std::map<std::string, HubContext>, std::string>> Session::contexts() const {
  std::pair<std::map<std::string, HubContext>, std::string> all;
  const auto content = sdk::read_secret(config() / "contexts.json", kMaxPem);
  if (!content.ok() && content.error().code() == Code::not_found) return all;
  if (!content.ok()) return content.error();
  REDOUBT_TRY(const json::Value value, json::parse(as_text(content->reveal())).context("contexts.json"));
  json::ObjectReader reader(value, "contexts.json");
  all.second = reader.string("current");
  const json::Value& items = reader.object("contexts");
  REDOUBT_CHECK(reader.finish());
  for (const auto& [name, item] : *items.object()) {
    json::ObjectReader item_reader(item, "context " + name);
    HubContext context{item_reader.string("hub"), item_reader.string("pin"), item_reader.string("key_file")};
    REDOUBT_CHECK(item_reader.finish());
    all.first.emplace(name, std::move(context));
  }
  return all;
}

Result<std::optional<HubContext>> Session::context(const std::string& name) const {
  REDOUBT_TRY(const auto all, contexts());
  const auto found = all.first.find(name.empty() ? all.second : name);
  return found == all.first.end() ? std::optional<HubContext>() : std::optional(found->second);
}

Status Session::keep_context(const std::string& name, const HubContext& context) const {
  REDOUBT_TRY(auto all, contexts());
  all.first.insert_or_assign(name, context);
  json::Object items;
  for (const auto& [key, item] : all.first) {
    items.emplace(key, json::Object{{"hub", item.hub}, {"key_file", item.key_file}, {"pin", item.pin}});
  }
  const std::string text = json::pretty(json::Object{{"contexts", std::move(items)}, {"current", name}});
  return sdk::write_file(config() / "contexts.json", as_bytes(text), sdk::FileKind::secret);
}

json::Value appraisal_json(const appraise::Appraisal& appraisal) {
  json::Array checks;
  for (const attest::Check& check : appraisal.checks) {
    checks.emplace_back(json::Object{{"expected", check.expected},
                                     {"found", check.found},
                                     {"id", id_text(check.id)},
                                     {"outcome", outcome_text(check.outcome)},
                                     {"title", title(check.id)}});
  }
  json::Array remarks;
  for (const std::string& remark : appraisal.remarks) remarks.emplace_back(remark);
  return json::Object{{"checks", std::move(checks)},
                      {"host_asserted", appraisal.host_asserted},
                      {"instance", appraisal.claims ? json::Value(appraisal.claims->instance.hex()) : json::Value()},
                      {"policy", appraisal.policy.hex()},
                      {"program", appraisal.program ? json::Value(appraisal.program->hex()) : json::Value()},
                      {"remarks", std::move(remarks)},
                      {"status", appraise::tier_text(appraisal.status)}};
}

void print_appraisal(Session& session, const appraise::Appraisal& appraisal) {
  constexpr std::size_t limit = 44;
  const auto cut = [](const std::string& text) { return text.size() <= limit ? text : text.substr(0, limit - 3) + "..."; };
  Table table{{"check", "outcome", "what", "expected", "found"}, {}};
  for (const attest::Check& check : appraisal.checks) {
    table.rows.push_back({std::string(id_text(check.id)), std::string(outcome_text(check.outcome)), std::string(title(check.id)),
                          cut(check.expected), cut(check.found)});
  }
  print_table(session.out(), table);
  session.out() << "status: " << appraise::tier_text(appraisal.status) << '\n';
  for (const std::string& remark : appraisal.remarks) session.out() << "remark: " << shown(remark) << '\n';
  if (appraisal.host_asserted) session.warn(std::string(sdk::kHostAssertedWarning));
}

Result<std::vector<crypto::Certificate>> read_certificates(const std::filesystem::path& path) {
  REDOUBT_TRY(const std::string pem, sdk::read_file(path, kMaxPem));
  return crypto::Certificate::parse_pem_bundle(pem).context(path.string());
}

}  // namespace redoubt::cli
