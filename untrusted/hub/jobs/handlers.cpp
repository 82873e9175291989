#include "untrusted/hub/jobs/handlers.h"

#include "common/jobs/cleanroom/ballot.h"
#include "common/receipt/receipt_file.h"

namespace redoubt::hub {
namespace {

constexpr std::uint64_t kAttempts = 8;
constexpr std::chrono::seconds kStartTime{90};
constexpr std::size_t kMaxReason = 400;

// payload: {"environment": ID, "subject": ID}, written and read here alone.
struct Payload {
  std::string environment;
  std::string subject;
};

// A job runs where its environment's program is.
Status add(Transaction& transaction, std::string id, std::string_view kind, const Payload& payload, Instant now) {
  REDOUBT_TRY(const Environment environment, get_environment(transaction, payload.environment));
  Job job;
  job.id = std::move(id);
  job.kind = kind;
  job.payload = json::canonical(json::Object{{"environment", payload.environment}, {"subject", payload.subject}});
  job.home = environment.home;
  job.max_attempts = kAttempts;
  job.run_after = job.created = now;
  return add_job(transaction, job);
}

Result<Payload> read_payload(const Job& job) {
  REDOUBT_TRY(const json::Value value, json::parse(job.payload));
  json::ObjectReader reader(value, "payload");
  Payload payload{reader.string("environment"), reader.string("subject")};
  REDOUBT_CHECK(reader.finish());
  return payload;
}

// puts_off: the program, or who it waits for, will say something else later. breaks: it said nothing that counts.
bool puts_off(const Error& error) { return error.code() == Code::unavailable; }
bool breaks(const Error& error) { return error.code() == Code::internal; }

// Runner: one attempt to run a query. All that it writes, it writes while its lease holds: a hub that was paused meanwhile, and whose job
// another has taken, changes nothing.
class Runner {
 public:
  Runner(Store& store, InstanceHost& host, const Clock& now, const Job& job, Payload payload)
      : store_(store), host_(host), now_(now), lease_(job.lease()), before_(job.detail), environment_(std::move(payload.environment)), id_(std::move(payload.subject)) {}

  JobEnd run() {
    auto query = store_.read([&](Transaction& transaction) { return get_query(transaction, id_); });
    if (!query.ok()) return {query.error().code() == Code::not_found ? JobEnd::Kind::failed : JobEnd::Kind::wait, query.error().message()};
    state_ = query->state;
    // Never ended while it is voted on: a vote that meets the rule at this moment finds this run, and leaves it alone.
    if (state_ == QueryState::proposed) return {JobEnd::Kind::wait, query->detail};
    if (state_ != QueryState::queued && state_ != QueryState::running && state_ != QueryState::waiting_for_keys) {
      return {JobEnd::Kind::done, ""};  // an earlier attempt, or the instance host, has ended it
    }
    if (lease_.fence > kMaxRuns) return end(QueryState::failed, "not run in " + std::to_string(kMaxRuns) + " attempts: " + before_);
    const auto manifests = manifests_of(*query);
    if (!manifests.ok()) return fail(manifests.error());
    const auto ready = host_.ready(environment_, *manifests);
    if (!ready.ok() || !*ready) return wait("datasets wait for their owners' keys");
    if (const Status known = host_.redeliver(environment_, *query); !known.ok()) {
      if (puts_off(known.error())) return later(known.error());
      if (breaks(known.error())) return again(known.error());
      if (lapses(known.error())) return vote_again(known.error());
      return known.error().code() == Code::binding ? end(QueryState::failed, kApproveAgain) : fail(known.error());
    }
    if (state_ != QueryState::running) {
      const Status moved = move(QueryState::running, "");
      if (!moved.ok()) return {JobEnd::Kind::retry, moved.error().message()};
    }
    const Status done = host_.run(environment_, id_, [this](Transaction& transaction, const RoomRun& output) { return finish(transaction, output); });
    if (done.ok()) return {JobEnd::Kind::done, ""};
    if (lapses(done.error())) return vote_again(done.error());
    if (puts_off(done.error())) return later(done.error());
    return breaks(done.error()) ? again(done.error()) : fail(done.error());
  }

 private:
  static Result<std::vector<std::string>> manifests_of(const Query& query) {
    REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(query.proposal, jobs::Proposal::kMaxBytes));
    REDOUBT_TRY(const auto proposal, jobs::Proposal::parse(document.text));
    std::vector<std::string> out;
    for (const auto& manifest : proposal.terms.manifests) out.push_back(manifest.hex());
    return out;
  }

  Status move(QueryState to, std::string_view detail) {
    const Status moved = store_.write("query.state", [&](Transaction& transaction) -> Status {
      REDOUBT_CHECK(hold_lease(transaction, lease_));
      return set_query_state(transaction, id_, state_, to, detail, now_());
    });
    if (moved.ok()) state_ = to;
    return moved;
  }

  JobEnd end(QueryState to, std::string_view reason) {
    const Status moved = move(to, reason);
    if (!moved.ok()) return {JobEnd::Kind::retry, moved.error().message()};
    return {JobEnd::Kind::done, ""};
  }
  JobEnd fail(const Error& error) { return end(QueryState::failed, error.message().substr(0, kMaxReason)); }
  // again: one more attempt, while there are any. later: when whoever the program waits for may have acted; no attempt is lost.
  JobEnd again(const Error& error) { return back(QueryState::queued, JobEnd::Kind::retry, error); }
  JobEnd later(const Error& error) { return back(QueryState::waiting_for_keys, JobEnd::Kind::wait, error); }
  JobEnd back(QueryState to, JobEnd::Kind how, const Error& error) {
    const std::string reason = error.message().substr(0, kMaxReason);
    const Status moved = move(to, reason);
    if (!moved.ok()) return {JobEnd::Kind::retry, moved.error().message()};
    return {how, reason};
  }
  // vote_again: the approval that lapsed can be renewed; this run looks again then.
  JobEnd vote_again(const Error& error) {
    const std::string reason = error.message().substr(0, kMaxReason) + std::string(kVoteAgain);
    const Status moved = move(QueryState::proposed, reason);
    if (!moved.ok()) return {JobEnd::Kind::retry, moved.error().message()};
    return {JobEnd::Kind::wait, reason};
  }
  JobEnd wait(std::string_view reason) {
    if (state_ != QueryState::waiting_for_keys) {
      const Status moved = move(QueryState::waiting_for_keys, reason);
      if (!moved.ok()) return {JobEnd::Kind::retry, moved.error().message()};
    }
    host_.poke(environment_);
    return {JobEnd::Kind::park, std::string(reason)};
  }

  Status finish(Transaction& transaction, const RoomRun& output) {
    REDOUBT_CHECK(hold_lease(transaction, lease_));
    REDOUBT_TRY(const auto file, receipt::ReceiptFile::parse(output.receipt).context("the program's receipt"));
    REDOUBT_TRY(const auto body, receipt::ReceiptBody::parse(file.receipt.body).context("the program's receipt"));
    std::vector<ResultRecord> results;
    for (const auto& [recipient, sealed] : output.packages) results.push_back({recipient, sealed, now_()});
    return finish_query(transaction, id_, results, {body.instance, body.sequence, output.receipt, now_()});
  }

  Store& store_;
  InstanceHost& host_;
  const Clock& now_;
  const Lease lease_;
  const std::string before_;  // what became of the attempt before
  const std::string environment_;
  const std::string id_;
  QueryState state_ = QueryState::queued;
};

}  // namespace

Status add_start_job(Transaction& transaction, const std::string& environment, Instant now) {
  return add(transaction, "start-" + crypto::sha256(as_bytes(environment)).hex().substr(0, 56), kStartJob, {environment, environment}, now);
}

Status add_deliver_job(Transaction& transaction, const std::string& environment, const std::string& manifest, Instant now) {
  return add(transaction, "put-" + manifest.substr(0, 60), kDeliverJob, {environment, manifest}, now);
}

Status add_run_job(Transaction& transaction, const std::string& environment, const std::string& query, Instant now) {
  if (const auto known = get_job(transaction, run_job_id(query)); known.ok()) {
    return repeat_job(transaction, known->id, now);
  }
  return add(transaction, run_job_id(query), kRunJob, {environment, query}, now);
}

std::map<std::string, Worker::Handler> job_handlers(Store& store, InstanceHost& host, Clock now) {
  const auto bad = [](const Error& error) { return JobEnd{JobEnd::Kind::failed, error.message()}; };
  std::map<std::string, Worker::Handler> out;
  out[std::string(kStartJob)] = [&host, bad](const Job& job) {
    const auto payload = read_payload(job);
    if (!payload.ok()) return bad(payload.error());
    host.ensure(payload->environment);
    const InstanceView view = host.await(payload->environment, kStartTime);
    if (view.state == "running") return JobEnd{};
    return JobEnd{JobEnd::Kind::retry, view.reason};
  };
  out[std::string(kDeliverJob)] = [&host, bad](const Job& job) {
    const auto payload = read_payload(job);
    if (!payload.ok()) return bad(payload.error());
    const Status delivered = host.deliver(payload->environment);
    // The instance host delivers again whenever a program opens, so a room that is not open is no failure.
    host.poke(payload->environment);
    return JobEnd{JobEnd::Kind::done, delivered.ok() ? "" : delivered.error().message()};
  };
  out[std::string(kRunJob)] = [&store, &host, now, bad](const Job& job) {
    auto payload = read_payload(job);
    if (!payload.ok()) return bad(payload.error());
    return Runner(store, host, now, job, std::move(*payload)).run();
  };
  return out;
}

std::map<std::string, Worker::GivenUp> given_up_handlers(Clock now) {
  std::map<std::string, Worker::GivenUp> out;
  out[std::string(kRunJob)] = [now](Transaction& transaction, const Job& job, const std::string& reason) -> Status {
    REDOUBT_TRY(const Payload payload, read_payload(job));
    const auto query = get_query(transaction, payload.subject);
    if (!query.ok()) return query.error().code() == Code::not_found ? Status() : query.error();
    if (query->state != QueryState::queued && query->state != QueryState::running && query->state != QueryState::waiting_for_keys) return {};
    return set_query_state(transaction, query->id, query->state, QueryState::failed, reason.substr(0, kMaxReason), now());
  };
  return out;
}

}  // namespace redoubt::hub
