// result get, result link and receipt verify: the answer, and the proof of where it came from.
#include <algorithm>
#include <ostream>

#include "client/cli/commands.h"
#include "client/sdk/files.h"
#include "client/sdk/query.h"

namespace redoubt::cli {
namespace {

struct ResultOptions {
  std::string environment, query, receipt_out, recipient;
  int wait_seconds = 0;
};

struct ReceiptOptions {
  std::string environment, file, contract, roots;
};

void print_checks(Session& session, const sdk::ReceiptVerdict& verdict, bool with_appraisal) {
  if (with_appraisal && verdict.appraisal) print_appraisal(session, *verdict.appraisal);
  Table table{{"check", "outcome", "detail"}, {}};
  for (const auto& check : verdict.report.checks) table.rows.push_back({check.id, std::string(name_of(check.outcome)), check.detail});
  print_table(session.out(), table);
}

json::Value verdict_json(const sdk::ReceiptVerdict& verdict) {
  json::Array checks;
  for (const auto& check : verdict.report.checks) {
    checks.emplace_back(json::Object{{"detail", check.detail}, {"id", check.id}, {"outcome", name_of(check.outcome)}});
  }
  return json::Object{{"accepted", verdict.accepted().ok()},
                      {"appraisal", verdict.appraisal ? appraisal_json(*verdict.appraisal) : json::Value()},
                      {"checks", std::move(checks)},
                      {"instance", verdict.report.body.instance.hex()},
                      {"sequence", std::to_string(verdict.report.body.sequence)}};
}

// own_key: the enroller key of this participant, if it has keys here. A verifier needs none.
std::optional<crypto::Ed25519PublicKey> own_key(Session& session) {
  const auto keys = sdk::KeyFile::load(session.keys_path());
  return keys.ok() ? std::optional(keys->enroller().public_key()) : std::nullopt;
}

Status verify(Session& session, const ReceiptOptions& options) {
  session.next("get the receipt file again from its source");
  REDOUBT_TRY(const std::string text, sdk::read_file(options.file, receipt::ReceiptFile::kMaxSize));
  REDOUBT_TRY(const auto file, receipt::ReceiptFile::parse(text));
  session.next("name the contract that you hold with --contract, or the environment with --environment");
  std::optional<sdk::EnvironmentState> state;
  jobs::Contract contract;
  std::vector<crypto::Certificate> roots;
  receipt::VerifierKnowledge knowledge;
  if (options.contract.empty()) {
    REDOUBT_TRY(const std::string name, session.environment_name(options.environment));
    REDOUBT_TRY(state, sdk::EnvironmentState::open(session.config(), name));
    REDOUBT_TRY(contract, state->contract());
    REDOUBT_TRY(roots, session.roots(*state, nullptr));
  } else {
    REDOUBT_TRY(const std::string held, sdk::read_file(options.contract, jobs::Contract::kMaxBytes));
    REDOUBT_TRY(contract, jobs::Contract::parse(held));
  }
  if (!options.roots.empty()) {
    REDOUBT_TRY(roots, read_certificates(options.roots));
  }
  session.next("do not rely on this receipt");
  if (state) {
    REDOUBT_TRY(const auto body, receipt::ReceiptBody::parse(file.receipt.body));
    REDOUBT_TRY(const auto kept, sdk::kept_head(*state, body.instance));
    if (kept) knowledge.known_head = kept->head();
  }
  REDOUBT_TRY(const auto verdict, sdk::check_receipt(file, {contract, std::move(roots), own_key(session), std::move(knowledge),
                                                            session.world().appraise, session.world().now()}));
  if (session.json()) {
    print_json(session.out(), verdict_json(verdict));
  } else {
    print_checks(session, verdict, true);
  }
  REDOUBT_CHECK(verdict.accepted());
  if (!session.json()) session.out() << "accepted: receipt " << verdict.report.body.digest().hex() << '\n';
  return {};
}

// done waits until the query has a result; `unavailable` after the time, `refused` when it will never have one.
Result<sdk::QueryView> done(Session& session, Environment& environment, const ResultOptions& options) {
  constexpr std::chrono::milliseconds poll{500};
  Progress waiting = session.progress("query " + options.query.substr(0, 12));
  for (int turn = 0;; ++turn) {
    REDOUBT_TRY(auto view, environment.hub.query(environment.id, options.query));
    if (view.state == "done") return view;
    if (view.state == "rejected" || view.state == "failed") {
      session.next("submit another query");
      return Error(Code::refused, "query: " + view.state + (view.reason.empty() ? "" : ": " + view.reason));
    }
    if (turn * poll >= std::chrono::seconds(options.wait_seconds)) {
      session.next(view.state == "waiting_for_keys" ? "owners run `redoubt dataset release` again" : "wait, with --wait SECONDS, until the voters have approved");
      return Error(Code::unavailable, "query: still " + view.state + (view.reason.empty() ? "" : ": " + view.reason));
    }
    waiting.spin(view.state);
    session.world().sleep(poll);
  }
}

// compare_logs asks the running program how the receipt's checkpoint and the kept one hang together; the kept one moves on. A program
// that does not run leaves the check "not shown"; a log that was forked or rolled back is `log_proof`.
Status compare_logs(Session& session, const ResultOptions& options, const Environment& environment, const receipt::ReceiptFile& file,
                    const receipt::ReceiptBody& body, receipt::VerifierKnowledge& knowledge) {
  REDOUBT_TRY(auto kept, sdk::kept_head(environment.state, body.instance));
  if (!kept) return {};
  knowledge.known_head = kept->head();
  const auto shown = receipt::Checkpoint::verify(file.receipt.checkpoint, receipt::log_origin(body.instance), kept->key());
  if (!shown.ok()) return {};  // the receipt's own checks say why
  auto visit = session.visit(options.environment);
  if (!visit.ok()) {
    if (visit.error().code() == Code::log_proof) return visit.error();
    session.warn("the receipt was not compared with the log that you keep: " + visit.error().message());
    return {};
  }
  REDOUBT_TRY(kept, sdk::kept_head(environment.state, body.instance));
  if (visit->enclave.claims().instance != body.instance || !kept) return {};
  knowledge.known_head = kept->head();
  const auto [first, second] = std::minmax(kept->head().size, shown->head().size);
  if (first == second) return {};
  REDOUBT_TRY(knowledge.known_proof, visit->enclave.consistency(first, second));
  return {};
}

// package_of: the sealed package; when the connection breaks on the way, in ranges from where it stopped.
Result<Bytes> package_of(Session& session, Environment& environment, const ResultOptions& options) {
  const std::string& name = environment.keys.name();
  auto whole = environment.hub.result(environment.id, options.query, name);
  if (whole.ok() || whole.error().code() != Code::unavailable) return whole;
  REDOUBT_TRY(const auto link, environment.hub.result_link(environment.id, options.query, name));
  Progress bar = session.progress("result " + options.query.substr(0, 12));
  return environment.hub.download(link, [&] { session.world().sleep(std::chrono::milliseconds(500)); },
                                  [&](std::uint64_t received, std::uint64_t total) { bar.bar(received, total); });
}

Status show_link(Session& session, const ResultOptions& options) {
  session.next("see the ids with `redoubt query list`");
  REDOUBT_TRY([[maybe_unused]] const auto digest, jobs::ProposalDigest::from_hex(options.query, "query"));
  REDOUBT_TRY(auto environment, session.environment(options.environment));
  session.next("see its state with `redoubt query show " + options.query + "`");
  const std::string recipient = options.recipient.empty() ? environment->keys.name() : options.recipient;
  REDOUBT_TRY(const auto made, environment->hub.result_link(environment->id, options.query, recipient));
  const std::string url = environment->hub.url() + made.target;
  if (session.json()) {
    print_json(session.out(), json::Object{{"etag", made.etag}, {"expires", made.expires}, {"pin", environment->hub.pin().hex()},
                                           {"recipient", recipient}, {"size", static_cast<std::int64_t>(made.size)}, {"url", url}});
    return {};
  }
  session.out() << shown(url) << "\n" << made.size << " bytes, sealed to " << shown(recipient) << "; until " << shown(made.expires) << '\n';
  session.warn("whoever has this address can fetch the sealed package until then; the key of " + recipient + " opens it");
  return {};
}

Status get(Session& session, const ResultOptions& options) {
  session.next("see the ids with `redoubt query list`");
  REDOUBT_TRY(const auto digest, jobs::ProposalDigest::from_hex(options.query, "query"));
  REDOUBT_TRY(auto environment, session.environment(options.environment));
  REDOUBT_TRY(const auto view, done(session, *environment, options));
  session.next("the hub's answer is not the query's result: show it to the other participants");
  REDOUBT_TRY(const auto proposal, jobs::Proposal::parse(view.proposal.text));
  if (proposal.digest() != digest) return Error(Code::binding, "query: expected " + digest.hex() + ", found " + proposal.digest().hex());
  REDOUBT_TRY(const std::string text, environment->hub.receipt(environment->id, options.query));
  REDOUBT_TRY(const auto file, receipt::ReceiptFile::parse(text));
  REDOUBT_TRY(const auto body, receipt::ReceiptBody::parse(file.receipt.body));
  REDOUBT_TRY(const Bytes sealed, package_of(session, *environment, options));
  REDOUBT_TRY(const auto result, sdk::open_result(sealed, environment->keys.hpke(), body.digest()));
  receipt::VerifierKnowledge knowledge;
  const jobs::Terms& terms = proposal.terms;
  knowledge.openings = sdk::openings_of(result, {proposal.sql, terms.manifests, terms.level, terms.k, terms.noise});
  REDOUBT_TRY(auto roots, session.roots(environment->state, &environment->hub));
  REDOUBT_CHECK(compare_logs(session, options, *environment, file, body, knowledge));
  session.next("the hub's answer is not the query's result: show it to the other participants");
  REDOUBT_TRY(const auto verdict, sdk::check_receipt(file, {environment->contract, std::move(roots), environment->keys.enroller().public_key(),
                                                            std::move(knowledge), session.world().appraise, session.world().now(), digest}));
  const Status accepted = verdict.accepted();
  if (!accepted.ok() && !session.json()) print_checks(session, verdict, false);
  REDOUBT_CHECK(accepted);
  session.next("");
  const std::string saved = options.receipt_out.empty() ? (environment->state.folder() / ("receipt-" + options.query + ".json")).string()
                                                        : options.receipt_out;
  REDOUBT_CHECK(sdk::write_file(saved, as_bytes(text), options.receipt_out.empty() ? sdk::FileKind::secret : sdk::FileKind::open));
  if (session.json()) {
    print_json(session.out(), result.table.to_json());
  } else if (session.output == "csv") {
    print_csv(session.out(), result.table);
  } else {
    print_table(session.out(), table_of(result.table));
    const receipt::ReceiptCheck* log = verdict.report.find("log.known_head");
    session.out() << "receipt: " << saved << " (every commitment opened"
                  << (log != nullptr && log->outcome == receipt::Outcome::passed ? ", in the log that you keep)\n" : ")\n");
  }
  if (verdict.appraisal->host_asserted) session.warn(std::string(sdk::kHostAssertedWarning));
  return {};
}

}  // namespace

void add_result_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("result", "sealed answers")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<ResultOptions>();
  CLI::App* verb = add_verb(commands, noun, "get", "open your package, check it against its receipt, print the table",
                            {"redoubt result get 5c1d.. --wait 60", "redoubt result get 5c1d.. -o csv --receipt receipt.json"},
                            [&session, options] { return get(session, *options); });
  verb->add_option("query", options->query, "id of the query")->required();
  verb->add_option("--wait", options->wait_seconds, "seconds to wait for the result");
  verb->add_option("--receipt", options->receipt_out, "write the receipt file here");
  CLI::App* address = add_verb(commands, noun, "link", "an address that gives your sealed package for 15 minutes, in ranges, without an API key: for tools that fetch large files",
                               {"redoubt result link 5c1d..", "redoubt result link 5c1d.. -o json"}, [&session, options] { return show_link(session, *options); });
  address->add_option("query", options->query, "id of the query")->required();
  address->add_option("--recipient", options->recipient, "whose package; default: yours");
  for (CLI::App* each : {verb, address}) each->add_option("-e,--environment", options->environment, "name of the environment");
}

void add_receipt_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("receipt", "what an enclave program says it did")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<ReceiptOptions>();
  CLI::App* verb = add_verb(commands, noun, "verify", "check a receipt file offline, against the contract you hold",
                            {"redoubt receipt verify receipt.json --contract contract.json --tpm-root root.pem"},
                            [&session, options] { return verify(session, *options); });
  verb->add_option("file", options->file, "the receipt file")->required();
  verb->add_option("--contract", options->contract, "the contract that you hold");
  verb->add_option("--tpm-root", options->roots, "PEM file of TPM roots; only those that the contract names count");
  verb->add_option("-e,--environment", options->environment, "name of the environment whose contract is kept here");
}

}  // namespace redoubt::cli
