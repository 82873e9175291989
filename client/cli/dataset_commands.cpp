// dataset put, release, list: from a CSV file to a key in the hands of an appraised program.
#include <ostream>

#include "client/cli/commands.h"
#include "client/sdk/dataset_sealer.h"
#include "client/sdk/files.h"
#include "client/sdk/query.h"

namespace redoubt::cli {
namespace {

constexpr std::size_t kMaxCsv = 256U << 20;

struct DatasetOptions {
  std::string environment, name, file, schema, budget_epsilon, budget_delta;
  std::uint64_t version = 0;
};

std::uint64_t next_version(const sdk::EnvironmentState& state, const std::string& dataset) {
  std::uint64_t newest = 0;
  for (const auto& [name, version] : state.datasets()) {
    if (name == dataset) newest = std::max(newest, version);
  }
  return newest + 1;
}

// interrupted: an upload of exactly this table that did not end, with its key; nothing when there is none. Sealing it anew would
// take another version and leave half a file at the hub.
Result<std::optional<sdk::Sealed>> interrupted(const sdk::EnvironmentState& state, const sdk::DatasetPlan& plan, const ContractDigest& contract,
                                               ByteView csv) {
  std::optional<sdk::Sealed> none;
  sdk::Sealed sealed;
  auto dataset = state.dataset(plan.dataset);
  if (!dataset.ok()) return dataset.error().code() == Code::not_found ? Result<std::optional<sdk::Sealed>>(std::move(none)) : dataset.error();
  sealed.dataset = std::move(*dataset);
  const jobs::Manifest& manifest = sealed.dataset.manifest;
  if (manifest.contract != contract || (plan.version != 0 && plan.version != manifest.version)) return none;
  REDOUBT_TRY(auto envelope, state.upload(manifest));
  if (!envelope) return none;
  sealed.envelope = std::move(*envelope);
  if (!sdk::holds_table(sealed, plan, csv)) return none;
  return std::optional(std::move(sealed));
}

// seal_or_resume: the interrupted upload of this table, or a new version, kept with its key before the hub has a byte.
Result<sdk::Sealed> seal_or_resume(Session& session, const Environment& environment, sdk::DatasetPlan plan, ByteView csv) {
  const ContractDigest contract = environment.contract.digest();
  REDOUBT_TRY(auto kept, interrupted(environment.state, plan, contract, csv));
  if (kept) {
    session.warn("going on with the upload of " + plan.dataset + " version " + std::to_string(kept->dataset.manifest.version));
    return std::move(*kept);
  }
  // Another table takes its place: what was begun before can no longer be asked for.
  if (const auto before = environment.state.dataset(plan.dataset); before.ok()) REDOUBT_CHECK(environment.state.drop_upload(before->manifest));
  if (plan.version == 0) plan.version = next_version(environment.state, plan.dataset);
  REDOUBT_TRY(auto sealed, sdk::seal_dataset(plan, csv, contract, environment.keys, session.world().random));
  REDOUBT_CHECK(environment.state.keep_upload(sealed.dataset, sealed.envelope));
  return sealed;
}

Status put(Session& session, const DatasetOptions& options) {
  REDOUBT_TRY(auto environment, session.environment(options.environment));
  session.next("mend the schema or the file; nothing was sent");
  REDOUBT_TRY(const std::string schema, sdk::read_file(options.schema, 256 * 1024));
  sdk::DatasetPlan plan{options.name, options.version, {}};
  REDOUBT_TRY(plan.columns, sdk::read_schema(schema));
  if (!options.budget_epsilon.empty()) plan.budget = jobs::PrivacyLoss{options.budget_epsilon, options.budget_delta};
  REDOUBT_TRY(std::string csv, sdk::read_file(options.file, kMaxCsv));
  auto sealed = seal_or_resume(session, *environment, std::move(plan), as_bytes(csv));
  wipe(std::as_writable_bytes(std::span(csv)));
  if (!sealed.ok()) return sealed.error();
  session.next("put the same file again: the upload goes on where it stopped");
  const std::string digest = sealed->dataset.manifest.digest().hex();
  REDOUBT_TRY(const std::uint64_t held, environment->hub.put_dataset(environment->id, sealed->dataset.document));
  {
    Progress bar = session.progress("sending " + options.name);
    REDOUBT_CHECK(environment->hub.upload(environment->id, digest, sealed->envelope, held,
                                          [&](std::uint64_t sent, std::uint64_t total) { bar.bar(sent, total); }));
  }
  const jobs::Manifest& manifest = sealed->dataset.manifest;
  REDOUBT_CHECK(environment->state.drop_upload(manifest));
  if (session.json()) {
    print_json(session.out(), json::Object{{"bytes", std::to_string(manifest.ciphertext_size)}, {"dataset", manifest.dataset},
                                           {"manifest", digest}, {"rows", std::to_string(manifest.rows)},
                                           {"version", static_cast<std::int64_t>(manifest.version)}});
  } else {
    session.out() << "dataset " << manifest.dataset << " version " << manifest.version << ": " << manifest.rows << " rows, "
                  << manifest.ciphertext_size << " bytes sealed\nmanifest " << digest << "\nthe key is still yours: redoubt dataset release "
                  << manifest.dataset << '\n';
  }
  return {};
}

Status release(Session& session, const DatasetOptions& options) {
  REDOUBT_TRY(auto visit, session.visit(options.environment));
  session.next("put the dataset first: `redoubt dataset put " + options.name + " --file CSV --schema JSON`");
  REDOUBT_TRY(const auto dataset, visit.environment->state.dataset(options.name));
  if (dataset.manifest.contract != visit.contract().digest()) {
    return Error(Code::binding, "dataset \"" + options.name + "\": sealed under contract " + dataset.manifest.contract.hex());
  }
  if (!visit.instance.open) {
    session.next("wait until every participant has run `redoubt environment verify`");
    return Error(Code::refused, "not every participant has joined this instance yet");
  }
  session.next("see that the hub holds the ciphertext (`redoubt dataset list`), and release again");
  REDOUBT_CHECK(visit.enclave.release(dataset.document, dataset.object_key));
  session.next("");
  REDOUBT_TRY(const auto checkpoint, visit.enclave.checkpoint());
  REDOUBT_CHECK(session.see(visit, checkpoint));
  const std::string digest = dataset.manifest.digest().hex();
  if (session.json()) {
    print_json(session.out(), json::Object{{"instance", visit.enclave.claims().instance.hex()}, {"manifest", digest}});
  } else {
    session.out() << "key of " << options.name << " (manifest " << digest << ") released to instance "
                  << visit.enclave.claims().instance.hex() << '\n';
  }
  return {};
}

Status list(Session& session, const DatasetOptions& options) {
  REDOUBT_TRY(auto environment, session.environment(options.environment));
  REDOUBT_TRY(const auto views, environment->hub.datasets(environment->id));
  std::vector<std::string> refused;
  const auto datasets = sdk::known_datasets(views, environment->contract, &refused);
  json::Array items;
  Table table{{"dataset", "version", "owner", "rows", "state (hub)", "manifest"}, {}};
  for (const auto& dataset : datasets) {
    const jobs::Manifest& manifest = dataset.manifest;
    items.emplace_back(json::Object{{"dataset", manifest.dataset}, {"manifest", manifest.digest().hex()}, {"owner", manifest.owner},
                                    {"rows", std::to_string(manifest.rows)}, {"state", dataset.state},
                                    {"version", static_cast<std::int64_t>(manifest.version)}});
    table.rows.push_back({manifest.dataset, std::to_string(manifest.version), manifest.owner, std::to_string(manifest.rows),
                          dataset.state, manifest.digest().hex()});
  }
  if (session.json()) {
    print_json(session.out(), json::Object{{"items", std::move(items)}});
  } else {
    print_table(session.out(), table);
  }
  for (const std::string& line : refused) session.warn(line);
  return {};
}

}  // namespace

void add_dataset_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("dataset", "tables that are sealed before they leave you")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<DatasetOptions>();
  CLI::App* send = add_verb(commands, noun, "put", "seal a CSV file, sign its manifest, send both to the hub",
                            {"redoubt dataset put hospital --file hospital.csv --schema hospital.json"},
                            [&session, options] { return put(session, *options); });
  send->add_option("name", options->name, "name of the dataset, an SQL identifier")->required();
  send->add_option("--file", options->file, "the CSV file, RFC 4180 with a header")->required();
  send->add_option("--schema", options->schema, "columns with name, type, role, min, max: JSON")->required();
  CLI::Option* epsilon = send->add_option("--budget-epsilon", options->budget_epsilon,
                                         "privacy loss that all queries with noise over this version may cost together; default: none are answered");
  CLI::Option* delta = send->add_option("--budget-delta", options->budget_delta, "its probability of more than that, such as 0.00001");
  epsilon->needs(delta);
  delta->needs(epsilon);
  send->add_option("--version", options->version, "version; default: one above the last");
  CLI::App* give = add_verb(commands, noun, "release", "hand a dataset's key to the appraised program", {"redoubt dataset release hospital"},
                            [&session, options] { return release(session, *options); });
  give->add_option("name", options->name, "name of the dataset")->required();
  CLI::App* all = add_verb(commands, noun, "list", "show the datasets that their owners signed", {"redoubt dataset list -e study"},
                           [&session, options] { return list(session, *options); });
  for (CLI::App* verb : {send, give, all}) verb->add_option("-e,--environment", options->environment, "name of the environment");
}

}  // namespace redoubt::cli
