#include "client/corpus/corpus_run.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "client/corpus/live_room.h"
#include "client/corpus/local_hub.h"

namespace redoubt::corpus {
namespace {

constexpr std::size_t kMaxVersions = 64;  // of datasets in one room, before another is opened
constexpr std::size_t kPart = 24;         // entries that one engine examines
constexpr std::chrono::milliseconds kLook{200};

Outcome failed(std::string why) { return {Verdict::error, "", std::nullopt, std::move(why)}; }

// Runner: one thread's rooms, one after another, and the entries that it puts to them.
class Runner {
 public:
  Runner(const RunPlan& plan, sdk::HubOptions hub, std::string name, const std::vector<Examined>& examined)
      : plan_(plan), hub_(std::move(hub)), name_(std::move(name)), examined_(examined) {}

  // run judges one entry. What a room that broke on the way leaves undone is done once more in another.
  Outcome run(std::size_t index) {
    const Entry& entry = plan_.corpus.entries[index];
    if (!entry.problem.empty()) return failed(entry.problem);
    const auto level = jobs::parse_privacy_level(entry.level);
    if (!level.ok()) return without_room(index);
    Result<Outcome> outcome = attempt(index, *level);
    if (outcome.ok()) return *outcome;
    if (outcome.error().code() == Code::unavailable || outcome.error().code() == Code::internal) {
      room_.reset();
      outcome = attempt(index, *level);
    }
    if (outcome.ok()) return *outcome;
    room_.reset();
    return failed(outcome.error().message());
  }

  // broken: no room could be opened the last time that one was needed.
  const Status& broken() const { return broken_; }

 private:
  // without_room: a level at which rooms take no proposals; the rules of the text hold all the same.
  Outcome without_room(std::size_t index) const {
    const Entry& entry = plan_.corpus.entries[index];
    if (!examined_[index].rule.empty()) return {Verdict::reject, examined_[index].rule, std::nullopt, ""};
    return failed("privacy_level: the room takes no proposals at \"" + entry.level.substr(0, 64) + "\"");
  }

  Status open() {
    if (room_ && room_->versions() < kMaxVersions) return {};
    room_.reset();
    int k = 1000;
    for (const Entry& entry : plan_.corpus.entries) k = std::min(k, entry.k);
    auto opened = LiveRoom::open({name_ + "-" + std::to_string(++opened_), hub_, plan_.programs / "redoubt-cleanroom", plan_.beside.columns(),
                                  plan_.beside.tables(), k, plan_.random, plan_.now, plan_.sleep, plan_.appraise, plan_.make_credential});
    broken_ = opened.ok() ? Status() : Status(opened.error());
    REDOUBT_CHECK(broken_);
    room_ = std::move(*opened);
    return {};
  }

  // datasets_of: those that the text reads; all of them for a text that is refused, so that the room can say why.
  std::vector<std::string> datasets_of(std::size_t index) const {
    if (examined_[index].rule.empty() && examined_[index].told) return examined_[index].datasets;
    std::vector<std::string> all;
    for (const auto& [name, csv] : plan_.beside.tables()) all.push_back(name);
    return all;
  }

  Result<Reply> ask(std::size_t index) {
    const Entry& entry = plan_.corpus.entries[index];
    REDOUBT_TRY(const auto level, jobs::parse_privacy_level(entry.level));
    return room_->ask({entry.sql, level, entry.k, datasets_of(index)});
  }

  Result<Outcome> attempt(std::size_t index, jobs::PrivacyLevel level) {
    const Entry& entry = plan_.corpus.entries[index];
    REDOUBT_CHECK(open());
    std::vector<std::size_t> chain = entry.after;
    chain.push_back(index);
    for (const std::size_t one : chain) {
      // What is refused as a proposal leaves nothing behind, so it needs nothing new either.
      if (plan_.corpus.entries[one].level != "none" && examined_[one].rule.empty()) REDOUBT_CHECK(room_->fresh(datasets_of(one)));
    }
    std::vector<const Entry*> before;
    for (const std::size_t earlier : entry.after) {
      REDOUBT_TRY(const Reply reply, ask(earlier));
      before.push_back(&plan_.corpus.entries[earlier]);
      if (!reply.accepted) return failed("after: entry \"" + before.back()->id + "\" was refused" + (reply.rule.empty() ? "" : " by rule " + reply.rule));
    }
    REDOUBT_TRY(const Reply reply, ask(index));
    if (!reply.accepted && !reply.rule.empty()) return Outcome{Verdict::reject, reply.rule, std::nullopt, ""};
    if (!reply.accepted) {
      REDOUBT_TRY(std::string rule, plan_.beside.why_unanswered(entry, before));
      return Outcome{Verdict::reject, std::move(rule), std::nullopt, ""};
    }
    if (level != jobs::PrivacyLevel::aggregate_only && level != jobs::PrivacyLevel::k_anonymized) return Outcome{Verdict::allow, "", reply.rows, ""};
    if (!examined_[index].withheld) return failed("accepted, but it could not be told whether anything was withheld");
    return Outcome{*examined_[index].withheld == 0 ? Verdict::allow : Verdict::allow_suppressed, "", reply.rows, ""};
  }

  const RunPlan& plan_;
  const sdk::HubOptions hub_;
  const std::string name_;
  const std::vector<Examined>& examined_;
  std::unique_ptr<LiveRoom> room_;
  std::size_t opened_ = 0;
  Status broken_;
};

// examine_all: every entry beside the room, on as many threads as there are rooms.
std::vector<Examined> examine_all(const RunPlan& plan) {
  const auto& entries = plan.corpus.entries;
  std::vector<Examined> out(entries.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t from = next.fetch_add(kPart); from < entries.size() && !plan.interrupted(); from = next.fetch_add(kPart)) {
      std::vector<const Entry*> part;
      for (std::size_t i = from; i < std::min(from + kPart, entries.size()); ++i) part.push_back(&entries[i]);
      auto examined = plan.beside.examine(part, plan.interrupted);
      std::ranges::move(examined, out.begin() + static_cast<std::ptrdiff_t>(from));
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < plan.rooms; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return out;
}

// Desk: what the threads have done, for the one that tells of it.
class Desk {
 public:
  explicit Desk(std::size_t count) : outcomes_(count) {}

  std::optional<std::size_t> take() {
    const std::lock_guard lock(mutex_);
    if (stopped_ || next_ >= outcomes_.size()) return std::nullopt;
    return next_++;
  }
  void put(std::size_t index, Outcome outcome) {
    const std::lock_guard lock(mutex_);
    outcomes_[index] = std::move(outcome);
    ++done_;
    changed_.notify_one();
  }
  // left: a thread goes; with an Error when it could open no room.
  void left(const Status& why) {
    const std::lock_guard lock(mutex_);
    if (!why.ok() && why_.ok()) why_ = why;
    stopped_ = stopped_ || !why.ok();
    ++left_;
    changed_.notify_one();
  }

  // tell passes outcomes on until all are told, or all of `threads` have left. When the run is interrupted it calls `stop` once, and what is
  // under way may fail.
  Status tell(const RunPlan& plan, std::size_t threads, const std::function<void()>& stop, Score& score) {
    std::size_t told = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait_for(lock, kLook);
      const bool last = left_ == threads;
      if (!interrupted_ && plan.interrupted()) {
        interrupted_ = stopped_ = true;
        why_ = Error(Code::unavailable, "interrupted");
        lock.unlock();
        stop();
        lock.lock();
        continue;
      }
      if (interrupted_) {
        if (last) return why_;
        continue;
      }
      plan.progress(done_, outcomes_.size());
      while (told < outcomes_.size() && outcomes_[told]) {
        const Entry& entry = plan.corpus.entries[told];
        score.count(entry, *outcomes_[told]);
        plan.told(entry, *outcomes_[told]);
        ++told;
      }
      if (last) return told == outcomes_.size() ? Status() : why_;
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::optional<Outcome>> outcomes_;
  std::size_t next_ = 0, done_ = 0, left_ = 0;
  bool stopped_ = false, interrupted_ = false;
  Status why_;
};

}  // namespace

Result<Score> run_corpus(const RunPlan& plan) {
  for (const char* program : {"redoubt-hub", "redoubt-cleanroom", "redoubt-cleanroom-engine"}) {
    std::error_code error;
    if (!std::filesystem::exists(plan.programs / program, error)) return Error(Code::missing_dependency, "no program " + (plan.programs / program).string());
  }
  REDOUBT_TRY(LocalHub hub, LocalHub::start(plan.programs, plan.scratch, plan.tpm_ca, plan.warn));
  const std::vector<Examined> examined = examine_all(plan);
  if (plan.interrupted()) return Error(Code::unavailable, "interrupted");
  Desk desk(plan.corpus.entries.size());
  std::vector<sdk::HubOptions> callers;
  for (std::size_t i = 0; i < plan.rooms; ++i) {
    REDOUBT_TRY(callers.emplace_back(), hub.caller("corpus-" + std::to_string(i + 1)));
  }
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < plan.rooms; ++i) {
    threads.emplace_back([&, i] {
      Runner runner(plan, callers[i], "corpus-" + std::to_string(i + 1), examined);
      while (const auto index = desk.take()) {
        desk.put(*index, runner.run(*index));
        if (!runner.broken().ok()) break;
      }
      desk.left(runner.broken());
    });
  }
  Score score;
  const Status told = desk.tell(plan, threads.size(), [&] { hub.stop(); }, score);
  for (std::thread& thread : threads) thread.join();
  REDOUBT_CHECK(told);
  return score;
}

}  // namespace redoubt::corpus
