// policy check, show, diff, id: what a Relying Party asks of Evidence.
#include <ostream>

#include "client/cli/any_evidence.h"
#include "client/sdk/files.h"

namespace redoubt::cli {
namespace {

struct PolicyOptions {
  std::string environment, contract, file, other;
};

// open_points: what a policy leaves open that somebody may have meant to ask.
std::vector<std::string> open_points(const appraise::Policy& policy) {
  std::vector<std::string> out;
  const auto note = [&](bool open, const std::string& text) {
    if (open) out.push_back(text);
  };
  const appraise::PlatformPolicies& all = policy.platforms;
  if (all.sgx) {
    note(all.sgx->accept_debug, "sgx: debug enclaves are accepted: their memory is open to the host");
    note(!all.sgx->mrenclave && !all.sgx->signers, "sgx: no measurement is asked: any enclave is accepted");
  }
  if (all.tdx) {
    note(all.tdx->accept_debug, "tdx: debug trust domains are accepted: their memory is open to the host");
    note(!all.tdx->mrtd && !all.tdx->rtmrs, "tdx: no measurement is asked: any trust domain is accepted");
  }
  if (all.snp) {
    note(all.snp->accept_debug, "snp: debug guests are accepted: their memory is open to the host");
    note(!all.snp->measurement, "snp: no measurement is asked: any guest is accepted");
    note(all.snp->maximum_vmpl > 0, "snp: reports of less privileged levels are accepted");
  }
  if (all.nitro) {
    note(all.nitro->accept_debug, "nitro: debug enclaves are accepted: their console and memory are open to the host");
    note(!all.nitro->pcrs, "nitro: no measurement is asked: any enclave is accepted");
  }
  if (all.token) {
    note(all.token->accept_debug, "token: debug images are accepted");
    note(!all.token->image_digests, "token: no image is asked: any workload is accepted");
    note(!all.token->audience, "token: tokens for any audience are accepted");
  }
  if (all.tpm && !all.tpm->anchors.empty()) {  // without an authority no TPM is accepted, and nothing is left open
    note(!all.tpm->pcrs && !all.tpm->pcrs_sha384 && !all.tpm->pcrs_sha512 && !policy.programs, "tpm: no measurement is asked: any program is accepted");
    note(all.tpm->accept_ima_violations, "tpm: files that changed while they were measured are accepted");
    note(!all.tpm->require_revocation_lists, "tpm: a key is accepted of which no revocation list speaks");
    for (const appraise::TrustAnchor& anchor : all.tpm->anchors) {
      note(anchor.ak_without_usage, "tpm: any signing key that \"" + anchor.name + "\" certifies without a usage is taken for an attestation key");
    }
  }
  if (all.azure) {
    const auto& azure = *all.azure;
    note((azure.snp && azure.snp->accept_debug) || (azure.tdx && azure.tdx->accept_debug), "azure: debug guests are accepted: their memory is open to the host");
    note(!azure.pcrs, "azure: no PCRs are asked: any system is accepted in the guest");
    note((azure.snp && !azure.snp->measurement) || (azure.tdx && !azure.tdx->mrtd), "azure: no measurement is asked: any paravisor is accepted");
    note(!azure.secure_boot_required, "azure: guests without Secure Boot are accepted");
  }
  const bool none = !all.sgx && !all.tdx && !all.snp && !all.nitro && !all.token && !all.tpm && !all.azure;
  note(none, "no platform has a section: nothing is accepted");
  return out;
}

Status check(Session& session, const PolicyOptions& options) {
  session.next("docs/specs/policy.md lists every key; `redoubt policy show strict -o json` is one to begin with");
  REDOUBT_TRY(const appraise::Policy policy, read_policy(options.file));
  const std::vector<std::string> open = open_points(policy);
  if (session.json()) {
    print_json(session.out(), json::Object{{"id", policy.id().hex()}, {"name", policy.name}, {"open", json::Array(open.begin(), open.end())}});
    return {};
  }
  session.out() << "policy " << shown(policy.name) << " is well formed, id " << policy.id().hex() << '\n';
  for (const std::string& line : open) session.warn(line);
  return {};
}

Status id(Session& session, const PolicyOptions& options) {
  REDOUBT_TRY(const appraise::Policy policy, read_policy(options.file));
  if (session.json()) {
    print_json(session.out(), json::Object{{"id", policy.id().hex()}, {"name", policy.name}});
  } else {
    session.out() << policy.id().hex() << '\n';
  }
  return {};
}

Status diff(Session& session, const PolicyOptions& options) {
  REDOUBT_TRY(const appraise::Policy a, read_policy(options.file));
  REDOUBT_TRY(const appraise::Policy b, read_policy(options.other));
  const std::vector<std::string> lines = appraise::difference(a, b);
  if (session.json()) {
    print_json(session.out(), json::Object{{"a", a.id().hex()}, {"b", b.id().hex()}, {"differences", json::Array(lines.begin(), lines.end())}});
    return {};
  }
  for (const std::string& line : lines) session.out() << shown(line) << '\n';
  if (lines.empty()) session.out() << "the same policy, id " << a.id().hex() << '\n';
  return {};
}

void flatten(const std::string& path, const json::Value& value, Table& table) {
  if (value.object() == nullptr) {
    table.rows.push_back({path, value.string() != nullptr ? *value.string() : json::canonical(value)});
    return;
  }
  for (const auto& [name, member] : *value.object()) flatten(path.empty() ? name : path + "." + name, member, table);
}

Status show_file(Session& session, const std::string& file) {
  REDOUBT_TRY(const appraise::Policy policy, read_policy(file));
  if (session.json()) {
    print_json(session.out(), policy.to_json());
    return {};
  }
  Table table{{"requirement", "value"}, {}};
  flatten("", policy.to_json(), table);
  table.rows.push_back({"id", policy.id().hex()});
  print_table(session.out(), table);
  return {};
}

Status show(Session& session, const PolicyOptions& options) {
  if (!options.file.empty()) return show_file(session, options.file);
  jobs::Contract contract;
  if (!options.contract.empty()) {
    REDOUBT_TRY(const std::string text, sdk::read_file(options.contract, jobs::Contract::kMaxBytes));
    REDOUBT_TRY(contract, jobs::Contract::parse(text));
  } else {
    REDOUBT_TRY(const std::string name, session.environment_name(options.environment));
    REDOUBT_TRY(const auto state, sdk::EnvironmentState::open(session.config(), name));
    REDOUBT_TRY(contract, state.contract());
  }
  if (session.json()) {
    print_json(session.out(), contract.evidence.to_json());
  } else {
    Table table{{"term", "value"}, {}};
    for (const auto& term : sdk::terms_of(contract)) table.rows.push_back({term.name, term.value});
    print_table(session.out(), table);
  }
  for (const std::string& warning : sdk::warnings_of(contract)) session.warn(warning);
  return {};
}

}  // namespace

void add_policy_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("policy", "what is accepted as Evidence")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<PolicyOptions>();
  const std::string file_text = "policy file, or the word strict for the built-in policy";
  CLI::App* look = add_verb(commands, noun, "show", "show every term of a contract, or every requirement of a policy file",
                            {"redoubt policy show --environment study", "redoubt policy show --contract contract.json -o json",
                             "redoubt policy show strict -o json > policy.json"},
                            [&session, options] { return show(session, *options); });
  look->add_option("file", options->file, file_text);
  look->add_option("-e,--environment", options->environment, "name of the environment");
  look->add_option("--contract", options->contract, "a contract file");
  CLI::App* examine = add_verb(commands, noun, "check", "check the form of a policy file, and say what it leaves open", {"redoubt policy check policy.json"},
                               [&session, options] { return check(session, *options); });
  CLI::App* identify = add_verb(commands, noun, "id", "print the id of a policy: the digest of its canonical form", {"redoubt policy id policy.json"},
                                [&session, options] { return id(session, *options); });
  CLI::App* compare = add_verb(commands, noun, "diff", "show each requirement in which two policies differ", {"redoubt policy diff strict policy.json"},
                               [&session, options] { return diff(session, *options); });
  for (CLI::App* verb : {examine, identify, compare}) verb->add_option("file", options->file, file_text)->required();
  compare->add_option("other", options->other, file_text)->required();
}

}  // namespace redoubt::cli
