// evidence show, verify, measure: what a program shows of itself.
#include <ostream>

#include "client/cli/any_evidence.h"
#include "client/sdk/files.h"
#include "client/sdk/program_files.h"
#include "common/attest/evidence/binding.h"

namespace redoubt::cli {
namespace {

constexpr std::string_view kEvidenceType = "redoubt/evidence-file/1";
constexpr std::size_t kMaxEvidenceFile = 4U << 20;

struct EvidenceOptions {
  std::string environment, file, contract, roots, save;
};

json::Value evidence_json(const receipt::StoredEvidence& evidence) {
  return json::Object{{"challenge", evidence.challenge.hex()}, {"claims", evidence.claims},
                      {"evidence", base64_encode(evidence.bytes)}, {"format", evidence.format}, {"type", kEvidenceType}};
}

Result<receipt::StoredEvidence> parse_evidence(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse(text, {.max_bytes = kMaxEvidenceFile, .max_depth = 2}).context("evidence file"));
  json::ObjectReader reader(value, "evidence file");
  receipt::StoredEvidence evidence;
  reader.expect("type", kEvidenceType);
  evidence.challenge = reader.hex<Challenge>("challenge");
  evidence.claims = reader.nonempty("claims", receipt::StoredEvidence::kMaxClaims);
  evidence.bytes = reader.base64("evidence", receipt::StoredEvidence::kMaxSize);
  evidence.format = reader.nonempty("format", 32);
  REDOUBT_CHECK(reader.finish());
  return evidence;
}

// appraise_identity: the Evidence speaks for its claims, under this contract, for its own challenge.
Result<appraise::Appraisal> appraise_identity(Session& session, const receipt::StoredEvidence& evidence, const jobs::Contract& contract,
                                              appraise::Endorsements endorsements) {
  REDOUBT_TRY(const auto claims, attest::Claims::parse(evidence.claims));
  const appraise::Challenge challenge{attest::identity_statement(evidence.challenge, claims.digest()), claims, contract.digest()};
  return session.world().appraise({evidence.format, evidence.bytes}, endorsements, challenge, contract.evidence, session.world().now());
}

Status print_verdict(Session& session, const appraise::Appraisal& appraisal) {
  if (session.output == "ear") {
    print_json(session.out(), appraise::ear(appraisal, session.world().now()));
  } else if (session.json()) {
    print_json(session.out(), appraisal_json(appraisal));
  } else {
    print_appraisal(session, appraisal);
  }
  session.next("do not send data to this program");
  return appraisal.accepted();
}

Status show(Session& session, const EvidenceOptions& options) {
  REDOUBT_TRY(auto environment, session.environment(options.environment));
  REDOUBT_TRY(const auto view, session.running(*environment, 0));
  REDOUBT_TRY(const auto address, sdk::Address::parse(view.address));
  REDOUBT_TRY(auto door, sdk::OpenDoor::connect(address));
  REDOUBT_TRY(const auto evidence, door.identity(session.world().random.fixed<Challenge>()));
  if (!options.save.empty()) REDOUBT_CHECK(sdk::write_file(options.save, as_bytes(json::pretty(evidence_json(evidence))), sdk::FileKind::open));
  appraise::Endorsements endorsements;
  REDOUBT_TRY(endorsements.tpm_roots, session.roots(environment->state, &environment->hub));
  REDOUBT_TRY(endorsements.enrolments, environment->state.enrolments());
  endorsements.self = environment->keys.enroller().public_key();
  REDOUBT_TRY(const auto appraisal, appraise_identity(session, evidence, environment->contract, std::move(endorsements)));
  if (!session.json()) session.out() << "claims: " << shown(evidence.claims) << '\n';
  return print_verdict(session, appraisal);
}

// verify_own: a file that `show --save` wrote, against the contract.
Status verify_own(Session& session, const EvidenceOptions& options) {
  REDOUBT_TRY(const std::string text, sdk::read_file(options.file, kMaxEvidenceFile));
  REDOUBT_TRY(const auto evidence, parse_evidence(text));
  appraise::Endorsements endorsements;
  jobs::Contract contract;
  if (options.contract.empty()) {
    REDOUBT_TRY(const std::string name, session.environment_name(options.environment));
    REDOUBT_TRY(const auto state, sdk::EnvironmentState::open(session.config(), name));
    REDOUBT_TRY(contract, state.contract());
    REDOUBT_TRY(endorsements.tpm_roots, session.roots(state, nullptr));
    REDOUBT_TRY(endorsements.enrolments, state.enrolments());
  } else {
    REDOUBT_TRY(const std::string held, sdk::read_file(options.contract, jobs::Contract::kMaxBytes));
    REDOUBT_TRY(contract, jobs::Contract::parse(held));
  }
  if (!options.roots.empty()) {
    REDOUBT_TRY(endorsements.tpm_roots, read_certificates(options.roots));
  }
  if (const auto keys = sdk::KeyFile::load(session.keys_path()); keys.ok()) endorsements.self = keys->enroller().public_key();
  REDOUBT_TRY(const auto appraisal, appraise_identity(session, evidence, contract, std::move(endorsements)));
  return print_verdict(session, appraisal);
}

// verify: a file of our own protocol against a contract, any other Evidence against a policy.
Status verify(Session& session, const EvidenceOptions& options, AnyEvidenceOptions any) {
  any.file = options.file;
  any.tpm_root = options.roots;
  REDOUBT_TRY(const Bytes bytes, read_evidence(options.file));
  const auto format = verifier::detect(bytes);
  if (!format.ok()) {
    session.next("give the Evidence in its binary form, or as it is named above");
    return format.error();
  }
  if (*format == verifier::Format::evidence_file) {
    if (any.given()) return Error(Code::usage, "--policy, --collateral, --time and --nonce do not apply: this file is judged against a contract");
    return verify_own(session, options);
  }
  if (!options.contract.empty() || !options.environment.empty()) {
    return Error(Code::usage, "--contract and --environment apply to files that `evidence show --save` wrote; found a " + std::string(verifier::format_text(*format)));
  }
  return verify_any(session, any);
}

// measure: the Reference Value of a program that the participant built, by the launcher's own algorithm.
Status measure_files(Session& session, const std::string& program) {
  REDOUBT_TRY(const auto manifest, sdk::measure_cleanroom(program).context("measuring"));
  if (session.json()) {
    print_json(session.out(), manifest.reference(measure::kCleanroomProgram));
    return {};
  }
  Table table{{"file", "bytes", "sha256"}, {}};
  for (const auto& file : manifest.files) table.rows.push_back({file.path, std::to_string(file.size), file.sha256.hex()});
  print_table(session.out(), table);
  session.out() << "program " << measure::kCleanroomProgram << '=' << manifest.digest().hex() << '\n';
  return {};
}

}  // namespace

void add_evidence_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("evidence", "what a program shows of itself")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<EvidenceOptions>();
  CLI::App* fetch = add_verb(commands, noun, "show", "show a file of Evidence byte by byte; without a file, fetch fresh Identity Evidence and appraise it",
                             {"redoubt evidence show quote.bin", "redoubt evidence show --environment study --save evidence.json"},
                             [&session, options] { return options->file.empty() ? show(session, *options) : show_any(session, options->file); });
  fetch->add_option("file", options->file, "a file of Evidence; nothing in it is verified");
  fetch->add_option("--save", options->save, "write Evidence, claims and challenge to this file");
  const auto any = std::make_shared<AnyEvidenceOptions>();
  CLI::App* check = add_verb(commands, noun, "verify", "appraise Evidence of any platform offline: quotes, reports, documents, tokens, certificates, our own files",
                             {"redoubt evidence verify quote.bin --collateral ./collateral",
                              "redoubt evidence verify token.jwt --collateral jwks.json --policy policy.json --nonce 6e6f6e6365 -o ear",
                              "redoubt evidence verify evidence.json --contract contract.json --tpm-root root.pem"},
                             [&session, options, any] { return verify(session, *options, *any); });
  check->add_option("file", options->file, "the Evidence file; its form is found out")->required();
  check->add_option("--contract", options->contract, "the contract that you hold, for files that `show --save` wrote");
  check->add_option("--tpm-root", options->roots, "PEM file of TPM roots; only those that contract or policy name count");
  CLI::App* explain = add_verb(commands, noun, "explain", "for each failed check: the rule, both values, and the smallest change of the policy that would turn it",
                               {"redoubt evidence explain quote.bin --collateral ./collateral --policy policy.json"},
                               [&session, any] { return explain_any(session, *any); });
  explain->add_option("file", any->file, "the Evidence file")->required();
  explain->add_option("--tpm-root", any->tpm_root, "PEM file of TPM roots");
  for (CLI::App* verb : {check, explain}) add_any_evidence_options(verb, *any);
  for (CLI::App* verb : {fetch, check}) verb->add_option("-e,--environment", options->environment, "name of the environment");
  const auto program = std::make_shared<std::string>();
  CLI::App* own = add_verb(commands, noun, "measure", "compute the measurement of a program that you built, for the contract",
                           {"redoubt evidence measure build/release/bin/redoubt-cleanroom -o json > program.json",
                            "redoubt environment create study --program program.json ..."},
                           [&session, program] { return measure_files(session, *program); });
  own->add_option("program", *program, "the program file: redoubt-cleanroom, beside its engine")->required();
  add_conformance_command(commands, noun);
}

}  // namespace redoubt::cli
