// log show, verify and audit log, verify, consistency: what an instance wrote down, from the program or from files, held against what was
// seen before.
#include <ostream>

#include "client/cli/commands.h"
#include "client/sdk/audit.h"
#include "client/sdk/files.h"
#include "client/sdk/log_story.h"
#include "client/sdk/query.h"

namespace redoubt::cli {
namespace {

constexpr std::size_t kMaxProofFile = 128 * 1024;

struct AuditOptions {
  std::string environment, file, other, save, documents, contract_out, proof, receipt_key;
  std::vector<std::string> receipts;
};

// fetch_log reads every entry through the session; they are those of the signed head, and end in this boot of the program, or `log_proof`.
Result<sdk::SavedLog> fetch_log(Session& session, Visit& visit) {
  REDOUBT_TRY(auto checkpoint, visit.enclave.checkpoint());
  REDOUBT_CHECK(session.see(visit, checkpoint));
  return sdk::read_log(visit.enclave, visit.instance, checkpoint);
}

// documents_from_hub: what the hub has of what the entries are about; nothing when it does not say.
std::optional<sdk::LogDocuments> documents_from_hub(Session& session, Visit& visit) {
  const auto datasets = visit.environment->hub.datasets(visit.environment->id);
  const auto queries = visit.environment->hub.queries(visit.environment->id);
  if (!datasets.ok() || !queries.ok()) {
    session.warn("the hub does not say what the entries are about");
    return std::nullopt;
  }
  sdk::LogDocuments out{visit.enclave.claims(), visit.instance.previous.value_or(""), {}, {}, {}};
  for (const sdk::DatasetView& view : *datasets) out.manifests.push_back(view.document);
  for (const sdk::QueryView& view : *queries) {
    out.proposals.push_back(view.proposal);
    out.ballots.insert(out.ballots.end(), view.ballots.begin(), view.ballots.end());
  }
  return out;
}

using About = std::vector<std::string>;

void print_log(Session& session, const sdk::SavedLog& log, const About& about, bool with_entries, std::string_view more) {
  const receipt::TreeHead& head = log.checkpoint().head();
  if (session.json()) {
    json::Object value{{"origin", head.origin}, {"root", head.root.hex()}, {"size", std::to_string(head.size)}};
    json::Array items;
    for (std::size_t i = 0; i < log.entries().size(); ++i) {
      const receipt::LogEntry& entry = log.entries()[i];
      json::Object item{{"content", entry.content.hex()}, {"kind", entry.kind}};
      if (!about.at(i).empty()) item.emplace("about", about.at(i));
      items.emplace_back(std::move(item));
    }
    if (with_entries) value.emplace("items", std::move(items));
    print_json(session.out(), value);
    return;
  }
  if (with_entries) {
    Table table{{"index", "kind", "content", "about"}, {}};
    for (std::size_t i = 0; i < log.entries().size(); ++i) {
      const receipt::LogEntry& entry = log.entries()[i];
      table.rows.push_back({std::to_string(i), entry.kind, entry.content.hex(), about.at(i)});
    }
    print_table(session.out(), table);
  }
  session.out() << "log " << head.origin << ": " << head.size << " entries give the signed root " << head.root.hex() << more << '\n';
}

Status save_log(Session& session, const sdk::SavedLog& log, const std::string& file) {
  if (file.empty()) return {};
  REDOUBT_CHECK(sdk::write_file(file, as_bytes(log.json()), sdk::FileKind::open));
  if (!session.json()) session.out() << "saved in " << file << '\n';
  return {};
}

Result<sdk::SavedLog> read_saved(Session& session, const std::string& file) {
  session.next("get the file again from its source");
  REDOUBT_TRY(const std::string text, sdk::read_file(file, sdk::SavedLog::kMaxBytes));
  auto log = sdk::SavedLog::parse(text);
  session.next("");
  return log;
}

// Kept: what is remembered of an instance here; nothing without an environment.
struct Kept {
  std::optional<sdk::EnvironmentState> state;
  sdk::AuditKnowledge knowledge;
};

constexpr std::string_view kNameTheKey = "name the receipt key of the instance with --receipt-key, or the environment that you verified it in";

Result<Kept> kept_of(Session& session, const AuditOptions& options, const InstanceId& instance) {
  Kept kept;
  if (!options.receipt_key.empty()) {
    REDOUBT_TRY(kept.knowledge.receipt_key, crypto::Ed25519PublicKey::from_hex(options.receipt_key, "--receipt-key"));
  }
  const auto name = session.environment_name(options.environment);
  if (!name.ok()) return options.environment.empty() ? Result<Kept>(std::move(kept)) : Result<Kept>(name.error());
  REDOUBT_TRY(kept.state, sdk::EnvironmentState::open(session.config(), *name));
  REDOUBT_TRY(const auto known, sdk::known_log_of(*kept.state, instance));
  if (!known) return kept;
  if (kept.knowledge.receipt_key && *kept.knowledge.receipt_key != known->receipt_key) {
    return Error(Code::binding, "--receipt-key: expected " + known->receipt_key.hex() + " as environment \"" + *name + "\" knows it, found " +
                                    kept.knowledge.receipt_key->hex());
  }
  kept.knowledge.receipt_key = known->receipt_key;
  REDOUBT_TRY(kept.knowledge.kept, sdk::kept_head(*kept.state, instance));
  return kept;
}

// documents_in: of the file that --documents names.
Result<sdk::LogDocuments> documents_in(const std::string& file) {
  REDOUBT_TRY(const std::string text, sdk::read_file(file, sdk::LogDocuments::kMaxBytes));
  return sdk::LogDocuments::parse(text).context(file);
}

// story_in: a saved log with the documents in a file, under the contract that the environment keeps.
Result<sdk::LogStory> story_in(Session& session, const AuditOptions& options, const sdk::SavedLog& log) {
  REDOUBT_TRY(const auto documents, documents_in(options.documents));
  session.next("name the environment whose contract you hold with -e");
  REDOUBT_TRY(const std::string name, session.environment_name(options.environment));
  REDOUBT_TRY(const auto state, sdk::EnvironmentState::open(session.config(), name));
  REDOUBT_TRY(const auto contract, state.contract());
  session.next("");
  return sdk::explain(log, contract, documents);
}

// show_saved: a log in a file, with what documents beside it say.
Status show_saved(Session& session, const AuditOptions& options, bool with_entries) {
  REDOUBT_TRY(const auto log, read_saved(session, options.file));
  constexpr std::string_view kMore = "; `redoubt audit verify` holds it against what you keep";
  if (options.documents.empty()) {
    print_log(session, log, sdk::about_receipts(log.entries()), with_entries, kMore);
    return {};
  }
  REDOUBT_TRY(const sdk::LogStory story, story_in(session, options, log));
  print_log(session, log, story.about, with_entries, kMore);
  return story.refuted();
}

// show_log: from the program, or from a file that was saved.
Status show_log(Session& session, const AuditOptions& options, bool with_entries, bool with_documents) {
  if (!options.file.empty()) return show_saved(session, options, with_entries);
  if (options.save.empty() && !options.documents.empty()) return Error(Code::usage, "--documents goes with a saved log, or with --save");
  REDOUBT_TRY(auto visit, session.visit(options.environment));
  REDOUBT_TRY(const auto log, fetch_log(session, visit));
  const auto documents = with_documents ? documents_from_hub(session, visit) : std::nullopt;
  sdk::LogStory story{sdk::about_receipts(log.entries()), {}};
  if (documents) story = sdk::explain(log, visit.contract(), *documents);
  print_log(session, log, story.about, with_entries, ", and extend the head that was kept");
  REDOUBT_CHECK(save_log(session, log, options.save));
  if (documents && !options.documents.empty()) {
    REDOUBT_CHECK(sdk::write_file(options.documents, as_bytes(documents->json()), sdk::FileKind::open));
    if (!session.json()) session.out() << "what participants signed is in " << options.documents << '\n';
  }
  session.next("do not rely on this log, and show it to the other participants");
  REDOUBT_CHECK(story.refuted());
  session.next("");
  return {};
}

// keep_proof writes the proof of a fork where --proof says, or into the environment's folder.
Status keep_proof(Session& session, const AuditOptions& options, const Kept& kept, const std::string& proof) {
  std::string path = options.proof.empty() ? "fork.json" : options.proof;
  if (options.proof.empty() && kept.state) {
    REDOUBT_TRY(const auto written, kept.state->keep_fork(proof));
    path = written.string();
  } else {
    REDOUBT_CHECK(sdk::write_file(path, as_bytes(proof), sdk::FileKind::open));
  }
  session.warn("the log was forked; the proof is in " + path);
  session.next("show " + path + " to the other participants: `redoubt audit verify " + path + "` checks it");
  return {};
}

Status print_audit(Session& session, const std::vector<receipt::ReceiptCheck>& checks, bool accepted) {
  if (session.json()) {
    json::Array items;
    for (const auto& check : checks) {
      items.emplace_back(json::Object{{"detail", check.detail}, {"id", check.id}, {"outcome", name_of(check.outcome)}});
    }
    print_json(session.out(), json::Object{{"accepted", accepted}, {"checks", std::move(items)}});
    return {};
  }
  Table table{{"check", "outcome", "detail"}, {}};
  for (const auto& check : checks) table.rows.push_back({check.id, std::string(name_of(check.outcome)), check.detail});
  print_table(session.out(), table);
  return {};
}

// next_of: what to do about a log that is not accepted. Only what failed is for others to see; what was not shown may be the reader's to bring.
std::string next_of(const sdk::AuditReport& report, const sdk::AuditKnowledge& knowledge) {
  const bool failed = std::ranges::any_of(report.checks, [](const auto& check) { return check.outcome == receipt::Outcome::failed; });
  if (failed) return "do not rely on this log, and show it to the other participants";
  if (!knowledge.receipt_key) return std::string(kNameTheKey);
  return "save the log again with `redoubt audit log --save FILE`";
}

// verify_fork: a proof of a fork that somebody else found, by the key that this participant knows the log by.
Status verify_fork(Session& session, const AuditOptions& options, const std::string& text, const json::Value& proof) {
  const auto first = proof.object()->find("first");
  if (first == proof.object()->end() || first->second.string() == nullptr) return Error(Code::malformed, "fork proof: member \"first\" is absent");
  const std::string origin = first->second.string()->substr(0, first->second.string()->find('\n'));
  constexpr std::string_view prefix = "redoubt/";
  if (!origin.starts_with(prefix)) return Error(Code::malformed, "fork proof: expected an origin redoubt/INSTANCE");
  REDOUBT_TRY(const auto instance, InstanceId::from_hex(origin.substr(prefix.size()), "origin"));
  REDOUBT_TRY(const auto kept, kept_of(session, options, instance));
  session.next(std::string(kNameTheKey));
  if (!kept.knowledge.receipt_key) return Error(Code::not_found, "the receipt key of instance " + instance.hex() + " is not known here");
  session.next("this proves nothing");
  const auto fork = receipt::ForkProof::verify(text, *kept.knowledge.receipt_key);
  const auto divergence = receipt::Divergence::verify(text, *kept.knowledge.receipt_key);
  if (!fork.ok() && !divergence.ok()) return proof.object()->contains("prefix") ? divergence.error() : fork.error();
  if (session.json()) {
    print_json(session.out(), json::Object{{"forked", true}, {"instance", instance.hex()}});
  } else {
    session.out() << "proven: the log of instance " << instance.hex() << " was forked\n";
  }
  return {};
}

Status verify(Session& session, const AuditOptions& options) {
  session.next("get the file again from its source");
  REDOUBT_TRY(const std::string text, sdk::read_file(options.file, sdk::SavedLog::kMaxBytes));
  if (text.size() <= kMaxProofFile) {
    const auto value = json::parse(text, {.max_bytes = kMaxProofFile, .max_depth = 4});
    if (value.ok() && value->object() != nullptr && value->object()->contains("second")) return verify_fork(session, options, text, *value);
  }
  REDOUBT_TRY(const auto log, sdk::SavedLog::parse(text));
  std::vector<sdk::NamedReceipt> receipts;
  for (const std::string& path : options.receipts) {
    REDOUBT_TRY(const std::string content, sdk::read_file(path, receipt::ReceiptFile::kMaxSize));
    REDOUBT_TRY(auto file, receipt::ReceiptFile::parse(content).context(path));
    receipts.push_back({std::filesystem::path(path).filename().string(), std::move(file)});
  }
  session.next("");
  REDOUBT_TRY(const auto kept, kept_of(session, options, log.instance()));
  sdk::AuditReport report = sdk::audit(log, kept.knowledge, receipts);
  if (!options.documents.empty()) {
    REDOUBT_TRY(const sdk::LogStory story, story_in(session, options, log));
    report.checks.insert(report.checks.end(), story.checks.begin(), story.checks.end());
  }
  REDOUBT_CHECK(print_audit(session, report.checks, report.accepted().ok()));
  session.next(next_of(report, kept.knowledge));
  if (report.fork) REDOUBT_CHECK(keep_proof(session, options, kept, *report.fork));
  REDOUBT_CHECK(report.accepted());
  if (!session.json()) print_log(session, log, sdk::about_receipts(log.entries()), false, "");
  return {};
}

// hand_over: does another contract follow the one that is held? As the program or a file says it, verified by what this participant holds: the contract, and
// the key that it learned from the old identity.
Status hand_over(Session& session, const AuditOptions& options) {
  std::string text;
  if (options.file.empty()) {
    REDOUBT_TRY(auto visit, session.visit(options.environment));
    REDOUBT_TRY(text, visit.enclave.handed_over());
  } else {
    REDOUBT_TRY(text, sdk::read_file(options.file, jobs::HandOverFile::kMaxBytes));
  }
  session.next("get the file again from its source");
  REDOUBT_TRY(const auto file, jobs::HandOverFile::parse(text));
  REDOUBT_TRY(const auto said, jobs::HandOver::parse(file.hand_over.text));
  session.next("name the environment whose contract you hold with -e, or the old identity's key with --receipt-key");
  REDOUBT_TRY(const std::string name, session.environment_name(options.environment));
  REDOUBT_TRY(const auto state, sdk::EnvironmentState::open(session.config(), name));
  REDOUBT_TRY(const auto contract, state.contract());
  REDOUBT_TRY(const auto kept, kept_of(session, options, said.instance));
  if (!kept.knowledge.receipt_key) return Error(Code::not_found, "the receipt key of instance " + said.instance.hex() + " is not known here");
  session.next("join nothing that is said to follow this contract, and show the file to the other participants");
  REDOUBT_TRY(const auto shown, jobs::verify_hand_over(file, contract, *kept.knowledge.receipt_key));
  REDOUBT_TRY(const auto head, receipt::Checkpoint::verify(file.checkpoint, receipt::log_origin(said.instance), *kept.knowledge.receipt_key));
  if (kept.knowledge.kept && kept.knowledge.kept->head().size == head.head().size && kept.knowledge.kept->head() != head.head()) {
    REDOUBT_TRY(const auto fork, receipt::ForkProof::of(*kept.knowledge.kept, head));
    REDOUBT_CHECK(keep_proof(session, options, kept, fork.json()));
    return Error(Code::log_proof, "the log was forked: the hand-over stands in another one than you saw");
  }
  session.next("");
  if (!options.save.empty()) REDOUBT_CHECK(sdk::write_file(options.save, as_bytes(text), sdk::FileKind::open));
  if (!options.contract_out.empty()) REDOUBT_CHECK(sdk::write_file(options.contract_out, as_bytes(shown.next.canonical()), sdk::FileKind::open));
  if (session.json()) {
    print_json(session.out(), json::Object{{"contract", contract.digest().hex()},
                                           {"epoch", static_cast<std::int64_t>(shown.next.epoch)},
                                           {"instance", said.instance.hex()},
                                           {"next", shown.next.digest().hex()},
                                           {"votes", jobs::to_json(shown.verdict)}});
    return {};
  }
  Table table{{"term", "value"}, {}};
  for (const auto& term : sdk::terms_of(shown.next)) table.rows.push_back({term.name, term.value});
  print_table(session.out(), table);
  session.out() << "contract " << contract.digest().hex() << " was handed over to " << shown.next.digest().hex() << ": " << shown.verdict.reason << '\n';
  return {};
}

// Head: one side of a comparison; `log` where the file holds the entries too.
struct Head {
  receipt::Checkpoint checkpoint;
  std::optional<sdk::SavedLog> log;
};

// read_head: a saved log, or a receipt file whose checkpoint `key` signed.
Result<Head> read_head(const std::string& path, const std::optional<crypto::Ed25519PublicKey>& key) {
  REDOUBT_TRY(const std::string text, sdk::read_file(path, sdk::SavedLog::kMaxBytes));
  auto saved = sdk::SavedLog::parse(text);
  if (saved.ok()) {
    receipt::Checkpoint checkpoint = saved->checkpoint();
    return Head{std::move(checkpoint), std::move(*saved)};
  }
  const auto file = receipt::ReceiptFile::parse(text);
  if (!file.ok()) return saved.error().context(path);  // neither: it was meant to be a log
  if (!key) return Error(Code::usage, path + ": a receipt's checkpoint needs the key of the log; give the saved log first");
  REDOUBT_TRY(const auto body, receipt::ReceiptBody::parse(file->receipt.body).context(path));
  REDOUBT_TRY(auto checkpoint, receipt::Checkpoint::verify(file->receipt.checkpoint, receipt::log_origin(body.instance), *key).context(path));
  return Head{std::move(checkpoint), std::nullopt};
}

Status consistency(Session& session, const AuditOptions& options) {
  session.next("get the files again from their sources; `redoubt audit log --save FILE` writes one");
  REDOUBT_TRY(const auto first, read_saved(session, options.file));
  REDOUBT_TRY(const auto kept, kept_of(session, options, first.instance()));
  const auto& key = kept.knowledge.receipt_key;
  if (key && *key != first.checkpoint().key()) {
    return Error(Code::binding, options.file + ": expected receipt key " + key->hex() + ", found " + first.checkpoint().key().hex());
  }
  if (!key) session.warn("whose key signed these heads is not known here: that they fit says nothing");
  std::optional<Head> second;
  if (!options.other.empty()) {
    REDOUBT_TRY(second, read_head(options.other, first.checkpoint().key()));
  } else {
    session.next("name a second file, or the environment whose kept head to compare with");
    if (!kept.knowledge.kept) return Error(Code::not_found, "no head of the log of instance " + first.instance().hex() + " is kept here");
    second = Head{*kept.knowledge.kept, std::nullopt};
  }
  session.next("compare logs of one instance");
  const Head one{first.checkpoint(), first};
  if (second->checkpoint.key() != one.checkpoint.key() || second->checkpoint.head().origin != one.checkpoint.head().origin) {
    return Error(Code::log_proof, "checkpoints of two logs, or by two keys: " + one.checkpoint.head().origin + " and " + second->checkpoint.head().origin);
  }
  const bool grown = one.checkpoint.head().size <= second->checkpoint.head().size;
  const Head& larger = grown && (second->log || one.checkpoint.head().size < second->checkpoint.head().size) ? *second : one;
  const Head& smaller = &larger == &one ? *second : one;
  session.next("save the longer log with `redoubt audit log --save FILE`");
  if (!larger.log) return Error(Code::unavailable, "the entries up to " + std::to_string(larger.checkpoint.head().size) + " are not in the files");
  REDOUBT_TRY(const auto fork, receipt::fork_between(smaller.checkpoint, larger.checkpoint, larger.log->tree()));
  if (fork) {
    REDOUBT_CHECK(keep_proof(session, options, kept, *fork));
    return Error(Code::log_proof, "the log was forked: its " + std::to_string(smaller.checkpoint.head().size) + " entries are no prefix of its " +
                                      std::to_string(larger.checkpoint.head().size));
  }
  session.next(std::string(kNameTheKey));  // anybody can sign two heads that fit
  if (!key) return Error(Code::log_proof, "log.key: not shown: whose key signed the heads of instance " + first.instance().hex() + " is not known here");
  session.next("");
  REDOUBT_TRY(const auto proof, larger.log->tree().consistency(smaller.checkpoint.head().size, larger.checkpoint.head().size));
  if (session.json()) {
    json::Array hashes;
    for (const receipt::TreeHash& hash : proof) hashes.emplace_back(hash.hex());
    print_json(session.out(), json::Object{{"consistent", true}, {"from", std::to_string(smaller.checkpoint.head().size)}, {"proof", std::move(hashes)},
                                           {"to", std::to_string(larger.checkpoint.head().size)}});
  } else {
    session.out() << "consistent: the log of " << smaller.checkpoint.head().size << " entries is a prefix of that of "
                  << larger.checkpoint.head().size << '\n';
  }
  return {};
}

}  // namespace

void add_log_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("log", "what an instance wrote down")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<AuditOptions>();
  CLI::App* all = add_verb(commands, noun, "show", "show every entry, checked against the signed head", {"redoubt log show -e study"},
                           [&session, options] { return show_log(session, *options, true, false); });
  CLI::App* check = add_verb(commands, noun, "verify", "rebuild the tree and hold it against the head that was kept", {"redoubt log verify"},
                             [&session, options] { return show_log(session, *options, false, false); });
  for (CLI::App* verb : {all, check}) verb->add_option("-e,--environment", options->environment, "name of the environment");
}

void add_audit_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("audit", "logs in files, held against receipts and what was seen before")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<AuditOptions>();
  CLI::App* read = add_verb(commands, noun, "log", "show every entry and what it is about, and save the log; or show a saved one",
                            {"redoubt audit log --save log.json --documents documents.json", "redoubt audit log log.json --documents documents.json"},
                            [&session, options] { return show_log(session, *options, true, true); });
  read->add_option("file", options->file, "a saved log, read offline");
  read->add_option("--save", options->save, "write entries and signed head to this file");
  read->add_option("--documents", options->documents, "with --save: write what participants signed that the entries are about; with a saved log: read it");
  CLI::App* check = add_verb(commands, noun, "verify", "check a saved log, and receipts against it, offline; or a proof that a log was forked",
                             {"redoubt audit verify log.json --receipt receipt.json --documents documents.json", "redoubt audit verify fork-1.json"},
                             [&session, options] { return verify(session, *options); });
  check->add_option("file", options->file, "the saved log, or the proof")->required();
  check->add_option("--receipt", options->receipts, "a receipt file that must stand in the log");
  check->add_option("--documents", options->documents, "what participants signed, as `audit log --save` wrote it: entries of datasets, keys, ballots and budgets are computed from it");
  CLI::App* compare = add_verb(commands, noun, "consistency", "is one log a prefix of the other? Offline; a fork is proved in a file",
                               {"redoubt audit consistency log.json", "redoubt audit consistency mine.json theirs.json --proof fork.json"},
                               [&session, options] { return consistency(session, *options); });
  compare->add_option("file", options->file, "a saved log")->required();
  compare->add_option("other", options->other, "another saved log, or a receipt file; default: the head that you keep");
  CLI::App* next = add_verb(commands, noun, "hand-over", "verify that the contract you hold was handed over to another, by its own participants' ballots",
                            {"redoubt audit hand-over -e study --contract-out next.json", "redoubt audit hand-over hand-over.json -e study"},
                            [&session, options] { return hand_over(session, *options); });
  next->add_option("file", options->file, "a hand-over file; default: as the program gives it");
  next->add_option("--save", options->save, "write the hand-over file to this file");
  next->add_option("--contract-out", options->contract_out, "write the next contract to this file");
  for (CLI::App* verb : {check, compare, next}) {
    verb->add_option("--proof", options->proof, "where to write the proof of a fork; default: the environment's folder");
    verb->add_option("--receipt-key", options->receipt_key, "receipt key of the instance, hexadecimal; default: as it was learned when you verified it");
  }
  for (CLI::App* verb : {read, check, compare, next}) verb->add_option("-e,--environment", options->environment, "name of the environment");
}

}  // namespace redoubt::cli
