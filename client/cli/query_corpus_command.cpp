// query corpus: labelled queries through a real clean room on this machine, and the two shares that come of it.
#include <signal.h>

#include <algorithm>
#include <ostream>
#include <thread>

#include "client/cli/commands.h"
#include "client/cli/schema_files.h"
#include "client/corpus/corpus_run.h"
#include "client/corpus/default_tables.h"
#include "client/sdk/files.h"

namespace redoubt::cli {
namespace {

constexpr std::size_t kMaxFixture = 60 * 1024;

struct CorpusOptions {
  std::string corpus, fixture, scratch = "/tmp", tpm_ca;
  std::vector<std::string> schemas;
  int k = 10, rooms = 0;
};

// HeldSignals: whoever ends the command is heard only when the hub and its folder are gone; the signal does its work then.
class HeldSignals {
 public:
  HeldSignals() {
    ::sigemptyset(&held_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&held_, signal);
    ::pthread_sigmask(SIG_BLOCK, &held_, &before_);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  bool any() const {
    sigset_t pending;
    if (::sigpending(&pending) != 0) return false;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      if (::sigismember(&pending, signal) == 1 && ::sigismember(&before_, signal) == 0) return true;
    }
    return false;
  }

 private:
  sigset_t held_{};
  sigset_t before_{};
};

// rooms_of: what was asked for, or what this machine can do.
std::size_t rooms_of(int asked) {
  if (asked > 0) return static_cast<std::size_t>(asked);
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, 8);
}

std::string share(std::uint64_t part, std::uint64_t whole) {
  std::string text = std::to_string(part) + " of " + std::to_string(whole);
  if (whole == 0) return text;
  const std::uint64_t tenths = part * 1000 / whole;  // rounded down: 100 % is all of them
  return text + " (" + std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %)";
}

void print_score(Session& session, const corpus::Score& score) {
  const auto number = [](std::uint64_t value) { return json::Value(static_cast<std::int64_t>(value)); };
  if (session.json()) {
    session.out() << json::canonical(json::Object{{"as_labelled", number(score.as_labelled)}, {"attacks", number(score.attacks)},
                                                  {"attacks_refused", number(score.refused)}, {"entries", number(score.entries)},
                                                  {"errors", number(score.errors)},           {"honest", number(score.honest)},
                                                  {"honest_accepted", number(score.accepted)}, {"labelled", number(score.labelled)}})
                  << '\n';
    return;
  }
  session.out() << "attacks refused: " << share(score.refused, score.attacks) << "\nhonest accepted: " << share(score.accepted, score.honest)
                << "\nas labelled: " << share(score.as_labelled, score.labelled) << "; could not be run: " << score.errors << '\n';
}

// misses: the first ids, for people.
std::string misses(const corpus::Score& score) {
  constexpr std::size_t most = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, score.misses.size()); ++i) text += (i == 0 ? "" : ", ") + shown(score.misses[i]);
  return text + (score.misses.size() > most ? ", ..." : "");
}

Status run_corpus_command(Session& session, const CorpusOptions& options) {
  session.next("give a corpus {\"queries\": [...]} and, with --fixture, the script that makes its tables");
  REDOUBT_TRY(const std::string text, sdk::read_file(options.corpus, corpus::kMaxCorpus));
  REDOUBT_TRY(const corpus::Corpus read, corpus::read_corpus(text, options.k));
  REDOUBT_TRY(const std::string script, sdk::read_file(options.fixture, kMaxFixture));
  auto columns = corpus::default_tables();
  if (!options.schemas.empty()) {
    REDOUBT_TRY(columns, read_schema_files(options.schemas));
  }
  Surroundings& world = session.world();
  const HeldSignals signals;
  session.next("see that the script makes the tables of the schema, and that redoubt-cleanroom-engine stands beside this program and runs here");
  REDOUBT_TRY(const auto beside, corpus::Beside::make(world.programs / "redoubt-cleanroom-engine", script, columns, [&] { return signals.any(); }));
  session.next("see that `redoubt up` starts a hub on this machine");
  Progress bar = session.progress("query corpus");
  const auto told = [&](const corpus::Entry& entry, const corpus::Outcome& outcome) {
    bar.wipe();
    session.out() << corpus::line_of(entry, outcome) << '\n' << std::flush;
  };
  const auto warn = [&](const std::string& line) {
    bar.wipe();
    session.warn(line);
  };
  const corpus::RunPlan plan{world.programs, options.scratch, options.tpm_ca, read, beside, rooms_of(options.rooms), world.random, world.now, world.sleep,
                             world.appraise, world.make_credential, told,
                             [&](std::size_t done, std::size_t total) { bar.bar(done, total, "entries"); }, warn, [&] { return signals.any(); }};
  const auto score = corpus::run_corpus(plan);
  bar.wipe();
  REDOUBT_CHECK(score);
  print_score(session, *score);
  if (score->labelled == 0) session.warn("no entry has a label (expect): nothing was held against what it should have been");
  if (score->whole()) return {};
  session.next("compare these entries' labels with their lines above");
  return Error(Code::refused, std::to_string(score->misses.size()) + " of " + std::to_string(score->entries) +
                                  " entries did not come out as labelled: " + misses(*score));
}

}  // namespace

void add_query_corpus_command(Commands& commands, CLI::App* query) {
  const auto options = std::make_shared<CorpusOptions>();
  CLI::App* verb = add_verb(commands, query, "corpus",
                            "run labelled queries through a real room under a throw-away contract: one JSON line per entry, then the shares of "
                            "attacks refused and of honest queries accepted",
                            {"redoubt query corpus CORPUS.json --fixture fixture.sql",
                             "redoubt query corpus CORPUS.json --fixture fixture.sql --schema study.json --rooms 4 -o json"},
                            [&session = commands.session, options] { return run_corpus_command(session, *options); });
  verb->add_option("corpus", options->corpus, "JSON {\"queries\": [{id, privacy_level, sql, expect, after, released_rows}, ...]}")->required();
  verb->add_option("--fixture", options->fixture, "script of statements that makes the tables; it runs in the engine's sandbox")->required();
  verb->add_option("--schema", options->schemas, "NAME=FILE with the schema of one dataset, or a FILE {\"datasets\": {NAME: schema}}; may be repeated; "
                                                 "default: patients and claims (docs/specs/query-rules.md)");
  verb->add_option("--k", options->k, "smallest number of units behind a row, where the corpus gives none; default: 10")->check(CLI::Range(2, 1000));
  verb->add_option("--rooms", options->rooms, "rooms at a time; default: one for each processor, 2 to 8")->check(CLI::Range(1, 16));
  verb->add_option("--scratch", options->scratch, "folder in which the hub's state is made, and removed in the end; default: /tmp");
  verb->add_option("--tpm-ca", options->tpm_ca, "certificate authority of software TPMs (the folder tpm-ca of a hub's state) that the hub starts with a copy of; default: one made anew");
}

}  // namespace redoubt::cli
