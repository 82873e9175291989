// environment create, verify, show, list: from a contract in words to an instance that was joined.
#include <ostream>

#include "client/cli/commands.h"
#include "client/sdk/carry_over.h"
#include "client/sdk/files.h"

namespace redoubt::cli {
namespace {

struct EnvironmentOptions {
  std::string name, contract, contract_out = "contract.json", privacy_floor = "aggregate_only", approval = "unanimous";
  std::vector<std::string> participants, programs, roots, veto;
  int k = 10, recovery_quorum = 0, wait_seconds = 60;
  bool accept_host_asserted = false, accept_software_tpm = false, require_secure_boot = false, hardware_roots = false, submitter_counts = false, yes = false;
};

void print_terms(Session& session, const jobs::Contract& contract) {
  Table table{{"term", "value"}, {}};
  for (const auto& term : sdk::terms_of(contract)) table.rows.push_back({term.name, term.value});
  print_table(session.out(), table);
  for (const std::string& warning : sdk::warnings_of(contract)) session.warn(warning);
}

// read_member reads NAME=FILE[:votes]; the file's own name must be NAME, so that nobody is listed under another's name.
Result<sdk::ContractMember> read_member(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return Error(Code::usage, "--participant: expected NAME=FILE[:votes], found \"" + text + "\"");
  std::string file = text.substr(equals + 1);
  constexpr std::string_view suffix = ":votes";
  const bool votes = file.ends_with(suffix);
  if (votes) file.resize(file.size() - suffix.size());
  REDOUBT_TRY(const std::string content, sdk::read_file(file, sdk::PublicKeys::kMaxBytes));
  REDOUBT_TRY(auto keys, sdk::PublicKeys::parse(content).context(file));
  if (keys.name != text.substr(0, equals)) {
    return Error(Code::binding, file + ": expected the keys of \"" + text.substr(0, equals) + "\", found those of \"" + keys.name + "\"");
  }
  return sdk::ContractMember{std::move(keys), votes};
}

Result<appraise::ReferenceProgram> read_program_option(const std::string& text) {
  if (text.find('=') != std::string::npos) return sdk::read_program(text);
  REDOUBT_TRY(const std::string content, sdk::read_file(text, 4U << 20));
  return sdk::read_program(content);
}

// check_own_entry: the contract lists this participant with exactly the keys that it holds.
Status check_own_entry(const jobs::Contract& contract, const sdk::KeyFile& keys) {
  const jobs::Participant* listed = contract.find(keys.name());
  if (listed == nullptr) return Error(Code::refused, "contract: participant \"" + keys.name() + "\" is not in it");
  const jobs::Participant own = keys.public_keys().participant(listed->votes);
  if (listed->signing_key != own.signing_key || listed->hpke_key != own.hpke_key || listed->recovery_key != own.recovery_key) {
    return Error(Code::binding, "contract: it lists another key under the name \"" + keys.name() + "\": expected " +
                                    own.signing_key.hex() + ", found " + listed->signing_key.hex());
  }
  return {};
}

// check_members: public-key files that the participant was given by their owners stand in the contract as they are.
Status check_members(const jobs::Contract& contract, const std::vector<std::string>& participants) {
  for (const std::string& text : participants) {
    REDOUBT_TRY(const auto member, read_member(text));
    const jobs::Participant* listed = contract.find(member.keys.name);
    if (listed == nullptr) return Error(Code::binding, "contract: \"" + member.keys.name + "\" is not in it");
    if (listed->signing_key != member.keys.signing_key || listed->hpke_key != member.keys.hpke_key) {
      return Error(Code::binding, "contract: it lists another key under the name \"" + member.keys.name + "\": expected " +
                                      member.keys.signing_key.hex() + ", found " + listed->signing_key.hex());
    }
  }
  return {};
}

Status create(Session& session, const EnvironmentOptions& options) {
  sdk::ContractPlan plan;
  plan.environment = options.name;
  REDOUBT_CHECK(sdk::read_approval(options.approval, plan));
  plan.approval.veto = options.veto;
  std::ranges::sort(plan.approval.veto);
  // Under unanimous every voter signs, the submitter too; under the other rules his own approval counts only where it is asked for.
  plan.approval.submitter_counts = options.submitter_counts || plan.approval.rule == jobs::ApprovalRule::unanimous;
  plan.k = options.k;
  plan.recovery_quorum = options.recovery_quorum;
  REDOUBT_TRY(plan.privacy_floor, jobs::parse_privacy_level(options.privacy_floor));
  plan.accept_host_asserted = options.accept_host_asserted;
  plan.accept_software_tpm = options.accept_software_tpm;
  plan.require_secure_boot = options.require_secure_boot;
  plan.tpm_roots_are_software = !options.hardware_roots;
  for (const std::string& text : options.participants) {
    REDOUBT_TRY(auto member, read_member(text));
    plan.members.push_back(std::move(member));
  }
  for (const std::string& text : options.programs) {
    REDOUBT_TRY(auto program, read_program_option(text));
    plan.programs.push_back(std::move(program));
  }
  std::string pem;
  for (const std::string& file : options.roots) {
    REDOUBT_TRY(auto certificates, read_certificates(file));
    REDOUBT_TRY(const std::string text, sdk::read_file(file, 256 * 1024));
    pem += text + "\n";
    for (auto& certificate : certificates) plan.tpm_roots.push_back(std::move(certificate));
  }
  REDOUBT_TRY(const auto contract, sdk::build_contract(plan));
  REDOUBT_TRY(const auto keys, session.keys());
  REDOUBT_CHECK(check_own_entry(contract, keys));
  if (!session.json()) print_terms(session, contract);
  REDOUBT_CHECK(session.confirm("create this environment at the hub?", options.yes));
  REDOUBT_TRY(auto hub, session.hub());
  REDOUBT_TRY(const auto state, sdk::EnvironmentState::open(session.config(), options.name));
  session.next("choose another name, or go on with `redoubt environment verify " + options.name + "`");
  REDOUBT_CHECK(state.keep_contract(contract));
  REDOUBT_CHECK(state.keep_roots(pem));
  REDOUBT_CHECK(sdk::write_file(options.contract_out, as_bytes(contract.canonical()), sdk::FileKind::open));
  session.next("see that the hub runs, and create again: the same contract is the same environment");
  REDOUBT_TRY(const std::string id, hub.create_environment(contract.canonical(), contract.digest().hex()));
  REDOUBT_CHECK(state.keep_hub_id(id));
  if (session.json()) {
    print_json(session.out(), json::Object{{"contract", contract.digest().hex()}, {"environment", id}, {"file", options.contract_out}});
  } else {
    session.out() << "environment " << shown(id) << " is starting; the contract is in " << options.contract_out
                  << "\ngive that file to every participant; each runs: redoubt environment verify " << options.name
                  << " --contract contract.json\n";
  }
  return {};
}

// adopt: the participant reads the contract and makes it its own.
Status adopt(Session& session, const EnvironmentOptions& options, const sdk::EnvironmentState& state, const sdk::KeyFile& keys) {
  if (options.contract.empty()) return {};
  REDOUBT_TRY(const std::string text, sdk::read_file(options.contract, jobs::Contract::kMaxBytes));
  REDOUBT_TRY(const auto contract, jobs::Contract::parse(text));
  session.next("do not join: ask whoever wrote the contract, and compare fingerprints (`redoubt key show`)");
  REDOUBT_CHECK(check_own_entry(contract, keys));
  REDOUBT_CHECK(check_members(contract, options.participants));
  if (contract.environment != state.name()) {
    return Error(Code::binding, "contract: expected environment \"" + state.name() + "\", found \"" + contract.environment + "\"");
  }
  session.next("");
  if (state.contract().ok()) return state.keep_contract(contract);
  if (!session.json()) print_terms(session, contract);
  REDOUBT_CHECK(session.confirm("take this contract as yours?", options.yes));
  return state.keep_contract(contract);
}

// find_at_hub: the hub's id of the environment that has our contract.
Result<std::string> find_at_hub(sdk::HubClient& hub, const jobs::Contract& contract) {
  REDOUBT_TRY(const auto all, hub.environments());
  const std::string digest = contract.digest().hex();
  const auto found = std::ranges::find(all, digest, &sdk::EnvironmentView::contract_digest);
  if (found == all.end()) return Error(Code::not_found, "the hub has no environment with contract " + digest);
  return found->id;
}

Status keep_given_roots(const EnvironmentOptions& options, const sdk::EnvironmentState& state) {
  std::string pem;
  for (const std::string& file : options.roots) {
    REDOUBT_TRY([[maybe_unused]] const auto certificates, read_certificates(file));
    REDOUBT_TRY(const std::string text, sdk::read_file(file, 256 * 1024));
    pem += text + "\n";
  }
  return pem.empty() ? Status() : state.keep_roots(pem);
}

Result<tpm::AkEnrolment> enrol(Session& session, Environment& environment, const sdk::Address& address) {
  session.next("the attestation key could not be tied to a TPM that the contract trusts: do not send data");
  REDOUBT_TRY(auto door, sdk::OpenDoor::connect(address));
  REDOUBT_TRY(const auto roots, session.roots(environment.state, &environment.hub));
  REDOUBT_TRY(const auto known, environment.state.enrolments());
  const sdk::Enrolling with{environment.contract.evidence, roots, environment.keys.enroller(), session.world().make_credential,
                            session.world().random, session.world().now()};
  REDOUBT_TRY(auto enrolled, sdk::enrol(door, with, known).context("enrolling the attestation key"));
  if (enrolled.is_new) REDOUBT_CHECK(environment.state.keep_enrolment(enrolled.enrolment));
  return enrolled.enrolment;
}

Status print_verified(Session& session, const jobs::Contract& contract, const appraise::Appraisal& appraisal, const sdk::InstanceView& instance,
                      bool joined) {
  if (session.json()) {
    json::Object value = *appraisal_json(appraisal).object();
    json::Array names;
    for (const std::string& name : instance.joined) names.emplace_back(name);
    value.emplace("joined", std::move(names));
    value.emplace("open", instance.open);
    value.emplace("engine_sandbox", instance.engine_sandbox);
    value.emplace("state", instance.state);
    value.emplace("approval", contract.approval.to_json());
    value.emplace("quorum", sdk::quorum_text(contract));
    print_json(session.out(), value);
    return {};
  }
  if (!joined) return {};
  session.out() << "instance " << appraisal.claims->instance.hex() << ": joined by";
  for (const std::string& name : instance.joined) session.out() << ' ' << shown(name);
  session.out() << (instance.open ? "; open\n" : "; waiting for the others\n");
  if (!instance.state.empty()) session.out() << "state: " << shown(instance.state) << '\n';
  session.out() << "approval: " << shown(contract.approval.text()) << "\na dishonest quorum: " << shown(sdk::quorum_text(contract)) << '\n';
  if (!instance.engine_sandbox.starts_with("seccomp, landlock ")) {
    session.out() << "note: the sandbox of this instance's query engine is not whole: " << shown(instance.engine_sandbox) << '\n';
  }
  return {};
}

// carry_over: after a restart, the old logs are held against what is remembered of them, and signed as carried over. Ok also when
// that cannot be told from here, with a warning; a log that contradicts what was seen is the error.
Status carry_over(Session& session, Environment& environment, sdk::EnclaveClient& enclave, const sdk::InstanceView& instance) {
  if (!instance.carry_over) return {};
  REDOUBT_TRY(auto known, environment.state.known_log());
  REDOUBT_TRY(const auto memory, environment.state.earlier_logs());
  if (!known || !known->carried.empty()) return {};
  const sdk::CarryOverView& offered = *instance.carry_over;
  const auto entries = [&](std::uint64_t position, std::uint64_t from) { return enclave.old_entries(position, from); };
  const Status whole = sdk::check_old_logs(offered, environment.contract.digest(), enclave.claims().instance, memory, entries);
  if (!whole.ok() && whole.error().code() == Code::not_found) {
    session.warn("the old log was not signed as carried over: " + whole.error().message() +
                 "; queries from before the restart do not run, submit them again");
    return {};
  }
  if (!whole.ok()) {
    session.next("keep the files below " + environment.state.folder().string() + " and show them to the other participants; queries from before "
                 "the restart do not run without your signature");
    if (const auto proof = sdk::contradiction(offered, memory, entries)) {
      REDOUBT_TRY(const auto path, environment.state.keep_fork(*proof));
      session.warn("what shows it to others is in " + path.string());
    }
    return whole.error().context("the old log was not signed as carried over");
  }
  REDOUBT_CHECK(enclave.carry_over(offered.statement));
  known->carried = offered.statement.canonical();
  REDOUBT_CHECK(environment.state.keep_log(*known));
  const jobs::CarriedHead& last = offered.statement.heads.back();
  if (!session.json()) {
    session.out() << "log of instance " << last.instance.hex() << ": " << last.head.size
                  << " entries extend what was seen here; signed as carried over\n";
  }
  return {};
}

// check_not_forgotten: an instance that goes on from nothing knows nothing of what was asked before, and would answer what the one
// before refused. Nobody joins it who knows of one that was open.
Status check_not_forgotten(Session& session, const Environment& environment, const sdk::InstanceView& instance, const InstanceId& own) {
  if (instance.carry_over) return {};
  REDOUBT_TRY(auto memory, environment.state.earlier_logs());
  REDOUBT_TRY(const auto known, environment.state.known_log());
  if (known) memory.push_back(*known);
  const auto left = std::ranges::find_if(memory, [&](const sdk::KnownLog& log) { return log.open && log.instance != own; });
  // This very instance may have been joined before; what it goes on from was looked at then.
  if (left == memory.end() || (known && known->instance == own)) return {};
  session.next("ask the operator for the log of the instance before; release no keys to this one");
  return Error(Code::log_proof, "this instance goes on from nothing: the log of instance " + left->instance.hex() + " is left out");
}

Status verify(Session& session, const EnvironmentOptions& options) {
  REDOUBT_TRY(const std::string name, session.environment_name(options.name));
  REDOUBT_TRY(const auto state, sdk::EnvironmentState::open(session.config(), name));
  REDOUBT_TRY(auto keys, session.keys());
  REDOUBT_CHECK(adopt(session, options, state, keys));
  session.next("give the contract that you hold: `redoubt environment verify " + name + " --contract FILE`");
  REDOUBT_TRY(auto contract, state.contract());
  REDOUBT_CHECK(check_own_entry(contract, keys));
  session.next("do not join: ask whoever wrote the contract, and compare fingerprints (`redoubt key show`)");
  REDOUBT_CHECK(check_members(contract, options.participants));  // also for a contract that was kept before
  REDOUBT_CHECK(keep_given_roots(options, state));
  REDOUBT_TRY(auto hub, session.hub());
  session.next("ask whoever creates the environment to run `redoubt environment create`");
  REDOUBT_TRY(const std::string id, find_at_hub(hub, contract));
  REDOUBT_CHECK(state.keep_hub_id(id));
  REDOUBT_TRY(auto environment, session.environment(name));
  session.next("see `redoubt environment show " + name + "`, and verify again when it runs");
  REDOUBT_TRY(const auto view, session.running(*environment, options.wait_seconds));
  REDOUBT_TRY(const auto address, sdk::Address::parse(view.address));
  REDOUBT_TRY(const auto enrolment, enrol(session, *environment, address));
  session.next("this program was not accepted: send it nothing, and ask the operator what runs there");
  const auto record = std::make_shared<sdk::SessionRecord>();
  auto enclave = session.connect(*environment, address, record);
  if (record->appraisal && !session.json()) print_appraisal(session, *record->appraisal);
  if (!enclave.ok()) return enclave.error();
  session.next("");
  REDOUBT_TRY(const auto before, enclave->instance());
  REDOUBT_CHECK(check_not_forgotten(session, *environment, before, enclave->claims().instance));
  const auto consistency = [&](std::uint64_t from, std::uint64_t to) { return enclave->consistency(from, to); };
  REDOUBT_CHECK(sdk::adopt_instance(environment->state, enclave->claims(), before.checkpoint, consistency));
  REDOUBT_CHECK(enclave->leave_enrolment(enrolment.encode()));
  REDOUBT_CHECK(sdk::note_open(environment->state, true, true));
  REDOUBT_CHECK(enclave->join());
  const Status carried = carry_over(session, *environment, *enclave, before);
  REDOUBT_TRY(const auto after, enclave->instance());
  REDOUBT_CHECK(sdk::advance(environment->state, after.checkpoint, consistency));
  REDOUBT_TRY([[maybe_unused]] const auto log, sdk::read_log(*enclave, after, after.checkpoint));
  REDOUBT_CHECK(sdk::note_open(environment->state, after.open, true));
  REDOUBT_CHECK(print_verified(session, environment->contract, enclave->appraisal(), after, true));
  return carried;
}

Status show(Session& session, const EnvironmentOptions& options) {
  REDOUBT_TRY(const std::string name, session.environment_name(options.name));
  REDOUBT_TRY(auto environment, session.environment(name));
  REDOUBT_TRY(const auto view, environment->hub.environment(environment->id));
  REDOUBT_TRY(const auto known, environment->state.known_log());
  const std::string joined = known ? known->instance.hex() : "";
  if (session.json()) {
    print_json(session.out(), json::Object{{"address", view.address}, {"contract", environment->contract.digest().hex()},
                                           {"environment", name}, {"hub_id", view.id}, {"instance", view.instance},
                                           {"joined_instance", joined}, {"state", view.state}});
    return {};
  }
  print_table(session.out(), {{"environment", "value"},
                              {{"name", name},
                               {"contract", environment->contract.digest().hex()},
                               {"state (hub)", view.state},
                               {"address (hub)", view.address},
                               {"instance (hub)", view.instance},
                               {"instance joined", joined.empty() ? "none: run redoubt environment verify" : joined}}});
  return {};
}

Status list_environments(Session& session) {
  json::Array items;
  Table table{{"environment", "contract", "instance joined"}, {}};
  for (const std::string& name : sdk::EnvironmentState::list(session.config())) {
    REDOUBT_TRY(const auto state, sdk::EnvironmentState::open(session.config(), name));
    REDOUBT_TRY(const auto contract, state.contract());
    REDOUBT_TRY(const auto known, state.known_log());
    const std::string joined = known ? known->instance.hex() : "";
    items.emplace_back(json::Object{{"contract", contract.digest().hex()}, {"environment", name}, {"joined_instance", joined}});
    table.rows.push_back({name, contract.digest().hex(), joined});
  }
  if (session.json()) {
    print_json(session.out(), json::Object{{"items", std::move(items)}});
  } else {
    print_table(session.out(), table);
  }
  return {};
}

}  // namespace

void add_environment_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("environment", "contracts and the enclave programs that run under them");
  noun->alias("env")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<EnvironmentOptions>();
  CLI::App* make = add_verb(commands, noun, "create", "write a contract and start an environment under it",
                            {"redoubt environment create study --participant hospital=hospital.pub.json:votes \\",
                             "    --participant laboratory=laboratory.pub.json:votes --participant analyst=analyst.pub.json \\",
                             "    --k 10 --program program.json --tpm-root root.pem --accept-host-asserted --accept-software-tpm"},
                            [&session, options] { return create(session, *options); });
  make->add_option("name", options->name, "name of the environment")->required();
  make->add_option("--participant", options->participants, "NAME=PUBLIC-KEY-FILE, with :votes behind it for a vote")->required();
  make->add_option("--k", options->k, "smallest number of units behind a released row")->check(CLI::Range(2, 1000));
  make->add_option("--privacy-floor", options->privacy_floor, "weakest privacy level that a query may have, weakest first: none, k_anonymized, aggregate_only, differential_privacy")
      ->check(CLI::IsMember({"none", "k_anonymized", "aggregate_only", "differential_privacy"}));
  make->add_option("--approval", options->approval, "whom a query needs: unanimous, majority, owners (of what it reads), or K-of-N voters such as 2-of-3");
  make->add_option("--veto", options->veto, "a voter without whose approval nothing runs");
  make->add_flag("--submitter-counts", options->submitter_counts, "with majority, owners and K-of-N: a submitter's own approval counts as well");
  make->add_option("--recovery-quorum", options->recovery_quorum, "recovery keys that together may replace a participant");
  make->add_option("--program", options->programs, "accepted program: a JSON file with name and manifest digest, or NAME=HEX")->required();
  make->add_option("--tpm-root", options->roots, "PEM file of trust anchors for TPMs")->required();
  make->add_flag("--hardware-roots", options->hardware_roots, "the roots stand for hardware TPMs");
  make->add_flag("--require-secure-boot", options->require_secure_boot, "Secure Boot must be on");
  make->add_flag("--accept-host-asserted", options->accept_host_asserted, "accept a measurement that only the host vouches for");
  make->add_flag("--accept-software-tpm", options->accept_software_tpm, "accept a software TPM");
  make->add_option("--contract-out", options->contract_out, "where to write the contract");
  make->add_flag("--yes", options->yes, "do not ask");

  CLI::App* check = add_verb(commands, noun, "verify", "appraise the enclave program against the contract you hold, and join",
                             {"redoubt environment verify study --contract contract.json", "redoubt environment verify study"},
                             [&session, options] { return verify(session, *options); });
  check->add_option("name", options->name, "name of the environment");
  check->add_option("--contract", options->contract, "the contract as you were given it");
  check->add_option("--participant", options->participants, "NAME=PUBLIC-KEY-FILE that must stand in the contract");
  check->add_option("--tpm-root", options->roots, "PEM file of TPM roots; only those that the contract names count");
  check->add_option("--wait", options->wait_seconds, "seconds to wait until the program runs");
  check->add_flag("--yes", options->yes, "do not ask");

  CLI::App* one = add_verb(commands, noun, "show", "show one environment", {"redoubt environment show study"},
                           [&session, options] { return show(session, *options); });
  one->add_option("name", options->name, "name of the environment");
  add_verb(commands, noun, "list", "show the environments known here", {"redoubt environment list -o json"},
           [&session] { return list_environments(session); });
}

}  // namespace redoubt::cli
