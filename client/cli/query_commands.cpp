// query submit, show, approve, reject, list: what is asked, and who agreed to exactly that.
#include <ostream>

#include "client/cli/commands.h"
#include "client/sdk/files.h"
#include "client/sdk/query.h"

namespace redoubt::cli {
namespace {

struct QueryOptions {
  std::string environment, sql, sql_file, query, level, epsilon, delta;
  std::vector<std::string> datasets, recipients;
  int k = 0;
  int hours = 24;
  int groups = 0, rows = 0;  // of a unit; 0 = the most
  bool yes = false;
};

Result<std::vector<sdk::KnownDataset>> datasets_of(Session& session, Environment& environment) {
  REDOUBT_TRY(const auto views, environment.hub.datasets(environment.id));
  std::vector<std::string> refused;
  auto datasets = sdk::known_datasets(views, environment.contract, &refused);
  for (const std::string& line : refused) session.warn(line);
  return datasets;
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text.empty() ? "none" : text;
}

// print_proposal shows what a ballot would bind, all of it.
void print_proposal(Session& session, const jobs::Proposal& proposal, const std::vector<sdk::KnownDataset>& datasets,
                    const receipt::TreeHead& head, std::uint64_t index, const std::vector<sdk::BudgetView>& budgets) {
  const jobs::Terms& terms = proposal.terms;
  session.out() << "query " << proposal.digest().hex() << "\n\n" << shown(proposal.sql, true) << "\n\n";
  Table table{{"term", "value"}, {{"proposer", proposal.proposer},
                                  {"privacy level", std::string(name_of(terms.level))},
                                  {"k", std::to_string(terms.k)},
                                  {"recipients", joined(terms.recipients)}}};
  for (const jobs::ManifestDigest& digest : terms.manifests) {
    const auto found = std::ranges::find_if(datasets, [&](const auto& dataset) { return dataset.manifest.digest() == digest; });
    const std::string name = found == datasets.end()
                                 ? "unknown"
                                 : found->manifest.dataset + " version " + std::to_string(found->manifest.version) + " of " + found->manifest.owner;
    table.rows.push_back({"dataset", name + "  " + digest.hex()});
  }
  if (terms.noise) table.rows.push_back({"noise", terms.noise->text()});
  for (const sdk::BudgetView& budget : budgets) {
    table.rows.push_back({"cost", "rho " + budget.rho_cost + " of " + budget.dataset + "'s budget of " + budget.rho_total + " (epsilon " + budget.epsilon_total +
                                      ", delta " + budget.delta_total + ")"});
    table.rows.push_back({"reserved", "rho " + budget.rho_reserved + " of it by all queries so far, this one included (epsilon " + budget.epsilon_reserved + "); left: rho " + budget.rho_left});
  }
  table.rows.push_back({"contract", terms.contract.hex()});
  table.rows.push_back({"instance", terms.instance.hex()});
  table.rows.push_back({"program", terms.program.hex()});
  table.rows.push_back({"rule set", terms.rule_set});
  table.rows.push_back({"expires", proposal.expires.text()});
  table.rows.push_back({"reserved at", std::to_string(index) + " in the log of " + std::to_string(head.size) + " entries (proof verified)"});
  table.rows.push_back({"log head", head.root.hex()});
  print_table(session.out(), table);
}

json::Value budgets_json(const std::vector<sdk::BudgetView>& budgets) {
  json::Array items;
  for (const sdk::BudgetView& budget : budgets) {
    items.emplace_back(json::Object{{"dataset", budget.dataset},
                                    {"delta_total", budget.delta_total},
                                    {"epsilon_reserved", budget.epsilon_reserved},
                                    {"epsilon_total", budget.epsilon_total},
                                    {"rho_cost", budget.rho_cost},
                                    {"rho_left", budget.rho_left},
                                    {"rho_reserved", budget.rho_reserved},
                                    {"rho_total", budget.rho_total}});
  }
  return items;
}

json::Value proposal_json(const jobs::Proposal& proposal, const receipt::TreeHead& head, std::uint64_t index) {
  const auto parsed = json::parse(proposal.canonical());
  return json::Object{{"index", std::to_string(index)},
                      {"log_root", head.root.hex()},
                      {"log_size", std::to_string(head.size)},
                      {"proposal", parsed.ok() ? *parsed : json::Value()},
                      {"query", proposal.digest().hex()}};
}

Result<jobs::ProposalDigest> query_id(Session& session, const QueryOptions& options) {
  session.next("see the ids with `redoubt query list`");
  REDOUBT_TRY(const auto digest, jobs::ProposalDigest::from_hex(options.query, "query"));
  session.next("");
  return digest;
}

Result<std::string> sql_of(const QueryOptions& options) {
  if (options.sql_file.empty()) return options.sql;
  REDOUBT_TRY(std::string text, sdk::read_file(options.sql_file, jobs::Proposal::kMaxSql));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

Result<std::vector<jobs::ManifestDigest>> manifests_of(const QueryOptions& options, const std::string& sql,
                                                       const std::vector<sdk::KnownDataset>& datasets) {
  const std::vector<std::string> names = options.datasets.empty() ? sdk::mentioned(sql, datasets) : options.datasets;
  std::vector<jobs::ManifestDigest> manifests;
  for (const std::string& name : names) {
    const auto found = std::ranges::find_if(datasets, [&](const auto& dataset) { return dataset.manifest.dataset == name; });
    if (found == datasets.end()) return Error(Code::not_found, "no dataset \"" + name + "\" that an owner of the contract signed");
    manifests.push_back(found->manifest.digest());
  }
  if (manifests.empty()) return Error(Code::usage, "the query names no dataset of this environment");
  return manifests;
}

Status submit(Session& session, const QueryOptions& options) {
  REDOUBT_TRY(const std::string sql, sql_of(options));
  if (sql.empty()) {
    session.next("give the query with --sql TEXT or --sql-file FILE");
    return Error(Code::usage, "no query text");
  }
  REDOUBT_TRY(auto visit, session.visit(options.environment));
  REDOUBT_TRY(const auto datasets, datasets_of(session, *visit.environment));
  session.next("see `redoubt dataset list`");
  sdk::ProposalPlan plan{sql, {}, options.recipients, options.k, session.world().now().plus_seconds(std::int64_t{3600} * options.hours)};
  if (!options.level.empty()) {
    REDOUBT_TRY(plan.level, jobs::parse_privacy_level(options.level));
  }
  if (!options.epsilon.empty() || !options.delta.empty() || options.groups != 0 || options.rows != 0) {
    plan.noise = jobs::Noise{{options.epsilon.empty() ? std::string(sdk::kDefaultEpsilon) : options.epsilon,
                              options.delta.empty() ? std::string(sdk::kDefaultDelta) : options.delta},
                             options.groups == 0 ? jobs::Noise::kMaxGroups : options.groups,
                             options.rows == 0 ? jobs::Noise::kMaxRows : options.rows};
  }
  REDOUBT_TRY(plan.manifests, manifests_of(options, sql, datasets));
  if (plan.recipients.empty()) plan.recipients.push_back(visit.environment->keys.name());
  REDOUBT_TRY(const auto proposal, sdk::make_proposal(plan, visit.contract(), visit.enclave.claims(), visit.instance,
                                                      visit.environment->keys.name(), session.world().random));
  session.next("change the proposal as the message says");
  REDOUBT_CHECK(sdk::judge_terms(proposal, visit.contract(), visit.enclave.claims(), visit.instance, datasets, visit.carried_over()));
  const auto document = jobs::sign_document(jobs::kProposalType, proposal.canonical(), visit.environment->keys.signing());
  REDOUBT_TRY(const auto submitted, visit.environment->hub.submit(visit.environment->id, document));
  session.next("trust nothing of this answer; compare log heads with the other participants");
  if (submitted.query != proposal.digest().hex()) {
    return Error(Code::binding, "query: expected " + proposal.digest().hex() + ", found another in the hub's answer");
  }
  REDOUBT_TRY(const auto checkpoint, sdk::check_reservation(proposal.digest(), submitted.index, submitted.inclusion,
                                                            submitted.checkpoint, visit.enclave.claims()));
  REDOUBT_CHECK(session.see(visit, checkpoint));
  if (session.json()) {
    print_json(session.out(), proposal_json(proposal, checkpoint.head(), submitted.index));
  } else {
    print_proposal(session, proposal, datasets, checkpoint.head(), submitted.index, {});
    session.out() << "\nvoters now run: redoubt query approve " << proposal.digest().hex() << '\n';
  }
  return {};
}

struct Reviewed {
  Visit visit;
  sdk::ReservationView reservation;
  std::vector<sdk::KnownDataset> datasets;
};

// review fetches a proposal through the attested session and judges it. The hub only says which datasets exist, and those
// carry their owners' signatures.
Result<Reviewed> review(Session& session, const QueryOptions& options, const jobs::ProposalDigest& digest) {
  REDOUBT_TRY(auto visit, session.visit(options.environment));
  session.next("see the ids with `redoubt query list`");
  REDOUBT_TRY(auto reservation, visit.enclave.reservation(digest, visit.carried_over()));
  REDOUBT_CHECK(session.see(visit, reservation.checkpoint));
  REDOUBT_TRY(auto datasets, datasets_of(session, *visit.environment));
  return Reviewed{std::move(visit), std::move(reservation), std::move(datasets)};
}

void print_reviewed(Session& session, const Reviewed& reviewed) {
  print_proposal(session, reviewed.reservation.proposal, reviewed.datasets, reviewed.reservation.head, reviewed.reservation.index,
                 reviewed.reservation.budgets);
}

// print_approval: whom the contract asks, and who has answered, as the program says through the session.
void print_approval(Session& session, const jobs::Contract& contract, const sdk::VotesView& votes) {
  session.out() << '\n';
  Table table{{"approval", "value"}, {{"rule", contract.approval.text()},
                                      {"approved", joined(votes.approved)},
                                      {"rejected", joined(votes.rejected)},
                                      {"awaited", joined(votes.missing)}}};
  if (!votes.lapsed.empty()) table.rows.push_back({"expired", joined(votes.lapsed)});
  table.rows.push_back({"state", votes.state + " (" + votes.reason + ")"});
  print_table(session.out(), table);
}

json::Value approval_json(const jobs::Contract& contract, const sdk::VotesView& votes) {
  const auto names = [](const std::vector<std::string>& items) {
    json::Array out;
    for (const std::string& name : items) out.emplace_back(name);
    return json::Value(std::move(out));
  };
  return json::Object{{"approved", names(votes.approved)}, {"awaited", names(votes.missing)}, {"expired", names(votes.lapsed)},
                      {"reason", votes.reason},            {"rejected", names(votes.rejected)}, {"rule", contract.approval.to_json()},
                      {"state", votes.state}};
}

// say_what_the_hub_says: after a restart the program may not know the query yet; the hub's word tells whom it waits for.
void say_what_the_hub_says(Session& session, const QueryOptions& options) {
  const std::string step = session.next();
  const auto environment = session.environment(options.environment);
  if (environment.ok()) {
    const auto view = (*environment)->hub.query((*environment)->id, options.query);
    if (view.ok()) session.warn("the hub says: " + view->state + (view->reason.empty() ? "" : ": " + view->reason));
  }
  session.next(step);
}

Status show(Session& session, const QueryOptions& options) {
  REDOUBT_TRY(const auto digest, query_id(session, options));
  auto found = review(session, options, digest);
  if (!found.ok()) {
    say_what_the_hub_says(session, options);
    return found.error();
  }
  Reviewed& reviewed = *found;
  const jobs::Contract& contract = reviewed.visit.environment->contract;
  REDOUBT_TRY(const auto view, reviewed.visit.environment->hub.query(reviewed.visit.environment->id, options.query));
  if (session.json()) {
    json::Object value = *proposal_json(reviewed.reservation.proposal, reviewed.reservation.head, reviewed.reservation.index).object();
    value.emplace("budgets", budgets_json(reviewed.reservation.budgets));
    value.emplace("reason", view.reason);
    value.emplace("state", view.state);
    value.emplace("votes", static_cast<std::int64_t>(view.ballots.size()));
    value.emplace("approval", approval_json(contract, reviewed.reservation.votes));
    print_json(session.out(), value);
    return {};
  }
  print_reviewed(session, reviewed);
  print_approval(session, contract, reviewed.reservation.votes);
  session.out() << "\nstate (hub): " << view.state << (view.reason.empty() ? "" : ": " + view.reason) << "; ballots (hub): " << view.ballots.size() << '\n';
  return {};
}

Status vote(Session& session, const QueryOptions& options, jobs::Decision decision) {
  REDOUBT_TRY(const auto digest, query_id(session, options));
  REDOUBT_TRY(auto reviewed, review(session, options, digest));
  Environment& environment = *reviewed.visit.environment;
  const jobs::Participant* self = environment.contract.find(environment.keys.name());
  if (self == nullptr || !self->votes) return Error(Code::refused, "\"" + environment.keys.name() + "\" has no vote in this contract");
  const bool approves = decision == jobs::Decision::approve;
  if (!session.json()) print_reviewed(session, reviewed);
  if (approves) {
    session.next("reject it (`redoubt query reject " + options.query + "`), and ask its proposer");
    REDOUBT_CHECK(sdk::judge_terms(reviewed.reservation.proposal, environment.contract, reviewed.visit.enclave.claims(),
                                   reviewed.visit.instance, reviewed.datasets, reviewed.visit.carried_over()));
  }
  // An approval that has lapsed is renewed by naming it: otherwise a vote is final.
  std::optional<receipt::ApprovalDigest> renews;
  const auto& lapsed = reviewed.reservation.votes.lapsed;
  if (std::ranges::find(lapsed, environment.keys.name()) != lapsed.end()) {
    REDOUBT_TRY(const auto view, environment.hub.query(environment.id, options.query));
    renews = sdk::own_ballot(view.ballots, digest, environment.keys);
    if (!renews) session.warn("your approval has lapsed, and the hub does not show it: the program will not take another");
    if (renews && !session.json()) session.out() << "\nyour approval has lapsed: this ballot renews it\n";
  }
  REDOUBT_CHECK(session.confirm(approves ? "sign an approval of exactly this?" : "sign a rejection?", options.yes));
  const auto ballot = sdk::make_ballot(reviewed.reservation.proposal, decision, reviewed.reservation.head,
                                       reviewed.reservation.log_size, reviewed.reservation.proposal.expires, environment.keys, session.world().random, renews);
  session.next("see what became of it with `redoubt query show " + options.query + "`");
  REDOUBT_TRY(const auto tally, environment.hub.vote(environment.id, options.query, decision, ballot));
  if (session.json()) {
    print_json(session.out(), json::Object{{"decision", approves ? "approve" : "reject"}, {"met", tally.met()}, {"query", options.query}});
  } else {
    session.out() << (approves ? "approved" : "rejected") << ". the hub counts: approved " << shown(joined(tally.approved)) << "; rejected "
                  << shown(joined(tally.rejected)) << "; missing " << shown(joined(tally.missing)) << " (" << tally.state << ")\n";
  }
  return {};
}

Status list(Session& session, const QueryOptions& options) {
  REDOUBT_TRY(auto environment, session.environment(options.environment));
  REDOUBT_TRY(const auto views, environment->hub.queries(environment->id));
  json::Array items;
  Table table{{"query", "proposer", "state (hub)", "text"}, {}};
  for (const auto& view : views) {
    REDOUBT_TRY(const auto proposal, jobs::Proposal::parse(view.proposal.text));
    const std::string digest = proposal.digest().hex();
    items.emplace_back(json::Object{{"proposer", proposal.proposer}, {"query", digest}, {"sql", proposal.sql}, {"state", view.state}});
    table.rows.push_back({digest, proposal.proposer, view.state, proposal.sql.substr(0, 60)});
  }
  if (session.json()) {
    print_json(session.out(), json::Object{{"items", std::move(items)}});
  } else {
    print_table(session.out(), table);
  }
  return {};
}

}  // namespace

void add_query_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("query", "questions, and who agreed to them")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<QueryOptions>();
  CLI::App* make = add_verb(commands, noun, "submit", "propose a query and reserve its place in the log",
                            {"redoubt query submit --sql-file query.sql --recipient analyst --recipient hospital"},
                            [&session, options] { return submit(session, *options); });
  CLI::Option* sql = make->add_option("--sql", options->sql, "the text of the query");
  make->add_option("--sql-file", options->sql_file, "a file with the text")->excludes(sql);
  make->add_option("--dataset", options->datasets, "a dataset that the query reads; default: those that its text names");
  make->add_option("--recipient", options->recipients, "who gets the result; default: you");
  make->add_option("--level", options->level, "privacy level; default: the contract's floor")->check(CLI::IsMember({"none", "k_anonymized", "aggregate_only", "differential_privacy"}));
  make->add_option("--epsilon", options->epsilon, "privacy loss of a query at differential_privacy; default: 1");
  make->add_option("--delta", options->delta, "its probability of more than that; default: 0.000001");
  make->add_option("--groups-per-unit", options->groups, "groups of the result in which one unit counts; default: 8")->check(CLI::Range(1, jobs::Noise::kMaxGroups));
  make->add_option("--rows-per-unit", options->rows, "rows of one unit that count in a group; default: 50")->check(CLI::Range(1, jobs::Noise::kMaxRows));
  make->add_option("--k", options->k, "smallest number of units behind a row; default: the contract's");
  make->add_option("--expires-in", options->hours, "hours until the proposal expires")->check(CLI::Range(1, 24 * 89));
  CLI::App* one = add_verb(commands, noun, "show", "show a proposal and its verified place in the log", {"redoubt query show 5c1d.."},
                           [&session, options] { return show(session, *options); });
  CLI::App* yes = add_verb(commands, noun, "approve", "sign a ballot for exactly what is shown", {"redoubt query approve 5c1d.."},
                           [&session, options] { return vote(session, *options, jobs::Decision::approve); });
  CLI::App* no = add_verb(commands, noun, "reject", "sign a ballot against it", {"redoubt query reject 5c1d.. --yes"},
                          [&session, options] { return vote(session, *options, jobs::Decision::reject); });
  CLI::App* all = add_verb(commands, noun, "list", "show the queries that the hub knows", {"redoubt query list"},
                           [&session, options] { return list(session, *options); });
  add_query_check_command(commands, noun);
  add_query_corpus_command(commands, noun);
  for (CLI::App* verb : {one, yes, no}) verb->add_option("query", options->query, "id of the query")->required();
  for (CLI::App* verb : {yes, no}) verb->add_flag("--yes", options->yes, "do not ask");
  for (CLI::App* verb : {make, one, yes, no, all}) verb->add_option("-e,--environment", options->environment, "name of the environment");
}

}  // namespace redoubt::cli
